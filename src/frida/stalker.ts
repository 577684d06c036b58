/**
 * Frida's Stalker for the process spawned last: names, options and defaults as in Frida's JavaScript API, and the calls
 * that Frida has in C only as methods with a thread id. A thread id may be left out: then it is the thread whose callback
 * runs, else the first thread. The profile is `gum`, so events are Frida's.
 */
import { UsageError } from '../errors.js';
import type { CallProbeDetails } from '../stalker/call-probe.js';
import type { CpuContext } from '../stalker/cpu-context.js';
import { standFor } from '../stalker/host-callbacks.js';
import type { Backpatch, StalkerObserver } from '../stalker/observer.js';
import type { ThreadFunction } from '../stalker/thread-requests.js';
import { attached } from './attached.js';
import { type DeliveryQueue, followOptions, type StalkerOptions } from './follow.js';
import { parseEvents } from './gum-event.js';
import { type NativePointer, type PointerValue, ptr } from './native-pointer.js';
import { type ArmCpuContext, scriptContext } from './registers.js';

/** Arguments of a probed call: `args[0]` to `args[3]` are r0 to r3, more are on the stack. Assignable. */
export type CallProbeArgs = Record<number, NativePointer>;

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
    const options = typeof first === 'object' ? first : second;
    attached().engine.follow(threadOf(first), followOptions(options, queueOf(this)));
  }

  /**
   * Follows like this, from the instruction after it on, every thread that calls `Reserved.FOLLOW_ME` and is not followed by
   * a script; each gets what `follow` would give it. Ours: the guest's way to ask, with `Reserved.UNFOLLOW_ME` to end it.
   */
  followOnRequest(options: StalkerOptions = {}): void {
    const queue = queueOf(this);
    followOptions(options, queue);
    attached().engine.followOnRequest(() => followOptions(options, queue));
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
    return attached().engine.addCallProbe(ptr(address).toUInt32(), standFor(probe, callback));
  }

  removeCallProbe(id: number): void {
    attached().engine.removeCallProbe(id);
  }

  // -- in Frida's C API only -------------------------------------------------------------------------------------------

  /** Until some thread reaches it, followed threads record nothing; then all do. null when nothing is waited for. */
  get activationPoint(): NativePointer | null {
    const { activationPoint } = attached().engine;
    return activationPoint === undefined ? null : ptr(activationPoint);
  }

  set activationPoint(address: PointerValue | null) {
    attached().engine.activationPoint = address === null ? undefined : ptr(address).toUInt32();
  }

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

  /** What the thread's next safepoint runs, with a copy of its registers; false when there is no such thread. */
  runOnThread(threadId: number, callback: ThreadCallback): boolean {
    return attached().engine.runOnThread(threadId, requestOf(callback));
  }

  /** The same before this returns. */
  runOnThreadSync(threadId: number, callback: ThreadCallback): boolean {
    return attached().engine.runOnThread(threadId, requestOf(callback), { sync: true });
  }

  /** Removes all probes and unfollows all threads. */
  stop(): void {
    attached().engine.stop();
  }
}

const queueOf = ({ queueCapacity, queueDrainInterval }: ScriptStalker): DeliveryQueue => ({
  capacity: queueCapacity,
  intervalMs: queueDrainInterval,
});

const threadOf = (threadId: unknown): number => {
  if (typeof threadId === 'number') return threadId;
  const { engine, process } = attached();
  return engine.currentThread ?? process.group.pid;
};

/** Called on a thread; the registers are null when the thread itself asks. */
export type ThreadCallback = (context: ArmCpuContext | null) => void;

const requestOf = (callback: ThreadCallback): ThreadFunction =>
  standFor(
    (registers: CpuContext | undefined) => callback(registers === undefined ? null : scriptContext(registers)),
    callback,
  );

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
