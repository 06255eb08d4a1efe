/*
 * vfork and dlopen for x86-64; abi/shim.h says why they are no C.
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
	movslq	%esi, %rdi
	call	rm_hook_dlopen
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	movl	%edx, %esi
	jmp	*%rax
	.cfi_endproc
	.size	dlopen, .-dlopen

	.hidden	rm_hook_vfork_return
	.hidden	rm_hook_dlopen
	.section .note.GNU-stack, "", @progbits
