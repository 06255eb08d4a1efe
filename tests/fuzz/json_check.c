/* See json_check.h. A pushdown automaton: `stack` holds the brackets that are open. */
#include "tests/fuzz/json_check.h"

#include <string.h>

enum { DEPTH_MAX = 64 };

struct reader {
	struct rm_str rest;
	char stack[DEPTH_MAX];
	int depth;
};

static int next(struct reader *r)
{
	if (!r->rest.n)
		return -1;
	r->rest.n--;
	return (unsigned char)*r->rest.p++;
}

static int peek(const struct reader *r)
{
	return r->rest.n ? (unsigned char)*r->rest.p : -1;
}

static bool escape(struct reader *r)
{
	int c = next(r);

	if (c != 'u')
		return c > 0 && strchr("\"\\/bfnrt", c);
	for (int i = 0; i < 4; i++) {
		c = next(r);
		if (c <= 0 || !strchr("0123456789abcdefABCDEF", c))
			return false;
	}
	return true;
}

static bool string(struct reader *r)
{
	if (next(r) != '"')
		return false;
	while (peek(r) != '"') {
		size_t n = rm_utf8_next(r->rest);

		if (n == 0 || peek(r) < ' ')
			return false;
		r->rest.p += n;
		r->rest.n -= n;
		if (r->rest.p[-1] == '\\' && !escape(r))
			return false;
	}
	return next(r) == '"';
}

static bool digits(struct reader *r)
{
	bool any = false;

	for (; peek(r) >= '0' && peek(r) <= '9'; any = true)
		next(r);
	return any;
}

static bool number(struct reader *r)
{
	if (peek(r) == '-')
		next(r);
	if (peek(r) == '0')
		next(r);
	else if (!digits(r))
		return false;
	if (peek(r) == '.' && (next(r), !digits(r)))
		return false;
	if (peek(r) != 'e' && peek(r) != 'E')
		return true;
	next(r);
	if (peek(r) == '+' || peek(r) == '-')
		next(r);
	return digits(r);
}

static bool word(struct reader *r)
{
	static const char *const words[] = { "true", "false", "null" };

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);

		if (r->rest.n < n || memcmp(r->rest.p, words[i], n) != 0)
			continue;
		r->rest.p += n;
		r->rest.n -= n;
		return true;
	}
	return number(r);
}

/* Opens a bracket, or reads a value that has none. */
static bool value(struct reader *r, bool *ret_whole)
{
	int c = peek(r);

	*ret_whole = c != '{' && c != '[';
	if (*ret_whole)
		return c == '"' ? string(r) : word(r);
	if (r->depth == DEPTH_MAX)
		return false;
	r->stack[r->depth++] = (char)next(r);
	if (peek(r) == c + 2) { /* ASCII has them two apart */
		next(r);
		r->depth--;
		*ret_whole = true;
	}
	return true;
}

static bool key(struct reader *r)
{
	return r->stack[r->depth - 1] != '{' || (string(r) && next(r) == ':');
}

static bool document(struct reader *r)
{
	bool whole;

	if (!value(r, &whole))
		return false;
	while (r->depth) {
		if (whole) {
			int c = next(r);

			if (c == r->stack[r->depth - 1] + 2) {
				r->depth--;
				continue;
			}
			if (c != ',')
				return false;
		}
		if (!key(r) || !value(r, &whole))
			return false;
	}
	return true;
}

bool json_lines(struct rm_str text)
{
	struct reader r = { .rest = text };

	while (r.rest.n)
		if (!document(&r) || next(&r) != '\n')
			return false;
	return true;
}
