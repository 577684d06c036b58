import { beforeEach, describe, expect, test } from 'vitest';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { Errno } from '../../src/linux/abi/errno.js';
import { AddressSpace, type MappableFile } from '../../src/linux/kernel/mm.js';
import { fuzzSeed } from '../support/random.js';

const READ = 1;
const WRITE = 2;
const EXEC = 4;
const PAGE = 4096;
const MIB = 0x10_0000;

const memory = new GuestMemory();
let mm = new AddressSpace(memory);

const fileOf = (bytes: Uint8Array, writable = false): MappableFile => ({
  path: '/file',
  sizeBytes: () => bytes.length,
  readAt: (target, offset) => {
    const part = bytes.subarray(offset, offset + target.length);
    target.set(part);
    return part.length;
  },
  ...(writable
    ? {
        writeAt: (source: Uint8Array, offset: number) => {
          bytes.set(source, offset);
          return source.length;
        },
      }
    : {}),
});

const anonymous = (sizeBytes: number, more: object = {}): number =>
  mm.map({ addr: 0, sizeBytes, prot: READ | WRITE, ...more });

beforeEach(() => {
  for (const { start, end } of [...mm.regions]) mm.unmap(start, end - start);
  mm = new AddressSpace(memory);
});

describe('mmap', () => {
  test('places anonymous memory top down, zeroed and page aligned', () => {
    const first = anonymous(100);
    const second = anonymous(PAGE + 1);
    expect(first).toBe(mm.mmapTop - PAGE);
    expect(second).toBe(first - 2 * PAGE);
    expect(memory.readable(second, 2 * PAGE)?.every((byte) => byte === 0)).toBe(true);
  });

  test('honours a free hint and ignores a taken one', () => {
    expect(anonymous(PAGE, { addr: 0x20_0800 })).toBe(0x20_1000);
    expect(anonymous(PAGE, { addr: 0x20_1000 })).not.toBe(0x20_1000);
  });

  test('MAP_FIXED replaces what was there and starts clean', () => {
    anonymous(3 * PAGE, { addr: 0x20_0000 });
    memory.writeU32(0x20_1000, 0xdead_beef);
    expect(anonymous(PAGE, { addr: 0x20_1000, fixed: 'replace', prot: READ })).toBe(0x20_1000);
    expect(memory.readU32(0x20_1000)).toBe(0);
    expect(memory.writeU32(0x20_1000, 1)).toBe(false);
    expect(memory.writeU32(0x20_2000, 1)).toBe(true);
    expect(mm.regions.map(({ start, end }) => [start, end])).toEqual([
      [0x20_0000, 0x20_1000],
      [0x20_1000, 0x20_2000],
      [0x20_2000, 0x20_3000],
    ]);
  });

  test('MAP_FIXED_NOREPLACE gives EEXIST, and bad requests EINVAL, EPERM, ENOMEM', () => {
    anonymous(PAGE, { addr: 0x20_0000 });
    expect(anonymous(PAGE, { addr: 0x20_0000, fixed: 'keep' })).toBe(-Errno.EEXIST);
    expect(anonymous(0)).toBe(-Errno.EINVAL);
    expect(anonymous(PAGE, { addr: 0x20_0001, fixed: 'replace' })).toBe(-Errno.EINVAL);
    expect(anonymous(PAGE, { addr: 0x1000, fixed: 'replace' })).toBe(-Errno.EPERM);
    expect(anonymous(PAGE, { addr: 0xbfff_f000, fixed: 'replace' })).toBe(0xbfff_f000);
    expect(anonymous(2 * PAGE, { addr: 0xbfff_f000, fixed: 'replace' })).toBe(-Errno.ENOMEM);
    expect(anonymous(0xf000_0000)).toBe(-Errno.ENOMEM);
  });

  test('a PROT_NONE reservation of 800 MB commits nothing, neither mapped nor unmapped', () => {
    const before = process.memoryUsage.rss();
    const addr = anonymous(800 * MIB, { prot: 0 });
    expect(addr).toBeGreaterThan(0);
    expect(memory.allows(addr, 1, Permission.READ)).toBe(false);
    expect(memory.permissions[addr >>> 12]).toBe(Permission.MAPPED);
    expect(mm.unmap(addr, 800 * MIB)).toBe(0);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * MIB);
  });

  test('a write-only or execute-only page can be read; PT_GNU_STACK rules make readable pages executable', () => {
    const addr = anonymous(PAGE, { prot: WRITE });
    expect(memory.permissions[addr >>> 12]).toBe(Permission.READ | Permission.WRITE | Permission.MAPPED);
    mm.protect(addr, PAGE, EXEC);
    expect(memory.permissions[addr >>> 12]).toBe(Permission.READ | Permission.EXECUTE | Permission.MAPPED);
    mm.readImpliesExec = true;
    mm.protect(addr, PAGE, READ);
    expect(memory.permissions[addr >>> 12]).toBe(Permission.READ | Permission.EXECUTE | Permission.MAPPED);
  });
});

describe('file mappings', () => {
  const bytes = Uint8Array.from({ length: PAGE + 100 }, (_, i) => i % 251);

  test('show the file, zeroes up to the page end, and mark pages beyond the end of the file', () => {
    const addr = mm.map({ addr: 0, sizeBytes: 3 * PAGE, prot: READ, file: fileOf(bytes) });
    expect(memory.readable(addr, bytes.length)).toEqual(bytes);
    expect(memory.readable(addr + bytes.length, PAGE - 100)?.every((byte) => byte === 0)).toBe(true);
    expect(memory.permissions[(addr >>> 12) + 2]).toBe(Permission.MAPPED | Permission.BEYOND_EOF);
  });

  test('a private mapping never writes to the file, a shared one does on msync and munmap', () => {
    const copy = bytes.slice();
    const hidden = mm.map({ addr: 0, sizeBytes: PAGE, prot: READ | WRITE, file: fileOf(copy, true) });
    memory.writeU32(hidden, 0x1111_1111);
    mm.unmap(hidden, PAGE);
    expect(copy).toEqual(bytes);
    const shared = mm.map({ addr: 0, sizeBytes: 2 * PAGE, prot: READ | WRITE, shared: true, file: fileOf(copy, true) });
    memory.u8[shared + 1] = 99;
    mm.sync(shared, PAGE);
    expect(copy[1]).toBe(99);
    memory.u8[shared + PAGE + 5] = 98;
    mm.unmap(shared, 2 * PAGE);
    expect(copy[PAGE + 5]).toBe(98);
    expect(copy.length).toBe(bytes.length);
  });

  test('MADV_DONTNEED gives anonymous zeroes and the file again; over a hole ENOMEM', () => {
    const anon = anonymous(2 * PAGE);
    memory.writeU32(anon, 5);
    expect(mm.discard(anon, 2 * PAGE)).toBe(0);
    expect(memory.readU32(anon)).toBe(0);
    const mapped = mm.map({ addr: 0, sizeBytes: PAGE, prot: READ | WRITE, file: fileOf(bytes) });
    memory.writeU32(mapped, 5);
    mm.discard(mapped, PAGE);
    expect(memory.readable(mapped, PAGE)).toEqual(bytes.subarray(0, PAGE));
    mm.unmap(anon, PAGE);
    expect(mm.discard(anon, 2 * PAGE)).toBe(-Errno.ENOMEM);
  });

  test('the file is released with its last page', () => {
    let released = 0;
    const file = { ...fileOf(bytes), release: () => released++ };
    const addr = mm.map({ addr: 0, sizeBytes: 2 * PAGE, prot: READ, file });
    mm.unmap(addr, PAGE);
    expect(released).toBe(0);
    mm.unmap(addr + PAGE, PAGE);
    expect(released).toBe(1);
  });
});

describe('munmap, mprotect, mremap, brk', () => {
  test('munmap in the middle splits; over holes it succeeds; what comes back is zero', () => {
    const addr = anonymous(3 * PAGE, { addr: 0x20_0000 });
    memory.writeU32(addr + PAGE, 7);
    expect(mm.unmap(addr + PAGE, PAGE)).toBe(0);
    expect(memory.readU32(addr + PAGE)).toBeUndefined();
    expect(mm.unmap(addr, 3 * PAGE)).toBe(0);
    expect(mm.regions).toEqual([]);
    anonymous(3 * PAGE, { addr: 0x20_0000 });
    expect(memory.readU32(addr + PAGE)).toBe(0);
  });

  test('mprotect changes up to a hole and then gives ENOMEM; neighbours that agree again are one region', () => {
    const addr = anonymous(3 * PAGE, { addr: 0x20_0000 });
    expect(mm.protect(addr + PAGE, PAGE, READ)).toBe(0);
    expect(mm.regions.length).toBe(3);
    expect(mm.protect(addr + PAGE, PAGE, READ | WRITE)).toBe(0);
    expect(mm.regions.length).toBe(1);
    expect(mm.protect(addr, 4 * PAGE, READ)).toBe(-Errno.ENOMEM);
    expect(memory.writeU32(addr, 1)).toBe(false);
  });

  test('mremap grows in place, moves with its contents when it must, and shrinks', () => {
    const addr = anonymous(PAGE, { addr: 0x20_0000 });
    memory.writeU32(addr, 0x1234);
    expect(mm.remap(addr, PAGE, 2 * PAGE, false)).toBe(addr);
    expect(memory.writeU32(addr + PAGE, 1)).toBe(true);
    anonymous(PAGE, { addr: 0x20_2000 });
    expect(mm.remap(addr, 2 * PAGE, 4 * PAGE, false)).toBe(-Errno.ENOMEM);
    const moved = mm.remap(addr, 2 * PAGE, 4 * PAGE, true);
    expect(moved).not.toBe(addr);
    expect(memory.readU32(moved)).toBe(0x1234);
    expect(memory.readU32(addr)).toBeUndefined();
    expect(mm.remap(moved, 4 * PAGE, PAGE, false)).toBe(moved);
    expect(memory.readU32(moved + PAGE)).toBeUndefined();
    expect(mm.remap(0x30_0000, PAGE, PAGE, true)).toBe(-Errno.EFAULT);
  });

  test('brk grows and shrinks from a page boundary and stays put when something is in the way', () => {
    mm.configure({ brkStart: 0x20_0123, mmapTop: 0xb6ff_f000, readImpliesExec: false });
    expect(mm.setBrk(0)).toBe(0x20_1000);
    expect(mm.setBrk(0x20_2345)).toBe(0x20_2345);
    expect(memory.writeU32(0x20_2ffc, 9)).toBe(true);
    expect(mm.setBrk(0x20_1000)).toBe(0x20_1000);
    expect(memory.readU32(0x20_2ffc)).toBeUndefined();
    anonymous(PAGE, { addr: 0x20_4000 });
    expect(mm.setBrk(0x20_8000)).toBe(0x20_1000);
    expect(mm.setBrk(0x20_4000)).toBe(0x20_4000);
    expect(memory.readU32(0x20_2ffc)).toBe(0);
  });
});

test('the permission table and a model agree over 2,000 random operations', () => {
  let state = fuzzSeed('mm');
  const random = (n: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * n);
  };
  const base = 0x100_0000;
  const model = new Array<number>(64).fill(-1);
  for (let i = 0; i < 2000; i++) {
    const page = random(64);
    const count = 1 + random(64 - page);
    const prot = [0, READ, READ | WRITE, READ | EXEC][random(4)] as number;
    const addr = base + page * PAGE;
    const pages = model.slice(page, page + count);
    if (random(3) === 0) {
      mm.unmap(addr, count * PAGE);
      model.fill(-1, page, page + count);
    } else if (random(2) === 0) {
      mm.map({ addr, sizeBytes: count * PAGE, prot, fixed: 'replace' });
      model.fill(prot, page, page + count);
    } else {
      const hole = pages.indexOf(-1);
      expect(mm.protect(addr, count * PAGE, prot)).toBe(hole < 0 ? 0 : -Errno.ENOMEM);
      model.fill(prot, page, hole < 0 ? page + count : page + hole);
    }
    const expected = model.map((prot) => (prot < 0 ? 0 : prot | Permission.MAPPED));
    expect(Array.from(memory.permissions.subarray(base >>> 12, (base >>> 12) + 64))).toEqual(expected);
  }
  for (const [left, right] of mm.regions.slice(1).map((right, i) => [mm.regions[i], right] as const)) {
    expect((left?.end ?? 0) <= right.start).toBe(true);
  }
});
