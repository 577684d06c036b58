/**
 * What an instruction does to the flow of control, read from Capstone's text: independent of src/arm on purpose.
 * The classes are those of the `precise` profile.
 */
import { Capstone, Const, type Insn, loadCapstone } from 'capstone-wasm';

export type FlowKind = 'plain' | 'branch' | 'call' | 'return' | 'indirect';

export interface Flow {
  /** plain: does not write pc. branch: direct. return: return-class. indirect: any other computed write of pc. */
  readonly kind: FlowKind;
  readonly sizeBytes: number;
  /** Interworking target of a direct branch or call. */
  readonly target: number | undefined;
  /** Carries a condition of its own (A32 cond field, b<cc>, cbz). */
  readonly conditional: boolean;
  readonly text: string;
}

const conditions = new Set('eq ne hs cs lo cc mi pl vs vc hi ls ge lt gt le al'.split(' '));
const dataProcessing = /^(mov|mvn|add|sub|rsb|rsc|adc|sbc|and|orr|eor|bic|orn|lsl|lsr|asr|ror|rrx)/;

await loadCapstone();
const armDisassembler = new Capstone(Const.CS_ARCH_ARM, Const.CS_MODE_ARM);
const thumbDisassembler = new Capstone(Const.CS_ARCH_ARM, Const.CS_MODE_THUMB | Const.CS_MODE_V8);

const isConditional = (mnemonic: string, stem: string): boolean =>
  mnemonic === stem || (mnemonic.startsWith(stem) && conditions.has(mnemonic.slice(stem.length)));

/** The kind of flow an instruction makes, from Capstone's mnemonic (without `.w`) and operands. */
export const flowKind = (mnemonic: string, operands: string): FlowKind => {
  if (isConditional(mnemonic, 'b') || mnemonic === 'cbz' || mnemonic === 'cbnz') return 'branch';
  if (isConditional(mnemonic, 'bl') || isConditional(mnemonic, 'blx')) return 'call';
  if (isConditional(mnemonic, 'bx') || isConditional(mnemonic, 'bxj')) return operands === 'lr' ? 'return' : 'indirect';
  if (mnemonic === 'tbb' || mnemonic === 'tbh') return 'indirect';
  const listed = /\{.*\bpc\}/.test(operands);
  if (listed && (mnemonic.startsWith('pop') || mnemonic.startsWith('ldm'))) return 'return';
  if (!/^pc\b/.test(operands)) return 'plain';
  if (mnemonic.startsWith('ldr')) return /^pc, \[sp\], #4$/.test(operands) ? 'return' : 'indirect';
  if (/^mov/.test(mnemonic) && operands === 'pc, lr') return 'return';
  return dataProcessing.test(mnemonic) ? 'indirect' : 'plain';
};

const directTarget = (mnemonic: string, operands: string, thumb: boolean): number | undefined => {
  const match = /#(?:0x)?([0-9a-f]+)$/.exec(operands);
  if (match === null) return undefined;
  const address = Number.parseInt(match[1] as string, operands.includes('#0x') ? 16 : 10);
  const toThumb = mnemonic.startsWith('blx') ? !thumb : thumb;
  return address + (toThumb ? 1 : 0);
};

/** capstone-wasm throws on a word it does not know. */
const firstOf = (disassembler: Capstone, bytes: Uint8Array, address: number): Insn | undefined => {
  try {
    return disassembler.disasm(bytes, { address, count: 1 })[0];
  } catch {
    return undefined;
  }
};

/** Classifies the instruction `bytes` at `pc` (bit 0: Thumb). Words Capstone does not know are plain. */
export const classify = (pc: number, bytes: Uint8Array): Flow => {
  const thumb = (pc & 1) === 1;
  const disassembler = thumb ? thumbDisassembler : armDisassembler;
  const insn = bytes.length === 0 ? undefined : firstOf(disassembler, bytes, (pc & ~1) >>> 0);
  if (insn === undefined)
    return { kind: 'plain', sizeBytes: bytes.length, target: undefined, conditional: false, text: 'unknown' };
  const mnemonic = insn.mnemonic.replace(/\.w$/, '');
  const kind = flowKind(mnemonic, insn.opStr);
  const direct = kind === 'branch' || kind === 'call';
  return {
    kind,
    sizeBytes: bytes.length,
    target: direct ? directTarget(mnemonic, insn.opStr, thumb) : undefined,
    conditional: thumb
      ? mnemonic.startsWith('cb') || (kind === 'branch' && mnemonic !== 'b')
      : ((bytes[3] as number) & 0xf0) < 0xe0,
    text: `${insn.mnemonic} ${insn.opStr}`.trim(),
  };
};
