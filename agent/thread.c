/*
 * The guard every hook passes, and the one place that notices a fork.
 *
 * Owns: the per-thread block, the activity flag, the wipe-on-fork page. Runs in any thread, also in
 * signal handlers. Must never: allocate, lock, make a system call on the way in.
 *
 * A fork is noticed by a page that the kernel zeroes in the child (MADV_WIPEONFORK): atfork
 * handlers would miss raw clone and _Fork. The page is mapped when the first socket is traced; a
 * process without one has nothing that a fork could spoil. Where the kernel does not know how (before
 * Linux 4.14, or a filter) nothing is traced: a child would send its parent's spans once more.
 */
#include "agent/thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "agent/answered.h"
#include "agent/crash_facts.h"
#include "agent/outlet.h"
#include "agent/output.h"
#include "base/log.h"
#include "base/sys.h"

enum {
	VISIT_STACK_BYTES = 4096, /* a visit takes less: tests/abi/stack_depth.c */
	KERNEL_MASK_BYTES = 8,
};

static __thread struct rm_thread self __attribute__((tls_model("initial-exec"))) = { .ring = -1 };
static atomic_bool active;
static _Atomic uint32_t epoch;
static _Atomic(_Atomic uint32_t *) wipe_page; /* holds 1; 0 in a fresh child */

struct rm_thread *rm_thread_self(void)
{
	return &self;
}

uint32_t rm_epoch(void)
{
	return atomic_load_explicit(&epoch, memory_order_relaxed);
}

bool rm_fork_watch(void)
{
	_Atomic uint32_t *page, *none = NULL;

	if (atomic_load_explicit(&wipe_page, memory_order_acquire))
		return true;
	page = rm_sys_map(4096);
	if (!page)
		return false;
	atomic_store(page, 1);
	if (rm_sys3(__NR_madvise, page, 4096, MADV_WIPEONFORK) < 0) {
		rm_sys2(__NR_munmap, page, 4096);
		rm_thread_deactivate();
		rm_debug(RM_LOG_INIT, "nothing is traced: forks cannot be noticed here (MADV_WIPEONFORK)");
		return false;
	}
	if (!atomic_compare_exchange_strong(&wipe_page, &none, page))
		rm_sys2(__NR_munmap, page, 4096);
	return true;
}

bool rm_fork_watched(void)
{
	return atomic_load_explicit(&wipe_page, memory_order_relaxed) != NULL;
}

bool rm_fork_unseen(void)
{
	_Atomic uint32_t *page = atomic_load_explicit(&wipe_page, memory_order_acquire);

	return page && atomic_load_explicit(page, memory_order_relaxed) == 0;
}

void rm_thread_activate(void)
{
	atomic_store(&active, true);
}

void rm_thread_deactivate(void)
{
	atomic_store(&active, false);
}

bool rm_active(void)
{
	return atomic_load_explicit(&active, memory_order_relaxed);
}

/* The first visit in a forked child: only the thread that forked exists, so nothing races here. */
static void forked(_Atomic uint32_t *page)
{
	rm_answered_forked(atomic_fetch_add(&epoch, 1));
	atomic_store(page, 1);
	rm_outlet_forked();
	rm_crash_forked();
	rm_output_forked();
}

/*
 * A child of clone(CLONE_VM | CLONE_SETTLS) is in our memory without a block of its own (Chromium's
 * sandbox makes its chroot in one): before anything else is read here, it is let through.
 */
static bool may_look(void)
{
	return rm_active() && rm_sys_thread_is_libcs();
}

/* Without touching it: the kernel reads a mask before it looks at what is to be done with it, which is nothing here. */
static bool is_readable(const void *word)
{
	enum { NOTHING = -1 };

	return rm_sys4(__NR_rt_sigprocmask, NOTHING, word, NULL, KERNEL_MASK_BYTES) != -EFAULT;
}

/*
 * A visit that a signal handler jumps out of (siglongjmp) never gets to its rm_leave. Its scope lies in the frame of the
 * function that made it, whose memory nobody else uses as long as that has not returned. So the visit is over when the
 * scope is further down than who runs, as nothing is there that was not left (or is another stack's, and who runs has next to
 * nothing left of his own), or when other things stand in its place, or nothing.
 */
__attribute__((no_sanitize("address"))) static bool was_left(struct rm_scope *scope)
{
	size_t below = (size_t)((const char *)__builtin_frame_address(0) - (const char *)scope);

	return below < VISIT_STACK_BYTES || !is_readable(&scope->thread) ||
	       __atomic_load_n(&scope->thread, __ATOMIC_RELAXED) != &self;
}

/*
 * True inside of a visit, for who would make one with this scope (NULL: none yet). After a visit that was left it is not known what
 * the thread works for: what was set for a while only was not put back.
 * Not inlined: its own frame is further down than whatever was not left.
 */
__attribute__((noinline)) static bool is_inside(const struct rm_scope *scope)
{
	if (!self.visit || (self.visit != scope && !was_left(self.visit)))
		return self.visit != NULL;
	self.visit = NULL;
	self.open = self.attached = 0;
	self.pipelined = self.attached_how = 0;
	self.lookup = 0;
	self.resend = (struct rm_resend){ 0 };
	rm_debug(RM_LOG_TRACE, "a signal handler has jumped out of a visit");
	return false;
}

/*
 * A signal handler on a stack of its own has what the kernel's frame left of it, often a few hundred
 * bytes: a visit there would run over the end. Only what came through sigaltstack() is known.
 */
static bool is_cramped(void)
{
	size_t room = (size_t)((const char *)__builtin_frame_address(0) - self.alt_stack);

	return room < self.alt_bytes && room < VISIT_STACK_BYTES;
}

static bool may_enter(const struct rm_scope *scope)
{
	return may_look() && !self.vforked && !is_cramped() && (!self.visit || !is_inside(scope)) && !rm_outlet_is_worker();
}

bool rm_may_enter(void)
{
	return may_enter(NULL);
}

bool rm_is_bypassed(void)
{
	return may_look() && (self.vforked || is_cramped() || (self.visit && is_inside(NULL))) && !rm_outlet_is_worker();
}

bool rm_enter(struct rm_scope *s)
{
	_Atomic uint32_t *page;

	if (!may_enter(s))
		return false;
	s->saved_errno = errno;
	s->thread = &self;
	atomic_signal_fence(memory_order_seq_cst);
	self.visit = s;
	atomic_signal_fence(memory_order_seq_cst);
	page = atomic_load_explicit(&wipe_page, memory_order_acquire);
	if (page && atomic_load_explicit(page, memory_order_relaxed) == 0)
		forked(page);
	if (self.epoch != rm_epoch()) {
		self.epoch = rm_epoch();
		self.ring = -1;
		self.random = (struct rm_random){ 0 };
	}
	return true;
}

void rm_leave(struct rm_scope *s)
{
	atomic_signal_fence(memory_order_seq_cst);
	s->thread->visit = NULL;
	errno = s->saved_errno;
}

bool rm_may_read(const void *p, size_t n)
{
	return !rm_active() || (may_look() && rm_readable(&self.probe, p, n));
}

bool rm_may_write(const void *p, size_t n)
{
	return !rm_active() || (may_look() && rm_writable(&self.probe, p, n));
}

void rm_vfork_mark(int in_child)
{
	if (rm_sys_thread_is_libcs())
		self.vforked = in_child != 0;
}

void rm_alt_stack(const stack_t *stack)
{
	if (!rm_sys_thread_is_libcs())
		return;
	self.alt_stack = stack->ss_sp;
	self.alt_bytes = stack->ss_flags & SS_DISABLE ? 0 : stack->ss_size < UINT32_MAX ? (uint32_t)stack->ss_size : UINT32_MAX;
}
