/**
 * Where a probe stands: `0x1040` (an address as objdump, nm or Ghidra show it for the program), `symbol`, a glob over
 * symbols (`str*`), a source line (`file.c:42`), each of them behind `module!` (a glob too) and with `+OFFSET` behind it, or `@0x401040` (a run-time
 * address as it is). `/thumb` or `/arm` at the end says what the code there is where nothing else does.
 */
import type { InterworkingAddr } from '../../bits.js';
import type { ElfFile } from '../../elf/elf-file.js';
import type { SourceLine } from '../../elf/line-table.js';
import type { SymbolSource } from '../../elf/symbol-file.js';
import { UsageError } from '../../errors.js';

export interface ProbePlace {
  readonly module: RegExp | undefined;
  /** A name, or a pattern for names. */
  readonly symbol: string | RegExp | undefined;
  /** Added to the symbol or to the address. */
  readonly offset: number;
  /** An address in the file, or at run time when `isRuntime`. */
  readonly address: number;
  readonly isRuntime: boolean;
  readonly isThumb: boolean | undefined;
  /** A line of the program's source instead. */
  readonly line: SourceLine | undefined;
}

/** A module that is loaded, as far as probes care. */
export interface LoadedModule {
  readonly name: string;
  readonly bias: number;
  readonly elf: ElfFile;
  /** The names of what is in it, its own or those of another file. */
  readonly source: SymbolSource;
  /** Makes names readable, so that they can be asked for as people write them. */
  readonly demangle?: ((name: string) => string) | undefined;
}

/** A place found: a run-time address and what is there. */
export interface FoundPlace {
  readonly address: InterworkingAddr;
  /** Undefined at an address of the user's that lies in no module. */
  readonly module: LoadedModule | undefined;
  /** The function that begins there. */
  readonly symbol: string | undefined;
  /** Nothing tells ARM from Thumb code there, and an instruction of either may begin. */
  readonly isEitherState: boolean;
}

const NUMBER = /^(?:0x[0-9a-f]+|[0-9]+)$/i;
const GLOB = /[*?[]/;

const badPlace = (text: string, what: string): UsageError =>
  new UsageError(`cannot make sense of the ${what} ${JSON.stringify(text)}`, {
    hint: "write an address (0x1040), a symbol (main), symbol+0x10, str*, file.c:42, module!symbol, @0xRUNTIME, or a prototype ('int f(char *s)')",
  });

const readAddress = (word: string, text: string, what: string): number => {
  const value = NUMBER.test(word) ? Number(word) : Number.NaN;
  if (!Number.isInteger(value) || value > 0xffff_ffff) throw badPlace(text, what);
  return value;
};

/** `*` is any text, `?` any character, `[...]` one of these. */
const globPattern = (glob: string, text: string, what: string): RegExp => {
  const body = glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  try {
    return new RegExp(`^${body}$`);
  } catch {
    throw badPlace(text, what);
  }
};

/** `lib` means `lib` and `lib.so`; what has a `*` is a glob. */
export const modulePattern = (name: string, text: string, what = 'probe'): RegExp =>
  GLOB.test(name)
    ? globPattern(name, text, what)
    : new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?:\\..*)?$`);

/** `file.c:42`, with or without directories. */
const LINE = /^(?:([^!]+)!)?([^!:]+\.[A-Za-z+]+):([1-9][0-9]*)$/;
const STATE = /\/(thumb|arm)$/;

/** Takes a place apart. Throws UsageError, which calls it `what`. */
export const parsePlace = (text: string, what = 'probe'): ProbePlace => {
  const state = STATE.exec(text);
  const isThumb = state === null ? undefined : state[1] === 'thumb';
  const bare = text.replace(STATE, '');
  const nowhere = { module: undefined, symbol: undefined, line: undefined, offset: 0, isThumb };
  if (bare.startsWith('@')) return { ...nowhere, address: readAddress(bare.slice(1), text, what), isRuntime: true };
  const line = LINE.exec(bare);
  if (line !== null) {
    const module = line[1] === undefined ? undefined : modulePattern(line[1], text, what);
    return { ...nowhere, module, line: { file: line[2], line: Number(line[3]) }, address: 0, isRuntime: false };
  }
  const match = /^(?:([^!]+)!)?([^!+]+)(?:\+([^!+]+))?$/.exec(bare);
  if (match === null) throw badPlace(text, what);
  const [, moduleName, place, plus] = match;
  const module = moduleName === undefined ? undefined : modulePattern(moduleName, text, what);
  const offset = plus === undefined ? 0 : readAddress(plus, text, what);
  if (/^[0-9]/.test(place)) {
    return { ...nowhere, module, offset, address: readAddress(place, text, what), isRuntime: false };
  }
  const symbol = GLOB.test(place) ? globPattern(place, text, what) : place;
  return { ...nowhere, module, symbol, offset, address: 0, isRuntime: false };
};

const withState = (address: number, isThumb: boolean): InterworkingAddr => ((address & ~1) | Number(isThumb)) >>> 0;

/** `ns::f` of `ns::f(int) const`: a readable name without what stands in its last parentheses and behind them. */
const withoutParameters = (readable: string): string => {
  let depth = 0;
  for (let at = readable.lastIndexOf(')'); at >= 0; at--) {
    if (readable[at] === ')') depth++;
    else if (readable[at] === '(' && --depth === 0) return readable.slice(0, at);
  }
  return readable;
};

/** Functions by the names people read, with parameters and without. */
const readableMatches = (
  isMeant: (name: string) => boolean,
  { source, demangle }: LoadedModule,
): { address: number; name: string }[] =>
  demangle === undefined
    ? []
    : source.symbols.matching((name) => {
        const readable = demangle(name);
        return readable !== name && (isMeant(readable) || isMeant(withoutParameters(readable)));
      });

/** Functions called so in the file, else so by people; of a pattern, both. */
const functionsNamed = (symbol: string | RegExp, module: LoadedModule): { address: number; name: string }[] => {
  const { symbols } = module.source;
  if (typeof symbol === 'string') {
    const found = symbols.addressesOf(symbol).map((address) => ({ address, name: symbol }));
    return found.length > 0 ? found : readableMatches((name) => name === symbol, module);
  }
  const isMeant = (name: string): boolean => symbol.test(name);
  const found = symbols.matching(isMeant);
  const known = new Set(found.map(({ address }) => address));
  return [...found, ...readableMatches(isMeant, module).filter(({ address }) => !known.has(address))];
};

/** The file addresses of symbols, with bit 0 set for Thumb code. */
const symbolsIn = ({ symbol, offset }: ProbePlace, module: LoadedModule): { address: number; name: string }[] => {
  const { symbols } = module.source;
  return functionsNamed(symbol as string | RegExp, module).map(({ address, name }) => {
    if (offset === 0) return { address, name };
    const inside = ((address & ~1) + offset) >>> 0;
    return { address: withState(inside, symbols.isThumbAt(inside) ?? (address & 1) === 1), name };
  });
};

interface FileAddress {
  /** With bit 0 as the file has it. */
  readonly address: number;
  /** The function that begins there. */
  readonly name: string | undefined;
  readonly isEitherState?: boolean;
}

/** Without anything to go by: bit 0 of what was written, or that ARM instructions begin at multiples of four. */
const stateOf = (asked: number): boolean => (asked & 3) !== 0;

/** What is at a file address. */
const addressIn = (asked: number, { symbols }: SymbolSource): FileAddress => {
  const isThumb = symbols.isThumbAt(asked);
  const address = withState(asked, isThumb ?? stateOf(asked));
  const match = symbols.lookup(address);
  return {
    address,
    name: match?.offset === 0 ? match.name : undefined,
    isEitherState: isThumb === undefined && !stateOf(asked),
  };
};

/** Every stretch of code of a source line. */
const lineIn = ({ file, line }: SourceLine, place: ProbePlace, module: LoadedModule): FoundPlace[] =>
  module.source.lines.addressesOf(file, line).map((at) => {
    const { address, name } = addressIn(at, module.source);
    const runtime = (address + module.bias) >>> 0;
    const isThumb = place.isThumb ?? (address & 1) === 1;
    return { address: withState(runtime, isThumb), module, symbol: name, isEitherState: false };
  });

const placesIn = (place: ProbePlace, module: LoadedModule): FoundPlace[] => {
  const { line } = place;
  if (line !== undefined) return lineIn(line, place, module);
  const found: readonly FileAddress[] =
    place.symbol === undefined
      ? [addressIn((place.address + place.offset) >>> 0, module.source)]
      : symbolsIn(place, module);
  return found.map(({ address, name, isEitherState = false }) => {
    const at = (address + module.bias) >>> 0;
    const isEntry = place.symbol === undefined || place.offset === 0;
    return {
      address: place.isThumb === undefined ? at : withState(at, place.isThumb),
      module,
      symbol: isEntry ? name : undefined,
      isEitherState: isEitherState && place.isThumb === undefined,
    };
  });
};

const runtimePlace = (place: ProbePlace, modules: readonly LoadedModule[]): FoundPlace => {
  const at = place.address;
  const module = modules.find(({ bias, source }) => source.symbols.stateAt((at - bias) >>> 0) !== undefined);
  if (module !== undefined) {
    const asked = { ...place, address: (at - module.bias) >>> 0, isRuntime: false };
    return placesIn(asked, module)[0] as FoundPlace;
  }
  const isEitherState = place.isThumb === undefined && !stateOf(at);
  return { address: withState(at, place.isThumb ?? stateOf(at)), module, symbol: undefined, isEitherState };
};

/**
 * The places of a probe in the modules loaded; none when nothing matches. Without `module!`, an address means the program
 * (the first module) and a symbol is looked for everywhere.
 */
export const findPlaces = (place: ProbePlace, modules: readonly LoadedModule[]): FoundPlace[] => {
  if (place.isRuntime) return [runtimePlace(place, modules)];
  const asked = place.module;
  const candidates =
    asked !== undefined
      ? modules.filter(({ name }) => asked.test(name))
      : place.symbol === undefined && place.line === undefined
        ? modules.slice(0, 1)
        : modules;
  return candidates.flatMap((module) => placesIn(place, module));
};
