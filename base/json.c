/*
 * Writes JSON into a buffer that grows. Commas come by themselves; the caller keeps brackets and
 * keys in order. Out of memory sets `failed`, after which nothing is added: check it once at the
 * end. Numbers do not depend on the process's locale. Spec: RFC 8259; for 64-bit integers and
 * numbers that JSON has not, the ProtoJSON mapping. Context: worker and command line.
 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rm_json_init(struct rm_json *j)
{
	*j = (struct rm_json){ 0 };
}

void rm_json_free(struct rm_json *j)
{
	free(j->p);
	rm_json_init(j);
}

static void put(struct rm_json *j, const char *p, size_t n)
{
	if (j->failed)
		return;
	if (n > j->cap - j->n) {
		size_t cap = (j->n + n) * 2 + 256;
		char *grown = realloc(j->p, cap);

		if (!grown) {
			j->failed = true;
			return;
		}
		j->p = grown;
		j->cap = cap;
	}
	memcpy(j->p + j->n, p, n);
	j->n += n;
}

static void put_char(struct rm_json *j, char c)
{
	put(j, &c, 1);
}

/* Before each item: the comma it needs, if any. After it another one is due. */
static void begin_item(struct rm_json *j)
{
	if (j->comma)
		put_char(j, ',');
	j->comma = true;
}

void rm_json_open(struct rm_json *j, char bracket)
{
	begin_item(j);
	put_char(j, bracket);
	j->comma = false;
}

void rm_json_close(struct rm_json *j, char bracket)
{
	put_char(j, bracket);
	j->comma = true;
}

/* One character that may not stand for itself in a string. */
static void put_escaped(struct rm_json *j, unsigned char c)
{
	static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char text[8];

	for (size_t i = 0; i < sizeof(named) - 1; i += 2)
		if ((unsigned char)named[i] == c) {
			put_char(j, '\\');
			put_char(j, named[i + 1]);
			return;
		}
	put(j, text, (size_t)snprintf(text, sizeof(text), "\\u%04x", c));
}

static void put_string(struct rm_json *j, struct rm_str s)
{
	put_char(j, '"');
	while (s.n > 0) {
		unsigned char c = (unsigned char)s.p[0];
		size_t n = rm_utf8_next(s);

		if (n == 0) {
			put(j, "\xef\xbf\xbd", 3);
			n = 1;
		} else if (c < 0x20 || c == '"' || c == '\\') {
			put_escaped(j, c);
		} else {
			put(j, s.p, n);
		}
		s.p += n;
		s.n -= n;
	}
	put_char(j, '"');
}

void rm_json_key(struct rm_json *j, const char *key)
{
	begin_item(j);
	put_string(j, rm_str_c(key));
	put_char(j, ':');
	j->comma = false;
}

void rm_json_str(struct rm_json *j, struct rm_str s)
{
	begin_item(j);
	put_string(j, s);
}

void rm_json_i64(struct rm_json *j, int64_t v)
{
	char text[24];

	begin_item(j);
	put(j, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)v));
}

void rm_json_u64_str(struct rm_json *j, uint64_t v)
{
	char text[24];

	begin_item(j);
	put(j, text, (size_t)snprintf(text, sizeof(text), "\"%llu\"", (unsigned long long)v));
}

void rm_json_f64(struct rm_json *j, double v)
{
	char text[40];
	int precision = 15;

	begin_item(j);
	if (isnan(v) || isinf(v)) {
		put_string(j, isnan(v) ? RM_STR("NaN") : v > 0 ? RM_STR("Infinity") : RM_STR("-Infinity"));
		return;
	}
	/* The shortest text that reads back as the same number. */
	do
		snprintf(text, sizeof(text), "%.*g", precision, v);
	while (strtod(text, NULL) != v && ++precision <= 17);
	/* The process's locale chooses the decimal separator, of one byte or more: make it a point. */
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "0123456789+-e");

		if (n > 0)
			put_char(j, '.');
		else
			put_char(j, *p);
		p += n > 0 ? n : 1;
	}
}

void rm_json_bool(struct rm_json *j, bool v)
{
	begin_item(j);
	put(j, v ? "true" : "false", v ? 4 : 5);
}

void rm_json_hex(struct rm_json *j, const uint8_t *bytes, size_t n)
{
	begin_item(j);
	put_char(j, '"');
	for (size_t i = 0; i < n; i++) {
		char digits[2];

		rm_hex_encode(bytes + i, 1, digits);
		put(j, digits, 2);
	}
	put_char(j, '"');
}

void rm_json_raw(struct rm_json *j, struct rm_str s)
{
	put(j, s.p, s.n);
	j->comma = false;
}

void rm_json_line(struct rm_json *j)
{
	put_char(j, '\n');
	j->comma = false;
}
