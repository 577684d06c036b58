/**
 * What translated code asks of a page, one bit per question, so that one test answers it. The table follows the
 * permissions: whoever changes those of a page says so here.
 */
import { ACCESS_TABLE, PAGE_COUNT } from './layout.js';
import { Permission } from './permission.js';

/** Bits of a page's byte. */
export const Access = {
  /** Readable. */
  LOAD: 1,
  /** Writable, and no store has to be announced. */
  STORE: 2,
  /** The same of this page and the one after it: what begins here may be up to a page long, wherever it begins. */
  LOAD_ON: 4,
  STORE_ON: 8,
} as const;

const { LOAD, STORE } = Access;

const accessOf = (permission: number): number => {
  const load = (permission & Permission.READ) !== 0 ? LOAD : 0;
  return (permission & (Permission.WRITE | Permission.CODE)) === Permission.WRITE ? load | STORE : load;
};

export class AccessTable {
  private readonly table: Uint8Array;
  private readonly permissions: Uint8Array;

  constructor(buffer: ArrayBufferLike, permissions: Uint8Array) {
    this.table = new Uint8Array(buffer, ACCESS_TABLE, PAGE_COUNT);
    this.permissions = permissions;
  }

  /** Permissions of pages [first, end) have changed, and are all the same. */
  filled(first: number, end: number): void {
    if (first >= end) return;
    const own = accessOf(this.permissions[first] as number);
    this.table.fill(own | (own << 2), first, end);
    this.connect(end - 1);
    if (first > 0) this.connect(first - 1);
  }

  /** Permissions of one page have changed. */
  changed(page: number): void {
    this.filled(page, page + 1);
  }

  private connect(page: number): void {
    const own = accessOf(this.permissions[page] as number);
    const next = page + 1 === PAGE_COUNT ? 0 : accessOf(this.permissions[page + 1] as number);
    this.table[page] = own | ((own & next) << 2);
  }
}
