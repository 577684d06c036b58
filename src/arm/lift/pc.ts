/**
 * Every write to the pc, with the manual's names (ARM DDI 0406C A2.3.1). Each tells the instrumentation first and then
 * leaves the block's ending. Call them after the instruction's memory accesses and before its register writes (LR and a
 * base's write-back included), so that instrumentation reads registers as the instruction found them.
 */
import type { InterworkingAddr } from '../../bits.js';
import { locationOf } from '../../ir/location.js';
import type { Flow, ValueId } from '../../ir/terminal.js';
import { nextAddress } from '../insn.js';
import type { LiftContext, TransferForm } from '../lift-context.js';

interface Leave {
  form: TransferForm;
  flow: Flow;
  register?: number;
  pops?: boolean;
  spAfter?: ValueId | undefined;
}

/** The interworking address a call from here returns to. */
export const linkOf = (c: LiftContext): InterworkingAddr => (nextAddress(c.insn) | (c.isThumb ? 1 : 0)) >>> 0;

const announce = (c: LiftContext, target: ValueId, how: Leave, link: InterworkingAddr | undefined): void => {
  c.onTransfer?.(c.b, {
    form: how.form,
    insn: c.insn,
    target,
    pops: how.pops ?? false,
    ...(how.spAfter === undefined ? {} : { spAfter: how.spAfter }),
    ...(how.register === undefined ? {} : { register: how.register }),
    ...(link === undefined ? {} : { link }),
    ...(c.insn.itStart === undefined ? {} : { itStart: c.insn.itStart }),
  });
};

/** Leaves to an interworking address held in a value: a known one becomes a direct branch. */
const leave = (c: LiftContext, target: ValueId, how: Leave): void => {
  const link = how.flow === 'call' ? linkOf(c) : undefined;
  announce(c, target, how, link);
  const linked = link === undefined ? {} : { link: locationOf(link, c.bigEndian) };
  const known = c.b.constantOf(target);
  c.ending =
    known === undefined
      ? { kind: 'indirect', target, flow: how.flow, ...linked }
      : { kind: 'direct', to: locationOf(known >>> 0, c.bigEndian), flow: how.flow, ...linked };
};

/** Goes to a fixed interworking address; with `cond`, only when that value is not zero. */
export const branchTo = (c: LiftContext, target: InterworkingAddr, form: 'b' | 'bl' | 'blx', cond?: ValueId): void => {
  const how: Leave = { form, flow: form === 'b' ? 'jump' : 'call' };
  if (cond === undefined) {
    leave(c, c.b.const(target), how);
    return;
  }
  c.b.when(cond, () => announce(c, c.b.const(target), how, undefined));
  c.ending = { kind: 'direct', to: locationOf(target, c.bigEndian), flow: how.flow, cond };
};

/** BranchWritePC: stays in the instruction set, ignoring the address's low bits. */
export const branchWritePC = (c: LiftContext, address: ValueId, how: Leave): void => {
  const { b } = c;
  leave(c, c.isThumb ? b.or(address, b.const(1)) : b.and(address, b.const(~3)), how);
};

/** BXWritePC: bit 0 of the address selects the instruction set. */
export const bxWritePC = (c: LiftContext, address: ValueId, how: Leave): void => leave(c, address, how);

/** LoadWritePC (ARMv5T and later): interworks. */
export const loadWritePC = (c: LiftContext, address: ValueId, how: Leave): void => leave(c, address, how);

/** ALUWritePC (ARMv7): interworks from A32, not from T32. */
export const aluWritePC = (c: LiftContext, address: ValueId, how: Leave): void =>
  c.isThumb ? branchWritePC(c, address, how) : bxWritePC(c, address, how);
