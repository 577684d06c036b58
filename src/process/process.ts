/**
 * The composition root: a guest process from a program file. Builds memory, engine, kernel objects and the first thread,
 * and connects them; decides nothing itself.
 *
 * ```ts
 * const process = Process.spawn('./hello', { args: ['world'] });
 * const result = await process.resume();
 * ```
 */
import fs from 'node:fs';
import path from 'node:path';
import type { ElfFile } from '../elf/elf-file.js';
import { readProgram } from '../elf/read-program.js';
import type { ModuleNote } from '../events/event.js';
import { Word } from '../guest/cpu-state.js';
import { PAGE_SIZE } from '../guest/layout.js';
import { GuestMemory } from '../guest/memory.js';
import { ARMV7_D16, Auxv, type CpuModel } from '../linux/abi/auxv.js';
import { CLOCK_TICKS_PER_SECOND, PROT_EXEC, PROT_READ, PROT_WRITE } from '../linux/abi/constants.js';
import { SyscallTable } from '../linux/dispatch.js';
import { Clock } from '../linux/kernel/clock.js';
import { FdTable } from '../linux/kernel/fd-table.js';
import { FutexTable } from '../linux/kernel/futex-table.js';
import { AddressSpace, type MappableFile } from '../linux/kernel/mm.js';
import { mountSyntheticFiles } from '../linux/kernel/proc.js';
import { Random } from '../linux/kernel/random.js';
import { ResourceLimits } from '../linux/kernel/resource-limits.js';
import { defaultAction, ProcessSignals, type SignalInfo } from '../linux/kernel/signal-state.js';
import { installStdio } from '../linux/kernel/stdio.js';
import type { Identity, SignalOutcome, Task, TaskHost, ThreadGroup } from '../linux/kernel/task.js';
import { TimerTable } from '../linux/kernel/timers.js';
import { Vfs } from '../linux/kernel/vfs.js';
import { installKernelPages } from '../linux/kuser-helpers.js';
import { SYSCALLS } from '../linux/syscalls/table.js';
import { Stalker } from '../stalker/stalker.js';
import { type CrashReport, crashReport } from './crash-report.js';
import type { Engine } from './engine.js';
import { writeInitialStack } from './initial-stack.js';
import { type LoadedProgram, loadProgram } from './loader.js';
import { DEFAULT_STACK_BYTES, type ProcessOptions } from './options.js';
import { Recorder, straceRenderer } from './recorder.js';
import { type Ending, Scheduler, type StopReason } from './scheduler.js';
import type { Thread } from './thread.js';
import type { ThreadListeners } from './thread-listeners.js';

/** Past-the-end address of the stack: STACK_TOP of a 3 GiB user space. */
const STACK_TOP = 0xbf00_0000;
/** The kernel leaves at least this much between the mmap area and the stack's top. */
const MIN_STACK_GAP = 0x800_0000;
const DEFAULT_PID = 1000;
const DEFAULT_ID = 1000;

export interface ProcessResult {
  /** Set when the program ended by itself. */
  readonly exitCode?: number;
  /** Set when a signal ended it. */
  readonly signo?: number;
  /** Of signals that mean a crash (those that dump core), not of SIGTERM, SIGPIPE and their like. */
  readonly crash?: CrashReport;
  /** Set when it was stopped; `resume` goes on. */
  readonly stopped?: StopReason;
  /** Instructions retired so far. */
  readonly instructions: number;
}

export class Process {
  readonly program: ElfFile;
  readonly loaded: LoadedProgram;
  readonly memory: GuestMemory;
  readonly engine: Engine;
  readonly group: ThreadGroup;
  private readonly scheduler: Scheduler;
  private readonly recorder: Recorder;
  private crash: CrashReport | undefined;
  private isOver = false;

  /**
   * Loads a program; nothing runs yet. Throws ProgramNotFoundError (127), ElfFormatError (126), UsageError when the
   * arguments do not fit on the stack.
   */
  static spawn(programPath: string, options: ProcessOptions = {}): Process {
    return new Process(readProgram(programPath), programPath, options);
  }

  private constructor(program: ElfFile, programPath: string, options: ProcessOptions) {
    this.program = program;
    this.memory = new GuestMemory();
    this.engine = options.createEngine?.(this.memory) ?? new Stalker(this.memory);
    this.recorder = new Recorder(this.engine, {
      sink: options.sink,
      renderer: options.renderer ?? straceRenderer,
      onIncident: options.onIncident,
    });
    this.group = makeGroup(this.memory, this.engine, programPath, options, this.taskHost());
    this.scheduler = new Scheduler(this.engine, this.group, new SyscallTable(SYSCALLS), this.recorder, options);
    mountSyntheticFiles(this.group);
    installStdio(this.group.files, options);
    this.loaded = this.load(programPath, options);
    this.recorder.module(this.loaded.module);
    this.startFirstThread(programPath, options);
  }

  // -- running -------------------------------------------------------------------------------------------------------

  /** Runs until the program ends, or something stops it. The host's event loop gets its turn every 50 ms. */
  async resume(): Promise<ProcessResult> {
    const ending = await this.scheduler.run();
    if (ending.kind !== 'stopped') this.close();
    return this.resultOf(ending);
  }

  /** Stops at the next opportunity; `resume` gives the reason and can be called again. */
  stop(reason: StopReason): void {
    this.scheduler.end({ kind: 'stopped', reason });
  }

  /** Frees descriptors and writes shared mappings back. Done by itself when the program ends. */
  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.group.mm.syncAll();
    this.group.files.closeAll();
  }

  /** Files mapped as code, in the order they were mapped. */
  get modules(): readonly ModuleNote[] {
    return this.recorder.modules;
  }

  /** The thread whose code runs or ran last. */
  get currentThread(): Thread | undefined {
    return this.scheduler.current;
  }

  /** Add to them to hear of threads. */
  get threadListeners(): ThreadListeners {
    return this.scheduler.listeners;
  }

  /** Sends the process a signal from outside. */
  signal(info: SignalInfo): void {
    this.group.signals.pending.add(info);
  }

  private resultOf(ending: Ending): ProcessResult {
    const instructions = this.engine.clock;
    if (ending.kind === 'exit') return { exitCode: ending.exitCode, instructions };
    if (ending.kind === 'stopped') return { stopped: ending.reason, instructions };
    return { signo: ending.signo, instructions, ...(this.crash === undefined ? {} : { crash: this.crash }) };
  }

  // -- what the kernel asks ------------------------------------------------------------------------------------------

  private taskHost(): TaskHost {
    return {
      spawnTask: (parent, words, clearChildTid) => this.spawnTask(parent, words, clearChildTid),
      exitTask: (task, code) => {
        (task as Thread).exitCode = code;
      },
      exitGroup: (_task, code, signo) =>
        this.scheduler.end(signo === undefined ? { kind: 'exit', exitCode: code } : { kind: 'signal', signo }),
      flushCode: (start, end) => this.engine.codeChanged(start, end),
      yieldTask: () => this.scheduler.yield(),
      moduleMapped: (name, address, sizeBytes, fileOffset) =>
        this.recorder.module(mappedModule(name, address, sizeBytes, fileOffset)),
      signalTaken: (task, info, outcome) => this.signalTaken(task, info, outcome),
      incident: (task, code, message) => this.recorder.incident(task, code, message),
    };
  }

  private spawnTask(parent: Task, words: Int32Array, clearChildTid: number): number {
    const thread = this.scheduler.addThread(words, parent.name, parent as Thread);
    thread.clearChildTid = clearChildTid >>> 0;
    return thread.tid;
  }

  private signalTaken(task: Task, info: SignalInfo, outcome: SignalOutcome): void {
    if (outcome === 'fatal' && defaultAction(info.signo) === 'core') {
      this.crash = crashReport(task, info, this.engine.backtrace?.(task.tid));
    }
    this.recorder.signal(task, info, outcome);
  }

  // -- the first thread ----------------------------------------------------------------------------------------------

  private load(programPath: string, options: ProcessOptions): LoadedProgram {
    const { mm } = this.group;
    const stackBytes = stackSize(options);
    const gap = Math.max(MIN_STACK_GAP, stackBytes + PAGE_SIZE);
    installKernelPages(mm);
    const loaded = loadProgram(
      mm,
      this.program,
      programFile(this.program, this.group.identity.executable, programPath),
    );
    mm.configure({
      brkStart: loaded.end,
      mmapTop: STACK_TOP - gap - PAGE_SIZE,
      readImpliesExec: this.program.executableStack,
    });
    mm.map({
      addr: STACK_TOP - stackBytes,
      sizeBytes: stackBytes,
      prot: PROT_READ | PROT_WRITE | (this.program.executableStack ? PROT_EXEC : 0),
      fixed: 'replace',
      name: '[stack]',
    });
    return loaded;
  }

  private startFirstThread(programPath: string, options: ProcessOptions): void {
    const { identity, random, cpu } = this.group;
    const sp = writeInitialStack(this.memory, {
      top: STACK_TOP,
      sizeBytes: stackSize(options),
      argv: identity.argv,
      environment: identity.environment,
      executable: programPath,
      platform: cpu.platform,
      random: random.bytes(16),
      auxv: auxvOf(this.program, this.loaded, identity, cpu),
    });
    const words = new Int32Array(Word.THREAD_END);
    const { entry } = this.loaded;
    words[Word.SP] = sp | 0;
    words[Word.THUMB] = entry & 1;
    words[Word.PC] = (entry & ~1) | 0;
    words[Word.ZF] = 1;
    this.scheduler.addThread(words, commOf(programPath));
  }
}

/** comm: the last 15 bytes' worth of the file name. */
const commOf = (programPath: string): string => path.basename(programPath).slice(0, 15);

const stackSize = (options: ProcessOptions): number =>
  Math.ceil((options.stackSizeBytes ?? DEFAULT_STACK_BYTES) / PAGE_SIZE) * PAGE_SIZE;

const makeGroup = (
  memory: GuestMemory,
  engine: Engine,
  programPath: string,
  options: ProcessOptions,
  host: TaskHost,
): ThreadGroup => ({
  pid: options.identity?.pid ?? DEFAULT_PID,
  memory,
  mm: new AddressSpace(memory),
  files: new FdTable(),
  fs: new Vfs(options),
  futexes: new FutexTable(),
  signals: new ProcessSignals(),
  clock: new Clock(options.clock ?? 'virtual', () => engine.clock),
  random: new Random(options.seed ?? 0),
  timers: new TimerTable(),
  limits: new ResourceLimits(stackSize(options)),
  host,
  tasks: new Map(),
  identity: makeIdentity(programPath, options),
  cpu: options.cpu ?? ARMV7_D16,
});

const makeIdentity = (programPath: string, options: ProcessOptions): Identity => {
  const pid = options.identity?.pid ?? DEFAULT_PID;
  return {
    ppid: pid - 1,
    pgid: pid,
    sid: pid,
    uid: DEFAULT_ID,
    gid: DEFAULT_ID,
    hostname: 'armstalk',
    ...options.identity,
    executable: fs.realpathSync(programPath),
    argv: [options.argv0 ?? programPath, ...(options.args ?? [])],
    environment: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
  };
};

const auxvOf = (
  program: ElfFile,
  loaded: LoadedProgram,
  identity: Identity,
  cpu: CpuModel,
): [type: number, value: number][] => [
  [Auxv.HWCAP, cpu.hwcap],
  [Auxv.PAGESZ, PAGE_SIZE],
  [Auxv.CLKTCK, CLOCK_TICKS_PER_SECOND],
  [Auxv.PHDR, loaded.phdrAddress],
  [Auxv.PHENT, program.phentsize],
  [Auxv.PHNUM, program.phnum],
  [Auxv.BASE, 0],
  [Auxv.FLAGS, 0],
  [Auxv.ENTRY, loaded.entry],
  [Auxv.UID, identity.uid],
  [Auxv.EUID, identity.uid],
  [Auxv.GID, identity.gid],
  [Auxv.EGID, identity.gid],
  [Auxv.SECURE, 0],
  [Auxv.HWCAP2, cpu.hwcap2],
];

/** The program as the loader maps it: from the bytes already read. */
const programFile = (program: ElfFile, guestPath: string, hostPath: string): MappableFile => {
  const stat = fs.statSync(hostPath, { throwIfNoEntry: false });
  return {
    path: guestPath,
    sizeBytes: () => program.bytes.length,
    readAt: (target, offset) => {
      const part = program.bytes.subarray(offset, offset + target.length);
      target.set(part);
      return part.length;
    },
    ...(stat === undefined ? {} : { device: stat.dev, inode: stat.ino }),
  };
};

const mappedModule = (name: string, address: number, sizeBytes: number, fileOffset: number): ModuleNote => ({
  type: 'module',
  clock: 0,
  path: name,
  name: path.basename(name),
  bias: address - fileOffset,
  start: address,
  end: address + sizeBytes,
  entry: 0,
  buildId: '',
  segments: [{ address, sizeBytes, fileOffset, flags: 5 }],
});
