/*
 * See resp.h. States: TYPE -> LINE -> TYPE (an item); of a bulk LINE -> BULK -> TYPE.
 * Strings of unknown length ("$?") are in the specification and in no server: they are refused.
 */
#include "protocols/resp.h"

#include <string.h>

#include "base/str.h"

enum state { TYPE, LINE, BULK };

static const int64_t length_max = 1ll << 40;

static bool is_bulk(uint8_t type)
{
	return type == '$' || type == '=' || type == '!';
}

static bool is_counted(uint8_t type)
{
	return type == '*' || type == '~' || type == '%' || type == '>' || type == '|' || is_bulk(type);
}

static bool is_line(uint8_t type)
{
	return type == '+' || type == '-' || type == ':' || type == '_' || type == ',' || type == '(' ||
	       type == '#' || type == RM_RESP_INLINE;
}

/* The number that the line is. */
static bool read_number(struct rm_resp *r)
{
	bool minus = r->kept && *r->text == '-';
	struct rm_str digits = { r->text + minus, (size_t)r->kept - minus };
	uint64_t v;

	if (r->cut || !rm_str_u64(digits, &v) || v > INT64_MAX)
		return false;
	r->number = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

static enum rm_resp_step line_over(struct rm_resp *r)
{
	if (!r->cut && r->kept && r->text[r->kept - 1] == '\r')
		r->kept--;
	r->state = TYPE;
	if (r->type == ':')
		return read_number(r) ? RM_RESP_ITEM : RM_RESP_BAD;
	if (!is_counted(r->type))
		return RM_RESP_ITEM;
	if (!read_number(r) || r->number < -1 || r->number > length_max)
		return RM_RESP_BAD;
	r->kept = 0;
	if (!is_bulk(r->type) || r->number < 0)
		return RM_RESP_ITEM;
	r->left = (uint64_t)r->number + 2;
	r->state = BULK;
	return RM_RESP_MORE;
}

static enum rm_resp_step line(struct rm_resp *r, const char *p, size_t n, size_t *at)
{
	const char *from = p + *at, *lf = memchr(from, '\n', n - *at);
	size_t bytes = lf ? (size_t)(lf - from) : n - *at, room = sizeof(r->text) - r->kept;
	size_t take = bytes < room ? bytes : room;

	memcpy(r->text + r->kept, from, take);
	r->kept += (uint8_t)take;
	r->cut = r->cut || take < bytes;
	*at += bytes + (lf != NULL);
	return lf ? line_over(r) : RM_RESP_MORE;
}

static void keep(struct rm_resp *r, const char *p, size_t n)
{
	uint64_t content = r->left > 2 ? r->left - 2 : 0;
	size_t room = sizeof(r->text) - r->kept;

	n = n < content ? n : (size_t)content;
	n = n < room ? n : room;
	memcpy(r->text + r->kept, p, n);
	r->kept += (uint8_t)n;
}

static enum rm_resp_step bulk(struct rm_resp *r, const char *p, size_t n, size_t *at)
{
	size_t take = r->left < n - *at ? (size_t)r->left : n - *at;

	if (r->keep || r->type == '!')
		keep(r, p + *at, take);
	r->left -= take;
	*at += take;
	if (r->left)
		return RM_RESP_MORE;
	r->state = TYPE;
	return p[*at - 1] == '\n' ? RM_RESP_ITEM : RM_RESP_BAD;
}

static enum rm_resp_step type(struct rm_resp *r, uint8_t byte)
{
	r->type = byte;
	r->kept = 0;
	r->cut = false;
	r->number = 0;
	r->state = LINE;
	return is_counted(byte) || is_line(byte) ? RM_RESP_MORE : RM_RESP_BAD;
}

enum rm_resp_step rm_resp_next(struct rm_resp *r, const char *p, size_t n, size_t *at)
{
	enum rm_resp_step s = RM_RESP_MORE;

	while (*at < n && s == RM_RESP_MORE) {
		if (r->state == TYPE)
			s = type(r, (uint8_t)p[(*at)++]);
		else if (r->state == LINE)
			s = line(r, p, n, at);
		else
			s = bulk(r, p, n, at);
	}
	return s;
}

void rm_resp_inline(struct rm_resp *r)
{
	type(r, RM_RESP_INLINE);
}

bool rm_resp_between(const struct rm_resp *r)
{
	return r->state == TYPE;
}
