/** A stretch of two lists of pairs (item, how often in a row). */
export type Aligned =
  | { readonly type: 'same'; readonly items: readonly number[] }
  | { readonly type: 'changed'; readonly old: readonly number[]; readonly now: readonly number[] };

/** Cells of the table two lists are aligned with; longer ones are compared from both ends only. */
const MAX_CELLS = 1 << 22;

/** A longest common subsequence of two lists of pairs, as stretches in order. A pair is the same with the same count. */
export const alignSequences = (old: ArrayLike<number>, now: ArrayLike<number>): readonly Aligned[] => {
  const isSame = (i: number, j: number): boolean => old[2 * i] === now[2 * j] && old[2 * i + 1] === now[2 * j + 1];
  const [rows, columns] = [old.length / 2, now.length / 2];
  let head = 0;
  while (head < rows && head < columns && isSame(head, head)) head++;
  let tail = 0;
  while (tail < rows - head && tail < columns - head && isSame(rows - 1 - tail, columns - 1 - tail)) tail++;
  const out = new Stretches(old, now);
  for (let at = 0; at < head; at++) out.same(at);
  middle(head, rows - tail, columns - tail, isSame, out);
  for (let at = rows - tail; at < rows; at++) out.same(at);
  return out.parts;
};

const middle = (
  head: number,
  rowEnd: number,
  columnEnd: number,
  isSame: (i: number, j: number) => boolean,
  out: Stretches,
): void => {
  const width = columnEnd - head + 1;
  const height = rowEnd - head + 1;
  let i = head;
  let j = head;
  if (width * height <= MAX_CELLS) {
    const length = commonLengths(head, rowEnd, columnEnd, isSame);
    while (i < rowEnd && j < columnEnd) {
      if (isSame(i, j)) {
        out.same(i++);
        j++;
      } else if (
        (length[(i + 1 - head) * width + j - head] as number) >= (length[(i - head) * width + j + 1 - head] as number)
      ) {
        out.removed(i++);
      } else out.added(j++);
    }
  }
  while (i < rowEnd) out.removed(i++);
  while (j < columnEnd) out.added(j++);
};

/** Length of the longest common subsequence from (i, j) on, row by row. */
const commonLengths = (
  head: number,
  rowEnd: number,
  columnEnd: number,
  isSame: (i: number, j: number) => boolean,
): Uint32Array => {
  const width = columnEnd - head + 1;
  const length = new Uint32Array((rowEnd - head + 1) * width);
  for (let i = rowEnd - 1; i >= head; i--) {
    for (let j = columnEnd - 1; j >= head; j--) {
      const at = (i - head) * width + j - head;
      length[at] = isSame(i, j)
        ? (length[at + width + 1] as number) + 1
        : Math.max(length[at + width] as number, length[at + 1] as number);
    }
  }
  return length;
};

class Stretches {
  readonly parts: Aligned[] = [];
  private readonly oldList: ArrayLike<number>;
  private readonly newList: ArrayLike<number>;
  private items: number[] | undefined;
  private change: { old: number[]; now: number[] } | undefined;

  constructor(oldList: ArrayLike<number>, newList: ArrayLike<number>) {
    this.oldList = oldList;
    this.newList = newList;
  }

  same(i: number): void {
    this.change = undefined;
    if (this.items === undefined) {
      this.items = [];
      this.parts.push({ type: 'same', items: this.items });
    }
    this.items.push(this.oldList[2 * i] as number, this.oldList[2 * i + 1] as number);
  }

  removed(i: number): void {
    this.changed().old.push(this.oldList[2 * i] as number, this.oldList[2 * i + 1] as number);
  }

  added(j: number): void {
    this.changed().now.push(this.newList[2 * j] as number, this.newList[2 * j + 1] as number);
  }

  private changed(): { old: number[]; now: number[] } {
    this.items = undefined;
    if (this.change === undefined) {
      this.change = { old: [], now: [] };
      this.parts.push({ type: 'changed', ...this.change });
    }
    return this.change;
  }
}
