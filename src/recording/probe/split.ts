const OPENING = '([';
const CLOSING = ')]';

/** The end of the quoted text that begins at `at`. */
const quoteEnd = (text: string, at: number): number => {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '\\') end++;
    else if (text[end] === text[at]) return end;
  }
  return text.length;
};

/** Splits at commas that stand in no parentheses and in no quotes; an empty text has no parts. */
export const splitAtCommas = (text: string): string[] => {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '"' || character === "'") at = quoteEnd(text, at);
    else if (OPENING.includes(character)) depth++;
    else if (CLOSING.includes(character)) depth--;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return text.trim() === '' ? [] : [...parts, text.slice(start)];
};
