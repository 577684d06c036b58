/** The character devices every program may count on (null(4), random(4), full(4)). */
import { Errno } from '../abi/errno.js';
import { Mode } from '../abi/open-flags.js';
import { type FileStat, OpenFile, virtualStat } from './open-file.js';

/** What reading and writing do; everything else is the same for all. */
export interface DeviceBehaviour {
  /** Minor number; the major is 1 (mem). */
  readonly minor: number;
  /** Fills the buffer and answers how much of it. */
  read(into: Uint8Array): number;
  write(from: Uint8Array): number;
}

const swallow = (from: Uint8Array): number => from.length;

const zeroes = (into: Uint8Array): number => {
  into.fill(0);
  return into.length;
};

export const NULL_DEVICE: DeviceBehaviour = { minor: 3, read: () => 0, write: swallow };
export const ZERO_DEVICE: DeviceBehaviour = { minor: 5, read: zeroes, write: swallow };
export const FULL_DEVICE: DeviceBehaviour = { minor: 7, read: zeroes, write: () => -Errno.ENOSPC };

export const randomDevice = (minor: number, fill: (into: Uint8Array) => void): DeviceBehaviour => ({
  minor,
  write: swallow,
  read: (into) => {
    fill(into);
    return into.length;
  },
});

const MEM_MAJOR = 1;

export const deviceStat = (ino: number, minor: number): FileStat =>
  virtualStat(ino, Mode.S_IFCHR | 0o666, { rdev: BigInt((MEM_MAJOR << 8) | minor), dev: 5n });

export class Device extends OpenFile {
  private readonly behaviour: DeviceBehaviour;
  private readonly ino: number;

  constructor(path: string, flags: number, ino: number, behaviour: DeviceBehaviour) {
    super(path, flags);
    this.ino = ino;
    this.behaviour = behaviour;
  }

  /** Mapping /dev/zero is the old way to ask for anonymous memory. */
  override get isMappable(): boolean {
    return this.behaviour === ZERO_DEVICE;
  }

  override stat(): FileStat {
    return deviceStat(this.ino, this.behaviour.minor);
  }

  override read(into: Uint8Array): number {
    return this.behaviour.read(into);
  }

  override write(from: Uint8Array): number {
    return this.behaviour.write(from);
  }

  override pread(into: Uint8Array): number {
    return this.behaviour.read(into);
  }

  override pwrite(from: Uint8Array): number {
    return this.behaviour.write(from);
  }

  override seek(): number {
    return 0;
  }
}
