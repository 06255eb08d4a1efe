/*
 * Heads of both directions made into span records: protocols/http1_head.c, agent/fields.c and semconv.c.
 * The input is one byte that chooses the side, one for settings, the request's head and, behind its
 * empty line, the response's and its content. What must hold for any input: the record is valid, and no value of a
 * query parameter that is secret is in it, nor a password of a URL.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/redact.h"
#include "agent/semconv.h"
#include "protocols/http1_head.h"
#include "tests/unit/agent_stub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SETTINGS = 4 };

static void check(bool condition)
{
	if (!condition)
		abort();
}

static struct rm_config *settings(unsigned which)
{
	static char *environments[SETTINGS][4] = {
		{ NULL },
		{ "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=5", "OTEL_ATTRIBUTE_COUNT_LIMIT=4" },
		{ "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS=host,accept,cookie",
		  "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS=server,via",
		  "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS=server,via" },
		{ "REMORA_REDACT_QUERY=token,a", "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS=GET" },
	};
	static struct rm_config config[SETTINGS];
	static bool started;

	for (int i = 0; i < SETTINGS && !started; i++) {
		stub_start(environments[i]);
		config[i] = stub_config;
	}
	started = true;
	return &config[which % SETTINGS];
}

/* What has been made harmless stays as it is when that is done again. */
static void check_attribute(const struct rm_config *c, const struct rm_attr *a)
{
	static char text[65536];
	struct rm_strbuf out;

	if (a->type != RM_ATTR_STR || c->max_value_chars)
		return;
	rm_strbuf_init(&out, text, sizeof(text));
	if (rm_str_eq(a->key, RM_STR("url.query")))
		rm_redact_query(c, a->v.str, &out);
	else if (rm_str_eq(a->key, RM_STR("url.full")))
		rm_redact_url_full(c, a->v.str, &out);
	else
		return;
	check(rm_str_eq(rm_strbuf_view(&out), a->v.str));
}

static void check_record(const struct rm_config *c, struct rm_exchange *e)
{
	const struct rm_record *r = e->builder.record;
	struct rm_attr_iter it;
	struct rm_attr a;

	check(rm_record_valid(r, rm_builder_end(&e->builder)));
	for (it = rm_record_attrs(r); rm_attr_next(&it, &a);)
		check_attribute(c, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct rm_field room[RM_FIELDS_MAX];
	static struct rm_conn conn = { .peer = { .port = 80, .bytes = 9, .asked = true, .text = "127.0.0.1" } };
	struct rm_http1_head m = { .room = room, .room_fields = RM_FIELDS_MAX };
	struct rm_thread *thread = rm_thread_self();
	struct rm_config *config;
	struct rm_fields fields;
	struct rm_exchange *e;
	uint32_t x;

	if (n < 2)
		return 0;
	config = settings(data[1]);
	if (rm_http1_head_parse(&m, RM_DIR_REQUEST, (const char *)data + 2, n - 2, true) != RM_HTTP1_DONE)
		return 0;
	x = rm_exchange_begin(data[0] & 1 ? RM_KIND_CLIENT : RM_KIND_SERVER, 1, thread);
	e = rm_exchange_at(x);
	rm_fields_read(&m.head, &fields);
	rm_semconv_request(e, config, &conn, &m.head, &fields, data[0] & 2 ? "none" : NULL);
	check(e->record);
	data += 2 + m.head.raw.n, n -= 2 + m.head.raw.n;
	while (n && (*data == '\r' || *data == '\n'))
		data++, n--;
	if (rm_http1_head_parse(&m, RM_DIR_RESPONSE, (const char *)data, n, true) != RM_HTTP1_DONE)
		rm_semconv_broken(e, RM_STR("connection_closed"), 0);
	else if (rm_semconv_response(e, config, &m.head))
		rm_semconv_content(e, (const char *)data + m.head.raw.n, n - m.head.raw.n);
	rm_semconv_bodies(e, n, 0);
	check_record(config, e);
	rm_exchange_drop(x);
	check(rm_text_live() == 0 && rm_exchange_live() == 0);
	return 0;
}
