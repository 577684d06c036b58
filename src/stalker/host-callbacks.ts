/**
 * Where the engine calls user code. What a transformer, callout, probe or request throws goes to `onError`, once for each
 * function, and the guest goes on; without `onError` it ends the run. Our own errors (a trace that cannot be written)
 * always do.
 */
import { hex, type InterworkingAddr } from '../bits.js';
import { ArmstalkError } from '../errors.js';

export type CallbackKind = 'transformer' | 'callout' | 'call probe' | 'observer' | 'request' | 'sink';

/** One of the user's functions has thrown. `cause` is what it threw. */
export class CallbackError extends ArmstalkError {
  readonly kind: CallbackKind;
  readonly address: InterworkingAddr;

  constructor(kind: CallbackKind, address: InterworkingAddr, name: string, cause: unknown) {
    const called = name === '' ? kind : `${kind} ${name}`;
    const message = cause instanceof Error ? cause.message : String(cause);
    super('callback', 125, `the ${called} at ${hex(address)} threw: ${message}`, {
      cause,
      details: { kind, address: hex(address) },
      hint:
        kind === 'transformer'
          ? 'the thread is no longer followed; the program went on'
          : `this call of the ${kind} was skipped; the program went on`,
    });
    this.kind = kind;
    this.address = address;
  }
}

export class HostCallbacks {
  /** Receives the first error of each function. */
  onError: ((error: CallbackError) => void) | undefined;
  private readonly reported = new WeakSet<object>();

  /** Runs `body`, which calls the user's function `callback`; whether it went well. */
  run(kind: CallbackKind, address: InterworkingAddr, callback: object & { readonly name?: string }, body: () => void) {
    try {
      body();
      return true;
    } catch (thrown) {
      if (this.onError === undefined || isFatal(thrown)) throw thrown;
      if (!this.reported.has(callback)) {
        this.reported.add(callback);
        this.onError(new CallbackError(kind, address, callback.name ?? '', thrown));
      }
      return false;
    }
  }
}

/** An error about something else than the callback itself. */
const isFatal = (thrown: unknown): boolean => thrown instanceof ArmstalkError && thrown.code === 'output';
