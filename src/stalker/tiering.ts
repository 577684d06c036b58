/**
 * Promotion of hot blocks to WebAssembly. Every block starts in the cold tier, which counts its entries; one that
 * reaches the threshold is compiled, with its surroundings in the same guest function and with whatever else is warm, in
 * one module. Only trusted blocks take part, so what Frida would still compare with its snapshot stays cold.
 */
import type { GuestMemory } from '../guest/memory.js';
import type { IrBlock } from '../ir/block.js';
import type { Location } from '../ir/location.js';
import type { CompiledRegion } from '../translator/compiled-region.js';
import { type BlockSource, isTranslatable } from '../translator/guest-function.js';
import { type FormedRegion, formRegion } from '../translator/region.js';
import type { TranslatorStats } from '../translator/translator.js';
import type { BlockCache } from './block-cache.js';
import type { ExecBlock, HotRegion, Segment } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import { HotSpots } from './hot-spots.js';
import { type HotCodeSize, type OwnTranslator, TranslatorPool } from './translator-pool.js';

/** `cold` never translates to WebAssembly, `hot` does so at once, `auto` when a block is entered often enough. */
export type Tier = 'cold' | 'hot' | 'auto';

export interface TierOptions {
  readonly tier?: Tier;
  /** Entries by the cold tier before a block is promoted; 0 promotes at once. */
  readonly hotThreshold?: number;
}

const DEFAULT_THRESHOLD = 256;
/** Most regions in one module. */
const BATCH = 24;
/** Most regions in one module made at start-up. */
const PREFETCH_BATCH = 200;
/** Heat of a block that is not to be promoted (again). */
const SETTLED = Number.NEGATIVE_INFINITY;

export class Tiering {
  /** Cold entries that promote a block; Infinity when there is no hot tier. */
  readonly threshold: number;
  private readonly cache: BlockCache;
  private readonly pool: TranslatorPool;
  private readonly spots = new Map<ExecCtx, HotSpots>();

  constructor(memory: GuestMemory, cache: BlockCache, callout: (id: number) => void, options: TierOptions) {
    this.cache = cache;
    this.pool = new TranslatorPool(memory, callout);
    const { tier = 'auto', hotThreshold = DEFAULT_THRESHOLD } = options;
    this.threshold = tier === 'cold' ? Number.POSITIVE_INFINITY : tier === 'hot' ? 0 : hotThreshold;
  }

  /**
   * Counts an entry of `segment` by the cold tier; true when it has just become hot code. What is inside hot code, but
   * was not entered from there, is on its way to one of its entries and does not count.
   */
  heat(ctx: ExecCtx, segment: Segment, cameFromHot: boolean): boolean {
    if (segment.owner.regions.size > 0 && !cameFromHot && this.threshold > 0) return false;
    const heat = ++segment.heat;
    if (heat < this.threshold / 2) return false;
    if (heat < this.threshold) {
      if (heat - 1 < this.threshold / 2) this.spotsOf(ctx).noteWarm(segment);
      return false;
    }
    if (!this.cache.mayBeLinked(segment.owner)) return false;
    if (heat < this.threshold * this.spotsOf(ctx).patience(segment.owner)) return false;
    return this.promote(ctx, segment);
  }

  /** Runs hot code from `location` on, if there is some; see Translator.enter. */
  enter(hot: HotRegion, location: Location): number | undefined {
    return hot.translator.enter(location);
  }

  /** Makes the hot code of `ctx` that is running come out at the end of its block. */
  requestLeave(ctx: ExecCtx): void {
    this.pool.of(ctx)?.translator.requestLeave();
  }

  /** No hot code made from `block` may be entered any more. */
  unlinked(block: ExecBlock): void {
    for (const hot of [...block.regions, ...block.callers]) this.drop(hot);
  }

  /** The context's blocks are gone; so is its translator. */
  dispose(ctx: ExecCtx): void {
    this.spots.delete(ctx);
    this.pool.dispose(ctx);
  }

  /** What hot code takes up now. */
  get size(): HotCodeSize {
    return this.pool.size;
  }

  /** Translators of followed threads. */
  get translatorCount(): number {
    return this.pool.ownCount;
  }

  /** What all translators have done so far. */
  get stats(): TranslatorStats {
    return this.pool.stats;
  }

  /** What the context has that is warm or hot. */
  private spotsOf(ctx: ExecCtx): HotSpots {
    let spots = this.spots.get(ctx);
    if (spots === undefined) {
      spots = new HotSpots();
      this.spots.set(ctx, spots);
    }
    return spots;
  }

  // -- promotion -----------------------------------------------------------------------------------------------------

  /** Compiles the block that is hot now, and what is warm besides; false when it stays cold. */
  private promote(ctx: ExecCtx, trigger: Segment): boolean {
    const own = this.readyTranslator(ctx);
    const source = this.source(ctx);
    const batch = own === undefined ? [] : this.formBatch(ctx, trigger, source);
    if (own === undefined || batch.length === 0) {
      trigger.heat = SETTLED;
      return false;
    }
    this.compile(ctx, own, batch);
    return trigger.owner.hotEntry !== undefined;
  }

  /** Compiles these blocks, trusted by their caller, in as few modules as possible. */
  compileAll(ctx: ExecCtx, blocks: readonly ExecBlock[]): void {
    if (this.threshold === Number.POSITIVE_INFINITY) return;
    const own = this.readyTranslator(ctx);
    if (own === undefined) return;
    const source = this.source(ctx);
    let pending: FormedRegion[] = [];
    const covered = new Set<Location>();
    for (const block of blocks) {
      if (block.hotEntry !== undefined || covered.has(block.location)) continue;
      const region = formRegion(source, block.location);
      if (region === undefined) continue;
      for (const { location } of region.blocks) covered.add(location);
      pending.push(region);
      if (pending.length < PREFETCH_BATCH) continue;
      this.compile(ctx, own, pending);
      pending = [];
    }
    this.compile(ctx, own, pending);
  }

  /** The trigger's region first, then those of warm blocks that are not inside one of the batch already. */
  private formBatch(ctx: ExecCtx, trigger: Segment, source: BlockSource): FormedRegion[] {
    const batch: FormedRegion[] = [];
    const covered = new Set<Location>();
    const spots = this.spotsOf(ctx);
    for (const segment of [trigger, ...spots.takeWarm()]) {
      const { owner } = segment;
      const isSettled = owner.hotEntry !== undefined || owner.entry !== segment;
      if (batch.length === BATCH || isSettled || covered.has(owner.location)) continue;
      if (segment !== trigger && owner.regions.size > 0) continue;
      const region = this.threshold === 0 ? formRegion(source, owner.location) : spots.form(owner, source);
      if (region === undefined) continue;
      for (const block of region.blocks) covered.add(block.location);
      batch.push(region);
    }
    return batch;
  }

  /** Compiles a batch; what it replaces is dropped. */
  private compile(ctx: ExecCtx, own: OwnTranslator, batch: readonly FormedRegion[]): void {
    const inputs = batch.map((formed) => this.withReplaced(ctx, formed));
    own.translator.compile(inputs).forEach((region, n) => {
      this.adopt(ctx, own, region, inputs[n] as FormedRegion);
    });
  }

  /** Adds the entries of the regions that lie inside this one. */
  private withReplaced(ctx: ExecCtx, formed: FormedRegion): FormedRegion {
    const replaced = this.replacedBy(
      ctx,
      formed.blocks.map(({ location }) => location),
    );
    const entries = new Set([...formed.entries, ...[...replaced].flatMap(({ region }) => region.entries)]);
    return { ...formed, entries: [...entries] };
  }

  /** Regions that lie wholly inside these blocks. */
  private replacedBy(ctx: ExecCtx, locations: readonly Location[]): Set<HotRegion> {
    const inside = new Set(locations);
    const found = new Set<HotRegion>();
    for (const location of locations) {
      for (const hot of ctx.mappings.get(location)?.regions ?? []) {
        if (hot.region.locations.every((other) => inside.has(other))) found.add(hot);
      }
    }
    return found;
  }

  /** The context's blocks as the translator asks for them. */
  private source(ctx: ExecCtx): BlockSource {
    return {
      blockAt: (location) => this.eligible(ctx, location),
      isFrequent: (location) => this.isFrequent(ctx.mappings.get(location)),
    };
  }

  /** Called often enough, so far, to become part of its callers. */
  private isFrequent(block: ExecBlock | undefined): boolean {
    if (block === undefined) return false;
    return block.regions.size > 0 || block.callers.size > 0 || block.entry.heat >= this.threshold / 4;
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

  /** Enters a new region at its blocks, in place of those it replaces. */
  private adopt(
    ctx: ExecCtx,
    { translator, regions }: OwnTranslator,
    region: CompiledRegion,
    formed: FormedRegion,
  ): void {
    const blocks = region.locations.map((location) => ctx.mappings.get(location) as ExecBlock);
    const called = region.called.map((location) => ctx.mappings.get(location) as ExecBlock);
    const known = new Set(region.entries);
    const replaced = [...this.replacedBy(ctx, region.locations)].filter((old) =>
      old.region.entries.every((entry) => known.has(entry)),
    );
    const generation = Math.max(0, ...replaced.map((hot) => hot.generation + 1));
    const hot: HotRegion = {
      translator,
      region,
      blocks,
      called,
      missing: formed.missing,
      generation,
      siblings: regions,
    };
    for (const old of replaced) this.drop(old);
    regions.add(hot);
    this.spotsOf(ctx).adopted(hot);
    for (const block of blocks) {
      block.regions.add(hot);
      if (block.hotEntry === undefined) block.entry.heat = 0;
    }
    for (const block of called) block.callers.add(hot);
    for (const location of region.entries) {
      const block = ctx.mappings.get(location) as ExecBlock;
      block.hotEntry = hot;
      block.entry.heat = SETTLED;
    }
  }

  /** Takes a region away: nothing enters it any more, its blocks start cold again. */
  private drop(hot: HotRegion): void {
    hot.translator.invalidate(hot.region);
    hot.siblings.delete(hot);
    for (const spots of this.spots.values()) spots.dropped(hot);
    for (const block of hot.called) block.callers.delete(hot);
    for (const block of hot.blocks) {
      block.regions.delete(hot);
      if (block.hotEntry !== hot) continue;
      block.hotEntry = undefined;
      block.entry.heat = 0;
    }
  }

  /** The context's translator, a new one when there is none or it has had its time. */
  private readyTranslator(ctx: ExecCtx): OwnTranslator | undefined {
    const own = this.pool.obtain(ctx);
    if (own === undefined || !own.translator.isWorn) return own;
    for (const hot of [...own.regions]) this.drop(hot);
    this.pool.retire(ctx);
    return this.pool.obtain(ctx);
  }
}
