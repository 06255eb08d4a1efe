/*
 * Events of spans that are not done: whoever learns of one, on whatever thread, gives it to the exchange
 * without its connection's lock; the record gets it when the exchange ends. Context of all: hook, signal-safe.
 */
#ifndef RM_AGENT_EVENTS_H
#define RM_AGENT_EVENTS_H

#include "agent/exchange.h"

/* An event in the making: attributes are added to the builder. */
struct rm_event_draft {
	rm_text text;
	struct rm_builder builder;
};

/* Starts an event with room for about `bytes` of attributes. False: there is no memory. */
bool rm_event_begin(struct rm_event_draft *d, size_t bytes, struct rm_str name, uint64_t time_ns);

/*
 * Ends the event and gives it to the exchange of a context. False when that has ended, is not recorded or has as many as
 * it may; the event is gone in any case.
 */
bool rm_event_give(struct rm_event_draft *d, rm_ctx ctx);

/* Counts an event that there was no time for, as one that was dropped. */
void rm_event_drop(rm_ctx ctx);

/* What waits is put into the record, as far as it has or gets room. The exchange is about to end. */
void rm_events_write(struct rm_exchange *e);

/* Gives the record room for `bytes` more, as far as records go. */
void rm_record_room(struct rm_exchange *e, size_t bytes);

/* Forgets what waits; from here on the exchange's name takes no events. */
void rm_events_close(struct rm_exchange *e);

#endif
