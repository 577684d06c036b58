/** `onEvent`: every event as it happens, with the registers of that moment. */
import { describe, expect, it } from 'vitest';
import {
  type ArmCpuContext,
  EventKind,
  Module,
  type NativePointer,
  Process,
  Stalker,
  type StalkerEvent,
} from '../../src/index.js';
import { sample } from '../support/cli.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;
const ALL = { call: true, ret: true, exec: true, block: true, compile: true } as const;

const spawn = (name: string, tier: 'cold' | 'auto' | 'hot', argv = [name]): Process =>
  Process.spawn(sample(name), { stdout: () => {}, tier, hotThreshold: 3, argv });

const shown = ({ kind, location, target, depth }: StalkerEvent): string => `${kind} ${location} ${target} ${depth}`;

describe.each(['cold', 'auto', 'hot'] as const)('tier %s', (tier) => {
  it.each([
    ['fib-thumb', 'precise'],
    ['fib-arm', 'gum'],
    ['it-blocks', 'gum'],
    ['longjmp-arm', 'precise'],
  ] as const)('%s under %s: the same events as onReceive gets, pc at each of them', async (name, profile) => {
    const process = spawn(name, tier, [name, '12']);
    const seen: string[] = [];
    const received: string[] = [];
    let wrong = 0;
    let live = true;
    Stalker.follow({
      profile,
      events: ALL,
      onEvent(event, context, data) {
        expect(data).toBe('mine');
        seen.push(shown(event));
        const expected = event.kind === COMPILE ? undefined : (event.location & ~1) >>> 0;
        if (context?.pc.toUInt32() !== expected) wrong++;
        live &&= context === null || !context.sp.isNull();
      },
      onReceive(events) {
        for (const row of Stalker.parse(events, { annotate: true })) received.push(textOf(row));
      },
      data: 'mine',
    });
    await process.resume();
    expect([wrong, live]).toEqual([0, true]);
    expect(seen.length).toBeGreaterThan(100);
    expect(received).toEqual(seen);
  });

  it('the registers are those of the call, and can be changed', async () => {
    const process = spawn('fib-thumb', tier);
    const fib = (Module.findExportByName(null, 'fib') as NativePointer).toUInt32();
    const asked: number[] = [];
    let result = 0;
    Stalker.follow({
      events: { call: true },
      onEvent({ target, kind }, context) {
        if (kind !== CALL || target !== fib) return;
        const { r0 } = context as ArmCpuContext;
        if (asked.length === 0) (context as ArmCpuContext).r0 = 6 as never;
        asked.push(r0.toInt32());
      },
    });
    Stalker.addCallProbe(Module.findExportByName(null, 'print_number') as NativePointer, (args) => {
      result = (args[0] as NativePointer).toInt32();
    });
    await process.resume();
    expect(asked[0]).toBe(20);
    expect(asked.slice(1, 4)).toEqual([5, 4, 3]);
    expect([asked.length, result]).toEqual([25, 8]);
  });

  it('unfollow from inside: nothing more than the block under way', async () => {
    const process = spawn('fib-thumb', tier);
    const kinds: number[] = [];
    Stalker.follow({
      events: { block: true, call: true },
      onEvent({ kind }) {
        kinds.push(kind);
        if (kinds.length === 500) Stalker.unfollow();
      },
    });
    expect((await process.resume()).exitCode).toBe(0);
    expect(kinds.length).toBeLessThanOrEqual(502);
    expect(kinds.filter((kind) => kind === BLOCK).length).toBeGreaterThan(0);
    expect(kinds.some((kind) => kind === RET || kind === EXEC)).toBe(false);
  });
});

const KINDS: Readonly<Record<string, number>> = { call: CALL, ret: RET, exec: EXEC, block: BLOCK, compile: COMPILE };

const textOf = ([kind, location, target, depth]: (string | number | NativePointer)[]): string =>
  [
    KINDS[kind as string],
    (location as NativePointer).toUInt32(),
    target === undefined ? 0 : (target as NativePointer).toUInt32(),
    depth ?? 0,
  ].join(' ');
