/* What the agent takes from the fields of a request, and the authorities in them. */
#include "agent/fields.h"
#include "tests/rmtest.h"

static struct rm_field list[8];
static struct rm_fields fields;

/* Reads a head of the name and value pairs given, NULL at the end. */
static void read_fields(const char *const *pairs)
{
	struct rm_head head = { .fields = list };

	for (; pairs[0]; pairs += 2)
		list[head.field_count++] = (struct rm_field){ rm_str_c(pairs[0]), rm_str_c(pairs[1]) };
	rm_fields_read(&head, &fields);
}

static struct rm_origin origin(const char *const *pairs)
{
	struct rm_origin ret;

	read_fields(pairs);
	rm_fields_origin(&fields, &ret);
	return ret;
}

static bool is(struct rm_str s, const char *want)
{
	return rm_str_eq(s, rm_str_c(want));
}

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

RM_TEST("carriers and the fields of interest are found in any case, others passed over")
{
	read_fields(PAIRS("HOST", "h", "user-AGENT", "curl", "TraceParent", "a", "Connection", "close",
			  "X-Amzn-Trace-Id", "b", "Accept-Encoding", "gzip", "x-b3-parentspanid", "c"));
	RM_CHECK(is(fields.user_agent, "curl"));
	RM_CHECK(fields.traceparent == &list[2]);
	RM_CHECK(is(fields.carriers.value[RM_CARRIER_TRACEPARENT], "a"));
	RM_CHECK(is(fields.carriers.value[RM_CARRIER_XRAY], "b"));
	RM_CHECK(is(fields.carriers.value[RM_CARRIER_B3_PARENTSPANID], "c"));
	RM_CHECK(!fields.forwarded.p && !fields.forwarded_for.p && !fields.forwarded_proto.p);
}

RM_TEST("the first user agent counts, and every traceparent is counted")
{
	read_fields(PAIRS("User-Agent", "one", "User-Agent", "two", "traceparent", "a", "traceparent", "b"));
	RM_CHECK(is(fields.user_agent, "one"));
	RM_CHECK(fields.carriers.count[RM_CARRIER_TRACEPARENT] == 2 && fields.traceparent == &list[3]);
}

RM_TEST("without a proxy nothing is known of the origin")
{
	struct rm_origin o = origin(PAIRS("Host", "h", "User-Agent", "curl"));

	RM_CHECK(!o.scheme.n && !o.host.n && !o.client.n);
}

RM_TEST("the first element of Forwarded tells the origin, quoted or not")
{
	struct rm_origin o = origin(PAIRS("Forwarded", "For=\"[2001:db8::1]:4711\"; proto=https;host=shop, for=b"));

	RM_CHECK(is(o.client, "[2001:db8::1]:4711") && is(o.scheme, "https") && is(o.host, "shop"));
}

RM_TEST("what Forwarded leaves open the X-Forwarded fields tell")
{
	struct rm_origin o = origin(PAIRS("X-Forwarded-For", "10.0.0.1, 10.0.0.2", "X-Forwarded-Host", "a",
					  "X-Forwarded-Proto", "https", "forwarded", "host=b"));

	RM_CHECK(is(o.client, "10.0.0.1") && is(o.scheme, "https") && is(o.host, "b"));
}

RM_TEST("authorities are split into host and port")
{
	static const struct {
		const char *text, *host;
		uint64_t port;
	} cases[] = {
		{ "shop", "shop", 0 },		    { "shop:8080", "shop", 8080 },
		{ "shop:", "shop", 0 },		    { "shop:http", "shop", 0 },
		{ "shop:65536", "shop", 0 },	    { ":80", "", 80 },
		{ "[::1]", "::1", 0 },		    { "[::1]:443", "::1", 443 },
		{ "[::1]443", "::1", 0 },	    { "[::1", "[::1", 0 },
		{ "2001:db8::1", "2001:db8::1", 0 }, { "", "", 0 },
		{ "a:1", "a", 1 },		    { "shop:000080", "shop", 80 },
		{ "shop:99999", "shop", 0 },	    { "8080", "8080", 0 },
		{ "::1:80", "::1:80", 0 },	    { "a:b:80", "a:b:80", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t port = 7;

		RM_CHECK(is(rm_authority_split(rm_str_c(cases[i].text), &port), cases[i].host));
		RM_CHECK(port == cases[i].port);
	}
}
