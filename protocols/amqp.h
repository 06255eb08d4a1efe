/*
 * AMQP 0-9-1 between its files: what is known of a connection and of its channels. Context: hook, connection locked.
 * Spec: Advanced Message Queuing Protocol 0-9-1, and RabbitMQ's extensions (confirms, types of fields).
 */
#ifndef RM_PROTOCOLS_AMQP_H
#define RM_PROTOCOLS_AMQP_H

#include "protocols/frame.h"
#include "protocols/gather.h"
#include "protocols/names.h"
#include "protocols/unsettled.h"

enum rm_amqp_frame { RM_AMQP_METHOD = 1, RM_AMQP_HEADER, RM_AMQP_BODY, RM_AMQP_HEARTBEAT = 8 };

enum {
	RM_AMQP_HEAD_BYTES = 7,          /* of a frame: type, channel, size */
	RM_AMQP_HEAD_MAX_BYTES = 32 * 1024, /* of a frame whose content is looked at */
	RM_AMQP_CHANNELS = 512,
	RM_AMQP_FIELDS = 32, /* of those that may carry context; to more than half of that none are added */
};

/* A message of one direction of a channel: a method, then a head, then so many bytes in any number of frames. */
struct rm_amqp_content {
	enum { RM_AMQP_NO_CONTENT, RM_AMQP_AWAITS_HEAD, RM_AMQP_IN_BODY } stage;
	bool told;          /* of a message: not what the server sends back */
	rm_xid x;
	uint32_t confirm;   /* its number, 0: nobody settles it */
	uint64_t tag;       /* of a delivery */
	uint64_t left, body;
};

struct rm_amqp_channel {
	uint16_t id;
	bool confirms;
	uint32_t published; /* since it does */
	struct rm_amqp_content way[2]; /* by enum rm_dir */
};

struct rm_amqp_way {
	struct rm_gather gather;
	uint32_t left;      /* of the frame, with the byte that ends it; 0: a frame begins */
	bool content;       /* the frame is a content's: its head, or ... */
	uint16_t channel;
	uint32_t body;      /* ... so much of its body */
};

struct rm_amqp {
	struct rm_amqp_way way[2];
	bool opened, muted;
	uint32_t frame_max;     /* 0: not told yet */
	uint16_t channels, channels_cap;
	struct rm_unsettled unsettled;
	struct rm_names names;  /* queues of consumers, and of what is under way */
};

struct rm_amqp_feed {
	struct rm_amqp *s;
	struct rm_input in;
	struct rm_sink *sink;
	void *conn;
};

/* What a content head says. */
struct rm_amqp_properties {
	struct rm_field fields[RM_AMQP_FIELDS];
	uint32_t count;
	struct rm_str id, correlation;
	bool has_table;
	uint32_t table_at, table_bytes; /* where it lies or would lie, in the payload; behind its length */
};

/* What a method or a content head is read with: the memory for one feed (rm_sink_calls.scratch). */
struct rm_amqp_room {
	struct rm_amqp_properties properties;
	char text[RM_NAMES_TEXT_BYTES]; /* of what is remembered */
	char name[3 * 256 + 2];         /* exchange, routing key and queue */
};

/* NULL: no memory. */
static inline struct rm_amqp_room *rm_amqp_room(const struct rm_amqp_feed *f)
{
	return f->sink->on->scratch(f->sink, sizeof(struct rm_amqp_room));
}

/* Without `add` NULL where nothing is known of it; with it, where there is no memory or there are too many. */
struct rm_amqp_channel *rm_amqp_channel(struct rm_amqp *s, struct rm_sink *sink, uint16_t id, bool add);

/* What is remembered of a channel, by a letter that says what and perhaps a name of the program's. */
struct rm_amqp_key {
	char text[RM_NAMES_KEY_BYTES];
	size_t n;
};
struct rm_str rm_amqp_key(struct rm_amqp_key *room, char what, uint16_t channel, struct rm_str name);

/* ---- amqp_method.c ---- */

/* A method, all of it. False: the connection cannot be followed. */
bool rm_amqp_method(struct rm_amqp_feed *f, uint16_t channel, struct rm_str payload);

/* ---- amqp_content.c ---- */

/* The head of a content; `head` is its frame but for the end, `at` where that begins. False: cannot be followed. */
bool rm_amqp_content_head(struct rm_amqp_feed *f, struct rm_amqp_channel *c, struct rm_str head, int64_t at, bool *ret_stop);

/* Ends a message whose last byte was seen. */
void rm_amqp_content_over(struct rm_amqp_feed *f, struct rm_amqp_channel *c);

/* The broker settled what was published on a channel, up to a number or just that one. */
void rm_amqp_settle(struct rm_amqp_feed *f, uint16_t channel, uint64_t number, bool multiple, struct rm_str error);

/* A channel is over, and all that is under way on it is broken. */
void rm_amqp_channel_over(struct rm_amqp *s, struct rm_sink *sink, struct rm_amqp_channel *c, struct rm_str error);

#endif
