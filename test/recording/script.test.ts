/** Scripts under a recording: what they may do, and what stays the same whatever they do. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { EventKind, type RecordOptions, record, type StalkerEvent } from '../../src/index.js';
import { sample } from '../support/cli.js';
import { readTrace } from '../support/trace-file.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-script-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const { CALL, RET, BLOCK, COMPILE } = EventKind;
const TIERS = [{ tier: 'cold' }, { tier: 'auto', hotThreshold: 3 }, { tier: 'hot' }] as const;
let files = 0;

/** What a script leaves behind for the test. */
const seen: unknown[] = [];
Object.assign(globalThis, { seenByTest: seen });

const script = (body: string): string => {
  const path = join(scratch, `${files++}.mjs`);
  writeFileSync(path, body);
  return path;
};

const run = async (name: string, options: RecordOptions = {}) => {
  const path = join(scratch, `${files++}.pb`);
  const errors: string[] = [];
  seen.length = 0;
  let text = '';
  const recording = await record(sample(name), {
    stdin: Buffer.from('4711\n'),
    stdout: (bytes) => {
      text += Buffer.from(bytes).toString();
    },
    events: { mask: CALL | RET | BLOCK | COMPILE, syscalls: true, signals: true },
    output: { path },
    onScriptError: ({ message }) => errors.push(message.replaceAll(scratch, '.')),
    ...options,
  });
  const { events, items } = await readTrace(readFileSync(path));
  const probes = items.flatMap((item) => (item.type === 'note' && item.note.type === 'probe' ? [item.note] : []));
  return { ...recording, text, errors, events, hits: probes, seen: [...seen] };
};

const shown = (events: ReadonlyMap<number, StalkerEvent[]>, mask = CALL | RET | BLOCK | COMPILE): string[] =>
  [...events].flatMap(([tid, list]) =>
    list
      .filter(({ kind }) => (kind & mask) !== 0)
      .map(({ kind, location, target, depth, clock }) => [tid, kind, location, target, depth, clock].join(' ')),
  );

const FOLLOW = script(`export default ({ Stalker }) => {
  let events = 0;
  Stalker.follow({ events: { call: true, exec: true }, onReceive: (buffer) => { events += Stalker.parse(buffer).length; } });
  return ({ exitCode, instructions }) => seenByTest.push(events > instructions, exitCode);
};`);

const COMING_AND_GOING = script(`export default ({ Stalker, DebugSymbol }) => {
  let visits = 0;
  let calls = 0;
  Stalker.follow();
  Stalker.addCallProbe(DebugSymbol.getFunctionByName('fib'), () => {
    visits++;
    if (visits % 3000 === 1000) Stalker.unfollow();
  });
  Stalker.addCallProbe(DebugSymbol.getFunctionByName('print'), () => {
    Stalker.follow({ events: { call: true }, onCallSummary: (summary) => { calls += Object.keys(summary).length; } });
  });
  return () => seenByTest.push(visits > 0, calls > 0, Stalker.isFollowing());
};`);

describe('the trace is the same', () => {
  test.each([
    ['fib-thumb', FOLLOW, [true, 0]],
    ['lock-thumb', FOLLOW, [true, 0]],
    ['longjmp-arm', FOLLOW, [true, 0]],
    ['threads-thumb', FOLLOW, [false, 0]],
  ])('%s with a script that follows from the start', async (name, path, expected) => {
    const plain = await run(name);
    for (const tier of name === 'threads-thumb' ? TIERS.slice(1, 2) : TIERS) {
      const { events, text, errors, ...rest } = await run(name, { ...tier, script: path });
      expect([errors, text, rest.end, rest.instructions]).toEqual([[], plain.text, plain.end, plain.instructions]);
      expect(rest.seen).toEqual(expected);
      expect(shown(events)).toEqual(shown(plain.events));
    }
  });

  test('with one that comes and goes: blocks are translated again, depths go on', async () => {
    const mask = CALL | RET | BLOCK;
    const plain = await run('fib-thumb');
    for (const tier of TIERS) {
      const { events, text, errors, seen: left } = await run('fib-thumb', { ...tier, script: COMING_AND_GOING });
      expect([errors, text]).toEqual([[], plain.text]);
      expect(left.slice(0, 2)).toEqual([true, true]);
      expect(shown(events, mask)).toEqual(shown(plain.events, mask));
      expect(shown(events, COMPILE).length).toBeGreaterThan(shown(plain.events, COMPILE).length);
    }
  });

  test('probes of the command line are hit under a transformer of the script', async () => {
    const path = script(`export default ({ Stalker }) => {
      let callouts = 0;
      Stalker.follow({ transform: function all(iterator) {
        while (iterator.next() !== null) { iterator.putCallout(() => { callouts++; }); iterator.keep(); }
      } });
      return ({ instructions }) => seenByTest.push(callouts === instructions);
    };`);
    const probes = ['int cmp_digit(char a, char b)', 'hash_pin+0x4@r0,count'];
    const plain = await run('lock-thumb', { probes });
    expect(plain.hits.length).toBeGreaterThan(8);
    for (const tier of TIERS) {
      const { hits, seen: left, errors } = await run('lock-thumb', { ...tier, probes, script: path });
      expect([errors, left]).toEqual([[], [true]]);
      expect(hits).toEqual(plain.hits);
    }
  });
});

describe('a script that throws', () => {
  const plain = run('lock-thumb');
  test.each([
    [
      'when it is loaded',
      `seenByTest.push(1); throw new Error('oh no');`,
      [1],
      [/^the script \.\/\d+\.mjs threw: oh no$/],
    ],
    [
      'in its function',
      `export default ({ Stalker, DebugSymbol }) => {
        Stalker.follow();
        Stalker.addCallProbe(DebugSymbol.getFunctionByName('check_pin'), () => seenByTest.push('probe'));
        throw new Error('oh no');
      };`,
      ['probe'],
      [/^the script .* threw: oh no$/],
    ],
    [
      'later',
      `export default async () => { setTimeout(() => { throw new Error('later'); }); Promise.reject(new Error('lost')); await new Promise((done) => setTimeout(done, 20)); };`,
      [],
      [/threw: lost$/, /threw: later$/],
    ],
    [
      'at the end',
      `export default () => ({ exitCode }) => { seenByTest.push(exitCode); throw 'text'; };`,
      [0],
      [/threw: text$/],
    ],
    [
      'with words that make no sense',
      `export default ({ Stalker }) => Stalker.follow({ events: { calls: true } });`,
      [],
      [/threw: unknown event type: calls$/],
    ],
    [
      "in a profile that is not the recording's",
      `export default ({ Stalker }) => Stalker.follow({ profile: 'gum' });`,
      [],
      [/threw: the recording's profile is precise, not gum$/],
    ],
    [
      'in a callback of every kind',
      `export default ({ Stalker, DebugSymbol, Process }) => {
        const oops = (name) => Object.defineProperty(() => { throw new Error('oh no'); }, 'name', { value: name });
        const callout = oops('inBlock');
        Stalker.follow({
          events: { call: true, block: true },
          onReceive: oops('received'), onCallSummary: oops('summary'), onEvent: oops('event'),
          transform(iterator) { while (iterator.next() !== null) { iterator.putCallout(callout); iterator.keep(); } },
        });
        Stalker.addCallProbe(DebugSymbol.getFunctionByName('main'), oops('atMain'));
      };`,
      [],
      [
        /^the sink event at 0x[0-9a-f]+ threw: oh no$/,
        /^the callout inBlock at 0x[0-9a-f]+ threw: oh no$/,
        /^the call probe atMain at 0x[0-9a-f]+ threw: oh no$/,
        /^the sink summary threw: oh no$/,
        /^the sink received threw: oh no$/,
      ],
    ],
  ])('%s: told once, and the run is what it was', async (_when, body, left, messages) => {
    const expected = await plain;
    const { errors, text, end, instructions, seen: found, events } = await run('lock-thumb', { script: script(body) });
    expect([text, end, instructions]).toEqual([expected.text, expected.end, expected.instructions]);
    expect(found).toEqual(left);
    expect(errors).toHaveLength(messages.length);
    for (const message of messages) expect(errors).toContainEqual(expect.stringMatching(message));
    expect(shown(events, CALL | RET)).toEqual(shown(expected.events, CALL | RET));
  });

  test('in its transformer: the script follows no more, the recording goes on', async () => {
    const body = `export default ({ Stalker }) => {
      let blocks = 0;
      Stalker.follow({ transform: function half(iterator) {
        iterator.next();
        if (++blocks === 300) throw new Error('oh no');
        do iterator.keep(); while (iterator.next() !== null);
      } });
      return () => seenByTest.push(blocks, Stalker.isFollowing());
    };`;
    const expected = await plain;
    for (const tier of TIERS) {
      const { errors, text, seen: left, events } = await run('lock-thumb', { ...tier, script: script(body) });
      expect(errors).toEqual([expect.stringMatching(/^the transformer half at 0x[0-9a-f]+ threw: oh no$/)]);
      expect([text, left]).toEqual([expected.text, [300, false]]);
      expect(shown(events, CALL | RET | BLOCK)).toEqual(shown(expected.events, CALL | RET | BLOCK));
    }
  });

  test.each([
    ['no such file', join(scratch, 'nope.mjs'), /does not exist$/],
    ['no module', script('export default ('), /cannot be loaded: Unexpected/],
    ['an import that is not there', script(`import './gone.mjs';`), /cannot be loaded: Cannot find module/],
  ])('%s: nothing is run', async (_what, path, message) => {
    const output = join(scratch, 'not-written.pb');
    await expect(run('hello-arm', { script: path, output: { path: output } })).rejects.toThrow(message);
    expect(() => readFileSync(output)).toThrow('ENOENT');
  });
});

test('without a recording a script has the thread to itself, under gum', async () => {
  const body = `export default ({ Stalker, Process }) => {
    seenByTest.push(Stalker.isFollowing(), Stalker.garbageCollect());
    Stalker.follow({ events: { compile: true }, onReceive() {} });
    seenByTest.push(Stalker.isFollowing(), Stalker.garbageCollect());
    Stalker.unfollow();
    seenByTest.push(Stalker.isFollowing(), Stalker.garbageCollect());
  };`;
  const left = ['output', 'events'] as const;
  expect(left).toHaveLength(2);
  seen.length = 0;
  await record(sample('hello-arm'), { script: script(body), stdout: () => {} });
  expect(seen).toEqual([false, false, true, true, false, false]);
});
