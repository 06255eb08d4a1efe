/* The trace context that tests of its formats read, and a look at it. */
#ifndef RM_TESTS_SPANCTX_FIXTURE_H
#define RM_TESTS_SPANCTX_FIXTURE_H

#include "protocols/tracecontext.h"
#include "tests/rmtest.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"

static inline bool ids_are(const struct rm_spanctx *c, const char *trace, const char *span)
{
	char hex[48];

	rm_hex_encode(c->trace_id, 16, hex);
	rm_hex_encode(c->span_id, 8, hex + 32);
	return memcmp(hex, trace, 32) == 0 && memcmp(hex + 32, span, 16) == 0;
}

#endif
