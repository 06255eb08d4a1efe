/* See mqtt_packet.h. */
#include "protocols/mqtt_packet.h"

#include "base/endian.h"

enum {
	MAX_PACKET = 0x27,
	TOPIC_ALIAS = 0x23,
	USER_PROPERTY = 0x26,
	ASSIGNED_CLIENT = 0x12,
	VARINT_MAX_BYTES = 4,
};

int rm_mqtt_varint(struct rm_str bytes, uint32_t *ret)
{
	uint32_t v = 0;

	for (int i = 0; i < VARINT_MAX_BYTES; i++) {
		if ((size_t)i == bytes.n)
			return 0;
		v |= (uint32_t)(bytes.p[i] & 0x7f) << 7 * i;
		if (!(bytes.p[i] & 0x80)) {
			*ret = v;
			return i + 1;
		}
	}
	return -1;
}

static void skip(struct rm_str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

/* A text with its length before it. False: it is not whole. */
static bool text(struct rm_str *rest, struct rm_str *ret)
{
	size_t n = rest->n >= 2 ? rm_be16(rest->p) : 0;

	if (rest->n < 2 + n)
		return false;
	*ret = (struct rm_str){ rest->p + 2, n };
	skip(rest, 2 + n);
	return true;
}

/* ---- properties ---- */

/* Bytes of a value; 0: it is a text, or none that is known. */
static size_t fixed_value(uint8_t id)
{
	switch (id) {
	case 0x01:
	case 0x17:
	case 0x19:
	case 0x24:
	case 0x25:
	case 0x28:
	case 0x29:
	case 0x2a:
		return 1;
	case 0x13:
	case 0x21:
	case 0x22:
	case TOPIC_ALIAS:
		return 2;
	case 0x02:
	case 0x11:
	case 0x18:
	case MAX_PACKET:
		return 4;
	}
	return 0;
}

static bool is_text(uint8_t id)
{
	return id == 0x03 || id == 0x08 || id == 0x09 || id == ASSIGNED_CLIENT || id == 0x15 || id == 0x16 || id == 0x1a ||
	       id == 0x1c || id == 0x1f;
}

static bool user_property(struct rm_str *rest, struct rm_mqtt_properties *ret)
{
	struct rm_str name, value;

	if (!text(rest, &name) || !text(rest, &value))
		return false;
	if (rm_carrier_of(name) < 0)
		return true;
	if (ret->count == RM_MQTT_FIELDS)
		return false;
	ret->fields[ret->count++] = (struct rm_field){ name, value };
	return true;
}

static void number(uint8_t id, const char *p, struct rm_mqtt_properties *ret)
{
	if (id == TOPIC_ALIAS)
		ret->topic_alias = rm_be16(p);
	else if (id == MAX_PACKET)
		ret->max_packet = rm_be32(p);
}

static bool property(struct rm_str *rest, struct rm_mqtt_properties *ret)
{
	uint8_t id = (uint8_t)rest->p[0];
	size_t fixed = fixed_value(id);
	struct rm_str value;
	uint32_t unused;
	int n;

	skip(rest, 1);
	if (id == USER_PROPERTY)
		return user_property(rest, ret);
	if (id == 0x0b) {
		n = rm_mqtt_varint(*rest, &unused);
		if (n > 0)
			skip(rest, (size_t)n);
		return n > 0;
	}
	if (fixed) {
		if (rest->n < fixed)
			return false;
		number(id, rest->p, ret);
		skip(rest, fixed);
		return true;
	}
	if (!is_text(id) || !text(rest, &value))
		return false;
	if (id == ASSIGNED_CLIENT)
		ret->client = value;
	return true;
}

void rm_mqtt_properties_read(struct rm_str properties, struct rm_mqtt_properties *ret)
{
	ret->count = ret->max_packet = 0;
	ret->topic_alias = 0;
	ret->client = (struct rm_str){ 0 };
	ret->whole = true;
	while (ret->whole && properties.n)
		ret->whole = property(&properties, ret);
}

/* ---- PUBLISH ---- */

int64_t rm_mqtt_publish_read(struct rm_str bytes, bool version_5, struct rm_mqtt_publish *ret)
{
	uint32_t length, at, end, properties = 0;
	int n;

	if (bytes.n < 2)
		return 2;
	n = rm_mqtt_varint((struct rm_str){ bytes.p + 1, bytes.n - 1 }, &length);
	if (n <= 0)
		return n ? -1 : (int64_t)bytes.n + 1;
	ret->fixed_bytes = 1 + (uint32_t)n;
	ret->left = length;
	ret->qos = bytes.p[0] >> 1 & 3;
	end = ret->fixed_bytes + length;
	at = ret->fixed_bytes + 2;
	if (at > end || ret->qos == 3)
		return -1;
	if (bytes.n < at)
		return at;
	at += rm_be16(bytes.p + ret->fixed_bytes) + (ret->qos ? 2 : 0);
	if (at + version_5 > end)
		return -1;
	if (bytes.n < at + version_5)
		return at + version_5;
	ret->topic = (struct rm_str){ bytes.p + ret->fixed_bytes + 2, rm_be16(bytes.p + ret->fixed_bytes) };
	ret->id = ret->qos ? rm_be16(bytes.p + at - 2) : 0;
	ret->properties_at = version_5 ? at : 0;
	if (version_5) {
		n = rm_mqtt_varint((struct rm_str){ bytes.p + at, bytes.n - at }, &properties);
		if (n <= 0)
			return n || bytes.n >= end ? -1 : (int64_t)bytes.n + 1;
		at += (uint32_t)n;
	}
	if (properties > end || at + properties > end)
		return -1;
	if (bytes.n < at + properties)
		return at + properties;
	ret->properties = (struct rm_str){ bytes.p + at, properties };
	ret->head_bytes = at + properties;
	return 0;
}

static void put_varint(struct rm_strbuf *out, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		rm_strbuf_char(out, (char)(v | 0x80));
	rm_strbuf_char(out, (char)v);
}

static uint32_t varint_bytes(uint32_t v)
{
	return v < 1 << 7 ? 1 : v < 1 << 14 ? 2 : v < 1 << 21 ? 3 : 4;
}

static void put_text(struct rm_strbuf *out, struct rm_str s)
{
	rm_strbuf_char(out, (char)(s.n >> 8));
	rm_strbuf_char(out, (char)s.n);
	rm_strbuf_str(out, s);
}

void rm_mqtt_put(struct rm_strbuf *out, struct rm_str name, struct rm_str value)
{
	rm_strbuf_char(out, USER_PROPERTY);
	put_text(out, name);
	put_text(out, value);
}

/*
 * Who receives a message has a limit for packets of its own, which only the server knows, and what is longer never arrives.
 * Such limits are powers of two, or one less, from RECEIVER_MIN_BYTES on. The server writes the packet anew, for each receiver:
 * perhaps without its number or with an alias for its topic, or with properties of its own.
 */
enum { RECEIVER_MIN_BYTES = 512, NUMBER_BYTES = 2, SERVERS_BYTES = 32 };

static bool reaches_limit(const struct rm_mqtt_publish *p, uint64_t to)
{
	uint64_t from = p->fixed_bytes + (uint64_t)p->left - NUMBER_BYTES - p->topic.n, limit = RECEIVER_MIN_BYTES;

	while (limit < from)
		limit *= 2;
	return to + SERVERS_BYTES >= limit;
}

bool rm_mqtt_write(const struct rm_envelope *envelope, struct rm_str fields, struct rm_strbuf *out)
{
	const struct rm_mqtt_publish *p = ((const struct rm_mqtt_envelope *)envelope)->publish;
	uint32_t old = (uint32_t)p->properties.n, all = old + (uint32_t)fields.n;
	uint64_t length = (uint64_t)p->left + fields.n + varint_bytes(all) - varint_bytes(old);
	const char *packet = envelope->head.p;

	/* A sender may have written the length of the properties in more bytes than it needs: that is left alone. */
	if (length > RM_MQTT_LENGTH_MAX || p->properties_at + varint_bytes(old) + old != p->head_bytes)
		return false;
	if (reaches_limit(p, 1 + varint_bytes((uint32_t)length) + length))
		return false;
	rm_strbuf_char(out, packet[0]);
	put_varint(out, (uint32_t)length);
	rm_strbuf_put(out, packet + p->fixed_bytes, p->properties_at - p->fixed_bytes);
	put_varint(out, all);
	rm_strbuf_str(out, p->properties);
	rm_strbuf_str(out, fields);
	return true;
}
