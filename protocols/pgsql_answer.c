/*
 * What PostgreSQL's servers answer. Answers come in the order of the questions. `queue` holds those that decide it: a simple
 * query and a function call are over with ReadyForQuery, an execution with CommandComplete, EmptyQueryResponse or
 * PortalSuspended, or with an error; a Sync with ReadyForQuery. After an error in the extended protocol the server skips
 * all up to the Sync: what was to be executed there is broken. Notices, notifications and parameters may come at any time
 * and answer nothing.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: PostgreSQL, "Frontend/Backend Protocol", "Message Flow".
 */
#include <string.h>

#include "protocols/pgsql.h"

enum { ERROR_BYTES = 64 /* of its fields: the SQLSTATE is the third */ };

/* The SQLSTATE among the fields of an error. */
static struct rm_str sqlstate(const char *p, size_t n)
{
	size_t at = 0;

	while (at < n && p[at]) {
		const char *end = memchr(p + at, '\0', n - at);
		struct rm_str value = { p + at + 1, end ? (size_t)(end - p) - at - 1 : 0 };

		if (!end)
			break;
		if (p[at] != 'C') {
			at = (size_t)(end - p) + 1;
			continue;
		}
		for (size_t i = 0; i < value.n; i++)
			if (!(value.p[i] >= '0' && value.p[i] <= '9') && !(value.p[i] >= 'A' && value.p[i] <= 'Z'))
				value.n = 0;
		return value.n == RM_PGSQL_STATE_BYTES ? value : (struct rm_str){ NULL, 0 };
	}
	return (struct rm_str){ NULL, 0 };
}

/* The oldest question is answered. */
static void answered(struct rm_pgsql *s, struct rm_sink *sink, bool failed)
{
	struct rm_outcome outcome = { .failed = failed };
	rm_xid x = rm_waiting_oldest(&s->queue, sink)->x;

	/* Before its last byte was sent, even: that is told to nobody then. */
	s->x = s->x == x ? 0 : s->x;
	if (failed)
		outcome.status = (struct rm_str){ s->sqlstate, s->sqlstate_n };
	rm_waiting_pop(&s->queue, sink);
	sink->on->response(sink, x);
	sink->on->outcome(sink, x, &outcome);
	sink->on->response_end(sink, x, 0);
}

/* The server skipped it, after an error of what came before. */
static void skipped(struct rm_pgsql *s, struct rm_sink *sink)
{
	rm_xid x = rm_waiting_oldest(&s->queue, sink)->x;

	s->x = s->x == x ? 0 : s->x;
	rm_waiting_pop(&s->queue, sink);
	sink->on->broken(sink, x, RM_STR("pipeline_aborted"));
}

static int oldest_kind(const struct rm_pgsql *s, struct rm_sink *sink)
{
	const struct rm_waiting *w = rm_waiting_oldest(&s->queue, sink);

	return w ? (int)w->kind : -1;
}

/* False: what it is the end of is not known. */
static bool error(struct rm_pgsql *s, struct rm_sink *sink, const char *p, size_t n)
{
	struct rm_str state = sqlstate(p, n);
	int kind = oldest_kind(s, sink);

	if (s->skips)
		return true;
	if (state.n)
		memcpy(s->sqlstate, state.p, state.n);
	s->sqlstate_n = (uint8_t)state.n;
	s->failed = true;
	if (kind == RM_PGSQL_QUERY || kind == RM_PGSQL_CALL)
		return rm_pgsql_copy_answered(&s->copy, true);
	/* The error of an idle server, which ends the connection, skips nothing either. */
	s->skips = true;
	if (kind == RM_PGSQL_EXECUTE)
		answered(s, sink, true);
	return rm_pgsql_copy_answered(&s->copy, true);
}

/* ReadyForQuery. False: nobody asked. */
static bool ready(struct rm_pgsql *s, struct rm_sink *sink)
{
	int kind;

	if (!s->started) {
		s->started = true;
		s->skips = s->failed = false;
		return true;
	}
	for (kind = oldest_kind(s, sink); s->skips && kind > RM_PGSQL_ANY_SYNC; kind = oldest_kind(s, sink))
		skipped(s, sink);
	if (kind == RM_PGSQL_QUERY || kind == RM_PGSQL_CALL)
		answered(s, sink, s->failed);
	else if (kind == RM_PGSQL_ANY_SYNC)
		rm_waiting_pop(&s->queue, sink);
	else
		return false;
	s->skips = s->failed = s->unproved = false;
	return true;
}

/* One message of the server. False: the connection is left alone. */
static bool answer(struct rm_pgsql *s, struct rm_sink *sink, char type, struct rm_str text)
{
	int kind;

	if (s->unproved && !rm_pgsql_fits(oldest_kind(s, sink), type))
		return false;
	switch (type) {
	case 'E':
		return error(s, sink, text.p, text.n);
	case 'G':
		kind = oldest_kind(s, sink);
		return (kind != RM_PGSQL_EXECUTE && kind != RM_PGSQL_QUERY) || rm_pgsql_copy_begins(&s->copy, &s->queue, sink, RM_PGSQL_ANY_SYNC);
	case 'Z':
		return ready(s, sink);
	case 'C':
	case 'I':
	case 's':
		kind = oldest_kind(s, sink);
		rm_pgsql_copy_answered(&s->copy, false);
		if (kind == RM_PGSQL_EXECUTE)
			answered(s, sink, false);
		return kind == RM_PGSQL_EXECUTE || kind == RM_PGSQL_QUERY;
	case 'W': /* CopyBothResponse: replication */
		return false;
	}
	return true;
}

static bool answer_head(struct rm_frame *f)
{
	if (!rm_pgsql_length(f))
		return false;
	rm_frame_body(f, f->left, rm_pgsql_type(f) == 'E' ? ERROR_BYTES : 0);
	return rm_pgsql_type(f) && memchr("RKSNAEZCITD123ntsGHWdcVv", rm_pgsql_type(f), 24);
}

bool rm_pgsql_answers(struct rm_pgsql *s, struct rm_str bytes, struct rm_sink *sink)
{
	struct rm_frame *f = &s->way[RM_DIR_RESPONSE];
	struct rm_str text;
	size_t at = 0;

	for (;;) {
		bool ok = true;

		switch (rm_frame_next(f, RM_DIR_RESPONSE, bytes, &at, sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			ok = answer_head(f);
			break;
		case RM_FRAME_TEXT:
			ok = answer(s, sink, rm_pgsql_type(f), text);
			break;
		case RM_FRAME_OVER:
			break;
		case RM_FRAME_BAD:
			return false;
		}
		if (!ok)
			return false;
	}
}
