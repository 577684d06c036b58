/** What a probe does at one of its places: fields and prototypes made into functions of the machine. */
import { UsageError } from '../../errors.js';
import type { ProbeValue } from '../../events/event.js';
import { argumentSlots, resultSlot, type Slot } from './argument-slots.js';
import { debugPrototype } from './debug-prototype.js';
import { bindExpression, type Operand, type Scope } from './expression.js';
import { type Field, registerOf } from './field.js';
import { builtinPrototype } from './libc-prototypes.js';
import type { FoundPlace } from './place.js';
import { type Prototype, parsePrototype } from './prototype.js';
import { type GuestView, memoryValue, operandOf, recordedValue } from './reading.js';
import { isQualifier, type ProbeSpec } from './spec.js';
import { INT, type ValueType, WORD } from './value-type.js';

export interface ProbePlan {
  /** Whether a hit counts. */
  readonly condition: ((view: GuestView) => boolean) | undefined;
  readonly values: readonly ((view: GuestView) => ProbeValue)[];
  /** The result, when it is wanted. */
  readonly result: { readonly type: ValueType; readonly slot: Slot } | undefined;
  /** Callers to record; 0 for none. */
  readonly backtrace: number;
  readonly counts: boolean;
}

/** A value that has a name. */
interface Named {
  readonly name: string;
  readonly slot: Slot;
  readonly type: ValueType;
}

const isHardFloat = ({ module }: FoundPlace): boolean =>
  module !== undefined && (module.elf.attributes.usesVfpArgs || module.elf.abi.float === 'hard');

/** Registers recorded where nothing is known of a place. */
const USUAL_REGISTERS = ['r0', 'r1', 'r2', 'r3'];
const usualFields = (): Field[] => USUAL_REGISTERS.map((name, word) => ({ kind: 'register', name, word, type: WORD }));

const prototypeOf = ({ prototype, fields }: ProbeSpec, place: FoundPlace): Prototype | undefined => {
  if (prototype !== undefined || !fields.every(isQualifier) || place.symbol === undefined) return prototype;
  const debug = debugPrototype(place);
  if (debug !== undefined) return debug;
  const builtin = builtinPrototype(place.symbol);
  return builtin === undefined ? undefined : parsePrototype(builtin);
};

/** Arguments of a prototype. A variadic function takes all of them as the base standard says. */
const prototypeArguments = ({ parameters, isVariadic }: Prototype, hardFloat: boolean): Named[] => {
  const types = parameters.map(({ type }) => type);
  const slots = argumentSlots(types, hardFloat && !isVariadic);
  return parameters.map(({ name, type }, index) => ({ name, type, slot: slots[index] as Slot }));
};

type NumberedField = Extract<Field, { kind: 'argument' | 'float' }>;

/** `arg3` is the third of three; those not named before it are ints, or doubles for `fparg`. */
const numberedArguments = (fields: readonly NumberedField[], usual: ValueType, hardFloat: boolean): Named[] => {
  const count = Math.max(0, ...fields.map(({ number }) => number));
  const types = Array.from({ length: count }, (_, i) => fields.find(({ number }) => number === i + 1)?.type ?? usual);
  const slots = argumentSlots(types, hardFloat);
  return fields.map(({ kind, number, type }) => ({
    name: `${kind === 'float' ? 'fparg' : 'arg'}${number}`,
    type,
    slot: slots[number - 1] as Slot,
  }));
};

const ofKind = <K extends Field['kind']>(fields: readonly Field[], kind: K): Extract<Field, { kind: K }>[] =>
  fields.filter((field): field is Extract<Field, { kind: K }> => field.kind === kind);

const ARGUMENT_NAME = /^(fp)?arg([1-9][0-9]?)$/;

/** What names mean in conditions and addresses: parameters, fields, `argN`, `fpargN`, registers. */
const scopeOf = (known: readonly Named[], hardFloat: boolean, text: string): Scope<GuestView> => {
  const argument = (name: string): Named | undefined => {
    const match = ARGUMENT_NAME.exec(name);
    if (match === null) return undefined;
    const isFloat = match[1] !== undefined;
    const type: ValueType = isFloat ? { format: 'f', sizeBytes: 8 } : INT;
    const types = Array.from({ length: Number(match[2]) }, () => type);
    return { name, type, slot: argumentSlots(types, hardFloat).at(-1) as Slot };
  };
  const register = (name: string): Named | undefined => {
    const found = registerOf(name);
    if (found === undefined) return undefined;
    const type = found.type.format === 'f' ? found.type : INT;
    return { name, type, slot: { kind: 'word', word: found.word } };
  };
  return {
    name: (name): ((view: GuestView) => Operand) => {
      const found = known.find((one) => one.name === name) ?? argument(name) ?? register(name);
      if (found === undefined) {
        throw new UsageError(`the probe ${JSON.stringify(text)} speaks of ${name}, which nothing is called`, {
          hint: `known are argN, fpargN, registers${known.length === 0 ? '' : ` and ${known.map((one) => one.name).join(', ')}`}`,
        });
      }
      const { slot, type } = found;
      return (view) => operandOf(slot, type, view);
    },
    word: ({ memory }, address) => {
      const value = memory.readU32(address);
      return value === undefined ? undefined : value | 0;
    },
  };
};

const conditionOf = (fields: readonly Field[], scope: Scope<GuestView>): ProbePlan['condition'] => {
  const conditions = ofKind(fields, 'condition').map(({ condition }) => bindExpression(condition, scope));
  if (conditions.length === 0) return undefined;
  return (view) =>
    conditions.every((condition) => {
      const value = condition(view);
      return value !== undefined && value !== 0;
    });
};

/** Makes the plan. Throws UsageError for a name in a condition that nothing is called. */
export const planProbe = (spec: ProbeSpec, place: FoundPlace): ProbePlan => {
  const hardFloat = isHardFloat(place);
  const prototype = prototypeOf(spec, place);
  const isBare = prototype === undefined && spec.fields.every(isQualifier);
  const fields = isBare ? [...usualFields(), ...spec.fields] : spec.fields;
  const integers = numberedArguments(ofKind(fields, 'argument'), INT, hardFloat);
  const floats = numberedArguments(ofKind(fields, 'float'), { format: 'f', sizeBytes: 8 }, hardFloat);
  const parameters = prototype === undefined ? [] : prototypeArguments(prototype, hardFloat);
  const scope = scopeOf([...parameters, ...integers, ...floats], hardFloat, spec.text);
  const recorded = (value: Named) => (view: GuestView) => recordedValue(value.name, value.slot, value.type, view);
  const ofField = (field: Field): ((view: GuestView) => ProbeValue) | undefined => {
    switch (field.kind) {
      case 'argument':
        return recorded(integers.find(({ name }) => name === `arg${field.number}`) as Named);
      case 'float':
        return recorded(floats.find(({ name }) => name === `fparg${field.number}`) as Named);
      case 'register':
        return recorded({ name: field.name, type: field.type, slot: { kind: 'word', word: field.word } });
      case 'stack':
        return recorded({
          name: `sp+${field.offset}`,
          type: field.type,
          slot: { kind: 'stack', offset: field.offset },
        });
      case 'memory':
        return memoryField(field, scope);
      default:
        return undefined;
    }
  };
  const type = ofKind(fields, 'result')[0]?.type ?? prototype?.result;
  return {
    condition: conditionOf(fields, scope),
    values: [...parameters.map(recorded), ...fields.map(ofField).filter((value) => value !== undefined)],
    result: type && { type, slot: resultSlot(type, hardFloat && prototype?.isVariadic !== true) },
    backtrace: Math.max(0, ...ofKind(fields, 'backtrace').map(({ limit }) => limit)),
    counts: ofKind(fields, 'count').length > 0,
  };
};

const memoryField = (
  { text, address, sizeBytes }: Extract<Field, { kind: 'memory' }>,
  scope: Scope<GuestView>,
): ((view: GuestView) => ProbeValue) => {
  const at = bindExpression(address, scope);
  return (view) => {
    const where = at(view);
    return typeof where === 'number' ? memoryValue(text, where >>> 0, sizeBytes, view) : [text, 0, 'bad'];
  };
};
