/** Copying from file to file inside the kernel: sendfile(2), copy_file_range(2). */
import { Errno } from '../abi/errno.js';
import { Open, Whence } from '../abi/open-flags.js';
import type { OpenFile } from '../kernel/open-file.js';
import type { Task } from '../kernel/task.js';
import { give, MAX_COUNT, readableFileAt, writableFileAt } from './arguments.js';
import { type SyscallArgs, type SyscallResult, type SyscallRow, sys } from './syscall.js';
import { whenReady } from './transfer.js';

const CHUNK_BYTES = 65_536;

/** Where one side of a copy is: at the file's own offset, or at one kept in guest memory. */
interface Side {
  readonly file: OpenFile;
  offset: number | undefined;
}

const copySome = (from: Side, to: Side, chunk: Uint8Array): number => {
  const got = from.offset === undefined ? from.file.read(chunk) : from.file.pread(chunk, from.offset);
  if (got <= 0) return got;
  const data = chunk.subarray(0, got);
  const put = to.offset === undefined ? to.file.write(data) : to.file.pwrite(data, to.offset);
  if (from.offset !== undefined) from.offset += Math.max(0, put);
  else if (put < got) from.file.seek(Math.max(0, put) - got, Whence.SEEK_CUR);
  if (to.offset !== undefined) to.offset += Math.max(0, put);
  return put;
};

const copy = (from: Side, to: Side, size: number): number => {
  const chunk = new Uint8Array(Math.min(size, CHUNK_BYTES));
  let total = 0;
  while (total < size) {
    const count = copySome(from, to, chunk.subarray(0, Math.min(chunk.length, size - total)));
    if (count < 0) return total > 0 ? total : count;
    if (count === 0) break;
    total += count;
  }
  return total;
};

/** A 32- or 64-bit offset in memory: undefined for a null pointer, an errno for a bad one. */
const offsetAt = (task: Task, address: number, size: 4 | 8): { value: number | undefined } | number => {
  if (address === 0) return { value: undefined };
  const bytes = task.memory.readable(address >>> 0, size);
  if (bytes === undefined) return -Errno.EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const value = size === 4 ? view.getInt32(0, true) : Number(view.getBigInt64(0, true));
  return value < 0 ? -Errno.EINVAL : { value };
};

const giveOffset = (task: Task, address: number, size: 4 | 8, offset: number | undefined): number => {
  if (offset === undefined) return 0;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(offset), true);
  return give(task, address, bytes.subarray(0, size));
};

const sendfile = (task: Task, [out, input, address, size]: SyscallArgs, width: 4 | 8): SyscallResult => {
  const from = readableFileAt(task, input);
  const to = writableFileAt(task, out);
  if (typeof from === 'number') return from;
  if (typeof to === 'number') return to;
  const offset = offsetAt(task, address, width);
  if (typeof offset === 'number') return offset;
  if (!from.isMappable || (to.flags & Open.O_APPEND) !== 0) return -Errno.EINVAL;
  const source: Side = { file: from, offset: offset.value };
  return whenReady(to, () => {
    const total = copy(source, { file: to, offset: undefined }, Math.min(size >>> 0, MAX_COUNT));
    return total < 0 ? total : giveOffset(task, address, width, source.offset) || total;
  });
};

const sysSendfile = (task: Task, args: SyscallArgs): SyscallResult => sendfile(task, args, 4);
const sysSendfile64 = (task: Task, args: SyscallArgs): SyscallResult => sendfile(task, args, 8);

const sysCopyFileRange = (task: Task, args: SyscallArgs): number => {
  const [input, inAddress, out, outAddress, size, flags] = args;
  const from = readableFileAt(task, input);
  const to = writableFileAt(task, out);
  if (typeof from === 'number') return from;
  if (typeof to === 'number') return to;
  if (flags !== 0 || !from.isMappable || !to.isMappable) return -Errno.EINVAL;
  if ((to.flags & Open.O_APPEND) !== 0) return -Errno.EBADF;
  const inOffset = offsetAt(task, inAddress, 8);
  const outOffset = offsetAt(task, outAddress, 8);
  if (typeof inOffset === 'number') return inOffset;
  if (typeof outOffset === 'number') return outOffset;
  const source: Side = { file: from, offset: inOffset.value };
  const target: Side = { file: to, offset: outOffset.value };
  const total = copy(source, target, Math.min(size >>> 0, MAX_COUNT));
  if (total < 0) return total;
  return giveOffset(task, inAddress, 8, source.offset) || giveOffset(task, outAddress, 8, target.offset) || total;
};

export const copySyscalls: SyscallRow[] = [
  sys(187, 'sendfile', sysSendfile, 'fd fd *i32 size'),
  sys(239, 'sendfile64', sysSendfile64, 'fd fd *off64 size'),
  sys(391, 'copy_file_range', sysCopyFileRange, 'fd *off64 fd *off64 size hex'),
];
