/** How bytes move between a file and buffers, and how a call waits for it (read(2), write(2), signal(7)). */
import { SiCode, Signal } from '../abi/constants.js';
import { Errno } from '../abi/errno.js';
import type { OpenFile } from '../kernel/open-file.js';
import { sendToTask } from '../kernel/send-signal.js';
import type { Task } from '../kernel/task.js';
import type { SyscallResult } from './syscall.js';

/** Repeats `attempt` until it answers something else than -EAGAIN; a non-blocking file gets the -EAGAIN. */
export const whenReady = (file: OpenFile, attempt: () => number, hostFds: readonly number[] = []): SyscallResult => {
  const result = attempt();
  if (result !== -Errno.EAGAIN || file.isNonBlocking) return result;
  return {
    blocked: true,
    hostFds,
    retry: () => {
      const again = attempt();
      return again === -Errno.EAGAIN ? undefined : again;
    },
  };
};

/** Tells the task about a write nobody will read. */
const raiseBrokenPipe = (task: Task): void => {
  const { pid, identity } = task.group;
  sendToTask(task, { signo: Signal.SIGPIPE, code: SiCode.SI_USER, pid, uid: identity.uid });
};

/** Reads into the buffers in order until one is not filled. */
export const readInto = (task: Task, file: OpenFile, buffers: readonly Uint8Array[]): SyscallResult =>
  whenReady(file, () => scatter(task, buffers, (buffer) => file.read(buffer)), file.waitsOn);

export const scatter = (task: Task, buffers: readonly Uint8Array[], read: (buffer: Uint8Array) => number): number => {
  let total = 0;
  for (const buffer of buffers) {
    const count = read(buffer);
    if (count < 0) return total > 0 ? total : count;
    task.memory.announceWrite(buffer.byteOffset, count);
    total += count;
    if (count < buffer.length) break;
  }
  return total;
};

/** One buffer of several: a writev is one write, which matters for pipes and for whoever reads our output. */
export const gather = (buffers: readonly Uint8Array[]): Uint8Array => {
  if (buffers.length === 1) return buffers[0] as Uint8Array;
  const all = new Uint8Array(buffers.reduce((sum, buffer) => sum + buffer.length, 0));
  let at = 0;
  for (const buffer of buffers) {
    all.set(buffer, at);
    at += buffer.length;
  }
  return all;
};

/** Writes all of `data`, waiting for room as often as it takes; what was written counts when something goes wrong. */
export const writeFrom = (task: Task, file: OpenFile, data: Uint8Array): SyscallResult => {
  let done = 0;
  const attempt = (): number => {
    do {
      const count = file.write(data.subarray(done));
      if (count === -Errno.EPIPE) raiseBrokenPipe(task);
      if (count === -Errno.EAGAIN && !file.isNonBlocking) return count;
      if (count < 0) return done > 0 ? done : count;
      done += count;
      if (count === 0) break;
    } while (done < data.length);
    return done;
  };
  const result = whenReady(file, attempt);
  if (typeof result !== 'object') return result;
  return { ...result, interrupted: () => (done > 0 ? done : -Errno.EINTR), restartable: true };
};
