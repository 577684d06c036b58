/**
 * Guest strings (paths, symbols, arguments) end up on a terminal; control bytes in them must not. Everything below space,
 * DEL, C1 and the Unicode direction marks becomes `\xNN` or `\u{NNNN}`.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\u001b': '\\e' };

const escapeCharacter = (character: string): string => {
  const code = character.charCodeAt(0);
  return NAMED[character] ?? (code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`);
};

/** `text` safe to print on a terminal, on one line. */
export const escapeText = (text: string): string => text.replace(UNSAFE, escapeCharacter);
