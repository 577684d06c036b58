/** The rare events of a process as notes to a sink: what happened besides instructions, each after the events before it. */
import type { ModuleNote, Note } from '../events/event.js';
import type { EventSink } from '../events/sink.js';
import { Word } from '../guest/cpu-state.js';
import type { Syscall } from '../linux/dispatch.js';
import type { SignalInfo } from '../linux/kernel/signal-state.js';
import type { SignalOutcome, Task } from '../linux/kernel/task.js';
import { formatEntry, formatExit } from '../linux/strace.js';
import { ARM_PRIVATE_BASE } from '../linux/syscalls/arm-private.js';
import type { Engine } from './engine.js';
import type { OpenCall } from './thread.js';

/** Renders system calls; linux/strace has one. */
export interface CallRenderer {
  /** The line up to the first argument the kernel fills in. */
  entry(task: Task, call: Syscall): string;
  /** The whole line. `result` is undefined for a call that does not return. */
  exit(task: Task, call: Syscall, result: number | undefined, entryText: string): string;
}

/** One thing the user should hear once. */
export interface Incident {
  readonly code: string;
  readonly message: string;
  readonly tid: number;
  /** Interworking address. */
  readonly pc: number;
}

export interface RecorderOptions {
  readonly sink: Pick<EventSink, 'note'> | undefined;
  readonly renderer: CallRenderer;
  readonly onIncident: ((incident: Incident) => void) | undefined;
}

export class Recorder {
  readonly modules: ModuleNote[] = [];
  private readonly engine: Engine;
  private readonly options: RecorderOptions;
  private readonly reported = new Set<string>();

  constructor(engine: Engine, options: RecorderOptions) {
    this.engine = engine;
    this.options = options;
  }

  get recordsCalls(): boolean {
    return this.options.sink?.note !== undefined;
  }

  private note(note: Note): void {
    const { sink } = this.options;
    if (sink?.note === undefined) return;
    this.engine.drain();
    sink.note(note);
  }

  module(module: ModuleNote): void {
    this.modules.push(module);
    this.note({ ...module, clock: this.engine.clock });
  }

  threadStarted(task: Task, parentTid?: number): void {
    const parent = parentTid === undefined ? {} : { parentTid };
    this.note({
      type: 'thread',
      tid: task.tid,
      clock: this.engine.clock,
      what: 'start',
      name: task.name,
      ...parent,
    });
  }

  threadEnded(task: Task, exitCode: number): void {
    this.note({ type: 'thread', tid: task.tid, clock: this.engine.clock, what: 'exit', exitCode, name: task.name });
  }

  /** A call begins. Rendering costs nothing when nobody reads it. */
  callEntered(task: Task, call: Syscall): OpenCall {
    const entryText = this.recordsCalls ? this.options.renderer.entry(task, call) : '';
    return { call, clock: this.engine.clock, entryText };
  }

  callEnded(task: Task, { call, clock, entryText }: OpenCall, result: number | undefined): void {
    if (!this.recordsCalls) return;
    this.note({
      type: 'syscall',
      tid: task.tid,
      clock,
      endClock: this.engine.clock,
      pc: call.pc,
      number: call.number,
      name: nameOf(call),
      args: call.args,
      result,
      text: this.options.renderer.exit(task, call, result, entryText),
    });
  }

  signal(task: Task, info: SignalInfo, action: SignalOutcome): void {
    this.note({
      type: 'signal',
      tid: task.tid,
      clock: this.engine.clock,
      signo: info.signo,
      code: info.code,
      pc: pcOf(task),
      address: info.address ?? 0,
      action,
    });
  }

  /** Reported once per code and message. */
  incident(task: Task, code: string, message: string): void {
    const key = `${code}\n${message}`;
    if (this.reported.has(key)) return;
    this.reported.add(key);
    const pc = pcOf(task);
    this.note({ type: 'incident', tid: task.tid, clock: this.engine.clock, code, pc, message });
    this.options.onIncident?.({ code, message, tid: task.tid, pc });
  }
}

/** Interworking address of the instruction a task runs next. */
export const pcOf = (task: Task): number => {
  const pc = (task.words[Word.PC] as number) >>> 0;
  return task.words[Word.THUMB] !== 0 ? (pc | 1) >>> 0 : pc;
};

const nameOf = ({ row, number }: Syscall): string =>
  row?.name ?? (number >= ARM_PRIVATE_BASE ? `syscall_0x${number.toString(16)}` : `syscall_${number}`);

const hexArgs = (call: Syscall): string => call.args.map((arg) => `0x${(arg >>> 0).toString(16)}`).join(', ');

/** strace's rendering; names and hex numbers for a call without a row. */
export const straceRenderer: CallRenderer = {
  entry: (task, call) =>
    call.row === undefined ? `${nameOf(call)}(${hexArgs(call)})` : formatEntry(call.row, task, call.args),
  exit: (task, call, result, entryText) =>
    call.row === undefined
      ? `${entryText} = ${result ?? '?'}`
      : formatExit(call.row, task, call.args, result, entryText),
};
