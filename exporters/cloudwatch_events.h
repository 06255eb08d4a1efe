/*
 * What a batch becomes: events in the order that CloudWatch Logs wants, cut into requests that it takes.
 * Context of all: worker. Spec: CloudWatch Logs API reference, PutLogEvents.
 */
#ifndef RM_EXPORTERS_CLOUDWATCH_EVENTS_H
#define RM_EXPORTERS_CLOUDWATCH_EVENTS_H

#include "agent/telemetry.h"
#include "base/json.h"

enum {
	RM_CLOUDWATCH_NAME_BYTES = 513,		/* of a group or stream, with its end */
	RM_CLOUDWATCH_EVENTS_MAX = 10000,	/* in one request */
	RM_CLOUDWATCH_BYTES_MAX = 1048576,	/* the same: of messages, and 26 for each */
	RM_CLOUDWATCH_EVENT_BYTES = 26,
	RM_CLOUDWATCH_SPAN_MS = 24 * 60 * 60 * 1000, /* from the first to the last of a request */
};

/* How they look. Strings are borrowed, empty for the default. */
struct rm_cloudwatch_style {
	struct rm_str group;  /* else service.name */
	struct rm_str stream; /* else host.name, else the host's own name */
	bool as_json;	      /* else the line as it is */
};

/* Where events of a resource go. NUL-terminated. */
struct rm_cloudwatch_place {
	char group[RM_CLOUDWATCH_NAME_BYTES], stream[RM_CLOUDWATCH_NAME_BYTES];
};

struct rm_cloudwatch_event {
	uint32_t place; /* index; equal places have one */
	uint32_t at;	/* in the batch: order of those with one time */
	int64_t time_ms;
	const struct rm_log *log;
	const struct rm_record *resource;
};

/* Owned; rm_cloudwatch_plan_free gives it back. */
struct rm_cloudwatch_plan {
	struct rm_cloudwatch_place *place;
	struct rm_cloudwatch_event *event; /* by place, then time */
	uint32_t count;
};

/* The name of a group as CloudWatch Logs takes it: '_' for what it does not. NUL-terminated, empty for an empty one. */
void rm_cloudwatch_group(struct rm_str name, char ret[RM_CLOUDWATCH_NAME_BYTES]);

/* Errors: RM_E_NOMEM, nothing is held then. */
int rm_cloudwatch_plan(const struct rm_batch *batch, const struct rm_cloudwatch_style *style, struct rm_cloudwatch_plan *ret);
void rm_cloudwatch_plan_free(struct rm_cloudwatch_plan *p);

/*
 * Writes the request that begins with event `from`: as many as go into one. *ret_left_out are those among them that no
 * request can have: empty ones, and any of more than 1 MiB. Returns the number of the event that follows.
 */
uint32_t rm_cloudwatch_put(const struct rm_cloudwatch_plan *p, const struct rm_cloudwatch_style *style, uint32_t from,
			   struct rm_json *j, uint32_t *ret_left_out);

/* A number that tells this plan from others. */
uint64_t rm_cloudwatch_plan_mark(const struct rm_cloudwatch_plan *p);

#endif
