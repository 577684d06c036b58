/* Position independent, without libc: exits with 0 when AT_ENTRY is where it runs and AT_PHDR shows its own headers. */
  .syntax unified
  .arch armv7-a
  .globl _start
_start:
  mov r8, sp
1:
  ldr r0, [r8], #4      @ past argc and argv
  cmp r0, #0
  bne 1b
2:
  ldr r0, [r8], #4      @ past envp
  cmp r0, #0
  bne 2b
  mov r5, #1
  mov r6, #1
3:
  ldrd r0, r1, [r8], #8
  cmp r0, #9            @ AT_ENTRY
  adreq r2, _start
  subeq r5, r1, r2
  cmp r0, #3            @ AT_PHDR
  ldreq r6, [r1]        @ p_type of the first header: PT_LOAD
  cmp r0, #0
  bne 3b
  sub r6, r6, #1
  orrs r0, r5, r6
  movne r0, #1
  mov r7, #248
  svc #0
