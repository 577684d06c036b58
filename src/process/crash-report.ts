/** What an unhandled fatal signal leaves behind, for whoever prints it: plain data, no symbols, no text. */
import { readCpsr, Word } from '../guest/cpu-state.js';
import type { GuestMemory } from '../guest/memory.js';
import { signalName } from '../linux/abi/constants.js';
import type { SignalInfo } from '../linux/kernel/signal-state.js';
import type { Task } from '../linux/kernel/task.js';

export interface CrashRegisters {
  /** r0 to r15 as u32; r15 is `pc` without the Thumb bit. */
  readonly r: readonly number[];
  readonly cpsr: number;
}

/** Bytes around pc for a disassembler. */
export interface CodeWindow {
  readonly address: number;
  readonly isThumb: boolean;
  readonly bytes: Uint8Array;
}

export interface CrashReport {
  readonly signo: number;
  /** `SIGSEGV`. */
  readonly name: string;
  /** si_code. */
  readonly code: number;
  readonly tid: number;
  readonly threadName: string;
  /** Interworking addresses. */
  readonly pc: number;
  readonly lr: number;
  /** Of SIGSEGV, SIGBUS, SIGILL and SIGTRAP raised by the CPU. */
  readonly faultAddress: number | undefined;
  readonly registers: CrashRegisters;
  /** Interworking addresses, innermost first, `pc` included; from the shadow stack where there is one, else pc and lr. */
  readonly backtrace: readonly number[];
  readonly codeWindow: CodeWindow | undefined;
}

/** Bytes shown before and after pc. */
const WINDOW_BYTES = 16;

/** `calls` are the return addresses of open calls, innermost first. */
export const crashReport = (task: Task, info: SignalInfo, calls: readonly number[] | undefined): CrashReport => {
  const { words, memory } = task;
  const isThumb = words[Word.THUMB] !== 0;
  const address = (words[Word.PC] as number) >>> 0;
  const pc = isThumb ? (address | 1) >>> 0 : address;
  const lr = (words[Word.LR] as number) >>> 0;
  return {
    signo: info.signo,
    name: signalName(info.signo),
    code: info.code,
    tid: task.tid,
    threadName: task.name,
    pc,
    lr,
    faultAddress: info.address,
    registers: { r: Array.from(words.subarray(0, 16), (word) => word >>> 0), cpsr: readCpsr(words) >>> 0 },
    backtrace: [pc, ...(calls === undefined || calls.length === 0 ? [lr] : calls)],
    codeWindow: windowAt(memory, address, isThumb),
  };
};

const windowAt = (memory: GuestMemory, address: number, isThumb: boolean): CodeWindow | undefined => {
  for (const before of [WINDOW_BYTES, 0]) {
    for (const after of [WINDOW_BYTES, 4, 2]) {
      const bytes = memory.readable(address - before, before + after);
      if (address >= before && bytes !== undefined) return { address: address - before, isThumb, bytes: bytes.slice() };
    }
  }
  return undefined;
};
