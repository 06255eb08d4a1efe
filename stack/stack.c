/*
 * See stack.h. What is written of a frame: its function where a symbol is found, else its place in the module, else its
 * address. Text from files and memory may be anything but longer than a line.
 */
#include "stack/stack.h"

#include "base/clock.h"
#include "stack/demangle.h"

enum { REST_BYTES = 40 }; /* room for saying how many lines there was none for */

static bool take(struct rm_stack *s, const ucontext_t *at, uint32_t limit)
{
	s->counted_to = limit;
	if (!rm_maps_read(&s->maps))
		return false;
	s->shown = rm_unwind(&s->maps, at, s->frame, RM_STACK_FRAMES, RM_STACK_TAIL, limit, &s->count);
	return true;
}

bool rm_stack_take(struct rm_stack *s, const ucontext_t *at)
{
	return take(s, at, RM_FRAMES_COUNTED);
}

/* Takes out the frames of the object; returns how many those were. If it has all of them, all stay. */
static uint32_t leave_out(struct rm_stack *s, uintptr_t ours)
{
	struct rm_module here, m;
	uint32_t left = 0, count = s->shown;

	if (!rm_module_find(&s->maps, ours, &here))
		return 0;
	for (uint32_t i = 0; i < count; i++)
		if (!rm_module_find(&s->maps, s->frame[i].pc - s->frame[i].returns, &m) || m.start != here.start)
			s->frame[left++] = s->frame[i];
	if (left == 0)
		return 0;
	s->shown = left;
	return count - left;
}

bool rm_stack_take_near(struct rm_stack *s, const ucontext_t *at, uintptr_t ours)
{
	uint32_t n;

	s->maps.count = s->maps.text_bytes = 0;
	s->maps.truncated = false;
	s->maps.last = NULL;
	s->module_count = 0;
	if (!take(s, at, RM_STACK_NEAR))
		return false;
	n = leave_out(s, ours);
	s->count -= n;
	s->counted_to -= n;
	return true;
}

/* Notes the module for the list of build ids. */
static void note(struct rm_stack *s, const struct rm_module *m)
{
	for (uint32_t i = 0; i < s->module_count; i++)
		if (s->module[i].start == m->start)
			return;
	if (m->build_id_bytes && s->module_count < RM_STACK_MODULES)
		s->module[s->module_count++] = *m;
}

static void write_frame(struct rm_stack *s, const struct rm_frame *f, bool look_up, struct rm_strbuf *out)
{
	struct rm_str name = { NULL, 0 };
	struct rm_module m;
	uint64_t offset = 0;

	rm_strbuf_c(out, "    at ");
	if (!rm_module_find(&s->maps, f->pc - f->returns, &m)) {
		rm_strbuf_hex_u64(out, f->pc);
		return;
	}
	note(s, &m);
	if (look_up && rm_symbols_open(&s->symbols, &m))
		name = rm_symbols_name(&s->symbols, f->pc - f->returns - m.bias, &offset);
	if (name.n) {
		rm_demangle(name, out);
		rm_strbuf_char(out, '+');
		rm_strbuf_hex_u64(out, offset + f->returns);
	} else {
		rm_strbuf_c(out, "??"); /* its address is another one in each process */
	}
	rm_strbuf_c(out, " (");
	rm_strbuf_c(out, m.path);
	rm_strbuf_char(out, '+');
	rm_strbuf_hex_u64(out, f->pc - m.bias);
	rm_strbuf_char(out, ')');
}

/* Appends a line as a whole; or not at all, which is counted and told at the end. */
static void put_line(struct rm_stack *s, struct rm_strbuf *out, const struct rm_strbuf *line)
{
	if (line->truncated || out->cap - out->n < line->n + 1 + REST_BYTES || s->lines_cut) {
		s->lines_cut++;
		return;
	}
	rm_strbuf_put(out, line->p, line->n);
	rm_strbuf_char(out, '\n');
}

static void write_left_out(struct rm_stack *s, struct rm_strbuf *out)
{
	char text[64];
	struct rm_strbuf line;

	rm_strbuf_init(&line, text, sizeof(text));
	rm_strbuf_c(&line, "    ... ");
	rm_strbuf_u64(&line, s->count - s->shown);
	rm_strbuf_c(&line, s->count >= s->counted_to ? " more at least ..." : " more ...");
	put_line(s, out, &line);
}

static void write_build_ids(struct rm_stack *s, struct rm_strbuf *out)
{
	char text[RM_STACK_LINE_BYTES];
	struct rm_strbuf line;

	for (uint32_t i = 0; i < s->module_count; i++) {
		const struct rm_module *m = &s->module[i];

		rm_strbuf_init(&line, text, sizeof(text));
		rm_strbuf_c(&line, "build id of ");
		rm_strbuf_c(&line, m->path);
		rm_strbuf_c(&line, ": ");
		rm_strbuf_hex(&line, m->build_id, m->build_id_bytes);
		put_line(s, out, &line);
	}
}

static void write_cut(const struct rm_stack *s, struct rm_strbuf *out)
{
	if (!s->lines_cut || out->cap - out->n < REST_BYTES)
		return;
	rm_strbuf_c(out, "... ");
	rm_strbuf_u64(out, s->lines_cut);
	rm_strbuf_c(out, " lines left out ...\n");
}

void rm_stack_write(struct rm_stack *s, uint64_t deadline_ns, struct rm_strbuf *out)
{
	char text[RM_STACK_LINE_BYTES];
	struct rm_strbuf line;

	s->lines_cut = 0;
	for (uint32_t i = 0; i < s->shown; i++) {
		if (s->count > s->shown && i == s->shown - RM_STACK_TAIL)
			write_left_out(s, out);
		rm_strbuf_init(&line, text, sizeof(text));
		write_frame(s, &s->frame[i], rm_clock_mono_ns() < deadline_ns, &line);
		put_line(s, out, &line);
	}
	rm_symbols_close(&s->symbols);
	write_build_ids(s, out);
	write_cut(s, out);
}
