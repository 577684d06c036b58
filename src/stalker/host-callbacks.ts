/**
 * Where the engine calls user code. What a transformer, callout, probe, sink or request throws goes to `onError`, once for each
 * function, and the guest goes on; without `onError` it ends the run. Our own errors (a trace that cannot be written)
 * always do.
 */
import { hex, type InterworkingAddr } from '../bits.js';
import { ArmstalkError } from '../errors.js';

export type CallbackKind = 'transformer' | 'callout' | 'call probe' | 'observer' | 'request' | 'sink';

/** One of the user's functions has thrown. `cause` is what it threw. */
export class CallbackError extends ArmstalkError {
  readonly kind: CallbackKind;
  /** Where it was called; undefined for one that is about no place. */
  readonly address: InterworkingAddr | undefined;

  constructor(kind: CallbackKind, address: InterworkingAddr | undefined, name: string, cause: unknown) {
    const called = name === '' ? kind : `${kind} ${name}`;
    const message = cause instanceof Error ? cause.message : String(cause);
    const place = address === undefined ? '' : ` at ${hex(address)}`;
    super('callback', 125, `the ${called}${place} threw: ${message}`, {
      cause,
      details: { kind, ...(address === undefined ? {} : { address: hex(address) }) },
      hint:
        kind === 'transformer'
          ? 'the thread is no longer followed; the program went on'
          : `this call of the ${kind} was skipped; the program went on`,
    });
    this.kind = kind;
    this.address = address;
  }
}

/** Shared by all copies of this module in the process. */
const ORIGINAL = Symbol.for('armstalk.original');

/** Makes a function that calls one of the user's count as that one in errors: by name, and told once for both. */
export const standFor = <F extends object>(wrapper: F, original: object & { readonly name?: string }): F =>
  Object.defineProperties(wrapper, { name: { value: original.name }, [ORIGINAL]: { value: original } });

/** The user's function that a wrapper stands for. */
const originalOf = (callback: object): object => (callback as { [ORIGINAL]?: object })[ORIGINAL] ?? callback;

export class HostCallbacks {
  /** Receives the first error of each function. */
  onError: ((error: CallbackError) => void) | undefined;
  private readonly reported = new WeakSet<object>();

  /** Runs `body`, which calls the user's function `callback`; whether it went well. */
  run(
    kind: CallbackKind,
    address: InterworkingAddr | undefined,
    callback: object & { readonly name?: string },
    body: () => void,
  ): boolean {
    try {
      body();
      return true;
    } catch (thrown) {
      if (this.onError === undefined || isFatal(thrown)) throw thrown;
      const original = originalOf(callback);
      if (!this.reported.has(original)) {
        this.reported.add(original);
        this.onError(new CallbackError(kind, address, callback.name ?? '', thrown));
      }
      return false;
    }
  }
}

/** An error about something else than the callback itself. */
const isFatal = (thrown: unknown): boolean => thrown instanceof ArmstalkError && thrown.code === 'output';
