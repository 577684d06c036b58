/** Random pieces of code on the three machines, one after the other. */
import { hex, type Isa } from '../../src/bits.js';
import { Psr } from '../../src/guest/cpu-state.js';
import { ExitReason, FaultKind } from '../../src/ir/terminal.js';
import type { TierOptions } from '../../src/stalker/tiering.js';
import type { Random } from '../support/random.js';
import { UC_OK } from '../support/unicorn.js';
import { InstructionSource, type RandomCode, randomCode } from './random-code.js';
import * as m from './three-machines.js';

/** FPSCR.RMode. */
const ROUNDING = 3 << 22;
const SPACING = 0x1000;

const EDGES = [0, 1, -1, 31, 32, 255, 0x7fff_ffff, -0x8000_0000, 0x8000, 0xffff, 0x8080_8080 | 0];
const FLOATS = [
  0, 0x8000_0000, 0x3f80_0000, 0xbf80_0000, 0x7f80_0000, 0x7fc0_0000, 0x7f80_0001, 1, 0x0080_0000, 0x4049_0fdb,
];

const value = (random: Random): number => {
  const kind = random.below(10);
  if (kind < 3) return random.pick(EDGES);
  return kind < 6 ? random.below(300) - 100 : random.word();
};

const floatWord = (random: Random): number => {
  const kind = random.below(10);
  if (kind < 4) return random.pick(FLOATS) | 0;
  if (kind < 6) return new Int32Array(Float64Array.of(random.word() / 2 ** random.below(40)).buffer)[1] as number;
  return kind < 8
    ? (new Int32Array(Float32Array.of(random.word() / 2 ** random.below(40)).buffer)[0] as number)
    : random.word();
};

const pointer = (random: Random): number => {
  const kind = random.below(100);
  if (kind < 85) return m.DATA + 0x1800 + (random.below(0x1000) & ~7);
  if (kind < 92) return m.DATA + random.below(m.DATA_BYTES);
  return random.pick([m.DATA + m.DATA_BYTES - 8, m.DATA + 4, m.READ_ONLY + 0x800, m.DATA + m.DATA_BYTES + 0x20]);
};

const startState = (random: Random): m.StartState => {
  const registers = Int32Array.from({ length: 15 }, () => value(random));
  for (const n of [7, 8, 9]) registers[n] = pointer(random);
  registers[6] = random.below(64);
  registers[13] = m.STACK_TOP;
  return {
    registers,
    cpsr: (random.word() & 0xf80f_0000) | Psr.USER,
    // Rounding, flush to zero, default NaN.
    fpscr: random.chance(60) ? 0 : (random.below(16) << 22) | (random.below(16) << 28),
    floats: Int32Array.from({ length: 64 }, () => floatWord(random)),
    data: Uint8Array.from({ length: m.DATA_BYTES }, () => random.word()),
  };
};

export class Trial {
  private readonly source = new InstructionSource();
  private readonly cold: m.OurMachine;
  private readonly hot: m.OurMachine;
  private readonly theirs = new m.Theirs();
  /** How often what happened. */
  private readonly tally: Record<string, number>;

  constructor(tally: Record<string, number>, tier: TierOptions, trust: number) {
    this.tally = tally;
    this.cold = new m.OurMachine({ tier: 'cold' }, trust);
    this.hot = new m.OurMachine(tier, trust);
    for (const { memory } of [this.cold, this.hot]) memory.u8.set(this.theirs.code, m.CODE);
  }

  get functions(): number {
    return this.hot.stalker.stats.hot.functions;
  }

  /** One piece of code, the `index`th of this generation; what is wrong, or nothing. */
  run(random: Random, index: number): string[] {
    const isa: Isa = random.chance(50) ? 'arm' : 'thumb';
    const base = m.CODE + SPACING * (index + 1);
    const code = randomCode(isa, base, this.source, random);
    const start = startState(random);
    const fuel = random.pick([7, 60, 500, 100_000]);
    const events = random.pick([0, 3, 27, 31]);
    const following = { events, profile: random.chance(30) ? 'gum' : 'precise' } as const;
    const endings = [this.cold, this.hot].map((machine) => {
      this.load(machine, base, code, start);
      return machine.run(isa, base, start, fuel, following);
    });
    const [cold, hot] = endings as [m.Ending, m.Ending];
    const found = m.differenceOfEndings(cold, hot);
    if (Buffer.compare(this.cold.data, this.hot.data) !== 0) found.push('memory of cold and hot');
    if (Buffer.compare(this.cold.stack, this.hot.stack) !== 0) found.push('stack of cold and hot');
    found.push(...this.againstUnicorn(isa, base, code, start, cold));
    return found.length === 0
      ? []
      : [`${JSON.stringify({ fuel, ...following })} reason ${cold.reason}`, ...found, ...code.listing];
  }

  private load(machine: m.OurMachine, base: number, { bytes }: RandomCode, { data }: m.StartState): void {
    machine.memory.poke(base, bytes);
    machine.data.set(data);
    machine.stack.fill(0);
  }

  private againstUnicorn(isa: Isa, base: number, code: RandomCode, start: m.StartState, cold: m.Ending): string[] {
    const { theirs, cold: ours } = this;
    theirs.code.set(code.bytes, base - m.CODE);
    theirs.data.set(start.data);
    theirs.stack.fill(0);
    if (m.isAlignmentFault(cold)) return this.count('alignment fault, which Unicorn does not have');
    const status = theirs.run(isa, base, start);
    if (cold.reason === ExitReason.FAULT && cold.faultKind === FaultKind.WRITE && status !== UC_OK) {
      return this.count('store fault, where Unicorn runs on to the end of its block');
    }
    if (m.REASON_OF_STATUS[status] !== cold.reason) {
      return [`reason ${cold.reason} at ${hex(ours.pc)}, uc_err ${status} at ${hex(theirs.pc)}`];
    }
    if (cold.reason !== ExitReason.SVC) return this.count(`reason ${cold.reason}`);
    if ((start.fpscr & ROUNDING) !== 0 && code.listing.some((line) => line.includes('VCVT (from fixed-point)'))) {
      return this.count('fixed point to float, which Unicorn rounds as FPSCR says instead of to nearest');
    }
    this.count('to the end');
    return m.differenceFromUnicorn(ours, theirs);
  }

  private count(what: string): string[] {
    this.tally[what] = (this.tally[what] ?? 0) + 1;
    return [];
  }
}
