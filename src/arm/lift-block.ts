/**
 * From code bytes to IR blocks, one instruction at a time under the Stalker's control: `next` decodes, `keep` lifts what
 * `next` returned, not calling it drops the instruction. The observable block may be several IR blocks (segments): an SVC
 * and a SETEND end a segment, because execution resumes behind them, and lifting goes on in another one.
 *
 * A block ends after a kept instruction that may write the pc, before one that cannot be fetched or decoded (unless it is
 * the first: then it is the trap), and at the length limit. A conditional instruction is a conditional region with the
 * condition tested once, on the flags it finds; `beforeInsn` runs outside of the region, `onTransfer` inside.
 */
import type { GuestAddr } from '../bits.js';
import { Word } from '../guest/cpu-state.js';
import type { IrBlock } from '../ir/block.js';
import { type Builder, createBuilder } from '../ir/builder.js';
import {
  type Location,
  locationIsBigEndian,
  locationIsThumb,
  locationItState,
  locationPc,
  makeLocation,
} from '../ir/location.js';
import { ExitReason, type Terminal, type ValueId } from '../ir/terminal.js';
import { decode, isWideThumb } from './decode.js';
import { ALWAYS, endsBlock, type Insn, isCall, isConditional, nextAddress } from './insn.js';
import { advanceIt, isLastInIt, itCondition } from './it-block.js';
import { type Ending, LiftContext, type Transfer } from './lift-context.js';

export type { Transfer } from './lift-context.js';

interface LiftHooks {
  /**
   * After the `insn` marker, before the instruction's own IR and outside of its condition. A whole IT group is one
   * instruction here.
   */
  beforeInsn?(b: Builder, insn: Insn): void;
  /**
   * For every instruction that writes the pc, when it does: inside its conditional region, after its memory accesses,
   * before any of its register writes (LR and write-back included).
   */
  onTransfer?(b: Builder, t: Transfer): void;
}

export interface LiftOptions {
  /** `whole`: an IT instruction stands for its group and ends the block; `separate`: each dependent is an instruction. */
  itGroups: 'separate' | 'whole';
  /** Length limit in instructions (`next` calls). */
  maxInsns: number;
}

/** The code at an address: a halfword, or undefined when it cannot be fetched. */
type ReadCode = (addr: GuestAddr) => number | undefined;

/** One IR block in the making. */
class Segment {
  readonly location: Location;
  readonly builder = createBuilder();
  /** Kept instructions so far. */
  count = 0;
  terminal: Terminal | undefined;
  readonly itStates = new Map<GuestAddr, number>();

  constructor(location: Location) {
    this.location = location;
    this.builder.enter(0);
  }
}

/** Where decoding stands. */
interface Cursor {
  pc: GuestAddr;
  itState: number;
  itStart: GuestAddr | undefined;
}

export class BlockLifter {
  private readonly readCode: ReadCode;
  private readonly hooks: LiftHooks;
  private readonly options: LiftOptions;
  private readonly isThumb: boolean;
  private bigEndian: boolean;
  private readonly done: IrBlock[] = [];
  private segment: Segment;
  private cursor: Cursor;
  /** Returned by `next`, not kept yet. */
  private pending: Insn | undefined;
  /** Returned by `next` last. */
  private latest: Insn | undefined;
  private seen = 0;
  private ended = false;
  /** Why the first instruction of the block cannot run, if it cannot. */
  private firstTrap: number | undefined;

  constructor(location: Location, readCode: ReadCode, hooks: LiftHooks, options: LiftOptions) {
    this.readCode = readCode;
    this.hooks = hooks;
    this.options = options;
    this.isThumb = locationIsThumb(location);
    this.bigEndian = locationIsBigEndian(location);
    this.segment = new Segment(location);
    this.cursor = { pc: locationPc(location), itState: locationItState(location), itStart: undefined };
  }

  /** Builder of the segment being made: what the caller emits between `next` and `keep` runs before the instruction. */
  get builder(): Builder {
    return this.segment.builder;
  }

  /** Address after the last instruction consumed, kept or not. */
  get endAddress(): GuestAddr {
    return this.cursor.pc;
  }

  /** The next instruction, not lifted yet; undefined at the end of the block. */
  next(): Insn | undefined {
    const skipped = this.pending;
    this.pending = undefined;
    if (skipped !== undefined && endsBlock(skipped) && !isConditionalEnd(skipped)) this.ended = true;
    if (this.ended || this.seen >= this.options.maxInsns) return undefined;
    const insn = this.decodeGroup();
    if (insn === undefined) {
      this.ended = true;
      return undefined;
    }
    this.seen++;
    this.pending = insn;
    this.latest = insn;
    return insn;
  }

  /** Lifts the instruction `next` returned. */
  keep(): void {
    const insn = this.pending;
    if (insn === undefined) throw new RangeError('keep() without an instruction from next()');
    this.pending = undefined;
    this.lift(insn, true);
    for (const member of insn.group ?? []) this.lift(member, false);
    if (endsBlock(insn)) this.ended = true;
  }

  /**
   * Returns to LR, as `bx lr` does, in place of whatever would come next; it counts as the instruction `next` returned last
   * and ends the block.
   */
  putReturn(): void {
    const insn = this.latest;
    const { segment } = this;
    if (insn === undefined || segment.terminal !== undefined) return;
    this.pending = undefined;
    this.ended = true;
    const b = segment.builder;
    b.insn(insn.pc, segment.count);
    segment.count++;
    this.hooks.beforeInsn?.(b, insn);
    const target = b.get(Word.LR);
    this.hooks.onTransfer?.(b, { form: 'mov', insn, target, register: Word.LR, pops: false });
    segment.terminal = { kind: 'indirect', flow: 'return', target };
  }

  /**
   * Lifts a machine instruction that is not in the code, without hooks and without counting it; its address is that of the
   * instruction `next` returned last. False when it is none, or one that ends a block or belongs to an IT block.
   */
  insert(word: number): boolean {
    const { latest: at, segment } = this;
    const sizeBytes = !this.isThumb || isWideThumb(word >>> 16) ? 4 : 2;
    const found = decode(word, this.isThumb ? 'thumb' : 'arm', sizeBytes);
    if (at === undefined || segment.terminal !== undefined || found === undefined) return false;
    const insn: Insn = {
      ...this.makeInsn(at.pc, word, sizeBytes, found),
      cond: found.row.unconditional ? ALWAYS : (found.fields.cond ?? ALWAYS),
      itState: 0,
      itStart: undefined,
    };
    const isSpecial = insn.role === 'it' || /^(SVC|SETEND)/.test(found.row.name);
    if (isSpecial || endsBlock(insn)) return false;
    const b = segment.builder;
    const c = new LiftContext(b, insn, this.bigEndian);
    const lift = () => insn.row.lift(c, insn.fields);
    if (isConditional(insn)) b.when(c.condition(insn.cond), lift);
    else lift();
    return true;
  }

  /** The IR blocks, first to last; each begins where the one before it continues. */
  finish(): IrBlock[] {
    if (this.segment.terminal === undefined) {
      const isEmpty = this.done.length > 0 && locationPc(this.segment.location) === this.cursor.pc;
      if (isEmpty) return this.done;
      this.segment.terminal = this.finalTerminal();
    }
    this.closeSegment(this.cursor.pc);
    return this.done;
  }

  private finalTerminal(): Terminal {
    if (this.firstTrap !== undefined) return { kind: 'trap', reason: this.firstTrap, at: this.segment.location };
    return this.jumpTo(this.cursor);
  }

  private jumpTo(at: Cursor): Terminal {
    return { kind: 'jump', flow: 'jump', to: this.locate(at.pc, at.itState) };
  }

  private locate(pc: GuestAddr, itState: number): Location {
    return makeLocation(pc, this.isThumb, itState, this.bigEndian);
  }

  // -- decoding --------------------------------------------------------------------------------------------------------

  /** Decodes an instruction, or with `whole` an IT instruction and its group, and moves the cursor past it. */
  private decodeGroup(): Insn | undefined {
    const first = this.decodeOne(this.seen === 0);
    if (first === undefined || first.role !== 'it' || this.options.itGroups === 'separate') return first;
    const group: Insn[] = [];
    while (this.cursor.itState !== 0) {
      const member = this.decodeOne(false);
      if (member === undefined) break;
      group.push(member);
    }
    return { ...first, group };
  }

  private decodeOne(isFirst: boolean): Insn | undefined {
    const { pc, itState } = this.cursor;
    const word = this.fetch(pc);
    const found = word === undefined ? undefined : decode(word.bits, this.isThumb ? 'thumb' : 'arm', word.sizeBytes);
    const insn =
      word === undefined || found === undefined ? undefined : this.makeInsn(pc, word.bits, word.sizeBytes, found);
    if (insn === undefined || (itState !== 0 && !mayBeInIt(insn))) {
      if (isFirst) this.firstTrap = word === undefined ? ExitReason.FETCH_FAULT : ExitReason.UNDEFINED;
      return undefined;
    }
    this.advance(insn);
    return insn;
  }

  private fetch(pc: GuestAddr): { bits: number; sizeBytes: 2 | 4 } | undefined {
    if (!this.isThumb && (pc & 3) !== 0) return undefined;
    const first = this.readCode(pc);
    if (first === undefined) return undefined;
    if (this.isThumb && !isWideThumb(first)) return { bits: first, sizeBytes: 2 };
    const second = this.readCode((pc + 2) >>> 0);
    if (second === undefined) return undefined;
    return { bits: this.isThumb ? (first << 16) | second : (second << 16) | first, sizeBytes: 4 };
  }

  private makeInsn(pc: GuestAddr, word: number, sizeBytes: 2 | 4, found: NonNullable<ReturnType<typeof decode>>): Insn {
    const { row, fields } = found;
    const { itState, itStart } = this.cursor;
    const cond = row.unconditional ? ALWAYS : (fields.cond ?? itCondition(itState));
    return {
      pc,
      isa: this.isThumb ? 'thumb' : 'arm',
      word,
      sizeBytes,
      row,
      fields,
      cond,
      itState,
      itStart: itState === 0 ? undefined : itStart,
      role: typeof row.role === 'function' ? row.role(fields) : row.role,
      group: undefined,
    };
  }

  private advance(insn: Insn): void {
    const pc = (insn.pc + insn.sizeBytes) >>> 0;
    if (insn.role === 'it') {
      const { firstcond, mask } = insn.fields as { firstcond: number; mask: number };
      this.cursor = { pc, itState: (firstcond << 4) | mask, itStart: insn.pc };
      return;
    }
    this.cursor = { pc, itState: advanceIt(insn.itState), itStart: this.cursor.itStart };
  }

  // -- lifting -----------------------------------------------------------------------------------------------------------

  private lift(insn: Insn, isObserved: boolean): void {
    const { segment } = this;
    const b = segment.builder;
    b.insn(insn.pc, segment.count);
    segment.count++;
    if (insn.itState !== 0) segment.itStates.set(insn.pc, insn.itState);
    if (isObserved) this.hooks.beforeInsn?.(b, insn);
    const c = new LiftContext(b, insn, this.bigEndian, this.hooks.onTransfer?.bind(this.hooks));
    const cond = isConditional(insn) ? c.condition(insn.cond) : undefined;
    if (cond === undefined) insn.row.lift(c, insn.fields);
    else b.when(cond, () => insn.row.lift(c, insn.fields));
    if (c.ending !== undefined) this.end(insn, c.ending, cond);
  }

  private end(insn: Insn, ending: Ending, cond: ValueId | undefined): void {
    const { segment } = this;
    const after = nextAddress(insn);
    const itState = advanceIt(insn.itState);
    if (ending.kind === 'svc') {
      const next = this.locate(after, itState);
      segment.terminal = { kind: 'svc', imm: ending.imm, next, ...(cond === undefined ? {} : { cond }) };
      this.startSegment(after, next);
    } else if (ending.kind === 'setend') {
      this.bigEndian = ending.bigEndian;
      const next = this.locate(after, itState);
      segment.terminal = { kind: 'jump', flow: 'jump', to: next };
      this.startSegment(after, next);
    } else {
      segment.terminal = controlTerminal(ending, cond, this.locate(after, itState));
    }
  }

  private startSegment(pc: GuestAddr, location: Location): void {
    this.closeSegment(pc);
    this.segment = new Segment(location);
  }

  private closeSegment(end: GuestAddr): void {
    const { location, builder, count, terminal, itStates } = this.segment;
    const enter = builder.insts[0];
    if (enter !== undefined) enter.imm = count;
    this.done.push({
      location,
      insts: builder.insts,
      terminal: terminal as Terminal,
      insnCount: count,
      sizeBytes: end - locationPc(location),
      ...(itStates.size === 0 ? {} : { itStates }),
    });
  }
}

/** An instruction that writes the pc is only allowed as the last of an IT block, some not at all. */
const mayBeInIt = (insn: Insn): boolean => !insn.row.neverInIt && (!endsBlock(insn) || isLastInIt(insn.itState));

/** Whether control may pass an instruction that ends a block. */
const isConditionalEnd = (insn: Insn): boolean =>
  isConditional(insn) || insn.group !== undefined || insn.role === 'jumpIf' || isCall(insn);

const controlTerminal = (
  ending: Extract<Ending, { kind: 'direct' | 'indirect' }>,
  insnCond: ValueId | undefined,
  otherwise: Location,
): Terminal => {
  const { flow } = ending;
  const link = ending.link === undefined ? {} : { link: ending.link };
  if (ending.kind === 'indirect') {
    const conditional = insnCond === undefined ? {} : { cond: insnCond, otherwise };
    return { kind: 'indirect', flow, target: ending.target, ...conditional, ...link };
  }
  const cond = ending.cond ?? insnCond;
  if (cond === undefined) return { kind: 'jump', flow, to: ending.to, ...link };
  return { kind: 'branch', flow, cond, to: ending.to, otherwise, ...link };
};
