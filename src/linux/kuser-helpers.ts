/**
 * The two pages of code the kernel gives every process: the kuser helpers at their architected addresses (kernel
 * Documentation/arch/arm/kernel_user_helpers.rst, helper version 5) and the signal return trampolines. Real A32 code
 * for ARMv7, so both tiers run and trace it like any other code.
 */
import { KUSER_PAGE, PAGE_SIZE } from '../guest/layout.js';
import { Permission } from '../guest/memory.js';
import { PROT_EXEC, PROT_READ } from './abi/constants.js';
import { trampolineBytes } from './abi/signal-frame.js';
import type { AddressSpace } from './kernel/mm.js';

/** Where the sigreturn trampolines are mapped (the kernel's [sigpage]); above the stack, below TASK_SIZE. */
export const SIGNAL_TRAMPOLINE_PAGE = 0xbfff_f000;

export const KuserHelper = {
  CMPXCHG64: 0xffff_0f60,
  MEMORY_BARRIER: 0xffff_0fa0,
  CMPXCHG: 0xffff_0fc0,
  GET_TLS: 0xffff_0fe0,
  VERSION: 0xffff_0ffc,
} as const;

const HELPER_VERSION = 5;

const HELPERS: readonly (readonly [addr: number, words: readonly number[]])[] = [
  [
    KuserHelper.CMPXCHG64,
    [
      0xe92d_40f0, // push {r4, r5, r6, r7, lr}
      0xe1c0_40d0, // ldrd r4, r5, [r0]        old
      0xe1c1_60d0, // ldrd r6, r7, [r1]        new
      0xf57f_f05b, // dmb ish
      0xe1b2_0f9f, // 1: ldrexd r0, r1, [r2]
      0xe030_3004, // eors r3, r0, r4
      0x0031_3005, // eorseq r3, r1, r5
      0x01a2_3f96, // strexdeq r3, r6, r7, [r2]
      0x0333_0001, // teqeq r3, #1             lost the monitor: again
      0x0aff_fff9, // beq 1b
      0xf57f_f05b, // dmb ish
      0xe273_0000, // rsbs r0, r3, #0          r0 = 0 and C = 1 on success
      0xe8bd_80f0, // pop {r4, r5, r6, r7, pc}
    ],
  ],
  [
    KuserHelper.MEMORY_BARRIER,
    [
      0xf57f_f05b, // dmb ish
      0xe12f_ff1e, // bx lr
    ],
  ],
  [
    KuserHelper.CMPXCHG,
    [
      0xf57f_f05b, // dmb ish
      0xe192_3f9f, // 1: ldrex r3, [r2]
      0xe053_3000, // subs r3, r3, r0
      0x0182_3f91, // strexeq r3, r1, [r2]
      0x0333_0001, // teqeq r3, #1             lost the monitor: again
      0x0aff_fffa, // beq 1b
      0xe273_0000, // rsbs r0, r3, #0          r0 = 0 and C = 1 on success
      0xeaff_ffef, // b MEMORY_BARRIER         returns from there
    ],
  ],
  [
    KuserHelper.GET_TLS,
    [
      0xee1d_0f70, // mrc p15, 0, r0, c13, c0, 3
      0xe12f_ff1e, // bx lr
    ],
  ],
  [KuserHelper.VERSION, [HELPER_VERSION]],
];

/** The UDF the kernel fills unused parts of the vectors page with. */
const FILLER = 0xe7fd_def1;

/** The helper page, PAGE_SIZE bytes. */
export const kuserPageBytes = (): Uint8Array => {
  const words = new Uint32Array(PAGE_SIZE / 4).fill(FILLER);
  for (const [addr, code] of HELPERS) words.set(code, (addr - KUSER_PAGE) / 4);
  return new Uint8Array(words.buffer);
};

/** Puts both pages into guest memory, readable and executable. */
export const installKernelPages = (mm: AddressSpace): void => {
  const { memory } = mm;
  memory.poke(KUSER_PAGE, kuserPageBytes());
  memory.setPermissions(KUSER_PAGE, PAGE_SIZE, Permission.READ | Permission.EXECUTE);
  mm.map({
    addr: SIGNAL_TRAMPOLINE_PAGE,
    sizeBytes: PAGE_SIZE,
    prot: PROT_READ | PROT_EXEC,
    fixed: 'replace',
    name: '[sigpage]',
  });
  memory.poke(SIGNAL_TRAMPOLINE_PAGE, trampolineBytes());
};
