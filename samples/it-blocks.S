@ Thumb IT groups around calls, returns and branches, taken and not; exit code 0 when the sum is right.
        .syntax unified
        .text
        .thumb
        .global _start
        .type   _start, %function
        .thumb_func
_start:
        movs    r4, #0
        movs    r5, #5
        ldr     r6, =arm_bump
1:      cmp     r5, #3
        it      eq
        bleq    bump
        it      gt
        blxgt   r6
        mov     r0, r5
        bl      maybe_return
        cbz     r5, 2f
        subs    r5, #1
        b       1b
2:      bl      table
        cmp     r4, #121
        ite     eq
        moveq   r0, #0
        movne   r0, r4
        mov     r7, #248
        svc     #0
        .size   _start, . - _start

        .type   bump, %function
        .thumb_func
bump:
        adds    r4, #100
        bx      lr
        .size   bump, . - bump

@ r0 odd: out through pop in an IT group; even: through the last line.
        .type   maybe_return, %function
        .thumb_func
maybe_return:
        push    {r7, lr}
        tst     r0, #1
        itt     ne
        addne   r4, #1
        popne   {r7, pc}
        adds    r4, #2
        pop     {r7, pc}
        .size   maybe_return, . - maybe_return

@ tbb with three legs, one of which returns from inside an IT group.
        .type   table, %function
        .thumb_func
table:
        movs    r3, #2
3:      tbb     [pc, r3]
4:      .byte   (5f - 4b) / 2, (6f - 4b) / 2, (7f - 4b) / 2, 0
5:      adds    r4, #3
        bx      lr
6:      adds    r4, #4
        cmp     r3, #0
        it      eq
        bxeq    lr
        subs    r3, #1
        b       3b
7:      adds    r4, #5
        subs    r3, #1
        b       3b
        .size   table, . - table

        .ltorg
        .arm
        .type   arm_bump, %function
arm_bump:
        bx      lr
        .size   arm_bump, . - arm_bump
        .section .note.GNU-stack, "", %progbits
