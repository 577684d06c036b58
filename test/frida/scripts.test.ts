/** Scripts of the shapes people write for Frida, with nothing changed but where the names come from. */
import { describe, expect, it } from 'vitest';
import { type CallbackError, DebugSymbol, Module, type NativePointer, Process, ptr, Stalker } from '../../src/index.js';
import { sample } from '../support/cli.js';

/** What the program prints goes nowhere. */
const spawn = (name: string, errors: CallbackError[] = []): Process =>
  Process.spawn(sample(name), { onError: (error) => errors.push(error), stdout: () => {} });

describe('a call counter', () => {
  it('counts fib 21,891 times by onCallSummary, and onReceive gets the same calls', async () => {
    const process = spawn('fib-thumb');
    const fib = Module.findExportByName(null, 'fib') as NativePointer;
    const counts: Record<string, number> = {};
    let received = 0;
    Stalker.follow(Process.getCurrentThreadId(), {
      events: { call: true, ret: false },
      onCallSummary(summary) {
        for (const [target, count] of Object.entries(summary)) counts[target] = (counts[target] ?? 0) + count;
      },
      onReceive(events) {
        const rows = Stalker.parse(events, { stringify: true });
        received += rows.filter(([kind, , target]) => kind === 'call' && target === fib.toString()).length;
      },
    });
    const result = await process.resume();
    expect(result.exitCode).toBe(0);
    expect(counts[fib.toString()]).toBe(21_891);
    expect(received).toBe(21_891);
    expect(DebugSymbol.fromAddress(fib).name).toBe('fib');
  });
});

describe('a call counter without a queue', () => {
  it('gets the same summary, delivered by flush and at the end', async () => {
    const process = spawn('fib-thumb');
    const fib = Module.findExportByName(null, 'fib') as NativePointer;
    let calls = 0;
    let deliveries = 0;
    Stalker.follow(Process.getCurrentThreadId(), {
      events: { call: true },
      onCallSummary(summary) {
        calls += summary[fib.toString()] ?? 0;
        deliveries++;
      },
    });
    Stalker.addCallProbe(DebugSymbol.getFunctionByName('print_number'), () => Stalker.flush());
    await process.resume();
    expect(calls).toBe(21_891);
    expect(deliveries).toBeGreaterThan(1);
  });
});

describe('a transformer with a callout on every bl', () => {
  it('sees every call instruction that runs', async () => {
    const process = spawn('fib-arm');
    const main = Process.mainModule;
    let calls = 0;
    const places = new Set<string>();
    Stalker.follow({
      transform(iterator) {
        let instruction = iterator.next();
        do {
          if (instruction?.mnemonic === 'bl') {
            iterator.putCallout((context) => {
              calls++;
              places.add(context.pc.sub(main.base).toString());
            });
          }
          iterator.keep();
          instruction = iterator.next();
        } while (instruction !== null);
      },
    });
    await process.resume();
    expect(calls).toBeGreaterThan(21_891);
    expect(places.size).toBeGreaterThan(3);
  });
});

describe('a probe that rewrites an argument', () => {
  it('makes the program compute something else', async () => {
    const process = spawn('fib-thumb');
    Stalker.follow();
    let calls = 0;
    const id = Stalker.addCallProbe(DebugSymbol.getFunctionByName('fib'), (args) => {
      if (calls++ === 0) args[0] = ptr(5);
      else expect((args[0] as NativePointer).toInt32()).toBeLessThan(5);
    });
    await process.resume();
    Stalker.removeCallProbe(id);
    // fib(5) makes 15 calls in all.
    expect(calls).toBe(15);
  });
});

describe('callbacks that throw', () => {
  const run = async (prepare: () => void): Promise<CallbackError[]> => {
    const errors: CallbackError[] = [];
    const process = spawn('fib-thumb', errors);
    prepare();
    expect((await process.resume()).exitCode).toBe(0);
    return errors;
  };

  it('transformer: one error that names it, and the thread is unfollowed', async () => {
    const errors = await run(() =>
      Stalker.follow({
        transform: function broken() {
          throw new Error('oh no');
        },
      }),
    );
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toMatch(/^the transformer broken at 0x[0-9a-f]+ threw: oh no$/);
    expect(Stalker.isFollowing(Process.id)).toBe(false);
  });

  it('probe: one error, the others go on', async () => {
    let others = 0;
    const errors = await run(() => {
      Stalker.follow();
      const fib = DebugSymbol.getFunctionByName('fib');
      Stalker.addCallProbe(fib, function broken() {
        throw new Error('oh no');
      });
      Stalker.addCallProbe(fib, () => void others++);
    });
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the call probe broken at .* oh no$/),
    ]);
    expect(others).toBe(21_891);
  });
});

describe('Stalker', () => {
  it('has the defaults of Frida', () => {
    spawn('hello-arm');
    expect([Stalker.trustThreshold, Stalker.queueCapacity, Stalker.queueDrainInterval]).toEqual([1, 16384, 250]);
  });

  it('refuses event kinds it does not know', () => {
    spawn('hello-arm');
    expect(() => Stalker.follow({ events: { calls: true } as object })).toThrow('unknown event type: calls');
    expect(() => Stalker.follow({ events: { call: 1 } as object })).toThrow('events.call: expected true or false');
  });

  it('stalker_events_can_be_parsed', () => {
    const record = new Uint32Array([1, 7, 12, 42]).buffer;
    expect(Stalker.parse(record, { stringify: true })).toEqual([['call', '0x7', '0xc', 42]]);
    expect(Stalker.parse(new ArrayBuffer(0))).toEqual([]);
    expect(() => Stalker.parse(new ArrayBuffer(1))).toThrow('invalid buffer shape');
    expect(() => Stalker.parse(new ArrayBuffer(16))).toThrow('invalid event type');
  });

  it('execution_can_be_traced: nothing comes before flush when the interval is 0', async () => {
    const process = spawn('fib-thumb');
    Stalker.queueDrainInterval = 0;
    Stalker.queueCapacity = 1_000_000;
    const order: string[] = [];
    Stalker.follow({
      events: { call: true },
      onReceive: (events) => order.push(`receive ${events.byteLength > 0}`),
      onCallSummary: (summary) => order.push(`summary ${Object.keys(summary).length > 0}`),
    });
    [Stalker.queueDrainInterval, Stalker.queueCapacity] = [250, 16384];
    await process.resume();
    expect(order).toEqual(['summary true', 'receive true']);
  });

  it('process_can_run_on_thread_with_success, process_can_run_on_thread_with_failure', async () => {
    const process = spawn('fib-thumb');
    const good = Process.runOnThread(Process.id, (context) => context?.sp.isNull());
    const bad = Process.runOnThread(Process.id, () => {
      throw new Error('not here');
    });
    const failed = expect(bad).rejects.toThrow('not here');
    await process.resume();
    expect(await good).toBe(false);
    await failed;
  });
});
