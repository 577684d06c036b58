/**
 * Finds accesses that are checked together: the transfers of one instruction to ascending, adjoining addresses (load and
 * store multiple, doubleword). They touch two pages at most, so one look at the first and last byte's page stands for
 * all. Between them lie only operations without effect.
 */
import type { IrBlock } from '../ir/block.js';
import { isPure } from '../ir/opcode.js';
import type { ValueId } from '../ir/terminal.js';
import type { AddressRoots } from './address-roots.js';
import { isRead } from './state-flow.js';

/** Bytes of the accesses that may be in a group. */
const SIZES: { readonly [op: string]: number } = {
  load32: 4,
  loadF32: 4,
  loadF64: 8,
  store32: 4,
  storeF32: 4,
  storeF64: 8,
};

export interface GroupMember {
  /** Index of the access in the block. */
  readonly id: number;
  readonly offset: number;
}

export interface AccessGroup {
  readonly isStore: boolean;
  /** Ascending; the first has offset 0. */
  readonly members: readonly GroupMember[];
  /** Of the first member, from the root of all their addresses. */
  readonly start: number;
  readonly sizeBytes: number;
}

interface OpenGroup {
  readonly isStore: boolean;
  readonly root: ValueId;
  readonly start: number;
  readonly members: GroupMember[];
  end: number;
}

/** The groups of a block by the index of each of their members. Single accesses are in none. */
export const findAccessGroups = (block: IrBlock, roots: AddressRoots): ReadonlyMap<number, AccessGroup> => {
  const groups = new Map<number, AccessGroup>();
  let open: OpenGroup | undefined;
  const close = () => {
    if (open !== undefined && open.members.length > 1) {
      const group = {
        isStore: open.isStore,
        members: open.members,
        start: open.start,
        sizeBytes: open.end - open.start,
      };
      for (const { id } of open.members) groups.set(id, group);
    }
    open = undefined;
  };
  block.insts.forEach((inst, id) => {
    const size = SIZES[inst.op];
    if (size === undefined) {
      if (!isPure(inst.op) && !isRead(inst)) close();
      return;
    }
    const isStore = inst.op.startsWith('store');
    const { root, offset } = roots.of(inst.a);
    if (open?.isStore !== isStore || open.root !== root || open.end !== offset) close();
    open ??= { isStore, root, start: offset, members: [], end: offset };
    open.members.push({ id, offset: offset - open.start });
    open.end = offset + size;
  });
  close();
  return groups;
};
