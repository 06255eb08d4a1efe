/* See nats_text.h. */
#include "protocols/nats_text.h"

#include "base/json_read.h"

enum { LINE_MAX_BYTES = 512 };

bool rm_nats_member(struct rm_str s, struct rm_str name, struct rm_str *ret)
{
	struct rm_str found = { 0 }, key, value;
	struct rm_json_reader j;

	rm_json_read(&j, s);
	if (!rm_json_object(&j))
		return false;
	while (rm_json_member(&j, &key) && rm_json_any(&j, &value))
		if (rm_str_eq(key, name))
			found = value;
	if (j.failed)
		return false;
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
