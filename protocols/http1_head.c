/*
 * HTTP/1 heads in one pass: each byte is walked once, most of them eight at a time.
 *
 * Strict where two readers of the same bytes may differ (space before the colon, a bare CR, NUL,
 * unequal lengths, odd transfer codings): such a head is RM_HTTP1_BAD, and the connection is left
 * alone. Lenient where the RFC allows and all readers agree: a bare LF ends a line, a missing
 * reason phrase, raw UTF-8 in targets, a folded value, field names of characters that names should
 * not have but that end no name for anybody. Context: any, signal-safe.
 * Spec: RFC 9112 sections 2 to 6, RFC 9110 section 5.
 */
#include "protocols/http1_head.h"

#include <string.h>

#include "protocols/http1_scan.h"

/* The last places of a full list are kept for carriers of trace context: they matter most. */
enum { CARRIER_PLACES = 16, SNIFF_MAX_BYTES = 8 * 1024 };

static const bool token_char[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
	['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

bool rm_http1_is_token(char c)
{
	return token_char[(uint8_t)c];
}

static const char *token_end(const char *p, const char *end)
{
	while (p < end && token_char[(uint8_t)*p])
		p++;
	return p;
}

static struct rm_str slice(const char *from, const char *to)
{
	return (struct rm_str){ from, (size_t)(to - from) };
}

/* The end of a line at `p`: CR LF or a bare LF. */
static enum rm_http1_parsed line_end(const char *p, const char *end, const char **ret_next)
{
	if (p < end && *p == '\r')
		p++;
	if (p == end)
		return RM_HTTP1_MORE;
	if (*p != '\n')
		return RM_HTTP1_BAD;
	*ret_next = p + 1;
	return RM_HTTP1_DONE;
}

/* "HTTP/1." and one digit. */
static inline enum rm_http1_parsed version(struct rm_head *h, const char *p, const char *end,
					   const char **ret_next)
{
	static const char prefix[] = "HTTP/1.\0";
	const size_t want = sizeof(prefix) - 2, have = (size_t)(end - p);

	if (have <= want)
		return memcmp(p, prefix, have) == 0 ? RM_HTTP1_MORE : RM_HTTP1_BAD;
	if ((rm_bytes_word(p) ^ rm_bytes_word(prefix)) << 8 || p[want] < '0' || p[want] > '9')
		return RM_HTTP1_BAD;
	h->version = slice(p + want - 2, p + want + 1);
	*ret_next = p + want + 1;
	return RM_HTTP1_DONE;
}

/* The end of a method: of the two that nearly all requests have at once. */
static inline const char *method_end(const char *p, const char *end)
{
	const uint64_t word = end - p >= 8 ? rm_bytes_word(p) : 0;

	if (word << 32 == rm_bytes_word("\0\0\0\0GET "))
		return p + 3;
	if (word << 24 == rm_bytes_word("\0\0\0POST "))
		return p + 4;
	return token_end(p, end);
}

static inline enum rm_http1_parsed request_line(struct rm_head *h, const char *p, const char *end,
						const char **ret_next)
{
	const char *sp = method_end(p, end);
	enum rm_http1_parsed r;

	if (sp - p > RM_HTTP1_METHOD_MAX_BYTES)
		return RM_HTTP1_BAD;
	if (sp == end)
		return RM_HTTP1_MORE;
	/* PRI is reserved: it opens HTTP/2 (RFC 9113 section 3.4). */
	if (sp == p || *sp != ' ' || (sp - p == 3 && memcmp(p, "PRI", 3) == 0))
		return RM_HTTP1_BAD;
	h->method = slice(p, sp);

	p = sp + 1;
	sp = rm_scan_below(p, end, ' ' + 1);
	if (sp == end)
		return RM_HTTP1_MORE;
	if (sp == p || *sp != ' ')
		return RM_HTTP1_BAD;
	h->target = slice(p, sp);

	r = version(h, sp + 1, end, &p);
	if (r != RM_HTTP1_DONE || end - p < 2 || rm_bytes_pair(p) != RM_BYTES_PAIR('\r', '\n'))
		return r == RM_HTTP1_DONE ? line_end(p, end, ret_next) : r;
	*ret_next = p + 2;
	return RM_HTTP1_DONE;
}

/* Goes on in a line where something other than text stands at `p`. */
static __attribute__((noinline)) enum rm_http1_parsed
text_control(const char *p, const char *end, const char **ret_end, const char **ret_next)
{
	for (; p < end; p = rm_scan_below(p + 1, end, ' ')) {
		if (*p == '\r' || *p == '\n') {
			*ret_end = p;
			return line_end(p, end, ret_next);
		}
		if (!*p)
			return RM_HTTP1_BAD;
		/* HT is text; other controls are kept, as RFC 9110 section 5.5 allows. */
	}
	return RM_HTTP1_MORE;
}

/* The rest of a line that may hold any text: a reason phrase. */
static inline enum rm_http1_parsed text_line(const char *p, const char *end, const char **ret_end,
					     const char **ret_next)
{
	p = rm_scan_below(p, end, ' ');
	if (end - p < 2 || p[0] != '\r' || p[1] != '\n')
		return text_control(p, end, ret_end, ret_next);
	*ret_end = p;
	*ret_next = p + 2;
	return RM_HTTP1_DONE;
}

/* What there is of a space and three digits. */
static __attribute__((noinline)) enum rm_http1_parsed short_status(const char *p, const char *end)
{
	for (int i = 0; p < end; i++, p++)
		if (i == 0 ? *p != ' ' : *p < '0' + (i == 1) || *p > '9')
			return RM_HTTP1_BAD;
	return RM_HTTP1_MORE;
}

static inline enum rm_http1_parsed status_line(struct rm_head *h, const char *p, const char *end,
					const char **ret_next)
{
	enum rm_http1_parsed r = version(h, p, end, &p);
	int status = 0;

	if (r != RM_HTTP1_DONE)
		return r;
	if (end - p < 4)
		return short_status(p, end);
	for (int i = 1; i < 4; i++) {
		unsigned digit = (uint8_t)(p[i] - '0');

		if (digit > 9)
			return RM_HTTP1_BAD;
		status = status * 10 + (int)digit;
	}
	if (*p != ' ' || status < 100)
		return RM_HTTP1_BAD;
	p += 4;
	h->status = status;
	if (p < end && *p != ' ' && *p != '\r' && *p != '\n')
		return RM_HTTP1_BAD;
	return text_line(p, end, &p, ret_next);
}

enum rm_http1_parsed rm_http1_line(struct rm_head *ret, enum rm_dir dir, const char *p,
				   size_t n, size_t *ret_bytes)
{
	const char *next = p;
	enum rm_http1_parsed r;

	ret->version = (struct rm_str){ NULL, 0 };
	r = dir == RM_DIR_REQUEST ? request_line(ret, p, p + n, &next) : status_line(ret, p, p + n, &next);
	if (r == RM_HTTP1_BAD)
		return RM_HTTP1_BAD_LINE;
	if (r == RM_HTTP1_DONE)
		*ret_bytes = (size_t)(next - p);
	return r;
}

static inline bool is_space(char c)
{
	return (uint8_t)c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

/* Without white space at both ends; line ends count, which a folded value may begin or end with. */
static inline struct rm_str trim_folded(const char *p, const char *end)
{
	if (end - p > 1 && p[0] == ' ' && (uint8_t)p[1] > ' ' && (uint8_t)end[-1] > ' ')
		return slice(p + 1, end); /* as nearly all are written */
	while (p < end && is_space(*p))
		p++;
	while (p < end && is_space(end[-1]))
		end--;
	return slice(p, end);
}

/* One member of a comma-separated list; false after the last. */
static bool next_member(struct rm_str *rest, struct rm_str *ret)
{
	if (!rest->p)
		return false;
	*ret = rm_str_trim(rm_str_cut(rest, ','));
	return true;
}

/* "5, 5", as some proxies join two equal fields (RFC 9110 section 8.6), and whatever else is no number. */
static __attribute__((noinline)) bool add_listed_length(struct rm_http1_head *m, struct rm_str value)
{
	struct rm_str member;
	uint64_t length;

	while (next_member(&value, &member)) {
		if (!rm_str_u64(member, &length) || (m->framing.has_length && length != m->framing.length))
			return false;
		m->framing.length = length;
		m->framing.has_length = true;
	}
	return m->framing.has_length;
}

static inline bool add_length(struct rm_http1_head *m, struct rm_str value)
{
	if (m->framing.has_length || !rm_str_u64(value, &m->framing.length))
		return add_listed_length(m, value);
	m->framing.has_length = true;
	return true;
}

static __attribute__((noinline)) bool add_coding(struct rm_http1_head *m, struct rm_str value)
{
	struct rm_str member;

	while (next_member(&value, &member)) {
		const char *end = member.p + member.n;
		const char *name_end = token_end(member.p, end);
		struct rm_str name = slice(member.p, name_end);

		if (m->framing.chunked || !name.n) /* chunked must come last, once */
			return false;
		if (rm_str_ieq(name, RM_STR("chunked"))) {
			if (name_end != end)
				return false;
			m->framing.chunked = true;
			continue;
		}
		/* identity is gone since RFC 7230, and read in two ways; so are quoted commas. */
		if (rm_str_ieq(name, RM_STR("identity")) || memchr(name_end, '"', end - name_end) ||
		    (name_end != end && *name_end != ';' && *name_end != ' ' && *name_end != '\t'))
			return false;
		m->framing.other_coding = true;
	}
	return true;
}

static __attribute__((noinline)) void add_listed_options(struct rm_http1_head *m, struct rm_str value)
{
	struct rm_str member;

	while (next_member(&value, &member)) {
		if (rm_str_ieq(member, RM_STR("close")))
			m->framing.close = true;
		else if (rm_str_ieq(member, RM_STR("keep-alive")))
			m->framing.keep_alive = true;
	}
}

static inline void add_options(struct rm_http1_head *m, struct rm_str value)
{
	if (value.n == 10 && rm_bytes_are(value.p, "keep-alive", 10)) /* what nearly all say */
		m->framing.keep_alive = true;
	else
		add_listed_options(m, value);
}

/* Keeps what framing, persistence and routing need. False: the message must not be trusted. */
static inline __attribute__((always_inline)) bool note_field(struct rm_http1_head *m, struct rm_str name, struct rm_str value,
		       bool folded)
{
	switch (name.n) {
	case 4:
		if (!rm_bytes_are(name.p, "host", 4))
			return true;
		if (!m->head.authority.p)
			m->head.authority = value;
		return !folded;
	case 10:
		if (!rm_bytes_are(name.p, "connection", 10))
			return true;
		add_options(m, value);
		return !folded;
	case 14:
		if (!rm_bytes_are(name.p, "content-length", 14))
			return true;
		return !folded && add_length(m, value);
	case 17:
		if (!rm_bytes_are(name.p, "transfer-encoding", 17))
			return true;
		return !folded && add_coding(m, value);
	}
	return true;
}

static void list_field(struct rm_http1_head *m, struct rm_str name, struct rm_str value)
{
	uint32_t n = m->head.field_count;

	if (n == m->room_fields || (n >= RM_FIELDS_MAX - CARRIER_PLACES && rm_carrier_of(name) < 0)) {
		m->head.fields_cut = true;
		return;
	}
	m->room[n] = (struct rm_field){ name, value };
	m->head.field_count = n + 1;
}

/* Nothing but white space: some readers take such a line for the end of the head. */
static bool is_empty(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p == end;
}

/* The rest of a field from a control character at `p` on, with its folded lines (RFC 9112 section 5.2). */
static __attribute__((noinline)) enum rm_http1_parsed folded_lines(const char *p, const char *end, const char **ret_end,
								   const char **ret_next, bool *ret_folded)
{
	enum rm_http1_parsed r = text_control(p, end, ret_end, ret_next);

	while (r == RM_HTTP1_DONE && *ret_next < end && (**ret_next == ' ' || **ret_next == '\t')) {
		const char *line = *ret_next;

		*ret_folded = true;
		r = text_control(line, end, ret_end, ret_next);
		if (r == RM_HTTP1_DONE && is_empty(line, *ret_end))
			return RM_HTTP1_BAD;
	}
	return r;
}

/* A line ends with CR LF at `p`, and goes on in no other: the next one is there, and not folded. */
static inline bool ends_field(const char *p, const char *end)
{
	return end - p > 2 && rm_bytes_pair(p) == RM_BYTES_PAIR('\r', '\n') && ((uint8_t)p[2] > ' ' || p[2] == '\r');
}

/* One field at `p`, whatever it is; *ret_next is the line after it. */
static __attribute__((noinline)) enum rm_http1_parsed any_field(struct rm_http1_head *m, const char *p, const char *end,
								const char **ret_next)
{
	const char *colon = rm_scan_name(p, end), *value_end;
	struct rm_str name, value;
	enum rm_http1_parsed r;
	bool folded = false;

	if (colon == end)
		return RM_HTTP1_MORE;
	if (colon == p || *colon != ':')
		return RM_HTTP1_BAD;
	value_end = rm_scan_below(colon + 1, end, ' ');
	if (ends_field(value_end, end)) {
		*ret_next = value_end + 2;
	} else {
		r = folded_lines(value_end, end, &value_end, ret_next, &folded);
		if (r != RM_HTTP1_DONE)
			return r;
	}
	name = slice(p, colon);
	value = trim_folded(colon + 1, value_end);
	list_field(m, name, value);
	return note_field(m, name, value, folded) ? RM_HTTP1_DONE : RM_HTTP1_BAD;
}

/*
 * The same of one as nearly all are: a name of less than a block, one space, a value, CR LF, and the next line there.
 * False: it is another one, and nothing was done. RM_BLOCK bytes before `end` can be read.
 */
static inline bool plain_field(const char *p, const char *end, struct rm_field *ret)
{
	const char *value, *value_end;
	uint64_t hits;
	rm_block b;

	if (end - p <= RM_BLOCK)
		return false;
	b = rm_block_load(p);
	hits = rm_block_below(b, ' ' + 1) | rm_block_equal(b, ':');
	if (!hits)
		return false;
	value = p + rm_block_first(hits) + 2;
	if (rm_bytes_pair(value - 2) != RM_BYTES_PAIR(':', ' ') || value - 2 == p)
		return false;
	value_end = rm_scan_below_back(value, end, ' ');
	if (!ends_field(value_end, end) || (uint8_t)value[0] <= ' ' || (uint8_t)value_end[-1] <= ' ')
		return false;
	*ret = (struct rm_field){ { p, (size_t)(value - 2 - p) }, { value, (size_t)(value_end - value) } };
	return true;
}

/* All fields from `at` on; *ret_end is where they end: before the empty line, or at the end of the input. */
static enum rm_http1_parsed fields(struct rm_http1_head *m, const char *at, const char *end, bool back, const char **ret_end)
{
	uint32_t room = m->room_fields < RM_FIELDS_MAX - CARRIER_PLACES ? m->room_fields : RM_FIELDS_MAX - CARRIER_PLACES;
	const struct rm_field *behind = m->room + (back ? room : 0);
	struct rm_field *f = m->room;
	enum rm_http1_parsed r;

	while (at < end && ((uint8_t)*at > ' ' || (*at != '\r' && *at != '\n'))) {
		if (f < behind && plain_field(at, end, f)) {
			at = f->value.p + f->value.n + 2;
			f++;
			if (!note_field(m, f[-1].name, f[-1].value, false))
				return RM_HTTP1_BAD;
			continue;
		}
		m->head.field_count = (uint32_t)(f - m->room);
		r = any_field(m, at, end, &at);
		if (r != RM_HTTP1_DONE)
			return r;
		f = m->room + m->head.field_count;
	}
	m->head.field_count = (uint32_t)(f - m->room);
	*ret_end = at;
	return RM_HTTP1_DONE;
}

/*
 * The authority that the target names, which then counts instead of Host (RFC 9112 section 3.2.2).
 * User information is left out: it is a credential.
 */
static void target_authority(struct rm_head *h)
{
	struct rm_str t = h->target, rest;
	const char *colon;
	size_t n = 0;

	if (rm_str_eq(h->method, RM_STR("CONNECT"))) {
		h->authority = t;
		return;
	}
	if (t.p[0] == '/' || t.p[0] == '*')
		return;
	colon = memchr(t.p, ':', t.n);
	if (!colon || t.p + t.n - colon < 3 || memcmp(colon, "://", 3) != 0)
		return;
	rest = slice(colon + 3, t.p + t.n);
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#') {
		n++;
		if (rest.p[n - 1] == '@') {
			rest = slice(rest.p + n, t.p + t.n);
			n = 0;
		}
	}
	h->authority = (struct rm_str){ rest.p, n };
}

enum rm_http1_parsed rm_http1_begin(struct rm_http1_head *ret, enum rm_dir dir, const char *p, size_t n)
{
	size_t line_bytes;
	enum rm_http1_parsed r;

	/* Field by field: compilers zero the whole with a string instruction, slow for so little. */
	ret->head.method = ret->head.target = ret->head.authority = ret->head.scheme = (struct rm_str){ NULL, 0 };
	ret->head.block = NULL;
	ret->head.gateway = NULL;
	ret->head.status = 0;
	ret->head.fields = ret->room;
	ret->head.field_count = 0;
	ret->head.same = 0;
	ret->head.fields_cut = false;
	ret->framing = (struct rm_http1_framing){ 0 };
	r = rm_http1_line(&ret->head, dir, p, n, &line_bytes);
	ret->head.line_bytes = r == RM_HTTP1_DONE ? (uint32_t)line_bytes : 0;
	return r;
}

void rm_http1_over(struct rm_http1_head *ret, enum rm_dir dir, const char *p, const char *blank)
{
	ret->head.raw = slice(p, blank);
	ret->head.text_bytes = (uint32_t)(blank - p);
	if (dir == RM_DIR_REQUEST)
		target_authority(&ret->head);
}

enum rm_http1_parsed rm_http1_fields(struct rm_http1_head *ret, enum rm_dir dir, const char *p, size_t n, bool sealed)
{
	const char *at, *end = p + n;
	enum rm_http1_parsed r = fields(ret, p + ret->head.line_bytes, end, n >= RM_BLOCK, &at);

	if (r != RM_HTTP1_DONE)
		return r;
	if (at == end && !sealed)
		return RM_HTTP1_MORE;
	rm_http1_over(ret, dir, p, at);
	return RM_HTTP1_DONE;
}

enum rm_http1_parsed rm_http1_head_parse(struct rm_http1_head *ret, enum rm_dir dir, const char *p,
					 size_t n, bool sealed)
{
	enum rm_http1_parsed r = rm_http1_begin(ret, dir, p, n);

	return r == RM_HTTP1_DONE ? rm_http1_fields(ret, dir, p, n, sealed) : r;
}

size_t rm_http1_to_blank(const char *p, size_t n, bool line_starts, bool *ret_found)
{
	const char *at = p, *end = p + n, *lf;

	*ret_found = true;
	if (line_starts && (*p == '\r' || *p == '\n'))
		return 0;
	for (; (lf = memchr(at, '\n', (size_t)(end - at))) != NULL; at = lf + 1)
		if (lf + 1 < end && (lf[1] == '\r' || lf[1] == '\n'))
			return (size_t)(lf + 1 - p);
	*ret_found = false;
	return n;
}

enum rm_sniff rm_http1_sniff(const uint8_t *p, size_t n)
{
	struct rm_head line;
	size_t line_bytes, at = 0;

	while (at < n && (p[at] == '\r' || p[at] == '\n'))
		at++;
	switch (rm_http1_line(&line, RM_DIR_REQUEST, (const char *)p + at, n - at, &line_bytes)) {
	case RM_HTTP1_DONE:
		return RM_SNIFF_YES;
	case RM_HTTP1_MORE:
		if (line.version.p)
			return RM_SNIFF_YES;
		return n < SNIFF_MAX_BYTES ? RM_SNIFF_MORE : RM_SNIFF_NO;
	default:
		return RM_SNIFF_NO;
	}
}

bool rm_http1_upgrades_to(const struct rm_http1_head *m, struct rm_str protocol)
{
	for (uint32_t i = 0; i < m->head.field_count; i++)
		if (rm_str_ieq(m->head.fields[i].name, RM_STR("upgrade")))
			return rm_str_ieq(m->head.fields[i].value, protocol);
	return false;
}

bool rm_http1_persists(const struct rm_http1_head *m)
{
	if (m->framing.close)
		return false;
	return m->head.version.p[2] != '0' || m->framing.keep_alive;
}
