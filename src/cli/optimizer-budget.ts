import { setFlagsFromString } from 'node:v8';

/** Measured with V8 11 (Node 20). Later ones have a compiler more between the first and the last, and other rules. */
const MEASURED_BELOW = 12;
/** Bytes of bytecode a function runs through before the optimizing compiler is asked; V8's own is 66 KiB. */
const BUDGET = 4 * 66 * 1024;

/**
 * Has V8's optimizing compiler wait four times as long before it takes up a JavaScript function. In a short run it
 * works on what will hardly run again, beside the threads that compile and encode: a traced start took 0.94 s instead
 * of 1.14 s with it, and long runs take the same. Call before kept code is loaded: it counts for these flags only.
 */
export const delayOptimizer = (): void => {
  if (Number.parseInt(process.versions.v8 ?? '', 10) < MEASURED_BELOW)
    setFlagsFromString(`--interrupt-budget=${BUDGET}`);
};
