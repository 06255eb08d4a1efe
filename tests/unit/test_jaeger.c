/* uber-trace-id: what is read, and what is no context. */
#include "tests/unit/spanctx_fixture.h"

static struct rm_spanctx ctx;

static bool jaeger(const char *value)
{
	return rm_jaeger_parse(rm_str_c(value), &ctx);
}

RM_TEST("a Jaeger header may have short ids, encoded colons and flags of one or two digits")
{
	RM_CHECK(jaeger(TRACE ":" SPAN ":0:1") && ids_are(&ctx, TRACE, SPAN));
	RM_CHECK(ctx.flags == RM_FLAG_SAMPLED && ctx.sampled_known && !ctx.debug);
	RM_CHECK(jaeger("eb211c80319c:71:5:00") && ctx.flags == 0);
	RM_CHECK(ids_are(&ctx, "00000000000000000000eb211c80319c", "0000000000000071"));
	RM_CHECK(jaeger(TRACE "%3A" SPAN "%3a0%3A03") && ctx.debug && ctx.flags == RM_FLAG_SAMPLED);
	RM_CHECK(jaeger(TRACE ":" SPAN ":0:2") && !ctx.debug && ctx.flags == 0);
}

RM_TEST("a broken Jaeger header is no context")
{
	static const char *const bad[] = {
		"",
		TRACE,
		TRACE ":" SPAN,
		TRACE ":" SPAN ":0",
		TRACE ":" SPAN ":0:",
		TRACE ":" SPAN ":0:111",
		TRACE ":" SPAN ":0:x",
		"0:" SPAN ":0:1",
		TRACE ":0:0:1",
		TRACE "0:" SPAN ":0:1",
		":" SPAN ":0:1",
		TRACE ":" SPAN "0:0:1",
		TRACE "%3" SPAN ":0:1",
		TRACE ":" SPAN ":0:1:1",
		TRACE ":" SPAN ":0:1%3",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&ctx, 0xaa, sizeof(ctx));
		RM_CHECK(!jaeger(bad[i]) && !ctx.valid);
	}
}
