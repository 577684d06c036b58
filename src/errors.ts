/**
 * The errors a caller of the library can meet. Messages say what, where (hex address, file offset) and what to do next;
 * `cli/base-command` alone turns them into text or JSON. Guest faults and guest mistakes are never errors: they are
 * signals and `-errno`.
 */
export interface ErrorDetails {
  /** What to try next, one sentence. */
  hint?: string;
  /** Facts for `--json` (addresses as `0x…` strings). */
  details?: Record<string, unknown>;
  cause?: unknown;
}

export class ArmstalkError extends Error {
  /** Stable machine-readable code, e.g. `elf-format`. */
  readonly code: string;
  /** Exit code of the command line. */
  readonly exitCode: number;
  readonly hint?: string;
  readonly details?: Record<string, unknown>;

  constructor(code: string, exitCode: number, message: string, more: ErrorDetails = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = new.target.name;
    this.code = code;
    this.exitCode = exitCode;
    if (more.hint !== undefined) this.hint = more.hint;
    if (more.details !== undefined) this.details = more.details;
  }
}

/** The caller's words are off. */
export class UsageError extends ArmstalkError {
  constructor(message: string, more?: ErrorDetails) {
    super('usage', 2, message, more);
  }
}

/** The program file does not exist or cannot be opened (127), as a shell says. */
export class ProgramNotFoundError extends ArmstalkError {
  constructor(message: string, more?: ErrorDetails) {
    super('not-found', 127, message, more);
  }
}

/** The file is not an ELF executable that can be run here (126). `offset` is the file offset of the offending field. */
export class ElfFormatError extends ArmstalkError {
  readonly offset: number;

  constructor(message: string, offset: number, more: ErrorDetails = {}) {
    super('elf-format', 126, message, { ...more, details: { offset, ...more.details } });
    this.offset = offset;
  }
}

/** The trace file is damaged or not a trace. `offset` is the byte offset of the first thing that could not be read. */
export class TraceFormatError extends ArmstalkError {
  readonly offset: number;

  constructor(message: string, offset: number, more: ErrorDetails = {}) {
    super('trace-format', 2, message, { ...more, details: { offset, ...more.details } });
    this.offset = offset;
  }
}

/** The guest asked for something this emulator does not have. */
export class UnsupportedError extends ArmstalkError {
  constructor(message: string, more?: ErrorDetails) {
    super('unsupported', 125, message, more);
  }
}

/** The trace or another output could not be written (disk full, permission). */
export class OutputError extends ArmstalkError {
  constructor(message: string, more?: ErrorDetails) {
    super('output', 125, message, more);
  }
}

/** A bug of ours; the message asks for a report. */
export class InternalError extends ArmstalkError {
  constructor(message: string, more?: ErrorDetails) {
    super('internal', 125, message, {
      hint: 'this is a bug in armstalk; please report it with the command line and the program',
      ...more,
    });
  }
}
