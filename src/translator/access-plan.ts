/**
 * How the accesses of one block are checked. Accesses near each other, seen from one root, share a *cover*: the first of
 * them looks at the page of the lowest address once, and if that page and the next one are free to use, so are they all,
 * whatever their alignment; if not, it looks at the page of the highest address too. What an earlier instruction has found
 * aligned is not tested again.
 */
import { PAGE_SIZE } from '../guest/layout.js';
import type { IrBlock, IrInst } from '../ir/block.js';
import { HOST_CALL, OPS } from '../ir/opcode.js';
import type { ValueId } from '../ir/terminal.js';
import { type AccessGroup, findAccessGroups } from './access-groups.js';
import { AddressRoots, type RootedAddress } from './address-roots.js';

/** Accesses that one look at a page serves. */
export interface Cover {
  /** The access that looks, by its index in the block, and the last one that asks for the outcome. */
  readonly first: number;
  last: number;
  /** Lowest and end of the bytes accessed, from the root. */
  low: number;
  end: number;
  hasLoads: boolean;
  hasStores: boolean;
  /** Whether one look is worth it: for several accesses, or for a group. */
  isUseful: boolean;
}

/** What is known of one access, or of a group by the member at which it is checked. */
export interface AccessSite {
  /** From the root of the address. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Certain to be aligned. */
  readonly isAligned: boolean;
  /** Only if there is something to share it with. */
  readonly cover: Cover | undefined;
}

const SIZES: { readonly [op: string]: number } = {
  load8u: 1,
  load8s: 1,
  load16u: 2,
  load16s: 2,
  load32: 4,
  loadF32: 4,
  loadF64: 8,
  store8: 1,
  store16: 2,
  store32: 4,
  storeF32: 4,
  storeF64: 8,
};

interface AlignmentFact extends RootedAddress {
  readonly mask: number;
  readonly depth: number;
}

export class AccessPlan {
  readonly groups: ReadonlyMap<number, AccessGroup>;
  private readonly sites = new Map<number, Omit<AccessSite, 'cover'> & { cover: Cover }>();
  private readonly needless = new Set<number>();
  private readonly roots: AddressRoots;
  private readonly insts: readonly IrInst[];
  /** What holds at the instruction looked at; each is forgotten when its conditional region ends. */
  private covers: { readonly root: ValueId; readonly depth: number; readonly cover: Cover }[] = [];
  private facts: AlignmentFact[] = [];
  private depth = 0;

  constructor(block: IrBlock) {
    this.insts = block.insts;
    this.roots = new AddressRoots(block);
    this.groups = findAccessGroups(block, this.roots);
    for (const [id, inst] of block.insts.entries()) this.note(inst, id);
  }

  site(id: number): AccessSite {
    const { cover, ...site } = this.sites.get(id) as AccessSite & { cover: Cover };
    return { ...site, cover: cover.isUseful ? cover : undefined };
  }

  /** Whether the checkAlign `id` cannot fail, because an earlier one did not. */
  isNeedless(id: number): boolean {
    return this.needless.has(id);
  }

  private note(inst: IrInst, id: number): void {
    const size = SIZES[inst.op];
    if (size !== undefined) this.noteAccess(inst, id, size);
    else if (inst.op === 'checkAlign') this.noteAlignment(inst, id);
    else if (inst.op === 'if') this.depth++;
    else if (inst.op === 'endif') this.leaveConditional();
    // Permissions may be others when the host comes back.
    else if ((OPS[inst.op].effects & HOST_CALL) !== 0) this.covers = [];
  }

  private noteAccess(inst: IrInst, id: number, size: number): void {
    const group = this.groups.get(id);
    if (group === undefined) {
      const address = this.roots.of(inst.a);
      this.add(id, address, size, false);
      return;
    }
    // Loads are checked at the first of them, stores at the last.
    const checked = group.isStore ? group.members.at(-1) : group.members[0];
    const { root } = this.roots.of(inst.a);
    if (checked?.id === id) this.add(id, { root, offset: group.start }, group.sizeBytes, true);
  }

  private add(id: number, address: RootedAddress, sizeBytes: number, isGroup: boolean): void {
    const { root, offset } = address;
    const end = offset + sizeBytes;
    let cover = this.covers.find((open) => open.root === root)?.cover;
    const isNear = cover !== undefined && Math.max(cover.end, end) - Math.min(cover.low, offset) <= PAGE_SIZE;
    if (cover === undefined || !isNear) {
      cover = { first: id, last: id, low: offset, end, hasLoads: false, hasStores: false, isUseful: isGroup };
      this.covers = this.covers.filter((open) => open.root !== root);
      this.covers.push({ root, depth: this.depth, cover });
    } else {
      cover.isUseful = true;
    }
    cover.last = id;
    cover.low = Math.min(cover.low, offset);
    cover.end = Math.max(cover.end, end);
    if (this.insts[id]?.op.startsWith('store')) cover.hasStores = true;
    else cover.hasLoads = true;
    this.sites.set(id, { offset, sizeBytes, isAligned: this.isKnownAligned(address, sizeBytes - 1), cover });
  }

  private noteAlignment({ a, imm }: IrInst, id: number): void {
    const address = this.roots.of(a);
    if (this.isKnownAligned(address, imm)) this.needless.add(id);
    else this.facts.push({ ...address, mask: imm, depth: this.depth });
  }

  private isKnownAligned({ root, offset }: RootedAddress, mask: number): boolean {
    return (
      mask === 0 ||
      this.facts.some(
        (fact) => fact.root === root && (fact.mask & mask) === mask && ((fact.offset - offset) & mask) === 0,
      )
    );
  }

  private leaveConditional(): void {
    this.depth--;
    this.covers = this.covers.filter(({ depth }) => depth <= this.depth);
    this.facts = this.facts.filter(({ depth }) => depth <= this.depth);
  }
}
