/*
 * The exceptions of a span as X-Ray's documents have them: each with an id, the innermost frame first, and the id of the
 * one that it was raised for. Context: worker. Spec: AWS X-Ray developer guide, "Segment documents", cause.
 */
#include "exporters/xray_cause.h"

#include <stdlib.h>
#include <string.h>

#include "exporters/traceback.h"

enum { STACK_MAX = 50, EXCEPTIONS_MAX = 8 }; /* as the SDKs have it; a document has 64 kB */

static void put(struct rm_json *j, const char *key, struct rm_str value)
{
	if (value.n == 0)
		return;
	rm_json_key(j, key);
	rm_json_str(j, value);
}

static void put_number(struct rm_json *j, const char *key, int64_t n)
{
	rm_json_key(j, key);
	rm_json_i64(j, n);
}

static void put_id(struct rm_json *j, const char *key, const struct rm_span *s, uint32_t number)
{
	uint8_t id[8];

	memcpy(id, s->span_id, sizeof(id));
	id[0] ^= (uint8_t)number;
	rm_json_key(j, key);
	rm_json_hex(j, id, sizeof(id));
}

static void put_stack(struct rm_json *j, const struct rm_traceback *t, const struct rm_traceback_raised *r)
{
	rm_json_key(j, "stack");
	rm_json_open(j, '[');
	for (uint32_t i = 0; i < r->count && i < STACK_MAX; i++) {
		const struct rm_traceback_frame *f = &t->frame[r->first + i];

		rm_json_open(j, '{');
		put(j, "path", f->path);
		if (f->line > 0)
			put_number(j, "line", f->line);
		put(j, "label", f->function);
		rm_json_close(j, '}');
	}
	rm_json_close(j, ']');
	if (r->count > STACK_MAX)
		put_number(j, "truncated", r->count - STACK_MAX);
}

/* One exception; `raised` is its place in what the traceback says, which is NULL where there is none. */
static void put_exception(struct rm_json *j, const struct rm_span *s, const struct rm_event *e, const struct rm_traceback *t,
			  uint32_t raised, uint32_t number, bool is_remote)
{
	struct rm_str type = { NULL, 0 }, message = { NULL, 0 };

	if (raised == 0) {
		rm_record_find_str(&e->record, "exception.type", &type);
		rm_record_find_str(&e->record, "exception.message", &message);
	} else {
		type = t->raised[raised].type;
		message = t->raised[raised].message;
	}
	rm_json_open(j, '{');
	put_id(j, "id", s, number);
	put(j, "type", type);
	put(j, "message", message);
	if (is_remote) {
		rm_json_key(j, "remote");
		rm_json_bool(j, true);
	}
	if (t && raised + 1 < t->raised_count)
		put_id(j, "cause", s, number + 1);
	if (t)
		put_stack(j, t, &t->raised[raised]);
	rm_json_close(j, '}');
}

static uint32_t put_event(struct rm_json *j, const struct rm_span *s, const struct rm_event *e, struct rm_traceback *room,
			  uint32_t number, bool is_remote)
{
	struct rm_str text = { NULL, 0 };
	bool has_stack;

	rm_record_find_str(&e->record, "exception.stacktrace", &text);
	has_stack = room && rm_traceback_read(text, room);
	for (uint32_t i = 0; i < (has_stack ? room->raised_count : 1); i++)
		put_exception(j, s, e, has_stack ? room : NULL, i, number++, is_remote);
	return number;
}

bool rm_xray_cause(struct rm_json *j, const struct rm_span *span, bool is_remote)
{
	struct rm_attr_iter it = rm_record_attrs(&span->record);
	struct rm_traceback *room = NULL;
	const struct rm_event *e;
	uint32_t number = 0;

	/* What was thrown in a span that did not fail was caught, and is the cause of nothing. */
	while (span->status == RM_STATUS_ERROR && span->event_count > 0 && number < EXCEPTIONS_MAX && rm_event_next(&it, &e)) {
		if (!rm_str_eq(rm_event_name(e), RM_STR("exception")))
			continue;
		if (number == 0) {
			room = malloc(sizeof(*room));
			rm_json_key(j, "cause");
			rm_json_open(j, '{');
			rm_json_key(j, "exceptions");
			rm_json_open(j, '[');
		}
		number = put_event(j, span, e, room, number, is_remote);
	}
	free(room);
	if (number == 0)
		return false;
	rm_json_close(j, ']');
	rm_json_close(j, '}');
	return true;
}
