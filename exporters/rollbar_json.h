/*
 * Items of Rollbar's API: what went wrong in a span, or what a program printed of it. Context: worker.
 */
#ifndef RM_EXPORTERS_ROLLBAR_JSON_H
#define RM_EXPORTERS_ROLLBAR_JSON_H

#include "agent/telemetry.h"
#include "base/json.h"

/* What becomes an item. */
enum rm_rollbar_kind {
	RM_ROLLBAR_EXCEPTIONS = 1, /* exceptions of any span, crashes among them */
	RM_ROLLBAR_SERVER = 2,     /* requests that were served, and failed: 5xx */
	RM_ROLLBAR_CLIENT = 4,     /* requests that were sent, and failed */
};

struct rm_rollbar_style {
	unsigned kinds;            /* enum rm_rollbar_kind */
	struct rm_str environment; /* where the resource says none */
	bool user_ip;              /* the client's address may be told */
};

enum { RM_ROLLBAR_ID_BYTES = 16 };

/* What one item tells; of span and log just one, the other is NULL. */
struct rm_rollbar_subject {
	const struct rm_record *resource;
	const struct rm_span *span;
	const struct rm_log *log;
	uint32_t which; /* of the items that the span makes, from 0 on */
};

/* How many items a span makes. */
uint32_t rm_rollbar_count(const struct rm_rollbar_style *style, const struct rm_span *span);

/* True when a log record makes one: there is an exception in it. */
bool rm_rollbar_takes(const struct rm_rollbar_style *style, const struct rm_log *log);

/* The item's id: the same one however often it is made, and no other item's. */
void rm_rollbar_id(const struct rm_rollbar_subject *subject, uint8_t ret[RM_ROLLBAR_ID_BYTES]);

/* Writes the item, as a whole document. */
void rm_rollbar_json(struct rm_json *j, const struct rm_rollbar_style *style, const struct rm_rollbar_subject *subject);

#endif
