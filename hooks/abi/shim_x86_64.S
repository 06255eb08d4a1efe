/*
 * vfork, dlopen, syscall and __cxa_throw for x86-64; abi/shim.h says why they are no C.
 */
	.text

/*
 * The child runs on the parent's stack and returns through the slot of the return address before
 * the parent does, so the address waits in a register, which each of the two has for itself. Below
 * the slot the child may write: the parent keeps nothing there.
 */
	.globl	vfork
	.type	vfork, @function
vfork:
	.cfi_startproc
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rdi
	movl	$58, %eax		/* __NR_vfork; keeps all registers but rax, rcx, r11 */
	syscall
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rip, -8
	movq	%rax, %rdi
	jmp	rm_hook_vfork_return
	.cfi_endproc
	.size	vfork, .-vfork

/* Asks for target and flags, puts the arguments back and jumps: libc sees our caller's address. */
	.globl	dlopen
	.type	dlopen, @function
dlopen:
	.cfi_startproc
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	movslq	%esi, %rsi
	call	rm_hook_dlopen
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	movl	%edx, %esi
	jmp	*%rax
	.cfi_endproc
	.size	dlopen, .-dlopen

/*
 * Puts the arguments back and jumps: a call that returns on another stack, or twice, finds nothing
 * of ours there. The seventh argument stays where the caller put it.
 */
	.globl	syscall
	.type	syscall, @function
syscall:
	.cfi_startproc
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%r8
	pushq	%r9
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 56
	call	rm_hook_syscall
	addq	$8, %rsp
	popq	%r9
	popq	%r8
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	.cfi_adjust_cfa_offset -56
	jmp	*%rax
	.cfi_endproc
	.size	syscall, .-syscall

/* Puts the arguments back and jumps: what unwinds the stack finds nothing of ours there. */
	.globl	rm_hook_cxa_throw
	.type	rm_hook_cxa_throw, @function
rm_hook_cxa_throw:
	.cfi_startproc
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	.cfi_adjust_cfa_offset 24
	call	rm_hook_thrown
	popq	%rdx
	popq	%rsi
	popq	%rdi
	.cfi_adjust_cfa_offset -24
	jmp	*%rax
	.cfi_endproc
	.size	rm_hook_cxa_throw, .-rm_hook_cxa_throw

	.hidden	rm_hook_cxa_throw
	.hidden	rm_hook_thrown
	.hidden	rm_hook_vfork_return
	.hidden	rm_hook_dlopen
	.hidden	rm_hook_syscall
	.section .note.GNU-stack, "", @progbits
