/*
 * States are what the last line was part of; what may follow, beside lines that begin with a blank:
 *
 *   TEXT          nothing, but after a logger's first line what its message goes on with
 *   PYTHON        of a traceback: the line that names the exception         -> PYTHON_END
 *   PYTHON_END    more of its message; "During handling ...", "The above exception ..." -> PYTHON_CHAIN
 *   PYTHON_CHAIN  another "Traceback ..."                                   -> PYTHON
 *   JAVA          "Caused by: ..."
 *   NODE_PLACE    after the name of a file and a line: that line of the file
 *   NODE_SOURCE   after the line that marks a place with ^: the error       -> NODE
 *   NODE          "}" after properties of the error, "Node.js v20.0.0"
 *   RUST_MESSAGE  the message, which has a line of its own                  -> RUST
 *   RUST          "note: ...", "stack backtrace:"
 *   GO            goroutines, functions with their arguments
 *   PHP           "Stack trace:", "#0 ...", "Next ..."
 *
 * Context: any, signal-safe. Spec: none; what the runtimes print.
 */
#include "logs/shape.h"

#include "logs/severity.h"

enum { TEXT, PYTHON, PYTHON_END, PYTHON_CHAIN, JAVA, NODE_PLACE, NODE_SOURCE, NODE, RUST_MESSAGE, RUST, GO, PHP };

static bool begins(struct rm_str s, const char *with)
{
	return rm_str_begins(s, rm_str_c(with));
}

static bool is_indented(struct rm_str s)
{
	return s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t');
}

/* Without the carriage return that some write. */
static struct rm_str whole(struct rm_str line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool is_traceback(struct rm_str s)
{
	return begins(s, "Traceback (most recent call last):");
}

/* Ends with the name of an exception, perhaps with a message: java.lang.IllegalStateException: as asked. */
static bool is_error(struct rm_str s)
{
	static const char ends[][sizeof("Exception")] = { "Error", "Exception", "Throwable" };
	size_t n = 0;

	while (n < s.n && (s.p[n] == '.' || s.p[n] == '_' || s.p[n] == '$' || (s.p[n] >= '0' && s.p[n] <= '9') ||
			   ((s.p[n] | 0x20) >= 'a' && (s.p[n] | 0x20) <= 'z')))
		n++;
	/* A blank stands before a code or a message in brackets; "Exception on /home" is a sentence. */
	if (n < s.n && s.p[n] != ':' && !(n + 1 < s.n && s.p[n] == ' ' && (s.p[n + 1] == '[' || s.p[n + 1] == '(')))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct rm_str end = rm_str_c(ends[i]);

		if (n >= end.n && memcmp(s.p + n - end.n, end.p, end.n) == 0)
			return true;
	}
	return false;
}

/* All of one sign, under the place that it marks. */
static bool is_mark(struct rm_str s)
{
	s = rm_str_trim(s);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '^')
			return false;
	return s.n > 0;
}

static bool is_chain(struct rm_str s)
{
	return begins(s, "During handling of the above exception") || begins(s, "The above exception was the direct cause");
}

/* The place of an error that nobody caught, as Node tells it: /app/main.js:12 */
static bool is_place(struct rm_str s)
{
	size_t n = s.n;

	while (n > 0 && s.p[n - 1] >= '0' && s.p[n - 1] <= '9')
		n--;
	return n > 1 && n < s.n && s.p[n - 1] == ':' && (s.p[0] == '/' || begins(s, "file:") || begins(s, "node:") || begins(s, "[eval]"));
}

/* A frame of Ruby, as Rails writes it without a blank before: app/x.rb:12:in `y'. */
static bool is_ruby_frame(struct rm_str s)
{
	const char *in = rm_str_find(s, RM_STR(":in "));

	return in && rm_str_find((struct rm_str){ s.p, (size_t)(in - s.p) }, RM_STR(".rb:")) && !memchr(s.p, ' ', (size_t)(in - s.p));
}

static bool is_go(struct rm_str s)
{
	return begins(s, "goroutine ") || begins(s, "created by ") || begins(s, "[signal ") || begins(s, "exit status ") ||
	       (s.n > 2 && s.p[s.n - 1] == ')' && memchr(s.p, '(', s.n) && !memchr(s.p, ' ', s.n)) ||
	       (begins(s, "main.") && s.p[s.n - 1] == ')');
}

static bool is_php(struct rm_str s)
{
	return begins(s, "Stack trace:") || begins(s, "Next ") || (s.n > 2 && s.p[0] == '#' && s.p[1] >= '0' && s.p[1] <= '9');
}

/* A server's access log: an address, two names and a time. Whatever follows has nothing to do with it. */
static bool is_access(struct rm_str s)
{
	struct rm_str address = rm_str_cut(&s, ' ');

	rm_str_cut(&s, ' ');
	rm_str_cut(&s, ' ');
	for (size_t i = 0; i < address.n; i++)
		if (!memchr("0123456789abcdef.:", address.p[i], 18))
			return false;
	return address.n > 2 && s.n > 1 && s.p[0] == '[' && s.p[1] >= '0' && s.p[1] <= '9';
}

/* Begins as loggers begin their lines, or as an exception: its message may go on. */
static bool is_headed(struct rm_str s)
{
	return is_error(s) || begins(s, "Exception in thread ") || (rm_severity_is_head(s) && !is_access(s));
}

/* ---- what a line makes of what it is part of ---- */

static uint8_t after_indented(uint8_t in, struct rm_str line)
{
	struct rm_str text = rm_str_trim(line);

	if (in == PYTHON || in == GO || in == PHP || in == RUST)
		return in;
	if (begins(text, "at "))
		return line.p[0] == '\t' ? JAVA : NODE;
	return (in == TEXT || in == NODE_PLACE) && is_mark(text) ? NODE_SOURCE : in;
}

static uint8_t after(uint8_t in, struct rm_str line)
{
	if (is_indented(line))
		return after_indented(in, line);
	if (is_traceback(line))
		return PYTHON;
	if (in == PYTHON)
		return begins(line, "> File ") ? PYTHON : PYTHON_END; /* loguru marks where it was caught */
	if (in == PYTHON_END)
		return is_chain(line) ? PYTHON_CHAIN : PYTHON_END;
	if (in == NODE_SOURCE)
		return NODE;
	if (in == NODE_PLACE)
		return TEXT;
	if (in == RUST_MESSAGE)
		return RUST;
	if (begins(line, "thread '") && rm_str_find(line, RM_STR(" panicked at ")))
		return line.p[line.n - 1] == ':' ? RUST_MESSAGE : RUST;
	if (begins(line, "panic: ") || begins(line, "fatal error: ") || begins(line, "goroutine "))
		return GO;
	return is_php(line) ? PHP : in;
}

void rm_shape_begin(struct rm_shape *s, struct rm_str line)
{
	line = whole(line);
	*s = (struct rm_shape){ .in = after(TEXT, line), .headed = is_headed(line), .dated = rm_severity_follows(line) };
	if (is_place(line))
		s->in = NODE_PLACE;
}

void rm_shape_add(struct rm_shape *s, struct rm_str line)
{
	s->in = after(s->in, whole(line));
	s->headed |= s->dated;
	s->dated = false;
}

/* Lines that go on with what they find, whatever is between. */
static bool follows(const struct rm_shape *s, struct rm_str line, struct rm_shape_hint hint)
{
	switch (s->in) {
	case PYTHON:
		return !hint.behind_blank;
	case PYTHON_END: /* the exception's message is written at once */
		return is_chain(line) || (!hint.behind_blank && hint.same_call && !rm_severity_is_head(line));
	case PYTHON_CHAIN:
		return is_traceback(line);
	case JAVA:
		return begins(line, "Caused by: ") || begins(line, "Suppressed: ");
	case NODE_PLACE:
		return !hint.behind_blank && hint.same_call;
	case NODE_SOURCE:
		return is_error(line) || begins(line, "Uncaught ");
	case NODE:
		return rm_str_eq(line, RM_STR("}")) || begins(line, "Node.js v");
	case RUST_MESSAGE:
		return !hint.behind_blank;
	case RUST:
		return begins(line, "note: ") || begins(line, "stack backtrace:");
	case GO:
		return is_go(line);
	case PHP:
		return is_php(line);
	default:
		return false;
	}
}

bool rm_shape_continues(const struct rm_shape *s, struct rm_str line, struct rm_shape_hint hint)
{
	line = whole(line);
	/* loguru has empty lines in a traceback. */
	if (s->in == PYTHON && hint.same_call)
		return true;
	if (is_indented(line))
		return !hint.behind_blank;
	if (follows(s, line, hint))
		return true;
	if (hint.behind_blank)
		return false;
	if (is_ruby_frame(line) || begins(line, "Stack trace:"))
		return true;
	if (s->dated)
		return rm_severity_of(line).number != 0;
	/* Python's logging without a format: the message, and its traceback. */
	if (hint.same_call && is_traceback(line))
		return true;
	/* A logger's message goes on: with an exception in calls of its own, with anything in the same one. */
	return s->headed && (is_traceback(line) || is_error(line) || (hint.same_call && !rm_severity_is_head(line)));
}
