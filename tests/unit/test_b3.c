/* B3 in one header and in several: what is read, and what is no context. */
#include "tests/unit/spanctx_fixture.h"

static struct rm_spanctx ctx;

static bool b3(const char *value)
{
	return rm_b3_parse(rm_str_c(value), &ctx);
}

RM_TEST("b3 in one header: states accept, deny, debug and defer")
{
	RM_CHECK(b3(TRACE "-" SPAN "-1") && ids_are(&ctx, TRACE, SPAN));
	RM_CHECK(ctx.valid && ctx.flags == RM_FLAG_SAMPLED && ctx.sampled_known && !ctx.debug);
	RM_CHECK(b3(TRACE "-" SPAN "-0") && ctx.flags == 0 && ctx.sampled_known);
	RM_CHECK(b3(TRACE "-" SPAN "-d") && ctx.flags == RM_FLAG_SAMPLED && ctx.debug);
	RM_CHECK(b3(TRACE "-" SPAN) && ctx.flags == 0 && !ctx.sampled_known);
	RM_CHECK(b3(TRACE "-" SPAN "-1-05e3ac9a4f6e3b90") && ctx.flags == RM_FLAG_SAMPLED);
}

RM_TEST("64-bit b3 trace ids get zeros on the left")
{
	RM_CHECK(b3("8448eb211c80319c-" SPAN "-1"));
	RM_CHECK(ids_are(&ctx, "00000000000000008448eb211c80319c", SPAN));
}

RM_TEST("what b3 does not allow is no context")
{
	static const char *const bad[] = {
		"",
		"0",
		"1",
		"d",
		"-",
		"0-",
		TRACE,
		TRACE "-",
		TRACE "-" SPAN "-",
		TRACE "-" SPAN "-2",
		TRACE "-" SPAN "-11",
		TRACE "-" SPAN "-1-",
		TRACE "-" SPAN "-1-05e3",
		"0-" SPAN "-1",
		TRACE "-0000000000000000-1",
		"0000000000000000-" SPAN "-1",
		TRACE "0-" SPAN "-1",
		"8448EB211c80319c-" SPAN "-1",
		TRACE "-" SPAN "0-1",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&ctx, 0xaa, sizeof(ctx));
		RM_CHECK(!b3(bad[i]) && !ctx.valid);
	}
}

static bool b3multi(const char *trace, const char *span, const char *sampled, const char *flags)
{
	struct rm_carriers c = { 0 };

	rm_carriers_add(&c, RM_CARRIER_B3_TRACEID, rm_str_c(trace));
	rm_carriers_add(&c, RM_CARRIER_B3_SPANID, rm_str_c(span));
	if (sampled)
		rm_carriers_add(&c, RM_CARRIER_B3_SAMPLED, rm_str_c(sampled));
	if (flags)
		rm_carriers_add(&c, RM_CARRIER_B3_FLAGS, rm_str_c(flags));
	return rm_b3multi_parse(&c, &ctx);
}

RM_TEST("b3 in several headers: sampled in either spelling, debug implies it")
{
	RM_CHECK(b3multi(TRACE, SPAN, "1", NULL) && ctx.flags == RM_FLAG_SAMPLED &&
		 ctx.sampled_known);
	RM_CHECK(b3multi(TRACE, SPAN, "true", NULL) && ctx.flags == RM_FLAG_SAMPLED);
	RM_CHECK(b3multi(TRACE, SPAN, "0", "0") && ctx.flags == 0 && ctx.sampled_known);
	RM_CHECK(b3multi(TRACE, SPAN, "false", NULL) && ctx.flags == 0 && ctx.sampled_known);
	RM_CHECK(b3multi(TRACE, SPAN, NULL, "1") && ctx.flags == RM_FLAG_SAMPLED && ctx.debug);
	RM_CHECK(b3multi("8448eb211c80319c", SPAN, NULL, NULL) && ctx.valid && !ctx.sampled_known);
	RM_CHECK(!b3multi(TRACE, SPAN, "maybe", NULL) && !ctx.valid);
	RM_CHECK(!b3multi(TRACE, "", "1", NULL));
	RM_CHECK(!b3multi("", SPAN, "1", NULL));
}
