/** C types, as far as a value's size and its looks go. Sizes are those of the ARM EABI (IHI 0042, section 7). */
import { UsageError } from '../../errors.js';
import { INT, POINTER, STRING, type ValueType, WORD } from './value-type.js';

const unsigned = (sizeBytes: number): ValueType => ({ format: 'u', sizeBytes });
const signed = (sizeBytes: number): ValueType => ({ format: 'd', sizeBytes });

/** Names that headers define. Others are taken for 32-bit numbers. */
const NAMED: Readonly<Record<string, ValueType>> = {
  int8_t: signed(1),
  int16_t: signed(2),
  int32_t: INT,
  int64_t: signed(8),
  uint8_t: unsigned(1),
  uint16_t: unsigned(2),
  uint32_t: unsigned(4),
  uint64_t: unsigned(8),
  intmax_t: signed(8),
  uintmax_t: unsigned(8),
  intptr_t: INT,
  uintptr_t: WORD,
  ptrdiff_t: INT,
  size_t: unsigned(4),
  ssize_t: INT,
  off_t: INT,
  off64_t: signed(8),
  loff_t: signed(8),
  time_t: INT,
  clock_t: INT,
  clockid_t: INT,
  pid_t: INT,
  uid_t: unsigned(4),
  gid_t: unsigned(4),
  id_t: unsigned(4),
  dev_t: unsigned(8),
  ino_t: unsigned(4),
  ino64_t: unsigned(8),
  nfds_t: unsigned(4),
  mode_t: { format: 'o', sizeBytes: 4 },
  socklen_t: unsigned(4),
  wchar_t: unsigned(4),
  wint_t: unsigned(4),
  bool: unsigned(1),
  _Bool: unsigned(1),
  va_list: POINTER,
};

/** What a name means that headers define; undefined for all others. */
export const namedType = (name: string): ValueType | undefined =>
  Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;

const QUALIFIERS = /^(?:const|volatile|restrict|__restrict|register|static|extern|inline|_Noreturn)$/;
export const BASIC = /^(?:void|char|short|int|long|float|double|signed|unsigned)$/;

/** A number of a type given in the words C has for them, e.g. `unsigned long long`. */
const basicType = (words: readonly string[]): ValueType => {
  const has = (word: string): boolean => words.includes(word);
  if (has('float')) return { format: 'f', sizeBytes: 4 };
  if (has('double')) return { format: 'f', sizeBytes: 8 };
  if (has('char')) {
    if (has('unsigned')) return unsigned(1);
    return has('signed') ? signed(1) : { format: 'c', sizeBytes: 1 };
  }
  const sizeBytes = has('short') ? 2 : words.filter((word) => word === 'long').length > 1 ? 8 : 4;
  return has('unsigned') ? unsigned(sizeBytes) : signed(sizeBytes);
};

/**
 * The type of a declaration without its name: words such as `const`, `char`, and how many `*` stand behind them.
 * Undefined is `void`. Throws UsageError for what does not travel in one value.
 */
export const typeOf = (declared: readonly string[], stars: number): ValueType | undefined => {
  const words = declared.filter((word) => !QUALIFIERS.test(word));
  if (stars > 0) return stars === 1 && words.length === 1 && words[0] === 'char' ? STRING : POINTER;
  const [first] = words;
  if (first === 'struct' || first === 'union') {
    throw new UsageError(`a probe cannot record a ${first} that is passed by value`, {
      hint: 'leave the prototype away and name registers instead: r0, r1, sp+0',
    });
  }
  if (first === 'void') return undefined;
  if (first === 'enum') return INT;
  return BASIC.test(first ?? 'int') ? basicType(words) : (NAMED[first as string] ?? WORD);
};
