/** How a process looks before its first instruction, and the two pages of code the kernel gives it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Word } from '../../src/guest/cpu-state.js';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { ExitReason } from '../../src/ir/terminal.js';
import { Auxv } from '../../src/linux/abi/auxv.js';
import { AddressSpace } from '../../src/linux/kernel/mm.js';
import {
  installKernelPages,
  KuserHelper,
  kuserPageBytes,
  SIGNAL_TRAMPOLINE_PAGE,
} from '../../src/linux/kuser-helpers.js';
import { writeInitialStack } from '../../src/process/initial-stack.js';
import { Process } from '../../src/process/process.js';
import { Stalker } from '../../src/stalker/stalker.js';
import { tinyElf } from './scripted-engine.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'armstalk-start-'));
const program = path.join(directory, 'tiny-program-with-a-long-name');
beforeAll(() => fs.writeFileSync(program, tinyElf()));
afterAll(() => fs.rmSync(directory, { recursive: true }));

/** argc, argv, envp and auxv as the program would read them at sp. */
const readStack = (memory: GuestMemory, sp: number) => {
  let at = sp;
  const next = (): number => {
    at += 4;
    return memory.view.getUint32(at - 4, true);
  };
  const text = (addr: number): string => Buffer.from(memory.readCString(addr) as Uint8Array).toString();
  const vector = (): string[] => {
    const result: string[] = [];
    for (let addr = next(); addr !== 0; addr = next()) result.push(text(addr));
    return result;
  };
  const argc = next();
  const argv = vector();
  const environment = vector();
  const auxv = new Map<number, number>();
  for (let type = next(); type !== Auxv.NULL; type = next()) auxv.set(type, next());
  return { argc, argv, environment, auxv, text };
};

describe('the initial stack', () => {
  test('holds argc, argv, envp and auxv at a 16-byte aligned sp, with the strings above', () => {
    const process = Process.spawn(program, { args: ['one', 'zw\u00f6lf'], argv0: 'zero', env: { A: '1', B: '' } });
    const words = process.group.tasks.get(1000)?.words as Int32Array;
    const sp = (words[Word.SP] as number) >>> 0;
    expect(sp % 16).toBe(0);
    const stack = readStack(process.memory, sp);
    expect(stack.argc).toBe(3);
    expect(stack.argv).toEqual(['zero', 'one', 'zw\u00f6lf']);
    expect(stack.environment).toEqual(['A=1', 'B=']);
    const { auxv, text } = stack;
    expect(text(auxv.get(Auxv.EXECFN) as number)).toBe(program);
    expect(text(auxv.get(Auxv.PLATFORM) as number)).toBe('v7l');
    const at = (type: number): number | undefined => auxv.get(type);
    expect([at(Auxv.PHDR), at(Auxv.PHENT), at(Auxv.PHNUM), at(Auxv.ENTRY)]).toEqual([0x1_0034, 32, 1, 0x1_0054]);
    expect([at(Auxv.PAGESZ), at(Auxv.CLKTCK), at(Auxv.SECURE), at(Auxv.HWCAP2)]).toEqual([4096, 100, 0, 0]);
    expect((at(Auxv.HWCAP) as number) & (1 << 12)).toBe(0);
    expect((at(Auxv.HWCAP) as number) & 0xe0d7).toBe(0xe0d7);
  });

  test('all registers are zero, the state is ARM, and AT_RANDOM repeats for a seed', () => {
    const random = (seed: number): number[] => {
      const process = Process.spawn(program, { seed });
      const words = process.group.tasks.get(1000)?.words as Int32Array;
      expect(Array.from(words.subarray(0, 13))).toEqual(new Array(13).fill(0));
      expect([words[Word.PC], words[Word.THUMB], words[Word.LR]]).toEqual([0x1_0054, 0, 0]);
      const { auxv } = readStack(process.memory, (words[Word.SP] as number) >>> 0);
      const addr = auxv.get(Auxv.RANDOM) as number;
      return Array.from(process.memory.u8.subarray(addr, addr + 16));
    };
    expect(random(1)).toEqual(random(1));
    expect(random(1)).not.toEqual(random(2));
  });

  test('the thread is named after the program, 15 characters of it', () => {
    expect(Process.spawn(program).group.tasks.get(1000)?.name).toBe('tiny-program-wi');
  });

  test('arguments beyond a quarter of the stack are refused with a hint', () => {
    expect(() => Process.spawn(program, { args: ['x'.repeat(3_000_000)] })).toThrow(/too long for the stack/);
    expect(() => Process.spawn(program, { args: ['x'.repeat(3_000_000)], stackSizeBytes: 0x200_0000 })).not.toThrow();
  });

  test('writes nothing outside its room', () => {
    const memory = new GuestMemory();
    const sp = writeInitialStack(memory, {
      top: 0x10_0000,
      sizeBytes: 0x1_0000,
      argv: ['a'],
      environment: [],
      executable: 'a',
      platform: 'v7l',
      random: new Uint8Array(16).fill(7),
      auxv: [],
    });
    expect(memory.u8.subarray(sp - 256, sp).every((byte) => byte === 0)).toBe(true);
    expect(memory.u8.subarray(0x10_0000 - 4, 0x10_0100).every((byte) => byte === 0)).toBe(true);
  });
});

describe('the address space at the start', () => {
  test('has the program, stack and sigpage; the kuser page is readable and executable, nothing else up there is', () => {
    const { group, memory } = Process.spawn(program, { stackSizeBytes: 0x2_0000 });
    expect(group.mm.regions.map(({ start, end, name }) => [start, end, path.basename(name)])).toEqual([
      [0x1_0000, 0x1_1000, 'tiny-program-with-a-long-name'],
      [0xbefe_0000, 0xbf00_0000, '[stack]'],
      [SIGNAL_TRAMPOLINE_PAGE, SIGNAL_TRAMPOLINE_PAGE + 4096, '[sigpage]'],
    ]);
    expect(group.mm.brk).toBe(0x1_1000);
    const rx = Permission.READ | Permission.EXECUTE;
    expect((memory.permissions[0xf_fff0] as number) & 7).toBe(rx);
    for (let page = 0xc_0000; page < 0x10_0000; page++) {
      if (page !== 0xf_fff0) expect(memory.permissions[page]).toBe(0);
    }
  });

  test('bss is zero to the end of its last page and the page after it is not mapped', () => {
    const bytes = tinyElf({ memsz: 0x2100, junk: 200 });
    const file = path.join(directory, 'bss');
    fs.writeFileSync(file, bytes);
    const { memory, group } = Process.spawn(file);
    expect(memory.u8.subarray(0x1_0058, 0x1_3000).every((byte) => byte === 0)).toBe(true);
    expect(memory.allows(0x1_2fff, 1, Permission.WRITE)).toBe(true);
    expect(memory.allows(0x1_3000, 1, Permission.READ)).toBe(false);
    expect(group.mm.brk).toBe(0x1_3000);
  });
});

describe('the kuser helpers', () => {
  const CODE = 0x1_0000;
  const DATA = 0x2_0000;
  const memory = new GuestMemory();
  const stalker = new Stalker(memory);
  const mm = new AddressSpace(memory);
  installKernelPages(mm);
  mm.map({ addr: CODE, sizeBytes: 0x1000, prot: 5, fixed: 'replace' });
  mm.map({ addr: DATA, sizeBytes: 0x1000, prot: 3, fixed: 'replace' });
  memory.poke(CODE, new Uint8Array(Uint32Array.of(0xef00_0000, 0xdf00).buffer));
  stalker.addThread(1);
  stalker.switchTo(1);
  const w = stalker.machine.words;

  /** Calls a helper and gives r0 and C; it returns to an SVC, in ARM or Thumb state. */
  const callHelper = (addr: number, args: number[], isThumb = false): { r0: number; carry: number } => {
    args.forEach((arg, i) => {
      w[i] = arg;
    });
    w[Word.SP] = DATA + 0x800;
    w[Word.LR] = isThumb ? CODE + 4 + 1 : CODE;
    w[Word.PC] = addr | 0;
    w[Word.THUMB] = 0;
    expect(stalker.run(1000)).toBe(ExitReason.SVC);
    expect(w[Word.SP]).toBe(DATA + 0x800);
    expect(w[Word.THUMB]).toBe(isThumb ? 1 : 0);
    return { r0: w[0] as number, carry: w[Word.CF] as number };
  };
  const put = (addr: number, ...values: number[]): void =>
    memory.poke(addr, new Uint8Array(Uint32Array.from(values).buffer));
  const get = (addr: number): number => memory.view.getUint32(addr, true);

  test('version is 5 and the page holds nothing but the helpers and UDFs', () => {
    expect(memory.readU32(KuserHelper.VERSION)).toBe(5);
    const words = new Uint32Array(kuserPageBytes().buffer);
    expect(words.filter((word) => word !== 0xe7fd_def1).length).toBe(13 + 2 + 8 + 2 + 1);
  });

  test.each([false, true])('get_tls gives TPIDRURO (returning to Thumb: %s)', (isThumb) => {
    w[Word.TPIDRURO] = 0x1234_5678;
    expect(callHelper(KuserHelper.GET_TLS, [], isThumb).r0).toBe(0x1234_5678);
  });

  test('memory_barrier preserves everything', () => {
    const before = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
    callHelper(KuserHelper.MEMORY_BARRIER, before);
    expect(Array.from(w.subarray(0, 13))).toEqual(before);
  });

  test('cmpxchg stores and gives r0 = 0 with C set when the word matches', () => {
    put(DATA, 5);
    expect(callHelper(KuserHelper.CMPXCHG, [5, 9, DATA])).toEqual({ r0: 0, carry: 1 });
    expect(get(DATA)).toBe(9);
  });

  test('cmpxchg leaves the word and gives r0 != 0 with C clear when it differs', () => {
    put(DATA, 6);
    const { r0, carry } = callHelper(KuserHelper.CMPXCHG, [5, 9, DATA], true);
    expect([r0 !== 0, carry]).toEqual([true, 0]);
    expect(get(DATA)).toBe(6);
  });

  test('cmpxchg64 compares and stores both halves, preserving r4 to r11', () => {
    put(DATA, 1, 2, 1, 2, 7, 8);
    w.set([44, 55, 66, 77], 4);
    expect(callHelper(KuserHelper.CMPXCHG64, [DATA + 8, DATA + 16, DATA])).toEqual({ r0: 0, carry: 1 });
    expect([get(DATA), get(DATA + 4)]).toEqual([7, 8]);
    expect(Array.from(w.subarray(4, 8))).toEqual([44, 55, 66, 77]);
    for (const old of [
      [1, 8],
      [7, 1],
    ] as const) {
      put(DATA + 8, ...old);
      const { r0, carry } = callHelper(KuserHelper.CMPXCHG64, [DATA + 8, DATA + 16, DATA], true);
      expect([r0 !== 0, carry, get(DATA), get(DATA + 4)]).toEqual([true, 0, 7, 8]);
    }
  });
});
