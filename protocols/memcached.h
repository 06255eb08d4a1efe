/*
 * What the two protocols of memcached share: a connection, and what waits for an answer on it.
 * Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_MEMCACHED_H
#define RM_PROTOCOLS_MEMCACHED_H

#include "protocols/frame.h"
#include "protocols/line.h"
#include "protocols/waiting.h"

enum { RM_MEMCACHED_KEY_BYTES = 250, RM_MEMCACHED_VALUE_BYTES = INT32_MAX - 2, RM_MEMCACHED_REQUEST = 0x80 };

/* A value between two lines, with its CR LF. */
struct rm_memcached_value {
	uint32_t left;
	uint8_t row;  /* of an answer: the kind of line before it */
};

struct rm_memcached {
	struct rm_waiting_queue queue;
	uint16_t quiet;    /* so many of the oldest are known to be quiet: answered only if there is something to say */
	bool begun, binary;
	bool forgot;       /* quiet ones were not remembered: their answers may still come */
	bool muted;
	bool silent;       /* what is on its way asks for no answer */
	rm_xid x;          /* whose request is on its way, up to its last byte */
	struct rm_line line[2];              /* by enum rm_dir: text, ... */
	struct rm_memcached_value value[2];
	struct rm_frame frame[2];            /* ... and binary */
};

_Static_assert(sizeof(struct rm_memcached) <= RM_CONN_STATE_BYTES, "as any protocol");

/* What is asked. */
struct rm_memcached_question {
	const char *name;
	uint8_t kind;      /* of struct rm_waiting; not RM_WAITING_PLAIN */
	uint32_t n;        /* the same's */
	bool silent;       /* no answer will come */
	bool quiet;        /* one may come */
	bool untold;       /* no exchange is made of it */
};

struct rm_memcached_feed {
	struct rm_memcached *s;
	struct rm_str bytes;
	size_t at;
	struct rm_sink *sink;
	void *conn;
};

/* A request begins. False: it cannot be remembered. */
bool rm_memcached_asked(struct rm_memcached_feed *f, const struct rm_memcached_question *q);

/* Its last byte was sent. */
void rm_memcached_sent(struct rm_memcached_feed *f);

/* The first `n` that wait were done without an answer. */
void rm_memcached_pass(struct rm_memcached_feed *f, uint32_t n);

/* The oldest was answered. */
void rm_memcached_answered(struct rm_memcached_feed *f, const struct rm_outcome *outcome);

/* Does one that waits make do without an answer? */
bool rm_memcached_is_quiet(const struct rm_memcached *s, const struct rm_waiting *w);

/* How many of the oldest are quiet. */
uint32_t rm_memcached_quiet(struct rm_memcached_feed *f);

/* True when these are the first bytes of a client. */
bool rm_memcached_text_sniff(struct rm_str bytes);
bool rm_memcached_binary_sniff(const uint8_t *p, size_t n);

/* One direction of a connection. False: it is left alone. */
bool rm_memcached_text_requests(struct rm_memcached_feed *f);
bool rm_memcached_text_answers(struct rm_memcached_feed *f);
bool rm_memcached_binary_requests(struct rm_memcached_feed *f);
bool rm_memcached_binary_answers(struct rm_memcached_feed *f);

bool rm_memcached_text_quiet(const struct rm_waiting *w);
bool rm_memcached_binary_quiet(const struct rm_waiting *w);

#endif
