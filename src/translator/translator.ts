/**
 * The hot tier. Regions of IR blocks become WebAssembly functions, a batch to a module, each in a table slot. They find
 * each other through link cells (direct exits) and the jump cache (indirect ones); both live in linear memory, so
 * linking and unlinking is data, and code never changes. Everything compiled may be linked: the caller compiles what it
 * trusts, and invalidates what it no longer does.
 *
 * Between `enter` calls the state words hold the whole guest state. A region that is invalidated while it runs (a
 * callout, or a store to a code page) is left at the end of the running block, and so are the regions that called it:
 * any code they return unwinds the host's stack. Its slot and cells are reused only after that.
 */

import { Word } from '../guest/cpu-state.js';
import { CPU_STATE, CPU_STATE_BYTES, TRANSLATOR_DATA } from '../guest/layout.js';
import type { GuestMemory } from '../guest/memory.js';
import { evaluate } from '../ir/eval.js';
import { floating } from '../ir/fp.js';
import {
  type Location,
  locationAddress,
  locationIsThumb,
  locationItState,
  locationOf,
  locationPc,
} from '../ir/location.js';
import { ExitReason } from '../ir/terminal.js';
import { useBranchHints } from '../wasm/branch-hints.js';
import type { FunctionRef } from '../wasm/function-builder.js';
import { calledLocations } from './body.js';
import type { ExitDescription } from './cold-exits.js';
import type { CompiledRegion, RegionDraft } from './compiled-region.js';
import { type DataArea, LEAVE, NEXT_ADDRESS, SCRATCH, SCRATCH_WORDS } from './data-area.js';
import { JumpCache } from './jump-cache.js';
import { settleFlags } from './lazy-flags.js';
import { type EntryPoint, LinkCells } from './link-cells.js';
import { ModuleContext } from './module-context.js';
import { RegionTable } from './region-table.js';
import { codeCell, codeExit, codeSlot, isCellCode } from './result-code.js';
import { FLOATING_OPS, supportModule } from './support.js';
import { type RegionInput, translateRegion } from './translate-region.js';

export interface TranslatorHooks {
  /** Runs callout `id`; PC holds the current instruction and every state word is in memory. */
  callout(id: number): void;
}

export interface TranslatorOptions {
  /** The part of TRANSLATOR_DATA this translator owns. */
  readonly area?: DataArea;
}

export interface TranslatorStats {
  /** Modules, functions and bytes ever made. */
  modules: number;
  functions: number;
  bytes: number;
}

/** Dead modules a translator may hold besides as many as are alive. */
const DEAD_MODULES = 256;
/** Room for the cells of a batch. */
const CELL_RESERVE = 0x4000;

const DEFAULT_AREA: DataArea = { base: TRANSLATOR_DATA, sizeBytes: 0x40_0000 };

/** Words of scratch, operand by operand, as `ir/fp` wants them. */
const [A, B, C, RESULT] = [0, 2, 4, 6];

export class Translator {
  readonly stats: TranslatorStats = { modules: 0, functions: 0, bytes: 0 };
  /** After `enter` returned NEXT: the link cell that was empty, or 0. */
  exitCell = 0;
  /** After `enter` returned SVC: the block that ended with it. */
  exitBlock: Location | undefined;
  private readonly memory: GuestMemory;
  private readonly area: DataArea;
  private readonly words: Int32Array;
  private readonly data: Int32Array;
  private readonly table = new RegionTable();
  private readonly cells: LinkCells;
  private readonly jumpCache: JumpCache;
  private readonly bySlot: (CompiledRegion | undefined)[] = [];
  private readonly entries = new Map<Location, { region: CompiledRegion; entry: EntryPoint }>();
  /** Empty cells by the location they wait for. */
  private readonly waiting = new Map<Location, Set<number>>();
  private readonly imports: WebAssembly.Imports;
  private readonly run: (parameter: number, slot: number) => number;
  private running = 0;
  private retired: CompiledRegion[] = [];

  constructor(memory: GuestMemory, hooks: TranslatorHooks, options: TranslatorOptions = {}) {
    useBranchHints();
    this.memory = memory;
    this.area = options.area ?? DEFAULT_AREA;
    const { buffer } = memory.memory;
    this.words = new Int32Array(buffer, CPU_STATE, CPU_STATE_BYTES / 4);
    this.data = new Int32Array(buffer, this.area.base, SCRATCH / 4);
    this.cells = new LinkCells(buffer, this.area);
    this.jumpCache = new JumpCache(buffer, this.area.base);
    const support = this.instantiateSupport();
    this.table.table.set(0, support.unlinked as CallableFunction);
    this.run = support.run as (parameter: number, slot: number) => number;
    const callout = (id: number): void => {
      settleFlags(this.words);
      hooks.callout(id);
    };
    this.imports = {
      host: { memory: memory.memory, table: this.table.table, callout },
      support,
      evaluate,
    };
  }

  /** Regions alive. */
  get regionCount(): number {
    return this.table.count;
  }

  /** Link cells alive. */
  get cellCount(): number {
    return this.cells.count;
  }

  /** Slots of the function table. */
  get tableSize(): number {
    return this.table.table.length;
  }

  /**
   * Whether another translator should take over. The engine keeps every instance that imported a table as long as the
   * table lives, and goes through all of them when the table changes.
   */
  get isWorn(): boolean {
    const { moduleCount } = this.table;
    return this.stats.modules - moduleCount > DEAD_MODULES + moduleCount || this.cells.room < CELL_RESERVE;
  }

  /** The region that has an entry at `location`. */
  lookup(location: Location): CompiledRegion | undefined {
    return this.entries.get(location)?.region;
  }

  /**
   * Translates the regions in one module and links them with each other and everything compiled before. An entry that
   * another region has already moves to the new one. The caller sees to it that `blocks` contains every entry.
   */
  compile(inputs: readonly RegionInput[]): CompiledRegion[] {
    if (inputs.length === 0) return [];
    const slots = this.table.allocate(inputs.length);
    const drafts = inputs.map((input, n): RegionDraft => ({ input, slot: slots[n] as number, cells: new Map() }));
    const module = new ModuleContext(this.table.table.length);
    const refs = drafts.map(() => module.builder.declare(module.regionType));
    const regions = drafts.map((draft, n) => this.translate(draft, module, refs, n, drafts));
    const bytes = module.builder.finish();
    new WebAssembly.Instance(new WebAssembly.Module(bytes), this.imports);
    this.stats.modules++;
    this.stats.functions += regions.length;
    this.stats.bytes += bytes.length;
    for (const region of regions) this.publish(region);
    return regions;
  }

  /**
   * Runs translated code from an entry until something needs the host; returns an ExitReason. Without such an entry
   * nothing happens and the result is undefined. PC, THUMB and ITSTATE tell where the guest stands then.
   */
  enter(location: Location): number | undefined {
    const target = this.entries.get(location);
    if (target === undefined) return undefined;
    this.jumpCache.put(locationAddress(location), target.entry.parameter, target.entry.slot);
    this.running++;
    try {
      return this.settle(this.run(target.entry.parameter, target.entry.slot));
    } finally {
      this.running--;
      if (this.running === 0) this.reuseRetired();
    }
  }

  /** Makes running translated code come out at the end of its block. For callouts and code watchers. */
  requestLeave(): void {
    if (this.running > 0) this.data[LEAVE / 4] = 1;
  }

  /** Takes a region out: nothing enters it any more, and it is left at the end of its block when it runs. */
  invalidate(region: CompiledRegion): void {
    if (!region.isAlive) return;
    region.isAlive = false;
    for (const location of region.entries) this.withdraw(location, region);
    this.cells.unlinkSlot(region.slot);
    this.requestLeave();
    this.retired.push(region);
    if (this.running === 0) this.reuseRetired();
  }

  // -- making ----------------------------------------------------------------------------------------------------------

  private instantiateSupport(): WebAssembly.ModuleImports {
    const { memory } = this;
    const { buffer } = memory.memory;
    const fpscr = new Int32Array(buffer, CPU_STATE + Word.FPSCR * 4, 1);
    const scratch = new Int32Array(buffer, this.area.base + SCRATCH, SCRATCH_WORDS);
    const float = Object.fromEntries(
      FLOATING_OPS.map((op) => [
        op,
        (imm: number, imm2: number) => floating[op](fpscr, scratch, RESULT, A, B, C, imm, imm2),
      ]),
    );
    const announce = (address: number, size: number) => memory.announceWrite(address >>> 0, size);
    const module = new WebAssembly.Module(supportModule(this.area.base));
    const host = { memory: memory.memory, table: this.table.table, announce };
    return new WebAssembly.Instance(module, { host, float }).exports as WebAssembly.ModuleImports;
  }

  private translate(
    draft: RegionDraft,
    module: ModuleContext,
    refs: readonly FunctionRef[],
    own: number,
    drafts: readonly RegionDraft[],
  ): CompiledRegion {
    const { input, slot, cells } = draft;
    const { builder, exits } = translateRegion(input, module, {
      slot,
      dataBase: this.area.base,
      cellAddress: (target) => {
        const cell = cells.get(target) ?? this.cells.allocate(target);
        cells.set(target, cell);
        return this.cells.address(cell);
      },
      neighbour: (target) => {
        const n = drafts.findIndex((other) => other.input.entries.includes(target));
        const near = drafts[n];
        if (near === undefined) return undefined;
        return { ref: refs[n] as FunctionRef, slot: near.slot, parameter: near.input.entries.indexOf(target) };
      },
    });
    const ref = refs[own] as FunctionRef;
    module.builder.define(ref, builder);
    module.builder.element(slot, [ref]);
    const locations = input.blocks.map((block) => block.location);
    const called = calledLocations(input);
    return { slot, entries: input.entries, locations, called, exits, cells, codeBytes: builder.size, isAlive: true };
  }

  /** Makes a region reachable: entries found, cells that waited for it linked, its own cells linked or waiting. */
  private publish(region: CompiledRegion): void {
    this.bySlot[region.slot] = region;
    region.entries.forEach((location, parameter) => {
      const before = this.entries.get(location);
      if (before !== undefined) this.withdraw(location, before.region);
      const entry: EntryPoint = { slot: region.slot, parameter };
      this.entries.set(location, { region, entry });
      for (const cell of this.waiting.get(location) ?? []) this.cells.link(cell, entry);
    });
    for (const [target, cell] of region.cells) {
      const entry = this.entries.get(target)?.entry;
      if (entry !== undefined) this.cells.link(cell, entry);
      const cells = this.waiting.get(target);
      if (cells === undefined) this.waiting.set(target, new Set([cell]));
      else cells.add(cell);
    }
  }

  /** `region` is no longer what runs at `location`. Cells that lead there keep waiting for a successor. */
  private withdraw(location: Location, region: CompiledRegion): void {
    if (this.entries.get(location)?.region !== region) return;
    this.entries.delete(location);
    this.jumpCache.remove(locationAddress(location));
    for (const cell of this.waiting.get(location) ?? []) this.cells.unlink(cell);
  }

  private reuseRetired(): void {
    this.data[LEAVE / 4] = 0;
    if (this.retired.length === 0) return;
    for (const region of this.retired) {
      for (const [target, cell] of region.cells) {
        const cells = this.waiting.get(target);
        cells?.delete(cell);
        if (cells?.size === 0) this.waiting.delete(target);
        this.cells.release(cell);
      }
      this.bySlot[region.slot] = undefined;
      this.table.release(region.slot);
    }
    this.retired = [];
  }

  // -- running ---------------------------------------------------------------------------------------------------------

  /** Turns what `run` returned into an ExitReason, and sets PC and fuel accordingly. */
  private settle(code: number): number {
    this.exitCell = 0;
    settleFlags(this.words);
    if (isCellCode(code)) {
      const cell = codeCell(code);
      this.exitCell = cell;
      this.setLocation(cell === 0 ? this.nextLocation() : this.cells.target(cell));
      return ExitReason.NEXT;
    }
    const exit = this.bySlot[codeSlot(code)]?.exits[codeExit(code)] as ExitDescription;
    this.exitBlock = exit.block;
    this.setLocation(exit.at ?? this.nextLocation());
    this.words[Word.FUEL] = (this.words[Word.FUEL] as number) + exit.refund;
    return exit.reason;
  }

  private nextLocation(): Location {
    return locationOf(this.data[NEXT_ADDRESS / 4] as number);
  }

  private setLocation(at: Location): void {
    this.words[Word.PC] = locationPc(at);
    this.words[Word.THUMB] = locationIsThumb(at) ? 1 : 0;
    this.words[Word.ITSTATE] = locationItState(at);
  }
}
