/** Traces of programs without symbols, and filters that pick some of their functions. */
import type { FunctionTest, ReadFilters } from '../../src/analysis/filters.js';
import { playProgram, SyntheticMachine } from './event-stream.js';
import { recordBytes } from './trace-file.js';

const FUNCTIONS = 12;

export const trace = (seed: number, threads: number, wild = 0.02): Buffer =>
  recordBytes(
    (writer) => {
      const machine = new SyntheticMachine((batch) => writer.process(batch), { tellsElsewhere: true });
      playProgram(machine, { events: 3000, seed, threads, wild, functions: FUNCTIONS, blocks: true });
      machine.run(17);
      writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
    },
    { chunkEvents: 500 },
  );

/** Functions have no symbols here: they are told apart by address. */
const some = (random: () => number, share: number): FunctionTest | undefined => {
  const chosen = new Set(Array.from({ length: FUNCTIONS }, (_, fn) => fn).filter(() => random() < share));
  return random() < 0.5 ? undefined : ({ offset }) => chosen.has((offset - 0x10000) >> 8);
};

export const someFilters = (random: () => number): ReadFilters => {
  const tests = {
    only: some(random, 0.4),
    without: some(random, 0.15),
    hide: some(random, 0.2),
    caller: some(random, 0.2),
    depth: random() < 0.4 ? 1 + Math.floor(random() * 6) : undefined,
    minCost: random() < 0.4 ? Math.floor(random() * 60) : undefined,
  };
  return Object.fromEntries(Object.entries(tests).filter(([, value]) => value !== undefined));
};
