/** What a script's `Stalker.follow` asks of the engine. */
import type { Insn } from '../arm/insn.js';
import { UsageError } from '../errors.js';
import { EventKind, type EventMask } from '../events/event.js';
import type { StalkerEvent } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import type { CpuContext } from '../stalker/cpu-context.js';
import { type HostCallbacks, standFor } from '../stalker/host-callbacks.js';
import type { BlockIterator } from '../stalker/iterator.js';
import type { EventCallback, FollowOptions, Profile } from '../stalker/options.js';
import type { Transformer } from '../stalker/transformer.js';
import { attached } from './attached.js';
import { CallSummarySink } from './call-summary-sink.js';
import { Instruction } from './instruction.js';
import { type ArmCpuContext, scriptContext } from './registers.js';
import { ScriptSink } from './script-sink.js';
import { StackedSink } from './stacked-sink.js';

/** What `transform` drives: `next`, `keep` and the things that can be inserted. Valid during the call only. */
export interface ScriptIterator {
  readonly memoryAccess: 'open' | 'exclusive';
  /** The next instruction (an IT group is one), null at the block's end. */
  next(): Instruction | null;
  keep(): void;
  /** Calls back with the registers, at this point of the block. */
  putCallout(callout: (context: ArmCpuContext) => void): void;
  putChainingReturn(): void;
  /** A guest instruction that runs without events, see StalkerIterator.putInstruction. */
  putInstruction(word: number): void;
}

export interface StalkerOptions {
  readonly events?: Readonly<Partial<Record<'call' | 'ret' | 'exec' | 'block' | 'compile', boolean>>>;
  /** 16-byte records, see `Stalker.parse`. */
  readonly onReceive?: (events: ArrayBuffer) => void;
  /** Calls per target since the last time, `{ '0x1041': 3 }`. */
  readonly onCallSummary?: (summary: Record<string, number>) => void;
  /**
   * Every event as it happens, with the registers of its thread (null for compile); Frida wants a native function here. What
   * is written to the registers holds from the next instruction on.
   */
  readonly onEvent?: (event: StalkerEvent, context: ArmCpuContext | null, data: unknown) => void;
  readonly transform?: (iterator: ScriptIterator) => void;
  /** Handed to `onEvent`. */
  readonly data?: unknown;
  /** Not in Frida: `precise` follows the architecture's rules instead of Frida's. Default `gum`; a recording's own under it. */
  readonly profile?: Profile;
}

/** How events wait for their delivery. */
export interface DeliveryQueue {
  /** In events. */
  readonly capacity: number;
  /** Milliseconds; 0 for no timer. */
  readonly intervalMs: number;
}

const KINDS: Readonly<Record<string, EventMask>> = {
  call: EventKind.CALL,
  ret: EventKind.RET,
  exec: EventKind.EXEC,
  block: EventKind.BLOCK,
  compile: EventKind.COMPILE,
};

const maskOf = (events: unknown): EventMask => {
  if (typeof events !== 'object' || events === null) throw new UsageError('events: expected an object');
  let mask = 0;
  for (const [name, wanted] of Object.entries(events)) {
    const kind = KINDS[name];
    if (kind === undefined) throw new UsageError(`unknown event type: ${name}`);
    if (typeof wanted !== 'boolean') throw new UsageError(`events.${name}: expected true or false`);
    if (wanted) mask |= kind;
  }
  return mask;
};

/** On top of the recording's follow, if there is one. Throws UsageError. */
export const followOptions = (options: StalkerOptions, queue: DeliveryQueue): FollowOptions => {
  const { engine, recorded } = attached();
  const mask = options.events === undefined ? 0 : maskOf(options.events);
  const { transform } = options;
  return {
    ...recorded,
    profile: profileOf(options, recorded),
    events: mask | (recorded?.events ?? 0),
    ...sinkFor(mask, options, engine.callbacks, queue),
    ...eventCallback(mask, options),
    ...(transform === undefined ? {} : { transformer: scriptTransformer(transform, recorded?.transformer) }),
  };
};

const profileOf = (options: StalkerOptions, recorded: FollowOptions | undefined): Profile => {
  const { profile = recorded?.profile ?? 'gum' } = options;
  if (recorded === undefined || profile === recorded.profile) return profile;
  throw new UsageError(`the recording's profile is ${recorded.profile}, not ${profile}`, {
    hint: `leave profile out, or record with --profile ${profile}`,
  });
};

const sinkFor = (
  mask: EventMask,
  options: StalkerOptions,
  callbacks: HostCallbacks,
  queue: DeliveryQueue,
): { sink?: EventSink } => {
  const own = mask === 0 ? undefined : receiverSink(mask, options, callbacks, queue);
  const below = attached().recorded?.sink;
  if (below !== undefined) return { sink: new StackedSink(below, own) };
  return own === undefined ? {} : { sink: own };
};

const receiverSink = (
  mask: EventMask,
  options: StalkerOptions,
  callbacks: HostCallbacks,
  queue: DeliveryQueue,
): EventSink | undefined => {
  const { onCallSummary, onReceive, onEvent } = options;
  if (onCallSummary === undefined && onReceive === undefined) return undefined;
  if (mask === EventKind.CALL && onCallSummary !== undefined && !onReceive && !onEvent) {
    return new CallSummarySink(onCallSummary, callbacks, queue.intervalMs);
  }
  return new ScriptSink(mask, options, callbacks, queue);
};

const scriptTransformer = (
  transform: (iterator: ScriptIterator) => void,
  below: Transformer | undefined,
): Transformer => {
  const run = (iterator: BlockIterator): void => transform(scriptIterator(below?.around?.(iterator) ?? iterator));
  return { transform: standFor(run, transform) };
};

const eventCallback = (mask: EventMask, { onEvent, data }: StalkerOptions): { onEvent?: EventCallback } => {
  if (onEvent === undefined || mask === 0) return {};
  const run: EventCallback = (event, registers) => {
    if ((event.kind & mask) !== 0) onEvent(event, registers === undefined ? null : scriptContext(registers), data);
  };
  return { onEvent: standFor(run, onEvent) };
};

const scriptIterator = (iterator: BlockIterator): ScriptIterator => ({
  get memoryAccess() {
    return iterator.memoryAccess;
  },
  next: () => {
    const insn: Insn | undefined = iterator.next();
    return insn === undefined ? null : new Instruction(insn);
  },
  keep: () => iterator.keep(),
  putCallout: (callout) => {
    const run = (registers: CpuContext): void => callout(scriptContext(registers));
    iterator.putCallout(standFor(run, callout));
  },
  putChainingReturn: () => iterator.putChainingReturn(),
  putInstruction: (word) => iterator.putInstruction(word),
});
