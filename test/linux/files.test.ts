import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Errno } from '../../src/linux/abi/errno.js';
import { At, Open } from '../../src/linux/abi/open-flags.js';
import { FileMachine } from './file-machine.js';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC } = Open;

let m: FileMachine;
beforeEach(() => {
  m = new FileMachine();
});
afterEach(() => m.dispose());

const read = (fd: number, size: number): string => {
  const buffer = m.alloc(size);
  const count = m.call('read', fd, buffer, size);
  return count < 0 ? `errno ${-count}` : m.text(buffer, count);
};

const write = (fd: number, text: string): number => m.call('write', fd, m.str(text), text.length);

describe('open, read, write', () => {
  it('gives the lowest free descriptor', () => {
    m.write('a', 'x');
    expect([m.open('a'), m.open('a'), m.open('a')]).toEqual([0, 1, 2]);
    m.call('close', 1);
    expect(m.open('a')).toBe(1);
  });

  it('answers EMFILE at the limit', () => {
    m.write('a', '');
    m.group.files.limit = 2;
    expect([m.open('a'), m.open('a'), m.open('a')]).toEqual([0, 1, -Errno.EMFILE]);
  });

  it('creates with the mode minus our umask, whatever the umask of the host process', () => {
    m.call('umask', 0o002);
    m.open('new', O_CREAT | O_WRONLY, 0o666);
    expect(fs.statSync(path.join(m.root, 'new')).mode & 0o7777).toBe(0o664);
    m.call('umask', 0);
    m.call('mkdir', m.str('dir'), 0o777);
    expect(fs.statSync(path.join(m.root, 'dir')).mode & 0o7777).toBe(0o777);
  });

  it('shares the offset between duplicates, not between two opens', () => {
    m.write('a', 'abcdef');
    const fd = m.open('a');
    const copy = m.call('dup', fd);
    const other = m.open('a');
    expect([read(fd, 2), read(copy, 2), read(other, 2)]).toEqual(['ab', 'cd', 'ab']);
  });

  it('appends at the end after seeking elsewhere', () => {
    m.write('a', 'abc');
    const fd = m.open('a', O_RDWR | O_APPEND);
    m.call('lseek', fd, 0, 0);
    expect(write(fd, 'X')).toBe(1);
    expect(m.call('lseek', fd, 0, 1)).toBe(4);
    expect(m.read('a')).toBe('abcX');
  });

  it('keeps the access mode: EBADF for the other direction', () => {
    m.write('a', 'abc');
    expect(write(m.open('a', O_RDONLY), 'x')).toBe(-Errno.EBADF);
    expect(read(m.open('a', O_WRONLY), 1)).toBe(`errno ${Errno.EBADF}`);
  });

  it.each([
    ['missing', O_RDONLY, Errno.ENOENT],
    ['file/below', O_RDONLY, Errno.ENOTDIR],
    ['file/', O_RDONLY, Errno.ENOTDIR],
    ['file', O_RDONLY | O_DIRECTORY, Errno.ENOTDIR],
    ['file', O_CREAT | O_EXCL, Errno.EEXIST],
    ['dir', O_WRONLY, Errno.EISDIR],
    ['dir', O_CREAT, Errno.EISDIR],
    ['new/', O_CREAT | O_WRONLY, Errno.EISDIR],
    ['link', O_NOFOLLOW, Errno.ELOOP],
    ['loop', O_RDONLY, Errno.ELOOP],
    ['dangling', O_RDONLY, Errno.ENOENT],
    ['dangling', O_CREAT | O_EXCL, Errno.EEXIST],
    ['', O_RDONLY, Errno.ENOENT],
    ['x'.repeat(256), O_RDONLY, Errno.ENAMETOOLONG],
    ['x/'.repeat(2100), O_RDONLY, Errno.ENAMETOOLONG],
  ])('open(%j, %o) fails as on Linux', (name, flags, errno) => {
    m.write('file', '');
    fs.mkdirSync(path.join(m.root, 'dir'));
    for (const [target, link] of [
      ['file', 'link'],
      ['loop', 'loop'],
      ['nowhere', 'dangling'],
    ]) {
      fs.symlinkSync(target as string, path.join(m.root, link as string));
    }
    expect(m.open(name, flags)).toBe(-errno);
  });

  it('creates the target of a dangling link', () => {
    fs.symlinkSync('target', path.join(m.root, 'dangling'));
    expect(m.open('dangling', O_CREAT | O_WRONLY)).toBe(0);
    expect(fs.existsSync(path.join(m.root, 'target'))).toBe(true);
  });

  it('keeps names that are not UTF-8', () => {
    const name = 'caf\xe9';
    m.open(name, O_CREAT | O_WRONLY);
    expect(fs.readdirSync(m.root, { encoding: 'buffer' })[0]).toEqual(Buffer.from(name, 'latin1'));
    expect(m.open(name)).toBe(1);
  });

  it('answers EFAULT for a bad buffer and fills what it can of a buffer with a hole behind it', () => {
    m.write('a', 'abc');
    const fd = m.open('a');
    expect(m.call('read', fd, 0x10, 4)).toBe(-Errno.EFAULT);
    const end = 0x10_0000 + 0x40_0000;
    expect(m.call('read', fd, end - 4, 4096)).toBe(3);
    expect(m.call('open', 0x10, 0)).toBe(-Errno.EFAULT);
  });

  it('reads and writes vectors', () => {
    const fd = m.open('a', O_CREAT | O_RDWR | O_TRUNC);
    const vector = m.words(m.str('foo'), 3, 0, 0, m.str('bar'), 3);
    expect(m.call('writev', fd, vector, 3)).toBe(6);
    m.call('lseek', fd, 1, 0);
    const [one, two] = [m.alloc(2), m.alloc(8)];
    expect(m.call('readv', fd, m.words(one, 2, two, 8), 2)).toBe(5);
    expect([m.text(one, 2), m.text(two, 3)]).toEqual(['oo', 'bar']);
  });

  it('takes 64-bit positions in an even register pair (pread64) and as two longs (preadv)', () => {
    m.write('a', 'abcdef');
    const fd = m.open('a', O_RDWR);
    const buffer = m.alloc(2);
    expect(m.call('pread64', fd, buffer, 2, 0xdead, 3, 0)).toBe(2);
    expect(m.text(buffer, 2)).toBe('de');
    expect(m.call('preadv', fd, m.words(buffer, 2), 1, 1, 0)).toBe(2);
    expect(m.text(buffer, 2)).toBe('bc');
    expect(m.call('pwrite64', fd, m.str('Z'), 1, 0, 5, 0)).toBe(1);
    expect(m.read('a')).toBe('abcdeZ');
    expect(m.call('pread64', fd, buffer, 2, 0, -1, -1)).toBe(-Errno.EINVAL);
  });

  it('seeks beyond 4 GiB with _llseek and gives the position in memory', () => {
    const fd = m.open('a', O_CREAT | O_RDWR);
    const result = m.alloc(8);
    expect(m.call('_llseek', fd, 2, 5, result, 0)).toBe(0);
    expect([m.u32(result), m.u32(result + 4)]).toEqual([5, 2]);
    expect(m.call('lseek', fd, 0, 1)).toBe(-Errno.EOVERFLOW);
    expect(m.call('_llseek', fd, -1, -1, result, 0)).toBe(-Errno.EINVAL);
  });

  it('truncates to a 64-bit length', () => {
    const fd = m.open('a', O_CREAT | O_RDWR);
    expect(m.call('ftruncate64', fd, 0, 10, 0)).toBe(0);
    expect(m.call('truncate64', m.str('a'), 0, 4, 0)).toBe(0);
    expect(m.read('a')).toBe('\0'.repeat(4));
    expect(m.call('ftruncate64', fd, 0, -1, -1)).toBe(-Errno.EINVAL);
  });

  it('goes on with an unlinked open file', () => {
    m.write('a', 'abc');
    const fd = m.open('a');
    expect(m.call('unlink', m.str('a'))).toBe(0);
    expect(read(fd, 3)).toBe('abc');
  });

  it('copies between files with sendfile64 and copy_file_range, moving the right offsets', () => {
    m.write('a', 'abcdef');
    const from = m.open('a');
    const to = m.open('b', O_CREAT | O_RDWR);
    const offset = m.words(2, 0);
    expect(m.call('sendfile64', to, from, offset, 3)).toBe(3);
    expect(m.u32(offset)).toBe(5);
    expect(m.call('copy_file_range', from, 0, to, 0, 100, 0)).toBe(6);
    expect(m.read('b')).toBe('cdeabcdef');
  });

  it('reads synthetic memory files: memfd_create', () => {
    const fd = m.call('memfd_create', m.str('x'), 1);
    write(fd, 'hello');
    m.call('lseek', fd, 1, 0);
    expect(read(fd, 10)).toBe('ello');
    expect(m.call('fcntl64', fd, 1)).toBe(1);
  });
});

describe('descriptors', () => {
  it('dup2 replaces, dup3 refuses equal numbers and sets close-on-exec', () => {
    m.write('a', 'abc');
    const fd = m.open('a');
    expect(m.call('dup2', fd, 7)).toBe(7);
    expect(m.call('dup2', fd, fd)).toBe(fd);
    expect(m.call('dup2', 99, 1)).toBe(-Errno.EBADF);
    expect(m.call('dup3', fd, fd, 0)).toBe(-Errno.EINVAL);
    expect(m.call('dup3', fd, 8, O_CLOEXEC)).toBe(8);
    expect([m.call('fcntl64', 7, 1), m.call('fcntl64', 8, 1)]).toEqual([0, 1]);
  });

  it('F_DUPFD takes the lowest number from a minimum on', () => {
    m.write('a', '');
    const fd = m.open('a');
    expect([m.call('fcntl64', fd, 0, 10), m.call('fcntl64', fd, 1030, 10)]).toEqual([10, 11]);
  });

  it('F_GETFL shows access mode and status flags, without the flags of the act of opening', () => {
    const fd = m.open('a', O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC | O_TRUNC | Open.O_LARGEFILE);
    expect(m.call('fcntl64', fd, 3)).toBe(O_WRONLY | O_APPEND | Open.O_LARGEFILE);
    m.call('fcntl64', fd, 4, Open.O_NONBLOCK);
    expect(m.call('fcntl64', fd, 3)).toBe(O_WRONLY | Open.O_NONBLOCK | Open.O_LARGEFILE);
  });

  it('grants record locks and says that nothing is in the way', () => {
    const fd = m.open('a', O_CREAT | O_RDWR);
    const lock = m.alloc(32);
    m.view(lock, 2).setInt16(0, 1, true);
    expect(m.call('fcntl64', fd, 13, lock)).toBe(0);
    expect(m.call('fcntl64', fd, 12, lock)).toBe(0);
    expect(m.view(lock, 2).getInt16(0, true)).toBe(2);
  });

  it('lets two descriptions of one file conflict under flock', () => {
    const [a, b] = [m.open('a', O_CREAT | O_RDWR), m.open('a', O_RDWR)];
    expect(m.call('flock', a, 2)).toBe(0);
    expect(m.call('flock', b, 2 | 4)).toBe(-Errno.EAGAIN);
    const wait = m.block('flock', b, 1);
    expect(wait.retry(false)).toBeUndefined();
    m.call('close', a);
    expect(wait.retry(false)).toBe(0);
  });
});

describe('directories and names', () => {
  const entries = (fd: number, size = 4096): string[] => {
    const buffer = m.alloc(size);
    const names: string[] = [];
    for (
      let count = m.call('getdents64', fd, buffer, size);
      count > 0;
      count = m.call('getdents64', fd, buffer, size)
    ) {
      for (let at = 0; at < count; ) {
        const view = m.view(buffer + at, 19);
        expect(view.getUint16(16, true) % 8).toBe(0);
        names.push(`${m.cstring(buffer + at + 19)}:${view.getUint8(18)}`);
        at += view.getUint16(16, true);
      }
    }
    return names;
  };

  it('lists in byte order with "." and ".." first, in as many calls as the buffer needs', () => {
    for (const name of ['b', 'B', 'a', 'longer-name']) m.write(name, '');
    fs.mkdirSync(path.join(m.root, 'dir'));
    fs.symlinkSync('a', path.join(m.root, 'link'));
    const expected = ['.:4', '..:4', 'B:8', 'a:8', 'b:8', 'dir:4', 'link:10', 'longer-name:8'];
    expect(entries(m.open('.', O_DIRECTORY))).toEqual(expected);
    expect(entries(m.open('.', O_DIRECTORY), 32)).toEqual(expected);
  });

  it('reads again after a rewind and answers EINVAL for a buffer too small for one entry', () => {
    const fd = m.open('.', O_DIRECTORY);
    expect(entries(fd)).toEqual(['.:4', '..:4']);
    m.write('new', '');
    expect(entries(fd)).toEqual([]);
    m.call('lseek', fd, 0, 0);
    expect(m.call('getdents64', fd, m.alloc(8), 8)).toBe(-Errno.EINVAL);
    expect(entries(fd)).toEqual(['.:4', '..:4', 'new:8']);
  });

  it('gives d_ino as stat does', () => {
    m.write('a', '');
    const buffer = m.alloc(256);
    m.call('getdents64', m.open('.', O_DIRECTORY), buffer, 256);
    const third = buffer + 24 + 24;
    expect(m.view(third, 8).getBigUint64(0, true)).toBe(fs.statSync(path.join(m.root, 'a'), { bigint: true }).ino);
  });

  it('resolves names relative to a directory descriptor, also after it was renamed', () => {
    m.call('mkdir', m.str('d'), 0o755);
    const fd = m.open('d', O_DIRECTORY);
    expect(m.call('openat', fd, m.str('x'), O_CREAT | O_WRONLY, 0o600)).toBe(1);
    expect(m.call('rename', m.str('d'), m.str('e'))).toBe(0);
    expect(m.call('openat', fd, m.str('x'), 0)).toBe(2);
    expect(m.call('openat', 1, m.str('x'), 0)).toBe(-Errno.ENOTDIR);
    expect(m.call('openat', 99, m.str('x'), 0)).toBe(-Errno.EBADF);
  });

  it('unlinkat removes files, and directories only when asked', () => {
    m.write('f', '');
    m.call('mkdir', m.str('d'), 0o755);
    expect(m.call('unlinkat', At.AT_FDCWD, m.str('d'), 0)).toBe(-Errno.EISDIR);
    expect(m.call('unlinkat', At.AT_FDCWD, m.str('f'), At.AT_REMOVEDIR)).toBe(-Errno.ENOTDIR);
    expect(m.call('unlinkat', At.AT_FDCWD, m.str('d/'), At.AT_REMOVEDIR)).toBe(0);
    expect(m.call('unlinkat', At.AT_FDCWD, m.str('f'), 0)).toBe(0);
    expect(fs.readdirSync(m.root)).toEqual([]);
  });

  it('rmdir refuses what Linux refuses', () => {
    m.call('mkdir', m.str('d'), 0o755);
    m.write('d/f', '');
    expect(m.call('rmdir', m.str('d'))).toBe(-Errno.ENOTEMPTY);
    expect(m.call('rmdir', m.str('d/.'))).toBe(-Errno.EINVAL);
    expect(m.call('rmdir', m.str('d/..'))).toBe(-Errno.ENOTEMPTY);
  });

  it('renameat2 with RENAME_NOREPLACE keeps what is there', () => {
    m.write('a', '1');
    m.write('b', '2');
    expect(m.call('renameat2', At.AT_FDCWD, m.str('a'), At.AT_FDCWD, m.str('b'), 1)).toBe(-Errno.EEXIST);
    expect(m.call('renameat2', At.AT_FDCWD, m.str('a'), At.AT_FDCWD, m.str('b'), 0)).toBe(0);
    expect(m.read('b')).toBe('1');
  });

  it('reads links, cut to the buffer and without a NUL', () => {
    m.call('symlink', m.str('some/target'), m.str('l'));
    const buffer = m.bytes(new Uint8Array(16).fill(0x7e));
    expect(m.call('readlink', m.str('l'), buffer, 4)).toBe(4);
    expect(m.text(buffer, 5)).toBe('some~');
    expect(m.call('readlink', m.str('.'), buffer, 4)).toBe(-Errno.EINVAL);
  });

  it('tracks the working directory without moving the host process', () => {
    const before = process.cwd();
    m.call('mkdir', m.str('d'), 0o755);
    expect(m.call('chdir', m.str('d/../d/.'))).toBe(0);
    const buffer = m.alloc(4096);
    expect(m.call('getcwd', buffer, 4096)).toBe(m.root.length + 3);
    expect(m.cstring(buffer)).toBe(`${m.root}/d`);
    expect(m.call('getcwd', buffer, 3)).toBe(-Errno.ERANGE);
    m.open('x', O_CREAT);
    expect(fs.existsSync(path.join(m.root, 'd/x'))).toBe(true);
    expect(m.call('chdir', m.str('x'))).toBe(-Errno.ENOTDIR);
    expect(process.cwd()).toBe(before);
  });

  it('refuses what needs privileges or what Node cannot make', () => {
    expect(m.call('chroot', m.str('/'))).toBe(-Errno.EPERM);
    expect(m.call('mknod', m.str('fifo'), 0o010644, 0)).toBe(-Errno.EPERM);
    expect(m.call('mknod', m.str('file'), 0o100644, 0)).toBe(0);
    expect(m.call('getxattr', m.str('file'), m.str('user.a'), 0, 0)).toBe(-Errno.EOPNOTSUPP);
    expect(m.call('getxattr', m.str('none'), m.str('user.a'), 0, 0)).toBe(-Errno.ENOENT);
    expect(m.call('socket', 2, 1, 0)).toBe(-Errno.EAFNOSUPPORT);
    expect(m.call('inotify_init1', 0)).toBe(-Errno.ENOSYS);
  });
});

describe('policy', () => {
  it('is asked with the resolved path and decides the errno', () => {
    const asked: string[] = [];
    const machine = new FileMachine({
      policy: {
        check: ({ operation, path: where }) => {
          asked.push(`${operation} ${where}`);
          return where.endsWith('secret') ? -Errno.EACCES : 0;
        },
      },
    });
    machine.write('secret', '');
    fs.symlinkSync('secret', path.join(machine.root, 'alias'));
    expect(machine.open('./alias')).toBe(-Errno.EACCES);
    expect(machine.call('unlink', machine.str('secret'))).toBe(-Errno.EACCES);
    expect(machine.call('stat64', machine.str('secret'), machine.alloc(104))).toBe(-Errno.EACCES);
    expect(asked).toEqual(['read', 'delete', 'stat'].map((op) => `${op} ${machine.root}/secret`));
    machine.dispose();
  });
});
