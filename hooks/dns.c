/*
 * Hooks of the calls by which programs look up names: getaddrinfo, getnameinfo, gethostbyname, gethostbyaddr and their
 * kin. What libc does in them, it does through names of its own, so nothing of its traffic comes by here. getaddrinfo is a
 * safe point, too.
 * Context: app: none of these may be called in a signal handler. What the caller's pointers lead to is looked at as the
 * call itself does; results are only read.
 */
#include "agent/hookapi.h"
#include "agent/lookup.h"
#include "hooks/dns.h"
#include "hooks/hook.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#pragma weak __h_errno_location

/* ---- what went wrong ---- */

struct rm_str rm_dns_error(int code)
{
	switch (code) {
	case EAI_NONAME:
		return RM_STR("host_not_found");
	case EAI_AGAIN:
		return RM_STR("try_again");
	case EAI_FAIL:
		return RM_STR("no_recovery");
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return RM_STR("no_data");
	case EAI_FAMILY:
		return RM_STR("address_family_not_supported");
	default:
		return RM_STR("_OTHER");
	}
}

struct rm_str rm_dns_host_error(int code)
{
	switch (code) {
	case HOST_NOT_FOUND:
		return RM_STR("host_not_found");
	case TRY_AGAIN:
		return RM_STR("try_again");
	case NO_RECOVERY:
		return RM_STR("no_recovery");
	case NO_DATA:
		return RM_STR("no_data");
	default:
		return RM_STR("_OTHER");
	}
}

/* ---- getaddrinfo, getnameinfo ---- */

bool rm_dns_refused(int code)
{
	return code == EAI_BADFLAGS || code == EAI_SERVICE || code == EAI_SOCKTYPE;
}

void rm_dns_add_found(struct rm_answers *answers, const struct addrinfo *found)
{
	for (; found; found = found->ai_next)
		if (found->ai_addr)
			rm_answers_address(answers, found->ai_addr, found->ai_addrlen);
}

static void end_addresses(struct rm_lookup *l, int result, const struct addrinfo *found)
{
	struct rm_answers answers;

	if (!l->ctx || rm_dns_refused(result)) {
		rm_lookup_drop(l);
		return;
	}
	rm_answers_init(&answers);
	rm_dns_add_found(&answers, result == 0 ? found : NULL);
	rm_lookup_end(l, result ? rm_dns_error(result) : RM_STR(""), &answers);
}

/* Whom the call was marked for by whoever handed it to this thread; `hints` is then what it is to be called with. */
static rm_ctx marked(const char *node, const char *service, const struct addrinfo **hints, struct addrinfo *plain)
{
	rm_ctx ret;
	int flags;

	if (!node || service || !*hints)
		return 0;
	ret = rm_lookup_marked(node, (*hints)->ai_flags, &flags);
	if (!ret)
		return 0;
	*plain = **hints;
	plain->ai_flags = flags;
	*hints = plain;
	return ret;
}

/* A thread of libc's asks what was told of already: getaddrinfo_a of glibc before 2.34, see gai.c. */
static bool is_ordered(struct addrinfo **ret)
{
	return ret && rm_lookup_is_ordered((const char *)ret - offsetof(struct gaicb, ar_result));
}

RM_HOOK(getaddrinfo, NULL);
RM_EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			  struct addrinfo **ret)
{
	__typeof__(&getaddrinfo) real = RM_LATE(getaddrinfo);
	struct addrinfo plain;
	struct rm_lookup l;
	rm_ctx whose;
	int result;

	if (!real) {
		errno = ENOSYS;
		return EAI_SYSTEM;
	}
	rm_safe_point();
	whose = marked(node, service, &hints, &plain);
	if ((hints && hints->ai_flags & AI_NUMERICHOST) || is_ordered(ret))
		rm_lookup_pass(&l);
	else
		rm_lookup_begin_for(&l, node, whose);
	result = real(node, service, hints, ret);
	end_addresses(&l, result, l.ctx && result == 0 ? *ret : NULL);
	return result;
}

RM_HOOK(getnameinfo, NULL);
RM_EXPORT int getnameinfo(const struct sockaddr *address, socklen_t len, char *host, socklen_t host_bytes,
			  char *service, socklen_t service_bytes, int flags)
{
	__typeof__(&getnameinfo) real = RM_LATE(getnameinfo);
	struct rm_answers answers;
	struct rm_lookup l;
	bool named;
	int result;

	if (!real) {
		errno = ENOSYS;
		return EAI_SYSTEM;
	}
	if (!host || !host_bytes || flags & NI_NUMERICHOST)
		rm_lookup_pass(&l);
	else
		rm_lookup_begin_reverse(&l, address, len);
	result = real(address, len, host, host_bytes, service, service_bytes, flags);
	if (!l.ctx) {
		rm_lookup_drop(&l);
		return result;
	}
	rm_answers_init(&answers);
	/* Of an address without a name it gives the address, unless NI_NAMEREQD makes that an error. */
	named = result == 0 && !rm_lookup_is_address(host);
	if (named)
		rm_answers_name(&answers, host);
	rm_lookup_end(&l, named ? RM_STR("") : rm_dns_error(result ? result : EAI_NONAME), &answers);
	return result;
}

/* ---- gethostbyname and gethostbyaddr ---- */

static void add_address(struct rm_answers *answers, int family, const void *address, int len)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };

	if (family == AF_INET && len == sizeof(four.sin_addr)) {
		memcpy(&four.sin_addr, address, sizeof(four.sin_addr));
		rm_answers_address(answers, (const struct sockaddr *)&four, sizeof(four));
	} else if (family == AF_INET6 && len == sizeof(six.sin6_addr)) {
		memcpy(&six.sin6_addr, address, sizeof(six.sin6_addr));
		rm_answers_address(answers, (const struct sockaddr *)&six, sizeof(six));
	}
}

/* `error`: of h_errno, 0 for none; `number`: of errno, where the call tells that instead. */
static void end_host(struct rm_lookup *l, const struct hostent *found, int error, int number, bool reverse)
{
	struct rm_answers answers;

	/* Whoever gave too little room comes again with more. */
	if (!l->ctx || (!found && number == ERANGE)) {
		rm_lookup_drop(l);
		return;
	}
	rm_answers_init(&answers);
	if (found && reverse)
		rm_answers_name(&answers, found->h_name);
	for (char **a = found && !reverse ? found->h_addr_list : NULL; a && *a; a++)
		add_address(&answers, found->h_addrtype, *a, found->h_length);
	if (found)
		rm_lookup_end(l, RM_STR(""), &answers);
	else
		rm_lookup_end(l, rm_dns_host_error(error), NULL);
}

int rm_dns_last_error(void)
{
	return __h_errno_location ? *__h_errno_location() : NETDB_INTERNAL;
}

void rm_dns_set_last_error(int code)
{
	if (__h_errno_location)
		*__h_errno_location() = code;
}

static struct hostent *no_host(void)
{
	errno = ENOSYS;
	rm_dns_set_last_error(NETDB_INTERNAL);
	return NULL;
}

static int no_host_r(struct hostent **ret, int *ret_error)
{
	*ret = NULL;
	*ret_error = NETDB_INTERNAL;
	return ENOSYS;
}

static struct hostent *ended(struct rm_lookup *l, struct hostent *found, bool reverse)
{
	end_host(l, found, found ? 0 : rm_dns_last_error(), 0, reverse);
	return found;
}

static int ended_r(struct rm_lookup *l, int result, struct hostent *const *ret, const int *ret_error, bool reverse)
{
	const struct hostent *found = l->ctx && result == 0 ? *ret : NULL;

	end_host(l, found, l->ctx && !found ? *ret_error : 0, result, reverse);
	return result;
}

RM_HOOK(gethostbyname, NULL);
RM_EXPORT struct hostent *gethostbyname(const char *name)
{
	__typeof__(&gethostbyname) real = RM_LATE(gethostbyname);
	struct rm_lookup l;

	if (!real)
		return no_host();
	rm_lookup_begin(&l, name);
	return ended(&l, real(name), false);
}

RM_HOOK(gethostbyname2, NULL);
RM_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
	__typeof__(&gethostbyname2) real = RM_LATE(gethostbyname2);
	struct rm_lookup l;

	if (!real)
		return no_host();
	rm_lookup_begin(&l, name);
	return ended(&l, real(name, family), false);
}

RM_HOOK(gethostbyname_r, NULL);
RM_EXPORT int gethostbyname_r(const char *name, struct hostent *host, char *room, size_t bytes, struct hostent **ret,
			      int *ret_error)
{
	__typeof__(&gethostbyname_r) real = RM_LATE(gethostbyname_r);
	struct rm_lookup l;

	if (!real)
		return no_host_r(ret, ret_error);
	rm_lookup_begin(&l, name);
	return ended_r(&l, real(name, host, room, bytes, ret, ret_error), ret, ret_error, false);
}

RM_HOOK(gethostbyname2_r, NULL);
RM_EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *host, char *room, size_t bytes,
			       struct hostent **ret, int *ret_error)
{
	__typeof__(&gethostbyname2_r) real = RM_LATE(gethostbyname2_r);
	struct rm_lookup l;

	if (!real)
		return no_host_r(ret, ret_error);
	rm_lookup_begin(&l, name);
	return ended_r(&l, real(name, family, host, room, bytes, ret, ret_error), ret, ret_error, false);
}

/* An address as the calls above are asked for: the family, and its bytes. */
static void begin_reverse(struct rm_lookup *l, const void *address, socklen_t len, int family)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };

	if (family == AF_INET && len == sizeof(four.sin_addr) && rm_may_read(address, len)) {
		memcpy(&four.sin_addr, address, sizeof(four.sin_addr));
		rm_lookup_begin_reverse(l, (const struct sockaddr *)&four, sizeof(four));
	} else if (family == AF_INET6 && len == sizeof(six.sin6_addr) && rm_may_read(address, len)) {
		memcpy(&six.sin6_addr, address, sizeof(six.sin6_addr));
		rm_lookup_begin_reverse(l, (const struct sockaddr *)&six, sizeof(six));
	} else {
		rm_lookup_pass(l);
	}
}

RM_HOOK(gethostbyaddr, NULL);
RM_EXPORT struct hostent *gethostbyaddr(const void *address, socklen_t len, int family)
{
	__typeof__(&gethostbyaddr) real = RM_LATE(gethostbyaddr);
	struct rm_lookup l;

	if (!real)
		return no_host();
	begin_reverse(&l, address, len, family);
	return ended(&l, real(address, len, family), true);
}

RM_HOOK(gethostbyaddr_r, NULL);
RM_EXPORT int gethostbyaddr_r(const void *address, socklen_t len, int family, struct hostent *host, char *room,
			      size_t bytes, struct hostent **ret, int *ret_error)
{
	__typeof__(&gethostbyaddr_r) real = RM_LATE(gethostbyaddr_r);
	struct rm_lookup l;

	if (!real)
		return no_host_r(ret, ret_error);
	begin_reverse(&l, address, len, family);
	return ended_r(&l, real(address, len, family, host, room, bytes, ret, ret_error), ret, ret_error, true);
}
