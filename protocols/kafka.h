/*
 * Kafka between its files: what is known of a connection. Context: hook, connection locked.
 * Spec: Kafka protocol guide; schemas of Produce, versions 0 to 13, Fetch, 0 to 18, and Metadata, 10 to 13.
 */
#ifndef RM_PROTOCOLS_KAFKA_H
#define RM_PROTOCOLS_KAFKA_H

#include "protocols/gather.h"
#include "protocols/kafka_wire.h"
#include "protocols/waiting.h"

enum { RM_KAFKA_PRODUCE = 0, RM_KAFKA_FETCH = 1, RM_KAFKA_METADATA = 3, RM_KAFKA_SASL_HANDSHAKE = 17, RM_KAFKA_API_VERSIONS = 18 };

enum {
	RM_KAFKA_PORT = 9092,
	RM_KAFKA_PRODUCE_MAX = 13, /* the versions that are known */
	RM_KAFKA_FETCH_MAX = 18,
	RM_KAFKA_METADATA_MIN = 10, /* those that tell ids of topics */
	RM_KAFKA_METADATA_MAX = 13,
	RM_KAFKA_WHOLE_BYTES = 56 * 1024, /* of a request that context is added to */
	RM_KAFKA_PART_BYTES = 4096,       /* so much of a larger one is read */
	RM_KAFKA_VIEW_BYTES = 8192,       /* of an answer, what is looked at in one piece */
	RM_KAFKA_TOPIC_BYTES = 249,
	RM_KAFKA_CLIENT_BYTES = 64,
};

/* Kinds of what waits for its answer; rm_waiting.n holds the version and part of the number. */
enum { RM_KAFKA_WAITS_PRODUCE = 1, RM_KAFKA_WAITS_FETCH, RM_KAFKA_WAITS_METADATA };

struct rm_kafka_way {
	struct rm_gather gather;
	uint32_t left; /* of the request or the answer; 0: one begins */
};

/* An answer to Fetch, on its way. */
struct rm_kafka_fetch {
	uint8_t stage;          /* see kafka_fetch.c */
	uint8_t version;
	bool told, counted;     /* a message is under way; all of them can be counted */
	rm_xid x;
	uint32_t skip;          /* bytes that are not looked at */
	uint32_t topics, partitions; /* left, with the one that is at work */
	int32_t partition;
	uint32_t records;       /* bytes of records left in it */
	uint32_t batch, batch_records; /* bytes and records left in a batch */
	uint32_t count;         /* messages seen in the partition */
	uint64_t body;
	uint8_t topic_bytes;    /* its name is in the stash */
};

/* An answer to Metadata, on its way. */
struct rm_kafka_metadata {
	uint8_t stage; /* see kafka_metadata.c */
	uint32_t brokers, topics, partitions; /* left, with the one that is at work */
};

struct rm_kafka {
	struct rm_kafka_way way[2]; /* by enum rm_dir */
	struct rm_waiting_queue queue;
	bool opened, muted;
	bool refused;           /* a batch was too long for its topic */
	uint8_t topics;         /* in the table of kafka_limit.c */
	/* The request on its way is one of Produce: */
	bool producing, answered; /* it will be answered */
	rm_xid x;
	uint32_t body;
	/* The answer on its way: */
	struct rm_waiting now;
	struct rm_str error;    /* of Produce, in `digits` */
	char digits[8];
	struct rm_kafka_fetch fetch;
	struct rm_kafka_metadata metadata;
	uint8_t client_bytes;
	char client[RM_KAFKA_CLIENT_BYTES];
};

_Static_assert(sizeof(struct rm_kafka) <= RM_CONN_STATE_BYTES, "as any protocol");

struct rm_kafka_feed {
	struct rm_kafka *s;
	struct rm_input in;
	struct rm_sink *sink;
	void *conn;
};

static inline uint32_t rm_kafka_waits(unsigned version, uint32_t number)
{
	return (version + 1) << 16 | (number & 0xffff);
}

/* ---- kafka_produce.c ---- */

/*
 * A Produce request; `c` stands behind its head, and sees all of the request (`whole`) or its beginning. `request` are the
 * bytes it sees, which begin at `at`.
 */
enum rm_step rm_kafka_produce(struct rm_kafka_feed *f, struct rm_kafka_cursor *c, unsigned version, uint32_t number,
				       struct rm_str request, int64_t at, bool whole);

/*
 * Reads the answer to the one with this number, behind that: the first error goes to s->error. False: it cannot be read.
 */
bool rm_kafka_produced(struct rm_kafka *s, struct rm_sink *sink, unsigned version, uint32_t number, struct rm_str answer);

/* ---- kafka_limit.c ---- */

uint64_t rm_kafka_topic_key(struct rm_str topic);

/* How long a batch for this topic may become. */
uint32_t rm_kafka_batch_most(const struct rm_kafka *s, struct rm_sink *sink, uint64_t key);

/* One that is sent with the request of this number, which will be answered. */
void rm_kafka_batch_offered(struct rm_kafka *s, struct rm_sink *sink, uint64_t key, uint32_t bytes, uint32_t number);

enum rm_kafka_answer { RM_KAFKA_TAKEN, RM_KAFKA_TOO_LONG, RM_KAFKA_UNKNOWN };

/* The request of this number was answered, for all of its batches alike. */
void rm_kafka_batches_answered(struct rm_kafka *s, struct rm_sink *sink, uint32_t number, enum rm_kafka_answer answer);

/* ---- kafka_fetch.c ---- */

/* An answer to Fetch begins behind its number. */
void rm_kafka_fetch_begin(struct rm_kafka *s, unsigned version);

/*
 * Reads on, of at most `left` bytes of the answer, of which `view` is here and not empty. Returns how many it stepped over, 0
 * where it got on otherwise; -1: more of them have to be in the view, which will not be more than RM_KAFKA_VIEW_BYTES.
 */
int64_t rm_kafka_fetch_step(struct rm_kafka_feed *f, struct rm_str view, uint32_t left);

/* The answer is over, or will not go on: `error` says why, if not empty. */
void rm_kafka_fetch_over(struct rm_kafka *s, struct rm_sink *sink, struct rm_str error);

/* ---- kafka_metadata.c ---- */

/* As those of Fetch; names and ids of topics are told to the sink as they come. */
void rm_kafka_metadata_begin(struct rm_kafka *s);
int64_t rm_kafka_metadata_step(struct rm_kafka_feed *f, struct rm_str view, uint32_t left);

#endif
