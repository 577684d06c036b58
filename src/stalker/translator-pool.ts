/**
 * The translators of the hot tier. A followed thread has one of its own, because a block's first visit by a thread is a
 * COMPILE event of that thread; threads that nobody follows share one. Each works in its own part of TRANSLATOR_DATA.
 */
import { TRANSLATOR_DATA, TRANSLATOR_DATA_BYTES } from '../guest/layout.js';
import type { GuestMemory } from '../guest/memory.js';
import { Translator, type TranslatorStats } from '../translator/translator.js';
import type { HotRegion } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import { NOT_FOLLOWED } from './options.js';

const AREA_BYTES = 0x10_0000;
const AREAS = TRANSLATOR_DATA_BYTES / AREA_BYTES;

/** Part of TRANSLATOR_DATA a translator works in; `area` gives it back. */
export interface OwnTranslator {
  readonly translator: Translator;
  readonly area: number;
  readonly regions: Set<HotRegion>;
}

export interface HotCodeSize {
  regions: number;
  /** Link cells. */
  cells: number;
  /** Of the function tables. */
  slots: number;
}

/** Adds up what translators made. */
const addStats = (to: TranslatorStats, from: TranslatorStats): void => {
  to.modules += from.modules;
  to.functions += from.functions;
  to.bytes += from.bytes;
};

export class TranslatorPool {
  private readonly memory: GuestMemory;
  private readonly callout: (id: number) => void;
  private readonly own = new Map<ExecCtx, OwnTranslator>();
  private shared: OwnTranslator | undefined;
  private readonly freeAreas: number[] = [];
  private usedAreas = 0;
  private readonly retired: TranslatorStats = { modules: 0, functions: 0, bytes: 0 };

  constructor(memory: GuestMemory, callout: (id: number) => void) {
    this.memory = memory;
    this.callout = callout;
  }

  /** Translators of followed threads. */
  get ownCount(): number {
    return this.own.size;
  }

  /** What hot code takes up now. */
  get size(): HotCodeSize {
    const size = { regions: 0, cells: 0, slots: 0 };
    for (const { translator } of this.alive) {
      size.regions += translator.regionCount;
      size.cells += translator.cellCount;
      size.slots += translator.tableSize;
    }
    return size;
  }

  /** What all translators made so far, those that are gone too. */
  get stats(): TranslatorStats {
    const stats = { ...this.retired };
    for (const { translator } of this.alive) addStats(stats, translator.stats);
    return stats;
  }

  /** The translator of a context, if it has one already. */
  of(ctx: ExecCtx): OwnTranslator | undefined {
    return ctx.options === NOT_FOLLOWED ? this.shared : this.own.get(ctx);
  }

  /** The context's translator, a new one when there is none; undefined when all areas are taken. */
  obtain(ctx: ExecCtx): OwnTranslator | undefined {
    return this.of(ctx) ?? this.make(ctx);
  }

  /** Takes the context's translator away, whose regions nobody enters any more. */
  retire(ctx: ExecCtx): void {
    const gone = this.of(ctx);
    if (gone === undefined) return;
    addStats(this.retired, gone.translator.stats);
    this.freeAreas.push(gone.area);
    if (gone === this.shared) this.shared = undefined;
    else this.own.delete(ctx);
  }

  /** The context is gone, and a translator of its own with it. */
  dispose(ctx: ExecCtx): void {
    if (this.own.has(ctx)) this.retire(ctx);
  }

  /** The translators there are. */
  private get alive(): OwnTranslator[] {
    return this.shared === undefined ? [...this.own.values()] : [...this.own.values(), this.shared];
  }

  /** A translator in an area of its own, empty as it begins. */
  private make(ctx: ExecCtx): OwnTranslator | undefined {
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
    if (ctx.options === NOT_FOLLOWED) this.shared = own;
    else this.own.set(ctx, own);
    return own;
  }
}
