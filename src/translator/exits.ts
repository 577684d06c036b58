/** How a block ends: inside the region control branches, other regions are RegionExits' business, and the host gets a code. */
import { type Location, locationAddress } from '../ir/location.js';
import { ExitReason, type Flow, type Terminal, type ValueId } from '../ir/terminal.js';
import type { FunctionBuilder, Label } from '../wasm/function-builder.js';
import { isPlain, returnSite, seenInside } from './block-edges.js';
import { LEAVE, NEXT_ADDRESS } from './data-area.js';
import type { RegionContext } from './region-context.js';
import { RegionExits } from './region-exits.js';
import { loadEngine, storeEngine } from './region-function.js';
import { mayInvalidate } from './state-flow.js';
import { writeSwitch } from './switch.js';
import type { BlockTranslator } from './translate-block.js';

export class ExitWriter {
  private readonly f: FunctionBuilder;
  private readonly region: RegionContext;
  private readonly t: BlockTranslator;
  private readonly goto: (node: number) => void;
  private readonly labelOf: (node: number) => Label | undefined;
  private readonly outside: RegionExits;

  constructor(t: BlockTranslator, goto: (node: number) => void, labelOf: (node: number) => Label | undefined) {
    this.t = t;
    this.f = t.f;
    this.region = t.region;
    this.goto = goto;
    this.labelOf = labelOf;
    this.outside = new RegionExits(t, goto);
  }

  write(): void {
    const { terminal } = this.t.block;
    if (mayInvalidate(this.t.block) && terminal.kind !== 'trap') this.writeLeave(terminal);
    switch (terminal.kind) {
      case 'jump':
        this.writeTransfer(terminal, terminal.to);
        return;
      case 'branch':
        this.writeBranch(terminal);
        return;
      case 'indirect':
        this.writeIndirect(terminal);
        return;
      case 'svc':
        this.whenTrue(terminal.cond, () => this.stop(ExitReason.SVC, terminal.next));
        if (terminal.cond !== undefined) this.continueAt(terminal.next);
        return;
      default:
        this.stop(terminal.reason, terminal.at);
    }
  }

  // -- leaving because translations changed ----------------------------------------------------------------------------

  /** Goes to the host instead of anywhere else when the LEAVE word is set. */
  private writeLeave(terminal: Exclude<Terminal, { kind: 'trap' }>): void {
    const { f, t, region } = this;
    if ('cond' in terminal && terminal.cond !== undefined) t.values.makeRepeatable(terminal.cond);
    if (terminal.kind === 'indirect') t.values.makeRepeatable(terminal.target);
    loadEngine(f, region.dataBase + LEAVE);
    f.ifUnlikely();
    if (terminal.kind === 'indirect') {
      storeEngine(f, region.dataBase + NEXT_ADDRESS, () => t.values.push(terminal.target));
    }
    this.pushLeaveCode(terminal);
    f.br(region.cold.label(t.state.late)).end();
  }

  private pushLeaveCode(terminal: Exclude<Terminal, { kind: 'trap' }>): void {
    const code = (at: Location | undefined, reason: number = ExitReason.NEXT) =>
      this.f.i32(this.region.cold.code({ reason, at, refund: 0, block: this.t.block.location }));
    if (terminal.kind === 'jump') code(terminal.to);
    else if (terminal.kind === 'svc') code(terminal.next, ExitReason.SVC);
    else code(terminal.kind === 'branch' ? terminal.to : undefined);
    if (terminal.kind === 'jump' || terminal.cond === undefined) return;
    code(terminal.kind === 'svc' ? terminal.next : terminal.otherwise);
    this.t.values.push(terminal.cond);
    this.f.op('select');
  }

  // -- directions ------------------------------------------------------------------------------------------------------

  private writeBranch(terminal: Extract<Terminal, { kind: 'branch' }>): void {
    const { f, t } = this;
    const to = terminal.flow === 'call' ? undefined : t.frame.nodeAt.get(terminal.to);
    const label = to === undefined ? undefined : this.labelOf(to);
    if (label !== undefined) {
      t.values.consume(terminal.cond);
      f.brIf(label);
    } else {
      this.whenTrue(terminal.cond, () => this.writeTransfer(terminal, terminal.to));
    }
    this.continueAt(terminal.otherwise);
  }

  private writeIndirect(terminal: Extract<Terminal, { kind: 'indirect' }>): void {
    const { f, t } = this;
    const site = returnSite(terminal, t.frame);
    if (terminal.cond !== undefined) t.values.makeRepeatable(terminal.target);
    this.whenTrue(terminal.cond, () => {
      if (terminal.flow === 'return') this.writeReturn(terminal.target);
      else if (site === undefined) this.writeJump(terminal.target);
      else this.writeCall(terminal.target, terminal.link as Location, site);
    });
    t.values.done(terminal.target);
    if (terminal.cond !== undefined && terminal.otherwise !== undefined) this.continueAt(terminal.otherwise);
    else f.op('unreachable');
  }

  /** Goes on inside the region where the callee is part of it. */
  private writeCall(target: ValueId, link: Location, site: number): void {
    const { f, t } = this;
    for (const callee of t.frame.callees.get(t.block.location) ?? []) {
      t.values.makeRepeatable(target);
      t.values.push(target);
      f.i32(locationAddress(callee.target)).op('i32_eq');
      f.if();
      this.goto(callee.node);
      f.end();
    }
    this.outside.callDispatch(target, link, site);
  }

  /** Goes on inside the region where the target is one that was seen before. */
  private writeJump(target: ValueId): void {
    const { f, t } = this;
    const seen = seenInside(t.block, t.frame);
    if (seen.length === 0) {
      this.outside.tailDispatch(target);
      return;
    }
    t.values.makeRepeatable(target);
    const distances = seen.map((to) => locationAddress(to) - locationAddress(seen[0] as Location));
    const lowest = Math.min(...distances);
    // Targets are 2 or 4 bytes apart; what is not of their kind becomes a number past all of theirs.
    const shift = distances.every((distance) => distance % 4 === 0) ? 2 : 1;
    const push = () => {
      t.values.push(target);
      f.i32((locationAddress(seen[0] as Location) + lowest) | 0)
        .op('i32_sub')
        .i32(shift)
        .op('i32_rotr');
    };
    const cases = seen.map((to, n): [number, () => void] => [
      ((distances[n] as number) - lowest) >>> shift,
      () => this.goto(t.frame.nodeAt.get(to) as number),
    ]);
    writeSwitch(f, push, cases, () => this.outside.tailDispatch(target));
  }

  /** Writes `body`, which does not fall through, for the case that the value is not zero; always when there is none. */
  private whenTrue(cond: ValueId | undefined, body: () => void): void {
    if (cond === undefined) {
      body();
      return;
    }
    this.t.values.consume(cond);
    this.f.if();
    body();
    this.f.end();
  }

  /** A jump or call to a fixed location. */
  private writeTransfer(terminal: { readonly flow: Flow; readonly link?: Location }, to: Location): void {
    const { frame, block } = this.t;
    const [callee] = frame.callees.get(block.location) ?? [];
    const site = returnSite(terminal, frame);
    if (callee !== undefined) this.goto(callee.node);
    else if (site !== undefined && isPlain(to)) this.outside.callThroughCell(to, terminal.link as Location, site);
    else if (terminal.flow === 'call') this.leaveTo(to);
    else this.continueAt(to);
  }

  private continueAt(to: Location): void {
    const node = this.t.frame.nodeAt.get(to);
    if (node === undefined) this.leaveTo(to);
    else this.goto(node);
  }

  private leaveTo(to: Location): void {
    if (isPlain(to)) this.outside.tailThroughCell(to);
    else this.stop(ExitReason.NEXT, to);
  }

  /** Gives control to the host. */
  private stop(reason: number, at: Location): void {
    this.outside.writeBack();
    const { location } = this.t.block;
    this.f.i32(this.region.cold.code({ reason, at, refund: 0, block: location })).op('return');
  }

  /** A callee inside the region goes on at its return site when that is where it returns to. */
  private writeReturn(target: ValueId): void {
    const { f, t } = this;
    const { returnsTo } = t.frame;
    t.values.makeRepeatable(target);
    if (returnsTo === undefined) {
      this.outside.returnAddress(target);
      return;
    }
    t.values.push(target);
    f.i32(returnsTo.address).op('i32_ne');
    f.ifUnlikely();
    this.outside.returnAddress(target);
    f.end();
    this.goto(returnsTo.node);
  }
}
