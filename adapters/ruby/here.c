/*
 * Fibers and the contexts they have. A fiber that starts has the context of who resumed it first; it keeps
 * its own whoever resumes it later, but for one that inherited it and is resumed by another request: that one
 * works for both, so for nobody (unless it waits inside of Async, whose locks are handed on so).
 *
 * Each thread remembers which fiber it runs and what that serves. Ruby may leave out the event of a switch
 * (an exception of another thread or of a signal comes first): so the agent's question compares the fibers, which
 * takes no lock.
 */
#include "adapters/ruby/here.h"

#include <stdatomic.h>

#include "base/str.h"

enum { CTX_BITS = 58, FRAMES_MAX = 6 };

struct here {
	rm_value fiber; /* that runs, 0 before anything is known of this thread */
	rm_ctx ctx;
	bool inherited; /* from who started it */
};

static __thread struct here here __attribute__((tls_model("initial-exec")));
static rm_id of, before; /* names of hidden variables: what is served; what was before a scope */
static rm_value nil;
static atomic_bool busy; /* some request was entered: until then there is nothing to do */
static atomic_bool stopped;
static bool asks_fiber;

static const rm_value NOBODY = ~(rm_value)0; /* the number -1 */

bool rm_ruby_here_start(bool one_native_thread_sees_its_own_fiber)
{
	of = rm_rb.rb_intern("__remora");
	before = rm_rb.rb_intern("__remora_before");
	nil = rm_rb.rb_attr_get(rm_rb.rb_path2class("Object"), of);
	asks_fiber = one_native_thread_sees_its_own_fiber;
	return true;
}

void rm_ruby_here_stop(void)
{
	atomic_store(&stopped, true);
}

bool rm_ruby_here_stopped(void)
{
	return atomic_load_explicit(&stopped, memory_order_relaxed);
}

rm_value rm_ruby_nil(void)
{
	return nil;
}

bool rm_ruby_is_true(rm_value v)
{
	return (v & ~nil) != 0;
}

/* ---- contexts as small numbers of Ruby's ---- */

static rm_value number(rm_ctx ctx, bool inherited)
{
	if (ctx == RM_CTX_NOBODY || ctx >> CTX_BITS)
		return NOBODY;
	return (ctx << 1 | inherited) << 1 | 1;
}

/* False: the object has none. */
static bool read_number(rm_value object, rm_id name, rm_ctx *ret, bool *ret_inherited)
{
	rm_value v = rm_rb.rb_attr_get(object, name);

	if (v == nil)
		return false;
	*ret = v == NOBODY ? RM_CTX_NOBODY : v >> 2;
	*ret_inherited = v != NOBODY && (v >> 1 & 1);
	return true;
}

/* ---- the thread ---- */

static void show(rm_value fiber, rm_ctx ctx, bool inherited)
{
	here = (struct here){ .fiber = fiber, .ctx = ctx, .inherited = inherited };
	rm_ctx_attach(ctx, inherited ? RM_SOURCE_HANDOFF : RM_SOURCE_ATTACHED);
}

static void set(rm_ctx ctx, bool inherited)
{
	rm_value fiber = rm_rb.rb_fiber_current();

	if (ctx >> CTX_BITS)
		ctx = RM_CTX_NOBODY;
	rm_rb.rb_ivar_set(fiber, of, number(ctx, inherited));
	show(fiber, ctx, inherited);
	if (ctx)
		atomic_store_explicit(&busy, true, memory_order_relaxed);
}

static bool is_stale(void)
{
	return here.fiber && here.fiber != rm_rb.rb_fiber_current();
}

void rm_ruby_become(rm_ctx ctx)
{
	if (ctx || here.ctx || is_stale())
		set(ctx, false);
}

void rm_ruby_enter(const char *text)
{
	rm_ctx ctx = text ? rm_ctx_from_traceparent(text, RM_CTX_TEXT_BYTES) : 0;

	rm_ctx_attach(0, RM_SOURCE_ATTACHED);
	set(ctx ? ctx : rm_ctx_current(), false);
}

rm_ctx rm_ruby_now(void)
{
	if (rm_ruby_here_stopped() || is_stale())
		return RM_CTX_NOBODY;
	if (here.ctx == RM_CTX_NOBODY)
		return here.ctx;
	if (here.ctx)
		return rm_ctx_lives(here.ctx) ? here.ctx : RM_CTX_NOBODY;
	return rm_ctx_current();
}

bool rm_ruby_inherits(void)
{
	return here.inherited;
}

void rm_ruby_waits(void)
{
	if (here.inherited)
		set(RM_CTX_NOBODY, false);
}

/* ---- work that is done elsewhere ---- */

void rm_ruby_tag(rm_value object)
{
	rm_ctx now = rm_ruby_now();

	if (now && now != RM_CTX_NOBODY)
		rm_rb.rb_ivar_set(object, of, number(now, false));
}

static void begin_scope(rm_value object, rm_ctx ctx)
{
	rm_rb.rb_ivar_set(object, before, is_stale() ? NOBODY : number(here.ctx, here.inherited));
	set(ctx, false);
}

void rm_ruby_scope(rm_value object)
{
	rm_ctx ctx;
	bool inherited;

	begin_scope(object, read_number(object, of, &ctx, &inherited) ? ctx : RM_CTX_NOBODY);
}

void rm_ruby_scope_nobody(rm_value object)
{
	begin_scope(object, RM_CTX_NOBODY);
}

void rm_ruby_scope_end(rm_value object)
{
	rm_ctx ctx;
	bool inherited;

	if (read_number(object, before, &ctx, &inherited))
		set(ctx, inherited);
}

/* ---- threads ---- */

void rm_ruby_start_thread(rm_value thread)
{
	rm_ctx now = rm_ruby_now();

	if (now && now != RM_CTX_NOBODY)
		rm_rb.rb_ivar_set(thread, of, number(now, true));
}

void rm_ruby_thread_begins(void)
{
	rm_ctx ctx = 0;
	bool inherited;

	show(0, 0, false);
	if (!rm_ruby_here_stopped() && read_number(rm_rb.rb_thread_current(), of, &ctx, &inherited))
		set(ctx, inherited);
}

void rm_ruby_thread_ends(void)
{
	show(0, 0, false);
}

/* ---- fibers ---- */

/* The code that runs has not begun yet: no frame of Ruby is below the event. */
static bool is_fresh(void)
{
	rm_value frame;
	int line;

	return rm_rb.rb_profile_frames(0, 1, &frame, &line) == 0;
}

/* A live request, and not that one. */
static bool is_other(rm_ctx ctx, rm_ctx than)
{
	return ctx && ctx != RM_CTX_NOBODY && ctx != than && rm_ctx_lives(ctx);
}

static bool is_of_async(struct rm_str path)
{
	while (path.n)
		if (rm_str_eq(rm_str_cut(&path, '/'), RM_STR("async")) && path.n)
			return true;
	return false;
}

/* Some versions count functions of C, which have no path; some cannot begin at another frame than the last. */
bool rm_ruby_frame_is_async(int number)
{
	rm_value frames[FRAMES_MAX];
	int lines[FRAMES_MAX], count = rm_rb.rb_profile_frames(0, FRAMES_MAX, frames, lines);

	for (int i = 0; i < count; i++) {
		volatile rm_value path = rm_rb.rb_check_string_type(rm_rb.rb_profile_frame_path(frames[i]));

		if (path != nil && number-- == 0)
			return is_of_async(rm_str_c(rm_rb.rb_string_value_cstr(&path)));
	}
	return false;
}

void rm_ruby_fiber_switched(void)
{
	struct here was = here;
	rm_value fiber;
	rm_ctx ctx = 0;
	bool inherited = false;

	if (!atomic_load_explicit(&busy, memory_order_relaxed) || rm_ruby_here_stopped())
		return;
	fiber = rm_rb.rb_fiber_current();
	if (!read_number(fiber, of, &ctx, &inherited)) {
		if (was.ctx && is_fresh())
			set(was.ctx, was.ctx != RM_CTX_NOBODY);
		else
			show(fiber, 0, false);
	} else if (inherited && is_other(was.ctx, ctx) && !rm_ruby_frame_is_async(0)) {
		set(RM_CTX_NOBODY, false);
	} else {
		show(fiber, ctx, inherited);
	}
}

/* ---- the agent's question ---- */

bool rm_ruby_holds(void)
{
	if (!here.fiber || !(asks_fiber || rm_rb.ruby_thread_has_gvl_p()))
		return true;
	return !is_stale();
}
