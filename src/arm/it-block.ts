/** ITSTATE<7:0> as the manual keeps it (ARM DDI 0406C A2.5.2): condition and how many instructions are left. */

const IT_NONE = 0;

/** ITAdvance. */
export const advanceIt = (state: number): number =>
  (state & 7) === 0 ? IT_NONE : (state & 0xe0) | ((state << 1) & 0x1f);

/** Condition of the instruction at this state. */
export const itCondition = (state: number): number => (state === IT_NONE || state >>> 4 === 15 ? 14 : state >>> 4);

/** Whether the instruction at this state is the last of its block. */
export const isLastInIt = (state: number): boolean => (state & 15) === 8;

/** Whether IT with these fields is one the architecture defines. */
export const isItUnpredictable = (f: { firstcond: number; mask: number }): boolean =>
  f.firstcond === 15 || (f.firstcond === 14 && (f.mask & (f.mask - 1)) !== 0);
