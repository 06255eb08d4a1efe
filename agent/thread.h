/*
 * What the agent keeps for each thread of the application: one small initial-exec block, no
 * destructor (hooks run after destructors), no key.
 */
#ifndef RM_AGENT_THREAD_H
#define RM_AGENT_THREAD_H

#include "agent/adapter_api.h"
#include "agent/hookapi.h"
#include "base/clock.h"
#include "base/probe.h"
#include "base/random.h"

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
	uint8_t pipelined;      /* `open` was read while another request of its connection was not done */
	uint8_t vforked;        /* child of vfork: shares the parent's memory */
	uint8_t attached_how;   /* enum rm_source of `attached` */
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

/* The calling thread's block. Context: any. */
struct rm_thread *rm_thread_self(void);

/* False where rm_enter would refuse. Context: any. */
bool rm_may_enter(void);

/* True where rm_enter refuses although what happens is the program's own traffic. Context: any. */
bool rm_is_bypassed(void);

/* How often this process image was forked off another one: 0 in the first. Context: any. */
uint32_t rm_epoch(void);

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
