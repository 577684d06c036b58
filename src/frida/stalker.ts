/**
 * Frida's Stalker for the process spawned last: names, options and defaults as in Frida's JavaScript API, and the calls
 * that Frida has in C only as methods with a thread id. A thread id may be left out: then it is the thread whose callback
 * runs, else the first thread. The profile is `gum`, so events are Frida's.
 */
import type { Insn } from '../arm/insn.js';
import { UsageError } from '../errors.js';
import { EventKind, type EventMask } from '../events/event.js';
import type { StalkerEvent } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import type { CallProbeDetails } from '../stalker/call-probe.js';
import type { StalkerIterator } from '../stalker/iterator.js';
import type { Backpatch, StalkerObserver } from '../stalker/observer.js';
import type { Profile } from '../stalker/options.js';
import type { Transformer } from '../stalker/transformer.js';
import { attached } from './attached.js';
import { CallSummarySink } from './call-summary-sink.js';
import { parseEvents } from './gum-event.js';
import { Instruction } from './instruction.js';
import { type NativePointer, type PointerValue, ptr } from './native-pointer.js';
import { type ArmCpuContext, scriptContext } from './registers.js';
import { ScriptSink } from './script-sink.js';

/** What `transform` drives: `next`, `keep` and the things that can be inserted. Valid during the call only. */
export interface ScriptIterator {
  readonly memoryAccess: 'open' | 'exclusive';
  /** The next instruction (an IT group is one), null at the block's end. */
  next(): Instruction | null;
  keep(): void;
  /** Calls back with the registers, at this point of the block. */
  putCallout(callout: (context: ArmCpuContext) => void): void;
  putChainingReturn(): void;
  /** A guest instruction that runs without events, see StalkerIterator.putInstruction. */
  putInstruction(word: number): void;
}

export interface StalkerOptions {
  readonly events?: Readonly<Partial<Record<'call' | 'ret' | 'exec' | 'block' | 'compile', boolean>>>;
  /** 16-byte records, see `Stalker.parse`. */
  readonly onReceive?: (events: ArrayBuffer) => void;
  /** Calls per target since the last time, `{ '0x1041': 3 }`. */
  readonly onCallSummary?: (summary: Record<string, number>) => void;
  /** Every event, in order, when the engine hands it over. */
  readonly onEvent?: (event: StalkerEvent, data: unknown) => void;
  readonly transform?: (iterator: ScriptIterator) => void;
  /** Handed to `onEvent`. */
  readonly data?: unknown;
  /** Not in Frida: `precise` follows the architecture's rules instead of Frida's. Default `gum`. */
  readonly profile?: Profile;
}

/** Arguments of a probed call: `args[0]` to `args[3]` are r0 to r3, more are on the stack. Assignable. */
export type CallProbeArgs = Record<number, NativePointer>;

const KINDS: Readonly<Record<string, EventMask>> = {
  call: EventKind.CALL,
  ret: EventKind.RET,
  exec: EventKind.EXEC,
  block: EventKind.BLOCK,
  compile: EventKind.COMPILE,
};

const maskOf = (events: unknown): EventMask => {
  if (typeof events !== 'object' || events === null) throw new UsageError('events: expected an object');
  let mask = 0;
  for (const [name, wanted] of Object.entries(events)) {
    const kind = KINDS[name];
    if (kind === undefined) throw new UsageError(`unknown event type: ${name}`);
    if (typeof wanted !== 'boolean') throw new UsageError(`events.${name}: expected true or false`);
    if (wanted) mask |= kind;
  }
  return mask;
};

class ScriptStalker {
  /** Events a follow holds back at most; when it is full, they are delivered early. Read by `follow`. */
  queueCapacity = 16384;
  /** Milliseconds between deliveries; 0: only `flush` and `unfollow` deliver. Read by `follow`. */
  queueDrainInterval = 250;

  get trustThreshold(): number {
    return attached().engine.trustThreshold;
  }

  set trustThreshold(threshold: number) {
    if (!Number.isInteger(threshold)) throw new UsageError('trustThreshold: expected -1, 0 or a number of visits');
    attached().engine.trustThreshold = threshold;
  }

  follow(options?: StalkerOptions): void;
  follow(threadId: number | undefined, options?: StalkerOptions): void;
  follow(first?: number | StalkerOptions, second: StalkerOptions = {}): void {
    const { engine } = attached();
    const options = typeof first === 'object' ? first : second;
    const mask = options.events === undefined ? 0 : maskOf(options.events);
    const { profile = 'gum', transform } = options;
    engine.follow(threadOf(first), {
      profile,
      events: mask,
      ...(mask === 0 ? {} : { sink: this.sinkFor(mask, options) }),
      ...(transform === undefined ? {} : { transformer: scriptTransformer(transform) }),
    });
  }

  private sinkFor(mask: EventMask, options: StalkerOptions): EventSink {
    const { onCallSummary, onReceive, onEvent } = options;
    if (mask === EventKind.CALL && onCallSummary !== undefined && !onReceive && !onEvent) {
      return new CallSummarySink(onCallSummary, this.queueDrainInterval);
    }
    return new ScriptSink(mask, options, this.queueCapacity, this.queueDrainInterval);
  }

  unfollow(threadId?: number): void {
    attached().engine.unfollow(threadOf(threadId));
  }

  /** Delivers what queues hold. */
  flush(): void {
    attached().engine.flush();
  }

  /** True while a followed thread remains. */
  garbageCollect(): boolean {
    return attached().engine.garbageCollect();
  }

  parse = parseEvents;

  exclude(range: { readonly base: PointerValue; readonly size: number }): void {
    attached().engine.exclude({ base: ptr(range.base).toUInt32(), size: range.size });
  }

  /** The block that starts at this address (bit 0 set in Thumb code) is translated anew; for all threads, or for one. */
  invalidate(address: PointerValue): void;
  invalidate(threadId: number, address: PointerValue): void;
  invalidate(first: PointerValue, second?: PointerValue): void {
    const address = ptr(second ?? first).toUInt32();
    attached().engine.invalidate(address, second === undefined ? undefined : (first as number));
  }

  /** `callback` gets the arguments whenever a followed thread enters `address`. Gives the id to remove it with. */
  addCallProbe(
    address: PointerValue,
    callback: (this: CallProbeDetails, args: CallProbeArgs, data: unknown) => void,
    data?: unknown,
  ): number {
    const probe = (details: CallProbeDetails): void => callback.call(details, argsOf(details), data);
    return attached().engine.addCallProbe(
      ptr(address).toUInt32(),
      Object.defineProperty(probe, 'name', { value: callback.name }),
    );
  }

  removeCallProbe(id: number): void {
    attached().engine.removeCallProbe(id);
  }

  // -- in Frida's C API only -------------------------------------------------------------------------------------------

  isFollowing(threadId?: number): boolean {
    return attached().engine.isFollowing(threadOf(threadId));
  }

  activate(target?: PointerValue, threadId?: number): void {
    attached().engine.activate(threadOf(threadId), target === undefined ? undefined : ptr(target).toUInt32());
  }

  deactivate(threadId?: number): void {
    attached().engine.deactivate(threadOf(threadId));
  }

  setObserver(observer: StalkerObserver | undefined, threadId?: number): void {
    attached().engine.setObserver(threadOf(threadId), observer);
  }

  prefetch(address: PointerValue, recycleCount: number, threadId?: number): void {
    attached().engine.prefetch([ptr(address).toUInt32()], recycleCount, threadOf(threadId));
  }

  prefetchBackpatch(record: Backpatch, threadId?: number): boolean {
    return attached().engine.prefetchBackpatch(record, threadOf(threadId));
  }

  recompile(address: PointerValue, threadId?: number): void {
    attached().engine.recompile(ptr(address).toUInt32(), threadOf(threadId));
  }

  /** Removes all probes and unfollows all threads. */
  stop(): void {
    attached().engine.stop();
  }
}

const threadOf = (threadId: unknown): number => {
  if (typeof threadId === 'number') return threadId;
  const { engine, process } = attached();
  return engine.currentThread ?? process.group.pid;
};

const scriptTransformer = (transform: (iterator: ScriptIterator) => void): Transformer => {
  const run = (iterator: StalkerIterator): void => transform(scriptIterator(iterator));
  return { transform: Object.defineProperty(run, 'name', { value: transform.name }) };
};

const scriptIterator = (iterator: StalkerIterator): ScriptIterator => ({
  get memoryAccess() {
    return iterator.memoryAccess;
  },
  next: () => {
    const insn: Insn | undefined = iterator.next();
    return insn === undefined ? null : new Instruction(insn);
  },
  keep: () => iterator.keep(),
  putCallout: (callout) => {
    const run = (registers: Parameters<typeof scriptContext>[0]): void => callout(scriptContext(registers));
    iterator.putCallout(Object.defineProperty(run, 'name', { value: callout.name }));
  },
  putChainingReturn: () => iterator.putChainingReturn(),
  putInstruction: (word) => iterator.putInstruction(word),
});

const argsOf = (details: CallProbeDetails): CallProbeArgs =>
  new Proxy({} as CallProbeArgs, {
    get: (_target, name) => {
      const value = details.argument(indexOf(name));
      if (value === undefined) throw new UsageError(`argument ${String(name)} cannot be read: the stack ends there`);
      return ptr(value);
    },
    set: (_target, name, value: PointerValue) => details.setArgument(indexOf(name), ptr(value).toUInt32()),
  });

const indexOf = (name: string | symbol): number => {
  const index = typeof name === 'string' ? Number(name) : Number.NaN;
  if (!Number.isInteger(index) || index < 0) throw new UsageError(`there is no argument ${String(name)}`);
  return index;
};

export const Stalker = new ScriptStalker();
