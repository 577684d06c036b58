/** timespec and timeval in guest memory, in the 32-bit layout (8 bytes) and the time64 one (16 bytes). */
import type { GuestMemory } from '../../guest/memory.js';
import { NS_PER_SECOND, type Timespec, timespecOf } from '../kernel/clock.js';

/** Layout of a time value: 32-bit seconds, or 64-bit seconds with 32 significant bits of nanoseconds. */
export type TimeLayout = 'time32' | 'time64';

export const timeSize = (layout: TimeLayout): number => (layout === 'time32' ? 8 : 16);

/** The two fields as stored, sub-second part in its own unit; undefined on a bad pointer. */
const readPair = (memory: GuestMemory, addr: number, layout: TimeLayout): readonly [number, number] | undefined => {
  const bytes = memory.readable(addr, timeSize(layout));
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (layout === 'time32') return [view.getInt32(0, true), view.getInt32(4, true)];
  return [Number(view.getBigInt64(0, true)), view.getInt32(8, true)];
};

/** A timespec; undefined on a bad pointer. Fields are not checked (see isValidTimespec). */
export const readTimespec = (memory: GuestMemory, addr: number, layout: TimeLayout): Timespec | undefined => {
  const pair = readPair(memory, addr, layout);
  return pair === undefined ? undefined : { seconds: pair[0], nanoseconds: pair[1] };
};

export const isValidTimespec = ({ seconds, nanoseconds }: Timespec): boolean =>
  seconds >= 0 && nanoseconds >= 0 && nanoseconds < NS_PER_SECOND;

export const timespecNs = ({ seconds, nanoseconds }: Timespec): number => seconds * NS_PER_SECOND + nanoseconds;

/** Writes a timespec; false on a bad pointer. */
export const writeTimespec = (memory: GuestMemory, addr: number, layout: TimeLayout, value: Timespec): boolean => {
  const bytes = new Uint8Array(timeSize(layout));
  const view = new DataView(bytes.buffer);
  if (layout === 'time32') {
    view.setInt32(0, value.seconds, true);
    view.setInt32(4, value.nanoseconds, true);
  } else {
    view.setBigInt64(0, BigInt(value.seconds), true);
    view.setBigInt64(8, BigInt(value.nanoseconds), true);
  }
  return memory.write(addr, bytes);
};

/** A timeval (seconds, microseconds; 8 bytes) as nanoseconds; undefined on a bad pointer, NaN when out of range. */
export const readTimevalNs = (memory: GuestMemory, addr: number): number | undefined => {
  const pair = readPair(memory, addr, 'time32');
  if (pair === undefined) return undefined;
  const [seconds, microseconds] = pair;
  if (seconds < 0 || microseconds < 0 || microseconds >= 1_000_000) return Number.NaN;
  return seconds * NS_PER_SECOND + microseconds * 1000;
};

export const writeTimevalNs = (memory: GuestMemory, addr: number, ns: number): boolean =>
  writeTimeval(memory, addr, timespecOf(ns));

export const writeTimeval = (memory: GuestMemory, addr: number, { seconds, nanoseconds }: Timespec): boolean =>
  writeTimespec(memory, addr, 'time32', { seconds, nanoseconds: Math.floor(nanoseconds / 1000) });
