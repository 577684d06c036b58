import { describe, expect, test } from 'vitest';
import { type DiffOptions, diffTraces, type TraceDiff } from '../../src/analysis/diff.js';
import type { ModuleNote } from '../../src/events/event.js';
import { TraceReader } from '../../src/trace/reader.js';
import type { TraceWriter } from '../../src/trace/writer.js';
import { playProgram, randomFrom, SyntheticMachine } from '../support/event-stream.js';
import { fuzzSeed } from '../support/random.js';
import { HEADER, recordBytes } from '../support/trace-file.js';

const NAMES = ['_start', 'main', 'parse', 'check', 'report', 'helper'];

/** A program whose functions are 0x100 bytes long and begin at `base`. */
const moduleAt = (base: number, name = 'prog'): ModuleNote => ({
  type: 'module',
  clock: 0,
  path: `./${name}`,
  name,
  bias: 0,
  start: base,
  end: base + 0x10000,
  entry: base,
  buildId: '',
  segments: [{ address: base, sizeBytes: 0x10000, fileOffset: 0, flags: 5 }],
});

interface Stage {
  readonly machine: SyntheticMachine;
  readonly writer: TraceWriter;
  readonly at: (name: string, offset?: number) => number;
  /** A call of `to` from `from`, with what happens in it, and its return. */
  readonly call: (from: string, to: string, inside?: () => void) => void;
}

const record = (
  drive: (stage: Stage) => void,
  base = 0x10000,
  options: { mask?: number; exitCode?: number } = {},
): Buffer =>
  recordBytes(
    (writer) => {
      writer.symbolizer = (address) => {
        const name = NAMES[(address - base) >> 8];
        return name === undefined
          ? undefined
          : { module: 'prog', name, offset: (address - base) & 0xff, sizeBytes: 0x100 };
      };
      writer.note(moduleAt(base));
      const machine = new SyntheticMachine((batch) => writer.process(batch));
      const at = (name: string, offset = 0): number => base + NAMES.indexOf(name) * 0x100 + offset;
      const call = (from: string, to: string, inside?: () => void): void => {
        machine.call(at(from, 0x10), at(to));
        inside?.();
        machine.run(3);
        machine.ret(at(to, 0x40), at(from, 0x14));
      };
      drive({ machine, writer, at, call });
      machine.flush();
      writer.end({ reason: 'exit', exitCode: options.exitCode ?? 0, clock: machine.clock });
    },
    {},
    { ...HEADER, eventMask: options.mask ?? 3 },
  );

const diff = (old: Uint8Array, now: Uint8Array, options?: DiffOptions): Promise<TraceDiff> =>
  diffTraces(TraceReader.open([old], 'old.pb'), TraceReader.open([now], 'new.pb'), options);

const hunkText = ({ hunks }: TraceDiff): string[] =>
  hunks.flatMap(({ lines }) =>
    lines.map(({ sign, what, depth, function: name, count }) => {
      const text = what === 'open' ? `${name} {` : what === 'close' ? `}` : what === 'more' ? '...' : name;
      return `${sign}${' '.repeat(depth)}${text}${count > 1 ? ` x${count}` : ''}`;
    }),
  );

describe('calls', () => {
  const program =
    (change: (stage: Stage) => void) =>
    (stage: Stage): void => {
      const { call } = stage;
      call('_start', 'main', () => {
        for (let i = 0; i < 5; i++) call('main', 'parse', () => call('parse', 'helper'));
        change(stage);
        call('main', 'report', () => call('report', 'helper'));
      });
    };

  test('that one of them made more are a hunk around them, and all after is the same again', async () => {
    const old = record(program(({ call }) => call('main', 'check')));
    const now = record(program(({ call }) => call('main', 'check', () => call('check', 'helper'))));
    const result = await diff(old, now);
    expect(result.first).toMatchObject({ stack: ['_start', 'main', 'check'], commonEvents: 22 });
    expect(hunkText(result)).toEqual(['+helper']);
    expect(result.hunks[0]?.function).toBe('check');
    expect(result.functions).toEqual([{ function: 'helper', old: 6, new: 7 }]);
  });

  test('of the same function are looked into', async () => {
    const late =
      (extra: boolean) =>
      ({ call }: Stage): void => {
        call('main', extra ? 'check' : 'helper');
        call('main', 'parse', () => {
          call('parse', 'helper');
          if (extra) call('parse', 'check');
        });
      };
    const result = await diff(record(program(late(false))), record(program(late(true))));
    expect(hunkText(result)).toEqual([
      ' parse x5',
      '-helper',
      '+check',
      ' parse {',
      '  helper',
      '+ check',
      ' }',
      ' report',
    ]);
  });

  test('in another number are told by how many', async () => {
    const times =
      (count: number) =>
      ({ call }: Stage): void => {
        call('main', 'check');
        for (let i = 0; i < count; i++) call('main', 'helper');
      };
    const result = await diff(record(program(times(4))), record(program(times(9))));
    expect(hunkText(result)).toEqual([' parse x5', ' check', ' helper x4', '+helper x5', ' report']);
    expect(result.functions).toEqual([{ function: 'helper', old: 10, new: 15 }]);
  });

  test('compare by symbol between two builds, and not by address', async () => {
    const old = record(program(() => {}));
    const now = record(
      program(() => {}),
      0x40000,
    );
    expect(await diff(old, now)).toMatchObject({ same: true });
    expect(await diff(old, now, { match: 'addr' })).toMatchObject({ same: false, first: { commonEvents: 0 } });
    expect(await diff(old, now, { match: 'offset' })).toMatchObject({ same: false });
  });

  test('that cost more differ, unless the clock is ignored', async () => {
    const old = record(program(({ call }) => call('main', 'check')));
    const now = record(program(({ call, machine }) => call('main', 'check', () => machine.run(7))));
    const result = await diff(old, now);
    expect(result).toMatchObject({
      same: false,
      first: { kind: 'cost', stack: ['_start', 'main', 'check'] },
      hunks: [],
    });
    expect(await diff(old, now, { ignore: ['clock'] })).toMatchObject({ same: true });
  });

  test('that end early differ where they end', async () => {
    const whole = record(program(() => {}));
    const cut = record(({ call }) => call('_start', 'main', () => call('main', 'parse')));
    const result = await diff(cut, whole);
    expect(result.same).toBe(false);
    const one = record(({ machine, at }) => machine.call(at('_start', 0x10), at('main')));
    expect((await diff(one, whole)).first).toMatchObject({
      kind: 'ended',
      commonEvents: 1,
      old: {},
      stack: ['_start', 'main'],
    });
  });

  test('deeper than any stack are compared', async () => {
    const deep =
      (levels: number) =>
      ({ machine, at }: Stage): void => {
        for (let i = 0; i < levels; i++) machine.call(at('check', 0x10), at('check'));
        for (let i = 0; i < levels; i++) machine.ret(at('check', 0x40), at('check', 0x14));
      };
    const result = await diff(record(deep(20_000)), record(deep(20_001)));
    expect(result.first).toMatchObject({ commonEvents: 20_000 });
    expect(await diff(record(deep(20_000)), record(deep(20_000)))).toMatchObject({ same: true });
  });
});

describe('blocks', () => {
  test('that went another way name the block before them', async () => {
    const program =
      (taken: boolean) =>
      ({ machine, at }: Stage): void => {
        machine.call(at('_start', 0x10), at('main'));
        machine.block(at('main'), at('main', 8), 2);
        machine.block(at('main', 8), at('main', 0x10), 2);
        machine.block(at('main', taken ? 0x20 : 0x10), at('main', taken ? 0x24 : 0x18), 2);
        machine.ret(at('main', 0x40), at('_start', 0x14));
      };
    const options = { mask: 11 };
    const result = await diff(record(program(false), 0x10000, options), record(program(true), 0x10000, options));
    expect(result).toMatchObject({
      level: 'block',
      first: {
        commonBlocks: 2,
        at: { symbol: 'main', symbolOffset: 0xc },
        block: { startOffset: '0x10108', endOffset: '0x10110' },
        old: { next: '0x10110' },
        new: { next: '0x10120' },
        stack: ['_start', 'main'],
      },
      hunks: [],
    });
  });
});

describe('threads', () => {
  test('are compared each with its own, however they took turns', async () => {
    const program =
      (slice: number, extra: boolean) =>
      ({ machine, at }: Stage): void => {
        const left = [40, 40];
        for (let turn = 0; left[0] + left[1] > 0; turn = 1 - turn) {
          machine.switchTo(turn + 1);
          for (let i = 0; i < slice && left[turn] > 0; i++, left[turn]--) {
            machine.call(at('main', 0x10), at(extra && turn === 1 && left[1] === 5 ? 'check' : 'parse'));
            machine.ret(at('parse', 0x40), at('main', 0x14));
          }
        }
      };
    const old = record(program(3, false));
    expect(await diff(old, record(program(7, false)))).toMatchObject({ same: true });
    const result = await diff(old, record(program(7, true)));
    expect(result.threads).toMatchObject([{ thread: 2, commonEvents: 70 }]);
    expect(await diff(old, record(program(7, true)), { threads: [1] })).toMatchObject({ same: true });
  });

  test('that only one of them has differ', async () => {
    const program =
      (threads: number) =>
      ({ machine, at, call }: Stage): void => {
        call('_start', 'main');
        machine.switchTo(threads);
        machine.call(at('_start', 0x10), at('parse'));
      };
    const result = await diff(record(program(1)), record(program(2)));
    expect(result.threads.map(({ thread, kind }) => [thread, kind])).toContainEqual([2, 'ended']);
  });
});

describe('system calls', () => {
  const withCall = (text: string, result: number): Buffer =>
    record(({ writer, at, call }) => {
      call('_start', 'main');
      const facts = { type: 'syscall', tid: 1, clock: 1, endClock: 1, pc: at('main'), number: 3, args: [] } as const;
      writer.note({ ...facts, name: 'read', text: `${text} = ${result}`, result });
    });

  test('that differ in what they carry are a difference, addresses aside', async () => {
    const old = withCall('read(0, "a", 1, 0xbeef)', 1);
    const result = await diff(old, withCall('read(0, "b", 1, 0xcafe)', 1));
    expect(result).toMatchObject({ same: false, first: undefined, syscalls: { thread: 1 } });
    expect(result.syscalls?.new?.text).toContain('"b"');
    expect(await diff(old, withCall('read(0, "a", 1, 0xcafe)', 1))).toMatchObject({ same: true });
  });

  test('may be ignored by arguments and by result', async () => {
    const old = withCall('read(0, "a")', 1);
    const now = withCall('read(0, "b")', 2);
    expect(await diff(old, now, { ignore: ['args'] })).toMatchObject({ same: false });
    expect(await diff(old, now, { ignore: ['args', 'retval'] })).toMatchObject({ same: true });
  });
});

test('another exit code is a difference', async () => {
  const same = ({ call }: Stage): void => call('_start', 'main');
  const result = await diff(record(same), record(same, 0x10000, { exitCode: 3 }));
  expect(result).toMatchObject({ same: false, first: undefined, new: { exit: { code: 3 } } });
});

test('the segment of a file can be chosen', async () => {
  const one = record(({ call }) => call('_start', 'main'));
  const two = record(({ call }) => call('_start', 'check'));
  const both = Buffer.concat([one, two]);
  expect(await diff(both, two, { segments: [1, 0] })).toMatchObject({ same: true });
  expect(await diff(both, one)).toMatchObject({ same: true });
  expect(await diff(both, both, { segments: [0, 1] })).toMatchObject({ same: false });
});

/** Plays the same random program twice, with one event changed in the second. */
test('one change anywhere in a random run is found exactly where it is', async () => {
  const seed = fuzzSeed('diff');
  const random = randomFrom(seed);
  for (let round = 0; round < 30; round++) {
    const play = { events: 3000, seed: Math.floor(random() * 1e9), threads: 1, wild: 0.01, blocks: true };
    const changeAt = Math.floor(random() * 3000);
    const bytes = (changed: boolean): Buffer =>
      recordBytes(
        (writer) => {
          let seen = 0;
          const machine = new SyntheticMachine((batch) => {
            const words = batch.words.slice(0, batch.count * 4);
            const at = changeAt - seen;
            if (changed && at >= 0 && at < batch.count) words[at * 4] = batch.sites.add(8, 0xbad01, 0xbad05, 0);
            seen += batch.count;
            writer.process({ ...batch, words });
          });
          playProgram(machine, play);
          writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
        },
        { chunkEvents: 257 },
        { ...HEADER, eventMask: 11 },
      );
    const result = await diff(bytes(false), bytes(true));
    expect(result.first?.commonEvents, `seed ${seed}, round ${round}`).toBe(changeAt);
  }
}, 60_000);
