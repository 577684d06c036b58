/** /proc/PID: what one process shows of itself (proc(5)). */
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../abi/constants.js';
import { majorOf, minorOf } from '../abi/structs.js';
import { toByteString } from './host-path.js';
import type { Region } from './regions.js';
import {
  directoryOf,
  linkTo,
  type SyntheticDirectory,
  type SyntheticLink,
  type SyntheticNode,
  textOf,
} from './synthetic.js';
import type { Task, ThreadGroup } from './task.js';

const MOUNTS = 'root / ext4 rw 0 0\nproc /proc proc rw 0 0\n';

export const processDirectory = (group: ThreadGroup): SyntheticDirectory => {
  const main = (): Task | undefined => group.tasks.get(group.pid) ?? group.tasks.values().next().value;
  return directoryOf({
    exe: linkTo(() => toByteString(group.identity.executable)),
    cwd: linkTo(() => group.fs.cwd || '/'),
    root: linkTo(() => '/'),
    cmdline: textOf(() => joined(group.identity.argv)),
    environ: textOf(() => joined(group.identity.environment)),
    comm: commOf(main),
    maps: textOf(() => group.mm.regions.map(mapsLine).join('')),
    stat: textOf(() => taskStat(group, main())),
    statm: textOf(() => statm(group)),
    status: textOf(() => taskStatus(group, main())),
    limits: textOf(() => limitsText(group)),
    mounts: textOf(() => MOUNTS),
    mountinfo: textOf(() => '1 0 8:1 / / rw - ext4 root rw\n2 1 0:13 / /proc rw - proc proc rw\n'),
    cgroup: textOf(() => '0::/\n'),
    oom_score_adj: { type: 'text', content: () => '0\n', write: (bytes) => bytes.length },
    loginuid: textOf(() => '4294967295'),
    fd: descriptorDirectory(group),
    task: taskDirectory(group),
  });
};

const joined = (words: readonly string[]): string => words.map((word) => `${toByteString(word)}\0`).join('');

/** Reading gives the name, writing sets it (at most 15 bytes). */
const commOf = (task: () => Task | undefined): SyntheticNode => ({
  type: 'text',
  content: () => `${toByteString(task()?.name ?? '')}\n`,
  write: (bytes) => {
    const target = task();
    if (target !== undefined) target.name = Buffer.from(bytes).toString('utf8').replace(/\n$/, '').slice(0, 15);
    return bytes.length;
  },
});

const descriptorDirectory = (group: ThreadGroup): SyntheticDirectory => ({
  type: 'directory',
  names: () => group.files.entries().map(([fd]) => String(fd)),
  child: (name) =>
    /^\d+$/.test(name) && group.files.get(Number(name)) !== undefined ? descriptorLink(group, name) : undefined,
});

const descriptorLink = (group: ThreadGroup, name: string): SyntheticLink => ({
  type: 'link',
  target: () => group.files.get(Number(name))?.path || '/',
  file: () => group.files.get(Number(name)),
});

const taskDirectory = (group: ThreadGroup): SyntheticDirectory => ({
  type: 'directory',
  names: () => [...group.tasks.keys()].map(String),
  child: (name) => {
    const task = group.tasks.get(Number(name));
    if (task === undefined) return undefined;
    return directoryOf({
      comm: commOf(() => task),
      stat: textOf(() => taskStat(group, task)),
      status: textOf(() => taskStatus(group, task)),
    });
  },
});

const hex8 = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

/** `00010000-00076000 r-xp 00000000 08:01 1234       /bin/x`, the path in column 49 as the kernel pads it. */
const mapsLine = (region: Region): string => {
  const { prot, file } = region;
  const flags =
    ((prot & PROT_READ) !== 0 ? 'r' : '-') +
    ((prot & PROT_WRITE) !== 0 ? 'w' : '-') +
    ((prot & PROT_EXEC) !== 0 ? 'x' : '-') +
    (region.isShared ? 's' : 'p');
  const device = BigInt(file?.device ?? 0);
  const numbers = `${twoHex(majorOf(device))}:${twoHex(minorOf(device))} ${file?.inode ?? 0}`;
  const left = `${hex8(region.start)}-${hex8(region.end)} ${flags} ${hex8(region.offset)} ${numbers} `;
  return region.name === '' ? `${left}\n` : `${left.padEnd(49)}${region.name}\n`;
};

const twoHex = (value: number): string => value.toString(16).padStart(2, '0');

/** The 52 fields of proc(5). */
const taskStat = (group: ThreadGroup, task: Task | undefined): string => {
  const { identity, mm, clock } = group;
  const ticks = Math.floor(clock.cpuNs() / 1e7);
  const pages = Math.floor(mm.mappedBytes() / 4096);
  const fields: (number | string)[] = [
    task?.tid ?? group.pid,
    `(${toByteString(task?.name ?? '')})`,
    'R',
    identity.ppid,
    identity.pgid,
    identity.sid,
    0,
    identity.pgid,
    ...[0, 0, 0, 0, 0, ticks, 0, 0, 0, 20, 0],
    group.tasks.size,
    0,
    0,
    mm.mappedBytes(),
    pages,
    4_294_967_295,
  ];
  return `${fields.concat(new Array(52 - fields.length).fill(0)).join(' ')}\n`;
};

const statm = (group: ThreadGroup): string => {
  const pages = Math.floor(group.mm.mappedBytes() / 4096);
  return `${pages} ${pages} 0 0 0 ${pages} 0\n`;
};

const taskStatus = (group: ThreadGroup, task: Task | undefined): string => {
  const { identity, mm, fs, files } = group;
  const size = String(Math.floor(mm.mappedBytes() / 1024)).padStart(8);
  const ids = (id: number): string => `${id}\t${id}\t${id}\t${id}`;
  return [
    `Name:\t${toByteString(task?.name ?? '')}`,
    `Umask:\t${fs.umask.toString(8).padStart(4, '0')}`,
    'State:\tR (running)',
    `Tgid:\t${group.pid}`,
    `Pid:\t${task?.tid ?? group.pid}`,
    `PPid:\t${identity.ppid}`,
    'TracerPid:\t0',
    `Uid:\t${ids(identity.uid)}`,
    `Gid:\t${ids(identity.gid)}`,
    `FDSize:\t${files.entries().length}`,
    'Groups:\t ',
    `VmPeak:\t${size} kB`,
    `VmSize:\t${size} kB`,
    `VmRSS:\t${size} kB`,
    `Threads:\t${group.tasks.size}`,
    'Cpus_allowed:\t1',
    'Cpus_allowed_list:\t0',
    '',
  ].join('\n');
};

const limitsText = (group: ThreadGroup): string => {
  const row = (name: string, soft: string, hard: string, unit: string): string =>
    `${name.padEnd(26)}${soft.padEnd(21)}${hard.padEnd(21)}${unit.padEnd(10)}\n`;
  const files = String(group.files.limit);
  return `${row('Limit', 'Soft Limit', 'Hard Limit', 'Units')}${row('Max open files', files, '4096', 'files')}`;
};
