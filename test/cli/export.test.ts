/** `armstalk export` and `armstalk repair` as commands: words in, files and exit codes out. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import Export from '../../src/commands/export.js';
import Repair from '../../src/commands/repair.js';
import { repository } from '../support/cli.js';
import { playProgram, SyntheticMachine } from '../support/event-stream.js';
import { readTrace, recordBytes } from '../support/trace-file.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-export-cli-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const file = (name: string): string => join(scratch, name);

const trace = recordBytes(
  (writer) => {
    writer.symbolizer = (address) => ({ module: '', name: '_ZN1AD1Ev', offset: address & 0xff, sizeBytes: 0x100 });
    const machine = new SyntheticMachine((batch) => writer.process(batch));
    playProgram(machine, { events: 2000, seed: 3 });
    writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
  },
  { chunkEvents: 200 },
);
const cut = trace.subarray(0, trace.length - 700);

beforeEach(() => {
  writeFileSync(file('good.pb'), trace);
  writeFileSync(file('cut.pb'), cut);
  process.exitCode = 0;
});

const exitOf = async (command: typeof Export | typeof Repair, ...argv: string[]): Promise<unknown> => {
  await command.run(argv);
  const code = process.exitCode;
  process.exitCode = 0;
  return code;
};

/** The command as its own process, for what goes to the standard streams. */
const armstalk = (args: readonly string[], input: Uint8Array | string = '') => {
  const dev = ['--import', 'tsx', join(repository, 'bin/dev.js'), ...args];
  const { stdout, stderr, status } = spawnSync(process.execPath, dev, { input, maxBuffer: 1 << 28, cwd: repository });
  return { stdout, stderr: stderr.toString(), status };
};

describe('export', () => {
  test('takes the format from the name of the output', async () => {
    expect(await exitOf(Export, file('good.pb'), '-q', '-o', file('good.folded'))).toBe(0);
    expect(readFileSync(file('good.folded'), 'utf8')).toMatch(/^thread 1;\S.* \d+\n/);
    expect(await exitOf(Export, file('good.pb'), '-q', '-o', file('good.speedscope.json'))).toBe(0);
    expect(JSON.parse(readFileSync(file('good.speedscope.json'), 'utf8')).profiles).toHaveLength(1);
  });

  test('writes names as people do, unless told not to', async () => {
    await exitOf(Export, file('good.pb'), '-q', '-o', file('names.folded'));
    expect(readFileSync(file('names.folded'), 'utf8')).toContain(';A::~A()');
    await exitOf(Export, file('good.pb'), '-q', '--no-demangle', '-o', file('names.folded'));
    expect(readFileSync(file('names.folded'), 'utf8')).toContain(';_ZN1AD1Ev');
  });

  test('never writes over the trace it reads', async () => {
    expect(await exitOf(Export, file('good.pb'), '--to', 'csv', '-o', file('good.pb'))).toBe(2);
    expect(readFileSync(file('good.pb')).equals(trace)).toBe(true);
  });

  test.each([
    ['an unknown format', ['--to', 'gif']],
    ['a name that tells no format', ['-o', file('out.json')]],
    ['two traces', ['--to', 'csv', 'another.pb']],
    ['no format for standard output', []],
  ])('refuses %s with 2', async (_, words) => {
    expect(await exitOf(Export, file('good.pb'), ...words)).toBe(2);
  });

  test('says 2 for a trace that is not there, and 3 for a cut one when strict', async () => {
    expect(await exitOf(Export, file('none.pb'), '-o', file('none.folded'))).toBe(2);
    expect(await exitOf(Export, file('cut.pb'), '-q', '-o', file('cut.folded'))).toBe(0);
    expect(await exitOf(Export, file('cut.pb'), '-q', '--strict', '-o', file('cut.folded'))).toBe(3);
  });

  test('reads standard input and writes standard output, words to standard error', () => {
    const { stdout, stderr, status } = armstalk(['export', '-', '--to', 'jsonl'], cut);
    expect(status).toBe(0);
    const lines = stdout.toString().trimEnd().split('\n');
    expect(lines.every((line) => typeof JSON.parse(line).type === 'string')).toBe(true);
    expect(stderr).toMatch(/^armstalk: warning: -: .*packets \([\d,]+ events\).* intact\n$/);
  });

  test('stops without a word when its reader has gone', () => {
    const command = `node --import tsx bin/dev.js export ${file('good.pb')} --to csv; echo "exit $?" >&2`;
    const { stdout, stderr } = spawnSync('sh', ['-c', `{ ${command}; } | head -n 1`], {
      cwd: repository,
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/^process,clock,/);
    expect(stderr.trim().split('\n').at(-1)).toBe('exit 141');
    expect(stderr).not.toMatch(/EPIPE|Error/);
  });
});

describe('repair', () => {
  test('makes a cut trace whole and says what was lost', () => {
    const { stderr, status } = armstalk(['repair', file('cut.pb'), '-o', file('whole.pb')]);
    expect(status).toBe(0);
    expect(stderr).toMatch(/warning: .*byte [\d,]+: the file ends inside a packet/);
    expect(stderr).toMatch(/[\d,]+ bytes dropped/);
    expect(stderr).toMatch(/the recording has no end: given one with the reason "recovered"/);
    expect(stderr).toMatch(/wrote .*whole\.pb: \d+ packets, [\d,]+ events, 1 segment/);
  });

  test('tells programs the same with --json', () => {
    const { stdout, status } = armstalk(['repair', '--json', '-q', file('cut.pb'), '-o', file('whole.pb')]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout.toString())).toMatchObject({
      schema: 'armstalk.repair/1',
      wasWhole: false,
      segments: [{ isRecovered: true }],
      inputBytes: cut.length,
    });
  });

  test('exits 3 when strict and something was lost, else 0', async () => {
    expect(await exitOf(Repair, '-q', '--strict', file('cut.pb'), '-o', file('whole.pb'))).toBe(3);
    expect(await exitOf(Repair, '-q', '--strict', file('whole.pb'), '-o', file('again.pb'))).toBe(0);
    expect(readFileSync(file('again.pb')).equals(readFileSync(file('whole.pb')))).toBe(true);
  });

  test('packs anew', async () => {
    expect(await exitOf(Repair, '-q', file('good.pb'), '--compress', 'none', '-o', file('plain.pb'))).toBe(0);
    const { reader } = await readTrace(readFileSync(file('plain.pb')));
    expect(reader.integrity).toMatchObject({ complete: true, intactEvents: 2000 });
    expect(readFileSync(file('plain.pb')).length).toBeGreaterThan(trace.length);
  });

  test.each([
    ['no output', ['good.pb']],
    ['the trace itself as output', ['good.pb', '-o', 'good.pb']],
    ['an unknown packing', ['good.pb', '-o', 'x.pb', '--compress', 'zip']],
    ['--json beside a trace on standard output', ['good.pb', '--json', '-o', '-']],
  ])('refuses %s with 2', async (_, words) => {
    const argv = words.map((word) => (word.endsWith('.pb') ? file(word) : word));
    expect(await exitOf(Repair, ...argv)).toBe(2);
    expect(readFileSync(file('good.pb')).equals(trace)).toBe(true);
    expect(existsSync(file('x.pb'))).toBe(false);
  });
});
