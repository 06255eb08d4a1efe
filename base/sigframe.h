/*
 * What C cannot say of signal handlers: how one returns to the kernel, and how it goes on on another stack. Written
 * in assembly for each architecture. Context of all: any, signal-safe.
 */
#ifndef RM_BASE_SIGFRAME_H
#define RM_BASE_SIGFRAME_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* The kernel's struct sigaction, not libc's. */
struct rm_sigaction {
	void (*handler)(int sig, siginfo_t *info, void *context);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

enum { RM_SA_RESTORER = 0x04000000 };

/* rt_sigaction(2); 0, or minus an errno. */
long rm_sigaction(int sig, const struct rm_sigaction *act, struct rm_sigaction *before);

/*
 * Blocks all signals of this thread that neither the code that it runs may cause, nor libc needs to change the credentials
 * of all threads. Returns what was blocked before, for rm_sigframe_unblock.
 */
uint64_t rm_sigframe_block(void);
void rm_sigframe_unblock(uint64_t before);

/* For rm_sigaction.restorer, with RM_SA_RESTORER, where the architecture has one; looks as libc's does to debuggers. */
void rm_sigframe_restorer(void);

/* True when a handler with this return address was called by the kernel: it returns into a sigreturn. */
bool rm_sigframe_is_direct(const void *return_address);

/* Ends a handler that the kernel called, from wherever it has got to: goes on where the signal came. */
__attribute__((noreturn)) void rm_sigframe_return(const siginfo_t *info, const void *context);

/* Calls fn(arg) on the stack that ends at `top` (16-byte aligned), and comes back. */
void rm_sigframe_on_stack(void *top, void (*fn)(void *arg), void *arg);

#endif
