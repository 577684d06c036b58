/** Random IR: blocks over the whole op table with control flow among themselves. */
import { sRegister, Word } from '../../src/guest/cpu-state.js';
import type { IrBlock } from '../../src/ir/block.js';
import type { Builder } from '../../src/ir/builder.js';
import type { Location } from '../../src/ir/location.js';
import { isFloating, isPure, OPS, type Op, type Type } from '../../src/ir/opcode.js';
import { ExitReason, type Terminal } from '../../src/ir/terminal.js';
import { at, block, CODE_PAGE, DATA, DATA_BYTES, READ_ONLY } from './rig.js';

/** mulberry32. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  word(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) | 0;
  }

  below(n: number): number {
    return (this.word() >>> 0) % n;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const EDGES = [
  0,
  1,
  -1,
  2,
  31,
  32,
  33,
  0x7f,
  0x80,
  0xff,
  0x7fff_ffff,
  -0x8000_0000,
  0x8080_8080 | 0,
  0x3f80_0000,
  0x7f80_0001,
];

/** Numbers at the edges of the formats, small ones, and any. */
export const randomWord = (r: Random): number => {
  if (r.chance(40)) return r.pick(EDGES);
  return r.chance(40) ? r.below(64) - 8 : r.word();
};

const INTEGER_WORDS = [
  0,
  1,
  2,
  3,
  4,
  5,
  13,
  14,
  Word.NF,
  Word.ZF,
  Word.CF,
  Word.VF,
  Word.QF,
  Word.GE,
  Word.EXCLUSIVE_ADDR,
];
/** Single registers, double registers, and one pair that is used as both and as integers. */
const SINGLES = [sRegister(0), sRegister(1), sRegister(4)];
const DOUBLES = [Word.VFP + 8, Word.VFP + 10, Word.VFP + 4];

const PURE = (Object.keys(OPS) as Op[]).filter((op) => isPure(op) && op !== 'const');
const FLOATS = (Object.keys(OPS) as Op[]).filter((op) => isFloating(op));
const LOADS = ['load8u', 'load8s', 'load16u', 'load16s', 'load32', 'loadF32', 'loadF64'] as const;
const STORES = ['store8', 'store16', 'store32', 'storeF32', 'storeF64'] as const;

export interface Mix {
  readonly floats: boolean;
  /** Percentage of memory accesses that may go anywhere. */
  readonly wild: number;
  readonly callouts: boolean;
}

type Scope = { [K in Type]: number[] };

class BlockMaker {
  private scope: Scope = { i32: [], f32: [], f64: [] };
  private readonly b: Builder;
  private readonly r: Random;
  private readonly mix: Mix;

  constructor(b: Builder, r: Random, mix: Mix) {
    this.b = b;
    this.r = r;
    this.mix = mix;
  }

  private emit(op: Op, args: readonly number[], imm = 0, imm2 = 0): number {
    const [a = -1, b = -1, c = -1] = args;
    const id = this.b.emit(op, a, b, c, imm, imm2);
    const { result } = OPS[op];
    if (result !== 'void') this.scope[result].push(id);
    return id;
  }

  value(type: Type): number {
    const known = this.scope[type];
    if (known.length > 0 && this.r.chance(60))
      return known[known.length - 1 - this.r.below(Math.min(6, known.length))] as number;
    if (type === 'i32') {
      if (this.r.chance(40)) return this.emit('const', [], randomWord(this.r));
      return this.emit(
        'get',
        [],
        this.r.pick(this.mix.floats ? [...INTEGER_WORDS, ...SINGLES, Word.VFP + 10] : INTEGER_WORDS),
      );
    }
    if (type === 'f32') {
      return this.r.chance(50)
        ? this.emit('getF32', [], this.r.pick(SINGLES))
        : this.emit('f32FromBits', [this.value('i32')]);
    }
    return this.emit('getF64', [], this.r.pick(DOUBLES));
  }

  private address(): number {
    const { r } = this;
    if (r.chance(this.mix.wild)) return this.value('i32');
    const base = r.pick([DATA, DATA, DATA, DATA + 0xff8, DATA + 0xffd, CODE_PAGE + 8]);
    const edge = r.chance(this.mix.wild)
      ? r.pick([DATA + DATA_BYTES - 2, READ_ONLY, READ_ONLY - 3, CODE_PAGE - 2])
      : base;
    const offset = this.emit('and', [this.value('i32'), this.emit('const', [], 0x1f)]);
    return this.emit('add', [this.emit('const', [], edge), offset]);
  }

  step(): void {
    const { r } = this;
    const kind = r.below(100);
    if (kind < 35) this.pure();
    else if (kind < 41) this.compare();
    else if (kind < 50) this.write();
    else if (kind < 62) this.emit(r.pick(LOADS), [this.address()]);
    else if (kind < 68) this.store();
    else if (kind < 72) this.multiple();
    else if (kind < 74) this.cluster();
    else if (kind < 76) this.conditional();
    else if (kind < 78) this.emit('checkAlign', [this.address()], r.pick([1, 3, 7]));
    else if (kind < 80) this.emit('checkAccess', [this.address()], r.pick([4, 8, 64]), r.below(2));
    else if (kind < 81) this.emit('trapIf', [this.value('i32')], ExitReason.UNDEFINED);
    else if (kind < 82 && this.mix.callouts) this.emit('callout', [], r.below(8));
    else if (this.mix.floats) this.floating();
    else this.pure();
  }

  private pure(): void {
    const op = this.r.pick(PURE.filter((name) => this.mix.floats || OPS[name].args.every((t: Type) => t === 'i32')));
    const args = OPS[op].args.map((type: Type, n: number) => {
      if ((op === 'satS' || op === 'satU') && n === 1) return this.emit('const', [], 1 + this.r.below(31));
      if (n === 2 && (op === 'carry' || op.endsWith('Carry'))) return this.emit('const', [], this.r.below(2));
      return this.value(type);
    });
    this.emit(op, args, op.startsWith('parallel') ? this.r.below(6) * 8 + this.r.below(6) : 0);
  }

  private write(): void {
    const { r } = this;
    const integers = this.mix.floats ? [...INTEGER_WORDS, ...SINGLES, Word.VFP + 11] : INTEGER_WORDS;
    const kind = this.mix.floats ? r.below(4) : 0;
    if (kind < 2) this.emit('set', [this.value('i32')], r.pick(integers));
    else if (kind === 2) this.emit('setF32', [this.value('f32')], r.pick(SINGLES));
    else this.emit('setF64', [this.value('f64')], r.pick(DOUBLES));
  }

  /** Flags as a comparison or an addition writes them, whole or in part, now and then with something wrong about it. */
  private compare(): void {
    const { r } = this;
    const x = this.value('i32');
    const y = r.chance(50) ? this.emit('const', [], randomWord(r)) : this.value('i32');
    const isSum = r.chance(40);
    const result = this.emit(isSum ? 'add' : 'sub', [x, y]);
    const carry = isSum ? this.emit('ltU', [result, x]) : this.emit('leU', r.chance(95) ? [y, x] : [x, y]);
    const overflow = this.emit(isSum ? 'overflow' : 'overflowSub', [x, y, result]);
    const parts = [
      [result, Word.NF],
      [r.chance(95) ? result : x, Word.ZF],
      [carry, Word.CF],
      [overflow, Word.VF],
    ] as const;
    const wanted = r.chance(70) ? 4 : 1 + r.below(3);
    for (const [value, word] of parts.slice(0, wanted)) this.emit('set', [value], word);
    if (r.chance(40)) this.emit('set', [this.emit('get', [], r.pick(parts)[1])], r.below(6));
  }

  private store(): void {
    const op = this.r.pick(STORES);
    this.emit(op, [this.address(), this.value(OPS[op].args[1] as Type)]);
  }

  /** Adjoining transfers of one instruction, upwards mostly. */
  private multiple(): void {
    const start = this.address();
    const isStore = this.r.chance(50);
    const at = (n: number) => (n === 0 ? start : this.emit('add', [start, this.emit('const', [], 4 * n)]));
    for (let n = 0; n < 2 + this.r.below(4); n++) {
      const address = at(this.r.chance(95) ? n : n + 1);
      if (isStore) this.emit('store32', [address, this.value('i32')]);
      else this.emit('load32', [address]);
    }
  }

  /** Accesses near one register, some of them near the end of what is mapped, others between them. */
  private cluster(): void {
    const { r } = this;
    const register = r.below(4);
    const bases = [DATA + 8, DATA + 0xff8, DATA + 0xffe, DATA + DATA_BYTES - 8, CODE_PAGE + 8, READ_ONLY + 0x800];
    this.emit('set', [this.emit('const', [], r.pick(bases))], register);
    const address = () => {
      const offset = r.chance(10) ? r.pick([0x1000, -0x1000, 0xff8]) : r.below(10) * 4 - 16 + (r.chance(20) ? 1 : 0);
      return this.emit('add', [this.emit('get', [], register), this.emit('const', [], offset)]);
    };
    for (let n = 1 + r.below(5); n >= 0; n--) {
      const op = r.pick(STORES);
      if (r.chance(15)) this.step();
      if (r.chance(15)) this.emit('checkAlign', [address()], r.pick([1, 3, 7]));
      if (r.chance(50)) this.emit(r.pick(LOADS), [address()]);
      else this.emit(op, [address(), this.value(OPS[op].args[1] as Type)]);
    }
  }

  private floating(): void {
    const op = this.r.pick(FLOATS);
    const args = OPS[op].args.map((type: Type) => this.value(type));
    const isFixed = op.includes('Fixed');
    const imm = isFixed ? this.r.below(16) : this.r.below(op.startsWith('round') ? 5 : 2);
    this.emit(op, args, imm, isFixed ? this.r.pick([16, -16, 32, -32]) : this.r.below(2));
  }

  private conditional(): void {
    const cond = this.value('i32');
    const outer = this.scope;
    this.scope = { i32: [...outer.i32], f32: [...outer.f32], f64: [...outer.f64] };
    this.b.emit('if', cond, -1, -1, 0, 0);
    for (let n = this.r.below(4); n >= 0; n--) this.step();
    this.b.emit('endif', -1, -1, -1, 0, 0);
    this.scope = outer;
  }
}

const FLOWS = ['jump', 'call', 'return'] as const;

const terminal = (maker: BlockMaker, b: Builder, r: Random, count: number): Terminal => {
  const to = at(r.below(count + 1));
  const otherwise = at(r.below(count + 1));
  const flow = r.pick(FLOWS);
  const link = flow === 'call' ? { link: at(r.below(count)) } : {};
  switch (r.below(10)) {
    case 0:
    case 1:
    case 2:
      return { kind: 'jump', flow, to, ...link };
    case 3:
    case 4:
    case 5:
    case 6:
      return { kind: 'branch', flow, cond: maker.value('i32'), to, otherwise, ...link };
    case 7:
    case 8: {
      const target = b.emit('select', b.const(to), b.const(otherwise), maker.value('i32'), 0, 0);
      if (r.chance(50)) return { kind: 'indirect', flow, target, ...link };
      return { kind: 'indirect', flow, target, cond: maker.value('i32'), otherwise: at(r.below(count + 1)), ...link };
    }
    default:
      if (r.chance(30)) return { kind: 'trap', reason: ExitReason.BREAKPOINT, at: to };
      return r.chance(50)
        ? { kind: 'svc', imm: 0, next: to }
        : { kind: 'svc', imm: 0, next: to, cond: maker.value('i32') };
  }
};

const randomBlock = (r: Random, location: Location, count: number, mix: Mix): IrBlock => {
  const insnCount = 1 + r.below(6);
  const made = block(location, insnCount, (b) => {
    const maker = new BlockMaker(b, r, mix);
    b.enter(insnCount);
    if (r.chance(10)) maker.step();
    for (let n = 0; n < insnCount; n++) {
      b.insn((location + 4 * n) >>> 0, n);
      for (let steps = r.below(4); steps >= 0; steps--) maker.step();
    }
    return terminal(maker, b, r, count);
  });
  // Some targets of an indirect jump are known, in part ones it never goes to.
  if (r.chance(50)) made.seenTargets = new Set(Array.from({ length: 1 + r.below(7) }, () => at(r.below(count + 1))));
  return made;
};

/** `count` blocks at at(0), at(1), …; some jump to at(count), which does not exist. */
export const randomBlocks = (r: Random, count: number, mix: Mix): IrBlock[] =>
  Array.from({ length: count }, (_, n) => randomBlock(r, at(n), count, mix));
