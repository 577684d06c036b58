/** The process that pointers, modules and the Stalker mean: the one spawned last, as a Frida script means the one it is in. */
import { UsageError } from '../errors.js';
import type { GuestMemory } from '../guest/memory.js';
import type { Process as EngineProcess } from '../process/process.js';
import type { Stalker as Engine } from '../stalker/stalker.js';

export interface Attached {
  readonly process: EngineProcess;
  readonly engine: Engine;
  readonly memory: GuestMemory;
}

let latest: Attached | undefined;

export const attach = (attached: Attached): void => {
  latest = attached;
};

/** Throws UsageError when no process was spawned yet. */
export const attached = (): Attached => {
  if (latest === undefined) {
    throw new UsageError('there is no process', { hint: "call Process.spawn('./program') first" });
  }
  return latest;
};
