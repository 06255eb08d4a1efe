/*
 * One pass from left to right; what is not secret is copied as it is. Context: any, signal-safe.
 * Spec: semantic conventions, url.full and url.query; RFC 3986 section 3.
 */
#include "agent/redact.h"

#include <string.h>

#include "base/bytes.h"

static bool is_secret(const struct rm_config *c, struct rm_str key)
{
	if (key.n && key.n < RM_CONFIG_REDACT_BYTES && c->redact_no[key.n] >> (key.p[0] & 31) & 1)
		return false;
	for (uint32_t i = 0; i < c->redact_count; i++)
		if (rm_str_eq(c->redact[i], key))
			return true;
	return false;
}

/* Where a pair of a query stands that is being read. */
struct pair {
	const char *key, *value; /* NULL: the pair has no = yet */
};

/* Reads on at `p`, an = or an &. True when the pair is over, and has a value that is secret. */
static inline bool step(const struct rm_config *c, struct pair *at, const char *p, bool over)
{
	const struct pair was = *at;

	if (!over) {
		if (!was.value)
			at->value = p + 1;
		return false;
	}
	*at = (struct pair){ p + 1, NULL };
	return was.value && was.value < p && is_secret(c, (struct rm_str){ was.key, (size_t)(was.value - 1 - was.key) });
}

/* Does the key that ends before the = at `at` end as one that is secret does? In most queries none. */
static inline bool may_be_secret(const char *from, const char *at, const void *arg)
{
	const struct rm_config *c = arg;
	unsigned bit;

	if (at == from)
		return false;
	bit = rm_config_redact_end(at - from > 1 ? at[-2] : '&', at[-1]);
	return !(c->redact_no_end[bit / 64] >> bit % 64 & 1);
}

static __attribute__((noinline)) bool is_needed(const struct rm_config *c, struct rm_str query)
{
	const char *p = query.p, *end = query.n ? p + query.n : p;
	struct pair at = { p, NULL };

	for (; end - p >= RM_BLOCK; p += RM_BLOCK) {
		rm_block block = rm_block_load(p);

		/* Only the first of the hits is sure to be one. */
		for (uint64_t hits = rm_block_equal(block, '=') | rm_block_equal(block, '&'); hits; hits &= hits - 1) {
			const char *hit = p + rm_block_first(hits);

			if ((*hit == '=' || *hit == '&') && step(c, &at, hit, *hit == '&'))
				return true;
		}
	}
	for (; p < end; p++)
		if ((*p == '=' || *p == '&') && step(c, &at, p, *p == '&'))
			return true;
	return query.n && step(c, &at, end, true);
}

bool rm_redact_query_needed(const struct rm_config *c, struct rm_str query)
{
	return rm_bytes_any(query.p, query.n, '=', may_be_secret, c) && is_needed(c, query);
}

/* True in doubt: whether an @ ends user information and a key is one of the query, a copy tells. */
bool rm_redact_url_needed(const struct rm_config *c, struct rm_str url)
{
	bool path = url.n > 1 && url.p[0] == '/' && url.p[1] != '/';
	const char *query;

	if (url.n == 0)
		return false;
	if (!path && memchr(url.p, '@', url.n))
		return true;
	query = memchr(url.p, '?', url.n);
	return query && rm_redact_query_needed(c, (struct rm_str){ query + 1, (size_t)(url.p + url.n - query - 1) });
}

void rm_redact_query(const struct rm_config *c, struct rm_str query, struct rm_strbuf *ret)
{
	bool first = true;

	while (query.p) {
		struct rm_str pair = rm_str_cut(&query, '&');
		struct rm_str value = pair;
		struct rm_str key = rm_str_cut(&value, '=');

		if (!first)
			rm_strbuf_char(ret, '&');
		first = false;
		if (value.n > 0 && is_secret(c, key)) {
			rm_strbuf_put(ret, key.p, key.n + 1);
			rm_strbuf_c(ret, "REDACTED");
		} else {
			rm_strbuf_str(ret, pair);
		}
	}
}

/* Appends the first `n` bytes of *rest and steps over them. */
static void copy(struct rm_str *rest, size_t n, struct rm_strbuf *ret)
{
	rm_strbuf_put(ret, rest->p, n);
	rest->p += n;
	rest->n -= n;
}

/* Bytes before the first one of `any`, all of them if there is none. */
static size_t span_before(struct rm_str s, const char *any)
{
	for (; *any && s.n > 0; any++) {
		const char *at = memchr(s.p, *any, s.n);

		s.n = at ? (size_t)(at - s.p) : s.n;
	}
	return s.n;
}

/* Where the authority begins: behind "scheme://" or "//". False when there is none. */
static bool find_authority(struct rm_str url, size_t *ret)
{
	size_t at = span_before(url, ":/?#");

	if (at < url.n && url.p[at] == ':')
		at++;
	else
		at = 0;
	if (url.n - at < 2 || url.p[at] != '/' || url.p[at + 1] != '/')
		return false;
	*ret = at + 2;
	return true;
}

static void redact_userinfo(struct rm_str *rest, struct rm_strbuf *ret)
{
	size_t end = span_before(*rest, "/?#"), at = end;

	/* The last @ counts: programs forget to encode those in a password. */
	while (at > 0 && rest->p[at - 1] != '@')
		at--;
	if (at == 0)
		return;
	rm_strbuf_c(ret, "REDACTED:REDACTED@");
	rest->p += at;
	rest->n -= at;
}

void rm_redact_url_full(const struct rm_config *c, struct rm_str url, struct rm_strbuf *ret)
{
	struct rm_str rest = url;
	size_t authority;

	if (find_authority(rest, &authority)) {
		copy(&rest, authority, ret);
		redact_userinfo(&rest, ret);
	}
	copy(&rest, span_before(rest, "?#"), ret);
	if (rest.n > 0 && rest.p[0] == '?') {
		struct rm_str query;

		copy(&rest, 1, ret);
		query = (struct rm_str){ rest.p, span_before(rest, "#") };
		rm_redact_query(c, query, ret);
		rest.p += query.n;
		rest.n -= query.n;
	}
	copy(&rest, rest.n, ret);
}
