import { demangleName, type NameOptions, type ReadFilters } from '../index.js';
import type { FlagValues } from './flag.js';
import { anyOf, moduleTest } from './pattern.js';
import type { FILTER_FLAGS, NAME_FLAGS } from './read-flags.js';

type FilterValues = FlagValues<typeof FILTER_FLAGS>;

/** The filters the words stand for. Throws UsageError for a pattern that makes no sense. */
export const readFilters = (flags: FilterValues): ReadFilters => {
  const [only, without] = [anyOf(flags.filter, flags.match), anyOf(flags.notrace, flags.match)];
  const [caller, hide] = [anyOf(flags.caller, flags.match), anyOf(flags.hide, flags.match)];
  const rows = moduleTest(flags['include-module'], flags['exclude-module']);
  return {
    ...(only && { only }),
    ...(without && { without }),
    ...(caller && { caller }),
    ...(hide && { hide }),
    ...(rows && { rows }),
    ...(flags.depth !== undefined && { depth: flags.depth }),
    ...(flags['min-cost'] !== undefined && { minCost: flags['min-cost'] }),
  };
};

/** The threads that are meant. */
export const readThreads = ({ tid }: Pick<FilterValues, 'tid'>) => (tid.length > 0 ? { threads: tid.flat() } : {});

/** Where names are to come from besides the trace, and how they are shown. */
export const readNames = (flags: FlagValues<typeof NAME_FLAGS>): { names: NameOptions } => ({
  names: {
    symbols: flags.symbols,
    lines: flags.srcline,
    veneers: flags['show-veneers'],
    ...(flags['no-demangle'] ? {} : { demangle: demangleName }),
  },
});
