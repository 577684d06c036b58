/** What the encoder and its hot loop hand to each other: the state words, and the calls both ways. */
import { SLOT_SHIFT } from './edge-table.js';

/** The rare cases, in terms of the encoder that is running. Depths and frames are in the state words afterwards. */
export interface StrideHost {
  /** The id of an event that has none at hand. */
  intern(site: number, target: number): number;
  /** A compact record that is no event. */
  adjust(site: number, top: number, target: number): void;
  /** A compact call or return that leaves fewer frames than are known; gives the depth after it. */
  settle(event: number, row: number, depth: number): number;
  /** A full record's call or return at `depth` that is recorded at another one, or goes elsewhere; gives the depth after it. */
  settleFull(event: number, row: number, depth: number, recorded: number, target: number): number;
}

/** Words of the state area: what one stride hands to the next. */
export const STATE = {
  /** Byte offset of the predictor's slot. */
  hash: 0,
  run: 1,
  depth: 2,
  /** Frames below this depth are not known. */
  floor: 3,
  /** The clock of the event before, counted back from clockBase as FUEL is. */
  previous: 4,
  /** Byte address of frame 0. */
  frames: 5,
  /** Byte addresses where the columns go on. */
  runs: 6,
  edgeIndex: 7,
  clockDelta: 8,
  /** Rows the event sequence has named already. */
  named: 9,
  /** Where the stride ended: byte address of the next record, and how many events it took. */
  record: 10,
  taken: 11,
} as const;
export const STATE_WORDS = 12;

/** Of the predictor: first candidate's edge and delta, second candidate's edge and delta. */
export const SLOT_WORDS = (1 << SLOT_SHIFT) / 4;

/** Events between two looks at the size of the columns, and at most between two returns of the hot loop. */
export const STRIDE = 2048;

/** Most bytes one event adds to a column. */
export const COLUMN_BYTES_PER_EVENT = 5;

/**
 * Takes the records that begin between `input` and `end`; the last one may reach beyond. All addresses are byte addresses
 * in the encoder memory.
 */
export type StrideLoop = (
  firstEvent: number,
  shadowBase: number,
  state: number,
  input: number,
  end: number,
  slots: number,
  kindCounts: number,
  edgeOf: number,
  rows: number,
  heads: number,
) => void;

export interface StrideLoops {
  readonly full: StrideLoop;
  readonly compact: StrideLoop;
}

/** Byte offset of a word. */
export const at = (word: number): number => word * 4;
/** Offset of a row's word from `rows` plus an edge's id. */
export const ofRow = (word: number): number => word * 4;
