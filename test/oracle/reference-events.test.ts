/** The oracle itself, on programs whose calls can be counted by hand. */
import { describe, expect, it } from 'vitest';
import { sample } from '../support/cli.js';
import { ORACLE_CPU } from '../support/qemu.js';
import { classify } from './control-flow.js';
import { type FlowEvent, referenceRun } from './reference-events.js';

const word = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);
const halves = (...values: number[]): Uint8Array => new Uint8Array(new Uint16Array(values).buffer);

describe('the classification of instructions', () => {
  it.each([
    ['bx lr', 0x1000, word(0xe12fff1e), 'return'],
    ['bx r3', 0x1000, word(0xe12fff13), 'indirect'],
    ['mov pc, lr', 0x1000, word(0xe1a0f00e), 'return'],
    ['movne pc, lr', 0x1000, word(0x11a0f00e), 'return'],
    ['mov pc, r3', 0x1000, word(0xe1a0f003), 'indirect'],
    ['pop {r4, pc}', 0x1000, word(0xe8bd8010), 'return'],
    ['ldmdb fp, {fp, sp, pc}', 0x1000, word(0xe91ba800), 'return'],
    ['ldr pc, [sp], #4', 0x1000, word(0xe49df004), 'return'],
    ['ldr pc, [r3]', 0x1000, word(0xe593f000), 'indirect'],
    ['str pc, [sp]', 0x1000, word(0xe58df000), 'plain'],
    ['add pc, pc, r3, lsl #2', 0x1000, word(0xe08ff103), 'indirect'],
    ['cmp pc, r3', 0x1000, word(0xe15f0003), 'plain'],
    ['push {lr, pc}', 0x1000, word(0xe92dc000), 'plain'],
    ['bleq', 0x1000, word(0x0b000001), 'call'],
    ['ble', 0x1000, word(0xda000001), 'branch'],
    ['blx r3', 0x1000, word(0xe12fff33), 'call'],
    ['svc #0', 0x1000, word(0xef000000), 'plain'],
    ['thumb bx lr', 0x1001, halves(0x4770), 'return'],
    ['thumb pop {pc}', 0x1001, halves(0xbd00), 'return'],
    ['thumb mov pc, r3', 0x1001, halves(0x469f), 'indirect'],
    ['thumb cbz', 0x1001, halves(0xb108), 'branch'],
    ['thumb tbb', 0x1001, halves(0xe8df, 0xf003), 'indirect'],
    ['thumb blx', 0x1001, halves(0xf000, 0xe804), 'call'],
    ['thumb ldr.w pc, [sp], #4', 0x1001, halves(0xf85d, 0xfb04), 'return'],
    ['thumb ldmia.w r0, {r1, pc}', 0x1001, halves(0xe890, 0x8002), 'return'],
  ])('%s', (_name, pc, bytes, kind) => expect(classify(pc, bytes).kind).toBe(kind));

  it('flips the instruction set of blx and keeps that of bl', () => {
    expect(classify(0x10000, word(0xfa000000)).target).toBe(0x10009);
    expect(classify(0x10000, word(0xeb000000)).target).toBe(0x10008);
    expect(classify(0x10003, halves(0xf000, 0xe800)).target).toBe(0x10004);
  });
});

const eventsOf = async (name: string): Promise<readonly FlowEvent[]> => {
  const { events, result } = await referenceRun(sample(name), { cpu: ORACLE_CPU });
  expect(result.status).toBe(0);
  return events.get(0) as readonly FlowEvent[];
};

describe('the reference', () => {
  it.each(['fib-arm', 'fib-thumb'])('finds 21,891 calls of fib, 20 frames deep, in %s', async (name) => {
    const events = await eventsOf(name);
    const calls = events.filter(({ kind }) => kind === 'call');
    const counts = new Map<number, number>();
    for (const { target } of calls) counts.set(target, (counts.get(target) ?? 0) + 1);
    const fib = [...counts].find(([, count]) => count === 21_891)?.[0];
    expect(fib).toBeDefined();
    const depths = calls.filter(({ target }) => target === fib).map(({ depth }) => depth);
    expect(Math.max(...depths) - Math.min(...depths) + 1).toBe(20);
    expect(events.filter(({ kind }) => kind === 'ret').length).toBe(calls.length);
  });

  it('comes down to the caller of catch_jump after a jump over seven frames', async () => {
    const events = await eventsOf('longjmp-arm');
    expect(Math.max(...events.map(({ depth }) => depth))).toBe(8);
    expect(events[events.length - 1]?.depth).toBe(0);
  });

  it('gives a call and its return the same depth, across instruction sets', async () => {
    const open: FlowEvent[] = [];
    for (const event of await eventsOf('it-blocks')) {
      if (event.kind === 'call') open.push(event);
      else expect(event.depth).toBe(open.pop()?.depth);
    }
    expect(open).toEqual([]);
  });
});
