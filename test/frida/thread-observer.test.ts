/** Scripts that follow threads as they come. A thread is told of outside of its code, so `hot` has nothing of its own. */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import type { EventBatch } from '../../src/events/ring.js';
import { type CallbackError, Process, Stalker, type ThreadDetails } from '../../src/index.js';
import { Process as EngineProcess } from '../../src/process/process.js';
import { Stalker as Engine } from '../../src/stalker/stalker.js';
import { sample } from '../support/cli.js';
import { compile, hasCompiler } from '../support/toolchain.js';

type Tier = 'cold' | 'auto';

const spawn = (program: string, tier: Tier, errors: CallbackError[] = []): Process =>
  Process.spawn(program, { tier, stdout: () => {}, onError: (error) => errors.push(error) });

/** Calls of each thread, counted by an engine that follows them all. */
const callsOfThreads = async (program: string): Promise<Record<number, number>> => {
  const calls: Record<number, number> = {};
  const process = ({ tid, count }: EventBatch): void => {
    calls[tid] = (calls[tid] ?? 0) + count;
  };
  const guest = EngineProcess.spawn(program, {
    stdout: () => {},
    createEngine: (memory) => {
      const engine = new Engine(memory, { tier: 'cold' });
      engine.followNewThreads = {
        profile: 'precise',
        events: EventKind.CALL,
        sink: { mask: EventKind.CALL, process },
      };
      return engine;
    },
  });
  await guest.resume();
  return calls;
};

describe.each(['cold', 'auto'] as const)('tier %s', (tier) => {
  it('a thread is followed from its first call to its last, and is the current one when it is told of', async () => {
    const process = spawn(sample('threads-thumb'), tier);
    const calls: Record<number, number> = {};
    const log: string[] = [];
    Process.attachThreadObserver({
      onAdded({ id }) {
        log.push(`${id} added in ${Process.getCurrentThreadId()}`);
        calls[id] = 0;
        Stalker.follow({
          events: { call: true },
          onCallSummary(summary) {
            for (const count of Object.values(summary)) calls[id] = (calls[id] as number) + count;
          },
        });
      },
      onRemoved({ id }) {
        log.push(`${id} removed, followed: ${Stalker.isFollowing(id)}`);
        Stalker.flush();
      },
    });
    const { exitCode } = await process.resume();
    expect(exitCode).toBe(0);
    expect(calls).toEqual(await callsOfThreads(sample('threads-thumb')));
    const ids = [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008];
    const texts = ids.flatMap((id) => [`${id} added in ${id}`, `${id} removed, followed: true`]);
    expect([...log].sort()).toEqual(texts.sort());
    expect([log[0], log.at(-1)]).toEqual(['1000 added in 1000', '1000 removed, followed: true']);
  });

  it('an observer that throws is told of once for each function; the program goes on', async () => {
    const errors: CallbackError[] = [];
    const process = spawn(sample('threads-thumb'), tier, errors);
    let added = 0;
    Process.attachThreadObserver({
      onAdded() {
        added++;
        throw new Error('oh no');
      },
      onRemoved() {
        throw new Error('oh no');
      },
    });
    expect((await process.resume()).exitCode).toBe(0);
    expect(added).toBe(9);
    expect(errors.map(({ message }) => message)).toEqual([
      'the observer onAdded threw: oh no',
      'the observer onRemoved threw: oh no',
    ]);
  });

  it('is told nothing any more once it is detached, even by itself', async () => {
    const process = spawn(sample('threads-thumb'), tier);
    const seen: number[] = [];
    const observer = Process.attachThreadObserver({
      onAdded({ id }) {
        seen.push(id);
        if (seen.length === 3) observer.detach();
      },
      onRemoved: ({ id }) => seen.push(-id),
    });
    await process.resume();
    expect(seen).toEqual([1000, 1001, 1002]);
  });
});

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
it.runIf(hasCompiler())(
  'names change by prctl and by way of /proc, each change told with the name before',
  async () => {
    const program = compile(
      'renamed-threads',
      `#define _GNU_SOURCE
     #include <pthread.h>
     #include <sys/prctl.h>
     static void *child(void *n) { prctl(PR_SET_NAME, "worker"); prctl(PR_SET_NAME, "worker"); return n; }
     static void *idle(void *n) { pthread_mutex_lock(n); return n; }
     int main(void) {
       pthread_t thread;
       pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
       prctl(PR_SET_NAME, "boss");
       pthread_create(&thread, 0, child, 0);
       pthread_join(thread, 0);
       pthread_mutex_lock(&mutex);
       pthread_create(&thread, 0, idle, &mutex);
       pthread_setname_np(thread, "idler");
       pthread_mutex_unlock(&mutex);
       return pthread_join(thread, 0);
     }`,
    );
    const process = Process.spawn(program, { argv: ['a.out'] });
    const log: string[] = [];
    const first = Process.enumerateThreads()[0] as ThreadDetails;
    Process.attachThreadObserver({
      onAdded: ({ id, name }) => log.push(`${id} ${name}`),
      onRenamed: ({ id, name }, previousName) => log.push(`${id} ${previousName} is ${name}`),
    });
    expect((await process.resume()).exitCode).toBe(0);
    const [added, ...rest] = log;
    expect(added).toBe(`1000 ${first.name}`);
    expect(rest).toEqual([
      `1000 ${first.name} is boss`,
      '1001 boss',
      '1001 boss is worker',
      '1002 boss is idler',
      '1002 idler',
    ]);
  },
);
