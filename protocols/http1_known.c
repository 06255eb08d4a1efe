/* See http1_known.h. Context: hook, connection locked. Never: allocates, blocks, logs. */
#include "protocols/http1_known.h"

#include <string.h>

enum { LEAST_BYTES = RM_BLOCK };

/* The fields of a head as they lie in its bytes. */
static struct rm_str text_of(const struct rm_http1_head *m)
{
	const char *end = m->head.raw.p + m->head.raw.n, *first = m->head.field_count ? m->head.fields[0].name.p : end;

	return (struct rm_str){ first, (size_t)(end - first) };
}

/* Whether it can be kept: short, and without what tells it from the next one. */
static bool is_fit(const struct rm_http1_head *m, struct rm_str text)
{
	struct rm_str authority = m->head.authority;

	if (m->head.fields_cut || m->head.field_count > RM_HTTP1_KNOWN_FIELDS || text.n < LEAST_BYTES ||
	    text.n > RM_HTTP1_KNOWN_BYTES)
		return false;
	/* The one that the target names is not in the fields. */
	if (authority.p && (authority.p < text.p || authority.p > text.p + text.n))
		return false;
	for (uint32_t i = 0; i < m->head.field_count; i++)
		if (rm_carrier_of(m->head.fields[i].name) >= 0)
			return false;
	return true;
}

/* The same slice, of the copy. */
static struct rm_str moved(struct rm_str s, const char *from, const char *to)
{
	return (struct rm_str){ s.p ? to + (s.p - from) : NULL, s.n };
}

static void keep(struct rm_http1_memo *memo, struct rm_http1_known *k, const struct rm_http1_head *m, struct rm_str text)
{
	memo->numbers += memo->numbers == UINT32_MAX ? 2 : 1;
	k->number = memo->numbers;
	k->bytes = (uint32_t)text.n;
	k->field_count = m->head.field_count;
	k->framing = m->framing;
	k->authority = moved(m->head.authority, text.p, k->text);
	memcpy(k->text, text.p, text.n);
	for (uint32_t i = 0; i < k->field_count; i++)
		k->fields[i] = (struct rm_field){ moved(m->head.fields[i].name, text.p, k->text),
						  moved(m->head.fields[i].value, text.p, k->text) };
}

/* Finds a head that the one that was asked for is not, or keeps it. Returns which one it is then, 0: none. */
static __attribute__((noinline)) uint8_t look_for(struct rm_http1_memo *memo, struct rm_http1_kept *kept, const struct rm_http1_head *m)
{
	struct rm_str text = text_of(m);
	uint8_t at = kept->next;

	if (!rm_worth_keep(&kept->worth) || !is_fit(m, text))
		return 0;
	for (uint8_t i = 0; i < RM_HTTP1_KNOWN_MAX; i++)
		if (kept->known[i].number && rm_http1_is_known(&kept->known[i], text.p, text.p + text.n + 1))
			return (uint8_t)(i + 1);
	keep(memo, &kept->known[at], m, text);
	kept->next = (uint8_t)(at + 1) % RM_HTTP1_KNOWN_MAX;
	return (uint8_t)(at + 1);
}

/* The fields of a head that was parsed before. */
static inline void take(struct rm_http1_head *m, const struct rm_http1_known *k)
{
	m->head.fields = k->fields;
	m->head.field_count = k->field_count;
	m->head.same = k->number;
	m->head.authority = k->authority;
	m->framing = k->framing;
}

enum rm_http1_parsed rm_http1_known_parse(struct rm_http1_head *ret, enum rm_dir dir, const char *p, size_t n,
					  struct rm_http1_memo *memo, uint8_t *which)
{
	struct rm_http1_kept *kept = &memo->kept[dir];
	uint8_t at = *which ? *which : kept->last;
	enum rm_http1_parsed r = rm_http1_begin(ret, dir, p, n);
	const struct rm_http1_known *k = at ? &kept->known[at - 1] : NULL;
	const char *first = p + ret->head.line_bytes;

	if (r != RM_HTTP1_DONE)
		return r;
	if (k && k->number && rm_http1_is_known(k, first, p + n)) {
		take(ret, k);
		rm_http1_over(ret, dir, p, first + k->bytes);
		rm_worth_found(&kept->worth);
	} else {
		r = rm_http1_fields(ret, dir, p, n, false);
		if (r != RM_HTTP1_DONE)
			return r;
		at = look_for(memo, kept, ret);
	}
	*which = at;
	if (at)
		kept->last = at;
	return RM_HTTP1_DONE;
}
