/** Arguments that point at numbers and structures (layouts: abi/structs, arch/arm and asm-generic headers). */
import { signalName } from '../abi/constants.js';
import { Fcntl } from '../abi/fcntl.js';
import { Ioctl } from '../abi/ioctl.js';
import { Whence } from '../abi/open-flags.js';
import { EPOLL_EVENT_BYTES, POLLFD_BYTES } from '../abi/structs.js';
import { arrayText, type Call, type Decoder, hexText, pointerText, structure, viewAt } from './decoder.js';
import { quote } from './escape.js';
import { ENUMERATIONS, nameIn, SETS, type SetOfNames, setText } from './names.js';
import { fileModeText, hasFutexCount, hasFutexTimeout, openFlagsText } from './numbers.js';
import { lengthOf } from './strings.js';

const setNamed = (name: string): SetOfNames => SETS[name] as SetOfNames;
const u32 = (view: DataView, at: number): number => view.getUint32(at, true);
const i32 = (view: DataView, at: number): number => view.getInt32(at, true);
const s64 = (view: DataView, at: number): bigint => view.getBigInt64(at, true);

const UTIME_NOW = 0x3fff_ffff;
const UTIME_OMIT = 0x3fff_fffe;

const timeText = (seconds: number | bigint, fraction: number, unit: 'nsec' | 'usec'): string => {
  if (unit === 'nsec' && fraction === UTIME_NOW) return 'UTIME_NOW';
  if (unit === 'nsec' && fraction === UTIME_OMIT) return 'UTIME_OMIT';
  return `{tv_sec=${seconds}, tv_${unit}=${fraction}}`;
};

const time32 =
  (unit: 'nsec' | 'usec') =>
  (view: DataView, at = 0): string =>
    timeText(i32(view, at), i32(view, at + 4), unit);

const time64 =
  (unit: 'nsec' | 'usec') =>
  (view: DataView, at = 0): string =>
    timeText(s64(view, at), i32(view, at + 8), unit);

const one = (size: number, format: (view: DataView, at?: number) => string): Decoder =>
  structure(size, (v) => format(v));
const two = (size: number, format: (view: DataView, at?: number) => string): Decoder =>
  structure(size * 2, (v) => `[${format(v, 0)}, ${format(v, size)}]`);

/** `[INT CHLD]`, or `~[KILL]` when most signals are in it. */
const signalSetText = (set: bigint): string => {
  const members: number[] = [];
  for (let signo = 1; signo <= 64; signo++) if (((set >> BigInt(signo - 1)) & 1n) !== 0n) members.push(signo);
  const isInverted = members.length > 32;
  const listed = isInverted ? complement(members) : members;
  return `${isInverted ? '~' : ''}[${listed.map((signo) => signalName(signo).replace(/^SIG/, '')).join(' ')}]`;
};

const complement = (members: readonly number[]): number[] => {
  const held = new Set(members);
  return Array.from({ length: 64 }, (_, i) => i + 1).filter((signo) => !held.has(signo));
};

const handlerText = (handler: number): string =>
  handler === 0 ? 'SIG_DFL' : handler === 1 ? 'SIG_IGN' : pointerText(handler);

const SA_RESTORER = 0x0400_0000;

const sigactionText = (view: DataView): string => {
  const flags = u32(view, 4);
  const restorer = (flags & SA_RESTORER) === 0 ? '' : `, sa_restorer=${pointerText(u32(view, 8))}`;
  const mask = signalSetText(view.getBigUint64(12, true));
  return `{sa_handler=${handlerText(u32(view, 0))}, sa_mask=${mask}, sa_flags=${setText(setNamed('saflags'), flags)}${restorer}}`;
};

const stackText = (view: DataView): string =>
  `{ss_sp=${pointerText(u32(view, 0))}, ss_flags=${setText(setNamed('ssflags'), u32(view, 4))}, ss_size=${u32(view, 8)}}`;

const siginfoText = (view: DataView): string => `{si_signo=${signalName(i32(view, 0))}, si_code=${i32(view, 8)}, ...}`;

const limitText = (value: bigint, infinity: bigint): string => (value >= infinity ? 'RLIM_INFINITY' : `${value}`);

const rlimitText = (view: DataView): string =>
  `{rlim_cur=${limitText(BigInt(u32(view, 0)), 0xffff_ffffn)}, rlim_max=${limitText(BigInt(u32(view, 4)), 0xffff_ffffn)}}`;

const rlimit64Text = (view: DataView): string => {
  const infinity = 0xffff_ffff_ffff_ffffn;
  const [soft, hard] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
  return `{rlim_cur=${limitText(soft, infinity)}, rlim_max=${limitText(hard, infinity)}}`;
};

const UTS_FIELD_BYTES = 65;

const utsnameText = (view: DataView): string => {
  const field = (index: number): string => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + index * UTS_FIELD_BYTES, UTS_FIELD_BYTES);
    const end = bytes.indexOf(0);
    return quote(bytes.subarray(0, end < 0 ? undefined : end), UTS_FIELD_BYTES);
  };
  return `{sysname=${field(0)}, nodename=${field(1)}, ...}`;
};

const statText = (mode: number, size: bigint | number): string =>
  `{st_mode=${fileModeText(mode)}, st_size=${size}, ...}`;

const statxText = (view: DataView): string => {
  const mask = setText(setNamed('statxmask'), u32(view, 0));
  const mode = fileModeText(view.getUint16(28, true));
  return `{stx_mask=${mask}, stx_attributes=${hexText(u32(view, 8))}, stx_mode=${mode}, stx_size=${s64(view, 40)}, ...}`;
};

const statfs64Text = (view: DataView): string =>
  `{f_type=${hexText(u32(view, 0))}, f_bsize=${u32(view, 4)}, f_blocks=${s64(view, 8)}, f_bfree=${s64(view, 16)}, ...}`;

const winsizeText = (view: DataView): string => {
  const [rows, columns] = [view.getUint16(0, true), view.getUint16(2, true)];
  return `{ws_row=${rows}, ws_col=${columns}, ws_xpixel=${view.getUint16(4, true)}, ws_ypixel=${view.getUint16(6, true)}}`;
};

const termiosText = (view: DataView): string => {
  const words = ['c_iflag', 'c_oflag', 'c_cflag', 'c_lflag'].map((name, i) => `${name}=${hexText(u32(view, i * 4))}`);
  return `{${words.join(', ')}, ...}`;
};

const lockText = (view: DataView, start: bigint | number, length: bigint | number): string => {
  const type = nameIn(ENUMERATIONS.locktype, view.getInt16(0, true)) ?? String(view.getInt16(0, true));
  const whence = nameIn(Object.entries(Whence), view.getInt16(2, true)) ?? String(view.getInt16(2, true));
  return `{l_type=${type}, l_whence=${whence}, l_start=${start}, l_len=${length}}`;
};

const flockText = (view: DataView): string => lockText(view, i32(view, 4), i32(view, 8));
const flock64Text = (view: DataView): string => lockText(view, s64(view, 8), s64(view, 16));

const epollText = (view: DataView): string =>
  `{events=${setText(setNamed('epollbits'), i32(view, 0))}, data=${hex64(view.getBigUint64(8, true))}}`;

const hex64 = (value: bigint): string => `0x${value.toString(16)}`;

const eventText = (name: string, value: number): string => `${name}=${setText(setNamed('pollevents'), value)}`;

/** Before the call what is asked, after it what is there (only those with something). */
const pollfdText: Decoder = (call, value, argument) => {
  const count = lengthOf(call, argument);
  if (call.result === undefined) {
    return arrayText(
      call,
      value,
      count,
      POLLFD_BYTES,
      (v) => `{fd=${i32(v, 0)}, ${eventText('events', v.getInt16(4, true))}}`,
    );
  }
  const ready: string[] = [];
  for (let i = 0; i < Math.min(count, 1024); i++) {
    const view = viewAt(call, (value >>> 0) + i * POLLFD_BYTES, POLLFD_BYTES);
    const revents = view?.getInt16(6, true) ?? 0;
    if (view !== undefined && revents !== 0) ready.push(`{fd=${i32(view, 0)}, ${eventText('revents', revents)}}`);
  }
  return `[${ready.join(', ')}]`;
};

const SET_LABELS: Readonly<Record<number, string>> = { 1: 'in', 2: 'out', 3: 'except' };

/** `[0 3]`; after the call with the name of the set, and nothing for an empty one. */
const fdsetText: Decoder = (call, value, argument) => {
  const count = Math.min(lengthOf(call, argument), 1024);
  const view = viewAt(call, value, Math.max(4, ((count + 31) >>> 5) * 4));
  if (view === undefined) return call.result === undefined ? pointerText(value) : undefined;
  const members: number[] = [];
  for (let fd = 0; fd < count; fd++) if (((view.getUint8(fd >> 3) >> (fd & 7)) & 1) !== 0) members.push(fd);
  if (call.result === undefined) return `[${members.join(' ')}]`;
  return members.length === 0 ? undefined : `${SET_LABELS[argument.register] ?? ''} [${members.join(' ')}]`;
};

const sockaddrText: Decoder = (call, value, argument) => {
  const length = lengthOf(call, argument);
  const view = length < 2 || length > 128 ? undefined : viewAt(call, value, length);
  if (view === undefined) return pointerText(value);
  const family = view.getUint16(0, true);
  const name = nameIn(ENUMERATIONS.socketdomain, family) ?? String(family);
  const rest = new Uint8Array(view.buffer, view.byteOffset + 2, length - 2);
  return `{sa_family=${name}, sa_data=${quote(rest)}}`;
};

/** The third argument of fcntl: nothing, flags, a lock, or a number. */
const fcntlArgument: Decoder = (call, value) => {
  switch (call.args[1]) {
    case Fcntl.F_GETFD:
    case Fcntl.F_GETFL:
    case Fcntl.F_GETOWN:
    case Fcntl.F_GETSIG:
    case Fcntl.F_GETPIPE_SZ:
    case Fcntl.F_GETLEASE:
    case Fcntl.F_GET_SEALS:
      return undefined;
    case Fcntl.F_SETFD:
      return setText(setNamed('fdflags'), value);
    case Fcntl.F_SETFL:
      return openFlagsText(value);
    case Fcntl.F_GETLK:
    case Fcntl.F_SETLK:
    case Fcntl.F_SETLKW:
      return lock32(call, value);
    case Fcntl.F_GETLK64:
    case Fcntl.F_SETLK64:
    case Fcntl.F_SETLKW64:
    case Fcntl.F_OFD_GETLK:
    case Fcntl.F_OFD_SETLK:
    case Fcntl.F_OFD_SETLKW:
      return lock64(call, value);
    default:
      return String(value);
  }
};

const lock32 = (call: Call, value: number): string => {
  const view = viewAt(call, value, 16);
  return view === undefined ? pointerText(value) : flockText(view);
};

const lock64 = (call: Call, value: number): string => {
  const view = viewAt(call, value, 32);
  return view === undefined ? pointerText(value) : flock64Text(view);
};

const number32: Decoder = structure(4, (view) => `[${i32(view, 0)}]`);

const IOCTL_ARGUMENTS: Readonly<Record<number, Decoder>> = {
  [Ioctl.TCGETS]: structure(36, termiosText),
  [Ioctl.TCSETS]: structure(36, termiosText),
  [Ioctl.TCSETSW]: structure(36, termiosText),
  [Ioctl.TCSETSF]: structure(36, termiosText),
  [Ioctl.TIOCGWINSZ]: structure(8, winsizeText),
  [Ioctl.TIOCSWINSZ]: structure(8, winsizeText),
  [Ioctl.TIOCGPGRP]: number32,
  [Ioctl.TIOCSPGRP]: number32,
  [Ioctl.TIOCGSID]: number32,
  [Ioctl.FIONREAD]: number32,
  [Ioctl.FIONBIO]: number32,
  [Ioctl.TIOCOUTQ]: number32,
  [Ioctl.FIOCLEX]: () => undefined,
  [Ioctl.FIONCLEX]: () => undefined,
};

const ioctlArgument: Decoder = (call, value, argument) => {
  const decoder = IOCTL_ARGUMENTS[call.args[1] >>> 0];
  return decoder === undefined ? pointerText(value) : decoder(call, value, argument);
};

const futexTimeout: Decoder = (call, value, argument) => {
  const operation = call.args[1];
  if (hasFutexCount(operation)) return String(value >>> 0);
  return hasFutexTimeout(operation) ? one(8, time32('nsec'))(call, value, argument) : undefined;
};

const vectorOfEvents: Decoder = (call, value, argument) =>
  arrayText(call, value, lengthOf(call, argument), EPOLL_EVENT_BYTES, (view) => epollText(view));

export const STRUCTURES: Readonly<Record<string, Decoder>> = {
  '*i32': number32,
  '*u32': structure(4, (view) => `[${u32(view, 0)}]`),
  '*size': structure(4, (view) => `[${u32(view, 0)}]`),
  '*hex': structure(4, (view) => `[${hexText(u32(view, 0))}]`),
  '*off64': structure(8, (view) => `[${s64(view, 0)}]`),
  '*u64': structure(8, (view) => `[${view.getBigUint64(0, true)}]`),
  fds: structure(8, (view) => `[${i32(view, 0)}, ${i32(view, 4)}]`),
  timespec: one(8, time32('nsec')),
  timespec64: one(16, time64('nsec')),
  timeval: one(8, time32('usec')),
  timeval64: one(16, time64('usec')),
  timespecs: two(8, time32('nsec')),
  timespecs64: two(16, time64('nsec')),
  timevals: two(8, time32('usec')),
  itimerval: structure(16, (v) => `{it_interval=${time32('usec')(v, 0)}, it_value=${time32('usec')(v, 8)}}`),
  utimbuf: structure(8, (v) => `{actime=${i32(v, 0)}, modtime=${i32(v, 4)}}`),
  sigset: structure(8, (view) => signalSetText(view.getBigUint64(0, true))),
  sigaction: structure(20, sigactionText),
  stack: structure(12, stackText),
  siginfo: structure(12, siginfoText),
  rlimit: structure(8, rlimitText),
  rlimit64: structure(16, rlimit64Text),
  utsname: structure(UTS_FIELD_BYTES * 6, utsnameText),
  sysinfo: structure(
    64,
    (v) => `{uptime=${i32(v, 0)}, totalram=${u32(v, 16)}, freeram=${u32(v, 20)}, procs=${v.getUint16(40, true)}, ...}`,
  ),
  rusage: structure(72, (v) => `{ru_utime=${time32('usec')(v, 0)}, ru_stime=${time32('usec')(v, 8)}, ...}`),
  stat: structure(64, (v) => statText(v.getUint16(8, true), u32(v, 20))),
  stat64: structure(104, (v) => statText(u32(v, 16), s64(v, 48))),
  statx: structure(256, statxText),
  statfs64: structure(84, statfs64Text),
  winsize: structure(8, winsizeText),
  termios: structure(36, termiosText),
  flock: structure(16, flockText),
  flock64: structure(32, flock64Text),
  epollevent: structure(EPOLL_EVENT_BYTES, epollText),
  epollevents: vectorOfEvents,
  pollfd: pollfdText,
  fdset: fdsetText,
  sockaddr: sockaddrText,
  fcntlarg: fcntlArgument,
  ioctlarg: ioctlArgument,
  futextimeout: futexTimeout,
};
