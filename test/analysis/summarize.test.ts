import { describe, expect, it } from 'vitest';
import { describeTrace } from '../../src/analysis/info.js';
import { type FunctionRow, type SummarizeOptions, type Summary, summarize } from '../../src/analysis/summarize.js';
import type { ModuleNote } from '../../src/events/event.js';
import { TraceReader } from '../../src/trace/reader.js';
import type { TraceWriter } from '../../src/trace/writer.js';
import { SyntheticMachine } from '../support/event-stream.js';
import { recordBytes } from '../support/trace-file.js';

const LOCK: ModuleNote = {
  type: 'module',
  clock: 0,
  path: './lock',
  name: 'lock',
  bias: 0x1000,
  start: 0x10000,
  end: 0x20000,
  entry: 0x10000,
  buildId: '7c1f',
  segments: [{ address: 0x10000, sizeBytes: 0x10000, fileOffset: 0, flags: 5 }],
};

/** Functions of 0x100 bytes, named by their place. */
const NAMES = ['_start', 'main', 'fib', 'check', 'strlen'];
const at = (name: string, offset = 0): number => 0x10001 + NAMES.indexOf(name) * 0x100 + offset;

const record = (
  drive: (machine: SyntheticMachine, writer: TraceWriter) => void,
  options: { tellsElsewhere?: boolean; symbols?: boolean } = {},
): Buffer =>
  recordBytes((writer) => {
    if (options.symbols ?? true) {
      writer.symbolizer = (address) => {
        const index = (address - 0x10000) >> 8;
        const name = NAMES[index];
        const offset = (address - 0x10000) & 0xff;
        return name === undefined ? undefined : { module: 'lock', name, offset, sizeBytes: 0x100 };
      };
    }
    writer.note(LOCK);
    const machine = new SyntheticMachine((batch) => writer.process(batch), options);
    drive(machine, writer);
    machine.flush();
    writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
  });

const summaryOf = (bytes: Uint8Array, options?: SummarizeOptions): Promise<Summary> =>
  summarize(TraceReader.open([bytes], 'good.pb'), options);

const row = (summary: Summary, symbol: string): FunctionRow => {
  const found = summary.functions?.find((each) => each.symbol === symbol);
  if (!found) throw new Error(`no row ${symbol} in ${summary.functions?.map((each) => each.symbol)}`);
  return found;
};

const fib = (machine: SyntheticMachine, n: number, back: number): void => {
  machine.run(3);
  if (n >= 2) {
    machine.call(at('fib', 0x10), at('fib'));
    fib(machine, n - 1, at('fib', 0x14));
    machine.call(at('fib', 0x20), at('fib'));
    fib(machine, n - 2, at('fib', 0x24));
  }
  machine.ret(at('fib', 0x30), back);
};

describe('summarize', () => {
  it('counts a recursion once in the total and to the instruction in self', async () => {
    const bytes = record((machine) => {
      machine.run(10);
      machine.call(at('_start', 8), at('main'));
      machine.run(4);
      machine.call(at('main', 8), at('fib'));
      fib(machine, 15, at('main', 12));
      machine.run(2);
      machine.ret(at('main', 0x20), at('_start', 12));
      machine.run(7);
    });
    const summary = await summaryOf(bytes);
    const fibRow = row(summary, 'fib');
    expect(fibRow).toMatchObject({ calls: 1973, returns: 1973, unwound: 0, module: 'lock', offset: '0xf200' });
    expect(fibRow.total).toBe(1973 * 4 + 1972);
    expect(fibRow.self).toBe(fibRow.total);
    expect(fibRow).toMatchObject({ deepest: 15, min: 4, max: fibRow.total });
    expect(row(summary, 'main')).toMatchObject({ calls: 1, self: 4 + 1 + 2 + 1, total: 8 + fibRow.total });
    expect(row(summary, '_start')).toMatchObject({ calls: 0, self: 10 + 1 + 7 });
    const self = (summary.functions ?? []).reduce((sum, each) => sum + each.self, 0);
    expect(summary.trace).toMatchObject({ insns: self, complete: true, lost: 0, exit: { code: 0 }, deepestStack: 16 });
  });

  it('has the fields other programs rely on', async () => {
    const bytes = record((machine) => machine.call(at('_start'), at('main')));
    const { schema, trace, sort, functions } = await summaryOf(bytes, { top: 1 });
    expect(schema).toBe('armstalk.summary/1');
    expect(trace).toMatchObject({ file: 'good.pb', program: './lock', exit: { code: 0 }, insns: 1, lost: 0 });
    expect(sort).toBe('self');
    expect(functions).toEqual([expect.objectContaining({ symbol: '_start', module: 'lock', offset: '0xf000' })]);
  });

  it('charges instructions to the thread that retired them, whoever ran in between', async () => {
    const drive = (machine: SyntheticMachine): void => {
      machine.call(at('_start'), at('main'));
      machine.run(100);
      machine.switchTo(2);
      machine.call(at('_start'), at('check'));
      machine.run(5000);
      machine.switchTo(1);
      machine.run(11);
      machine.ret(at('main', 0x20), at('_start', 4));
      machine.switchTo(2);
      machine.ret(at('check', 0x20), at('_start', 4));
    };
    const exact = await summaryOf(record(drive, { tellsElsewhere: true }));
    expect(row(exact, 'main').self).toBe(112);
    expect(row(exact, 'check').self).toBe(5001);
    const guessed = await summaryOf(record(drive), { by: 'thread' });
    expect(guessed.threads?.reduce((sum, { insns }) => sum + insns, 0)).toBe(guessed.trace.insns);
  });

  it('closes frames a longjmp skipped, and counts no return for them', async () => {
    const bytes = record((machine) => {
      machine.call(at('_start'), at('main'));
      machine.call(at('main', 4), at('check'));
      machine.call(at('check', 4), at('strlen'));
      machine.run(9);
      machine.unwind(2);
      machine.call(at('main', 8), at('fib'));
      machine.ret(at('fib', 8), at('main', 12));
      machine.ret(at('main', 16), at('_start', 4));
    });
    const summary = await summaryOf(bytes);
    expect(row(summary, 'check')).toMatchObject({ calls: 1, returns: 0, unwound: 1 });
    expect(row(summary, 'strlen')).toMatchObject({ calls: 1, returns: 0, unwound: 1 });
    expect(row(summary, 'fib')).toMatchObject({ calls: 1, returns: 1 });
    expect(row(summary, 'main')).toMatchObject({ calls: 1, returns: 1, unwound: 0 });
  });

  it('closes a frame whose function left by a tail call', async () => {
    const bytes = record((machine) => {
      machine.call(at('_start'), at('main'));
      machine.call(at('main', 4), at('check'));
      machine.run(5);
      machine.ret(at('strlen', 8), at('main', 8));
      machine.ret(at('main', 16), at('_start', 4));
    });
    expect(row(await summaryOf(bytes), 'check')).toMatchObject({ calls: 1, returns: 1, self: 6 });
  });

  it('survives returns that match nothing', async () => {
    const bytes = record((machine) => {
      for (let i = 0; i < 5; i++) machine.ret(at('main', 16), 0xffff0fc0, { pops: 0 });
      machine.call(at('main', 4), at('check'));
      machine.ret(at('strlen', 8), 0xdead, { pops: 0 });
    });
    const summary = await summaryOf(bytes);
    expect(row(summary, 'check')).toMatchObject({ calls: 1, returns: 0, self: 1 });
  });

  it('names functions without symbols by module and offset', async () => {
    const bytes = record((machine) => machine.call(at('_start'), at('fib')), { symbols: false });
    expect(row(await summaryOf(bytes), '0xf200')).toMatchObject({ module: 'lock', calls: 1 });
  });

  it('keeps to the subtree of a function, or leaves it out', async () => {
    const bytes = record((machine) => {
      machine.call(at('_start'), at('main'));
      machine.run(10);
      machine.call(at('main', 4), at('check'));
      machine.run(20);
      machine.call(at('check', 4), at('strlen'));
      machine.run(30);
      machine.ret(at('strlen', 8), at('check', 8));
      machine.ret(at('check', 16), at('main', 8));
      machine.ret(at('main', 16), at('_start', 4));
    });
    const only = await summaryOf(bytes, { filters: { only: ({ symbol }) => symbol === 'check' } });
    expect(only.functions?.map(({ symbol, total }) => [symbol, total])).toEqual([
      ['strlen', 31],
      ['check', 53],
    ]);
    const without = await summaryOf(bytes, { filters: { without: ({ symbol }) => symbol === 'check' } });
    expect(without.functions?.map(({ symbol }) => symbol).sort()).toEqual(['_start', 'main']);
  });

  it('tells call sites, blocks, coverage, system calls, probes and modules', async () => {
    const bytes = record((machine, writer) => {
      machine.compile(at('main'), at('main', 8));
      machine.compile(at('main', 4), at('main', 12));
      for (let i = 0; i < 3; i++) {
        machine.block(at('main'), at('main', 8), 2);
        machine.call(at('main', 4), at('check'));
        machine.ret(at('check', 4), at('main', 8));
      }
      const call = { type: 'syscall', tid: 1, pc: at('main'), number: 4, name: 'write', args: [1], text: 'write()' };
      writer.note({ ...call, type: 'syscall', clock: 5, endClock: 6, result: 9 });
      writer.note({ ...call, type: 'syscall', clock: 7, endClock: 9, result: -14 });
      const probe = {
        type: 'probe',
        tid: 1,
        clock: 3,
        probe: 1,
        location: at('main'),
        depth: 0,
        returnAddress: 0,
      } as const;
      for (const value of [4, 4, 7]) writer.note({ ...probe, values: [['r0', value]] });
    });
    const table = async (options: SummarizeOptions): Promise<Summary> => summaryOf(bytes, options);
    expect((await table({ by: 'callsite' })).callsites).toMatchObject([
      {
        from: { module: 'lock', offset: '0xf104', symbol: 'main', symbolOffset: 4 },
        to: { module: 'lock', offset: '0xf300', symbol: 'check', symbolOffset: 0 },
        calls: 3,
        total: 3,
        self: 3,
        mean: 1,
      },
    ]);
    expect((await table({ by: 'block' })).blocks).toMatchObject([{ address: '0x10100', sizeBytes: 8, count: 3 }]);
    const { coverage } = await table({ coverage: true });
    expect(coverage).toEqual([
      { module: 'lock', start: '0x10000', end: '0x20000', blocks: 2, bytes: 12, sizeBytes: 0x10000 },
    ]);
    const { syscalls } = await table({ by: 'syscall' });
    expect(syscalls).toEqual([{ name: 'write', number: 4, calls: 2, errors: 1, insns: 3 }]);
    const { probes } = await table({ by: 'probe' });
    expect(probes).toMatchObject([
      {
        probe: 1,
        hits: 3,
        values: {
          r0: [
            { value: 4, count: 2 },
            { value: 7, count: 1 },
          ],
        },
      },
    ]);
    expect((await table({ by: 'module' })).modules).toMatchObject([{ module: 'lock', calls: 3 }]);
  });

  it('adds up the segments of a file and several files', async () => {
    const one = record((machine) => {
      machine.call(at('_start'), at('main'));
      machine.ret(at('main', 4), at('_start', 4));
    });
    const merged = await summaryOf(Buffer.concat([one, one]));
    expect(row(merged, 'main')).toMatchObject({ calls: 2, returns: 2, total: 2 });
    expect(merged.trace).toMatchObject({ insns: 4, complete: true });
    const files = await summarize([TraceReader.open([one]), TraceReader.open([one])]);
    expect(row(files, 'main')).toMatchObject({ calls: 2 });
  });
});

describe('describeTrace', () => {
  it('counts without decoding', async () => {
    const bytes = record((machine, writer) => {
      machine.compile(at('main'), at('main', 8));
      machine.call(at('_start'), at('main'));
      writer.note({ type: 'signal', tid: 1, clock: 1, signo: 11, code: 1, pc: 8, address: 4, action: 'fatal' });
    });
    const info = await describeTrace(TraceReader.open([bytes], 'x.pb'));
    expect(info).toMatchObject({ schema: 'armstalk.info/1', file: 'x.pb', format: 'armstalk.v1' });
    expect(info.integrity).toMatchObject({ complete: true, intactEvents: 2, segments: 1 });
    const [segment] = info.segments;
    expect(segment).toMatchObject({ counts: { call: 1, compile: 1, ret: 0, signal: 1 }, insns: 1, threads: [1] });
    expect(segment?.modules).toEqual([LOCK]);
  });
});
