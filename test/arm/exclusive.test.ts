/** Exclusive pairs against Unicorn: a store that may, and one that may not. */
import { describe, expect, it } from 'vitest';
import { Psr } from '../../src/guest/cpu-state.js';
import { hasUnicorn } from '../support/unicorn.js';
import { DATA, DATA_BYTES, type Instruction, Lockstep } from './lockstep.js';

const arm = (word: number): Instruction => ({ word, sizeBytes: 4 });
/** r0 and r1: addresses; r2, r3: what is stored. */
const start = {
  registers: Int32Array.from({ length: 15 }, (_, n) => (n === 0 ? DATA + 0x100 : n === 1 ? DATA + 0x200 : 0x1111 * n)),
  cpsr: Psr.USER,
};

const PAIRS = [
  ['LDREX, STREX', 0xe190_cf9f, 0xe180_4f92],
  ['LDREXB, STREXB', 0xe1d0_cf9f, 0xe1c0_4f92],
  ['LDREXH, STREXH', 0xe1f0_cf9f, 0xe1e0_4f92],
  ['LDREXD, STREXD', 0xe1b0_cf9f, 0xe1a0_4f92],
] as const;

// Judged by Debian's libunicorn2. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasUnicorn())('the exclusive monitor', () => {
  const lockstep = new Lockstep();
  lockstep.fillData(Uint8Array.from({ length: DATA_BYTES }, (_, i) => (i * 7) & 0xff));
  const run = (words: readonly number[]) => {
    lockstep.clearMonitors();
    const outcome = lockstep.run('arm', words.map(arm), start);
    return { differences: outcome.differences, status: lockstep.machine.words[4] };
  };

  it.each(PAIRS)('%s on one address: the store happens and gives 0', (_name, load, store) => {
    expect(run([load, store])).toEqual({ differences: [], status: 0 });
  });

  it.each(PAIRS)('%s on two addresses: no store, 1', (_name, load, store) => {
    expect(run([load, (store & ~0xf_0000) | 0x1_0000])).toEqual({ differences: [], status: 1 });
  });

  it.each(PAIRS)('%s, and the store once more: 1, the first one opened the monitor', (_name, load, store) => {
    expect(run([load, store, store])).toEqual({ differences: [], status: 1 });
  });

  it.each(PAIRS)('%s with CLREX between them: no store, 1', (_name, load, store) => {
    expect(run([load, 0xf57f_f01f, store])).toEqual({ differences: [], status: 1 });
  });
});
