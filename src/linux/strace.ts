/**
 * One line per system call in strace's own format, from the argument kinds of the call's table row.
 *
 *   kinds    = [ item { " " item } ] [ " -> " result ]
 *   item     = [ label "=" ] kind { ":" modifier } [ "@" register ]
 *
 * Every item takes one argument register, the one after its predecessor's, unless `@N` names another (clone prints its
 * arguments in another order than it takes them). `off64` takes two; `pad` takes one and prints nothing. A label is
 * printed as `label=`. Registers are numbered from 0; LEN below is such a number or `ret` (the result).
 *
 *   numbers   i32 u32 size hex (0x1f) oct (0644) ptr (hex, NULL for 0) off (i32) off64 (lo, hi) off64hl (hi, lo)
 *             pgoff (times 4096, hex) fd dirfd (AT_FDCWD or number) pid uid (-1 or u32) pad dev
 *   sets      one of the names of strace/names: openflags prot mapflags … printed `A|B|0x100`, and enumerations whence
 *             clockid signal futexop ioctl fcntl … printed `A`; a number no name fits stays a number
 *   mode      permission bits in octal; filemode with S_IFREG|…; openmode: only after open flags with O_CREAT or O_TMPFILE
 *   strings   path (whole string)  str (32 bytes, then "...")  strings (NULL-terminated vector, as argv)
 *             buf:in:LEN buf:out:LEN  iovec:in:COUNT iovec:out:COUNT  dirents:out dirents32:out
 *   numbers   *i32 *u32 *size *hex *off64 *u64 : printed [5]; with :out after the call
 *   in memory fds:out ([3, 4])  timespec timespec64 timeval timeval64 itimerval  sigset sigaction stack siginfo rlimit
 *             rlimit64 utsname sysinfo rusage stat stat64 statx statfs64 winsize termios pollfd:COUNT fdset:COUNT
 *             flock flock64 epollevent epollevents:COUNT sockaddr:LEN utimbuf  timespecs timespecs64 timevals (pairs)
 *             all read at entry; with `:out` at exit; with `:inout` at both (poll)
 *   by value  fcntlarg ioctlarg futextimeout futexaddr2 futexval3 mremapaddr : what they are, or whether they are
 *             printed at all, depends on the argument that names the operation
 *   result    i32 (default) u32 hex ptr oct fd off64 fcntl (flags for F_GETFL) ready ("0 (Timeout)") none
 *
 * As in strace the text is made in two steps: `formatEntry` gives the line up to the first argument the kernel fills in,
 * `formatExit` the whole line. Nothing here faults: a bad pointer prints as its hex value, a guest string is escaped
 * (octal and the C letters), cut at 32 bytes and followed by "...".
 */

import { isError } from './abi/errno.js';
import type { Task } from './kernel/task.js';
import { type Call, type Decoder, hexText, octalText, pointerText } from './strace/decoder.js';
import { errorText } from './strace/error-text.js';
import { type ArgumentKind, type CallKinds, parseKinds } from './strace/kinds.js';
import { fcntlResultText, NUMBERS, namedKind } from './strace/numbers.js';
import { STRINGS } from './strace/strings.js';
import { STRUCTURES } from './strace/structures.js';
import type { SyscallArgs, SyscallRow } from './syscalls/syscall.js';

const decoderOf = (kind: string): Decoder | undefined =>
  NUMBERS[kind] ?? STRINGS[kind] ?? STRUCTURES[kind] ?? namedKind(kind);

/** Whether a table row may use this kind. */
export const isKnownKind = (kind: string): boolean => decoderOf(kind) !== undefined;

const RESULTS: Readonly<Record<string, (result: number, args: SyscallArgs) => string>> = {
  i32: String,
  fd: String,
  off64: String,
  none: String,
  u32: (result) => String(result >>> 0),
  hex: hexText,
  ptr: (result) => (result === 0 ? '0' : pointerText(result)),
  oct: octalText,
  ready: (result) => (result === 0 ? '0 (Timeout)' : String(result)),
  fcntl: (result, args) => fcntlResultText(args[1], result),
};

/** Whether a table row may use this result kind. */
export const isKnownResult = (result: string): boolean => Object.hasOwn(RESULTS, result);

const cache = new WeakMap<SyscallRow, CallKinds>();

const kindsOf = (row: SyscallRow): CallKinds => {
  const known = cache.get(row) ?? parseKinds(row.args);
  cache.set(row, known);
  return known;
};

const argumentText = (call: Call, argument: ArgumentKind): string | undefined => {
  const value = call.args[argument.register] ?? 0;
  const decoder = decoderOf(argument.kind) ?? NUMBERS.hex;
  const text = (decoder as Decoder)(call, value, argument);
  return text === undefined || argument.label === '' ? text : `${argument.label}=${text}`;
};

/** An argument the kernel should have filled in, of a call that failed or never ended. */
const unfilledText = (call: Call, argument: ArgumentKind): string | undefined => {
  if (argument.kind === 'fcntlarg' || argument.kind === 'off64') return argumentText(call, argument);
  const value = pointerText(call.args[argument.register] ?? 0);
  return argument.label === '' ? value : `${argument.label}=${value}`;
};

/** ioctl's argument may go either way, so it waits for the end like an output. */
const isOutput = ({ kind, direction }: ArgumentKind): boolean => direction === 'out' || kind === 'ioctlarg';

const joinTexts = (texts: readonly (string | undefined)[]): string => texts.filter((t) => t !== undefined).join(', ');

/**
 * The line as far as it is known when the call starts: whole (`close(3)`) when every argument is an input, else up to
 * the first output (`read(0, `).
 */
export const formatEntry = (row: SyscallRow, task: Task, args: SyscallArgs): string => {
  const { arguments: kinds } = kindsOf(row);
  const call: Call = { task, args, result: undefined };
  const firstOutput = kinds.findIndex(isOutput);
  const inputs = firstOutput < 0 ? kinds : kinds.slice(0, firstOutput);
  const text = joinTexts(inputs.map((argument) => argumentText(call, argument)));
  if (firstOutput < 0) return `${row.name}(${text})`;
  return `${row.name}(${text}${text === '' ? '' : ', '}`;
};

/** The whole line; `entryText` is what `formatEntry` gave. A call that never returns ends in `= ?`. */
export const formatExit = (
  row: SyscallRow,
  task: Task,
  args: SyscallArgs,
  result: number | undefined,
  entryText: string,
): string => {
  const { arguments: kinds, result: resultKind } = kindsOf(row);
  const firstOutput = kinds.findIndex(isOutput);
  if (firstOutput < 0) return `${entryText}${resultText(row, task, args, result, resultKind)}`;
  const call: Call = { task, args, result };
  const failed = result === undefined || isError(result);
  const rest = kinds.slice(firstOutput);
  const texts = rest.map((argument) => (failed && isOutput(argument) ? unfilledText : argumentText)(call, argument));
  const tail = joinTexts(texts);
  const start = tail === '' ? entryText.replace(/, $/, '') : entryText;
  return `${start}${tail})${resultText(row, task, args, result, resultKind)}`;
};

const resultText = (
  row: SyscallRow,
  task: Task,
  args: SyscallArgs,
  result: number | undefined,
  kind: string,
): string => {
  if (result === undefined) return ' = ?';
  if (isError(result)) return ` = ${errorText(result)}`;
  const text = (RESULTS[kind] ?? String)(result, args);
  return ` = ${text}${changedText(row, { task, args, result })}`;
};

/** What poll and select found, in parentheses after the result. */
const changedText = (row: SyscallRow, call: Call): string => {
  if (call.result === undefined || call.result <= 0) return '';
  const both = kindsOf(row).arguments.filter(({ direction }) => direction === 'inout');
  const text = joinTexts(both.map((argument) => argumentText(call, argument)));
  return text === '' ? '' : ` (${text})`;
};

export { parseKinds };
