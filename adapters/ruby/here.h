/*
 * Which request the running Ruby code serves: of each fiber, in a hidden variable of that object, which no
 * list of Ruby's shows; and of the thread that runs it, where the agent asks for it.
 * Context of all: Ruby's lock held, in the main ractor. What Ruby raises meanwhile goes on to the caller.
 */
#ifndef RM_ADAPTERS_RUBY_HERE_H
#define RM_ADAPTERS_RUBY_HERE_H

#include "adapters/ruby/api.h"
#include "agent/adapter_api.h"

/* Ruby's objects that are the same in each run of the adapter. False: it cannot be done here. */
bool rm_ruby_here_start(bool one_native_thread_sees_its_own_fiber);

/* No more: the agent is told nothing from now on. Context: any. */
void rm_ruby_here_stop(void);
bool rm_ruby_here_stopped(void);

rm_value rm_ruby_nil(void);

/* Anything but nil and false. */
bool rm_ruby_is_true(rm_value v);

/* The code that runs now serves the request that has this traceparent; NULL: the one the thread read. */
void rm_ruby_enter(const char *traceparent);

/* It serves `ctx`; 0: nothing is known; RM_CTX_NOBODY. */
void rm_ruby_become(rm_ctx ctx);

/* What it serves: a live context, RM_CTX_NOBODY or 0. */
rm_ctx rm_ruby_now(void);

/*
 * It waits for work. Code that another one started, which served a request, may work for all from then on:
 * it belongs to nobody.
 */
void rm_ruby_waits(void);

/* True where a wait would change something. Cheap. */
bool rm_ruby_inherits(void);

/* Code that is to run later, in a scope: what is served now goes with the object, and is what that begins with. */
void rm_ruby_tag(rm_value object);

/* A scope of the work that `object` was tagged for, and its end. Without a tag it is nobody's. */
void rm_ruby_scope(rm_value object);
void rm_ruby_scope_nobody(rm_value object);
void rm_ruby_scope_end(rm_value object);

/* A thread that the running code makes: it begins with what is served now. */
void rm_ruby_start_thread(rm_value thread);

/* The code that runs, or its caller of that number, is a part of Async. */
bool rm_ruby_frame_is_async(int number);

/* Ruby's events. */
void rm_ruby_thread_begins(void);
void rm_ruby_thread_ends(void);
void rm_ruby_fiber_switched(void);

/* The thread runs the fiber that it ran when it last heard of one. Context: hook. */
bool rm_ruby_holds(void);

#endif
