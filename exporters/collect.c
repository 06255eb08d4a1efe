/*
 * Pieces have numbers because a ring that is full or busy is passed over: the next piece may be found first. A
 * piece that comes too early is held until those before it are there; who does not come within HOLD_NS never
 * will, as all rings were looked at many times by then.
 * Context: worker.
 */
#include "exporters/collect.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define MS_NS	1000000ull
#define REST_NS (200 * MS_NS)  /* an entry that nothing was added to for so long is whole */
#define HOLD_NS (1000 * MS_NS) /* how long a missing piece is waited for */
enum {
	FIRST_CAP = 1024,
	KEPT_CAP = 4096,	     /* of memory for text, when there is none in it */
	HELD_MAX_BYTES = 1024 * 1024, /* of a stream; more is not waited with */
};

/* A piece that came too early. */
struct held {
	struct held *next; /* by number */
	struct rm_output piece;
};

struct rm_collect_stream {
	struct rm_collect_stream *next; /* in its bucket */
	uint32_t resource, source;
	uint8_t stream;
	struct rm_lines lines;
	uint64_t expected;   /* number of the next piece */
	uint64_t changed_ns; /* when a piece was added */
	uint64_t held_ns;    /* since when pieces are held */
	struct held *held;
	size_t held_bytes;
};

/* Where an entry goes. */
struct target {
	struct rm_collect *c;
	const struct rm_collect_stream *s;
};

void rm_collect_init(struct rm_collect *c, const struct rm_env *env, rm_collect_fn give, void *arg)
{
	*c = (struct rm_collect){ .give = give, .arg = arg };
	rm_log_limits(&c->limits, env);
}

/* ---- streams ---- */

static bool grow(struct rm_lines *l, size_t need)
{
	size_t cap = l->cap ? l->cap : FIRST_CAP;
	char *grown;

	while (cap < need)
		cap *= 2;
	cap = cap < RM_ENTRY_MAX_BYTES ? cap : RM_ENTRY_MAX_BYTES;
	grown = realloc(l->text, cap);
	if (!grown)
		return false;
	l->text = grown;
	l->cap = cap;
	return true;
}

/* A stream that is quiet keeps little. */
static void shrink(struct rm_lines *l)
{
	if (l->n > 0 || l->cap <= KEPT_CAP)
		return;
	free(l->text);
	l->text = NULL;
	l->cap = 0;
}

static unsigned bucket_of(uint32_t resource, uint32_t source, uint8_t stream)
{
	return ((resource * 31 + source) * 31 + stream) % RM_COLLECT_BUCKETS;
}

/* NULL without memory. */
static struct rm_collect_stream *find(struct rm_collect *c, uint32_t resource, const struct rm_output *o)
{
	struct rm_collect_stream **at = &c->bucket[bucket_of(resource, o->source, o->stream)], *s;

	for (s = *at; s; s = s->next)
		if (s->resource == resource && s->source == o->source && s->stream == o->stream)
			return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->resource = resource;
	s->source = o->source;
	s->stream = o->stream;
	s->lines.grow = grow;
	s->next = *at;
	*at = s;
	return s;
}

static void free_stream(struct rm_collect_stream *s)
{
	while (s->held) {
		struct held *next = s->held->next;

		free(s->held);
		s->held = next;
	}
	free(s->lines.text);
	free(s);
}

/* ---- pieces ---- */

static void take_entry(void *arg, const struct rm_entry *e)
{
	struct target *t = arg;
	uint32_t cap = RM_LOG_RECORD_TIMES * (uint32_t)e->text.n + RM_LOG_RECORD_EXTRA_BYTES, bytes;
	void *memory = malloc(cap);

	bytes = memory ? rm_log_record(e, (enum rm_stream)t->s->stream, &t->c->limits, memory, cap) : 0;
	if (bytes)
		t->c->give(t->c->arg, t->s->resource, memory);
	else
		t->c->lost_pieces++;
	free(memory);
}

static void feed(struct rm_collect *c, struct rm_collect_stream *s, const struct rm_output *o)
{
	struct rm_piece piece = rm_output_piece(o);
	struct target t = { c, s };

	rm_lines_feed(&s->lines, &piece, take_entry, &t);
	c->skipped_bytes += s->lines.skipped;
	s->lines.skipped = 0;
}

/* Pieces up to number `at` are not there: what comes now has nothing to do with what was before. */
static void jump(struct rm_collect *c, struct rm_collect_stream *s, uint64_t at)
{
	struct target t = { c, s };

	c->lost_pieces += at - s->expected;
	rm_lines_gap(&s->lines, take_entry, &t);
	s->expected = at;
}

/* Feeds what is held, as far as it is there; with `all`, whatever is missing. */
static void feed_held(struct rm_collect *c, struct rm_collect_stream *s, bool all)
{
	while (s->held && (all || s->held->piece.sequence <= s->expected)) {
		struct held *h = s->held;

		if (h->piece.sequence > s->expected)
			jump(c, s, h->piece.sequence);
		s->held = h->next;
		s->held_bytes -= h->piece.record.bytes;
		feed(c, s, &h->piece);
		s->expected = h->piece.sequence + 1;
		free(h);
	}
	if (s->held)
		s->held_ns = rm_clock_mono_ns();
}

static void hold(struct rm_collect *c, struct rm_collect_stream *s, const struct rm_output *o)
{
	struct held **at = &s->held, *h = malloc(offsetof(struct held, piece) + o->record.bytes);

	if (!h) {
		c->lost_pieces++;
		return;
	}
	memcpy(&h->piece, o, o->record.bytes);
	if (!s->held)
		s->held_ns = rm_clock_mono_ns();
	while (*at && (*at)->piece.sequence < o->sequence)
		at = &(*at)->next;
	h->next = *at;
	*at = h;
	s->held_bytes += o->record.bytes;
	if (s->held_bytes > HELD_MAX_BYTES)
		feed_held(c, s, true);
}

void rm_collect_take(struct rm_collect *c, uint32_t resource, const struct rm_output *piece)
{
	struct rm_collect_stream *s = find(c, resource, piece);

	if (!s) {
		c->lost_pieces++;
		return;
	}
	s->changed_ns = rm_clock_mono_ns();
	if (piece->sequence > s->expected) {
		hold(c, s, piece);
		return;
	}
	if (piece->sequence < s->expected) {
		/* It was given up: it stands for itself. */
		struct target t = { c, s };

		rm_lines_gap(&s->lines, take_entry, &t);
		feed(c, s, piece);
		rm_lines_gap(&s->lines, take_entry, &t);
		return;
	}
	feed(c, s, piece);
	s->expected++;
	feed_held(c, s, false);
}

/* ---- time ---- */

/* When something is to be done for a stream; UINT64_MAX: nothing waits. */
static uint64_t due_at(const struct rm_collect_stream *s)
{
	uint64_t at = rm_lines_waits(&s->lines) ? s->changed_ns + REST_NS : UINT64_MAX;

	if (s->held && s->held_ns + HOLD_NS < at)
		at = s->held_ns + HOLD_NS;
	return at;
}

static void do_due(struct rm_collect *c, struct rm_collect_stream *s, uint64_t now)
{
	struct target t = { c, s };

	if (s->held && s->held_ns + HOLD_NS <= now)
		feed_held(c, s, true);
	if (rm_lines_waits(&s->lines) && s->changed_ns + REST_NS <= now)
		rm_lines_rest(&s->lines, take_entry, &t);
	shrink(&s->lines);
}

uint64_t rm_collect_run(struct rm_collect *c)
{
	uint64_t now = rm_clock_mono_ns(), next = UINT64_MAX;

	for (int i = 0; i < RM_COLLECT_BUCKETS; i++)
		for (struct rm_collect_stream *s = c->bucket[i]; s; s = s->next) {
			uint64_t at = due_at(s);

			if (at <= now) {
				do_due(c, s, now);
				at = due_at(s);
			}
			next = at < next ? at : next;
		}
	return next;
}

static void flush(struct rm_collect *c, struct rm_collect_stream *s)
{
	struct target t = { c, s };

	feed_held(c, s, true);
	rm_lines_end(&s->lines, take_entry, &t);
	shrink(&s->lines);
}

void rm_collect_flush(struct rm_collect *c, uint32_t resource)
{
	for (int i = 0; i < RM_COLLECT_BUCKETS; i++)
		for (struct rm_collect_stream *s = c->bucket[i]; s; s = s->next)
			if (!resource || s->resource == resource)
				flush(c, s);
}

void rm_collect_end(struct rm_collect *c, uint32_t resource)
{
	rm_collect_flush(c, resource);
	for (int i = 0; i < RM_COLLECT_BUCKETS; i++)
		for (struct rm_collect_stream **at = &c->bucket[i]; *at;) {
			struct rm_collect_stream *s = *at;

			if (s->resource != resource) {
				at = &s->next;
				continue;
			}
			*at = s->next;
			free_stream(s);
		}
}

void rm_collect_fini(struct rm_collect *c)
{
	if (c->lost_pieces || c->skipped_bytes)
		rm_debug(RM_LOG_EXPORT, "logs: %lu pieces of output never came, %lu bytes of it were no text", c->lost_pieces,
			 c->skipped_bytes);
	for (int i = 0; i < RM_COLLECT_BUCKETS; i++)
		while (c->bucket[i]) {
			struct rm_collect_stream *s = c->bucket[i];

			c->bucket[i] = s->next;
			free_stream(s);
		}
}
