/**
 * The bytes of an ARM signal frame (arch/arm/kernel/signal.c, asm/ucontext.h, asm/sigcontext.h):
 *
 *   rt frame (SA_SIGINFO):  siginfo 128 | ucontext 744 | retcode 16      888 bytes
 *   old frame:                            ucontext 744 | retcode 16      760 bytes, uc_flags = OLD_FRAME_MAGIC
 *
 * Reads and writes state words and byte buffers; where the frame goes and what mask holds is not decided here.
 */
import { Psr, readCpsr, Word, writeCpsr } from '../../guest/cpu-state.js';
import type { AltStack, SignalInfo, SignalSet } from '../kernel/signal-state.js';
import { SiCode } from './constants.js';

export const SIGINFO_BYTES = 128;
export const UCONTEXT_BYTES = 744;
export const RETCODE_BYTES = 16;
export const OLD_FRAME_BYTES = UCONTEXT_BYTES + RETCODE_BYTES;
export const RT_FRAME_BYTES = SIGINFO_BYTES + OLD_FRAME_BYTES;

const OLD_FRAME_MAGIC = 0x5ac3_c35a;
const VFP_MAGIC = 0x5646_5001;
const VFP_BYTES = 288;
const FPEXC_ENABLED = 0x4000_0000;
/** FPSCR Len and Stride: the kernel starts handlers in scalar mode. */
const FPSCR_VECTOR_MODE = 0x0037_0000;

/** Byte offsets in ucontext. */
const Uc = {
  FLAGS: 0,
  STACK_SP: 8,
  STACK_FLAGS: 12,
  STACK_SIZE: 16,
  TRAP_NO: 20,
  ERROR_CODE: 24,
  OLDMASK: 28,
  R0: 32,
  SP: 84,
  PC: 92,
  CPSR: 96,
  FAULT_ADDRESS: 100,
  SIGMASK: 104,
  REGSPACE: 232,
} as const;

/** Byte offsets in the VFP block. */
const Vfp = { MAGIC: 0, SIZE: 4, D0: 8, FPSCR: 264, FPEXC: 272 } as const;

/** What the last exception was, as mcontext shows it. */
export interface FaultContext {
  readonly trapNo: number;
  readonly errorCode: number;
  readonly address: number;
}

export const NO_FAULT: FaultContext = { trapNo: 0, errorCode: 0, address: 0 };

export interface FrameContext {
  readonly mask: SignalSet;
  readonly fault: FaultContext;
  /** Present in rt frames. */
  readonly altStack?: AltStack;
}

/** siginfo_t, 128 bytes. */
export const siginfoBytes = (info: SignalInfo): Uint8Array => {
  const bytes = new Uint8Array(SIGINFO_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, info.signo, true);
  view.setInt32(4, info.errno ?? 0, true);
  view.setInt32(8, info.code, true);
  if (info.raw !== undefined) bytes.set(info.raw, 12);
  else if (info.address !== undefined) view.setUint32(12, info.address, true);
  else {
    const isTimer = info.code === SiCode.SI_TIMER;
    view.setInt32(12, (isTimer ? info.timerId : info.pid) ?? 0, true);
    view.setInt32(16, (isTimer ? info.overrun : info.uid) ?? 0, true);
    view.setInt32(20, info.value ?? 0, true);
  }
  return bytes;
};

/** The whole frame for the state in `words`; an rt frame when `info` is given. */
export const frameBytes = (words: Int32Array, context: FrameContext, info?: SignalInfo): Uint8Array => {
  const bytes = new Uint8Array(info === undefined ? OLD_FRAME_BYTES : RT_FRAME_BYTES);
  const ucontext = info === undefined ? 0 : SIGINFO_BYTES;
  if (info !== undefined) bytes.set(siginfoBytes(info));
  const view = new DataView(bytes.buffer, ucontext, UCONTEXT_BYTES);
  if (info === undefined) view.setUint32(Uc.FLAGS, OLD_FRAME_MAGIC, true);
  writeContext(view, words, context);
  writeVfp(new DataView(bytes.buffer, ucontext + Uc.REGSPACE, VFP_BYTES), words);
  return bytes;
};

const writeContext = (view: DataView, words: Int32Array, context: FrameContext): void => {
  const { altStack, fault, mask } = context;
  if (altStack !== undefined) {
    view.setUint32(Uc.STACK_SP, altStack.sp, true);
    view.setUint32(Uc.STACK_FLAGS, altStack.flags, true);
    view.setUint32(Uc.STACK_SIZE, altStack.sizeBytes, true);
  }
  view.setUint32(Uc.TRAP_NO, fault.trapNo, true);
  view.setUint32(Uc.ERROR_CODE, fault.errorCode, true);
  view.setUint32(Uc.OLDMASK, Number(mask & 0xffff_ffffn), true);
  for (let r = 0; r < 16; r++) view.setInt32(Uc.R0 + 4 * r, words[r] as number, true);
  view.setInt32(Uc.CPSR, readCpsr(words), true);
  view.setUint32(Uc.FAULT_ADDRESS, fault.address, true);
  view.setBigUint64(Uc.SIGMASK, mask, true);
};

const writeVfp = (view: DataView, words: Int32Array): void => {
  view.setUint32(Vfp.MAGIC, VFP_MAGIC, true);
  view.setUint32(Vfp.SIZE, VFP_BYTES, true);
  for (let i = 0; i < 64; i++) view.setInt32(Vfp.D0 + 4 * i, words[Word.VFP + i] as number, true);
  view.setInt32(Vfp.FPSCR, (words[Word.FPSCR] as number) | (words[Word.FPSCR_NZCV] as number), true);
  view.setUint32(Vfp.FPEXC, FPEXC_ENABLED, true);
};

/** Address of ucontext in a frame at `frame`. */
export const ucontextAddress = (frame: number, isRt: boolean): number => frame + (isRt ? SIGINFO_BYTES : 0);

/**
 * Takes all registers, CPSR and the VFP state from the ucontext in `bytes` (UCONTEXT_BYTES of it) and gives the signal
 * mask; undefined when the VFP block is damaged (the kernel answers with SIGSEGV).
 */
export const restoreContext = (words: Int32Array, bytes: Uint8Array): SignalSet | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, UCONTEXT_BYTES);
  const vfp = new DataView(bytes.buffer, bytes.byteOffset + Uc.REGSPACE, VFP_BYTES);
  if (vfp.getUint32(Vfp.MAGIC, true) !== VFP_MAGIC || vfp.getUint32(Vfp.SIZE, true) !== VFP_BYTES) return undefined;
  for (let r = 0; r < 15; r++) words[r] = view.getInt32(Uc.R0 + 4 * r, true);
  const cpsr = view.getInt32(Uc.CPSR, true);
  words[Word.PC] = view.getInt32(Uc.PC, true) & ((cpsr & Psr.T) !== 0 ? ~1 : ~3);
  writeCpsr(words, cpsr);
  for (let i = 0; i < 64; i++) words[Word.VFP + i] = vfp.getInt32(Vfp.D0 + 4 * i, true);
  writeFpscr(words, vfp.getInt32(Vfp.FPSCR, true));
  return view.getBigUint64(Uc.SIGMASK, true);
};

const writeFpscr = (words: Int32Array, fpscr: number): void => {
  words[Word.FPSCR] = fpscr & 0x0fff_ffff;
  words[Word.FPSCR_NZCV] = fpscr & 0xf000_0000;
};

/** The uc_stack of an rt ucontext. */
export const readAltStack = (bytes: Uint8Array): AltStack => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, UCONTEXT_BYTES);
  return {
    sp: view.getUint32(Uc.STACK_SP, true),
    flags: view.getUint32(Uc.STACK_FLAGS, true),
    sizeBytes: view.getUint32(Uc.STACK_SIZE, true),
  };
};

/** Leaves VFP vector mode, as handlers start in scalar mode. */
export const clearVectorMode = (words: Int32Array): void => {
  words[Word.FPSCR] = (words[Word.FPSCR] as number) & ~FPSCR_VECTOR_MODE;
};

/**
 * The return code for a frame: `mov r7, #nr; svc #(0x900000 | nr)` or `movs r7, #nr; svc #0`, first two words of the
 * retcode and, at `trampolineOffset`, of the trampoline page. Debuggers and unwinders recognise exactly these words.
 */
export const returnCode = (isThumb: boolean, isRt: boolean): readonly [number, number] => {
  const number = isRt ? 173 : 119;
  return isThumb ? [0xdf00_2700 | number, 0] : [0xe3a0_7000 | number, 0xef90_0000 | number];
};

export const trampolineOffset = (isThumb: boolean, isRt: boolean): number => (isThumb ? 8 : 0) + (isRt ? 16 : 0);

/** The trampoline page's first 32 bytes: A32 sigreturn, T32 sigreturn, A32 rt_sigreturn, T32 rt_sigreturn. */
export const trampolineBytes = (): Uint8Array => {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (const isThumb of [false, true]) {
    for (const isRt of [false, true]) {
      const [first, second] = returnCode(isThumb, isRt);
      view.setUint32(trampolineOffset(isThumb, isRt), first >>> 0, true);
      view.setUint32(trampolineOffset(isThumb, isRt) + 4, second >>> 0, true);
    }
  }
  return bytes;
};
