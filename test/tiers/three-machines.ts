/**
 * The same code from the same state on three machines: the Stalker with its cold tier only, the Stalker with hot code,
 * and Unicorn. All have the code, 16 KiB of data between a page that cannot be written and a hole, and a stack.
 */
import { hex, type Isa } from '../../src/bits.js';
import { decodeRecord, type EventBatch } from '../../src/events/ring.js';
import type { EventSink } from '../../src/events/sink.js';
import { Psr, readCpsr, Word, writeCpsr } from '../../src/guest/cpu-state.js';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { ExitReason, FaultKind } from '../../src/ir/terminal.js';
import type { Profile } from '../../src/stalker/options.js';
import { Stalker } from '../../src/stalker/stalker.js';
import type { TierOptions } from '../../src/stalker/tiering.js';
import * as uc from '../support/unicorn.js';

export const CODE = 0x0100_0000;
export const CODE_BYTES = 0x0100_0000;
export const READ_ONLY = 0x2000_0000;
export const DATA = READ_ONLY + 0x1000;
export const DATA_BYTES = 0x4000;
const STACK = 0x3000_0000;
const STACK_BYTES = 0x1000;
export const STACK_TOP = STACK + 0x800;
/** UDF in both instruction sets. */
const UNDEFINED_WORD = 0xe7f0_def0;
const TID = 1;
const FUEL_LIMIT = 100_000;
const COMPARED = Psr.N | Psr.Z | Psr.C | Psr.V | Psr.Q | (15 << 16) | Psr.T | Psr.E;
const FPSCR_FLAGS = 0xf000_0000;
/** Words two of our own machines must agree on: all a guest or its kernel sees. */
const VISIBLE_WORDS = [...Array.from({ length: Word.LAST_EXEC }, (_, n) => n), Word.FUEL];

export interface StartState {
  /** r0..r14. */
  readonly registers: Int32Array;
  readonly cpsr: number;
  readonly fpscr: number;
  /** d0..d31, low words first. */
  readonly floats: Int32Array;
  readonly data: Uint8Array;
}

export interface Following {
  readonly events: number;
  readonly profile: Profile;
}

/** Numbers the events seen, as a digest: FNV-1a over their fields. */
class EventDigest implements EventSink {
  digest = 0x811c_9dc5 | 0;
  count = 0;
  readonly mask: number;

  constructor(mask: number) {
    this.mask = mask;
  }

  process(batch: EventBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const { kind, location, target, depth, clock } = decodeRecord(batch, i);
      for (const field of [kind, location, target, depth, clock]) {
        this.digest = Math.imul(this.digest ^ (field | 0), 0x0100_0193);
      }
      this.count++;
    }
  }
}

/** How a run of ours ended. */
export interface Ending {
  readonly reason: number;
  readonly words: Int32Array;
  /** pc at the end of every slice of fuel. */
  readonly stops: readonly number[];
  readonly events: number;
  readonly eventDigest: number;
  readonly faultAddress: number;
  readonly faultKind: number;
}

const hasFault = (reason: number): boolean => reason === ExitReason.FAULT || reason === ExitReason.FETCH_FAULT;

export class OurMachine {
  readonly memory = new GuestMemory();
  readonly stalker: Stalker;
  private readonly words: Int32Array;

  constructor(tier: TierOptions, trustThreshold: number) {
    this.stalker = new Stalker(this.memory, tier);
    this.stalker.trustThreshold = trustThreshold;
    this.words = this.stalker.machine.words;
    const { memory } = this;
    memory.setPermissions(CODE, CODE_BYTES, Permission.READ | Permission.EXECUTE);
    memory.setPermissions(READ_ONLY, 0x1000, Permission.READ);
    memory.setPermissions(DATA, DATA_BYTES, Permission.READ | Permission.WRITE);
    memory.setPermissions(STACK, STACK_BYTES, Permission.READ | Permission.WRITE);
  }

  get data(): Uint8Array {
    return this.memory.u8.subarray(DATA, DATA + DATA_BYTES);
  }

  get stack(): Uint8Array {
    return this.memory.u8.subarray(STACK, STACK + STACK_BYTES);
  }

  /** Runs until something other than fuel, `fuel` instructions a slice. The thread is followed from its first block. */
  run(isa: Isa, pc: number, start: StartState, fuel: number, { events, profile }: Following): Ending {
    const { words: w, stalker } = this;
    const sink = new EventDigest(events);
    stalker.removeThread(TID);
    stalker.followNewThreads = { profile, events, sink };
    w.fill(0, 0, Word.THREAD_END);
    w.set(start.registers);
    w.set(start.floats, Word.VFP);
    writeCpsr(w, start.cpsr | (isa === 'thumb' ? Psr.T : 0));
    w[Word.FPSCR] = start.fpscr & ~FPSCR_FLAGS;
    w[Word.FPSCR_NZCV] = start.fpscr & FPSCR_FLAGS;
    w[Word.PC] = pc;
    stalker.addThread(TID);
    stalker.switchTo(TID);
    const from = stalker.clock;
    const stops: number[] = [];
    let reason: number;
    do {
      reason = stalker.run(fuel);
      stops.push((w[Word.PC] as number) >>> 0);
    } while (reason === ExitReason.YIELD && stalker.clock - from < FUEL_LIMIT);
    stalker.drain();
    return {
      reason,
      words: Int32Array.from(VISIBLE_WORDS, (word) => w[word] as number),
      stops,
      events: sink.count,
      eventDigest: sink.digest,
      faultAddress: hasFault(reason) ? (w[Word.FAULT_ADDR] as number) >>> 0 : 0,
      faultKind: hasFault(reason) ? (w[Word.FAULT_KIND] as number) : 0,
    };
  }

  get pc(): number {
    return (this.words[Word.PC] as number) >>> 0;
  }

  get cpsr(): number {
    return readCpsr(this.words);
  }

  word(index: number): number {
    return this.words[index] as number;
  }
}

/** Where the endings of two of our machines differ; empty when nowhere. */
export const differenceOfEndings = (cold: Ending, hot: Ending): string[] => {
  const found: string[] = [];
  const differ = (what: string, a: number, b: number): void => {
    if (a !== b) found.push(`${what}: cold ${hex(a)}, hot ${hex(b)}`);
  };
  differ('reason', cold.reason, hot.reason);
  for (const [n, word] of VISIBLE_WORDS.entries()) {
    differ(`word ${word}`, cold.words[n] as number, hot.words[n] as number);
  }
  differ('fault address', cold.faultAddress, hot.faultAddress);
  differ('fault kind', cold.faultKind, hot.faultKind);
  if (cold.stops.join() !== hot.stops.join())
    found.push(`stops: cold ${cold.stops.map(hex)}, hot ${hot.stops.map(hex)}`);
  differ('events', cold.events, hot.events);
  differ('event digest', cold.eventDigest, hot.eventDigest);
  return found;
};

export class Theirs {
  private readonly unicorn = new uc.Unicorn(uc.CORTEX_A15, { floating: true });
  readonly code: Uint8Array;
  readonly data: Uint8Array;
  readonly stack: Uint8Array;

  constructor() {
    const { unicorn } = this;
    this.code = unicorn.map(CODE, CODE_BYTES, uc.UC_READ_EXECUTE);
    unicorn.map(READ_ONLY, 0x1000, 1).fill(0);
    this.data = unicorn.map(DATA, DATA_BYTES, uc.UC_READ_WRITE);
    this.stack = unicorn.map(STACK, STACK_BYTES, uc.UC_READ_WRITE);
    new Int32Array(this.code.buffer, this.code.byteOffset, CODE_BYTES / 4).fill(UNDEFINED_WORD | 0);
  }

  get pc(): number {
    return (this.slots[2 * uc.SLOT_PC] as number) >>> 0;
  }

  get slots(): Int32Array {
    return this.unicorn.slots;
  }

  run(isa: Isa, pc: number, start: StartState): number {
    const { slots } = this;
    start.registers.forEach((value, n) => {
      slots[2 * n] = value;
    });
    slots[2 * uc.SLOT_CPSR] = start.cpsr | Psr.USER | (isa === 'thumb' ? Psr.T : 0);
    slots[2 * uc.SLOT_FPSCR] = start.fpscr;
    slots.set(start.floats, 2 * uc.SLOT_D0);
    return this.unicorn.run(isa === 'thumb' ? pc + 1 : pc, 0);
  }
}

/** Which uc_err stands for which of our reasons. */
export const REASON_OF_STATUS: Readonly<Record<number, number>> = {
  [uc.UC_EXCEPTION]: ExitReason.SVC,
  [uc.UC_READ_UNMAPPED]: ExitReason.FAULT,
  [uc.UC_READ_PROTECTED]: ExitReason.FAULT,
  [uc.UC_WRITE_UNMAPPED]: ExitReason.FAULT,
  [uc.UC_WRITE_PROTECTED]: ExitReason.FAULT,
  [uc.UC_FETCH_UNMAPPED]: ExitReason.FETCH_FAULT,
  [uc.UC_FETCH_PROTECTED]: ExitReason.FETCH_FAULT,
  [uc.UC_INSN_INVALID]: ExitReason.UNDEFINED,
};

export const isAlignmentFault = ({ reason, faultKind }: Ending): boolean =>
  reason === ExitReason.FAULT && faultKind === FaultKind.ALIGNMENT;

/** Where our machine and Unicorn differ in what a guest sees; empty when nowhere. */
export const differenceFromUnicorn = (ours: OurMachine, theirs: Theirs): string[] => {
  const found: string[] = [];
  const { slots } = theirs;
  const differ = (what: string, a: number, b: number): void => {
    if (a !== b) found.push(`${what}: ours ${hex(a)}, unicorn ${hex(b)}`);
  };
  for (let n = 0; n < 15; n++) differ(`r${n}`, ours.word(n), slots[2 * n] as number);
  differ('pc', ours.pc, theirs.pc);
  differ('cpsr', ours.cpsr & COMPARED, (slots[2 * uc.SLOT_CPSR] as number) & COMPARED);
  differ('fpscr', ours.word(Word.FPSCR) | ours.word(Word.FPSCR_NZCV), slots[2 * uc.SLOT_FPSCR] as number);
  for (let n = 0; n < 64; n++)
    differ(`d${n >>> 1}[${n & 1}]`, ours.word(Word.VFP + n), slots[2 * uc.SLOT_D0 + n] as number);
  if (Buffer.compare(ours.data, theirs.data) !== 0) {
    const at = ours.data.findIndex((byte, n) => byte !== theirs.data[n]);
    differ(`memory at ${hex(DATA + at)}`, ours.data[at] as number, theirs.data[at] as number);
  }
  if (Buffer.compare(ours.stack, theirs.stack) !== 0) found.push('stack');
  return found;
};
