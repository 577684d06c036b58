/** A process without a CPU: memory, descriptors and a file system in a temporary directory, called like a kernel. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { ARMV7_D16 } from '../../src/linux/abi/auxv.js';
import { Clock } from '../../src/linux/kernel/clock.js';
import { FdTable } from '../../src/linux/kernel/fd-table.js';
import { AddressSpace } from '../../src/linux/kernel/mm.js';
import { mountSyntheticFiles } from '../../src/linux/kernel/proc.js';
import { Random } from '../../src/linux/kernel/random.js';
import { ProcessSignals, TaskSignals } from '../../src/linux/kernel/signal-state.js';
import type { Task, ThreadGroup } from '../../src/linux/kernel/task.js';
import { Vfs, type VfsOptions } from '../../src/linux/kernel/vfs.js';
import { formatEntry, formatExit } from '../../src/linux/strace.js';
import { fileRoomSyscalls } from '../../src/linux/syscalls/files.js';
import type { Blocked, SyscallArgs, SyscallResult, SyscallRow } from '../../src/linux/syscalls/syscall.js';
import { SYSCALLS } from '../../src/linux/syscalls/table.js';

const HEAP = 0x10_0000;
const HEAP_BYTES = 0x40_0000;

/** One memory for all tests of a file: reserving 4 GiB of addresses again and again is not free. */
const memory = new GuestMemory();

export class FileMachine {
  readonly root: string;
  readonly task: Task;
  readonly group: ThreadGroup;
  /** Instructions the clock has seen. */
  now = 0;
  private top = HEAP;

  constructor(options: VfsOptions = {}) {
    this.root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'armstalk-files-'));
    memory.unmap(HEAP, HEAP_BYTES);
    memory.setPermissions(HEAP, HEAP_BYTES, Permission.READ | Permission.WRITE);
    this.group = {
      pid: 100,
      memory,
      mm: new AddressSpace(memory),
      files: new FdTable(),
      fs: new Vfs({ cwd: this.root, ...options }),
      signals: new ProcessSignals(),
      clock: new Clock('virtual', () => this.now),
      random: new Random(1),
      host: { incident: () => undefined },
      tasks: new Map(),
      cpu: ARMV7_D16,
      identity: {
        ppid: 1,
        pgid: 100,
        sid: 100,
        uid: 1000,
        gid: 1000,
        hostname: 'arm',
        executable: '/bin/prog',
        argv: ['prog', '-x'],
        environment: ['A=b'],
      },
    } as unknown as ThreadGroup;
    this.task = {
      tid: 100,
      name: 'prog',
      memory,
      group: this.group,
      signals: new TaskSignals(),
    } as unknown as Task;
    this.group.tasks.set(100, this.task);
    mountSyntheticFiles(this.group);
  }

  dispose(): void {
    this.group.files.closeAll();
    fs.rmSync(this.root, { recursive: true, force: true });
  }

  /** Room in guest memory, 8-byte aligned. */
  alloc(size: number): number {
    const at = this.top;
    this.top = (this.top + size + 7) & ~7;
    return at;
  }

  bytes(data: Uint8Array | number[]): number {
    const at = this.alloc(data.length);
    memory.u8.set(data, at);
    return at;
  }

  str(text: string): number {
    return this.bytes(Buffer.from(`${text}\0`, 'latin1'));
  }

  words(...values: number[]): number {
    return this.bytes(new Uint8Array(Int32Array.from(values).buffer));
  }

  text(address: number, size: number): string {
    return Buffer.from(memory.u8.slice(address, address + size)).toString('latin1');
  }

  cstring(address: number): string {
    return Buffer.from(memory.readCString(address) ?? []).toString('latin1');
  }

  view(address: number, size: number): DataView {
    return new DataView(memory.u8.buffer, address, size);
  }

  u32(address: number): number {
    return memory.view.getUint32(address, true);
  }

  row(name: string): SyscallRow {
    const row = fileRoomSyscalls.find((r) => r.name === name) ?? SYSCALLS.find((r) => r.name === name);
    if (row === undefined) throw new Error(`no system call ${name}`);
    return row;
  }

  start(name: string, ...args: number[]): SyscallResult {
    return this.row(name).handler(this.task, argumentsOf(args));
  }

  /** A call that must not block. */
  call(name: string, ...args: number[]): number {
    const result = this.start(name, ...args);
    if (typeof result !== 'number') throw new Error(`${name} blocked`);
    return result;
  }

  /** A call that must block. */
  block(name: string, ...args: number[]): Blocked {
    const result = this.start(name, ...args);
    if (typeof result !== 'object') throw new Error(`${name} did not block but gave ${result}`);
    return result;
  }

  open(file: string, flags = 0, mode = 0o644): number {
    return this.call('open', this.str(file), flags, mode);
  }

  /** The call's line as strace prints it, after running it. */
  strace(name: string, ...args: number[]): string {
    const row = this.row(name);
    const all = argumentsOf(args);
    const entry = formatEntry(row, this.task, all);
    const result = row.handler(this.task, all);
    return formatExit(row, this.task, all, typeof result === 'object' ? undefined : result, entry);
  }

  write(file: string, contents: string): void {
    fs.writeFileSync(path.join(this.root, file), contents);
  }

  read(file: string): string {
    return fs.readFileSync(path.join(this.root, file), 'utf8');
  }
}

const argumentsOf = (args: readonly number[]): SyscallArgs => {
  const all = args.map((arg) => arg | 0);
  while (all.length < 7) all.push(0);
  return all as unknown as SyscallArgs;
};
