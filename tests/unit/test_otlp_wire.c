/* agent/otlp_wire.c: what a protobuf decoder that knows the schema reads out of a request. */
#include "agent/otlp_wire.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/segment.h"
#include "span_sample.h"
#include "tests/rmtest.h"

/* The messages of opentelemetry-proto that occur; LEAF fields are text, ID fields bytes. */
enum message {
	REQUEST,
	RESOURCE_SPANS,
	RESOURCE,
	SCOPE_SPANS,
	SCOPE,
	SPAN,
	LOG,
	KEY_VALUE,
	ANY,
	ARRAY,
	STATUS,
	LEAF,
	ID
};

static bool has_logs; /* the request is one of logs, whose outer messages are numbered alike */

static enum message member(enum message m, unsigned field)
{
	static const struct {
		enum message in;
		unsigned field;
		enum message is;
	} schema[] = {
		{ REQUEST, 1, RESOURCE_SPANS },
		{ RESOURCE_SPANS, 1, RESOURCE },
		{ RESOURCE_SPANS, 2, SCOPE_SPANS },
		{ RESOURCE, 1, KEY_VALUE },
		{ SCOPE_SPANS, 1, SCOPE },
		{ SCOPE_SPANS, 2, SPAN },
		{ SPAN, 9, KEY_VALUE },
		{ SPAN, 15, STATUS },
		{ SPAN, 1, ID },
		{ SPAN, 2, ID },
		{ SPAN, 4, ID },
		{ LOG, 5, ANY },
		{ LOG, 6, KEY_VALUE },
		{ LOG, 9, ID },
		{ LOG, 10, ID },
		{ KEY_VALUE, 2, ANY },
		{ ANY, 5, ARRAY },
		{ ARRAY, 1, ANY },
	};

	for (size_t i = 0; i < sizeof(schema) / sizeof(schema[0]); i++)
		if (schema[i].in == m && schema[i].field == field)
			return has_logs && schema[i].is == SPAN ? LOG : schema[i].is;
	return LEAF;
}

static uint64_t read_varint(const uint8_t **p, const uint8_t *end)
{
	uint64_t v = 0;

	for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
		uint8_t byte = *(*p)++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return v;
	}
	printf("# bad varint\n");
	rm_test_failed_checks++;
	*p = end;
	return 0;
}

static uint64_t read_fixed(const uint8_t **p, const uint8_t *end, size_t n)
{
	uint64_t v = 0;

	RM_CHECK((size_t)(end - *p) >= n);
	for (size_t i = 0; i < n && *p < end; i++)
		v |= (uint64_t)(*(*p)++) << (8 * i);
	return v;
}

/* As text: "field=number ", "field='text' ", "field:hex ", "field{...} ". */
static void decode(enum message m, const uint8_t *p, const uint8_t *end, FILE *out)
{
	while (p < end) {
		uint64_t tag = read_varint(&p, end);
		unsigned field = (unsigned)(tag >> 3);
		enum message is = member(m, field);
		uint64_t n;

		if ((tag & 7) == 0) {
			fprintf(out, "%u=%lld ", field, (long long)read_varint(&p, end));
		} else if ((tag & 7) == 1) {
			fprintf(out, "%u=%#llx ", field,
				(unsigned long long)read_fixed(&p, end, 8));
		} else if ((tag & 7) == 5) {
			fprintf(out, "%u=%#llx ", field,
				(unsigned long long)read_fixed(&p, end, 4));
		} else {
			n = read_varint(&p, end);
			RM_CHECK((tag & 7) == 2 && n <= (uint64_t)(end - p));
			if (n > (uint64_t)(end - p))
				return;
			if (is == ID) {
				fprintf(out, "%u:", field);
				for (uint64_t i = 0; i < n; i++)
					fprintf(out, "%02x", p[i]);
				fprintf(out, " ");
			} else if (is == LEAF) {
				fprintf(out, "%u='%.*s' ", field, (int)n, (const char *)p);
			} else {
				fprintf(out, "%u{", field);
				decode(is, p, p + n, out);
				fprintf(out, "} ");
			}
			p += n;
		}
	}
}

static struct rm_str decoded(struct rm_str body)
{
	static char *text;
	static size_t bytes;
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &bytes);
	decode(REQUEST, (const uint8_t *)body.p, (const uint8_t *)body.p + body.n, out);
	fclose(out);
	return (struct rm_str){ text, bytes };
}

#define RESOURCE_TEXT "1{1{1='service.name' 2{1='shop' } } } "
#define SCOPE_TEXT    "1{1='remora' 2='" REMORA_VERSION "' } "

static _Alignas(8) char resource[1024], record[RM_RECORD_MAX_BYTES];
static char memory[1 << 16];

RM_TEST("a span with nothing but the fixed fields is encoded byte for byte as protobuf asks")
{
	static const char want[] = "\x0a\x69" /* ResourceSpans */
				   "\x0a\x1c\x0a\x1a\x0a\x0cservice.name"
				   "\x12\x0a\x0a\x08sh\xef\xbf\xbdop1" /* bad byte: U+FFFD */
				   "\x12\x49"			       /* ScopeSpans */
				   "\x0a\x0f\x0a\x06remora\x12\x05" REMORA_VERSION /* Scope */
				   "\x12\x36"					   /* Span */
				   "\x0a\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07"
				   "\x12\x08\0\0\0\0\0\0\0\x08"
				   "\x30\x02"
				   "\x39\x01\0\0\0\0\0\0\0"
				   "\x41\x02\0\0\0\0\0\0\0"
				   "\x85\x01\x01\x01\0\0";
	struct rm_builder b = { .max_attrs = 8 };
	struct rm_span head = { .trace_id = { [15] = 7 },
				.span_id = { [7] = 8 },
				.start_ns = 1,
				.end_ns = 2,
				.kind = RM_KIND_SERVER,
				.trace_flags = 1 };
	struct rm_otlp_wire w;
	struct rm_str body;

	rm_builder_resource(&b, resource, sizeof(resource));
	rm_builder_str(&b, RM_KEY_SERVICE_NAME, RM_STR("sh\xffop1"));
	rm_builder_end(&b);
	rm_builder_span(&b, record, sizeof(record), &head, RM_STR(""), RM_STR(""));
	rm_builder_end(&b);
	rm_otlp_begin(&w, memory, sizeof(memory), (struct rm_record *)resource);
	RM_CHECK(rm_otlp_span(&w, (struct rm_span *)record) == RM_OK);
	body = rm_otlp_end(&w);
	RM_CHECK(body.n == sizeof(want) - 1);
	RM_CHECK(body.n == sizeof(want) - 1 && memcmp(body.p, want, body.n) == 0);
}

RM_TEST("every field and every type of attribute arrives under its number")
{
	struct rm_builder b = { .max_attrs = 2 };
	struct rm_span head = { .start_ns = 0x1122,
				.end_ns = 0x3344,
				.kind = RM_KIND_CLIENT,
				.status = RM_STATUS_ERROR,
				.trace_flags = 3,
				.bits = RM_SPAN_PARENT_REMOTE };
	struct rm_str list[2] = { RM_STR("a"), RM_STR("b\n") };
	struct rm_otlp_wire w;

	memset(head.trace_id, 0xaa, 16);
	memset(head.span_id, 0xbb, 8);
	memset(head.parent_id, 0xcc, 8);
	sample_resource(resource, sizeof(resource));
	rm_builder_span(&b, record, sizeof(record), &head, RM_STR("GET /x"), RM_STR("k=v"));
	rm_builder_i64(&b, RM_KEY_SERVER_PORT, -1);
	rm_builder_named_strs(&b, RM_STR("http.request.header.x"), list, 2);
	rm_builder_str(&b, RM_KEY_URL_PATH, RM_STR("one too many"));
	rm_builder_end(&b);
	rm_otlp_begin(&w, memory, sizeof(memory), (struct rm_record *)resource);
	RM_CHECK(rm_otlp_span(&w, (struct rm_span *)record) == RM_OK);
	RM_CHECK_STR(decoded(rm_otlp_end(&w)),
		     "1{" RESOURCE_TEXT "2{" SCOPE_TEXT
		     "2{1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 2:bbbbbbbbbbbbbbbb 3='k=v' "
		     "4:cccccccccccccccc "
		     "5='GET /x' 6=3 7=0x1122 8=0x3344 9{1='server.port' 2{3=-1 } } "
		     "9{1='http.request.header.x' 2{5{1{1='a' } 1{1='b\n' } } } } "
		     "10=1 15{3=2 } 16=0x303 } } } ");
}

RM_TEST("lengths that need one, two and three bytes are right")
{
	static char long_name[20000];
	static const size_t lengths[] = { 1, 60, 110, 127, 128, 4000 };
	struct rm_otlp_wire w;

	memset(long_name, 'n', sizeof(long_name));
	sample_resource(resource, sizeof(resource));
	rm_otlp_begin(&w, memory, sizeof(memory), (struct rm_record *)resource);
	for (size_t i = 0; i < 6; i++) {
		sample_span(record, sizeof(record), (uint8_t)(i + 1),
			    (struct rm_str){ long_name, lengths[i] });
		RM_CHECK(rm_otlp_span(&w, (struct rm_span *)record) == RM_OK);
	}
	struct rm_str text = decoded(rm_otlp_end(&w));
	for (size_t i = 0; i < 6; i++) {
		char want[5000];

		snprintf(want, sizeof(want), "5='%.*s' 6=3", (int)lengths[i], long_name);
		RM_CHECK(memmem(text.p, text.n, want, strlen(want)) != NULL);
	}
}

enum { ALIKE = 11 };

/* Spans of which most have the attributes of the one before, in messages with lengths of one to three bytes. */
static void make_alike(char (*spans)[24000])
{
	static char long_text[20000];
	static const size_t names[ALIKE] = { 10, 10, 200, 10, 17000, 3, 3, 3, 3, 3, 3 };
	static const struct rm_link link = { .trace_id = { 9 }, .span_id = { 8 } };

	memset(long_text, 'n', sizeof(long_text));
	for (uint32_t i = 0; i < ALIKE; i++) {
		struct rm_span head = { .span_id = { [7] = (uint8_t)i }, .start_ns = i, .kind = i % 2 ? RM_KIND_CLIENT : RM_KIND_SERVER };
		struct rm_builder b = { .max_attrs = 8 };

		rm_builder_span(&b, spans[i], sizeof(*spans), &head, (struct rm_str){ long_text, names[i] }, RM_STR(""));
		rm_builder_str(&b, RM_KEY_URL_PATH, i < 8 ? RM_STR("/same") : RM_STR("/s\xc3me"));
		if (i == 5 || i == 6)
			rm_builder_link(&b, &link);
		rm_builder_bool(&b, RM_KEY_SERVER_PORT, true);
		rm_builder_str(&b, RM_KEY_URL_QUERY, (struct rm_str){ long_text, i == 7 ? 300 : 7 });
		rm_builder_i64(&b, RM_KEY_CLIENT_ADDRESS, i == 10 ? -1 : 300);
		rm_builder_end(&b);
	}
}

RM_TEST("a span like the last one becomes what it becomes by itself")
{
	static _Alignas(8) char spans[ALIKE][24000];
	static char again[sizeof(memory)];
	struct rm_str once, anew;
	struct rm_otlp_wire w;
	unsigned seen = 0;

	make_alike(spans);
	sample_resource(resource, sizeof(resource));
	for (int stay = 0; stay < 2; stay++) {
		rm_otlp_begin(&w, stay ? again : memory, sizeof(memory), (struct rm_record *)resource);
		w.records_stay = stay;
		for (int i = 0; i < ALIKE; i++)
			RM_CHECK(rm_otlp_span(&w, (struct rm_span *)spans[i]) == RM_OK);
		*(stay ? &anew : &once) = rm_otlp_end(&w);
	}
	RM_CHECK(anew.n == once.n && memcmp(anew.p, once.p, once.n) == 0);
	once = decoded(once);
	for (size_t at = 0; at + 11 <= once.n; at++)
		seen += memcmp(once.p + at, "2{1='/same'", 11) == 0;
	RM_CHECK(seen == 8);
}

RM_TEST("a span that does not fit leaves the request as it was, whatever the room")
{
	struct rm_otlp_wire w;

	sample_resource(resource, sizeof(resource));
	sample_span(record, sizeof(record), 1, RM_STR("name"));
	for (size_t cap = 4096; cap < 4096 + 400; cap++) {
		unsigned fitted = 0;
		struct rm_str text;
		size_t seen = 0;

		memset(memory, 0x5a, sizeof(memory));
		rm_otlp_begin(&w, memory, cap, (struct rm_record *)resource);
		w.records_stay = cap % 2;
		while (rm_otlp_span(&w, (struct rm_span *)record) == RM_OK)
			fitted++;
		RM_CHECK(rm_otlp_span(&w, (struct rm_span *)record) == RM_E_FULL);
		text = rm_otlp_end(&w);
		RM_CHECK(text.n <= cap && memory[cap] == 0x5a);
		text = decoded(text);
		for (size_t i = 0; i + 8 <= text.n; i++)
			seen += memcmp(text.p + i, "5='name'", 8) == 0;
		RM_CHECK(fitted > 10 && seen == fitted && w.span_count == fitted);
	}
}

RM_TEST("text that is not UTF-8 is repaired, text that is stays untouched")
{
	static const struct {
		const char *in, *out;
	} row[] = {
		{ "plain", "plain" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9f", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9f" },
		{ "a\x80z", "a\xef\xbf\xbdz" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },		    /* overlong */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "cut\xe2\x82", "cut\xef\xbf\xbd\xef\xbf\xbd" },
	};
	struct rm_otlp_wire w;

	sample_resource(resource, sizeof(resource));
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char want[64];
		struct rm_str text;

		sample_span(record, sizeof(record), 1, rm_str_c(row[i].in));
		rm_otlp_begin(&w, memory, sizeof(memory), (struct rm_record *)resource);
		RM_CHECK(rm_otlp_span(&w, (struct rm_span *)record) == RM_OK);
		text = decoded(rm_otlp_end(&w));
		snprintf(want, sizeof(want), "5='%s' 6", row[i].out);
		RM_CHECK(memmem(text.p, text.n, want, strlen(want)) != NULL);
	}
}

RM_TEST("every field of a log record arrives under its number, and what is not known is left out")
{
	struct rm_log head = { .time_ns = 0x1122, .observed_ns = 0x3344, .severity = RM_SEVERITY_ERROR, .trace_flags = 1 };
	struct rm_builder b = { .max_attrs = 1 };
	struct rm_otlp_wire w;

	memset(head.trace_id, 0xaa, 16);
	memset(head.span_id, 0xbb, 8);
	sample_resource(resource, sizeof(resource));
	rm_otlp_begin(&w, memory, sizeof(memory), (struct rm_record *)resource);
	rm_builder_log(&b, record, sizeof(record), &head, RM_STR("ERR"), RM_STR("exception"), RM_STR("a\xff\nb"));
	rm_builder_i64(&b, RM_KEY_SERVER_PORT, -1);
	rm_builder_str(&b, RM_KEY_URL_PATH, RM_STR("one too many"));
	rm_builder_end(&b);
	RM_CHECK(rm_otlp_log(&w, (struct rm_log *)record) == RM_OK);
	head = (struct rm_log){ .observed_ns = 5, .trace_flags = 1 };
	rm_builder_log(&b, record, sizeof(record), &head, RM_STR(""), RM_STR(""), RM_STR(""));
	rm_builder_end(&b);
	RM_CHECK(rm_otlp_log(&w, (struct rm_log *)record) == RM_OK);
	RM_CHECK(w.span_count == 2);
	has_logs = true;
	RM_CHECK_STR(decoded(rm_otlp_end(&w)),
		     "1{" RESOURCE_TEXT "2{" SCOPE_TEXT
		     "2{1=0x1122 2=17 3='ERR' 5{1='a\xef\xbf\xbd\nb' } 6{1='server.port' 2{3=-1 } } 7=1 8=0x1 "
		     "9:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 10:bbbbbbbbbbbbbbbb 11=0x3344 12='exception' } "
		     "2{5{1='' } 11=0x5 } } } ");
	has_logs = false;
}

RM_TEST("a log record that does not fit leaves the request as it was, whatever the room")
{
	struct rm_builder b = { 0 };
	struct rm_log head = { .observed_ns = 5 };
	uint32_t fitted = 0;

	sample_resource(resource, sizeof(resource));
	rm_builder_log(&b, record, sizeof(record), &head, RM_STR(""), RM_STR(""), RM_STR("a line of some length"));
	rm_builder_end(&b);
	for (size_t cap = 4096; cap < 4300; cap++) {
		struct rm_otlp_wire w;
		struct rm_str body;

		rm_otlp_begin(&w, memory, cap, (struct rm_record *)resource);
		for (fitted = 0; rm_otlp_log(&w, (struct rm_log *)record) == RM_OK; fitted++)
			;
		body = rm_otlp_end(&w);
		RM_CHECK(fitted == w.span_count && fitted > 50 && body.n <= cap);
		has_logs = true;
		body = decoded(body);
		has_logs = false;
		for (const char *p = body.p; (p = strstr(p, "a line of some length")); p++)
			fitted--;
		RM_CHECK(fitted == 0);
	}
}
