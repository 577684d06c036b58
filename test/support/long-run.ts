/** `npm run test:long` tries every combination; `npm test`, which has minutes, those that show most for their time. */
export const isLongRun = process.env.ARMSTALK_LONG === '1';

/** The programs of `test/e2e` run whole in the cold and the hot tier (`npm run test:tiers`), and in the automatic one at length. */
export const isWholeRun = isLongRun || process.env.ARMSTALK_TIER !== undefined;
