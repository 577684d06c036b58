/** Every system call there is, by family. */
import { armPrivateSyscalls } from './arm-private.js';
import { fileRoomSyscalls } from './files.js';
import { futexSyscalls } from './futex.js';
import { identitySyscalls } from './identity.js';
import { infoSyscalls } from './info.js';
import { memorySyscalls } from './memory.js';
import { processSyscalls } from './process.js';
import { randomSyscalls } from './random.js';
import { schedSyscalls } from './sched.js';
import { signalSyscalls } from './signal.js';
import type { SyscallRow } from './syscall.js';
import { threadSyscalls } from './thread.js';
import { timeSyscalls } from './time.js';

export const SYSCALLS: readonly SyscallRow[] = [
  ...fileRoomSyscalls,
  ...memorySyscalls,
  ...processSyscalls,
  ...threadSyscalls,
  ...futexSyscalls,
  ...signalSyscalls,
  ...timeSyscalls,
  ...schedSyscalls,
  ...identitySyscalls,
  ...infoSyscalls,
  ...randomSyscalls,
  ...armPrivateSyscalls,
];
