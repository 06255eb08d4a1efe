/* X-Amzn-Trace-Id: what is read, and what is no context. */
#include "protocols/tracecontext.h"

#include "tests/rmtest.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"
#define ROOT  "1-0af76519-16cd43dd8448eb211c80319c"

static struct rm_spanctx ctx;

static bool ids_are(const struct rm_spanctx *c, const char *trace, const char *span)
{
	char hex[48];

	rm_hex_encode(c->trace_id, 16, hex);
	rm_hex_encode(c->span_id, 8, hex + 32);
	return memcmp(hex, trace, 32) == 0 && memcmp(hex + 32, span, 16) == 0;
}

static bool xray(const char *value)
{
	return rm_xray_parse(rm_str_c(value), &ctx);
}

RM_TEST("an X-Ray header is read in any order, with blanks and fields of others")
{
	RM_CHECK(xray("Root=" ROOT ";Parent=" SPAN ";Sampled=1"));
	RM_CHECK(ids_are(&ctx, TRACE, SPAN) && ctx.flags == RM_FLAG_SAMPLED && ctx.sampled_known);
	RM_CHECK(xray("Sampled=0; Self=1-67891234-12456789abcdef012345678;Parent=" SPAN
		      " ; Root=" ROOT ";Lineage=1:a:2;x"));
	RM_CHECK(ids_are(&ctx, TRACE, SPAN) && ctx.flags == 0 && ctx.sampled_known);
	RM_CHECK(xray("Root=" ROOT ";Parent=" SPAN ";Sampled=?") && ctx.flags == 0 &&
		 !ctx.sampled_known);
}

RM_TEST("an X-Ray header without valid Root, Parent and Sampled is no context")
{
	static const char *const bad[] = {
		"",
		"Root=" ROOT,
		"Root=" ROOT ";Sampled=1",
		"Root=" ROOT ";Parent=" SPAN,
		"Parent=" SPAN ";Sampled=1",
		"Root=" ROOT ";Parent=" SPAN ";Sampled=2",
		"Root=" ROOT ";Parent=" SPAN ";Sampled=",
		"Root=" ROOT ";Parent=b7ad;Sampled=1",
		"Root=2-0af76519-16cd43dd8448eb211c80319c;Parent=" SPAN ";Sampled=1",
		"Root=1-0af765191-6cd43dd8448eb211c80319c;Parent=" SPAN ";Sampled=1",
		"Root=1-0AF76519-16cd43dd8448eb211c80319c;Parent=" SPAN ";Sampled=1",
		"Root=1-00000000-000000000000000000000000;Parent=" SPAN ";Sampled=1",
		"Root=" ROOT ";Parent=0000000000000000;Sampled=1",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&ctx, 0xaa, sizeof(ctx));
		RM_CHECK(!xray(bad[i]) && !ctx.valid);
	}
}
