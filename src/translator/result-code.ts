/**
 * What a region's function returns. Where a guest function returns to, the result is that interworking address itself,
 * so that the caller's region can go on with one comparison; everything else is a code whose low bits are 10, which no
 * valid interworking address has. A code is either an exit of a region (slot and index into its list of exits) or a link
 * cell that was empty; cell 0 stands for "the address is in the NEXT_ADDRESS word".
 */

/** Most exits a region can have, and most table slots. */
export const EXIT_LIMIT = 1 << 12;
export const SLOT_LIMIT = 1 << 17;

export const exitCode = (slot: number, exit: number): number => (((slot << 12) | exit) << 3) | 2;
export const cellCode = (cell: number): number => (cell << 3) | 6;

export const isCellCode = (result: number): boolean => (result & 7) === 6;
export const codeCell = (code: number): number => code >>> 3;
export const codeSlot = (code: number): number => code >>> 15;
export const codeExit = (code: number): number => (code >>> 3) & (EXIT_LIMIT - 1);

/** Continue at the address in NEXT_ADDRESS. */
export const DYNAMIC_EXIT = cellCode(0);
