/*
 * See resp.h. States: TYPE -> LINE -> TYPE (an item); of a bulk LINE -> BULK -> TYPE.
 * Strings of unknown length ("$?") are in the specification and in no server: they are refused.
 */
#include "protocols/resp.h"

#include <string.h>

#include "base/bytes.h"
#include "base/str.h"

enum state { TYPE, LINE, BULK };

enum { SHORT_BYTES = 12, FEW_BYTES = 9 /* 8 digits */ };

static const int64_t length_max = 1ll << 40;

static bool is_bulk(uint8_t type)
{
	return type == '$' || type == '=' || type == '!';
}

/* Types whose line is a count or a length, and those that are a line. */
enum { COUNTED = 1, IS_LINE = 2 };

static const uint8_t kinds[256] = {
	['*'] = COUNTED, ['~'] = COUNTED, ['%'] = COUNTED, ['>'] = COUNTED, ['|'] = COUNTED,
	['$'] = COUNTED, ['='] = COUNTED, ['!'] = COUNTED,
	['+'] = IS_LINE, ['-'] = IS_LINE, [':'] = IS_LINE, ['_'] = IS_LINE, [','] = IS_LINE, ['('] = IS_LINE,
	['#'] = IS_LINE, [RM_RESP_INLINE] = IS_LINE,
};

static bool is_counted(uint8_t type)
{
	return kinds[type] == COUNTED;
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

/* A count or a length is known. */
static enum rm_resp_step counted(struct rm_resp *r)
{
	if (!is_bulk(r->type) || r->number < 0)
		return RM_RESP_ITEM;
	r->left = (uint64_t)r->number + 2;
	r->state = BULK;
	return RM_RESP_MORE;
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
	return counted(r);
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
	return kinds[byte] ? RM_RESP_MORE : RM_RESP_BAD;
}

/*
 * A bulk whose length was just read, and of which all is here: as BULK has it. False: not all is here, or it is to be
 * read in pieces.
 */
static inline bool whole_bulk(struct rm_resp *r, const char *p, size_t n, size_t *at, enum rm_resp_step *ret)
{
	size_t bytes = (size_t)r->number;

	if (r->number < 0 || bytes >= n - *at || n - *at - bytes < 2)
		return false;
	if (r->keep || r->type == '!') {
		r->kept = (uint8_t)(bytes < sizeof(r->text) ? bytes : sizeof(r->text));
		memcpy(r->text, p + *at, r->kept);
	}
	*at += bytes + 2;
	r->left = 0;
	*ret = p[*at - 1] == '\n' ? RM_RESP_ITEM : RM_RESP_BAD;
	return true;
}

/* A type and its number with the end of their line, as nearly all are: "$10\r\n". False: not all of it is here. */
static bool short_line(struct rm_resp *r, const char *p, size_t n, size_t *at)
{
	size_t i = *at + 1, most = n - *at < SHORT_BYTES ? n : *at + SHORT_BYTES;
	int64_t number = 0;

	if (!is_counted((uint8_t)p[*at]))
		return false;
	for (; i < most && (uint8_t)(p[i] - '0') <= 9; i++)
		number = 10 * number + (p[i] - '0');
	if (i == *at + 1 || n - i < 2 || p[i] != '\r' || p[i + 1] != '\n')
		return false;
	type(r, (uint8_t)p[*at]);
	r->number = number;
	r->state = TYPE;
	*at = i + 2;
	return true;
}

enum rm_resp_step rm_resp_next(struct rm_resp *r, const char *p, size_t n, size_t *at)
{
	enum rm_resp_step s = RM_RESP_MORE;

	while (*at < n && s == RM_RESP_MORE) {
		if (r->state == TYPE && short_line(r, p, n, at)) {
			if (!is_bulk(r->type) || !whole_bulk(r, p, n, at, &s))
				s = counted(r);
		}
		else if (r->state == TYPE)
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

/* "$10\r\n": a type and its number, of a few digits. Returns what follows, NULL when it is anything else or not whole. */
static inline const char *few_digits(const char *p, const char *end, char type, uint32_t *ret)
{
	const char *most = end - p > FEW_BYTES ? p + FEW_BYTES : end;
	uint32_t number, digit;

	if (end - p < 4 || *p != type)
		return NULL;
	number = (uint8_t)(p[1] - '0');
	if (number > 9)
		return NULL;
	for (p += 2; p < most && (digit = (uint8_t)(*p - '0')) <= 9; p++)
		number = 10 * number + digit;
	if (end - p < 2 || rm_bytes_pair(p) != RM_BYTES_PAIR('\r', '\n'))
		return NULL;
	*ret = number;
	return p + 2;
}

/* Of a string of so many bytes at `p`: what follows the end of its line; NULL where that is not there. */
static inline const char *behind_string(const char *p, const char *end, uint32_t bytes)
{
	if ((size_t)(end - p) < (size_t)bytes + 2 || p[bytes + 1] != '\n')
		return NULL;
	return p + bytes + 2;
}

bool rm_resp_command(const char *p, size_t n, size_t *at, struct rm_resp_command *ret)
{
	const char *end = p + n, *to;
	uint32_t bytes;

	to = few_digits(p + *at, end, '*', &ret->args);
	for (uint32_t i = 0; to && i < ret->args; i++) {
		to = few_digits(to, end, '$', &bytes);
		if (!to)
			return false;
		if (i < RM_RESP_WORDS)
			ret->word[i] = (struct rm_str){ to, bytes };
		to = behind_string(to, end, bytes);
	}
	if (!to || !ret->args)
		return false;
	*at = (size_t)(to - p);
	return true;
}

bool rm_resp_answer(const char *p, size_t n, size_t *at)
{
	const char *end = p + n, *from = p + *at, *to = NULL;
	uint32_t number;

	if (*from == '$') {
		to = few_digits(from, end, '$', &number);
		if (to)
			to = behind_string(to, end, number);
		else if (end - from >= 5 && memcmp(from, "$-1\r\n", 5) == 0)
			to = from + 5;
	} else if (*from == '+') {
		to = memchr(from, '\n', (size_t)(end - from));
		to = to ? to + 1 : NULL;
	} else if (*from == ':') {
		to = few_digits(from, end, ':', &number);
	}
	if (!to)
		return false;
	*at = (size_t)(to - p);
	return true;
}

bool rm_resp_between(const struct rm_resp *r)
{
	return r->state == TYPE;
}
