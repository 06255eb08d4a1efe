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

#include <sys/mman.h>

#include "agent/answered.h"
#include "agent/crash_facts.h"
#include "agent/outlet.h"
#include "agent/output.h"
#include "base/log.h"
#include "base/sys.h"

enum { KERNEL_MASK_BYTES = 8 };

__thread struct rm_thread rm_self __attribute__((tls_model("initial-exec"))) = { .ring = -1 };
struct rm_thread_process rm_thread_process;

bool rm_fork_watch(void)
{
	_Atomic uint32_t *page, *none = NULL;

	if (atomic_load_explicit(&rm_thread_process.wipe_page, memory_order_acquire))
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
	if (!atomic_compare_exchange_strong(&rm_thread_process.wipe_page, &none, page))
		rm_sys2(__NR_munmap, page, 4096);
	return true;
}

bool rm_fork_watched(void)
{
	return atomic_load_explicit(&rm_thread_process.wipe_page, memory_order_relaxed) != NULL;
}

bool rm_fork_unseen(void)
{
	_Atomic uint32_t *page = atomic_load_explicit(&rm_thread_process.wipe_page, memory_order_acquire);

	return page && atomic_load_explicit(page, memory_order_relaxed) == 0;
}

void rm_thread_activate(void)
{
	atomic_store(&rm_thread_process.active, true);
}

void rm_thread_deactivate(void)
{
	atomic_store(&rm_thread_process.active, false);
}

bool rm_active(void)
{
	return atomic_load_explicit(&rm_thread_process.active, memory_order_relaxed);
}

/* The first visit in a forked child: only the thread that forked exists, so nothing races here. */
static void forked(_Atomic uint32_t *page)
{
	rm_answered_forked(atomic_fetch_add(&rm_thread_process.epoch, 1));
	atomic_store(page, 1);
	rm_outlet_forked();
	rm_crash_forked();
	rm_output_forked();
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

	return below < RM_VISIT_STACK_BYTES || !is_readable(&scope->thread) ||
	       __atomic_load_n(&scope->thread, __ATOMIC_RELAXED) != &rm_self;
}

/*
 * After a visit that was left it is not known what the thread works for: what was set for a while only was not put back.
 * Its own frame is further down than whatever was not left.
 */
__attribute__((noinline)) bool rm_is_inside(struct rm_scope *scope)
{
	if (!rm_self.visit || (rm_self.visit != scope && !was_left(rm_self.visit)))
		return rm_self.visit != NULL;
	rm_self.visit = NULL;
	rm_self.open = rm_self.attached = 0;
	rm_self.pipelined = rm_self.attached_how = 0;
	rm_self.lookup = 0;
	rm_self.resend = (struct rm_resend){ 0 };
	rm_debug(RM_LOG_TRACE, "a signal handler has jumped out of a visit");
	return false;
}

bool rm_is_bypassed(void)
{
	return rm_may_look() && (rm_self.vforked || rm_is_cramped() || (rm_self.visit && rm_is_inside(NULL))) && !rm_self.worker;
}

__attribute__((cold)) void rm_thread_renew(void)
{
	_Atomic uint32_t *page = atomic_load_explicit(&rm_thread_process.wipe_page, memory_order_acquire);

	if (page && atomic_load_explicit(page, memory_order_relaxed) == 0)
		forked(page);
	if (rm_self.epoch != rm_epoch()) {
		rm_self.epoch = rm_epoch();
		rm_self.ring = -1;
		rm_self.random = (struct rm_random){ 0 };
	}
}

bool rm_enter(struct rm_scope *s)
{
	return rm_begin(s);
}

void rm_leave(struct rm_scope *s)
{
	rm_end(s);
}

bool rm_may_read(const void *p, size_t n)
{
	return !rm_active() || (rm_may_look() && rm_readable(&rm_self.probe, p, n));
}

bool rm_may_write(const void *p, size_t n)
{
	return !rm_active() || (rm_may_look() && rm_writable(&rm_self.probe, p, n));
}

void rm_vfork_mark(int in_child)
{
	if (rm_sys_thread_is_libcs())
		rm_self.vforked = in_child != 0;
}

void rm_alt_stack(const stack_t *stack)
{
	if (!rm_sys_thread_is_libcs())
		return;
	rm_self.alt_stack = stack->ss_sp;
	rm_self.alt_bytes = stack->ss_flags & SS_DISABLE ? 0 : stack->ss_size < UINT32_MAX ? (uint32_t)stack->ss_size : UINT32_MAX;
}
