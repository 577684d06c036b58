import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventBatch, StalkerEvent } from '../../src/events/ring.js';
import type { TraceWriterOptions } from '../../src/trace/writer.js';
import { playProgram, SyntheticMachine } from '../support/event-stream.js';
import { eventsOf, readTrace, recordBytes } from '../support/trace-file.js';

/** Records what `drive` makes happen and reads it back: events by thread, wanted and found. */
const roundTrip = async (
  drive: (machine: SyntheticMachine) => void,
  options: Partial<TraceWriterOptions> = {},
): Promise<{ wanted: Map<number, StalkerEvent[]>; found: Map<number, StalkerEvent[]>; bytes: number }> => {
  const wanted = new Map<number, StalkerEvent[]>();
  const bytes = recordBytes((writer) => {
    const sink = (batch: EventBatch): void => {
      wanted.set(batch.tid, [...(wanted.get(batch.tid) ?? []), ...eventsOf(batch)]);
      writer.process(batch);
    };
    const machine = new SyntheticMachine(sink, { ringRecords: 100 });
    drive(machine);
    machine.flush();
    writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
  }, options);
  const { events, reader } = await readTrace(bytes);
  expect(reader.integrity).toMatchObject({ complete: true, reason: undefined });
  return { wanted, found: events, bytes: bytes.length };
};

const expectRoundTrip = async (
  drive: (machine: SyntheticMachine) => void,
  options?: Partial<TraceWriterOptions>,
): Promise<void> => {
  const { wanted, found } = await roundTrip(drive, options);
  expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
  for (const [tid, events] of wanted) expect(found.get(tid)).toEqual(events);
};

type Step = readonly [what: number, where: number, who: number, how: number];

const play = (machine: SyntheticMachine, steps: readonly Step[]): void => {
  const back: number[][] = [[], [], [], []];
  for (const [what, where, who, how] of steps) {
    machine.switchTo(who + 1);
    machine.run(how);
    const stack = back[who] as number[];
    const location = (0x8000 + where * 6 + (where & 1)) >>> 0;
    const target = (0xf000 + how * 8 + (where & 1)) >>> 0;
    if (what < 3) {
      machine.call(location, target, { dynamic: what === 1, adjust: how & 3 });
      stack.push(location + (where % 3) * 2);
    } else if (what < 6) machine.ret(location, stack.pop() ?? target, { pops: what === 5 ? how % 4 : 1 });
    else if (what === 6) machine.unwind(how % 5);
    else if (what === 7) machine.exec(location);
    else if (what === 8) machine.block(location, location + 8, how & 7);
    else machine.compile(location, location + 12);
  }
};

const step = fc.tuple(fc.nat(9), fc.nat(12), fc.nat(3), fc.nat(9));

describe('a trace gives back what was recorded', () => {
  it('for any mix of kinds, threads, unwinds and odd returns', async () => {
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 800 }),
      fc.constantFrom('none', 'deflate', 'brotli' as const),
      fc.constantFrom(7, 64, 100_000),
      async (steps, codec, chunkEvents) =>
        expectRoundTrip((machine) => play(machine, steps as Step[]), { codec, chunkEvents } as TraceWriterOptions),
    );
    await fc.assert(property, { numRuns: 150 });
  });

  it('for programs that loop, recurse, call through pointers and unwind', async () => {
    for (const seed of [1, 2, 3]) {
      await expectRoundTrip(
        (m) => playProgram(m, { events: 20_000, seed, blocks: seed === 2, threads: seed, wild: 0.01 }),
        {
          chunkEvents: 5000,
        },
      );
    }
  });

  it('for recursion deeper than the frames a chunk carries', async () => {
    await expectRoundTrip(
      (machine) => {
        for (let i = 0; i < 5000; i++) machine.call(0x8001, 0x8001);
        for (let i = 0; i < 5100; i++) machine.ret(0x8011, 0x8005);
      },
      { chunkEvents: 1500 },
    );
  });

  it('for clocks beyond 32 bits and addresses in the upper half', async () => {
    await expectRoundTrip((machine) => {
      machine.call(0x8000, 0xffff0fe0);
      for (let i = 0; i < 1000; i++) machine.run(2 ** 23);
      machine.flush();
      machine.ret(0xffff0fec, 0x8004);
      machine.switchTo(2);
      machine.run(2 ** 33);
      machine.call(0xb0000001, 0x80000001, { dynamic: true });
      machine.exec(0xfffffffe);
      machine.switchTo(1);
      machine.compile(0xfffffff0, 0xffffffff);
    });
  });

  it('when only calls, or only returns, are recorded', async () => {
    await expectRoundTrip((machine) => {
      for (let i = 0; i < 200; i++) {
        machine.call(0x8000 + 4 * (i % 7), 0x9000);
        machine.unwind(i % 3);
      }
      for (let i = 0; i < 200; i++) machine.ret(0x9000, 0x9000 + i * 4);
    });
  });
});
