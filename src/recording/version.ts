import { readFileSync } from 'node:fs';

/** The version in package.json, which stands two directories above this file, built or not. */
export const toolVersion = (): string =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
