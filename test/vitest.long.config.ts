import { defineConfig } from 'vitest/config';

const sizes = {
  ARMSTALK_LONG: 1,
  ARMSTALK_SEED: 'random',
  ARMSTALK_FUZZ: 50_000,
  ARMSTALK_CSMITH: 200,
  ARMSTALK_CHURN: 100_000,
  ARMSTALK_LOOP: 20_000_000_000,
  ARMSTALK_GUEST_SECONDS: 3600,
  ARMSTALK_MUTANTS: 5000,
  ARMSTALK_PROGRAM_MUTANTS: 1000,
  ARMSTALK_PAIRS: 50,
  ARMSTALK_SCALE: 38,
  ARMSTALK_STREAM: 2_000_000_000,
  ARMSTALK_OPERATIONS: 10_000,
};

// What `npm test` only tries in part, and the fuzz, lifetime and scale suites, at full size; the same variables in the
// environment choose another one.
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: [
      'test/tiers/{samples,real-programs,sequences.fuzz,csmith,lifetime}.test.ts',
      'test/analysis/{mutants.fuzz,scale}.test.ts',
      'test/e2e/mutants.test.ts',
      'test/recording/{probe-fields.e2e,excluded-calls,activation}.test.ts',
      'test/e2e/{busybox,samples}.test.ts',
      'test/oracle/{diff-pairs,event-oracle}.test.ts',
      'test/stalker/operations.fuzz.test.ts',
    ],
    env: Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, process.env[name] ?? `${size}`])),
    testTimeout: 3_600_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
