/*
 * Where an entry ends is known when the next one begins: so each waits until then, or until nothing comes for a
 * while.
 *
 * Whom an entry belongs to is known only if each call that has a part in it has no part in another one. A call
 * that wrote several entries wrote a buffer, which programs fill over several requests (Python's print into a
 * pipe, C's stdio): those entries belong to nobody that we know of. What comes in several calls belongs to
 * somebody if all of them say the same.
 *
 * Spec: none; what programs do.
 */
#include "logs/lines.h"

#include <string.h>

static bool is_same(const struct rm_log_trace *a, const struct rm_log_trace *b)
{
	return memcmp(a->trace_id, b->trace_id, sizeof(a->trace_id)) == 0 &&
	       memcmp(a->span_id, b->span_id, sizeof(a->span_id)) == 0;
}

/* No text has one; what follows in the same call may be text again. */
static bool is_text(struct rm_str s)
{
	return !memchr(s.p, '\0', s.n);
}

/* Gives the whole lines as an entry; what is behind them is the line of the next one. */
static void give(struct rm_lines *l, rm_entry_fn emit, void *arg)
{
	struct rm_entry e = { .text = { l->text, l->whole }, .time_ns = l->entry.time_ns, .lost_bytes = l->entry.lost_bytes };

	while (e.text.n > 0 && (e.text.p[e.text.n - 1] == '\n' || e.text.p[e.text.n - 1] == '\r'))
		e.text.n--;
	if (!l->entry.doubtful)
		e.trace = l->entry.trace;
	if (e.text.n > 0 && is_text(e.text))
		emit(arg, &e);
	else
		l->skipped += e.text.n;
	memmove(l->text, l->text + l->whole, l->n - l->whole);
	l->n -= l->whole;
	l->whole = 0;
	l->blank = false;
}

/* True of a line that goes on with what the lines before it say. */
static bool continues(const struct rm_lines *l, struct rm_str line)
{
	return rm_shape_continues(&l->shape, line, (struct rm_shape_hint){ .behind_blank = l->blank, .same_call = l->together });
}

static void begin_part(struct rm_lines_part *part, const struct rm_piece *p)
{
	*part = (struct rm_lines_part){ .time_ns = p->time_ns, .trace = p->trace };
}

/* The line under way; before the first byte there is no text at all. */
static struct rm_str line_of(const struct rm_lines *l)
{
	return l->n > l->whole ? (struct rm_str){ l->text + l->whole, l->n - l->whole } : (struct rm_str){ 0 };
}

/* What becomes of the line, now that it is the first of an entry or one more. */
static void join(struct rm_lines *l, bool first)
{
	struct rm_lines_part *e = &l->entry;
	struct rm_str line = line_of(l);

	l->blank = false;
	if (first) {
		*e = l->line;
		rm_shape_begin(&l->shape, line);
		return;
	}
	rm_shape_add(&l->shape, line);
	e->doubtful |= l->line.doubtful || !is_same(&e->trace, &l->line.trace);
	e->touched |= l->line.touched;
	e->lost_bytes += l->line.lost_bytes;
}

/* Asks for room for so many bytes more. False: there is less. */
static bool has_room(struct rm_lines *l, size_t n)
{
	size_t need = l->n + n;

	if (need > l->cap && l->cap < RM_ENTRY_MAX_BYTES && l->grow)
		l->grow(l, need < RM_ENTRY_MAX_BYTES ? need : RM_ENTRY_MAX_BYTES);
	return need <= l->cap;
}

/* What is behind the whole lines belongs to something else. What one call put into both may be somebody else's. */
static void part_with(struct rm_lines *l, rm_entry_fn emit, void *arg)
{
	l->entry.doubtful |= l->together;
	l->line.doubtful |= l->together;
	l->together = false;
	give(l, emit, arg);
}

/* Adds bytes to the line, as far as there is room for them. */
static void append(struct rm_lines *l, struct rm_str s)
{
	size_t room;

	has_room(l, s.n + 1);
	room = l->cap - l->n;
	if (s.n > room) {
		l->line.lost_bytes += s.n - room;
		s.n = room;
	}
	if (s.n > 0)
		memcpy(l->text + l->n, s.p, s.n);
	l->n += s.n;
}

static bool is_blank(struct rm_str s)
{
	return s.n == 0 || (s.n == 1 && s.p[0] == '\r');
}

/* The line has its end, which says what it is: the beginning of an entry, or one more of the last one. */
static void end_line(struct rm_lines *l, rm_entry_fn emit, void *arg)
{
	struct rm_str line = line_of(l);

	if (is_blank(line)) {
		l->blank = l->whole > 0;
		l->n = l->whole;
		if (!l->blank)
			return;
	} else if (l->whole == 0) {
		join(l, true);
	} else if (continues(l, line)) {
		join(l, false);
	} else {
		part_with(l, emit, arg);
		join(l, true);
	}
	if (l->n < l->cap)
		l->text[l->n++] = '\n';
	l->whole = l->n;
}

/* Adds what a piece has of a line. What becomes too long is several entries, as long as it has several lines. */
static void add(struct rm_lines *l, const struct rm_piece *p, struct rm_str part, rm_entry_fn emit, void *arg)
{
	if (l->n == l->whole) {
		begin_part(&l->line, p);
		l->together = l->entry.touched && l->whole > 0;
	}
	l->line.touched = true;
	l->line.doubtful |= p->shared || l->broken || !is_same(&l->line.trace, &p->trace);
	if (!has_room(l, part.n + 1) && l->whole > 0)
		give(l, emit, arg);
	append(l, part);
}

void rm_lines_feed(struct rm_lines *l, const struct rm_piece *piece, rm_entry_fn emit, void *arg)
{
	struct rm_str rest = piece->text;

	if (piece->begins)
		l->entry.touched = l->line.touched = l->broken = false;
	while (rest.n > 0) {
		const char *newline = memchr(rest.p, '\n', rest.n);
		struct rm_str part = { rest.p, newline ? (size_t)(newline - rest.p) : rest.n };

		if (part.n > 0)
			add(l, piece, part, emit, arg);
		if (!newline)
			break;
		end_line(l, emit, arg);
		rest.n -= part.n + 1;
		rest.p += part.n + 1;
	}
	if (piece->lost_bytes) {
		(l->n > l->whole ? &l->line : &l->entry)->lost_bytes += piece->lost_bytes;
		rm_lines_gap(l, emit, arg);
	}
}

void rm_lines_end(struct rm_lines *l, rm_entry_fn emit, void *arg)
{
	if (l->n > l->whole)
		end_line(l, emit, arg);
	if (l->whole > 0)
		give(l, emit, arg);
	l->entry = l->line = (struct rm_lines_part){ 0 };
}

void rm_lines_gap(struct rm_lines *l, rm_entry_fn emit, void *arg)
{
	rm_lines_end(l, emit, arg);
	l->broken = true;
}

bool rm_lines_waits(const struct rm_lines *l)
{
	const struct rm_str line = line_of(l);

	return l->whole > 0 && (line.n == 0 || !continues(l, line));
}

void rm_lines_rest(struct rm_lines *l, rm_entry_fn emit, void *arg)
{
	if (!rm_lines_waits(l))
		return;
	l->broken |= l->entry.touched; /* the call may go on, with what is not in this entry any more */
	if (l->n > l->whole)
		part_with(l, emit, arg);
	else
		give(l, emit, arg);
}
