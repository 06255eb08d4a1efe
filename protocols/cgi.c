/*
 * See cgi.h. A field of the request that the web server got is a variable whose name lost its case and its
 * hyphens: HTTP_USER_AGENT is read as user-agent. Answers are read as web servers read them: a line
 * "Status: 404 Not Found" or one of HTTP, else 302 with a Location, else 200.
 */
#include "protocols/cgi.h"

#include "base/endian.h"

#include <stddef.h>
#include <string.h>

/* ---- variables ---- */

static bool take(struct rm_cgi_vars *v, size_t n, struct rm_str *ret)
{
	if (n > v->n - v->at)
		return false;
	*ret = (struct rm_str){ v->p + v->at, n };
	v->at += n;
	return true;
}

static bool take_length(struct rm_cgi_vars *v, size_t *ret)
{
	const uint8_t *b = (const uint8_t *)v->p + v->at;
	size_t left = v->n - v->at;

	if (v->form == RM_CGI_UWSGI) {
		if (left < 2)
			return false;
		*ret = rm_le16(b);
		v->at += 2;
		return true;
	}
	if (!left || (b[0] & 0x80 && left < 4))
		return false;
	*ret = b[0] & 0x80 ? rm_be32(b) & INT32_MAX : b[0];
	v->at += b[0] & 0x80 ? 4 : 1;
	return true;
}

static bool take_text(struct rm_cgi_vars *v, struct rm_str *ret)
{
	const char *end = memchr(v->p + v->at, '\0', v->n - v->at);

	if (!end || !take(v, (size_t)(end - (v->p + v->at)), ret))
		return false;
	v->at++;
	return true;
}

int rm_cgi_next(struct rm_cgi_vars *v, struct rm_str *ret_name, struct rm_str *ret_value)
{
	size_t name_bytes, value_bytes;
	bool whole;

	if (v->at == v->n)
		return 0;
	if (v->form == RM_CGI_SCGI)
		whole = take_text(v, ret_name) && take_text(v, ret_value);
	else if (v->form == RM_CGI_UWSGI)
		whole = take_length(v, &name_bytes) && take(v, name_bytes, ret_name) &&
			take_length(v, &value_bytes) && take(v, value_bytes, ret_value);
	else
		whole = take_length(v, &name_bytes) && take_length(v, &value_bytes) &&
			take(v, name_bytes, ret_name) && take(v, value_bytes, ret_value);
	return whole ? 1 : -1;
}

/* ---- requests ---- */

/* The variables that a head is made of, beside those that are fields. */
struct known {
	struct rm_str method, uri, document, script, path, query, protocol, scheme, https, host, server, client, length;
};

#define VARIABLE(text, member) { text, offsetof(struct known, member) }

static const struct {
	char name[16];
	uint16_t at; /* in struct known */
} table[] = {
	VARIABLE("REQUEST_METHOD", method),
	VARIABLE("REQUEST_URI", uri),
	VARIABLE("DOCUMENT_URI", document),
	VARIABLE("SCRIPT_NAME", script),
	VARIABLE("PATH_INFO", path),
	VARIABLE("QUERY_STRING", query),
	VARIABLE("SERVER_PROTOCOL", protocol),
	VARIABLE("REQUEST_SCHEME", scheme),
	VARIABLE("HTTPS", https),
	VARIABLE("HTTP_HOST", host),
	VARIABLE("SERVER_NAME", server),
	VARIABLE("REMOTE_ADDR", client),
	VARIABLE("CONTENT_LENGTH", length),
};

static void note(struct known *k, struct rm_str name, struct rm_str value)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (rm_str_eq(name, RM_STR_OF(table[i].name)))
			memcpy((char *)k + table[i].at, &value, sizeof(value));
}

/* The name of the field that a variable stands for; empty when it stands for none. */
static struct rm_str field_of(struct rm_str name, struct rm_str value)
{
	if (name.n > 5 && memcmp(name.p, "HTTP_", 5) == 0)
		return (struct rm_str){ name.p + 5, name.n - 5 };
	if (value.n && (rm_str_eq(name, RM_STR("CONTENT_TYPE")) || rm_str_eq(name, RM_STR("CONTENT_LENGTH"))))
		return name;
	return (struct rm_str){ NULL, 0 };
}

/* "USER_AGENT" as "user-agent". */
static struct rm_str as_header(struct rm_str name, char *to)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		to[i] = (char)(c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	return (struct rm_str){ to, name.n };
}

/* Lists a field. The last places, and the last of the text, are kept for carriers of trace context. */
static void list_field(struct rm_head *h, struct rm_str name, struct rm_str value, struct rm_cgi_room *room,
		       struct rm_strbuf *text)
{
	enum { CARRIER_PLACES = 16, CARRIER_BYTES = 512 };
	size_t left = text->cap - text->n;
	struct rm_str header;
	bool scarce;

	h->text_bytes += (uint32_t)(name.n + value.n);
	if (name.n > left) {
		h->fields_cut = true;
		return;
	}
	header = as_header(name, text->p + text->n);
	scarce = h->field_count >= RM_FIELDS_MAX - CARRIER_PLACES || left - name.n < CARRIER_BYTES;
	if (h->field_count == RM_FIELDS_MAX || (scarce && rm_carrier_of(header) < 0)) {
		h->fields_cut = true;
		return;
	}
	text->n += name.n;
	room->fields[h->field_count++] = (struct rm_field){ header, rm_str_trim(value) };
}

/* The target as the client sent it, or what it comes to. */
static struct rm_str target_of(const struct known *k, struct rm_strbuf *text)
{
	struct rm_str path = k->script.n || k->path.n ? k->script : k->document;
	size_t start = text->n;

	if (k->uri.n)
		return k->uri;
	rm_strbuf_str(text, path);
	if (k->script.n || k->path.n)
		rm_strbuf_str(text, k->path);
	if (text->n > start && k->query.n) {
		rm_strbuf_char(text, '?');
		rm_strbuf_str(text, k->query);
	}
	if (text->truncated)
		return (struct rm_str){ NULL, 0 };
	return (struct rm_str){ text->p + start, text->n - start };
}

/* "HTTP/1.1" as "1.1", "HTTP/2.0" as "2". */
static struct rm_str version_of(struct rm_str protocol)
{
	rm_str_cut(&protocol, '/');
	if (protocol.n == 3 && protocol.p[0] >= '2' && protocol.p[1] == '.' && protocol.p[2] == '0')
		protocol.n = 1;
	return protocol.p ? protocol : (struct rm_str){ NULL, 0 };
}

static bool is_secure(const struct known *k)
{
	return k->https.n && !rm_str_ieq(k->https, RM_STR("off"));
}

bool rm_cgi_request(struct rm_cgi_request *ret, struct rm_cgi_vars vars, struct rm_cgi_room *room)
{
	struct known k = { 0 };
	struct rm_head *h = &ret->head;
	struct rm_str name, value;
	struct rm_strbuf text;
	int got;

	*ret = (struct rm_cgi_request){ .head.fields = room->fields };
	rm_strbuf_init(&text, room->text, sizeof(room->text) / 2);
	while ((got = rm_cgi_next(&vars, &name, &value)) == 1) {
		struct rm_str field = field_of(name, value);

		note(&k, name, value);
		if (rm_str_eq(name, RM_STR("HTTP_TRACEPARENT")))
			ret->traceparent = value;
		if (field.n)
			list_field(h, field, value, room, &text);
	}
	rm_strbuf_init(&text, room->text + sizeof(room->text) / 2, sizeof(room->text) / 2);
	h->method = k.method;
	h->target = target_of(&k, &text);
	h->scheme = k.scheme.n ? k.scheme : is_secure(&k) ? RM_STR("https") : RM_STR("http");
	h->version = version_of(k.protocol);
	h->authority = k.host.n ? k.host : k.server;
	ret->gateway.client = k.client;
	ret->gateway.traceparent_at = RM_NOWHERE;
	h->gateway = &ret->gateway;
	if (k.length.n && !rm_str_u64(k.length, &ret->content_bytes))
		return false;
	return got == 0 && h->method.n && h->target.n;
}

/* ---- answers ---- */

/* Where the bytes so far end: in a line, at the start of one, or there behind a CR. */
enum { LINE_START, IN_LINE, AFTER_CR };

/* Bytes up to and with the empty line that ends a head, or all; *ret_found says which. */
static size_t head_end(uint8_t *line, const char *p, size_t n, bool *ret_found)
{
	for (size_t i = 0; i < n; i++) {
		const char *lf;

		if (p[i] == '\n') {
			*ret_found = *line != IN_LINE;
			*line = LINE_START;
			if (*ret_found)
				return i + 1;
			continue;
		}
		if (p[i] == '\r' && *line == LINE_START) {
			*line = AFTER_CR;
			continue;
		}
		*line = IN_LINE;
		lf = memchr(p + i, '\n', n - i);
		i = (lf ? (size_t)(lf - p) : n) - 1;
	}
	*ret_found = false;
	return n;
}

/* Three digits and an end of the number; 0 when it is none. */
static int status_in(struct rm_str s)
{
	int status = 0;

	if (s.n < 3 || (s.n > 3 && s.p[3] != ' '))
		return 0;
	for (int i = 0; i < 3; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return 0;
		status = status * 10 + (s.p[i] - '0');
	}
	return status;
}

/* "HTTP/1.1 404 Not Found", as the first line of an answer. */
static bool status_line(struct rm_head *h, struct rm_str line)
{
	struct rm_str version = rm_str_cut(&line, ' ');

	if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0)
		return false;
	h->version = (struct rm_str){ version.p + 5, 3 };
	h->status = status_in(line);
	return true;
}

/* False when it says a status that is none. */
static bool read_head(struct rm_head *h, struct rm_str rest, struct rm_cgi_room *room)
{
	bool located = false, said = false;

	*h = (struct rm_head){ .fields = room->fields };
	for (int i = 0; rest.p; i++) {
		struct rm_str value = rm_str_cut(&rest, '\n'), name;

		value.n -= value.n && value.p[value.n - 1] == '\r';
		if (i == 0 && status_line(h, value)) {
			said = true;
			continue;
		}
		name = rm_str_cut(&value, ':');
		if (!value.p || !name.n)
			continue;
		value = rm_str_trim(value);
		if (!said && rm_str_ieq(name, RM_STR("status"))) {
			h->status = status_in(value);
			said = true;
		}
		located = located || rm_str_ieq(name, RM_STR("location"));
		if (h->field_count == RM_FIELDS_MAX)
			h->fields_cut = true;
		else
			room->fields[h->field_count++] = (struct rm_field){ name, value };
	}
	if (!said)
		h->status = located ? 302 : 200;
	return h->status == 101 || h->status >= 200;
}

/* A head is whole. */
static bool tell(struct rm_cgi_answer *a, struct rm_str text, struct rm_sink *sink, rm_xid x)
{
	struct rm_cgi_room *room = sink->on->scratch(sink, sizeof(*room));
	struct rm_head head;

	if (!room || !read_head(&head, text, room))
		return false;
	a->over = true;
	sink->on->response_head(sink, x, &head);
	return true;
}

int64_t rm_cgi_answer_feed(struct rm_cgi_answer *a, const char *p, size_t n, struct rm_sink *sink, rm_xid x)
{
	bool found, good;
	size_t taken = head_end(&a->line, p, n, &found);
	char *stash;

	if (found && !a->stashed)
		return tell(a, (struct rm_str){ p, taken }, sink, x) ? (int64_t)taken : RM_FEED_MUTE;
	if (taken > RM_HEAD_MAX_BYTES - a->stashed)
		return RM_FEED_MUTE;
	stash = sink->on->stash(sink, RM_STASH_RESPONSE_HEAD, a->stashed + (uint32_t)taken);
	if (!stash)
		return RM_FEED_MUTE;
	memcpy(stash + a->stashed, p, taken);
	a->stashed += (uint32_t)taken;
	if (!found)
		return (int64_t)taken;
	good = tell(a, (struct rm_str){ stash, a->stashed }, sink, x);
	rm_cgi_answer_drop(a, sink);
	return good ? (int64_t)taken : RM_FEED_MUTE;
}

void rm_cgi_answer_drop(struct rm_cgi_answer *a, struct rm_sink *sink)
{
	if (a->stashed)
		sink->on->unstash(sink, RM_STASH_RESPONSE_HEAD);
	a->stashed = 0;
}
