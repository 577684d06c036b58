/** User and group ids: one of each, real = effective = saved; they can be set to what they are. */
import { Errno } from '../abi/errno.js';
import type { Identity, Task } from '../kernel/task.js';
import { type SyscallArgs, type SyscallHandler, type SyscallRow, sys } from './syscall.js';

type IdName = 'uid' | 'gid';

const idOf = (task: Task, name: IdName): number => (task.group.identity as Identity)[name];

const get =
  (name: IdName): SyscallHandler =>
  (task) =>
    idOf(task, name);

/** Every id given must be the present one or -1 (leave as is). 16-bit calls see ids above 65535 as 65534. */
const set =
  (name: IdName, count: number): SyscallHandler =>
  (task, args) => {
    const wanted = args.slice(0, count).filter((id) => id !== -1 && id !== 0xffff);
    return wanted.every((id) => id >>> 0 === idOf(task, name)) ? 0 : -Errno.EPERM;
  };

const getThree =
  (name: IdName, bytesEach: 2 | 4): SyscallHandler =>
  (task, args) => {
    const id = idOf(task, name);
    const value = bytesEach === 2 ? new Uint16Array([id]) : new Uint32Array([id]);
    const bytes = new Uint8Array(value.buffer);
    return args.slice(0, 3).every((addr) => task.memory.write(addr >>> 0, bytes)) ? 0 : -Errno.EFAULT;
  };

/** setfsuid and setfsgid give the old id and never fail. */
const setFs =
  (name: IdName): SyscallHandler =>
  (task) =>
    idOf(task, name);

/** No supplementary groups. */
const sysGetgroups = (_task: Task, [count]: SyscallArgs): number => (count < 0 ? -Errno.EINVAL : 0);
const sysSetgroups = (): number => -Errno.EPERM;

export const identitySyscalls: SyscallRow[] = [
  sys(23, 'setuid', set('uid', 1), 'uid'),
  sys(24, 'getuid', get('uid'), '-> u32'),
  sys(46, 'setgid', set('gid', 1), 'uid'),
  sys(47, 'getgid', get('gid'), '-> u32'),
  sys(49, 'geteuid', get('uid'), '-> u32'),
  sys(50, 'getegid', get('gid'), '-> u32'),
  sys(70, 'setreuid', set('uid', 2), 'uid uid'),
  sys(71, 'setregid', set('gid', 2), 'uid uid'),
  sys(80, 'getgroups', sysGetgroups, 'i32 ptr'),
  sys(81, 'setgroups', sysSetgroups, 'i32 ptr'),
  sys(138, 'setfsuid', setFs('uid'), 'uid'),
  sys(139, 'setfsgid', setFs('gid'), 'uid'),
  sys(164, 'setresuid', set('uid', 3), 'uid uid uid'),
  sys(165, 'getresuid', getThree('uid', 2), 'ptr ptr ptr'),
  sys(170, 'setresgid', set('gid', 3), 'uid uid uid'),
  sys(171, 'getresgid', getThree('gid', 2), 'ptr ptr ptr'),
  sys(199, 'getuid32', get('uid'), '-> u32'),
  sys(200, 'getgid32', get('gid'), '-> u32'),
  sys(201, 'geteuid32', get('uid'), '-> u32'),
  sys(202, 'getegid32', get('gid'), '-> u32'),
  sys(203, 'setreuid32', set('uid', 2), 'uid uid'),
  sys(204, 'setregid32', set('gid', 2), 'uid uid'),
  sys(205, 'getgroups32', sysGetgroups, 'i32 ptr'),
  sys(206, 'setgroups32', sysSetgroups, 'i32 ptr'),
  sys(208, 'setresuid32', set('uid', 3), 'uid uid uid'),
  sys(209, 'getresuid32', getThree('uid', 4), '*u32:out *u32:out *u32:out'),
  sys(210, 'setresgid32', set('gid', 3), 'uid uid uid'),
  sys(211, 'getresgid32', getThree('gid', 4), '*u32:out *u32:out *u32:out'),
  sys(213, 'setuid32', set('uid', 1), 'uid'),
  sys(214, 'setgid32', set('gid', 1), 'uid'),
  sys(215, 'setfsuid32', setFs('uid'), 'uid'),
  sys(216, 'setfsgid32', setFs('gid'), 'uid'),
];
