@ Process entry without a C library: argc, argv and envp go to main, its result to exit_group.
        .syntax unified
        .text
#ifdef __thumb__
        .thumb
#endif
        .global _start
        .type   _start, %function
_start:
        mov     fp, #0
        mov     lr, #0
        ldr     r0, [sp]
        add     r1, sp, #4
        add     r2, r0, #1
        add     r2, r1, r2, lsl #2
        bl      main
        mov     r7, #248
        svc     #0
        .size   _start, . - _start

@ int catch_jump(jump_point): 0 when set, the thrower's value when reached by throw_jump.
        .global catch_jump
        .type   catch_jump, %function
catch_jump:
        mov     ip, sp
        stmia   r0, {r4-r11, ip, lr}
        mov     r0, #0
        bx      lr
        .size   catch_jump, . - catch_jump

@ void throw_jump(jump_point, int): back to catch_jump, frames in between are abandoned.
        .global throw_jump
        .type   throw_jump, %function
throw_jump:
        ldmia   r0, {r4-r11, ip, lr}
        mov     sp, ip
        mov     r0, r1
        bx      lr
        .size   throw_jump, . - throw_jump

@ What a handler returns to when it was installed without SA_SIGINFO, and with it.
        .global sigreturn_restorer
        .type   sigreturn_restorer, %function
sigreturn_restorer:
        mov     r7, #119
        svc     #0
        .size   sigreturn_restorer, . - sigreturn_restorer

        .global rt_sigreturn_restorer
        .type   rt_sigreturn_restorer, %function
rt_sigreturn_restorer:
        mov     r7, #173
        svc     #0
        .size   rt_sigreturn_restorer, . - rt_sigreturn_restorer
        .section .note.GNU-stack, "", %progbits
