/**
 * Code of Debian's armhf packages, as binutils sees it. The packages are stripped; what of the code sections of libc and
 * libm is ARM, Thumb or data is in their detached symbols (`libc6-dbg`).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Isa } from '../../src/bits.js';
import { debianPackage } from '../support/debian.js';

export interface CodeSection {
  readonly name: string;
  readonly address: number;
  readonly bytes: Uint8Array;
}

const READELF = 'arm-linux-gnueabihf-readelf';
const readelf = (...words: string[]): string =>
  execFileSync(READELF, words, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: 'pipe' });

/** `  [ 6] .text  PROGBITS  000101c0 0001c0 0fcc90 00  AX  0   0 64` */
const SECTION = /^ +\[ *\d+\] (\S+) +PROGBITS +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) \S+ +AX /gm;

/** Every executable section of the file. */
export const codeSections = (path: string): CodeSection[] => {
  const bytes = readFileSync(path);
  return [...readelf('-SW', path).matchAll(SECTION)].map(([, name, address, offset, size]) => {
    const from = Number.parseInt(offset as string, 16);
    const sectionBytes = bytes.subarray(from, from + Number.parseInt(size as string, 16));
    return { name: name as string, address: Number.parseInt(address as string, 16), bytes: sectionBytes };
  });
};

/** A stretch of one kind; `end` is the next mapping symbol, wherever that is. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly state: Isa | 'data';
}

const STATES: Readonly<Record<string, Stretch['state']>> = { a: 'arm', t: 'thumb', d: 'data' };

/** What the detached symbols of a library of `libc6` say about its code. */
export const mappedStretches = (path: string): Stretch[] => {
  const [, id] = /Build ID: ([0-9a-f]+)/.exec(readelf('-nW', path)) as unknown as [string, string];
  const symbols = `${debianPackage('libc6-dbg')}/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`;
  if (!existsSync(symbols)) throw new Error(`libc6-dbg is of another build than ${path}: it has no ${symbols}`);
  const marks = [...readelf('-sW', symbols).matchAll(/^ +\d+: ([0-9a-f]+) .* \$([atd])(?:\.\S*)?$/gm)]
    .map(([, address, state]) => ({ start: Number.parseInt(address as string, 16), state: STATES[state as string] }))
    .sort((a, b) => a.start - b.start);
  return marks.map(({ start, state }, n) => {
    return { start, state: state as Stretch['state'], end: marks[n + 1]?.start ?? Number.POSITIVE_INFINITY };
  });
};
