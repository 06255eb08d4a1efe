/*
 * vfork, dlopen, syscall and __cxa_throw for aarch64; abi/shim.h says why they are no C.
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
	sxtw	x1, w1
	bl	rm_hook_dlopen
	mov	x16, x0
	ldp	x30, x0, [sp], #16
	.cfi_adjust_cfa_offset -16
	.cfi_restore x30
	br	x16			/* x1 holds the flags */
	.cfi_endproc
	.size	dlopen, .-dlopen

/*
 * Puts the arguments back and jumps: a call that returns on another stack, or twice, finds nothing
 * of ours there.
 */
	.globl	syscall
	.type	syscall, %function
syscall:
	.cfi_startproc
	stp	x30, x6, [sp, #-64]!
	.cfi_adjust_cfa_offset 64
	.cfi_offset x30, -64
	stp	x0, x1, [sp, #16]
	stp	x2, x3, [sp, #32]
	stp	x4, x5, [sp, #48]
	bl	rm_hook_syscall
	mov	x16, x0
	ldp	x0, x1, [sp, #16]
	ldp	x2, x3, [sp, #32]
	ldp	x4, x5, [sp, #48]
	ldp	x30, x6, [sp], #64
	.cfi_adjust_cfa_offset -64
	.cfi_restore x30
	br	x16
	.cfi_endproc
	.size	syscall, .-syscall

/* Puts the arguments back and jumps: what unwinds the stack finds nothing of ours there. */
	.globl	rm_hook_cxa_throw
	.type	rm_hook_cxa_throw, %function
rm_hook_cxa_throw:
	.cfi_startproc
	stp	x30, x2, [sp, #-32]!
	.cfi_adjust_cfa_offset 32
	.cfi_offset x30, -32
	stp	x0, x1, [sp, #16]
	bl	rm_hook_thrown
	mov	x16, x0
	ldp	x0, x1, [sp, #16]
	ldp	x30, x2, [sp], #32
	.cfi_adjust_cfa_offset -32
	.cfi_restore x30
	br	x16
	.cfi_endproc
	.size	rm_hook_cxa_throw, .-rm_hook_cxa_throw

	.hidden	rm_hook_cxa_throw
	.hidden	rm_hook_thrown
	.hidden	rm_hook_vfork_return
	.hidden	rm_hook_dlopen
	.hidden	rm_hook_syscall
	.section .note.GNU-stack, "", %progbits
