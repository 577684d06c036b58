/** The part of capstone-wasm 1.0.3 the tests use; its package.json hides its own types from NodeNext resolution. */
declare module 'capstone-wasm' {
  export interface Insn {
    readonly id: number;
    readonly address: number | bigint;
    readonly size: number;
    readonly bytes: Uint8Array;
    readonly mnemonic: string;
    readonly opStr: string;
  }

  export class Capstone {
    constructor(arch: number, mode: number);
    close(): void;
    disasm(data: Uint8Array | readonly number[], options?: { address?: number | bigint; count?: number }): Insn[];
  }

  export const Const: Readonly<Record<string, number>> & {
    readonly CS_ARCH_ARM: number;
    readonly CS_MODE_ARM: number;
    readonly CS_MODE_THUMB: number;
    readonly CS_MODE_V8: number;
  };

  export function loadCapstone(args?: Record<string, unknown>): Promise<void>;
}
