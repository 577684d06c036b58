import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Signal } from '../../src/linux/abi/constants.js';
import { Errno } from '../../src/linux/abi/errno.js';
import { Open, Poll } from '../../src/linux/abi/open-flags.js';
import { signalBit } from '../../src/linux/kernel/signal-state.js';
import { installStdio } from '../../src/linux/kernel/stdio.js';
import { FileMachine } from './file-machine.js';

let m: FileMachine;
beforeEach(() => {
  m = new FileMachine();
});
afterEach(() => m.dispose());

const makePipe = (flags = 0): [number, number] => {
  const fds = m.alloc(8);
  expect(m.call('pipe2', fds, flags)).toBe(0);
  return [m.u32(fds), m.u32(fds + 4)];
};

describe('pipes', () => {
  it('carry bytes in order and end when the last writer closes', () => {
    const [r, w] = makePipe();
    const copy = m.call('dup', w);
    expect(m.call('write', w, m.str('hello'), 5)).toBe(5);
    m.call('close', w);
    const buffer = m.alloc(16);
    expect(m.call('read', r, buffer, 3)).toBe(3);
    expect(m.call('read', r, buffer + 3, 16)).toBe(2);
    expect(m.text(buffer, 5)).toBe('hello');
    const wait = m.block('read', r, buffer, 16);
    expect(wait.retry(false)).toBeUndefined();
    m.call('close', copy);
    expect(wait.retry(false)).toBe(0);
  });

  it('a reader sleeps until there is something; a non-blocking one is told', () => {
    const [r, w] = makePipe();
    const buffer = m.alloc(8);
    const wait = m.block('read', r, buffer, 8);
    expect(wait.restartable ?? true).toBe(true);
    expect(wait.retry(false)).toBeUndefined();
    m.call('write', w, m.str('x'), 1);
    expect(wait.retry(false)).toBe(1);
    m.call('fcntl64', r, 4, Open.O_NONBLOCK);
    expect(m.call('read', r, buffer, 8)).toBe(-Errno.EAGAIN);
  });

  it('hold 64 KiB; a longer write waits, and a signal then leaves what was written', () => {
    const [r, w] = makePipe();
    const data = m.bytes(new Uint8Array(100_000).fill(7));
    const wait = m.block('write', w, data, 100_000);
    expect(wait.interrupted?.()).toBe(65_536);
    const buffer = m.alloc(100_000);
    expect(m.call('read', r, buffer, 100_000)).toBe(65_536);
    expect(wait.retry(false)).toBe(100_000);
    expect(m.call('read', r, buffer, 100_000)).toBe(100_000 - 65_536);
  });

  it('writes of up to PIPE_BUF go in whole or not at all', () => {
    const [r, w] = makePipe(Open.O_NONBLOCK);
    const data = m.bytes(new Uint8Array(65_536));
    expect(m.call('write', w, data, 65_536)).toBe(65_536);
    m.call('read', r, m.alloc(100), 100);
    expect(m.call('write', w, data, 101)).toBe(-Errno.EAGAIN);
    expect(m.call('write', w, data, 5000)).toBe(100);
  });

  it('without readers raise SIGPIPE and answer EPIPE', () => {
    const [r, w] = makePipe();
    m.call('close', r);
    expect(m.call('write', w, m.str('x'), 1)).toBe(-Errno.EPIPE);
    expect(m.task.signals.pending.set).toBe(signalBit(Signal.SIGPIPE));
  });

  it('cannot be positioned', () => {
    const [r] = makePipe();
    expect(m.call('lseek', r, 0, 0)).toBe(-Errno.ESPIPE);
    expect(m.call('pread64', r, m.alloc(4), 4, 0, 0, 0)).toBe(-Errno.ESPIPE);
  });
});

describe('poll and select', () => {
  const pollfd = (fd: number, events: number): number => m.words(fd, events);
  const revents = (address: number): number => m.view(address + 6, 2).getUint16(0, true);

  it('report what holds, POLLNVAL for a closed descriptor, nothing for a negative one', () => {
    const [r, w] = makePipe();
    const set = m.words(r, Poll.POLLIN, w, Poll.POLLOUT, 99, Poll.POLLIN, -1, Poll.POLLIN);
    expect(m.call('poll', set, 4, -1)).toBe(2);
    expect([0, 8, 16, 24].map((at) => revents(set + at))).toEqual([0, Poll.POLLOUT, Poll.POLLNVAL, 0]);
    m.call('close', w);
    expect(m.call('poll', pollfd(r, Poll.POLLIN), 1, -1)).toBe(1);
  });

  it('sleep until the deadline on the guest clock and then give 0', () => {
    const [r, w] = makePipe();
    const set = pollfd(r, Poll.POLLIN);
    expect(m.call('poll', set, 1, 0)).toBe(0);
    m.now = 1000;
    const wait = m.block('poll', set, 1, 5);
    expect(wait.deadlineNs).toBe(5_001_000);
    expect(wait.restartable).toBe(false);
    expect(wait.retry(false)).toBeUndefined();
    expect(wait.retry(true)).toBe(0);
    m.call('write', w, m.str('x'), 1);
    expect(m.block('poll', pollfd(m.call('eventfd2', 0, 0), Poll.POLLIN), 1, 5).retry(true)).toBe(0);
    expect(m.call('poll', set, 1, 5)).toBe(1);
    expect(revents(set)).toBe(Poll.POLLIN);
  });

  it('ppoll installs its mask until the call is over and writes the rest of the time back', () => {
    const [r, w] = makePipe();
    const timeout = m.words(0, 5000);
    const mask = m.words(1 << 9, 0);
    const wait = m.block('ppoll', pollfd(r, Poll.POLLIN), 1, timeout, mask, 8);
    expect(m.task.signals.blocked).toBe(1n << 9n);
    m.now = 2000;
    m.call('write', w, m.str('x'), 1);
    expect(wait.retry(false)).toBe(1);
    expect([m.u32(timeout), m.u32(timeout + 4)]).toEqual([0, 3000]);
    m.task.signals.endTemporaryMask();
    expect(m.task.signals.blocked).toBe(0n);
  });

  it('select counts bits over the three sets and clears what is not ready', () => {
    const [r, w] = makePipe();
    const [input, output] = [m.words(1 << r, 0), m.words(1 << w, 0)];
    expect(m.call('_newselect', w + 1, input, output, 0, 0)).toBe(1);
    expect([m.u32(input), m.u32(output)]).toEqual([0, 1 << w]);
    m.call('write', w, m.str('x'), 1);
    const both = m.words(1 << r, 0);
    expect(m.call('_newselect', w + 1, both, output, 0, 0)).toBe(2);
    expect(m.call('_newselect', 100, m.words(0, 1 << 31, 0, 0), 0, 0, 0)).toBe(-Errno.EBADF);
  });

  it('epoll reports levels, edges once, and one-shots once', () => {
    const [r, w] = makePipe();
    const ep = m.call('epoll_create1', 0);
    const events = m.alloc(64);
    const event = (bits: number): number => m.words(bits, 0, 0x1234, 0x5678);
    expect(m.call('epoll_ctl', ep, 1, r, event(1))).toBe(0);
    expect(m.call('epoll_ctl', ep, 1, r, event(1))).toBe(-Errno.EEXIST);
    const wait = m.block('epoll_wait', ep, events, 4, -1);
    m.call('write', w, m.str('x'), 1);
    expect(wait.retry(false)).toBe(1);
    expect([m.u32(events), m.u32(events + 8), m.u32(events + 12)]).toEqual([1, 0x1234, 0x5678]);
    expect(m.call('epoll_wait', ep, events, 4, 0)).toBe(1);
    m.call('epoll_ctl', ep, 3, r, event(1 | (1 << 31)));
    expect([1, 2].map(() => m.call('epoll_wait', ep, events, 4, 0))).toEqual([1, 0]);
    m.call('write', w, m.str('y'), 1);
    expect(m.call('epoll_wait', ep, events, 4, 0)).toBe(1);
    m.call('epoll_ctl', ep, 3, r, event(1 | (1 << 30)));
    expect([1, 2].map(() => m.call('epoll_wait', ep, events, 4, 0))).toEqual([1, 0]);
    expect(m.call('epoll_ctl', ep, 2, r, 0)).toBe(0);
    expect(m.call('epoll_ctl', ep, 2, r, 0)).toBe(-Errno.ENOENT);
    m.write('f', '');
    expect(m.call('epoll_ctl', ep, 1, m.open('f'), event(1))).toBe(-Errno.EPERM);
  });

  it('eventfd counts, and as a semaphore gives one at a time', () => {
    const fd = m.call('eventfd2', 2, 1);
    const value = m.alloc(8);
    expect([m.call('read', fd, value, 8), m.u32(value)]).toEqual([8, 1]);
    m.call('read', fd, value, 8);
    const wait = m.block('read', fd, value, 8);
    m.call('write', fd, m.words(5, 0), 8);
    expect(wait.retry(false)).toBe(8);
    expect(m.call('read', fd, value, 4)).toBe(-Errno.EINVAL);
  });
});

describe('ioctl', () => {
  it('answers ENOTTY for what is no terminal, and knows FIONREAD, FIONBIO, FIOCLEX', () => {
    m.write('f', 'abcd');
    const fd = m.open('f');
    const [r, w] = makePipe();
    const out = m.alloc(64);
    expect(m.call('ioctl', fd, 0x5401, out)).toBe(-Errno.ENOTTY);
    expect([m.call('ioctl', fd, 0x541b, out), m.u32(out)]).toEqual([0, 4]);
    m.call('write', w, m.str('xyz'), 3);
    expect([m.call('ioctl', r, 0x541b, out), m.u32(out)]).toEqual([0, 3]);
    m.call('ioctl', r, 0x5421, m.words(1));
    expect(m.call('fcntl64', r, 3)).toBe(Open.O_NONBLOCK);
    m.call('ioctl', r, 0x5451);
    expect(m.call('fcntl64', r, 1)).toBe(1);
  });
});

describe('standard streams', () => {
  it('come from memory and go to a function', () => {
    const chunks: string[] = [];
    const receive = (chunk: Uint8Array): number => chunks.push(Buffer.from(chunk).toString());
    installStdio(m.group.files, { stdin: Buffer.from('in'), stdout: receive, stderr: 'closed' });
    const buffer = m.alloc(8);
    expect(m.call('read', 0, buffer, 8)).toBe(2);
    expect(m.call('read', 0, buffer, 8)).toBe(0);
    expect(m.call('write', 1, m.str('out'), 3)).toBe(3);
    expect(m.call('write', 2, m.str('err'), 3)).toBe(-Errno.EBADF);
    expect(chunks).toEqual(['out']);
  });

  it('move the offset of an inherited regular file, starting where it stands', () => {
    m.write('in', 'abcdef');
    const hostFd = fs.openSync(path.join(m.root, 'in'), 'r');
    const byte = Buffer.alloc(1);
    fs.readSync(hostFd, byte);
    installStdio(m.group.files, { stdin: hostFd, stdout: 'closed', stderr: 'closed' });
    const buffer = m.alloc(8);
    expect(m.call('read', 0, buffer, 2)).toBe(2);
    expect(m.text(buffer, 2)).toBe('bc');
    expect(m.call('lseek', 0, 0, 1)).toBe(3);
    fs.readSync(hostFd, byte);
    expect(byte.toString()).toBe('d');
    fs.closeSync(hostFd);
  });

  // Done with bash, ulimit and pipes as Linux has them.
  it.skipIf(process.platform !== 'linux')('wait for an empty host pipe without stopping the world', () => {
    const fifo = path.join(m.root, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const { O_RDONLY, O_NONBLOCK } = fs.constants;
    const input = fs.openSync(fifo, O_RDONLY | O_NONBLOCK);
    const writer = fs.openSync(fifo, 'w');
    installStdio(m.group.files, { stdin: input, stdout: 'closed', stderr: 'closed' });
    const buffer = m.alloc(8);
    const pollIn = m.words(0, Poll.POLLIN);
    const reading = m.block('read', 0, buffer, 8);
    const polling = m.block('poll', pollIn, 1, -1);
    expect([reading.hostFds, polling.hostFds]).toEqual([[input], [input]]);
    expect([reading.retry(false), polling.retry(false)]).toEqual([undefined, undefined]);
    fs.writeSync(writer, 'late');
    expect(polling.retry(false)).toBe(1);
    expect(reading.retry(false)).toBe(4);
    expect(m.text(buffer, 4)).toBe('late');
    fs.closeSync(writer);
    expect(m.call('poll', pollIn, 1, -1)).toBe(1);
    expect(m.view(pollIn + 6, 2).getUint16(0, true)).toBe(Poll.POLLHUP);
    expect(m.call('read', 0, buffer, 8)).toBe(0);
    fs.closeSync(input);
  });

  it('a closed reader of our output is EPIPE and SIGPIPE', () => {
    const fifo = path.join(m.root, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const output = fs.openSync(fifo, 'w');
    installStdio(m.group.files, { stdin: 'closed', stdout: output, stderr: 'closed' });
    expect(m.call('write', 1, m.str('x'), 1)).toBe(1);
    fs.closeSync(reader);
    expect(m.call('write', 1, m.str('x'), 1)).toBe(-Errno.EPIPE);
    expect(m.task.signals.pending.set).toBe(signalBit(Signal.SIGPIPE));
    fs.closeSync(output);
  });
});
