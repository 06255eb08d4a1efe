/*
 * An exception as OpenTelemetry has it: type, message and stack, the attributes of an event or of a log record. Room for
 * the texts is here, as where they come from there is next to no stack. Context of all: hook, signal-safe.
 * Spec: semantic conventions, exceptions/exceptions-spans.md, general/attributes.md (thread).
 */
#ifndef RM_AGENT_EXCEPTION_H
#define RM_AGENT_EXCEPTION_H

#include "agent/adapter_api.h"
#include "agent/record.h"
#include "base/strbuf.h"

enum {
	RM_EXCEPTION_TYPE_BYTES = 256,
	RM_EXCEPTION_MESSAGE_BYTES = 1024,
	RM_EXCEPTION_TRACE_BYTES = 10 * 1024, /* so that it fits into a record beside the request's attributes */
};

struct rm_exception {
	uint64_t now_ns; /* since the Unix epoch */
	struct rm_strbuf type, message, trace;
	char type_room[RM_EXCEPTION_TYPE_BYTES], message_room[RM_EXCEPTION_MESSAGE_BYTES],
		trace_room[RM_EXCEPTION_TRACE_BYTES];
};

/* Nothing is told yet, and it is now. */
void rm_exception_begin(struct rm_exception *x);

/* Adds the attributes, and those of the calling thread. */
void rm_exception_put(const struct rm_exception *x, struct rm_builder *b);

/* Makes it an event of the exchange of a context, which counts it as dropped where it has no room. */
void rm_exception_give(const struct rm_exception *x, rm_ctx ctx);

#endif
