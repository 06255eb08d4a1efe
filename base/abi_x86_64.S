/*
 * sigframe.h for x86-64.
 */
	.text

/* Debuggers and unwinders know a signal's frame by these very bytes, where no table says otherwise. */
	.globl	rm_sigframe_restorer
	.hidden	rm_sigframe_restorer
	.type	rm_sigframe_restorer, @function
	nop
rm_sigframe_restorer:
	movq	$15, %rax		/* __NR_rt_sigreturn */
	syscall
	.size	rm_sigframe_restorer, .-rm_sigframe_restorer

/* The kernel finds its frame by the stack pointer, which it left at the context once a handler has returned. */
	.globl	rm_sigframe_return
	.hidden	rm_sigframe_return
	.type	rm_sigframe_return, @function
rm_sigframe_return:
	movq	%rsi, %rsp
	movl	$15, %eax
	syscall
	ud2
	.size	rm_sigframe_return, .-rm_sigframe_return

	.globl	rm_sigframe_on_stack
	.hidden	rm_sigframe_on_stack
	.type	rm_sigframe_on_stack, @function
rm_sigframe_on_stack:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	movq	%rdi, %rsp
	movq	%rdx, %rdi
	call	*%rsi
	movq	%rbp, %rsp
	popq	%rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	rm_sigframe_on_stack, .-rm_sigframe_on_stack

	.section .note.GNU-stack, "", @progbits
