/** Readers of option values. Each turns one word into a value or throws UsageError naming the option. */
import { UsageError } from '../errors.js';

export const text = (word: string): string => word;

/** `calls,self`: words with commas between them. */
export const words = (list: string): readonly string[] =>
  list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

const SCALES: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/** A count: digits with `_` or `,` between them and an optional k, M or G (thousands, not 1024). */
export const count = (word: string, option: string): number => {
  const match = /^([0-9][0-9_,]*(?:\.[0-9]+)?)([kmg]?)$/i.exec(word);
  const value = match === null ? Number.NaN : Number(match[1].replace(/[_,]/g, '')) * SCALES[match[2].toLowerCase()];
  if (!Number.isSafeInteger(value)) {
    throw new UsageError(`${option} needs a count, not ${JSON.stringify(word)}`, {
      hint: 'for example 500, 10k or 2M',
    });
  }
  return value;
};

/** Any integer that fits 32 bits, decimal or 0x-hexadecimal. */
export const integer = (word: string, option: string): number => {
  const value = /^-?(0x[0-9a-f]+|[0-9]+)$/i.test(word) ? Number(word) : Number.NaN;
  if (!Number.isInteger(value) || Math.abs(value) > 0xffff_ffff) {
    throw new UsageError(`${option} needs an integer, not ${JSON.stringify(word)}`);
  }
  return value;
};

/** A trust threshold: -1, 0 or a number of visits. */
export const trust = (word: string, option: string): number => {
  const value = integer(word, option);
  if (value < -1) throw new UsageError(`${option} needs -1, 0 or a number of visits, not ${JSON.stringify(word)}`);
  return value;
};

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, '': 1000, m: 60_000, h: 3_600_000 };

/** A duration in milliseconds: `500ms`, `10s`, `2m`, `1h`; a bare number is seconds, as for timeout(1). */
export const durationMs = (word: string, option: string): number => {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|)$/.exec(word);
  if (match === null) {
    throw new UsageError(`${option} needs a duration, not ${JSON.stringify(word)}`, {
      hint: 'for example 10s or 500ms',
    });
  }
  return Number(match[1]) * UNITS_MS[match[2]];
};

/** One of a fixed set of words. */
export const oneOf =
  <T extends string>(...words: readonly T[]) =>
  (word: string, option: string): T => {
    const found = words.find((candidate) => candidate === word);
    if (found === undefined) {
      throw new UsageError(`${option} cannot be ${JSON.stringify(word)}`, {
        hint: `choose one of: ${words.join(', ')}`,
      });
    }
    return found;
  };

/** `NAME=VALUE`. */
export const assignment = (word: string, option: string): readonly [name: string, value: string] => {
  const at = word.indexOf('=');
  if (at < 1) throw new UsageError(`${option} needs NAME=VALUE, not ${JSON.stringify(word)}`);
  return [word.slice(0, at), word.slice(at + 1)];
};
