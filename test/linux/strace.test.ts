import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Open } from '../../src/linux/abi/open-flags.js';
import { formatEntry, formatExit, isKnownKind, isKnownResult, parseKinds } from '../../src/linux/strace.js';
import type { SyscallArgs } from '../../src/linux/syscalls/syscall.js';
import { SYSCALLS } from '../../src/linux/syscalls/table.js';
import { FileMachine } from './file-machine.js';

let m: FileMachine;
beforeEach(() => {
  m = new FileMachine();
});
afterEach(() => m.dispose());

/** A line for a call that is only printed, with this result. */
const line = (name: string, args: number[], result: number | undefined): string => {
  const all = [...args.map((a) => a | 0), 0, 0, 0, 0, 0, 0, 0].slice(0, 7) as unknown as SyscallArgs;
  const row = m.row(name);
  return formatExit(row, m.task, all, result, formatEntry(row, m.task, all));
};

describe('the table', () => {
  it('uses kinds and results that exist, in registers that exist', () => {
    const wrong = SYSCALLS.flatMap(({ name, args }) => {
      const { arguments: kinds, result } = parseKinds(args);
      const bad = kinds.filter(({ kind, register }) => !isKnownKind(kind) || register > 6).map(({ kind }) => kind);
      return isKnownResult(result) ? bad.map((kind) => `${name}: ${kind}`) : [`${name} -> ${result}`];
    });
    expect(wrong).toEqual([]);
  });

  it('refuses words outside the grammar', () => {
    expect(() => parseKinds('fd buf::')).toThrow(/argument kind/);
  });
});

describe('lines', () => {
  it('golden: a session', () => {
    fs.writeFileSync(path.join(m.root, 'f'), 'hello\n\0\x01\x7f"\\ and more than thirty-two bytes of it');
    const name = m.str('f');
    const buffer = m.alloc(256);
    const fds = m.alloc(8);
    const lines = [
      m.strace('openat', -100, name, Open.O_RDONLY | Open.O_LARGEFILE | Open.O_CLOEXEC),
      m.strace('openat', -100, m.str('none'), Open.O_RDWR | Open.O_CREAT | Open.O_EXCL | Open.O_DIRECTORY, 0o600),
      m.strace('open', m.str('new'), Open.O_WRONLY | Open.O_CREAT | Open.O_TRUNC, 0o644),
      m.strace('open', 0x10, 0),
      m.strace('read', 0, buffer, 10),
      m.strace('read', 0, buffer, 100),
      m.strace('read', 99, buffer, 100),
      m.strace('write', 1, m.str('x\n'), 2),
      m.strace('_llseek', 0, 0, 3, buffer, 0),
      m.strace('pread64', 0, buffer, 2, 0, 1, 0),
      m.strace('writev', 1, m.words(m.str('ab'), 2, m.str('c'), 1), 2),
      m.strace('fstat64', 0, buffer),
      m.strace('statx', -100, name, 0x100, 0x7ff, buffer),
      m.strace('access', name, 4),
      m.strace('access', name, 0),
      m.strace('fcntl64', 1, 3),
      m.strace('fcntl64', 0, 1),
      m.strace('fcntl64', 1, 4, Open.O_NONBLOCK),
      m.strace('fcntl64', 0, 1030, 10),
      m.strace('umask', 0o77),
      m.strace('pipe2', fds, Open.O_CLOEXEC),
      m.strace('poll', m.words(3, 4), 1, -1),
      m.strace('poll', m.words(2, 1), 1, 0),
      m.strace('ioctl', 0, 0x5401, buffer),
      m.strace('readlink', m.str('/proc/self/exe'), buffer, 256),
      m.strace('mkdir', m.str('d\n'), 0o755),
      m.strace('getdents64', m.open('.', Open.O_DIRECTORY), buffer, 256),
      m.strace('getxattr', name, m.str('security.selinux'), buffer, 255),
      m.strace('socket', 1, 1 | Open.O_CLOEXEC, 0),
      m.strace('close', 0),
      m.strace('close', 0),
    ];
    expect(lines.map((text) => text.replace(/0x1[0-9a-f]{5}/g, '0xADDR')).join('\n')).toMatchInlineSnapshot(`
      "openat(AT_FDCWD, "f", O_RDONLY|O_LARGEFILE|O_CLOEXEC) = 0
      openat(AT_FDCWD, "none", O_RDWR|O_CREAT|O_EXCL|O_DIRECTORY, 0600) = -1 EINVAL (Invalid argument)
      open("new", O_WRONLY|O_CREAT|O_TRUNC, 0644) = 1
      open(0x10, O_RDONLY) = -1 EFAULT (Bad address)
      read(0, "hello\\n\\0\\1\\177\\"", 10) = 10
      read(0, "\\\\ and more than thirty-two bytes"..., 100) = 38
      read(99, 0xADDR, 100) = -1 EBADF (Bad file descriptor)
      write(1, "x\\n", 2) = 2
      _llseek(0, 3, [3], SEEK_SET) = 0
      pread64(0, "el", 2, 1) = 2
      writev(1, [{iov_base="ab", iov_len=2}, {iov_base="c", iov_len=1}], 2) = 3
      fstat64(0, {st_mode=S_IFREG|0644, st_size=48, ...}) = 0
      statx(AT_FDCWD, "f", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, {stx_mask=STATX_ALL, stx_attributes=0, stx_mode=S_IFREG|0644, stx_size=48, ...}) = 0
      access("f", R_OK) = 0
      access("f", F_OK) = 0
      fcntl64(1, F_GETFL) = 0x1 (flags O_WRONLY)
      fcntl64(0, F_GETFD) = 0x1 (flags FD_CLOEXEC)
      fcntl64(1, F_SETFL, O_RDONLY|O_NONBLOCK) = 0
      fcntl64(0, F_DUPFD_CLOEXEC, 10) = 10
      umask(077) = 022
      pipe2([2, 3], O_CLOEXEC) = 0
      poll([{fd=3, events=POLLOUT}], 1, -1) = 1 ([{fd=3, revents=POLLOUT}])
      poll([{fd=2, events=POLLIN}], 1, 0) = 0 (Timeout)
      ioctl(0, TCGETS, 0xADDR) = -1 ENOTTY (Inappropriate ioctl for device)
      readlink("/proc/self/exe", "/bin/prog", 256) = 9
      mkdir("d\\n", 0755) = 0
      getdents64(4, 0xADDR /* 5 entries */, 256) = 120
      getxattr("f", "security.selinux", 0xADDR, 255) = -1 EOPNOTSUPP (Operation not supported)
      socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = -1 EAFNOSUPPORT (Address family not supported by protocol)
      close(0) = 0
      close(0) = -1 EBADF (Bad file descriptor)"
    `);
  });

  it('escapes so that no guest byte reaches the terminal as it is, with the shortest octal', () => {
    const text = '\x1b[31m\x07\x001\x018';
    expect(line('write', [1, m.str(text), text.length], text.length)).toBe(
      'write(1, "\\33[31m\\7\\0001\\18", 10) = 10',
    );
  });

  it('reads what it prints before the call when the kernel only reads it', () => {
    const row = m.row('write');
    const data = m.str('before');
    const args = [1, data, 6, 0, 0, 0, 0] as const;
    const entry = formatEntry(row, m.task, args);
    m.task.memory.poke(data, Buffer.from('after!'));
    expect(formatExit(row, m.task, args, 6, entry)).toBe('write(1, "before", 6) = 6');
  });

  it('stops at the first output on entry, and can be finished without a result', () => {
    const args = [0, 0x10_0000, 16, 0, 0, 0, 0] as const;
    expect(formatEntry(m.row('read'), m.task, args)).toBe('read(0, ');
    expect(line('read', [0, 0x10_0000, 16], undefined)).toBe('read(0, 0x100000, 16) = ?');
    expect(line('exit_group', [3], undefined)).toBe('exit_group(3) = ?');
  });

  it('prints bad pointers in hex and never faults', () => {
    for (const row of SYSCALLS) {
      for (const value of [0, 1, -1, 0x7fff_ffff, -0x8000_0000, 0xffff_0ff0 | 0]) {
        const args = Array.from({ length: 7 }, () => value) as unknown as SyscallArgs;
        for (const result of [0, 5, -14, undefined]) {
          expect(formatExit(row, m.task, args, result, formatEntry(row, m.task, args))).toMatch(/^\w+\(.*\) = /s);
        }
      }
    }
  });

  it('prints memory, signal, futex, clock and clone calls as strace does', () => {
    const ts = m.words(1, 500);
    const action = m.words(0x8000, 0x1400_0004, 0x9000, 1 << 1, 0);
    const mask = m.words(0b110, 0);
    const full = m.words(-1, -1);
    expect(
      [
        line('mmap2', [0, 4096, 3, 0x22, -1, 0], 0xb6f0_0000 | 0),
        line('mmap2', [0, 4096, 1, 0x802, 3, 2], 0xb6f0_0000 | 0),
        line('mprotect', [0x1_0000, 4096, 0], 0),
        line('brk', [0], 0x2_1000),
        line('rt_sigaction', [15, action, 0, 8], 0),
        line('rt_sigprocmask', [0, mask, 0, 8], 0),
        line('rt_sigprocmask', [2, full, 0, 8], 0),
        line('futex', [0x2_0000, 128, 2, 0, 0, 0], -11),
        line('futex', [0x2_0000, 129, 1, 0, 0, 0], 1),
        line('futex', [0x2_0000, 128 | 256 | 9, 2, ts, 0, -1], -110),
        line('clock_gettime', [1, ts], 0),
        line('clock_nanosleep', [0, 0, ts, 0], 0),
        line('tgkill', [100, 101, 6], 0),
        line('clone', [0x3d_0f00, 0xb6e0_0000 | 0, 0xb6e0_1000 | 0, 0xb6e0_2000 | 0, 0xb6e0_1000 | 0], 101),
        line('clone', [0x0120_0011, 0, 0, 0, 0x1_0000], 101),
        line('wait4', [-1, 0, 1, 0], -10),
        line('set_tls', [0x4_5678], 0),
        line('mremap', [0x1_0000, 4096, 8192, 1], 0x3_0000),
      ]
        .join('\n')
        .replace(/0x1[0-9a-f]{5}/g, '0xADDR'),
    ).toMatchInlineSnapshot(`
      "mmap2(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0xb6f00000
      mmap2(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_DENYWRITE, 3, 0x2000) = 0xb6f00000
      mprotect(0x10000, 4096, PROT_NONE) = 0
      brk(NULL) = 0x21000
      rt_sigaction(SIGTERM, {sa_handler=0x8000, sa_mask=[INT], sa_flags=SA_RESTORER|SA_RESTART|SA_SIGINFO, sa_restorer=0x9000}, NULL, 8) = 0
      rt_sigprocmask(SIG_BLOCK, [INT QUIT], NULL, 8) = 0
      rt_sigprocmask(SIG_SETMASK, ~[], NULL, 8) = 0
      futex(0x20000, FUTEX_WAIT_PRIVATE, 2, NULL) = -1 EAGAIN (Resource temporarily unavailable)
      futex(0x20000, FUTEX_WAKE_PRIVATE, 1) = 1
      futex(0x20000, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 2, {tv_sec=1, tv_nsec=500}, FUTEX_BITSET_MATCH_ANY) = -1 ETIMEDOUT (Connection timed out)
      clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=500}) = 0
      clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=1, tv_nsec=500}, NULL) = 0
      tgkill(100, 101, SIGABRT) = 0
      clone(child_stack=0xb6e00000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, parent_tid=0xb6e01000, tls=0xb6e02000, child_tidptr=0xb6e01000) = 101
      clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, parent_tid=NULL, tls=0, child_tidptr=0x10000) = 101
      wait4(-1, NULL, WNOHANG, NULL) = -1 ECHILD (No child processes)
      set_tls(0x45678) = 0
      mremap(0x10000, 4096, 8192, MREMAP_MAYMOVE) = 0x30000"
    `);
  });
});
