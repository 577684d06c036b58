/** Arguments that are what they are: numbers, sets, names; and those that depend on the operation in another argument. */
import { FUTEX_CLOCK_REALTIME, FUTEX_PRIVATE_FLAG, FutexOp, MREMAP_FIXED, signalName } from '../abi/constants.js';
import { Fcntl } from '../abi/fcntl.js';
import { At, Open } from '../abi/open-flags.js';
import { majorOf, minorOf } from '../abi/structs.js';
import { type Decoder, hexText, octalText, pointerText } from './decoder.js';
import { ENUMERATIONS, nameIn, SETS, type SetOfNames, setText } from './names.js';

const signed = (value: number): string => String(value | 0);
const unsigned = (value: number): string => String(value >>> 0);

const setNamed = (name: string): SetOfNames => SETS[name] as SetOfNames;

export const openFlagsText = (flags: number): string => setText(setNamed('openflags'), flags);

/** `S_IFREG|0644`. */
export const fileModeText = (mode: number): string => {
  const type = nameIn(ENUMERATIONS.filetype, mode & 0o170000);
  return type === undefined ? octalText(mode) : `${type}|${octalText(mode & 0o7777)}`;
};

const futexText = (operation: number): string => {
  const name = nameIn(ENUMERATIONS.futexcommand, operation & 0x7f);
  const isPrivate = (operation & FUTEX_PRIVATE_FLAG) !== 0 ? '_PRIVATE' : '';
  const realtime = (operation & FUTEX_CLOCK_REALTIME) !== 0 ? '|FUTEX_CLOCK_REALTIME' : '';
  return name === undefined ? hexText(operation) : name + isPrivate + realtime;
};

/** The 64-bit value of an argument pair as decimal text. */
const wide = (low: number, high: number): string =>
  BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low >>> 0)).toString();

const futexCommand = (operation: number): number => operation & 0x7f;

/** Which futex operations have a timeout (or the count that shares its place), a second address, a third value. */
const WITH_TIMEOUT = new Set<number>([FutexOp.WAIT, FutexOp.WAIT_BITSET, FutexOp.LOCK_PI, FutexOp.LOCK_PI2]);
const WITH_COUNT = new Set<number>([FutexOp.REQUEUE, FutexOp.CMP_REQUEUE, FutexOp.WAKE_OP]);
const WITH_VAL3 = new Set<number>([FutexOp.WAIT_BITSET, FutexOp.WAKE_BITSET, FutexOp.CMP_REQUEUE, FutexOp.WAKE_OP]);

export const hasFutexTimeout = (operation: number): boolean => WITH_TIMEOUT.has(futexCommand(operation));
export const hasFutexCount = (operation: number): boolean => WITH_COUNT.has(futexCommand(operation));

export const fcntlResultText = (command: number, result: number): string => {
  if (command === Fcntl.F_GETFL) return `${hexText(result)} (flags ${openFlagsText(result)})`;
  if (command === Fcntl.F_GETFD && result !== 0) return `${hexText(result)} (flags FD_CLOEXEC)`;
  return signed(result);
};

export const NUMBERS: Readonly<Record<string, Decoder>> = {
  i32: (_, value) => signed(value),
  u32: (_, value) => unsigned(value),
  size: (_, value) => unsigned(value),
  fd: (_, value) => signed(value),
  pid: (_, value) => signed(value),
  off: (_, value) => signed(value),
  uid: (_, value) => (value === -1 ? '-1' : unsigned(value)),
  hex: (_, value) => hexText(value),
  oct: (_, value) => octalText(value),
  ptr: (_, value) => pointerText(value),
  mode: (_, value) => octalText(value),
  filemode: (_, value) => fileModeText(value),
  pgoff: (_, value) => (value === 0 ? '0' : `0x${((value >>> 0) * 4096).toString(16)}`),
  dev: (_, value) => `makedev(${hexText(majorOf(BigInt(value >>> 0)))}, ${hexText(minorOf(BigInt(value >>> 0)))})`,
  dirfd: (_, value) => (value === At.AT_FDCWD ? 'AT_FDCWD' : signed(value)),
  off64: ({ args }, value, { register }) => wide(value, args[register + 1] ?? 0),
  off64hl: ({ args }, value, { register }) => wide(args[register + 1] ?? 0, value),
  signal: (_, value) => (value === 0 ? '0' : signalName(value)),
  futexop: (_, value) => futexText(value),
  openmode: ({ args }, value, { register }) => {
    const flags = args[register - 1] ?? 0;
    const isNew = (flags & Open.O_CREAT) !== 0 || (flags & Open.O_TMPFILE) === Open.O_TMPFILE;
    return isNew ? octalText(value) : undefined;
  },
  mremapaddr: ({ args }, value) => (((args[3] ?? 0) & MREMAP_FIXED) !== 0 ? pointerText(value) : undefined),
  futexaddr2: ({ args }, value) => (hasFutexCount(args[1]) ? pointerText(value) : undefined),
  futexval3: ({ args }, value) => (WITH_VAL3.has(futexCommand(args[1])) ? futexBits(args[1], value) : undefined),
};

const futexBits = (operation: number, value: number): string => {
  const isBitset = futexCommand(operation) === FutexOp.WAIT_BITSET || futexCommand(operation) === FutexOp.WAKE_BITSET;
  return isBitset && value === -1 ? 'FUTEX_BITSET_MATCH_ANY' : hexText(value);
};

/** A set or enumeration by the kind's name. */
export const namedKind = (kind: string): Decoder | undefined => {
  const set = SETS[kind];
  if (set !== undefined) return (_, value) => setText(set, value);
  const table = ENUMERATIONS[kind];
  return table === undefined ? undefined : (_, value) => nameIn(table, value) ?? hexText(value);
};
