/* What a span says of a request's URL, whatever its Host field holds: agent/semconv.c. */
#include "agent/semconv.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

/* url.full of a request with this Host and target. */
static struct rm_str url(const char *host, const char *target)
{
	static struct rm_conn conn;
	struct rm_head head = { .method = RM_STR("GET"), .target = rm_str_c(target), .version = RM_STR("1.1"),
				.authority = rm_str_c(host) };
	uint32_t x = rm_exchange_begin(RM_KIND_CLIENT, 1000000000, rm_thread_self());
	struct rm_fields fields;
	struct rm_attr_iter it;
	struct rm_attr a;

	rm_fields_read(&head, &fields);
	rm_semconv_request(rm_exchange_at(x), &stub_config, &conn, &head, &fields, NULL);
	rm_exchange_end(x, 2000000000, rm_thread_self());
	for (it = rm_record_attrs(&stub_span()->record); rm_attr_next(&it, &a);)
		if (rm_str_eq(a.key, RM_STR("url.full")))
			return a.v.str;
	return (struct rm_str){ 0 };
}

RM_TEST("a URL has no secret, in whichever part of the request it stands")
{
	char *none[] = { NULL };

	stub_start(none);
	RM_CHECK_STR(url("shop:80", "/a?id=1&sort=x"), "http://shop:80/a?id=1&sort=x");
	RM_CHECK_STR(url("shop:80", "/a?id=1&sig=x"), "http://shop:80/a?id=1&sig=REDACTED");
	RM_CHECK_STR(url("u:p@shop", "/a"), "http://REDACTED:REDACTED@shop/a");
	RM_CHECK_STR(url("shop?sig=", "/a&b=c"), "http://shop?sig=REDACTED&b=c");
	RM_CHECK_STR(url("shop", "http://u:p@h/x"), "http://REDACTED:REDACTED@h/x");
}
