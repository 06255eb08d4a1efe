/*
 * Hooks of libresolv's functions, which are libc's since glibc 2.34: res_query, res_search, res_querydomain, res_send and those with a
 * state of the program's own. Before that they had names with two underscores, under which programs that were linked then still ask
 * for them. What libc sends in them, it sends through names of its own, so nothing of it comes by here again.
 * Context: app. What the caller's pointers lead to is looked at as the call itself does; answers are only read.
 * Spec: resolver(3).
 */
#include "agent/hookapi.h"
#include "hooks/dns.h"
#include "hooks/hook.h"

#include <errno.h>
#include <netdb.h>

/* The header gives them other names, depending on its age. */
#undef res_query
#undef res_search
#undef res_querydomain
#undef res_send
#undef res_nquery
#undef res_nsearch
#undef res_nquerydomain
#undef res_nsend

typedef unsigned char byte;

int res_query(const char *name, int class, int type, byte *answer, int bytes);
int res_search(const char *name, int class, int type, byte *answer, int bytes);
int res_querydomain(const char *name, const char *domain, int class, int type, byte *answer, int bytes);
int res_send(const byte *question, int question_bytes, byte *answer, int bytes);
int res_nquery(void *state, const char *name, int class, int type, byte *answer, int bytes);
int res_nsearch(void *state, const char *name, int class, int type, byte *answer, int bytes);
int res_nquerydomain(void *state, const char *name, const char *domain, int class, int type, byte *answer, int bytes);
int res_nsend(void *state, const byte *question, int question_bytes, byte *answer, int bytes);
__typeof__(res_query) __res_query;
__typeof__(res_search) __res_search;
__typeof__(res_querydomain) __res_querydomain;
__typeof__(res_send) __res_send;
__typeof__(res_nquery) __res_nquery;
__typeof__(res_nsearch) __res_nsearch;
__typeof__(res_nquerydomain) __res_nquerydomain;
__typeof__(res_nsend) __res_nsend;

RM_HOOK(res_query, NULL);
RM_HOOK(res_search, NULL);
RM_HOOK(res_querydomain, NULL);
RM_HOOK(res_send, NULL);
RM_HOOK(res_nquery, NULL);
RM_HOOK(res_nsearch, NULL);
RM_HOOK(res_nquerydomain, NULL);
RM_HOOK(res_nsend, NULL);
RM_HOOK(__res_query, NULL);
RM_HOOK(__res_search, NULL);
RM_HOOK(__res_querydomain, NULL);
RM_HOOK(__res_send, NULL);
RM_HOOK(__res_nquery, NULL);
RM_HOOK(__res_nsearch, NULL);
RM_HOOK(__res_nquerydomain, NULL);
RM_HOOK(__res_nsend, NULL);

/* There is one of the two, or it is one function. */
#define REAL(fn) (RM_LATE(fn) ? RM_LATE(fn) : RM_LATE(__##fn))

static int missing(void)
{
	errno = ENOSYS;
	rm_dns_set_last_error(NETDB_INTERNAL);
	return -1;
}

/* `n`: what the call returned. It may be longer than what there was room for. */
static int ended(struct rm_lookup *l, int n, struct rm_str error, const byte *answer, int bytes)
{
	if (n < 0)
		rm_lookup_end(l, error, NULL);
	else
		rm_lookup_end_message(l, answer, (size_t)(n < bytes ? n : bytes > 0 ? bytes : 0));
	return n;
}

static int asked(struct rm_lookup *l, int n, const byte *answer, int bytes)
{
	return ended(l, n, n < 0 ? rm_dns_host_error(rm_dns_last_error()) : RM_STR(""), answer, bytes);
}

static int sent(struct rm_lookup *l, int n, const byte *answer, int bytes)
{
	return ended(l, n, RM_STR("no_answer"), answer, bytes);
}

static void begin(struct rm_lookup *l, const byte *question, int bytes)
{
	rm_lookup_begin_message(l, question, bytes > 0 ? (size_t)bytes : 0);
}

RM_EXPORT int res_query(const char *name, int class, int type, byte *answer, int bytes)
{
	__typeof__(&res_query) real = REAL(res_query);
	struct rm_lookup l;

	if (!real)
		return missing();
	rm_lookup_begin_question(&l, name, class, type);
	return asked(&l, real(name, class, type, answer, bytes), answer, bytes);
}

RM_EXPORT int res_search(const char *name, int class, int type, byte *answer, int bytes)
{
	__typeof__(&res_search) real = REAL(res_search);
	struct rm_lookup l;

	if (!real)
		return missing();
	rm_lookup_begin_question(&l, name, class, type);
	return asked(&l, real(name, class, type, answer, bytes), answer, bytes);
}

RM_EXPORT int res_querydomain(const char *name, const char *domain, int class, int type, byte *answer, int bytes)
{
	__typeof__(&res_querydomain) real = REAL(res_querydomain);
	struct rm_lookup l;

	if (!real)
		return missing();
	rm_lookup_begin_joined(&l, name, domain, class, type);
	return asked(&l, real(name, domain, class, type, answer, bytes), answer, bytes);
}

RM_EXPORT int res_send(const byte *question, int question_bytes, byte *answer, int bytes)
{
	__typeof__(&res_send) real = REAL(res_send);
	struct rm_lookup l;

	if (!real)
		return missing();
	begin(&l, question, question_bytes);
	return sent(&l, real(question, question_bytes, answer, bytes), answer, bytes);
}

RM_EXPORT int res_nquery(void *state, const char *name, int class, int type, byte *answer, int bytes)
{
	__typeof__(&res_nquery) real = REAL(res_nquery);
	struct rm_lookup l;

	if (!real)
		return missing();
	rm_lookup_begin_question(&l, name, class, type);
	return asked(&l, real(state, name, class, type, answer, bytes), answer, bytes);
}

RM_EXPORT int res_nsearch(void *state, const char *name, int class, int type, byte *answer, int bytes)
{
	__typeof__(&res_nsearch) real = REAL(res_nsearch);
	struct rm_lookup l;

	if (!real)
		return missing();
	rm_lookup_begin_question(&l, name, class, type);
	return asked(&l, real(state, name, class, type, answer, bytes), answer, bytes);
}

RM_EXPORT int res_nquerydomain(void *state, const char *name, const char *domain, int class, int type, byte *answer, int bytes)
{
	__typeof__(&res_nquerydomain) real = REAL(res_nquerydomain);
	struct rm_lookup l;

	if (!real)
		return missing();
	rm_lookup_begin_joined(&l, name, domain, class, type);
	return asked(&l, real(state, name, domain, class, type, answer, bytes), answer, bytes);
}

RM_EXPORT int res_nsend(void *state, const byte *question, int question_bytes, byte *answer, int bytes)
{
	__typeof__(&res_nsend) real = REAL(res_nsend);
	struct rm_lookup l;

	if (!real)
		return missing();
	begin(&l, question, question_bytes);
	return sent(&l, real(state, question, question_bytes, answer, bytes), answer, bytes);
}

RM_EXPORT __typeof__(res_query) __res_query __attribute__((alias("res_query")));
RM_EXPORT __typeof__(res_search) __res_search __attribute__((alias("res_search")));
RM_EXPORT __typeof__(res_querydomain) __res_querydomain __attribute__((alias("res_querydomain")));
RM_EXPORT __typeof__(res_send) __res_send __attribute__((alias("res_send")));
RM_EXPORT __typeof__(res_nquery) __res_nquery __attribute__((alias("res_nquery")));
RM_EXPORT __typeof__(res_nsearch) __res_nsearch __attribute__((alias("res_nsearch")));
RM_EXPORT __typeof__(res_nquerydomain) __res_nquerydomain __attribute__((alias("res_nquerydomain")));
RM_EXPORT __typeof__(res_nsend) __res_nsend __attribute__((alias("res_nsend")));
