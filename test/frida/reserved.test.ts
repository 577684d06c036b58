/** A program that asks to be followed, by the addresses reserved for that, and a script that says how. */
import { describe, expect, it } from 'vitest';
import { DebugSymbol, type NativePointer, Process, Reserved, Stalker } from '../../src/index.js';
import { compile, hasCompiler } from '../support/toolchain.js';

const SOURCE = `
#include <pthread.h>
#define ask(address) ((void (*)(int))(address))(0)
__attribute__((noinline)) int work(int n) { __asm__ volatile(""); return n + 1; }
static void *run(void *unused) {
  int n = work(work(0));
  ask(${Reserved.FOLLOW_ME}u);
  ask(${Reserved.FOLLOW_ME}u);
  n = work(n);
  ask(${Reserved.DEACTIVATE}u);
  n = work(n);
  ask(${Reserved.ACTIVATE}u);
  n = work(work(n));
  ask(${Reserved.UNFOLLOW_ME}u);
  return (void *)work(n);
}
int main(void) {
  pthread_t other;
  void *result;
  pthread_create(&other, 0, run, 0);
  pthread_join(other, &result);
  return (int)result + (int)run(0);
}`;

describe.runIf(hasCompiler())('a program that asks to be followed', () => {
  const counts = async (isTold: boolean): Promise<number[]> => {
    const process = Process.spawn(compile('asks-to-be-followed', SOURCE, { flags: ['-O1', '-marm'] }));
    const work = DebugSymbol.getFunctionByName('work') as NativePointer;
    const found: number[] = [];
    const onCallSummary = (summary: Record<string, number>): number => found.push(summary[work.toString()] ?? 0);
    Stalker.queueDrainInterval = 0;
    if (isTold) Stalker.followOnRequest({ events: { call: true }, onCallSummary });
    expect((await process.resume()).exitCode).toBe(14);
    return found;
  };

  it('is followed by each thread’s own receiver, between the requests', async () => {
    expect(await counts(true)).toEqual([3, 3]);
  });

  it('is not, when nobody has said how', async () => {
    expect(await counts(false)).toEqual([]);
  });
});
