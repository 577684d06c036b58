/** What a process can be given. Everything has a default that makes runs repeat. */
import type { EventSink } from '../events/sink.js';
import type { GuestMemory } from '../guest/memory.js';
import type { CpuModel } from '../linux/abi/auxv.js';
import type { ClockSource } from '../linux/kernel/clock.js';
import type { FilePolicy } from '../linux/kernel/file-policy.js';
import type { StdioTarget } from '../linux/kernel/stdio.js';
import type { Identity } from '../linux/kernel/task.js';
import type { WindowSize } from '../linux/kernel/terminal.js';
import type { Engine } from './engine.js';
import type { CallRenderer, Incident } from './recorder.js';

export const DEFAULT_STACK_BYTES = 0x80_0000;

export interface ProcessOptions {
  /** Arguments after argv[0]. */
  readonly args?: readonly string[];
  /** argv[0]; the path by default. */
  readonly argv0?: string;
  /** The whole environment; empty by default. */
  readonly env?: Readonly<Record<string, string>>;
  /** Guest working directory; the host's by default. */
  readonly cwd?: string;
  readonly sysroot?: string;
  readonly umask?: number;
  readonly seed?: number;
  readonly clock?: ClockSource;
  /** Stop after about this many instructions. */
  readonly maxInsns?: number;
  /** Stop after this much host time. */
  readonly timeoutMs?: number;
  readonly stackSizeBytes?: number;
  /** Instructions per slice. */
  readonly quantum?: number;
  readonly stdin?: StdioTarget;
  readonly stdout?: StdioTarget;
  readonly stderr?: StdioTarget;
  readonly window?: Readonly<WindowSize>;
  readonly policy?: FilePolicy;
  /** Ids and names the guest sees, where they should differ from the defaults. */
  readonly identity?: Partial<Pick<Identity, 'ppid' | 'pgid' | 'sid' | 'uid' | 'gid' | 'hostname'>> & { pid?: number };
  readonly cpu?: CpuModel;
  /** Receives thread, module, syscall, signal and incident notes. */
  readonly sink?: Pick<EventSink, 'note'>;
  readonly renderer?: CallRenderer;
  readonly onIncident?: (incident: Incident) => void;
  /** Called when guest code is about to run for the first time: thread 1 exists, its registers are set. */
  readonly createEngine?: (memory: GuestMemory) => Engine;
}
