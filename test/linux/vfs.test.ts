import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ARMV7_D16, Hwcap } from '../../src/linux/abi/auxv.js';
import { Errno } from '../../src/linux/abi/errno.js';
import { Open } from '../../src/linux/abi/open-flags.js';
import { FileMachine } from './file-machine.js';

let sysroot: string;
let m: FileMachine;
beforeEach(() => {
  sysroot = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'armstalk-sysroot-'));
  m = new FileMachine({ sysroot });
});
afterEach(() => {
  m.dispose();
  fs.rmSync(sysroot, { recursive: true, force: true });
});

const put = (file: string, contents: string): void => {
  fs.mkdirSync(path.dirname(path.join(sysroot, file)), { recursive: true });
  fs.writeFileSync(path.join(sysroot, file), contents);
};

const link = (target: string, file: string): void => {
  fs.mkdirSync(path.dirname(path.join(sysroot, file)), { recursive: true });
  fs.symlinkSync(target, path.join(sysroot, file));
};

/** Contents of a file as the guest sees it, or the negative errno. */
const contents = (file: string): string | number => {
  const fd = m.open(file);
  if (fd < 0) return fd;
  const buffer = m.alloc(4096);
  const count = m.call('read', fd, buffer, 4096);
  m.call('close', fd);
  return count < 0 ? count : m.text(buffer, count);
};

describe('sysroot', () => {
  it('wins over the host, and the host shows through', () => {
    put('etc/only-in-sysroot', 'sysroot');
    fs.writeFileSync(path.join(m.root, 'only-on-host'), 'host');
    put(`${m.root}/both`, 'sysroot');
    fs.writeFileSync(path.join(m.root, 'both'), 'host');
    expect(contents('/etc/only-in-sysroot')).toBe('sysroot');
    expect(contents(`${m.root}/only-on-host`)).toBe('host');
    expect(contents(`${m.root}/both`)).toBe('sysroot');
  });

  it('keeps absolute links and ".." inside', () => {
    put('usr/lib/real', 'inside');
    link('/usr/lib', 'lib');
    link('/usr/lib/real', 'abs');
    link('../../../../../../usr/lib/real', 'deep/up');
    expect(contents('/lib/real')).toBe('inside');
    expect(contents('/abs')).toBe('inside');
    expect(contents('/deep/up')).toBe('inside');
    expect(contents('/../../lib/../lib/real')).toBe('inside');
  });

  it('resolves ".." after a link from where the link leads', () => {
    put('a/b/file', 'a/b');
    put('a/sibling', 'a');
    link('a/b', 'short');
    expect(contents('/short/../sibling')).toBe('a');
    expect(contents('/short/../../sibling')).toBe(-Errno.ENOENT);
  });

  it('creates where the directory is: in the sysroot first', () => {
    fs.mkdirSync(path.join(sysroot, 'var'));
    expect(m.open('/var/new', Open.O_CREAT | Open.O_WRONLY)).toBe(0);
    expect(fs.existsSync(path.join(sysroot, 'var/new'))).toBe(true);
    expect(m.open(`${m.root}/new`, Open.O_CREAT | Open.O_WRONLY)).toBe(1);
    expect(fs.existsSync(path.join(m.root, 'new'))).toBe(true);
  });

  it('shows guest paths in getcwd and readlink, never host paths', () => {
    put('home/user/f', '');
    expect(m.call('chdir', m.str('/home/user'))).toBe(0);
    const buffer = m.alloc(4096);
    m.call('getcwd', buffer, 4096);
    expect(m.cstring(buffer)).toBe('/home/user');
    const fd = m.open('f');
    const size = m.call('readlink', m.str(`/proc/self/fd/${fd}`), buffer, 4096);
    expect(m.text(buffer, size)).toBe('/home/user/f');
  });

  it('gives up after 40 links', () => {
    for (let i = 0; i < 45; i++) link(`n${i + 1}`, `n${i}`);
    put('n45', 'end');
    expect(contents('/n6')).toBe('end');
    expect(contents('/n0')).toBe(-Errno.ELOOP);
  });
});

describe('synthetic files', () => {
  it('describes this process, by any spelling of the name', () => {
    const buffer = m.alloc(256);
    for (const name of ['/proc/self/exe', '/proc//self/./exe', '/proc/100/exe', '/proc/self/../self/exe']) {
      const size = m.call('readlink', m.str(name), buffer, 256);
      expect(m.text(buffer, size)).toBe('/bin/prog');
    }
    expect(contents('/proc/self/cmdline')).toBe('prog\0-x\0');
    expect(contents('/proc/self/comm')).toBe('prog\n');
    expect(contents('/proc/self/status')).toContain('Pid:\t100\n');
    expect(String(contents('/proc/self/stat')).trim().split(' ')).toHaveLength(52);
  });

  it('lists mappings in the format of proc(5)', () => {
    m.group.mm.configure({ brkStart: 0x9_0000, mmapTop: 0xb000_0000, readImpliesExec: false });
    m.group.mm.map({ addr: 0x8_0000, sizeBytes: 4096, prot: 5, fixed: 'replace', name: '[code]' });
    expect(contents('/proc/self/maps')).toBe('00080000-00081000 r-xp 00000000 00:00 0          [code]\n');
    m.group.mm.unmap(0x8_0000, 4096);
  });

  it('promises the CPU features that AT_HWCAP promises, and no others', () => {
    Object.assign(m.group, { cpu: { ...ARMV7_D16, hwcap: Hwcap.thumb | Hwcap.tls | Hwcap.idiva } });
    expect(contents('/proc/cpuinfo')).toMatch(/^Features\t: thumb tls idiva $/m);
  });

  it('has the devices: null, zero, full, urandom (seeded)', () => {
    const zero = m.open('/dev/zero', Open.O_RDWR);
    const buffer = m.bytes([1, 2, 3, 4]);
    expect(m.call('read', zero, buffer, 4)).toBe(4);
    expect(m.u32(buffer)).toBe(0);
    expect(contents('/dev/null')).toBe('');
    expect(m.call('write', m.open('/dev/full', Open.O_WRONLY), buffer, 4)).toBe(-Errno.ENOSPC);
    const random = contents('/dev/urandom');
    const again = new FileMachine();
    expect(again.call('read', again.open('/dev/urandom'), again.alloc(4096), 4096)).toBe(4096);
    expect(again.text(0x10_0000 + 16, 4096)).toBe(random);
    again.dispose();
    expect(contents('/dev/tty')).toBe(-Errno.ENXIO);
  });

  it('opens /dev/stdin and /proc/self/fd/N as the file the descriptor refers to', () => {
    m.write('f', 'abcdef');
    expect(m.open('f')).toBe(0);
    expect(contents('/dev/stdin')).toBe('abcdef');
    expect(contents('/dev/fd/7')).toBe(-Errno.ENOENT);
  });

  it('cannot be written, removed or replaced', () => {
    expect(m.open('/proc/self/maps', Open.O_WRONLY)).toBe(-Errno.EACCES);
    expect(m.call('unlink', m.str('/dev/null'))).toBe(-Errno.EPERM);
    m.write('f', '');
    expect(m.call('rename', m.str('f'), m.str('/dev/null'))).toBe(-Errno.EPERM);
    expect(m.open('/proc/nonsense')).toBe(-Errno.ENOENT);
  });

  it('lists /proc and /proc/self/fd in order', () => {
    m.write('f', '');
    m.open('f');
    const fd = m.open('/proc/self/fd', Open.O_DIRECTORY);
    const buffer = m.alloc(512);
    const size = m.call('getdents64', fd, buffer, 512);
    const names: string[] = [];
    for (let at = 0; at < size; at += m.view(buffer + at + 16, 2).getUint16(0, true))
      names.push(m.cstring(buffer + at + 19));
    expect(names).toEqual(['.', '..', '0', '1']);
  });
});
