/**
 * The harness of the catalogue: ARM code that asks to be followed through the reserved address, calls the function under
 * test, asks to be unfollowed and returns. Its traced part alone makes 7 EXEC (from h+24 on), 2 CALL, no RET and 2 BLOCK.
 * Addresses in texts are relative: `h+24` in the harness, `f+0` in the function.
 */

import { EventKind } from '../../../src/events/event.js';
import type { StalkerEvent } from '../../../src/events/ring.js';
import { Word } from '../../../src/guest/cpu-state.js';
import { CPU_STATE, CPU_STATE_BYTES } from '../../../src/guest/layout.js';
import { GuestMemory, Permission } from '../../../src/guest/memory.js';
import { ExitReason } from '../../../src/ir/terminal.js';
import type { StalkerIterator } from '../../../src/stalker/iterator.js';
import type { FollowOptions, Profile } from '../../../src/stalker/options.js';
import { Reserved } from '../../../src/stalker/reserved.js';
import { Stalker } from '../../../src/stalker/stalker.js';
import type { TierOptions } from '../../../src/stalker/tiering.js';
import type { Transformer } from '../../../src/stalker/transformer.js';
import { assemble, BASE, CollectingSink, STACK_TOP, STOP, TID } from '../guest-code.js';

export const H = BASE;
/** Address of the function under test. */
export const F = BASE + 0x100;
export const H_EXEC = 7;
export const H_CALL = 2;
export const H_BLOCK = 2;
const CODE_BYTES = 0x1_0000;
/** A guest that runs longer than this is lost. */
const MAX_SLICES = 20;

export type Isa = 'arm' | 'thumb';

export interface Program {
  readonly isa: Isa;
  /** The function under test, at F; `isa` is the state it begins in. */
  readonly code: string;
  readonly events?: number;
  readonly profile?: Profile;
  /** Offsets from F. */
  readonly excluded?: readonly (readonly [from: number, to: number])[];
  readonly transformer?: Transformer;
  /** Without a sink there are no events. */
  readonly hasSink?: boolean;
}

export interface Configuration {
  readonly name: string;
  readonly tier: TierOptions;
  /** 0 lets hot code be made of a block's first visit. */
  readonly trust: number;
}

export const CONFIGURATIONS: readonly Configuration[] = [
  { name: 'cold', tier: { tier: 'cold' }, trust: 1 },
  { name: 'auto', tier: { tier: 'auto', hotThreshold: 2 }, trust: 1 },
  { name: 'hot', tier: { tier: 'hot' }, trust: 1 },
  { name: 'hot at once', tier: { tier: 'hot' }, trust: 0 },
];

const source = ({ isa, code }: Program): string => `
.arm
harness: push {r4, lr}
         ldr r4, =result
         nop
         nop
         ldr r3, =${Reserved.FOLLOW_ME}
         blx r3
         ldr r0, =f
         blx r0
         str r0, [r4]
         ldr r0, [r4]
         ldr r1, [r4]
         ldr r3, =${Reserved.UNFOLLOW_ME}
         blx r3
         pop {r4, pc}
.ltorg
result:  .word 0
.org 0x100
${isa === 'thumb' ? '.thumb\n.thumb_func' : '.arm'}
f:
${code}
`;

/** One memory serves all guests of a file: each reserves 4 GiB of address space. */
let memory: GuestMemory | undefined;

const freshMemory = (): GuestMemory => {
  memory ??= new GuestMemory();
  memory.codeWatcher = undefined;
  memory.u8.fill(0, CPU_STATE, CPU_STATE + CPU_STATE_BYTES);
  memory.u8.fill(0, BASE, STACK_TOP);
  const all = Permission.READ | Permission.WRITE | Permission.EXECUTE;
  memory.setPermissions(BASE, CODE_BYTES, all);
  memory.setPermissions(STOP, 0x1000, all);
  memory.setPermissions(STACK_TOP - 0x4_0000, 0x4_0000, Permission.READ | Permission.WRITE);
  memory.poke(STOP, Uint8Array.of(0, 0, 0, 0xef));
  return memory;
};

export class Harness {
  readonly memory: GuestMemory;
  readonly stalker: Stalker;
  readonly sink: CollectingSink;
  /** How it is followed when it asks for that. */
  readonly options: FollowOptions;
  readonly words: Int32Array;
  /** Called for every SVC of the function; r0 is its result. */
  onSyscall: (() => void) | undefined;

  constructor(program: Program, { tier, trust }: Configuration) {
    this.memory = freshMemory();
    this.stalker = new Stalker(this.memory, tier);
    this.stalker.trustThreshold = trust;
    this.words = this.stalker.machine.words;
    const bytes = assemble(source(program));
    if (bytes.length > CODE_BYTES) this.memory.setPermissions(BASE, bytes.length, 15);
    this.memory.poke(BASE, bytes);
    this.sink = new CollectingSink(program.events ?? 0);
    const { profile = 'gum', hasSink = true, transformer } = program;
    this.options = {
      profile,
      events: hasSink ? this.sink.mask : 0,
      ...(hasSink ? { sink: this.sink } : {}),
      ...(transformer === undefined ? {} : { transformer }),
    };
    this.stalker.followOnRequest(() => this.options);
    for (const [from, to] of program.excluded ?? []) this.stalker.exclude({ base: F + from, size: to - from });
    this.stalker.addThread(TID);
    this.stalker.switchTo(TID);
  }

  /** Runs the harness, or the code at another address, and gives the function's result as u32. */
  run(at = H): number {
    const w = this.words;
    w[Word.SP] = STACK_TOP - 0x100;
    w[Word.LR] = STOP;
    w[Word.PC] = at & ~1;
    w[Word.THUMB] = at & 1;
    w[Word.ITSTATE] = 0;
    this.resume();
    return (w[0] as number) >>> 0;
  }

  resume(): void {
    const w = this.words;
    for (let slices = 0; ; ) {
      const reason = this.stalker.run(100_000);
      if (reason === ExitReason.YIELD && ++slices < MAX_SLICES) continue;
      if (reason !== ExitReason.SVC) {
        throw new Error(`guest stopped with reason ${reason} at ${this.text((w[Word.PC] as number) >>> 0)}`);
      }
      if ((w[Word.PC] as number) === STOP + 4) break;
      w[0] = 0;
      this.onSyscall?.();
    }
    this.stalker.drain();
  }

  /** Text of an address. */
  text(address: number): string {
    if (address >= F && address < F + CODE_BYTES - 0x100) return `f+${address - F}`;
    return address >= H && address < F ? `h+${address - H}` : `0x${address.toString(16)}`;
  }

  /** Event as text: `call f+12 f+28 1`, `exec f+0`, `block f+0 f+12`. */
  show({ kind, location, target, depth }: StalkerEvent): string {
    const [at, to] = [this.text(location), this.text(target)];
    switch (kind) {
      case EventKind.CALL:
        return `call ${at} ${to} ${depth}`;
      case EventKind.RET:
        return `ret ${at} ${to} ${depth}`;
      case EventKind.EXEC:
        return `exec ${at}`;
      case EventKind.BLOCK:
        return `block ${at} ${to}`;
      default:
        return `compile ${at} ${to}`;
    }
  }

  get events(): string[] {
    return this.sink.events.map((event) => this.show(event));
  }

  /** The events of the function, without the harness's own. */
  get inside(): string[] {
    return this.events.filter((text) => text.split(' ')[1]?.startsWith('f'));
  }
}

/** Runs `check` on the program in every configuration. */
export const inEveryTier = (program: Program, check: (harness: Harness) => void): void => {
  for (const configuration of CONFIGURATIONS) {
    const harness = new Harness(program, configuration);
    try {
      check(harness);
    } catch (error) {
      if (error instanceof Error) error.message = `${configuration.name}: ${error.message}`;
      throw error;
    }
  }
};

export const execs = (...offsets: number[]): string[] => offsets.map((offset) => `exec f+${offset}`);
/** The harness's EXEC events before and after the function. */
export const H_EXECS_BEFORE = ['exec h+24', 'exec h+28'];
export const H_EXECS_AFTER = ['exec h+32', 'exec h+36', 'exec h+40', 'exec h+44', 'exec h+48'];
export const blocks = (...ranges: (readonly [number, number])[]): string[] =>
  ranges.map(([from, to]) => `block f+${from} f+${to}`);

/** Functions that return 2 without a branch. */
export const FLAT: Record<Isa, string> = {
  arm: 'mov r0, #0\n add r0, r0, #1\n add r0, r0, #1\n mov pc, lr',
  thumb: 'push {lr}\n movs r0, #0\n adds r0, #1\n adds r0, #1\n pop {pc}',
};
export const ISAS: readonly Isa[] = ['arm', 'thumb'];

export const isInFunction = (pc: number): boolean => pc >= F;

/** A transformer that keeps everything and lets `visit` act before each instruction of the function. */
export const visiting = (visit: (iterator: StalkerIterator, offset: number) => void) => ({
  transform: (iterator: StalkerIterator) => {
    for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
      if (isInFunction(insn.pc)) visit(iterator, insn.pc - F);
      iterator.keep();
    }
  },
});
