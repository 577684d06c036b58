/** Traces of the lock sample, recorded in this process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEventList, type RecordOptions, record, TraceReader } from '../../src/index.js';

export const LOCK = fileURLToPath(new URL('../../samples/bin/lock-thumb', import.meta.url));

/** A directory that `remove` deletes, and what is recorded in it. */
export class LockTraces {
  readonly directory = mkdtempSync(join(tmpdir(), 'armstalk-lock-'));

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Runs the program with `pin` on its standard input; answers the trace's path. */
  async record(name: string, pin: string, options: RecordOptions & { list?: string } = {}): Promise<string> {
    const { list = '+block', ...rest } = options;
    const output = this.path(name);
    await record(LOCK, {
      stdin: Buffer.from(`${pin}\n`),
      stdout: () => {},
      env: {},
      cwd: this.directory,
      events: parseEventList(list),
      output: { path: output },
      ...rest,
    });
    return output;
  }

  write(name: string, bytes: Uint8Array): string {
    writeFileSync(this.path(name), bytes);
    return this.path(name);
  }

  /** A reader whose name is the file's, without the directory. */
  open(name: string): TraceReader {
    return TraceReader.open(this.path(name), name);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}
