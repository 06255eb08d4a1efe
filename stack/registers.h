/*
 * The registers by which the frames of the running code are found; rm_unwind takes no other. The function that asks must
 * not have returned when they are used.
 */
#ifndef RM_STACK_REGISTERS_H
#define RM_STACK_REGISTERS_H

#include <stddef.h>
#include <ucontext.h>

/* Fills in those that a call keeps, the stack pointer and the address of the next instruction. Context: any. */
static inline __attribute__((always_inline)) void rm_registers_here(ucontext_t *ret)
{
#if defined(__x86_64__)
	__asm__ volatile("movq %%rbx, %c[rbx](%[at])\n\t"
			 "movq %%rbp, %c[rbp](%[at])\n\t"
			 "movq %%rsp, %c[rsp](%[at])\n\t"
			 "movq %%r12, %c[r12](%[at])\n\t"
			 "movq %%r13, %c[r13](%[at])\n\t"
			 "movq %%r14, %c[r14](%[at])\n\t"
			 "movq %%r15, %c[r15](%[at])\n\t"
			 "leaq 0f(%%rip), %%rax\n"
			 "0:\tmovq %%rax, %c[rip](%[at])"
			 :
			 : [at] "r"(ret->uc_mcontext.gregs), [rbx] "i"(REG_RBX * sizeof(greg_t)),
			   [rbp] "i"(REG_RBP * sizeof(greg_t)), [rsp] "i"(REG_RSP * sizeof(greg_t)),
			   [r12] "i"(REG_R12 * sizeof(greg_t)), [r13] "i"(REG_R13 * sizeof(greg_t)),
			   [r14] "i"(REG_R14 * sizeof(greg_t)), [r15] "i"(REG_R15 * sizeof(greg_t)),
			   [rip] "i"(REG_RIP * sizeof(greg_t))
			 : "rax", "memory");
#elif defined(__aarch64__)
	__asm__ volatile("stp x19, x20, [%[at], #(19 * 8)]\n\t"
			 "stp x21, x22, [%[at], #(21 * 8)]\n\t"
			 "stp x23, x24, [%[at], #(23 * 8)]\n\t"
			 "stp x25, x26, [%[at], #(25 * 8)]\n\t"
			 "stp x27, x28, [%[at], #(27 * 8)]\n\t"
			 "stp x29, x30, [%[at], #(29 * 8)]\n\t"
			 "mov x0, sp\n\t"
			 "str x0, [%[at], #(31 * 8)]\n\t"
			 "adr x0, 0f\n"
			 "0:\tstr x0, [%[at], #(32 * 8)]"
			 :
			 : [at] "r"(ret->uc_mcontext.regs)
			 : "x0", "memory");
#endif
}

#if defined(__aarch64__)
_Static_assert(offsetof(mcontext_t, sp) == offsetof(mcontext_t, regs) + 31 * 8 &&
		       offsetof(mcontext_t, pc) == offsetof(mcontext_t, regs) + 32 * 8, "the layout that is written above");
#endif

#endif
