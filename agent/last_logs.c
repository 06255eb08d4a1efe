/*
 * What exporters/collect.c does, for the end of a process: no time passes any more, so nothing is waited for.
 * Pieces come in their order as long as they are in one ring, which they leave only when it is full; one that
 * is missing ends what was begun. Context: hook, signal-safe.
 */
#include "agent/last_logs.h"

#include <string.h>

/* Where an entry goes. */
struct target {
	struct rm_last_logs *l;
	enum rm_stream stream;
};

static void stage(void *arg, const struct rm_entry *e)
{
	struct target *t = arg;
	struct rm_last_logs *l = t->l;

	l->n += rm_log_record(e, t->stream, &l->limits, l->staged + l->n, (uint32_t)sizeof(l->staged) - l->n);
}

static void feed(struct rm_last_logs *l, const struct rm_output *o)
{
	int i = o->stream - RM_STREAM_STDOUT;
	struct target t = { l, (enum rm_stream)o->stream };
	struct rm_piece piece = rm_output_piece(o);

	l->lines[i].text = l->text[i];
	l->lines[i].cap = sizeof(l->text[i]);
	if (o->sequence != l->expected[i])
		rm_lines_gap(&l->lines[i], stage, &t);
	l->expected[i] = o->sequence + 1;
	rm_lines_feed(&l->lines[i], &piece, stage, &t);
}

static void end(struct rm_last_logs *l)
{
	for (int i = 0; i < RM_LAST_STREAMS; i++) {
		struct target t = { l, (enum rm_stream)(i + RM_STREAM_STDOUT) };

		if (l->lines[i].text)
			rm_lines_end(&l->lines[i], stage, &t);
	}
	l->ended = true;
}

/* The next record of the rings, NULL when they are empty. */
static const struct rm_record *pop(struct rm_last_logs *l, struct rm_segment *s)
{
	const struct rm_record *r = (const struct rm_record *)l->record;

	while (l->ring < RM_SEGMENT_LOG_RINGS) {
		int n = rm_segment_pop(s, RM_SEGMENT_SPAN_RINGS + l->ring, l->record);

		if (n > 0 && (r->type == RM_RECORD_LOG || r->type == RM_RECORD_OUTPUT) && rm_record_valid(r, (uint32_t)n))
			return r;
		if (n == 0)
			l->ring++;
	}
	return NULL;
}

const struct rm_log *rm_last_logs_next(struct rm_last_logs *l, struct rm_segment *s)
{
	const struct rm_log *log;

	while (l->at == l->n) {
		const struct rm_record *r = l->ended ? NULL : pop(l, s);

		l->at = l->n = 0;
		if (r && r->type == RM_RECORD_LOG)
			return (const struct rm_log *)r;
		if (r)
			feed(l, (const struct rm_output *)r);
		else if (!l->ended)
			end(l);
		else
			return NULL;
	}
	log = (const struct rm_log *)(l->staged + l->at);
	l->at += log->record.bytes;
	return log;
}
