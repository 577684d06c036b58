/**
 * Runs the same instructions from the same state through our lifter and cold tier and through Unicorn, and says where
 * they end differently. Both have the same code, data and registers; every run takes fresh code addresses, so nothing
 * stale can be executed.
 */
import { findRow, isUnpredictable, isWideThumb } from '../../src/arm/decode.js';
import { BlockLifter } from '../../src/arm/lift-block.js';
import { hex, type Isa } from '../../src/bits.js';
import { Psr, readCpsr, Word, writeCpsr } from '../../src/guest/cpu-state.js';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { bindBlock } from '../../src/interpreter/bind-block.js';
import { Machine } from '../../src/interpreter/machine.js';
import { runBlock } from '../../src/interpreter/run-block.js';
import type { IrBlock } from '../../src/ir/block.js';
import { type Location, makeLocation } from '../../src/ir/location.js';
import { ExitReason, FaultKind } from '../../src/ir/terminal.js';
import * as uc from '../support/unicorn.js';

const CODE = 0x0100_0000;
const CODE_BYTES = 0x0100_0000;
export const DATA = 0x2000_0000;
export const DATA_BYTES = 0x8000;
const SLOT_BYTES = 16;
const SUPERVISOR = 0x13;
const STAY_THUMB = 0xe7fe;
const STAY_ARM = 0xeaff_fffe;

/** CPSR bits that must agree. */
const COMPARED = Psr.N | Psr.Z | Psr.C | Psr.V | Psr.Q | (15 << 16) | Psr.T | Psr.E;

export interface Instruction {
  readonly word: number;
  readonly sizeBytes: 2 | 4;
}

export interface StartState {
  /** r0..r14. */
  readonly registers: Int32Array;
  readonly cpsr: number;
}

/** How a run ended: by an ExitReason of ours, or because the lifter refused the first instruction. */
export interface Outcome {
  readonly reason: number;
  readonly isAlignmentFault: boolean;
  readonly endsInA32: boolean;
  /** uc_err. */
  readonly status: number;
  /** Empty when both agree on state and memory. */
  readonly differences: string[];
}

export const thumbInstruction = (word: number): Instruction =>
  isWideThumb(word >>> 16) ? { word, sizeBytes: 4 } : { word: word & 0xffff, sizeBytes: 2 };

/** The name of a word's row, or why it has none. */
export const nameOf = (isa: Isa, { word, sizeBytes }: Instruction): string => {
  const found = findRow(word, isa, sizeBytes);
  if (found === undefined) return 'UNDEFINED';
  return isUnpredictable(word, found) ? `UNPREDICTABLE ${found.row.name}` : found.row.name;
};

export class Lockstep {
  readonly unicorn: uc.Unicorn;
  readonly memory = new GuestMemory();
  readonly machine: Machine;
  private readonly theirCode: Uint8Array;
  private readonly theirData: Uint8Array;
  private readonly ourData: Uint8Array;
  private readonly theirView: DataView;
  private nextSlot = CODE + 0x2000;
  /** Unused slots a branch went to: Unicorn has translated what was there. */
  private readonly stale = new Set<number>();

  constructor(cpuModel = uc.CORTEX_A15) {
    this.unicorn = new uc.Unicorn(cpuModel);
    this.machine = new Machine(this.memory);
    this.theirCode = this.unicorn.map(CODE, CODE_BYTES, uc.UC_READ_EXECUTE);
    this.theirData = this.unicorn.map(DATA, DATA_BYTES, uc.UC_READ_WRITE);
    this.theirCode.fill(0);
    this.theirView = new DataView(this.theirCode.buffer, this.theirCode.byteOffset, CODE_BYTES);
    this.memory.setPermissions(CODE, CODE_BYTES, Permission.READ | Permission.EXECUTE);
    this.memory.setPermissions(DATA, DATA_BYTES, Permission.READ | Permission.WRITE);
    this.ourData = this.memory.u8.subarray(DATA, DATA + DATA_BYTES);
    this.setThreadIds(0x1234_5678, 0x0abc_def0);
  }

  /** TPIDRURW and TPIDRURO; only a privileged program may write the latter. */
  setThreadIds(readWrite: number, readOnly: number): void {
    const { words } = this.machine;
    words[Word.TPIDRURW] = readWrite;
    words[Word.TPIDRURO] = readOnly;
    const mcr = [0xee0d_0f50, 0xee0d_1f70].map((word) => ({ word, sizeBytes: 4 }) as const);
    const registers = Int32Array.of(readWrite, readOnly, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    this.runTheirs('arm', this.place('arm', mcr), 2, { registers, cpsr: SUPERVISOR });
  }

  /** Gives both the same data. */
  fillData(bytes: Uint8Array): void {
    this.theirData.set(bytes);
    this.ourData.set(bytes);
  }

  /** Runs consecutive instructions (one block of ours) and compares. */
  run(isa: Isa, instructions: readonly Instruction[], start: StartState): Outcome {
    const pc = this.place(isa, instructions);
    const reason = this.runOurs(isa, pc, instructions.length, start);
    const status = this.runTheirs(isa, pc, instructions.length, start);
    const w = this.machine.words;
    const isAlignmentFault = reason === ExitReason.FAULT && w[Word.FAULT_KIND] === FaultKind.ALIGNMENT;
    const differences = this.compare(reason, start);
    return { reason, isAlignmentFault, endsInA32: w[Word.THUMB] === 0, status, differences };
  }

  /** Takes Unicorn out of an IT block a run stopped inside of; its ITSTATE cannot be written from outside. */
  leaveItBlock(): void {
    const nops = [1, 2, 3, 4].map(() => ({ word: 0xbf00, sizeBytes: 2 }) as const);
    this.runTheirs('thumb', this.place('thumb', nops), 4, { registers: new Int32Array(15), cpsr: Psr.USER });
  }

  /** Opens Unicorn's exclusive monitor and ours. */
  clearMonitors(): void {
    const clrex = { word: 0xf57f_f01f, sizeBytes: 4 } as const;
    this.runTheirs('arm', this.place('arm', [clrex]), 1, { registers: new Int32Array(15), cpsr: Psr.USER });
    this.machine.words[Word.EXCLUSIVE_SIZE] = 0;
  }

  private place(isa: Isa, instructions: readonly Instruction[]): number {
    if (this.nextSlot + 0x2000 > CODE + CODE_BYTES) throw new RangeError('out of code slots: make another Lockstep');
    while (this.stale.has(this.nextSlot)) this.nextSlot += SLOT_BYTES;
    const pc = this.nextSlot;
    this.nextSlot += SLOT_BYTES;
    let at = pc;
    for (const { word, sizeBytes } of instructions) {
      at = isa === 'arm' ? this.putArm(at, word) : this.putThumb(at, word, sizeBytes);
    }
    if (isa === 'arm') this.putArm(at, STAY_ARM);
    else this.putThumb(at, STAY_THUMB, 2);
    return pc;
  }

  private putArm(at: number, word: number): number {
    this.theirView.setUint32(at - CODE, word, true);
    this.memory.view.setUint32(at, word, true);
    return at + 4;
  }

  private putThumb(at: number, word: number, sizeBytes: number): number {
    if (sizeBytes === 4) return this.putThumb(this.putThumb(at, word >>> 16, 2), word & 0xffff, 2);
    this.theirView.setUint16(at - CODE, word, true);
    this.memory.view.setUint16(at, word, true);
    return at + 2;
  }

  private runOurs(isa: Isa, pc: number, count: number, start: StartState): number {
    const w = this.machine.words;
    w.set(start.registers);
    writeCpsr(w, start.cpsr);
    w[Word.FUEL] = 1000;
    let location = makeLocation(pc, isa === 'thumb', 0, (start.cpsr & Psr.E) !== 0);
    for (let left = count; ; ) {
      const block = this.lift(location, left);
      const reason = runBlock(bindBlock(block, this.machine.constants), this.machine);
      left -= block.insnCount;
      if (reason !== ExitReason.NEXT || left === 0) return reason;
      location = makeLocation(w[Word.PC] as number, w[Word.THUMB] === 1, w[Word.ITSTATE], w[Word.BIG_ENDIAN] === 1);
    }
  }

  private lift(location: Location, maxInsns: number): IrBlock {
    const readCode = (addr: number): number => this.memory.view.getUint16(addr, true);
    const lifter = new BlockLifter(location, readCode, {}, { itGroups: 'separate', maxInsns });
    while (lifter.next() !== undefined) lifter.keep();
    const [block] = lifter.finish();
    if (block === undefined) throw new Error('no block');
    return block;
  }

  private runTheirs(isa: Isa, pc: number, count: number, start: StartState): number {
    const { slots } = this.unicorn;
    start.registers.forEach((value, n) => {
      slots[2 * n] = value;
    });
    slots[2 * uc.SLOT_CPSR] = start.cpsr | (isa === 'thumb' ? Psr.T : 0);
    const status = this.unicorn.run(isa === 'thumb' ? pc + 1 : pc, count);
    const end = slots[2 * uc.SLOT_PC] as number;
    if (end >= this.nextSlot && end < CODE + CODE_BYTES) this.stale.add(end - (end % SLOT_BYTES));
    return status;
  }

  private compare(reason: number, start: StartState): string[] {
    const found: string[] = [];
    const w = this.machine.words;
    const { slots } = this.unicorn;
    const differ = (what: string, ours: number, theirs: number): void => {
      if (ours !== theirs) found.push(`${what} ours ${hex(ours)} unicorn ${hex(theirs)}`);
    };
    if (reason === ExitReason.NEXT || reason === ExitReason.SVC) {
      for (let n = 0; n < 16; n++) differ(`r${n}`, w[n] as number, slots[2 * n] as number);
      differ('cpsr', readCpsr(w) & COMPARED, (slots[2 * uc.SLOT_CPSR] as number) & COMPARED);
    } else {
      for (let n = 0; n < 15; n++) differ(`r${n} (was to stay)`, w[n] as number, start.registers[n] as number);
    }
    if (Buffer.compare(this.ourData, this.theirData) !== 0) {
      const at = this.ourData.findIndex((byte, i) => byte !== this.theirData[i]);
      differ(`memory at ${hex(DATA + at)}`, this.ourData[at] as number, this.theirData[at] as number);
      this.theirData.set(this.ourData);
    }
    return found;
  }
}
