import { signalName } from '../linux/abi/constants.js';

export { signalName };

import type { ProcessResult } from '../process/process.js';
import type { EndReason } from '../trace/messages.js';

/** How a run ended. */
export interface RunEnd {
  readonly reason: 'exit' | 'signal' | 'stopped';
  /** The guest's exit code, when it ended by itself. */
  readonly exitCode?: number;
  readonly signo?: number;
  readonly signalName?: string;
  /** What stopped it: `max-insns`, `max-events`, `timeout`, `deadlock` or `interrupt`. */
  readonly stoppedBy?: string;
}

const EXIT_STOPPED = 124;
const EXIT_SIGNAL = 128;
const SIGINT = 2;

export const runEnd = (result: ProcessResult): RunEnd => {
  const { exitCode, signo, stopped } = result;
  if (stopped !== undefined) return { reason: 'stopped', stoppedBy: stopped };
  if (signo !== undefined) return { reason: 'signal', signo, signalName: signalName(signo) };
  return { reason: 'exit', exitCode: exitCode ?? 0 };
};

/** The exit code a shell user expects. */
export const exitCodeOf = (end: RunEnd): number => {
  if (end.reason === 'exit') return end.exitCode ?? 0;
  if (end.reason === 'signal') return EXIT_SIGNAL + (end.signo ?? 0);
  return end.stoppedBy === 'interrupt' ? EXIT_SIGNAL + SIGINT : EXIT_STOPPED;
};

/** The same for the trace's End packet. */
export const traceEnd = (end: RunEnd): { reason: EndReason; exitCode?: number; signal?: number; message?: string } => {
  if (end.reason === 'exit') return { reason: 'exit', exitCode: end.exitCode ?? 0 };
  if (end.reason === 'signal') return { reason: 'signal', signal: end.signo ?? 0 };
  return { reason: end.stoppedBy === 'timeout' ? 'timeout' : 'limit', message: end.stoppedBy ?? '' };
};
