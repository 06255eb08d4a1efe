/*
 * Methods of AMQP 0-9-1: of each the arguments that say where messages come from and go to.
 *
 * A channel: (open) --basic.publish / deliver / get-ok / return--> a content follows
 *            --confirm.select--> what is published is settled by basic.ack and nack, counted from 1
 * A consumer's queue is known by its tag, which the client may leave to the server.
 * Spec: AMQP 0-9-1, sections 1.3 to 1.9; RabbitMQ, "Consumer Acknowledgements and Publisher Confirms".
 */
#include "protocols/amqp.h"

#define METHOD(class, method) ((uint32_t)(class) << 16 | (method))

enum {
	TUNE_OK = METHOD(10, 31),
	CHANNEL_CLOSE = METHOD(20, 40),
	CHANNEL_CLOSE_OK = METHOD(20, 41),
	QUEUE_DECLARE_OK = METHOD(50, 11),
	CONSUME = METHOD(60, 20),
	CONSUME_OK = METHOD(60, 21),
	CANCEL = METHOD(60, 30),
	PUBLISH = METHOD(60, 40),
	RETURN = METHOD(60, 50),
	DELIVER = METHOD(60, 60),
	GET = METHOD(60, 70),
	GET_OK = METHOD(60, 71),
	ACK = METHOD(60, 80),
	NACK = METHOD(60, 120),
	CONFIRM_SELECT = METHOD(85, 10),
};

/* A reader that knows when it went past the end. */
struct args {
	const uint8_t *p;
	size_t n;
	bool bad;
};

static uint64_t number(struct args *a, size_t bytes)
{
	uint64_t v = 0;

	if (a->n < bytes)
		a->bad = true;
	for (size_t i = 0; !a->bad && i < bytes; i++)
		v = v << 8 | a->p[i];
	if (a->bad)
		return 0;
	a->p += bytes;
	a->n -= bytes;
	return v;
}

static struct rm_str word(struct args *a)
{
	size_t n = (size_t)number(a, 1);
	struct rm_str s = { (const char *)a->p, n };

	if (a->n < n)
		a->bad = true;
	if (a->bad)
		return (struct rm_str){ 0 };
	a->p += n;
	a->n -= n;
	return s;
}

struct rm_str rm_amqp_key(struct rm_amqp_key *room, char what, uint16_t channel, struct rm_str name)
{
	size_t n = name.n < sizeof(room->text) - 3 ? name.n : sizeof(room->text) - 3;

	room->text[0] = (char)(channel >> 8);
	room->text[1] = (char)channel;
	room->text[2] = what;
	if (n)
		memcpy(room->text + 3, name.p, n);
	return (struct rm_str){ room->text, 3 + n };
}

static void remember(struct rm_amqp_feed *f, char what, uint16_t channel, struct rm_str name, struct rm_str text)
{
	struct rm_amqp_key key;

	rm_names_put(&f->s->names, f->sink, rm_amqp_key(&key, what, channel, name), text);
}

/* Copies what is remembered, as the next look-up may move it. */
static struct rm_str recall(struct rm_amqp_feed *f, char what, uint16_t channel, struct rm_str name,
			    char room[RM_NAMES_TEXT_BYTES])
{
	struct rm_amqp_key key;
	struct rm_str text;

	if (!rm_names_get(&f->s->names, f->sink, rm_amqp_key(&key, what, channel, name), &text))
		return (struct rm_str){ 0 };
	memcpy(room, text.p, text.n);
	return (struct rm_str){ room, text.n };
}

/* ---- contents ---- */

/* What stands between a method and the head of its content: exchange, routing key and queue, for the message to come. */
static bool expect(struct rm_amqp_feed *f, struct rm_amqp_channel *c, bool told, struct rm_str exchange, struct rm_str key,
		   struct rm_str queue)
{
	struct rm_amqp_content *content = &c->way[f->in.dir];
	struct rm_amqp_room *room = told ? rm_amqp_room(f) : NULL;
	struct rm_strbuf b;

	/* Of the one before not all came. */
	if (content->stage != RM_AMQP_NO_CONTENT || (told && !room))
		return false;
	*content = (struct rm_amqp_content){ .stage = RM_AMQP_AWAITS_HEAD, .told = told };
	if (!told)
		return true;
	rm_strbuf_init(&b, room->name, 3 * 256);
	rm_strbuf_str(&b, exchange);
	rm_strbuf_char(&b, '\0');
	rm_strbuf_str(&b, key);
	rm_strbuf_char(&b, '\0');
	rm_strbuf_str(&b, queue);
	remember(f, f->in.dir == RM_DIR_REQUEST ? '>' : '<', c->id, (struct rm_str){ 0 }, rm_strbuf_view(&b));
	return true;
}

static bool publish(struct rm_amqp_feed *f, struct rm_amqp_channel *c, struct args *a)
{
	struct rm_str exchange, key;

	number(a, 2);
	exchange = word(a);
	key = word(a);
	if (a->bad || !expect(f, c, true, exchange, key, (struct rm_str){ 0 }))
		return false;
	if (c->confirms)
		c->way[f->in.dir].confirm = ++c->published;
	return true;
}

static bool deliver(struct rm_amqp_feed *f, struct rm_amqp_channel *c, struct args *a, bool asked)
{
	struct rm_amqp_room *room = rm_amqp_room(f);
	struct rm_str tag = asked ? (struct rm_str){ 0 } : word(a), exchange, key;
	uint64_t delivery = number(a, 8);

	number(a, 1);
	exchange = word(a);
	key = word(a);
	if (a->bad || !room || !expect(f, c, true, exchange, key, recall(f, asked ? 'g' : 'c', c->id, tag, room->text)))
		return false;
	c->way[f->in.dir].tag = delivery;
	return true;
}

/* ---- consumers ---- */

/* A queue without a name is the one that was declared last. */
static struct rm_str queue_or_last(struct rm_amqp_feed *f, uint16_t channel, struct rm_str queue, char room[RM_NAMES_TEXT_BYTES])
{
	return queue.n ? queue : recall(f, 'd', channel, queue, room);
}

static void consume(struct rm_amqp_feed *f, uint16_t channel, struct args *a)
{
	char room[RM_NAMES_TEXT_BYTES];
	struct rm_str queue, tag;

	number(a, 2);
	queue = queue_or_last(f, channel, word(a), room);
	tag = word(a);
	if (!a->bad)
		remember(f, tag.n ? 'c' : 'w', channel, tag, queue);
}

/* The server chose the tag. */
static void consume_ok(struct rm_amqp_feed *f, uint16_t channel, struct args *a)
{
	char room[RM_NAMES_TEXT_BYTES];
	struct rm_str tag = word(a), none = { 0 }, queue = recall(f, 'w', channel, none, room);
	struct rm_amqp_key key;

	if (!queue.n)
		return;
	remember(f, 'c', channel, tag, queue);
	rm_names_drop(&f->s->names, f->sink, rm_amqp_key(&key, 'w', channel, none));
}

static void get(struct rm_amqp_feed *f, uint16_t channel, struct args *a)
{
	char room[RM_NAMES_TEXT_BYTES];
	struct rm_str queue;

	number(a, 2);
	queue = queue_or_last(f, channel, word(a), room);
	remember(f, 'g', channel, (struct rm_str){ 0 }, queue);
}

static void cancel(struct rm_amqp_feed *f, uint16_t channel, struct args *a)
{
	struct rm_amqp_key key;

	rm_names_drop(&f->s->names, f->sink, rm_amqp_key(&key, 'c', channel, word(a)));
}

/* ---- the rest ---- */

static bool client_method(struct rm_amqp_feed *f, uint32_t method, uint16_t id, struct args *a)
{
	struct rm_amqp_channel *c;

	switch (method) {
	case TUNE_OK:
		number(a, 2);
		f->s->frame_max = (uint32_t)number(a, 4);
		f->s->frame_max = f->s->frame_max ? f->s->frame_max : RM_AMQP_HEAD_MAX_BYTES;
		break;
	case PUBLISH:
		c = rm_amqp_channel(f->s, f->sink, id, true);
		return c && publish(f, c, a);
	case CONFIRM_SELECT:
		c = rm_amqp_channel(f->s, f->sink, id, true);
		if (!c)
			return false;
		c->confirms = true;
		break;
	case CONSUME:
		consume(f, id, a);
		break;
	case GET:
		get(f, id, a);
		break;
	case CANCEL:
		cancel(f, id, a);
		break;
	}
	return !a->bad;
}

/* The server closes a channel because of what was asked of it: the number tells. */
static void channel_closes(struct rm_amqp_feed *f, uint16_t id, struct args *a)
{
	char digits[8];
	struct rm_strbuf b;

	rm_strbuf_init(&b, digits, sizeof(digits));
	rm_strbuf_u64(&b, number(a, 2));
	rm_amqp_settle(f, id, 0, true, rm_strbuf_view(&b));
}

static bool server_method(struct rm_amqp_feed *f, uint32_t method, uint16_t id, struct args *a)
{
	struct rm_amqp_channel *c;
	uint64_t tag;

	switch (method) {
	case DELIVER:
	case GET_OK:
		c = rm_amqp_channel(f->s, f->sink, id, true);
		return c && deliver(f, c, a, method == GET_OK);
	case RETURN:
		c = rm_amqp_channel(f->s, f->sink, id, true);
		return c && expect(f, c, false, (struct rm_str){ 0 }, (struct rm_str){ 0 }, (struct rm_str){ 0 });
	case QUEUE_DECLARE_OK:
		remember(f, 'd', id, (struct rm_str){ 0 }, word(a));
		break;
	case CONSUME_OK:
		consume_ok(f, id, a);
		break;
	case CANCEL:
		cancel(f, id, a);
		break;
	case ACK:
	case NACK:
		tag = number(a, 8);
		rm_amqp_settle(f, id, tag, number(a, 1) & 1, method == NACK ? RM_STR("nack") : RM_STR(""));
		break;
	case CHANNEL_CLOSE:
		channel_closes(f, id, a);
		break;
	}
	return !a->bad;
}

bool rm_amqp_method(struct rm_amqp_feed *f, uint16_t channel, struct rm_str payload)
{
	struct args a = { .p = (const uint8_t *)payload.p, .n = payload.n };
	uint32_t method = (uint32_t)number(&a, 4);
	struct rm_amqp_channel *c;

	/* Until both sides agree a channel goes on; then its number may be used again. */
	if (method == CHANNEL_CLOSE_OK) {
		c = rm_amqp_channel(f->s, f->sink, channel, false);
		if (c)
			rm_amqp_channel_over(f->s, f->sink, c, RM_STR("channel_closed"));
		return true;
	}
	return f->in.dir == RM_DIR_REQUEST ? client_method(f, method, channel, &a) : server_method(f, method, channel, &a);
}
