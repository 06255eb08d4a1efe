/*
 * How long a batch may be: each topic has a limit (max.message.bytes, by default that of the broker), which nobody tells those
 * who produce. A batch that is longer than that with our context, and was not without it, would be lost because of us. So one is
 * lengthened only up to what each topic is known to take (rm_sink_calls.untold), or up to the longest batch that this topic
 * was seen to take on this connection. Once a batch was refused for its length, only the latter counts, learned anew.
 *
 * Of a topic one batch at a time is on its way to being known: offered, until the answer to its request.
 * Context: hook, connection locked.
 */
#include "protocols/kafka.h"

enum { TOPICS = 20 };

/* Topics are told apart by a hash of 64 bits of their names or ids. */
struct topic {
	uint64_t key;
	uint32_t taken;   /* the longest batch that was taken */
	uint32_t offered; /* one that is longer, on its way; 0: none */
	uint32_t number;  /* of its request */
};

uint64_t rm_kafka_topic_key(struct rm_str topic)
{
	uint64_t key = 0xcbf29ce484222325;

	for (size_t i = 0; i < topic.n; i++)
		key = (key ^ (uint8_t)topic.p[i]) * 0x100000001b3;
	return key;
}

static struct topic *all(struct rm_sink *sink)
{
	return (void *)sink->on->stash(sink, RM_STASH_RESPONSE_TABLE, TOPICS * (uint32_t)sizeof(struct topic));
}

static struct topic *find(const struct rm_kafka *s, struct rm_sink *sink, uint64_t key)
{
	struct topic *topics = s->topics ? all(sink) : NULL;

	for (uint32_t i = 0; topics && i < s->topics; i++)
		if (topics[i].key == key)
			return &topics[i];
	return NULL;
}

uint32_t rm_kafka_batch_most(const struct rm_kafka *s, struct rm_sink *sink, uint64_t key)
{
	const struct topic *t = find(s, sink, key);
	uint32_t known = s->refused ? 0 : sink->on->untold(sink);

	return t && t->taken > known ? t->taken : known;
}

void rm_kafka_batch_offered(struct rm_kafka *s, struct rm_sink *sink, uint64_t key, uint32_t bytes, uint32_t number)
{
	struct topic *t;

	if (bytes <= rm_kafka_batch_most(s, sink, key))
		return;
	t = find(s, sink, key);
	if (!t && s->topics < TOPICS) {
		t = all(sink);
		if (!t)
			return;
		t += s->topics++;
		*t = (struct topic){ .key = key };
	}
	if (!t || (t->offered && (t->number != number || bytes <= t->offered)))
		return;
	t->offered = bytes;
	t->number = number;
}

void rm_kafka_batches_answered(struct rm_kafka *s, struct rm_sink *sink, uint32_t number, enum rm_kafka_answer answer)
{
	struct topic *topics = s->topics ? all(sink) : NULL;

	if (answer == RM_KAFKA_TOO_LONG) {
		s->refused = true;
		s->topics = 0;
		return;
	}
	for (uint32_t i = 0; topics && i < s->topics; i++) {
		struct topic *t = &topics[i];

		if (!t->offered || t->number != number)
			continue;
		if (answer == RM_KAFKA_TAKEN && t->offered > t->taken)
			t->taken = t->offered;
		t->offered = 0;
	}
}
