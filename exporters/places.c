/*
 * See places.h. The same places come again and again, so each line is remembered with what came of it; that and the time
 * for a record bound what large tables of symbols can cost. Lines without a function stay as they are: they are true.
 */
#include "exporters/places.h"

#include <stdlib.h>
#include <string.h>

#include "agent/record.h"
#include "base/clock.h"
#include "base/siphash.h"

#define RECORD_TAKES_NS 50000000ull
enum { NAMED_MAX_BYTES = RM_PATH_BYTES + 512 };

/* The copy in the making. */
struct copy {
	struct rm_places *p;
	char *bytes;
	size_t n, cap;
	uint64_t deadline_ns;
	bool failed;
};

static void put(struct copy *c, const void *bytes, size_t n)
{
	size_t cap = c->cap ? c->cap : 4096;
	char *grown;

	while (cap - c->n < n)
		cap *= 2;
	if (cap != c->cap) {
		grown = realloc(c->bytes, cap);
		if (!grown) {
			c->failed = true;
			return;
		}
		c->bytes = grown;
		c->cap = cap;
	}
	if (n)
		memcpy(c->bytes + c->n, bytes, n);
	c->n += n;
}

static void pad(struct copy *c)
{
	static const char zeros[8];

	put(c, zeros, -c->n & 7);
}

/* ---- lines ---- */

/* The line and the build id, terminated; NULL without memory. */
static char *key_of(struct rm_str line, const struct rm_place *place)
{
	char *key = malloc(line.n + place->build_id.n + 1);

	if (!key)
		return NULL;
	memcpy(key, line.p, line.n);
	memcpy(key + line.n, place->build_id.p, place->build_id.n);
	key[line.n + place->build_id.n] = '\0';
	return key;
}

/* What a place is called; NULL: nobody knows. */
static const char *look_up(struct rm_places *p, char *key, const struct rm_place *place)
{
	static const uint64_t no_key[2];
	unsigned at = rm_siphash(no_key, rm_str_c(key)) % RM_PLACES_KNOWN;
	char room[NAMED_MAX_BYTES];
	struct rm_strbuf out;

	if (p->known[at].line && strcmp(p->known[at].line, key) == 0) {
		free(key);
		return p->known[at].named;
	}
	if (!p->symbols)
		p->symbols = calloc(1, sizeof(*p->symbols));
	free(p->known[at].line);
	free(p->known[at].named);
	p->known[at].line = key;
	p->known[at].named = NULL;
	rm_strbuf_init(&out, room, sizeof(room) - 1);
	if (p->symbols && rm_place_write(p->symbols, place, &out) && !out.truncated) {
		room[out.n] = '\0';
		p->known[at].named = strdup(room);
	}
	return p->known[at].named;
}

static void put_line(struct copy *c, struct rm_str text, struct rm_str line)
{
	const char *named = NULL;
	struct rm_place place;
	char *key;

	if (rm_clock_mono_ns() < c->deadline_ns && rm_place_read(text, line, &place)) {
		key = key_of(line, &place);
		named = key ? look_up(c->p, key, &place) : NULL;
	}
	if (named)
		put(c, named, strlen(named));
	else
		put(c, line.p, line.n);
}

/* ---- records ---- */

static bool has_stacks(const struct rm_record *r)
{
	const struct rm_span *s = (const struct rm_span *)r;

	if (r->type == RM_RECORD_LOG)
		return ((const struct rm_log *)r)->event_bytes > 0;
	return s->event_count > 0 || s->bits & RM_SPAN_HAS_STACK;
}

static bool is_stack(const struct rm_attr_head *h)
{
	return h->type == RM_ATTR_STR && (h->key == RM_KEY_EXCEPTION_STACKTRACE || h->key == RM_KEY_CODE_STACKTRACE);
}

static size_t padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static void put_stack(struct copy *c, const struct rm_attr_head *h, struct rm_str text)
{
	struct rm_str rest = text;
	struct rm_attr_head head;
	size_t at = c->n;

	put(c, h, sizeof(*h));
	while (rest.p) {
		put_line(c, text, rm_str_cut(&rest, '\n'));
		if (rest.p)
			put(c, "\n", 1);
	}
	head = *h;
	head.value_bytes = (uint32_t)(c->n - at - sizeof(head));
	if (!c->failed)
		memcpy(c->bytes + at, &head, sizeof(head));
	pad(c);
}

/* An event is a record in the record, so this comes to itself once. */
static void put_record(struct copy *c, const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	size_t at = c->n;
	uint32_t bytes;

	put(c, r, (size_t)(it.p - (const char *)r));
	for (const char *p = it.p; p < it.end;) {
		const struct rm_attr_head *h = (const struct rm_attr_head *)p;
		const char *value = p + sizeof(*h) + (h->key ? 0 : padded(h->key_bytes));
		struct rm_attr_head head = *h;
		size_t start = c->n;

		if (is_stack(h)) {
			put_stack(c, h, (struct rm_str){ value, h->value_bytes });
		} else if (h->type == RM_ATTR_EVENT) {
			put(c, h, (size_t)(value - p));
			put_record(c, (const struct rm_record *)value);
			head.value_bytes = (uint32_t)(c->n - start - (size_t)(value - p));
			if (!c->failed)
				memcpy(c->bytes + start, &head, sizeof(head));
		} else {
			put(c, p, (size_t)(value - p) + padded(h->value_bytes));
		}
		p = value + padded(h->value_bytes);
	}
	bytes = (uint32_t)(c->n - at);
	if (!c->failed)
		memcpy(c->bytes + at + offsetof(struct rm_record, bytes), &bytes, sizeof(bytes));
}

struct rm_record *rm_places_name(struct rm_places *p, const struct rm_record *record)
{
	struct copy c = { .p = p };

	if (!has_stacks(record) || !memmem(record, record->bytes, "at ?? (/", 8))
		return NULL;
	c.deadline_ns = rm_clock_mono_ns() + RECORD_TAKES_NS;
	put_record(&c, record);
	if (p->symbols)
		rm_symbols_close(p->symbols);
	if (!c.failed)
		return (struct rm_record *)c.bytes;
	free(c.bytes);
	return NULL;
}

void rm_places_fini(struct rm_places *p)
{
	for (int i = 0; i < RM_PLACES_KNOWN; i++) {
		free(p->known[i].line);
		free(p->known[i].named);
	}
	if (p->symbols)
		rm_symbols_close(p->symbols);
	free(p->symbols);
}
