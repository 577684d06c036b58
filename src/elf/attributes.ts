/**
 * The `.ARM.attributes` section: what the program was built for. Layout and tag numbers: Addenda to, and Errata in, the
 * ABI for the Arm Architecture (IHI 0045), section 2. Only file-scope tags are read.
 */
import { readString } from './strings.js';

export interface ArmAttributes {
  /** Tag_CPU_name, e.g. `7-A`; empty when absent. */
  readonly cpuName: string;
  /** Tag_CPU_arch in the manual's words, e.g. `v7`. */
  readonly arch: string;
  /** Tag_CPU_arch_profile: `A`, `R`, `M`, `S` or empty. */
  readonly profile: string;
  /** Tag_FP_arch, e.g. `VFPv3-D16`; empty when the program uses no FP instructions. */
  readonly fp: string;
  /** Tag_Advanced_SIMD_arch, e.g. `NEONv1`; empty without. */
  readonly simd: string;
  /** Tag_ABI_VFP_args: whether floating-point arguments travel in VFP registers (hard float). */
  readonly usesVfpArgs: boolean;
}

const Tag = {
  FILE: 1,
  CPU_NAME: 5,
  CPU_ARCH: 6,
  PROFILE: 7,
  FP_ARCH: 10,
  SIMD_ARCH: 12,
  VFP_ARGS: 28,
  COMPATIBILITY: 32,
} as const;

// biome-ignore format: a row per line of the manual's table reads better
const ARCHES = [
  'pre-v4', 'v4', 'v4T', 'v5T', 'v5TE', 'v5TEJ', 'v6', 'v6KZ', 'v6T2', 'v6K', 'v7', 'v6-M', 'v6S-M', 'v7E-M',
  'v8-A', 'v8-R', 'v8-M.baseline', 'v8-M.mainline', 'v8.1-A', 'v8.2-A', 'v8.3-A', 'v8.1-M.mainline', 'v9-A',
];
const FP_ARCHES = [
  '',
  'VFPv1',
  'VFPv2',
  'VFPv3',
  'VFPv3-D16',
  'VFPv4',
  'VFPv4-D16',
  'FPv5/FP-D16 for ARMv8',
  'FPv5/FP-D16',
];
const SIMD_ARCHES = ['', 'NEONv1', 'NEONv1 with FMA', 'NEON for ARMv8', 'NEON for ARMv8.1'];

/** A position in the section; reads past the end give 0, and the walk stops there. */
class Cursor {
  at = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get isDone(): boolean {
    return this.at >= this.bytes.length;
  }

  u32(): number {
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    const value = this.at + 4 <= this.bytes.length ? view.getUint32(this.at, true) : 0;
    this.at += 4;
    return value;
  }

  uleb(): number {
    let value = 0;
    for (let scale = 1; !this.isDone; scale *= 128) {
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return value;
  }

  string(): string {
    const text = readString(this.bytes, this.at);
    const nul = this.bytes.indexOf(0, this.at);
    this.at = nul < 0 ? this.bytes.length : nul + 1;
    return text;
  }
}

/** Tags 4, 5 and the odd ones from 33 on carry strings; 32 a number and a string; the rest numbers. */
const readTags = (cursor: Cursor): Map<number, number | string> => {
  const tags = new Map<number, number | string>();
  while (!cursor.isDone) {
    const tag = cursor.uleb();
    if (tag === Tag.COMPATIBILITY) cursor.uleb();
    const isString = tag === 4 || tag === 5 || tag === Tag.COMPATIBILITY || (tag > 32 && tag % 2 === 1);
    tags.set(tag, isString ? cursor.string() : cursor.uleb());
  }
  return tags;
};

/** The file-scope tags of vendor `aeabi`. */
const fileTags = (section: Uint8Array): Map<number, number | string> => {
  const cursor = new Cursor(section);
  if (section[cursor.at++] !== 0x41) return new Map();
  while (!cursor.isDone) {
    const start = cursor.at;
    const end = start + cursor.u32();
    if (end <= cursor.at) break;
    if (cursor.string() === 'aeabi') {
      const scopeStart = cursor.at;
      const scope = cursor.uleb();
      const scopeEnd = scopeStart + cursor.u32();
      if (scope === Tag.FILE) return readTags(new Cursor(section.subarray(cursor.at, Math.min(scopeEnd, end))));
    }
    cursor.at = end;
  }
  return new Map();
};

/** Reads the section; without one, or with a damaged one, the names are empty. */
export const readAttributes = (section: Uint8Array | undefined): ArmAttributes => {
  const tags = section === undefined ? new Map<number, number | string>() : fileTags(section);
  const number = (tag: number): number => Number(tags.get(tag) ?? 0);
  const profile = number(Tag.PROFILE);
  return {
    cpuName: String(tags.get(Tag.CPU_NAME) ?? ''),
    arch: tags.has(Tag.CPU_ARCH) ? (ARCHES[number(Tag.CPU_ARCH)] ?? `arch ${number(Tag.CPU_ARCH)}`) : '',
    profile: profile === 0 ? '' : String.fromCharCode(profile & 0x7f),
    fp: FP_ARCHES[number(Tag.FP_ARCH)] ?? '',
    simd: SIMD_ARCHES[number(Tag.SIMD_ARCH)] ?? '',
    usesVfpArgs: number(Tag.VFP_ARGS) === 1,
  };
};
