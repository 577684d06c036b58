import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { OutputError, TraceFormatError } from '../../src/errors.js';
import type { StalkerEvent } from '../../src/events/ring.js';
import { ByteColumn } from '../../src/trace/byte-column.js';
import { encodeMessage } from '../../src/trace/message-encoder.js';
import { Output } from '../../src/trace/output.js';
import { PacketWriter } from '../../src/trace/packet-writer.js';
import { TraceReader } from '../../src/trace/reader.js';
import { BODY } from '../../src/trace/schema.js';
import { TraceWriter } from '../../src/trace/writer.js';
import { playProgram, randomFrom, SyntheticMachine } from '../support/event-stream.js';
import { fuzzSeed } from '../support/random.js';
import { HEADER, readTrace, recordBytes } from '../support/trace-file.js';

const directory = mkdtempSync(join(tmpdir(), 'armstalk-damage-'));
afterAll(() => rmSync(directory, { recursive: true }));

const trace = recordBytes(
  (writer) => {
    const machine = new SyntheticMachine((batch) => writer.process(batch));
    writer.note({ type: 'thread', tid: 1, clock: 0, what: 'start', name: 'main' });
    playProgram(machine, { events: 4000, seed: 7, threads: 2, wild: 0.005 });
    writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
  },
  { chunkEvents: 100 },
);

const whole = await readTrace(trace);

const expectPrefix = (found: Map<number, StalkerEvent[]>): void => {
  for (const [tid, events] of found) expect(events).toEqual(whole.events.get(tid)?.slice(0, events.length));
};

const seed = fuzzSeed('damage');

describe('a trace of a later format', () => {
  it('is refused, with what wrote it and where that stands', async () => {
    const path = join(directory, 'later.pb');
    const output = new Output(path);
    const packets = new PacketWriter(output, 'none');
    packets.preamble();
    packets.write(BODY.header, encodeMessage('Header', { formatVersion: 2, toolVersion: '9.1.0', program: 'a' }));
    output.close();
    await expect(readTrace(readFileSync(path))).rejects.toThrow(/is in format 2, written by armstalk 9\.1\.0/);
    await expect(readTrace(readFileSync(path))).rejects.toMatchObject({ offset: 11, exitCode: 2 });
  });
});

describe('a cut trace', () => {
  it(`is read up to the cut, wherever that is (ARMSTALK_SEED=${seed})`, async () => {
    const random = randomFrom(seed);
    for (let i = 0; i < 200; i++) {
      const cut = 11 + Math.floor(random() * (trace.length - 22));
      const { reader, events } = await readTrace(trace.subarray(0, cut));
      expectPrefix(events);
      const { integrity } = reader;
      expect(integrity.complete).toBe(false);
      expect(integrity.intactEvents).toBe([...events.values()].reduce((sum, each) => sum + each.length, 0));
      expect(integrity.firstBadOffset).toBeLessThanOrEqual(cut);
      expect(integrity.reason).toMatch(/packet \d+, byte \d+/);
    }
  });

  it('loses no more than the packet that was cut', async () => {
    const { reader } = await readTrace(trace.subarray(0, trace.length - 30));
    expect(reader.integrity.intactEvents).toBe(whole.reader.integrity.intactEvents);
  });

  it('without its preamble whole is an empty trace, without a byte it is none', async () => {
    const { reader } = await readTrace(trace.subarray(0, 5));
    expect(reader.integrity).toMatchObject({ complete: false, intactPackets: 0 });
    await expect(readTrace(new Uint8Array(0))).rejects.toThrow(TraceFormatError);
  });
});

describe('a damaged trace', () => {
  it(`never breaks the reader, and good packets stay readable (ARMSTALK_SEED=${seed})`, async () => {
    const random = randomFrom(seed);
    for (let i = 0; i < 150; i++) {
      const copy = Buffer.from(trace);
      for (let flips = 1 + (i % 5); flips > 0; flips--) {
        const at = 11 + Math.floor(random() * (copy.length - 11));
        copy[at] = (copy[at] as number) ^ (1 << Math.floor(random() * 8));
      }
      const { reader } = await readTrace(copy);
      expect(reader.integrity.intactEvents).toBeLessThanOrEqual(whole.reader.integrity.intactEvents);
    }
  });

  it('loses one packet when one is damaged', async () => {
    const copy = Buffer.from(trace);
    const middle = trace.length >> 1;
    copy[middle] = (copy[middle] as number) ^ 0x10;
    const { reader } = await readTrace(copy);
    expect(reader.integrity.complete).toBe(false);
    expect(reader.integrity.lostPackets).toBe(1);
    expect(whole.reader.integrity.intactPackets - reader.integrity.intactPackets).toBe(1);
  });

  it('is found again at the next preamble when the lengths are gone', async () => {
    const hole = Buffer.alloc(4000, 0xee);
    const copy = Buffer.concat([trace.subarray(0, 3000), hole, trace]);
    const { reader } = await readTrace(copy);
    expect(reader.integrity.segments).toBe(2);
    expect(reader.integrity.intactEvents).toBeGreaterThanOrEqual(whole.reader.integrity.intactEvents);
    expect(reader.integrity.firstBadOffset).toBeLessThanOrEqual(3000);
  });

  it('whose chunks are nonsense with good checksums is refused chunk by chunk', async () => {
    const random = randomFrom(seed);
    for (let i = 0; i < 150; i++) {
      const body = Uint8Array.from({ length: 80 }, () => Math.floor(random() * 256));
      const chunk = new ByteColumn();
      chunk.tag(3, 0);
      chunk.varint(1 + Math.floor(random() * 100));
      for (const field of [7, 8, 9, 10, 11, 12, 13, 14, 17]) {
        chunk.bytesField(field, body.subarray(0, Math.floor(random() * 80)));
      }
      const bytes = packetFile((packets) => packets.write(i % 2 ? BODY.chunk : BODY.syscalls, chunk.view()));
      const { reader } = await readTrace(bytes);
      expect(reader.integrity.complete).toBe(false);
    }
  });
});

/** A file with a header and whatever `write` adds, no end. */
const packetFile = (write: (packets: PacketWriter) => void): Buffer => {
  const path = join(directory, 'packets.pb');
  const output = new Output(path);
  const packets = new PacketWriter(output, 'none');
  packets.preamble();
  packets.write(BODY.header, encodeMessage('Header', { program: 'x' }));
  write(packets);
  output.close();
  return readBack(path);
};

const readBack = (path: string): Buffer => {
  const bytes = readFileSync(path);
  rmSync(path);
  return bytes;
};

describe('a hostile trace', () => {
  it('cannot make the reader unpack more than a packet may hold', async () => {
    const bomb = deflateRawSync(Buffer.alloc(1 << 26));
    for (const rawSize of [1 << 26, 1 << 20]) {
      const body = encodeMessage('Packed', { codec: 1, rawSize, data: bomb });
      const { reader } = await readTrace(packetFile((packets) => packets.write(BODY.packed, body)));
      expect(reader.integrity).toMatchObject({ complete: false, intactPackets: 1 });
    }
  });

  it('cannot claim more events than a chunk may hold', async () => {
    const body = encodeMessage('EventChunk', { tid: 1, events: 2 ** 31 });
    const { reader } = await readTrace(packetFile((packets) => packets.write(BODY.chunk, body)));
    expect(reader.integrity.reason).toMatch(/too large/);
  });

  it('cannot claim an impossible packet length', async () => {
    const bytes = Buffer.concat([packetFile(() => {}), Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3])]);
    const { reader } = await readTrace(bytes);
    expect(reader.integrity.reason).toMatch(/impossible length/);
  });

  it('may hold packets and codecs of a later version', async () => {
    const bytes = packetFile((packets) => {
      packets.write(16, Uint8Array.of(1, 2, 3));
      packets.write(BODY.packed, encodeMessage('Packed', { codec: 3, rawSize: 9, data: Uint8Array.of(1) }));
      packets.write(BODY.thread, encodeMessage('Thread', { tid: 5 }));
    });
    const { items, reader } = await readTrace(bytes);
    expect(items.at(-1)).toMatchObject({ type: 'note', note: { type: 'thread', tid: 5 } });
    expect(reader.integrity.reason).toMatch(/codec 3/);
  });
});

describe('what is not a trace', () => {
  it.each([
    ['an ELF file', Buffer.from('\x7fELF\x01\x01\x01\0\0\0\0\0\0\0', 'latin1'), 0],
    ['text', Buffer.from('hello world, this is text\n'), 0],
    ['another major version', Buffer.from('\n\t\tARMSTLK9 and more', 'latin1'), 10],
    ['gzip of something else', gzipSync('hello world, this is text'), 0],
  ])('%s is refused with the offset', async (_, bytes, offset) => {
    const error = await readTrace(bytes).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TraceFormatError);
    expect(error).toMatchObject({ offset });
  });
});

describe('a trace arrives', () => {
  it('in pieces of any size', async () => {
    const pieces = function* (): Generator<Uint8Array> {
      for (let at = 0; at < trace.length; at += 7) yield trace.subarray(at, at + 7);
    };
    const { events, reader } = await readTrace(pieces());
    expect(reader.integrity.complete).toBe(true);
    expect(events).toEqual(whole.events);
  });

  it('from a path, a stream, and gzip, whole or cut', async () => {
    const path = join(directory, 'whole.pb');
    writeFileSync(path, trace);
    for (const source of [path, createReadStream(path), [gzipSync(trace)]]) {
      const reader = TraceReader.open(source);
      let events = 0;
      for await (const item of reader.items()) if (item.type === 'chunk') events += item.columns.count;
      expect(events).toBe(whole.reader.integrity.intactEvents);
      expect(reader.integrity.complete).toBe(true);
    }
    const packed = gzipSync(trace);
    const { reader } = await readTrace(packed.subarray(0, packed.length >> 1));
    expect(reader.integrity.complete).toBe(false);
    expect(reader.integrity.intactEvents).toBeGreaterThan(0);
  });
});

describe('a place that cannot be written', () => {
  it('is an OutputError with the reason', () => {
    const writer = new TraceWriter({ mask: 31 });
    const attempt = (): void => writer.open(join(directory, 'missing', 'x.pb'), HEADER);
    expect(attempt).toThrow(OutputError);
    expect(attempt).toThrow(/ENOENT/);
  });

  // The device that is always full is Linux's; no other system lets a test fill a disk.
  it.skipIf(!existsSync('/dev/full'))('stops at the first byte that does not fit', () => {
    const writer = new TraceWriter({ mask: 31 });
    const attempt = (): void => writer.open('/dev/full', HEADER);
    expect(attempt).toThrow(/ENOSPC/);
    expect(() => writer.end({ reason: 'error', clock: 0 })).toThrow(OutputError);
  });

  // Done with bash, ulimit and pipes as Linux has them.
  it.skipIf(process.platform !== 'linux')('leaves a file of whole packets behind', async () => {
    const path = join(directory, 'limited.pb');
    const child = fileURLToPath(new URL('../support/write-child.ts', import.meta.url));
    const command = `trap '' XFSZ; ulimit -f 64; exec "$0" --import tsx "$1" "$2"`;
    const said = execFileSync('bash', ['-c', command, process.execPath, child, path]).toString();
    expect(said).toBe(`OutputError cannot write the trace to ${path}: EFBIG`);
    const { reader } = await readTrace(readFileSync(path));
    expect(reader.integrity.intactPackets).toBeGreaterThan(10);
    expect(reader.integrity.reason).toMatch(/the recording has no end/);
  });
});
