/** Which columns each table of `summarize` has. */
import type { Place, Summary, SummaryTable } from '../index.js';
import type { Column } from './table.js';

/** A row of any of the tables; a column reads the keys its own table has. */
type Row = Readonly<Record<string, unknown>>;

export interface SummaryColumn extends Column<Row> {
  /** Shown only when asked for with --fields. */
  readonly isExtra?: boolean;
  /** Not known where calls were only counted. */
  readonly needsOrder?: boolean;
}

/** Keys whose values come from the order of events. */
const ORDERED: ReadonlySet<string> = new Set([
  'total',
  'self',
  'returns',
  'unwound',
  'min',
  'mean',
  'max',
  'deepest',
  'insns',
  'events',
]);

const number = (header: string, key: string, isExtra = false): SummaryColumn => ({
  header,
  needsOrder: ORDERED.has(key),
  value: (row) => row[key] as number,
  isExtra,
});
const string = (header: string, key: string, isExtra = false): SummaryColumn => ({
  header,
  value: (row) => String(row[key]),
  isExtra,
});

const placeText = ({ module, offset, symbol, symbolOffset }: Place): string => {
  const inside = symbolOffset === 0 ? '' : `+0x${symbolOffset.toString(16)}`;
  return symbol === '' ? `${module}${module === '' ? '' : '!'}${offset}` : `${symbol}${inside}`;
};
const place = (header: string, key: string): SummaryColumn => ({
  header,
  value: (row) => placeText(row[key] as Place),
});

/** How much of all the instructions counted a row's own are. */
const share = (header: string, allInsns: number): SummaryColumn => ({
  header,
  needsOrder: true,
  value: (row) => (allInsns === 0 ? 0 : ((row.self as number) / allInsns) * 100),
  digits: 1,
  suffix: '%',
});

/** `main`, or `libc.so!0x2340` where there is no symbol. */
const functionText = ({ symbol, module, offset, source }: Row): string =>
  `${symbol === offset && module !== '' ? `${module}!${symbol}` : symbol}${source === undefined ? '' : ` (${source})`}`;

/** No tree is indented further than this many levels. */
const MAX_INDENT = 100;

const probeValues: SummaryColumn = {
  header: 'FIRST VALUE (TIMES)',
  value: ({ values }) => {
    const [first] = Object.entries(values as Record<string, { text: string; count: number }[]>);
    if (first === undefined) return '';
    const [name, seen] = first;
    const shown = seen.slice(0, 4).map(({ text, count }) => `${text} (${count})`);
    return `${name} ${shown.join(', ')}${seen.length > shown.length ? ', ...' : ''}`;
  },
};

/** What activations cost and how they ended. */
const ACTIVATIONS: readonly SummaryColumn[] = [
  number('RETURNS', 'returns', true),
  number('UNWOUND', 'unwound', true),
  number('MIN', 'min', true),
  { ...number('MEAN', 'mean', true), digits: 1 },
  number('MAX', 'max', true),
  number('DEEPEST', 'deepest', true),
];

/** The columns of a tree; a row carries its level. */
export const treeColumns = (allInsns: number): readonly SummaryColumn[] => [
  number('CALLS', 'calls'),
  number('TOTAL', 'total'),
  number('SELF', 'self'),
  share('SELF%', allInsns),
  number('RECURSIVE', 'recursive', true),
  ...ACTIVATIONS,
  number('LEVEL', 'level', true),
  string('MODULE', 'module', true),
  string('OFFSET', 'offset', true),
  {
    header: 'FUNCTION',
    value: (row) => `${'  '.repeat(Math.min(row.level as number, MAX_INDENT))}${functionText(row)}`,
  },
];

/** The columns of a table. `allInsns` is what 100 % is. */
export const summaryColumns = (by: SummaryTable, allInsns: number): readonly SummaryColumn[] => {
  switch (by) {
    case 'function':
      return [
        number('CALLS', 'calls'),
        number('TOTAL', 'total'),
        number('SELF', 'self'),
        share('SELF%', allInsns),
        ...ACTIVATIONS,
        string('MODULE', 'module', true),
        string('OFFSET', 'offset', true),
        { header: 'FUNCTION', value: functionText },
      ];
    case 'module':
      return [
        number('FUNCTIONS', 'functions'),
        number('CALLS', 'calls'),
        number('TOTAL', 'total'),
        number('SELF', 'self'),
        share('SELF%', allInsns),
        ...ACTIVATIONS,
        string('MODULE', 'module'),
      ];
    case 'thread':
      return [
        string('TID', 'tid'),
        number('INSNS', 'insns'),
        number('EVENTS', 'events'),
        number('CALLS', 'calls'),
        number('RETURNS', 'returns'),
        number('DEEPEST', 'deepest'),
        string('NAME', 'name'),
      ];
    case 'callsite':
      return [
        number('CALLS', 'calls'),
        number('TOTAL', 'total'),
        number('SELF', 'self', true),
        ...ACTIVATIONS,
        place('FROM', 'from'),
        place('TO', 'to'),
      ];
    case 'syscall':
      return [
        number('CALLS', 'calls'),
        number('ERRORS', 'errors'),
        number('INSNS', 'insns', true),
        string('SYSCALL', 'name'),
      ];
    case 'probe':
      return [number('HITS', 'hits'), string('PROBE', 'spec'), probeValues];
    case 'block':
      return [
        number('TIMES', 'count'),
        number('BYTES', 'sizeBytes'),
        string('ADDRESS', 'address'),
        place('BLOCK', 'at'),
      ];
  }
};

export const COVERAGE_COLUMNS: readonly SummaryColumn[] = [
  number('BLOCKS', 'blocks'),
  number('BYTES', 'bytes'),
  number('OF', 'sizeBytes'),
  {
    header: 'RAN%',
    value: ({ bytes, sizeBytes }) => ((bytes as number) / Math.max(1, sizeBytes as number)) * 100,
    digits: 1,
    suffix: '%',
  },
  string('START', 'start'),
  string('END', 'end'),
  string('MODULE', 'module'),
];

const KEYS: Readonly<Record<SummaryTable, keyof Summary>> = {
  function: 'functions',
  module: 'modules',
  thread: 'threads',
  callsite: 'callsites',
  syscall: 'syscalls',
  probe: 'probes',
  block: 'blocks',
};

/** Under which key a summary has the rows of its table. */
export const tableKey = (by: SummaryTable): keyof Summary => KEYS[by];
