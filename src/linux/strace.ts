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
 *             buf:in:LEN buf:out:LEN  iovec:in:COUNT iovec:out:COUNT  dirents:out
 *   numbers   *i32 *u32 *size *hex *off64 *u64 : printed [5]; with :out after the call
 *   in memory fds:out ([3, 4])  timespec timespec64 timeval timeval64 itimerval  sigset sigaction stack siginfo rlimit
 *             rlimit64 utsname sysinfo rusage stat stat64 statx statfs64 winsize termios pollfd:COUNT fdset:COUNT
 *             flock flock64 epollevent sockaddr:LEN utimbuf
 *             all read at entry; with `:out` at exit; with `:inout` at both (poll)
 *   by value  fcntlarg ioctlarg futextimeout futexaddr2 futexval3 mremapaddr : what they are, or whether they are
 *             printed at all, depends on the argument that names the operation
 *   result    i32 (default) u32 hex ptr oct fd off64 fcntl (flags for F_GETFL) ready ("0 (Timeout)") none
 *
 * As in strace the text is made in two steps: `formatEntry` gives the line up to the first argument the kernel fills in,
 * `formatExit` the whole line. Nothing here faults: a bad pointer prints as its hex value, a guest string is escaped
 * (octal and the C letters), cut at 32 bytes and followed by "...".
 */
export { type ArgumentKind, type CallKinds, parseKinds } from './strace/kinds.js';
