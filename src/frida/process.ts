/**
 * The process a script works on. `Process.spawn` loads a program and makes it the one that Stalker, Module and pointers
 * mean; nothing runs until `resume`.
 */
import { SymbolPaths } from '../elf/symbol-paths.js';
import { UsageError } from '../errors.js';
import type { GuestMemory } from '../guest/memory.js';
import type { ProcessOptions } from '../process/options.js';
import { Process as EngineProcess, type ProcessResult } from '../process/process.js';
import type { CpuContext } from '../stalker/cpu-context.js';
import type { CallbackError } from '../stalker/host-callbacks.js';
import { Stalker as Engine } from '../stalker/stalker.js';
import type { TierOptions } from '../stalker/tiering.js';
import { type Attached, attach, attached } from './attached.js';
import { loadDisassembler } from './instruction.js';
import { type Module, moduleAt, modules } from './module.js';
import type { NativePointer, PointerValue } from './native-pointer.js';
import { ptr } from './native-pointer.js';
import { type RangeDetails, rangesWith } from './ranges.js';
import { type ArmCpuContext, scriptContext } from './registers.js';
import {
  attachThreadObserver,
  type ThreadDetails,
  type ThreadObserver,
  type ThreadObserverCallbacks,
} from './thread-observer.js';

export interface SpawnOptions extends Omit<ProcessOptions, 'args' | 'argv0' | 'createEngine'>, TierOptions {
  /** The whole argument vector, argv[0] included; just the path by default. */
  readonly argv?: readonly string[];
  /** The first error of each callback that throws; a process warning by default. */
  readonly onError?: (error: CallbackError) => void;
}

export class Process {
  static readonly arch = 'arm';
  static readonly platform = 'linux';
  static readonly pointerSize = 4;
  static readonly pageSize = 4096;
  private readonly inner: EngineProcess;

  private constructor(inner: EngineProcess) {
    this.inner = inner;
  }

  /** Throws ProgramNotFoundError, ElfFormatError or UsageError. */
  static spawn(path: string, options: SpawnOptions = {}): Process {
    const { argv, onError = (error) => process.emitWarning(error), tier, hotThreshold, ...rest } = options;
    const [argv0, ...args] = argv ?? [path];
    let engine: Engine | undefined;
    const inner = EngineProcess.spawn(path, {
      ...rest,
      args,
      ...(argv0 === undefined ? {} : { argv0 }),
      createEngine: (memory: GuestMemory) => {
        engine = new Engine(memory, {
          ...(tier === undefined ? {} : { tier }),
          ...(hotThreshold === undefined ? {} : { hotThreshold }),
        });
        engine.callbacks.onError = onError;
        return engine;
      },
    });
    attachTo(inner, engine as Engine, { source: new SymbolPaths([]).sourceFor(inner.program, path) });
    return new Process(inner);
  }

  /** Runs until the program ends or something stops it; what is queued is delivered then. */
  async resume(): Promise<ProcessResult> {
    await loadDisassembler();
    const result = await this.inner.resume();
    (this.inner.engine as Engine).flush();
    return result;
  }

  /** Of the first thread. */
  static get id(): number {
    return attached().process.group.pid;
  }

  static getCurrentThreadId(): number {
    return attached().engine.currentThread ?? Process.id;
  }

  static enumerateThreads(): ThreadDetails[] {
    return [...attached().process.group.tasks.values()].map(({ tid, name }) => ({ id: tid, name }));
  }

  /** Tells of every thread there is, and of those that come, go and change their names, until `detach`. */
  static attachThreadObserver(callbacks: ThreadObserverCallbacks): ThreadObserver {
    return attachThreadObserver(callbacks);
  }

  static enumerateModules(): Module[] {
    return modules();
  }

  static get mainModule(): Module {
    return modules()[0] as Module;
  }

  static findModuleByName(name: string): Module | null {
    return modules().find((module) => module.name === name) ?? null;
  }

  static getModuleByName(name: string): Module {
    const module = Process.findModuleByName(name);
    if (module === null) throw new UsageError(`unable to find module ${name}`);
    return module;
  }

  static findModuleByAddress(address: PointerValue): Module | null {
    return moduleAt(address);
  }

  /** Throws UsageError when nothing is mapped there from a file. */
  static getModuleByAddress(address: PointerValue): Module {
    const module = moduleAt(address);
    if (module === null) throw new UsageError(`unable to find module containing ${ptr(address)}`);
    return module;
  }

  /** What is mapped and has at least this protection: `r-x`, `rw-`, `---` for everything. */
  static enumerateRanges(protection: string): RangeDetails[] {
    return rangesWith(protection);
  }

  static findRangeByAddress(address: PointerValue): RangeDetails | null {
    const at = ptr(address);
    const holds = ({ base, size }: RangeDetails): boolean =>
      at.compare(base) >= 0 && at.toUInt32() - base.toUInt32() < size;
    return rangesWith('---').find(holds) ?? null;
  }

  /**
   * Calls back on the thread at its next safepoint, with a copy of its registers (null when the thread itself asks); gives
   * what the callback returns, or rejects with what it throws or when there is no such thread.
   */
  static runOnThread<T>(threadId: number, callback: (context: ArmCpuContext | null) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (registers: CpuContext | undefined): void => {
        try {
          resolve(callback(registers === undefined ? null : scriptContext(registers)));
        } catch (error) {
          reject(error);
        }
      };
      const destroy = (): void => reject(new UsageError(`thread ${threadId} does not exist any more`));
      attached().engine.runOnThread(threadId, run, { destroy });
    });
  }
}

/** Makes a process that was set up elsewhere the one scripts mean. */
export const attachTo = (inner: EngineProcess, engine: Engine, more: Pick<Attached, 'source' | 'recorded'>): void => {
  engine.threadWords = (tid) => inner.group.tasks.get(tid)?.words;
  attach({ process: inner, engine, memory: inner.memory, ...more });
};

/** Frida's Memory, as far as pointers do not do the same. */
export const Memory = {
  /** Bytes at `address`. Throws UsageError. */
  readByteArray: (address: PointerValue, length: number): ArrayBuffer => ptr(address).readByteArray(length),
  writeByteArray: (address: PointerValue, bytes: ArrayBuffer | readonly number[]): NativePointer =>
    ptr(address).writeByteArray(bytes),
};
