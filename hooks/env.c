/*
 * Hooks of getenv and secure_getenv: a runtime that asks for its own variable of options may be told of
 * an adapter, behind what the user set. Nothing in the environment changes: programs that read `environ`,
 * and all children, find what the user gave.
 * Context: any; other libraries' constructors come here before ours.
 */
#include "adapters/adapters.h"
#include "agent/hookapi.h"
#include "hooks/hook.h"

#include <stdlib.h>

RM_HOOK(getenv, NULL);
RM_EXPORT char *getenv(const char *name)
{
	__typeof__(&getenv) real = RM_LATE(getenv);
	char *value = real ? real(name) : NULL;

	return rm_active() ? rm_adapters_getenv(name, value) : value;
}

RM_HOOK(secure_getenv, NULL);
RM_EXPORT char *secure_getenv(const char *name)
{
	__typeof__(&secure_getenv) real = RM_LATE(secure_getenv);
	char *value = real ? real(name) : NULL;

	return rm_active() ? rm_adapters_getenv(name, value) : value;
}
