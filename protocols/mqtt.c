/*
 * MQTT 3.1, 3.1.1 and 5: what a client publishes, and what it receives.
 *
 * Each direction:  PACKET (of those that matter the head) --> REST (of it, stepped over) --> PACKET
 *
 * A message that is published is over with its last byte (QoS 0), with PUBACK (1) or PUBCOMP (2), or with what refuses it.
 * One that is received is over with its last byte. In version 5 context is carried by user properties, within the packet
 * size that the server's CONNACK allows; before it was seen nothing is added. Earlier versions carry none.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: MQTT Version 3.1.1; MQTT Version 5.0, sections 2 and 3.
 */
#include "base/endian.h"
#include "protocols/gather.h"
#include "protocols/mqtt_packet.h"
#include "protocols/names.h"
#include "protocols/unsettled.h"

enum {
	PORT = 1883,
	HEAD_MAX_BYTES = 32 * 1024,
	KEEP_BYTES = 4096,      /* of packets that are no PUBLISH */
	PACKET_MAX_BYTES = 1 << 30,
	FAILURE = 0x80,         /* reason codes from here on */
};

struct way {
	struct rm_gather gather;
	uint32_t left;  /* of the packet: 0, one begins */
	bool told;      /* it is a message ... */
	bool waits;     /* ... that the server settles by ... */
	uint16_t id;    /* ... this number */
	rm_xid x;
	uint32_t body;
};

struct mqtt {
	struct way way[2]; /* by enum rm_dir */
	struct rm_unsettled unsettled;
	struct rm_names names; /* the client's, and topics by their aliases */
	uint32_t max_packet;   /* 0: not told yet */
	bool version_5, connected, muted;
};

_Static_assert(sizeof(struct mqtt) <= RM_CONN_STATE_BYTES, "as any protocol");

struct feed {
	struct mqtt *s;
	struct way *w;
	struct rm_input in;
	struct rm_sink *sink;
	void *conn;
};

static const struct rm_str none;

/* ---- CONNECT ---- */

/* What stands behind the length of a CONNECT: its protocol's name and version. */
static int version_of(struct rm_str s)
{
	if (s.n >= 7 && memcmp(s.p, "\0\4MQTT", 6) == 0)
		return s.p[6];
	if (s.n >= 9 && memcmp(s.p, "\0\6MQIsdp", 8) == 0)
		return s.p[8];
	return 0;
}

static bool begins_alike(struct rm_str s, struct rm_str with)
{
	size_t n = s.n < with.n ? s.n : with.n;

	return n == 0 || memcmp(s.p, with.p, n) == 0;
}

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	struct rm_str bytes = { (const char *)p + 1, n ? n - 1 : 0 };
	uint32_t length;
	int used, version;

	if (n == 0)
		return RM_SNIFF_MORE;
	used = rm_mqtt_varint(bytes, &length);
	if (p[0] != RM_MQTT_CONNECT << 4 || used < 0 || (used > 0 && length < 10))
		return RM_SNIFF_NO;
	bytes = used ? (struct rm_str){ bytes.p + used, bytes.n - (size_t)used } : none;
	version = version_of(bytes);
	if (version)
		return version >= 3 && version <= 5 ? RM_SNIFF_YES : RM_SNIFF_NO;
	return begins_alike(bytes, RM_STR("\0\4MQTT")) || begins_alike(bytes, RM_STR("\0\6MQIsdp")) ? RM_SNIFF_MORE : RM_SNIFF_NO;
}

static void mqtt_open(void *state, enum rm_role role)
{
	(void)state, (void)role;
}

/* Behind the properties that a packet of version 5 has here; they go to `ret`. */
static struct rm_str read_properties(struct rm_str s, struct rm_mqtt_properties *ret)
{
	uint32_t bytes;
	int n = rm_mqtt_varint(s, &bytes);

	if (n <= 0 || s.n - (size_t)n < bytes) {
		rm_mqtt_properties_read(none, ret);
		ret->whole = s.n == 0;
		return none;
	}
	rm_mqtt_properties_read((struct rm_str){ s.p + n, bytes }, ret);
	return rm_str_behind(s, (size_t)n + bytes);
}

/* What a packet is read with: the memory for one feed (rm_sink_calls.scratch). */
struct room {
	struct rm_mqtt_properties properties;
	char topic[RM_NAMES_TEXT_BYTES], client[RM_NAMES_TEXT_BYTES];
};

/* NULL: no memory. */
static struct room *room_of(const struct feed *f)
{
	return f->sink->on->scratch(f->sink, sizeof(struct room));
}

static bool connect_packet(struct feed *f, struct rm_str body)
{
	struct room *room = room_of(f);
	int version = version_of(body);
	struct rm_str rest;
	size_t n;

	if (!room || f->s->connected || version < 3 || version > 5)
		return false;
	f->s->connected = true;
	f->s->version_5 = version == RM_MQTT_VERSION_5;
	/* Name, version, flags and keep-alive. */
	rest = rm_str_behind(body, (version == 3 ? 8 : 6) + 1 + 1 + 2);
	if (f->s->version_5)
		rest = read_properties(rest, &room->properties);
	n = rest.n >= 2 ? rm_be16(rest.p) : 0;
	if (n && rest.n >= 2 + n)
		rm_names_put(&f->s->names, f->sink, RM_STR("i"), (struct rm_str){ rest.p + 2, n });
	return true;
}

/* False: no memory. */
static bool connack(struct feed *f, struct rm_str body)
{
	struct room *room = f->s->version_5 ? room_of(f) : NULL;
	struct rm_mqtt_properties *p;

	if (!room)
		return !f->s->version_5;
	p = &room->properties;
	read_properties(rm_str_behind(body, 2), p);
	f->s->max_packet = p->max_packet && p->whole ? p->max_packet : p->whole ? PACKET_MAX_BYTES : 1;
	if (p->client.n)
		rm_names_put(&f->s->names, f->sink, RM_STR("i"), p->client);
	return true;
}

/* ---- messages ---- */

/* The topic, which may have been said before, by a number; ret->p is in `room` then. */
static struct rm_str topic_of(struct feed *f, struct rm_str topic, uint16_t alias, char room[RM_NAMES_TEXT_BYTES])
{
	char key[3] = { f->in.dir == RM_DIR_REQUEST ? '>' : '<', (char)(alias >> 8), (char)alias };
	struct rm_str name = { key, sizeof(key) }, known;

	if (alias && topic.n)
		rm_names_put(&f->s->names, f->sink, name, topic);
	if (topic.n || !alias || !rm_names_get(&f->s->names, f->sink, name, &known))
		return topic;
	memcpy(room, known.p, known.n);
	return (struct rm_str){ room, known.n };
}

static struct rm_str client_of(struct feed *f, char room[RM_NAMES_TEXT_BYTES])
{
	struct rm_str known;

	if (!rm_names_get(&f->s->names, f->sink, RM_STR("i"), &known))
		return none;
	memcpy(room, known.p, known.n);
	return (struct rm_str){ room, known.n };
}

static uint64_t room_for(const struct mqtt *s, const struct rm_mqtt_publish *publish, const struct rm_mqtt_properties *p)
{
	uint64_t bytes = publish->fixed_bytes + (uint64_t)publish->left;

	return p->whole && p->count <= RM_MQTT_FIELDS / 2 && s->max_packet > bytes ? s->max_packet - bytes : 0;
}

/* The head of a PUBLISH is here, and was stepped over. */
static enum rm_step message(struct feed *f, struct rm_str head, int64_t at, const struct rm_mqtt_publish *publish)
{
	bool received = f->in.dir == RM_DIR_RESPONSE;
	struct rm_mqtt_envelope envelope = { .publish = publish };
	struct rm_message m = { .system = RM_STR("mqtt"), .port = PORT, .received = received };
	struct room *room = room_of(f);
	struct rm_mqtt_properties *p;

	if (!room)
		return RM_STEP_MUTE;
	p = &room->properties;
	rm_mqtt_properties_read(publish->properties, p);
	m.operation = received ? RM_STR("receive") : RM_STR("publish");
	m.destination = topic_of(f, publish->topic, p->topic_alias, room->topic);
	m.client = client_of(f, room->client);
	m.fields = p->fields;
	m.field_count = p->count;
	envelope.base = (struct rm_envelope){
		.at = at,
		.head = head,
		.room_bytes = room_for(f->s, publish, p),
		.extra_bytes = RM_MQTT_EXTRA_BYTES,
		.copies = 1,
		.put = rm_mqtt_put,
		.write = rm_mqtt_write,
	};
	if (!received && f->s->version_5)
		m.envelope = &envelope.base;
	f->w->told = true;
	f->w->waits = publish->qos && !received;
	f->w->id = publish->id;
	f->w->body = f->w->left;
	f->w->x = f->sink->on->request(f->sink, f->conn);
	return f->sink->on->message(f->sink, f->w->x, &m, (uint32_t)f->in.at) || received ? RM_STEP_GO_ON : RM_STEP_STOP;
}

static void settle(struct rm_sink *sink, rm_xid x, struct rm_str error, uint64_t body)
{
	struct rm_outcome outcome = { .failed = error.n, .status = error };

	sink->on->response(sink, x);
	sink->on->outcome(sink, x, &outcome);
	sink->on->response_end(sink, x, body);
}

static void packet_over(struct feed *f)
{
	struct way over = *f->w;
	bool sent = f->in.dir == RM_DIR_REQUEST;

	if (!over.told)
		return;
	f->w->told = false;
	f->w->x = 0;
	f->sink->on->request_end(f->sink, over.x, sent ? over.body : 0);
	if (over.x && over.waits && rm_unsettled_add(&f->s->unsettled, f->sink, over.id, over.x))
		return;
	settle(f->sink, over.x, none, sent ? 0 : over.body);
}

/* PUBACK, PUBREC, PUBCOMP of the server: the number of the packet, and in version 5 perhaps a reason. */
static void acknowledged(struct feed *f, uint8_t type, struct rm_str body)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t reason = f->s->version_5 && body.n > 2 ? (uint8_t)body.p[2] : 0;
	char text[4] = { '0', 'x', digits[reason >> 4], digits[reason & 15] };
	bool failed = reason >= FAILURE;
	uint64_t id;
	rm_xid x;

	/* After PUBREC the server has the message, but the exchange goes on. */
	if (body.n < 2 || (type == RM_MQTT_PUBREC && !failed))
		return;
	id = rm_be16(body.p);
	if (rm_unsettled_take(&f->s->unsettled, f->sink, id, id, &x))
		settle(f->sink, x, failed ? (struct rm_str){ text, sizeof(text) } : none, 0);
}

/* ---- packets ---- */

/* One that is no PUBLISH is here, or its beginning. */
static bool other_packet(struct feed *f, uint8_t type, struct rm_str body)
{
	bool received = f->in.dir == RM_DIR_RESPONSE;

	switch (type) {
	case RM_MQTT_CONNECT:
		return !received && connect_packet(f, body);
	case RM_MQTT_CONNACK:
		return received && connack(f, body);
	case RM_MQTT_PUBACK:
	case RM_MQTT_PUBREC:
	case RM_MQTT_PUBCOMP:
		if (received)
			acknowledged(f, type, body);
		return true;
	}
	return type != 0;
}

/* How much of a packet is looked at in one piece, of `have` bytes at `p`: all of that, or so much more is needed. -1: mute. */
static int64_t needed(struct feed *f, const char *p, size_t have, struct rm_mqtt_publish *ret)
{
	struct rm_str bytes = { p, have };
	uint32_t length;
	int n;

	if (have < 2)
		return 2;
	if ((uint8_t)p[0] >> 4 == RM_MQTT_PUBLISH)
		return rm_mqtt_publish_read(bytes, f->s->version_5, ret);
	n = rm_mqtt_varint((struct rm_str){ p + 1, have - 1 }, &length);
	if (n <= 0)
		return n ? -1 : (int64_t)have + 1;
	ret->fixed_bytes = 1 + (uint32_t)n;
	ret->left = length;
	ret->head_bytes = ret->fixed_bytes + (length < KEEP_BYTES ? length : KEEP_BYTES);
	return have < ret->head_bytes ? ret->head_bytes : 0;
}

static enum rm_step head_here(struct feed *f, const char *p, const struct rm_mqtt_publish *packet)
{
	uint32_t kept = f->w->gather.kept, head = packet->head_bytes;
	uint8_t type = (uint8_t)p[0] >> 4;
	int64_t at = (int64_t)f->in.at - kept;

	f->in.at += head - kept;
	f->w->left = packet->fixed_bytes + packet->left - head;
	if (f->in.dir == RM_DIR_REQUEST && !f->s->connected && type != RM_MQTT_CONNECT)
		return RM_STEP_MUTE;
	if (type == RM_MQTT_PUBLISH)
		return message(f, (struct rm_str){ p, head }, at, packet);
	return other_packet(f, type, (struct rm_str){ p + packet->fixed_bytes, head - packet->fixed_bytes }) ? RM_STEP_GO_ON :
													     RM_STEP_MUTE;
}

static enum rm_step packet(struct feed *f)
{
	struct rm_gather *g = &f->w->gather;
	size_t have = rm_gather_have(g, &f->in), look = have < HEAD_MAX_BYTES ? have : HEAD_MAX_BYTES;
	struct rm_mqtt_publish packet = { 0 };
	const char *p = rm_gather_joined(g, &f->in, (uint32_t)look, f->sink);
	int64_t need = p ? needed(f, p, look, &packet) : -1;
	enum rm_step v;

	if (need < 0 || need > HEAD_MAX_BYTES)
		return RM_STEP_MUTE;
	if (need)
		return rm_gather_keep(g, &f->in, f->sink);
	v = head_here(f, p, &packet);
	rm_gather_forget(g, f->in.dir, f->sink);
	return v;
}

/* ---- the connection ---- */

static void break_all(struct mqtt *s, struct rm_sink *sink, struct rm_str error)
{
	rm_xid x;

	for (int dir = 0; dir < 2; dir++) {
		if (s->way[dir].told)
			sink->on->broken(sink, s->way[dir].x, error);
		s->way[dir].told = false;
	}
	while (rm_unsettled_take(&s->unsettled, sink, 0, UINT64_MAX, &x))
		sink->on->broken(sink, x, error);
}

static int mute(struct mqtt *s, enum rm_dir dir, struct rm_sink *sink)
{
	rm_gather_forget(&s->way[dir].gather, dir, sink);
	s->muted = true;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct mqtt *s = state;
	struct feed f = { s, &s->way[dir], { dir, (const char *)p, n, 0 }, sink, conn };
	enum rm_step v = RM_STEP_GO_ON;

	while (!s->muted && f.in.at < n && v == RM_STEP_GO_ON) {
		if (f.w->left)
			rm_input_pass(&f.in, &f.w->left, 0);
		else
			v = packet(&f);
		if (v == RM_STEP_MUTE)
			return mute(s, dir, sink);
		if (!f.w->left)
			packet_over(&f);
	}
	return s->muted ? RM_FEED_MUTE : (int64_t)f.in.at;
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct mqtt *s = state;

	(void)conn;
	/* Not to the last byte, at which a message is over. */
	if (s->muted || (n && n >= s->way[dir].left))
		return mute(s, dir, sink);
	s->way[dir].left -= (uint32_t)n;
	return 0;
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct mqtt *s = state;

	(void)conn;
	if (rm_gather_end(&s->way[dir].gather, &s->way[RM_DIR_REQUEST].gather, dir, reset, sink))
		break_all(s, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	return ((const struct mqtt *)state)->way[RM_DIR_REQUEST].left;
}

const struct rm_proto rm_proto_mqtt = {
	.name = "mqtt",
	.help = "MQTT 3.1.1 and 5: messages that clients publish and receive",
	.client_only = true,
	.state_bytes = sizeof(struct mqtt),
	.sniff = sniff,
	.open = mqtt_open,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
