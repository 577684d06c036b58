/** What each thread of the guest does when it is followed from start to end: the reference of the property test. */
import { EventKind } from '../../../src/events/event.js';
import type { StalkerEvent } from '../../../src/events/ring.js';
import { CollectingSink } from '../guest-code.js';
import { Guest, guestCode, THREADS } from './guest.js';

/** A block of the guest's code. */
export interface BlockShape {
  /** Interworking addresses, as events show them. */
  readonly start: number;
  readonly end: number;
  /** What its last instruction calls. */
  calls?: number | 'a register';
}

/** One retired instruction of a thread; its position is the thread's own clock before it. */
export interface Step {
  readonly location: number;
  /** A block begins here. */
  readonly isBoundary: boolean;
  /** sp before it. */
  readonly sp: number;
  transfer?: { readonly kind: number; readonly target: number };
  /** Where control goes from it, if not to the next instruction and not by a call. */
  jumpsTo?: number;
  /** Its instruction is BX. */
  readonly isBx: boolean;
  /** Of a call: position of the step that returns from it. */
  returnStep?: number;
}

export interface ThreadReference {
  readonly steps: readonly Step[];
  readonly result: number;
  /** Blocks it has run, by start. */
  readonly blocks: ReadonlyMap<number, BlockShape>;
}

const { CALL, RET, EXEC, BLOCK } = EventKind;

const followAll = (tid: number): ThreadReference => {
  const guest = new Guest({ tier: 'cold' });
  const sink = new CollectingSink(CALL | RET | EXEC | BLOCK);
  const stackPointers: number[] = [];
  guest.stalker.follow(tid, {
    profile: 'precise',
    events: sink.mask,
    sink,
    transformer: {
      transform: (iterator) => {
        while (iterator.next() !== undefined) {
          iterator.putCallout(({ sp }) => stackPointers.push(sp));
          iterator.keep();
        }
      },
    },
  });
  while (!guest.results.has(tid)) guest.run(tid, 1_000_000);
  guest.stalker.drain();
  return { ...tracesOf(sink.events, stackPointers), result: guest.results.get(tid) as number };
};

const tracesOf = (
  events: readonly StalkerEvent[],
  stackPointers: readonly number[],
): Pick<ThreadReference, 'steps' | 'blocks'> => {
  const steps: Step[] = [];
  const blocks = new Map<number, BlockShape>();
  const open: Step[] = [];
  let block: BlockShape | undefined;
  let isBoundary = false;
  for (const { kind, location, target } of events) {
    const last = steps.at(-1) as Step;
    if (kind === BLOCK) {
      block = blocks.get(location) ?? { start: location, end: target };
      blocks.set(location, block);
    } else if (kind === EXEC) {
      if (last !== undefined) noteJump(last, location);
      steps.push({ location, isBoundary, sp: stackPointers[steps.length] as number, isBx: isBx(location) });
    } else {
      last.transfer = { kind, target };
      if (kind === CALL && block !== undefined) block.calls = isBlx(location) ? 'a register' : target;
    }
    if (kind === CALL) open.push(last);
    const call = kind === RET ? open.pop() : undefined;
    if (call !== undefined) call.returnStep = steps.length - 1;
    isBoundary = kind === BLOCK;
  }
  return { steps, blocks };
};

const noteJump = (step: Step, to: number): void => {
  const next = step.location + (isThumb(step.location) && !isWide(halfwordAt(step.location)) ? 2 : 4);
  if (step.transfer?.kind !== CALL && to !== next) step.jumpsTo = to;
};

const isThumb = (location: number): boolean => (location & 1) !== 0;
const isWide = (halfword: number): boolean => halfword >= 0xe800;
const halfwordAt = (location: number): number => guestCode().getUint16(location & ~1, true);

/** Whether the instruction is BX, of a register. */
const isBx = (location: number): boolean =>
  isThumb(location)
    ? (halfwordAt(location) & 0xff80) === 0x4700
    : (guestCode().getUint32(location, true) & 0x0fff_fff0) === 0x012f_ff10;

/** Whether the instruction is BLX of a register; the Thumb code has none. */
const isBlx = (location: number): boolean =>
  !isThumb(location) && (guestCode().getUint32(location, true) & 0x0fff_fff0) === 0x012f_ff30;

/** What each thread does. */
export const referenceRun = (): Map<number, ThreadReference> => new Map(THREADS.map((tid) => [tid, followAll(tid)]));

/** The blocks that any thread runs, by start. */
export const shapesOf = (references: Iterable<ThreadReference>): Map<number, BlockShape> => {
  const shapes = new Map<number, BlockShape>();
  for (const { blocks } of references) {
    for (const shape of blocks.values()) {
      const calls = shape.calls ?? shapes.get(shape.start)?.calls;
      shapes.set(shape.start, calls === undefined ? shape : { ...shape, calls });
    }
  }
  return shapes;
};
