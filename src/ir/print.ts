/** IR as text, one instruction a line: `v3 = add v1 v2`, `set v3 -> 5`. For snapshots and bug reports. */
import { hex } from '../bits.js';
import type { IrBlock, IrInst } from './block.js';
import { NO_VALUE } from './block.js';
import { type Location, locationAddress } from './location.js';
import { OPS } from './opcode.js';
import type { Terminal } from './terminal.js';

const value = (id: number): string => `v${id}`;
const where = (location: Location): string => hex(locationAddress(location));

const printInst = (inst: IrInst, index: number): string => {
  const spec = OPS[inst.op];
  const args = [inst.a, inst.b, inst.c].filter((id) => id !== NO_VALUE).map(value);
  const namesWord = inst.op.startsWith('get') || inst.op.startsWith('set') || inst.op === 'const';
  const imms = inst.imm2 !== 0 ? [inst.imm, inst.imm2] : inst.imm !== 0 || namesWord ? [inst.imm] : [];
  const text = [inst.op, ...args, ...imms.map((imm) => `#${imm}`)].join(' ');
  return spec.result === 'void' ? text : `${value(index)} = ${text}`;
};

const printTerminal = (t: Terminal): string => {
  switch (t.kind) {
    case 'jump':
      return `${t.flow} ${where(t.to)}`;
    case 'branch':
      return `${t.flow} ${where(t.to)} if ${value(t.cond)} else ${where(t.otherwise)}`;
    case 'indirect':
      return t.cond === undefined
        ? `${t.flow} [${value(t.target)}]`
        : `${t.flow} [${value(t.target)}] if ${value(t.cond)} else ${where(t.otherwise as Location)}`;
    case 'svc':
      return `svc #${t.imm} then ${where(t.next)}${t.cond === undefined ? '' : ` if ${value(t.cond)}`}`;
    default:
      return `trap ${t.reason} at ${where(t.at)}`;
  }
};

export const printBlock = (block: IrBlock): string => {
  const lines = [`block ${where(block.location)} insns=${block.insnCount} bytes=${block.sizeBytes}`];
  let depth = 1;
  block.insts.forEach((inst, index) => {
    if (inst.op === 'endif') depth--;
    lines.push('  '.repeat(depth) + printInst(inst, index));
    if (inst.op === 'if') depth++;
  });
  lines.push(`  ${printTerminal(block.terminal)}`);
  return lines.join('\n');
};
