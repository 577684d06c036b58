/**
 * `--live=tree`: calls as an indented tree while they happen. A call is held back until the next event of its thread, so
 * that one which returns at once stands on a line of its own.
 */
import {
  type CodeMap,
  decodeRecord,
  demangleName,
  type EventBatch,
  EventKind,
  type EventSink,
  type Note,
  probeArgumentsText,
  probeCallersText,
  probeResult,
  probeValueText,
  type StalkerEvent,
  veneerTarget,
} from '../index.js';
import { escapeText } from './escape.js';
import { noteLine } from './live-notes.js';

/** No tree is indented further than this many levels. */
const MAX_INDENT = 60;

interface HeldCall {
  readonly event: StalkerEvent;
  /** What a probe at the function's beginning said. */
  arguments: string;
  callers: string;
}

type ProbeNote = Extract<Note, { readonly type: 'probe' }>;

export class LiveTree implements EventSink {
  readonly mask = EventKind.CALL | EventKind.RET;
  private readonly codeMap: CodeMap;
  private readonly print: (text: string) => void;
  private readonly held = new Map<number, HeldCall>();
  /** Functions open per thread, by depth. */
  private readonly open = new Map<number, number[]>();
  /** Results of calls that are about to return. */
  private readonly results = new Map<number, string>();

  constructor(codeMap: CodeMap, print: (text: string) => void) {
    this.codeMap = codeMap;
    this.print = print;
  }

  process(batch: EventBatch): void {
    const lines: string[] = [];
    for (let index = 0; index < batch.count; index++) this.event(decodeRecord(batch, index), lines);
    if (lines.length > 0) this.print(lines.join(''));
  }

  note(note: Note): void {
    if (note.type === 'probe' && this.belongsToCall(note)) return;
    const line = noteLine(note, this.codeMap);
    if (line === undefined) return;
    this.flush();
    this.print(line);
  }

  flush(): void {
    for (const call of this.held.values()) this.print(this.opened(call));
    this.held.clear();
  }

  stop(tid: number): void {
    const call = this.held.get(tid);
    if (call !== undefined) this.print(this.opened(call));
    this.held.delete(tid);
  }

  /** A hit where a call went is told with the call, a result with the return. */
  private belongsToCall(note: ProbeNote): boolean {
    const held = this.held.get(note.tid);
    const result = probeResult(note);
    const function_ = result === undefined ? held?.event.target : (held?.event.target ?? this.innermost(note));
    if (function_ === undefined || !this.isSame(function_, note.location)) return false;
    if (result !== undefined) {
      this.results.set(note.tid, ` = ${probeValueText(result)}`);
      return true;
    }
    if (held === undefined) return false;
    const values = probeArgumentsText(note.values);
    held.arguments += held.arguments === '' ? values : `, ${values}`;
    const callers = probeCallersText(note.values);
    if (callers !== '') held.callers = ` /* from ${callers} */`;
    return true;
  }

  /** Whether a call of `target` runs the function at `location`; a veneer leads there. */
  private isSame(target: number, location: number): boolean {
    if ((target & ~1) === (location & ~1)) return true;
    const behind = veneerTarget(this.codeMap.functionName(target));
    return behind !== undefined && behind === this.codeMap.functionName(location);
  }

  private nameOf(target: number): string {
    const name = this.codeMap.functionName(target);
    return demangleName(veneerTarget(name) ?? name);
  }

  private innermost({ tid, depth }: ProbeNote): number | undefined {
    return this.open.get(tid)?.[depth - 1];
  }

  private event(event: StalkerEvent, lines: string[]): void {
    const { kind, tid, depth } = event;
    if (kind !== EventKind.CALL && kind !== EventKind.RET) return;
    const held = this.held.get(tid);
    this.held.delete(tid);
    if (kind === EventKind.CALL) {
      if (held !== undefined) lines.push(this.opened(held));
      this.held.set(tid, { event, arguments: '', callers: '' });
    } else if (held !== undefined && held.event.depth === depth) {
      const result = this.resultOf(tid);
      lines.push(`${this.indent(tid, depth)}${this.call(held)}${result}${result === '' ? ';' : ''}${held.callers}\n`);
    } else {
      if (held !== undefined) lines.push(this.opened(held));
      lines.push(this.closed(tid, depth));
    }
  }

  private call({ event, arguments: values }: HeldCall): string {
    return `${this.nameOf(event.target)}(${escapeText(values)})`;
  }

  private opened(call: HeldCall): string {
    const { tid, depth, target } = call.event;
    const stack = this.open.get(tid) ?? [];
    stack.length = depth;
    stack[depth] = target;
    this.open.set(tid, stack);
    return `${this.indent(tid, depth)}${this.call(call)} {${call.callers}\n`;
  }

  private closed(tid: number, depth: number): string {
    const target = this.open.get(tid)?.[depth];
    const name = target === undefined ? '' : ` /* ${this.nameOf(target)} */`;
    return `${this.indent(tid, depth)}}${this.resultOf(tid)}${name}\n`;
  }

  /** ` = 1`, once. */
  private resultOf(tid: number): string {
    const result = this.results.get(tid) ?? '';
    this.results.delete(tid);
    return escapeText(result);
  }

  private indent(tid: number, depth: number): string {
    return `[${tid}] ${'  '.repeat(Math.min(depth, MAX_INDENT))}`;
  }
}
