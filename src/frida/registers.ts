/**
 * Registers as Frida scripts see them: `context.r0` and so on, pointers, assignable with pointers, numbers or strings.
 * Assigning pc and sp has no effect.
 */
import type { CpuContext } from '../stalker/cpu-context.js';
import { NativePointer, type PointerValue } from './native-pointer.js';

const NAMES = [
  'r0',
  'r1',
  'r2',
  'r3',
  'r4',
  'r5',
  'r6',
  'r7',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'sp',
  'lr',
  'pc',
] as const;

export type ArmCpuContext = { [name in (typeof NAMES)[number]]: NativePointer } & { cpsr: number };

/** The view of `registers` that scripts get; as short-lived as they are. */
export const scriptContext = (registers: CpuContext): ArmCpuContext => {
  const context = {} as ArmCpuContext;
  NAMES.forEach((name, n) => {
    Object.defineProperty(context, name, {
      enumerable: true,
      get: () => new NativePointer(registers.register(n)),
      set: (value: PointerValue) => registers.setRegister(n, new NativePointer(value).toInt32()),
    });
  });
  Object.defineProperty(context, 'cpsr', {
    enumerable: true,
    get: () => registers.cpsr,
    set: (value: number) => {
      registers.cpsr = value;
    },
  });
  return context;
};
