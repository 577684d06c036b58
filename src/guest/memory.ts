/**
 * The guest's memory: one 4 GiB WebAssembly memory, identity mapped, nothing committed until touched. Permissions are
 * one byte per 4 KiB page in a table inside the same memory; translated code looks at what follows from them, see
 * guest/access-table.
 *
 * Code inside the engine that works for the guest (system calls, signal frames, probes) uses the checked methods here;
 * they never throw on a bad guest pointer but return `undefined`/`false`, which the caller turns into EFAULT or a
 * signal. The raw views are for the tiers and for addresses the engine itself owns.
 */
import type { GuestAddr } from '../bits.js';
import { AccessTable } from './access-table.js';
import { PAGE_COUNT, PAGE_SHIFT, PAGE_SIZE, PERMISSION_TABLE, TASK_SIZE } from './layout.js';
import { Permission } from './permission.js';

export { Permission } from './permission.js';

const ACCESSIBLE = Permission.READ | Permission.WRITE | Permission.EXECUTE;

const ZERO_PAGE = new Uint8Array(PAGE_SIZE);
const isZero = (bytes: Uint8Array): boolean =>
  Buffer.compare(bytes, bytes.length === PAGE_SIZE ? ZERO_PAGE : ZERO_PAGE.subarray(0, bytes.length)) === 0;

/** Told about changes under translated code. */
export interface CodeWatcher {
  /** Bytes [start, end) changed, or their mapping did, and some translation was made from their pages. */
  codeChanged(start: GuestAddr, end: GuestAddr): void;
}

export class GuestMemory {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly view: DataView;
  /** Permission byte of page `n` at index `n`. */
  readonly permissions: Uint8Array;
  /** 1 for pages that may hold something: to look at any other, even to read it, can commit it. */
  private readonly used = new Uint8Array(PAGE_COUNT);
  private readonly access: AccessTable;
  codeWatcher: CodeWatcher | undefined;

  constructor() {
    this.memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536 });
    const buffer = this.memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.view = new DataView(buffer);
    this.permissions = new Uint8Array(buffer, PERMISSION_TABLE, PAGE_COUNT);
    this.access = new AccessTable(buffer, this.permissions);
  }

  /** Whether every byte of [addr, addr + size) is in pages that have all bits of `permission`. */
  allows(addr: GuestAddr, size: number, permission: number): boolean {
    if (size === 0) return true;
    const last = addr + size - 1;
    if (last > 0xffff_ffff) return false;
    for (let page = addr >>> PAGE_SHIFT; page <= last >>> PAGE_SHIFT; page++) {
      if ((this.permissions[page] & permission) !== permission) return false;
    }
    return true;
  }

  /** Gives the whole pages of [addr, addr + size) these permissions (MAPPED is added). Contents stay. */
  setPermissions(addr: GuestAddr, size: number, permission: number): void {
    const first = addr >>> PAGE_SHIFT;
    const end = Math.ceil((addr + size) / PAGE_SIZE);
    this.announce(first, end);
    if ((permission & ACCESSIBLE) !== 0) this.used.fill(1, first, end);
    this.permissions.fill(permission | Permission.MAPPED, first, end);
    this.access.filled(first, end);
  }

  /** Removes the whole pages of [addr, addr + size) and zeroes them, so that the next mapping starts clean. */
  unmap(addr: GuestAddr, size: number): void {
    const first = addr >>> PAGE_SHIFT;
    const end = Math.ceil((addr + size) / PAGE_SIZE);
    this.announce(first, end);
    this.zero(first * PAGE_SIZE, (end - first) * PAGE_SIZE);
    this.used.fill(0, first, end);
    this.permissions.fill(0, first, end);
    this.access.filled(first, end);
  }

  /** Somebody fills [addr, addr + size) without asking for permission: a file's content, say. */
  markUsed(addr: GuestAddr, size: number): void {
    this.used.fill(1, addr >>> PAGE_SHIFT, Math.ceil((addr + size) / PAGE_SIZE));
  }

  /** Zeroes [addr, addr + size) without writing to pages that are zero already, so nothing new is committed. */
  zero(addr: GuestAddr, size: number): void {
    const end = addr + size;
    for (let at = addr; at < end; ) {
      const next = Math.min(end, (Math.floor(at / PAGE_SIZE) + 1) * PAGE_SIZE);
      if (this.used[at >>> PAGE_SHIFT] === 0) {
        at = next;
        continue;
      }
      const page = this.u8.subarray(at, next);
      if (!isZero(page)) page.fill(0);
      at = next;
    }
  }

  /** Copies whole pages to clean ones; pages of zeroes are skipped. Permissions play no part. */
  copyPages(to: GuestAddr, from: GuestAddr, size: number): void {
    for (let at = 0; at < size; at += PAGE_SIZE) {
      if (this.used[(from + at) >>> PAGE_SHIFT] === 0) continue;
      this.used[(to + at) >>> PAGE_SHIFT] = 1;
      const page = this.u8.subarray(from + at, from + at + PAGE_SIZE);
      if (!isZero(page)) this.u8.set(page, to + at);
    }
  }

  /** Marks the pages of [start, end) as having translations, so that stores into them are announced. */
  markCode(start: GuestAddr, end: GuestAddr): void {
    for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) {
      this.permissions[page] |= Permission.CODE;
      this.access.changed(page);
    }
  }

  /** Drops the CODE mark of a page after its translations are gone. */
  clearCode(page: number): void {
    this.permissions[page] &= ~Permission.CODE;
    this.access.changed(page);
  }

  /** Tells the watcher that the guest or the engine changed bytes of pages marked CODE. Cheap when there are none. */
  announceWrite(addr: GuestAddr, size: number): void {
    if (size === 0 || this.codeWatcher === undefined) return;
    for (let page = addr >>> PAGE_SHIFT; page <= (addr + size - 1) >>> PAGE_SHIFT; page++) {
      if ((this.permissions[page] & Permission.CODE) !== 0) {
        this.codeWatcher.codeChanged(addr, addr + size);
        return;
      }
    }
  }

  private announce(firstPage: number, endPage: number): void {
    if (this.codeWatcher === undefined) return;
    for (let page = firstPage; page < endPage; page++) {
      if ((this.permissions[page] & Permission.CODE) !== 0) {
        this.codeWatcher.codeChanged(firstPage * PAGE_SIZE, endPage * PAGE_SIZE);
        return;
      }
    }
  }

  // -- checked access on behalf of the guest -------------------------------------------------------------------------

  /** A live view (not a copy) of guest bytes, or undefined when the guest may not read them all. */
  readable(addr: GuestAddr, size: number): Uint8Array | undefined {
    return this.allows(addr, size, Permission.READ) ? this.u8.subarray(addr, addr + size) : undefined;
  }

  /**
   * A live view of guest bytes that may be written, or undefined when the guest may not write them all. Call
   * `announceWrite` after changing them.
   */
  writable(addr: GuestAddr, size: number): Uint8Array | undefined {
    return this.allows(addr, size, Permission.WRITE) ? this.u8.subarray(addr, addr + size) : undefined;
  }

  /** Copies bytes into guest memory; false (and nothing written) when the guest may not write there. */
  write(addr: GuestAddr, data: Uint8Array): boolean {
    if (!this.allows(addr, data.length, Permission.WRITE)) return false;
    this.u8.set(data, addr);
    this.announceWrite(addr, data.length);
    return true;
  }

  readU32(addr: GuestAddr): number | undefined {
    return this.allows(addr, 4, Permission.READ) ? this.view.getUint32(addr, true) : undefined;
  }

  writeU32(addr: GuestAddr, value: number): boolean {
    if (!this.allows(addr, 4, Permission.WRITE)) return false;
    this.view.setUint32(addr, value, true);
    this.announceWrite(addr, 4);
    return true;
  }

  /** The NUL-terminated bytes at `addr` without the NUL; undefined on a bad pointer or past `limit` bytes. */
  readCString(addr: GuestAddr, limit = 4096): Uint8Array | undefined {
    for (let n = 0; n <= limit; n++) {
      const at = addr + n;
      if ((n === 0 || (at & (PAGE_SIZE - 1)) === 0) && !this.allows(at, 1, Permission.READ)) return undefined;
      if (this.u8[at] === 0) return this.u8.slice(addr, at);
    }
    return undefined;
  }

  /** Writes bytes without regard to permissions (loader, signal trampolines, kuser page). */
  poke(addr: GuestAddr, data: Uint8Array): void {
    this.u8.set(data, addr);
    this.announceWrite(addr, data.length);
  }

  /** Whether `addr` could ever belong to the guest. */
  static isGuest(addr: number): boolean {
    return addr < TASK_SIZE;
  }
}
