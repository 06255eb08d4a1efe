/*
 * Answers to Kafka's Fetch, read as they come: one exchange for each partition that has records, from its first batch to the
 * last byte of its last one. Of batches that are not compressed each record is looked at, for the context in its headers.
 *
 * START (list of topics) -> TOPIC -> PARTITION -> RECORDS <-> RECORD
 *                             ^         ^             |
 *                             |         +---tags------+  TAIL of a partition, of a topic
 *                             +---------tags----------+
 * REST: nothing more is looked at.
 * Spec: Kafka protocol guide, Fetch 0 to 18.
 */
#include "protocols/kafka.h"

enum stage { START, TOPIC, PARTITION, RECORDS, RECORD, PARTITION_TAIL, TOPIC_TAIL, REST };

enum { FLEXIBLE = 12, TOPIC_ID = 13, RECORD_HEAD_BYTES = 5, MAGIC_AT = 16, OLD_HEAD_BYTES = 17 };

static bool is_flexible(const struct rm_kafka_fetch *t)
{
	return t->version >= FLEXIBLE;
}

void rm_kafka_fetch_begin(struct rm_kafka *s, unsigned version)
{
	s->fetch = (struct rm_kafka_fetch){ .version = (uint8_t)version };
}

/* ---- what is told ---- */

static void tell(struct rm_kafka_feed *f, const struct rm_kafka_batch *b, const struct rm_kafka_record *only)
{
	struct rm_kafka_fetch *t = &f->s->fetch;
	const char *topic = t->topic_bytes ? f->sink->on->stash(f->sink, RM_STASH_REQUEST_TABLE, RM_KAFKA_TOPIC_BYTES) : NULL;
	char digits[12];
	struct rm_strbuf partition;
	struct rm_message m = {
		.system = RM_STR("kafka"),
		.port = RM_KAFKA_PORT,
		.received = true,
		.operation = RM_STR("receive"),
		.destination = { topic, topic ? t->topic_bytes : 0 },
		.client = { f->s->client, f->s->client_bytes },
	};

	rm_strbuf_init(&partition, digits, sizeof(digits));
	rm_strbuf_i64(&partition, t->partition);
	m.partition = rm_strbuf_view(&partition);
	m.placed = b->count == 1 && b->bytes == t->records;
	m.offset = b->offset;
	m.batches = !m.placed;
	if (only) {
		m.fields = only->fields;
		m.field_count = only->count;
	}
	t->told = t->counted = true;
	t->count = 0;
	t->body = t->records;
	t->x = f->sink->on->request(f->sink, f->conn);
	f->sink->on->message(f->sink, t->x, &m, (uint32_t)f->in.at);
	f->sink->on->request_end(f->sink, t->x, 0);
}

static void partition_over(struct rm_kafka_fetch *t, struct rm_sink *sink)
{
	struct rm_outcome outcome = { .batch = t->counted && t->count != 1 ? t->count : 0 };

	if (!t->told)
		return;
	t->told = false;
	sink->on->response(sink, t->x);
	sink->on->outcome(sink, t->x, &outcome);
	sink->on->response_end(sink, t->x, t->body);
}

/* ---- steps ---- */

/*
 * Each reads what its stage has, at the beginning of the view, and returns how much that was. 0 and nothing changed: the view
 * ends within it.
 */
static uint32_t start(struct rm_kafka_fetch *t, struct rm_kafka_cursor *c)
{
	rm_kafka_tags(c);
	rm_kafka_take(c, (t->version >= 1 ? 4 : 0) + (t->version >= 7 ? 2 + 4 : 0)); /* time, error and session */
	t->topics = rm_kafka_count(c);
	if (c->bad)
		return 0;
	t->stage = t->topics ? TOPIC : REST;
	return (uint32_t)c->at;
}

static uint32_t topic(struct rm_kafka_feed *f, struct rm_kafka_cursor *c)
{
	struct rm_kafka_fetch *t = &f->s->fetch;
	struct rm_str name = { 0 }, id = { 0 };
	char *kept;

	if (t->version < TOPIC_ID)
		name = rm_kafka_string(c);
	else
		id = rm_kafka_take(c, RM_TOPIC_ID_BYTES);
	t->partitions = rm_kafka_count(c);
	if (c->bad)
		return 0;
	if (id.n)
		name = f->sink->on->topic(f->sink, (const uint8_t *)id.p);
	t->topic_bytes = 0;
	kept = name.n && name.n <= RM_KAFKA_TOPIC_BYTES ?
		       f->sink->on->stash(f->sink, RM_STASH_REQUEST_TABLE, RM_KAFKA_TOPIC_BYTES) :
		       NULL;
	if (kept) {
		memcpy(kept, name.p, name.n);
		t->topic_bytes = (uint8_t)name.n;
	}
	t->stage = t->partitions ? PARTITION : TOPIC_TAIL;
	return (uint32_t)c->at;
}

static uint32_t partition(struct rm_kafka_fetch *t, struct rm_kafka_cursor *c)
{
	uint32_t aborted;
	int64_t records;

	t->partition = (int32_t)rm_kafka_int(c, 4);
	rm_kafka_take(c, 2 + 8 + (t->version >= 4 ? 8 : 0) + (t->version >= 5 ? 8 : 0)); /* error, and three offsets */
	aborted = t->version >= 4 ? rm_kafka_count(c) : 0;
	for (uint32_t i = 0; i < aborted && !c->bad; i++) {
		rm_kafka_take(c, 8 + 8);
		rm_kafka_tags(c);
	}
	if (t->version >= 11)
		rm_kafka_take(c, 4); /* a replica to ask instead */
	records = is_flexible(t) ? (int64_t)rm_kafka_uvarint(c) - 1 : rm_kafka_int(c, 4);
	if (c->bad)
		return 0;
	t->records = records > 0 ? (uint32_t)records : 0;
	t->stage = RECORDS;
	return (uint32_t)c->at;
}

/* Nothing more of this partition is looked at. */
static uint32_t pass_over(struct rm_kafka_fetch *t)
{
	t->skip = t->records;
	t->records = 0;
	return 0;
}

/* The one record of a batch, which is all that the partition has. False: it cannot be read. */
static bool read_only(struct rm_str batch, struct rm_kafka_record *ret)
{
	struct rm_kafka_cursor c = { .p = batch.p, .n = batch.n, .at = RM_KAFKA_BATCH_BYTES };
	int64_t n = rm_kafka_varint(&c);
	struct rm_str body = rm_kafka_take(&c, n > 0 ? (size_t)n : 0);

	return !c.bad && n > 0 && rm_kafka_record_read(body, ret);
}

/* A batch, or the beginning of one: brokers cut the last one where the answer would become too large. */
static uint32_t batch(struct rm_kafka_feed *f, struct rm_str view)
{
	struct rm_kafka_fetch *t = &f->s->fetch;
	struct rm_kafka_batch b = { 0 };
	struct rm_kafka_record only;
	bool alone, read;

	if (view.n < OLD_HEAD_BYTES && t->records >= OLD_HEAD_BYTES)
		return 0;
	if (t->records < OLD_HEAD_BYTES || view.p[MAGIC_AT] > 2)
		return pass_over(t);
	if (view.p[MAGIC_AT] < 2) {
		if (!t->told)
			tell(f, &b, NULL);
		t->counted = false;
		return pass_over(t);
	}
	if (t->records < RM_KAFKA_BATCH_BYTES)
		return pass_over(t);
	if (view.n < RM_KAFKA_BATCH_BYTES)
		return 0;
	if (!rm_kafka_batch_read(view.p, &b) || b.bytes > t->records)
		return pass_over(t);
	alone = !t->told && b.plain && b.count == 1 && b.bytes == t->records && b.bytes <= RM_KAFKA_VIEW_BYTES;
	if (alone && view.n < b.bytes)
		return 0;
	read = alone && read_only((struct rm_str){ view.p, b.bytes }, &only);
	if (!t->told && b.count)
		tell(f, &b, read ? &only : NULL);
	t->count += b.count;
	t->records -= b.bytes;
	if (alone)
		return b.bytes;
	t->batch = b.bytes - RM_KAFKA_BATCH_BYTES;
	t->batch_records = b.plain ? b.count : 0;
	t->skip = t->batch_records ? 0 : t->batch;
	t->stage = t->batch_records ? RECORD : RECORDS;
	return RM_KAFKA_BATCH_BYTES;
}

static uint32_t record(struct rm_kafka_feed *f, struct rm_str view)
{
	struct rm_kafka_fetch *t = &f->s->fetch;
	struct rm_kafka_cursor c = { .p = view.p, .n = view.n < t->batch ? view.n : t->batch };
	struct rm_kafka_record r;
	int64_t n = rm_kafka_varint(&c);
	struct rm_str body;
	uint32_t used;

	if (c.bad && view.n < t->batch && view.n < RECORD_HEAD_BYTES)
		return 0;
	if (c.bad || n <= 0 || n > t->batch - (int64_t)c.at) {
		t->skip = t->batch;
		t->batch_records = 0;
		t->stage = RECORDS;
		return 0;
	}
	used = (uint32_t)c.at;
	if (used + n <= RM_KAFKA_VIEW_BYTES) {
		body = rm_kafka_take(&c, (size_t)n);
		if (c.bad)
			return 0;
		used = (uint32_t)c.at;
		if (rm_kafka_record_read(body, &r) && r.count)
			f->sink->on->batched(f->sink, t->x, r.fields, r.count);
	} else {
		t->skip = (uint32_t)n;
	}
	t->batch -= used + t->skip;
	if (--t->batch_records)
		return used;
	t->skip += t->batch;
	t->stage = RECORDS;
	return used;
}

static uint32_t tail(struct rm_kafka_fetch *t, struct rm_kafka_cursor *c)
{
	rm_kafka_tags(c);
	if (c->bad)
		return 0;
	if (t->stage == PARTITION_TAIL)
		t->stage = --t->partitions ? PARTITION : TOPIC_TAIL;
	else
		t->stage = --t->topics ? TOPIC : REST;
	return (uint32_t)c->at;
}

static uint32_t step(struct rm_kafka_feed *f, struct rm_str view)
{
	struct rm_kafka_fetch *t = &f->s->fetch;
	struct rm_kafka_cursor c = { .p = view.p, .n = view.n, .flexible = is_flexible(t) };

	switch (t->stage) {
	case START:
		return start(t, &c);
	case TOPIC:
		return topic(f, &c);
	case PARTITION:
		return partition(t, &c);
	case RECORDS:
		return batch(f, view);
	case RECORD:
		return record(f, view);
	}
	return tail(t, &c);
}

int64_t rm_kafka_fetch_step(struct rm_kafka_feed *f, struct rm_str view, uint32_t left)
{
	struct rm_kafka_fetch *t = &f->s->fetch;
	uint8_t stage;
	uint32_t used;

	if (!t->skip && t->stage == RECORDS && !t->records) {
		partition_over(t, f->sink);
		t->stage = PARTITION_TAIL;
	}
	/* Without tags there is nothing to read at the end of lists. */
	while (!is_flexible(t) && (t->stage == PARTITION_TAIL || t->stage == TOPIC_TAIL))
		step(f, (struct rm_str){ 0 });
	if (t->stage == REST)
		t->skip = left;
	if (t->skip) {
		used = t->skip < view.n ? t->skip : (uint32_t)view.n;
		t->skip -= used;
		return used;
	}
	stage = t->stage;
	used = step(f, view);
	if (used || t->skip || t->stage != stage)
		return used;
	if (view.n < RM_KAFKA_VIEW_BYTES && view.n < left)
		return -1;
	/* What should be in so many bytes, or in all that is left, is not there. */
	partition_over(t, f->sink);
	t->stage = REST;
	return 0;
}

void rm_kafka_fetch_over(struct rm_kafka *s, struct rm_sink *sink, struct rm_str error)
{
	struct rm_kafka_fetch *t = &s->fetch;

	if (!t->told)
		return;
	if (!error.n) {
		partition_over(t, sink);
		return;
	}
	t->told = false;
	sink->on->broken(sink, t->x, error);
}
