/** What the kernel makes of an exception: exit reason of the engine to signal (arch/arm/mm/fault.c, kernel/traps.c). */
import { stateAddress, Word } from '../guest/cpu-state.js';
import { PAGE_SHIFT } from '../guest/layout.js';
import { type GuestMemory, Permission } from '../guest/memory.js';
import { SiCode, Signal } from '../linux/abi/constants.js';
import type { FaultContext } from '../linux/abi/signal-frame.js';
import type { SignalInfo } from '../linux/kernel/signal-state.js';
import { ExitReason, FaultKind } from '../stalker/exit-reason.js';

/** trap_no values of mcontext. */
const TRAP_UNDEFINED = 6;
const TRAP_ABORT = 14;

/** Fault status register: translation, permission and alignment faults of a page; bit 11 for writes. */
const FSR_TRANSLATION = 0x07;
const FSR_PERMISSION = 0x0f;
const FSR_ALIGNMENT = 0x01;
const FSR_USER_DOMAIN = 0x10;
const FSR_WRITE = 0x800;

export interface Exception {
  readonly info: SignalInfo;
  readonly fault: FaultContext;
}

/** The signal for an exit reason other than SVC, YIELD and CONTROL; `words` is the live state. */
export const exceptionOf = (reason: number, memory: GuestMemory, words: Int32Array): Exception => {
  const pc = (words[Word.PC] as number) >>> 0;
  if (reason === ExitReason.UNDEFINED) {
    return {
      info: { signo: Signal.SIGILL, code: SiCode.ILL_ILLOPN, address: pc },
      fault: { trapNo: TRAP_UNDEFINED, errorCode: 0, address: 0 },
    };
  }
  if (reason === ExitReason.BREAKPOINT) {
    return {
      info: { signo: Signal.SIGTRAP, code: SiCode.TRAP_BRKPT, address: pc },
      fault: { trapNo: 0, errorCode: 0, address: 0 },
    };
  }
  const address = memory.view.getUint32(stateAddress(Word.FAULT_ADDR), true);
  return abort(memory, address, memory.view.getInt32(stateAddress(Word.FAULT_KIND), true));
};

const abort = (memory: GuestMemory, address: number, kind: number): Exception => {
  const page = memory.permissions[address >>> PAGE_SHIFT] as number;
  const [signo, code, status] = classify(page, kind);
  const errorCode = status | FSR_USER_DOMAIN | (kind === FaultKind.WRITE ? FSR_WRITE : 0);
  return { info: { signo, code, address }, fault: { trapNo: TRAP_ABORT, errorCode, address } };
};

const classify = (page: number, kind: number): readonly [signo: number, code: number, status: number] => {
  if (kind === FaultKind.ALIGNMENT) return [Signal.SIGBUS, SiCode.BUS_ADRALN, FSR_ALIGNMENT];
  if ((page & Permission.BEYOND_EOF) !== 0) return [Signal.SIGBUS, SiCode.BUS_ADRERR, FSR_TRANSLATION];
  if ((page & Permission.MAPPED) !== 0) return [Signal.SIGSEGV, SiCode.SEGV_ACCERR, FSR_PERMISSION];
  return [Signal.SIGSEGV, SiCode.SEGV_MAPERR, FSR_TRANSLATION];
};
