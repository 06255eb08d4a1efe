/*
 * See json_scan.h. States:
 *
 *   VALUE -> TEXT | SCALAR | an object: KEY_OR_END | an array: VALUE_OR_END;   each value over: AFTER
 *   AFTER -> in an object: KEY, in an array: VALUE;  at its end one level up;  at the outermost: OVER
 *   KEY -> KEY_TEXT -> COLON -> VALUE
 *   TEXT, KEY_TEXT <-> ESCAPE -> UNICODE
 *
 * Scalars are read as words of the characters that they have: what is wrong in one is told as it is.
 */
#include "protocols/json_scan.h"

#include <string.h>

enum state { VALUE, VALUE_OR_END, KEY, KEY_OR_END, KEY_TEXT, COLON, TEXT, SCALAR, AFTER, OVER };

/* Beside the state: within a text. */
enum { PLAIN = 0, ESCAPE = 0x40, UNICODE = 0x80, MODES = 0xc0 };

struct feed {
	struct rm_json_scan *j;
	const struct rm_json_scan_calls *on;
	void *to;
};

void rm_json_scan_begin(struct rm_json_scan *j)
{
	memset(j, 0, offsetof(struct rm_json_scan, text));
	j->told_depth = RM_JSON_SCAN_TOLD_DEPTH;
}

static bool in_object(const struct rm_json_scan *j)
{
	return j->depth && j->objects >> (j->depth - 1) & 1;
}

/* Is what is at this depth told of? */
static bool is_told(const struct rm_json_scan *j)
{
	return j->depth <= j->told_depth && in_object(j);
}

static void start_text(struct rm_json_scan *j, uint8_t state, bool collects)
{
	j->state = state;
	j->collects = collects;
	j->whole = true;
	j->bytes = 0;
}

static void keep(struct rm_json_scan *j, const char *p, size_t n)
{
	size_t room = sizeof(j->text) - j->bytes;

	if (!j->collects)
		return;
	if (n > room) {
		j->whole = false;
		n = room;
	}
	memcpy(j->text + j->bytes, p, n);
	j->bytes += (uint16_t)n;
}

static struct rm_str kept(const struct rm_json_scan *j)
{
	return (struct rm_str){ j->text, j->collects ? j->bytes : 0 };
}

/* ---- what is told ---- */

static bool stops(struct rm_json_scan *j)
{
	j->state = OVER;
	return false;
}

static bool value_told(struct feed *f, unsigned depth, enum rm_json_scan_kind kind)
{
	return f->on->value(f->to, depth, kind, kept(f->j), f->j->whole) != RM_JSON_SCAN_STOP || stops(f->j);
}

static bool scalar_over(struct feed *f)
{
	struct rm_json_scan *j = f->j;
	bool number = j->bytes && (j->text[0] == '-' || (j->text[0] >= '0' && j->text[0] <= '9'));
	enum rm_json_scan_kind kind = j->state == TEXT ? RM_JSON_SCAN_TEXT : number ? RM_JSON_SCAN_NUMBER : RM_JSON_SCAN_WORD;

	j->state = AFTER;
	return !is_told(j) || value_told(f, j->depth, kind);
}

static bool key_over(struct feed *f)
{
	struct rm_json_scan *j = f->j;
	enum rm_json_scan_wish wish = RM_JSON_SCAN_SKIP;

	j->state = COLON;
	if (is_told(j))
		wish = f->on->member(f->to, j->depth, kept(j));
	j->collects = wish == RM_JSON_SCAN_COLLECT;
	return wish != RM_JSON_SCAN_STOP || stops(j);
}

/* ---- levels ---- */

static bool open_level(struct feed *f, bool object)
{
	struct rm_json_scan *j = f->j;
	bool told = is_told(j);

	if (j->depth == RM_JSON_SCAN_DEPTH_MAX)
		return stops(j);
	j->collects = false;
	if (told && !value_told(f, j->depth, object ? RM_JSON_SCAN_OBJECT : RM_JSON_SCAN_ARRAY))
		return false;
	j->items += object && j->depth == 1 && !in_object(j);
	j->objects &= ~(1ull << j->depth);
	j->objects |= (uint64_t)object << j->depth;
	j->depth++;
	j->state = object ? KEY_OR_END : VALUE_OR_END;
	return true;
}

static bool close_level(struct rm_json_scan *j, char c)
{
	if (!j->depth || in_object(j) != (c == '}'))
		return stops(j);
	j->depth--;
	j->state = j->depth ? AFTER : OVER;
	j->closed = !j->depth;
	return j->depth > 0;
}

/* ---- texts ---- */

static void put_code(struct rm_json_scan *j)
{
	const char utf8[3] = { (char)(0xe0 | j->code >> 12), (char)(0x80 | (j->code >> 6 & 0x3f)), (char)(0x80 | (j->code & 0x3f)) };
	const char two[2] = { (char)(0xc0 | j->code >> 6), utf8[2] };
	char one = (char)j->code;

	if (j->code < 0x80)
		keep(j, &one, 1);
	else if (j->code < 0x800)
		keep(j, two, 2);
	else if (j->code < 0xd800 || j->code > 0xdfff)
		keep(j, utf8, 3);
	else
		j->whole = false; /* half of a pair */
}

static bool escaped(struct rm_json_scan *j, char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = memchr(from, c, sizeof(from) - 1);
	int digit;

	if (j->state & ESCAPE) {
		j->state &= (uint8_t)~MODES;
		if (c == 'u') {
			j->state |= UNICODE;
			j->digits = 4;
			j->code = 0;
			return true;
		}
		if (at)
			keep(j, &to[at - from], 1);
		return at || stops(j);
	}
	digit = rm_hex_digit(c);
	if (digit < 0)
		return stops(j);
	j->code = (uint16_t)(j->code << 4 | digit);
	if (--j->digits == 0) {
		j->state &= (uint8_t)~MODES;
		put_code(j);
	}
	return true;
}

/* Bytes of a text from `p` on; *ret_used says how many. */
static bool text(struct feed *f, const char *p, const char *end, size_t *ret_used)
{
	struct rm_json_scan *j = f->j;
	const char *at = p;

	*ret_used = 1;
	if (j->state & MODES)
		return escaped(j, *p);
	while (at < end && *at != '"' && *at != '\\')
		at++;
	keep(j, p, (size_t)(at - p));
	*ret_used = (size_t)(at - p) + (at < end);
	if (at == end)
		return true;
	if (*at == '\\') {
		j->state |= ESCAPE;
		return true;
	}
	return j->state == KEY_TEXT ? key_over(f) : scalar_over(f);
}

/* ---- between them ---- */

static bool is_scalar(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E';
}

static bool value(struct feed *f, char c)
{
	struct rm_json_scan *j = f->j;

	if (c == '{' || c == '[')
		return open_level(f, c == '{');
	if (c == ']' && j->state == VALUE_OR_END)
		return close_level(j, c);
	if (!j->depth)
		return stops(j);
	if (c == '"') {
		start_text(j, TEXT, j->collects);
		return true;
	}
	if (!is_scalar(c))
		return stops(j);
	/* Whether it is a number is always asked. */
	start_text(j, SCALAR, true);
	keep(j, &c, 1);
	return true;
}

static bool after(struct rm_json_scan *j, char c)
{
	if (c != ',')
		return close_level(j, c);
	j->collects = false;
	j->state = in_object(j) ? KEY : VALUE;
	return true;
}

static bool between(struct feed *f, char c)
{
	struct rm_json_scan *j = f->j;

	switch (j->state) {
	case VALUE:
	case VALUE_OR_END:
		return value(f, c);
	case KEY_OR_END:
	case KEY:
		if (c == '}' && j->state == KEY_OR_END)
			return close_level(j, c);
		start_text(j, KEY_TEXT, j->depth <= j->told_depth);
		return c == '"' || stops(j);
	case COLON:
		j->state = VALUE;
		return c == ':' || stops(j);
	case AFTER:
		return after(j, c);
	}
	return stops(j);
}

bool rm_json_scan_is_whole(const struct rm_json_scan *j)
{
	return j->state == OVER && !j->depth && j->closed;
}

bool rm_json_scan_feed(struct rm_json_scan *j, const char *p, size_t n, const struct rm_json_scan_calls *on, void *to)
{
	struct feed f = { j, on, to };
	const char *end = p + n;

	while (p < end && j->state != OVER) {
		uint8_t state = j->state & (uint8_t)~MODES;
		size_t used = 1;

		if (state == TEXT || state == KEY_TEXT) {
			if (!text(&f, p, end, &used))
				return false;
		} else if (state == SCALAR) {
			if (is_scalar(*p))
				keep(j, p, 1);
			else if (scalar_over(&f))
				used = 0;
			else
				return false;
		} else if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\t' && !between(&f, *p)) {
			return false;
		}
		p += used;
	}
	return j->state != OVER;
}
