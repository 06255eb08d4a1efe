/*
 * Hooks of getaddrinfo_a and its kin: look-ups that threads of libc's own make for the program, many at once. Each belongs to what
 * the thread that asks is at work on. It is over when the program learns that it is: by gai_error, gai_suspend, gai_cancel, or
 * as GAI_WAIT returns. Since glibc 2.34 those threads look up through names that no hook sees; before that they come by
 * getaddrinfo, with the place for what they find in the program's own structure, by which they are known.
 * Context: app; gai_error also in signal handlers, which SIGEV_SIGNAL leads to.
 * Spec: getaddrinfo_a(3).
 */
#include "agent/hookapi.h"
#include "hooks/dns.h"
#include "hooks/hook.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>

static void tell(struct gaicb *request, int result)
{
	struct rm_answers answers;

	if (rm_dns_refused(result)) {
		rm_lookup_withdraw(request);
		return;
	}
	rm_answers_init(&answers);
	if (result == 0)
		rm_dns_add_found(&answers, request->ar_result);
	rm_lookup_deliver(request, result ? rm_dns_error(result) : RM_STR(""), &answers);
}

RM_HOOK(gai_error, NULL);

/* Tells of those that are over. */
static void look(const struct gaicb *const list[], int n)
{
	__typeof__(&gai_error) ask = RM_LATE(gai_error);

	for (int i = 0; ask && i < n; i++) {
		struct gaicb *request = (struct gaicb *)list[i];
		int result;

		if (!request || !rm_lookup_is_ordered(request))
			continue;
		result = ask(request);
		if (result != EAI_INPROGRESS)
			tell(request, result);
	}
}

RM_EXPORT int gai_error(struct gaicb *request)
{
	__typeof__(&gai_error) real = RM_LATE(gai_error);
	int result;

	if (!real)
		return EAI_SYSTEM;
	result = real(request);
	if (result != EAI_INPROGRESS && request && rm_lookup_is_ordered(request))
		tell(request, result);
	return result;
}

/*
 * libc took some of them, or none. Of those that are not under way it does not say whether they are over or never were: what
 * stands in them may be what the program wrote.
 */
static void unsettle(struct gaicb *const list[], int n)
{
	__typeof__(&gai_error) ask = RM_LATE(gai_error);

	for (int i = 0; i < n; i++)
		if (list[i] && !(ask && ask(list[i]) == EAI_INPROGRESS))
			rm_lookup_lose(list[i]);
}

RM_HOOK(getaddrinfo_a, NULL);
RM_EXPORT int getaddrinfo_a(int mode, struct gaicb *list[], int n, struct sigevent *event)
{
	__typeof__(&getaddrinfo_a) real = RM_LATE(getaddrinfo_a);
	int result;

	if (!real) {
		errno = ENOSYS;
		return EAI_SYSTEM;
	}
	for (int i = 0; (mode == GAI_WAIT || mode == GAI_NOWAIT) && i < n; i++)
		if (list[i] && !(list[i]->ar_request && list[i]->ar_request->ai_flags & AI_NUMERICHOST))
			rm_lookup_order(list[i], list[i]->ar_name);
	result = real(mode, list, n, event);
	if (result != 0)
		unsettle(list, n);
	if (mode == GAI_WAIT)
		look((const struct gaicb *const *)list, n);
	return result;
}

RM_HOOK(gai_suspend, NULL);
RM_EXPORT int gai_suspend(const struct gaicb *const list[], int n, const struct timespec *timeout)
{
	__typeof__(&gai_suspend) real = RM_LATE(gai_suspend);
	int result, error;

	if (!real) {
		errno = ENOSYS;
		return EAI_SYSTEM;
	}
	result = real(list, n, timeout);
	error = errno;
	look(list, n);
	errno = error;
	return result;
}

RM_HOOK(gai_cancel, NULL);
RM_EXPORT int gai_cancel(struct gaicb *request)
{
	__typeof__(&gai_cancel) real = RM_LATE(gai_cancel);
	int result;

	if (!real)
		return EAI_SYSTEM;
	result = real(request);
	if (result != EAI_NOTCANCELED)
		look((const struct gaicb *const *)&request, 1);
	return result;
}
