/*
 * Exceptions of C++ at the moment when they are thrown: events of the request that the thread is at work on. Only where
 * REMORA_CPP_EXCEPTIONS asks for it. The rules are in docs/SAFETY.md (C11 to C16).
 */
#ifndef RM_AGENT_THROWS_H
#define RM_AGENT_THROWS_H

#include <stdbool.h>

#include "agent/adapter_api.h"

struct rm_scope;

/* False: nobody need look for the C++ library. Context: any. */
bool rm_throws_wanted(void);

/* An object is about to be thrown, of this type (std::type_info): all that __cxa_throw knows. Context: hook. */
void rm_thrown(struct rm_scope *s, const void *object, const void *type);

/* True of the exception that was told of last, as an event of this context. Context: hook, once rm_stacks_close was called. */
bool rm_thrown_told(const void *object, rm_ctx ctx);

#endif
