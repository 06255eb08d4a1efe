/*
 * vfork and dlopen for aarch64; abi/shim.h says why they are no C.
 */
	.text

/*
 * clone(CLONE_VM | CLONE_VFORK | SIGCHLD) on the same stack. The return address is in x30, which the
 * kernel keeps for both; nothing is on the stack that the child could spoil.
 */
	.globl	vfork
	.type	vfork, %function
vfork:
	.cfi_startproc
	mov	x0, #0x4111
	mov	x1, #0
	mov	x2, #0
	mov	x3, #0
	mov	x4, #0
	mov	x8, #220		/* __NR_clone */
	svc	#0
	b	rm_hook_vfork_return
	.cfi_endproc
	.size	vfork, .-vfork

/* Asks for target and flags, puts the arguments back and jumps: libc sees our caller's address. */
	.globl	dlopen
	.type	dlopen, %function
dlopen:
	.cfi_startproc
	stp	x30, x0, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_offset x30, -16
	sxtw	x0, w1
	bl	rm_hook_dlopen
	mov	x16, x0
	ldp	x30, x0, [sp], #16
	.cfi_adjust_cfa_offset -16
	.cfi_restore x30
	br	x16			/* x1 holds the flags */
	.cfi_endproc
	.size	dlopen, .-dlopen

	.hidden	rm_hook_vfork_return
	.hidden	rm_hook_dlopen
	.section .note.GNU-stack, "", %progbits
