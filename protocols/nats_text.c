/* See nats_text.h. */
#include "protocols/nats_text.h"

enum { LINE_MAX_BYTES = 512 };

/* ---- JSON ---- */

/* Behind the string that begins at `at`; 0: it has no end. */
static size_t string_end(struct rm_str s, size_t at)
{
	for (at++; at < s.n && s.p[at] != '"'; at++)
		at += s.p[at] == '\\';
	return at < s.n ? at + 1 : 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Where the value that begins at `at` ends; 0: nowhere. */
static size_t value_end(struct rm_str s, size_t at)
{
	unsigned depth = 0;

	while (at < s.n) {
		char c = s.p[at];

		if (c == '"') {
			at = string_end(s, at);
			if (!at)
				return 0;
			continue;
		}
		if (!depth && (c == ',' || c == '}'))
			return at;
		depth += c == '{' || c == '[';
		depth -= depth && (c == '}' || c == ']');
		at++;
	}
	return 0;
}

static size_t skip_space(struct rm_str s, size_t at)
{
	while (at < s.n && is_space(s.p[at]))
		at++;
	return at;
}

bool rm_nats_member(struct rm_str s, struct rm_str name, struct rm_str *ret)
{
	struct rm_str found = { 0 };
	size_t at = skip_space(s, 0);

	if (at == s.n || s.p[at] != '{')
		return false;
	do {
		size_t key = skip_space(s, at + 1), value;
		size_t end = key < s.n && s.p[key] == '"' ? string_end(s, key) : 0;

		at = end ? skip_space(s, end) : s.n;
		if (at >= s.n || s.p[at] != ':')
			return false;
		value = skip_space(s, at + 1);
		at = value_end(s, value);
		if (!at)
			return false;
		if (rm_str_eq((struct rm_str){ s.p + key + 1, end - key - 2 }, name))
			found = rm_str_trim((struct rm_str){ s.p + value, at - value });
	} while (s.p[at] == ',');
	*ret = found;
	return found.n > 0;
}

/* ---- headers ---- */

void rm_nats_headers_read(struct rm_str block, struct rm_nats_headers *ret)
{
	bool ends = block.n > 4 && memcmp(block.p + block.n - 4, "\r\n\r\n", 4) == 0;
	struct rm_str rest = block, line = rm_str_cut(&rest, '\n');

	ret->count = 0;
	ret->id = (struct rm_str){ 0 };
	ret->whole = false;
	if (line.n < 9 || memcmp(line.p, "NATS/1.0", 8) != 0 || line.p[line.n - 1] != '\r')
		return;
	ret->whole = ends && rm_str_eq(line, RM_STR("NATS/1.0\r"));
	while (rest.n) {
		struct rm_str value, name;

		line = rm_str_cut(&rest, '\n');
		/* The end of the block, and of what it holds. */
		if (rm_str_eq(line, RM_STR("\r"))) {
			ret->whole = ret->whole && !rest.n;
			return;
		}
		value = line;
		name = rm_str_cut(&value, ':');
		if (!name.n || !value.p || line.p[line.n - 1] != '\r')
			break;
		value.n--;
		if (rm_str_eq(name, RM_STR("Nats-Msg-Id")))
			ret->id = rm_str_trim(value);
		if (rm_carrier_of(name) < 0)
			continue;
		if (ret->count == RM_NATS_FIELDS)
			break;
		ret->fields[ret->count++] = (struct rm_field){ name, rm_str_trim(value) };
	}
	ret->whole = false;
}

/*
 * $JS.ACK.<stream>.<consumer>.<4 numbers and a time>, or with a domain and an account's hash before the stream, and perhaps
 * a random word at the end.
 */
struct rm_str rm_nats_consumer(struct rm_str reply)
{
	struct rm_str words[12], rest = reply;
	unsigned n = 0;

	while (rest.p && n < 12)
		words[n++] = rm_str_cut(&rest, '.');
	if (n < 9 || n == 10 || !rm_str_eq(words[0], RM_STR("$JS")) || !rm_str_eq(words[1], RM_STR("ACK")))
		return (struct rm_str){ 0 };
	return words[n == 9 ? 3 : 5];
}

/* ---- the head of a message ---- */

bool rm_nats_write(const struct rm_envelope *envelope, struct rm_str fields, struct rm_strbuf *out)
{
	const struct rm_nats_envelope *e = (const struct rm_nats_envelope *)envelope;
	struct rm_str block = e->block.n ? (struct rm_str){ e->block.p, e->block.n - 2 } : RM_STR("NATS/1.0\r\n");
	uint64_t header_bytes = block.n + fields.n + 2;

	rm_strbuf_c(out, "HPUB ");
	rm_strbuf_str(out, e->args->subject);
	rm_strbuf_char(out, ' ');
	rm_strbuf_str(out, e->args->reply);
	if (e->args->reply.n)
		rm_strbuf_char(out, ' ');
	rm_strbuf_u64(out, header_bytes);
	rm_strbuf_char(out, ' ');
	rm_strbuf_u64(out, e->args->bytes - e->args->header_bytes + header_bytes);
	rm_strbuf_c(out, "\r\n");
	/* What a server takes of a line is not told; each that has headers takes so much. */
	if (out->n > LINE_MAX_BYTES)
		return false;
	rm_strbuf_str(out, block);
	rm_strbuf_str(out, fields);
	rm_strbuf_c(out, "\r\n");
	return true;
}
