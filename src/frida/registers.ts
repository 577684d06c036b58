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

/** Accessors are the class's, so that making one for every event costs little. */
class ScriptContext {
  declare readonly registers: CpuContext;

  constructor(registers: CpuContext) {
    // Not for scripts, which may list what is in a context.
    Object.defineProperty(this, 'registers', { value: registers });
  }

  get cpsr(): number {
    return this.registers.cpsr;
  }

  set cpsr(value: number) {
    this.registers.cpsr = value;
  }

  toJSON(): Record<string, unknown> {
    const names = NAMES.map((name) => [name, (this as unknown as ArmCpuContext)[name]] as const);
    return { ...Object.fromEntries(names), cpsr: this.cpsr };
  }
}

NAMES.forEach((name, n) => {
  Object.defineProperty(ScriptContext.prototype, name, {
    enumerable: true,
    get(this: ScriptContext) {
      return new NativePointer(this.registers.register(n));
    },
    set(this: ScriptContext, value: PointerValue) {
      this.registers.setRegister(n, new NativePointer(value).toInt32());
    },
  });
});

/** The view of `registers` that scripts get; as short-lived as they are. */
export const scriptContext = (registers: CpuContext): ArmCpuContext =>
  new ScriptContext(registers) as unknown as ArmCpuContext;
