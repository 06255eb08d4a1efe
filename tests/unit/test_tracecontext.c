/* Trace context: what the W3C text and the other formats allow and forbid, to the byte. */
#include "protocols/tracecontext.h"

#include "tests/rmtest.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"
#define PARENT "00-" TRACE "-" SPAN "-01"

static struct rm_spanctx ctx;
static char text[16384];
static struct rm_strbuf out;

static struct rm_strbuf *fresh(size_t cap)
{
	rm_strbuf_init(&out, text, cap);
	return &out;
}

static bool ids_are(const struct rm_spanctx *c, const char *trace, const char *span)
{
	char hex[48];

	rm_hex_encode(c->trace_id, 16, hex);
	rm_hex_encode(c->span_id, 8, hex + 32);
	return memcmp(hex, trace, 32) == 0 && memcmp(hex + 32, span, 16) == 0;
}

static bool traceparent(const char *value)
{
	bool ret = rm_traceparent_parse(rm_str_c(value), &ctx);

	RM_CHECK(ret == ctx.valid);
	return ret;
}

RM_TEST("a traceparent of version 00 is read and written back")
{
	RM_CHECK(traceparent(PARENT));
	RM_CHECK(ids_are(&ctx, TRACE, SPAN) && ctx.flags == RM_FLAG_SAMPLED && ctx.sampled_known);
	rm_traceparent_format(&ctx, text);
	RM_CHECK_STR(((struct rm_str){ text, RM_TRACEPARENT_BYTES }), PARENT);
}

RM_TEST("version 00 allows nothing behind the flags, later versions only after a dash")
{
	RM_CHECK(!traceparent(PARENT "-"));
	RM_CHECK(!traceparent(PARENT "-what"));
	RM_CHECK(traceparent("01-" TRACE "-" SPAN "-01"));
	RM_CHECK(traceparent("cc-" TRACE "-" SPAN "-01-"));
	RM_CHECK(traceparent("fe-" TRACE "-" SPAN "-01-what-the-future"));
	RM_CHECK(!traceparent("cc-" TRACE "-" SPAN "-01.what"));
	RM_CHECK(!traceparent("ff-" TRACE "-" SPAN "-01"));
	RM_CHECK(!traceparent("ff-" TRACE "-" SPAN "-01-what"));
}

RM_TEST("a later version is sent on as version 00")
{
	RM_CHECK(traceparent("cc-" TRACE "-" SPAN "-01-what"));
	rm_traceparent_format(&ctx, text);
	RM_CHECK_STR(((struct rm_str){ text, RM_TRACEPARENT_BYTES }), PARENT);
}

RM_TEST("of the flags sampled and random are kept, the others are sent as zero")
{
	RM_CHECK(traceparent("00-" TRACE "-" SPAN "-00") && ctx.flags == 0);
	RM_CHECK(traceparent("00-" TRACE "-" SPAN "-02") && ctx.flags == RM_FLAG_RANDOM);
	RM_CHECK(traceparent("00-" TRACE "-" SPAN "-03"));
	RM_CHECK(ctx.flags == (RM_FLAG_RANDOM | RM_FLAG_SAMPLED));
	RM_CHECK(traceparent("00-" TRACE "-" SPAN "-fc") && ctx.flags == 0);
	ctx.flags = 0xff;
	rm_traceparent_format(&ctx, text);
	RM_CHECK(memcmp(text + 52, "-03", 3) == 0);
}

RM_TEST("zero ids, capital digits, wrong lengths and wrong dashes are invalid")
{
	static const char *const bad[] = {
		"", "00", "00-" TRACE "-" SPAN, "00-" TRACE "-" SPAN "-0", "0-" TRACE "-" SPAN "-001",
		"00-00000000000000000000000000000000-" SPAN "-01", "00-" TRACE "-0000000000000000-01",
		"00-0AF7651916cd43dd8448eb211c80319c-" SPAN "-01", "00-" TRACE "-B7ad6b7169203331-01",
		"00-" TRACE "-" SPAN "-0A", "0A-" TRACE "-" SPAN "-01", "0x-" TRACE "-" SPAN "-01",
		"00_" TRACE "-" SPAN "-01", "00-" TRACE "_" SPAN "-01", "00-" TRACE "-" SPAN "_01",
		"00-.af7651916cd43dd8448eb211c80319c-" SPAN "-01", "00-" TRACE "-" SPAN "-.1",
		"00-" TRACE "-" SPAN "-x1", " " PARENT, PARENT " ", "00-" TRACE "0-" SPAN "-01",
		"00-" TRACE "-" SPAN "0-01", "00-" SPAN "-" TRACE "-01",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&ctx, 0xaa, sizeof(ctx));
		RM_CHECK(!traceparent(bad[i]));
	}
}

/* ---- tracestate ---- */

static bool state(const char *value)
{
	return rm_tracestate_append(fresh(4096), rm_str_c(value));
}

RM_TEST("tracestate members keep their order and lose the blanks around them")
{
	RM_CHECK(state("foo=1 \t , \t bar=2, \t baz=3"));
	RM_CHECK_STR(rm_strbuf_view(&out), "foo=1,bar=2,baz=3");
	RM_CHECK(state("\t foo=1 \t"));
	RM_CHECK_STR(rm_strbuf_view(&out), "foo=1");
	RM_CHECK(state("a= b c"));
	RM_CHECK_STR(rm_strbuf_view(&out), "a= b c");
}

RM_TEST("empty tracestate members are dropped")
{
	RM_CHECK(state(" ,foo=1,,bar=2, ,"));
	RM_CHECK_STR(rm_strbuf_view(&out), "foo=1,bar=2");
	RM_CHECK(state(""));
	RM_CHECK(out.n == 0);
}

RM_TEST("several tracestate headers become one list, duplicate keys stay")
{
	RM_CHECK(rm_tracestate_append(fresh(512), RM_STR("foo=1,bar=2")));
	RM_CHECK(rm_tracestate_append(&out, RM_STR("")));
	RM_CHECK(rm_tracestate_append(&out, RM_STR("foo=3")));
	RM_CHECK_STR(rm_strbuf_view(&out), "foo=1,bar=2,foo=3");
}

RM_TEST("keys follow the grammar of level 2")
{
	static const char *const good[] = {
		"a=1", "0a=1", "abcdefghijklmnopqrstuvwxyz0123456789_-*/=1", "foo@=1", "foo@@bar=1",
		"t@v123456789012345=1",
	};
	static const char *const bad[] = {
		"=1", "foo", "foo =1", "FOO=1", "foo.bar=1", "@foo=1", "_foo=1", "-foo=1", "*=1", "f\x80=1",
		"foo=1,bar", "foo;=1",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		RM_CHECK(state(good[i]));
		RM_CHECK_STR(rm_strbuf_view(&out), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		RM_CHECK(!state(bad[i]));
}

RM_TEST("keys and values hold at most 256 characters, values printable ones without = and comma")
{
	char member[600];

	memset(member, 'z', sizeof(member));
	member[256] = '=';
	RM_CHECK(rm_tracestate_append(fresh(4096), (struct rm_str){ member, 513 }));
	RM_CHECK(!rm_tracestate_append(fresh(4096), (struct rm_str){ member, 514 }));
	member[256] = 'z';
	member[257] = '=';
	RM_CHECK(!rm_tracestate_append(fresh(4096), (struct rm_str){ member, 259 }));
	RM_CHECK(state("a=!\"#$%&'()*+-./0123456789:;<>?@AZ[\\]^_`az{|}~"));
	RM_CHECK(!state("foo="));
	RM_CHECK(!state("foo=bar=baz"));
	RM_CHECK(!state("foo=,bar=3"));
	RM_CHECK(!state("foo=\x7f"));
	RM_CHECK(!state("foo=\x80"));
	RM_CHECK(!state("foo=a\tb"));
	RM_CHECK(!state("foo=1\r\n bar=2"));
}

RM_TEST("32 members pass, 33 are dropped whole, also over several headers")
{
	char list[33 * 6];

	for (int i = 0; i < 33; i++)
		memcpy(list + i * 6, (char[]){ 'k', (char)('0' + i / 10), (char)('0' + i % 10), '=', '1', ',' },
		       6);
	RM_CHECK(rm_tracestate_append(fresh(512), (struct rm_str){ list, 32 * 6 }));
	RM_CHECK(out.n == 32 * 6 - 1);
	RM_CHECK(!rm_tracestate_append(&out, RM_STR("one=more")));
	RM_CHECK(!rm_tracestate_append(fresh(512), (struct rm_str){ list, 33 * 6 }));
}

/* Appends "<letter>=<filler>" members of given sizes. */
static void state_of(const size_t *sizes, int count)
{
	char member[600];

	for (int i = 0; i < count; i++) {
		memset(member, 'x', sizeof(member));
		member[0] = (char)('a' + i);
		member[1] = '=';
		RM_CHECK(rm_tracestate_append(&out, (struct rm_str){ member, sizes[i] }));
	}
}

static void check_keys(struct rm_str list, const char *keys)
{
	char got[40];
	size_t n = 0;

	while (list.p)
		got[n++] = rm_str_cut(&list, ',').p[0];
	RM_CHECK_STR(((struct rm_str){ got, n }), keys);
}

RM_TEST("a tracestate of 512 bytes is forwarded whole")
{
	fresh(4096);
	state_of((size_t[]){ 200, 200, 110 }, 3);
	RM_CHECK(out.n == 512);
	RM_CHECK(rm_tracestate_fit(&out).n == 512);
}

RM_TEST("a longer tracestate first loses members over 128 characters, then those at its end")
{
	fresh(4096);
	state_of((size_t[]){ 128, 200, 128, 129, 10 }, 5);
	check_keys(rm_tracestate_fit(&out), "abce");
	fresh(4096);
	state_of((size_t[]){ 128, 128, 128, 128, 10, 200 }, 6);
	check_keys(rm_tracestate_fit(&out), "abc");
	fresh(4096);
	state_of((size_t[]){ 250, 258, 250, 100 }, 4);
	check_keys(rm_tracestate_fit(&out), "ad");
	RM_CHECK(out.n == 351);
}

RM_TEST("a small buffer keeps the members that would survive the cut")
{
	fresh(512);
	state_of((size_t[]){ 250, 258, 250, 100, 128, 10 }, 6);
	check_keys(rm_tracestate_fit(&out), "adef");
	RM_CHECK(!out.truncated);
}

/* ---- B3 ---- */

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
		"", "0", "1", "d", "-", "0-", TRACE, TRACE "-", TRACE "-" SPAN "-", TRACE "-" SPAN "-2",
		TRACE "-" SPAN "-11", TRACE "-" SPAN "-1-", TRACE "-" SPAN "-1-05e3", "0-" SPAN "-1",
		TRACE "-0000000000000000-1", "0000000000000000-" SPAN "-1", TRACE "0-" SPAN "-1",
		"8448EB211c80319c-" SPAN "-1", TRACE "-" SPAN "0-1",
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
	RM_CHECK(b3multi(TRACE, SPAN, "1", NULL) && ctx.flags == RM_FLAG_SAMPLED && ctx.sampled_known);
	RM_CHECK(b3multi(TRACE, SPAN, "true", NULL) && ctx.flags == RM_FLAG_SAMPLED);
	RM_CHECK(b3multi(TRACE, SPAN, "0", "0") && ctx.flags == 0 && ctx.sampled_known);
	RM_CHECK(b3multi(TRACE, SPAN, "false", NULL) && ctx.flags == 0 && ctx.sampled_known);
	RM_CHECK(b3multi(TRACE, SPAN, NULL, "1") && ctx.flags == RM_FLAG_SAMPLED && ctx.debug);
	RM_CHECK(b3multi("8448eb211c80319c", SPAN, NULL, NULL) && ctx.valid && !ctx.sampled_known);
	RM_CHECK(!b3multi(TRACE, SPAN, "maybe", NULL) && !ctx.valid);
	RM_CHECK(!b3multi(TRACE, "", "1", NULL));
	RM_CHECK(!b3multi("", SPAN, "1", NULL));
}

/* ---- X-Ray ---- */

#define ROOT "1-0af76519-16cd43dd8448eb211c80319c"

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
	RM_CHECK(xray("Root=" ROOT ";Parent=" SPAN ";Sampled=?") && ctx.flags == 0 && !ctx.sampled_known);
}

RM_TEST("an X-Ray header without valid Root, Parent and Sampled is no context")
{
	static const char *const bad[] = {
		"", "Root=" ROOT, "Root=" ROOT ";Sampled=1", "Root=" ROOT ";Parent=" SPAN,
		"Parent=" SPAN ";Sampled=1", "Root=" ROOT ";Parent=" SPAN ";Sampled=2",
		"Root=" ROOT ";Parent=" SPAN ";Sampled=", "Root=" ROOT ";Parent=b7ad;Sampled=1",
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

/* ---- Jaeger ---- */

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
		"", TRACE, TRACE ":" SPAN, TRACE ":" SPAN ":0", TRACE ":" SPAN ":0:", TRACE ":" SPAN ":0:111",
		TRACE ":" SPAN ":0:x", "0:" SPAN ":0:1", TRACE ":0:0:1", TRACE "0:" SPAN ":0:1", ":" SPAN ":0:1",
		TRACE ":" SPAN "0:0:1", TRACE "%3" SPAN ":0:1", TRACE ":" SPAN ":0:1:1", TRACE ":" SPAN ":0:1%3",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&ctx, 0xaa, sizeof(ctx));
		RM_CHECK(!jaeger(bad[i]) && !ctx.valid);
	}
}

/* ---- all of them ---- */

RM_TEST("propagators are named in any case, blanks and unknown names do not matter")
{
	RM_CHECK(rm_propagators_parse(RM_STR("tracecontext,baggage")) ==
		 (RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE));
	RM_CHECK(rm_propagators_parse(RM_STR(" B3 ,b3multi, xray,jaeger,b3,ottrace")) ==
		 (RM_PROP_B3 | RM_PROP_B3MULTI | RM_PROP_XRAY | RM_PROP_JAEGER));
	RM_CHECK(rm_propagators_parse(RM_STR("none")) == 0);
}

RM_TEST("carriers are recognised in any case, and nothing else is")
{
	static const struct { const char *name; int carrier; } names[] = {
		{ "TraceParent", RM_CARRIER_TRACEPARENT }, { "tracestate", RM_CARRIER_TRACESTATE },
		{ "BAGGAGE", RM_CARRIER_BAGGAGE }, { "B3", RM_CARRIER_B3 },
		{ "X-B3-TraceId", RM_CARRIER_B3_TRACEID }, { "x-b3-spanid", RM_CARRIER_B3_SPANID },
		{ "X-B3-ParentSpanId", RM_CARRIER_B3_PARENTSPANID },
		{ "X-B3-Sampled", RM_CARRIER_B3_SAMPLED }, { "X-B3-Flags", RM_CARRIER_B3_FLAGS },
		{ "X-Amzn-Trace-Id", RM_CARRIER_XRAY }, { "uber-trace-id", RM_CARRIER_JAEGER },
		{ "", -1 }, { "host", -1 }, { "traceparens", -1 }, { "x-b3-traceix", -1 },
		{ "x-b3-samplex", -1 }, { "transfer-encoding", -1 }, { "traceparent ", -1 }, { "bx", -1 },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		RM_CHECK(rm_carrier_of(rm_str_c(names[i].name)) == names[i].carrier);
}

static struct rm_carriers carriers;

static void message(const char *const *lines)
{
	memset(&carriers, 0, sizeof(carriers));
	for (; lines[0]; lines += 2)
		rm_carriers_add(&carriers, rm_carrier_of(rm_str_c(lines[0])), rm_str_c(lines[1]));
}

static bool extract(unsigned propagators)
{
	memset(&ctx, 0xaa, sizeof(ctx));
	rm_extract(propagators, &carriers, &ctx, fresh(2048));
	return ctx.valid;
}

RM_TEST("tracestate comes only with a valid traceparent")
{
	message((const char *[]){ "traceparent", " " PARENT "\t", "tracestate", "a=1", "tracestate",
				  "b=2", NULL });
	RM_CHECK(extract(RM_PROP_TRACECONTEXT) && ids_are(&ctx, TRACE, SPAN));
	RM_CHECK_STR(rm_strbuf_view(&out), "a=1,b=2");
	message((const char *[]){ "traceparent", PARENT "-x", "tracestate", "a=1", NULL });
	RM_CHECK(!extract(RM_PROP_TRACECONTEXT) && out.n == 0);
	message((const char *[]){ "tracestate", "a=1", NULL });
	RM_CHECK(!extract(RM_PROP_TRACECONTEXT) && out.n == 0);
	message((const char *[]){ "traceparent", PARENT, "tracestate", "a=1", NULL });
	RM_CHECK(!extract(RM_PROP_B3) && out.n == 0);
}

RM_TEST("an invalid tracestate is dropped whole and the traceparent stays")
{
	message((const char *[]){ "traceparent", PARENT, "tracestate", "a=1", "tracestate", "B=2", NULL });
	RM_CHECK(extract(RM_PROP_TRACECONTEXT) && out.n == 0);
}

RM_TEST("two traceparent headers are an invalid one, even when equal")
{
	message((const char *[]){ "traceparent", PARENT, "Traceparent", PARENT, "tracestate", "a=1", NULL });
	RM_CHECK(!extract(RM_PROP_TRACECONTEXT) && out.n == 0);
}

RM_TEST("formats are tried in order: tracecontext, b3 single, b3 multi, xray, jaeger")
{
	const unsigned all = RM_PROP_TRACECONTEXT | RM_PROP_B3 | RM_PROP_XRAY | RM_PROP_JAEGER;
	const char *lines[] = {
		"uber-trace-id", "5:5:0:1", "x-amzn-trace-id",
		"Root=1-00000000-000000000000000000000004;Parent=0000000000000004;Sampled=1",
		"x-b3-traceid", "0000000000000003", "x-b3-spanid", "0000000000000003",
		"b3", "0000000000000002-0000000000000002-1", "traceparent",
		"00-00000000000000000000000000000001-0000000000000001-01", NULL,
	};

	message(lines);
	RM_CHECK(extract(all) && ctx.span_id[7] == 1);
	lines[10] = NULL;
	message(lines);
	RM_CHECK(extract(all) && ctx.span_id[7] == 2);
	lines[8] = NULL;
	message(lines);
	RM_CHECK(extract(all) && ctx.span_id[7] == 3);
	RM_CHECK(extract(RM_PROP_B3MULTI) && ctx.span_id[7] == 3);
	lines[4] = NULL;
	message(lines);
	RM_CHECK(extract(all) && ctx.span_id[7] == 4);
	lines[2] = NULL;
	message(lines);
	RM_CHECK(extract(all) && ctx.span_id[7] == 5);
	RM_CHECK(!extract(0) && !extract(RM_PROP_BAGGAGE));
}

RM_TEST("several baggage headers are joined, one is taken as it is")
{
	message((const char *[]){ "baggage", "a=1;p , b=%20", NULL });
	RM_CHECK_STR(rm_extract_baggage(&carriers, fresh(64)), "a=1;p , b=%20");
	message((const char *[]){ "baggage", "a=1", "baggage", "b=2,c=3", "Baggage", "d=4", NULL });
	RM_CHECK_STR(rm_extract_baggage(&carriers, fresh(64)), "a=1,b=2,c=3,d=4");
	RM_CHECK_STR(rm_extract_baggage(&carriers, fresh(8)), "a=1,d=4");
	message((const char *[]){ NULL });
	RM_CHECK(rm_extract_baggage(&carriers, fresh(8)).n == 0);
}

static void inject(unsigned propagators, struct rm_str tracestate, struct rm_str baggage)
{
	rm_inject(propagators, &ctx, tracestate, baggage, &carriers, fresh(sizeof(text)));
}

static const struct rm_str none;

RM_TEST("each propagator writes its own lines")
{
	message((const char *[]){ NULL });
	RM_CHECK(traceparent(PARENT));
	inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE, RM_STR("a=1"), RM_STR("k=v; p"));
	RM_CHECK_STR(rm_strbuf_view(&out),
		     "traceparent: " PARENT "\r\ntracestate: a=1\r\nbaggage: k=v; p\r\n");
	inject(RM_PROP_B3, RM_STR("a=1"), none);
	RM_CHECK_STR(rm_strbuf_view(&out), "b3: " TRACE "-" SPAN "-1\r\n");
	inject(RM_PROP_B3MULTI, none, none);
	RM_CHECK_STR(rm_strbuf_view(&out), "x-b3-traceid: " TRACE "\r\nx-b3-spanid: " SPAN
					   "\r\nx-b3-sampled: 1\r\n");
	inject(RM_PROP_XRAY | RM_PROP_JAEGER, none, none);
	RM_CHECK_STR(rm_strbuf_view(&out), "x-amzn-trace-id: Root=" ROOT ";Parent=" SPAN ";Sampled=1\r\n"
					   "uber-trace-id: " TRACE ":" SPAN ":0:1\r\n");
	inject(0, RM_STR("a=1"), RM_STR("k=v"));
	RM_CHECK(out.n == 0);
}

RM_TEST("unsampled and debug are written in every format")
{
	message((const char *[]){ NULL });
	RM_CHECK(traceparent("00-" TRACE "-" SPAN "-02"));
	inject(RM_PROP_TRACECONTEXT | RM_PROP_B3 | RM_PROP_B3MULTI | RM_PROP_XRAY | RM_PROP_JAEGER, none,
	       none);
	RM_CHECK_STR(rm_strbuf_view(&out),
		     "traceparent: 00-" TRACE "-" SPAN "-02\r\nb3: " TRACE "-" SPAN "-0\r\n"
		     "x-b3-traceid: " TRACE "\r\nx-b3-spanid: " SPAN "\r\nx-b3-sampled: 0\r\n"
		     "x-amzn-trace-id: Root=" ROOT ";Parent=" SPAN ";Sampled=0\r\n"
		     "uber-trace-id: " TRACE ":" SPAN ":0:0\r\n");
	RM_CHECK(b3(TRACE "-" SPAN "-d"));
	inject(RM_PROP_B3 | RM_PROP_B3MULTI | RM_PROP_JAEGER, none, none);
	RM_CHECK_STR(rm_strbuf_view(&out), "b3: " TRACE "-" SPAN "-d\r\nx-b3-traceid: " TRACE
					   "\r\nx-b3-spanid: " SPAN "\r\nx-b3-flags: 1\r\n"
					   "uber-trace-id: " TRACE ":" SPAN ":0:3\r\n");
}

RM_TEST("a header that the message has already is not written again")
{
	const unsigned all = RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE | RM_PROP_B3 | RM_PROP_B3MULTI |
			     RM_PROP_XRAY | RM_PROP_JAEGER;

	RM_CHECK(traceparent(PARENT));
	message((const char *[]){ "traceparent", "x", "baggage", "k=w", "b3", "0", "x-b3-sampled", "0",
				  "x-amzn-trace-id", "Root=" ROOT, "uber-trace-id", "1", NULL });
	inject(all, RM_STR("a=1"), RM_STR("k=v"));
	RM_CHECK(out.n == 0);
	message((const char *[]){ "tracestate", "z=1", NULL });
	inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE, RM_STR("a=1"), RM_STR("k=v"));
	RM_CHECK_STR(rm_strbuf_view(&out), "traceparent: " PARENT "\r\nbaggage: k=v\r\n");
	rm_inject(RM_PROP_TRACECONTEXT, &ctx, none, none, NULL, fresh(70));
	RM_CHECK_STR(rm_strbuf_view(&out), "traceparent: " PARENT "\r\n");
}

RM_TEST("without a context only baggage travels")
{
	message((const char *[]){ NULL });
	memset(&ctx, 0, sizeof(ctx));
	inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE | RM_PROP_B3, RM_STR("a=1"), RM_STR("k=v"));
	RM_CHECK_STR(rm_strbuf_view(&out), "baggage: k=v\r\n");
}

RM_TEST("a header that does not fit is left out whole, later ones are tried")
{
	RM_CHECK(traceparent(PARENT));
	for (size_t cap = 0; cap < 300; cap++) {
		rm_inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE | RM_PROP_B3MULTI, &ctx, RM_STR("a=1"),
			  RM_STR("k=v"), NULL, fresh(cap));
		RM_CHECK(out.n <= cap && !out.truncated);
		RM_CHECK(out.n == 0 || (text[out.n - 2] == '\r' && text[out.n - 1] == '\n'));
	}
	rm_inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE, &ctx, none, RM_STR("k=v"), NULL, fresh(20));
	RM_CHECK_STR(rm_strbuf_view(&out), "baggage: k=v\r\n");
}

RM_TEST("baggage goes out byte-identical up to 8192 bytes, beyond it whole members go")
{
	static char list[9000];
	struct rm_str sent;

	memset(list, 'v', sizeof(list));
	list[1] = '=';
	list[4000] = ',';
	list[4001] = ' ';
	message((const char *[]){ NULL });
	inject(RM_PROP_BAGGAGE, none, (struct rm_str){ list, 8192 });
	sent = rm_strbuf_view(&out);
	RM_CHECK(sent.n == 9 + 8192 + 2 && memcmp(sent.p + 9, list, 8192) == 0);
	inject(RM_PROP_BAGGAGE, none, (struct rm_str){ list, 8193 });
	sent = rm_strbuf_view(&out);
	RM_CHECK(sent.n == 9 + 4000 + 2 && memcmp(sent.p + 9, list, 4000) == 0);
	list[4000] = 'v';
	inject(RM_PROP_BAGGAGE, none, (struct rm_str){ list, 8193 });
	RM_CHECK(out.n == 0);
}

RM_TEST("64 members of baggage travel, the 65th does not")
{
	char list[65 * 4];

	for (int i = 0; i < 65; i++)
		memcpy(list + i * 4, "k=v,", 4);
	message((const char *[]){ NULL });
	inject(RM_PROP_BAGGAGE, none, (struct rm_str){ list, 64 * 4 - 1 });
	RM_CHECK(out.n == 9 + 64 * 4 - 1 + 2);
	inject(RM_PROP_BAGGAGE, none, (struct rm_str){ list, 65 * 4 - 1 });
	RM_CHECK(out.n == 9 + 64 * 4 - 1 + 2);
}

RM_TEST("values with line ends or other control characters are never sent")
{
	RM_CHECK(traceparent(PARENT));
	message((const char *[]){ NULL });
	inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE, RM_STR("a=1\r\nEvil: 1"), RM_STR("k=v\r\n w"));
	RM_CHECK_STR(rm_strbuf_view(&out), "traceparent: " PARENT "\r\n");
	inject(RM_PROP_BAGGAGE, none, RM_STR("k=\xc3\xa9\t1"));
	RM_CHECK_STR(rm_strbuf_view(&out), "baggage: k=\xc3\xa9\t1\r\n");
}
