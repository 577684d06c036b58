import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { TraceFormatError } from '../../src/errors.js';
import { PREAMBLE } from '../../src/trace/preamble.js';
import { type RepairOptions, type RepairReport, repairTrace } from '../../src/trace/repair.js';
import { playProgram, randomFrom, SyntheticMachine } from '../support/event-stream.js';
import { fuzzSeed } from '../support/random.js';
import { readTrace, recordBytes } from '../support/trace-file.js';

const directory = mkdtempSync(join(tmpdir(), 'armstalk-repair-'));
afterAll(() => rmSync(directory, { recursive: true }));

const seed = fuzzSeed('repair');

const trace = recordBytes(
  (writer) => {
    const machine = new SyntheticMachine((batch) => writer.process(batch));
    writer.note({ type: 'thread', tid: 1, clock: 0, what: 'start', name: 'main' });
    playProgram(machine, { events: 4000, seed: 7, threads: 2, wild: 0.005 });
    const call = { pc: 0x10041, number: 4, name: 'write', args: [1, 2, 3], result: 3, text: 'write(1, "abc", 3) = 3' };
    writer.note({ type: 'syscall', tid: 1, clock: 50, endClock: 52, ...call });
    writer.end({ reason: 'exit', exitCode: 7, clock: machine.clock });
  },
  { chunkEvents: 100 },
);
const whole = await readTrace(trace);
const eventCount = whole.reader.integrity.intactEvents;

interface Repaired {
  readonly report: RepairReport;
  readonly bytes: Buffer;
}

const repair = async (input: Uint8Array, options?: RepairOptions): Promise<Repaired> => {
  const path = join(directory, 'out.pb');
  const report = await repairTrace([input], path, options);
  return { report, bytes: readFileSync(path) };
};

const trailerDistance = (bytes: Buffer): number => Number(bytes.readBigUInt64LE(bytes.length - 8));

describe('repair', () => {
  it('gives a whole trace back byte for byte', async () => {
    const { report, bytes } = await repair(trace);
    expect(bytes.equals(trace)).toBe(true);
    expect(report).toMatchObject({ wasWhole: true, damageCount: 0, droppedBytes: 0, inputBytes: trace.length });
  });

  it('ends a torn trace: all intact events, reason recovered, the index where the trailer says', async () => {
    const cut = trace.length - 1500;
    const { report, bytes } = await repair(trace.subarray(0, cut));
    const before = await readTrace(trace.subarray(0, cut));
    const after = await readTrace(bytes);
    expect(after.reader.integrity).toMatchObject({ complete: true, lostPackets: 0, segments: 1 });
    expect(after.events).toEqual(before.events);
    expect(after.items.at(-1)).toMatchObject({ type: 'end', end: { reason: 'recovered' } });
    expect(report.segments).toEqual([
      expect.objectContaining({ isRecovered: true, isHeadless: false, lostEvents: undefined }),
    ]);
    expect(report.droppedBytes).toBe(cut - (before.reader.integrity.firstBadOffset as number));
    expect(bytes.subarray(-11, -8)).toEqual(Buffer.from([0x0a, 0x09, 0x79]));
    expect(bytes[bytes.length - 11 - trailerDistance(bytes)]).toBe(0x0a);
  });

  it(`makes whole whatever the cut, and is then done (ARMSTALK_SEED=${seed})`, async () => {
    const random = randomFrom(seed);
    for (let i = 0; i < 60; i++) {
      const cut = 40 + Math.floor(random() * (trace.length - 40));
      const before = await readTrace(trace.subarray(0, cut));
      if (before.reader.integrity.intactPackets === 0) continue;
      const { bytes } = await repair(trace.subarray(0, cut));
      const after = await readTrace(bytes);
      expect(after.reader.integrity.complete, `cut at ${cut}`).toBe(true);
      expect(after.events).toEqual(before.events);
      const again = await repair(bytes);
      expect(again.report.wasWhole).toBe(true);
      expect(again.bytes.equals(bytes)).toBe(true);
    }
  });

  it('keeps how the run ended when the middle is damaged, and counts what is gone', async () => {
    const copy = Buffer.from(trace);
    const middle = trace.length >> 1;
    copy[middle] = (copy[middle] as number) ^ 0x10;
    const { report, bytes } = await repair(copy);
    const after = await readTrace(bytes);
    const lost = eventCount - after.reader.integrity.intactEvents;
    expect(lost).toBeGreaterThan(0);
    expect(report.segments).toEqual([
      expect.objectContaining({ isRecovered: false, lostPackets: 1, lostEvents: lost }),
    ]);
    expect(after.reader.integrity.complete).toBe(true);
    expect(after.items.at(-1)).toMatchObject({ type: 'end', end: { reason: 'exit', exitCode: 7, lost } });
    expect(after.items).toContainEqual({
      type: 'note',
      note: expect.objectContaining({ type: 'incident', code: 'lost' }),
    });
  });

  it(`never fails on flipped bits, and what it writes is whole (ARMSTALK_SEED=${seed})`, async () => {
    const random = randomFrom(seed);
    for (let i = 0; i < 60; i++) {
      const copy = Buffer.from(trace);
      for (let flips = 1 + (i % 8); flips > 0; flips--) {
        const at = 11 + Math.floor(random() * (copy.length - 11));
        copy[at] = (copy[at] as number) ^ (1 << Math.floor(random() * 8));
      }
      const before = await readTrace(copy);
      const { bytes } = await repair(copy);
      const after = await readTrace(bytes);
      expect(after.reader.integrity.complete).toBe(true);
      expect(after.reader.integrity.intactEvents).toBeGreaterThanOrEqual(before.reader.integrity.intactEvents);
    }
  });

  it('makes every part of a concatenated file whole, whatever lies between', async () => {
    const rubbish = Buffer.alloc(300, 0x5a);
    const { report, bytes } = await repair(Buffer.concat([trace.subarray(0, 5000), rubbish, trace]));
    const { reader, items } = await readTrace(bytes);
    expect(reader.integrity).toMatchObject({ complete: true, segments: 2 });
    expect(report.segments.map(({ isRecovered }) => isRecovered)).toEqual([true, false]);
    expect(report.segments[1]).toMatchObject({ events: eventCount, lostPackets: 0, lostEvents: 0 });
    expect(items.filter(({ type }) => type === 'end')).toHaveLength(2);
  });

  it('gives packets whose header is lost a header of their own', async () => {
    const header = trace.subarray(0, 300);
    const afterHeader = 11 + (header[12] as number) + 2;
    const { report, bytes } = await repair(Buffer.concat([PREAMBLE, trace.subarray(afterHeader)]));
    const { reader } = await readTrace(bytes);
    expect(report.segments).toEqual([
      expect.objectContaining({ isHeadless: true, program: 'unknown', events: eventCount, lostPackets: 1 }),
    ]);
    expect(reader.integrity).toMatchObject({ complete: true, intactEvents: eventCount });
    expect(reader.headers[0]?.program).toBe('unknown');
  });

  it.each(['none', 'deflate', 'brotli'] as const)('packs anew with %s and changes no event', async (codec) => {
    const { bytes } = await repair(trace, { codec });
    const { reader, events } = await readTrace(bytes);
    expect(reader.integrity.complete).toBe(true);
    expect(events).toEqual(whole.events);
    const proto = fileURLToPath(new URL('../../src/trace', import.meta.url));
    const args = [`--proto_path=${proto}`, '--decode=armstalk.v1.Trace', 'armstalk.proto'];
    const text = execFileSync('protoc', args, { input: bytes, encoding: 'utf8', maxBuffer: 1 << 28 });
    const expected = { none: 0, deflate: 1, brotli: 2 }[codec];
    const codecs = [...text.matchAll(/^ {4}codec: (\d+)/gm)].map(([, number]) => Number(number));
    expect(new Set(codecs)).toEqual(new Set(codec === 'none' ? [] : [expected]));
    expect(text.includes('edge_kind')).toBe(codec === 'none');
  });

  it('comes back to the same bytes from no compression and back', async () => {
    const plain = await repair(trace, { codec: 'none' });
    const packed = await repair(plain.bytes, { codec: 'deflate' });
    expect(packed.bytes.equals(trace)).toBe(true);
  });

  it('refuses what holds no packet, and writes nothing then', async () => {
    await expect(repairTrace([Buffer.alloc(1000, 7)], join(directory, 'never.pb'))).rejects.toThrow(TraceFormatError);
    expect(() => readFileSync(join(directory, 'never.pb'))).toThrow(/ENOENT/);
  });
});
