/**
 * ITSTATE at an instruction inside a block. Translated code predicates each instruction of an IT block by itself and
 * keeps no ITSTATE; the rare places that need it (a fault, a stop) work it out from the code.
 */
import type { GuestAddr } from '../bits.js';
import { isWideThumb } from '../arm/decode.js';
import { locationItState, locationPc, type Location } from '../ir/location.js';

/** ITAdvance of the manual. */
const advance = (it: number): number => ((it & 7) === 0 ? 0 : (it & 0xe0) | ((it << 1) & 0x1f));

/** ITSTATE of the instruction at `pc`, found by walking the Thumb block that starts at `start`. */
export const itStateAt = (start: Location, pc: GuestAddr, readCode: (addr: GuestAddr) => number | undefined): number => {
  let it = locationItState(start);
  for (let at = locationPc(start); at < pc; ) {
    const halfword = readCode(at);
    if (halfword === undefined) return 0;
    const isIt = (halfword & 0xff00) === 0xbf00 && (halfword & 0xf) !== 0;
    it = isIt ? halfword & 0xff : advance(it);
    at += isWideThumb(halfword) ? 4 : 2;
  }
  return it;
};
