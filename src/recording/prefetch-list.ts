/** What an earlier run compiled, read from its trace: each block once, in the order it was first met. */
import type { InterworkingAddr } from '../bits.js';
import { EventKind } from '../events/event.js';
import { TraceReader } from '../trace/reader.js';

export const readPrefetchList = async (path: string): Promise<InterworkingAddr[]> => {
  const reader = TraceReader.open(path);
  const found = new Set<InterworkingAddr>();
  for await (const item of reader.items()) {
    if (item.type !== 'chunk') continue;
    const { count, kind, location } = item.columns;
    for (let i = 0; i < count; i++) if (kind[i] === EventKind.COMPILE) found.add(location[i] as number);
  }
  return [...found];
};
