import { hex } from '../bits.js';
import { EventKind, type ModuleNote } from '../events/event.js';
import { type CodeBytes, readBlock } from './branch.js';
import type { DiffSide } from './diff-side.js';
import { functionLabel } from './flow-keys.js';
import type { FlowThread, PartingKind } from './flow-thread.js';
import type { FlowStep } from './side-tree.js';
import type { Place } from './symbolize.js';

export type StepKind = 'call' | 'return' | 'instruction' | 'block';

/** One event of one side, in words. */
export interface DivergedStep {
  readonly kind: StepKind;
  readonly clock: number;
  readonly at: Place;
  /** Of a call the function, of a return the place it goes to. */
  readonly to?: Place;
  /** Name of the function called, or of the one returned to. */
  readonly toFunction?: string;
}

export interface DivergedSide {
  /** The first event that differs; absent when there is none. */
  readonly step?: DivergedStep;
  /** Address that ran next, as objdump shows it. */
  readonly next?: string;
  /** The first call or return from there on. */
  readonly transfer?: DivergedStep;
}

/** The last block both ran: what ended it went two ways. */
export interface DivergedBlock {
  readonly module: ModuleNote | undefined;
  /** Run-time addresses, bit 0 set in Thumb code. */
  readonly start: number;
  readonly end: number;
  /** The same as objdump shows them. */
  readonly startOffset: string;
  readonly endOffset: string;
  /** Its instructions, when the program's file is at hand. */
  readonly code: CodeBytes | undefined;
}

/** Where the two sides of a thread parted. */
export interface Divergence {
  readonly thread: number;
  readonly kind: PartingKind;
  /** Clock of the first event that differs: the old trace's, where it has one. */
  readonly clock: number;
  readonly commonEvents: number;
  readonly commonBlocks: number;
  /** The last place both were at: the instruction that went two ways, or the block it ends when that is not known. */
  readonly at: Place | undefined;
  readonly block?: DivergedBlock;
  /** The last event both have. */
  readonly last?: DivergedStep;
  /** The function that returned right before the last block, when nothing else happened in between. */
  readonly lastReturn?: string;
  /** Functions open, outermost first. */
  readonly stack: readonly string[];
  readonly old: DivergedSide;
  readonly new: DivergedSide;
}

const KIND_WORDS: Readonly<Record<number, StepKind>> = {
  [EventKind.CALL]: 'call',
  [EventKind.RET]: 'return',
  [EventKind.EXEC]: 'instruction',
  [EventKind.BLOCK]: 'block',
  [EventKind.COMPILE]: 'block',
};

/** A parting in names and offsets. */
export const describeParting = (
  thread: FlowThread,
  sides: readonly [DiffSide, DiffSide],
  directories: readonly string[],
): Divergence => {
  const { parting, stack, tid, trees } = thread;
  if (parting === undefined) throw new Error('the threads did not part');
  const { kind, last, lastBlock, lastReturn, next } = parting;
  const [old, now] = sides;
  const block = last?.kind === EventKind.BLOCK && lastBlock ? divergedBlock(old, lastBlock, directories) : undefined;
  const functionAt = (address: number): string => functionLabel(old.symbols.functionAt(address));
  const levels = Array.from({ length: stack.height }, (_, level) => stack.target(level));
  return {
    thread: tid,
    kind,
    clock: (next[0] ?? next[1])?.clock ?? 0,
    commonEvents: parting.commonEvents,
    commonBlocks: parting.commonBlocks,
    at: block ? old.symbols.place(lastInstruction(block)) : placeOf(old, last),
    ...(block ? { block } : {}),
    ...(last ? { last: stepOf(old, last) } : {}),
    ...(lastReturn === 0 ? {} : { lastReturn: functionAt(lastReturn) }),
    stack: levels.map(functionAt),
    old: sideOf(old, next[0], trees?.[0].firstTransfer),
    new: sideOf(now, next[1], trees?.[1].firstTransfer),
  };
};

const placeOf = (side: DiffSide, step: FlowStep | undefined): Place | undefined =>
  step && side.symbols.place(step.kind === EventKind.RET ? step.target : step.location);

const divergedBlock = (
  { symbols, header }: DiffSide,
  { location, target }: FlowStep,
  directories: readonly string[],
): DivergedBlock => {
  const module = symbols.moduleAt((location & ~1) >>> 0);
  const offset = (address: number): string => hex(((address & ~1) >>> 0) - (module?.bias ?? 0));
  const code = module && readBlock(module, location, target, { cwd: header?.cwd ?? '', directories });
  return { module, start: location, end: target, startOffset: offset(location), endOffset: offset(target), code };
};

/** Run-time address of the block's last instruction, or of the block when Thumb code is not at hand to be measured. */
const lastInstruction = ({ start, end, code }: DivergedBlock): number => {
  const first = (start & ~1) >>> 0;
  const past = (end & ~1) >>> 0;
  if ((start & 1) === 0) return past - 4;
  if (past - first === 2 || code === undefined) return first;
  let last = 0;
  for (let at = 0; at < code.bytes.length; at += thumbSize(code.bytes, at)) last = at;
  return first + last;
};

/** A first halfword of 0xe800 or above begins a 32-bit instruction. */
const thumbSize = (bytes: Uint8Array, at: number): number => ((bytes[at + 1] as number) >= 0xe8 ? 4 : 2);

const sideOf = (side: DiffSide, next: FlowStep | undefined, transfer: FlowStep | undefined): DivergedSide => ({
  ...(next ? { step: stepOf(side, next), next: side.symbols.place(next.location).offset } : {}),
  ...(transfer ? { transfer: stepOf(side, transfer) } : {}),
});

const stepOf = ({ symbols }: DiffSide, { kind, location, target, clock }: FlowStep): DivergedStep => ({
  kind: KIND_WORDS[kind] ?? 'instruction',
  clock,
  at: symbols.place(location),
  ...(kind === EventKind.CALL || kind === EventKind.RET
    ? {
        to: kind === EventKind.CALL ? symbols.callee(target) : symbols.place(target),
        toFunction: functionLabel(symbols.functionAt(target)),
      }
    : {}),
});
