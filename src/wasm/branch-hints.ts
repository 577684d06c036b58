import { setFlagsFromString } from 'node:v8';

/** From this version on V8 reads branch hints without being told to. */
const SHIPPED_IN = 13;
let asked = false;

/**
 * Makes V8 read the branch hints of modules compiled from now on: rare paths, and what they spill, then lie outside
 * the code that runs. Hints change no result, and the flag is known to every V8 since Node 20.
 */
export const useBranchHints = (): void => {
  if (asked) return;
  asked = true;
  if (Number.parseInt(process.versions.v8 ?? '', 10) < SHIPPED_IN) {
    setFlagsFromString('--experimental-wasm-branch-hinting');
  }
};
