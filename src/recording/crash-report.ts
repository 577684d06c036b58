/** A guest's death in words: what `process` found, with names for the addresses and text for the code. */
import type { InterworkingAddr } from '../bits.js';
import type { CodeWindow, CrashReport as Crash } from '../process/crash-report.js';
import type { CodeMap } from './code-map.js';
import { disassemble } from './disassemble.js';

/** What is known about a guest that a signal killed. Addresses are run-time addresses. */
export interface CrashReport {
  readonly signo: number;
  /** `SIGSEGV` */
  readonly signal: string;
  /** si_code by name, e.g. `SEGV_MAPERR`, or its number. */
  readonly code: string;
  /** Faulting address, when the signal has one. */
  readonly address: number | undefined;
  readonly tid: number;
  readonly pc: CrashPlace;
  readonly lr: CrashPlace;
  /** r0 to r15 and CPSR. */
  readonly registers: readonly (readonly [name: string, value: number])[];
  /** Innermost first: pc, then the return addresses of the open calls, or lr when calls were not recorded. */
  readonly backtrace: readonly CrashPlace[];
  /** A few instructions around pc; empty when they cannot be read. */
  readonly disassembly: readonly CrashInsn[];
}

export interface CrashPlace {
  readonly address: InterworkingAddr;
  /** `module!symbol+0x12`, as far as known. */
  readonly text: string;
  /** `file.c:12`, where that is known. */
  readonly line?: string;
}

export interface CrashInsn {
  readonly address: number;
  /** Hex digits in memory order. */
  readonly bytes: string;
  readonly text: string;
  readonly isPc: boolean;
}

/** si_code by signal, from 1 on (include/uapi/asm-generic/siginfo.h). */
const CODES: Readonly<Record<string, readonly string[]>> = {
  SIGILL: [
    'ILL_ILLOPC',
    'ILL_ILLOPN',
    'ILL_ILLADR',
    'ILL_ILLTRP',
    'ILL_PRVOPC',
    'ILL_PRVREG',
    'ILL_COPROC',
    'ILL_BADSTK',
  ],
  SIGFPE: [
    'FPE_INTDIV',
    'FPE_INTOVF',
    'FPE_FLTDIV',
    'FPE_FLTOVF',
    'FPE_FLTUND',
    'FPE_FLTRES',
    'FPE_FLTINV',
    'FPE_FLTSUB',
  ],
  SIGSEGV: ['SEGV_MAPERR', 'SEGV_ACCERR'],
  SIGBUS: ['BUS_ADRALN', 'BUS_ADRERR', 'BUS_OBJERR'],
  SIGTRAP: ['TRAP_BRKPT', 'TRAP_TRACE'],
};
/** Codes of every signal (siginfo.h): who sent it. */
const SENT: Readonly<Record<number, string>> = { 0: 'SI_USER', [-1]: 'SI_QUEUE', [-6]: 'SI_TKILL', 128: 'SI_KERNEL' };

const codeName = (signal: string, code: number): string => CODES[signal]?.[code - 1] ?? SENT[code] ?? `code ${code}`;

const REGISTERS = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'r10', 'r11', 'r12', 'sp', 'lr', 'pc'];
/** A runaway recursion has hundreds of thousands of frames; these many innermost ones are told. */
const MAX_FRAMES = 64;

/** Names everything; loads the disassembler. */
export const describeCrash = async (crash: Crash, codeMap: CodeMap): Promise<CrashReport> => {
  // A return address belongs to the line of the call before it.
  const place = (address: InterworkingAddr, isReturn = true): CrashPlace => {
    const line = codeMap.lineAt(isReturn ? address - 2 : address);
    return { address, text: codeMap.describe(address), ...(line === undefined ? {} : { line }) };
  };
  const { registers, codeWindow } = crash;
  return {
    signo: crash.signo,
    signal: crash.name,
    code: codeName(crash.name, crash.code),
    address: crash.faultAddress,
    tid: crash.tid,
    pc: place(crash.pc, false),
    lr: place(crash.lr),
    registers: [...REGISTERS.map((name, index) => [name, registers.r[index]] as const), ['cpsr', registers.cpsr]],
    backtrace: crash.backtrace.slice(0, MAX_FRAMES).map((address, index) => place(address, index > 0)),
    disassembly: codeWindow === undefined ? [] : await codeAround(codeWindow, (crash.pc & ~1) >>> 0, codeMap),
  };
};

/** The function's instructions among those in the window: what lies before its entry may be data. */
const codeAround = async (code: CodeWindow, pc: number, codeMap: CodeMap): Promise<CrashInsn[]> => {
  const { symbol, symbolOffset } = codeMap.locate(pc);
  const entry = symbol === '' ? 0 : pc - symbolOffset;
  return (await disassemble(code, pc)).filter(({ address }) => address >= entry);
};
