/**
 * The instrumentation, written as IR into the block under construction: event records in the ring, shadow stack pushes
 * and pops, callouts. Which events happen where is stalker-semantics (Frida's rules) for `gum` and the architecture for
 * `precise`; neither tier knows what an event is.
 */
import type { Insn } from '../arm/insn.js';
import type { Transfer } from '../arm/lift-context.js';
import { EventKind } from '../events/event.js';
import { COMPACT_WORDS, FRAME_BYTES, RECORD_BYTES, type SiteTable } from '../events/ring.js';
import { Word } from '../guest/cpu-state.js';
import { type IrBlock, NO_VALUE } from '../ir/block.js';
import type { Builder } from '../ir/builder.js';
import { ExitReason, type ValueId } from '../ir/terminal.js';
import type { Exclusions } from './exclusion.js';
import { type FollowOptions, isFollow, needsShadowStack, onlyCountsCalls, usesCompactRecords } from './options.js';

/** A site whose clockAdjust waits for the number of instructions in its segment. */
interface OpenSite {
  readonly site: number;
  readonly segment: number;
  /** Instructions of the segment retired when the event happens. */
  readonly retired: number;
}

const LINK_REGISTER = 14;

/** Whether this transfer is a return by its own looks, under `precise`. */
const looksLikeReturn = (t: Transfer): boolean =>
  t.form === 'ldm' ||
  ((t.form === 'bx' || t.form === 'mov') && t.register === LINK_REGISTER) ||
  (t.form === 'ldr' && t.pops);

/** Whether Frida reports it as RET: any `mov pc`, any LDM with pc, and in ARM state `ldr pc, [sp], #4`. */
const isGumReturn = (t: Transfer): boolean =>
  t.form === 'mov' || t.form === 'ldm' || (t.form === 'ldr' && t.pops && t.insn.isa === 'arm');

/** Which of r0 to r3 a POP {.., pc} loads. */
const loadedArguments = (t: Transfer): number => {
  const { registers } = t.insn.fields as { registers?: number };
  return t.form === 'ldm' && t.pops ? (registers ?? 0) & 0xf : 0;
};

/** What the shadow stack and the return watch do out of line. */
export interface SlowPaths {
  /** Callout: a return that does not match the top frame; target and sp wait in words 2 and 3 of the next record. */
  readonly unwind: number;
  /** Callout: the top frame's sp lies below the current one, which waits in word 3 of the next record. */
  readonly dropStale: number;
  /** Callout: a jump somebody may be waiting for; loaded registers, target and sp wait in words 1 to 3 of the next record. */
  readonly watchedReturn: number;
  /** Callout: a push went past the shadow stack's last frame. */
  readonly full: number;
  /** Callout: a record was just written, and somebody wants to know at once. */
  readonly event: number;
  /** Callout: the block ends with a call into an excluded range. */
  readonly excludedCall: number;
  readonly exclusions: Exclusions;
  /** Addresses some translated call returns to. */
  readonly returnSites: Set<number>;
}

export class Instrument {
  private readonly options: FollowOptions;
  private readonly sites: SiteTable;
  private readonly slowPaths: SlowPaths;
  private readonly quiet: boolean;
  private readonly isCompact: boolean;
  private readonly isCounting: boolean;
  private readonly open: OpenSite[] = [];
  private blockSite = -1;
  private segment = -1;
  private retired = 0;
  private builder: Builder | undefined;
  /** Instructions [first, end) of the block that look whether the ring has room. */
  private check = { first: 0, end: 0 };
  private hasRecords = false;

  /** `quiet` blocks emit no EXEC (Frida's exclusive-access rule). */
  constructor(options: FollowOptions, sites: SiteTable, slowPaths: SlowPaths, quiet: boolean) {
    this.options = options;
    this.sites = sites;
    this.slowPaths = slowPaths;
    this.quiet = quiet;
    this.isCompact = usesCompactRecords(options);
    this.isCounting = onlyCountsCalls(options);
  }

  /** Whether this kind of event is asked for. */
  private wants(kind: number): boolean {
    return (this.options.events & kind) !== 0;
  }

  /** Whether frames are pushed and popped at all. */
  private get hasShadowStack(): boolean {
    return needsShadowStack(this.options);
  }

  /** At the very start of a block: leave for a drain when the ring is near its end. */
  ringCheck(b: Builder): void {
    this.enterSegment(b);
    if (!this.wants(EventKind.CALL | EventKind.RET | EventKind.EXEC | EventKind.BLOCK)) return;
    const first = b.insts.length;
    b.trapIf(b.ltU(b.get(Word.RING_LIMIT), b.get(Word.RING_HEAD)), ExitReason.DRAIN);
    this.check = { first, end: b.insts.length };
  }

  /** BLOCK, at block entry after the probes. */
  blockEntry(b: Builder, start: number): void {
    if (!this.wants(EventKind.BLOCK)) return;
    this.blockSite = this.addSite(EventKind.BLOCK, start, 0);
    this.record(b, this.blockSite);
  }

  /** Before a kept instruction: EXEC. */
  beforeInsn(b: Builder, insn: Insn): void {
    if (b !== this.builder) this.enterSegment(b);
    this.retired++;
    if (!this.wants(EventKind.EXEC) || this.quiet) return;
    const location = insn.isa === 'thumb' ? insn.pc + 1 : insn.pc;
    if (this.options.profile === 'precise') {
      this.record(b, this.addSite(EventKind.EXEC, location, 0));
    } else {
      b.when(b.ne(b.get(Word.LAST_EXEC), b.const(location)), () => {
        b.set(b.const(location), Word.LAST_EXEC);
        this.record(b, this.addSite(EventKind.EXEC, location, 0));
      });
    }
  }

  /** Where control leaves: CALL, RET and the shadow stack. */
  transfer(b: Builder, t: Transfer): void {
    this.watchReturn(b, t);
    if (t.link !== undefined) this.excludedCall(b, t.target);
    if (!this.hasShadowStack && !this.isCounting) return;
    const pc = this.options.profile === 'gum' && t.itStart !== undefined ? t.itStart : t.insn.pc;
    const location = t.insn.isa === 'thumb' ? pc + 1 : pc;
    if (this.isCounting) this.countCall(b, t, location);
    else if (t.link !== undefined) this.call(b, t, location, t.link);
    else if (this.options.profile === 'gum') this.gumTransfer(b, t, location);
    else if (t.form !== 'b') this.preciseTransfer(b, t, location);
  }

  /** Asks whoever waits for returns, when this jump may be one. */
  private watchReturn(b: Builder, t: Transfer): void {
    if (this.options.onReturn === undefined) return;
    if (t.link !== undefined) this.slowPaths.returnSites.add(t.link);
    if (t.link !== undefined || t.form === 'b') return;
    const sp = t.spAfter ?? b.get(Word.SP);
    b.when(b.eqz(b.ltU(sp, b.get(Word.RETURN_WATCH))), () => {
      const head = b.get(Word.RING_HEAD);
      b.hostStore32(head, b.const(loadedArguments(t)), 4);
      b.hostStore32(head, t.target, 8);
      b.hostStore32(head, sp, 12);
      b.callout(this.slowPaths.watchedReturn);
    });
  }

  /** A call into an excluded range is announced before its own events. */
  private excludedCall(b: Builder, target: ValueId): void {
    const { exclusions, excludedCall } = this.slowPaths;
    if (isFollow(this.options)) exclusions.whenCovered(b, target, () => b.callout(excludedCall));
  }

  /** A finished block that records nothing, and asks nobody who might, needs no room in the ring. */
  dropIdleCheck(irs: readonly IrBlock[]): void {
    if (this.hasRecords || irs.some(({ insts }) => insts.some(({ op }) => op === 'callout'))) return;
    const insts = irs[0]?.insts ?? [];
    for (let n = this.check.first; n < this.check.end; n++) {
      insts[n] = { op: 'const', a: NO_VALUE, b: NO_VALUE, c: NO_VALUE, imm: 0, imm2: 0 };
    }
  }

  /** Patches what only the finished block knows; `counts` are the instructions of each segment. */
  finish(end: number, counts: readonly number[]): void {
    if (this.blockSite >= 0) this.sites.target[this.blockSite] = end;
    for (const { site, segment, retired } of this.open) {
      this.sites.clockAdjust[site] = (counts[segment] as number) - retired;
    }
  }

  /** The block goes on in another piece of IR, whose instructions are counted anew. */
  private enterSegment(b: Builder): void {
    this.builder = b;
    this.segment++;
    this.retired = 0;
  }

  /** A site of this block; how many of its instructions come after it is known when the block is finished. */
  private addSite(kind: number, location: number, target: number | undefined, link = 0): number {
    const site = this.sites.add(kind, location, target, 0, link);
    this.open.push({ site, segment: this.segment, retired: this.retired });
    return site;
  }

  /** Writes a record and moves the ring's head past it. */
  private record(b: Builder, site: number, target?: ValueId, withDepth = false): void {
    this.hasRecords = true;
    const head = b.get(Word.RING_HEAD);
    b.hostStore32(head, b.const(site), 0);
    b.hostStore32(head, b.get(Word.FUEL), 4);
    if (target !== undefined) b.hostStore32(head, target, 8);
    if (withDepth && !this.isCompact) b.hostStore32(head, b.get(Word.SHADOW_TOP), 12);
    const bytes = this.isCompact && target === undefined ? COMPACT_WORDS * 4 : RECORD_BYTES;
    b.set(b.add(head, b.const(bytes)), Word.RING_HEAD);
    if (this.options.onEvent !== undefined) b.callout(this.slowPaths.event);
  }

  /** RET; the shadow stack's top is after the pop. A compact record has no target: it is the frame's, or UNMATCHED's. */
  private recordReturn(b: Builder, site: number, target: ValueId): void {
    this.record(b, site, this.isCompact ? undefined : target, true);
  }

  /** Drops frames of activations that are gone, in the rare case that the top one is. */
  private dropStale(b: Builder, sp: ValueId): void {
    if (this.options.profile === 'gum') return;
    const frame = b.sub(b.get(Word.SHADOW_TOP), b.const(FRAME_BYTES));
    b.when(b.ltU(b.hostLoad32(frame, 4), sp), () => {
      b.hostStore32(b.get(Word.RING_HEAD), sp, 12);
      b.callout(this.slowPaths.dropStale);
    });
  }

  /** CALL, then the frame that its return will pop. */
  private call(b: Builder, t: Transfer, location: number, link: number): void {
    this.slowPaths.returnSites.add(link);
    this.dropStale(b, b.get(Word.SP));
    if (this.wants(EventKind.CALL)) {
      const fixed = b.constantOf(t.target);
      const site = this.addSite(EventKind.CALL, location, fixed === undefined ? undefined : fixed >>> 0, link);
      this.record(b, site, fixed === undefined ? t.target : undefined, true);
    }
    const top = b.get(Word.SHADOW_TOP);
    b.hostStore32(top, b.const(link), 0);
    b.hostStore32(top, b.get(Word.SP), 4);
    const grown = b.add(top, b.const(FRAME_BYTES));
    b.set(grown, Word.SHADOW_TOP);
    b.when(b.ltU(b.get(Word.SHADOW_LIMIT), grown), () => b.callout(this.slowPaths.full));
  }

  /** A call where calls are only counted: its site, and the target if the site does not say it. */
  private countCall(b: Builder, t: Transfer, location: number): void {
    if (t.link === undefined) return;
    this.hasRecords = true;
    const fixed = b.constantOf(t.target);
    const head = b.get(Word.RING_HEAD);
    b.hostStore32(head, b.const(this.sites.add(EventKind.CALL, location, fixed && fixed >>> 0, 0)), 0);
    if (fixed === undefined) b.hostStore32(head, t.target, 4);
    b.set(b.add(head, b.const(fixed === undefined ? 8 : 4)), Word.RING_HEAD);
  }

  /** RET and the pop of its frame, as the architecture has it: what looks like a return, or returns to the top frame. */
  private preciseTransfer(b: Builder, t: Transfer, location: number): void {
    const sp = t.spAfter ?? b.get(Word.SP);
    if (!looksLikeReturn(t)) this.dropStale(b, sp);
    const frame = b.sub(b.get(Word.SHADOW_TOP), b.const(FRAME_BYTES));
    const sameTarget = b.eq(b.hostLoad32(frame, 0), t.target);
    const hit = b.and(sameTarget, b.eq(b.hostLoad32(frame, 4), sp));
    const site = this.wants(EventKind.RET) ? this.addSite(EventKind.RET, location, undefined) : undefined;
    if (!looksLikeReturn(t)) {
      b.when(hit, () => {
        b.set(frame, Word.SHADOW_TOP);
        if (site !== undefined) this.recordReturn(b, site, t.target);
      });
      return;
    }
    b.when(hit, () => b.set(frame, Word.SHADOW_TOP));
    b.when(b.eqz(hit), () => {
      b.hostStore32(b.get(Word.RING_HEAD), t.target, 8);
      b.hostStore32(b.get(Word.RING_HEAD), sp, 12);
      b.callout(this.slowPaths.unwind);
    });
    if (site !== undefined) this.recordReturn(b, site, t.target);
  }

  /** RET and the pop of its frame, as Frida has it: any jump pops a frame that returns there, some are RET. */
  private gumTransfer(b: Builder, t: Transfer, location: number): void {
    const frame = b.sub(b.get(Word.SHADOW_TOP), b.const(FRAME_BYTES));
    b.when(b.eq(b.hostLoad32(frame, 0), t.target), () => b.set(frame, Word.SHADOW_TOP));
    if (!isGumReturn(t) || !this.wants(EventKind.RET)) return;
    this.recordReturn(b, this.addSite(EventKind.RET, location, undefined), t.target);
  }
}
