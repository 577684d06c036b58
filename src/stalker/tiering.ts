/**
 * Promotion of hot blocks to WebAssembly. Every block starts in the cold tier, which counts its entries; one that
 * reaches the threshold is compiled, with its surroundings in the same guest function and with whatever else is warm, in
 * one module. Only trusted blocks take part, so what Frida would still compare with its snapshot stays cold.
 *
 * A followed thread has hot code of its own, because a block's first visit by a thread is a COMPILE event of that thread;
 * threads that nobody follows share theirs.
 */
import { TRANSLATOR_DATA, TRANSLATOR_DATA_BYTES } from '../guest/layout.js';
import type { GuestMemory } from '../guest/memory.js';
import type { IrBlock } from '../ir/block.js';
import type { Location } from '../ir/location.js';
import type { CompiledRegion } from '../translator/compiled-region.js';
import { formRegions, isTranslatable } from '../translator/region.js';
import type { RegionInput } from '../translator/translate-region.js';
import { Translator, type TranslatorStats } from '../translator/translator.js';
import type { BlockCache } from './block-cache.js';
import type { ExecBlock, HotRegion, Segment } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import { NOT_FOLLOWED } from './options.js';

/** `cold` never translates to WebAssembly, `hot` does so at once, `auto` when a block is entered often enough. */
export type Tier = 'cold' | 'hot' | 'auto';

export interface TierOptions {
  readonly tier?: Tier;
  /** Entries by the cold tier before a block is promoted; 0 promotes at once. */
  readonly hotThreshold?: number;
}

const DEFAULT_THRESHOLD = 256;
const AREA_BYTES = 0x10_0000;
const AREAS = TRANSLATOR_DATA_BYTES / AREA_BYTES;
/** Most regions in one module. */
const BATCH = 24;
/** Most regions in one module made at start-up. */
const PREFETCH_BATCH = 200;
/** Heat of a block that is not to be promoted (again). */
const SETTLED = Number.NEGATIVE_INFINITY;

export interface HotCodeSize {
  regions: number;
  /** Link cells. */
  cells: number;
  /** Of the function tables. */
  slots: number;
}

/** Part of TRANSLATOR_DATA a translator works in; `index` gives it back. */
interface OwnTranslator {
  readonly translator: Translator;
  readonly area: number;
  readonly regions: Set<HotRegion>;
}

export class Tiering {
  /** Cold entries that promote a block; Infinity when there is no hot tier. */
  readonly threshold: number;
  private readonly memory: GuestMemory;
  private readonly cache: BlockCache;
  private readonly callout: (id: number) => void;
  private readonly own = new Map<ExecCtx, OwnTranslator>();
  private sharedTranslator: OwnTranslator | undefined;
  private readonly freeAreas: number[] = [];
  private usedAreas = 0;
  /** Blocks that have come half the way to promotion, by context. */
  private readonly warm = new Map<ExecCtx, Segment[]>();
  private readonly total: TranslatorStats = { modules: 0, functions: 0, bytes: 0 };

  constructor(memory: GuestMemory, cache: BlockCache, callout: (id: number) => void, options: TierOptions) {
    this.memory = memory;
    this.cache = cache;
    this.callout = callout;
    const { tier = 'auto', hotThreshold = DEFAULT_THRESHOLD } = options;
    this.threshold = tier === 'cold' ? Number.POSITIVE_INFINITY : tier === 'hot' ? 0 : hotThreshold;
  }

  /** Counts an entry of `segment` by the cold tier; true when it has just become hot code. */
  heat(ctx: ExecCtx, segment: Segment): boolean {
    const heat = ++segment.heat;
    if (heat < this.threshold / 2) return false;
    if (heat < this.threshold) {
      if (heat - 1 < this.threshold / 2) this.noteWarm(ctx, segment);
      return false;
    }
    if (!this.cache.mayBeLinked(segment.owner)) return false;
    return this.promote(ctx, segment);
  }

  /** Runs hot code from `location` on, if there is some; see Translator.enter. */
  enter(hot: HotRegion, location: Location): number | undefined {
    return hot.translator.enter(location);
  }

  /** Makes the hot code of `ctx` that is running come out at the end of its block. */
  requestLeave(ctx: ExecCtx): void {
    this.translatorOf(ctx)?.translator.requestLeave();
  }

  /** No hot code made from `block` may be entered any more. */
  unlinked(block: ExecBlock): void {
    for (const hot of [...block.regions]) this.drop(hot);
  }

  /** The context's blocks are gone; so is its translator. */
  dispose(ctx: ExecCtx): void {
    this.warm.delete(ctx);
    const own = this.own.get(ctx);
    if (own === undefined) return;
    this.own.delete(ctx);
    this.retire(own);
  }

  /** What hot code takes up now. */
  get size(): HotCodeSize {
    const shared = this.sharedTranslator === undefined ? [] : [this.sharedTranslator];
    const size = { regions: 0, cells: 0, slots: 0 };
    for (const { translator } of [...this.own.values(), ...shared]) {
      size.regions += translator.regionCount;
      size.cells += translator.cellCount;
      size.slots += translator.tableSize;
    }
    return size;
  }

  /** Translators of followed threads. */
  get translatorCount(): number {
    return this.own.size;
  }

  get stats(): TranslatorStats {
    const stats = { ...this.total };
    for (const { translator } of this.own.values()) this.addStats(stats, translator.stats);
    if (this.sharedTranslator !== undefined) this.addStats(stats, this.sharedTranslator.translator.stats);
    return stats;
  }

  private addStats(to: TranslatorStats, from: TranslatorStats): void {
    to.modules += from.modules;
    to.functions += from.functions;
    to.bytes += from.bytes;
  }

  private noteWarm(ctx: ExecCtx, segment: Segment): void {
    const known = this.warm.get(ctx);
    if (known === undefined) this.warm.set(ctx, [segment]);
    else known.push(segment);
  }

  // -- promotion -----------------------------------------------------------------------------------------------------

  private promote(ctx: ExecCtx, trigger: Segment): boolean {
    const own = this.readyTranslator(ctx);
    const getBlock = (location: Location): IrBlock | undefined => this.eligible(ctx, location);
    const batch = own === undefined ? [] : this.formBatch(ctx, trigger, getBlock);
    if (own === undefined || batch.length === 0) {
      trigger.heat = SETTLED;
      return false;
    }
    for (const region of own.translator.compile(batch)) this.adopt(ctx, own, region);
    return trigger.owner.hotEntry !== undefined;
  }

  /** Compiles these blocks, trusted by their caller, in as few modules as possible. */
  compileAll(ctx: ExecCtx, blocks: readonly ExecBlock[]): void {
    if (this.threshold === Number.POSITIVE_INFINITY) return;
    const own = this.readyTranslator(ctx);
    if (own === undefined) return;
    const getBlock = (location: Location): IrBlock | undefined => this.eligible(ctx, location);
    let pending: RegionInput[] = [];
    const covered = new Set<Location>();
    for (const block of blocks) {
      if (block.hotEntry !== undefined || covered.has(block.location)) continue;
      const [region] = formRegions(getBlock, [block.location]);
      if (region === undefined) continue;
      for (const { location } of region.blocks) covered.add(location);
      pending.push(region);
      if (pending.length < PREFETCH_BATCH) continue;
      for (const compiled of own.translator.compile(pending)) this.adopt(ctx, own, compiled);
      pending = [];
    }
    for (const compiled of own.translator.compile(pending)) this.adopt(ctx, own, compiled);
  }

  /** The trigger's region first, then those of warm blocks that are not inside one of the batch already. */
  private formBatch(ctx: ExecCtx, trigger: Segment, getBlock: (l: Location) => IrBlock | undefined): RegionInput[] {
    const batch: RegionInput[] = [];
    const covered = new Set<Location>();
    const warm = this.warm.get(ctx) ?? [];
    this.warm.delete(ctx);
    for (const segment of [trigger, ...warm]) {
      const { location } = segment.ir;
      const isSettled = segment.owner.hotEntry !== undefined || segment.owner.entry !== segment;
      if (batch.length === BATCH || isSettled || covered.has(location)) continue;
      const [region] = formRegions(getBlock, [location]);
      if (region === undefined) continue;
      for (const block of region.blocks) covered.add(block.location);
      batch.push(region);
    }
    return batch;
  }

  /** The IR at a location, if hot code may be made of it. */
  private eligible(ctx: ExecCtx, location: Location): IrBlock | undefined {
    const block = ctx.mappings.get(location);
    if (block === undefined || block.invalidated || !isTranslatable(location) || !this.cache.mayBeLinked(block)) {
      return undefined;
    }
    const { ir, next } = block.entry;
    // What follows a conditional SVC or a SETEND belongs to the same block and must be entered as such.
    const goesOnInside = next !== undefined && (ir.terminal.kind !== 'svc' || ir.terminal.cond !== undefined);
    return goesOnInside ? undefined : ir;
  }

  private adopt(ctx: ExecCtx, { translator, regions }: OwnTranslator, region: CompiledRegion): void {
    const blocks = region.locations.map((location) => ctx.mappings.get(location) as ExecBlock);
    const hot: HotRegion = { translator, region, blocks, siblings: regions };
    regions.add(hot);
    for (const block of blocks) block.regions.add(hot);
    for (const location of region.entries) {
      const block = ctx.mappings.get(location) as ExecBlock;
      block.hotEntry = hot;
      block.entry.heat = SETTLED;
    }
  }

  private drop(hot: HotRegion): void {
    hot.translator.invalidate(hot.region);
    hot.siblings.delete(hot);
    for (const block of hot.blocks) {
      block.regions.delete(hot);
      if (block.hotEntry !== hot) continue;
      block.hotEntry = undefined;
      block.entry.heat = 0;
    }
  }

  // -- translators ---------------------------------------------------------------------------------------------------

  private translatorOf(ctx: ExecCtx): OwnTranslator | undefined {
    return ctx.options === NOT_FOLLOWED ? this.sharedTranslator : this.own.get(ctx);
  }

  /** The context's translator, a new one when there is none or it has had its time. */
  private readyTranslator(ctx: ExecCtx): OwnTranslator | undefined {
    const own = this.translatorOf(ctx);
    if (own === undefined) return this.makeTranslator(ctx);
    if (!own.translator.isWorn) return own;
    for (const hot of [...own.regions]) this.drop(hot);
    this.retire(own);
    return this.makeTranslator(ctx);
  }

  private retire({ translator, area }: OwnTranslator): void {
    this.addStats(this.total, translator.stats);
    this.freeAreas.push(area);
  }

  private makeTranslator(ctx: ExecCtx): OwnTranslator | undefined {
    const area = this.freeAreas.pop() ?? (this.usedAreas < AREAS ? this.usedAreas++ : undefined);
    if (area === undefined) return undefined;
    const base = TRANSLATOR_DATA + area * AREA_BYTES;
    this.memory.u8.fill(0, base, base + AREA_BYTES);
    const translator = new Translator(
      this.memory,
      { callout: this.callout },
      { area: { base, sizeBytes: AREA_BYTES } },
    );
    const own = { translator, area, regions: new Set<HotRegion>() };
    if (ctx.options === NOT_FOLLOWED) this.sharedTranslator = own;
    else this.own.set(ctx, own);
    return own;
  }
}
