/*
 * See stacks.h. Whose turn it is, is told by the number of the forked child that the process is: a thread that was at it
 * when its process was forked is not in the child. Context: hook.
 */
#include "agent/stacks.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "agent/thread.h"
#include "base/patience.h"
#include "base/sigframe.h"
#include "base/sys.h"
#include "stack/registers.h"
#include "stack/stack.h"

#define SECOND_NS 1000000000ull
enum { STACK_BYTES = 256 * 1024, PAGE_BYTES = 4096 };

static _Atomic uint32_t turn; /* rm_epoch() + 1 of the process in which a thread is at it */
/* Of whose turn it is; the thread's own stack may have next to no room. */
struct work {
	char bytes[STACK_BYTES]; /* a stack, the first page of which nobody may touch */
	struct rm_stack stack;
	ucontext_t here;
	rm_stacks_fn fn;
	void *arg;
};
static struct work *work;

static bool begin(void)
{
	uint32_t self = rm_epoch() + 1, seen = atomic_load(&turn);

	return seen != self && atomic_compare_exchange_strong(&turn, &seen, self);
}

static void end(void)
{
	atomic_store(&turn, 0);
}

static bool has_memory(void)
{
	struct work *w;

	if (work)
		return true;
	w = rm_sys_map(sizeof(*w));
	if (!w || rm_sys3(__NR_mprotect, w, PAGE_BYTES, PROT_NONE) != 0)
		return false;
	work = w;
	return true;
}

static void show(void *arg)
{
	struct work *w = arg;

	if (!rm_stack_take_near(&w->stack, &w->here, (uintptr_t)show))
		w->stack.shown = w->stack.count = 0;
	w->fn(&w->stack, w->arg);
}

/* Its frame is the first one that is found, so it stays as long as that is looked for. */
__attribute__((noinline)) static void take(rm_stacks_fn fn, void *arg)
{
	uint64_t before = rm_sigframe_block();

	work->fn = fn;
	work->arg = arg;
	rm_registers_here(&work->here);
	rm_sigframe_on_stack(work->bytes + STACK_BYTES, show, work);
	rm_sigframe_unblock(before);
}

bool rm_stacks_take(rm_stacks_fn fn, void *arg)
{
	bool can;

	if (!begin())
		return false;
	can = has_memory();
	if (can)
		take(fn, arg);
	end();
	return can;
}

bool rm_stacks_admit(_Atomic uint64_t *spent_until_ns, uint32_t per_s)
{
	uint64_t now_ns = rm_clock_mono_ns(), seen = atomic_load(spent_until_ns), next;

	if (per_s == 0)
		return false;
	do {
		next = (seen > now_ns ? seen : now_ns) + SECOND_NS / per_s;
		if (next > now_ns + SECOND_NS)
			return false;
	} while (!atomic_compare_exchange_weak(spent_until_ns, &seen, next));
	return true;
}

void rm_stacks_close(uint64_t wait_ns)
{
	uint64_t until_ns = 0;

	while (!begin() && rm_patience(&until_ns, wait_ns))
		;
}
