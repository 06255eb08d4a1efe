/*
 * Heads of HTTP/1 are the same whether each of their fields is one as nearly all are or has white space more, which takes
 * the other way through protocols/http1_head.c: at any length, with any byte wrong.
 */
#include <stdlib.h>

#include "protocols/http1_head.h"
#include "tests/rmtest.h"

enum { FIELDS = 24, TEXT = 4096, HEADS = 20000 };

struct head {
	char text[TEXT];
	size_t n;
	struct rm_field room[RM_FIELDS_MAX];
	struct rm_http1_head parsed;
	enum rm_http1_parsed result;
};

static const char *const names[] = {
	"Host", "Date", "Connection", "User-Agent", "Content-Length", "Accept-Charset", "Transfer-Encoding", "X-Forwarded-Proto",
	"a", "Accept", "traceparent", "X-Request-Id", "Sec-WebSocket-Extensions", "Access-Control-Allow-Headers", "Server", "Cookie",
};
static const char *const values[] = {
	"", "x", "5", "5, 5", "5, 6", "close", "keep-alive", "Keep-Alive, Upgrade", "chunked", "gzip, chunked", "identity",
	"127.0.0.1:8080", "a value of more than one block, and then some", "a\r\n folded one", "x\r\nB: y", "x ", " x", "\tx", "x\n",
	"seventeen bytes..", "sixteen bytes ..", "fifteen bytes..", "\xc3\xa4", "\x01", "\x7f",
};

#define PICK(list) list[(unsigned)rand() % (sizeof(list) / sizeof(*(list)))]

static void add(struct head *h, const char *text, size_t n)
{
	memcpy(h->text + h->n, text, n);
	h->n += n;
}

static void parse(struct head *h, enum rm_dir dir, bool sealed, uint32_t room)
{
	char *exact = malloc(h->n ? h->n : 1); /* a sanitizer sees what is read behind it */

	memcpy(exact, h->text, h->n);
	h->parsed.room = h->room;
	h->parsed.room_fields = room;
	h->result = rm_http1_head_parse(&h->parsed, dir, exact, h->n, sealed);
	for (uint32_t i = 0; h->result == RM_HTTP1_DONE && i < h->parsed.head.field_count; i++) {
		h->room[i].name.p = h->text + (h->room[i].name.p - exact);
		h->room[i].value.p = h->text + (h->room[i].value.p - exact);
	}
	if (h->result == RM_HTTP1_DONE && h->parsed.head.authority.p)
		h->parsed.head.authority.p = h->text + (h->parsed.head.authority.p - exact);
	free(exact);
}

static void compare(const struct head *a, const struct head *b)
{
	const struct rm_http1_head *m = &a->parsed, *o = &b->parsed;

	RM_CHECK(a->result == b->result);
	if (a->result != RM_HTTP1_DONE || b->result != RM_HTTP1_DONE)
		return;
	RM_CHECK(m->framing.has_length == o->framing.has_length && m->framing.length == o->framing.length && m->framing.chunked == o->framing.chunked);
	RM_CHECK(m->framing.other_coding == o->framing.other_coding && m->framing.close == o->framing.close && m->framing.keep_alive == o->framing.keep_alive);
	RM_CHECK(rm_str_eq(m->head.authority, o->head.authority));
	RM_CHECK(m->head.field_count == o->head.field_count && m->head.fields_cut == o->head.fields_cut);
	for (uint32_t i = 0; i < m->head.field_count && i < o->head.field_count; i++) {
		RM_CHECK(rm_str_eq(a->room[i].name, b->room[i].name));
		RM_CHECK(rm_str_eq(a->room[i].value, b->room[i].value));
	}
}

/* Two heads that say the same: with one space before each value, and with two. */
static void write(struct head *plain, struct head *wide, enum rm_dir dir)
{
	static const char request[] = "GET /a HTTP/1.1\r\n", response[] = "HTTP/1.1 200\r\n";
	const char *line = dir == RM_DIR_REQUEST ? request : response;
	unsigned count = (unsigned)rand() % FIELDS;

	plain->n = wide->n = 0;
	add(plain, line, strlen(line));
	add(wide, line, strlen(line));
	for (unsigned i = 0; i < count; i++) {
		const char *name = PICK(names), *value = PICK(values); /* in this order, whatever the compiler */
		char text[128];
		size_t n = (size_t)snprintf(text, sizeof(text), "%s:  %s\r\n", name, value);
		size_t colon = (size_t)(strchr(text, ':') - text), wrong = (unsigned)rand() % n;

		/* In any byte but those in which the two differ; a colon in the name would make them part of the value. */
		char byte = (char)rand();

		if (rand() % 40 == 0 && (wrong > colon + 2 || (wrong < colon && byte != ':')))
			text[wrong] = byte;
		add(wide, text, n);
		memmove(text + colon + 1, text + colon + 2, n - colon - 2);
		add(plain, text, n - 1);
	}
}

RM_TEST("a field with one space before its value is the one with two, in heads of any kind")
{
	static struct head plain, wide;

	srand(1);
	for (int i = 0; i < HEADS; i++) {
		enum rm_dir dir = i & 1 ? RM_DIR_REQUEST : RM_DIR_RESPONSE;
		uint32_t room = i % 5 ? RM_FIELDS_MAX : (uint32_t)(i % 7);

		write(&plain, &wide, dir);
		parse(&plain, dir, true, room);
		parse(&wide, dir, true, room);
		compare(&plain, &wide);
		add(&plain, "\r\n", 2);
		add(&wide, "\r\n", 2);
		parse(&plain, dir, false, room);
		parse(&wide, dir, false, room);
		compare(&plain, &wide);
	}
}

RM_TEST("a head that is cut asks for more at each length, and its bytes alone are read")
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\nX-Request-Id: 7f3c2a9e51\r\n\r\n";
	static struct head h;

	for (size_t n = 0; n < sizeof(text) - 3; n++) {
		h.n = 0;
		add(&h, text, n);
		parse(&h, RM_DIR_REQUEST, false, RM_FIELDS_MAX);
		RM_CHECK(h.result == RM_HTTP1_MORE);
	}
	h.n = 0;
	add(&h, text, sizeof(text) - 2);
	parse(&h, RM_DIR_REQUEST, false, RM_FIELDS_MAX);
	RM_CHECK(h.result == RM_HTTP1_DONE && h.parsed.framing.close && h.parsed.head.field_count == 3);
}
