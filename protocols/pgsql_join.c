/*
 * A connection to PostgreSQL that was there before us (inherited, passed on): how it began is not known. It is followed from
 * the first bytes on that its client sends, if they are questions and nothing else: whole messages, each with the parts that its
 * type has, up to the end of the buffer. The first answer must then consist of what answers such questions. The database
 * is not known, nor what was prepared.
 * Context: hook, connection locked.
 * Spec: PostgreSQL, "Frontend/Backend Protocol", "Message Formats".
 */
#include <string.h>

#include "protocols/pgsql.h"

enum {
	HEAD_BYTES = 1 + RM_PGSQL_LENGTH_BYTES,
	DOUBT_MAX_BYTES = 1 << 24, /* a longer first message has no zero byte behind its type: it may be any text */
};

/* A string and its NUL. False: there is none. */
static bool string(struct rm_str *rest)
{
	const char *end = rest->n ? memchr(rest->p, '\0', rest->n) : NULL;

	if (!end)
		return false;
	*rest = rm_str_behind(*rest, (size_t)(end - rest->p) + 1);
	return true;
}

/* A count of two bytes, and so many items of that many bytes. */
static bool items(struct rm_str *rest, size_t bytes)
{
	size_t n = rest->n < 2 ? SIZE_MAX : 2 + rm_be16(rest->p) * bytes;

	if (n > rest->n)
		return false;
	*rest = rm_str_behind(*rest, n);
	return true;
}

/* A count, and so many values behind their lengths; -1 is NULL. */
static bool values(struct rm_str *rest)
{
	uint32_t count, n;

	if (rest->n < 2)
		return false;
	count = rm_be16(rest->p);
	*rest = rm_str_behind(*rest, 2);
	for (; count && rest->n >= 4; count--) {
		n = rm_be32(rest->p);
		*rest = rm_str_behind(*rest, 4);
		n = n == UINT32_MAX ? 0 : n;
		if (n > rest->n)
			return false;
		*rest = rm_str_behind(*rest, n);
	}
	return !count;
}

/* Is the body of a message what its type has? */
static bool is_question(char type, struct rm_str body)
{
	switch (type) {
	case 'Q':
		return string(&body) && !body.n;
	case 'P':
		return string(&body) && string(&body) && items(&body, 4) && !body.n;
	case 'B':
		return string(&body) && string(&body) && items(&body, 2) && values(&body) && items(&body, 2) && !body.n;
	case 'E':
		return string(&body) && body.n == 4;
	case 'D':
	case 'C':
		return body.n && (*body.p == RM_PREPARED_STATEMENT || *body.p == RM_PREPARED_PORTAL) && string(&body) && !body.n;
	case 'S':
	case 'H':
		return !body.n;
	}
	return false;
}

static bool asks(char type)
{
	return type && memchr("QPBEDCSH", type, 8);
}

enum rm_sniff rm_pgsql_join(struct rm_pgsql *s, const uint8_t *p, size_t n)
{
	struct rm_str rest = { (const char *)p, n };

	while (rest.n >= HEAD_BYTES && asks(*rest.p)) {
		uint32_t length = rm_be32(rest.p + 1);

		if (length < RM_PGSQL_LENGTH_BYTES || length >= DOUBT_MAX_BYTES)
			return RM_SNIFF_NO;
		if (length > rest.n - 1)
			return RM_SNIFF_MORE;
		if (!is_question(*rest.p, (struct rm_str){ rest.p + HEAD_BYTES, length - RM_PGSQL_LENGTH_BYTES }))
			return RM_SNIFF_NO;
		rest = rm_str_behind(rest, 1 + length);
	}
	if (rest.n || !n)
		return RM_SNIFF_NO;
	s->phase = RM_PGSQL_MESSAGES;
	s->way[RM_DIR_REQUEST].head_bytes = HEAD_BYTES;
	s->started = s->joined = s->unproved = true;
	return RM_SNIFF_YES;
}

bool rm_pgsql_fits(int kind, char type)
{
	struct rm_str any = RM_STR("NSAE"), simple = RM_STR("NSAEZTDCIGHdcV"), extended = RM_STR("NSAEZ123tnTDCsIGHdc");
	struct rm_str types = kind < 0 ? any : kind == RM_PGSQL_QUERY || kind == RM_PGSQL_CALL ? simple : extended;

	return memchr(types.p, type, types.n);
}
