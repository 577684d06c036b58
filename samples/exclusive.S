@ LDREX and STREX in all widths, a failing one after CLREX, and a retry loop of a thousand increments.
        .syntax unified
        .text
#ifdef __thumb__
        .thumb
#else
        .arm
#endif
        .global _start
        .type   _start, %function
_start:
        ldr     r4, =cell
        movw    r5, #1000
1:      ldrex   r0, [r4]
        add     r0, r0, #1
        strex   r1, r0, [r4]
        cmp     r1, #0
        bne     1b
        subs    r5, r5, #1
        bne     1b
        ldrexb  r0, [r4]
        strexb  r1, r0, [r4]
        ldrexh  r0, [r4]
        strexh  r2, r0, [r4]
        orr     r6, r1, r2
        add     r8, r4, #8
        ldrexd  r0, r1, [r8]
        adds    r0, r0, #1
        adc     r1, r1, #0
        strexd  r2, r0, r1, [r8]
        orr     r6, r6, r2
        ldrex   r0, [r4]
        clrex
        strex   r1, r0, [r4]
        eor     r1, r1, #1
        orr     r6, r6, r1
        dmb     sy
        ldr     r0, [r4]
        movw    r1, #1000
        subs    r0, r0, r1
        orr     r0, r0, r6
        ldr     r1, [r8]
        orr     r0, r0, r1
        ldr     r1, [r8, #4]
        sub     r1, r1, #2
        orr     r0, r0, r1
        mov     r7, #248
        svc     #0
        .size   _start, . - _start
        .ltorg
        .data
        .align  3
cell:   .word   0, 0
        .word   0xffffffff, 1
        .section .note.GNU-stack, "", %progbits
