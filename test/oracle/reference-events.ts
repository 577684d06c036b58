/**
 * The events qemu-arm's own log implies, under the rules of the `precise` profile:
 * BL and BLX are calls; `bx lr`, `mov pc, lr`, `pop {…, pc}`, any LDM with pc and `ldr pc, [sp], #4` are returns; another
 * computed branch is a return when it goes where the top frame returns to, with the sp of its call. Depth is the number of
 * frames before a call's push and after a return's pop. At a call, a return or a computed branch, frames whose sp lies
 * below the current sp were abandoned (longjmp) and are dropped; a return to some call's return address also drops frames
 * of the same sp until it finds its own. A block starts
 * wherever control was dispatched to and ends after an instruction that may write pc, or after 512 instructions.
 */
import { type LogOptions, type RunResult, type Step, stepQemu, stepQemuThreads } from '../support/qemu.js';
import { classify, type Flow } from './control-flow.js';

export interface FlowEvent {
  readonly kind: 'call' | 'ret';
  readonly thread: number;
  readonly location: number;
  readonly target: number;
  readonly depth: number;
}

export interface ReferenceRun {
  readonly result: RunResult;
  /** Per thread, in order of appearance. */
  readonly events: ReadonlyMap<number, readonly FlowEvent[]>;
  /** `start-end` of every block that ran to its end, as hex, both with the Thumb bit. */
  readonly blocks: ReadonlySet<string>;
  /** Starts of blocks that were left early at least once: by exit, a fault or a signal. */
  readonly leftEarly: ReadonlySet<number>;
  readonly instructions: number;
  /** main of a glibc program: what _start hands to __libc_start_main, its first call, in r0. */
  readonly main: number;
}

const maxBlockInstructions = 512;

/** qemu maps downwards from 0x40000000, we from 0xb7000000: the same mappings, this far apart. */
const mappingsDistance = 0x7700_0000;
const relocate = (pc: number): number => (pc >= 0x3f00_0000 && pc < 0x4000_0000 ? pc + mappingsDistance : pc);
const kuserPage = 0xffff_0000;

interface Frame {
  readonly returnAddress: number;
  readonly sp: number;
}

interface Track {
  readonly frames: Frame[];
  readonly events: FlowEvent[];
  /** Return addresses of every call so far. */
  readonly returnSites: Set<number>;
  previous: { step: Step; flow: Flow } | undefined;
  blockStart: number;
  blockLength: number;
}

export const blockKey = (start: number, end: number): string => `${start.toString(16)}-${end.toString(16)}`;

/**
 * Follows every thread of the log from its first instruction. `program` is an absolute path; qemu is given a longer
 * spelling of it, because its initial strings lie 4 bytes lower than the kernel's and ours, and word-wise string routines
 * branch by alignment.
 */
export const referenceRun = async (
  program: string,
  options: LogOptions & { readonly threads?: boolean },
): Promise<ReferenceRun> => {
  const tracks = new Map<number, Track>();
  const blocks = new Set<string>();
  const leftEarly = new Set<number>();
  const flows = new Map<number, { bytes: Uint8Array; flow: Flow }>();
  let main = 0;
  let instructions = 0;

  const flowAt = (step: Step): Flow => {
    const known = flows.get(step.pc);
    if (known !== undefined && known.bytes === step.bytes) return known.flow;
    const flow = classify(step.pc, step.bytes);
    flows.set(step.pc, { bytes: step.bytes, flow });
    return flow;
  };

  const run = options.threads === true ? stepQemuThreads : stepQemu;
  const result = await run(`/./.${program}`, { argv0: program, registers: true, ...options }, (logged) => {
    const step = { ...logged, pc: relocate(logged.pc) };
    instructions++;
    let track = tracks.get(step.thread);
    if (track === undefined) {
      track = {
        frames: [],
        events: [],
        returnSites: new Set(),
        previous: undefined,
        blockStart: step.pc,
        blockLength: 0,
      };
      tracks.set(step.thread, track);
    }
    if (main === 0 && track.events.length === 0 && track.previous?.flow.kind === 'call')
      main = track.previous.step.registers[0] as number;
    advance(track, step, (step.pc & ~1) >>> 0 >= kuserPage ? undefined : flowAt(step), blocks, leftEarly);
    return undefined;
  });
  for (const track of tracks.values()) if (isOpen(track)) leftEarly.add(track.blockStart);
  const events = new Map([...tracks].map(([thread, track]) => [thread, track.events]));
  return { result, events, blocks, leftEarly, instructions, main };
};

/** The last instruction seen was not the end of its block. */
const isOpen = (track: Track): boolean =>
  track.previous?.flow.kind === 'plain' && track.blockLength < maxBlockInstructions;

const advance = (
  track: Track,
  step: Step,
  flow: Flow | undefined,
  blocks: Set<string>,
  leftEarly: Set<number>,
): void => {
  const { previous } = track;
  if (previous !== undefined) transfer(track, previous.step, previous.flow, step);
  // A kuser helper is one atomic step in qemu: only its return shows, as a pop.
  if (flow === undefined) {
    const at = track.frames.length - 1;
    if (track.frames[at]?.returnAddress === step.registers[14]) track.frames.pop();
    track.previous = undefined;
    track.blockLength = 0;
    return;
  }
  if (previous === undefined || isDispatched(previous.step, previous.flow, step, track)) {
    if (isOpen(track)) leftEarly.add(track.blockStart);
    track.blockStart = step.pc;
    track.blockLength = 0;
  }
  track.blockLength++;
  if (flow.kind !== 'plain' || track.blockLength === maxBlockInstructions) {
    blocks.add(blockKey(track.blockStart, step.pc + flow.sizeBytes));
  }
  track.previous = { step, flow };
};

const isDispatched = (before: Step, flow: Flow, step: Step, track: Track): boolean =>
  flow.kind !== 'plain' || step.pc !== before.pc + flow.sizeBytes || track.blockLength === maxBlockInstructions;

/** The event, if any, of going from `before` to `step`. */
const transfer = (track: Track, before: Step, flow: Flow, step: Step): void => {
  if (flow.kind === 'plain' || flow.kind === 'branch') return;
  const fallThrough = before.pc + flow.sizeBytes;
  const mayBeSkipped = flow.conditional || before.inItBlock;
  if (mayBeSkipped && step.pc === fallThrough) return;
  const { thread, pc: location } = before;
  const target = flow.target ?? step.pc;
  if (flow.kind === 'call') {
    dropAbandoned(track, before.sp);
    track.returnSites.add(fallThrough);
    track.events.push({ kind: 'call', thread, location, target, depth: track.frames.length });
    track.frames.push({ returnAddress: fallThrough, sp: before.sp });
    return;
  }
  if (flow.kind === 'indirect') {
    dropAbandoned(track, step.sp);
    const top = track.frames[track.frames.length - 1];
    if (top?.returnAddress !== step.pc || top.sp !== step.sp) return;
    track.frames.pop();
  } else returnTo(track, step);
  track.events.push({ kind: 'ret', thread, location, target, depth: track.frames.length });
};

/** A return-class instruction has led to `step`: pops the frame it belongs to, if there is one. */
const returnTo = (track: Track, step: Step): void => {
  const { frames } = track;
  const last = frames[frames.length - 1];
  const isMatch = (frame: Frame | undefined): boolean => frame?.returnAddress === step.pc;
  if (isMatch(last) && last?.sp !== step.sp && (last?.sp ?? 0) < step.sp) {
    const kept = frames.slice(0, -1);
    dropAbandoned(track, step.sp);
    if (isMatch(frames[frames.length - 1])) frames.pop();
    // The callee moved sp up: its own frame, and only that.
    else frames.splice(0, frames.length, ...kept);
    return;
  }
  dropAbandoned(track, step.sp);
  if (track.returnSites.has(step.pc))
    while (frames[frames.length - 1]?.sp === step.sp && !isMatch(frames[frames.length - 1])) frames.pop();
  if (isMatch(frames[frames.length - 1])) frames.pop();
};

const dropAbandoned = (track: Track, sp: number): void => {
  while (track.frames.length > 0 && (track.frames[track.frames.length - 1] as Frame).sp < sp) track.frames.pop();
};
