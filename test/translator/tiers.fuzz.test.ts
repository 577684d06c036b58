import { describe, expect, test } from 'vitest';
import { Word } from '../../src/guest/cpu-state.js';
import { bindBlock } from '../../src/interpreter/bind-block.js';
import { runBlock } from '../../src/interpreter/run-block.js';
import type { IrBlock } from '../../src/ir/block.js';
import { type Location, locationPc, makeLocation } from '../../src/ir/location.js';
import { ExitReason } from '../../src/ir/terminal.js';
import { formRegions } from '../../src/translator/region.js';
import { Translator } from '../../src/translator/translator.js';
import { fuzzSeed } from '../support/random.js';
import { type Mix, Random, randomBlocks, randomWord } from './random-block.js';
import { at, CODE_PAGE, DATA, knownBlocks, machine, memory, snapshot, words } from './rig.js';

const SEED = fuzzSeed('tiers');
const ROUNDS = Number(process.env.ROUNDS ?? 150);

const dataBytes = () => memory.u8.slice(DATA, CODE_PAGE + 0x1000);

interface Outcome {
  reason: number;
  words: Int32Array;
  data: Uint8Array;
  log: string[];
}

const outcome = (reason: number, log: string[]): Outcome => ({ reason, words: snapshot(), data: dataBytes(), log });

/** Where two outcomes differ, as text; empty when they do not. */
const difference = (cold: Outcome, hot: Outcome): string => {
  const lines: string[] = [];
  if (cold.reason !== hot.reason) lines.push(`reason ${cold.reason} ${hot.reason}`);
  cold.words.forEach((word, n) => {
    if (word !== hot.words[n]) lines.push(`word ${n}: ${word} ${hot.words[n]}`);
  });
  if (Buffer.compare(cold.data, hot.data) !== 0)
    lines.push(`memory at ${cold.data.findIndex((x, n) => x !== hot.data[n])}`);
  if (cold.log.join() !== hot.log.join()) lines.push(`callouts ${cold.log} ${hot.log}`);
  return lines.join('\n');
};

let hotLog: string[] = [];
const translator = new Translator(memory, { callout: (id) => calloutEffect(hotLog)(id) });

const calloutEffect = (log: string[]) => (id: number) => {
  log.push(`${id}@${words[Word.PC]}/${words[Word.FUEL]}/${words[0]}/${words[Word.VFP]}`);
  words[id] = (words[id] as number) ^ 0x55;
  words[Word.VFP + id] = (words[Word.VFP + id] as number) + 1;
};

const here = () => makeLocation(words[Word.PC] as number, words[Word.THUMB] !== 0, words[Word.ITSTATE]);

/** Runs from at(0) until a reason, or out of the blocks. Where `translator` has no entry the cold tier takes a block. */
const run = (blocks: readonly IrBlock[], translator: Translator | undefined): number => {
  const cold = new Map(blocks.map((b) => [b.location, bindBlock(b, machine.constants)]));
  let location: Location = at(0);
  for (;;) {
    const code = cold.get(location);
    if (code === undefined) return ExitReason.NEXT;
    const reason = translator?.enter(location) ?? runBlock(code, machine);
    if (reason !== ExitReason.NEXT) return reason;
    location = here();
  }
};

const randomState = (r: Random, fpscr: number): Int32Array => {
  const state = new Int32Array(Word.FP_RESULT);
  for (let n = 0; n < Word.FP_RESULT; n++) state[n] = randomWord(r);
  state[Word.FUEL] = r.below(120);
  state[Word.FPSCR] = fpscr;
  state[Word.PC] = locationPc(at(0));
  state[Word.THUMB] = 0;
  state[Word.ITSTATE] = 0;
  return state;
};

const compareOnce = (seed: number, mix: Mix, mode: 'hot' | 'mixed'): void => {
  const r = new Random(seed);
  const blocks = randomBlocks(r, 1 + r.below(7), mix);
  const byLocation = new Map(blocks.map((b) => [b.location, b]));
  const start = randomState(r, r.pick([0, 0x10, 0x10, 0x9f, 0x0300_0000, 0x0040_0010, 0x0080_0010]));
  const data = Uint8Array.from({ length: 0x5000 }, () => r.word());
  const reset = () => {
    words.set(start);
    memory.u8.set(data, DATA);
  };
  const coldLog: string[] = [];
  machine.callout = calloutEffect(coldLog);
  reset();
  const cold = outcome(run(blocks, undefined), coldLog);

  hotLog = [];
  machine.callout = calloutEffect(hotLog);
  const entries = blocks.map((b) => b.location).filter(() => mode === 'hot' || r.chance(50));
  const regions = translator.compile(formRegions(knownBlocks(byLocation), entries));
  memory.codeWatcher = {
    codeChanged: () => mode === 'mixed' && regions.length > 0 && translator.invalidate(r.pick(regions)),
  };
  reset();
  const hot = outcome(run(blocks, translator), hotLog);
  memory.codeWatcher = undefined;
  expect(difference(cold, hot), `ARMSTALK_SEED=${seed}, cold before hot`).toBe('');
  for (const region of regions) translator.invalidate(region);
  expect(translator.regionCount + translator.cellCount).toBe(0);
};

describe.each(['hot', 'mixed'] as const)('%s tier against cold', (mode) => {
  test.each([
    ['integers', { floats: false, wild: 3, callouts: false }],
    ['integers, callouts and faults', { floats: false, wild: 20, callouts: true }],
    ['floats', { floats: true, wild: 5, callouts: true }],
  ])('random blocks of %s end in the same state, memory and reason', (_name, mix) => {
    for (let n = 0; n < ROUNDS; n++) compareOnce(SEED + n, mix, mode);
  });
});
