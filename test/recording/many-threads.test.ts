/** Eighty guest threads at once: each has its shadow stack, and every call of each is in the trace. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { record, summarize, TraceReader } from '../../src/index.js';
import { compile, hasCompiler } from '../support/toolchain.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-threads-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const THREADS = 80;
const PROGRAM = `
#include <pthread.h>
enum { THREADS = ${THREADS} };
static pthread_barrier_t all;
__attribute__((noinline)) unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static void *work(void *n) { pthread_barrier_wait(&all); return (void *)(long)fib((long)n); }
int main(void) {
  pthread_t threads[THREADS];
  pthread_barrier_init(&all, 0, THREADS);
  for (long i = 0; i < THREADS; i++) if (pthread_create(&threads[i], 0, work, (void *)(i % 10 + 5))) return 1;
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], 0);
  return 0;
}`;

const fibCalls = (n: number): number => (n < 2 ? 1 : 1 + fibCalls(n - 1) + fibCalls(n - 2));

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasCompiler())('many threads', () => {
  test.each(['-marm', '-mthumb'])('are recorded whole (%s)', async (isa) => {
    const program = compile('many-threads', PROGRAM, { flags: ['-O1', isa, '-fno-inline'] });
    const path = join(scratch, 'trace.pb');
    const { exitCode, counts } = await record(program, { output: { path }, stdin: new Uint8Array() });
    expect({ exitCode, threads: counts?.threads }).toEqual({ exitCode: 0, threads: THREADS + 1 });
    const reader = TraceReader.open(path);
    const { functions } = await summarize(reader, { by: 'function' });
    expect(reader.integrity).toMatchObject({ complete: true });
    const expected = Array.from({ length: THREADS }, (_, i) => fibCalls((i % 10) + 5)).reduce((a, b) => a + b);
    expect(functions?.find(({ symbol }) => symbol === 'fib')?.calls).toBe(expected);
  });
});
