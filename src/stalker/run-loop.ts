/**
 * Runs the live thread block by block, in whichever tier each block is, until something needs the kernel. Between blocks
 * it follows links or asks the dispatcher.
 */
import { Word } from '../guest/cpu-state.js';
import { EXIT_INDIRECT, EXIT_TO } from '../interpreter/cold-code.js';
import type { Machine } from '../interpreter/machine.js';
import { runBlock } from '../interpreter/run-block.js';
import { ExitReason, FaultKind } from '../ir/terminal.js';
import type { Dispatcher } from './dispatch.js';
import type { HotRegion, Segment } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import { noteTarget } from './hot-spots.js';
import { staysCold } from './observer.js';
import type { ThreadContexts } from './thread-contexts.js';
import type { Tiering } from './tiering.js';

export class RunLoop {
  /** Makes `run` return at the next block boundary. */
  stopRequested = false;
  private readonly machine: Machine;
  private readonly threads: ThreadContexts;
  private readonly dispatcher: Dispatcher;
  private readonly tiering: Tiering;

  constructor(machine: Machine, threads: ThreadContexts, dispatcher: Dispatcher, tiering: Tiering) {
    this.machine = machine;
    this.threads = threads;
    this.dispatcher = dispatcher;
    this.tiering = tiering;
  }

  /** The context whose blocks run. */
  private get live(): ExecCtx {
    return this.threads.live as ExecCtx;
  }

  /** From PC on; the reason to come out, never NEXT or DRAIN. */
  run(): number {
    let segment = this.resumeSegment() ?? this.dispatcher.dispatch(this.dispatcher.location);
    let cameFromHot = false;
    for (;;) {
      const isHot = this.hotCodeAt(segment, cameFromHot);
      const next = isHot ? this.runHot(segment) : this.runCold(segment);
      cameFromHot = isHot;
      if (typeof next === 'number') return next;
      segment = next;
      if (this.stopRequested) {
        this.stopRequested = false;
        this.live.running.resume = segment;
        return ExitReason.CONTROL;
      }
    }
  }

  /** Whether hot code begins here, be it because this entry made the block hot. */
  private hotCodeAt(segment: Segment, cameFromHot: boolean): boolean {
    const { owner } = segment;
    if (owner.entry !== segment) return false;
    if (owner.hotEntry !== undefined) return true;
    const { running, observer } = this.live;
    return !staysCold(observer) && this.tiering.heat(running, segment, cameFromHot);
  }

  /** Runs one block; gives the segment to run next, or the reason to come out. */
  private runCold(segment: Segment): Segment | number {
    const reason = runBlock(segment.cold, this.machine);
    if (reason === ExitReason.NEXT) return this.follower(segment);
    if (reason === ExitReason.DRAIN) return this.afterDrain(segment);
    if (reason === ExitReason.SVC) this.resumeAt(segment.next);
    else if (reason === ExitReason.YIELD) this.resumeAt(segment);
    else this.noteFetchFault(reason);
    return reason;
  }

  /** The ring was near its end, or an excluded call was left behind. */
  private afterDrain(segment: Segment): Segment {
    this.threads.drain();
    // The sink may have asked for an unfollow, or changed translations.
    const { live } = this;
    const mustAsk = segment.owner.invalidated || live.mustDispatch || !live.isActive;
    return mustAsk ? this.dispatcher.dispatch(this.dispatcher.location) : segment;
  }

  /** Runs hot code until it needs the engine; the same answers as `runCold`. */
  private runHot(segment: Segment): Segment | number {
    const { owner } = segment;
    const hot = owner.hotEntry as HotRegion;
    const reason = this.tiering.enter(hot, owner.location);
    if (reason === undefined) {
      // Another context that shares the translator took the region with it.
      owner.hotEntry = undefined;
      segment.heat = 0;
      return this.runCold(segment);
    }
    if (reason === ExitReason.DRAIN) this.threads.drain();
    if (reason === ExitReason.NEXT || reason === ExitReason.DRAIN) {
      return this.dispatcher.dispatch(this.dispatcher.location);
    }
    if (reason === ExitReason.SVC) this.resumeAt(this.afterHotCall(hot));
    else this.noteFetchFault(reason);
    return reason;
  }

  /** Where the block that a system call has just left in hot code goes on. */
  private afterHotCall({ translator }: HotRegion): Segment | undefined {
    const { exitBlock } = translator;
    return exitBlock === undefined ? undefined : this.live.running.mappings.get(exitBlock)?.entry.next;
  }

  /** The thread stops here and goes on at `segment`, unless it must ask the engine then. */
  private resumeAt(segment: Segment | undefined): void {
    if (!this.live.mustDispatch) this.live.running.resume = segment;
  }

  /** The segment the thread left off at (after a system call, a yield), if it is still there. */
  private resumeSegment(): Segment | undefined {
    const ctx = this.live;
    const segment = ctx.running.resume;
    ctx.running.resume = undefined;
    if (segment === undefined || ctx.mustDispatch || ctx.mustUnfollow || segment.owner.invalidated) return undefined;
    const isCurrent = segment.ir.location === this.dispatcher.location && segment.owner.segments.includes(segment);
    return isCurrent ? segment : undefined;
  }

  /** The segment to run after `from` was left with NEXT: through a link, or by asking. */
  private follower(from: Segment): Segment {
    const { exit } = this.machine;
    if (exit === EXIT_INDIRECT) {
      const { location } = this.dispatcher;
      noteTarget(from, location);
      return this.dispatcher.dispatch(location, undefined, from);
    }
    const linked = exit === EXIT_TO ? from.linkTo : from.linkOtherwise;
    if (linked !== undefined && !this.live.mustDispatch) return linked.entry;
    const location = exit === EXIT_TO ? from.cold.to : from.cold.otherwise;
    // Past a SETEND, or a conditional SVC that was not executed: still the same block.
    if (from.next !== undefined && from.next.ir.location === location) return from.next;
    return this.dispatcher.dispatch(location, from);
  }

  /** Writes down what could not be fetched, as for a fault of data. */
  private noteFetchFault(reason: number): void {
    if (reason !== ExitReason.FETCH_FAULT) return;
    const { words } = this.machine;
    words[Word.FAULT_ADDR] = words[Word.PC] as number;
    words[Word.FAULT_KIND] = FaultKind.EXECUTE;
  }
}
