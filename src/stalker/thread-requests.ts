/**
 * Functions to run on a guest thread (Frida's run_on_thread): at its next safepoint, or at once, since all threads stand
 * at safepoints while the host runs. They see a copy of the registers, emit no events and disturb no follow.
 */
import { Word } from '../guest/cpu-state.js';
import { CpuContext } from './cpu-context.js';
import type { ExecCtx } from './exec-ctx.js';
import type { HostCallbacks } from './host-callbacks.js';
import type { ThreadContexts } from './thread-contexts.js';

/** `registers` is undefined when the thread asked for it itself. */
export type ThreadFunction = (registers: CpuContext | undefined) => void;

export interface ThreadRequest {
  readonly run: ThreadFunction;
  /** Runs once, after the function or instead of it. */
  readonly destroy: (() => void) | undefined;
}

/** The registers in `words`, as they are now; changing them changes nothing. */
const registersCopy = (words: Int32Array): CpuContext => {
  const copy = words.slice(0, Word.THREAD_END);
  return new CpuContext(copy, (copy[Word.PC] as number) >>> 0);
};

/** The part of the engine that requests need. */
interface RequestParts {
  readonly threads: ThreadContexts;
  readonly callbacks: HostCallbacks;
  readonly words: Int32Array;
  readonly isInBlock: boolean;
}

/**
 * Serves a request now when the thread itself makes it, or when `wordsOf` (given for a synchronous one) knows its
 * registers; else at its next safepoint. False when there is no such thread or the function threw.
 */
export const submit = (
  { threads, callbacks, words, isInBlock }: RequestParts,
  tid: number,
  request: ThreadRequest,
  wordsOf: ((tid: number) => Int32Array | undefined) | undefined,
): boolean => {
  const ctx = threads.get(tid);
  if (ctx === undefined) {
    request.destroy?.();
    return false;
  }
  const isLive = ctx === threads.live;
  if (isLive && isInBlock) return serve(request, undefined, callbacks);
  const known = wordsOf === undefined || isLive ? words : wordsOf(tid);
  if (wordsOf !== undefined && known !== undefined) return serve(request, registersCopy(known), callbacks);
  ctx.requests.push(request);
  return true;
};

/** Runs a request; whether its function did not throw. */
const serve = (request: ThreadRequest, registers: CpuContext | undefined, callbacks: HostCallbacks): boolean => {
  try {
    return callbacks.run('request', registers?.pc, request.run, () => request.run(registers));
  } finally {
    registers?.close();
    request.destroy?.();
  }
};

/** Serves what waits for the live thread, whose registers are in `words`. */
export const serveAll = (ctx: ExecCtx, words: Int32Array, callbacks: HostCallbacks): void => {
  for (const request of ctx.requests.splice(0)) serve(request, registersCopy(words), callbacks);
};

/** The thread is going: what waits for it never runs. */
export const dropRequests = (ctx: ExecCtx): void => {
  for (const request of ctx.requests.splice(0)) request.destroy?.();
};
