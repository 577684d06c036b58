/** Instructions as Frida scripts see them, in Capstone's words. Capstone is loaded when a script brings a transformer. */
import { createRequire } from 'node:module';
import type { Insn } from '../arm/insn.js';
import { UsageError } from '../errors.js';
import { attached } from './attached.js';
import { NativePointer } from './native-pointer.js';

interface Disassembler {
  disasm(data: Uint8Array, options: { address: number; count: number }): { mnemonic: string; opStr: string }[];
}

/** The part of capstone-wasm used here; its package.json hides its own types from NodeNext resolution. */
interface CapstoneModule {
  readonly loadCapstone: () => Promise<void>;
  readonly Capstone: new (arch: number, mode: number) => Disassembler;
  readonly Const: Readonly<Record<string, number>>;
}

let disassemblers: Readonly<Record<'arm' | 'thumb', Disassembler>> | undefined;

export const loadDisassembler = async (): Promise<void> => {
  if (disassemblers !== undefined) return;
  const { loadCapstone, Capstone, Const } = createRequire(import.meta.url)('capstone-wasm') as CapstoneModule;
  await loadCapstone();
  const open = (mode: string) => new Capstone(Const.CS_ARCH_ARM as number, Const[mode] as number);
  disassemblers = { arm: open('CS_MODE_ARM'), thumb: open('CS_MODE_THUMB') };
};

export class Instruction {
  /** Address without the Thumb bit. */
  readonly address: NativePointer;
  readonly next: NativePointer;
  /** In bytes. */
  readonly size: number;
  private readonly isa: 'arm' | 'thumb';
  private text: { mnemonic: string; opStr: string } | undefined;

  constructor(insn: Insn) {
    this.address = new NativePointer(insn.pc);
    this.next = new NativePointer((insn.pc + insn.sizeBytes) >>> 0);
    this.size = insn.sizeBytes;
    this.isa = insn.isa;
  }

  /** `bl`, `addeq`: as Capstone writes it. */
  get mnemonic(): string {
    return this.disassembled().mnemonic;
  }

  get opStr(): string {
    return this.disassembled().opStr;
  }

  toString(): string {
    return `${this.mnemonic} ${this.opStr}`.trimEnd();
  }

  private disassembled(): { mnemonic: string; opStr: string } {
    if (disassemblers === undefined) {
      throw new UsageError('no disassembler is loaded', {
        hint: 'call Stalker.follow with `transform` before resume()',
      });
    }
    if (this.text !== undefined) return this.text;
    const address = this.address.toUInt32();
    const bytes = attached().memory.u8.slice(address, address + this.size);
    this.text = textOf(disassemblers[this.isa], bytes, address);
    return this.text;
  }
}

/** capstone-wasm throws on bytes that it does not know. */
const textOf = (disassembler: Disassembler, bytes: Uint8Array, address: number) => {
  try {
    const [found] = disassembler.disasm(bytes, { address, count: 1 });
    return found ?? { mnemonic: '(bad)', opStr: '' };
  } catch {
    return { mnemonic: '(bad)', opStr: '' };
  }
};
