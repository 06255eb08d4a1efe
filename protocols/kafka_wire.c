/* See kafka_wire.h. */
#include "protocols/kafka_wire.h"

#include "protocols/crc32c.h"

/* Of the head of a batch. */
enum {
	LENGTH_AT = 8,
	EPOCH_AT = 12, /* what the length counts begins here */
	MAGIC_AT = 16,
	CRC_AT = 17,
	ATTRIBUTES_AT = 21, /* what the checksum is of, from here to the end */
	COUNT_AT = 57,
	COMPRESSION = 7,
	CONTROL = 0x20,
	OLD_BATCH_BYTES = 14, /* what a message before version 2 has at least */
};

/* ---- reading ---- */

struct rm_str rm_kafka_take(struct rm_kafka_cursor *c, size_t n)
{
	struct rm_str s = { c->p + c->at, n };

	if (c->bad || c->n - c->at < n) {
		c->bad = true;
		return (struct rm_str){ 0 };
	}
	c->at += n;
	return s;
}

int64_t rm_kafka_int(struct rm_kafka_cursor *c, size_t bytes)
{
	struct rm_str s = rm_kafka_take(c, bytes);
	uint64_t v = 0;

	if (!s.n)
		return 0;
	v = s.p[0] & 0x80 ? ~0ull : 0;
	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | (uint8_t)s.p[i];
	return (int64_t)v;
}

static uint64_t varint(struct rm_kafka_cursor *c, unsigned most_bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < most_bytes; i++) {
		struct rm_str s = rm_kafka_take(c, 1);

		if (!s.n)
			return 0;
		v |= (uint64_t)((uint8_t)*s.p & 0x7f) << 7 * i;
		if (!(*s.p & 0x80))
			return v;
	}
	c->bad = true;
	return 0;
}

uint32_t rm_kafka_uvarint(struct rm_kafka_cursor *c)
{
	uint64_t v = varint(c, 5);

	if (v > UINT32_MAX)
		c->bad = true;
	return c->bad ? 0 : (uint32_t)v;
}

int64_t rm_kafka_varint(struct rm_kafka_cursor *c)
{
	uint64_t v = varint(c, 10);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* A length, of which NULL is -1 or in flexible versions 0. */
static uint32_t length(struct rm_kafka_cursor *c, size_t bytes)
{
	int64_t n = c->flexible ? (int64_t)rm_kafka_uvarint(c) - 1 : rm_kafka_int(c, bytes);

	if (n < -1)
		c->bad = true;
	return n > 0 && !c->bad ? (uint32_t)n : 0;
}

struct rm_str rm_kafka_string(struct rm_kafka_cursor *c)
{
	return rm_kafka_take(c, length(c, 2));
}

struct rm_str rm_kafka_bytes(struct rm_kafka_cursor *c)
{
	return rm_kafka_take(c, length(c, 4));
}

uint32_t rm_kafka_count(struct rm_kafka_cursor *c)
{
	return length(c, 4);
}

void rm_kafka_tags(struct rm_kafka_cursor *c)
{
	uint32_t count = c->flexible ? rm_kafka_uvarint(c) : 0;

	for (uint32_t i = 0; i < count && !c->bad; i++) {
		rm_kafka_uvarint(c);
		rm_kafka_take(c, rm_kafka_uvarint(c));
	}
}

/* ---- writing ---- */

void rm_kafka_put_int(struct rm_strbuf *out, uint64_t v, size_t bytes)
{
	while (bytes-- > 0)
		rm_strbuf_char(out, (char)(v >> 8 * bytes));
}

void rm_kafka_put_uvarint(struct rm_strbuf *out, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		rm_strbuf_char(out, (char)(v | 0x80));
	rm_strbuf_char(out, (char)v);
}

void rm_kafka_put_varint(struct rm_strbuf *out, int64_t v)
{
	uint64_t z = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);

	for (; z >= 0x80; z >>= 7)
		rm_strbuf_char(out, (char)(z | 0x80));
	rm_strbuf_char(out, (char)z);
}

void rm_kafka_put_header(struct rm_strbuf *out, struct rm_str name, struct rm_str value)
{
	rm_kafka_put_varint(out, (int64_t)name.n);
	rm_strbuf_str(out, name);
	rm_kafka_put_varint(out, (int64_t)value.n);
	rm_strbuf_str(out, value);
}

/* ---- batches ---- */

bool rm_kafka_batch_read(const char *p, struct rm_kafka_batch *ret)
{
	struct rm_kafka_cursor c = { .p = p, .n = RM_KAFKA_BATCH_BYTES };
	int64_t bytes, count;
	uint32_t attributes;

	ret->offset = rm_kafka_int(&c, 8);
	bytes = rm_kafka_int(&c, 4);
	ret->magic = (uint8_t)p[MAGIC_AT];
	ret->plain = false;
	ret->count = 0;
	if (bytes < 0 || ret->magic > 2)
		return false;
	ret->bytes = EPOCH_AT + (uint32_t)bytes;
	if (ret->magic < 2)
		return bytes >= OLD_BATCH_BYTES;
	c.at = ATTRIBUTES_AT;
	attributes = (uint32_t)rm_kafka_int(&c, 2);
	c.at = COUNT_AT;
	count = rm_kafka_int(&c, 4);
	if (count < 0 || ret->bytes < RM_KAFKA_BATCH_BYTES)
		return false;
	ret->count = attributes & CONTROL ? 0 : (uint32_t)count;
	ret->plain = !(attributes & (COMPRESSION | CONTROL));
	return true;
}

bool rm_kafka_record_read(struct rm_str body, struct rm_kafka_record *ret)
{
	struct rm_kafka_cursor c = { .p = body.p, .n = body.n };
	int64_t n, count;

	ret->count = 0;
	rm_kafka_take(&c, 1); /* attributes */
	rm_kafka_varint(&c);  /* time and number, counted from those of the batch */
	rm_kafka_varint(&c);
	for (int i = 0; i < 2; i++) { /* key and value; NULL is -1 */
		n = rm_kafka_varint(&c);
		if (n < -1)
			return false;
		rm_kafka_take(&c, n > 0 ? (size_t)n : 0);
	}
	ret->headers_at = c.at;
	count = rm_kafka_varint(&c);
	ret->headers_bytes = c.at - ret->headers_at;
	if (c.bad || count < 0 || (uint64_t)count > body.n)
		return false;
	ret->headers = (uint32_t)count;
	for (int64_t i = 0; i < count && !c.bad; i++) {
		struct rm_field f;

		n = rm_kafka_varint(&c);
		if (n < 0)
			return false;
		f.name = rm_kafka_take(&c, (size_t)n);
		n = rm_kafka_varint(&c);
		if (n < -1)
			return false;
		f.value = rm_kafka_take(&c, n > 0 ? (size_t)n : 0);
		if (!c.bad && rm_carrier_of(f.name) >= 0 && ret->count < RM_KAFKA_FIELDS)
			ret->fields[ret->count++] = f;
	}
	return !c.bad && c.at == c.n;
}

/* How many headers `put` wrote. */
static uint32_t count_fields(struct rm_str fields)
{
	struct rm_kafka_cursor c = { .p = fields.p, .n = fields.n };
	uint32_t count = 0;

	for (; c.at < c.n && !c.bad; count++) {
		rm_kafka_take(&c, (size_t)rm_kafka_varint(&c));
		rm_kafka_take(&c, (size_t)rm_kafka_varint(&c));
	}
	return count;
}

static size_t varint_bytes(int64_t v)
{
	uint64_t z = (uint64_t)v << 1;

	return (size_t)(70 - __builtin_clzll(z | 1)) / 7;
}

static bool write_record(struct rm_str body, struct rm_str fields, uint32_t more, struct rm_strbuf *out)
{
	struct rm_kafka_record r;
	size_t behind;

	if (!rm_kafka_record_read(body, &r))
		return false;
	behind = r.headers_at + r.headers_bytes;
	rm_kafka_put_varint(out, (int64_t)(body.n - r.headers_bytes + varint_bytes(r.headers + (int64_t)more) + fields.n));
	rm_strbuf_put(out, body.p, r.headers_at);
	rm_kafka_put_varint(out, r.headers + (int64_t)more);
	rm_strbuf_put(out, body.p + behind, body.n - behind);
	rm_strbuf_str(out, fields);
	return true;
}

static void set_int32(char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(v >> 8 * (3 - i));
}

bool rm_kafka_batch_write(struct rm_str batch, struct rm_str fields, struct rm_strbuf *out)
{
	struct rm_kafka_cursor c = { .p = batch.p, .n = batch.n, .at = RM_KAFKA_BATCH_BYTES };
	uint32_t more = count_fields(fields);
	struct rm_kafka_batch b;
	size_t from = out->n;
	char *head;

	if (batch.n < RM_KAFKA_BATCH_BYTES || !rm_kafka_batch_read(batch.p, &b) || !b.plain || b.bytes != batch.n)
		return false;
	rm_strbuf_put(out, batch.p, RM_KAFKA_BATCH_BYTES);
	for (uint32_t i = 0; i < b.count; i++) {
		int64_t n = rm_kafka_varint(&c);
		struct rm_str body = rm_kafka_take(&c, n > 0 ? (size_t)n : 0);

		if (c.bad || n <= 0 || !write_record(body, fields, more, out))
			return false;
	}
	if (c.at != c.n || out->truncated)
		return false;
	head = out->p + from;
	set_int32(head + LENGTH_AT, (uint32_t)(out->n - from) - EPOCH_AT);
	set_int32(head + CRC_AT, rm_crc32c(head + ATTRIBUTES_AT, out->n - from - ATTRIBUTES_AT));
	return true;
}
