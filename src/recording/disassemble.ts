/** Text of the instructions around an address, by Capstone. It is loaded only here, when a program has crashed. */
import { createRequire } from 'node:module';
import type { CodeWindow } from '../process/crash-report.js';
import type { CrashInsn } from './crash-report.js';

/** The part of capstone-wasm 1.0.3 used here; its package.json hides its own types from NodeNext resolution. */
interface CapstoneModule {
  readonly loadCapstone: () => Promise<void>;
  readonly Capstone: new (arch: number, mode: number) => Capstone;
  readonly Const: Readonly<Record<string, number>>;
}
interface Capstone {
  disasm(data: Uint8Array, options: { address: number; count: number }): { mnemonic: string; opStr: string }[];
  close(): void;
}

/** A first halfword of 0xe800 or above begins a 32-bit Thumb instruction. */
const isWideThumb = (code: CodeWindow, at: number): boolean => code.bytes[at - code.address + 1] >= 0xe8;

const sizeAt = (code: CodeWindow, at: number): number => (code.isThumb && !isWideThumb(code, at) ? 2 : 4);

/** Starts of the instructions from `first` to the end of the window. */
const startsFrom = (code: CodeWindow, first: number): number[] => {
  const end = code.address + code.bytes.length;
  const starts: number[] = [];
  for (let at = first; at < end && at + sizeAt(code, at) <= end; at += sizeAt(code, at)) starts.push(at);
  return starts;
};

/** Thumb code cannot be read backwards: the first way through the window that has an instruction start at `pc` is taken. */
const instructionStarts = (code: CodeWindow, pc: number): number[] => {
  for (let first = code.address; first < pc; first += code.isThumb ? 2 : 4) {
    const starts = startsFrom(code, first);
    if (starts.includes(pc)) return starts;
  }
  return startsFrom(code, pc);
};

/** capstone-wasm throws on bytes that are no instruction. */
const textOf = (engine: Capstone, bytes: Uint8Array, address: number): string | undefined => {
  try {
    const [insn] = engine.disasm(bytes, { address, count: 1 });
    return insn === undefined ? undefined : `${insn.mnemonic} ${insn.opStr}`.trimEnd();
  } catch {
    return undefined;
  }
};

/** The instructions of `code`, which holds `pc`. */
export const disassemble = async (code: CodeWindow, pc: number): Promise<CrashInsn[]> => {
  const { loadCapstone, Capstone, Const } = createRequire(import.meta.url)('capstone-wasm') as CapstoneModule;
  await loadCapstone();
  const engine = new Capstone(Const.CS_ARCH_ARM, code.isThumb ? Const.CS_MODE_THUMB : Const.CS_MODE_ARM);
  const lines = instructionStarts(code, pc).map((address): CrashInsn => {
    const offset = address - code.address;
    const bytes = code.bytes.slice(offset, offset + sizeAt(code, address));
    const text = textOf(engine, bytes, address) ?? '(not an instruction)';
    return { address, bytes: Buffer.from(bytes).toString('hex'), text, isPc: address === pc };
  });
  engine.close();
  return lines;
};
