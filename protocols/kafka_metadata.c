/*
 * Answers to Kafka's Metadata, read as they come for what each topic's id and name is: Produce and Fetch say ids only, since their
 * versions 13. The answer may be to any connection of the process, so the sink keeps them.
 *
 * START (list of brokers) -> BROKER -> TOPICS (list of them) -> TOPIC -> PARTITION -> TOPIC_TAIL
 *                                                                 ^                       |
 *                                                                 +-----------------------+
 * REST: nothing more is looked at.
 * Spec: Kafka protocol guide, Metadata 10 to 13.
 */
#include "protocols/kafka.h"

enum stage { START, BROKER, TOPICS, TOPIC, PARTITION, TOPIC_TAIL, REST };

void rm_kafka_metadata_begin(struct rm_kafka *s)
{
	s->metadata = (struct rm_kafka_metadata){ 0 };
}

/* The next stage, of a list with something left in it. */
static void list(struct rm_kafka_metadata *m, uint32_t left, enum stage each, enum stage behind)
{
	m->stage = left ? each : behind;
}

/* Brokers that have none for a topic yet say zero. */
static bool is_id(struct rm_str id)
{
	static const char none[RM_TOPIC_ID_BYTES];

	return memcmp(id.p, none, sizeof(none)) != 0;
}

static void topic(struct rm_kafka_feed *f, struct rm_kafka_cursor *c)
{
	struct rm_kafka_metadata *m = &f->s->metadata;
	int64_t error = rm_kafka_int(c, 2);
	struct rm_str name = rm_kafka_string(c), id = rm_kafka_take(c, RM_TOPIC_ID_BYTES);

	rm_kafka_int(c, 1); /* is it one of the brokers' own? */
	m->partitions = rm_kafka_count(c);
	if (c->bad)
		return;
	if (!error && name.n && name.n <= RM_KAFKA_TOPIC_BYTES && is_id(id))
		f->sink->on->set_topic(f->sink, (const uint8_t *)id.p, name);
	list(m, m->partitions, PARTITION, TOPIC_TAIL);
}

static void partition(struct rm_kafka_metadata *m, struct rm_kafka_cursor *c)
{
	rm_kafka_take(c, 2 + 4 + 4 + 4); /* error, number, leader and its epoch */
	for (int i = 0; i < 3; i++) {    /* replicas: all, those in step, those away */
		uint32_t replicas = rm_kafka_count(c);

		rm_kafka_take(c, (size_t)replicas * 4);
	}
	rm_kafka_tags(c);
	if (!c->bad)
		list(m, --m->partitions, PARTITION, TOPIC_TAIL);
}

static void broker(struct rm_kafka_metadata *m, struct rm_kafka_cursor *c)
{
	rm_kafka_int(c, 4); /* number, host, port, rack */
	rm_kafka_string(c);
	rm_kafka_int(c, 4);
	rm_kafka_string(c);
	rm_kafka_tags(c);
	if (!c->bad)
		list(m, --m->brokers, BROKER, TOPICS);
}

/* Reads what the stage has. A cursor that went bad: the view ends within it, and nothing has changed. */
static void step(struct rm_kafka_feed *f, struct rm_kafka_cursor *c)
{
	struct rm_kafka_metadata *m = &f->s->metadata;

	switch (m->stage) {
	case START:
		rm_kafka_tags(c);
		rm_kafka_int(c, 4); /* how long to wait */
		m->brokers = rm_kafka_count(c);
		if (!c->bad)
			list(m, m->brokers, BROKER, TOPICS);
		return;
	case BROKER:
		broker(m, c);
		return;
	case TOPICS:
		rm_kafka_string(c); /* the cluster, and who controls it */
		rm_kafka_int(c, 4);
		m->topics = rm_kafka_count(c);
		if (!c->bad)
			list(m, m->topics, TOPIC, REST);
		return;
	case TOPIC:
		topic(f, c);
		return;
	case PARTITION:
		partition(m, c);
		return;
	case TOPIC_TAIL:
		rm_kafka_int(c, 4); /* what is allowed */
		rm_kafka_tags(c);
		if (!c->bad)
			list(m, --m->topics, TOPIC, REST);
		return;
	}
}

int64_t rm_kafka_metadata_step(struct rm_kafka_feed *f, struct rm_str view, uint32_t left)
{
	struct rm_kafka_metadata *m = &f->s->metadata;
	struct rm_kafka_cursor c = { .p = view.p, .n = view.n, .flexible = true };

	if (m->stage == REST)
		return (int64_t)view.n;
	step(f, &c);
	if (!c.bad)
		return (int64_t)c.at;
	if (view.n < RM_KAFKA_VIEW_BYTES && view.n < left)
		return -1;
	/* What should be in so many bytes, or in all that is left, is not there. */
	m->stage = REST;
	return 0;
}
