/** Frida's own tests of the Stalker in its JavaScript, re-created by name. What is left out, and why: rows.ts of the catalogue. */
import { describe, expect, it } from 'vitest';
import { type CallbackError, DebugSymbol, type NativePointer, Process, Stalker } from '../../src/index.js';
import { compile, hasCompiler } from '../support/toolchain.js';

const PROGRAM = `
  __attribute__((noinline)) int probed(int n) { asm volatile(""); return n + 1; }
  __attribute__((noinline)) int between(int n) { asm volatile(""); return n; }
  int main(void) {
    int sum = 0;
    for (int i = 0; i < 4; i++) sum += probed(1337) - between(1334);
    return sum;
  }`;

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasCompiler())('GumJS', () => {
  const spawn = (errors: CallbackError[] = []): Process => {
    const program = compile('gumjs', PROGRAM, { flags: ['-O1', '-mthumb'] });
    return Process.spawn(program, { onError: (error) => errors.push(error), stdout: () => {} });
  };
  const probed = (): NativePointer => DebugSymbol.getFunctionByName('probed');
  const between = (): NativePointer => DebugSymbol.getFunctionByName('between');
  const finish = async (process: Process): Promise<void> => {
    expect((await process.resume()).exitCode).toBe(16);
  };

  it('execution_can_be_traced_with_custom_transformer', async () => {
    const process = spawn();
    let blocks = 0;
    let instructions = 0;
    let access: unknown;
    Stalker.follow({
      transform(iterator) {
        access = typeof iterator.memoryAccess;
        for (let n = 0; iterator.next() !== null; n++) {
          if (n === 0) iterator.putCallout(() => void blocks++);
          instructions++;
          iterator.keep();
        }
      },
    });
    await finish(process);
    expect(access).toBe('string');
    expect([blocks > 0, instructions > 0]).toEqual([true, true]);
  });

  it('execution_can_be_traced_with_faulty_transformer', async () => {
    const errors: CallbackError[] = [];
    const process = spawn(errors);
    const thread = Process.getCurrentThreadId();
    let hits = 0;
    Stalker.follow(thread, {
      transform() {
        throw new Error('oh no I am buggy');
      },
    });
    Stalker.addCallProbe(between(), () => void hits++);
    await finish(process);
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('oh no I am buggy')]);
    // Nothing was followed any more.
    expect(hits).toBe(0);
    expect(Stalker.garbageCollect()).toBe(false);
  });

  /** Reports which version of the block at `probed` runs; a translation made when `version` has grown is the next one. */
  const versions = (seen: string[], onCall: () => void): (() => void) => {
    let version = 0;
    const start = probed().and(~1);
    Stalker.follow({
      transform(iterator) {
        for (let insn = iterator.next(); insn !== null; insn = iterator.next()) {
          if (insn.address.equals(start)) {
            const own = version;
            iterator.putCallout(() => {
              seen.push(`v${own}`);
              onCall();
            });
          }
          iterator.keep();
        }
      },
    });
    return () => {
      version++;
    };
  };

  it('basic_block_can_be_invalidated_for_current_thread', async () => {
    const process = spawn();
    const seen: string[] = [];
    const next = versions(seen, () => {
      if (seen.length !== 3) return;
      next();
      Stalker.invalidate(probed());
    });
    await finish(process);
    expect(seen).toEqual(['v0', 'v0', 'v0', 'v1']);
  });

  it('basic_block_can_be_invalidated_for_specific_thread', async () => {
    const process = spawn();
    const thread = Process.getCurrentThreadId();
    const seen: string[] = [];
    const next = versions(seen, () => {});
    let calls = 0;
    Stalker.addCallProbe(between(), () => {
      if (++calls !== 1) return;
      next();
      Stalker.invalidate(thread, probed());
    });
    await finish(process);
    expect(seen).toEqual(['v0', 'v1', 'v1', 'v1']);
  });

  it('call_can_be_probed', async () => {
    const process = spawn();
    const seen: number[] = [];
    Stalker.follow();
    Stalker.addCallProbe(probed(), (args) => {
      seen.push((args[0] as NativePointer).toInt32());
    });
    await finish(process);
    expect(seen).toEqual([1337, 1337, 1337, 1337]);
  });

  it('cmodule_can_be_used_with_stalker_events, with a function instead of C', async () => {
    const process = spawn();
    const data: unknown[] = [];
    const kinds = new Set<number>();
    Stalker.follow({
      events: { compile: true, call: true, ret: true },
      data: 42,
      onEvent(event, _context, given) {
        kinds.add(event.kind);
        data.push(given);
      },
    });
    await finish(process);
    expect(data.length).toBeGreaterThan(0);
    expect(new Set(data)).toEqual(new Set([42]));
    expect([...kinds].sort((a, b) => a - b)).toEqual([1, 2, 16]);
  });

  it('cmodule_can_be_used_with_stalker_call_probe, with a function instead of C', async () => {
    const process = spawn();
    const seen: unknown[] = [];
    Stalker.follow();
    Stalker.addCallProbe(probed(), (_args, data) => seen.push(data), 12);
    await finish(process);
    expect(seen).toEqual([12, 12, 12, 12]);
  });
});
