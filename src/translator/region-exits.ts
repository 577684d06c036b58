/**
 * The ways from one region to another. A guest call whose return site is in the region is a host call: when it returns
 * that very address, the region goes on, so the host's stack predicts returns; whatever else comes back is passed down.
 * All others are tail calls through link cells or the jump cache, or a guest address as the result.
 */
import { type Location, locationAddress } from '../ir/location.js';
import type { ValueId } from '../ir/terminal.js';
import type { FunctionBuilder } from '../wasm/function-builder.js';
import { I32 } from '../wasm/opcode.js';
import type { RegionContext } from './region-context.js';
import { DEPTH, ENGINE, loadEngine } from './region-function.js';
import type { BlockState } from './state-flow.js';
import type { BlockTranslator } from './translate-block.js';

export class RegionExits {
  private readonly f: FunctionBuilder;
  private readonly region: RegionContext;
  private readonly t: BlockTranslator;
  private readonly goto: (node: number) => void;

  constructor(t: BlockTranslator, goto: (node: number) => void) {
    this.t = t;
    this.f = t.f;
    this.region = t.region;
    this.goto = goto;
  }

  writeBack(): void {
    this.region.words.writeBack(this.t.dirty);
  }

  tailThroughCell(to: Location): void {
    const { f, region } = this;
    this.writeBack();
    const cell = region.cellAddress(to);
    const near = region.neighbour(to);
    if (near !== undefined) {
      loadEngine(f, cell + 4);
      f.i32(near.slot).op('i32_eq');
      f.if();
      f.i32(near.parameter).get(DEPTH).get(ENGINE).returnCall(near.ref).end();
    }
    this.pushCell(cell, () => f.get(DEPTH));
    f.returnCallIndirect(region.module.regionType);
  }

  callThroughCell(to: Location, link: Location, site: number): void {
    const { f, region } = this;
    this.writeBack();
    const cell = region.cellAddress(to);
    const near = region.neighbour(to);
    this.whenTooDeep(() => {
      this.pushCell(cell, () => f.get(DEPTH));
      f.returnCallIndirect(region.module.regionType);
    });
    if (near !== undefined) {
      loadEngine(f, cell + 4);
      f.i32(near.slot).op('i32_eq');
      f.if(I32);
      f.i32(near.parameter);
      this.pushInnerDepth();
      f.get(ENGINE).call(near.ref).else();
    }
    this.pushCell(cell, () => this.pushInnerDepth());
    f.callIndirect(region.module.regionType);
    if (near !== undefined) f.end();
    this.continueAfterCall(link, site);
  }

  private pushCell(cell: number, depth: () => void): void {
    loadEngine(this.f, cell);
    depth();
    this.f.get(ENGINE);
    loadEngine(this.f, cell + 4);
  }

  tailDispatch(target: ValueId): void {
    this.writeBack();
    this.t.values.push(target);
    this.f.get(DEPTH).returnCall(this.region.module.support('dispatch'));
  }

  callDispatch(target: ValueId, link: Location, site: number): void {
    const { f, region, t } = this;
    t.values.makeRepeatable(target);
    this.writeBack();
    const dispatch = region.module.support('dispatch');
    this.whenTooDeep(() => {
      t.values.push(target);
      f.get(DEPTH).returnCall(dispatch);
    });
    t.values.push(target);
    this.pushInnerDepth();
    f.call(dispatch);
    this.continueAfterCall(link, site);
  }

  private whenTooDeep(body: () => void): void {
    this.f.get(DEPTH).op('i32_eqz');
    this.f.ifUnlikely();
    body();
    this.f.end();
  }

  private pushInnerDepth(): void {
    this.f.get(DEPTH).i32(1).op('i32_sub');
  }

  /** The callee's result is on the stack: goes on at the return site, or passes the result down. */
  private continueAfterCall(link: Location, site: number): void {
    const { f, region } = this;
    const result = f.allocate(I32);
    f.tee(result).i32(locationAddress(link)).op('i32_ne');
    f.ifUnlikely();
    f.get(result).op('return').end();
    f.release(result);
    region.words.reload((region.states[site] as BlockState).liveIn);
    this.goto(site);
  }

  /** Returns the guest address, unless it looks like a code. */
  returnAddress(target: ValueId): void {
    const { f, t, region } = this;
    this.writeBack();
    t.values.push(target);
    f.i32(3).op('i32_and').i32(2).op('i32_eq');
    f.ifUnlikely();
    t.values.push(target);
    f.returnCall(region.module.support('leave')).end();
    t.values.push(target);
    f.op('return');
  }
}
