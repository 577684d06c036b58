/**
 * `--live=probes`: only what probes see, as a tree of their own. A call whose result is waited for is held back until the
 * next hit of its thread, so that one which returns at once stands on a line of its own.
 */
import {
  type CodeMap,
  demangleName,
  type EventSink,
  type Note,
  probeArgumentsText,
  probeCallersText,
  probeResult,
  probeValueText,
} from '../index.js';
import { escapeText } from './escape.js';
import { noteLine } from './live-notes.js';

type ProbeNote = Extract<Note, { readonly type: 'probe' }>;

/** No tree is indented further than this many levels. */
const MAX_INDENT = 60;
/** Open calls remembered for each thread. */
const MAX_OPEN = 1 << 16;

interface OpenCall {
  readonly entry: ProbeNote;
  isShown: boolean;
}

export class LiveProbes implements EventSink {
  readonly mask = 0;
  private readonly codeMap: CodeMap;
  private readonly print: (text: string) => void;
  private readonly threads = new Map<number, OpenCall[]>();

  constructor(codeMap: CodeMap, print: (text: string) => void) {
    this.codeMap = codeMap;
    this.print = print;
  }

  process(): void {}

  note(note: Note): void {
    if (note.type === 'probe') this.hit(note);
    else if (note.type === 'signal') this.print(noteLine(note, this.codeMap) ?? '');
    else if (note.type === 'thread' && note.what === 'exit') this.flushThread(note.tid);
  }

  flush(): void {
    for (const tid of this.threads.keys()) this.flushThread(tid);
  }

  private hit(note: ProbeNote): void {
    const open = this.threads.get(note.tid) ?? [];
    this.threads.set(note.tid, open);
    if (note.phase === 'return') {
      this.returned(note, open);
      return;
    }
    this.dropUnwound(note, open);
    this.show(open);
    if (note.phase === 'entry' && open.length < MAX_OPEN) open.push({ entry: note, isShown: false });
    else this.line(note.tid, open.length, `${this.call(note)}${callers(note)}`);
  }

  private returned(note: ProbeNote, open: OpenCall[]): void {
    const isOf = ({ entry }: OpenCall): boolean =>
      entry.probe === note.probe && entry.location === note.location && entry.returnAddress === note.returnAddress;
    const at = open.findLastIndex(isOf);
    if (at < 0) return;
    while (open.length > at + 1) this.unwind(open);
    const { entry, isShown } = open.pop() as OpenCall;
    const result = probeResult(note);
    const value = result === undefined ? '' : ` = ${probeValueText(result)}`;
    if (isShown) this.line(note.tid, open.length, `}${value} /* ${this.name(entry)} */`);
    else this.line(note.tid, open.length, `${this.call(entry)}${value}${callers(entry)}`);
  }

  /** Calls that are deeper than the one that begins are over, without a return; not one that another probe saw begin. */
  private dropUnwound({ depth, location, returnAddress, clock }: ProbeNote, open: OpenCall[]): void {
    const isGone = ({ entry }: OpenCall): boolean =>
      entry.depth > depth ||
      (depth > 0 &&
        entry.depth === depth &&
        !(entry.location === location && entry.clock === clock) &&
        (entry.returnAddress !== returnAddress || entry.location === location));
    for (let top = open.at(-1); top !== undefined && isGone(top); top = open.at(-1)) this.unwind(open);
  }

  private unwind(open: OpenCall[]): void {
    const { entry, isShown } = open.pop() as OpenCall;
    if (isShown) this.line(entry.tid, open.length, `} /* ${this.name(entry)}: unwound */`);
    else this.line(entry.tid, open.length, `${this.call(entry)} /* unwound */`);
  }

  /** Opens the innermost call if that has not been done. */
  private show(open: OpenCall[]): void {
    const top = open.at(-1);
    if (top === undefined || top.isShown) return;
    top.isShown = true;
    this.line(top.entry.tid, open.length - 1, `${this.call(top.entry)} {${callers(top.entry)}`);
  }

  private flushThread(tid: number): void {
    this.show(this.threads.get(tid) ?? []);
    this.threads.delete(tid);
  }

  private name({ location }: ProbeNote): string {
    return demangleName(this.codeMap.functionName(location));
  }

  private call(note: ProbeNote): string {
    return `${this.name(note)}(${probeArgumentsText(note.values)})`;
  }

  private line(tid: number, depth: number, text: string): void {
    this.print(`[${tid}] ${'  '.repeat(Math.min(depth, MAX_INDENT))}${escapeText(text)}\n`);
  }
}

const callers = ({ values }: ProbeNote): string => {
  const text = probeCallersText(values);
  return text === '' ? '' : ` /* from ${text} */`;
};
