/**
 * Frida's event records: 16 bytes each on a 32-bit guest, little-endian words: kind (1 call, 2 ret, 4 exec, 8 block,
 * 16 compile), then location, target and depth (call, ret), location (exec), or start and end (block, compile).
 */
import { UsageError } from '../errors.js';
import { EventKind, type EventMask } from '../events/event.js';
import { decodeRecord, type EventBatch, type StalkerEvent } from '../events/ring.js';
import { NativePointer } from './native-pointer.js';

export const GUM_EVENT_BYTES = 16;

const NAMES: Readonly<Record<number, string>> = {
  [EventKind.CALL]: 'call',
  [EventKind.RET]: 'ret',
  [EventKind.EXEC]: 'exec',
  [EventKind.BLOCK]: 'block',
  [EventKind.COMPILE]: 'compile',
};

/** Records of a follow until they are delivered. */
export class GumEventQueue {
  private words: Uint32Array;
  private count = 0;

  /** `capacity` in events. */
  constructor(capacity: number) {
    this.words = new Uint32Array(Math.max(1, capacity) * 4);
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  get isFull(): boolean {
    return this.count * 4 === this.words.length;
  }

  push({ kind, location, target, depth }: StalkerEvent): void {
    const at = this.count++ * 4;
    this.words[at] = kind;
    this.words[at + 1] = location;
    this.words[at + 2] = kind === EventKind.EXEC ? 0 : target;
    this.words[at + 3] = depth;
  }

  /** What waits, as a buffer of its own; the queue is empty then. */
  take(): ArrayBuffer {
    const taken = this.words.slice(0, this.count * 4);
    this.count = 0;
    return taken.buffer as ArrayBuffer;
  }
}

/** Calls `each` for every event of `batch` that is in `mask`. */
export const forEachEvent = (batch: EventBatch, mask: EventMask, each: (event: StalkerEvent) => void): void => {
  for (let i = 0; i < batch.count; i++) {
    const event = decodeRecord(batch, i);
    if ((event.kind & mask) !== 0) each(event);
  }
};

/** How often each target was called in a buffer of records: `{ '0x1041': 3 }`. */
export const summarizeCalls = (buffer: ArrayBuffer): Record<string, number> => {
  const words = new Uint32Array(buffer);
  const counts = new Map<number, number>();
  for (let at = 0; at < words.length; at += 4) {
    if (words[at] !== EventKind.CALL) continue;
    const target = words[at + 2] as number;
    counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].map(([target, count]) => [`0x${target.toString(16)}`, count]));
};

export interface ParseOptions {
  /** Begin each row with the kind's name; default true. */
  readonly annotate?: boolean;
  /** Addresses as `0x…` strings instead of pointers; default false. */
  readonly stringify?: boolean;
}

export type ParsedEvent = (string | number | NativePointer)[];

/**
 * The rows of a buffer: `['call', location, target, depth]`, `['exec', location]`, `['block', start, end]` and so on.
 * Throws UsageError: not an ArrayBuffer, invalid buffer shape (no multiple of 16 bytes), invalid event type.
 */
export const parseEvents = (buffer: ArrayBuffer, options: ParseOptions = {}): ParsedEvent[] => {
  if (!(buffer instanceof ArrayBuffer)) throw new UsageError('expected an ArrayBuffer');
  if (buffer.byteLength % GUM_EVENT_BYTES !== 0) throw new UsageError('invalid buffer shape');
  const words = new Uint32Array(buffer);
  const rows: ParsedEvent[] = [];
  for (let at = 0; at < words.length; at += 4) rows.push(parseRow(words.subarray(at, at + 4), options));
  return rows;
};

const parseRow = (words: Uint32Array, { annotate = true, stringify = false }: ParseOptions): ParsedEvent => {
  const [kind, first, second, depth] = words as unknown as [number, number, number, number];
  const name = NAMES[kind];
  if (name === undefined) throw new UsageError('invalid event type');
  const address = (value: number) => (stringify ? `0x${value.toString(16)}` : new NativePointer(value));
  const row: ParsedEvent = annotate ? [name, address(first)] : [address(first)];
  if (kind !== EventKind.EXEC) row.push(address(second));
  if (kind === EventKind.CALL || kind === EventKind.RET) row.push(depth | 0);
  return row;
};
