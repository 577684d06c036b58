import { ArmstalkError, InternalError } from '../errors.js';
import { escapeText } from './escape.js';

const EXIT_UNREADABLE = 2;

/** The host's refusal to read a file the user named, or undefined. */
const unreadable = (error: unknown): ArmstalkError | undefined => {
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined || !['open', 'read', 'stat'].includes(syscall)) return undefined;
  const what = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
  const details = { errno: code, ...(path === undefined ? {} : { path }) };
  return new ArmstalkError('not-readable', EXIT_UNREADABLE, `${path ?? 'the input'} ${what}`, {
    cause: error,
    details,
  });
};

/** Our own errors as they are; anything else is the host's refusal or a bug of ours, and says so. */
export const asArmstalkError = (error: unknown): ArmstalkError => {
  if (error instanceof ArmstalkError) return error;
  const refusal = unreadable(error);
  if (refusal !== undefined) return refusal;
  return new InternalError(error instanceof Error ? error.message : String(error), { cause: error });
};

/** Three lines at most: what, detail, hint. */
export const errorText = (error: ArmstalkError): string => {
  const found = error.details?.found;
  const lines = [`armstalk: error: ${escapeText(error.message)}`];
  if (typeof found === 'string') lines.push(`  ${escapeText(found)}`);
  if (error.hint !== undefined) lines.push(`  hint: ${escapeText(error.hint)}`);
  return `${lines.join('\n')}\n`;
};

/** The same for programs: one line of JSON. */
export const errorJson = (error: ArmstalkError): string => {
  const { code, message, hint, details } = error;
  return `${JSON.stringify({ error: { code, message, hint, details } })}\n`;
};

/** Where in our code it happened, for `ARMSTALK_DEBUG=1`. */
export const errorStack = (error: ArmstalkError): string => {
  const cause = error.cause instanceof Error ? `caused by ${error.cause.stack}\n` : '';
  return `${error.stack}\n${cause}`;
};
