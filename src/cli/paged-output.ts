/** Standard output through a pager, as git has it: only on a terminal, and only when the output does not fit on it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeStdout } from './output.js';

const EXIT_READER_GONE = 141;
/** less: end when it all fits (F), let colours through (R), leave the text on the screen (X). */
const LESS = 'FRX';

export interface PagedOutput {
  /** May have to wait for the reader. */
  write(text: string): Promise<void> | undefined;
  /** Waits until the reader is done with it. */
  close(): Promise<void> | undefined;
}

const plain: PagedOutput = {
  write(text) {
    writeStdout(text);
    return undefined;
  },
  close: () => undefined,
};

class Pager implements PagedOutput {
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;
  private failed = false;

  constructor(command: string) {
    this.child = spawn(command, {
      shell: true,
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { LESS, LV: '-c', ...process.env },
    });
    this.exited = once(this.child, 'close');
    this.child.stdin?.on('error', () => {
      this.failed = true;
    });
    // The terminal's Ctrl-C is the pager's.
    process.on('SIGINT', () => {});
  }

  /** Ends the process quietly when the pager was left. */
  async write(text: string): Promise<void> {
    const { stdin } = this.child;
    if (stdin === null || this.failed || this.child.exitCode !== null) return this.leave();
    if (!stdin.write(text)) await Promise.race([once(stdin, 'drain').catch(() => {}), this.exited]);
    if (this.failed) await this.leave();
  }

  async close(): Promise<void> {
    this.child.stdin?.end();
    await this.exited;
  }

  private async leave(): Promise<void> {
    await this.exited;
    process.exit(EXIT_READER_GONE);
  }
}

/** Where a reader's text goes. An empty pager, or `cat`, means none. */
export const pagedOutput = (noPager: boolean): PagedOutput => {
  if (noPager || process.stdout.isTTY !== true) return plain;
  const command = process.env.ARMSTALK_PAGER ?? process.env.PAGER ?? 'less';
  return command === '' || command === 'cat' ? plain : new Pager(command);
};
