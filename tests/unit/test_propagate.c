/* All formats together: which headers carry a context, who wins, what is written. */
#include "protocols/tracecontext.h"

#include "protocols/hpack.h"
#include "tests/unit/spanctx_fixture.h"

#define PARENT "00-" TRACE "-" SPAN "-01"
#define ROOT   "1-0af76519-16cd43dd8448eb211c80319c"

static struct rm_spanctx ctx;
static char text[16384];
static struct rm_strbuf out;

static struct rm_strbuf *fresh(size_t cap)
{
	rm_strbuf_init(&out, text, cap);
	return &out;
}

static void set_context(const char *traceparent)
{
	RM_CHECK(rm_traceparent_parse(rm_str_c(traceparent), &ctx));
}

RM_TEST("propagators are named in any case, blanks and unknown names do not matter")
{
	RM_CHECK(rm_propagators_parse(RM_STR("tracecontext,baggage")) ==
		 (RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE));
	RM_CHECK(rm_propagators_parse(RM_STR(" B3 ,b3multi, xray-lambda,jaeger,b3,ottrace")) ==
		 (RM_PROP_B3 | RM_PROP_B3MULTI | RM_PROP_XRAY | RM_PROP_JAEGER));
	RM_CHECK(rm_propagators_parse(RM_STR("none")) == 0);
}

RM_TEST("carriers are recognised in any case, and nothing else is")
{
	static const struct {
		const char *name;
		int carrier;
	} names[] = {
		{ "TraceParent", RM_CARRIER_TRACEPARENT },
		{ "tracestate", RM_CARRIER_TRACESTATE },
		{ "BAGGAGE", RM_CARRIER_BAGGAGE },
		{ "B3", RM_CARRIER_B3 },
		{ "X-B3-TraceId", RM_CARRIER_B3_TRACEID },
		{ "x-b3-spanid", RM_CARRIER_B3_SPANID },
		{ "X-B3-ParentSpanId", RM_CARRIER_B3_PARENTSPANID },
		{ "X-B3-Sampled", RM_CARRIER_B3_SAMPLED },
		{ "X-B3-Flags", RM_CARRIER_B3_FLAGS },
		{ "X-Amzn-Trace-Id", RM_CARRIER_XRAY },
		{ "uber-trace-id", RM_CARRIER_JAEGER },
		{ "", -1 },
		{ "host", -1 },
		{ "traceparens", -1 },
		{ "x-b3-traceix", -1 },
		{ "x-b3-samplex", -1 },
		{ "transfer-encoding", -1 },
		{ "traceparent ", -1 },
		{ "bx", -1 },
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
	message((const char *[]){ "traceparent", PARENT, "tracestate", "a=1", "tracestate", "B=2",
				  NULL });
	RM_CHECK(extract(RM_PROP_TRACECONTEXT) && out.n == 0);
}

RM_TEST("two traceparent headers are an invalid one, even when equal")
{
	message((const char *[]){ "traceparent", PARENT, "Traceparent", PARENT, "tracestate", "a=1",
				  NULL });
	RM_CHECK(!extract(RM_PROP_TRACECONTEXT) && out.n == 0);
}

RM_TEST("formats are tried in order: tracecontext, b3 single, b3 multi, xray, jaeger")
{
	const unsigned all = RM_PROP_TRACECONTEXT | RM_PROP_B3 | RM_PROP_XRAY | RM_PROP_JAEGER;
	const char *lines[] = {
		"uber-trace-id",
		"5:5:0:1",
		"x-amzn-trace-id",
		"Root=1-00000000-000000000000000000000004;Parent=0000000000000004;Sampled=1",
		"x-b3-traceid",
		"0000000000000003",
		"x-b3-spanid",
		"0000000000000003",
		"b3",
		"0000000000000002-0000000000000002-1",
		"traceparent",
		"00-00000000000000000000000000000001-0000000000000001-01",
		NULL,
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

RM_TEST("a trace without a span gives way to a whole context, and two X-Ray headers are an invalid one")
{
	const char *lines[] = { "x-amzn-trace-id", "Root=1-00000000-000000000000000000000004",
				"uber-trace-id", "5:5:0:1", NULL };

	message(lines);
	RM_CHECK(extract(RM_PROP_XRAY | RM_PROP_JAEGER) && ctx.span_id[7] == 5 && !ctx.trace_only);
	RM_CHECK(!extract(RM_PROP_XRAY) && ctx.trace_only && ctx.trace_id[15] == 4);
	lines[3] = "5:5";
	message(lines);
	RM_CHECK(!extract(RM_PROP_XRAY | RM_PROP_JAEGER) && ctx.trace_only && ctx.trace_id[15] == 4);
	lines[2] = lines[0];
	lines[3] = lines[1];
	message(lines);
	RM_CHECK(!extract(RM_PROP_XRAY) && !ctx.trace_only);
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
	rm_inject(propagators, &ctx, tracestate, baggage, &carriers, rm_put_line, fresh(sizeof(text)));
}

static const struct rm_str none;

RM_TEST("each propagator writes its own lines")
{
	message((const char *[]){ NULL });
	set_context(PARENT);
	inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE, RM_STR("a=1"), RM_STR("k=v; p"));
	RM_CHECK_STR(rm_strbuf_view(&out),
		     "traceparent: " PARENT "\r\ntracestate: a=1\r\nbaggage: k=v; p\r\n");
	inject(RM_PROP_B3, RM_STR("a=1"), none);
	RM_CHECK_STR(rm_strbuf_view(&out), "b3: " TRACE "-" SPAN "-1\r\n");
	inject(RM_PROP_B3MULTI, none, none);
	RM_CHECK_STR(rm_strbuf_view(&out),
		     "x-b3-traceid: " TRACE "\r\nx-b3-spanid: " SPAN "\r\nx-b3-sampled: 1\r\n");
	inject(RM_PROP_XRAY | RM_PROP_JAEGER, none, none);
	RM_CHECK_STR(rm_strbuf_view(&out),
		     "x-amzn-trace-id: Root=" ROOT ";Parent=" SPAN ";Sampled=1\r\n"
		     "uber-trace-id: " TRACE ":" SPAN ":0:1\r\n");
	inject(0, RM_STR("a=1"), RM_STR("k=v"));
	RM_CHECK(out.n == 0);
}

RM_TEST("unsampled and debug are written in every format")
{
	message((const char *[]){ NULL });
	set_context("00-" TRACE "-" SPAN "-02");
	inject(RM_PROP_TRACECONTEXT | RM_PROP_B3 | RM_PROP_B3MULTI | RM_PROP_XRAY | RM_PROP_JAEGER,
	       none, none);
	RM_CHECK_STR(rm_strbuf_view(&out),
		     "traceparent: 00-" TRACE "-" SPAN "-02\r\nb3: " TRACE "-" SPAN "-0\r\n"
		     "x-b3-traceid: " TRACE "\r\nx-b3-spanid: " SPAN "\r\nx-b3-sampled: 0\r\n"
		     "x-amzn-trace-id: Root=" ROOT ";Parent=" SPAN ";Sampled=0\r\n"
		     "uber-trace-id: " TRACE ":" SPAN ":0:0\r\n");
	RM_CHECK(rm_b3_parse(RM_STR(TRACE "-" SPAN "-d"), &ctx));
	inject(RM_PROP_B3 | RM_PROP_B3MULTI | RM_PROP_JAEGER, none, none);
	RM_CHECK_STR(rm_strbuf_view(&out), "b3: " TRACE "-" SPAN "-d\r\nx-b3-traceid: " TRACE
					   "\r\nx-b3-spanid: " SPAN "\r\nx-b3-flags: 1\r\n"
					   "uber-trace-id: " TRACE ":" SPAN ":0:3\r\n");
}

RM_TEST("a header that the message has already is not written again")
{
	const unsigned all = RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE | RM_PROP_B3 | RM_PROP_B3MULTI |
			     RM_PROP_XRAY | RM_PROP_JAEGER;

	set_context(PARENT);
	message((const char *[]){ "traceparent", "x", "baggage", "k=w", "b3", "0", "x-b3-sampled",
				  "0", "x-amzn-trace-id", "Root=" ROOT, "uber-trace-id", "1",
				  NULL });
	inject(all, RM_STR("a=1"), RM_STR("k=v"));
	RM_CHECK(out.n == 0);
	message((const char *[]){ "tracestate", "z=1", NULL });
	inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE, RM_STR("a=1"), RM_STR("k=v"));
	RM_CHECK_STR(rm_strbuf_view(&out), "traceparent: " PARENT "\r\nbaggage: k=v\r\n");
	rm_inject(RM_PROP_TRACECONTEXT, &ctx, none, none, NULL, rm_put_line, fresh(70));
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
	set_context(PARENT);
	for (size_t cap = 0; cap < 300; cap++) {
		rm_inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE | RM_PROP_B3MULTI, &ctx,
			  RM_STR("a=1"), RM_STR("k=v"), NULL, rm_put_line, fresh(cap));
		RM_CHECK(out.n <= cap && !out.truncated);
		RM_CHECK(out.n == 0 || (text[out.n - 2] == '\r' && text[out.n - 1] == '\n'));
	}
	rm_inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE, &ctx, none, RM_STR("k=v"), NULL, rm_put_line,
		  fresh(20));
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
	set_context(PARENT);
	message((const char *[]){ NULL });
	inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE, RM_STR("a=1\r\nEvil: 1"),
	       RM_STR("k=v\r\n w"));
	RM_CHECK_STR(rm_strbuf_view(&out), "traceparent: " PARENT "\r\n");
	inject(RM_PROP_BAGGAGE, none, RM_STR("k=\xc3\xa9\t1"));
	RM_CHECK_STR(rm_strbuf_view(&out), "baggage: k=\xc3\xa9\t1\r\n");
}

/* Reads a literal of less than 127 bytes a part; true when it is that. */
static bool is_literal(const char **p, const char *name, const char *value)
{
	size_t n = strlen(name), m = strlen(value);
	bool same = (*p)[0] == 0 && (size_t)(*p)[1] == n && memcmp(*p + 2, name, n) == 0 &&
		    (size_t)(*p)[2 + n] == m && memcmp(*p + 3 + n, value, m) == 0;

	*p += 3 + n + m;
	return same;
}

RM_TEST("the fields of HTTP/2 are literals, the same ones as lines")
{
	const char *p = text;

	set_context(PARENT);
	message((const char *[]){ NULL });
	rm_inject(RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE | RM_PROP_B3MULTI, &ctx, RM_STR("a=1"), RM_STR("k=v"),
		  &carriers, rm_hpack_put, fresh(sizeof(text)));
	RM_CHECK(is_literal(&p, "traceparent", PARENT));
	RM_CHECK(is_literal(&p, "tracestate", "a=1"));
	RM_CHECK(is_literal(&p, "x-b3-traceid", "0af7651916cd43dd8448eb211c80319c"));
	RM_CHECK(is_literal(&p, "x-b3-spanid", "b7ad6b7169203331"));
	RM_CHECK(is_literal(&p, "x-b3-sampled", "1"));
	RM_CHECK(is_literal(&p, "baggage", "k=v"));
	RM_CHECK(p == text + out.n);
}
