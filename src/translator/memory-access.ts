/**
 * Loads and stores of guest memory. The fast path is one look at the page's permission byte together with the low
 * address bits: an aligned access cannot straddle pages. Everything else goes through a support function, which says
 * whether it is a fault.
 */
import { PAGE_SHIFT, PERMISSION_TABLE } from '../guest/layout.js';
import { Permission } from '../guest/memory.js';
import type { ValueId } from '../ir/terminal.js';
import type { FunctionBuilder, FunctionRef, Label, Local } from '../wasm/function-builder.js';
import { I32, type MemoryOp } from '../wasm/opcode.js';
import { ENGINE, ENGINE_BASE } from './region-function.js';
import type { Values } from './values.js';

/** Where a fault of the current instruction goes. */
export interface FaultExit {
  readonly label: Label;
  readonly code: number;
}

const { READ, WRITE, CODE } = Permission;

/** Pushes the permission byte of the page of the address on the stack. */
const writePermissionOf = (f: FunctionBuilder): void => {
  f.i32(PAGE_SHIFT)
    .op('i32_shr_u')
    .get(ENGINE)
    .op('i32_add')
    .memory('i32_load8_u', PERMISSION_TABLE - ENGINE_BASE);
};

/** Branches to the exit when the support function, whose arguments `push` pushes, returns not zero. */
const exitIf = (f: FunctionBuilder, exit: FaultExit, push: () => void, support: FunctionRef): void => {
  f.i32(exit.code);
  push();
  f.call(support).brIfUnlikely(exit.label).op('drop');
};

/** Checks `size` bytes at the address value and loads them; the result stays on the stack. */
export const writeLoad = (
  f: FunctionBuilder,
  values: Values,
  address: ValueId,
  op: MemoryOp,
  size: number,
  checkRead: FunctionRef,
  exit: FaultExit,
): void => {
  values.makeRepeatable(address);
  values.push(address);
  writePermissionOf(f);
  f.i32(READ).op('i32_and');
  if (size === 1) f.op('i32_eqz');
  else {
    values.push(address);
    f.i32(size - 1).op('i32_and', 'i32_le_u');
  }
  f.ifUnlikely();
  const push = () => {
    values.push(address);
    f.i32(size);
  };
  exitIf(f, exit, push, checkRead);
  f.end();
  values.push(address);
  f.memory(op);
};

/** Checks the bytes and stores the value, which must be repeatable. `slow` does all of it, `convert` prepares its operand. */
export const writeStore = (
  f: FunctionBuilder,
  values: Values,
  address: ValueId,
  value: ValueId,
  op: MemoryOp,
  size: number,
  slow: FunctionRef,
  exit: FaultExit,
  convert: () => void,
): void => {
  values.makeRepeatable(address);
  values.makeRepeatable(value);
  values.push(address);
  writePermissionOf(f);
  f.i32(WRITE | CODE)
    .op('i32_and')
    .i32(WRITE)
    .op('i32_xor');
  if (size > 1) {
    values.push(address);
    f.i32(size - 1).op('i32_and', 'i32_or');
  }
  f.ifUnlikely();
  const push = () => {
    values.push(address);
    values.push(value);
    convert();
  };
  exitIf(f, exit, push, slow);
  f.else();
  values.push(address);
  values.push(value);
  f.memory(op).end();
};

/** Pushes whether not every byte of `size` at local `address` is in pages whose permissions under `mask` are `wanted`, or it is not aligned. */
const pushGroupDoubt = (f: FunctionBuilder, address: Local, size: number, wanted: number, mask: number): void => {
  const unfit = () => {
    writePermissionOf(f);
    f.i32(mask).op('i32_and').i32(wanted).op('i32_xor');
  };
  f.get(address);
  unfit();
  f.get(address)
    .i32(size - 1)
    .op('i32_add');
  unfit();
  f.op('i32_or').get(address).i32(3).op('i32_and', 'i32_or');
};

/** Checks all bytes of a group of loads from its first address on; returns the local that holds that. */
export const writeGroupLoadCheck = (
  f: FunctionBuilder,
  values: Values,
  first: ValueId,
  size: number,
  checkRead: FunctionRef,
  exit: FaultExit,
): Local => {
  const address = f.allocate(I32);
  values.push(first);
  f.set(address);
  pushGroupDoubt(f, address, size, READ, READ);
  f.ifUnlikely();
  exitIf(f, exit, () => f.get(address).i32(size), checkRead);
  f.end();
  return address;
};

/** One store of a group. */
export interface GroupStore {
  readonly value: ValueId;
  readonly op: MemoryOp;
  readonly offset: number;
  readonly slow: FunctionRef;
  readonly convert: () => void;
}

/** Stores a whole group; when the check is in doubt each store goes its slow way in turn, as far as it gets. */
export const writeGroupStore = (
  f: FunctionBuilder,
  values: Values,
  first: ValueId,
  size: number,
  stores: readonly GroupStore[],
  exit: FaultExit,
): void => {
  const address = f.allocate(I32);
  for (const { value } of stores) values.makeRepeatable(value);
  values.push(first);
  f.set(address);
  pushGroupDoubt(f, address, size, WRITE, WRITE | CODE);
  f.ifUnlikely();
  for (const { value, offset, slow, convert } of stores) {
    const push = () => {
      f.get(address).i32(offset).op('i32_add');
      values.push(value);
      convert();
    };
    exitIf(f, exit, push, slow);
  }
  f.else();
  for (const { value, op, offset } of stores) {
    f.get(address);
    values.push(value);
    f.memory(op, offset);
  }
  f.end();
  f.release(address);
};

/** Checks `size` bytes at the address without touching them. */
export const writeAccessCheck = (
  f: FunctionBuilder,
  values: Values,
  address: ValueId,
  size: number,
  check: FunctionRef,
  exit: FaultExit,
): void => {
  const push = () => {
    values.push(address);
    f.i32(size);
  };
  exitIf(f, exit, push, check);
};

/** Exits with an alignment fault unless `address & mask` is zero. */
export const writeAlignmentCheck = (
  f: FunctionBuilder,
  values: Values,
  address: ValueId,
  mask: number,
  misaligned: FunctionRef,
  exit: FaultExit,
): void => {
  values.makeRepeatable(address);
  values.push(address);
  f.i32(mask).op('i32_and');
  f.ifUnlikely();
  exitIf(f, exit, () => values.push(address), misaligned);
  f.end();
};
