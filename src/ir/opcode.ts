/**
 * The IR's operations as a table: result type, argument types, effects. Everything that must know something about an op
 * (verifier, passes, both tiers) reads a column here; a handler record keyed by op makes a missing handler a type error.
 *
 * A pure op's meaning is one function in `ir/eval` (integers) or `ir/fp` (floating point); only the impure ops are
 * written once per tier. `f32` and `f64` values are bit patterns everywhere outside an arithmetic recipe, so NaN
 * payloads survive.
 */

export type Type = 'i32' | 'f32' | 'f64';
export type ResultType = Type | 'void';

/** Effects. 0 = pure. */
export const READS_STATE = 1;
export const WRITES_STATE = 2;
export const READS_MEMORY = 4;
export const WRITES_MEMORY = 8;
/** May leave the block before the instruction completes (fault, trap, yield). */
export const MAY_EXIT = 16;
/** Opens or closes a conditional region; instructions carry no value across it except to the terminal. */
export const STRUCTURE = 32;
/** Floating point under FPSCR: reads its modes, accumulates its exception flags; meaning in ir/fp. */
export const FLOATING = 64;
/** Calls the host with all state written back. */
export const HOST_CALL = 128;

export interface OpSpec {
  readonly result: ResultType;
  readonly args: readonly Type[];
  readonly effects: number;
}

const op = <R extends ResultType, const A extends readonly Type[], E extends number>(
  result: R,
  args: A,
  effects: E,
) => ({
  result,
  args,
  effects,
});

const i = 'i32' as const;
const ii = ['i32', 'i32'] as const;
const iii = ['i32', 'i32', 'i32'] as const;

export const OPS = {
  // -- structure and bookkeeping -------------------------------------------------------------------------------------
  /** Start of the guest instruction at address `imm` (plain); `imm2` = how many guest instructions of the block precede it. */
  insn: op('void', [], STRUCTURE),
  /** First op of a block: leave with `yield` when FUEL <= 0, else subtract `imm` (instructions of the block) from FUEL. */
  enter: op('void', [], READS_STATE | WRITES_STATE | MAY_EXIT),
  /** Instructions up to the matching `endif` run only when the argument is not zero. Regions nest; there is no else. */
  if: op('void', [i], STRUCTURE),
  endif: op('void', [], STRUCTURE),
  /** Leaves at the current instruction, which has had no effect, with ExitReason `imm` (see ir/terminal). */
  trap: op('void', [], MAY_EXIT),
  /** Like `if c; trap; endif`. */
  trapIf: op('void', [i], MAY_EXIT),
  /** Calls host function `imm` (an id the stalker gave out) with all state written back; state may change, pc may not. */
  callout: op('void', [], HOST_CALL | READS_STATE | WRITES_STATE | READS_MEMORY | WRITES_MEMORY),

  // -- state ---------------------------------------------------------------------------------------------------------
  /** The constant `imm`. */
  const: op('i32', [], 0),
  /** State word `imm` (see guest/cpu-state). */
  get: op('i32', [], READS_STATE),
  set: op('void', [i], WRITES_STATE),
  /** VFP register by state word `imm` (sRegister(n) or dRegister(n)). */
  getF32: op('f32', [], READS_STATE),
  setF32: op('void', ['f32'], WRITES_STATE),
  getF64: op('f64', [], READS_STATE),
  setF64: op('void', ['f64'], WRITES_STATE),

  // -- guest memory: address argument first; permission checked; little-endian; any alignment --------------------------
  load8u: op('i32', [i], READS_MEMORY | MAY_EXIT),
  load8s: op('i32', [i], READS_MEMORY | MAY_EXIT),
  load16u: op('i32', [i], READS_MEMORY | MAY_EXIT),
  load16s: op('i32', [i], READS_MEMORY | MAY_EXIT),
  load32: op('i32', [i], READS_MEMORY | MAY_EXIT),
  loadF32: op('f32', [i], READS_MEMORY | MAY_EXIT),
  loadF64: op('f64', [i], READS_MEMORY | MAY_EXIT),
  store8: op('void', ii, WRITES_MEMORY | MAY_EXIT),
  store16: op('void', ii, WRITES_MEMORY | MAY_EXIT),
  store32: op('void', ii, WRITES_MEMORY | MAY_EXIT),
  storeF32: op('void', [i, 'f32'], WRITES_MEMORY | MAY_EXIT),
  storeF64: op('void', [i, 'f64'], WRITES_MEMORY | MAY_EXIT),
  /** SIGBUS (BUS_ADRALN) at this instruction unless `address & imm` is zero. */
  checkAlign: op('void', [i], MAY_EXIT),
  /** SIGSEGV at this instruction unless the `imm` bytes at the address may be written (imm2 = 1) or read (imm2 = 0). */
  checkAccess: op('void', [i], MAY_EXIT),

  // -- engine memory (at or above TASK_SIZE): unchecked, `imm` is a byte offset added to the address --------------------
  hostLoad32: op('i32', [i], READS_MEMORY),
  hostStore32: op('void', ii, WRITES_MEMORY),

  // -- integers ------------------------------------------------------------------------------------------------------
  add: op('i32', ii, 0),
  sub: op('i32', ii, 0),
  mul: op('i32', ii, 0),
  /** High 32 bits of the 64-bit product. */
  mulHighS: op('i32', ii, 0),
  mulHighU: op('i32', ii, 0),
  /** SDIV/UDIV: division by zero gives 0, INT_MIN / -1 gives INT_MIN. */
  divS: op('i32', ii, 0),
  divU: op('i32', ii, 0),
  and: op('i32', ii, 0),
  or: op('i32', ii, 0),
  xor: op('i32', ii, 0),
  /** a & ~b. */
  andNot: op('i32', ii, 0),
  not: op('i32', [i], 0),
  neg: op('i32', [i], 0),
  /** Shifts and rotate by b & 31. */
  shl: op('i32', ii, 0),
  shr: op('i32', ii, 0),
  sar: op('i32', ii, 0),
  ror: op('i32', ii, 0),
  /** Register-controlled shifts of the manual: a shifted by b<7:0>, any amount. */
  lslReg: op('i32', ii, 0),
  lsrReg: op('i32', ii, 0),
  asrReg: op('i32', ii, 0),
  rorReg: op('i32', ii, 0),
  /** Their carry out (0 or 1): of value a, amount b<7:0>, carry in c. */
  lslCarry: op('i32', iii, 0),
  lsrCarry: op('i32', iii, 0),
  asrCarry: op('i32', iii, 0),
  rorCarry: op('i32', iii, 0),
  /** Carry out of a + b + c (c is 0 or 1): 0 or 1. */
  carry: op('i32', iii, 0),
  /** Bit 31 is the signed overflow of the sum a + b + carry whose result is c. Other bits undefined. */
  overflow: op('i32', iii, 0),
  /** Bit 31 is the signed overflow of the difference a - b - borrow whose result is c. Other bits undefined. */
  overflowSub: op('i32', iii, 0),
  clz: op('i32', [i], 0),
  rbit: op('i32', [i], 0),
  rev: op('i32', [i], 0),
  rev16: op('i32', [i], 0),
  sext8: op('i32', [i], 0),
  sext16: op('i32', [i], 0),
  /** Comparisons: 0 or 1. */
  eq: op('i32', ii, 0),
  ne: op('i32', ii, 0),
  ltS: op('i32', ii, 0),
  ltU: op('i32', ii, 0),
  leS: op('i32', ii, 0),
  leU: op('i32', ii, 0),
  eqz: op('i32', [i], 0),
  /** a when c is not zero, else b. */
  select: op('i32', iii, 0),
  /** Signed saturation of a to b bits (1..32); unsigned to b bits (0..31). */
  satS: op('i32', ii, 0),
  satU: op('i32', ii, 0),
  /** 32-bit signed saturating sum and difference. */
  qadd: op('i32', ii, 0),
  qsub: op('i32', ii, 0),
  /** a + b + c: with a the carry of the low words, the high word of a 64-bit sum. */
  addHigh: op('i32', iii, 0),
  /** Sum of absolute differences of the four unsigned bytes. */
  usad8: op('i32', ii, 0),

  // -- parallel add/subtract (A8.4.2 style): result lanes, and the GE carry mask (bits 7, 15, 23, 31) of the same operation.
  /** imm picks the lane operation: see ir/parallel. */
  parallel: op('i32', ii, 0),
  parallelGe: op('i32', ii, 0),
  /** Byte lanes of a where the GE mask c has its bit set, else of b. */
  sel: op('i32', iii, 0),

  // -- floating point bits (no FPSCR) --------------------------------------------------------------------------------
  f32FromBits: op('f32', [i], 0),
  bitsFromF32: op('i32', ['f32'], 0),
  /** d register value of low word a and high word b. */
  f64FromWords: op('f64', ii, 0),
  lowWord: op('i32', ['f64'], 0),
  highWord: op('i32', ['f64'], 0),
  negF32: op('f32', ['f32'], 0),
  absF32: op('f32', ['f32'], 0),
  negF64: op('f64', ['f64'], 0),
  absF64: op('f64', ['f64'], 0),

  // -- floating point under FPSCR (rounding mode, FZ, DN; accumulates IOC DZC OFC UFC IXC IDC) --------------------------
  addF32: op('f32', ['f32', 'f32'], FLOATING),
  subF32: op('f32', ['f32', 'f32'], FLOATING),
  mulF32: op('f32', ['f32', 'f32'], FLOATING),
  divF32: op('f32', ['f32', 'f32'], FLOATING),
  sqrtF32: op('f32', ['f32'], FLOATING),
  addF64: op('f64', ['f64', 'f64'], FLOATING),
  subF64: op('f64', ['f64', 'f64'], FLOATING),
  mulF64: op('f64', ['f64', 'f64'], FLOATING),
  divF64: op('f64', ['f64', 'f64'], FLOATING),
  sqrtF64: op('f64', ['f64'], FLOATING),
  /** Fused a + b * c (the accumulator first, as FPMulAdd). */
  fmaF32: op('f32', ['f32', 'f32', 'f32'], FLOATING),
  fmaF64: op('f64', ['f64', 'f64', 'f64'], FLOATING),
  /** FPCompare: NZCV in bits 31..28; imm = 1 raises Invalid Operation for quiet NaNs too (VCMPE). */
  cmpF32: op('i32', ['f32', 'f32'], FLOATING),
  cmpF64: op('i32', ['f64', 'f64'], FLOATING),
  f64FromF32: op('f64', ['f32'], FLOATING),
  f32FromF64: op('f32', ['f64'], FLOATING),
  /** Half precision in the low 16 bits of an integer. FPSCR.AHP is honoured. */
  f32FromF16: op('f32', [i], FLOATING),
  f16FromF32: op('i32', ['f32'], FLOATING),
  f64FromF16: op('f64', [i], FLOATING),
  f16FromF64: op('i32', ['f64'], FLOATING),
  /** Integer to floating point, rounded by FPSCR. */
  f32FromS32: op('f32', [i], FLOATING),
  f32FromU32: op('f32', [i], FLOATING),
  f64FromS32: op('f64', [i], FLOATING),
  f64FromU32: op('f64', [i], FLOATING),
  /** Floating point to integer, saturating, NaN gives 0. imm: 0 = round towards zero, 1 = FPSCR rounding mode. */
  s32FromF32: op('i32', ['f32'], FLOATING),
  u32FromF32: op('i32', ['f32'], FLOATING),
  s32FromF64: op('i32', ['f64'], FLOATING),
  u32FromF64: op('i32', ['f64'], FLOATING),
  /**
   * Fixed point. imm = fraction bits (0..32), imm2 = size and sign: 16/-16/32/-32, negative = signed operand of that
   * width. To fixed rounds towards zero and saturates to the width, result sign- or zero-extended to 32 bits; from fixed
   * always rounds to nearest.
   */
  f32FromFixed: op('f32', [i], FLOATING),
  f64FromFixed: op('f64', [i], FLOATING),
  fixedFromF32: op('i32', ['f32'], FLOATING),
  fixedFromF64: op('i32', ['f64'], FLOATING),
  /**
   * To an integral value (FPRoundInt). imm: rounding mode as RMode encodes it, 4 = to nearest, ties away from zero,
   * 5 = FPSCR rounding mode; imm2 = 1 raises Inexact.
   */
  roundF32: op('f32', ['f32'], FLOATING),
  roundF64: op('f64', ['f64'], FLOATING),
  /** Floating point to integer by the rounding mode imm (0..4, as above), otherwise like s32FromF32. */
  roundedS32FromF32: op('i32', ['f32'], FLOATING),
  roundedU32FromF32: op('i32', ['f32'], FLOATING),
  roundedS32FromF64: op('i32', ['f64'], FLOATING),
  roundedU32FromF64: op('i32', ['f64'], FLOATING),
  /** IEEE 754-2008 maxNum and minNum: a number wins over a quiet NaN. */
  maxNumF32: op('f32', ['f32', 'f32'], FLOATING),
  minNumF32: op('f32', ['f32', 'f32'], FLOATING),
  maxNumF64: op('f64', ['f64', 'f64'], FLOATING),
  minNumF64: op('f64', ['f64', 'f64'], FLOATING),
} as const satisfies Record<string, OpSpec>;

export type Op = keyof typeof OPS;

/** Ops whose meaning is a pure function of their i32 arguments (and imm): the keys of ir/eval. */
export type PureOp = {
  [K in Op]: (typeof OPS)[K]['effects'] extends 0 ? K : never;
}[Op];
export type FloatingOp = {
  [K in Op]: (typeof OPS)[K]['effects'] extends typeof FLOATING ? K : never;
}[Op];
export type ImpureOp = Exclude<Op, PureOp | FloatingOp>;

export const isPure = (name: Op): name is PureOp => OPS[name].effects === 0;
export const isFloating = (name: Op): name is FloatingOp => OPS[name].effects === FLOATING;
