/*
 * sigframe.h for aarch64. The kernel brings the return itself; the restorer is never asked for.
 */
	.text

	.globl	rm_sigframe_restorer
	.hidden	rm_sigframe_restorer
	.type	rm_sigframe_restorer, %function
rm_sigframe_restorer:
	mov	x8, #139		/* __NR_rt_sigreturn */
	svc	#0
	.size	rm_sigframe_restorer, .-rm_sigframe_restorer

/* The kernel's frame begins with the siginfo, and is found by the stack pointer. */
	.globl	rm_sigframe_return
	.hidden	rm_sigframe_return
	.type	rm_sigframe_return, %function
rm_sigframe_return:
	mov	sp, x0
	mov	x8, #139
	svc	#0
	brk	#1
	.size	rm_sigframe_return, .-rm_sigframe_return

	.globl	rm_sigframe_on_stack
	.hidden	rm_sigframe_on_stack
	.type	rm_sigframe_on_stack, %function
rm_sigframe_on_stack:
	.cfi_startproc
	stp	x29, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_offset x29, -16
	.cfi_offset x30, -8
	mov	x29, sp
	.cfi_def_cfa_register x29
	mov	sp, x0
	mov	x0, x2
	blr	x1
	mov	sp, x29
	.cfi_def_cfa_register sp
	ldp	x29, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc
	.size	rm_sigframe_on_stack, .-rm_sigframe_on_stack

	.section .note.GNU-stack, "", %progbits
