/**
 * An engine without a CPU: each thread is a generator that retires instructions and makes system calls. Programs are
 * found in order of creation. Lets tests look at the scheduler instruction by instruction.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { stateAddress, Word } from '../../src/guest/cpu-state.js';
import type { GuestMemory } from '../../src/guest/memory.js';
import { ExitReason } from '../../src/ir/terminal.js';
import { SYSCALLS } from '../../src/linux/syscalls/table.js';
import type { Engine } from '../../src/process/engine.js';
import type { ProcessOptions } from '../../src/process/options.js';
import { Process } from '../../src/process/process.js';

/** Retire instructions one block of ten at a time, make a call, or fault at an address. */
export type Step =
  | { readonly run: number }
  | { readonly svc: string; readonly args?: number[] }
  | { readonly fault: number };

export interface View {
  readonly tid: number;
  readonly words: Int32Array;
  readonly memory: GuestMemory;
}

export type Program = (view: View) => Generator<Step, void, void>;

const BLOCK = 10;

interface ScriptedThread {
  readonly steps: Generator<Step, void, void>;
  /** Instructions left of a `run` step. */
  left: number;
}

export class ScriptedEngine implements Engine {
  clock = 0;
  /** `tid:instructions` for every uninterrupted stretch of one thread. */
  readonly slices: string[] = [];
  private readonly words: Int32Array;
  private readonly threads = new Map<number, ScriptedThread>();
  private live = 0;
  private readonly memory: GuestMemory;
  private readonly programs: Program[];

  constructor(memory: GuestMemory, programs: Program[]) {
    this.memory = memory;
    this.programs = programs;
    this.words = memory.i32.subarray(stateAddress(0) / 4, stateAddress(0) / 4 + Word.THREAD_END);
  }

  addThread(tid: number): void {
    const program = this.programs[this.threads.size] as Program;
    this.threads.set(tid, { steps: program({ tid, words: this.words, memory: this.memory }), left: 0 });
  }

  removeThread(): void {}

  switchTo(tid: number): void {
    this.live = tid;
  }

  run(fuel: number): number {
    const thread = this.threads.get(this.live) as ScriptedThread;
    let used = 0;
    for (;;) {
      while (thread.left > 0) {
        if (used >= fuel) return this.leave(used, ExitReason.YIELD);
        thread.left -= BLOCK;
        used += BLOCK;
      }
      const { value, done } = thread.steps.next();
      if (done === true) throw new Error(`the program of ${this.live} ran off its end`);
      if ('run' in value) thread.left = value.run;
      else if ('fault' in value) return this.fault(used, value.fault);
      else return this.svc(used + 1, value.svc, value.args ?? []);
    }
  }

  private svc(used: number, name: string, args: readonly number[]): number {
    const row = SYSCALLS.find((candidate) => candidate.name === name);
    if (row === undefined) throw new Error(`no system call ${name}`);
    args.forEach((arg, i) => {
      this.words[i] = arg;
    });
    this.words[7] = row.number;
    this.words[Word.THUMB] = 1;
    return this.leave(used, ExitReason.SVC);
  }

  private fault(used: number, address: number): number {
    this.memory.view.setUint32(stateAddress(Word.FAULT_ADDR), address, true);
    this.memory.view.setUint32(stateAddress(Word.FAULT_KIND), 0, true);
    return this.leave(used, ExitReason.FAULT);
  }

  private leave(used: number, reason: number): number {
    this.clock += used;
    const last = this.slices.at(-1)?.split(':');
    if (last?.[0] === String(this.live)) this.slices.pop();
    this.slices.push(`${this.live}:${used + (last?.[0] === String(this.live) ? Number(last[1]) : 0)}`);
    return reason;
  }

  codeChanged(): void {}
  drain(): void {}
}

/** The smallest ARM program there is: one page, entry at 0x10054; `junk` bytes follow the segment in the file. */
export const tinyElf = ({ memsz = 88, junk = 0 } = {}): Uint8Array => {
  const bytes = new Uint8Array(88 + junk).fill(0xaa, 88);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const half = (at: number, value: number): void => view.setUint16(at, value, true);
  const word = (at: number, value: number): void => view.setUint32(at, value, true);
  half(16, 2);
  half(18, 40);
  word(20, 1);
  word(24, 0x1_0054);
  word(28, 52);
  word(36, 0x0500_0400);
  half(40, 52);
  half(42, 32);
  half(44, 1);
  half(46, 40);
  [1, 0, 0x1_0000, 0x1_0000, 88, memsz, 7, 0x1000].forEach((value, i) => {
    word(52 + 4 * i, value);
  });
  word(84, 0xef00_0000);
  return bytes;
};

/** A process whose threads run `programs`. */
export const scripted = (
  programs: Program[],
  options: ProcessOptions = {},
): { process: Process; engine: ScriptedEngine } => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'armstalk-scripted-'));
  const file = path.join(directory, 'tiny');
  fs.writeFileSync(file, tinyElf());
  let engine: ScriptedEngine | undefined;
  const createEngine = (memory: GuestMemory): Engine => {
    engine = new ScriptedEngine(memory, programs);
    return engine;
  };
  try {
    const process = Process.spawn(file, { stdin: new Uint8Array(), ...options, createEngine });
    return { process, engine: engine as unknown as ScriptedEngine };
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
};
