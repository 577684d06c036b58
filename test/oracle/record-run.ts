/**
 * One recorded run through the library, as user and group the test itself runs as: qemu-arm hands those to the guest, and
 * programs ask (BusyBox drops privileges when it is not root; its shell formats its parent's pid).
 */
import { EventKind } from '../../src/events/event.js';
import type { GuestMemory } from '../../src/guest/memory.js';
import { Process } from '../../src/process/process.js';
import { Stalker } from '../../src/stalker/stalker.js';
import { TraceWriter } from '../../src/trace/writer.js';
import { GUEST_ENV, type RunOptions } from '../support/qemu.js';

export interface GuestRun {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly status: number;
}

/** What a program sees of us when qemu-arm runs it as our child. Its pid is qemu's own and stays unknown. */
export const hostIdentity = (): { uid: number; gid: number; ppid: number } => ({
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  ppid: process.pid,
});

/** Runs `program` with calls, returns and compiled blocks recorded into `trace`. */
export const recordRun = async (
  program: string,
  options: RunOptions & { readonly quantum?: number },
  trace: string,
): Promise<GuestRun> => {
  const writer = new TraceWriter({ mask: EventKind.CALL | EventKind.RET | EventKind.COMPILE });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  const createEngine = (memory: GuestMemory): Stalker => {
    const stalker = new Stalker(memory);
    stalker.followNewThreads = { profile: 'precise', events: writer.mask, sink: writer };
    return stalker;
  };
  writer.open(trace, { program });
  const guest = Process.spawn(program, {
    argv0: options.argv0 ?? program,
    args: options.args ?? [],
    env: { ...(options.env ?? GUEST_ENV) },
    identity: hostIdentity(),
    createEngine,
    stdin: Buffer.from(options.stdin ?? ''),
    stdout: (chunk) => output.push(Buffer.from(chunk)),
    stderr: (chunk) => errors.push(Buffer.from(chunk)),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.quantum === undefined ? {} : { quantum: options.quantum }),
  });
  const { exitCode, signo, stopped, instructions } = await guest.resume();
  if (stopped !== undefined) throw new Error(`${program} was stopped: ${stopped}`);
  guest.engine.drain();
  writer.end({ reason: 'exit', exitCode: exitCode ?? 0, clock: instructions });
  return { stdout: Buffer.concat(output), stderr: Buffer.concat(errors), status: exitCode ?? 128 + (signo ?? 0) };
};
