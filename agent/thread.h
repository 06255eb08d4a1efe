/*
 * What the agent keeps for each thread of the application: one small initial-exec block, no
 * destructor (hooks run after destructors), no key.
 */
#ifndef RM_AGENT_THREAD_H
#define RM_AGENT_THREAD_H

#include <errno.h>
#include <stdatomic.h>

#include "agent/adapter_api.h"
#include "agent/hookapi.h"
#include "base/clock.h"
#include "base/probe.h"
#include "base/random.h"
#include "base/sys.h"

/* What the thread asked last, and what has to follow: agent/resend.c. */
struct rm_resend {
	rm_ctx sent;          /* its last request */
	uint64_t url;         /* hash of the URL that is expected next; its key is `sent` */
	uint8_t parent[8];    /* span id of what the request was for */
	uint16_t count;       /* how often it had been resent already */
	uint8_t pending;      /* enum pending: what is expected */
	bool multiplexes;     /* it has had two requests under way at once: nothing is sure any more */
	uint8_t calls;        /* of a client library, one inside of the other, that it is in */
	const char *call;     /* the frame of the outermost */
};

/* Functions of libc that print in a way of their own. */
enum rm_prints {
	RM_PRINTS_OTHER,
	RM_PRINTS_PERROR, /* to a copy of standard error */
	RM_PRINTS_SYSLOG, /* to standard error what is told already */
};

struct rm_thread {
	uint8_t vforked;        /* child of vfork: shares the parent's memory */
	uint8_t worker;         /* it is our own */
	uint8_t pipelined : 1;    /* `open` was read while another request of its connection was not done */
	uint8_t attached_how : 7; /* enum rm_source of `attached` */
	uint8_t libc_prints;    /* enum rm_prints: what of libc's it is in */
	uint8_t unsafe_for;     /* so many reads are not looked at as places to start the worker */
	int8_t ring;            /* of the segment, -1 before the first span */
	uint16_t waits;         /* how often it waited for many things at once, from where slow.c begins */
	uint32_t epoch;         /* of rm_epoch() when this block was last used */
	uint32_t open_conn;     /* where `open` came in */
	uint32_t lookup;        /* where on its stack it looks up a name, as agent/lookup.c has it; 0: it does not */
	uint32_t alt_bytes;     /* of `alt_stack`; 0: there is none */
	rm_ctx open;            /* the request this thread read last, for the gated thread rule */
	rm_ctx attached;        /* by an adapter: what the code that runs now belongs to; 0: not known */
	const char *alt_stack;  /* for signal handlers, as the program asked for it */
	struct rm_scope *visit; /* the guard: hooks that run now pass through; NULL outside */
	struct rm_random random;
	struct rm_wall wall;
	struct rm_resend resend;
	struct rm_probe probe;  /* pages of the program that can be read */
};

/* Of the process. */
struct rm_thread_process {
	atomic_bool active;                     /* visits are allowed */
	_Atomic uint32_t epoch;
	_Atomic(_Atomic uint32_t *) wipe_page;  /* holds 1; 0 in a fresh child */
};

extern __thread struct rm_thread rm_self __attribute__((tls_model("initial-exec"), visibility("hidden")));
extern struct rm_thread_process rm_thread_process __attribute__((visibility("hidden")));

/* The calling thread's block. Context: any. */
static inline struct rm_thread *rm_thread_self(void)
{
	return &rm_self;
}

/* How often this process image was forked off another one: 0 in the first. Context: any. */
static inline uint32_t rm_epoch(void)
{
	return atomic_load_explicit(&rm_thread_process.epoch, memory_order_relaxed);
}

enum { RM_VISIT_STACK_BYTES = 4096 }; /* a visit takes less: tests/abi/stack_depth.c */

/*
 * A signal handler on a stack of its own has what the kernel's frame left of it, often a few hundred
 * bytes: a visit there would run over the end. Only what came through sigaltstack() is known.
 */
static inline bool rm_is_cramped(void)
{
	size_t room = (size_t)((const char *)__builtin_frame_address(0) - rm_self.alt_stack);

	return room < rm_self.alt_bytes && room < RM_VISIT_STACK_BYTES;
}

/*
 * A child of clone(CLONE_VM | CLONE_SETTLS) is in our memory without a block of its own (Chromium's
 * sandbox makes its chroot in one): before anything else is read here, it is let through.
 */
static inline bool rm_may_look(void)
{
	return atomic_load_explicit(&rm_thread_process.active, memory_order_relaxed) && rm_sys_thread_is_libcs();
}

/* True inside of a visit, for who would make one with this scope (NULL: none yet); visits that were left (siglongjmp) are none. */
bool rm_is_inside(struct rm_scope *scope);

static inline bool rm_may_begin(struct rm_scope *scope)
{
	return rm_may_look() && !(rm_self.vforked | rm_self.worker) && !rm_is_cramped() &&
	       (!rm_self.visit || !rm_is_inside(scope));
}

/* False where rm_enter would refuse. Context: any. */
static inline bool rm_may_enter(void)
{
	return rm_may_begin(NULL);
}

/* True where rm_enter refuses although what happens is the program's own traffic. Context: any. */
bool rm_is_bypassed(void);

/* Begins anew in a forked child, or in the first visit of a thread there. */
void rm_thread_renew(void);

/* rm_enter and rm_leave, where they are part of what is done with each call. */
static inline bool rm_begin(struct rm_scope *s)
{
	_Atomic uint32_t *page;

	if (!rm_may_begin(s))
		return false;
	s->saved_errno = errno;
	s->thread = &rm_self;
	atomic_signal_fence(memory_order_seq_cst); /* what stands in a scope tells whether its visit was left: thread.c */
	rm_self.visit = s;
	atomic_signal_fence(memory_order_seq_cst);
	page = atomic_load_explicit(&rm_thread_process.wipe_page, memory_order_acquire);
	if ((page && atomic_load_explicit(page, memory_order_relaxed) == 0) || rm_self.epoch != rm_epoch())
		rm_thread_renew();
	return true;
}

static inline void rm_end(struct rm_scope *s)
{
	atomic_signal_fence(memory_order_seq_cst);
	rm_self.visit = NULL;
	errno = s->saved_errno;
}

/*
 * Maps the page that the kernel wipes in a forked child, at the first traced socket. False when there is
 * none to be had: then nothing may be made that a child must not share. Context: hook.
 */
bool rm_fork_watch(void);

/* True in a forked child in which nothing has noticed the fork yet. Context: any. */
bool rm_fork_unseen(void);

/* False while no socket was traced, so that nothing in here has any work. Context: any. */
bool rm_fork_watched(void);

/* Allows visits; until then every rm_enter is refused. Context: init. */
void rm_thread_activate(void);

/* Refuses visits from now on. Context: any. */
void rm_thread_deactivate(void);

#endif
