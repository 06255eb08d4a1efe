/*
 * Hooks that are nothing but safe points: calls that no signal handler makes, so that the agent may
 * start its worker thread in them, and adapters look for their runtimes. Of a new thread no more is noted than that there
 * is one. What it does is not touched.
 * Context: app.
 */
#include "adapters/adapters.h"
#include "agent/hookapi.h"
#include "hooks/hook.h"

#include <errno.h>
#include <pthread.h>

RM_HOOK(pthread_create, NULL);
RM_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
			     void *arg)
{
	__typeof__(&pthread_create) real = RM_LATE(pthread_create);

	if (!real)
		return EAGAIN;
	rm_thread_starts();
	rm_safe_point();
	rm_adapters_arrive();
	return real(thread, attr, run, arg);
}
