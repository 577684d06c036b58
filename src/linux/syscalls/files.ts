/** Every system call about files, in one table. */
import { attributeSyscalls } from './attributes.js';
import { copySyscalls } from './copy.js';
import { directorySyscalls } from './dir.js';
import { epollSyscalls } from './epoll.js';
import { fdSyscalls } from './fd.js';
import { fileSyscalls } from './file.js';
import { ioctlSyscalls } from './ioctl.js';
import { pipeSyscalls } from './pipe.js';
import { pollSyscalls } from './poll.js';
import { socketSyscalls } from './socket.js';
import { statSyscalls } from './stat.js';
import type { SyscallRow } from './syscall.js';
import { xattrSyscalls } from './xattr.js';

export const fileRoomSyscalls: readonly SyscallRow[] = [
  ...fileSyscalls,
  ...copySyscalls,
  ...directorySyscalls,
  ...statSyscalls,
  ...attributeSyscalls,
  ...fdSyscalls,
  ...pipeSyscalls,
  ...pollSyscalls,
  ...epollSyscalls,
  ...ioctlSyscalls,
  ...socketSyscalls,
  ...xattrSyscalls,
];
