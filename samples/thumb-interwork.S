@ Every way from one instruction set to the other and back: blx label, blx reg, bx, pop {pc}, ldr pc, ldm with pc,
@ mov pc, bl within a set, and a veneer. Each leg adds its own bit to r4; exit code 0 when all of them ran.
        .syntax unified
        .text
        .global _start
        .type   _start, %function
        .arm
_start:
        mov     r4, #0
        blx     thumb_leg
        bl      arm_leg
        ldr     r0, =thumb_pop + 1
        blx     r0
        ldr     r0, =arm_ldr
        blx     r0
        bl      arm_old_return
        bl      arm_ldm
        adr     lr, 1f
        ldr     pc, =thumb_bx + 1
1:      mov     r5, #3
2:      subs    r5, r5, #1
        blne    arm_conditional
        bne     2b
        cmp     r4, #0xff
        movne   r0, #1
        moveq   r0, #0
        mov     r7, #248
        svc     #0
        .size   _start, . - _start

        .type   arm_leg, %function
arm_leg:
        orr     r4, r4, #2
        bx      lr
        .size   arm_leg, . - arm_leg

        .type   arm_ldr, %function
arm_ldr:
        str     lr, [sp, #-4]!
        orr     r4, r4, #8
        ldr     pc, [sp], #4
        .size   arm_ldr, . - arm_ldr

        .type   arm_old_return, %function
arm_old_return:
        orr     r4, r4, #16
        mov     pc, lr
        .size   arm_old_return, . - arm_old_return

        .type   arm_ldm, %function
arm_ldm:
        mov     ip, sp
        stmfd   sp!, {fp, ip, lr, pc}
        sub     fp, ip, #4
        orr     r4, r4, #32
        ldmdb   fp, {fp, sp, pc}
        .size   arm_ldm, . - arm_ldm

        .type   arm_conditional, %function
arm_conditional:
        orr     r4, r4, #128
        cmp     r5, #1
        bxeq    lr
        cmp     r5, #0
        mov     pc, lr
        .size   arm_conditional, . - arm_conditional
        .ltorg

        .thumb
        .type   thumb_leg, %function
        .thumb_func
thumb_leg:
        push    {r6, lr}
        movs    r6, #1
        orrs    r4, r6
        blx     arm_leg
        bl      thumb_twin
        pop     {r6, pc}
        .size   thumb_leg, . - thumb_leg

        .type   thumb_twin, %function
        .thumb_func
thumb_twin:
        cmp     r4, #0
        ite     eq
        moveq   r6, #0
        bxne    lr
        bx      lr
        .size   thumb_twin, . - thumb_twin

        .type   thumb_pop, %function
        .thumb_func
thumb_pop:
        push    {lr}
        orr     r4, r4, #4
        pop     {pc}
        .size   thumb_pop, . - thumb_pop

        .type   thumb_bx, %function
        .thumb_func
thumb_bx:
        orr     r4, r4, #64
        bx      lr
        .size   thumb_bx, . - thumb_bx
        .section .note.GNU-stack, "", %progbits
