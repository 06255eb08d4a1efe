/*
 * Kafka's Produce: one exchange for a request, with all messages in it, which get its context each. They are in batches, one or
 * more for a partition; where all are of version 2 and none is compressed, the request is written anew with headers in each
 * record, and the lengths and checksums that follow from that.
 * Spec: Kafka protocol guide, Produce 0 to 13.
 */
#include "protocols/kafka.h"

enum {
	FLEXIBLE = 9,
	TOPIC_ID = 13,
	PARTITIONS = 64,
	SIZE_BYTES = 4,
	GROWTH_BYTES = 8,
	MESSAGE_TOO_LARGE = 10,
};

/* Where the records of a partition lie in the request. */
struct place {
	uint32_t length_at; /* of their length */
	uint32_t at, bytes;
	uint32_t most;      /* how long a batch of them may become */
};

struct produce {
	struct rm_str topic;         /* of the only one; empty: there are several, or it has no name here */
	uint32_t topics, partitions;
	int32_t partition;
	uint64_t key;                /* of the topic that is read */
	uint32_t longest;            /* batch of the partition that is read */
	uint32_t count;              /* of messages */
	bool counted, plain, carries; /* all are counted; context can be added to each; one has some */
	struct rm_kafka_record only; /* the last record that was read */
	struct place places[PARTITIONS];
};

struct envelope {
	struct rm_envelope base;
	const struct produce *produce;
	bool flexible;
};

/* ---- reading ---- */

/* Each record must be read, and they must be as many as the batch says, for context to be added. */
static void read_records(struct rm_str batch, uint32_t count, struct produce *p)
{
	struct rm_kafka_cursor c = { .p = batch.p, .n = batch.n, .at = RM_KAFKA_BATCH_BYTES };

	for (; c.at < c.n && p->plain; count--) {
		int64_t n = rm_kafka_varint(&c);
		struct rm_str body = rm_kafka_take(&c, n > 0 ? (size_t)n : 0);

		p->plain = count && !c.bad && n > 0 && rm_kafka_record_read(body, &p->only);
		p->carries = p->carries || (p->plain && p->only.count);
	}
	p->plain = p->plain && !count;
}

static void read_batches(struct rm_str data, struct produce *p)
{
	struct rm_kafka_batch b;

	while (data.n && p->counted) {
		if (data.n < RM_KAFKA_BATCH_BYTES || !rm_kafka_batch_read(data.p, &b) || b.bytes > data.n || b.magic < 2) {
			p->counted = p->plain = false;
			return;
		}
		p->count += b.count;
		p->longest = p->longest > b.bytes ? p->longest : b.bytes;
		p->plain = p->plain && b.plain;
		if (p->plain)
			read_records((struct rm_str){ data.p, b.bytes }, b.count, p);
		data = (struct rm_str){ data.p + b.bytes, data.n - b.bytes };
	}
}

/* Of records that are not all here: how many there are, if one batch has them all. */
static void read_beginning(struct rm_kafka_cursor c, struct produce *p)
{
	int64_t bytes = c.flexible ? (int64_t)rm_kafka_uvarint(&c) - 1 : rm_kafka_int(&c, 4);
	struct rm_kafka_batch b;

	p->plain = p->counted = false;
	if (c.bad || c.n - c.at < RM_KAFKA_BATCH_BYTES || !rm_kafka_batch_read(c.p + c.at, &b) || b.magic < 2 ||
	    b.bytes != bytes)
		return;
	p->count = b.count;
	p->longest = b.bytes;
	p->counted = true;
}

/* `number` is that of the request, if it will be answered. */
struct reader {
	struct rm_kafka_feed *f;
	unsigned version;
	uint32_t number;
	bool answered;
};

static void offer(const struct reader *r, const struct produce *p)
{
	if (r->answered && p->longest)
		rm_kafka_batch_offered(r->f->s, r->f->sink, p->key, p->longest, r->number);
}

static void read_partition(const struct reader *r, struct rm_kafka_cursor *c, struct produce *p)
{
	struct place *place = p->partitions < PARTITIONS ? &p->places[p->partitions] : NULL;
	struct rm_kafka_cursor before;
	struct rm_str data;

	p->partition = (int32_t)rm_kafka_int(c, 4);
	before = *c;
	data = rm_kafka_bytes(c);
	p->longest = 0;
	if (c->bad) {
		read_beginning(before, p);
		offer(r, p);
		return;
	}
	rm_kafka_tags(c);
	p->partitions++;
	p->plain = p->plain && place;
	if (place)
		*place = (struct place){ (uint32_t)before.at, (uint32_t)(data.p - c->p), (uint32_t)data.n,
					 rm_kafka_batch_most(r->f->s, r->f->sink, p->key) };
	read_batches(data, p);
	offer(r, p);
}

static void read_topics(const struct reader *r, struct rm_kafka_cursor *c, struct produce *p)
{
	uint32_t topics = rm_kafka_count(c), partitions = 0;

	p->topics = topics;
	for (uint32_t i = 0; i < topics && !c->bad; i++) {
		struct rm_str name = { 0 }, id = { 0 };

		if (r->version < TOPIC_ID)
			name = rm_kafka_string(c);
		else
			id = rm_kafka_take(c, RM_TOPIC_ID_BYTES);
		p->key = rm_kafka_topic_key(name.n ? name : id);
		if (id.n)
			name = r->f->sink->on->topic(r->f->sink, (const uint8_t *)id.p);
		partitions = rm_kafka_count(c);
		p->topic = topics == 1 ? name : (struct rm_str){ 0 };
		for (uint32_t k = 0; k < partitions && !c->bad; k++)
			read_partition(r, c, p);
		rm_kafka_tags(c);
	}
	rm_kafka_tags(c);
	/* Where not all of it is here: is there more than what was read? */
	if (c->bad && (topics != 1 || partitions != 1))
		p->counted = false;
	p->partitions = topics == 1 ? partitions : p->partitions;
}

/* ---- writing ---- */

/* False, too: a batch would become longer than its topic is known to take. */
static bool write_batches(struct rm_str data, uint32_t most, struct rm_str fields, struct rm_strbuf *out)
{
	struct rm_kafka_batch b;

	while (data.n) {
		size_t from = out->n;

		if (data.n < RM_KAFKA_BATCH_BYTES || !rm_kafka_batch_read(data.p, &b) || b.bytes > data.n ||
		    !rm_kafka_batch_write((struct rm_str){ data.p, b.bytes }, fields, out) || out->n - from > most)
			return false;
		data = (struct rm_str){ data.p + b.bytes, data.n - b.bytes };
	}
	return true;
}

/* The length of what was written behind `from`, where so many bytes were kept free for it. */
static void set_length(struct rm_strbuf *out, size_t from, size_t kept, bool flexible)
{
	size_t bytes = out->n - from - kept;
	struct rm_strbuf length;

	rm_strbuf_init(&length, out->p + from, kept);
	if (flexible)
		rm_kafka_put_uvarint(&length, (uint32_t)bytes + 1);
	else
		rm_kafka_put_int(&length, bytes, kept);
	memmove(out->p + from + length.n, out->p + from + kept, bytes);
	out->n -= kept - length.n;
}

static bool write_request(const struct rm_envelope *base, struct rm_str fields, struct rm_strbuf *out)
{
	const struct envelope *e = (const struct envelope *)base;
	const struct produce *p = e->produce;
	struct rm_str old = base->head;
	size_t kept = e->flexible ? 5 : 4, from = 0, at;

	if (!p->plain)
		return false;
	for (uint32_t i = 0; i < p->partitions; i++) {
		const struct place *place = &p->places[i];

		if (!place->bytes)
			continue;
		rm_strbuf_put(out, old.p + from, place->length_at - from);
		at = out->n;
		rm_strbuf_put(out, "\0\0\0\0\0", kept);
		if (!write_batches((struct rm_str){ old.p + place->at, place->bytes }, place->most, fields, out) || out->truncated)
			return false;
		set_length(out, at, kept, e->flexible);
		from = place->at + place->bytes;
	}
	rm_strbuf_put(out, old.p + from, old.n - from);
	if (out->truncated)
		return false;
	for (size_t i = 0; i < SIZE_BYTES; i++)
		out->p[i] = (char)((out->n - SIZE_BYTES) >> 8 * (SIZE_BYTES - 1 - i));
	return true;
}

/* ---- requests ---- */

static enum rm_step tell(struct rm_kafka_feed *f, struct produce *p, const struct rm_envelope *envelope)
{
	char digits[12];
	struct rm_strbuf b;
	struct rm_message m = {
		.system = RM_STR("kafka"),
		.port = RM_KAFKA_PORT,
		.operation = RM_STR("send"),
		.destination = p->topic,
		.client = { f->s->client, f->s->client_bytes },
		.batch = p->counted && p->count != 1 ? p->count : 0,
		.envelope = p->carries ? NULL : envelope,
	};

	rm_strbuf_init(&b, digits, sizeof(digits));
	rm_strbuf_i64(&b, p->partition);
	if (p->topics == 1 && p->partitions == 1)
		m.partition = rm_strbuf_view(&b);
	if (p->plain && p->count == 1) {
		m.fields = p->only.fields;
		m.field_count = p->only.count;
	}
	return f->sink->on->message(f->sink, f->s->x, &m, (uint32_t)f->in.at) ? RM_STEP_GO_ON : RM_STEP_STOP;
}

enum rm_step rm_kafka_produce(struct rm_kafka_feed *f, struct rm_kafka_cursor *c, unsigned version, uint32_t number,
				       struct rm_str request, int64_t at, bool whole)
{
	struct produce *p = f->sink->on->scratch(f->sink, sizeof(*p));
	struct envelope envelope = { .produce = p, .flexible = version >= FLEXIBLE };
	struct rm_waiting w = { .kind = RM_KAFKA_WAITS_PRODUCE, .n = rm_kafka_waits(version, number) };
	int64_t acks;

	if (!p)
		return RM_STEP_MUTE;
	memset(p, 0, offsetof(struct produce, places));
	p->counted = p->plain = true;
	c->flexible = version >= FLEXIBLE;
	rm_kafka_tags(c);
	if (version >= 3)
		rm_kafka_string(c); /* of a transaction */
	acks = rm_kafka_int(c, 2);
	rm_kafka_int(c, 4); /* how long it may take */
	if (c->bad)
		return RM_STEP_MUTE;
	read_topics(&(struct reader){ f, version, number & 0xffff, acks != 0 }, c, p);
	if (whole && (c->bad || c->at != c->n))
		return RM_STEP_MUTE;
	p->plain = p->plain && whole;
	envelope.base = (struct rm_envelope){
		.at = at,
		.head = request,
		.room_bytes = p->plain ? RM_HEAD_MAX_BYTES : 0,
		.extra_bytes = GROWTH_BYTES * (1 + (p->plain ? p->count : 0) + PARTITIONS),
		.copies = p->plain ? p->count : 0,
		.put = rm_kafka_put_header,
		.write = write_request,
	};
	f->s->producing = true;
	f->s->answered = acks != 0;
	f->s->body = f->s->way[RM_DIR_REQUEST].left;
	f->s->x = w.x = f->sink->on->request(f->sink, f->conn);
	if (f->s->answered && !rm_waiting_add(&f->s->queue, f->sink, &w)) {
		f->s->producing = false;
		f->sink->on->broken(f->sink, f->s->x, (struct rm_str){ 0 });
		return RM_STEP_MUTE;
	}
	return tell(f, p, &envelope.base);
}

/* ---- answers ---- */

static int64_t partition_error(struct rm_kafka_cursor *c, unsigned version)
{
	int64_t error;

	rm_kafka_int(c, 4);
	error = rm_kafka_int(c, 2);
	rm_kafka_take(c, 8u + (version >= 2 ? 8 : 0) + (version >= 5 ? 8 : 0)); /* offset, time, first offset */
	if (version >= 8) {
		uint32_t records = rm_kafka_count(c);

		for (uint32_t i = 0; i < records && !c->bad; i++) {
			rm_kafka_int(c, 4);
			rm_kafka_string(c);
			rm_kafka_tags(c);
		}
		rm_kafka_string(c);
	}
	rm_kafka_tags(c);
	return error;
}

bool rm_kafka_produced(struct rm_kafka *s, struct rm_sink *sink, unsigned version, uint32_t number, struct rm_str answer)
{
	struct rm_kafka_cursor c = { .p = answer.p, .n = answer.n, .flexible = version >= FLEXIBLE };
	int64_t error = 0, first = 0;
	bool too_long = false;
	struct rm_strbuf b;
	uint32_t topics;

	rm_kafka_tags(&c);
	topics = rm_kafka_count(&c);
	for (uint32_t i = 0; i < topics && !c.bad; i++) {
		uint32_t partitions;

		if (version < TOPIC_ID)
			rm_kafka_string(&c);
		else
			rm_kafka_take(&c, RM_TOPIC_ID_BYTES);
		partitions = rm_kafka_count(&c);
		for (uint32_t k = 0; k < partitions && !c.bad; k++) {
			error = partition_error(&c, version);
			first = first ? first : error;
			too_long = too_long || error == MESSAGE_TOO_LARGE;
		}
		rm_kafka_tags(&c);
	}
	rm_strbuf_init(&b, s->digits, sizeof(s->digits));
	rm_strbuf_i64(&b, first);
	s->error = first ? rm_strbuf_view(&b) : (struct rm_str){ 0 };
	rm_kafka_batches_answered(s, sink, number, too_long ? RM_KAFKA_TOO_LONG : first || c.bad ? RM_KAFKA_UNKNOWN : RM_KAFKA_TAKEN);
	return !c.bad;
}
