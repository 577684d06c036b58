import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Note } from '../../src/events/event.js';
import type { TraceWriter } from '../../src/trace/writer.js';
import { playProgram, SyntheticMachine } from '../support/event-stream.js';
import { HEADER, readTrace, recordBytes } from '../support/trace-file.js';

const proto = fileURLToPath(new URL('../../src/trace/armstalk.proto', import.meta.url));
const hasProtoc = spawnSync('protoc', ['--version']).status === 0;

const NOTES: readonly Note[] = [
  {
    type: 'module',
    clock: 0,
    path: '/lib/libc.so.6',
    name: 'libc.so.6',
    bias: 0xb6f00000,
    start: 0xb6f00000,
    end: 2 ** 32,
    entry: 0,
    buildId: '00ff',
    segments: [{ address: 0xb6f00000, sizeBytes: 0x1000, fileOffset: 0, flags: 5 }],
  },
  { type: 'thread', tid: 1, clock: 0, what: 'start', name: 'main' },
  { type: 'thread', tid: 2, clock: 7, what: 'start', parentTid: 1 },
  { type: 'thread', tid: 2, clock: 9, what: 'exit', exitCode: 0 },
  {
    type: 'syscall',
    tid: 1,
    clock: 2 ** 40,
    endClock: 2 ** 40 + 1,
    pc: 0x8001,
    number: 3,
    name: 'read',
    args: [0, 0xfffffffe, 15],
    result: -11,
    text: 'read(0, "\\n\u{1f600}", 15) = -1 EAGAIN',
  },
  {
    type: 'syscall',
    tid: 1,
    clock: 9,
    endClock: 9,
    pc: 0,
    number: 248,
    name: 'exit_group',
    args: [],
    result: undefined,
    text: 'exit_group(0) = ?',
  },
  {
    type: 'probe',
    tid: 1,
    clock: 8,
    probe: 1,
    location: 0x8001,
    depth: 3,
    returnAddress: 0x9001,
    values: [
      ['r0', 4711],
      ['text', ''],
      ['f', 0.5],
    ],
  },
  { type: 'signal', tid: 1, clock: 10, signo: 11, code: 1, pc: 0x8000, address: 0xdeadbeef, action: 'fatal' },
  { type: 'incident', tid: 1, clock: 11, code: 'lost', pc: 0, message: '3 events' },
];

const tiny = (writer: TraceWriter): void => {
  const machine = new SyntheticMachine((batch) => writer.process(batch));
  machine.compile(0x8001, 0x8009);
  machine.call(0x8005, 0x9001);
  machine.run(5);
  machine.ret(0x9009, 0x8009);
  machine.flush();
  writer.end({ reason: 'exit', exitCode: 7, clock: machine.clock });
};

describe('notes', () => {
  it('come back as they were given', async () => {
    for (const codec of ['none', 'deflate'] as const) {
      const bytes = recordBytes(
        (writer) => {
          for (const note of NOTES) writer.note(note);
          writer.end({ reason: 'signal', signal: 11, clock: 12, lost: 3 });
        },
        { codec },
      );
      const { items, reader } = await readTrace(bytes);
      const found = items.flatMap((item) => (item.type === 'note' ? [item.note] : []));
      expect(found).toHaveLength(NOTES.length);
      expect(found).toEqual(expect.arrayContaining([...NOTES]));
      expect(items.at(-1)).toMatchObject({
        type: 'end',
        end: { reason: 'signal', signal: 11, clock: 12, lost: 3, syscalls: 2, probeHits: 1, incidents: 2 },
      });
      expect(reader.integrity.complete).toBe(true);
    }
  });
});

describe('the bytes of a trace', () => {
  it('are these for a tiny run', () => {
    const bytes = recordBytes(tiny, { codec: 'none' });
    expect(bytes.toString('hex').match(/.{1,64}/g)).toMatchInlineSnapshot(`
      [
        "0a090941524d53544c4b310a4f10011dbd21bcbf22460a203965356663613039",
        "63336665313737336337643165383737636663393237363210011a05302e302e",
        "3022062e2f6c6f636b2a062e2f6c6f636b5a077669727475616c681f0a3d1002",
        "1df324b4be4234080110001803280030003a0350410242068280040888404a03",
        "10f83f52030304045a030000006202020c780782010501010000010a1a10031d",
        "b439a3156a110a0f083f1001200728033a0501010000010a1a10041da5a887d8",
        "72110a0465786974100e20072a0501010000010a09793800000000000000",
      ]
    `);
  });

  it('are the same for the same run, and the identity is of the header', async () => {
    const record = (program: string): Buffer =>
      recordBytes((writer) => tiny(writer), { codec: 'deflate' }, { ...HEADER, program });
    expect(record('a').equals(record('a'))).toBe(true);
    const uuid = async (bytes: Buffer): Promise<string | undefined> => (await readTrace(bytes)).reader.headers[0]?.uuid;
    expect(await uuid(record('a'))).toMatch(/^[0-9a-f]{32}$/);
    expect(await uuid(record('a'))).not.toBe(await uuid(record('b')));
  });

  it('repeat the preamble at least every 4 MiB and end in the way back to the index', () => {
    const bytes = recordBytes((writer) => {
      for (let i = 0; i < 3000; i++) {
        writer.note({ type: 'incident', tid: 1, clock: i, code: 'lost', pc: 0, message: 'x'.repeat(3000) });
      }
      tiny(writer);
    });
    const preamble = Buffer.from('\n\t\tARMSTLK1', 'latin1');
    const places: number[] = [];
    for (let at = bytes.indexOf(preamble); at >= 0; at = bytes.indexOf(preamble, at + 1)) places.push(at);
    expect(places[0]).toBe(0);
    expect(places).toHaveLength(3);
    expect([...bytes.subarray(-11, -8)]).toEqual([0x0a, 0x09, 0x79]);
    const distance = Number(bytes.readBigUInt64LE(bytes.length - 8));
    expect(bytes[bytes.length - 11 - distance]).toBe(0x0a);
  });

  it('cost at most a tenth of a byte an event for a program that repeats itself', () => {
    let events = 0;
    const bytes = recordBytes((writer) => {
      const machine = new SyntheticMachine((batch) => {
        events += batch.count;
        writer.process(batch);
      });
      const fib = (n: number, back: number): void => {
        machine.run(4);
        for (let k = 1; k <= 2 && n >= 2; k++) {
          machine.call(0x8011 + 8 * k, 0x8001);
          fib(n - k, 0x8015 + 8 * k);
        }
        machine.ret(0x8041, back);
      };
      fib(24, 0x9001);
      machine.flush();
      writer.end({ reason: 'exit', clock: machine.clock });
    });
    expect(bytes.length / events).toBeLessThan(0.1);
  });
});

// Read by Debian's protoc. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(!hasProtoc)('protoc', () => {
  const decode = (bytes: Buffer): string =>
    execFileSync(
      'protoc',
      [`--proto_path=${fileURLToPath(new URL('.', `file://${proto}`))}`, '--decode=armstalk.v1.Trace', proto],
      {
        input: bytes,
        maxBuffer: 1 << 28,
      },
    ).toString();

  it('reads an uncompressed trace with every field named', () => {
    const bytes = recordBytes(
      (writer) => {
        for (const note of NOTES) writer.note(note);
        playProgram(new SyntheticMachine((batch) => writer.process(batch)), {
          events: 5000,
          seed: 3,
          threads: 2,
          blocks: true,
          wild: 0.02,
        });
        tiny(writer);
      },
      { codec: 'none' },
    );
    const text = decode(bytes);
    for (const field of [
      'program: "./lock"',
      'edge_location:',
      'runs:',
      'escape:',
      'text: "exit_group(0) = ?"',
      'exit_code: 7',
    ]) {
      expect(text).toContain(field);
    }
    expect(text).not.toMatch(/^\s*\d+[:{ ]/m);
  });

  it('reads the frame of a compressed one', () => {
    const text = decode(recordBytes((writer) => tiny(writer)));
    expect(text).toContain('tool_version: "0.0.0"');
    expect(text).toContain('trailer:');
  });
});
