/** `npm run test:long` tries every combination; `npm test`, which has minutes, those that show most for their time. */
export const isLongRun = process.env.ARMSTALK_LONG === '1';
