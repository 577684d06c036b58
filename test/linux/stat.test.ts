import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Errno } from '../../src/linux/abi/errno.js';
import { At, Open } from '../../src/linux/abi/open-flags.js';
import { encodeStat64, encodeStatx, majorOf, minorOf } from '../../src/linux/abi/structs.js';
import { FileMachine } from './file-machine.js';

let m: FileMachine;
beforeEach(() => {
  m = new FileMachine();
});
afterEach(() => m.dispose());

const FIELDS = {
  dev: 0x12_0000_0345n,
  ino: 0x1_2345_6789n,
  mode: 0o100644n,
  nlink: 3n,
  uid: 1000n,
  gid: 2000n,
  rdev: 0x501n,
  size: 0x1_0000_0001n,
  blocks: 17n,
  atimeNs: 1_000_000_001n,
  mtimeNs: 2_000_000_002n,
  ctimeNs: -1n,
  birthtimeNs: 4_000_000_004n,
};

describe('layouts', () => {
  it('stat64 has the 104 bytes of the EABI, the full inode number last', () => {
    const view = new DataView(encodeStat64(FIELDS).buffer);
    expect(view.byteLength).toBe(104);
    expect(view.getBigUint64(0, true)).toBe(FIELDS.dev);
    expect([12, 16, 20, 24, 28].map((at) => view.getUint32(at, true))).toEqual([0x2345_6789, 0o100644, 3, 1000, 2000]);
    expect(view.getBigUint64(32, true)).toBe(0x501n);
    expect(view.getBigInt64(48, true)).toBe(FIELDS.size);
    expect(view.getUint32(56, true)).toBe(4096);
    expect(view.getBigUint64(64, true)).toBe(17n);
    expect([72, 76, 80, 84, 88, 92].map((at) => view.getInt32(at, true))).toEqual([1, 1, 2, 2, -1, 999_999_999]);
    expect(view.getBigUint64(96, true)).toBe(FIELDS.ino);
  });

  it('statx has 256 bytes with times at 64, 80 (birth), 96 (change), 112 (modification)', () => {
    const view = new DataView(encodeStatx(FIELDS).buffer);
    expect(view.byteLength).toBe(256);
    expect([0, 4, 16, 20, 24].map((at) => view.getUint32(at, true))).toEqual([0xfff, 4096, 3, 1000, 2000]);
    expect(view.getUint16(28, true)).toBe(0o100644);
    expect([32, 40, 48].map((at) => view.getBigUint64(at, true))).toEqual([FIELDS.ino, FIELDS.size, 17n]);
    expect([64, 80, 96, 112].map((at) => view.getBigInt64(at, true))).toEqual([1n, 4n, -1n, 2n]);
    expect([72, 88, 104, 120].map((at) => view.getUint32(at, true))).toEqual([1, 4, 999_999_999, 2]);
    expect([128, 132].map((at) => view.getUint32(at, true))).toEqual([5, 1]);
  });

  it('takes device numbers apart as sys/sysmacros.h does', () => {
    expect([majorOf(0x801n), minorOf(0x801n)]).toEqual([8, 1]);
    const big = (0xfedcn << 32n) | (0x12345n << 12n) | 0x67n;
    expect(minorOf(big)).toBe(Number(((big >> 12n) & 0xffff_ff00n) | 0x67n));
  });
});

describe('stat family', () => {
  const mode = (buffer: number): number => m.u32(buffer + 16);

  it('follows links in stat64, not in lstat64 nor with AT_SYMLINK_NOFOLLOW', () => {
    m.write('f', 'abc');
    fs.symlinkSync('f', path.join(m.root, 'l'));
    const buffer = m.alloc(104);
    m.call('stat64', m.str('l'), buffer);
    expect(mode(buffer) & 0o170000).toBe(0o100000);
    m.call('lstat64', m.str('l'), buffer);
    expect(mode(buffer) & 0o170000).toBe(0o120000);
    m.call('fstatat64', At.AT_FDCWD, m.str('l'), buffer, At.AT_SYMLINK_NOFOLLOW);
    expect(mode(buffer) & 0o170000).toBe(0o120000);
    expect(m.call('fstatat64', At.AT_FDCWD, m.str('l'), buffer, 1)).toBe(-Errno.EINVAL);
  });

  it('statx with AT_EMPTY_PATH is fstat, as glibc 2.36 uses it', () => {
    m.write('f', 'abcd');
    const fd = m.open('f');
    const buffer = m.alloc(256);
    expect(m.call('statx', fd, m.str(''), At.AT_EMPTY_PATH, 0x7ff, buffer)).toBe(0);
    expect(m.view(buffer + 40, 8).getBigUint64(0, true)).toBe(4n);
    expect(m.call('statx', fd, m.str(''), 0, 0x7ff, buffer)).toBe(-Errno.ENOENT);
    expect(m.call('statx', 99, m.str(''), At.AT_EMPTY_PATH, 0x7ff, buffer)).toBe(-Errno.EBADF);
  });

  it('passes inode, size and modification time of the host through', () => {
    m.write('f', 'abcd');
    const host = fs.statSync(path.join(m.root, 'f'), { bigint: true });
    const buffer = m.alloc(104);
    m.call('stat64', m.str('f'), buffer);
    const view = m.view(buffer, 104);
    expect(view.getBigUint64(96, true)).toBe(host.ino);
    expect(BigInt(view.getInt32(80, true)) * 1_000_000_000n + BigInt(view.getInt32(84, true))).toBe(host.mtimeNs);
  });

  it('old stat answers EOVERFLOW for 2 GiB and more', () => {
    const fd = m.open('big', Open.O_CREAT | Open.O_RDWR);
    m.call('ftruncate64', fd, 0, 0, 1);
    expect(m.call('fstat', fd, m.alloc(64))).toBe(-Errno.EOVERFLOW);
    expect(m.call('fstat64', fd, m.alloc(104))).toBe(0);
  });

  it('statfs64 accepts both sizes and nothing else', () => {
    const buffer = m.alloc(88);
    expect(m.call('statfs64', m.str('.'), 84, buffer)).toBe(0);
    expect(m.call('statfs64', m.str('/proc'), 88, buffer)).toBe(0);
    expect(m.call('statfs64', m.str('.'), 80, buffer)).toBe(-Errno.EINVAL);
    expect(m.u32(buffer + 56)).toBe(255);
  });

  it('access tells what is missing', () => {
    m.write('f', '');
    expect(m.call('access', m.str('f'), 0)).toBe(0);
    expect(m.call('access', m.str('none'), 0)).toBe(-Errno.ENOENT);
    expect(m.call('access', m.str('f'), 8)).toBe(-Errno.EINVAL);
    expect(m.call('access', m.str('/proc/self/maps'), 4)).toBe(0);
    expect(m.call('access', m.str('/proc/self/maps'), 2)).toBe(-Errno.EACCES);
    expect(m.call('faccessat2', At.AT_FDCWD, m.str('f'), 4, At.AT_SYMLINK_NOFOLLOW)).toBe(0);
  });
});

describe('attributes', () => {
  it('chmod and fchmod reach the host', () => {
    m.write('f', '');
    expect(m.call('chmod', m.str('f'), 0o600)).toBe(0);
    expect(fs.statSync(path.join(m.root, 'f')).mode & 0o7777).toBe(0o600);
    expect(m.call('fchmod', m.open('f'), 0o640)).toBe(0);
    expect(fs.statSync(path.join(m.root, 'f')).mode & 0o7777).toBe(0o640);
    expect(m.call('chmod', m.str('/proc/self/maps'), 0o600)).toBe(-Errno.EPERM);
  });

  it('utimensat sets either time and leaves the other with UTIME_OMIT', () => {
    m.write('f', '');
    const host = (): fs.Stats => fs.statSync(path.join(m.root, 'f'));
    const times = m.words(100, 500_000_000, 200, 250_000_000);
    expect(m.call('utimensat', At.AT_FDCWD, m.str('f'), times, 0)).toBe(0);
    expect([host().atimeMs, host().mtimeMs]).toEqual([100_500, 200_250]);
    const omit = m.words(300, 0, 0, 0x3fff_fffe);
    expect(m.call('utimensat', m.open('f', Open.O_RDWR), 0, omit, 0)).toBe(0);
    expect([host().atimeMs, host().mtimeMs]).toEqual([300_000, 200_250]);
    expect(m.call('utimensat', At.AT_FDCWD, m.str('f'), m.words(0, -1, 0, 0), 0)).toBe(-Errno.EINVAL);
  });
});
