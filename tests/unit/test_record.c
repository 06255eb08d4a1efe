/* Records: what is built is read back, limits are counted, and foreign bytes cannot mislead. */
#include "agent/record.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/random.h"
#include "tests/rmtest.h"
#include "tests/unit/record_check.h"

enum { CAP = 1024 };

static _Alignas(8) char memory[CAP];

static const struct rm_span head = {
	.trace_id = { 1, 2, 3 }, .span_id = { 4 }, .parent_id = { 5 }, .start_ns = 10, .end_ns = 20,
	.kind = RM_KIND_CLIENT, .status = RM_STATUS_ERROR, .trace_flags = 1,
	.bits = RM_SPAN_PARENT_REMOTE, .name_bytes = 999, .link_count = 7, .dropped_links = 8,
};

static const struct rm_event *build_event(char *at, uint32_t cap);

/* A span with one attribute of each shape. Returns its size. */
static uint32_t build_all(struct rm_builder *b)
{
	static const struct rm_str values[] = { { "gzip", 4 }, { "", 0 }, { "br", 2 } };

	RM_CHECK(rm_builder_span(b, memory, CAP, &head, RM_STR("GET /a"), RM_STR("k=v")) == RM_OK);
	rm_builder_str(b, RM_KEY_URL_PATH, RM_STR("/a"));
	rm_builder_i64(b, RM_KEY_HTTP_RESPONSE_STATUS_CODE, -404);
	rm_builder_named_str(b, RM_STR("my.key"), RM_STR("12345678"));
	rm_builder_named_strs(b, RM_STR("http.request.header.accept-encoding"), values, 3);
	return rm_builder_end(b);
}

RM_TEST("a span is read back as it was built")
{
	struct rm_builder b = { 0 };
	uint32_t bytes;
	const struct rm_span *s = (const struct rm_span *)memory;
	struct rm_attr_iter it;
	struct rm_attr a;
	struct rm_str list, item;

	memset(memory, 0xaa, sizeof(memory));
	bytes = build_all(&b);
	RM_CHECK(bytes % 8 == 0 && s->record.bytes == bytes && s->record.type == RM_RECORD_SPAN);
	RM_CHECK(rm_record_valid(&s->record, bytes));
	RM_CHECK(memcmp(s->trace_id, head.trace_id, 16) == 0 && s->start_ns == 10 && s->end_ns == 20);
	RM_CHECK(s->kind == RM_KIND_CLIENT && s->status == RM_STATUS_ERROR && s->link_count == 0 && s->dropped_links == 0);
	RM_CHECK_STR(rm_span_name(s), "GET /a");
	RM_CHECK_STR(rm_span_tracestate(s), "k=v");
	RM_CHECK(s->record.attr_count == 4 && s->dropped_attrs == 0);

	it = rm_record_attrs(&s->record);
	RM_CHECK(rm_attr_next(&it, &a) && a.type == RM_ATTR_STR);
	RM_CHECK_STR(a.key, "url.path");
	RM_CHECK_STR(a.v.str, "/a");
	RM_CHECK(rm_attr_next(&it, &a) && a.type == RM_ATTR_I64 && a.v.i64 == -404);
	RM_CHECK_STR(a.key, "http.response.status_code");
	RM_CHECK(rm_attr_next(&it, &a) && a.type == RM_ATTR_STR);
	RM_CHECK_STR(a.key, "my.key");
	RM_CHECK_STR(a.v.str, "12345678");
	RM_CHECK(rm_attr_next(&it, &a) && a.type == RM_ATTR_STRS);
	RM_CHECK_STR(a.key, "http.request.header.accept-encoding");
	list = a.v.str;
	RM_CHECK(rm_attr_strs_next(&list, &item));
	RM_CHECK_STR(item, "gzip");
	RM_CHECK(rm_attr_strs_next(&list, &item) && item.n == 0);
	RM_CHECK(rm_attr_strs_next(&list, &item));
	RM_CHECK_STR(item, "br");
	RM_CHECK(!rm_attr_strs_next(&list, &item));
	RM_CHECK(!rm_attr_next(&it, &a));
}

RM_TEST("padding holds nothing of what was in the memory before")
{
	struct rm_builder b = { 0 };
	char first[CAP];
	uint32_t bytes;

	memset(memory, 0xaa, sizeof(memory));
	bytes = build_all(&b);
	memcpy(first, memory, bytes);
	memset(memory, 0x55, sizeof(memory));
	RM_CHECK(build_all(&b) == bytes && memcmp(first, memory, bytes) == 0);
}

RM_TEST("a resource is read back, without the limits of spans")
{
	struct rm_builder b = { .max_attrs = 1, .max_value_bytes = 1 };
	struct rm_attr_iter it;
	struct rm_attr a;
	uint32_t bytes;

	RM_CHECK(rm_builder_resource(&b, memory, CAP) == RM_OK);
	rm_builder_str(&b, RM_KEY_SERVICE_NAME, RM_STR("shop"));
	rm_builder_i64(&b, RM_KEY_PROCESS_PID, 17);
	bytes = rm_builder_end(&b);
	RM_CHECK(b.record->type == RM_RECORD_RESOURCE && rm_record_valid(b.record, bytes));
	it = rm_record_attrs(b.record);
	RM_CHECK(rm_attr_next(&it, &a));
	RM_CHECK_STR(a.v.str, "shop");
	RM_CHECK(rm_attr_next(&it, &a) && a.v.i64 == 17);
	RM_CHECK(!rm_attr_next(&it, &a) && b.dropped == 0);
}

RM_TEST("every key has its name, and numbers outside the table have none")
{
	for (unsigned key = 1; key < RM_KEY_COUNT; key++)
		RM_CHECK(rm_key_name(key).n > 0 && rm_key_name(key).n <= UINT8_MAX);
	RM_CHECK_STR(rm_key_name(RM_KEY_HTTP_REQUEST_METHOD), "http.request.method");
	RM_CHECK(rm_key_name(RM_KEY_NONE).n == 0 && rm_key_name(RM_KEY_COUNT).n == 0);
}

RM_TEST("a span may get another name of any length while it is made, where there is room for it")
{
	static const char *const names[] = { "a", "longer name", "", "12345678", "a name that takes a good deal of room" };
	const struct rm_span head = { .start_ns = 1, .kind = RM_KIND_CLIENT };
	struct rm_attr_iter it;
	struct rm_builder b;
	struct rm_attr a;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		_Alignas(8) char memory[512];
		const struct rm_span *s = (void *)memory;

		memset(&b, 0, sizeof(b));
		memset(memory, 0xa5, sizeof(memory));
		RM_CHECK(rm_builder_span(&b, memory, sizeof(memory), &head, RM_STR("first name"), RM_STR("a=1")) == RM_OK);
		rm_builder_str(&b, RM_KEY_URL_PATH, RM_STR("/x"));
		RM_CHECK(rm_builder_rename(&b, rm_str_c(names[i])));
		rm_builder_i64(&b, RM_KEY_SERVER_PORT, 80);
		RM_CHECK(rm_record_valid((void *)memory, rm_builder_end(&b)));
		RM_CHECK_STR(rm_span_name(s), names[i]);
		RM_CHECK_STR(rm_span_tracestate(s), "a=1");
		it = rm_record_attrs((void *)memory);
		RM_CHECK(rm_attr_next(&it, &a) && rm_str_eq(a.v.str, RM_STR("/x")));
		RM_CHECK(rm_attr_next(&it, &a) && a.v.i64 == 80 && !rm_attr_next(&it, &a));
	}
}

RM_TEST("a name that does not fit leaves all as it is")
{
	const struct rm_span head = { .start_ns = 1, .kind = RM_KIND_CLIENT };
	_Alignas(8) char memory[sizeof(struct rm_span) + 32];
	struct rm_builder b = { 0 };

	RM_CHECK(rm_builder_span(&b, memory, sizeof(memory), &head, RM_STR("GET"), RM_STR("")) == RM_OK);
	rm_builder_i64(&b, RM_KEY_SERVER_PORT, 80);
	RM_CHECK(!rm_builder_rename(&b, RM_STR("a name of more than sixteen bytes")));
	RM_CHECK(rm_builder_rename(&b, RM_STR("sixteen bytes ..")) && rm_record_valid((void *)memory, rm_builder_end(&b)));
}

RM_TEST("empty values and keys leave no attribute and count as no loss")
{
	struct rm_builder b = { 0 };
	struct rm_str one = RM_STR("x");

	rm_builder_span(&b, memory, CAP, &head, RM_STR(""), RM_STR(""));
	rm_builder_str(&b, RM_KEY_URL_QUERY, RM_STR(""));
	rm_builder_named_str(&b, RM_STR(""), one);
	rm_builder_named_str(&b, one, RM_STR(""));
	rm_builder_named_strs(&b, one, &one, 0);
	RM_CHECK(rm_builder_end(&b) == sizeof(struct rm_span) && b.dropped == 0);
}

RM_TEST("attributes past the count limit are left out and counted")
{
	struct rm_builder b = { .max_attrs = 2 };

	rm_builder_span(&b, memory, CAP, &head, RM_STR("n"), RM_STR(""));
	for (int i = 0; i < 5; i++)
		rm_builder_i64(&b, RM_KEY_SERVER_PORT, i);
	RM_CHECK(rm_record_valid(b.record, rm_builder_end(&b)));
	RM_CHECK(b.record->attr_count == 2);
	RM_CHECK(((struct rm_span *)memory)->dropped_attrs == 3);
}

RM_TEST("links stand among the attributes, and each walk sees its own kind")
{
	static const struct rm_link link = { .trace_id = { 9 }, .span_id = { 8 }, .trace_flags = 1 };
	struct rm_link other = { .trace_id = { 7 } }, got;
	const struct rm_span *s = (const struct rm_span *)memory;
	struct rm_builder b = { .max_attrs = 2 };
	struct rm_attr_iter it;
	struct rm_str found;
	struct rm_attr a;
	uint32_t bytes;

	rm_builder_span(&b, memory, CAP, &head, RM_STR("n"), RM_STR(""));
	rm_builder_link(&b, &link);
	rm_builder_i64(&b, RM_KEY_SERVER_PORT, 1);
	rm_builder_link(&b, &other);
	rm_builder_str(&b, RM_KEY_URL_PATH, RM_STR("/"));
	rm_builder_str(&b, RM_KEY_URL_QUERY, RM_STR("over the limit of attributes"));
	rm_builder_link(&b, &link);
	RM_CHECK(rm_builder_find_str(&b, RM_KEY_URL_PATH, &found) && found.n == 1);
	bytes = rm_builder_end(&b);
	RM_CHECK(rm_record_valid(&s->record, bytes) && s->record.attr_count == 2 && s->link_count == 3);
	RM_CHECK(s->dropped_attrs == 1 && s->dropped_links == 0);
	it = rm_record_attrs(&s->record);
	RM_CHECK(rm_attr_next(&it, &a) && a.v.i64 == 1 && rm_attr_next(&it, &a) && !rm_attr_next(&it, &a));
	it = rm_record_attrs(&s->record);
	RM_CHECK(rm_link_next(&it, &got) && memcmp(&got, &link, sizeof(got)) == 0);
	RM_CHECK(rm_link_next(&it, &got) && memcmp(&got, &other, sizeof(got)) == 0);
	RM_CHECK(rm_link_next(&it, &got) && memcmp(&got, &link, sizeof(got)) == 0 && !rm_link_next(&it, &got));
	CHECK_INVALID(((struct rm_span *)memory)->link_count, 2);
	CHECK_INVALID(((struct rm_span *)memory)->record.attr_count, 3);
	CHECK_INVALID(((struct rm_attr_head *)(memory + sizeof(head) + 8))->value_bytes, 24);
	CHECK_INVALID(((struct rm_attr_head *)(memory + sizeof(head) + 8))->key_bytes, 1);
	CHECK_INVALID(((struct rm_attr_head *)(memory + sizeof(head) + 8))->key, 1);
}

RM_TEST("links past the limit, or without room, are counted")
{
	enum { ROOM = 8000 };
	static _Alignas(8) char large[ROOM];
	static const struct rm_link link = { .trace_id = { 9 } };

	for (uint32_t cap = 400; cap <= ROOM; cap += ROOM - 400) {
		const struct rm_span *s = (const struct rm_span *)large;
		struct rm_builder b = { 0 };
		uint32_t want = cap == 400 ? (400 - sizeof(*s)) / 40 : RM_LINKS_MAX;

		rm_builder_span(&b, large, cap, &head, RM_STR(""), RM_STR(""));
		for (int i = 0; i < RM_LINKS_MAX + 3; i++)
			rm_builder_link(&b, &link);
		RM_CHECK(rm_record_valid(b.record, rm_builder_end(&b)));
		RM_CHECK(s->link_count == want && s->dropped_links == RM_LINKS_MAX + 3 - want);
	}
}

/* An event with two attributes, of which the second is over the limit. */
static const struct rm_event *build_event(char *at, uint32_t cap)
{
	struct rm_builder b = { .max_attrs = 1 };

	RM_CHECK(rm_builder_event(&b, at, cap, RM_STR("exception"), 15) == RM_OK);
	rm_builder_str(&b, RM_KEY_EXCEPTION_TYPE, RM_STR("SIGSEGV"));
	rm_builder_str(&b, RM_KEY_EXCEPTION_MESSAGE, RM_STR("m"));
	rm_builder_end(&b);
	return (const struct rm_event *)at;
}

RM_TEST("events stand among the attributes, with attributes of their own")
{
	static _Alignas(8) char at[256];
	static const struct rm_link link = { .trace_id = { 9 } };
	const struct rm_event *event = build_event(at, sizeof(at)), *got = NULL;
	struct rm_span *s = (struct rm_span *)memory;
	struct rm_attr_iter it, inner;
	struct rm_builder b = { 0 };
	struct rm_event *in;
	struct rm_link unused;
	struct rm_str found;
	struct rm_attr a;
	uint32_t bytes;

	rm_builder_span(&b, memory, CAP, &head, RM_STR("n"), RM_STR(""));
	rm_builder_add_event(&b, event, 2);
	rm_builder_i64(&b, RM_KEY_SERVER_PORT, 1);
	rm_builder_link(&b, &link);
	rm_builder_add_event(&b, event, 2);
	rm_builder_add_event(&b, event, 2);
	bytes = rm_builder_end(&b);
	RM_CHECK(rm_record_valid(&s->record, bytes) && s->record.attr_count == 1 && s->link_count == 1);
	RM_CHECK(s->event_count == 2 && s->dropped_events == 1 && s->dropped_attrs == 0);
	it = rm_record_attrs(&s->record);
	RM_CHECK(rm_attr_next(&it, &a) && a.v.i64 == 1 && !rm_attr_next(&it, &a));
	it = rm_record_attrs(&s->record);
	RM_CHECK(rm_link_next(&it, &unused) && !rm_link_next(&it, &unused));
	it = rm_record_attrs(&s->record);
	for (int i = 0; i < 2; i++) {
		RM_CHECK(rm_event_next(&it, &got) && got->time_ns == 15 && got->dropped_attrs == 1);
		RM_CHECK_STR(rm_event_name(got), "exception");
		inner = rm_record_attrs(&got->record);
		RM_CHECK(rm_attr_next(&inner, &a) && !rm_attr_next(&inner, &a));
		RM_CHECK_STR(a.key, "exception.type");
		RM_CHECK(rm_record_find_str(&got->record, "exception.type", &found));
		RM_CHECK_STR(found, "SIGSEGV");
		RM_CHECK(!rm_record_find_str(&got->record, "exception.message", &found));
	}
	RM_CHECK(!rm_event_next(&it, &got));

	in = (struct rm_event *)(memory + sizeof(*s) + 8 + 8);
	CHECK_INVALID(s->event_count, 1);
	CHECK_INVALID(s->link_count, 2);
	CHECK_INVALID(in->record.type, RM_RECORD_SPAN);
	CHECK_INVALID(in->record.attr_count, 2);
	CHECK_INVALID(in->record.attr_count, 0);
	CHECK_INVALID(in->record.bytes, in->record.bytes - 8);
	CHECK_INVALID(in->record.bytes, in->record.bytes + 8);
	CHECK_INVALID(in->name_bytes, 25);
	CHECK_INVALID(in->name_bytes, UINT16_MAX);
	CHECK_INVALID(((struct rm_attr_head *)in - 1)->value_bytes, sizeof(*in) - 8);
	CHECK_INVALID(((struct rm_attr_head *)in - 1)->key_bytes, 1);
	CHECK_INVALID(((struct rm_attr_head *)((char *)(in + 1) + 16))->type, RM_ATTR_LINK);
	CHECK_INVALID(((struct rm_attr_head *)((char *)(in + 1) + 16))->type, RM_ATTR_EVENT);
	RM_CHECK(!rm_record_valid(&event->record, event->record.bytes));
}

RM_TEST("an event that does not fit is counted, and other memory may make room")
{
	static _Alignas(8) char at[256], larger[CAP];
	const struct rm_event *event = build_event(at, sizeof(at));
	struct rm_builder b = { 0 };
	const struct rm_span *s;
	struct rm_str found;

	rm_builder_span(&b, memory, sizeof(*s) + 32, &head, RM_STR(""), RM_STR(""));
	rm_builder_str(&b, RM_KEY_URL_PATH, RM_STR("/a"));
	rm_builder_add_event(&b, event, 9);
	s = (const struct rm_span *)memory;
	RM_CHECK(s->event_count == 0 && s->dropped_events == 1);
	memcpy(larger, memory, (size_t)(b.at - memory));
	rm_builder_move(&b, larger, sizeof(larger));
	rm_builder_add_event(&b, event, 9);
	s = (const struct rm_span *)larger;
	RM_CHECK(s->event_count == 1 && s->dropped_events == 1);
	RM_CHECK(rm_record_valid(&s->record, rm_builder_end(&b)));
	RM_CHECK(rm_record_find_str(&s->record, "url.path", &found));
	RM_CHECK_STR(found, "/a");
	RM_CHECK(rm_builder_event(&b, at, sizeof(*event) + 8, RM_STR("exception"), 1) == RM_E_FULL);
}

RM_TEST("a record never outgrows its memory, at any capacity")
{
	for (uint32_t cap = 0; cap <= 400; cap++) {
		struct rm_builder b = { 0 };
		char *at = malloc(cap + 1); /* the sanitizer watches the borders */
		int err = rm_builder_span(&b, at, cap, &head, RM_STR("GET /abcdef"), RM_STR("k=v"));

		if (err == RM_OK) {
			uint32_t bytes;

			for (int i = 0; i < 8; i++) {
				rm_builder_str(&b, RM_KEY_URL_PATH, RM_STR("/a/long/path"));
				rm_builder_named_str(&b, RM_STR("my.key"), RM_STR("v"));
			}
			bytes = rm_builder_end(&b);
			RM_CHECK(bytes <= cap && rm_record_valid(b.record, bytes));
			RM_CHECK(b.record->attr_count + ((struct rm_span *)at)->dropped_attrs == 16);
		} else {
			RM_CHECK(err == RM_E_FULL && cap < sizeof(head) + 16 + 8);
		}
		free(at);
	}
}

RM_TEST("a name longer than its field can say makes no record")
{
	static char name[UINT16_MAX + 1], big[UINT16_MAX + 1024] __attribute__((aligned(8)));
	struct rm_builder b = { 0 };

	memset(name, 'n', sizeof(name));
	RM_CHECK(rm_builder_span(&b, big, sizeof(big), &head, (struct rm_str){ name, sizeof(name) },
				 RM_STR("")) == RM_E_FULL);
	RM_CHECK(rm_builder_span(&b, big, sizeof(big), &head, (struct rm_str){ name, UINT16_MAX },
				 RM_STR("")) == RM_OK);
	RM_CHECK(rm_span_name((struct rm_span *)big).n == UINT16_MAX);
}

RM_TEST("a key longer than its field can say is left out and counted")
{
	static char key[256];
	struct rm_builder b = { 0 };

	memset(key, 'k', sizeof(key));
	rm_builder_span(&b, memory, CAP, &head, RM_STR("n"), RM_STR(""));
	rm_builder_named_str(&b, (struct rm_str){ key, 256 }, RM_STR("v"));
	RM_CHECK(b.dropped == 1 && b.record->attr_count == 0);
	rm_builder_named_str(&b, (struct rm_str){ key, 255 }, RM_STR("v"));
	RM_CHECK(rm_record_valid(b.record, rm_builder_end(&b)));
	RM_CHECK(b.dropped == 1 && b.record->attr_count == 1);
}

/* What is left of `value` under a limit of `max` characters. */
static struct rm_str limited(struct rm_str value, uint32_t max)
{
	struct rm_builder b = { .max_value_bytes = max };
	struct rm_attr a = { .v.str = { NULL, 0 } };
	struct rm_attr_iter it;

	rm_builder_span(&b, memory, CAP, &head, RM_STR("n"), RM_STR(""));
	rm_builder_str(&b, RM_KEY_URL_PATH, value);
	RM_CHECK(rm_record_valid(b.record, rm_builder_end(&b)) && b.dropped == 0);
	it = rm_record_attrs(b.record);
	RM_CHECK(rm_attr_next(&it, &a));
	return a.v.str;
}

RM_TEST("long values are cut to whole characters, which is no loss to count")
{
	RM_CHECK_STR(limited(RM_STR("abcdef"), 3), "abc");
	RM_CHECK_STR(limited(RM_STR("abc"), 3), "abc");
	RM_CHECK_STR(limited(RM_STR("abc"), 0), "abc");
	RM_CHECK_STR(limited(RM_STR("a\xc3\xa4\xe2\x82\xacz"), 3), "a\xc3\xa4\xe2\x82\xac");
	RM_CHECK_STR(limited(RM_STR("\xf0\x9f\x98\x80\xf0\x9f\x98\x80"), 1), "\xf0\x9f\x98\x80");
	RM_CHECK_STR(limited(RM_STR("\xc3\xa4\xc3\xa4"), 4), "\xc3\xa4\xc3\xa4");
	RM_CHECK_STR(limited(RM_STR("\xff\xfe\xfd"), 2), "\xff\xfe");
}

RM_TEST("elements of a list are cut one by one")
{
	struct rm_str values[] = { RM_STR("abcdef"), RM_STR("ab") }, list, item;
	struct rm_builder b = { .max_value_bytes = 3 };
	struct rm_attr_iter it;
	struct rm_attr a = { .v.str = { NULL, 0 } };

	rm_builder_span(&b, memory, CAP, &head, RM_STR("n"), RM_STR(""));
	rm_builder_named_strs(&b, RM_STR("k"), values, 2);
	RM_CHECK(rm_record_valid(b.record, rm_builder_end(&b)));
	it = rm_record_attrs(b.record);
	RM_CHECK(rm_attr_next(&it, &a));
	list = a.v.str;
	RM_CHECK(rm_attr_strs_next(&list, &item));
	RM_CHECK_STR(item, "abc");
	RM_CHECK(rm_attr_strs_next(&list, &item));
	RM_CHECK_STR(item, "ab");
}

RM_TEST("a record cut short anywhere, or of another length than it says, is not valid")
{
	struct rm_builder b = { 0 };
	uint32_t bytes = build_all(&b);

	for (uint32_t n = 0; n < bytes; n++) {
		_Alignas(8) char copy[CAP];

		memcpy(copy, memory, bytes);
		RM_CHECK(!rm_record_valid((struct rm_record *)copy, n));
		if (n >= sizeof(struct rm_record)) {
			((struct rm_record *)copy)->bytes = n;
			RM_CHECK(!rm_record_valid((struct rm_record *)copy, n));
		}
	}
}

RM_TEST("wrong types, kinds, counts and lengths are not valid")
{
	struct rm_builder b = { 0 };
	uint32_t bytes = build_all(&b);
	struct rm_span *s = (struct rm_span *)memory;
	size_t first = sizeof(*s) + 8 + 8; /* the first attribute's head */

	CHECK_INVALID(s->record.type, RM_RECORD_FILLER);
	CHECK_INVALID(s->record.type, 3);
	CHECK_INVALID(s->record.attr_count, 3);
	CHECK_INVALID(s->record.attr_count, 5);
	CHECK_INVALID(s->kind, 6);
	CHECK_INVALID(s->status, 3);
	CHECK_INVALID(s->name_bytes, UINT16_MAX);
	CHECK_INVALID(s->tracestate_bytes, UINT16_MAX);
	CHECK_INVALID(((struct rm_attr_head *)(memory + first))->key, RM_KEY_COUNT);
	CHECK_INVALID(((struct rm_attr_head *)(memory + first))->key, RM_KEY_NONE);
	CHECK_INVALID(((struct rm_attr_head *)(memory + first))->type, 0);
	CHECK_INVALID(((struct rm_attr_head *)(memory + first))->type, 6);
	CHECK_INVALID(((struct rm_attr_head *)(memory + first))->type, RM_ATTR_I64);
	CHECK_INVALID(((struct rm_attr_head *)(memory + first))->type, RM_ATTR_STRS);
	CHECK_INVALID(((struct rm_attr_head *)(memory + first))->key_bytes, 1);
	CHECK_INVALID(((struct rm_attr_head *)(memory + first))->value_bytes, UINT32_MAX);
	CHECK_INVALID(((struct rm_attr_head *)(memory + first))->value_bytes, UINT32_MAX - 7);
}

/* Reads all of a record, as an exporter does: the sanitizer would see a byte outside. */
static uint64_t read_all(const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r), links = it, events = it;
	const struct rm_event *event;
	struct rm_link link;
	struct rm_attr a;
	uint64_t sum = 0;

	if (r->type == RM_RECORD_SPAN)
		sum += rm_span_name((const struct rm_span *)r).n;
	while (rm_link_next(&links, &link))
		sum += link.span_id[0];
	while (rm_event_next(&events, &event))
		sum += rm_event_name(event).n + read_all(&event->record);
	while (rm_attr_next(&it, &a)) {
		bool text = a.type == RM_ATTR_STR || a.type == RM_ATTR_STRS;

		for (size_t i = 0; i < a.key.n; i++)
			sum += (unsigned char)a.key.p[i];
		for (size_t i = 0; text && i < a.v.str.n; i++)
			sum += (unsigned char)a.v.str.p[i];
	}
	return sum;
}

RM_TEST("a record with any bytes flipped is refused or stays readable inside its length")
{
	static _Alignas(8) char at[256];
	struct rm_random random = { { 1, 2, 3, 4 } };
	struct rm_builder b = { 0 };
	int valid = 0;
	uint32_t bytes;

	build_all(&b);
	rm_builder_add_event(&b, build_event(at, sizeof(at)), 9);
	bytes = rm_builder_end(&b);
	for (int round = 0; round < 200000; round++) {
		char *copy = malloc(bytes);
		uint64_t flips = 1 + rm_random_u64(&random) % 4;

		memcpy(copy, memory, bytes);
		for (uint64_t i = 0; i < flips; i++)
			copy[rm_random_u64(&random) % bytes] ^= (char)(1 << rm_random_u64(&random) % 8);
		if (rm_record_valid((struct rm_record *)copy, bytes)) {
			valid++;
			RM_CHECK(read_all((struct rm_record *)copy) > 0);
		}
		free(copy);
	}
	RM_CHECK(valid > 0 && valid < 200000);
}

RM_TEST("a string of several parts is one, and is cut as one")
{
	const struct rm_str parts[] = { RM_STR("http://"), RM_STR("h\xc3\xa4"), RM_STR(""), RM_STR("/path") };

	for (uint32_t max = 0; max < 20; max++) {
		struct rm_builder b = { .max_value_bytes = max };
		struct rm_attr_iter it;
		struct rm_attr a = { .v.str = { NULL, 0 } };
		size_t want = max == 0 || max >= 14 ? 15 : max <= 8 ? max : max + 1;

		memset(memory, 0xff, CAP);
		rm_builder_span(&b, memory, CAP, &head, RM_STR("n"), RM_STR(""));
		rm_builder_joined(&b, RM_KEY_URL_FULL, parts, 4);
		rm_builder_joined(&b, RM_KEY_URL_PATH, parts + 2, 1);
		rm_builder_i64(&b, RM_KEY_SERVER_PORT, 80);
		RM_CHECK(rm_record_valid(b.record, rm_builder_end(&b)) && b.record->attr_count == 2);
		it = rm_record_attrs(b.record);
		RM_CHECK(rm_attr_next(&it, &a));
		RM_CHECK(a.v.str.n == want && memcmp(a.v.str.p, "http://h\xc3\xa4/path", want) == 0);
		for (size_t i = want; i % 8; i++)
			RM_CHECK(a.v.str.p[i] == 0);
		RM_CHECK(rm_attr_next(&it, &a) && a.v.i64 == 80);
	}
}
