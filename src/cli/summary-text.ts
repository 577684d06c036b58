/** A summary as text: comment lines around a table, or delimited values. */
import { basename } from 'node:path';
import { type Summary, UsageError } from '../index.js';
import { escapeText } from './escape.js';
import { groupDigits } from './number-text.js';
import { COVERAGE_COLUMNS, type SummaryColumn, summaryColumns, tableKey } from './summary-columns.js';
import { renderDelimited, renderTable } from './table.js';

export interface SummaryStyle {
  readonly format: 'table' | 'csv' | 'tsv';
  readonly hasHeader: boolean;
  /** As given with --fields. */
  readonly fields: string | undefined;
  /** Rows to show of those there are. */
  readonly top: number;
}

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
  return `# ${[...rest, `${groupDigits(lost)} lost events`, `deepest stack ${groupDigits(deepestStack)}`].join(', ')}`;
};

/** The columns asked for, in the order asked for; `+a,b` adds to the usual ones, before the last. */
const chooseColumns = (all: readonly SummaryColumn[], fields: string | undefined): readonly SummaryColumn[] => {
  const usual = all.filter(({ isExtra }) => !isExtra);
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

/** Everything there is to print. Throws UsageError for a column that does not exist. */
export const summaryText = (summary: Summary, style: SummaryStyle): string => {
  const all = rowsOf(summary);
  const rows = style.top === 0 ? all : all.slice(0, style.top);
  const allSelf = all.reduce((sum, row) => sum + Number(row.self ?? 0), 0);
  const table = rowsText(rows, chooseColumns(summaryColumns(summary.by, allSelf), style.fields), style);
  const coverage = summary.coverage as unknown as readonly Row[] | undefined;
  const covered = coverage === undefined ? '' : rowsText(coverage, COVERAGE_COLUMNS, style);
  if (style.format !== 'table') return table + covered;
  const foot = footLine(summary, rows.length);
  return `${headLine(summary)}\n${table}${foot}\n${covered === '' ? '' : `# coverage\n${covered}`}`;
};

/** What --json prints: the summary with the first `top` rows of its table. */
export const summaryJson = (summary: Summary, top: number): unknown =>
  top === 0 ? summary : { ...summary, [tableKey(summary.by)]: rowsOf(summary).slice(0, top) };
