/*
 * A sink that writes down what a parser tells it and checks that it may: events in a legal order,
 * slices inside the head, the head where the parser says it lies, memory borrowed and given back.
 * For tests of any protocol. A breach ends the program through abort(), so that fuzzers see it.
 */
#ifndef RM_TESTS_REPLAY_WATCH_H
#define RM_TESTS_REPLAY_WATCH_H

#include <stdio.h>

#include "protocols/proto.h"

struct watch_exchange;

struct watch {
	struct rm_sink sink;          /* first: the sink is the watch */
	const struct rm_proto *proto;
	void *state;
	FILE *log;
	char *text;                   /* of the log, valid after watch_close */
	size_t text_bytes;
	char *guarded;                /* buffers are fed so that they end at an inaccessible page */
	size_t guarded_bytes;
	const char *fed;              /* the buffer of the current feed() */
	size_t fed_bytes;
	enum rm_dir fed_dir;
	char *stash[RM_STASHES];
	size_t stash_bytes[RM_STASHES];
	void *scratch;                /* lent for one feed() */
	size_t scratch_bytes;
	struct watch_exchange *exchanges;
	uint32_t exchange_count;
	const struct rm_proto *next;  /* handed over to ... */
	rm_xid handed_over;           /* ... with this exchange */
	bool stop_heads;              /* answer each request head with "stop here" */
	bool unrecorded;              /* every third exchange gets no name */
	bool fields_anywhere;         /* heads are no lines: their slices may lie elsewhere */
	bool has_content;             /* of responses, to be shown */
	bool muted;
	uint64_t greeting;            /* what was said before TLS */
	uint8_t topic_id[RM_TOPIC_ID_BYTES]; /* and name, that were told last */
	char topic[256];
	size_t topic_bytes;
};

void watch_open(struct watch *w, const struct rm_proto *proto);

/* The client's first bytes, which are fed then: where no connection begins like that, one that was there before is joined. */
void watch_join(struct watch *w, const char *bytes, size_t n);

/* Feeds `n` bytes in one buffer; where the parser stops, the rest comes as the next buffer. */
void watch_feed(struct watch *w, enum rm_dir dir, const char *bytes, size_t n);
void watch_skip(struct watch *w, enum rm_dir dir, uint64_t n);
void watch_end(struct watch *w, enum rm_dir dir, bool reset);

/* Ends the connection as an agent does, checks that nothing is left open; w->text is the log. */
void watch_close(struct watch *w);
void watch_free(struct watch *w);

#endif
