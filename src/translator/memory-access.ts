/**
 * Loads and stores of guest memory. The fast path is one look at what the page's byte of the access table says; an
 * aligned access cannot straddle pages, and where the next page is free to use too nothing needs to be aligned.
 * Everything else goes through a support function, which says whether it is a fault.
 */
import { Access } from '../guest/access-table.js';
import { ACCESS_TABLE, PAGE_SHIFT } from '../guest/layout.js';
import type { ValueId } from '../ir/terminal.js';
import type { FunctionBuilder, FunctionRef, Label, Local } from '../wasm/function-builder.js';
import { I32, type MemoryOp } from '../wasm/opcode.js';
import type { AccessSite, Cover } from './access-plan.js';
import { ENGINE, ENGINE_BASE } from './region-function.js';
import type { Values } from './values.js';

/** Where a fault of the current instruction goes. */
export interface FaultExit {
  readonly label: Label;
  readonly code: number;
}

/** One store of a group. */
export interface GroupStore {
  readonly value: ValueId;
  readonly op: MemoryOp;
  readonly offset: number;
  readonly slow: FunctionRef;
  readonly convert: () => void;
}

/** Bits of the access table that loads, or stores, ask for: of one page, and of two. */
interface Wanted {
  readonly here: number;
  readonly on: number;
}

const LOADS: Wanted = { here: Access.LOAD, on: Access.LOAD_ON };
const STORES: Wanted = { here: Access.STORE, on: Access.STORE_ON };

export class MemoryWriter {
  private readonly f: FunctionBuilder;
  private readonly values: Values;
  /** What the look of a cover that is in use saw. */
  private readonly seen = new Map<Cover, Local>();

  constructor(f: FunctionBuilder, values: Values) {
    this.f = f;
    this.values = values;
  }

  /** Checks `size` bytes at the address value and loads them; the result stays on the stack. */
  load(id: number, address: ValueId, op: MemoryOp, site: AccessSite, checkRead: FunctionRef, exit: FaultExit): void {
    const { f, values } = this;
    values.makeRepeatable(address);
    const push = () => values.push(address);
    this.guard(
      (doubt) => this.branchIfDoubtful(id, push, site, LOADS, doubt),
      () => {},
      () => this.refuse(push, site.sizeBytes, checkRead, exit),
    );
    push();
    f.memory(op);
  }

  /** Checks the bytes and stores the value. `slow` does all of it, `convert` prepares its operand. */
  store(
    id: number,
    address: ValueId,
    value: ValueId,
    op: MemoryOp,
    site: AccessSite,
    slow: FunctionRef,
    exit: FaultExit,
    convert: () => void,
  ): void {
    const { f, values } = this;
    values.makeRepeatable(address);
    values.makeRepeatable(value);
    const push = () => values.push(address);
    this.guard(
      (doubt) => this.branchIfDoubtful(id, push, site, STORES, doubt),
      () => {
        push();
        values.push(value);
        f.memory(op);
      },
      () => {
        const both = () => {
          push();
          values.push(value);
          convert();
        };
        this.exitIf(exit, both, slow);
      },
    );
  }

  /** Checks all bytes of a group of loads from its first address on; returns the local that holds that. */
  groupLoadCheck(id: number, first: ValueId, site: AccessSite, checkRead: FunctionRef, exit: FaultExit): Local {
    const { f } = this;
    const address = this.toLocal(first);
    const push = () => f.get(address);
    this.guard(
      (doubt) => this.branchIfDoubtful(id, push, site, LOADS, doubt),
      () => {},
      () => this.refuse(push, site.sizeBytes, checkRead, exit),
    );
    return address;
  }

  /** Stores a whole group; when the check is in doubt each store goes its slow way in turn, as far as it gets. */
  groupStore(id: number, first: ValueId, site: AccessSite, stores: readonly GroupStore[], exit: FaultExit): void {
    const { f, values } = this;
    for (const { value } of stores) values.makeRepeatable(value);
    const address = this.toLocal(first);
    this.guard(
      (doubt) => this.branchIfDoubtful(id, () => f.get(address), site, STORES, doubt),
      () => {
        for (const { value, op, offset } of stores) {
          f.get(address);
          values.push(value);
          f.memory(op, offset);
        }
      },
      () => {
        for (const { value, offset, slow, convert } of stores) {
          const push = () => {
            f.get(address).i32(offset).op('i32_add');
            values.push(value);
            convert();
          };
          this.exitIf(exit, push, slow);
        }
      },
    );
    f.release(address);
  }

  /** Checks `size` bytes at the address without touching them. */
  accessCheck(address: ValueId, size: number, check: FunctionRef, exit: FaultExit): void {
    this.refuse(() => this.values.push(address), size, check, exit);
  }

  /** Exits with an alignment fault unless `address & mask` is zero. */
  alignmentCheck(address: ValueId, mask: number, misaligned: FunctionRef, exit: FaultExit): void {
    const { f, values } = this;
    values.makeRepeatable(address);
    values.push(address);
    f.i32(mask).op('i32_and');
    f.ifUnlikely();
    this.exitIf(exit, () => values.push(address), misaligned);
    f.end();
  }

  // ------------------------------------------------------------------------------------------------------------------

  /** Runs `fast`, or `slow` when `test` branches to the label it is given. */
  private guard(test: (doubt: Label) => void, fast: () => void, slow: () => void): void {
    const { f } = this;
    const done = f.block();
    const doubt = f.block();
    test(doubt);
    fast();
    f.br(done).end();
    slow();
    f.end();
  }

  private branchIfDoubtful(id: number, push: () => void, site: AccessSite, wanted: Wanted, doubt: Label): void {
    const { f } = this;
    const { cover } = site;
    if (cover === undefined) {
      this.branchUnlessFit(push, site, wanted, doubt);
      return;
    }
    if (id === cover.first) this.look(push, site, cover, () => this.branchUnlessSeen(cover, wanted, doubt));
    else this.branchUnlessSeen(cover, wanted, doubt);
    if (id === cover.last) f.release(this.seen.get(cover) as Local);
  }

  private branchUnlessSeen(cover: Cover, wanted: Wanted, doubt: Label): void {
    const seen = this.seen.get(cover) as Local;
    this.f.get(seen).i32(wanted.on).op('i32_and', 'i32_eqz').brIfUnlikely(doubt);
  }

  /**
   * Looks on behalf of a cover: at one page, or, where that or the next one is not free to use, at the two of the cover
   * itself; then `test` says what that means for the access that looks.
   */
  private look(push: () => void, { offset }: AccessSite, cover: Cover, test: () => void): void {
    const { f } = this;
    const { low, end, hasLoads, hasStores } = cover;
    const seen = f.allocate(I32);
    this.seen.set(cover, seen);
    const wanted = (hasLoads ? LOADS.on : 0) | (hasStores ? STORES.on : 0);
    this.pushAccess(push, low - offset);
    f.set(seen).get(seen).i32(wanted).op('i32_and').i32(wanted).op('i32_ne');
    f.ifUnlikely();
    this.pushAccess(push, low - offset);
    this.pushAccess(push, end - 1 - offset);
    f.op('i32_and')
      .i32(Math.log2(LOADS.on / LOADS.here))
      .op('i32_shl')
      .set(seen);
    test();
    f.end();
  }

  /** A single access by itself: aligned, and in a page free to use. */
  private branchUnlessFit(push: () => void, site: AccessSite, { here }: Wanted, doubt: Label): void {
    const { f } = this;
    if (!site.isAligned && site.sizeBytes > 1) {
      push();
      f.i32(site.sizeBytes - 1)
        .op('i32_and')
        .brIfUnlikely(doubt);
    }
    this.pushAccess(push, 0);
    f.i32(here).op('i32_and', 'i32_eqz').brIfUnlikely(doubt);
  }

  /** Pushes the access byte of the page `offset` bytes past the address. */
  private pushAccess(push: () => void, offset: number): void {
    const { f } = this;
    push();
    if (offset !== 0) f.i32(offset).op('i32_add');
    f.i32(PAGE_SHIFT)
      .op('i32_shr_u')
      .get(ENGINE)
      .op('i32_add')
      .memory('i32_load8_u', ACCESS_TABLE - ENGINE_BASE);
  }

  private refuse(push: () => void, size: number, check: FunctionRef, exit: FaultExit): void {
    const both = () => {
      push();
      this.f.i32(size);
    };
    this.exitIf(exit, both, check);
  }

  /** Branches to the exit when the support function, whose arguments `push` pushes, returns not zero. */
  private exitIf(exit: FaultExit, push: () => void, support: FunctionRef): void {
    const { f } = this;
    f.i32(exit.code);
    push();
    f.call(support).brIfUnlikely(exit.label).op('drop');
  }

  private toLocal(value: ValueId): Local {
    const { f, values } = this;
    const local = f.allocate(I32);
    values.push(value);
    f.set(local);
    return local;
  }
}
