/* Log records of traces; see said.h. Their texts are other processes': whoever draws them makes them harmless. */
#include "relay/said.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

/* As much of a text as there is room for. */
static void add(struct rm_strbuf *b, struct rm_str s)
{
	rm_strbuf_put(b, s.p, s.n < b->cap - b->n ? s.n : b->cap - b->n);
}

/* The first line; where it does not name the exception that the record has, that too. */
static struct rm_str line_of(const struct rm_log *log, char *room, size_t cap)
{
	struct rm_str rest = rm_log_body(log), first = rm_str_cut(&rest, '\n'), type, message;
	struct rm_strbuf b;

	rm_strbuf_init(&b, room, cap);
	if (first.n > 0 && first.p[first.n - 1] == '\r')
		first.n--;
	add(&b, first);
	if (rm_record_find_str(&log->record, "exception.type", &type) &&
	    !memmem(first.p, first.n, type.p, type.n)) {
		add(&b, RM_STR(" | "));
		add(&b, type);
		if (rm_record_find_str(&log->record, "exception.message", &message)) {
			add(&b, RM_STR(": "));
			add(&b, message);
		}
	}
	return rm_strbuf_view(&b);
}

struct rm_said *rm_said_new(struct rm_said_stats *s, const struct rm_log *log)
{
	char room[RM_SAID_TEXT_BYTES];
	struct rm_said *made = NULL;
	struct rm_str line;

	s->all++;
	if (!rm_log_has_trace(log)) {
		s->of_no_trace++;
		return NULL;
	}
	line = line_of(log, room, sizeof(room));
	if (s->kept < RM_SAID_MAX)
		made = malloc(sizeof(*made) + line.n);
	if (!made) {
		s->dropped++;
		return NULL;
	}
	s->kept++;
	*made = (struct rm_said){ .time_ns = log->time_ns ? log->time_ns : log->observed_ns, .severity = log->severity,
				  .bytes = (uint16_t)line.n };
	memcpy(made->span_id, log->span_id, sizeof(made->span_id));
	memcpy(made->text, line.p, line.n);
	return made;
}

void rm_said_free(struct rm_said_stats *s, struct rm_said *list)
{
	while (list) {
		struct rm_said *next = list->next;

		free(list);
		s->kept--;
		list = next;
	}
}

void rm_said_insert(struct rm_said **list, struct rm_said *one)
{
	while (*list && (*list)->time_ns > one->time_ns)
		list = &(*list)->next;
	one->next = *list;
	*list = one;
}

struct rm_said *rm_said_reversed(struct rm_said *list)
{
	struct rm_said *reversed = NULL;

	while (list) {
		struct rm_said *next = list->next;

		list->next = reversed;
		reversed = list;
		list = next;
	}
	return reversed;
}

const char *rm_said_severity(uint8_t number)
{
	static const char names[][6] = { "", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };

	return names[number <= RM_SEVERITY_MAX ? (number + 3) / 4 : 0];
}
