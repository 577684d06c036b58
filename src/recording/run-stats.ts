/** What the engine did for a run, and what it held. */
import { Stalker } from '../stalker/stalker.js';

/** Numbers of the whole run, except `held`. The same for the same run. */
export interface RunStats {
  /** Changes of control that asked the engine (Frida's observer calls this its total). */
  readonly dispatches: number;
  readonly blocks: {
    /** First translations. */
    readonly compiled: number;
    /** Translated again: changed, invalidated, or found untrustworthy. */
    readonly recompiled: number;
    readonly invalidated: number;
  };
  /** Exits that were made to lead to their block without asking. */
  readonly links: number;
  /** Hot code: what was made. */
  readonly hot: {
    readonly modules: number;
    readonly functions: number;
    /** Of WebAssembly. */
    readonly bytes: number;
  };
  /** The most that was there when a thread ended. */
  readonly held: HeldByEngine;
}

interface HeldByEngine {
  /** Followed threads. */
  readonly contexts: number;
  readonly blocks: number;
  /** Of hot code: regions, links between them, places in the function tables. */
  readonly regions: number;
  readonly cells: number;
  readonly slots: number;
  readonly shadowStacks: number;
  readonly probes: number;
}

const heldBy = ({ stats, census }: Stalker): HeldByEngine => ({
  contexts: census.contexts,
  blocks: census.blocks,
  ...stats.hotSize,
  shadowStacks: census.shadowStacks,
  probes: census.probes,
});

/** Looks at what it holds before a thread and all that belongs to it go. */
export class MeasuredStalker extends Stalker {
  private most: HeldByEngine | undefined;

  override removeThread(tid: number): void {
    this.measure();
    super.removeThread(tid);
  }

  private measure(): HeldByEngine {
    const now = heldBy(this);
    if (this.most === undefined || now.blocks >= this.most.blocks) this.most = now;
    return this.most;
  }

  get runStats(): RunStats {
    const { stats } = this;
    return {
      dispatches: stats.dispatches,
      blocks: { compiled: stats.compiles, recompiled: stats.recompiles, invalidated: stats.invalidations },
      links: stats.links,
      hot: { ...stats.hot },
      held: this.measure(),
    };
  }
}
