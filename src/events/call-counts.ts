/**
 * How often each call happened, thread by thread, counted from ring records. A call is a site and, where that is dynamic, a
 * target; counters of static sites lie in pages made when they are needed.
 */
import { type CallCount, EventKind } from './event.js';
import { type CallBatch, type EventBatch, RECORD_WORDS, type SiteTable } from './ring.js';

const PAGE_BITS = 9;
const PAGE = 1 << PAGE_BITS;
/** Recent dynamic calls whose counters are found without a search; a power of two. */
const RECENT = 1 << 10;

export interface ThreadCalls {
  readonly tid: number;
  readonly calls: readonly CallCount[];
}

export class CallCounts {
  /** Calls counted, all threads together. */
  total = 0;
  private readonly threads = new Map<number, ThreadCounters>();

  /** Counting records. */
  addCalls({ tid, words, sites }: CallBatch): void {
    const thread = this.thread(tid, sites);
    const { dynamic } = sites;
    const { pages } = thread;
    let calls = 0;
    for (let at = 0; at < words.length; at++) {
      const site = words[at] as number;
      if (dynamic[site] !== 0) thread.dynamic(site, (words[++at] as number) >>> 0);
      else {
        const page = pages[site >>> PAGE_BITS] ?? thread.addPage(site);
        (page[site & (PAGE - 1)] as number)++;
      }
      calls++;
    }
    this.total += calls;
  }

  /** Full records; those of other kinds are passed over. */
  addRecords({ tid, words, count, sites }: EventBatch): void {
    const thread = this.thread(tid, sites);
    for (let at = 0; at < count * RECORD_WORDS; at += RECORD_WORDS) {
      const site = words[at] as number;
      if (sites.kind[site] !== EventKind.CALL) continue;
      if (sites.dynamic[site] === 0) thread.static(site);
      else thread.dynamic(site, (words[at + 2] as number) >>> 0);
      this.total++;
    }
  }

  /** What was counted since the last time, threads in the order of their numbers. */
  take(): ThreadCalls[] {
    const taken = [...this.threads]
      .sort(([a], [b]) => a - b)
      .map(([tid, counters]) => ({ tid, calls: counters.calls() }))
      .filter(({ calls }) => calls.length > 0);
    this.threads.clear();
    return taken;
  }

  private thread(tid: number, sites: SiteTable): ThreadCounters {
    let thread = this.threads.get(tid);
    if (thread === undefined) {
      thread = new ThreadCounters(sites);
      this.threads.set(tid, thread);
    }
    return thread;
  }
}

class ThreadCounters {
  private readonly sites: SiteTable;
  readonly pages: (Float64Array | undefined)[] = [];
  /** Site times 2^32 plus target: its counter's number. */
  private readonly slots = new Map<number, number>();
  private counters = new Float64Array(64);
  private readonly recentKey = new Float64Array(RECENT).fill(-1);
  private readonly recentSlot = new Int32Array(RECENT);

  constructor(sites: SiteTable) {
    this.sites = sites;
  }

  static(site: number): void {
    const page = this.pages[site >>> PAGE_BITS] ?? this.addPage(site);
    (page[site & (PAGE - 1)] as number)++;
  }

  dynamic(site: number, target: number): void {
    const key = site * 2 ** 32 + target;
    const recent = (site ^ (target >>> 1) ^ (target >>> 11)) & (RECENT - 1);
    if (this.recentKey[recent] !== key) {
      this.recentKey[recent] = key;
      this.recentSlot[recent] = this.slot(key);
    }
    (this.counters[this.recentSlot[recent] as number] as number)++;
  }

  /** Sites of the same instruction are one call: a block that was translated twice has two of them. */
  calls(): CallCount[] {
    const byLocation = new Map<number, Map<number, number>>();
    const add = (site: number, target: number, count: number): void => {
      const location = this.sites.location[site] as number;
      const targets = byLocation.get(location) ?? new Map<number, number>();
      byLocation.set(location, targets.set(target, (targets.get(target) ?? 0) + count));
    };
    this.pages.forEach((page, number) => {
      page?.forEach((count, i) => {
        if (count > 0) add(number * PAGE + i, this.sites.target[number * PAGE + i] as number, count);
      });
    });
    for (const [key, slot] of this.slots) add(Math.floor(key / 2 ** 32), key % 2 ** 32, this.counters[slot] as number);
    return [...byLocation]
      .flatMap(([location, targets]) => [...targets].map(([target, count]): CallCount => [location, target, count]))
      .sort(([from, to], [otherFrom, otherTo]) => from - otherFrom || to - otherTo);
  }

  addPage(site: number): Float64Array {
    const page = new Float64Array(PAGE);
    this.pages[site >>> PAGE_BITS] = page;
    return page;
  }

  private slot(key: number): number {
    let slot = this.slots.get(key);
    if (slot === undefined) {
      slot = this.slots.size;
      this.slots.set(key, slot);
      if (slot === this.counters.length) {
        const larger = new Float64Array(slot * 2);
        larger.set(this.counters);
        this.counters = larger;
      }
    }
    return slot;
  }
}
