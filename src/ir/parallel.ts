/**
 * The lane operations of the parallel add/subtract instructions: `imm` of the `parallel` and `parallelGe` ops is
 * PREFIXES.indexOf(prefix) * 8 + LANES.indexOf(lanes), e.g. UADD8 is parallelKind('u', 'add8').
 */
export const PREFIXES = ['s', 'q', 'sh', 'u', 'uq', 'uh'] as const;
export const LANES = ['add16', 'asx', 'sax', 'sub16', 'add8', 'sub8'] as const;
export type ParallelPrefix = (typeof PREFIXES)[number];
export type ParallelLanes = (typeof LANES)[number];

export const parallelKind = (prefix: ParallelPrefix, lanes: ParallelLanes): number =>
  PREFIXES.indexOf(prefix) * 8 + LANES.indexOf(lanes);

/** Lane values of one word: two halfwords or four bytes, signed or not. */
const lane = (word: number, shift: number, width: number, signed: boolean): number => {
  const x = (word >>> shift) & (2 ** width - 1);
  return signed && x >= 2 ** (width - 1) ? x - 2 ** width : x;
};

/** The exact (unbounded) result of lane `shift` of the operation. */
const exact = (kind: number, a: number, b: number, shift: number): number => {
  const signed = kind < 24;
  switch (LANES[kind & 7]) {
    case 'add8':
      return lane(a, shift, 8, signed) + lane(b, shift, 8, signed);
    case 'sub8':
      return lane(a, shift, 8, signed) - lane(b, shift, 8, signed);
    case 'add16':
      return lane(a, shift, 16, signed) + lane(b, shift, 16, signed);
    case 'sub16':
      return lane(a, shift, 16, signed) - lane(b, shift, 16, signed);
    case 'asx':
      return shift === 0
        ? lane(a, 0, 16, signed) - lane(b, 16, 16, signed)
        : lane(a, 16, 16, signed) + lane(b, 0, 16, signed);
    default:
      return shift === 0
        ? lane(a, 0, 16, signed) + lane(b, 16, 16, signed)
        : lane(a, 16, 16, signed) - lane(b, 0, 16, signed);
  }
};

const laneWidth = (kind: number): number => ((kind & 7) >= 4 ? 8 : 16);

/** Meaning of the `parallel` op, lane by lane. */
export const parallelByLane = (kind: number, a: number, b: number): number => {
  const width = laneWidth(kind);
  const prefix = PREFIXES[kind >> 3];
  let result = 0;
  for (let shift = 0; shift < 32; shift += width) {
    let x = exact(kind, a, b, shift);
    if (prefix === 'sh' || prefix === 'uh') x >>= 1;
    else if (prefix === 'q') x = Math.max(-(2 ** (width - 1)), Math.min(2 ** (width - 1) - 1, x));
    else if (prefix === 'uq') x = Math.max(0, Math.min(2 ** width - 1, x));
    result |= (x & (2 ** width - 1)) << shift;
  }
  return result;
};

const UADD8 = parallelKind('u', 'add8');
const UQSUB8 = parallelKind('uq', 'sub8');
const SIGNS = 0x8080_8080 | 0;
const OTHERS = 0x7f7f_7f7f;

const addBytes = (a: number, b: number): number => ((a & OTHERS) + (b & OTHERS)) ^ ((a ^ b) & SIGNS);
/** Bit 7 of every byte whose sum carries. */
const carriesOfBytes = (a: number, b: number): number => ((a & b) | ((a | b) & ~addBytes(a, b))) & SIGNS;

const saturatingSubtractBytes = (a: number, b: number): number => {
  const difference = ((a | SIGNS) - (b & OTHERS)) ^ ((a ^ ~b) & SIGNS);
  const borrows = ((~a & b) | ((~a | b) & difference)) & SIGNS;
  return difference & ~Math.imul(borrows >>> 7, 0xff);
};

/** Meaning of the `parallel` op. The two that glibc's string functions live on are done on all bytes at once. */
export const parallelResult = (kind: number, a: number, b: number): number =>
  kind === UADD8 ? addBytes(a, b) : kind === UQSUB8 ? saturatingSubtractBytes(a, b) : parallelByLane(kind, a, b);

/** Whether lane `shift` of this operation adds (its GE is a carry) rather than subtracts (its GE is "no borrow"). */
const addsIn = (kind: number, shift: number): boolean => {
  switch (LANES[kind & 7]) {
    case 'add8':
    case 'add16':
      return true;
    case 'asx':
      return shift === 16;
    case 'sax':
      return shift === 0;
    default:
      return false;
  }
};

/** Meaning of the `parallelGe` op: the GE mask S* and U* forms set; a 16-bit lane sets both of its bits. */
export const parallelGe = (kind: number, a: number, b: number): number =>
  kind === UADD8 ? carriesOfBytes(a, b) : parallelGeByLane(kind, a, b);

export const parallelGeByLane = (kind: number, a: number, b: number): number => {
  const width = laneWidth(kind);
  const unsigned = kind >= 24;
  let mask = 0;
  for (let shift = 0; shift < 32; shift += width) {
    const x = exact(kind, a, b, shift);
    const set = unsigned && addsIn(kind, shift) ? x >= 2 ** width : x >= 0;
    if (set) mask |= width === 8 ? 0x80 << shift : 0x8080 << shift;
  }
  return mask;
};
