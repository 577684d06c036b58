import { EventKind } from '../../src/events/event.js';
import { type EventBatch, FRAME_BYTES, RECORD_WORDS, SiteTable } from '../../src/events/ring.js';

/** Mulberry32: a small seeded generator, so that a failing stream can be made again. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const SHADOW_BASE = 0xd0000000 | 0;
const QUANTUM = 1 << 24;

interface Activity {
  depth: number;
  /** Instructions of this thread. */
  own: number;
}

/**
 * Stands in for the engine: threads that retire instructions and call, return, unwind, compile and run blocks, with
 * records exactly as instrumented code writes them. Batches go to `sink` whenever the ring is full or threads switch.
 */
export class SyntheticMachine {
  readonly sites = new SiteTable();
  clock = 0;
  private readonly sink: (batch: EventBatch) => void;
  private readonly words: Int32Array;
  private readonly siteNumbers = new Map<string, number>();
  private readonly threads = new Map<number, Activity>();
  private tid = 1;
  private count = 0;
  private clockBase = QUANTUM;
  private readonly tellsElsewhere: boolean;

  constructor(sink: (batch: EventBatch) => void, options: { ringRecords?: number; tellsElsewhere?: boolean } = {}) {
    this.sink = sink;
    this.words = new Int32Array((options.ringRecords ?? 4096) * RECORD_WORDS);
    this.tellsElsewhere = options.tellsElsewhere ?? false;
  }

  get depth(): number {
    return this.activity.depth;
  }

  /** Instructions the present thread has retired. */
  get own(): number {
    return this.activity.own;
  }

  switchTo(tid: number): void {
    if (tid === this.tid) return;
    this.flush();
    this.tid = tid;
    this.clockBase = this.clock + QUANTUM;
  }

  /** Retires instructions that cause no event. */
  run(instructions: number): void {
    this.clock += instructions;
    this.activity.own += instructions;
  }

  call(location: number, target: number, options: { dynamic?: boolean; adjust?: number } = {}): void {
    this.run(1);
    const { activity } = this;
    this.record(EventKind.CALL, location, target, options.dynamic ?? false, activity.depth, options.adjust);
    activity.depth++;
  }

  ret(location: number, target: number, options: { pops?: number } = {}): void {
    this.run(1);
    const { activity } = this;
    activity.depth = Math.max(0, activity.depth - (options.pops ?? 1));
    this.record(EventKind.RET, location, target, true, activity.depth);
  }

  /** longjmp: frames vanish without a return. */
  unwind(frames: number): void {
    this.activity.depth = Math.max(0, this.activity.depth - frames);
  }

  block(start: number, end: number, instructions = 0): void {
    this.record(EventKind.BLOCK, start, end, false, 0, instructions);
    this.run(instructions);
  }

  compile(start: number, end: number): void {
    this.record(EventKind.COMPILE, start, end, false, 0);
  }

  exec(location: number): void {
    this.run(1);
    this.record(EventKind.EXEC, location, 0, false, 0);
  }

  flush(): void {
    if (this.count === 0) return;
    const { tid, words, count, sites, clockBase } = this;
    const batch = { tid, words, count, sites, clockBase, shadowBase: SHADOW_BASE };
    this.count = 0;
    this.sink(this.tellsElsewhere ? { ...batch, elsewhere: this.clock - this.activity.own } : batch);
    words.fill(-1);
    this.clockBase = this.clock + QUANTUM;
  }

  private get activity(): Activity {
    let activity = this.threads.get(this.tid);
    if (!activity) {
      activity = { depth: 0, own: 0 };
      this.threads.set(this.tid, activity);
    }
    return activity;
  }

  private record(kind: number, location: number, target: number, dynamic: boolean, depth: number, adjust = 0): void {
    if (this.clockBase - this.clock < 0) this.flush();
    const site = this.site(kind, location, dynamic ? undefined : target, adjust);
    const at = this.count * RECORD_WORDS;
    this.words[at] = site;
    this.words[at + 1] = this.clockBase - this.clock - adjust;
    if (dynamic) this.words[at + 2] = target;
    this.words[at + 3] = SHADOW_BASE + depth * FRAME_BYTES;
    if (++this.count * RECORD_WORDS === this.words.length) this.flush();
  }

  private site(kind: number, location: number, target: number | undefined, adjust: number): number {
    const key = `${kind}:${location}:${target}:${adjust}`;
    const known = this.siteNumbers.get(key);
    if (known !== undefined) return known;
    const site = this.sites.add(kind, location, target, adjust);
    this.siteNumbers.set(key, site);
    return site;
  }
}

/** Where the instruction after a call is. */
export const returnOf = (location: number, dynamic: boolean): number =>
  location + (dynamic && (location & 1) === 1 ? 2 : 4);

/**
 * `events` events of a program like real ones: functions with fixed call sites in loops, recursion, calls through
 * pointers, now and then an unwind, blocks when asked for, threads that take turns.
 */
export const playProgram = (
  machine: SyntheticMachine,
  options: { events: number; seed: number; functions?: number; blocks?: boolean; threads?: number; wild?: number },
): void => {
  const random = randomFrom(options.seed);
  const functions = options.functions ?? 40;
  const threads = options.threads ?? 1;
  const stacks = Array.from({ length: threads }, () => [] as { fn: number; back: number; left: number }[]);
  const address = (fn: number): number => 0x10001 + fn * 0x100;
  let events = 0;
  let thread = 0;
  while (events < options.events) {
    if (threads > 1 && events % 997 === 0) {
      thread = (thread + 1) % threads;
      machine.switchTo(thread + 1);
    }
    const stack = stacks[thread] as (typeof stacks)[number];
    const top = stack.at(-1);
    const fn = top?.fn ?? 0;
    if (options.blocks) {
      const start = address(fn) + 16 * Math.floor(random() * 2);
      machine.block(start, start + 8, 3);
      events++;
    }
    const wild = random() < (options.wild ?? 0);
    if (wild && stack.length > 3) {
      const frames = 1 + Math.floor(random() * 3);
      machine.unwind(frames);
      stack.length -= frames;
    } else if (wild) {
      machine.ret(address(fn) + 0x42, 0xffff0fa1, { pops: 0 });
      events++;
    } else if (top && (top.left <= 0 || stack.length > 200)) {
      stack.pop();
      machine.run(2);
      machine.ret(address(fn) + 0x40, top.back);
      events++;
    } else {
      if (top) top.left--;
      const k = top?.left ?? 0;
      const dynamic = k % 3 === 2;
      const callee = (fn * 2 + 1 + (k % 4) + (dynamic ? Math.floor(random() * 3) : 0)) % functions;
      const location = address(fn) + 0x50 + 4 * (k % 4);
      machine.run(3 + (k % 2));
      machine.call(location, address(callee), { dynamic });
      stack.push({ fn: callee, back: returnOf(location, dynamic), left: Math.max(0, Math.floor(random() * 5) - 2) });
      events++;
    }
  }
  machine.flush();
};
