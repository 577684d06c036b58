/**
 * The writer's second thread: encoding and compressing leave the thread that runs the guest, which then only copies its
 * records into shared memory. (To let the other thread read the event ring itself is slower: the guest's stores then
 * wait for cache lines that the other processor has.) Nothing here decides what the file holds: results are applied in
 * the order of the batches (see TraceWriter), so the bytes are the same with and without this thread.
 *
 * Shared memory: control words, SLOTS heads, and a WebAssembly memory with SLOTS slots for a batch's words and behind
 * them the encoders' tables. The guest's thread fills head and slot `sent` mod SLOTS and counts `sent` up; the other one
 * encodes the slot where it is, and counts `done` up after its results are in the port's queue. When all slots are taken
 * the guest waits: nothing is ever dropped.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { OutputError } from '../errors.js';
import type { CompactBatch, EventBatch, SiteTable } from '../events/ring.js';
import type { AssembledChunk, AssemblerCarry, AssemblyLimits } from './chunk-assembler.js';
import type { CodecName } from './codec.js';
import { PAGES } from './encoder-memory.js';
import type { PackedBody } from './packet-writer.js';

/** `asleep` and `waiting`: the worker, and the guest's thread, want to be notified. Waking a thread is dear. */
export const CONTROL = { sent: 0, done: 1, ready: 2, asleep: 3, waiting: 4, words: 5 } as const;
/** Some 15 ms of events at 134 million a second: either thread may stop for a compressed chunk or a collection. */
export const SLOTS = 64;
/** Slots that are worth waking the worker for. */
const BACKLOG = 16;
/** Words of the longest batch: the event ring. */
export const SLOT_WORDS = 0x1_0000;
const SLOT_BYTES = SLOT_WORDS * 4;

/** Float64 fields of a slot's head. */
export const HEAD = {
  what: 0,
  tid: 1,
  count: 2,
  words: 3,
  clockBase: 4,
  shadowBase: 5,
  elsewhere: 6,
  sites: 7,
  fields: 8,
} as const;

/** What a slot asks for. */
export const TASK = { full: 1, compact: 2, flush: 3, stop: 4, start: 5, end: 6 } as const;

/** `elsewhere` of a batch that does not say. */
export const NO_ELSEWHERE = -1;

/** A chunk as it comes back: packed, when that is worth it. */
export type FinishedChunk = Omit<AssembledChunk, 'bytes'> & { readonly body: PackedBody | Uint8Array };

/** What came of slot number `sequence`: the chunks of each flush. Slots without chunks answer nothing. */
export interface TaskResult {
  readonly sequence: number;
  readonly flushes: readonly (readonly FinishedChunk[])[];
  readonly error?: string;
}

/** The arrays of the site table, each time they were replaced by larger ones. */
export interface SharedSites {
  readonly kind: Uint8Array;
  readonly dynamic: Uint8Array;
  readonly location: Uint32Array;
  readonly target: Uint32Array;
  readonly clockAdjust: Int32Array;
  readonly link: Uint32Array;
}

export interface WriterThreadData {
  readonly control: Int32Array;
  readonly heads: Float64Array;
  /** The slots, from address 0 on, and the encoders' tables. */
  readonly memory: WebAssembly.Memory;
  readonly port: MessagePort;
  readonly limits: AssemblyLimits;
  readonly codec: CodecName;
}

/** The script of the other side; undefined where it is not built or there is no second processor for it. */
export const writerThreadScript = (): URL | undefined => {
  if (availableParallelism() < 2) return undefined;
  // Beside the bundle, or beside this module.
  const scripts = ['cjs', 'js'].map((extension) => new URL(`./encode-worker.${extension}`, import.meta.url));
  return scripts.find((script) => existsSync(script));
};

/** The words that go with head number `sent`. */
export const slotWords = (memory: WebAssembly.Memory, sent: number, length: number): Int32Array =>
  new Int32Array(memory.buffer, (sent % SLOTS) * SLOT_BYTES, length);

/** A view of the same bytes. To `fill` with one of its size copies at full speed; `set` goes word by word here. */
const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array): Buffer => Buffer.from(buffer, byteOffset, byteLength);

/** Where the encoders' tables begin. */
export const TABLES = SLOTS * SLOT_BYTES;

export class WriterThread {
  private readonly control = new Int32Array(new SharedArrayBuffer(CONTROL.words * 4));
  private readonly heads = new Float64Array(new SharedArrayBuffer(SLOTS * HEAD.fields * 8));
  private readonly memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  private readonly port: MessagePort;
  private readonly results = new Map<number, TaskResult>();
  private sent = 0;
  private knownKinds: Uint8Array | undefined;

  constructor(script: URL, limits: AssemblyLimits, codec: CodecName) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const { control, heads, memory } = this;
    const workerData: WriterThreadData = { control, heads, memory, port: port2, limits, codec };
    const worker = new Worker(script, { workerData, transferList: [port2], stdin: false });
    // One that cannot start is never ready: the writer goes on without it.
    worker.on('error', () => {});
    worker.unref();
    port1.unref();
  }

  get isReady(): boolean {
    return Atomics.load(this.control, CONTROL.ready) === 1;
  }

  /** Hands over what the first assembler left off with. Call once, before any task. */
  begin(carry: AssemblerCarry): void {
    this.port.postMessage(carry);
  }

  /** Queues a batch; answers its sequence number. Waits while all slots are taken. */
  process(batch: EventBatch | CompactBatch): number {
    const { sites, words } = batch;
    if (words.length > SLOT_WORDS) throw new Error(`a batch of ${words.length} words is longer than the ring`);
    this.shareSites(sites);
    const isFull = 'count' in batch;
    const head = this.nextHead();
    head[HEAD.what] = isFull ? TASK.full : TASK.compact;
    head[HEAD.tid] = batch.tid;
    head[HEAD.count] = isFull ? batch.count : 0;
    head[HEAD.words] = words.length;
    head[HEAD.clockBase] = batch.clockBase;
    head[HEAD.shadowBase] = batch.shadowBase;
    head[HEAD.elsewhere] = batch.elsewhere ?? NO_ELSEWHERE;
    head[HEAD.sites] = sites.count;
    if (words.length > 0) bytesOf(slotWords(this.memory, this.sent, words.length)).fill(bytesOf(words));
    return this.publish();
  }

  /** Queues one of the other tasks. */
  command(what: number, tid = 0): number {
    const head = this.nextHead();
    head[HEAD.what] = what;
    head[HEAD.tid] = tid;
    return this.publish();
  }

  /** Whether the task is done; then `take` has its result. */
  isDone(sequence: number): boolean {
    return Atomics.load(this.control, CONTROL.done) >= sequence;
  }

  wait(sequence: number): void {
    const { control } = this;
    if (this.isDone(sequence)) return;
    Atomics.store(control, CONTROL.waiting, 1);
    this.wake();
    for (;;) {
      const done = Atomics.load(control, CONTROL.done);
      if (done >= sequence) break;
      Atomics.wait(control, CONTROL.done, done);
    }
    Atomics.store(control, CONTROL.waiting, 0);
  }

  /** The flushes a task caused, in order; none for most. Throws OutputError when encoding failed. */
  take(sequence: number): TaskResult['flushes'] {
    for (;;) {
      const message = receiveMessageOnPort(this.port);
      if (message === undefined) break;
      const result = message.message as TaskResult;
      this.results.set(result.sequence, result);
    }
    const result = this.results.get(sequence);
    this.results.delete(sequence);
    if (result?.error !== undefined) throw new OutputError(`the trace cannot be encoded: ${result.error}`);
    return result?.flushes ?? [];
  }

  /** Ends the thread; every task must be done. */
  end(): void {
    this.command(TASK.end);
    this.wake();
    this.port.close();
  }

  private nextHead(): Float64Array {
    // When all are taken, until there is room for several.
    if (!this.isDone(this.sent + 1 - SLOTS)) this.wait(this.sent + BACKLOG - SLOTS);
    const first = (this.sent % SLOTS) * HEAD.fields;
    return this.heads.subarray(first, first + HEAD.fields);
  }

  private publish(): number {
    Atomics.store(this.control, CONTROL.sent, ++this.sent);
    if (this.sent - Atomics.load(this.control, CONTROL.done) >= BACKLOG) this.wake();
    return this.sent;
  }

  private wake(): void {
    if (Atomics.load(this.control, CONTROL.asleep) === 1) Atomics.notify(this.control, CONTROL.sent);
  }

  /** Sites are read where they are; only arrays that replaced smaller ones have to be told. */
  private shareSites({ kind, dynamic, location, target, clockAdjust, link }: SiteTable): void {
    if (kind === this.knownKinds) return;
    this.knownKinds = kind;
    const shared: SharedSites = { kind, dynamic, location, target, clockAdjust, link };
    this.port.postMessage(shared);
  }
}
