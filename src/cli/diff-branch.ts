/** The instruction at which two traces parted, disassembled. */
import { type Divergence, disassemble } from '../index.js';

export interface BranchInsn {
  /** As objdump shows it. */
  readonly address: string;
  readonly text: string;
  /** The block's instructions before it, in words. */
  readonly before: readonly string[];
}

/** The last instruction of the last block both traces ran; undefined without the program's file. */
export const branchInsn = async (divergence: Divergence | undefined): Promise<BranchInsn | undefined> => {
  const code = divergence?.block?.code;
  if (code === undefined) return undefined;
  const insns = await disassemble(code, code.address);
  const branch = insns.at(-1);
  if (branch === undefined) return undefined;
  const text = branch.text.replaceAll('#0x', '0x');
  return { address: `0x${branch.address.toString(16)}`, text, before: insns.slice(0, -1).map((insn) => insn.text) };
};

/** Copies of r0 to other registers leave it alone. */
const KEEPS_RESULT = /^movs?(\.w)? (r[1-9]|r1[0-2]|sb|sl|fp|ip), /;
const TESTS_RESULT = /^(cbn?z|cmp|cmp\.w|tst|tst\.w|teq) r0,/;

/** `r0 = return of f`, when the branch or the comparison just before it looks at what the call before returned. */
export const returnNote = ({ lastReturn }: Divergence, { text, before }: BranchInsn): string => {
  if (lastReturn === undefined) return '';
  const rest = [...before.filter((insn) => !KEEPS_RESULT.test(insn)), text];
  return rest.length <= 2 && TESTS_RESULT.test(rest[0]) ? `r0 = return of ${lastReturn}` : '';
};
