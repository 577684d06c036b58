/**
 * The events of a trace. The five Stalker kinds are frequent and travel as ring records (events/ring); everything else
 * is rare and travels as a `Note`. Addresses are interworking addresses (bit 0 set in Thumb code). `clock` is the number
 * of guest instructions the whole process had retired when the event happened, the event's own instruction included; a
 * JS number, exact to 2^53.
 */

/** Mask bits, Frida's numbering. */
export const EventKind = { CALL: 1, RET: 2, EXEC: 4, BLOCK: 8, COMPILE: 16 } as const;
export type EventMask = number;

export interface ThreadNote {
  readonly type: 'thread';
  readonly tid: number;
  readonly clock: number;
  readonly what: 'start' | 'exit';
  readonly parentTid?: number;
  readonly exitCode?: number;
  readonly name?: string;
}

/** A file mapped as code: the load map. */
export interface ModuleNote {
  readonly type: 'module';
  readonly clock: number;
  readonly path: string;
  readonly name: string;
  /** Added to the file's virtual addresses. */
  readonly bias: number;
  /** Lowest and past-the-end run-time addresses. */
  readonly start: number;
  readonly end: number;
  readonly entry: number;
  /** Hex digits, empty when the file has none. */
  readonly buildId: string;
  readonly segments: readonly ModuleSegment[];
}

export interface ModuleSegment {
  readonly address: number;
  readonly sizeBytes: number;
  readonly fileOffset: number;
  /** R = 4, W = 2, X = 1, as in p_flags. */
  readonly flags: number;
}

export interface SyscallNote {
  readonly type: 'syscall';
  readonly tid: number;
  /** Clock of the SVC; `endClock` when the call returned. */
  readonly clock: number;
  readonly endClock: number;
  readonly pc: number;
  readonly number: number;
  readonly name: string;
  readonly args: readonly number[];
  /** The value left in r0 as int32; undefined when the call never returned (exit, sigreturn). */
  readonly result: number | undefined;
  /** strace's rendering of the whole call, e.g. `read(0, "4711\n", 15) = 5`. */
  readonly text: string;
}

export interface SignalNote {
  readonly type: 'signal';
  readonly tid: number;
  readonly clock: number;
  readonly signo: number;
  readonly code: number;
  readonly pc: number;
  /** Faulting address for SIGSEGV, SIGBUS, SIGILL, SIGTRAP; 0 otherwise. */
  readonly address: number;
  readonly action: 'handler' | 'ignored' | 'fatal' | 'stopped';
}

/**
 * How a probe's value is meant. Numbers: `d` and `u` decimal, `x`, `o`, `f` floating point; one too large for a double is a
 * decimal string. Strings: `c` one character, `s` text, `s...` its beginning, `p` the name of a function or a hexadecimal
 * number, `b` bytes as hexadecimal digits, `bt` the places that called, innermost first, one a line. `s` with the number 0
 * is a null pointer; `bad` is an address that could not be read.
 */
export type ProbeFormat = 'd' | 'u' | 'x' | 'o' | 'f' | 'c' | 's' | 's...' | 'p' | 'b' | 'bt' | 'bad';

export type ProbeValue = readonly [name: string, value: number | string, format?: ProbeFormat];

export interface ProbeNote {
  readonly type: 'probe';
  readonly tid: number;
  /** Instructions retired before the one the probe stands at, or before the one that returns. */
  readonly clock: number;
  readonly probe: number;
  /** Where the probe stands, for a return too. */
  readonly location: number;
  readonly depth: number;
  readonly returnAddress: number;
  /** `entry`: its return, if there is one, is noted too; `return`: that. Absent: a visit. */
  readonly phase?: 'entry' | 'return';
  /** Named values in the order of the probe's fields, e.g. ["r0", 4711, "x"]; of a return, the result as `retval`. */
  readonly values: readonly ProbeValue[];
}

/** Something a reader should know: an unknown system call, an unimplemented instruction, lost events, a limit reached. */
export interface IncidentNote {
  readonly type: 'incident';
  readonly tid: number;
  readonly clock: number;
  readonly code: string;
  readonly pc: number;
  readonly message: string;
}

/** One call: the instruction (interworking), its target (interworking), how often. */
export type CallCount = readonly [location: number, target: number, count: number];

/** How often a thread's calls happened since its summary before this one: all there is when sequence is not recorded. */
export interface CallSummaryNote {
  readonly type: 'call-summary';
  readonly tid: number;
  readonly clock: number;
  /** Ordered by location, then target; each pair once. */
  readonly calls: readonly CallCount[];
}

export type Note = ThreadNote | ModuleNote | SyscallNote | SignalNote | ProbeNote | IncidentNote | CallSummaryNote;
