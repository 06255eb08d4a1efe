/*
 * What names places in a method's code: exception handlers, lines, variables, and the frames that tell the verifier
 * what is where. All of them go to where code.c moved what they name.
 * Context: any. Spec: JVMS 4.7.3, 4.7.4, 4.7.12 to 4.7.14.
 */
#include "adapters/java/work.h"

enum { OBJECT = 7, UNINITIALIZED = 8, FULL_FRAME = 255 };

/* The new place of what was at `at`; sets bad where no instruction was. */
static unsigned moved(struct rm_java_work *w, const struct rm_java_change *change, unsigned at)
{
	unsigned to = at <= change->code ? w->moved[at] : 0;

	w->in.bad |= at > change->code || (at && !to);
	return to;
}

void rm_java_move_handlers(struct rm_java_work *w, const struct rm_java_change *change)
{
	unsigned count = rm_j_u2(&w->in);

	w->out.bad |= count == UINT16_MAX;
	rm_j_put2(&w->out, count + (change->handler != 0));
	for (unsigned i = 0; i < count && !w->in.bad; i++) {
		for (int bound = 0; bound < 3; bound++) /* start, end, handler */
			rm_j_put2(&w->out, moved(w, change, rm_j_u2(&w->in)));
		rm_j_put2(&w->out, rm_j_u2(&w->in));
	}
	if (!change->handler)
		return;
	rm_j_put2(&w->out, change->first);
	rm_j_put2(&w->out, change->handler);
	rm_j_put2(&w->out, change->handler);
	rm_j_put2(&w->out, 0); /* whatever is thrown */
}

/* ---- frames ---- */

struct frames {
	long was, now; /* where the frame before is; -1: there is none */
};

/* A type: an object that is not made yet is known by where. */
static void move_type(struct rm_java_work *w, const struct rm_java_change *change)
{
	unsigned tag = rm_j_u1(&w->in);

	rm_j_put1(&w->out, tag);
	if (tag == OBJECT)
		rm_j_put2(&w->out, rm_j_u2(&w->in));
	else if (tag == UNINITIALIZED)
		rm_j_put2(&w->out, moved(w, change, rm_j_u2(&w->in)));
}

static void move_types(struct rm_java_work *w, const struct rm_java_change *change, unsigned count)
{
	while (count-- && !w->in.bad)
		move_type(w, change);
}

/* Frames say how far they are from the one before. */
static unsigned next_frame(struct rm_java_work *w, const struct rm_java_change *change, struct frames *f, unsigned delta)
{
	long at = f->was + 1 + (long)delta, to = moved(w, change, at <= RM_JAVA_CODE_MAX ? (unsigned)at : UINT16_MAX);
	long by = to - f->now - 1;

	w->in.bad |= by < 0 || by > UINT16_MAX;
	f->was = at;
	f->now = to;
	return (unsigned)by & UINT16_MAX;
}

static void move_frame(struct rm_java_work *w, const struct rm_java_change *change, struct frames *f)
{
	unsigned kind = rm_j_u1(&w->in), n;

	if (kind < 128) { /* same, same_locals_1_stack_item */
		unsigned base = kind & 64, delta = next_frame(w, change, f, kind & 63);

		rm_j_put1(&w->out, delta < 64 ? base + delta : base ? 247 : 251);
		if (delta >= 64)
			rm_j_put2(&w->out, delta);
		move_types(w, change, base != 0);
		return;
	}
	w->in.bad |= kind < 247;
	rm_j_put1(&w->out, kind);
	rm_j_put2(&w->out, next_frame(w, change, f, rm_j_u2(&w->in)));
	if (kind == 247)
		move_type(w, change);
	else if (kind > 251 && kind < FULL_FRAME)
		move_types(w, change, kind - 251);
	for (int part = 0; kind == FULL_FRAME && part < 2; part++) { /* locals, stack */
		n = rm_j_u2(&w->in);
		rm_j_put2(&w->out, n);
		move_types(w, change, n);
	}
}

/* Of the handler: nothing is known but what was thrown. */
static void put_handler_frame(struct rm_java_work *w, const struct rm_java_change *change, const struct frames *f)
{
	rm_j_put1(&w->out, FULL_FRAME);
	rm_j_put2(&w->out, (unsigned)((long)change->handler - f->now - 1));
	rm_j_put2(&w->out, 0);
	rm_j_put2(&w->out, 1);
	rm_j_put1(&w->out, OBJECT);
	rm_j_put2(&w->out, w->throwable);
}

static void move_frames(struct rm_java_work *w, const struct rm_java_change *change)
{
	unsigned count = rm_j_u2(&w->in);
	struct frames f = { -1, -1 };

	rm_j_put2(&w->out, count + (change->handler != 0));
	for (unsigned i = 0; i < count && !w->in.bad; i++)
		move_frame(w, change, &f);
	if (change->handler)
		put_handler_frame(w, change, &f);
}

/* ---- lines and variables ---- */

/* What begins with the method begins with what is put in front of it. */
static void move_table(struct rm_java_work *w, const struct rm_java_change *change, bool has_length, size_t rest)
{
	unsigned count = rm_j_u2(&w->in);

	rm_j_put2(&w->out, count);
	for (unsigned i = 0; i < count && !w->in.bad; i++) {
		unsigned at = rm_j_u2(&w->in), to = at ? moved(w, change, at) : 0;

		rm_j_put2(&w->out, to);
		if (has_length)
			rm_j_put2(&w->out, moved(w, change, at + rm_j_u2(&w->in)) - to);
		rm_j_put(&w->out, rm_j_take(&w->in, rest), rest);
	}
}

/* ---- attributes ---- */

/* False: left out, as nothing at run time reads it. */
static bool move_attribute(struct rm_java_work *w, const struct rm_java_change *change, bool *ret_frames)
{
	const uint8_t *start = w->in.p;
	unsigned name = rm_j_u2(&w->in);
	uint32_t n = rm_j_u4(&w->in);
	struct rm_jin rest;
	size_t length_at;

	if (rm_j_take(&w->in, n) == NULL || w->in.bad)
		return false;
	if (rm_java_is_text(w, name, "RuntimeVisibleTypeAnnotations") ||
	    rm_java_is_text(w, name, "RuntimeInvisibleTypeAnnotations"))
		return false;
	if (!rm_java_is_text(w, name, "StackMapTable") && !rm_java_is_text(w, name, "LineNumberTable") &&
	    !rm_java_is_text(w, name, "LocalVariableTable") && !rm_java_is_text(w, name, "LocalVariableTypeTable")) {
		rm_j_put(&w->out, start, (size_t)(w->in.p - start));
		return true;
	}
	rest = w->in;
	w->in = (struct rm_jin){ start + 6, rest.p, false };
	rm_j_put2(&w->out, name);
	length_at = rm_j_keep4(&w->out);
	if (rm_java_is_text(w, name, "StackMapTable")) {
		move_frames(w, change);
		*ret_frames = true;
	} else if (rm_java_is_text(w, name, "LineNumberTable")) {
		move_table(w, change, false, 2);
	} else {
		move_table(w, change, true, 6);
	}
	rest.bad |= w->in.bad || w->in.p != w->in.end;
	w->in = rest;
	rm_j_put_length(&w->out, length_at);
	return true;
}

void rm_java_move_attributes(struct rm_java_work *w, const struct rm_java_change *change)
{
	unsigned count = rm_j_u2(&w->in), kept = 0;
	size_t count_at = rm_j_at(&w->out), length_at;
	bool frames = false;

	rm_j_put2(&w->out, 0);
	for (unsigned i = 0; i < count && !w->in.bad; i++)
		kept += move_attribute(w, change, &frames);
	if (change->handler && !frames) { /* a method without any jump */
		rm_j_put2(&w->out, w->frames);
		length_at = rm_j_keep4(&w->out);
		rm_j_put2(&w->out, 1);
		put_handler_frame(w, change, &(struct frames){ -1, -1 });
		rm_j_put_length(&w->out, length_at);
		kept++;
	}
	if (!w->out.bad)
		rm_j_write2(w->out.start + count_at, kept);
}
