/**
 * What a thread records, given what it does (the reference) and the operations applied to it: pieces of the reference,
 * each from where a follow or activation took effect to where an unfollow or deactivation did, without the excluded
 * calls. An operation takes effect at the block boundary that comes first after it, never later, except that a thread
 * in an excluded call is left or followed anew when that returns. What is asked of translations holds at once.
 */
import { EventKind } from '../../../src/events/event.js';
import { FollowModel } from './follow-model.js';
import { type Follow, isOfThread, type Operation, type Probe } from './operation.js';
import type { BlockShape, Step, ThreadReference } from './reference.js';

/** A translation that its transformer has invalidated is made once more, then it runs in any case. */
const MOST_TRANSLATIONS = 2;

export class ThreadModel {
  /** What each follow records, by its id. */
  readonly recorded = new Map<number, readonly string[]>();
  readonly fired = new Map<number, number>();
  /** Positions inside blocks that were entered although invalid: what follows a system call there is looked for anew. */
  readonly unsettled: [from: number, to: number][] = [];
  private readonly steps: readonly Step[];
  private readonly shapes: ReadonlyMap<number, BlockShape>;
  private readonly due = new Map<number, Operation[]>();
  private follow: FollowModel | undefined;
  /** Set until the thread leaves its follow. */
  private leave: { readonly to: Follow | undefined } | undefined;
  private isTraced = false;
  private target: number | undefined;
  /** Positions excluded calls return to. */
  private excludedCalls: number[] = [];
  private excluded: ReadonlySet<number> = new Set();
  /** What was excluded when the block under way was entered. */
  private excludedAtEntry = this.excluded;
  private probes: Probe[] = [];

  constructor({ steps }: ThreadReference, shapes: ReadonlyMap<number, BlockShape>, operations: readonly Operation[]) {
    this.steps = steps;
    this.shapes = shapes;
    for (const operation of operations) {
      const at = this.boundaryFrom(operation.at);
      this.due.set(at, [...(this.due.get(at) ?? []), operation]);
    }
    for (const [at, step] of steps.entries()) this.step(step, at);
    for (const operation of this.due.get(steps.length) ?? []) this.apply(operation);
  }

  private boundaryFrom(at: number): number {
    let boundary = at;
    while (boundary < this.steps.length && !this.steps[boundary]?.isBoundary) boundary++;
    return boundary;
  }

  private step(step: Step, at: number): void {
    if (step.isBoundary) this.boundary(step.location, at);
    if (!this.isTraced || this.follow === undefined) return;
    this.follow.step(step, at);
    if (step.transfer?.kind === EventKind.CALL) this.call(step, at, step.transfer.target);
  }

  private call(step: Step, at: number, target: number): void {
    this.applyBeforeCall(at + 1);
    if (this.excludedAtEntry.has(target) && this.isTraced && this.target === undefined) {
      this.excludedCalls.push((step.returnStep ?? Number.POSITIVE_INFINITY) + 1);
      this.isTraced = false;
    } else {
      this.follow?.push(step);
    }
  }

  /** What the callbacks of the block that ends with a call did to the thread; the call is excluded or not after that. */
  private applyBeforeCall(boundary: number): void {
    this.take(boundary, (operation) => operation.inBlock !== undefined && isOfThread(operation));
  }

  /** Applies those of the operations due at `boundary` that are `wanted`, in order. */
  private take(boundary: number, wanted: (operation: Operation) => boolean): void {
    const due = this.due.get(boundary) ?? [];
    this.due.set(
      boundary,
      due.filter((operation) => !wanted(operation)),
    );
    for (const operation of due) if (wanted(operation)) this.apply(operation);
  }

  // -- from block to block -------------------------------------------------------------------------------------------

  private boundary(location: number, at: number): void {
    const queue = this.due.get(at) ?? [];
    this.due.delete(at);
    this.arrive(queue, at);
    this.enter(location, queue, at);
    // The thread may stand here for a while, its block obtained.
    while (queue.length > 0) {
      const { length } = queue;
      this.applyWhile(queue, ({ inDispatch }) => !inDispatch);
      this.enter(location, queue, at);
      if (queue.length === length) throw new Error(`nothing is translated at ${at}, but a transformer ran`);
    }
    if (this.isTraced && this.follow !== undefined) this.begun(this.follow, location, at);
  }

  /** What was applied before the thread came here: inside the block it comes from. */
  private arrive(queue: Operation[], at: number): void {
    let last = at;
    const isBefore = (operation: Operation): boolean =>
      operation.at < at || operation.inBlock !== undefined || (at === 0 && !operation.inDispatch);
    this.applyWhile(queue, (operation) => {
      if (!isBefore(operation)) return false;
      // Between a system call and the boundary an operation may take effect at once; a transformer that runs has begun.
      if (operation.ofFollow !== undefined) this.endExcludedCalls(at);
      const hasBegun = operation.ofFollow !== undefined && operation.ofFollow === this.leave?.to?.id;
      if (operation.at !== last || hasBegun) this.leaveIfAsked();
      last = operation.at;
      return true;
    });
  }

  private applyWhile(queue: Operation[], wanted: (operation: Operation) => boolean): void {
    for (let next = queue[0]; next !== undefined && wanted(next); next = queue[0]) {
      queue.shift();
      this.apply(next);
    }
  }

  /** The engine is asked for the block here: the thread leaves if it must, the block is translated if it must be. */
  private enter(location: number, queue: Operation[], at: number): void {
    for (;;) {
      this.endExcludedCalls(at);
      // Of a sink that gets its last events before the thread leaves.
      this.applyWhile(queue, ({ inDispatch, pass }) => inDispatch && pass === undefined);
      this.leaveIfAsked();
      if (this.follow === undefined || !this.isTraced) break;
      this.obtain(this.follow, location, queue, at);
      if (this.target === location) this.target = undefined;
      if (!this.mayLeave && this.isTraced) break;
    }
    if (this.follow !== undefined) this.follow.hasRun = true;
    this.excludedAtEntry = this.excluded;
  }

  private obtain(follow: FollowModel, location: number, queue: Operation[], at: number): void {
    for (let n = 0; n < MOST_TRANSLATIONS && !follow.translations.isValid(location); n++) {
      this.transform(follow, location, queue);
      follow.compile(location, at);
    }
  }

  /** A transformer that changes what its translation depends on runs again, until it does not. */
  private transform({ translations }: FollowModel, location: number, queue: Operation[]): void {
    const isNew = !translations.isKnown(location);
    const isProbed = (): boolean => this.probes.some(({ entry }) => entry === location);
    for (;;) {
      const { excluded } = this;
      const wasProbed = isProbed();
      if (!isNew) translations.translated(location);
      const pass = queue[0]?.pass;
      if (pass !== undefined) this.applyWhile(queue, (operation) => operation.pass === pass);
      if (this.excluded === excluded && isProbed() === wasProbed) break;
    }
    if (isNew) translations.translated(location);
  }

  /** The block here begins: its probes fire, BLOCK, its callout; what these do to translations holds at once. */
  private begun(follow: FollowModel, location: number, at: number): void {
    const end = this.boundaryFrom(at + 1);
    const isOfBlock = (operation: Operation): boolean => operation.inBlock === location && !isOfThread(operation);
    for (const { id, entry } of this.probes) {
      if (entry === location) this.fired.set(id, (this.fired.get(id) ?? 0) + 1);
    }
    this.take(end, (operation) => isOfBlock(operation) && operation.inProbe);
    if (!follow.translations.isValid(location)) this.unsettled.push([at + 1, end]);
    follow.block(location, at);
    this.take(end, isOfBlock);
  }

  /** Those that have returned; a transformer only runs after that. */
  private endExcludedCalls(at: number): void {
    while ((this.excludedCalls.at(-1) ?? Number.POSITIVE_INFINITY) <= at) {
      this.excludedCalls.pop();
      this.isTraced = true;
    }
  }

  private get mayLeave(): boolean {
    return this.leave !== undefined && this.excludedCalls.length === 0;
  }

  private leaveIfAsked(): void {
    if (this.mayLeave) this.begin(this.leave?.to);
  }

  private begin(follow: Follow | undefined): void {
    this.leave = undefined;
    this.follow = follow && new FollowModel(follow, this.steps, this.shapes);
    if (this.follow !== undefined) this.recorded.set(this.follow.id, this.follow.events);
    this.isTraced = follow !== undefined;
    this.target = undefined;
    this.excludedCalls = [];
  }

  // -- operations ----------------------------------------------------------------------------------------------------

  private apply(operation: Operation): void {
    switch (operation.kind) {
      case 'follow':
        if (operation.waits) this.leave = { to: operation.follow };
        else this.begin(operation.follow);
        break;
      case 'exclude':
        this.exclude(operation.entry as number);
        break;
      case 'add probe':
        this.changeProbes([...this.probes, operation.probe as Probe], operation.probe as Probe);
        break;
      case 'remove probe':
        this.changeProbes(
          this.probes.filter(({ id }) => id !== operation.probe?.id),
          operation.probe as Probe,
        );
        break;
      case 'unfollow':
      case 'activate':
      case 'deactivate':
        if (this.isFollowed) this.applyToFollow(operation);
        break;
      default:
        this.follow?.apply(operation);
    }
  }

  private exclude(entry: number): void {
    if (this.excluded.has(entry)) return;
    this.excluded = new Set([...this.excluded, entry]);
    this.follow?.translations.invalidateCallers(this.excluded);
  }

  /** The first probe of an entry and the last one have it translated anew. */
  private changeProbes(probes: Probe[], { entry }: Probe): void {
    const isProbed = (list: readonly Probe[]): boolean => list.some((probe) => probe.entry === entry);
    if (isProbed(probes) !== isProbed(this.probes)) this.follow?.translations.invalidate(entry);
    this.probes = probes;
  }

  private get isFollowed(): boolean {
    return (this.leave === undefined ? this.follow : this.leave.to) !== undefined;
  }

  private applyToFollow({ kind, target, waits }: Operation): void {
    if (kind === 'unfollow') {
      this.leave = { to: undefined };
      if (this.follow?.hasRun !== true && !waits) this.leaveIfAsked();
    }
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
}
