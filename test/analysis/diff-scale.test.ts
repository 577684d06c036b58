import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRange } from '../../src/trace/range-source.js';
import { writeLargeTrace } from '../support/large-trace.js';

const EVENTS = 5_000_000;
const MAX_KB = 250_000;
const child = fileURLToPath(new URL('../support/diff-child.ts', import.meta.url));

const directory = mkdtempSync(join(tmpdir(), 'armstalk-scale-'));
afterAll(() => rmSync(directory, { recursive: true }));
const [plain, changed] = [join(directory, 'plain.pb'), join(directory, 'changed.pb')];

const run = (...words: readonly string[]): Record<string, number | boolean> =>
  JSON.parse(execFileSync(process.execPath, ['--import', 'tsx', child, ...words]).toString());

// Memory is measured as Linux tells it, in /proc; elsewhere there is nothing to hold the limit against.
describe.skipIf(!existsSync('/proc/self/status'))('five million events', () => {
  let written = { events: 0, rounds: 0, clock: 0 };

  beforeAll(() => {
    written = writeLargeTrace(plain, EVENTS);
    writeLargeTrace(changed, EVENTS, written.rounds - 2);
  });

  it('are the same as themselves, in constant memory', () => {
    const { same, commonEvents, peakKb } = run('diff', plain, plain);
    expect([same, commonEvents]).toEqual([true, written.events]);
    expect(peakKb).toBeLessThan(MAX_KB);
  });

  it('differ at a late block, found in constant memory', () => {
    const { same, commonEvents, peakKb } = run('diff', plain, changed);
    expect(same).toBe(false);
    expect(commonEvents).toBeGreaterThan((written.events / written.rounds) * (written.rounds - 2));
    expect(commonEvents).toBeLessThan((written.events / written.rounds) * (written.rounds - 1));
    expect(peakKb).toBeLessThan(MAX_KB);
  });

  it('are replayed in constant memory', () => {
    const { lines, peakKb } = run('replay', plain);
    expect(lines).toBeGreaterThan(EVENTS / 10);
    expect(peakKb).toBeLessThan(MAX_KB);
  });

  it('answer for a range in the middle from an eighth of the file', async () => {
    const middle = Math.floor(written.clock / 2);
    const source = openRange(plain, middle, middle + 1000);
    for await (const _ of source ?? []);
    expect(source?.bytesRead).toBeLessThan(statSync(plain).size / 8);
    expect(run('replay', plain, String(middle), String(middle + 1000)).lines).toBeGreaterThan(50);
  });
});
