/*
 * Stack traces of CPython, the JVM, JavaScript, .NET, Ruby, PHP, Rust, Go and C++'s terminate. Of several exceptions in
 * a chain the one that reached the top is told: Python writes it last, all others first.
 * Context: any, signal-safe. Spec: semantic conventions, exceptions; what the runtimes print.
 */
#include "logs/exception.h"

enum { HEAD_LINES_MAX = 32 }; /* of a message, between the exception's name and the first frame */

static bool begins(struct rm_str s, const char *with)
{
	return rm_str_begins(s, rm_str_c(with));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_word(char c)
{
	return c == '_' || c == '.' || c == '$' || c == '\\' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static size_t word_length(struct rm_str s)
{
	size_t n = 0;

	while (n < s.n && is_word(s.p[n]))
		n++;
	return n;
}

static struct rm_str trim_end(struct rm_str s)
{
	while (s.n > 0 && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* From `p`, which is inside, to the end of the entry. */
static struct rm_str from(struct rm_str entry, const char *p)
{
	return trim_end((struct rm_str){ p, (size_t)(entry.p + entry.n - p) });
}

static struct rm_str up_to(const char *p, const char *end)
{
	return trim_end((struct rm_str){ p, (size_t)(end - p) });
}

static struct rm_str line_at(struct rm_str entry, const char *p)
{
	struct rm_str rest = { p, (size_t)(entry.p + entry.n - p) };

	return trim_end(rm_str_cut(&rest, '\n'));
}

/* The beginning of the next line, NULL at the end. */
static const char *next_line(struct rm_str entry, const char *p)
{
	const char *newline = memchr(p, '\n', (size_t)(entry.p + entry.n - p));

	return newline && newline + 1 < entry.p + entry.n ? newline + 1 : NULL;
}

/* The beginning of the line before, NULL at the beginning. */
static const char *line_before(struct rm_str entry, const char *p)
{
	if (p == entry.p)
		return NULL;
	for (p--; p > entry.p && p[-1] != '\n'; p--)
		;
	return p;
}

/* The first line that begins with this, from `p` on; NULL: none does. */
static const char *line_with(struct rm_str entry, const char *p, const char *with)
{
	for (; p; p = next_line(entry, p))
		if (begins((struct rm_str){ p, (size_t)(entry.p + entry.n - p) }, with))
			return p;
	return NULL;
}

/* ---- Python ---- */

/* "Type: message" or "Type". */
static bool name_and_message(struct rm_str s, struct rm_exception_found *ret)
{
	size_t n = word_length(s);

	if (n == 0 || (n < s.n && s.p[n] != ':'))
		return false;
	ret->type = (struct rm_str){ s.p, n };
	ret->message = rm_str_trim(rm_str_behind(s, n + 1));
	return true;
}

static bool of_python(struct rm_str entry, struct rm_exception_found *ret)
{
	static const char mark[] = "Traceback (most recent call last):";
	const char *first = line_with(entry, entry.p, mark), *last = first, *p;

	if (!first)
		return false;
	for (p = first; p; p = line_with(entry, p, mark)) {
		last = p;
		p = next_line(entry, p);
		if (!p)
			break;
	}
	p = next_line(entry, last);
	while (p && (is_blank(*p) || *p == '\n' || *p == '>'))
		p = next_line(entry, p);
	ret->stacktrace = from(entry, first);
	return p && name_and_message(from(entry, p), ret);
}

/* ---- frames that begin with "at": the JVM, JavaScript, .NET ---- */

static bool is_frame(struct rm_str line)
{
	return line.n > 4 && is_blank(line.p[0]) && begins(rm_str_trim(line), "at ");
}

static bool ends_as_error(struct rm_str s)
{
	static const char ends[][sizeof("Exception")] = { "Error", "Exception", "Throwable" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct rm_str end = rm_str_c(ends[i]);

		if (s.n >= end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0)
			return true;
	}
	return false;
}

/* The name of an error in a line, with a colon, a code in brackets, or nothing behind it. */
static bool find_error(struct rm_str line, struct rm_str *ret_type, const char **ret_behind)
{
	for (size_t i = 0; i < line.n;) {
		struct rm_str rest = rm_str_behind(line, i), word = { rest.p, word_length(rest) };

		if (i == 0)
			rest = line;
		word = (struct rm_str){ rest.p, word_length(rest) };
		if (word.n > 0 && ends_as_error(word) &&
		    (word.n == rest.n || rest.p[word.n] == ':' || begins(rm_str_behind(rest, word.n), " ["))) {
			*ret_type = word;
			*ret_behind = rest.p + word.n;
			return true;
		}
		i += word.n ? word.n : 1;
	}
	return false;
}

static bool of_frames(struct rm_str entry, struct rm_exception_found *ret)
{
	const char *frame = entry.p, *head, *behind = NULL;

	while (frame && !is_frame(line_at(entry, frame)))
		frame = next_line(entry, frame);
	if (!frame)
		return false;
	head = line_before(entry, frame);
	for (int i = 0; head && !find_error(line_at(entry, head), &ret->type, &behind); i++)
		head = i < HEAD_LINES_MAX ? line_before(entry, head) : NULL;
	if (!head)
		return false;
	/* Node writes a code behind the name: Error [ERR_X]: message. */
	if (*behind == ' ') {
		const char *colon = memchr(behind, ':', line_at(entry, behind).n);

		behind = colon ? colon : behind;
	}
	ret->message = *behind == ':' ? rm_str_trim(up_to(behind + 1, frame)) : RM_STR("");
	ret->stacktrace = from(entry, ret->type.p);
	return true;
}

/* ---- others ---- */

/* x.rb:1:in `y': message (Type), and frames that begin with "from". */
static bool of_ruby(struct rm_str entry, struct rm_exception_found *ret)
{
	for (const char *p = entry.p; p; p = next_line(entry, p)) {
		struct rm_str line = line_at(entry, p);
		const char *in = rm_str_find(line, RM_STR(":in ")), *message, *open;

		if (!in || line.n < 3 || line.p[line.n - 1] != ')')
			continue;
		message = rm_str_find((struct rm_str){ in, (size_t)(line.p + line.n - in) }, RM_STR("': "));
		for (open = line.p + line.n - 1; open > line.p && *open != '('; open--)
			;
		if (!message || open < message + 3 || word_length((struct rm_str){ open + 1, (size_t)(line.p + line.n - open - 1) }) == 0)
			continue;
		ret->type = (struct rm_str){ open + 1, (size_t)(line.p + line.n - 1 - open - 1) };
		ret->message = up_to(message + 3, open);
		ret->stacktrace = from(entry, p);
		return true;
	}
	return false;
}

/* The place of a frame, as Ruby's Logger writes it: x.rb:1:in `y' */
static bool is_ruby_place(struct rm_str line)
{
	const char *in = rm_str_find(line, RM_STR(":in "));

	return in && !memchr(line.p, ' ', (size_t)(in - line.p)) && in > line.p && in[-1] >= '0' && in[-1] <= '9';
}

/* What Ruby's Logger makes of an exception: E, [time #1] ERROR -- name: message (Type), and its frames. */
static bool of_ruby_logger(struct rm_str entry, struct rm_exception_found *ret)
{
	struct rm_str line = line_at(entry, entry.p);
	const char *frame = next_line(entry, entry.p), *head = rm_str_find(line, RM_STR(" -- ")), *message, *open;

	if (!head || !frame || line.p[line.n - 1] != ')' || !is_ruby_place(line_at(entry, frame)))
		return false;
	message = rm_str_find((struct rm_str){ head, (size_t)(line.p + line.n - head) }, RM_STR(": "));
	for (open = line.p + line.n - 1; open > line.p && *open != '('; open--)
		;
	if (!message || open < message + 2)
		return false;
	ret->type = (struct rm_str){ open + 1, (size_t)(line.p + line.n - 1 - open - 1) };
	if (ret->type.n == 0 || ret->type.p[0] < 'A' || ret->type.p[0] > 'Z')
		return false;
	ret->message = up_to(message + 2, open);
	ret->stacktrace = from(entry, message + 2);
	return true;
}

/* Of several the last one reached the top: "Uncaught First: ..." and then "Next Second: ...". */
static bool of_php(struct rm_str entry, struct rm_exception_found *ret)
{
	const char *first = rm_str_find(entry, RM_STR("Uncaught ")), *trace, *at, *next, *in;

	if (!first || !line_with(entry, entry.p, "Stack trace:"))
		return false;
	at = first + 9;
	for (next = line_with(entry, at, "Next "); next; next = line_with(entry, at, "Next "))
		at = next + 5;
	trace = line_with(entry, at, "Stack trace:");
	if (!trace || !name_and_message(up_to(at, trace), ret))
		return false;
	for (in = ret->message.p + ret->message.n; in > ret->message.p + 4; in--)
		if (memcmp(in - 4, " in ", 4) == 0)
			break;
	if (in > ret->message.p + 4)
		ret->message.n = (size_t)(in - 4 - ret->message.p);
	ret->stacktrace = from(entry, first + 9);
	return true;
}

static bool of_rust(struct rm_str entry, struct rm_exception_found *ret)
{
	const char *p = line_with(entry, entry.p, "thread '"), *next;
	struct rm_str line;
	const char *at;

	if (!p)
		return false;
	line = line_at(entry, p);
	at = rm_str_find(line, RM_STR(" panicked at "));
	if (!at)
		return false;
	next = next_line(entry, p);
	ret->type = (struct rm_str){ at + 1, 5 };
	ret->message = line.p[line.n - 1] == ':' && next ? line_at(entry, next) : up_to(at + 13, line.p + line.n);
	ret->stacktrace = from(entry, p);
	return true;
}

static bool of_go(struct rm_str entry, struct rm_exception_found *ret)
{
	const char *p = line_with(entry, entry.p, "panic: ");

	if (!p || !line_with(entry, p, "goroutine "))
		return false;
	ret->type = (struct rm_str){ p, 5 };
	ret->message = rm_str_behind(line_at(entry, p), 7);
	ret->stacktrace = from(entry, p);
	return true;
}

/* terminate called after throwing an instance of 'std::runtime_error' */
static bool of_cpp(struct rm_str entry, struct rm_exception_found *ret)
{
	static const char mark[] = "terminate called after throwing an instance of '";
	const char *p = line_with(entry, entry.p, mark), *end, *what;

	if (!p)
		return false;
	p += sizeof(mark) - 1;
	end = memchr(p, '\'', (size_t)(entry.p + entry.n - p));
	if (!end)
		return false;
	what = rm_str_find((struct rm_str){ end, (size_t)(entry.p + entry.n - end) }, RM_STR("what():  "));
	ret->type = up_to(p, end);
	ret->message = what ? from(entry, what + 9) : RM_STR("");
	ret->stacktrace = RM_STR("");
	return ret->type.n > 0;
}

bool rm_exception_of(struct rm_str entry, struct rm_exception_found *ret)
{
	if (entry.n == 0 || (!memchr(entry.p, '\n', entry.n) && !begins(entry, "terminate called")))
		return false;
	return of_python(entry, ret) || of_php(entry, ret) || of_frames(entry, ret) || of_ruby(entry, ret) || of_ruby_logger(entry, ret) ||
	       of_rust(entry, ret) || of_go(entry, ret) || of_cpp(entry, ret);
}
