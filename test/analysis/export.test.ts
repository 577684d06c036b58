/** Every format opened by a consumer nobody here wrote, or by the format's own rules; numbers held to `summarize`. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { type ExportOptions, exportTrace } from '../../src/analysis/export/export-trace.js';
import { EXPORT_FORMATS, type ExportFormatName, formatOfFile } from '../../src/analysis/export/formats.js';
import { type FunctionRow, type Summary, summarize } from '../../src/analysis/summarize.js';
import type { ModuleNote } from '../../src/events/event.js';
import { TraceReader } from '../../src/trace/reader.js';
import type { TraceWriter } from '../../src/trace/writer.js';
import { playProgram, SyntheticMachine } from '../support/event-stream.js';
import { recordBytes } from '../support/trace-file.js';

const directory = mkdtempSync(join(tmpdir(), 'armstalk-export-'));
afterAll(() => rmSync(directory, { recursive: true }));

const MODULE: ModuleNote = {
  type: 'module',
  clock: 0,
  path: '/opt/a, b/lock',
  name: 'lock',
  bias: 0x8000,
  start: 0x10000,
  end: 0x20000,
  entry: 0x10001,
  buildId: '7c1f',
  segments: [
    { address: 0x10000, sizeBytes: 0x8000, fileOffset: 0, flags: 5 },
    { address: 0x18000, sizeBytes: 0x8000, fileOffset: 0x8000, flags: 6 },
  ],
};
const FUNCTIONS = 12;
const nameOf = (fn: number): string => (fn === 3 ? 'odd;name' : `f${fn}`);

/** A program of `events` events: recursion, unwinds, calls through pointers, blocks, two threads, a call and a signal. */
const record = (events: number, seed = 5): Buffer =>
  recordBytes((writer) => drive(writer, events, seed), { chunkEvents: Math.max(100, events >> 4) });

const drive = (writer: TraceWriter, events: number, seed: number): void => {
  writer.symbolizer = (address) => {
    const fn = (address - 0x10000) >> 8;
    if (fn < 0 || fn >= FUNCTIONS || fn === 5) return undefined;
    return { module: 'lock', name: nameOf(fn), offset: (address - 0x10000) & 0xff, sizeBytes: 0x100 };
  };
  writer.note(MODULE);
  writer.note({ type: 'thread', tid: 1, clock: 0, what: 'start', name: 'main' });
  const machine = new SyntheticMachine((batch) => writer.process(batch), { tellsElsewhere: true });
  machine.compile(0x10001, 0x10011);
  machine.compile(0x10201, 0x10201 + 70_000);
  machine.compile(0xffff0fa1, 0xffff0fb1);
  playProgram(machine, { events, seed, functions: FUNCTIONS, threads: 2, wild: 0.01, blocks: true });
  const call = { pc: 0x10041, number: 4, name: 'write', args: [1, 2, 3], result: 3, text: 'write(1, "a,b", 3) = 3' };
  writer.note({ type: 'syscall', tid: 1, clock: 50, endClock: 52, ...call });
  writer.note({ type: 'signal', tid: 1, clock: 60, signo: 11, code: 1, pc: 0x10041, address: 8, action: 'handler' });
  writer.end({ reason: 'exit', exitCode: 3, clock: machine.clock });
};

const trace = record(8000);

interface Exported {
  readonly bytes: Buffer;
  readonly text: string;
  readonly warnings: readonly string[];
  readonly pieces: number;
}

const exportOf = async (
  to: ExportFormatName,
  options: Partial<ExportOptions> = {},
  input: Uint8Array = trace,
): Promise<Exported> => {
  const pieces: Buffer[] = [];
  const warnings: string[] = [];
  await exportTrace(TraceReader.open([input]), {
    to,
    write: (piece) => pieces.push(Buffer.from(piece)),
    onWarning: (text) => warnings.push(text),
    ...options,
  });
  const bytes = Buffer.concat(pieces);
  return { bytes, text: bytes.toString(), warnings, pieces: pieces.length };
};

const summaryOf = (input: Uint8Array = trace): Promise<Summary> => summarize(TraceReader.open([input]));
const functionRows = async (input?: Uint8Array): Promise<readonly FunctionRow[]> =>
  (await summaryOf(input)).functions as readonly FunctionRow[];

/** A row's name as exports show it. */
const shown = ({ symbol, offset, module }: FunctionRow): string =>
  symbol === offset && module !== '' ? `${module}!${symbol}` : symbol;

/** Self instructions by name, as `summarize` has them. */
const selfOf = async (input?: Uint8Array): Promise<Map<string, number>> => {
  const rows = (await functionRows(input)).filter(({ self }) => self > 0);
  return new Map(rows.map((row) => [shown(row), row.self]));
};

const addTo = (sums: Map<string, number>, key: string, more: number): void => {
  sums.set(key, (sums.get(key) ?? 0) + more);
};

const withoutZeros = (sums: Map<string, number>): Map<string, number> =>
  new Map([...sums].filter(([, value]) => value !== 0));

describe('folded', () => {
  it('sums up to the self instructions of summarize, by innermost frame', async () => {
    const { text } = await exportOf('folded');
    const sums = new Map<string, number>();
    for (const line of text.trimEnd().split('\n')) {
      const [, stack = '', count] = /^(.+) (\d+)$/.exec(line) ?? [];
      const frames = stack.split(';');
      expect(['main', 'thread 2']).toContain(frames[0]);
      addTo(sums, (frames.at(-1) as string).replace('odd:name', 'odd;name'), Number(count));
    }
    expect(sums).toEqual(await selfOf());
  });

  it('keeps sums exact when stacks are too deep to tell apart', async () => {
    const deep = recordBytes((writer) => {
      const machine = new SyntheticMachine((batch) => writer.process(batch));
      for (let i = 0; i < 5000; i++) machine.call(0x10011 + (i % 2) * 0x100, 0x10101 - (i % 2) * 0x100);
      machine.run(7);
      writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
    });
    const { text, warnings } = await exportOf('folded', {}, deep);
    const sums = new Map<string, number>();
    for (const line of text.trimEnd().split('\n')) {
      const frames = line.slice(0, line.lastIndexOf(' ')).split(';');
      expect(frames.length).toBeLessThan(1100);
      addTo(sums, frames.at(-1) as string, Number(line.slice(line.lastIndexOf(' '))));
    }
    expect(sums).toEqual(await selfOf(deep));
    expect(warnings).toEqual([expect.stringContaining('shortened')]);
  });
});

const hasCallgrind = spawnSync('callgrind_annotate', ['--help']).error === undefined;

describe('callgrind', () => {
  const annotate = (text: string, ...options: string[]): string => {
    const path = join(directory, 'callgrind.out');
    writeFileSync(path, text);
    const args = ['--threshold=100', '--show-percs=no', ...options, path];
    return execFileSync('callgrind_annotate', args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  };
  const costs = (output: string): Map<string, number> => {
    const sums = new Map<string, number>();
    for (const [, cost, name] of output.matchAll(/^ *([\d,]+) +(?:\* +)?\?\?\?:(.+?)(?: \[.*\])?$/gm)) {
      addTo(sums, name as string, Number((cost as string).replaceAll(',', '')));
    }
    return sums;
  };

  // Read by Debian valgrind's callgrind_annotate. `npm test` installs it or stops; only a file run by hand goes without.
  it.runIf(hasCallgrind)('is read by callgrind_annotate with the totals of summarize', async () => {
    const { text } = await exportOf('callgrind');
    const output = annotate(text);
    const self = await selfOf();
    const total = [...self.values()].reduce((sum, each) => sum + each, 0);
    expect(output).toMatch(new RegExp(`^ *${total.toLocaleString('en-US')}.*PROGRAM TOTALS`, 'm'));
    expect(withoutZeros(costs(output))).toEqual(self);
  });

  it('counts the calls of summarize, at addresses of the file without the Thumb bit', async () => {
    const { text } = await exportOf('callgrind');
    const calls = new Map<string, number>();
    const names = new Map<string, string>();
    let callee = '';
    for (const line of text.split('\n')) {
      const [, id = '', name] = /^c?fn=\((\d+)\)(?: (.*))?$/.exec(line) ?? [];
      if (name !== undefined) names.set(id, name);
      if (line.startsWith('cfn=')) callee = names.get(id) as string;
      const [, count, target] = /^calls=(\d+) 0x([0-9a-f]+)$/.exec(line) ?? [];
      if (count !== undefined) addTo(calls, callee, Number(count));
      if (target !== undefined) expect(Number.parseInt(target, 16) & 1).toBe(0);
      if (line.startsWith('0x')) expect(Number.parseInt(line, 16) & 1).toBe(0);
    }
    const expected = (await functionRows()).filter(({ calls: count }) => count > 0);
    expect(calls).toEqual(new Map(expected.map((row) => [shown(row), row.calls])));
    expect(text).toContain('\n0x8000 ');
  });

  // Read by Debian valgrind's callgrind_annotate. `npm test` installs it or stops; only a file run by hand goes without.
  it.runIf(hasCallgrind)(
    'gives each outermost activation the inclusive cost of summarize when kept apart',
    async () => {
      const { text } = await exportOf('callgrind', { separateRecursion: 1000 });
      const inclusive = costs(annotate(text, '--inclusive=yes'));
      const rows = (await functionRows()).filter(({ total }) => total > 0);
      for (const row of rows) expect([shown(row), inclusive.get(shown(row))]).toEqual([shown(row), row.total]);
      expect([...inclusive.keys()].some((name) => name.endsWith("'2"))).toBe(true);
    },
  );
});

describe('drcov', () => {
  interface Drcov {
    readonly modules: { id: number; base: number; end: number; entry: number; path: string }[];
    readonly blocks: { start: number; size: number; module: number }[];
  }

  /** A reader from the format's description: lines until the block table, then records of u32, u16, u16. */
  const readDrcov = (bytes: Buffer): Drcov => {
    let at = 0;
    const line = (): string => {
      const end = bytes.indexOf(0x0a, at);
      const text = bytes.toString('latin1', at, end);
      at = end + 1;
      return text;
    };
    expect(line()).toBe('DRCOV VERSION: 2');
    expect(line()).toMatch(/^DRCOV FLAVOR: /);
    const [, version, count] = /^Module Table: version (\d+), count (\d+)$/.exec(line()) ?? [];
    expect(version).toBe('2');
    const columns = line().replace('Columns: ', '').split(', ');
    const modules = Array.from({ length: Number(count) }, () => {
      const cells = line().split(', ');
      expect(cells).toHaveLength(columns.length);
      const cell = (name: string): string => (cells[columns.indexOf(name)] as string).trim();
      const word = (name: string): number => Number.parseInt(cell(name), 16);
      return { id: Number(cell('id')), base: word('base'), end: word('end'), entry: word('entry'), path: cell('path') };
    });
    const [, total] = /^BB Table: (\d+) bbs$/.exec(line()) ?? [];
    expect(bytes.length - at).toBe(8 * Number(total));
    const blocks = Array.from({ length: Number(total) }, (_, index) => {
      const record = at + 8 * index;
      const [start, size] = [bytes.readUInt32LE(record), bytes.readUInt16LE(record + 4)];
      return { start, size, module: bytes.readUInt16LE(record + 6) };
    });
    return { modules, blocks };
  };

  it('lists modules and blocks so that an independent reader finds each', async () => {
    const { bytes, warnings } = await exportOf('drcov');
    const { modules, blocks } = readDrcov(bytes);
    expect(modules).toEqual([{ id: 0, base: 0x10000, end: 0x20000, entry: 0x10000, path: '/opt/a,_b/lock' }]);
    expect(blocks).toContainEqual({ start: 0, size: 16, module: 0 });
    expect(blocks.every(({ start }) => start % 2 === 0)).toBe(true);
    expect(warnings).toEqual(['1 blocks outside every module are left out']);
  });

  it('covers the bytes of summarize --coverage', async () => {
    const { blocks } = readDrcov((await exportOf('drcov')).bytes);
    const covered = new Set<number>();
    for (const { start, size } of blocks) for (let at = start; at < start + size; at++) covered.add(at);
    const { coverage } = await summarize(TraceReader.open([trace]), { coverage: true });
    const inText = [...covered].filter((at) => at < 0x8000).length;
    expect(coverage?.[0]).toMatchObject({ bytes: inText });
  });

  it('splits a block longer than a record can say', async () => {
    const { blocks } = readDrcov((await exportOf('drcov')).bytes);
    expect(blocks).toContainEqual({ start: 0x200, size: 0xfffe, module: 0 });
    expect(blocks).toContainEqual({ start: 0x200 + 0xfffe, size: 70_000 - 0xfffe, module: 0 });
  });
});

describe('speedscope', () => {
  interface SpeedscopeFile {
    readonly $schema: string;
    readonly shared: { readonly frames: readonly { name: string; file?: string }[] };
    readonly profiles: readonly {
      readonly type: 'evented' | 'sampled';
      readonly name: string;
      readonly unit: string;
      readonly startValue: number;
      readonly endValue: number;
      readonly events?: readonly { type: 'O' | 'C'; frame: number; at: number }[];
      readonly samples?: readonly (readonly number[])[];
      readonly weights?: readonly number[];
    }[];
  }
  const UNITS = ['none', 'nanoseconds', 'microseconds', 'milliseconds', 'seconds', 'bytes'];

  /** The rules of https://www.speedscope.app/file-format-schema.json; answers self weights by frame name. */
  const checkSchema = (file: SpeedscopeFile): Map<string, number> => {
    expect(file.$schema).toBe('https://www.speedscope.app/file-format-schema.json');
    const { frames } = file.shared;
    for (const frame of frames) {
      expect(typeof frame.name).toBe('string');
      for (const key of Object.keys(frame)) expect(['name', 'file', 'line', 'col']).toContain(key);
    }
    const self = new Map<string, number>();
    const name = (frame: number): string => (frames[frame] as { name: string }).name;
    for (const profile of file.profiles) {
      expect(UNITS).toContain(profile.unit);
      expect(profile.endValue).toBeGreaterThanOrEqual(profile.startValue);
      expect(typeof profile.name).toBe('string');
      if (profile.type === 'evented') {
        const stack: number[] = [];
        let last = profile.startValue;
        for (const { type, frame, at } of profile.events ?? []) {
          expect(at).toBeGreaterThanOrEqual(last);
          if (stack.length > 0) addTo(self, name(stack.at(-1) as number), at - last);
          last = at;
          if (type === 'O') stack.push(frame);
          else expect(stack.pop()).toBe(frame);
        }
        expect(stack).toEqual([]);
        expect(last).toBeLessThanOrEqual(profile.endValue);
      } else {
        expect(profile.type).toBe('sampled');
        expect(profile.weights).toHaveLength((profile.samples ?? []).length);
        profile.samples?.forEach((sample, index) => {
          expect(sample.every((frame) => frame >= 0 && frame < frames.length)).toBe(true);
          addTo(self, name(sample.at(-1) as number), profile.weights?.[index] as number);
        });
      }
    }
    return withoutZeros(self);
  };

  it('keeps to its published schema, one nested profile per thread, with the weights of summarize', async () => {
    const { text } = await exportOf('speedscope');
    const file = JSON.parse(text) as SpeedscopeFile;
    expect(file.profiles.map(({ type, name }) => [type, name])).toEqual([
      ['evented', 'main'],
      ['evented', 'thread 2'],
    ]);
    expect(checkSchema(file)).toEqual(await selfOf());
  });

  it('sums stacks up when there are more events than the viewer loads', async () => {
    const large = record(700_000);
    const { text, warnings } = await exportOf('speedscope', {}, large);
    const file = JSON.parse(text) as SpeedscopeFile;
    expect(file.profiles.map(({ type }) => type)).toEqual(['sampled', 'sampled']);
    expect(checkSchema(file)).toEqual(await selfOf(large));
    expect(warnings).toEqual([expect.stringContaining('summed up')]);
  });
});

describe('chrome', () => {
  interface ChromeEvent {
    readonly ph: string;
    readonly name: string;
    readonly ts: number;
    readonly tts: number;
    readonly tid: number;
    readonly pid: number;
    readonly dur?: number;
    readonly args?: Record<string, unknown>;
  }

  it('is JSON whose begins and ends nest on each thread, with the self instructions of summarize', async () => {
    const { text } = await exportOf('chrome');
    const { traceEvents } = JSON.parse(text) as { traceEvents: ChromeEvent[] };
    const self = new Map<string, number>();
    const threads = new Map<number, { stack: string[]; last: number; ts: number }>();
    for (const { ph, name, ts, tts, tid } of traceEvents) {
      if (ph !== 'B' && ph !== 'E') continue;
      const thread = threads.get(tid) ?? { stack: [], last: 0, ts: 0 };
      threads.set(tid, thread);
      expect(ts).toBeGreaterThanOrEqual(thread.ts);
      const top = thread.stack.at(-1);
      if (top !== undefined) addTo(self, top, Math.round(tts * 1000) - thread.last);
      Object.assign(thread, { last: Math.round(tts * 1000), ts });
      if (ph === 'B') thread.stack.push(name);
      else expect(thread.stack.pop()).toBeDefined();
    }
    expect([...threads.values()].map(({ stack }) => stack)).toEqual([[], []]);
    expect(withoutZeros(self)).toEqual(await selfOf());
  });

  it('names processes and threads, shows system calls as stretches and signals as moments', async () => {
    const { text } = await exportOf('chrome', { mips: 1 });
    const { traceEvents } = JSON.parse(text) as { traceEvents: ChromeEvent[] };
    const meta = traceEvents.filter(({ ph }) => ph === 'M').map(({ name, args }) => [name, args?.name]);
    expect(meta).toEqual([
      ['process_name', './lock'],
      ['thread_name', 'main'],
      ['thread_name', 'thread 2'],
    ]);
    expect(traceEvents).toContainEqual(expect.objectContaining({ ph: 'X', name: 'write', ts: 50, dur: 2 }));
    expect(traceEvents).toContainEqual(expect.objectContaining({ ph: 'i', name: 'signal 11', ts: 60 }));
    expect(traceEvents.at(-1)).toMatchObject({ name: 'end', args: { reason: 'exit', exitCode: 3 } });
  });
});

/** Recounts self instructions and calls from a list of events, by the trace format's rules and nothing of ours. */
interface ListedEvent {
  readonly type: string;
  readonly tid: number;
  readonly threadClock: number;
  readonly depth: number;
  readonly from: string;
  readonly to: string;
}

const recount = (events: readonly ListedEvent[]): { self: Map<string, number>; calls: Map<string, number> } => {
  const self = new Map<string, number>();
  const calls = new Map<string, number>();
  const threads = new Map<number, { stack: (string | undefined)[]; bottom: string; last: number }>();
  for (const { type, tid, threadClock, depth, from, to } of events) {
    const thread = threads.get(tid) ?? { stack: [], bottom: from, last: 0 };
    threads.set(tid, thread);
    addTo(self, thread.stack.at(-1) ?? thread.bottom, Math.max(0, threadClock - thread.last));
    thread.last = Math.max(thread.last, threadClock);
    if (type === 'call') {
      thread.stack.length = depth;
      thread.stack.push(to);
      addTo(calls, to, 1);
    } else if (type === 'ret') thread.stack.length = depth;
  }
  return { self: withoutZeros(self), calls };
};

describe('jsonl and csv', () => {
  interface JsonPlace {
    readonly module: string;
    readonly offset: string;
    readonly symbol: string;
    readonly address: string;
  }
  const name = ({ module, offset, symbol }: JsonPlace): string =>
    symbol === offset && module !== '' ? `${module}!${symbol}` : symbol;

  /** RFC 4180. */
  const cells = (line: string): string[] =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, plain]) =>
      quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
    );

  it('jsonl lets a stranger recount what summarize says', async () => {
    const { text } = await exportOf('jsonl');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ type: 'header', schema: 'armstalk.events/1', program: './lock' });
    expect(lines.at(-1)).toMatchObject({ type: 'end', reason: 'exit', exitCode: 3 });
    expect(lines).toContainEqual(expect.objectContaining({ type: 'syscall', text: 'write(1, "a,b", 3) = 3' }));
    const events = lines
      .filter(({ threadClock }) => threadClock !== undefined)
      .map(({ location, target, ...event }) => ({ ...event, from: name(location), to: name(target) }));
    expect(events.length).toBe((await summaryOf()).trace.events);
    const { self, calls } = recount(events);
    expect(self).toEqual(await selfOf());
    const called = (await functionRows()).filter((row) => row.calls > 0);
    expect(calls).toEqual(new Map(called.map((row) => [shown(row), row.calls])));
  });

  it('csv says the same in rows of equal length', async () => {
    const { text } = await exportOf('csv');
    const rows = text.trimEnd().split('\n').map(cells);
    const [header = [], ...body] = rows;
    expect(header.slice(0, 5)).toEqual(['process', 'clock', 'thread_clock', 'tid', 'type']);
    for (const row of body) expect(row).toHaveLength(header.length);
    const cell = (row: readonly string[], column: string): string => row[header.indexOf(column)] as string;
    const place = (row: readonly string[], prefix: string): string =>
      name({
        module: cell(row, `${prefix}module`),
        offset: cell(row, `${prefix}offset`),
        symbol: cell(row, `${prefix}symbol`),
        address: '',
      });
    const events = body
      .filter((row) => cell(row, 'thread_clock') !== '')
      .map((row) => ({
        type: cell(row, 'type'),
        tid: Number(cell(row, 'tid')),
        threadClock: Number(cell(row, 'thread_clock')),
        depth: Number(cell(row, 'depth')),
        from: place(row, ''),
        to: place(row, 'target_'),
      }));
    expect(recount(events).self).toEqual(await selfOf());
    expect(body.map((row) => cell(row, 'detail'))).toContain('write(1, "a,b", 3) = 3');
    for (const row of body) for (const at of ['address', 'target']) expect(Number(cell(row, at)) % 2).toBe(0);
  });
});

/** What protoc prints, as nested lists of [field, value or message]. */
type Raw = readonly (readonly [string, string | Raw])[];

const protoc = (bytes: Uint8Array, ...args: string[]): Raw => {
  const text = execFileSync('protoc', args, { input: bytes, encoding: 'utf8', maxBuffer: 1 << 28 });
  const stack: [string, string | Raw][][] = [[]];
  for (const line of text.split('\n')) {
    const [, open] = /^ *(\w+) \{$/.exec(line) ?? [];
    const [, field, value] = /^ *(\w+): (.*)$/.exec(line) ?? [];
    if (open !== undefined) {
      const message: [string, string | Raw][] = [];
      stack.at(-1)?.push([open, message]);
      stack.push(message);
    } else if (field !== undefined) stack.at(-1)?.push([field, value as string]);
    else if (/^ *\}$/.test(line)) stack.pop();
  }
  return stack[0] as Raw;
};

/** Fields by number: nothing of ours says what they mean. */
const decodeRaw = (bytes: Uint8Array): Raw => protoc(bytes, '--decode_raw');

const all = (message: Raw, field: string | number): (string | Raw)[] =>
  message.filter(([key]) => key === String(field)).map(([, value]) => value);
const one = (message: Raw, field: string | number): string | undefined => all(message, field)[0] as string | undefined;
const inner = (message: Raw, field: string | number): Raw | undefined => all(message, field)[0] as Raw | undefined;
const unquoted = (value: string): string => JSON.parse(value) as string;

describe('pprof', () => {
  /** What matters of github.com/google/pprof/proto/profile.proto. */
  const PROFILE_PROTO = `syntax = "proto3";
    message Profile {
      repeated ValueType sample_type = 1; repeated Sample sample = 2; repeated Mapping mapping = 3;
      repeated Location location = 4; repeated Function function = 5; repeated string string_table = 6;
      int64 time_nanos = 9; int64 default_sample_type = 14; repeated int64 comment = 13; }
    message ValueType { int64 type = 1; int64 unit = 2; }
    message Sample { repeated uint64 location_id = 1; repeated int64 value = 2; repeated Label label = 3; }
    message Label { int64 key = 1; int64 str = 2; int64 num = 3; }
    message Mapping { uint64 id = 1; uint64 memory_start = 2; uint64 memory_limit = 3; uint64 file_offset = 4;
      int64 filename = 5; int64 build_id = 6; bool has_functions = 7; }
    message Location { uint64 id = 1; uint64 mapping_id = 2; uint64 address = 3; repeated Line line = 4; }
    message Line { uint64 function_id = 1; int64 line = 2; }
    message Function { uint64 id = 1; int64 name = 2; int64 system_name = 3; int64 filename = 4; int64 start_line = 5; }`;

  const decodeProfile = (bytes: Uint8Array): Raw => {
    const path = join(directory, 'profile.proto');
    writeFileSync(path, PROFILE_PROTO);
    return protoc(bytes, `--proto_path=${directory}`, '--decode=Profile', path);
  };

  it('is a gzipped Profile whose samples sum up to summarize, leaf first', async () => {
    const { bytes } = await exportOf('pprof');
    expect([...bytes.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
    const raw = decodeProfile(gunzipSync(bytes));
    const strings = all(raw, 'string_table').map((value) => unquoted(value as string));
    const string = (message: Raw, field: string): string => strings[Number(one(message, field) ?? 0)] as string;
    expect(strings[0]).toBe('');
    expect((all(raw, 'sample_type') as Raw[]).map((type) => string(type, 'type'))).toEqual(['calls', 'instructions']);
    expect(string(raw, 'default_sample_type')).toBe('instructions');
    const functions = new Map((all(raw, 'function') as Raw[]).map((fn) => [one(fn, 'id'), string(fn, 'name')]));
    const locations = new Map<string, string>();
    for (const location of all(raw, 'location') as Raw[]) {
      const name = functions.get(one(inner(location, 'line') as Raw, 'function_id'));
      locations.set(one(location, 'id') as string, name as string);
      expect(name).toBeDefined();
      expect(Number(one(location, 'address')) % 2).toBe(0);
    }
    const [mapping] = all(raw, 'mapping') as Raw[];
    const facts = ['id', 'memory_start', 'memory_limit'].map((field) => Number(one(mapping as Raw, field)));
    expect([...facts, string(mapping as Raw, 'build_id')]).toEqual([1, 0x10000, 0x20000, '7c1f']);
    const self = new Map<string, number>();
    const calls = new Map<string, number>();
    for (const sample of all(raw, 'sample') as Raw[]) {
      const leaf = locations.get(one(sample, 'location_id') as string) as string;
      const [called, spent] = all(sample, 'value').map(Number);
      addTo(calls, leaf, called as number);
      addTo(self, leaf, spent as number);
    }
    expect(withoutZeros(self)).toEqual(await selfOf());
    const called = (await functionRows()).filter((row) => row.calls > 0);
    expect(withoutZeros(calls)).toEqual(new Map(called.map((row) => [shown(row), row.calls])));
  });
});

describe('perfetto', () => {
  it('is a Trace whose slices nest on thread tracks, with names interned and the counts of summarize', async () => {
    const small = record(1500, 9);
    const packets = all(decodeRaw((await exportOf('perfetto', {}, small)).bytes), 1) as Raw[];
    expect(packets.map((packet) => one(packet, 13))).toEqual(['1', ...packets.slice(1).map(() => '2')]);
    expect(new Set(packets.map((packet) => one(packet, 10)))).toEqual(new Set(['1']));
    const names = new Map<string, string>();
    const tracks = new Map<string, Raw>();
    const open = new Map<string, { stack: string[]; last: number }>();
    const self = new Map<string, number>();
    for (const packet of packets) {
      const descriptor = inner(packet, 60);
      if (descriptor) tracks.set(one(descriptor, 1) as string, descriptor);
      const interned = inner(packet, 12);
      for (const name of interned ? all(interned, 2) : []) {
        names.set(one(name as Raw, 1) as string, unquoted(one(name as Raw, 2) as string));
      }
      const event = inner(packet, 11);
      if (!event || one(event, 12) === undefined) continue;
      const uuid = one(event, 11) as string;
      const track = open.get(uuid) ?? { stack: [], last: 0 };
      open.set(uuid, track);
      const now = Number(one(event, 12));
      const top = track.stack.at(-1);
      if (top !== undefined) addTo(self, top, now - track.last);
      track.last = now;
      if (one(event, 9) === '1') track.stack.push(names.get(one(event, 10) as string) as string);
      else expect(track.stack.pop()).toBeDefined();
    }
    expect(withoutZeros(self)).toEqual(await selfOf(small));
    expect([...open.values()].map(({ stack }) => stack)).toEqual([[], []]);
    const process = [...tracks.values()].find((track) => inner(track, 3));
    for (const uuid of open.keys()) {
      const track = tracks.get(uuid) as Raw;
      expect(one(track, 5)).toBe(one(process as Raw, 1));
      expect(['"main"', '"thread 2"']).toContain(one(inner(track, 4) as Raw, 5));
    }
  });

  it('tells the time by the process clock, in nanoseconds of --mips', async () => {
    const small = record(300);
    const last = async (mips: number): Promise<number> => {
      const packets = all(decodeRaw((await exportOf('perfetto', { mips }, small)).bytes), 1) as Raw[];
      return Math.max(...packets.map((packet) => Number(one(packet, 8))));
    };
    const { insns } = (await summaryOf(small)).trace;
    expect([await last(1000), await last(100)]).toEqual([insns, insns * 10]);
  });
});

describe('every format', () => {
  const formats = Object.keys(EXPORT_FORMATS) as ExportFormatName[];

  it.each(formats)('%s takes a cut trace and a trace without events', async (to) => {
    const empty = recordBytes((writer) => writer.end({ reason: 'exit', exitCode: 0, clock: 0 }));
    for (const input of [empty, trace.subarray(0, trace.length >> 1)]) {
      const { bytes } = await exportOf(to, {}, input);
      expect(bytes.length).toBeGreaterThanOrEqual(to === 'folded' && input === empty ? 0 : 1);
      if (to === 'chrome' || to === 'speedscope') JSON.parse(bytes.toString());
    }
  });

  it.each(formats)('%s leaves out what the filters leave out', async (to) => {
    const filters = { only: ({ symbol }: { symbol: string }) => symbol === 'f7' };
    const { bytes } = await exportOf(to, { filters });
    const text = (to === 'pprof' ? gunzipSync(bytes) : bytes).toString('latin1');
    if (to !== 'drcov') expect(text).toContain('f7');
    const whole = await exportOf(to);
    expect(bytes.length).toBeLessThan(whole.bytes.length);
  });

  it.each(formats)('%s shows two processes of one file', async (to) => {
    const { bytes } = await exportOf(to, {}, Buffer.concat([trace, record(500, 3)]));
    expect(bytes.length).toBeGreaterThan((await exportOf(to)).bytes.length * 0.5);
  });

  it('passes names through the demangler', async () => {
    const { text } = await exportOf('folded', { names: { demangle: (name) => `<${name}>` } });
    expect(text).toContain(';<f0>');
  });

  it('knows its files by their names, and no other', () => {
    const names = ['a.folded', 'callgrind.out.7', 'x/a.drcov', 'a.speedscope.json', 'a.perfetto-trace', 'a.pb.gz'];
    expect(names.map(formatOfFile)).toEqual(['folded', 'callgrind', 'drcov', 'speedscope', 'perfetto', 'pprof']);
    expect(['a.json', 'trace.pb', 'csv', 'a.txt'].map(formatOfFile)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
