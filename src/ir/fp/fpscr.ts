/** FPSCR as floating-point meaning sees it (ARM DDI 0406C B4.1.58): modes in, cumulative exception flags out. */

/** The FPSCR word of a floating-point environment; everything else of the CPU is out of reach here. */
export type Env = Int32Array;

export const Fpscr = {
  IOC: 1 << 0,
  DZC: 1 << 1,
  OFC: 1 << 2,
  UFC: 1 << 3,
  IXC: 1 << 4,
  IDC: 1 << 7,
  FZ: 1 << 24,
  DN: 1 << 25,
  AHP: 1 << 26,
  RMODE: 3 << 22,
} as const;

/** Rounding modes in RMode's encoding; ties away from zero exists only as an instruction's own choice. */
export const Rounding = { NEAREST: 0, PLUS_INFINITY: 1, MINUS_INFINITY: 2, ZERO: 3, TIES_AWAY: 4 } as const;

export const roundingMode = (fpscr: number): number => (fpscr >>> 22) & 3;
