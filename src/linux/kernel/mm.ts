/**
 * The guest's address space: which ranges are mapped, how, and from what (mmap(2)). Contents live in guest/memory; the
 * permission table there is what both tiers check, this file keeps it in step with the regions.
 *
 * Files are copied at map time: a private mapping is a snapshot, a shared writable one is written back on msync, munmap
 * and exit. Nothing is committed for PROT_NONE or untouched anonymous memory. Layout, top down: stack, mmap area
 * growing down from MMAP_TOP, brk growing up after the program.
 */
import { alignUp } from '../../bits.js';
import { PAGE_SIZE, TASK_SIZE } from '../../guest/layout.js';
import { type GuestMemory, Permission } from '../../guest/memory.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../abi/constants.js';
import { Errno } from '../abi/errno.js';
import { type Region, RegionList } from './regions.js';

export type { Region } from './regions.js';

/** Lowest address mmap chooses and MAP_FIXED may use (vm.mmap_min_addr). */
export const MMAP_MIN_ADDR = 0x8000;

/** What mmap needs of an open file. Offsets and sizes in bytes. */
export interface MappableFile {
  readonly path: string;
  sizeBytes(): number;
  /** Fills as much of `target` as the file has from `offset`; gives the byte count or a negative errno. */
  readAt(target: Uint8Array, offset: number): number;
  /** Writes a shared mapping back; absent when the file is not open for writing. */
  writeAt?(source: Uint8Array, offset: number): number;
  readonly device?: number;
  readonly inode?: number;
  /** The last page of the file was unmapped. */
  release?(): void;
}

export interface MapRequest {
  /** Hint, or the address itself with `fixed`. */
  readonly addr: number;
  readonly sizeBytes: number;
  readonly prot: number;
  readonly shared?: boolean;
  /** `replace` is MAP_FIXED, `keep` MAP_FIXED_NOREPLACE. */
  readonly fixed?: 'replace' | 'keep';
  readonly file?: MappableFile;
  /** Byte offset in the file, a multiple of the page size. */
  readonly offset?: number;
  /** What /proc/self/maps shows for anonymous memory, e.g. `[heap]`. */
  readonly name?: string;
}

export interface AddressSpaceLayout {
  /** First address after the program's bss; becomes the program break. */
  readonly brkStart: number;
  /** Past-the-end address of the mmap area. */
  readonly mmapTop: number;
  /** The program has no PT_GNU_STACK or an executable one: readable pages are executable (READ_IMPLIES_EXEC). */
  readonly readImpliesExec: boolean;
}

export class AddressSpace {
  readonly memory: GuestMemory;
  readonly list = new RegionList();
  brkStart = 0;
  brk = 0;
  mmapTop = 0xb6ff_f000;
  readImpliesExec = false;
  /** RLIMIT_AS and RLIMIT_DATA in bytes. */
  limitBytes = Number.POSITIVE_INFINITY;

  constructor(memory: GuestMemory) {
    this.memory = memory;
  }

  /** Regions in address order, for /proc/self/maps and tests. */
  get regions(): readonly Region[] {
    return this.list.all;
  }

  configure(layout: AddressSpaceLayout): void {
    this.brkStart = alignUp(layout.brkStart, PAGE_SIZE);
    this.brk = this.brkStart;
    this.mmapTop = layout.mmapTop;
    this.readImpliesExec = layout.readImpliesExec;
  }

  /** The region holding `addr`. */
  find(addr: number): Region | undefined {
    return this.list.find(addr);
  }

  /** Maps; gives the address or a negative errno. */
  map(request: MapRequest): number {
    const size = alignUp(request.sizeBytes, PAGE_SIZE);
    if (request.sizeBytes === 0) return -Errno.EINVAL;
    if (size === 0 || request.sizeBytes > TASK_SIZE) return -Errno.ENOMEM;
    const start = this.choose(request, size);
    if (start < 0) return start;
    if (this.mappedBytes() + size > this.limitBytes) return -Errno.ENOMEM;
    if (request.fixed === 'replace') this.clear(start, start + size);
    const region = this.newRegion(request, start, size);
    const failed = request.file === undefined ? 0 : this.fillFrom(request.file, region);
    if (failed < 0) {
      this.memory.zero(start, size);
      return failed;
    }
    this.list.insert(region);
    this.apply(region.start, region.end);
    return start;
  }

  private newRegion(request: MapRequest, start: number, size: number): Region {
    const { file, offset = 0 } = request;
    const backed = file === undefined ? size : Math.max(0, alignUp(file.sizeBytes() - offset, PAGE_SIZE));
    return {
      start,
      end: start + size,
      prot: request.prot & (PROT_READ | PROT_WRITE | PROT_EXEC),
      isShared: request.shared === true,
      backedEnd: start + Math.min(size, backed),
      offset,
      name: file?.path ?? request.name ?? '',
      ...(file === undefined ? {} : { file }),
    };
  }

  /** Reads the file into the (clean, unmapped) pages of `region`. */
  private fillFrom(file: MappableFile, region: Region): number {
    const length = Math.min(region.backedEnd - region.start, file.sizeBytes() - region.offset);
    if (length <= 0) return 0;
    this.memory.markUsed(region.start, length);
    return file.readAt(this.memory.u8.subarray(region.start, region.start + length), region.offset);
  }

  private choose(request: MapRequest, size: number): number {
    const { addr, fixed } = request;
    if (fixed !== undefined) {
      if (addr % PAGE_SIZE !== 0) return -Errno.EINVAL;
      if (addr + size > TASK_SIZE) return -Errno.ENOMEM;
      if (addr < MMAP_MIN_ADDR) return -Errno.EPERM;
      return fixed === 'keep' && !this.isFree(addr, size) ? -Errno.EEXIST : addr;
    }
    const hint = alignUp(addr, PAGE_SIZE);
    if (hint >= MMAP_MIN_ADDR && hint + size <= TASK_SIZE && this.isFree(hint, size)) return hint;
    return this.findFree(size) ?? -Errno.ENOMEM;
  }

  /** Highest free range below `mmapTop`, else the lowest one above it. */
  private findFree(size: number): number | undefined {
    const below = this.list.lastGap(size, MMAP_MIN_ADDR, this.mmapTop);
    return below ?? this.list.firstGap(size, this.mmapTop, TASK_SIZE);
  }

  isFree(start: number, size: number): boolean {
    return this.list.isFree(start, start + size);
  }

  /** munmap: holes are fine. */
  unmap(addr: number, sizeBytes: number): number {
    const size = alignUp(sizeBytes, PAGE_SIZE);
    if (addr % PAGE_SIZE !== 0 || sizeBytes === 0 || addr + size > TASK_SIZE || size === 0) return -Errno.EINVAL;
    this.clear(addr, addr + size);
    return 0;
  }

  /** Removes whatever is mapped in [start, end), writing shared file pages back. */
  private clear(start: number, end: number): void {
    for (const region of this.list.remove(start, end)) {
      this.writeBack(region, region.start, region.end);
      this.memory.unmap(region.start, region.end - region.start);
      const { file } = region;
      if (file?.release !== undefined && !this.list.all.some((other) => other.file === file)) file.release();
    }
  }

  /** mprotect. ENOMEM when a page of the range is not mapped (pages before it are changed, as the kernel does). */
  protect(addr: number, sizeBytes: number, prot: number): number {
    const end = addr + alignUp(sizeBytes, PAGE_SIZE);
    if (addr % PAGE_SIZE !== 0) return -Errno.EINVAL;
    if (sizeBytes === 0) return 0;
    if (end > TASK_SIZE) return -Errno.ENOMEM;
    let at = addr;
    for (const region of this.list.split(addr, end)) {
      if (region.start !== at) return -Errno.ENOMEM;
      if (
        (prot & PROT_WRITE) !== 0 &&
        region.isShared &&
        region.file !== undefined &&
        region.file.writeAt === undefined
      )
        return -Errno.EACCES;
      region.prot = prot;
      this.apply(region.start, region.end);
      at = region.end;
    }
    this.list.merge(addr, end);
    return at === end ? 0 : -Errno.ENOMEM;
  }

  /** mremap; gives the new address or a negative errno. `to` is MREMAP_FIXED's address. */
  remap(addr: number, oldSizeBytes: number, newSizeBytes: number, mayMove: boolean, to?: number): number {
    const oldSize = alignUp(oldSizeBytes, PAGE_SIZE);
    const newSize = alignUp(newSizeBytes, PAGE_SIZE);
    if (addr % PAGE_SIZE !== 0 || newSizeBytes === 0) return -Errno.EINVAL;
    const region = this.find(addr);
    if (region === undefined || addr + oldSize > region.end) return -Errno.EFAULT;
    if (oldSize === 0 && !region.isShared) return -Errno.EINVAL;
    if (to !== undefined) return this.move(region, addr, oldSize, newSize, to);
    if (newSize <= oldSize) return this.shrink(addr, oldSize, newSize);
    if (this.growInPlace(region, addr + oldSize, newSize - oldSize)) return addr;
    return mayMove ? this.move(region, addr, oldSize, newSize, undefined) : -Errno.ENOMEM;
  }

  private shrink(addr: number, oldSize: number, newSize: number): number {
    if (newSize < oldSize) this.clear(addr + newSize, addr + oldSize);
    return addr;
  }

  private growInPlace(region: Region, end: number, extra: number): boolean {
    if (end !== region.end || end + extra > TASK_SIZE || !this.isFree(end, extra)) return false;
    const grown = this.newRegion(this.requestLike(region, end), end, extra);
    if (region.file !== undefined && this.fillFrom(region.file, grown) < 0) return false;
    this.list.insert(grown);
    this.apply(grown.start, grown.end);
    return true;
  }

  /** A request for more of what `region` maps, as seen from `addr` on. */
  private requestLike(region: Region, addr: number): MapRequest {
    return {
      addr,
      sizeBytes: 0,
      prot: region.prot,
      shared: region.isShared,
      offset: region.offset + (addr - region.start),
      name: region.name,
      ...(region.file === undefined ? {} : { file: region.file }),
    };
  }

  private move(region: Region, addr: number, oldSize: number, newSize: number, to: number | undefined): number {
    if (to !== undefined) {
      if (to % PAGE_SIZE !== 0 || (to < addr + oldSize && addr < to + newSize)) return -Errno.EINVAL;
    }
    const target = this.map({
      ...this.requestLike(region, addr),
      addr: to ?? 0,
      sizeBytes: newSize,
      ...(to === undefined ? {} : { fixed: 'replace' as const }),
    });
    if (target < 0) return target;
    this.memory.copyPages(target, addr, Math.min(oldSize, newSize));
    this.clear(addr, addr + oldSize);
    return target;
  }

  /** brk(2) as the system call: gives the resulting break, unchanged on failure. */
  setBrk(addr: number): number {
    if (addr < this.brkStart || addr > TASK_SIZE) return this.brk;
    const from = alignUp(this.brk, PAGE_SIZE);
    const to = alignUp(addr, PAGE_SIZE);
    if (to < from) this.clear(to, from);
    if (to > from) {
      const result = this.map({
        addr: from,
        sizeBytes: to - from,
        prot: PROT_READ | PROT_WRITE,
        fixed: 'keep',
        name: '[heap]',
      });
      if (result < 0) return this.brk;
    }
    this.brk = addr;
    return this.brk;
  }

  /** MADV_DONTNEED: anonymous pages read as zero again, private file pages as the file. ENOMEM over a hole. */
  discard(addr: number, sizeBytes: number): number {
    const end = addr + alignUp(sizeBytes, PAGE_SIZE);
    const covered = this.list.overlapping(addr, end);
    for (const region of covered) {
      if (region.isShared) continue;
      const from = Math.max(addr, region.start);
      const to = Math.min(end, region.end);
      this.memory.zero(from, to - from);
      this.memory.announceWrite(from, to - from);
      if (region.file !== undefined) this.reload(region, from, to);
    }
    return coverage(covered, addr, end) === end - addr ? 0 : -Errno.ENOMEM;
  }

  private reload(region: Region, from: number, to: number): void {
    const offset = region.offset + (from - region.start);
    const length = Math.min(to - from, (region.file as MappableFile).sizeBytes() - offset);
    if (length <= 0) return;
    this.memory.markUsed(from, length);
    (region.file as MappableFile).readAt(this.memory.u8.subarray(from, from + length), offset);
  }

  /** msync, and the end of a shared mapping: what was written goes back to the file. */
  sync(addr: number, sizeBytes: number): number {
    const end = addr + alignUp(sizeBytes, PAGE_SIZE);
    const covered = this.list.overlapping(addr, end);
    for (const region of covered) this.writeBack(region, Math.max(addr, region.start), Math.min(end, region.end));
    return coverage(covered, addr, end) === end - addr ? 0 : -Errno.ENOMEM;
  }

  /** Writes every shared mapping back (process exit). */
  syncAll(): void {
    for (const region of this.list.all) this.writeBack(region, region.start, region.end);
  }

  private writeBack(region: Region, from: number, to: number): void {
    const { file } = region;
    if (!region.isShared || file?.writeAt === undefined || (region.prot & PROT_WRITE) === 0) return;
    const offset = region.offset + (from - region.start);
    const length = Math.min(to - from, file.sizeBytes() - offset);
    if (length > 0) file.writeAt(this.memory.u8.subarray(from, from + length), offset);
  }

  /** Whether every page of the range is mapped, whatever its protection. */
  isMapped(addr: number, sizeBytes: number): boolean {
    const end = addr + sizeBytes;
    return coverage(this.list.overlapping(addr, end), addr, end) === sizeBytes;
  }

  mappedBytes(): number {
    return this.list.all.reduce((sum, region) => sum + (region.end - region.start), 0);
  }

  /** Brings the permission table in step with the regions of [start, end). */
  private apply(start: number, end: number): void {
    for (const region of this.list.overlapping(start, end)) {
      const from = Math.max(start, region.start);
      const to = Math.min(end, region.end);
      const backedEnd = Math.min(Math.max(region.backedEnd, from), to);
      this.memory.setPermissions(from, backedEnd - from, this.permissionOf(region.prot));
      const beyond = region.prot === 0 ? Permission.NONE : Permission.BEYOND_EOF;
      if (to > backedEnd) this.memory.setPermissions(backedEnd, to - backedEnd, beyond);
    }
  }

  /** ARM pages that can be written or executed can be read. */
  private permissionOf(prot: number): number {
    if (prot === 0) return Permission.NONE;
    const executable = (prot & PROT_EXEC) !== 0 || this.readImpliesExec;
    return Permission.READ | ((prot & PROT_WRITE) !== 0 ? Permission.WRITE : 0) | (executable ? Permission.EXECUTE : 0);
  }
}

const coverage = (regions: readonly Region[], start: number, end: number): number =>
  regions.reduce((sum, region) => sum + (Math.min(end, region.end) - Math.max(start, region.start)), 0);
