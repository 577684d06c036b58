/**
 * Where a probe stands: `0x1040` (an address as objdump, nm or Ghidra show it for the program), `symbol`, `symbol+0x10`,
 * either of them behind `module!`, or `@0x401040` (a run-time address as it is).
 */
import type { InterworkingAddr } from '../bits.js';
import type { ElfFile } from '../elf/elf-file.js';
import { UsageError } from '../errors.js';

export interface ProbeSpec {
  /** As the user wrote it. */
  readonly text: string;
  readonly module?: string;
  readonly symbol?: string;
  /** Added to the symbol or to the address. */
  readonly offset: number;
  /** An address in the file, or at run time when `isRuntime`. */
  readonly address?: number;
  readonly isRuntime: boolean;
}

/** A module that is loaded, as far as probes care. */
export interface LoadedModule {
  readonly name: string;
  readonly bias: number;
  readonly elf: ElfFile;
}

const NUMBER = /^(?:0x[0-9a-f]+|[0-9]+)$/i;

const badSpec = (text: string): UsageError =>
  new UsageError(`cannot make sense of the probe ${JSON.stringify(text)}`, {
    hint: 'write an address (0x1040), a symbol (main), symbol+0x10, module!symbol or @0xRUNTIME',
  });

const address = (word: string, text: string): number => {
  const value = NUMBER.test(word) ? Number(word) : Number.NaN;
  if (!Number.isInteger(value) || value > 0xffff_ffff) throw badSpec(text);
  return value;
};

/** Takes a specification apart. Throws UsageError. */
export const parseProbeSpec = (text: string): ProbeSpec => {
  if (text.startsWith('@')) return { text, offset: 0, address: address(text.slice(1), text), isRuntime: true };
  const match = /^(?:([^!]+)!)?([^!+]+)(?:\+([^!+]+))?$/.exec(text);
  if (match === null) throw badSpec(text);
  const [, module, place, plus] = match;
  const offset = plus === undefined ? 0 : address(plus, text);
  const named = module === undefined ? {} : { module };
  if (/^[0-9]/.test(place)) return { text, ...named, offset, address: address(place, text), isRuntime: false };
  return { text, ...named, symbol: place, offset, isRuntime: false };
};

/** The file addresses `spec` means in one module; bit 0 is set for Thumb code. */
const addressesIn = (spec: ProbeSpec, { symbols }: ElfFile): number[] => {
  if (spec.symbol !== undefined) {
    return symbols.addressesOf(spec.symbol).map((at) => {
      if (spec.offset === 0) return at;
      const inside = ((at & ~1) + spec.offset) >>> 0;
      return inside | Number(symbols.isThumbAt(inside) ?? (at & 1) === 1);
    });
  }
  const at = ((spec.address ?? 0) + spec.offset) >>> 0;
  const isThumb = symbols.isThumbAt(at) ?? (at & 1) === 1;
  return [((at & ~1) | Number(isThumb)) >>> 0];
};

/**
 * Run-time addresses of a probe in the modules loaded; empty when nothing matches. Without `module!`, an address means
 * the program (the first module) and a symbol is looked for everywhere.
 */
export const resolveProbe = (spec: ProbeSpec, modules: readonly LoadedModule[]): InterworkingAddr[] => {
  if (spec.isRuntime) {
    const at = spec.address ?? 0;
    const module = modules.find(({ bias, elf }) => elf.symbols.stateAt((at - bias) >>> 0) !== undefined);
    const isThumb = module?.elf.symbols.isThumbAt((at - module.bias) >>> 0) ?? (at & 1) === 1;
    return [((at & ~1) | Number(isThumb)) >>> 0];
  }
  const asked = spec.module;
  const candidates =
    asked !== undefined
      ? modules.filter(({ name }) => name === asked || name.startsWith(`${asked}.`))
      : spec.symbol === undefined
        ? modules.slice(0, 1)
        : modules;
  return candidates.flatMap(({ elf, bias }) => addressesIn(spec, elf).map((at) => (at + bias) >>> 0));
};
