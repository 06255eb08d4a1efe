/* See crash_facts.h. Specification: sigaction(2), "The si_code field". */
#include "agent/crash_facts.h"

#include <stdatomic.h>
#include <stddef.h>

#include "agent/thread.h"
#include "base/sys.h"

enum { TYPE_BYTES = 256 };

static _Atomic(void (*)(void)) arming; /* NULL: nobody wants it, or it is done */
static _Atomic uint32_t home; /* the process that has this memory; 0: nobody asked */
static _Atomic rm_ctx blamed;
static char type[TYPE_BYTES];
static uint32_t type_bytes;

void rm_crash_arm_late(void (*arm)(void))
{
	atomic_store(&arming, arm);
}

void rm_crash_span_begins(void)
{
	void (*arm)(void);

	if (!atomic_load_explicit(&arming, memory_order_relaxed))
		return;
	arm = atomic_exchange(&arming, NULL);
	if (arm)
		arm();
}

void rm_crash_settle(void)
{
	atomic_store(&home, (uint32_t)rm_sys0(__NR_getpid));
}

void rm_crash_forked(void)
{
	if (atomic_load_explicit(&home, memory_order_relaxed))
		rm_crash_settle();
}

bool rm_crash_is_home(void)
{
	return rm_fork_unseen() || atomic_load(&home) == (uint32_t)rm_sys0(__NR_getpid);
}

void rm_crash_blame(rm_ctx ctx, struct rm_str what)
{
	type_bytes = what.n < TYPE_BYTES ? (uint32_t)what.n : TYPE_BYTES;
	if (type_bytes)
		memcpy(type, what.p, type_bytes);
	atomic_store(&blamed, ctx);
}

struct rm_str rm_crash_error(rm_ctx ctx)
{
	if (ctx && atomic_load(&blamed) == ctx)
		return (struct rm_str){ type, type_bytes };
	return RM_STR("process_exit");
}

/* Texts, not pointers to them: the loader need not look at these. */
struct reason {
	int sig, code;
	bool has_address;
	char name[16], text[56];
};

static const struct reason reasons[] = {
	{ SIGSEGV, SEGV_MAPERR, true, "SEGV_MAPERR", "nothing is mapped there" },
	{ SIGSEGV, SEGV_ACCERR, true, "SEGV_ACCERR", "no right to access that" },
	{ SIGSEGV, 4, true, "SEGV_PKUERR", "the memory's protection key forbids it" },
	{ SIGSEGV, SI_KERNEL, false, "SI_KERNEL", "no address that there can be, or no stack for a handler" },
	{ SIGBUS, BUS_ADRALN, true, "BUS_ADRALN", "the address is not aligned" },
	{ SIGBUS, BUS_ADRERR, true, "BUS_ADRERR", "the file ends before that, or cannot be read" },
	{ SIGBUS, BUS_OBJERR, true, "BUS_OBJERR", "the hardware failed" },
	{ SIGBUS, BUS_MCEERR_AR, true, "BUS_MCEERR_AR", "the memory is broken" },
	{ SIGBUS, BUS_MCEERR_AO, true, "BUS_MCEERR_AO", "the memory is broken" },
	{ SIGFPE, FPE_INTDIV, false, "FPE_INTDIV", "integer division by zero" },
	{ SIGFPE, FPE_INTOVF, false, "FPE_INTOVF", "integer overflow" },
	{ SIGFPE, FPE_FLTDIV, false, "FPE_FLTDIV", "floating-point division by zero" },
	{ SIGFPE, FPE_FLTOVF, false, "FPE_FLTOVF", "floating-point overflow" },
	{ SIGFPE, FPE_FLTUND, false, "FPE_FLTUND", "floating-point underflow" },
	{ SIGFPE, FPE_FLTRES, false, "FPE_FLTRES", "inexact floating-point result" },
	{ SIGFPE, FPE_FLTINV, false, "FPE_FLTINV", "invalid floating-point operation" },
	{ SIGILL, ILL_ILLOPC, false, "ILL_ILLOPC", "illegal instruction" },
	{ SIGILL, ILL_ILLOPN, false, "ILL_ILLOPN", "illegal operand" },
	{ SIGILL, ILL_PRVOPC, false, "ILL_PRVOPC", "privileged instruction" },
	{ SIGILL, ILL_BADSTK, false, "ILL_BADSTK", "internal stack error" },
};

const char *rm_crash_signal_name(int sig)
{
	switch (sig) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGFPE:
		return "SIGFPE";
	case SIGILL:
		return "SIGILL";
	case SIGABRT:
		return "SIGABRT";
	default:
		return "signal";
	}
}

void rm_crash_describe(int sig, const siginfo_t *info, struct rm_strbuf *out)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].sig != sig || reasons[i].code != info->si_code)
			continue;
		rm_strbuf_c(out, reasons[i].name);
		if (reasons[i].has_address) {
			rm_strbuf_c(out, " at ");
			rm_strbuf_hex_u64(out, (uintptr_t)info->si_addr);
		}
		rm_strbuf_c(out, ": ");
		rm_strbuf_c(out, reasons[i].text);
		return;
	}
	/* A process that aborts sends itself the signal, and has nothing more to say. */
	if (info->si_code > 0 || (sig == SIGABRT && info->si_pid == (pid_t)rm_sys0(__NR_getpid)))
		return;
	rm_strbuf_c(out, "sent by process "); /* with kill(1) and its kin */
	rm_strbuf_i64(out, info->si_pid);
}
