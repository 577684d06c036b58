/** User code that throws, of every kind: one error that names it, and the program does what it does. */
import { describe, expect, it } from 'vitest';
import { type CallbackError, DebugSymbol, Process, Stalker } from '../../src/index.js';
import { sample } from '../support/cli.js';

/** One for all: a stack trace for each of 250,000 takes its time. */
const OH_NO = new Error('oh no');
const oops = (): never => {
  throw OH_NO;
};

const run = async (prepare: (process: Process) => void, tier: 'cold' | 'hot' | 'auto' = 'auto') => {
  const errors: CallbackError[] = [];
  let text = '';
  const process = Process.spawn(sample('fib-thumb'), {
    tier,
    hotThreshold: 4,
    onError: (error) => errors.push(error),
    stdout: (bytes) => {
      text += Buffer.from(bytes).toString();
    },
  });
  prepare(process);
  const { exitCode, instructions } = await process.resume();
  expect([exitCode, text]).toEqual([0, 'fib(20) = 6765\n']);
  expect(instructions).toBe(208_383);
  return errors;
};

const events = { call: true, ret: true, block: true, compile: true } as const;

describe.each(['cold', 'auto', 'hot'] as const)('tier %s', (tier) => {
  it.each([
    ['onReceive', { events: { block: true }, onReceive: oops }],
    ['onCallSummary', { events: { call: true, ret: true }, onCallSummary: oops }],
    ['onCallSummary', { events: { call: true }, onCallSummary: oops }],
  ])('%s: told once, that delivery is lost, the thread stays followed', async (name, options) => {
    let deliveries = 0;
    const counted = Object.fromEntries(
      Object.entries(options).map(([key, value]) => [
        key,
        typeof value !== 'function'
          ? value
          : Object.defineProperty(
              () => {
                deliveries++;
                oops();
              },
              'name',
              { value: key },
            ),
      ]),
    );
    const errors = await run(() => {
      Stalker.queueCapacity = 500;
      Stalker.follow(counted);
      Stalker.queueCapacity = 16384;
      Stalker.addCallProbe(DebugSymbol.getFunctionByName('print_number'), () => {
        Stalker.flush();
        expect(Stalker.isFollowing()).toBe(true);
      });
    }, tier);
    expect(errors.map(({ message, kind }) => [message, kind])).toEqual([[`the sink ${name} threw: oh no`, 'sink']]);
    expect(deliveries).toBeGreaterThan(1);
  });

  it('onEvent: told once, for every kind of event the same function', async () => {
    let seen = 0;
    const errors = await run(
      () =>
        Stalker.follow({
          events,
          onEvent() {
            seen++;
            oops();
          },
        }),
      tier,
    );
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toMatch(/^the sink onEvent at 0x[0-9a-f]+ threw: oh no$/);
    expect(seen).toBeGreaterThan(2 * 21_891);
  });

  it('callout: told once, skipped', async () => {
    let callouts = 0;
    const callout = function atInstruction() {
      callouts++;
      oops();
    };
    const errors = await run(
      () =>
        Stalker.follow({
          transform(iterator) {
            for (let insn = iterator.next(); insn !== null; insn = iterator.next()) {
              if (insn.mnemonic === 'bl') iterator.putCallout(callout);
              iterator.keep();
            }
          },
        }),
      tier,
    );
    // It is placed in many blocks, and is one function all the same.
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the callout atInstruction at 0x[0-9a-f]+ threw: oh no$/),
    ]);
    expect(callouts).toBeGreaterThan(21_891);
  });

  it('transformer in the middle of a block: the block is whole, the thread goes on unfollowed', async () => {
    let blocks = 0;
    const errors = await run(
      () =>
        Stalker.follow({
          transform: function half(iterator) {
            iterator.next();
            if (++blocks === 5) oops();
            do iterator.keep();
            while (iterator.next() !== null);
          },
        }),
      tier,
    );
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the transformer half at 0x.* oh no$/),
    ]);
    expect(blocks).toBe(5);
  });

  it('observer, request: told, and nothing else happens', async () => {
    const errors = await run(() => {
      Stalker.follow();
      Stalker.setObserver({ onSwitch: oops });
      Stalker.runOnThread(Process.id, function request() {
        oops();
      });
    }, tier);
    expect(errors.map(({ message }) => message.replace(/0x[0-9a-f]+/, 'X')).sort()).toEqual([
      'the observer oops at X threw: oh no',
      'the request request at X threw: oh no',
    ]);
  });
});
