/**
 * qemu-arm as the reference: what a program prints and returns, and, one instruction at a time, where it went.
 * The log is qemu 7.2's `-singlestep -d exec,nochain,in_asm[,cpu]`; it is read as a stream through a named pipe, so a
 * run of millions of instructions needs no disk.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The core whose HWCAP is nearest to ours: VFPv3-D16, divide, no NEON; it decides which routines glibc picks. */
export const ORACLE_CPU = 'cortex-r5f';

/** What both sides see, so that stacks and getenv agree. */
export const GUEST_ENV: Readonly<Record<string, string>> = { LC_ALL: 'C', PATH: '/usr/bin:/bin', TZ: 'UTC' };

export interface RunOptions {
  readonly args?: readonly string[];
  readonly stdin?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly argv0?: string;
  readonly cpu?: string;
  /** Milliseconds; 60,000 when left out. */
  readonly timeoutMs?: number;
  /** A program that prints more is killed and its output cut here; without it, too much output is an error. */
  readonly maxBytes?: number;
}

/** `status` as a shell reports it: the exit code, or 128 + N after death by signal N. */
export interface RunResult {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly status: number;
  readonly timedOut: boolean;
}

const qemuArgs = (program: string, options: RunOptions): string[] => [
  ...(options.cpu === undefined ? [] : ['-cpu', options.cpu]),
  ...(options.argv0 === undefined ? [] : ['-0', options.argv0]),
  program,
  ...(options.args ?? []),
];

const signalNumbers: Readonly<Record<string, number>> = {
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

/** Runs a command to its end; the shell's view of how it ended. */
export const runCommand = (command: string, args: readonly string[], options: RunOptions = {}): RunResult => {
  const child = spawnSync(command, args, {
    cwd: options.cwd,
    env: { ...(options.env ?? GUEST_ENV) },
    input: options.stdin ?? '',
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
    maxBuffer: options.maxBytes ?? 1 << 28,
  });
  const code = (child.error as NodeJS.ErrnoException | undefined)?.code;
  const timedOut = code === 'ETIMEDOUT';
  const cut = code === 'ENOBUFS' && options.maxBytes !== undefined;
  // EPIPE: the program ended without reading all of its input, which is its right.
  if (child.error !== undefined && !timedOut && !cut && code !== 'EPIPE') throw child.error;
  const status = child.status ?? 128 + (signalNumbers[child.signal ?? ''] ?? 0);
  return { stdout: child.stdout, stderr: child.stderr.toString('latin1'), status, timedOut };
};

/** qemu hands the environment to the guest in reverse order; turned round here, the guest sees it as given. */
const qemuEnv = (options: RunOptions): Record<string, string> =>
  Object.fromEntries(Object.entries(options.env ?? GUEST_ENV).reverse());

/** Runs an ARM program under qemu-arm. */
export const runQemu = (program: string, options: RunOptions = {}): RunResult =>
  runCommand('qemu-arm', qemuArgs(program, options), { ...options, env: qemuEnv(options) });

/** One executed instruction. Registers are those before it ran; `sp` is 0 and `registers` empty without `registers: true`. */
export interface Step {
  readonly thread: number;
  /** Address with bit 0 set in Thumb state. */
  readonly pc: number;
  /** Inside a Thumb IT group: the instruction may have been skipped. */
  readonly inItBlock: boolean;
  /** The instruction's bytes as qemu fetched them last. */
  readonly bytes: Uint8Array;
  readonly sp: number;
  /** r0 to r15 as logged. */
  readonly registers: Uint32Array;
  readonly cpsr: number;
}

export interface LogOptions extends RunOptions {
  /** Log registers too: four times slower, but the stack pointer is known. */
  readonly registers?: boolean;
}

const noBytes = new Uint8Array(0);
const noRegisters = new Uint32Array(16);
const THUMB_FLAG = 0x0080_0000;

const parseBytes = (text: string): Uint8Array => {
  if (text.length === 8) return new Uint8Array(new Uint32Array([Number.parseInt(text, 16)]).buffer);
  const halves = text.split(' ').map((half) => Number.parseInt(half, 16));
  return new Uint8Array(new Uint16Array(halves).buffer);
};

interface Pending {
  thread: number;
  pc: number;
  inItBlock: boolean;
  bytes: Uint8Array;
  sp: number;
  registers: Uint32Array;
  cpsr: number;
}

/** Turns the lines of the log into steps. A step is held back until its thread logs the next one: qemu may withdraw it. */
class LogParser {
  private readonly code = new Map<number, Uint8Array>();
  private readonly held = new Map<number, Pending>();
  private current: Pending | undefined;
  private readonly registers: boolean;
  private readonly onStep: (step: Step) => void;

  constructor(registers: boolean, onStep: (step: Step) => void) {
    this.registers = registers;
    this.onStep = onStep;
  }

  line(line: string): void {
    if (line.startsWith('R') && this.current !== undefined) this.registerLine(line, this.current);
    else if (line.startsWith('Trace ')) this.traceLine(line);
    else if (line.startsWith('0x')) this.codeLine(line);
    else if (line.startsWith('PSR=') && this.current !== undefined)
      this.current.cpsr = Number.parseInt(line.slice(4, 12), 16);
    else if (line.startsWith('Stopped execution')) this.withdraw(line);
  }

  end(): void {
    for (const step of this.held.values()) this.onStep(step);
    this.held.clear();
  }

  /** `0x000100ba:  f240 201c  movw     r0, #0x21c` */
  private codeLine(line: string): void {
    const match = /^0x([0-9a-f]{8}): {2}([0-9a-f]{8}|[0-9a-f]{4}(?: [0-9a-f]{4})?) /.exec(line);
    if (match !== null) this.code.set(Number.parseInt(match[1] as string, 16), parseBytes(match[2] as string));
  }

  /** `Trace 0: 0x7f… [00800480/00010098/00000000/00000201] symbol`: flags, pc. */
  private traceLine(line: string): void {
    const thread = Number.parseInt(line.slice(6), 10);
    const at = line.indexOf('[');
    const flags = Number.parseInt(line.slice(at + 1, at + 9), 16);
    const address = Number.parseInt(line.slice(at + 10, at + 18), 16);
    const before = this.held.get(thread);
    if (before !== undefined) this.onStep(before);
    this.current = {
      thread,
      pc: address + (flags & THUMB_FLAG ? 1 : 0),
      inItBlock: flags >>> 24 !== 0,
      bytes: this.code.get(address) ?? noBytes,
      sp: 0,
      registers: this.registers ? new Uint32Array(16) : noRegisters,
      cpsr: 0,
    };
    this.held.set(thread, this.current);
  }

  /** `R12=00000000 R13=40800970 R14=00000000 R15=000100cc` */
  private registerLine(line: string, step: Pending): void {
    const first = Number.parseInt(line.slice(1, 3), 10);
    for (let i = 0; i < 4; i++) step.registers[first + i] = Number.parseInt(line.slice(i * 13 + 4, i * 13 + 12), 16);
    if (first === 12) step.sp = step.registers[13] as number;
  }

  private withdraw(line: string): void {
    const at = line.indexOf('[');
    const address = Number.parseInt(line.slice(at + 1, at + 9), 16);
    for (const [thread, step] of this.held) if ((step.pc & ~1) >>> 0 === address) this.held.delete(thread);
  }
}

/**
 * Runs a program one instruction at a time and hands every executed instruction to `onStep`, in order per thread.
 * Returning true from `onStep` ends the run early. The result has what the program printed on stdout.
 */
export const stepQemu = async (
  program: string,
  options: LogOptions,
  onStep: (step: Step) => boolean | undefined,
): Promise<RunResult> => {
  const scratch = mkdtempSync(join(tmpdir(), 'armstalk-qemu-'));
  const pipe = join(scratch, 'log');
  execFileSync('mkfifo', [pipe]);
  const items = options.registers === true ? 'exec,nochain,in_asm,cpu' : 'exec,nochain,in_asm';
  const child = spawn('qemu-arm', ['-singlestep', '-d', items, '-D', pipe, ...qemuArgs(program, options)], {
    cwd: options.cwd,
    env: qemuEnv(options),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const ended = new Promise<number>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? 128 + (signalNumbers[signal ?? ''] ?? 0)));
  });
  let stop = false;
  const parser = new LogParser(options.registers === true, (step) => {
    if (!stop && onStep(step) === true) stop = true;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 120_000);
  await readLines(pipe, (line) => {
    parser.line(line);
    return stop;
  });
  if (stop) child.kill('SIGKILL');
  else parser.end();
  const status = await ended;
  clearTimeout(timer);
  rmSync(scratch, { recursive: true, force: true });
  return {
    stdout: Buffer.concat(output),
    stderr: Buffer.concat(errors).toString('latin1'),
    status,
    timedOut: child.killed && !stop,
  };
};

const readLines = async (path: string, onLine: (line: string) => boolean): Promise<void> => {
  const stream = createReadStream(path, { encoding: 'latin1', highWaterMark: 1 << 18 });
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) if (onLine(line)) return;
  }
};
