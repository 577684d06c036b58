/**
 * What each floating op means, on bit patterns held in words: f32 in one, f64 in two (low word first). IEEE 754 under
 * FPSCR as in ARM DDI 0406C A2.7: rounding modes, FZ, DN and AHP; cumulative flags IOC DZC OFC UFC IXC IDC; tininess
 * before rounding; NaNs by the architecture's order, the default NaN positive. Both tiers call these; the translator's
 * inline recipes are held against them.
 *
 * JavaScript keeps no promise about NaN payloads, so a NaN is only ever moved as words.
 */

import type { WidePureOp } from './eval.js';
import * as armv8 from './fp/armv8.js';
import * as conversion from './fp/conversion.js';
import * as double from './fp/double.js';
import * as single from './fp/single.js';
import type { FloatingOp } from './opcode.js';

/**
 * Reads operands at word indices `a`, `b`, `c` of `w` and writes the result at `dst`, which may be one of them.
 * `env[0]` is FPSCR: its modes are read, its cumulative flags ORed.
 */
export type FloatingFunction = (
  env: Int32Array,
  w: Int32Array,
  dst: number,
  a: number,
  b: number,
  c: number,
  imm: number,
  imm2: number,
) => void;

export const floating: { readonly [K in FloatingOp]: FloatingFunction } = {
  addF32: single.addF32,
  subF32: single.subF32,
  mulF32: single.mulF32,
  divF32: single.divF32,
  sqrtF32: single.sqrtF32,
  fmaF32: single.fmaF32,
  cmpF32: single.cmpF32,
  addF64: double.addF64,
  subF64: double.subF64,
  mulF64: double.mulF64,
  divF64: double.divF64,
  sqrtF64: double.sqrtF64,
  fmaF64: double.fmaF64,
  cmpF64: double.cmpF64,
  f64FromF32: conversion.f64FromF32,
  f32FromF64: conversion.f32FromF64,
  f32FromF16: conversion.f32FromF16,
  f16FromF32: conversion.f16FromF32,
  f64FromF16: conversion.f64FromF16,
  f16FromF64: conversion.f16FromF64,
  f32FromS32: conversion.f32FromS32,
  f32FromU32: conversion.f32FromU32,
  f64FromS32: conversion.f64FromS32,
  f64FromU32: conversion.f64FromU32,
  s32FromF32: conversion.s32FromF32,
  u32FromF32: conversion.u32FromF32,
  s32FromF64: conversion.s32FromF64,
  u32FromF64: conversion.u32FromF64,
  f32FromFixed: conversion.f32FromFixed,
  f64FromFixed: conversion.f64FromFixed,
  fixedFromF32: conversion.fixedFromF32,
  fixedFromF64: conversion.fixedFromF64,
  roundF32: armv8.roundF32,
  roundF64: armv8.roundF64,
  roundedS32FromF32: conversion.roundedS32FromF32,
  roundedU32FromF32: conversion.roundedU32FromF32,
  roundedS32FromF64: conversion.roundedS32FromF64,
  roundedU32FromF64: conversion.roundedU32FromF64,
  maxNumF32: armv8.maxNumF32,
  minNumF32: armv8.minNumF32,
  maxNumF64: armv8.maxNumF64,
  minNumF64: armv8.minNumF64,
};

const SIGN = -0x80000000;

/** The pure ops with an f64 argument or result, word by word; `env`, `imm` and `imm2` are not looked at. */
export const widePure: { readonly [K in WidePureOp]: FloatingFunction } = {
  f64FromWords: (_env, w, dst, a, b) => {
    const low = w[a];
    w[dst + 1] = w[b];
    w[dst] = low;
  },
  lowWord: (_env, w, dst, a) => {
    w[dst] = w[a];
  },
  highWord: (_env, w, dst, a) => {
    w[dst] = w[a + 1];
  },
  negF64: (_env, w, dst, a) => {
    const high = w[a + 1] ^ SIGN;
    w[dst] = w[a];
    w[dst + 1] = high;
  },
  absF64: (_env, w, dst, a) => {
    const high = w[a + 1] & ~SIGN;
    w[dst] = w[a];
    w[dst + 1] = high;
  },
};
