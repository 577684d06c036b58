/** What a trace says of the run it is of, before anything of it happens. */
import type { ThreadGroup } from '../linux/kernel/task.js';
import type { TraceHeader } from '../trace/messages.js';
import type { EventSelection } from './event-selection.js';
import type { RecordOptions } from './options.js';
import type { ProbeCount } from './probe/probes.js';
import { recorderOptionsText } from './recorder-options.js';
import { toolVersion } from './version.js';

export const traceHeader = (
  program: string,
  options: RecordOptions,
  { identity, cpu, pid }: ThreadGroup,
  { mask, callSummary }: EventSelection,
  probes: readonly ProbeCount[],
): TraceHeader => ({
  toolVersion: toolVersion(),
  program,
  argv: identity.argv,
  envNames: Object.keys(options.env ?? {}),
  ...(options.recordEnv ? { env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`) } : {}),
  cwd: options.cwd ?? process.cwd(),
  cpu: cpu.platform,
  seed: options.seed ?? 0,
  clock: options.clock ?? 'virtual',
  profile: options.profile ?? 'precise',
  eventMask: mask,
  ...(callSummary ? { callSummary: true } : {}),
  options: recorderOptionsText(options),
  probes: probes.flatMap(({ spec, addresses }, id) =>
    addresses.length === 0 ? [{ id, spec, address: 0 }] : addresses.map((address) => ({ id, spec, address })),
  ),
  pid,
  ...(options.clock === 'host' ? { startTimeMs: Date.now() } : {}),
});
