/**
 * Scalar VFPv3, VFPv4 and ARMv8 encodings, D0 to D31 (ARM DDI 0406C A7.5 to A7.9; ARM DDI 0487 F4). A T32 encoding is
 * the A32 one with condition 0b1110, so one list makes both tables. The short-vector, NEON and privileged (FPSID, MVFR,
 * FPEXC) forms are not here: UNDEFINED.
 */
import { type Fields, type FieldsOf, type Lifter, type Row, type RowOptions, row } from '../encoding.js';
import * as vfp from '../lift/vfp.js';
import * as convert from '../lift/vfp-convert.js';
import * as transfer from '../lift/vfp-transfer.js';
import {
  destination,
  fixedPoint,
  fromSingleRegister,
  immediateAddress,
  isBadRun,
  otherWidth,
  registerRun,
  threeRegisters,
  toSingleRegister,
  twoRegisters,
} from '../vfp-operands.js';

export const VFP_A32: Row[] = [];
export const VFP_T32: Row[] = [];

type Options<F> = RowOptions<F> & { unpredictableT32?: (f: F) => boolean };

type Shape = (f: Fields) => object;

/** Both encodings of an instruction, each under its four opening bits. */
const add = (name: string, opening: [string, string], picture: string, shape: Shape, lift: unknown, more: unknown) => {
  const { unpredictableT32, unpredictable, ...options } = more as Options<Fields>;
  const make = (set: string, prefix: string, isUnpredictable: ((f: Fields) => boolean) | undefined): Row =>
    row(name.replace('#', set), `${prefix} ${picture}`, lift as Lifter<Fields>, {
      ...options,
      operands: (f) => ({ ...f, ...shape(f) }) as Fields,
      ...(isUnpredictable === undefined ? {} : { unpredictable: isUnpredictable }),
    });
  VFP_A32.push(make('A', opening[0], unpredictable));
  VFP_T32.push(make('T', opening[1], unpredictableT32 ?? unpredictable));
};

/** `#` in the name stands for A or T; the picture begins below the condition. A lifter sees its fields and its shape. */
const vfpRow = <P extends string, S extends object>(
  name: string,
  picture: P,
  shape: (f: FieldsOf<P>) => S,
  lift: Lifter<NoInfer<FieldsOf<P> & S>>,
  more: Options<NoInfer<FieldsOf<P> & S>> = {},
): void => add(name, ['cond:4', '1110'], picture, shape as unknown as Shape, lift, more);

/** The ARMv8 additions to the unconditional space. */
const v8Row = <P extends string, S extends object>(
  name: string,
  picture: P,
  shape: (f: FieldsOf<P>) => S,
  lift: Lifter<NoInfer<FieldsOf<P> & S>>,
): void =>
  add(name, ['1111', '1111'], picture, shape as unknown as Shape, lift, { unconditional: true, neverInIt: true });

const noShape = (): object => ({});

// -- three registers -----------------------------------------------------------------------------------------------------
vfpRow('VMLA (floating-point) #2', '11100 D 00 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4', threeRegisters, vfp.vmla);
vfpRow('VMLS (floating-point) #2', '11100 D 00 Vn:4 Vd:4 101 sz N 1 M 0 Vm:4', threeRegisters, vfp.vmls);
vfpRow('VNMLS #1', '11100 D 01 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4', threeRegisters, vfp.vnmls);
vfpRow('VNMLA #1', '11100 D 01 Vn:4 Vd:4 101 sz N 1 M 0 Vm:4', threeRegisters, vfp.vnmla);
vfpRow('VMUL (floating-point) #2', '11100 D 10 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4', threeRegisters, vfp.vmul);
vfpRow('VNMUL #2', '11100 D 10 Vn:4 Vd:4 101 sz N 1 M 0 Vm:4', threeRegisters, vfp.vnmul);
vfpRow('VADD (floating-point) #2', '11100 D 11 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4', threeRegisters, vfp.vadd);
vfpRow('VSUB (floating-point) #2', '11100 D 11 Vn:4 Vd:4 101 sz N 1 M 0 Vm:4', threeRegisters, vfp.vsub);
vfpRow('VDIV #1', '11101 D 00 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4', threeRegisters, vfp.vdiv);
vfpRow('VFNMS #1', '11101 D 01 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4', threeRegisters, vfp.vfnms);
vfpRow('VFNMA #1', '11101 D 01 Vn:4 Vd:4 101 sz N 1 M 0 Vm:4', threeRegisters, vfp.vfnma);
vfpRow('VFMA (floating-point) #2', '11101 D 10 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4', threeRegisters, vfp.vfma);
vfpRow('VFMS (floating-point) #2', '11101 D 10 Vn:4 Vd:4 101 sz N 1 M 0 Vm:4', threeRegisters, vfp.vfms);
v8Row('VSEL #1', '11100 D cc:2 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4', threeRegisters, vfp.vsel);
v8Row('VMAXNM #2', '11101 D 00 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4', threeRegisters, vfp.vmaxnm);
v8Row('VMINNM #2', '11101 D 00 Vn:4 Vd:4 101 sz N 1 M 0 Vm:4', threeRegisters, vfp.vminnm);

// -- two registers, immediates, comparisons ------------------------------------------------------------------------------
vfpRow('VMOV (immediate) #2', '11101 D 11 imm4H:4 Vd:4 101 sz (0) 0 (0) 0 imm4L:4', destination, vfp.vmovImmediate);
vfpRow('VMOV (register) #2', '11101 D 11 0000 Vd:4 101 sz 01 M 0 Vm:4', twoRegisters, vfp.vmovRegister);
vfpRow('VABS #2', '11101 D 11 0000 Vd:4 101 sz 11 M 0 Vm:4', twoRegisters, vfp.vabs);
vfpRow('VNEG #2', '11101 D 11 0001 Vd:4 101 sz 01 M 0 Vm:4', twoRegisters, vfp.vneg);
vfpRow('VSQRT #1', '11101 D 11 0001 Vd:4 101 sz 11 M 0 Vm:4', twoRegisters, vfp.vsqrt);
vfpRow('VCMP, VCMPE #1', '11101 D 11 0100 Vd:4 101 sz E 1 M 0 Vm:4', twoRegisters, vfp.vcmp);
vfpRow('VCMP, VCMPE #2', '11101 D 11 0101 Vd:4 101 sz E 1 (0) 0 (0) (0) (0) (0)', destination, vfp.vcmpZero);

// -- conversions ---------------------------------------------------------------------------------------------------------
vfpRow('VCVTB, VCVTT to F32 #1', '11101 D 11 0010 Vd:4 101 sz T 1 M 0 Vm:4', fromSingleRegister, convert.vcvtFromHalf);
vfpRow('VCVTB, VCVTT to F16 #1', '11101 D 11 0011 Vd:4 101 sz T 1 M 0 Vm:4', toSingleRegister, convert.vcvtToHalf);
vfpRow('VCVT (double, single) #1', '11101 D 11 0111 Vd:4 101 sz 11 M 0 Vm:4', otherWidth, convert.vcvtPrecision);
vfpRow(
  'VCVT (from integer) #1',
  '11101 D 11 1000 Vd:4 101 sz isSigned 1 M 0 Vm:4',
  fromSingleRegister,
  convert.vcvtFromInteger,
);
vfpRow(
  'VCVT, VCVTR (to integer) #1',
  '11101 D 11 110 isSigned Vd:4 101 sz towardsZero 1 M 0 Vm:4',
  toSingleRegister,
  convert.vcvtToInteger,
);
vfpRow(
  'VCVT (from fixed-point) #1',
  '11101 D 11 101 U Vd:4 101 sz sx 1 i 0 imm4:4',
  fixedPoint,
  convert.vcvtFromFixed,
  { unpredictable: (f) => f.fractionBits < 0 },
);
vfpRow('VCVT (to fixed-point) #1', '11101 D 11 111 U Vd:4 101 sz sx 1 i 0 imm4:4', fixedPoint, convert.vcvtToFixed, {
  unpredictable: (f) => f.fractionBits < 0,
});
vfpRow('VRINTR #1', '11101 D 11 0110 Vd:4 101 sz 01 M 0 Vm:4', twoRegisters, convert.vrintr);
vfpRow('VRINTZ #1', '11101 D 11 0110 Vd:4 101 sz 11 M 0 Vm:4', twoRegisters, convert.vrintz);
vfpRow('VRINTX #1', '11101 D 11 0111 Vd:4 101 sz 01 M 0 Vm:4', twoRegisters, convert.vrintx);
v8Row(
  'VRINTA, VRINTN, VRINTP, VRINTM #1',
  '11101 D 1110 RM:2 Vd:4 101 sz 01 M 0 Vm:4',
  twoRegisters,
  convert.vrintDirected,
);
v8Row(
  'VCVTA, VCVTN, VCVTP, VCVTM #1',
  '11101 D 1111 RM:2 Vd:4 101 sz isSigned 1 M 0 Vm:4',
  toSingleRegister,
  convert.vcvtDirected,
);

// -- core registers --------------------------------------------------------------------------------------------------------
const isPc = ({ Rt }: { Rt: number }): boolean => Rt === 15;
/** SP is no transfer register in T32 (A8.8.341 and on). */
const isPcOrSp = ({ Rt }: { Rt: number }): boolean => Rt === 15 || Rt === 13;
const oneCore = { unpredictable: isPc, unpredictableT32: isPcOrSp };

vfpRow(
  'VMOV (core to single) #1',
  '1110000 0 Vn:4 Rt:4 1010 N (0) (0) 1 (0) (0) (0) (0)',
  transfer.singleAndCore,
  transfer.vmovWordFromCore,
  oneCore,
);
vfpRow(
  'VMOV (single to core) #1',
  '1110000 1 Vn:4 Rt:4 1010 N (0) (0) 1 (0) (0) (0) (0)',
  transfer.singleAndCore,
  transfer.vmovCoreFromWord,
  oneCore,
);
vfpRow(
  'VMOV (core to scalar) #1',
  '111000 x 0 Vreg:4 Rt:4 1011 high 00 1 (0) (0) (0) (0)',
  transfer.laneAndCore,
  transfer.vmovWordFromCore,
  oneCore,
);
vfpRow(
  'VMOV (scalar to core) #1',
  '111000 x 1 Vreg:4 Rt:4 1011 high 00 1 (0) (0) (0) (0)',
  transfer.laneAndCore,
  transfer.vmovCoreFromWord,
  oneCore,
);

interface Pair {
  readonly Rt: number;
  readonly Rt2: number;
}
const hasPc = (f: Pair): boolean => f.Rt === 15 || f.Rt2 === 15;
const hasPcOrSp = (f: Pair): boolean => hasPc(f) || f.Rt === 13 || f.Rt2 === 13;
const isLastSingle = (f: { M: number; Vm: number }): boolean => f.Vm === 15 && f.M === 1;

vfpRow(
  'VMOV (two core to two single) #1',
  '1100010 0 Rt2:4 Rt:4 1010 00 M 1 Vm:4',
  noShape,
  transfer.vmovPairFromCore,
  {
    unpredictable: (f) => hasPc(f) || isLastSingle(f),
    unpredictableT32: (f) => hasPcOrSp(f) || isLastSingle(f),
  },
);
vfpRow(
  'VMOV (two single to two core) #1',
  '1100010 1 Rt2:4 Rt:4 1010 00 M 1 Vm:4',
  noShape,
  transfer.vmovCoreFromPair,
  {
    unpredictable: (f) => hasPc(f) || isLastSingle(f) || f.Rt === f.Rt2,
    unpredictableT32: (f) => hasPcOrSp(f) || isLastSingle(f) || f.Rt === f.Rt2,
  },
);
vfpRow('VMOV (two core to double) #1', '1100010 0 Rt2:4 Rt:4 1011 00 M 1 Vm:4', noShape, transfer.vmovDoubleFromCore, {
  unpredictable: hasPc,
  unpredictableT32: hasPcOrSp,
});
vfpRow('VMOV (double to two core) #1', '1100010 1 Rt2:4 Rt:4 1011 00 M 1 Vm:4', noShape, transfer.vmovCoreFromDouble, {
  unpredictable: (f) => hasPc(f) || f.Rt === f.Rt2,
  unpredictableT32: (f) => hasPcOrSp(f) || f.Rt === f.Rt2,
});

vfpRow('VMSR #1', '11101110 0001 Rt:4 1010 (0) (0) (0) 1 (0) (0) (0) (0)', noShape, transfer.vmsr, oneCore);
vfpRow('VMRS #1', '11101111 0001 Rt:4 1010 (0) (0) (0) 1 (0) (0) (0) (0)', noShape, transfer.vmrs, {
  unpredictableT32: (f) => f.Rt === 13,
});

// -- memory ----------------------------------------------------------------------------------------------------------------
vfpRow('VSTR #1', '1101 U D 00 Rn:4 Vd:4 101 sz imm8:8', immediateAddress, transfer.vstr, {
  unpredictableT32: (f) => f.Rn === 15,
});
vfpRow('VLDR #1', '1101 U D 01 Rn:4 Vd:4 101 sz imm8:8', immediateAddress, transfer.vldr);

interface Run {
  readonly Rn: number;
  readonly P: number;
  readonly U: number;
  readonly W: number;
}
/** Increment after, with or without write-back, or decrement before with it; the rest is VLDR, VMOV or UNDEFINED. */
const isRun = (f: Run): boolean => (f.P === 0 && f.U === 1) || (f.P === 1 && f.U === 0 && f.W === 1);
vfpRow('VSTM #1', '110 P U D W 0 Rn:4 Vd:4 101 sz imm8:8', registerRun, transfer.vstm, {
  when: isRun,
  unpredictable: (f) => isBadRun(f) || (f.Rn === 15 && f.W === 1),
  unpredictableT32: (f) => isBadRun(f) || f.Rn === 15,
});
vfpRow('VLDM #1', '110 P U D W 1 Rn:4 Vd:4 101 sz imm8:8', registerRun, transfer.vldm, {
  when: isRun,
  unpredictable: (f) => isBadRun(f) || (f.Rn === 15 && f.W === 1),
  unpredictableT32: (f) => isBadRun(f) || f.Rn === 15,
});
