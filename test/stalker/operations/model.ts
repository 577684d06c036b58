/**
 * What a thread records, given what it does (the reference) and the operations applied to it: pieces of the reference,
 * each from where a follow or activation took effect to where an unfollow or deactivation did, without the excluded
 * calls. An operation takes effect at the block boundary that comes first after it, never later, except that a thread
 * in an excluded call is left or followed anew when that returns.
 */
import { EventKind } from '../../../src/events/event.js';
import type { Step, ThreadReference } from './guest.js';

const { CALL, EXEC } = EventKind;

export interface Operation {
  readonly kind: 'follow' | 'unfollow' | 'activate' | 'deactivate' | 'exclude' | 'add probe' | 'remove probe';
  /** Position of the thread when it was applied. */
  readonly at: number;
  /** Applied by the thread's own callout or probe: what remains of its block is as before. */
  readonly inBlock: boolean;
  /** A follow that cannot replace the one before at once: that is in use. */
  readonly waits: boolean;
  /** Applied by a transformer of the thread's own: of this follow. */
  readonly ofFollow: number | undefined;
  /** Of a follow. */
  readonly follow?: Follow;
  /** Of an activation: the entry until which nothing is excluded. */
  readonly target?: number;
  /** Of an exclusion: an entry inside it. */
  readonly entry?: number;
  readonly probe?: Probe;
}

export interface Follow {
  readonly id: number;
  readonly mask: number;
}

export interface Probe {
  readonly id: number;
  readonly entry: number;
}

/** An open call: sp at it, and where it returns to. */
interface Frame {
  readonly sp: number;
  readonly returnAddress: number | undefined;
}

/** Text of what a follow records. */
export type Recorded = Map<number, string[]>;

export class ThreadModel {
  readonly recorded: Recorded = new Map();
  readonly fired = new Map<number, number>();
  private readonly steps: readonly Step[];
  private readonly due = new Map<number, Operation[]>();
  private follow: Follow | undefined;
  /** Set until the thread leaves its follow. */
  private leave: { readonly to: Follow | undefined } | undefined;
  private isTraced = false;
  private target: number | undefined;
  /** Positions excluded calls return to. */
  private excludedCalls: number[] = [];
  private readonly excluded = new Set<number>();
  private probes: Probe[] = [];
  /** Calls that have a frame. Those left while nothing was traced stay until sp says so; see the README, D5. */
  private frames: Frame[] = [];

  constructor({ steps }: ThreadReference, operations: readonly Operation[]) {
    this.steps = steps;
    for (const operation of operations) {
      const at = this.boundaryFrom(operation.at);
      this.due.set(at, [...(this.due.get(at) ?? []), operation]);
    }
    for (const [at, step] of steps.entries()) this.step(step, at);
  }

  private boundaryFrom(at: number): number {
    let boundary = at;
    while (boundary < this.steps.length && !this.steps[boundary]?.isBoundary) boundary++;
    return boundary;
  }

  private step(step: Step, at: number): void {
    if (step.isBoundary) this.boundary(step, at);
    if (!this.isTraced || this.follow === undefined) return;
    this.record(EXEC, `${at + 1} exec ${step.location}`);
    if (step.transfer === undefined) return;
    const { kind, target } = step.transfer;
    this.leaveFrames(step, at);
    const name = kind === CALL ? 'call' : 'ret';
    this.record(kind, `${at + 1} ${name} ${step.location} ${target} ${this.frames.length}`);
    if (kind === CALL) this.call(step, at, target);
  }

  /** Drops the frames that a call or return with this sp leaves behind, and pops a return's own. */
  private leaveFrames(step: Step, at: number): void {
    const { kind, target } = step.transfer as { kind: number; target: number };
    const sp = kind === CALL ? step.sp : (this.steps[at + 1]?.sp ?? 0);
    const { frames } = this;
    const top = (): Frame | undefined => frames.at(-1);
    while ((top()?.sp ?? Number.POSITIVE_INFINITY) < sp) frames.pop();
    if (kind === CALL) return;
    while (top()?.sp === sp && top()?.returnAddress !== target) frames.pop();
    if (top()?.returnAddress === target) frames.pop();
  }

  private call(step: Step, at: number, target: number): void {
    const end = step.returnStep ?? Number.POSITIVE_INFINITY;
    this.applyBeforeCall(at + 1);
    if (this.excluded.has(target) && this.isTraced && this.target === undefined) {
      this.excludedCalls.push(end + 1);
      this.isTraced = false;
    } else {
      this.frames.push({ sp: step.sp, returnAddress: this.steps[end]?.transfer?.target });
    }
  }

  /** What the callbacks of the block that ends with a call did to the thread; the call is excluded or not after that. */
  private applyBeforeCall(boundary: number): void {
    const later: Operation[] = [];
    for (const operation of this.due.get(boundary) ?? []) {
      if (operation.inBlock && isOfThread(operation)) this.apply(operation);
      else later.push(operation);
    }
    this.due.set(boundary, later);
  }

  private boundary(step: Step, at: number): void {
    let last = at;
    for (const operation of this.due.get(at) ?? []) {
      // Between a system call and the boundary an operation may take effect at once; a transformer that runs has begun.
      if (operation.ofFollow !== undefined) this.endExcludedCalls(at);
      const hasBegun = operation.ofFollow !== undefined && operation.ofFollow === this.leave?.to?.id;
      if (operation.at !== last || hasBegun) this.leaveIfAsked();
      last = operation.at;
      this.apply(operation);
    }
    this.endExcludedCalls(at);
    this.leaveIfAsked();
    if (!this.isTraced || this.follow === undefined) return;
    if (this.target === step.location) this.target = undefined;
    for (const { id, entry } of this.probes) {
      if (entry === step.location) this.fired.set(id, (this.fired.get(id) ?? 0) + 1);
    }
  }

  /** Those that have returned; a transformer only runs after that. */
  private endExcludedCalls(at: number): void {
    while ((this.excludedCalls.at(-1) ?? Number.POSITIVE_INFINITY) <= at) {
      this.excludedCalls.pop();
      this.isTraced = true;
    }
  }

  private leaveIfAsked(): void {
    if (this.leave !== undefined && this.excludedCalls.length === 0) this.begin(this.leave.to);
  }

  private begin(follow: Follow | undefined): void {
    this.leave = undefined;
    this.follow = follow;
    this.isTraced = follow !== undefined;
    this.target = undefined;
    this.excludedCalls = [];
    this.frames = [];
  }

  private apply(operation: Operation): void {
    switch (operation.kind) {
      case 'follow':
        if (operation.waits) this.leave = { to: operation.follow };
        else this.begin(operation.follow);
        break;
      case 'exclude':
        this.excluded.add(operation.entry as number);
        break;
      case 'add probe':
        this.probes.push(operation.probe as Probe);
        break;
      case 'remove probe':
        this.probes = this.probes.filter(({ id }) => id !== operation.probe?.id);
        break;
      default:
        if (this.isFollowed) this.applyToFollow(operation);
    }
  }

  private get isFollowed(): boolean {
    return (this.leave === undefined ? this.follow : this.leave.to) !== undefined;
  }

  private applyToFollow({ kind, target }: Operation): void {
    if (kind === 'unfollow') this.leave = { to: undefined };
    if (kind === 'activate') {
      this.isTraced = true;
      this.target = target;
    }
    if (kind === 'deactivate') {
      this.isTraced = false;
      this.target = undefined;
      this.excludedCalls = [];
    }
  }

  private record(kind: number, text: string): void {
    const { id, mask } = this.follow as Follow;
    if ((mask & kind) === 0) return;
    const list = this.recorded.get(id);
    if (list === undefined) this.recorded.set(id, [text]);
    else list.push(text);
  }
}

const isOfThread = ({ kind }: Operation): boolean =>
  kind === 'follow' || kind === 'unfollow' || kind === 'activate' || kind === 'deactivate';
