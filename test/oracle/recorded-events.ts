/** What a trace of ours says, in the oracle's terms. */
import { EventKind } from '../../src/events/event.js';
import { TraceReader } from '../../src/trace/reader.js';
import { blockKey, type FlowEvent } from './reference-events.js';

export interface RecordedRun {
  /** Per tid, in order of appearance. */
  readonly events: ReadonlyMap<number, readonly FlowEvent[]>;
  /** Every block compiled, as `blockKey`. */
  readonly blocks: ReadonlySet<string>;
}

const kuserPage = 0xffff_0000;

/** Reads calls, returns and compiled blocks. What happens inside the kuser page is left out: qemu has no code there. */
export const recordedRun = async (trace: string): Promise<RecordedRun> => {
  const events = new Map<number, FlowEvent[]>();
  const blocks = new Set<string>();
  const reader = TraceReader.open(trace);
  for await (const item of reader.items()) {
    if (item.type !== 'chunk') continue;
    const { tid: thread, count, kind, location, target, depth } = item.columns;
    const list = events.get(thread) ?? [];
    events.set(thread, list);
    for (let i = 0; i < count; i++) {
      const at = location[i] as number;
      if (at >= kuserPage) continue;
      if (kind[i] === EventKind.COMPILE) blocks.add(blockKey(at, target[i] as number));
      else if (kind[i] === EventKind.CALL || kind[i] === EventKind.RET) {
        const name = kind[i] === EventKind.CALL ? 'call' : 'ret';
        list.push({ kind: name, thread, location: at, target: target[i] as number, depth: depth[i] as number });
      }
    }
  }
  if (!reader.integrity.complete) throw new Error(`${trace}: ${reader.integrity.reason}`);
  return { events, blocks };
};
