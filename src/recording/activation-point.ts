/** Where a recording starts that is not to start at once. */
import { hex, type InterworkingAddr } from '../bits.js';
import { UsageError } from '../errors.js';
import { findPlaces, type LoadedModule, parsePlace } from './probe/place.js';

/**
 * The one place that `spec` (an address, a symbol, `symbol+0x10`, `file.c:42`, as for probes) names. Throws UsageError when it
 * is none or several.
 */
export const findActivationPoint = (spec: string, modules: readonly LoadedModule[]): InterworkingAddr => {
  const places = [...new Set(findPlaces(parsePlace(spec, 'place'), modules).map(({ address }) => address))];
  const [first] = places;
  if (first === undefined) {
    throw new UsageError(`there is no place ${spec} to follow from`, {
      hint: 'give an address as objdump shows it (0x1040), or a symbol that is in the program or in --symbols',
    });
  }
  if (places.length > 1) {
    throw new UsageError(`${spec} is ${places.length} places: ${places.slice(0, 4).map(hex).join(', ')}`, {
      hint: 'give the address of the one to follow from',
    });
  }
  return first;
};
