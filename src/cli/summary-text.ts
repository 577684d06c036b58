/** A summary as text: comment lines around a table, delimited values, or JSON. */
import { basename } from 'node:path';
import { type Summary, UsageError } from '../index.js';
import { escapeText } from './escape.js';
import { groupDigits } from './number-text.js';
import { COVERAGE_COLUMNS, type SummaryColumn, summaryColumns, tableKey, treeColumns } from './summary-columns.js';
import type { SummaryStyle } from './summary-style.js';
import { renderDelimited, renderTable } from './table.js';

type Row = Readonly<Record<string, unknown>>;

const exitText = ({ trace }: Summary): string => {
  if (trace.exit === undefined) return 'no end recorded';
  const { reason, code, signal } = trace.exit;
  if (code !== undefined) return `exit ${code}`;
  return signal === undefined ? reason : `killed by signal ${signal}`;
};

/** `# good.pb: ./lock, build-id 7c1f..., 26,690 insns, exit 0, complete` */
const headLine = (summary: Summary): string => {
  const { file, program, buildId, insns, complete } = summary.trace;
  const facts = [
    program,
    ...(buildId === '' ? [] : [`build-id ${buildId.slice(0, 8)}`]),
    `${groupDigits(insns)} insns`,
    exitText(summary),
    complete ? 'complete' : 'incomplete',
  ];
  const files = file.split(' ').map((name) => basename(name));
  return escapeText(`# ${files.join(' ')}: ${facts.join(', ')}`);
};

/** `# 76 more functions, 0 lost events, deepest stack 12` */
const footLine = (summary: Summary, shown: number): string => {
  const { lost, deepestStack } = summary.trace;
  const more = summary.rowCount - shown;
  const rest = more > 0 ? [`${groupDigits(more)} more ${tableKey(summary.by)}`] : [];
  const stack = deepestStack === 0 ? [] : [`deepest stack ${groupDigits(deepestStack)}`];
  return `# ${[...rest, `${groupDigits(lost)} lost events`, ...stack].join(', ')}`;
};

/** The columns asked for, in the order asked for; `+a,b` adds to the usual ones, before the last. */
const chooseColumns = (
  all: readonly SummaryColumn[],
  fields: string | undefined,
  countsOnly = false,
): readonly SummaryColumn[] => {
  const usual = all.filter(({ isExtra, needsOrder }) => !isExtra && !(countsOnly && needsOrder));
  if (fields === undefined) return usual;
  const isAddition = fields.startsWith('+');
  const chosen = fields
    .replace(/^\+/, '')
    .split(',')
    .map((name) => {
      const column = all.find(({ header }) => header.toLowerCase() === name.toLowerCase());
      if (column !== undefined) return column;
      const names = all.map(({ header }) => header.toLowerCase()).join(', ');
      throw new UsageError(`there is no column ${JSON.stringify(name)}`, { hint: `choose from: ${names}` });
    });
  return isAddition ? [...usual.slice(0, -1), ...chosen, ...usual.slice(-1)] : chosen;
};

const rowsText = (rows: readonly Row[], columns: readonly SummaryColumn[], style: SummaryStyle): string =>
  style.format === 'table'
    ? renderTable(rows, columns, style.hasHeader)
    : renderDelimited(rows, columns, style.format === 'csv' ? ',' : '\t', style.hasHeader);

const rowsOf = (summary: Summary): readonly Row[] => summary[tableKey(summary.by)] as unknown as readonly Row[];
const firstRows = (summary: Summary, { top }: SummaryStyle): readonly Row[] =>
  top === 0 ? rowsOf(summary) : rowsOf(summary).slice(0, top);

/** The tree's paths in the order they are printed, each with its level. */
function* pathsOf(rows: Summary['tree'], level = 0): Generator<Row> {
  for (const { children, ...row } of rows ?? []) {
    yield { ...row, level };
    yield* pathsOf(children, level + 1);
  }
}

const selfOf = (rows: readonly Row[]): number => rows.reduce((sum, row) => sum + Number(row.self ?? 0), 0);

/** A table between comment lines, or delimited values. */
const tableText = (summary: Summary, style: SummaryStyle): string => {
  const allSelf = selfOf(rowsOf(summary));
  const rows = style.isTree ? [...pathsOf(summary.tree)] : firstRows(summary, style);
  const columns = style.isTree ? treeColumns(allSelf) : summaryColumns(summary.by, allSelf);
  const table = rowsText(rows, chooseColumns(columns, style.fields, summary.trace.countsOnly), style);
  const coverage = summary.coverage as unknown as readonly Row[] | undefined;
  const covered = coverage === undefined ? '' : rowsText(coverage, COVERAGE_COLUMNS, style);
  if (style.format !== 'table' || !style.hasHeader) return table + covered;
  const foot = footLine(summary, style.isTree ? summary.rowCount : rows.length);
  return `${headLine(summary)}\n${table}${foot}\n${covered === '' ? '' : `# coverage\n${covered}`}`;
};

/** One object: the summary with the rows that are shown. */
const jsonText = (summary: Summary, style: SummaryStyle): string => {
  const key = tableKey(summary.by);
  const { [key]: _, tree, ...rest } = summary;
  return `${JSON.stringify({ ...rest, ...(style.isTree ? { tree } : { [key]: firstRows(summary, style) }) })}\n`;
};

/** An object for each row; the first one tells of the trace. */
const jsonLines = (summary: Summary, style: SummaryStyle): string => {
  const { schema, trace, by, sort, rowCount } = summary;
  const rows = style.isTree ? [...pathsOf(summary.tree)] : firstRows(summary, style);
  const lines: unknown[] = [
    ...(style.hasHeader ? [{ type: 'trace', schema, ...trace, by, sort, rowCount }] : []),
    ...rows.map((row) => ({ type: style.isTree ? 'path' : by, ...row })),
    ...(summary.coverage ?? []).map((row) => ({ type: 'coverage', ...row })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
};

/** Everything there is to print. Throws UsageError for a column that does not exist. */
export const summaryText = (summary: Summary, style: SummaryStyle): string => {
  if (style.format === 'json') return jsonText(summary, style);
  return style.format === 'jsonl' ? jsonLines(summary, style) : tableText(summary, style);
};
