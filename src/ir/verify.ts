/**
 * What must be true of every block: arguments are defined earlier and have the op's types, a value is not used outside
 * the conditional region that defines it (the conditional terminal excepted), regions close, one `enter` comes first,
 * and inside a guest instruction nothing may fault after a guest register was written.
 */
import type { IrBlock, IrInst } from './block.js';
import { NO_VALUE } from './block.js';
import { MAY_EXIT, OPS, type ResultType } from './opcode.js';

/** State words below this index are the guest's: r0..r15, flags (guest/cpu-state). */
const GUEST_WORDS = 112;

/** The first thing wrong with `block`, or undefined. */
export const verifyBlock = (block: IrBlock): string | undefined => {
  const open: number[] = [0];
  const regionOf: number[] = [];
  let regions = 0;
  let written = false;
  for (let i = 0; i < block.insts.length; i++) {
    const inst = block.insts[i] as IrInst;
    if ((inst.op === 'enter') !== (i === 0)) return `v${i}: enter belongs first, and only there`;
    const bad = checkArguments(block, inst, i, open, regionOf);
    if (bad !== undefined) return bad;
    if (inst.op === 'insn') written = false;
    if (inst.op === 'set' && inst.imm < GUEST_WORDS) written = true;
    if (written && (OPS[inst.op].effects & MAY_EXIT) !== 0 && !inst.op.startsWith('store'))
      return `v${i}: ${inst.op} may exit after its instruction wrote a register`;
    if (inst.op === 'if') open.push(++regions);
    if (inst.op === 'endif' && open.pop() === 0) return `v${i}: endif without if`;
    regionOf[i] = open.at(-1) as number;
  }
  return open.length === 1 ? undefined : 'a conditional region is not closed';
};

const checkArguments = (
  block: IrBlock,
  inst: IrInst,
  index: number,
  open: readonly number[],
  regionOf: readonly number[],
): string | undefined => {
  const { args } = OPS[inst.op] as { args: readonly ResultType[] };
  const given = [inst.a, inst.b, inst.c];
  for (let k = 0; k < 3; k++) {
    const id = given[k] as number;
    if ((id !== NO_VALUE) !== k < args.length) return `v${index}: ${inst.op} takes ${args.length} arguments`;
    if (id === NO_VALUE) continue;
    const def = block.insts[id];
    if (def === undefined || id >= index) return `v${index}: v${id} is not defined yet`;
    if (OPS[def.op].result !== args[k]) return `v${index}: v${id} is ${OPS[def.op].result}, not ${args[k]}`;
    if (!open.includes(regionOf[id] as number)) return `v${index}: v${id} belongs to a conditional region that ended`;
  }
  return undefined;
};
