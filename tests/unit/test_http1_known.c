/*
 * Heads whose fields are known say what they would say if they were parsed: any that follow each other on a connection, with
 * any byte of them changed, whole or cut.
 */
#include <stdlib.h>

#include "protocols/http1_known.h"
#include "tests/rmtest.h"

enum { TEXT = 2048, HEADS = 40000, KINDS = 3 };

#define PICK(list) list[(unsigned)rand() % (sizeof(list) / sizeof(*(list)))]

struct parsed {
	struct rm_field room[RM_FIELDS_MAX];
	struct rm_http1_head head;
	enum rm_http1_parsed result;
};

static struct rm_http1_memo memo;
static int known, kept_in_vain;

static void compare(const struct parsed *a, const struct parsed *b)
{
	const struct rm_head *m = &a->head.head, *o = &b->head.head;

	RM_CHECK(a->result == b->result);
	if (a->result != RM_HTTP1_DONE || b->result != RM_HTTP1_DONE)
		return;
	RM_CHECK(memcmp(&a->head.framing, &b->head.framing, sizeof(a->head.framing)) == 0);
	RM_CHECK(m->status == o->status && rm_str_eq(m->method, o->method) && rm_str_eq(m->target, o->target));
	RM_CHECK(rm_str_eq(m->authority, o->authority) && !m->authority.p == !o->authority.p);
	RM_CHECK(m->raw.p == o->raw.p && m->raw.n == o->raw.n && m->line_bytes == o->line_bytes && m->text_bytes == o->text_bytes);
	RM_CHECK(m->field_count == o->field_count && m->fields_cut == o->fields_cut);
	for (uint32_t i = 0; i < m->field_count && i < o->field_count; i++)
		RM_CHECK(rm_str_eq(m->fields[i].name, o->fields[i].name) && rm_str_eq(m->fields[i].value, o->fields[i].value));
}

/* Parses a head in both ways, in memory that ends with it. */
static void parse(enum rm_dir dir, const char *text, size_t n, uint8_t *which)
{
	static struct parsed plain, quick;
	char *exact = malloc(n ? n : 1);

	memcpy(exact, text, n);
	plain.head = (struct rm_http1_head){ .room = plain.room, .room_fields = RM_FIELDS_MAX };
	quick.head = (struct rm_http1_head){ .room = quick.room, .room_fields = 6 };
	plain.result = rm_http1_head_parse(&plain.head, dir, exact, n, false);
	quick.result = rm_http1_known_parse(&quick.head, dir, exact, n, &memo, which);
	if (quick.result == RM_HTTP1_DONE && quick.head.head.fields_cut) {
		quick.head.room_fields = RM_FIELDS_MAX;
		quick.result = rm_http1_head_parse(&quick.head, dir, exact, n, false);
	}
	known += quick.result == RM_HTTP1_DONE && quick.head.head.same;
	compare(&plain, &quick);
	free(exact);
}

static size_t make(char *text, enum rm_dir dir, int kind)
{
	static const char *const lines[] = { "GET / HTTP/1.1\r\n", "POST /a?b=c HTTP/1.0\r\n", "CONNECT h:1 HTTP/1.1\r\n",
					     "GET http://other/x HTTP/1.1\r\n" };
	static const char *const statuses[] = { "HTTP/1.1 200 OK\r\n", "HTTP/1.1 404\r\n", "HTTP/1.0 101 Switching\r\n" };
	static const char *const fields[2][KINDS] = {
		{ "Host: shop:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nConnection: keep-alive\r\n",
		  "Host: shop\r\nContent-Length: 12\r\nX-Id: 7\r\nCookie: a=b; c=d; e=f; g=h; i=j; k=l; m=n; o=p\r\nConnection: close\r\n"
		  "A: 1\r\nB: 2\r\nC:3\r\nD:  4\r\n",
		  "Host: h\r\nTransfer-Encoding: chunked\r\nAccept: text/html,\r\n folded\r\n" },
		{ "Content-Length: 5\r\nContent-Type: text/plain\r\n",
		  "Transfer-Encoding: chunked\r\nDate: Tue, 15 Oct 2024 08:12:31 GMT\r\nServer: a name of more than a block\r\n",
		  "Upgrade: h2c\r\nConnection: Upgrade\r\nX-Long: 0123456789012345678901234567890123456789012345678901234567890123\r\n" },
	};
	static const char *const ends[] = { "\r\n", "\r\nbody", "\n", "Z: z\r\n\r\n", "traceparent: 00-1-2-03\r\n\r\n", "" };
	const char *line = dir == RM_DIR_REQUEST ? PICK(lines) : PICK(statuses);

	return (size_t)snprintf(text, TEXT, "%s%s%s", line, fields[dir][kind], rand() % 4 ? ends[0] : PICK(ends));
}

RM_TEST("what is known of fields is what parsing tells of them")
{
	uint8_t which[2][4] = { 0 };

	srand(1);
	for (int i = 0; i < HEADS; i++) {
		enum rm_dir dir = (enum rm_dir)(rand() & 1);
		int connection = rand() % 4, kind = rand() % 8 ? connection % KINDS : rand() % KINDS;
		char text[TEXT];
		size_t n = make(text, dir, kind);

		if (rand() % 8 == 0)
			text[(unsigned)rand() % n] = (char)rand();
		parse(dir, text, rand() % 16 ? n : (unsigned)rand() % n, &which[dir][connection]);
	}
	RM_CHECK(known > HEADS / 4);
}

static void parse_text(const char *fields, uint8_t *which)
{
	char text[TEXT];
	int n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", fields);

	known = 0;
	parse(RM_DIR_REQUEST, text, (size_t)n, which);
}

RM_TEST("a head is known from the second one on, on any connection")
{
	uint8_t one = 0, other = 0;

	memo = (struct rm_http1_memo){ 0 };
	parse_text("Host: a-name-of-a-host\r\n", &one);
	RM_CHECK(!known);
	parse_text("Host: a-name-of-a-host\r\n", &one);
	RM_CHECK(known);
	parse_text("Host: a-name-of-a-host\r\n", &other);
	RM_CHECK(known && other == one);
}

RM_TEST("heads that carry trace context are not kept")
{
	static const char *const carriers[] = { "traceparent: x\r\n", "Host: a-name-of-a-host\r\nb3: 0\r\n", "Host: host\r\nX-Amzn-Trace-Id: x\r\n" };

	for (int i = 0; i < 3; i++) {
		uint8_t which = 0;

		memo = (struct rm_http1_memo){ 0 };
		parse_text(carriers[i], &which);
		parse_text(carriers[i], &which);
		RM_CHECK(!known && !which);
	}
}

RM_TEST("two kinds in turn on one connection are both known, and of heads that never come again few are kept")
{
	uint8_t which = 0;
	uint32_t numbers;

	memo = (struct rm_http1_memo){ 0 };
	for (int i = 0; i < 16; i++)
		parse_text(i & 1 ? "Host: one-of-two-kinds\r\n" : "Host: the-other-of-two-kinds\r\n", &which);
	numbers = memo.numbers;
	RM_CHECK(numbers == 2);
	for (int i = 0; i < 1000; i++) {
		char fields[64];

		snprintf(fields, sizeof(fields), "Host: a-name-of-a-host\r\nX-Id: %d\r\n", i);
		parse_text(fields, &which);
	}
	kept_in_vain = (int)(memo.numbers - numbers);
	RM_CHECK(kept_in_vain < 30);
}
