import { expect, test } from 'vitest';
import { Access } from '../../src/guest/access-table.js';
import { ACCESS_TABLE, PAGE_COUNT, PAGE_SIZE } from '../../src/guest/layout.js';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { fuzzSeed } from '../support/random.js';

const { READ, WRITE, EXECUTE, CODE } = Permission;
const SEED = fuzzSeed('access table');

/** What the table must say of a page, from the permissions alone. */
const expected = (permissions: Uint8Array, page: number): number => {
  const own = (n: number): number => {
    const permission = n < PAGE_COUNT ? (permissions[n] as number) : 0;
    const store = (permission & (WRITE | CODE)) === WRITE ? Access.STORE : 0;
    return store | ((permission & READ) !== 0 ? Access.LOAD : 0);
  };
  const both = own(page) & own(page + 1);
  const on = ((both & Access.LOAD) !== 0 ? Access.LOAD_ON : 0) | ((both & Access.STORE) !== 0 ? Access.STORE_ON : 0);
  return own(page) | on;
};

test('the access table follows every change of permissions, the last page of memory included', () => {
  const memory = new GuestMemory();
  const table = new Uint8Array(memory.memory.buffer, ACCESS_TABLE, PAGE_COUNT);
  let state = SEED;
  const below = (n: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % n;
  };
  /** Two places: low memory and its very end. */
  const bases = [0, PAGE_COUNT - 24];
  for (let round = 0; round < 3000; round++) {
    const base = bases[below(2)] as number;
    const first = base + below(20);
    const [start, size] = [first * PAGE_SIZE, (1 + below(4)) * PAGE_SIZE];
    const permission = [0, READ, READ | WRITE, READ | EXECUTE, READ | WRITE | EXECUTE, WRITE][below(6)] as number;
    const change = below(8);
    if (change < 4) memory.setPermissions(start, size, permission);
    else if (change < 5) memory.unmap(start, size);
    else if (change < 7) memory.markCode(start + 8, start + size - 8);
    else memory.clearCode(first);
    for (const from of bases) {
      for (let page = from; page < from + 24; page++) {
        expect(table[page], `ARMSTALK_SEED=${SEED}, round ${round}, page ${page}`).toBe(
          expected(memory.permissions, page),
        );
      }
    }
  }
});
