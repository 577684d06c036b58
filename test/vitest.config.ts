import { defineConfig } from 'vitest/config';

// Two cores are the floor; suites that need an ARM toolchain or qemu-arm say so themselves.
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
