/* X-Amzn-Trace-Id: what is read, and what is no context. */
#include "tests/unit/spanctx_fixture.h"

#define ROOT  "1-0af76519-16cd43dd8448eb211c80319c"

static struct rm_spanctx ctx;

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

RM_TEST("a caller that does not say whether it is sampled leaves that to us")
{
	RM_CHECK(xray("Root=" ROOT ";Parent=" SPAN) && ids_are(&ctx, TRACE, SPAN));
	RM_CHECK(ctx.flags == 0 && !ctx.sampled_known && !ctx.trace_only);
}

RM_TEST("a Root alone, as load balancers write it, is a trace without a span")
{
	static const char none[17] = "0000000000000000";

	RM_CHECK(!xray("Root=" ROOT) && !ctx.valid && ctx.trace_only && !ctx.sampled_known);
	RM_CHECK(ids_are(&ctx, TRACE, none));
	RM_CHECK(!xray("Self=1-67891234-12456789abcdef012345678;Root=" ROOT ";Sampled=1") && !ctx.valid);
	RM_CHECK(ids_are(&ctx, TRACE, none) && ctx.trace_only && ctx.sampled_known && ctx.flags == RM_FLAG_SAMPLED);
	RM_CHECK(!xray("Root=" ROOT ";Sampled=0") && ctx.trace_only && ctx.sampled_known && ctx.flags == 0);
}

/* What becomes of a header in which span SPAN of trace TRACE is to stand. */
static struct rm_str rewritten(const char *value, unsigned flags)
{
	static char room[600];
	struct rm_strbuf out;
	struct rm_spanctx own = { 0 };

	RM_CHECK(rm_ids_decode(TRACE, SPAN, &own));
	own.flags = (uint8_t)flags;
	rm_strbuf_init(&out, room, sizeof(room));
	return rm_xray_rewrite(rm_str_c(value), &own, &out) ? rm_strbuf_view(&out) : RM_STR("refused");
}

RM_TEST("a header is rewritten in its own trace only, and only span and decision of it")
{
	RM_CHECK_STR(rewritten("Self=1-2-3; Root=" ROOT "; Parent=0000000000000001; Sampled=?;Lineage=1:a:2", 1),
		     "Self=1-2-3; Root=" ROOT "; Parent=" SPAN "; Sampled=1;Lineage=1:a:2");
	RM_CHECK_STR(rewritten("Root=" ROOT ";Lineage=1:a:2", 0),
		     "Root=" ROOT ";Lineage=1:a:2;Parent=" SPAN ";Sampled=0");
	RM_CHECK_STR(rewritten("Sampled=0;Root=" ROOT, 1), "Sampled=1;Root=" ROOT ";Parent=" SPAN);
	RM_CHECK_STR(rewritten("Root=1-0af76519-16cd43dd8448eb211c80319d;Parent=" SPAN ";Sampled=1", 1), "refused");
	RM_CHECK_STR(rewritten("Root=" ROOT ";Parent=1;Sampled=1", 1), "refused");
	RM_CHECK_STR(rewritten("Root=" ROOT ";Parent=" SPAN ";Sampled=01", 1), "refused");
	RM_CHECK_STR(rewritten("Parent=" SPAN ";Sampled=1", 1), "refused");
}

RM_TEST("a trace id begins with the seconds, as X-Ray has them, and is random behind")
{
	struct rm_spanctx own = { .flags = RM_FLAG_SAMPLED };
	char room[RM_XRAY_BYTES];
	struct rm_strbuf out;

	RM_CHECK(rm_ids_decode(TRACE, SPAN, &own));
	rm_trace_id_date(own.trace_id, 0x65a8c9d2ull * 1000000000 + 999999999);
	rm_strbuf_init(&out, room, sizeof(room));
	rm_xray_format(&own, &out);
	RM_CHECK_STR(rm_strbuf_view(&out), "Root=1-65a8c9d2-16cd43dd8448eb211c80319c;Parent=" SPAN ";Sampled=1");
	RM_CHECK(!out.truncated && out.n == RM_XRAY_BYTES);
}

RM_TEST("an X-Ray header with a field that is not well-formed is neither context nor trace")
{
	static const char *const bad[] = {
		"",
		"Root=" ROOT ";Parent=",
		"Root=" ROOT ";Sampled=2",
		"Root",
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
		RM_CHECK(!xray(bad[i]) && !ctx.valid && !ctx.trace_only);
	}
}
