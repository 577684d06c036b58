/** A comparison of two traces as people read it: git's signs, the divergence first. */
import type { Divergence, FunctionDiff, HunkLine, Place, TraceDiff, TreeHunk } from '../index.js';
import { type BranchInsn, returnNote } from './diff-branch.js';
import { escapeText } from './escape.js';
import { counted, groupDigits } from './number-text.js';

type Side = 'old' | 'new';

const SIGNS: Readonly<Record<Side, string>> = { old: '-', new: '+' };
/** Column where what stands beside a line begins. */
const NOTE_COLUMN = 38;
const MAX_FRAMES = 12;
const MAX_NAMES = 6;

const clockText = (clock: number): string => `clock ${groupDigits(clock)}`;

const placeText = ({ module, offset, symbol, symbolOffset, source }: Place): string => {
  const line = source === undefined ? '' : `, ${source}`;
  if (symbol === offset) return `${module === '' ? offset : `${module}!${offset}`}${line}`;
  return `${symbol}${symbolOffset === 0 ? '' : `+0x${symbolOffset.toString(16)}`}${line}`;
};

const exitText = ({ exit }: TraceDiff['old']): string => {
  if (exit === undefined) return 'no end recorded';
  if (exit.code !== undefined) return `exit ${exit.code}`;
  return exit.signal === undefined ? exit.reason : `killed by signal ${exit.signal}`;
};

/** The two lines that say what is compared. */
const headLines = (diff: TraceDiff): string[] => {
  const cells = [diff.old, diff.new].map((trace) => [
    trace.file,
    trace.program,
    exitText(trace),
    groupDigits(trace.insns),
  ]);
  const width = (column: number): number => Math.max(...cells.map((row) => row[column].length));
  return cells.map(([file, program, exit, insns], row) =>
    [
      row === 0 ? '---' : '+++',
      `${file.padEnd(width(0))}   ${program.padEnd(width(1))}   ${exit.padEnd(width(2))}   ${insns.padStart(width(3))} insns`,
    ].join(' '),
  );
};

/** Frames from `main` on, where there is one. */
export const shownStack = (stack: readonly string[]): readonly string[] => {
  const main = stack.indexOf('main');
  return main < 0 ? stack : stack.slice(main);
};

const stackText = (stack: readonly string[]): string => {
  const shown = shownStack(stack);
  return (shown.length > MAX_FRAMES ? ['...', ...shown.slice(-MAX_FRAMES)] : shown).join(' > ');
};

const thenText = (divergence: Divergence, side: Side): string => {
  const { transfer } = divergence[side];
  if (transfer === undefined) return 'then no more calls';
  const what = transfer.kind === 'call' ? `called ${transfer.toFunction}` : `returned to ${transfer.toFunction}`;
  return `then ${what} (${clockText(transfer.clock)})`;
};

const beside = (left: string, right: string): string =>
  right === '' ? left : `${left.padEnd(NOTE_COLUMN - 1)} ${right}`;

/** Where one side went after the last block both ran. */
const wayText = ({ block, ...divergence }: Divergence, side: Side): string => {
  const { step, next } = divergence[side];
  if (step === undefined) return 'ended here';
  if (step.kind === 'call') return `called ${step.toFunction}`;
  if (step.kind === 'return') return `returned to ${step.to === undefined ? '' : placeText(step.to)}`;
  return next === block?.endOffset ? `fell through to ${next}` : `branched to     ${next}`;
};

const sideLine = (divergence: Divergence, side: Side): string => {
  const { step } = divergence[side];
  const isTransfer = step === undefined || step.kind === 'call' || step.kind === 'return';
  const right = !isTransfer ? thenText(divergence, side) : step === undefined ? '' : `(${clockText(step.clock)})`;
  return beside(`  ${SIGNS[side]}   ${wayText(divergence, side)}`, right);
};

const stepText = (divergence: Divergence): string => {
  const { last } = divergence;
  if (last === undefined) return 'at the very beginning';
  if (last.kind === 'call')
    return `after ${last.toFunction} was called from ${placeText(last.at)} (${clockText(last.clock)})`;
  if (last.kind === 'return')
    return `after the return to ${last.to === undefined ? '' : placeText(last.to)} (${clockText(last.clock)})`;
  return `after ${placeText(last.at)} first ran (${clockText(last.clock)})`;
};

const callSideLine = (divergence: Divergence, side: Side): string => {
  const { step } = divergence[side];
  if (step === undefined) return `  ${SIGNS[side]}   had no more events`;
  const at = step.kind === 'block' || step.kind === 'instruction' ? '' : ` at ${placeText(step.at)}`;
  const what =
    step.kind === 'call'
      ? `called ${step.toFunction}`
      : step.kind === 'return'
        ? `returned to ${step.toFunction}`
        : `ran ${placeText(step.at)} for the first time`;
  return beside(`  ${SIGNS[side]}   ${what}${at}`, `(${clockText(step.clock)})`);
};

const commonText = (diff: TraceDiff, { commonBlocks, commonEvents }: Divergence): string =>
  diff.level === 'block' && commonBlocks > 0
    ? `after ${counted(commonBlocks, 'identical block')}`
    : `after ${counted(commonEvents, 'identical event')}`;

const divergenceLines = (diff: TraceDiff, divergence: Divergence, branch: BranchInsn | undefined): string[] => {
  const { thread, clock, stack, at, block } = divergence;
  const lines = [
    `first divergence: thread ${thread}, ${clockText(clock)}, ${commonText(diff, divergence)}`,
    beside(`  ${stackText(stack)}`, at === undefined ? '' : `(${placeText(at)})`),
  ];
  const isInside = block !== undefined;
  if (isInside && branch !== undefined) {
    lines.push(beside(`      ${branch.address}  ${branch.text}`, returnNote(divergence, branch)));
  } else if (isInside) lines.push(`      the branch that ends the block ${block.startOffset}-${block.endOffset}`);
  else lines.push(`      ${stepText(divergence)}`);
  const sideText = isInside ? sideLine : callSideLine;
  lines.push(sideText(divergence, 'old'), sideText(divergence, 'new'));
  if (divergence.kind === 'cost') lines.push('  the same event at another cost: a branch in between went another way');
  if (diff.level === 'call')
    lines.push('  only calls were recorded; record both with  run -e +block  to see the branch');
  return lines;
};

const syscallLines = ({ syscalls }: TraceDiff): string[] => {
  if (syscalls === undefined) return [];
  const line = (side: Side): string => {
    const call = syscalls[side];
    return call === undefined
      ? `${SIGNS[side]}  no more calls`
      : `${SIGNS[side]}  ${call.text} (${clockText(call.clock)})`;
  };
  return [`first system call that differs: thread ${syscalls.thread}`, line('old'), line('new')];
};

const hunkLine = ({ sign, what, depth, function: name, count }: HunkLine): string => {
  const indent = `${sign}    ${'  '.repeat(Math.min(depth, 60))}`;
  const times = count > 1 ? `  x${groupDigits(count)}` : '';
  switch (what) {
    case 'more':
      return `${indent}...`;
    case 'call':
      return `${indent}${name}();${times}`;
    case 'open':
      return `${indent}${name}() {${times}`;
    case 'close':
      return `${indent}} /* ${name} */`;
  }
};

const hunkLines = ({ thread, function: name, lines, cut }: TreeHunk, hasThreads: boolean): string[] => [
  `@@ ${name} @@${hasThreads ? ` thread ${thread}` : ''}`,
  ...lines.map(hunkLine),
  ...(cut ? ['# there is more than could be compared'] : []),
];

const nameList = (rows: readonly FunctionDiff[], text: (row: FunctionDiff) => string): string => {
  if (rows.length === 0) return '';
  const names = rows.slice(0, MAX_NAMES).map(text);
  return ` (${names.join(', ')}${rows.length > names.length ? ', ...' : ''})`;
};

/** `2 only in old (hash_pin, unlock), 1 only in new (deny), 1 count changed (cmp_digit 4 -> 3)` */
const functionsLine = ({ functions }: TraceDiff): string => {
  const onlyOld = functions.filter((row) => row.new === 0);
  const onlyNew = functions.filter((row) => row.old === 0);
  const changed = functions.filter((row) => row.old > 0 && row.new > 0);
  const name = (row: FunctionDiff): string => row.function;
  return [
    `${onlyOld.length} only in old${nameList(onlyOld, name)}`,
    `${onlyNew.length} only in new${nameList(onlyNew, name)}`,
    `${counted(changed.length, 'count')} changed${nameList(changed, (row) => `${row.function} ${row.old} -> ${row.new}`)}`,
  ].join(', ');
};

/** One line a function, as `git diff --stat` has one a file. */
const statLines = ({ functions }: TraceDiff): string[] => {
  const width = Math.max(0, ...functions.map((row) => row.function.length));
  return functions.map(({ function: name, old, new: now }) => ` ${name.padEnd(width)} | ${old} -> ${now}`);
};

const coverageLines = ({ coverage }: TraceDiff): string[] => {
  if (coverage === undefined) return [];
  const { onlyOld, onlyNew, both } = coverage;
  const line = (sign: string) => (block: (typeof onlyOld)[number]) =>
    `${sign}  ${block.at.offset}  ${placeText(block.at)}  ${counted(block.sizeBytes, 'byte')}`;
  return [
    `coverage: ${counted(onlyOld.length, 'block')} only in old, ${onlyNew.length} only in new, ${groupDigits(both)} in both`,
    ...onlyOld.map(line('-')),
    ...onlyNew.map(line('+')),
  ];
};

export interface DiffParts {
  readonly first: boolean;
  readonly tree: boolean;
  readonly functions: 'line' | 'stat' | undefined;
}

/** Everything there is to print; nothing for traces that are the same, unless coverage was asked for. */
export const diffText = (diff: TraceDiff, parts: DiffParts, branch: BranchInsn | undefined): string => {
  const lines: string[] = [];
  if (!diff.same) {
    lines.push(...headLines(diff));
    if (parts.first) {
      if (diff.first) lines.push(...divergenceLines(diff, diff.first, branch));
      lines.push(...syscallLines(diff));
    }
    if (parts.tree) lines.push(...diff.hunks.flatMap((hunk) => hunkLines(hunk, diff.threads.length > 1)));
    if (parts.functions === 'stat') lines.push(...statLines(diff));
    if (parts.functions && diff.functions.length > 0) lines.push(`functions: ${functionsLine(diff)}`);
  }
  lines.push(...coverageLines(diff));
  return lines.map((line) => `${escapeText(line.trimEnd())}\n`).join('');
};
