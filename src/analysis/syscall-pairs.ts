import type { SyscallNote } from '../events/event.js';

/** The first system call that differs, of one thread. */
export interface SyscallDifference {
  readonly thread: number;
  readonly old: SyscallSide | undefined;
  readonly new: SyscallSide | undefined;
}

export interface SyscallSide {
  readonly clock: number;
  readonly text: string;
}

/** Calls of one side that may wait for the other side's. */
const MAX_WAITING = 1 << 16;

/**
 * Compares system calls thread by thread in their order: what the outside world told the program and was told. Addresses
 * in them do not count.
 */
export class SyscallPairs {
  difference: SyscallDifference | undefined;
  private readonly threads = new Map<number, readonly [SyscallNote[], SyscallNote[]]>();
  private readonly seen: [old: boolean, now: boolean] = [false, false];
  /** Set when one side has fallen too far behind to be compared. */
  private isOff = false;
  private readonly ignoresArguments: boolean;
  private readonly ignoresResults: boolean;

  constructor(ignore: readonly string[]) {
    this.ignoresArguments = ignore.includes('args');
    this.ignoresResults = ignore.includes('retval');
  }

  add(side: 0 | 1, note: SyscallNote): void {
    if (this.difference !== undefined || this.isOff) return;
    this.seen[side] = true;
    let queues = this.threads.get(note.tid);
    if (queues === undefined) {
      queues = [[], []];
      this.threads.set(note.tid, queues);
    }
    const other = queues[side === 0 ? 1 : 0];
    if (other.length === 0) {
      queues[side].push(note);
      if (queues[side].length > MAX_WAITING) this.giveUp();
      return;
    }
    const partner = other.shift() as SyscallNote;
    if (this.essence(note) !== this.essence(partner)) {
      if (side === 0) this.differ(note, partner);
      else this.differ(partner, note);
    }
  }

  /** No more calls will come. A trace without any was recorded without them. */
  finish(): void {
    if (!this.seen[0] || !this.seen[1] || this.isOff) return;
    for (const [old, now] of this.threads.values()) {
      if (this.difference === undefined && old.length + now.length > 0) this.differ(old[0], now[0]);
    }
  }

  private giveUp(): void {
    this.isOff = true;
    this.threads.clear();
  }

  private differ(old: SyscallNote | undefined, now: SyscallNote | undefined): void {
    this.difference = { thread: (old ?? now)?.tid ?? 0, old: sideOf(old), new: sideOf(now) };
    this.threads.clear();
  }

  private essence({ name, text, result }: SyscallNote): string {
    const at = text.search(RESULT);
    const call = this.ignoresArguments ? name : at < 0 ? text : text.slice(0, at);
    return `${withoutAddresses(call)} = ${this.ignoresResults ? '' : withoutAddresses(resultText(text, at, result))}`;
  }
}

/** The last `) = `, which stands in a column. */
const RESULT = /\)\s+= (?!.*\)\s+= )/;

const sideOf = (note: SyscallNote | undefined): SyscallSide | undefined =>
  note && { clock: note.clock, text: note.text };

const resultText = (text: string, at: number, result: number | undefined): string =>
  at < 0 ? String(result) : text.slice(at);

const withoutAddresses = (text: string): string => text.replace(/\b0x[0-9a-f]+/g, '0x');
