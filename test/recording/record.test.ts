import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type CodeMap,
  decodeRecord,
  EventKind,
  type EventSink,
  type Note,
  parseEventList,
  type RecordOptions,
  record,
  type StalkerEvent,
  summarize,
  TraceReader,
} from '../../src/index.js';
import { sample } from '../support/cli.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-record-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Keeps everything it is told. */
class Listener implements EventSink {
  readonly mask: number;
  readonly events: StalkerEvent[] = [];
  readonly notes: Note[] = [];
  /** Events and notes in the order they came, by kind. */
  readonly order: string[] = [];

  constructor(mask: number) {
    this.mask = mask;
  }

  process(batch: Parameters<EventSink['process']>[0]): void {
    for (let index = 0; index < batch.count; index++) {
      const event = decodeRecord(batch, index);
      this.events.push(event);
      this.order.push(`${event.kind}@${event.clock}`);
    }
  }

  note(note: Note): void {
    this.notes.push(note);
    this.order.push(`${note.type}@${note.clock}`);
  }
}

/** Runs a sample quietly: no input, output collected. */
const run = async (name: string, options: RecordOptions = {}) => {
  let output = '';
  const collect = (chunk: Uint8Array): void => {
    output += Buffer.from(chunk).toString();
  };
  const recording = await record(sample(name), {
    stdin: new Uint8Array(),
    stdout: collect,
    stderr: collect,
    ...options,
  });
  return { ...recording, text: output };
};

describe('record', () => {
  test('runs without a trace and counts instructions', async () => {
    const { end, exitCode, instructions, counts, output, text } = await run('fib-arm');
    expect({ end, exitCode, text }).toEqual({
      end: { reason: 'exit', exitCode: 0 },
      exitCode: 0,
      text: 'fib(20) = 6765\n',
    });
    expect(instructions).toBeGreaterThan(200_000);
    expect([counts, output]).toEqual([undefined, undefined]);
  });

  test('writes a trace whose totals it reports', async () => {
    const path = join(scratch, 'fib.pb');
    const { counts, output, instructions } = await run('fib-thumb', { output: { path } });
    expect(output).toEqual({ path, bytes: readFileSync(path).length });
    const summary = await summarize(TraceReader.open(path), { by: 'function' });
    expect(summary.trace).toMatchObject({ insns: instructions, complete: true });
    const calls = summary.functions?.reduce((sum, row) => sum + row.calls, 0);
    expect(counts?.calls).toBe(calls);
    expect(summary.functions?.find(({ symbol }) => symbol === 'fib')).toMatchObject({
      calls: 21_891,
      returns: 21_891,
      deepest: 20,
    });
  });

  test('leaves kinds out that were not asked for', async () => {
    const path = join(scratch, 'calls.pb');
    const { counts } = await run('fib-arm', { output: { path }, events: parseEventList('call') });
    expect(counts).toMatchObject({ calls: expect.any(Number), syscalls: 0 });
    expect([counts?.returns, counts?.compiled]).toEqual([undefined, undefined]);
  });

  test('gives a listener the kinds it wants, whatever the trace keeps', async () => {
    const listener = new Listener(EventKind.RET);
    await run('fib-arm', {
      output: { path: join(scratch, 'tee.pb') },
      events: parseEventList('call'),
      sinks: () => [listener],
    });
    expect(new Set(listener.events.map(({ kind }) => kind))).toEqual(new Set([EventKind.RET]));
    const { functions } = await summarize(TraceReader.open(join(scratch, 'tee.pb')));
    expect(functions?.find(({ symbol }) => symbol === 'fib')).toMatchObject({ calls: 21_891, returns: 0 });
  });

  test('stops near a limit of events', async () => {
    const { end, exitCode } = await run('fib-arm', { output: { path: join(scratch, 'few.pb') }, maxEvents: 1000 });
    expect([end, exitCode]).toEqual([{ reason: 'stopped', stoppedBy: 'max-events' }, 124]);
  });

  test('stops at a limit of instructions', async () => {
    const { end, instructions } = await run('fib-arm', { maxInsns: 5000 });
    expect(end).toEqual({ reason: 'stopped', stoppedBy: 'max-insns' });
    expect(instructions).toBeGreaterThanOrEqual(5000);
    expect(instructions).toBeLessThan(5600);
  });

  test('describes a crash with names and code', async () => {
    const { end, exitCode, crash } = await run('crash-thumb', { output: { path: join(scratch, 'crash.pb') } });
    expect([end.signalName, exitCode]).toEqual(['SIGSEGV', 139]);
    expect(crash).toMatchObject({ signal: 'SIGSEGV', code: 'SEGV_MAPERR' });
    expect(crash?.pc.text).toMatch(/^crash-thumb!scribble/);
    expect(crash?.backtrace.map(({ text }) => text.replace(/.*!|\+.*/g, ''))).toEqual([
      'scribble',
      'careless',
      'main',
      '_start',
    ]);
    expect(crash?.disassembly.filter(({ isPc }) => isPc).map(({ text }) => text)).toEqual(['str r3, [r0]']);
  });

  test('reports a probe that matches nothing', async () => {
    const notices: string[] = [];
    const { probes } = await run('hello-arm', { probes: ['nowhere', 'main'], onNotice: (text) => notices.push(text) });
    expect(notices).toEqual(['warning: the probe nowhere matches nothing']);
    expect(probes.map(({ spec, hits }) => [spec, hits])).toEqual([
      ['nowhere', 0],
      ['main', 1],
    ]);
  });
});

describe.each(['cold', 'hot'] as const)('a probe (%s tier)', (tier) => {
  const probed = async (name: string, probes: string[]) => {
    const listener = new Listener(EventKind.EXEC);
    let map: CodeMap | undefined;
    const { probes: counts } = await run(name, {
      tier,
      probes,
      sinks: (codeMap) => {
        map = codeMap;
        return [listener];
      },
    });
    const hits = listener.notes.filter((note) => note.type === 'probe');
    return { counts, hits, listener, map: map as CodeMap };
  };

  test('at a function is hit once per call, with its argument in r0', async () => {
    const { counts, hits } = await probed('fib-thumb', ['fib']);
    expect(counts[0]?.hits).toBe(21_891);
    expect(hits).toHaveLength(21_891);
    expect(hits[0]?.values[0]).toEqual(['r0', 20, 'x']);
  });

  test('in the middle of a block comes before its instruction, with the clock of that moment', async () => {
    const { hits, listener, map } = await probed('fib-arm', ['main+8']);
    expect(hits).toHaveLength(1);
    const [hit] = hits;
    expect(map.describe(hit?.location ?? 0)).toBe('fib-arm!main+0x8');
    const at = listener.events.find(({ location }) => location === hit?.location);
    // The EXEC event counts its own instruction; the probe stands in front of it.
    expect(hit?.clock).toBe((at?.clock ?? 0) - 1);
  });

  test('does not change what the program does or how long it takes', async () => {
    const plain = await run('lock-thumb', { tier });
    const { instructions } = await run('lock-thumb', { tier, probes: ['check_pin', 'cmp_digit+2', 'strlen'] });
    expect(instructions).toBe(plain.instructions);
  });
});
