/** Nanoseconds of processor time per guest instruction of the hot tier on hand-made IR: a recursion and a sieve. */

import { Word } from '../../src/guest/cpu-state.js';
import { CPU_STATE, CPU_STATE_BYTES } from '../../src/guest/layout.js';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { bindBlock } from '../../src/interpreter/bind-block.js';
import type { ColdCode } from '../../src/interpreter/cold-code.js';
import { Machine } from '../../src/interpreter/machine.js';
import { runBlock } from '../../src/interpreter/run-block.js';
import type { IrBlock } from '../../src/ir/block.js';
import { type Builder, createBuilder } from '../../src/ir/builder.js';
import { type Location, makeLocation } from '../../src/ir/location.js';
import { ExitReason, type Terminal } from '../../src/ir/terminal.js';
import { formRegions } from '../../src/translator/region.js';
import { Translator } from '../../src/translator/translator.js';

const memory = new GuestMemory();
const machine = new Machine(memory);
const w = new Int32Array(memory.memory.buffer, CPU_STATE, CPU_STATE_BYTES / 4);
memory.setPermissions(0x1_0000, 0x1000, Permission.READ | Permission.EXECUTE);
memory.setPermissions(0x10_0000, 0x40_0000, Permission.READ | Permission.WRITE);
memory.setPermissions(0x80_0000, 0x10_0000, Permission.READ | Permission.WRITE);

const at = (pc: number): Location => makeLocation(pc, false);

const block = (pc: number, insnCount: number, body: (b: Builder, insn: (pc: number) => void) => Terminal): IrBlock => {
  const b = createBuilder();
  b.enter(insnCount);
  let n = 0;
  const terminal = body(b, (address) => b.insn(address, n++));
  return { location: at(pc), insts: b.insts, terminal, insnCount, sizeBytes: insnCount * 4 };
};

/** cmp a, b: all four flags. */
const compare = (b: Builder, x: number, y: number): void => {
  const r = b.sub(x, y);
  b.set(r, Word.NF);
  b.set(r, Word.ZF);
  b.set(b.carry(x, b.not(y), b.const(1)), Word.CF);
  b.set(b.overflowSub(x, y, r), Word.VF);
};

const push = (b: Builder, ...registers: number[]): void => {
  const sp = b.sub(b.get(Word.SP), b.const(4 * registers.length));
  for (const [n, r] of registers.entries()) b.store32(b.add(sp, b.const(4 * n)), b.get(r));
  b.set(sp, Word.SP);
};

/**
 * fib:  push {r3, r4, r5, lr}; mov r5, r0; cmp r0, #1; ble out; sub r0, #1; bl fib
 * L1:   mov r4, r0; sub r0, r5, #2; bl fib
 * L2:   add r0, r4, r0; pop {r3, r4, r5, pc}
 * out:  pop {r3, r4, r5, pc}
 */
const FIB = 0x1_0000;
const pop = (b: Builder): Terminal => {
  const sp = b.get(Word.SP);
  const loaded = [0, 4, 8, 12].map((offset) => b.load32(b.add(sp, b.const(offset))));
  for (const [n, r] of [3, 4, 5].entries()) b.set(loaded[n] as number, r);
  b.set(b.add(sp, b.const(16)), Word.SP);
  return { kind: 'indirect', flow: 'return', target: loaded[3] as number };
};
const fib = (): IrBlock[] => [
  block(FIB, 4, (b, insn) => {
    insn(FIB);
    push(b, 3, 4, 5, 14);
    insn(FIB + 4);
    b.set(b.get(0), 5);
    insn(FIB + 8);
    compare(b, b.get(0), b.const(1));
    insn(FIB + 12);
    const le = b.or(b.eqz(b.get(Word.ZF)), b.shr(b.xor(b.get(Word.NF), b.get(Word.VF)), b.const(31)));
    return { kind: 'branch', flow: 'jump', cond: le, to: at(FIB + 48), otherwise: at(FIB + 16) };
  }),
  block(FIB + 16, 2, (b, insn) => {
    insn(FIB + 16);
    b.set(b.sub(b.get(0), b.const(1)), 0);
    insn(FIB + 20);
    b.set(b.const(FIB + 24), Word.LR);
    return { kind: 'jump', flow: 'call', to: at(FIB), link: at(FIB + 24) };
  }),
  block(FIB + 24, 3, (b, insn) => {
    insn(FIB + 24);
    b.set(b.get(0), 4);
    insn(FIB + 28);
    b.set(b.sub(b.get(5), b.const(2)), 0);
    insn(FIB + 32);
    b.set(b.const(FIB + 36), Word.LR);
    return { kind: 'jump', flow: 'call', to: at(FIB), link: at(FIB + 36) };
  }),
  block(FIB + 36, 2, (b, insn) => {
    insn(FIB + 36);
    b.set(b.add(b.get(4), b.get(0)), 0);
    insn(FIB + 40);
    return pop(b);
  }),
  block(FIB + 48, 1, (b, insn) => {
    insn(FIB + 48);
    return pop(b);
  }),
];

/**
 * Sieve of r1 bytes at r0: for (i = 2; i < n; i++) if (!a[i]) for (j = 2 * i; j < n; j += i) a[j] = 1.
 * outer: ldrb r4, [r0, r2]; cmp r4, #0; bne next
 *        add r3, r2, r2; b test
 * inner: strb r5, [r0, r3]; add r3, r3, r2
 * test:  cmp r3, r1; blt inner
 * next:  add r2, #1; cmp r2, r1; blt outer
 *        bx lr
 */
const SIEVE = 0x1_0100;
const less = (b: Builder): number => b.shr(b.xor(b.get(Word.NF), b.get(Word.VF)), b.const(31));
const sieve = (): IrBlock[] => [
  block(SIEVE, 3, (b, insn) => {
    insn(SIEVE);
    b.set(b.load8u(b.add(b.get(0), b.get(2))), 4);
    insn(SIEVE + 4);
    compare(b, b.get(4), b.const(0));
    insn(SIEVE + 8);
    return {
      kind: 'branch',
      flow: 'jump',
      cond: b.ne(b.get(Word.ZF), b.const(0)),
      to: at(SIEVE + 36),
      otherwise: at(SIEVE + 12),
    };
  }),
  block(SIEVE + 12, 2, (b, insn) => {
    insn(SIEVE + 12);
    b.set(b.add(b.get(2), b.get(2)), 3);
    insn(SIEVE + 16);
    return { kind: 'jump', flow: 'jump', to: at(SIEVE + 28) };
  }),
  block(SIEVE + 20, 4, (b, insn) => {
    insn(SIEVE + 20);
    b.store8(b.add(b.get(0), b.get(3)), b.get(5));
    insn(SIEVE + 24);
    b.set(b.add(b.get(3), b.get(2)), 3);
    insn(SIEVE + 28);
    compare(b, b.get(3), b.get(1));
    insn(SIEVE + 32);
    return { kind: 'branch', flow: 'jump', cond: less(b), to: at(SIEVE + 20), otherwise: at(SIEVE + 36) };
  }),
  block(SIEVE + 28, 2, (b, insn) => {
    insn(SIEVE + 28);
    compare(b, b.get(3), b.get(1));
    insn(SIEVE + 32);
    return { kind: 'branch', flow: 'jump', cond: less(b), to: at(SIEVE + 20), otherwise: at(SIEVE + 36) };
  }),
  block(SIEVE + 36, 3, (b, insn) => {
    insn(SIEVE + 36);
    b.set(b.add(b.get(2), b.const(1)), 2);
    insn(SIEVE + 40);
    compare(b, b.get(2), b.get(1));
    insn(SIEVE + 44);
    return { kind: 'branch', flow: 'jump', cond: less(b), to: at(SIEVE), otherwise: at(SIEVE + 48) };
  }),
  block(SIEVE + 48, 1, (b, insn) => {
    insn(SIEVE + 48);
    return { kind: 'indirect', flow: 'return', target: b.get(Word.LR) };
  }),
];

const DONE = 0x1_0f00;
const QUANTUM = Number(process.env.QUANTUM ?? 100_000);

/** Runs to DONE; returns [guest instructions, nanoseconds]. */
const run = (translator: Translator, cold: Map<Location, ColdCode>, entry: number): [number, number] => {
  let retired = 0;
  const start = process.cpuUsage();
  w[Word.PC] = entry;
  w[Word.LR] = DONE;
  w[Word.FUEL] = QUANTUM;
  while (w[Word.PC] !== DONE) {
    const location = at(w[Word.PC] as number);
    const reason = translator.enter(location) ?? runBlock(cold.get(location) as ColdCode, machine);
    if (reason === ExitReason.YIELD) {
      retired += QUANTUM - (w[Word.FUEL] as number);
      w[Word.FUEL] = QUANTUM;
    } else if (reason !== ExitReason.NEXT) throw new Error(`reason ${reason}`);
  }
  retired += QUANTUM - (w[Word.FUEL] as number);
  const { user, system } = process.cpuUsage(start);
  return [retired, (user + system) * 1000];
};

const measure = (name: string, blocks: IrBlock[], hot: number[], prepare: () => void, check: () => boolean): void => {
  const byLocation = new Map(blocks.map((b) => [b.location, b]));
  const translator = new Translator(memory, { callout: () => {} });
  const start = process.hrtime.bigint();
  translator.compile(
    formRegions({ blockAt: (location) => byLocation.get(location), isFrequent: () => true }, hot.map(at)),
  );
  const cold = new Map(blocks.map((b) => [b.location, bindBlock(b, machine.constants)]));
  const compileMs = Number(process.hrtime.bigint() - start) / 1e6;
  for (let round = 0; round < 3; round++) {
    prepare();
    const [retired, ns] = run(translator, cold, hot[0] as number);
    if (!check()) throw new Error(`${name}: wrong result ${w[0]}`);
    console.log(
      `${name}: ${(retired / 1e6).toFixed(1)} M insns, ${(ns / 1e9).toFixed(3)} s, ${(ns / retired).toFixed(3)} ns/insn` +
        ` (compile ${compileMs.toFixed(2)} ms, ${translator.stats.bytes} bytes)`,
    );
  }
};

measure(
  'fib(35)',
  fib(),
  [FIB, FIB + 24, FIB + 36],
  () => {
    w[0] = 35;
    w[Word.SP] = 0x8f_0000;
  },
  () => w[0] === 9227465,
);
measure(
  'sieve(4M)',
  sieve(),
  [SIEVE, SIEVE + 20],
  () => {
    memory.u8.fill(0, 0x10_0000, 0x50_0000);
    w[0] = 0x10_0000;
    w[1] = 0x40_0000;
    w[2] = 2;
    w[5] = 1;
  },
  () => memory.u8.subarray(0x10_0002, 0x50_0000).reduce((n, x) => n + (x === 0 ? 1 : 0), 0) === 295947,
);
