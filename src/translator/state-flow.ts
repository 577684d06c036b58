/**
 * Which words must be written back, and which must be loaded, where. A word is *dirty* where its local may differ from
 * memory: it is written back at an exit exactly then. A word is *live* where its local's content may still be looked at,
 * an exit's write-back included: it is loaded at a region entry, or after a call, exactly then.
 *
 * Cold exits (faults, fuel) share a few write-back sequences. A block names two of them: `early`, what was dirty at its
 * start, good until its first write, and `late`, all that is dirty by its end.
 */
import { Word } from '../guest/cpu-state.js';
import type { IrBlock, IrInst } from '../ir/block.js';
import { HOST_CALL, MAY_EXIT, OPS, WRITES_MEMORY } from '../ir/opcode.js';
import { FLAG_WORDS, OPERAND_WORDS } from './lazy-flags.js';
import type { StateWords } from './state-words.js';
import { WordSet } from './word-set.js';

/** How control goes from block to block inside a region. */
export interface BlockEdges {
  /** Blocks reached with the locals as they are. */
  readonly direct: readonly number[];
  /** Blocks reached after a call that went through memory. */
  readonly afterCall: readonly number[];
  /** Some way out leaves the region or calls: all that is dirty is written back there. */
  readonly exits: boolean;
}

export interface BlockState {
  readonly dirtyIn: WordSet;
  readonly dirtyOut: WordSet;
  readonly liveIn: WordSet;
  early: WordSet;
  late: WordSet;
}

/** Distinct write-back sequences for cold exits in one region. */
const COLD_SETS = 8;
/** Words a cold exit may write back needlessly to share a sequence. */
const TOLERANCE = 4;

export const isWrite = (inst: IrInst): boolean => inst.op === 'set' || inst.op === 'setF32' || inst.op === 'setF64';
export const isRead = (inst: IrInst): boolean => inst.op === 'get' || inst.op === 'getF32' || inst.op === 'getF64';

/** Whether translations may change under the block while it runs: it must look before it goes on. */
export const mayInvalidate = (block: IrBlock): boolean =>
  block.insts.some(
    (inst) =>
      (OPS[inst.op].effects & HOST_CALL) !== 0 ||
      ((OPS[inst.op].effects & WRITES_MEMORY) !== 0 && (OPS[inst.op].effects & MAY_EXIT) !== 0),
  );

/** How many conditional regions are open after `inst`, given how many were before. */
export const depthAfter = (inst: IrInst, depth: number): number =>
  inst.op === 'if' ? depth + 1 : inst.op === 'endif' ? depth - 1 : depth;

/** Takes note that `inst` writes `key`. Certain flags of one form make those of the other mean nothing. */
export const markDirty = (dirty: WordSet, block: IrBlock, inst: IrInst, key: number, isConditional: boolean): void => {
  dirty.add(key);
  if (key !== Word.FLAGS_FORM || isConditional) return;
  const isPlain = (block.insts[inst.a] as IrInst).imm === 0;
  for (const word of isPlain ? OPERAND_WORDS : FLAG_WORDS) dirty.delete(word);
};

const transferDirty = (block: IrBlock, words: StateWords, dirty: WordSet): WordSet => {
  let depth = 0;
  for (const inst of block.insts) {
    depth = depthAfter(inst, depth);
    // A conditional callout writes back too, but the path around it does not.
    if (inst.op === 'callout' && depth === 0) dirty.clear();
    const key = inst.op === 'enter' ? Word.FUEL : isWrite(inst) ? words.keyOf(inst.imm) : undefined;
    if (key !== undefined) markDirty(dirty, block, inst, key, depth > 0);
  }
  return dirty;
};

const writtenBy = (block: IrBlock, words: StateWords): WordSet => {
  const written = new WordSet();
  for (const inst of block.insts) {
    const key = isWrite(inst) ? words.keyOf(inst.imm) : undefined;
    if (key !== undefined) written.add(key);
  }
  written.add(Word.FUEL);
  return written;
};

const solveDirty = (blocks: readonly IrBlock[], edges: readonly BlockEdges[], words: StateWords): BlockState[] => {
  const states = blocks.map(
    (): BlockState => ({
      dirtyIn: new WordSet(),
      dirtyOut: new WordSet(),
      liveIn: new WordSet(),
      early: new WordSet(),
      late: new WordSet(),
    }),
  );
  for (let changed = true; changed; ) {
    changed = false;
    blocks.forEach((block, n) => {
      const state = states[n] as BlockState;
      if (!state.dirtyOut.addAll(transferDirty(block, words, state.dirtyIn.copy()))) return;
      changed = true;
      for (const to of (edges[n] as BlockEdges).direct) (states[to] as BlockState).dirtyIn.addAll(state.dirtyOut);
    });
  }
  return states;
};

/** Finds a shared set for each wanted one: a slightly larger one, or a new one, or the least grown. */
const shareSets = (wanted: readonly WordSet[]): WordSet[] => {
  const shared: WordSet[] = [];
  const bySize = wanted.map((set, n) => ({ set, n, size: set.size })).sort((a, b) => b.size - a.size);
  const result: WordSet[] = [];
  for (const { set, n } of bySize) {
    let choice = shared.find((s) => set.minus(s).size === 0 && s.minus(set).size <= TOLERANCE);
    if (choice === undefined && shared.length < COLD_SETS) {
      choice = set.copy();
      shared.push(choice);
    }
    choice ??= shared.reduce((best, s) => (set.minus(s).size < set.minus(best).size ? s : best));
    choice.addAll(set);
    result[n] = choice;
  }
  return result;
};

const assignColdSets = (blocks: readonly IrBlock[], states: readonly BlockState[], words: StateWords): void => {
  const wanted: WordSet[] = [];
  blocks.forEach((block, n) => {
    const early = (states[n] as BlockState).dirtyIn.copy();
    early.add(Word.FUEL);
    const late = early.copy();
    late.addAll(writtenBy(block, words));
    wanted.push(early, late);
  });
  const shared = shareSets(wanted);
  states.forEach((state, n) => {
    state.early = shared[2 * n] as WordSet;
    state.late = shared[2 * n + 1] as WordSet;
  });
};

/** What one block needs in locals at its start (`needed`), and what it certainly writes itself (`written`). */
class Needs {
  readonly needed = new WordSet();
  readonly written = new WordSet();
  private readonly words: StateWords;
  private readonly block: IrBlock;

  constructor(block: IrBlock, state: BlockState, edges: BlockEdges, words: StateWords) {
    this.words = words;
    this.block = block;
    const dirty = state.dirtyIn.copy();
    let depth = 0;
    let cold = state.early;
    for (const inst of block.insts) {
      depth = depthAfter(inst, depth);
      if ((OPS[inst.op].effects & MAY_EXIT) !== 0) this.needAll(cold);
      if (inst.op === 'enter') {
        this.need(Word.FUEL);
        dirty.add(Word.FUEL);
      } else if (inst.op === 'callout') {
        this.needAll(dirty);
        if (depth > 0) continue;
        words.forEachKey((key) => this.written.add(key));
        dirty.clear();
      } else if (isRead(inst)) {
        this.need(words.keyOf(inst.imm));
      } else if (isWrite(inst)) {
        cold = state.late;
        this.write(inst, depth > 0, dirty);
      }
    }
    if (mayInvalidate(block)) this.needAll(state.late);
    if (edges.exits) this.needAll(state.dirtyOut);
  }

  private write(inst: IrInst, isConditional: boolean, dirty: WordSet): void {
    const key = this.words.keyOf(inst.imm);
    if (key === undefined) return;
    markDirty(dirty, this.block, inst, key, isConditional);
    const isPartial = inst.op === 'set' && this.words.isPartOfPair(inst.imm);
    if (isConditional || isPartial) this.need(key);
    else this.written.add(key);
  }

  private need(key: number | undefined): void {
    if (key !== undefined && !this.written.has(key)) this.needed.add(key);
  }

  private needAll(keys: WordSet): void {
    this.needed.addAll(keys.minus(this.written));
  }
}

const solveLive = (needs: readonly Needs[], edges: readonly BlockEdges[], states: readonly BlockState[]): void => {
  for (let changed = true; changed; ) {
    changed = false;
    for (let n = needs.length - 1; n >= 0; n--) {
      const { needed, written } = needs[n] as Needs;
      const { liveIn } = states[n] as BlockState;
      if (liveIn.addAll(needed)) changed = true;
      for (const to of (edges[n] as BlockEdges).direct) {
        if (liveIn.addAll((states[to] as BlockState).liveIn.minus(written))) changed = true;
      }
    }
  }
};

/** The state of every block, in the order of `blocks`. */
export const solveState = (
  blocks: readonly IrBlock[],
  edges: readonly BlockEdges[],
  words: StateWords,
): BlockState[] => {
  const states = solveDirty(blocks, edges, words);
  assignColdSets(blocks, states, words);
  const needs = blocks.map((block, n) => new Needs(block, states[n] as BlockState, edges[n] as BlockEdges, words));
  solveLive(needs, edges, states);
  return states;
};
