/**
 * `--live=tree`: calls as an indented tree while they happen. A call is held back until the next event of its thread, so
 * that one which returns at once stands on a line of its own.
 */
import {
  type CodeMap,
  decodeRecord,
  type EventBatch,
  EventKind,
  type EventSink,
  type Note,
  type StalkerEvent,
} from '../index.js';
import { noteLine } from './live-notes.js';

/** No tree is indented further than this many levels. */
const MAX_INDENT = 60;

export class LiveTree implements EventSink {
  readonly mask = EventKind.CALL | EventKind.RET;
  private readonly codeMap: CodeMap;
  private readonly print: (text: string) => void;
  private readonly held = new Map<number, StalkerEvent>();
  /** Functions open per thread, by depth. */
  private readonly open = new Map<number, number[]>();

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
    const line = noteLine(note, this.codeMap);
    if (line === undefined) return;
    this.flush();
    this.print(line);
  }

  flush(): void {
    for (const [tid, call] of this.held) this.print(this.opened(call, tid));
    this.held.clear();
  }

  stop(tid: number): void {
    const call = this.held.get(tid);
    if (call !== undefined) this.print(this.opened(call, tid));
    this.held.delete(tid);
  }

  private event(event: StalkerEvent, lines: string[]): void {
    const { kind, tid, depth } = event;
    if (kind !== EventKind.CALL && kind !== EventKind.RET) return;
    const held = this.held.get(tid);
    this.held.delete(tid);
    if (kind === EventKind.CALL) {
      if (held !== undefined) lines.push(this.opened(held, tid));
      this.held.set(tid, event);
    } else if (held !== undefined && held.depth === depth) {
      lines.push(`${this.indent(tid, depth)}${this.codeMap.functionName(held.target)}();\n`);
    } else {
      if (held !== undefined) lines.push(this.opened(held, tid));
      lines.push(this.closed(tid, depth));
    }
  }

  private opened(call: StalkerEvent, tid: number): string {
    const stack = this.open.get(tid) ?? [];
    stack.length = call.depth;
    stack[call.depth] = call.target;
    this.open.set(tid, stack);
    return `${this.indent(tid, call.depth)}${this.codeMap.functionName(call.target)}() {\n`;
  }

  private closed(tid: number, depth: number): string {
    const target = this.open.get(tid)?.[depth];
    const name = target === undefined ? '' : ` /* ${this.codeMap.functionName(target)} */`;
    return `${this.indent(tid, depth)}}${name}\n`;
  }

  private indent(tid: number, depth: number): string {
    return `[${tid}] ${'  '.repeat(Math.min(depth, MAX_INDENT))}`;
  }
}
