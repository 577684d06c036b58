/**
 * What the shell scripts read: a candidate a line, its description behind a tab; then a line that begins with a colon and
 * tells what else the shell should do: `files` completes names of files, `open` leaves no space behind the word.
 */
import type { Candidates } from './candidates.js';

/** Descriptions stand in menus. */
const MAX_ABOUT = 60;

const shortened = (text: string): string => {
  const [first] = text.split(/[;\t\n]/, 1) as [string];
  return first.length <= MAX_ABOUT ? first : `${first.slice(0, MAX_ABOUT - 3)}...`;
};

export const candidatesText = ({ words, files, isOpen }: Candidates): string => {
  const lines = words.map(({ word, about }) => (about === undefined ? word : `${word}\t${shortened(about)}`));
  const rest = [files && 'files', isOpen && 'open'].filter((one) => one !== undefined);
  return `${[...lines, `:${rest.join(' ')}`].join('\n')}\n`;
};
