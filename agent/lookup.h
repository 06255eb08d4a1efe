/*
 * Look-ups of names that the program asks libc for: what is a look-up, whose it is, and its span. One that a module of
 * libc makes on the way is part of the outer one. Each function passes the guard by itself and keeps errno.
 * Context of all: app, unless said otherwise.
 */
#ifndef RM_AGENT_LOOKUP_H
#define RM_AGENT_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "agent/adapter_api.h"
#include "base/str.h"
#include "base/strbuf.h"

enum {
	RM_LOOKUP_NAME_BYTES = 255,  /* longer ones are cut: no name is */
	RM_LOOKUP_ANSWERS = 16,      /* further ones are not told */
	RM_LOOKUP_TEXT_BYTES = 1024, /* of all answers together */
};

struct rm_thread;

/* A call that is under way. It lies on the stack of the hook. */
struct rm_lookup {
	rm_ctx ctx;      /* 0: it has no span */
	const void *key; /* under which it is kept */
	bool outermost;
};

/* What was found, in the making: texts one behind the other. */
struct rm_answers {
	struct rm_str value[RM_LOOKUP_ANSWERS];
	uint32_t count;
	struct rm_strbuf text;
	char room[RM_LOOKUP_TEXT_BYTES];
};

/*
 * True for what libc answers without asking anybody: an address in any of the forms that it takes for one, nothing at all,
 * and localhost with the names below it (RFC 6761). Context: any.
 */
bool rm_lookup_is_local(const char *name);

/* True for an address in any of those forms. Context: any. */
bool rm_lookup_is_address(const char *name);

/* True in what libc does for a look-up of this thread. Context: hook, inside a visit. */
bool rm_lookup_goes_on(const struct rm_thread *t);

/* A look-up of a name begins. `name` may be NULL. */
void rm_lookup_begin(struct rm_lookup *l, const char *name);

/* The same for that request, whichever thread asks; 0: for whom it is as ever. */
void rm_lookup_begin_for(struct rm_lookup *l, const char *name, rm_ctx whose);

/*
 * The request that a call of getaddrinfo without a service was marked for (rm_ctx_mark_lookup), 0 if it was not;
 * `ret_flags`: what it was to be called with.
 */
rm_ctx rm_lookup_marked(const char *name, int flags, int *ret_flags);

/* One of the name of an address. */
void rm_lookup_begin_reverse(struct rm_lookup *l, const struct sockaddr *address, size_t len);

/* A question to the DNS that libc puts together, or gets as a message. */
void rm_lookup_begin_question(struct rm_lookup *l, const char *name, int class, int type);
void rm_lookup_begin_message(struct rm_lookup *l, const uint8_t *p, size_t n);

/* The same, of a name within a domain; `domain` NULL: of the name alone. */
void rm_lookup_begin_joined(struct rm_lookup *l, const char *name, const char *domain, int class, int type);

/* Begins nothing, but what is asked in the call is no look-up either. */
void rm_lookup_pass(struct rm_lookup *l);

void rm_answers_init(struct rm_answers *a);
/* Adds an address, or a name; what is there already, or finds no room, is left out. */
void rm_answers_address(struct rm_answers *a, const struct sockaddr *address, size_t len);
void rm_answers_text(struct rm_answers *a, struct rm_str name);
void rm_answers_name(struct rm_answers *a, const char *name);

/* It is over. `error` says what went wrong (empty: nothing); `answers` may be NULL. */
void rm_lookup_end(struct rm_lookup *l, struct rm_str error, const struct rm_answers *answers);

/* It is over with an answer of `n` bytes, which says how it went. */
void rm_lookup_end_message(struct rm_lookup *l, const uint8_t *p, size_t n);

/* It was none: the call was refused before anything was asked. */
void rm_lookup_drop(struct rm_lookup *l);

/* The thread jumps over frames of its own (longjmp), whose hooks will not be told of it. Context: any. */
void rm_lookup_jumps(void);

/*
 * A look-up of a name that another thread makes for this one begins; `key`, an address of the program's, names it. Then it is over,
 * or it was none, or it was one of which nobody knows what became (counted as RM_LOST_EXCHANGE). Is one under way that has this
 * name? Context of the last four: any.
 */
void rm_lookup_order(const void *key, const char *name);
void rm_lookup_deliver(const void *key, struct rm_str error, const struct rm_answers *answers);
void rm_lookup_withdraw(const void *key);
void rm_lookup_lose(const void *key);
bool rm_lookup_is_ordered(const void *key);

#endif
