/**
 * What calls are not followed into: `0x1040-0x1100` and `0x1040+0xc0` (addresses as objdump shows them for the program),
 * `@0x401040-0x401100` (at run time), a function by name or glob, `module!function`, or else a module of that name, which
 * may be mapped later.
 */
import { UsageError } from '../errors.js';
import type { ModuleNote } from '../events/event.js';
import type { MemoryRange } from '../stalker/exclusion.js';
import { findPlaces, type LoadedModule, modulePattern, type ProbePlace, parsePlace } from './probe/place.js';

/** Functions without a size: a call goes to the first instruction. */
const MIN_BYTES = 2;
const RANGE = /^(@?)(0x[0-9a-f]+|[0-9]+)(?:(?:-|~)(0x[0-9a-f]+|[0-9]+)|\+(0x[0-9a-f]+|[0-9]+))$/i;

/** A range of addresses as written: in the program's file, or at run time. */
interface WrittenRange extends MemoryRange {
  readonly isRuntime: boolean;
}

interface Exclusion {
  readonly spec: string;
  readonly range: WrittenRange | undefined;
  /** Modules with this name, if it can be a module's and is no function's. */
  module: RegExp | undefined;
  /** Functions there. */
  readonly place: ProbePlace | undefined;
  isMatched: boolean;
}

const HINT =
  'write a module (libc.so), a function (printf, str*), module!function, or a range: 0x1040-0x1100, 0x1040+0xc0, @0xRUNTIME-0xRUNTIME';

const parseRange = (spec: string): WrittenRange | undefined => {
  const match = RANGE.exec(spec);
  if (match === null) return undefined;
  const [, runtime, from, to, length] = match as unknown as [string, string, string, string?, string?];
  const base = Number(from);
  const size = length === undefined ? Number(to) - base : Number(length);
  if (size <= 0 || base + size > 0x1_0000_0000) {
    throw new UsageError(`the exclusion ${JSON.stringify(spec)} is no range of addresses`, { hint: HINT });
  }
  return { base, size, isRuntime: runtime === '@' };
};

const parseExclusion = (spec: string): Exclusion => {
  const range = parseRange(spec);
  if (range !== undefined) return { spec, range, module: undefined, place: undefined, isMatched: false };
  if (spec === '' || /^[@0-9]/.test(spec)) {
    throw new UsageError(`cannot make sense of the exclusion ${JSON.stringify(spec)}`, { hint: HINT });
  }
  return {
    spec,
    range,
    module: /[!*?[]/.test(spec) ? undefined : modulePattern(spec, spec, 'exclusion'),
    place: parsePlace(spec, 'exclusion'),
    isMatched: false,
  };
};

export class ExcludedRanges {
  private readonly exclusions: readonly Exclusion[];
  private readonly exclude: (range: MemoryRange) => void;

  /** Throws UsageError on a specification that makes no sense. */
  constructor(specs: readonly string[], exclude: (range: MemoryRange) => void) {
    this.exclusions = specs.map(parseExclusion);
    this.exclude = exclude;
  }

  /** Excludes ranges and functions of the modules that are loaded at the start; the first is the program. */
  resolve(modules: readonly LoadedModule[]): void {
    for (const exclusion of this.exclusions) {
      const { range, place } = exclusion;
      if (range !== undefined) this.add(exclusion, rangeIn(range, modules[0]));
      if (place === undefined) continue;
      for (const { address, module } of findPlaces(place, modules)) {
        if (module === undefined) continue;
        this.add(exclusion, functionAt(address, module));
        exclusion.module = undefined;
      }
    }
  }

  /** Excludes a module that was mapped, if its name says so. */
  mapped({ name, start, end }: ModuleNote): void {
    for (const exclusion of this.exclusions) {
      if (exclusion.module?.test(name)) this.add(exclusion, { base: start, size: end - start });
    }
  }

  /** What has matched nothing so far. */
  get unmatched(): readonly string[] {
    return this.exclusions.filter(({ isMatched }) => !isMatched).map(({ spec }) => spec);
  }

  private add(exclusion: Exclusion, range: MemoryRange): void {
    exclusion.isMatched = true;
    this.exclude(range);
  }
}

const rangeIn = ({ base, size, isRuntime }: WrittenRange, program: LoadedModule | undefined): MemoryRange => ({
  base: (base + (isRuntime ? 0 : (program?.bias ?? 0))) >>> 0,
  size,
});

const functionAt = (address: number, { bias, source }: LoadedModule): MemoryRange => {
  const base = (address & ~1) >>> 0;
  const size = source.symbols.lookup((base - bias) >>> 0)?.sizeBytes ?? 0;
  return { base, size: Math.max(MIN_BYTES, size) };
};
