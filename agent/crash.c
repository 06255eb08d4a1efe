/*
 * The signals of crashes, and what is done when one comes.
 *
 * The handler runs on a stack of its own, with all signals blocked that are none of these. It changes nothing of the
 * process: the default action is put back, and the thread goes on where it was - into the same fault, which the kernel
 * then ends as it would have; what was sent to it is sent again. So the core has the registers and the siginfo of the
 * crash itself.
 *
 * What can go wrong meanwhile ends the look at the crash, not its outcome: a fault of the handler's own comes to
 * the handler again, which then gives up; so does a timer, when it takes too long. Another thread that crashes at the same
 * time waits, as the first one is what the process dies of.
 *
 * States of `owner`: 0 -> the thread that crashed; never back, but in a forked child.
 * Context: hook, in a signal handler at any instruction of the program. Must never: wait without a bound, allocate, touch
 * what a visit that was interrupted may hold.
 */
#include "agent/crash.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "agent/context.h"
#include "agent/crash_facts.h"
#include "agent/exception.h"
#include "agent/identity.h"
#include "agent/outlet.h"
#include "agent/semconv.h"
#include "agent/stacks.h"
#include "agent/throws.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sigframe.h"
#include "base/sys.h"
#include "stack/stack.h"

#define MS_NS 1000000ull

enum {
	STACK_BYTES = 512 * 1024,
	STACK_TAKES_MS = 100, /* functions are not looked up any more then */
	GRACE_MS = 500,	      /* beyond REMORA_EXIT_TIMEOUT; then the handler gives up */
	OUR_FLAGS = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
};

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
enum { SIGNALS = sizeof(crash_signals) / sizeof(crash_signals[0]) };

static struct {
	_Atomic uint32_t armed;
	_Atomic uint32_t owner; /* the thread that crashed */
	char *stack;
	/* The crash that is looked at. */
	int sig;
	const siginfo_t *info;
	const ucontext_t *context;
	bool direct;		/* the kernel called the handler: its frame can be returned from */
} crash;

/* What is found out, and the memory for it. */
struct report {
	struct rm_stack stack;
	struct rm_exception told;
	_Alignas(8) char log[RM_RECORD_MAX_BYTES];
};

static void on_signal(int sig, siginfo_t *info, void *context);

/* ---- dispositions ---- */

static bool is_crash_signal(int sig)
{
	for (int i = 0; i < SIGNALS; i++)
		if (crash_signals[i] == sig)
			return true;
	return false;
}

bool rm_crash_watches(int sig)
{
	return atomic_load_explicit(&crash.armed, memory_order_relaxed) && is_crash_signal(sig);
}

/*
 * Puts the handler where the default action is. What flags and mask the program gave that stay, and come back in what it
 * is shown; of flags that are ours there must be none.
 */
static void take(int sig)
{
	struct rm_sigaction act, before;

	if (rm_sigaction(sig, NULL, &before) != 0 || before.handler || before.flags & OUR_FLAGS)
		return;
	act = before;
	act.handler = on_signal;
	act.flags |= OUR_FLAGS;
#if defined(__x86_64__)
	if (!(act.flags & RM_SA_RESTORER)) {
		act.flags |= RM_SA_RESTORER;
		act.restorer = rm_sigframe_restorer;
	}
#endif
	if (rm_sigaction(sig, &act, &before) != 0 || !before.handler)
		return;
	rm_sigaction(sig, &before, NULL); /* another thread has just given it a handler */
}

/* The default action, as the program had it. */
static void give_back(int sig)
{
	struct rm_sigaction act;

	if (rm_sigaction(sig, NULL, &act) != 0 || act.handler != on_signal)
		return;
	act.handler = NULL;
	act.flags &= ~(unsigned long)OUR_FLAGS;
	if (act.restorer == rm_sigframe_restorer) {
		act.flags &= ~(unsigned long)RM_SA_RESTORER;
		act.restorer = NULL;
	}
	rm_sigaction(sig, &act, NULL);
}

void rm_crash_arm(void)
{
	crash.stack = rm_sys_map(STACK_BYTES);
	if (!crash.stack || rm_sys3(__NR_mprotect, crash.stack, 4096, PROT_NONE) != 0)
		return;
	rm_crash_settle();
	atomic_store(&crash.armed, 1);
	for (int i = 0; i < SIGNALS; i++)
		take(crash_signals[i]);
	rm_debug(RM_LOG_INIT, "crashes are reported");
}

void rm_crash_disarm(void)
{
	if (!atomic_exchange(&crash.armed, 0))
		return;
	for (int i = 0; i < SIGNALS; i++)
		give_back(crash_signals[i]);
}

void rm_crash_changed(int sig)
{
	if (rm_may_enter())
		take(sig);
}

bool rm_crash_is_ours(const void *handler)
{
	return handler == (const void *)on_signal;
}

void rm_crash_show(struct sigaction *act)
{
	if ((const void *)act->sa_sigaction != (const void *)on_signal)
		return;
	act->sa_handler = SIG_DFL;
	act->sa_flags &= ~OUR_FLAGS;
	if (act->sa_restorer == rm_sigframe_restorer) {
		act->sa_flags &= ~RM_SA_RESTORER;
		act->sa_restorer = NULL;
	}
}

/* ---- the report ---- */

static void describe(struct report *r)
{
	uint64_t deadline_ns = rm_clock_mono_ns() + STACK_TAKES_MS * MS_NS;
	bool has_stack = rm_stack_take(&r->stack, crash.context), aborted = crash.sig == SIGABRT && has_stack;
	struct rm_exception *x = &r->told;

	rm_exception_begin(x);
	if (!aborted || !rm_stack_exception(&r->stack, &x->type, &x->message)) {
		rm_strbuf_c(&x->type, rm_crash_signal_name(crash.sig));
		if (!aborted || !rm_stack_abort_message(&r->stack, &x->message))
			rm_crash_describe(crash.sig, crash.info, &x->message);
	}
	if (has_stack)
		rm_stack_write(&r->stack, deadline_ns, &x->trace);
}

static void give_log(rm_ctx ctx, struct report *r)
{
	struct rm_exchange *e = rm_ctx_exchange(ctx);
	const struct rm_exception *x = &r->told;
	struct rm_log head = { .time_ns = x->now_ns, .observed_ns = x->now_ns, .severity = RM_SEVERITY_FATAL };
	struct rm_builder b = { 0 };

	if (e) {
		memcpy(head.trace_id, e->ctx.trace_id, sizeof(head.trace_id));
		memcpy(head.span_id, e->ctx.span_id, sizeof(head.span_id));
		head.trace_flags = e->ctx.flags;
	}
	if (!rm_outlet_takes(RM_SIGNAL_LOGS) ||
	    rm_builder_log(&b, r->log, sizeof(r->log), &head, RM_STR("FATAL"), RM_STR("exception"),
			   rm_strbuf_view(x->message.n ? &x->message : &x->type)) != RM_OK)
		return;
	rm_exception_put(x, &b);
	rm_outlet_log((const struct rm_log *)r->log, rm_builder_end(&b));
}

/* A span for a crash that belongs to no request: of this moment, below what the process was started for. */
static rm_ctx begin_span(struct rm_thread *t, uint64_t now_ns)
{
	uint32_t x = rm_exchange_begin(RM_KIND_INTERNAL, now_ns, t);
	struct rm_exchange *e = x ? rm_exchange_at(x) : NULL;
	struct rm_parent parent;

	if (!e)
		return 0;
	rm_context_resolve_here(t, &parent);
	e->operation = true;
	rm_identity_adopt(t, x, e, &parent, NULL);
	if (e->ctx.flags & RM_FLAG_SAMPLED)
		rm_semconv_start(e, rm_context_config(), 512, RM_STR("crash"));
	return rm_exchange_ctx(x);
}

static void end_span(struct rm_thread *t, rm_ctx ctx, uint64_t now_ns)
{
	struct rm_exchange *e = rm_ctx_exchange(ctx);

	if (e && e->record)
		rm_semconv_broken(e, rm_crash_error(ctx), now_ns);
	rm_exchange_end((uint32_t)ctx, now_ns, t);
}

static void tell(struct report *r, struct rm_thread *t)
{
	rm_ctx ctx = rm_context_current(t, NULL), own = 0;
	uint64_t now_ns = rm_clock_mono_ns();

	describe(r);
	if (!ctx)
		own = begin_span(t, now_ns);
	rm_crash_blame(ctx ? ctx : own, rm_strbuf_view(&r->told.type));
	/* Nobody has caught it: the event is there since it was thrown. */
	if (!rm_thrown_told((const void *)r->stack.exception, ctx ? ctx : own))
		rm_exception_give(&r->told, ctx ? ctx : own);
	give_log(ctx ? ctx : own, r);
	if (own)
		end_span(t, own, now_ns);
}

/* Runs on the crash's own stack. */
static void report(void *arg)
{
	struct report *r = rm_sys_map(sizeof(*r));
	struct rm_scope s;

	if (!r || !rm_enter(&s))
		return;
	atomic_store(&crash.owner, (uint32_t)rm_sys0(__NR_gettid)); /* the visit may have noticed a fork */
	rm_stacks_close(STACK_TAKES_MS * MS_NS);
	tell(r, s.thread);
	rm_leave(&s);
	rm_process_end(RM_END_UNDERSCORE_EXIT);
}

/* ---- the way to it and back ---- */

/* The signal will come again by itself when the thread goes on: it is the instruction's own. */
static bool comes_again(int sig, const siginfo_t *info)
{
	return info->si_code > 0 && sig != SIGABRT && !(sig == SIGBUS && info->si_code == BUS_MCEERR_AO);
}

/* Afterwards the process dies of the signal as soon as the thread goes on. */
static void let_die(int sig, const siginfo_t *info)
{
	long pid = rm_sys0(__NR_getpid), tid = rm_sys0(__NR_gettid);

	give_back(sig);
	if (!comes_again(sig, info) && rm_sys4(__NR_rt_tgsigqueueinfo, pid, tid, sig, info) != 0)
		rm_sys3(__NR_tgkill, pid, tid, sig);
}

/* A signal of the handler itself, by a fault or the timer: what was to be told is not told. */
static void give_up(void)
{
	let_die(crash.sig, crash.info);
	if (crash.direct)
		rm_sigframe_return(crash.info, crash.context);
	rm_sys3(__NR_tgkill, rm_sys0(__NR_getpid), rm_sys0(__NR_gettid), crash.sig);
}

static int start_timer(int sig, uint64_t after_ns)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sig };
	struct itimerspec at = { .it_value = { (time_t)(after_ns / 1000000000), (long)(after_ns % 1000000000) } };
	int timer = -1;

	event._sigev_un._tid = (int)rm_sys0(__NR_gettid);
	if (rm_sys3(__NR_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0)
		return -1;
	rm_sys4(__NR_timer_settime, timer, 0, &at, NULL);
	return timer;
}

/*
 * With the alternate stack off: a fault in here would have its frame at the top of that, where the one is that is to
 * be returned to.
 */
static void guarded(void *arg)
{
	static const stack_t off = { .ss_flags = SS_DISABLE };
	uint64_t limit_ns = rm_context_config()->exit_timeout_ns + GRACE_MS * MS_NS, blocked;
	stack_t before;
	int timer;

	if (rm_sys2(__NR_sigaltstack, &off, &before) != 0)
		return;
	blocked = rm_sigframe_block();
	timer = start_timer(crash.sig, limit_ns);
	report(NULL);
	if (timer >= 0)
		rm_sys1(__NR_timer_delete, timer);
	rm_sigframe_unblock(blocked);
	rm_sys2(__NR_sigaltstack, &before, NULL);
}

/* Neither a process that only borrows this memory nor our own thread. */
static bool is_the_programs(void)
{
	return rm_sys_thread_is_libcs() && rm_active() && !rm_thread_self()->vforked && !rm_thread_self()->worker &&
	       rm_crash_is_home();
}

/* The first process of a container is not killed by what its default action would be: the kernel drops such signals. */
static bool is_dropped(int sig, const siginfo_t *info)
{
	return info->si_code <= 0 && rm_sys0(__NR_getpid) == 1 && !(sig == SIGABRT && info->si_pid == 1);
}

static void wait_for_the_end(void)
{
	uint64_t end_ns = rm_clock_mono_ns() + rm_context_config()->exit_timeout_ns + 2 * GRACE_MS * MS_NS;
	static const struct timespec nap = { 0, 10000000 };

	while (rm_clock_mono_ns() < end_ns)
		rm_sys2(__NR_nanosleep, &nap, NULL);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	uint32_t self, none = 0;

	if (is_dropped(sig, info))
		return;
	if (!is_the_programs()) {
		let_die(sig, info);
		return;
	}
	self = (uint32_t)rm_sys0(__NR_gettid);
	if (atomic_load(&crash.owner) == self) {
		give_up();
	} else if (!atomic_compare_exchange_strong(&crash.owner, &none, self)) {
		wait_for_the_end();
	} else {
		crash.sig = sig;
		crash.info = info;
		crash.context = context;
		crash.direct = rm_sigframe_is_direct(__builtin_return_address(0));
		rm_sigframe_on_stack(crash.stack + STACK_BYTES, guarded, NULL);
	}
	let_die(sig, info);
}
