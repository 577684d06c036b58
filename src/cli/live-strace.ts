import type { CodeMap, EventSink, Note } from '../index.js';
import { noteLine } from './live-notes.js';

/** `--live=strace`: system calls, signals, probes and exits, one line each. */
export class LiveStrace implements EventSink {
  readonly mask = 0;
  private readonly codeMap: CodeMap;
  private readonly print: (text: string) => void;

  constructor(codeMap: CodeMap, print: (text: string) => void) {
    this.codeMap = codeMap;
    this.print = print;
  }

  process(): void {}

  note(note: Note): void {
    const line = noteLine(note, this.codeMap);
    if (line !== undefined) this.print(line);
  }
}
