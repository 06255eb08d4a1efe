/*
 * Builds records (agent/telemetry.h) in memory of the caller. Past the cap an attribute is left out
 * and counted in dropped_attrs: nothing is cut without being counted. Context: any, signal-safe.
 */
#ifndef RM_AGENT_RECORD_H
#define RM_AGENT_RECORD_H

#include "agent/keys.h"
#include "agent/telemetry.h"
#include "base/bytes.h"

struct rm_builder {
	struct rm_record *record; /* start of the caller's memory, 8-byte aligned; whole after rm_builder_end */
	char *at, *end;           /* where the next attribute goes, where the memory ends */
	uint32_t max_attrs;       /* OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT; 0 = no limit */
	uint32_t max_value_bytes; /* OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, in characters; 0 = no limit */
	uint32_t attrs_left;
	uint32_t dropped;
};

/*
 * Starts a span record; `head` gives every fixed field (lengths and counts are set here).
 * b->max_attrs and b->max_value_bytes are the caller's to set, before; a resource has no limits.
 * A name or tracestate that does not fit makes the record RM_E_FULL.
 */
int rm_builder_span(struct rm_builder *b, void *memory, uint32_t cap_bytes,
		    const struct rm_span *head, struct rm_str name, struct rm_str tracestate);
int rm_builder_resource(struct rm_builder *b, void *memory, uint32_t cap_bytes);

/*
 * Starts an event by itself, with the limits of a span's; once it was ended, rm_builder_add_event puts it into
 * a span. A name that does not fit makes it RM_E_FULL.
 */
int rm_builder_event(struct rm_builder *b, void *memory, uint32_t cap_bytes, struct rm_str name, uint64_t time_ns);

/*
 * Starts a log record; limits are the caller's to set, as of a span: OTEL_LOGRECORD_ATTRIBUTE_... `severity`
 * is the text of it, `event` the name of the event that it is: both may be empty. What does not fit makes it
 * RM_E_FULL.
 */
int rm_builder_log(struct rm_builder *b, void *memory, uint32_t cap_bytes, const struct rm_log *head,
		   struct rm_str severity, struct rm_str event, struct rm_str body);

/*
 * Reserves an attribute of ours: writes its head, and zeroes the value's padding. Returns where `value_bytes`
 * (not 0) of value are to go, NULL (counted) when a limit is reached.
 */
static inline char *rm_builder_add(struct rm_builder *b, enum rm_key key, enum rm_attr_type type, size_t value_bytes)
{
	const struct rm_attr_head head = { (uint16_t)key, (uint8_t)type, 0, (uint32_t)value_bytes };
	size_t bytes = sizeof(head) + ((value_bytes + 7) & ~(size_t)7);
	char *to = b->at;

	if (bytes > (size_t)(b->end - to) || !b->attrs_left) {
		b->dropped++;
		return NULL;
	}
	b->attrs_left--;
	b->at = to + bytes;
	memcpy(to, &head, sizeof(head));
	memset(b->at - 8, 0, 8);
	return to + sizeof(head);
}

/*
 * Attributes of which it is certain that they all find room, one behind the other without a look at any limit: a request
 * has a dozen. Begun where rm_series_fits said so, and over with rm_series_end; until then the builder is left alone.
 */
struct rm_series {
	char *at;
	uint32_t count;
};

/* `bytes`: of all values together; `attrs`: how many attributes there may be. */
static inline bool rm_series_fits(const struct rm_builder *b, size_t bytes, uint32_t attrs)
{
	return !b->max_value_bytes && b->attrs_left >= attrs &&
	       (size_t)(b->end - b->at) >= bytes + attrs * (sizeof(struct rm_attr_head) + 7);
}

static inline struct rm_series rm_series_begin(const struct rm_builder *b)
{
	return (struct rm_series){ b->at, 0 };
}

static inline void rm_series_end(struct rm_builder *b, const struct rm_series *r)
{
	b->at = r->at;
	b->attrs_left -= r->count;
}

/* The head of one, and zeroes in the padding; returns where the value (not empty) goes. */
static inline char *rm_series_add(struct rm_series *r, enum rm_key key, enum rm_attr_type type, size_t value_bytes)
{
	const struct rm_attr_head head = { (uint16_t)key, (uint8_t)type, 0, (uint32_t)value_bytes };
	char *to = r->at + sizeof(head);

	memcpy(r->at, &head, sizeof(head));
	r->at = to + ((value_bytes + 7) & ~(size_t)7);
	r->count++;
	memset(r->at - 8, 0, 8);
	return to;
}

static inline void rm_series_i64(struct rm_series *r, enum rm_key key, int64_t value)
{
	memcpy(rm_series_add(r, key, RM_ATTR_I64, sizeof(value)), &value, sizeof(value));
}

/* Left out if it is empty. */
static inline void rm_series_str(struct rm_series *r, enum rm_key key, struct rm_str value)
{
	char *to;

	if (!value.n)
		return;
	to = rm_series_add(r, key, RM_ATTR_STR, value.n);
	if (value.n < 8) {
		uint64_t word = rm_bytes_few(value.p, value.n);

		memcpy(to, &word, sizeof(word));
	} else if (value.n <= 16) {
		uint64_t first = rm_bytes_word(value.p), last = rm_bytes_word(value.p + value.n - 8);

		memcpy(to, &first, sizeof(first));
		memcpy(to + value.n - 8, &last, sizeof(last));
	} else {
		memcpy(to, value.p, value.n);
	}
}

/* Of a string that may be longer than the limit. */
void rm_builder_long(struct rm_builder *b, enum rm_key key, struct rm_str value);

/* Gives a span that was begun another name; what it has already moves. False: there is no room, and nothing changed. */
bool rm_builder_rename(struct rm_builder *b, struct rm_str name);

/* Empty strings are left out (OpenTelemetry: an absent attribute, not an empty one). */
static inline void rm_builder_str(struct rm_builder *b, enum rm_key key, struct rm_str value)
{
	char *to;

	/* Below 0, and below a limit that is none, is everything. */
	if (value.n - 1 >= b->max_value_bytes - 1) {
		if (value.n)
			rm_builder_long(b, key, value);
		return;
	}
	to = rm_builder_add(b, key, RM_ATTR_STR, value.n);
	if (to)
		memcpy(to, value.p, value.n);
}

static inline void rm_builder_i64(struct rm_builder *b, enum rm_key key, int64_t value)
{
	char *to = rm_builder_add(b, key, RM_ATTR_I64, sizeof(value));

	if (to)
		memcpy(to, &value, sizeof(value));
}

static inline void rm_builder_f64(struct rm_builder *b, enum rm_key key, double value)
{
	char *to = rm_builder_add(b, key, RM_ATTR_F64, sizeof(value));

	if (to)
		memcpy(to, &value, sizeof(value));
}

void rm_builder_bool(struct rm_builder *b, enum rm_key key, bool value);
/* One string of several parts. */
void rm_builder_joined(struct rm_builder *b, enum rm_key key, const struct rm_str *parts, uint32_t count);
void rm_builder_named_str(struct rm_builder *b, struct rm_str key, struct rm_str value);
/* A list of strings. */
void rm_builder_strs(struct rm_builder *b, enum rm_key key, const struct rm_str *values, uint32_t count);
/* A list of strings under a free key, as http.request.header.<key>. */
void rm_builder_named_strs(struct rm_builder *b, struct rm_str key, const struct rm_str *values,
			   uint32_t count);

enum { RM_LINKS_MAX = 128 }; /* as OTEL_SPAN_LINK_COUNT_LIMIT has it by default */

/* Adds a link to a span; past the limit, or where there is no room, it is counted in dropped_links. */
void rm_builder_link(struct rm_builder *b, const struct rm_link *link);

/* Adds a copy of an event to a span; past `max` of them, or where there is no room, it is counted in dropped_events. */
void rm_builder_add_event(struct rm_builder *b, const struct rm_event *event, uint32_t max);

/* Goes on in other memory, of at least what is there by now, to which the caller has copied that. */
void rm_builder_move(struct rm_builder *b, void *memory, uint32_t cap_bytes);

/* Finds a string that was added. False: there is none. The slice is valid until the record ends. */
bool rm_builder_find_str(const struct rm_builder *b, enum rm_key key, struct rm_str *ret);

/* Ends the record: returns its size in bytes, ready for rm_segment_push. */
uint32_t rm_builder_end(struct rm_builder *b);

#endif
