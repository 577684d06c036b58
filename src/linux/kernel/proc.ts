/**
 * /proc, /dev and the few files of /sys programs ask for. Nothing in here is the host's: the numbers are those of this
 * process under its own clock, so they repeat. What is not here does not exist, except that /dev shows the host's other
 * entries.
 */

import { cpuFeatures } from '../abi/auxv.js';
import { Errno } from '../abi/errno.js';
import { Mode } from '../abi/open-flags.js';
import { FULL_DEVICE, NULL_DEVICE, randomDevice, ZERO_DEVICE } from './device.js';
import { virtualStat } from './open-file.js';
import { processDirectory } from './proc-process.js';
import { directoryOf, linkTo, type SyntheticDirectory, type SyntheticNode, textOf } from './synthetic.js';
import type { ThreadGroup } from './task.js';
import { Terminal } from './terminal.js';

/** RAM the guest is told about, as sysinfo(2) does. */
const TOTAL_RAM_KB = 0x8000_0000 / 1024;
const NS_PER_SECOND = 1e9;

/** Lays the synthetic files over the file system of `group`; once, when the group is complete. */
export const mountSyntheticFiles = (group: ThreadGroup): void => {
  const tree = group.fs.synthetic;
  tree.mount('/proc', procOf(group));
  tree.mount('/sys/devices/system/cpu', cpuDirectory());
  tree.mount(
    '/sys/kernel/mm/transparent_hugepage/hpage_pmd_size',
    textOf(() => '2097152\n'),
  );
  for (const [name, node] of Object.entries(devicesOf(group))) tree.mount(`/dev/${name}`, node);
};

// -- /dev and /sys ----------------------------------------------------------------------------------------------------

const devicesOf = (group: ThreadGroup): Record<string, SyntheticNode> => ({
  null: { type: 'device', behaviour: NULL_DEVICE },
  zero: { type: 'device', behaviour: ZERO_DEVICE },
  full: { type: 'device', behaviour: FULL_DEVICE },
  random: { type: 'device', behaviour: randomDevice(8, (into) => group.random.fill(into)) },
  urandom: { type: 'device', behaviour: randomDevice(9, (into) => group.random.fill(into)) },
  tty: controllingTerminal(group),
  fd: linkTo(() => '/proc/self/fd'),
  stdin: linkTo(() => '/proc/self/fd/0'),
  stdout: linkTo(() => '/proc/self/fd/1'),
  stderr: linkTo(() => '/proc/self/fd/2'),
});

const TTY_DEVICE = 0x500n;

/** The first of descriptors 0 to 2 that is a terminal. */
const controllingTerminal = (group: ThreadGroup): SyntheticNode => ({
  type: 'opener',
  stat: (ino) => virtualStat(ino, Mode.S_IFCHR | 0o666, { rdev: TTY_DEVICE, dev: 5n }),
  open: () => {
    const terminal = [0, 1, 2].map((fd) => group.files.get(fd)).find((file) => file instanceof Terminal);
    return terminal ?? -Errno.ENXIO;
  },
});

/** One CPU, as sched_getaffinity says. */
const cpuDirectory = (): SyntheticDirectory =>
  directoryOf({
    online: textOf(() => '0\n'),
    possible: textOf(() => '0\n'),
    present: textOf(() => '0\n'),
    cpu0: directoryOf({}),
  });

// -- /proc ------------------------------------------------------------------------------------------------------------

const procOf = (group: ThreadGroup): SyntheticDirectory => {
  const fixed: Record<string, SyntheticNode> = {
    self: linkTo(() => String(group.pid)),
    'thread-self': linkTo(() => `${group.pid}/task/${group.pid}`),
    cpuinfo: textOf(() => cpuInfo(group)),
    meminfo: textOf(() => memInfo(group)),
    uptime: textOf(() => `${uptime(group)} 0.00\n`),
    loadavg: textOf(() => `0.00 0.00 0.00 1/${group.tasks.size} ${group.pid}\n`),
    version: textOf(() => 'Linux version 6.1.0 (armstalk) #1 SMP 2024-01-01\n'),
    filesystems: textOf(() => 'nodev\tproc\nnodev\ttmpfs\n\text4\n'),
    mounts: linkTo(() => 'self/mounts'),
    stat: textOf(() => systemStat(group)),
    cmdline: textOf(() => '\n'),
    sys: sysctls(group),
  };
  const processes: Record<string, SyntheticNode> = { [String(group.pid)]: processDirectory(group) };
  return directoryOf({ ...fixed, ...processes });
};

const uptime = (group: ThreadGroup): string => (group.clock.monotonicNs() / NS_PER_SECOND).toFixed(2);

/** The text the kernel prints for an ARMv7 core; the features are those of AT_HWCAP. */
const cpuInfo = (group: ThreadGroup): string =>
  [
    'processor\t: 0',
    `model name\t: ARMv7 Processor rev 5 (${group.cpu.platform})`,
    'BogoMIPS\t: 1000.00',
    `Features\t: ${cpuFeatures(group.cpu)} `,
    'CPU implementer\t: 0x41',
    'CPU architecture: 7',
    'CPU variant\t: 0x0',
    'CPU part\t: 0xc07',
    'CPU revision\t: 5',
    '',
    'Hardware\t: armstalk',
    'Revision\t: 0000',
    'Serial\t\t: 0000000000000000',
    '',
  ].join('\n');

const kilobytes = (name: string, value: number): string =>
  `${`${name}:`.padEnd(16)}${String(Math.floor(value)).padStart(8)} kB\n`;

const memInfo = (group: ThreadGroup): string => {
  const free = Math.max(0, TOTAL_RAM_KB - group.mm.mappedBytes() / 1024);
  const rows: [string, number][] = [
    ['MemTotal', TOTAL_RAM_KB],
    ['MemFree', free],
    ['MemAvailable', free],
    ['Buffers', 0],
    ['Cached', 0],
    ['SwapCached', 0],
    ['Active', 0],
    ['Inactive', 0],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Shmem', 0],
  ];
  return rows.map(([name, value]) => kilobytes(name, value)).join('');
};

const systemStat = (group: ThreadGroup): string => {
  const ticks = Math.floor(group.clock.cpuNs() / 1e7);
  const row = `${ticks} 0 0 0 0 0 0 0 0 0`;
  const { seconds } = group.clock.realtime();
  const boot = seconds - Math.floor(group.clock.monotonicNs() / NS_PER_SECOND);
  return `cpu  ${row}\ncpu0 ${row}\nintr 0\nctxt 0\nbtime ${boot}\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n`;
};

const sysctls = (group: ThreadGroup): SyntheticDirectory => {
  const line = (value: string | number): SyntheticNode => textOf(() => `${value}\n`);
  return directoryOf({
    kernel: directoryOf({
      ostype: line('Linux'),
      osrelease: line('6.1.0'),
      version: line('#1 SMP 2024-01-01'),
      hostname: line(group.identity.hostname),
      domainname: line('(none)'),
      pid_max: line(32_768),
      'threads-max': line(32_768),
      ngroups_max: line(65_536),
      cap_last_cap: line(40),
      randomize_va_space: line(0),
      random: directoryOf({ entropy_avail: line(256), poolsize: line(256) }),
    }),
    vm: directoryOf({ overcommit_memory: line(0), max_map_count: line(65_530), mmap_min_addr: line(65_536) }),
    fs: directoryOf({
      'file-max': line(65_536),
      nr_open: line(4096),
      'pipe-max-size': line(1_048_576),
    }),
    net: directoryOf({ core: directoryOf({ somaxconn: line(4096) }) }),
  });
};
