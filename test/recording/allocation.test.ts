/** What recording allocates on the JS heap: something for every stride of events and every chunk, nothing for an event. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { compile, hasCompiler } from '../support/toolchain.js';

const child = fileURLToPath(new URL('../support/allocation-child.ts', import.meta.url));
const source = fileURLToPath(new URL('../bench/programs/recursion.c', import.meta.url));

/** Of a run: its events, and the bytes allocated meanwhile, garbage included. */
const measure = (program: string, size: number): { events: number; bytes: number } =>
  JSON.parse(
    execFileSync(process.execPath, ['--import', 'tsx', child, program, `${size}`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasCompiler())('recording', () => {
  test('allocates nothing for an event', () => {
    const program = compile('recursion', readFileSync(source, 'utf8'), { flags: ['-O2', '-mthumb'] });
    const [short, long] = [measure(program, 1000), measure(program, 15_000)];
    const events = long.events - short.events;
    expect(events).toBeGreaterThan(10_000_000);
    // An object of two fields for each event would be 16 bytes and more.
    expect((long.bytes - short.bytes) / events).toBeLessThan(0.5);
  });
});
