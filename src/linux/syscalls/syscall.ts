/**
 * What a system call is here: one table row (number, name, handler, argument kinds) and a handler that unpacks, asks a
 * kernel object and returns. Handlers get the seven argument registers as int32; pointers become addresses with `>>> 0`.
 */
import type { Task } from '../kernel/task.js';

/** r0..r6 as int32. */
export type SyscallArgs = readonly [number, number, number, number, number, number, number];

/**
 * The call cannot finish now. The scheduler runs other tasks and calls `retry` until it gives a result: a number ends
 * the call; `undefined` keeps waiting. On reaching `deadlineNs` (monotonic guest time) it calls `retry` with
 * `timedOut = true`, which must end the call. A signal with a handler ends it with `interrupted` (default -EINTR, or a
 * restart when the row says so and the handler has SA_RESTART).
 */
export interface Blocked {
  readonly blocked: true;
  retry(timedOut: boolean): number | undefined;
  readonly deadlineNs?: number;
  /** Result when a signal handler interrupts; default -EINTR. */
  readonly interrupted?: () => number;
  /** Whether the call is restarted after a handler with SA_RESTART (read, write, wait4, futex …). Default true. */
  readonly restartable?: boolean;
  /** Host file descriptors the task waits for; when nothing else can run, the scheduler blocks the host on these. */
  readonly hostFds?: readonly number[];
}

/**
 * A number: the value for r0 (negative errno on failure). `undefined`: the call does not return here (exit, sigreturn:
 * registers are already set).
 */
export type SyscallResult = number | undefined | Blocked;
export type SyscallHandler = (task: Task, args: SyscallArgs) => SyscallResult;

export interface SyscallRow {
  readonly number: number;
  readonly name: string;
  readonly handler: SyscallHandler;
  /** Argument kinds for strace, space separated, e.g. 'fd buf:out:ret size' (see linux/strace). */
  readonly args: string;
}

export const sys = (number: number, name: string, handler: SyscallHandler, args: string): SyscallRow => ({
  number,
  name,
  handler,
  args,
});
