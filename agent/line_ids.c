/*
 * What is not surely one whole line that a logger wrote is left alone: half of one, several, an object of JSON that is not
 * whole, what moves a cursor. Context: any, signal-safe.
 */
#include "agent/line_ids.h"

#include "base/json_read.h"
#include "base/strbuf.h"

/* The line without its end; empty: there is no whole one, or more than one. */
static struct rm_str only_line(struct rm_str text)
{
	if (text.n < 2 || text.p[text.n - 1] != '\n' || memchr(text.p, '\n', text.n - 1))
		return RM_STR("");
	text.n--;
	if (text.p[text.n - 1] == '\r')
		text.n--;
	return text;
}

/* The length of the sequence that colours a terminal at `i`; 0: it is another one. */
static size_t colour_at(struct rm_str s, size_t i)
{
	size_t end = i + 2;

	if (end >= s.n || s.p[i + 1] != '[')
		return 0;
	while (end < s.n && ((s.p[end] >= '0' && s.p[end] <= '9') || s.p[end] == ';'))
		end++;
	return end < s.n && s.p[end] == 'm' ? end + 1 - i : 0;
}

/* Text whose bytes stand one behind the other: no control characters but tabs and colours. */
static bool is_plain(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t colour;

		if ((unsigned char)s.p[i] >= 0x20 ? s.p[i] != 0x7f : s.p[i] == '\t')
			continue;
		colour = s.p[i] == '\x1b' ? colour_at(s, i) : 0;
		if (!colour)
			return false;
		i += colour - 1;
	}
	return true;
}

static bool is_whole_json(struct rm_str s)
{
	struct rm_json_reader j;

	/* The reader takes any word for one of JSON's. */
	if (!memchr("[\"-0123456789", s.p[0], 13))
		return rm_str_eq(s, RM_STR("null")) || rm_str_eq(s, RM_STR("true")) || rm_str_eq(s, RM_STR("false"));
	rm_json_read(&j, s);
	rm_json_skip(&j);
	return rm_json_read_all(&j);
}

/* Whether it may have members put in, which it has none of; *ret_empty where it has no other either. */
static bool is_open_object(struct rm_str s, bool *ret_empty)
{
	struct rm_json_reader j;
	struct rm_str key;

	*ret_empty = true;
	rm_json_read(&j, s);
	if (!rm_json_object(&j))
		return false;
	while (rm_json_member(&j, &key)) {
		*ret_empty = false;
		/* One that is written with escapes may be any. */
		if (rm_str_eq(key, RM_STR("trace_id")) || rm_str_eq(key, RM_STR("span_id")) || memchr(key.p, '\\', key.n))
			return false;
		rm_json_skip(&j);
	}
	return rm_json_read_all(&j);
}

static size_t put(const struct rm_log_trace *trace, const char *before, const char *between, const char *behind, char *ret)
{
	struct rm_strbuf b;

	rm_strbuf_init(&b, ret, RM_LINE_IDS_BYTES);
	rm_strbuf_c(&b, before);
	rm_strbuf_hex(&b, trace->trace_id, sizeof(trace->trace_id));
	rm_strbuf_c(&b, between);
	rm_strbuf_hex(&b, trace->span_id, sizeof(trace->span_id));
	rm_strbuf_c(&b, behind);
	return b.n;
}

size_t rm_line_ids(struct rm_str text, const struct rm_log_trace *trace, char *ret, size_t *ret_bytes)
{
	struct rm_str line = only_line(text);
	bool is_empty;

	if (line.n == 0 || line.p[0] == ' ' || line.p[0] == '\t' || !is_plain(line))
		return 0;
	if (line.p[0] == '{') {
		if (line.p[line.n - 1] != '}' || !is_open_object(line, &is_empty))
			return 0;
		*ret_bytes = put(trace, is_empty ? "\"trace_id\":\"" : ",\"trace_id\":\"", "\",\"span_id\":\"", "\"", ret);
		return line.n - 1;
	}
	if (rm_str_find(line, RM_STR("trace_id=")) || is_whole_json(line))
		return 0;
	*ret_bytes = put(trace, " trace_id=", " span_id=", "", ret);
	return line.n;
}
