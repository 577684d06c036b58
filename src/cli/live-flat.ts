import {
  type CodeMap,
  decodeRecord,
  type EventBatch,
  EventKind,
  type EventSink,
  hex,
  type Note,
  type StalkerEvent,
} from '../index.js';
import { noteLine } from './live-notes.js';

const KIND_NAMES: Readonly<Record<number, string>> = {
  [EventKind.CALL]: 'call',
  [EventKind.RET]: 'ret',
  [EventKind.EXEC]: 'exec',
  [EventKind.BLOCK]: 'block',
  [EventKind.COMPILE]: 'compile',
};

/** `--live=flat`: one line for each event: clock, thread, kind, from where to where. */
export class LiveFlat implements EventSink {
  readonly mask: number;
  private readonly codeMap: CodeMap;
  private readonly print: (text: string) => void;

  constructor(mask: number, codeMap: CodeMap, print: (text: string) => void) {
    this.mask = mask;
    this.codeMap = codeMap;
    this.print = print;
  }

  process(batch: EventBatch): void {
    let lines = '';
    for (let index = 0; index < batch.count; index++) lines += this.line(decodeRecord(batch, index));
    if (lines !== '') this.print(lines);
  }

  note(note: Note): void {
    const line = noteLine(note, this.codeMap);
    if (line !== undefined) this.print(`${String(note.clock).padStart(12)} ${line}`);
  }

  private line({ kind, tid, location, target, clock }: StalkerEvent): string {
    const isTransfer = kind === EventKind.CALL || kind === EventKind.RET;
    const isRange = kind === EventKind.BLOCK || kind === EventKind.COMPILE;
    const to = isTransfer
      ? ` -> ${this.codeMap.describe(target)}`
      : isRange
        ? ` ${(target - location) >>> 0} bytes`
        : '';
    const name = KIND_NAMES[kind].padEnd(7);
    return `${String(clock).padStart(12)} [${tid}] ${name} ${hex(location & ~1)} ${this.codeMap.describe(location)}${to}\n`;
  }
}
