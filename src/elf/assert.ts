/** Takes the place of node:assert in bundles: elfy asks for it, and it brings terminals and streams along. */
export const equal = (actual: unknown, expected: unknown): void => {
  if (actual !== expected) throw new Error(`${actual} instead of ${expected}`);
};
