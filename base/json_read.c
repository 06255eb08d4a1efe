/* See json_read.h. */
#include "base/json_read.h"

enum { DEPTH_MAX = 64, EXPONENT_MAX = 400 };

static void fail(struct rm_json_reader *j)
{
	j->failed = true;
	j->p = j->end;
}

/* The next character that is no blank; NUL at the end. */
static char next(struct rm_json_reader *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\n' || *j->p == '\r'))
		j->p++;
	return j->p < j->end ? *j->p : '\0';
}

void rm_json_read(struct rm_json_reader *j, struct rm_str text)
{
	*j = (struct rm_json_reader){ .p = text.n ? text.p : "", .end = text.n ? text.p + text.n : "" };
	if (!text.n)
		j->end = j->p;
}

/* ---- scalars ---- */

/* Passes a string, whose quotation mark comes next; *ret is what stands between both. */
static bool pass_string(struct rm_json_reader *j, struct rm_str *ret)
{
	const char *start = ++j->p;

	for (; j->p < j->end && *j->p != '"'; j->p++) {
		if ((unsigned char)*j->p < ' ')
			break;
		if (*j->p == '\\' && ++j->p == j->end)
			break;
	}
	if (j->p >= j->end || *j->p != '"') {
		fail(j);
		return false;
	}
	*ret = (struct rm_str){ start, (size_t)(j->p++ - start) };
	return true;
}

/* Four digits at `p`, or -1. */
static int32_t code_unit(const char *p, const char *end)
{
	int32_t v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = rm_hex_digit(p[i]);

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

static void put_utf8(struct rm_strbuf *b, uint32_t c)
{
	if (c < 0x80) {
		rm_strbuf_char(b, (char)c);
		return;
	}
	if (c < 0x800) {
		rm_strbuf_char(b, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			rm_strbuf_char(b, (char)(0xe0 | c >> 12));
		} else {
			rm_strbuf_char(b, (char)(0xf0 | c >> 18));
			rm_strbuf_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		rm_strbuf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	rm_strbuf_char(b, (char)(0x80 | (c & 0x3f)));
}

/* What stands behind \u at `p`. Returns the bytes that it took, 0 when it is wrong. */
static size_t put_escaped(struct rm_strbuf *b, const char *p, const char *end)
{
	int32_t high = code_unit(p, end), low;

	if (high < 0)
		return 0;
	if (high < 0xd800 || high > 0xdfff) {
		put_utf8(b, (uint32_t)high);
		return 4;
	}
	low = high < 0xdc00 && end - p >= 6 && p[4] == '\\' && p[5] == 'u' ? code_unit(p + 6, end) : -1;
	if (low < 0xdc00 || low > 0xdfff) {
		put_utf8(b, 0xfffd); /* half of a pair */
		return 4;
	}
	put_utf8(b, 0x10000u + (((uint32_t)high & 0x3ff) << 10 | ((uint32_t)low & 0x3ff)));
	return 10;
}

/* False where an escape is none. */
static bool unescape(struct rm_str raw, struct rm_strbuf *b)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *end = raw.p + raw.n, *known;
	size_t taken;

	for (const char *p = raw.p; p < end; p++) {
		if (*p != '\\') {
			rm_strbuf_char(b, *p);
			continue;
		}
		p++;
		known = memchr(from, *p, sizeof(from) - 1);
		if (known) {
			rm_strbuf_char(b, to[known - from]);
			continue;
		}
		taken = *p == 'u' ? put_escaped(b, p + 1, end) : 0;
		if (!taken)
			return false;
		p += taken;
	}
	return true;
}

bool rm_json_string(struct rm_json_reader *j, struct rm_strbuf *room, struct rm_str *ret)
{
	size_t start = room->n;
	struct rm_str raw;

	if (next(j) != '"') {
		rm_json_skip(j);
		return false;
	}
	j->first = false;
	if (!pass_string(j, &raw))
		return false;
	if (!unescape(raw, room)) {
		fail(j);
		return false;
	}
	if (room->truncated) {
		room->truncated = false;
		room->n = start;
		return false;
	}
	*ret = (struct rm_str){ room->p + start, room->n - start };
	return true;
}

static double scaled(double v, int exponent)
{
	double power = 1;

	for (int n = exponent < 0 ? -exponent : exponent; n > 0; n--)
		power *= 10;
	return exponent < 0 ? v / power : v * power;
}

/* Digits from j->p on. Returns how many; what is too much for a double is counted in *skipped. */
static int digits(struct rm_json_reader *j, double *v, int *skipped)
{
	int n = 0;

	for (; j->p < j->end && *j->p >= '0' && *j->p <= '9' && n < EXPONENT_MAX; j->p++, n++) {
		if (*v < 9e14)
			*v = *v * 10 + (*j->p - '0');
		else
			++*skipped;
	}
	return n;
}

bool rm_json_number(struct rm_json_reader *j, double *ret)
{
	double v = 0, exponent = 0;
	int skipped = 0, unused = 0, fraction = 0, scale;
	bool negative, exponent_negative = false;
	char c = next(j);

	if (c != '-' && (c < '0' || c > '9')) {
		rm_json_skip(j);
		return false;
	}
	j->first = false;
	negative = c == '-';
	j->p += negative;
	if (!digits(j, &v, &skipped)) {
		fail(j);
		return false;
	}
	scale = skipped;
	if (j->p < j->end && *j->p == '.') {
		j->p++;
		skipped = 0;
		fraction = digits(j, &v, &skipped);
		scale -= fraction - skipped;
	}
	if (j->p < j->end && (*j->p | 0x20) == 'e') {
		j->p++;
		exponent_negative = j->p < j->end && *j->p == '-';
		j->p += j->p < j->end && (*j->p == '-' || *j->p == '+');
		digits(j, &exponent, &unused);
		exponent = exponent < EXPONENT_MAX ? exponent : EXPONENT_MAX;
	}
	v = scaled(v, scale + (exponent_negative ? -(int)exponent : (int)exponent));
	*ret = negative ? -v : v;
	return true;
}

/* ---- structure ---- */

/* true, false, null and numbers, which are not looked at. */
static bool pass_word(struct rm_json_reader *j)
{
	const char *start = j->p;

	while (j->p < j->end && ((*j->p >= '0' && *j->p <= '9') || ((*j->p | 0x20) >= 'a' && (*j->p | 0x20) <= 'z') ||
				 *j->p == '-' || *j->p == '+' || *j->p == '.'))
		j->p++;
	return j->p > start;
}

void rm_json_skip(struct rm_json_reader *j)
{
	uint64_t is_object = 0; /* a bit for each bracket that is open */
	unsigned depth = 0;
	struct rm_str raw;

	j->first = false;
	do {
		char c = next(j);

		if (c == '{' || c == '[') {
			if (depth == DEPTH_MAX) {
				fail(j);
				return;
			}
			is_object = is_object << 1 | (c == '{');
			depth++;
			j->p++;
		} else if ((c == '}' || c == ']') && depth > 0 && (is_object & 1) == (c == '}')) {
			is_object >>= 1;
			depth--;
			j->p++;
		} else if ((c == ',' || c == ':') && depth > 0) {
			j->p++;
		} else if (c == '"' ? !pass_string(j, &raw) : !pass_word(j)) {
			fail(j);
			return;
		}
	} while (depth > 0 && !j->failed);
}

bool rm_json_any(struct rm_json_reader *j, struct rm_str *ret)
{
	const char *start;

	next(j);
	start = j->p;
	rm_json_skip(j);
	if (j->failed)
		return false;
	*ret = (struct rm_str){ start, (size_t)(j->p - start) };
	return true;
}

static bool enter(struct rm_json_reader *j, char bracket)
{
	if (next(j) != bracket) {
		rm_json_skip(j);
		j->first = false;
		return false;
	}
	j->p++;
	j->first = true;
	return true;
}

bool rm_json_object(struct rm_json_reader *j)
{
	return enter(j, '{');
}

bool rm_json_array(struct rm_json_reader *j)
{
	return enter(j, '[');
}

/* True when a value is to come before the bracket, which is passed else. */
static bool goes_on(struct rm_json_reader *j, char bracket)
{
	char c = next(j);

	if (c == bracket) {
		j->p++;
		j->first = false;
		return false;
	}
	if (!j->first && c == ',') {
		j->p++;
		c = next(j);
	} else if (!j->first) {
		c = '\0';
	}
	j->first = false;
	if (c == '\0')
		fail(j);
	return c != '\0';
}

bool rm_json_member(struct rm_json_reader *j, struct rm_str *ret_key)
{
	if (!goes_on(j, '}'))
		return false;
	if (next(j) != '"' || !pass_string(j, ret_key) || next(j) != ':') {
		fail(j);
		return false;
	}
	j->p++;
	return true;
}

bool rm_json_element(struct rm_json_reader *j)
{
	return goes_on(j, ']');
}

bool rm_json_read_all(struct rm_json_reader *j)
{
	return next(j) == '\0' && j->p == j->end && !j->failed;
}
