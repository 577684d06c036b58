/**
 * What a process needs of the machine that runs guest code; src/stalker implements it. One engine per process. The
 * scheduler owns the state words of guest/cpu-state and moves threads in and out of them; the engine runs what is
 * there.
 */
export interface Engine {
  /** A thread exists, its words are set up; it is not live yet. */
  addThread(tid: number): void;
  /** A thread has ended and will not run again. */
  removeThread(tid: number): void;
  /** The live CPU state belongs to `tid` from now on; engine words (RING_*, SHADOW_*) follow. */
  switchTo(tid: number): void;
  /**
   * Runs the live thread for about `fuel` instructions; gives an ExitReason (SVC, FAULT, UNDEFINED, BREAKPOINT, YIELD,
   * FETCH_FAULT, CONTROL; never NEXT or DRAIN). Stops at a block entry once the fuel is used up.
   */
  run(fuel: number): number;
  /** Code in [start, end) may have changed (cacheflush). */
  codeChanged(start: number, end: number): void;
  /** Hands recorded events to the sink, so that a note comes after them. */
  drain(): void;
  /** Instructions the whole process has retired. */
  readonly clock: number;
  /** Makes a `run` that is under way return soon, with CONTROL. */
  requestStop?(): void;
  /** Return addresses of the open calls of `tid`, innermost first, when the engine keeps a shadow stack for it. */
  backtrace?(tid: number): readonly number[];
}
