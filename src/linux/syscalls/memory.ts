/** Memory: mmap2, munmap, mprotect, mremap, brk, madvise and their relatives. */
import { PAGE_SIZE } from '../../guest/layout.js';
import {
  MADV_DONTNEED,
  MADV_FREE,
  MADV_REMOVE,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_TYPE,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  PROT_EXEC,
  PROT_GROWSDOWN,
  PROT_GROWSUP,
  PROT_READ,
  PROT_WRITE,
} from '../abi/constants.js';
import { Errno } from '../abi/errno.js';
import { drop } from '../kernel/fd-table.js';
import type { MappableFile, MapRequest } from '../kernel/mm.js';
import type { OpenFile } from '../kernel/open-file.js';
import type { Task } from '../kernel/task.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

const PROT_MASK = PROT_READ | PROT_WRITE | PROT_EXEC;
/** Highest advice madvise(2) knows without the two poison values. */
const MADV_LAST = 25;

/** An open file as a mapping sees it. Holds a reference until the last page of it is unmapped. */
const mappable = (file: OpenFile, shared: boolean): MappableFile => {
  file.references++;
  return {
    path: file.path,
    sizeBytes: () => {
      const stat = file.stat();
      return typeof stat === 'number' ? 0 : Number(stat.size);
    },
    readAt: (target, offset) => file.pread(target, offset),
    ...(shared && file.canWrite
      ? { writeAt: (source: Uint8Array, offset: number) => file.pwrite(source, offset) }
      : {}),
    release: () => drop(file),
    ...identityOf(file),
  };
};

const identityOf = (file: OpenFile): { device?: number; inode?: number } => {
  const stat = file.stat();
  return typeof stat === 'number' ? {} : { device: Number(stat.dev), inode: Number(stat.ino) };
};

const isSharedType = (flags: number): boolean => {
  const type = flags & MAP_TYPE;
  return type === MAP_SHARED || type === MAP_SHARED_VALIDATE;
};

/** mmap2(2); the offset counts pages of 4096 bytes. */
const sysMmap2 = (task: Task, [addr, length, prot, flags, fd, pageOffset]: SyscallArgs): number => {
  const shared = isSharedType(flags);
  if (!shared && (flags & MAP_TYPE) !== MAP_PRIVATE) return -Errno.EINVAL;
  const base: MapRequest = {
    addr: addr >>> 0,
    sizeBytes: length >>> 0,
    prot: prot & PROT_MASK,
    shared,
    ...fixedOf(flags),
  };
  if ((flags & MAP_ANONYMOUS) !== 0) return task.group.mm.map(base);
  return mapFile(task, base, fd, (pageOffset >>> 0) * PAGE_SIZE);
};

const fixedOf = (flags: number): Pick<MapRequest, 'fixed'> => {
  if ((flags & MAP_FIXED_NOREPLACE) !== 0) return { fixed: 'keep' };
  return (flags & MAP_FIXED) !== 0 ? { fixed: 'replace' } : {};
};

const mapFile = (task: Task, base: MapRequest, fd: number, offset: number): number => {
  const file = task.group.files.get(fd);
  if (file === undefined) return -Errno.EBADF;
  if (!file.canRead || (base.shared === true && (base.prot & PROT_WRITE) !== 0 && !file.canWrite)) return -Errno.EACCES;
  if (!file.isMappable) return -Errno.ENODEV;
  const source = mappable(file, base.shared === true);
  const addr = task.group.mm.map({ ...base, file: source, offset });
  if (addr < 0) source.release?.();
  else if ((base.prot & PROT_EXEC) !== 0) announceModule(task, file.path, addr, base.sizeBytes, offset);
  return addr;
};

const announceModule = (task: Task, path: string, addr: number, sizeBytes: number, offset: number): void =>
  task.group.host.moduleMapped?.(path, addr, sizeBytes, offset);

const sysMunmap = (task: Task, [addr, length]: SyscallArgs): number => task.group.mm.unmap(addr >>> 0, length >>> 0);

const sysMprotect = (task: Task, [addr, length, prot]: SyscallArgs): number => {
  if ((prot & ~(PROT_MASK | PROT_GROWSDOWN | PROT_GROWSUP)) !== 0) return -Errno.EINVAL;
  return task.group.mm.protect(addr >>> 0, length >>> 0, prot & PROT_MASK);
};

const sysMremap = (task: Task, [addr, oldSize, newSize, flags, newAddr]: SyscallArgs): number => {
  const mayMove = (flags & MREMAP_MAYMOVE) !== 0;
  const fixed = (flags & MREMAP_FIXED) !== 0;
  if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0) return -Errno.EINVAL;
  if ((flags & MREMAP_DONTUNMAP) !== 0 || (fixed && !mayMove)) return -Errno.EINVAL;
  return task.group.mm.remap(addr >>> 0, oldSize >>> 0, newSize >>> 0, mayMove, fixed ? newAddr >>> 0 : undefined);
};

const sysBrk = (task: Task, [addr]: SyscallArgs): number => task.group.mm.setBrk(addr >>> 0) | 0;

/** Advice that changes contents is acted on; the rest is only advice. */
const sysMadvise = (task: Task, [addr, length, advice]: SyscallArgs): number => {
  const start = addr >>> 0;
  if (start % PAGE_SIZE !== 0 || advice < 0 || advice > MADV_LAST) return -Errno.EINVAL;
  if (length === 0) return 0;
  if (advice === MADV_DONTNEED || advice === MADV_FREE) return task.group.mm.discard(start, length >>> 0);
  if (advice === MADV_REMOVE) return -Errno.EINVAL;
  return task.group.mm.isMapped(start, length >>> 0) ? 0 : -Errno.ENOMEM;
};

const sysMsync = (task: Task, [addr, length, flags]: SyscallArgs): number => {
  const start = addr >>> 0;
  if (start % PAGE_SIZE !== 0 || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) !== 0) return -Errno.EINVAL;
  return task.group.mm.sync(start, length >>> 0);
};

/** Every mapped page is resident. */
const sysMincore = (task: Task, [addr, length, vector]: SyscallArgs): number => {
  const start = addr >>> 0;
  if (start % PAGE_SIZE !== 0) return -Errno.EINVAL;
  const pages = Math.ceil((length >>> 0) / PAGE_SIZE);
  if (!task.group.mm.isMapped(start, pages * PAGE_SIZE)) return -Errno.ENOMEM;
  return task.memory.write(vector >>> 0, new Uint8Array(pages).fill(1)) ? 0 : -Errno.EFAULT;
};

/** Locking memory is a matter of the host; only the range is checked. */
const sysMlock = (task: Task, [addr, length]: SyscallArgs): number => {
  const start = (addr >>> 0) - ((addr >>> 0) % PAGE_SIZE);
  const end = Math.ceil(((addr >>> 0) + (length >>> 0)) / PAGE_SIZE) * PAGE_SIZE;
  return task.group.mm.isMapped(start, end - start) ? 0 : -Errno.ENOMEM;
};

const sysMlockall = (): number => 0;

export const memorySyscalls: SyscallRow[] = [
  sys(45, 'brk', sysBrk, 'ptr -> ptr'),
  sys(91, 'munmap', sysMunmap, 'ptr size'),
  sys(125, 'mprotect', sysMprotect, 'ptr size prot'),
  sys(144, 'msync', sysMsync, 'ptr size msflags'),
  sys(150, 'mlock', sysMlock, 'ptr size'),
  sys(151, 'munlock', sysMlock, 'ptr size'),
  sys(152, 'mlockall', sysMlockall, 'hex'),
  sys(153, 'munlockall', sysMlockall, ''),
  sys(163, 'mremap', sysMremap, 'ptr size size mremapflags mremapaddr -> ptr'),
  sys(192, 'mmap2', sysMmap2, 'ptr size prot mapflags fd pgoff -> ptr'),
  sys(219, 'mincore', sysMincore, 'ptr size ptr'),
  sys(220, 'madvise', sysMadvise, 'ptr size madvise'),
];
