/**
 * Long traces are encoded in a second thread (the built one, dist/trace/encode-worker.js): the bytes are those of a writer
 * without it, whenever it takes over, with several guest threads and system calls in between.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Process } from '../../src/process/process.js';
import { Stalker } from '../../src/stalker/stalker.js';
import { TraceWriter } from '../../src/trace/writer.js';
import { GUEST_ENV } from '../support/qemu.js';
import { compile, hasCompiler } from '../support/toolchain.js';
import { HEADER } from '../support/trace-file.js';

const script = new URL('../../dist/trace/encode-worker.js', import.meta.url);
const scratch = mkdtempSync(join(tmpdir(), 'armstalk-writer-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Three threads that recurse, now and then print, and leave some frames by longjmp. */
const PROGRAM = `
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
static jmp_buf out[3];
__attribute__((noinline)) static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
__attribute__((noinline)) static void fall(int who, int n) { if (n == 0) longjmp(out[who], 1); fall(who, n - 1); __asm__(""); }
static void *work(void *argument) {
  int who = (int)(long)argument;
  unsigned sum = 0;
  for (int i = 0; i < 40; i++) {
    sum += fib(16 + (i + who) % 4);
    if (setjmp(out[who]) == 0) fall(who, 1500);
    printf("%d %u\\n", who, sum);
  }
  return 0;
}
int main(void) {
  pthread_t threads[3];
  for (long who = 0; who < 3; who++) pthread_create(&threads[who], 0, work, (void *)who);
  for (int who = 0; who < 3; who++) pthread_join(threads[who], 0);
  return 0;
}`;

const run = async (program: string, threadScript: URL | undefined): Promise<{ trace: Buffer; threaded: boolean }> => {
  const path = join(scratch, 'trace.pb');
  const writer = new TraceWriter({ mask: 31, threadScript });
  writer.open(path, HEADER);
  const guest = Process.spawn(program, {
    args: [],
    env: GUEST_ENV,
    stdin: new Uint8Array(),
    stdout: () => {},
    stderr: () => {},
    sink: writer,
    createEngine: (memory) => {
      const stalker = new Stalker(memory);
      stalker.followNewThreads = { profile: 'precise', events: 3, sink: writer };
      return stalker;
    },
  });
  const { instructions, exitCode } = await guest.resume();
  expect(exitCode).toBe(0);
  guest.engine.drain();
  const threaded = writer.isThreaded;
  writer.end({ reason: 'exit', exitCode: 0, clock: instructions });
  return { trace: readFileSync(path), threaded };
};

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasCompiler())('the second thread', () => {
  it('writes the bytes one thread writes', async () => {
    expect(existsSync(script), 'npm run build comes first').toBe(true);
    const program = compile('writer-thread', PROGRAM, { flags: ['-O1', '-mthumb', '-fno-optimize-sibling-calls'] });
    const alone = await run(program, undefined);
    expect(alone.threaded).toBe(false);
    const helped = await run(program, script);
    expect(helped.threaded).toBe(true);
    expect(helped.trace.equals(alone.trace)).toBe(true);
  });

  it('is told apart when its script cannot run: the trace is written without it', async () => {
    const program = compile('writer-thread', PROGRAM, { flags: ['-O1', '-mthumb', '-fno-optimize-sibling-calls'] });
    const { threaded, trace } = await run(program, new URL('file:///nowhere/encode-worker.js'));
    expect(threaded).toBe(false);
    expect(trace.equals((await run(program, undefined)).trace)).toBe(true);
  });
});
