/*
 * Contents of AMQP 0-9-1: the properties of a message, among them the table of its headers, and what becomes of it.
 *
 * A content head is: class, weight, size of the body, flags, and those properties that the flags name, in their order.
 * Context goes to the end of the table of headers; where there is none, one is put between its neighbours.
 * Spec: AMQP 0-9-1, sections 4.2.5.5 (tables) and 4.2.6.1 (properties); RabbitMQ, "AMQP 0-9-1 Errata" (types of fields).
 */
#include "protocols/amqp.h"

enum {
	PORT = 5672,
	FIXED_BYTES = 2 + 2 + 8 + 2, /* of a content head, up to the flags */
	FLAGS_AT = 2 + 2 + 8,
	HAS_TYPE = 1 << 15,
	HAS_ENCODING = 1 << 14,
	HAS_HEADERS = 1 << 13,
	HAS_DELIVERY_MODE = 1 << 12,
	HAS_PRIORITY = 1 << 11,
	HAS_CORRELATION_ID = 1 << 10,
	HAS_REPLY_TO = 1 << 9,
	HAS_EXPIRATION = 1 << 8,
	HAS_MESSAGE_ID = 1 << 7,
	MORE_FLAGS = 1,
	FRAME_OVERHEAD_BYTES = RM_AMQP_HEAD_BYTES + 1,
	TABLE_LENGTH_BYTES = 4,
	FRAME_MIN_BYTES = 4096, /* what everybody takes, who gets the message, too: a content head is one frame */
};

struct envelope {
	struct rm_envelope base;
	const struct rm_amqp_properties *properties;
};

/* ---- reading ---- */

/* Bytes of a value behind its type; UINT64_MAX: not known. */
static uint64_t value_bytes(char type, struct rm_str rest)
{
	switch (type) {
	case 'V':
		return 0;
	case 't':
	case 'b':
	case 'B':
		return 1;
	case 's':
	case 'u':
		return 2;
	case 'I':
	case 'i':
	case 'f':
		return 4;
	case 'D':
		return 5;
	case 'l':
	case 'L':
	case 'd':
	case 'T':
		return 8;
	case 'S':
	case 'x':
	case 'A':
	case 'F':
		return rest.n < 4 ? UINT64_MAX : 4 + (uint64_t)rm_be32(rest.p);
	}
	return UINT64_MAX;
}

static void skip(struct rm_str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

/* False: the table cannot be read, or holds more that may carry context than is looked at. */
static bool read_table(struct rm_str table, struct rm_amqp_properties *ret)
{
	while (table.n) {
		size_t name_bytes = (uint8_t)table.p[0];
		struct rm_str name = { table.p + 1, name_bytes };
		uint64_t bytes;
		char type;

		if (table.n < 1 + name_bytes + 1)
			return false;
		type = table.p[1 + name_bytes];
		skip(&table, 1 + name_bytes + 1);
		bytes = value_bytes(type, table);
		if (bytes > table.n)
			return false;
		if (rm_carrier_of(name) >= 0) {
			if ((type != 'S' && type != 'x') || ret->count == RM_AMQP_FIELDS)
				return false;
			ret->fields[ret->count++] = (struct rm_field){ name, { table.p + 4, (size_t)bytes - 4 } };
		}
		skip(&table, (size_t)bytes);
	}
	return true;
}

/* A property that is a short text. False: it is not whole. */
static bool read_word(struct rm_str *rest, bool is_there, struct rm_str *ret)
{
	size_t n;

	if (!is_there)
		return true;
	n = rest->n ? (uint8_t)rest->p[0] : 0;
	if (rest->n < 1 + n)
		return false;
	*ret = (struct rm_str){ rest->p + 1, n };
	skip(rest, 1 + n);
	return true;
}

static bool read_properties(struct rm_str payload, struct rm_amqp_properties *ret)
{
	uint32_t flags = rm_be16(payload.p + FLAGS_AT), bytes;
	struct rm_str rest = payload, unused;

	skip(&rest, FIXED_BYTES);
	if (flags & MORE_FLAGS || !read_word(&rest, flags & HAS_TYPE, &unused) ||
	    !read_word(&rest, flags & HAS_ENCODING, &unused))
		return false;
	ret->table_at = (uint32_t)(payload.n - rest.n);
	ret->has_table = flags & HAS_HEADERS;
	if (ret->has_table) {
		bytes = rest.n >= TABLE_LENGTH_BYTES ? rm_be32(rest.p) : UINT32_MAX;
		if (rest.n < TABLE_LENGTH_BYTES || rest.n - TABLE_LENGTH_BYTES < bytes)
			return false;
		skip(&rest, TABLE_LENGTH_BYTES);
		ret->table_at += TABLE_LENGTH_BYTES;
		ret->table_bytes = bytes;
		if (!read_table((struct rm_str){ rest.p, bytes }, ret))
			return false;
		skip(&rest, bytes);
	}
	bytes = !!(flags & HAS_DELIVERY_MODE) + !!(flags & HAS_PRIORITY);
	if (rest.n < bytes)
		return false;
	skip(&rest, bytes);
	return read_word(&rest, flags & HAS_CORRELATION_ID, &ret->correlation) &&
	       read_word(&rest, flags & HAS_REPLY_TO, &unused) && read_word(&rest, flags & HAS_EXPIRATION, &unused) &&
	       read_word(&rest, flags & HAS_MESSAGE_ID, &ret->id);
}

/* ---- writing ---- */

static void put_be32(struct rm_strbuf *out, uint32_t v)
{
	const uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	rm_strbuf_put(out, bytes, sizeof(bytes));
}

/* rm_put_field: an entry of a table. Values of more than a short text are long ones. */
static void put_entry(struct rm_strbuf *out, struct rm_str name, struct rm_str value)
{
	rm_strbuf_char(out, (char)name.n);
	rm_strbuf_str(out, name);
	rm_strbuf_char(out, 'S');
	put_be32(out, (uint32_t)value.n);
	rm_strbuf_str(out, value);
}

static void put_between(struct rm_strbuf *out, const char *from, const char *to)
{
	rm_strbuf_put(out, from, (size_t)(to - from));
}

static bool write_head(const struct rm_envelope *base, struct rm_str fields, struct rm_strbuf *out)
{
	const struct envelope *e = (const struct envelope *)base;
	const struct rm_amqp_properties *p = e->properties;
	const char *frame = base->head.p, *payload = frame + RM_AMQP_HEAD_BYTES, *end = frame + base->head.n;
	uint32_t size = (uint32_t)(base->head.n - RM_AMQP_HEAD_BYTES + fields.n + (p->has_table ? 0 : TABLE_LENGTH_BYTES));
	uint32_t flags = rm_be16(payload + FLAGS_AT) | HAS_HEADERS;
	const char *table = payload + p->table_at;

	put_between(out, frame, frame + 3);
	put_be32(out, size);
	put_between(out, payload, payload + FLAGS_AT);
	rm_strbuf_char(out, (char)(flags >> 8));
	rm_strbuf_char(out, (char)flags);
	put_between(out, payload + FIXED_BYTES, p->has_table ? table - TABLE_LENGTH_BYTES : table);
	put_be32(out, p->table_bytes + (uint32_t)fields.n);
	put_between(out, table, table + p->table_bytes);
	rm_strbuf_str(out, fields);
	put_between(out, table + p->table_bytes, end);
	return true;
}

/* ---- messages ---- */

/*
 * rabbitmq.md, "messaging.destination.name": exchange, routing key and queue, as far as they are there; the queue not
 * where it is the routing key.
 */
static struct rm_str destination(struct rm_str exchange, struct rm_str key, struct rm_str queue, struct rm_strbuf *b)
{
	rm_strbuf_str(b, exchange);
	if (b->n && key.n)
		rm_strbuf_char(b, ':');
	rm_strbuf_str(b, key);
	if (rm_str_eq(queue, key))
		queue.n = 0;
	if (b->n && queue.n)
		rm_strbuf_char(b, ':');
	rm_strbuf_str(b, queue);
	return b->n ? rm_strbuf_view(b) : RM_STR("amq.default");
}

static bool is_made_up(struct rm_str name)
{
	return (name.n >= 8 && memcmp(name.p, "amq.gen-", 8) == 0) || (name.n >= 13 && memcmp(name.p, "amq.rabbitmq.", 13) == 0);
}

/* Takes what the method said; it is over with this. */
static bool recall_method(struct rm_amqp_feed *f, uint16_t channel, char room[RM_NAMES_TEXT_BYTES], struct rm_str ret[3])
{
	struct rm_amqp_key key;
	struct rm_str none = { 0 }, text, k = rm_amqp_key(&key, f->in.dir == RM_DIR_REQUEST ? '>' : '<', channel, none);

	ret[0] = ret[1] = ret[2] = none;
	if (!rm_names_get(&f->s->names, f->sink, k, &text))
		return false;
	memcpy(room, text.p, text.n);
	text.p = room;
	for (int i = 0; i < 3; i++)
		ret[i] = rm_str_cut(&text, '\0');
	rm_names_drop(&f->s->names, f->sink, k);
	return true;
}

static bool tell(struct rm_amqp_feed *f, struct rm_amqp_channel *c, struct rm_message *m, struct rm_amqp_room *room)
{
	const struct rm_amqp_properties *p = &room->properties;
	struct rm_amqp_content *content = &c->way[f->in.dir];
	struct rm_str known[3];
	struct rm_strbuf b;

	rm_strbuf_init(&b, room->name, sizeof(room->name));
	if (recall_method(f, c->id, room->text, known))
		m->destination = destination(known[0], known[1], known[2], &b);
	m->system = RM_STR("rabbitmq");
	m->port = PORT;
	m->received = f->in.dir == RM_DIR_RESPONSE;
	m->operation = m->received ? RM_STR("receive") : RM_STR("publish");
	m->routing_key = known[1];
	m->temporary = is_made_up(known[1]) || is_made_up(known[2]);
	m->id = p->id;
	m->conversation = p->correlation;
	m->delivery_tag = content->tag;
	m->fields = p->fields;
	m->field_count = p->count;
	content->x = f->sink->on->request(f->sink, f->conn);
	return f->sink->on->message(f->sink, content->x, m, (uint32_t)f->in.at);
}

/* By how much a head, and one of its frame's end, may grow. */
static uint64_t room_for(const struct rm_amqp *s, struct rm_str head)
{
	uint64_t most = s->frame_max < FRAME_MIN_BYTES ? s->frame_max : FRAME_MIN_BYTES;

	return most > head.n + 1 ? most - (head.n + 1) : 0;
}

bool rm_amqp_content_head(struct rm_amqp_feed *f, struct rm_amqp_channel *c, struct rm_str head, int64_t at, bool *ret_stop)
{
	struct rm_str payload = { head.p + RM_AMQP_HEAD_BYTES, head.n - RM_AMQP_HEAD_BYTES };
	struct rm_amqp_content *content = &c->way[f->in.dir];
	struct rm_amqp_room *room;
	struct rm_amqp_properties *p;
	struct envelope envelope;
	struct rm_message m = { 0 };
	bool good;

	*ret_stop = false;
	if (payload.n < FIXED_BYTES || content->stage != RM_AMQP_AWAITS_HEAD)
		return false;
	content->left = content->body = rm_be64(payload.p + 4);
	content->stage = RM_AMQP_IN_BODY;
	if (!content->told)
		return true;
	room = rm_amqp_room(f);
	if (!room)
		return false;
	p = &room->properties;
	*p = (struct rm_amqp_properties){ 0 };
	good = read_properties(payload, p);
	if (!good)
		*p = (struct rm_amqp_properties){ .table_at = FIXED_BYTES };
	envelope.properties = p;
	envelope.base = (struct rm_envelope){
		.at = at,
		.head = head,
		.room_bytes = good && p->count <= RM_AMQP_FIELDS / 2 ? room_for(f->s, head) : 0,
		.extra_bytes = TABLE_LENGTH_BYTES,
		.copies = 1,
		.put = put_entry,
		.write = write_head,
	};
	if (f->in.dir == RM_DIR_REQUEST)
		m.envelope = &envelope.base;
	*ret_stop = !tell(f, c, &m, room);
	return true;
}

static void end_exchange(struct rm_sink *sink, rm_xid x, struct rm_str error, uint64_t body)
{
	struct rm_outcome outcome = { .failed = error.n, .status = error };

	sink->on->response(sink, x);
	sink->on->outcome(sink, x, &outcome);
	sink->on->response_end(sink, x, body);
}

static uint64_t unsettled_key(uint16_t channel, uint64_t number)
{
	return (uint64_t)channel << 32 | (number & UINT32_MAX);
}

void rm_amqp_content_over(struct rm_amqp_feed *f, struct rm_amqp_channel *c)
{
	struct rm_amqp_content over = c->way[f->in.dir];
	bool sent = f->in.dir == RM_DIR_REQUEST;
	struct rm_str none = { 0 };

	c->way[f->in.dir] = (struct rm_amqp_content){ 0 };
	if (!over.told)
		return;
	f->sink->on->request_end(f->sink, over.x, sent ? over.body : 0);
	if (over.x && over.confirm &&
	    rm_unsettled_add(&f->s->unsettled, f->sink, unsettled_key(c->id, over.confirm), over.x))
		return;
	end_exchange(f->sink, over.x, none, sent ? 0 : over.body);
}

void rm_amqp_settle(struct rm_amqp_feed *f, uint16_t channel, uint64_t number, bool multiple, struct rm_str error)
{
	uint64_t first = multiple ? 0 : number, last = multiple && !number ? UINT32_MAX : number;
	rm_xid x;

	while (rm_unsettled_take(&f->s->unsettled, f->sink, unsettled_key(channel, first), unsettled_key(channel, last), &x))
		end_exchange(f->sink, x, error, 0);
}

void rm_amqp_channel_over(struct rm_amqp *s, struct rm_sink *sink, struct rm_amqp_channel *c, struct rm_str error)
{
	struct rm_amqp_key key;
	uint16_t id = c->id;
	rm_xid x;

	for (int dir = 0; dir < 2; dir++)
		if (c->way[dir].stage == RM_AMQP_IN_BODY && c->way[dir].told)
			sink->on->broken(sink, c->way[dir].x, error);
	while (rm_unsettled_take(&s->unsettled, sink, unsettled_key(id, 0), unsettled_key(id, UINT32_MAX), &x))
		sink->on->broken(sink, x, error);
	c = rm_amqp_channel(s, sink, id, false);
	if (c)
		*c = (struct rm_amqp_channel){ .id = id };
	rm_names_drop_prefix(&s->names, sink, (struct rm_str){ rm_amqp_key(&key, 0, id, (struct rm_str){ 0 }).p, 2 });
}
