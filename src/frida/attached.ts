/** The process that pointers, modules and the Stalker mean: the one spawned last, as a Frida script means the one it is in. */
import type { SymbolSource } from '../elf/symbol-file.js';
import { UsageError } from '../errors.js';
import type { GuestMemory } from '../guest/memory.js';
import type { Process as EngineProcess } from '../process/process.js';
import type { FollowOptions } from '../stalker/options.js';
import type { Stalker as Engine } from '../stalker/stalker.js';

export interface Attached {
  readonly process: EngineProcess;
  readonly engine: Engine;
  readonly memory: GuestMemory;
  /** Names and lines of the program. */
  readonly source: SymbolSource;
  /** How a recording follows every thread; what scripts do comes on top of that. */
  readonly recorded?: FollowOptions | undefined;
}

/** Shared by all copies of this module in the process: a script may import one that the command line did not load. */
const KEY = Symbol.for('armstalk.attached');
const shared = globalThis as { [KEY]?: Attached };

export const attach = (attached: Attached): void => {
  shared[KEY] = attached;
};

/** Throws UsageError when no process was spawned yet. */
export const attached = (): Attached => {
  const latest = shared[KEY];
  if (latest === undefined) {
    throw new UsageError('there is no process', { hint: "call Process.spawn('./program') first" });
  }
  return latest;
};
