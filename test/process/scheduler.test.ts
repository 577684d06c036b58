import { describe, expect, test } from 'vitest';
import type { Note } from '../../src/events/event.js';
import { Word } from '../../src/guest/cpu-state.js';
import { type Program, type Step, scripted } from './scripted-engine.js';

const CLONE = { svc: 'clone', args: [0x3d_0f00, 0, 0x1_0040, 0, 0] } satisfies Step;
const FUTEX = 0x1_0800;

const worker = (insns: number, code = 0): Program =>
  function* () {
    yield { run: insns };
    yield { svc: 'exit', args: [code] };
  };

const starting = (count: number, then: Program): Program =>
  function* (view) {
    for (let i = 0; i < count; i++) yield CLONE;
    yield* then(view);
  };

const exitGroup = (code: number): Step => ({ svc: 'exit_group', args: [code] });

describe('slices', () => {
  test('threads take turns in order of creation, a quantum each, at the first block entry after it', async () => {
    const { process, engine } = scripted([starting(2, worker(250)), worker(250), worker(105)], { quantum: 100 });
    expect(await process.resume()).toMatchObject({ exitCode: 0 });
    expect(engine.slices).toEqual([
      '1000:102',
      '1001:100',
      '1002:100',
      '1000:100',
      '1001:100',
      '1002:11',
      '1000:51',
      '1001:51',
    ]);
  });

  test('two runs of the same program have the same slices', async () => {
    const make = () => scripted([starting(3, worker(5000)), worker(3000), worker(7000), worker(10)], { quantum: 170 });
    const [first, second] = [make(), make()];
    await Promise.all([first.process.resume(), second.process.resume()]);
    expect(first.engine.slices).toEqual(second.engine.slices);
    expect(first.engine.slices.length).toBeGreaterThan(50);
  });

  test('sched_yield ends the slice', async () => {
    const polite: Program = function* () {
      yield { run: 10 };
      yield { svc: 'sched_yield' };
      yield { run: 10 };
      yield exitGroup(0);
    };
    const { process, engine } = scripted([starting(1, polite), worker(10)]);
    await process.resume();
    expect(engine.slices).toEqual(['1000:12', '1001:11', '1000:11']);
  });

  test('a slice is stretched between LDREX and STREX, within a bound, and a switch opens the monitor', async () => {
    const seen: number[] = [];
    const exclusive: Program = function* ({ words }) {
      yield { run: 90 };
      words[Word.EXCLUSIVE_SIZE] = 4;
      yield { run: 30 };
      words[Word.EXCLUSIVE_SIZE] = 0;
      yield { run: 200 };
      words[Word.EXCLUSIVE_SIZE] = 4;
      yield { run: 10_000 };
      seen.push(words[Word.EXCLUSIVE_SIZE] as number);
      yield exitGroup(0);
    };
    const { process, engine } = scripted([starting(1, exclusive), worker(100_000)], { quantum: 100 });
    await process.resume();
    const own = engine.slices.filter((slice) => slice.startsWith('1000')).map((slice) => Number(slice.split(':')[1]));
    expect(own[0]).toBe(171);
    expect(Math.max(...own)).toBeLessThan(100 + 33 * 70);
    expect(Math.max(...own)).toBeGreaterThan(1000);
    expect(seen).toEqual([0]);
  });

  test('registers of a thread survive the others', async () => {
    const keeper = (value: number): Program =>
      function* ({ words }) {
        for (let i = 0; i < 20; i++) {
          words[5] = value + i;
          words[Word.VFP + 3] = -value;
          yield { run: 100 };
          expect([words[5], words[Word.VFP + 3]]).toEqual([value + i, -value]);
        }
        yield { svc: 'exit', args: [0] };
      };
    const { process } = scripted([starting(2, keeper(100)), keeper(2000), keeper(30_000)], { quantum: 70 });
    expect(await process.resume()).toMatchObject({ exitCode: 0 });
  });
});

describe('waiting', () => {
  const sleep = (ns: number): Program =>
    function* ({ memory }) {
      memory.view.setInt32(FUTEX - 16, Math.floor(ns / 1e9), true);
      memory.view.setInt32(FUTEX - 12, ns % 1e9, true);
      yield { svc: 'nanosleep', args: [FUTEX - 16, 0] };
    };

  test('an hour of virtual sleep takes no host time and exactly an hour of guest time', async () => {
    const sleeper: Program = function* (view) {
      yield* sleep(3600e9)(view);
      expect(view.words[0]).toBe(0);
      yield exitGroup(0);
    };
    const { process } = scripted([sleeper]);
    const start = performance.now();
    await process.resume();
    expect(performance.now() - start).toBeLessThan(1000);
    expect(process.group.clock.monotonicNs()).toBe(3600e9 + 2);
  });

  test('sleepers wake in the order of their deadlines', async () => {
    const order: number[] = [];
    const sleeper = (ns: number): Program =>
      function* (view) {
        yield* sleep(ns)(view);
        order.push(view.tid);
        yield { svc: 'exit', args: [0] };
      };
    const { process } = scripted([starting(2, sleeper(9e6)), sleeper(3e6), sleeper(6e6)]);
    await process.resume();
    expect(order).toEqual([1001, 1002, 1000]);
  });

  test('the host clock really waits', async () => {
    const sleeper: Program = function* (view) {
      yield* sleep(40e6)(view);
      yield exitGroup(0);
    };
    const { process } = scripted([sleeper], { clock: 'host' });
    const start = performance.now();
    await process.resume();
    expect(performance.now() - start).toBeGreaterThan(38);
  });

  test('a futex wake lets the waiter go on with 0', async () => {
    const results: number[] = [];
    const waiter: Program = function* ({ words }) {
      yield { svc: 'futex', args: [FUTEX, 0, 0, 0, 0, 0] };
      results.push(words[0] as number);
      yield { svc: 'exit', args: [0] };
    };
    const waker: Program = function* ({ words }) {
      yield { svc: 'sched_yield' };
      yield { svc: 'futex', args: [FUTEX, 1, 1, 0, 0, 0] };
      results.push(words[0] as number);
      yield { svc: 'exit', args: [0] };
    };
    const { process } = scripted([starting(1, waker), waiter]);
    await process.resume();
    expect(results).toEqual([1, 0]);
  });

  test('when nothing can ever happen the run stops as deadlocked and says who waits for what', async () => {
    const messages: string[] = [];
    const stuck: Program = function* () {
      yield { svc: 'futex', args: [FUTEX, 0, 0, 0, 0, 0] };
    };
    const { process } = scripted([stuck], { onIncident: ({ message }) => messages.push(message) });
    expect(await process.resume()).toMatchObject({ stopped: 'deadlock' });
    expect(messages).toEqual(['every thread waits for something that cannot happen (1000 in futex)']);
  });

  test('a periodic signal nobody takes does not freeze the host', async () => {
    const stuck: Program = function* ({ memory }) {
      [0, 1000, 0, 1000].forEach((value, i) => {
        memory.view.setInt32(FUTEX - 16 + 4 * i, value, true);
      });
      memory.view.setUint32(FUTEX + 16, 1 << 13, true);
      yield { svc: 'sigprocmask', args: [0, FUTEX + 16, 0] };
      yield { svc: 'setitimer', args: [0, FUTEX - 16, 0] };
      yield { svc: 'pause' };
    };
    const { process } = scripted([stuck], { timeoutMs: 150 });
    expect(await process.resume()).toMatchObject({ stopped: 'timeout' });
  });
});

describe('ends', () => {
  test('exit of the first thread keeps its code; the process ends with the last thread', async () => {
    const { process } = scripted([starting(1, worker(10, 7)), worker(5000, 3)], { quantum: 100 });
    expect(await process.resume()).toMatchObject({ exitCode: 7, instructions: 5013 });
  });

  test('exit_group ends everything at once', async () => {
    const leave: Program = function* () {
      yield exitGroup(0x1ff);
    };
    const { process, engine } = scripted([starting(1, worker(1000)), leave], { quantum: 100 });
    expect(await process.resume()).toMatchObject({ exitCode: 255 });
    expect(engine.clock).toBe(102);
  });

  test('an unhandled fault is a crash with registers, address and code window; notes come in order', async () => {
    const notes: Note[] = [];
    const crash: Program = function* ({ words }) {
      words[4] = 0x44;
      words[Word.THUMB] = 0;
      yield { fault: 0x4711 };
    };
    const { process } = scripted([crash], { sink: { note: (note) => notes.push(note) } });
    const result = await process.resume();
    expect(result).toMatchObject({
      signo: 11,
      crash: { name: 'SIGSEGV', code: 1, faultAddress: 0x4711, pc: 0x1_0054 },
    });
    expect(result.crash?.registers.r[4]).toBe(0x44);
    expect(result.crash?.codeWindow?.address).toBe(0x1_0044);
    expect(result.crash?.codeWindow?.bytes.length).toBe(32);
    expect(notes.map(({ type }) => type)).toEqual(['module', 'thread', 'signal', 'thread']);
    expect(notes.at(-1)).toMatchObject({ what: 'exit', exitCode: 139 });
  });

  test('a call that never returns and one that was waiting at the end are noted without a result', async () => {
    const notes: Note[] = [];
    const waiter: Program = function* () {
      yield { svc: 'pause' };
    };
    const leave: Program = function* () {
      yield { run: 50 };
      yield exitGroup(0);
    };
    const { process } = scripted([starting(1, leave), waiter], {
      quantum: 10,
      sink: { note: (note) => notes.push(note) },
    });
    await process.resume();
    const calls = notes.flatMap((note) => (note.type === 'syscall' ? [[note.name, note.result, note.tid]] : []));
    expect(calls).toEqual([
      ['clone', 1001, 1000],
      ['exit_group', undefined, 1000],
      ['pause', undefined, 1001],
    ]);
  });
});

describe('limits and stops', () => {
  const forever: Program = function* () {
    for (;;) yield { run: 1000 };
  };

  test('max-insns stops at the first block entry past the limit', async () => {
    const { process } = scripted([forever], { maxInsns: 12_345 });
    expect(await process.resume()).toEqual({ stopped: 'max-insns', instructions: 12_350 });
  });

  test('timeout stops an endless loop', async () => {
    const { process } = scripted([forever], { timeoutMs: 60 });
    const start = performance.now();
    expect(await process.resume()).toMatchObject({ stopped: 'timeout' });
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('the event loop lives while the guest runs, so stop() can be called, and resume() goes on', async () => {
    const { process } = scripted([forever]);
    setTimeout(() => process.stop('interrupt'), 30);
    const first = await process.resume();
    expect(first).toMatchObject({ stopped: 'interrupt' });
    setTimeout(() => process.stop('interrupt'), 10);
    const second = await process.resume();
    expect(second.instructions).toBeGreaterThan(first.instructions);
  });
});
