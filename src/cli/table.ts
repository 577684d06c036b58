/**
 * Tables for people and for awk: no boxes, numbers to the right, two spaces between columns, `#` before every line that
 * is not a row. Thousands separators only on a terminal.
 */
import Table from 'cli-table3';
import { escapeText } from './escape.js';
import { groupDigits } from './number-text.js';

export { groupDigits };

export interface Column<Row> {
  readonly header: string;
  /** Numbers are aligned right. */
  readonly value: (row: Row) => string | number;
  /** Digits after the point of a number; the unit after it. */
  readonly digits?: number;
  readonly suffix?: string;
}

const BORDERS = ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
  ['', '-mid', '-left', '-right'].map((corner) => `${side}${corner}`),
);
const NO_BORDERS = Object.fromEntries(BORDERS.map((name) => [name, '']));

/** Whether numbers get thousands separators. */
export const isForPeople = (): boolean => process.stdout.isTTY === true;

const cellText = <Row>(column: Column<Row>, row: Row, grouped: boolean): string => {
  const value = column.value(row);
  if (typeof value === 'string') return escapeText(value);
  const fixed = column.digits === undefined ? String(value) : value.toFixed(column.digits);
  const text = grouped && column.digits === undefined ? groupDigits(value) : fixed;
  return `${text}${column.suffix ?? ''}`;
};

/** The rows as text, ending in a newline. */
export const renderTable = <Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  hasHeader = true,
  grouped = isForPeople(),
): string => {
  const first = rows[0];
  const table = new Table({
    head: hasHeader ? columns.map((column) => column.header) : [],
    colAligns: columns.map((column) =>
      first !== undefined && typeof column.value(first) === 'number' ? 'right' : 'left',
    ),
    chars: { ...NO_BORDERS, middle: ' ' },
    style: { 'padding-left': 1, 'padding-right': 0, head: [], border: [] },
  });
  table.push(...rows.map((row) => columns.map((column) => cellText(column, row, grouped))));
  const lines = table.toString().split('\n');
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
};

/** A value as RFC 4180 has it; in tab-separated text tabs and newlines are escaped instead. */
const delimitedCell = (text: string, separator: string): string =>
  separator === ',' && /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** The rows for programs: plain digits, no alignment. */
export const renderDelimited = <Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  separator: string,
  hasHeader: boolean,
): string => {
  const line = (cells: readonly string[]): string =>
    `${cells.map((cell) => delimitedCell(cell, separator)).join(separator)}\n`;
  const head = hasHeader ? line(columns.map((column) => column.header)) : '';
  return head + rows.map((row) => line(columns.map((column) => cellText(column, row, false)))).join('');
};
