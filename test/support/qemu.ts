/**
 * qemu-arm as the reference: what a program prints and returns, and, one instruction at a time, where it went.
 * The log is qemu 7.2's `-singlestep -d exec,nochain,in_asm[,cpu]`; it is read as a stream through a named pipe, so a
 * run of millions of instructions needs no disk.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogParser, readLines, type Step } from './qemu-log.js';

export type { Step } from './qemu-log.js';

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

export interface LogOptions extends RunOptions {
  /** Log registers too: four times slower, but the stack pointer is known. */
  readonly registers?: boolean;
}

const spawnLogged = (program: string, options: LogOptions, items: string, log: string): ChildProcess =>
  spawn('qemu-arm', ['-singlestep', '-d', items, '-D', log, ...qemuArgs(program, options)], {
    cwd: options.cwd,
    env: qemuEnv(options),
    stdio: ['pipe', 'pipe', 'pipe'],
  });

/** Feeds the child's input and collects what it prints; resolves when it has ended. */
const collect = async (child: ChildProcess, options: RunOptions): Promise<Omit<RunResult, 'timedOut'>> => {
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.stdin ?? '');
  const status = await new Promise<number>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? 128 + (signalNumbers[signal ?? ''] ?? 0)));
  });
  return { stdout: Buffer.concat(output), stderr: Buffer.concat(errors).toString('latin1'), status };
};

const logItems = (options: LogOptions): string => `exec,nochain,in_asm${options.registers === true ? ',cpu' : ''}`;

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
  const child = spawnLogged(program, options, logItems(options), pipe);
  const ended = collect(child, options);
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
  const result = await ended;
  clearTimeout(timer);
  rmSync(scratch, { recursive: true, force: true });
  return { ...result, timedOut: child.killed && !stop };
};

const readLog = async (
  file: string,
  registers: boolean,
  code: Map<number, Uint8Array>,
  onStep: (step: Step) => void,
): Promise<void> => {
  const parser = new LogParser(registers, onStep, code);
  await readLines(file, (line) => {
    parser.line(line);
    return false;
  });
  parser.end();
};

/**
 * Like `stepQemu` for a program with threads, whose lines would mix in one log: every thread has a log of its own, on
 * disk (some 400 bytes an instruction), and they are read one after the other in the order of the threads' creation.
 */
export const stepQemuThreads = async (
  program: string,
  options: LogOptions,
  onStep: (step: Step) => void,
): Promise<RunResult> => {
  const scratch = mkdtempSync(join(tmpdir(), 'armstalk-qemu-'));
  const child = spawnLogged(program, options, `tid,${logItems(options)}`, join(scratch, 'log-%d'));
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 120_000);
  const result = await collect(child, options);
  clearTimeout(timer);
  const code = new Map<number, Uint8Array>();
  const logs: { readonly file: string; readonly thread: number }[] = [];
  for (const name of readdirSync(scratch)) {
    const file = join(scratch, name);
    let thread = 0;
    // Code is logged by the thread that translated it, so all logs are read for it first.
    await readLog(file, false, code, (step) => {
      thread = step.thread;
    });
    logs.push({ file, thread });
  }
  for (const { file } of logs.sort((a, b) => a.thread - b.thread))
    await readLog(file, options.registers === true, code, onStep);
  rmSync(scratch, { recursive: true, force: true });
  return { ...result, timedOut: child.killed };
};
