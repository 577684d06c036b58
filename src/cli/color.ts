/** Colour for people at a terminal, put on finished lines; without it the lines are what they were. */
import type { Flags, FlagValues } from './flag.js';
import { oneOf } from './values.js';

export const LOOK_FLAGS = {
  color: {
    type: 'option',
    options: ['auto', 'always', 'never'],
    read: oneOf('auto', 'always', 'never'),
    default: 'auto',
    summary: 'colour: auto means on a terminal, unless NO_COLOR is set',
  },
  'no-pager': { type: 'boolean', summary: 'do not show long output through $ARMSTALK_PAGER, $PAGER or less' },
} as const satisfies Flags;

export type LookValues = FlagValues<typeof LOOK_FLAGS>;

/** Finished text, with or without colour. */
export type Paint = (text: string) => string;
type PaintLine = (line: string) => string;

const style =
  (code: number) =>
  (text: string): string =>
    text === '' ? '' : `\u001b[${code}m${text}\u001b[0m`;
const [bold, dim, red, green, yellow, cyan] = [1, 2, 31, 32, 33, 36].map(style);

export const wantsColor = ({ color }: Pick<LookValues, 'color'>): boolean => {
  if (color !== 'auto') return color === 'always';
  return process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
};

/** Comments recede, headings stand out. */
const tableLine: PaintLine = (line) => {
  if (line.startsWith('#')) return dim(line);
  return /^ *[A-Z%]+(?: +[A-Z0-9%()]+)+$/.test(line) ? bold(line) : line;
};

/** git's colours. */
const diffLine: PaintLine = (line) => {
  if (/^(---|\+\+\+|first )/.test(line)) return bold(line);
  if (/^@@|^functions:|^coverage:/.test(line)) return cyan(line);
  const [, sign] = /^ {0,2}([-+]) /.exec(line) ?? [];
  return sign === undefined ? line : sign === '-' ? red(line) : green(line);
};

const SYSTEM_CALL = /^(\d+ \w+\()(.*\)\s+= )(-\d+ E\w+.*)$/;
const COMMENT = /^([ \d,]+)(\/\* .* \*\/)$/;
const CLOSING = /^([ \d,]+\} )(\/\* .* \*\/)$/;

const replayLine: PaintLine = (line) => {
  if (line.startsWith('#')) return dim(line);
  if (/^\d+ (---|\+\+\+) /.test(line)) return yellow(line);
  const [, call, rest, failure] = SYSTEM_CALL.exec(line) ?? [];
  if (call !== undefined) return `${call}${rest}${red(failure)}`;
  const [, note, comment] = COMMENT.exec(line) ?? [];
  if (note !== undefined) return note + cyan(comment);
  const [, brace, name] = CLOSING.exec(line) ?? [];
  return brace === undefined ? line : brace + dim(name);
};

const LINES = { table: tableLine, diff: diffLine, replay: replayLine };

/** What to put text through before it is printed; JSON and values for programs are never painted. */
export const painter = (what: keyof typeof LINES, look: Pick<LookValues, 'color'>, isForPrograms: boolean): Paint => {
  if (isForPrograms || !wantsColor(look)) return (text) => text;
  const paint = LINES[what];
  return (text) => text.split('\n').map(paint).join('\n');
};
