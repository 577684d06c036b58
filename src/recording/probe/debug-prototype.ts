/** A prototype out of debugging information, for a function nobody gave one for. */
import type { DebugType, FunctionType } from '../../elf/dwarf/function-types.js';
import { namedType } from './c-type.js';
import type { FoundPlace } from './place.js';
import type { Prototype } from './prototype.js';
import { POINTER, STRING, type ValueType } from './value-type.js';

/** Copies that a compiler made with other parameters than the source has: `f.constprop.0`, `f.isra.0`, `f.part.0`. */
const CHANGED_COPY = /\.(?:constprop|isra|part)\b/;

const FORMATS = { signed: 'd', unsigned: 'u', char: 'c', float: 'f' } as const;

const valueType = ({ kind, sizeBytes, typedef }: DebugType): ValueType => {
  if (kind === 'pointer') return POINTER;
  if (kind === 'string') return STRING;
  const known = typedef === undefined ? undefined : namedType(typedef);
  return known?.sizeBytes === sizeBytes ? known : { format: FORMATS[kind], sizeBytes };
};

const prototypeOf = (name: string, { parameters, result, isVariadic }: FunctionType): Prototype => ({
  name,
  parameters: parameters.map((one, index) => ({ name: one.name ?? `arg${index + 1}`, type: valueType(one.type) })),
  result: result && valueType(result),
  isVariadic,
});

/** Undefined where there is none, or where its values do not travel as the source says. */
export const debugPrototype = ({ address, module, symbol }: FoundPlace): Prototype | undefined => {
  if (module === undefined || symbol === undefined || CHANGED_COPY.test(symbol)) return undefined;
  const type = module.source.functionTypes.at((address - module.bias) >>> 0);
  return type && prototypeOf(symbol, type);
};
