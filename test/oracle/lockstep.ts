/**
 * Names the first instruction after which we and qemu-arm disagree:
 *
 *   node --import tsx test/oracle/lockstep.ts PROGRAM [ARGS...] < input
 *   LOCKSTEP_LIMIT=2000000 LOCKSTEP_CPU=max LOCKSTEP_ARGV0=busybox LOCKSTEP_FROM=main …
 *
 * Both sides run one thread; the program counter and r0 to r14 are compared before every instruction. Stacks and mappings lie
 * elsewhere on each side, so a register may also differ by the distance of the stacks, of the mmap areas or of the program
 * breaks (each learnt where it first shows). A register that differs otherwise is remembered until the flow parts.
 * LOCKSTEP_FROM is an address with the Thumb bit, or `main`: what comes before is not compared. glibc reads the auxiliary
 * vector before main, in the order each side happens to give.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { readCpsr } from '../../src/guest/cpu-state.js';
import type { GuestMemory } from '../../src/guest/memory.js';
import { Process } from '../../src/process/process.js';
import { Stalker } from '../../src/stalker/stalker.js';
import { GUEST_ENV, ORACLE_CPU, type RunOptions, stepQemu } from '../support/qemu.js';
import { classify } from './control-flow.js';
import { hostIdentity } from './record-run.js';

const ROW = 17;
const FLAGS = 0xf000_0000;

/** pc (bit 0: Thumb), r0 to r14 and cpsr of every instruction, in rows of 17 words; and each pc's bytes. */
interface Steps {
  readonly rows: Uint32Array;
  readonly count: number;
  readonly bytes: ReadonlyMap<number, Uint8Array>;
}

/** `from`: 0 is the first instruction, 1 is main, else an address. */
const qemuSteps = async (program: string, options: RunOptions, limit: number, from: number): Promise<Steps> => {
  const rows = new Uint32Array(limit * ROW);
  const bytes = new Map<number, Uint8Array>();
  let count = 0;
  let start = from === 0 ? undefined : from;
  await stepQemu(program, { ...options, registers: true }, (step) => {
    if (step.thread !== 0) return undefined;
    // _start's first call hands main over in r0.
    if (start === 1 && classify(step.pc, step.bytes).kind === 'call') start = step.registers[0] as number;
    if (start !== undefined && start !== step.pc) return undefined;
    start = undefined;
    bytes.set(step.pc, step.bytes);
    rows[count * ROW] = step.pc;
    rows.set(step.registers.subarray(0, 15), count * ROW + 1);
    rows[count * ROW + 16] = step.cpsr;
    return ++count === limit;
  });
  return { rows, count, bytes };
};

const hex = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;

/** The comparison, fed with our instructions one by one. */
class Lockstep {
  report = '';
  at = 0;
  private readonly reference: Steps;
  private readonly offsets = new Set<number>([0]);
  private readonly strange: string[] = [];
  private strangeMask = 0;
  private readonly skips: boolean;

  constructor(reference: Steps, skips: boolean) {
    this.reference = reference;
    this.skips = skips;
  }

  /** True when the run need not go on. */
  step(pc: number, words: Int32Array): boolean {
    const { rows, count } = this.reference;
    if (this.report !== '') return true;
    if (this.at === count) return true;
    const row = this.at * ROW;
    if (this.at === 0 && pc !== rows[0] && this.skips) return false;
    if (rows[row] !== pc) {
      this.report = this.describe(pc);
      return true;
    }
    if (this.at === 0) this.learnStack(((words[13] as number) - (rows[row + 14] as number)) | 0);
    this.compareRegisters(row, words);
    this.at++;
    return false;
  }

  private compareRegisters(row: number, words: Int32Array): void {
    const { rows } = this.reference;
    for (let r = 0; r < 15; r++) {
      const difference = ((words[r] as number) - (rows[row + 1 + r] as number)) | 0;
      if (difference === 0 || this.offsets.has(difference)) this.strangeMask &= ~(1 << r);
      else if ((this.strangeMask & (1 << r)) === 0)
        this.noteStrange(r, words[r] as number, rows[row + 1 + r] as number);
    }
    const flags = (readCpsr(words) ^ (rows[row + 16] as number)) & FLAGS;
    if (flags === 0) this.strangeMask &= ~(1 << 15);
    else if ((this.strangeMask & (1 << 15)) === 0) this.noteStrange(15, readCpsr(words), rows[row + 16] as number);
  }

  /** A distance may show negated, where an address was subtracted. */
  private learn(distance: number): void {
    this.offsets.add(distance).add(-distance | 0);
  }

  /** The initial strings lie 8 bytes further apart than the stacks: qemu gets a longer name, see `referenceRun`. */
  private learnStack(distance: number): void {
    this.learn(distance);
    this.learn((distance + 8) | 0);
  }

  private noteStrange(r: number, ours: number, theirs: number): void {
    this.strangeMask |= 1 << r;
    const distance = (ours - theirs) | 0;
    // Page-aligned and far: two mappings of the same thing. Learn the distance and say so once.
    if (r !== 15 && (distance & 0xfff) === 0 && Math.abs(distance) > 0x10_0000) {
      this.learn(distance);
    }
    const before = this.at > 0 ? this.instruction(this.at - 1) : 'the start';
    const name = r === 15 ? 'flags' : `r${r}`;
    this.strange.push(`  step ${this.at}: ${name} is ${hex(ours)}, qemu-arm ${hex(theirs)}, after ${before}`);
  }

  private instruction(step: number): string {
    const pc = this.reference.rows[step * ROW] as number;
    const bytes = this.reference.bytes.get(pc) ?? new Uint8Array(0);
    const text = bytes.length === 0 ? '?' : classify(pc, bytes).text;
    return `${hex(pc)}  ${text}`;
  }

  /** Where the flow parted, with what led there. */
  private describe(pc: number): string {
    const path = [];
    for (let step = Math.max(0, this.at - 8); step < this.at; step++) path.push(`  ${this.instruction(step)}`);
    return `step ${this.at}: we are at ${hex(pc)}, qemu-arm is at ${this.instruction(this.at)}\n${path.join('\n')}`;
  }

  summary(ended: string): string {
    const head = this.strange.slice(0, 12);
    const tail = this.strange.length > 24 ? ['  …', ...this.strange.slice(-12)] : this.strange.slice(12);
    const registers = this.strange.length === 0 ? '' : `\nregisters that differ:\n${[...head, ...tail].join('\n')}`;
    const missing = this.reference.count - this.at;
    const flow =
      this.report !== ''
        ? this.report
        : missing > 0
          ? `we stopped ${missing} steps early; ${this.describe(0)}`
          : 'same flow';
    return `${this.at} of ${this.reference.count} instructions in step; ${ended}\n${flow}${registers}\n`;
  }
}

/** Runs both sides; gives the report. */
export const lockstep = async (program: string, options: RunOptions, limit: number, from = 0): Promise<string> => {
  const argv0 = options.argv0 ?? program;
  const reference = await qemuSteps(`/./.${program}`, { cpu: ORACLE_CPU, ...options, argv0 }, limit, from);
  const comparison = new Lockstep(reference, from !== 0);
  let guest: Process | undefined;
  const createEngine = (memory: GuestMemory): Stalker => {
    const stalker = new Stalker(memory);
    const { words } = stalker.machine;
    stalker.followNewThreads = {
      profile: 'precise',
      events: 0,
      transformer: {
        transform(iterator) {
          for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
            const pc = insn.isa === 'thumb' ? insn.pc + 1 : insn.pc;
            // Kuser helpers are one step in qemu.
            if (pc < 0xffff_0000) {
              iterator.putCallout(() => {
                if (comparison.step(pc, words)) guest?.stop('interrupt');
              });
            }
            iterator.keep();
          }
        },
      },
    };
    return stalker;
  };
  guest = Process.spawn(program, {
    argv0,
    args: options.args ?? [],
    env: { ...(options.env ?? GUEST_ENV) },
    identity: hostIdentity(),
    createEngine,
    stdin: Buffer.from(options.stdin ?? ''),
    stdout: () => undefined,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const result = await guest.resume();
  return comparison.summary(`we ended with ${JSON.stringify({ ...result, crash: undefined })}`);
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [program, ...args] = process.argv.slice(2);
  const { LOCKSTEP_LIMIT, LOCKSTEP_CPU, LOCKSTEP_ARGV0, LOCKSTEP_FROM = '0' } = process.env;
  const from = LOCKSTEP_FROM === 'main' ? 1 : Number(LOCKSTEP_FROM);
  const stdin = process.stdin.isTTY ? '' : readFileSync(0);
  const options = {
    args,
    stdin,
    cpu: LOCKSTEP_CPU ?? ORACLE_CPU,
    ...(LOCKSTEP_ARGV0 === undefined ? {} : { argv0: LOCKSTEP_ARGV0 }),
  };
  process.stdout.write(
    await lockstep(path.resolve(program as string), options, Number(LOCKSTEP_LIMIT ?? 1_000_000), from),
  );
}
