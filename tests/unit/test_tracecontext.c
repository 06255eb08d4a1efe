/* Trace context: what the W3C text and the other formats allow and forbid, to the byte. */
#include "tests/unit/spanctx_fixture.h"

#define PARENT "00-" TRACE "-" SPAN "-01"

static struct rm_spanctx ctx;
static char text[16384];
static struct rm_strbuf out;

static struct rm_strbuf *fresh(size_t cap)
{
	rm_strbuf_init(&out, text, cap);
	return &out;
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
		"",
		"00",
		"00-" TRACE "-" SPAN,
		"00-" TRACE "-" SPAN "-0",
		"0-" TRACE "-" SPAN "-001",
		"00-00000000000000000000000000000000-" SPAN "-01",
		"00-" TRACE "-0000000000000000-01",
		"00-0AF7651916cd43dd8448eb211c80319c-" SPAN "-01",
		"00-" TRACE "-B7ad6b7169203331-01",
		"00-" TRACE "-" SPAN "-0A",
		"0A-" TRACE "-" SPAN "-01",
		"0x-" TRACE "-" SPAN "-01",
		"00_" TRACE "-" SPAN "-01",
		"00-" TRACE "_" SPAN "-01",
		"00-" TRACE "-" SPAN "_01",
		"00-.af7651916cd43dd8448eb211c80319c-" SPAN "-01",
		"00-" TRACE "-" SPAN "-.1",
		"00-" TRACE "-" SPAN "-x1",
		" " PARENT,
		PARENT " ",
		"00-" TRACE "0-" SPAN "-01",
		"00-" TRACE "-" SPAN "0-01",
		"00-" SPAN "-" TRACE "-01",
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
		"a=1",	  "0a=1",	"abcdefghijklmnopqrstuvwxyz0123456789_-*/=1",
		"foo@=1", "foo@@bar=1", "t@v123456789012345=1",
	};
	static const char *const bad[] = {
		"=1",	  "foo",    "foo =1", "FOO=1",	 "foo.bar=1", "@foo=1",
		"_foo=1", "-foo=1", "*=1",    "f\x80=1", "foo=1,bar", "foo;=1",
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
		memcpy(list + i * 6,
		       (char[]){ 'k', (char)('0' + i / 10), (char)('0' + i % 10), '=', '1', ',' },
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
