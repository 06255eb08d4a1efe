/*
 * Line by line, in the form that the first frame has. What a line says that is none of it stands between frames and
 * is passed over; nothing is guessed from it. Text may be anything: every look ahead stays inside the line.
 *
 *   Python   Traceback (most recent call last):      outermost first; a chain is separated by a sentence
 *              File "PATH", line N, in FUNCTION
 *                CODE
 *            TYPE: MESSAGE
 *   Java     TYPE: MESSAGE                            "Caused by: " begins what it was raised for
 *            	at PACKAGE.CLASS.METHOD(FILE:N)
 *   Node     TYPE: MESSAGE                            "[cause]: " the same
 *                at FUNCTION (PATH:N:COLUMN)
 *   Ruby     PATH:N:in `METHOD': MESSAGE (TYPE)
 *            	from PATH:N:in `METHOD'
 *   PHP      #0 PATH(N): FUNCTION()
 *   Go       FUNCTION(...)
 *            	PATH:N +0x1d
 *   ours         at FUNCTION+0x1c (MODULE+0x1234)     agent/crash.c
 */
#include "exporters/traceback.h"

struct reader {
	struct rm_traceback *out;
	struct rm_str rest;
};

static bool next_line(struct reader *r, struct rm_str *ret)
{
	if (!r->rest.p || r->rest.n == 0)
		return false;
	*ret = rm_str_cut(&r->rest, '\n');
	if (ret->n > 0 && ret->p[ret->n - 1] == '\r')
		ret->n--;
	return true;
}

static struct rm_str behind(struct rm_str s, size_t n)
{
	return (struct rm_str){ s.p + n, s.n - n };
}

/* Takes a beginning off. */
static bool take(struct rm_str *s, const char *beginning)
{
	struct rm_str b = rm_str_c(beginning);

	if (!rm_str_begins(*s, b))
		return false;
	*s = behind(*s, b.n);
	return true;
}

static bool take_end(struct rm_str *s, const char *end)
{
	struct rm_str e = rm_str_c(end);

	if (s->n < e.n || memcmp(s->p + s->n - e.n, e.p, e.n) != 0)
		return false;
	s->n -= e.n;
	return true;
}

static struct rm_str unindented(struct rm_str s)
{
	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t'))
		s = behind(s, 1);
	return s;
}

/* Where `c` stands first or last; s.n when it does not. */
static size_t find(struct rm_str s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

static size_t find_last(struct rm_str s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

/* The number behind the last `c` is taken off: of "PATH:12" the 12. */
static bool take_number(struct rm_str *s, char c, uint32_t *ret)
{
	size_t at = find_last(*s, c);
	uint64_t number;

	if (at == s->n || !rm_str_u64(behind(*s, at + 1), &number) || number > UINT32_MAX)
		return false;
	s->n = at;
	*ret = (uint32_t)number;
	return true;
}

/* ---- what is found ---- */

static struct rm_traceback_raised *add_raised(struct rm_traceback *t, struct rm_str type, struct rm_str message)
{
	struct rm_traceback_raised *r;

	if (t->raised_count == RM_TRACEBACK_RAISED) {
		t->is_cut = true;
		return NULL;
	}
	r = &t->raised[t->raised_count++];
	*r = (struct rm_traceback_raised){ .type = type, .message = message, .first = t->frame_count };
	return r;
}

static struct rm_traceback_frame *add_frame(struct rm_traceback *t, const struct rm_traceback_frame *f)
{
	if (t->raised_count == 0)
		add_raised(t, RM_STR(""), RM_STR(""));
	if (t->frame_count == RM_TRACEBACK_FRAMES) {
		t->is_cut = true;
		return NULL;
	}
	t->raised[t->raised_count - 1].count++;
	t->frame[t->frame_count] = *f;
	return &t->frame[t->frame_count++];
}

/* "TYPE: MESSAGE", where the type is one word. */
static void split_raised(struct rm_str line, struct rm_str *ret_type, struct rm_str *ret_message)
{
	size_t colon = find(line, ':');

	while (colon + 1 < line.n && line.p[colon + 1] == ':') /* of a name with "::" in it */
		colon += 2 + find(behind(line, colon + 2), ':');
	colon = colon < line.n ? colon : line.n;
	*ret_type = (struct rm_str){ line.p, colon };
	*ret_message = colon < line.n ? unindented(behind(line, colon + 1)) : RM_STR("");
	if (find(*ret_type, ' ') < ret_type->n) { /* a sentence */
		*ret_message = line;
		*ret_type = RM_STR("");
	}
}

static void turn_frames(struct rm_traceback *t, const struct rm_traceback_raised *r)
{
	for (uint32_t i = 0; i < r->count / 2; i++) {
		struct rm_traceback_frame f = t->frame[r->first + i];

		t->frame[r->first + i] = t->frame[r->first + r->count - 1 - i];
		t->frame[r->first + r->count - 1 - i] = f;
	}
}

static void turn_raised(struct rm_traceback *t)
{
	for (uint32_t i = 0; i < t->raised_count / 2; i++) {
		struct rm_traceback_raised one = t->raised[i];

		t->raised[i] = t->raised[t->raised_count - 1 - i];
		t->raised[t->raised_count - 1 - i] = one;
	}
}

/* ---- Python ---- */

static bool python_frame(struct rm_str line, struct rm_traceback_frame *ret)
{
	struct rm_str number;
	uint64_t n;
	size_t end;

	if (!take(&line, "  File \""))
		return false;
	*ret = (struct rm_traceback_frame){ .path = line };
	ret->path.n = end = find(line, '"');
	if (end == line.n)
		return false;
	line = behind(line, end + 1);
	if (!take(&line, ", line "))
		return false;
	number = rm_str_cut(&line, ',');
	if (!rm_str_u64(number, &n) || n > UINT32_MAX)
		return false;
	ret->line = (uint32_t)n;
	if (line.p && take(&line, " in "))
		ret->function = line;
	return true;
}

/* One of a chain is over, with what it raised; the last one was raised last, and comes first. */
static void read_python(struct reader *r)
{
	struct rm_traceback_frame f, *last = NULL;
	struct rm_traceback *t = r->out;
	bool inside = false;
	struct rm_str line;

	while (next_line(r, &line)) {
		if (rm_str_begins(line, RM_STR("Traceback (most recent call last)"))) {
			inside = add_raised(t, RM_STR(""), RM_STR("")) != NULL;
			last = NULL;
		} else if (python_frame(line, &f)) {
			inside |= t->raised_count == 0;
			last = add_frame(t, &f);
		} else if (last && !last->code.n && rm_str_begins(line, RM_STR("    "))) {
			last->code = unindented(line);
		} else if (inside && line.n > 0 && *line.p != ' ') {
			split_raised(line, &t->raised[t->raised_count - 1].type, &t->raised[t->raised_count - 1].message);
			inside = false;
		}
	}
	for (uint32_t i = 0; i < t->raised_count; i++)
		turn_frames(t, &t->raised[i]);
	turn_raised(t);
}

/* ---- languages whose frames begin with "at" ---- */

/* FUNCTION (PATH:N:COLUMN), PATH:N:COLUMN, or the same with "async " in front. */
static bool node_frame(struct rm_str line, struct rm_traceback_frame *ret)
{
	struct rm_str place = line;
	size_t open = find_last(line, '(');

	*ret = (struct rm_traceback_frame){ .line = 0 };
	if (open < line.n && open > 1 && take_end(&line, ")")) {
		ret->function = (struct rm_str){ line.p, open - 1 };
		place = behind(line, open + 1);
	} else {
		take(&place, "async ");
	}
	if (!take_number(&place, ':', &ret->column) || !take_number(&place, ':', &ret->line))
		return false;
	ret->path = place;
	return place.n > 0;
}

/* PACKAGE.CLASS.METHOD(FILE:N), (Native Method) or (Unknown Source). */
static bool java_frame(struct rm_str line, struct rm_traceback_frame *ret)
{
	size_t open = find(line, '('), close = find(line, ')');
	struct rm_str place;

	if (open == line.n || close == line.n || close < open || find(line, ' ') < open)
		return false;
	*ret = (struct rm_traceback_frame){ .function = { line.p, open } };
	place = (struct rm_str){ line.p + open + 1, close - open - 1 };
	if (take_number(&place, ':', &ret->line))
		ret->path = place;
	else if (find(place, ' ') == place.n)
		ret->path = place;
	return find(ret->function, '.') < ret->function.n;
}

/* FUNCTION+0x1c (MODULE+0x1234), ?? (MODULE+0x1234) or an address; the offset in the module is part of its path. */
static bool native_frame(struct rm_str line, struct rm_traceback_frame *ret)
{
	size_t open = find_last(line, '('), plus;

	*ret = (struct rm_traceback_frame){ .line = 0 };
	if (take(&line, "0x")) {
		return find(line, ' ') == line.n;
	}
	if (open == line.n || open < 2 || !take_end(&line, ")"))
		return false;
	ret->path = behind(line, open + 1);
	plus = find_last(ret->path, '+');
	if (plus == ret->path.n || !rm_str_begins(behind(ret->path, plus), RM_STR("+0x")))
		return false;
	ret->function = (struct rm_str){ line.p, open - 1 };
	plus = find_last(ret->function, '+');
	if (plus < ret->function.n && rm_str_begins(behind(ret->function, plus), RM_STR("+0x")))
		ret->function.n = plus;
	else
		ret->function = RM_STR("");
	if (ret->function.n > 0)
		ret->path.n = find_last(ret->path, '+'); /* the function tells more than that */
	return true;
}

typedef bool (*frame_fn)(struct rm_str line, struct rm_traceback_frame *ret);

/* "TYPE: MESSAGE", "TYPE [CODE]: MESSAGE" or a type alone; no path, and no sentence with a colon in it. */
static bool is_raised(struct rm_str line, struct rm_str *ret_type, struct rm_str *ret_message)
{
	take(&line, "Uncaught ");
	if (take(&line, "Exception in thread \""))
		line = unindented(behind(line, find(line, '"') + (find(line, '"') < line.n)));
	*ret_type = rm_str_cut(&line, ':');
	*ret_message = line.p ? unindented(line) : RM_STR("");
	if (take_end(ret_type, "]"))
		ret_type->n = find(*ret_type, ' ');
	for (size_t i = 0; i < ret_type->n; i++) {
		char c = ret_type->p[i], letter = c | 0x20;

		if (!(letter >= 'a' && letter <= 'z') && !((c >= '0' && c <= '9') || c == '.' || c == '$' || c == '_'))
			return false;
	}
	return ret_type->n > 0;
}

/* What was raised is said in the last line in front of the frames that looks like it. */
static void read_at(struct reader *r, frame_fn frame)
{
	struct rm_str line, type = { NULL, 0 }, message = { NULL, 0 };
	struct rm_traceback *t = r->out;
	struct rm_traceback_frame f;

	while (next_line(r, &line)) {
		struct rm_str bare = unindented(line), other_type, other_message;

		if (take(&bare, "at ") && frame(bare, &f)) {
			if (t->raised_count == 0 && type.n > 0)
				add_raised(t, type, message);
			add_frame(t, &f);
		} else if (take(&bare, "Caused by: ") || take(&bare, "[cause]: ")) {
			if (is_raised(bare, &other_type, &other_message))
				add_raised(t, other_type, other_message);
		} else if (bare.p == line.p && t->raised_count == 0 && is_raised(bare, &other_type, &other_message)) {
			type = other_type;
			message = other_message;
		}
	}
}

/* ---- Ruby ---- */

/* PATH:N:in `METHOD', or 'METHOD' as of 3.4; what follows goes to *ret_rest. */
static bool ruby_frame(struct rm_str line, struct rm_traceback_frame *ret, struct rm_str *ret_rest)
{
	struct rm_str where, name;
	size_t at = 0, end;

	while (at + 4 < line.n && memcmp(line.p + at, ":in ", 4) != 0)
		at++;
	if (at + 6 >= line.n || (line.p[at + 4] != '`' && line.p[at + 4] != '\''))
		return false;
	where = (struct rm_str){ line.p, at };
	name = behind(line, at + 5);
	end = find(name, '\'');
	if (end == name.n)
		return false;
	*ret = (struct rm_traceback_frame){ .function = { name.p, end } };
	*ret_rest = behind(name, end + 1);
	if (!take_number(&where, ':', &ret->line))
		return false;
	ret->path = where;
	return where.n > 0;
}

static void read_ruby(struct reader *r)
{
	struct rm_traceback *t = r->out;
	struct rm_traceback_frame f;
	struct rm_str line, rest;

	while (next_line(r, &line)) {
		struct rm_str bare = unindented(line);

		if (bare.p == line.p && ruby_frame(line, &f, &rest) && take(&rest, ": ")) {
			size_t open = find_last(rest, '(');
			struct rm_str type = RM_STR("");

			if (open < rest.n && take_end(&rest, ")")) {
				type = behind(rest, open + 1);
				rest.n = open > 0 && rest.p[open - 1] == ' ' ? open - 1 : open;
			}
			add_raised(t, type, rest);
			add_frame(t, &f);
		} else if ((take(&bare, "from ") || bare.p != line.p) && ruby_frame(bare, &f, &rest)) {
			add_frame(t, &f);
		} else if (bare.p == line.p && ruby_frame(bare, &f, &rest) && rest.n == 0) {
			add_frame(t, &f);
		}
	}
}

/* ---- PHP ---- */

/* #0 PATH(N): FUNCTION(...) */
static bool php_frame(struct rm_str line, struct rm_traceback_frame *ret)
{
	struct rm_str place;
	size_t at = 1;

	if (line.n < 4 || *line.p != '#')
		return false;
	while (at < line.n && line.p[at] >= '0' && line.p[at] <= '9')
		at++;
	if (at == 1 || at == line.n || line.p[at] != ' ')
		return false;
	line = behind(line, at + 1);
	*ret = (struct rm_traceback_frame){ .function = line };
	at = 0;
	while (at + 3 < line.n && memcmp(line.p + at, "): ", 3) != 0 && memcmp(line.p + at, "]: ", 3) != 0)
		at++;
	if (at + 3 >= line.n)
		return rm_str_eq(line, RM_STR("{main}"));
	place = (struct rm_str){ line.p, at };
	ret->function = behind(line, at + 3);
	ret->function.n = find(ret->function, '(');
	if (line.p[at] == ']')
		return rm_str_eq(place, RM_STR("[internal function"));
	if (!take_number(&place, '(', &ret->line))
		return false;
	ret->path = place;
	return true;
}

/* "PHP Fatal error:  Uncaught TYPE: MESSAGE in PATH:N" stands in front of the frames, and "Stack trace:" between. */
static void read_php(struct reader *r)
{
	struct rm_traceback *t = r->out;
	struct rm_traceback_frame f;
	struct rm_str line, type, message;

	while (next_line(r, &line)) {
		const char *uncaught = memmem(line.p, line.n, "Uncaught ", 9);

		if (php_frame(line, &f)) {
			add_frame(t, &f);
			continue;
		}
		if (uncaught)
			line = behind(line, (size_t)(uncaught - line.p) + 9);
		else if (!take(&line, "Next ") && (t->raised_count > 0 || find(line, ':') == line.n || rm_str_eq(line, RM_STR("Stack trace:"))))
			continue;
		split_raised(line, &type, &message);
		if (type.n == 0 || !add_raised(t, type, message))
			continue;
		f = (struct rm_traceback_frame){ .path = message };
		for (size_t i = 0; i + 4 < message.n; i++)
			if (memcmp(message.p + i, " in ", 4) == 0)
				f.path = behind(message, i + 4);
		if (f.path.p > message.p && take_number(&f.path, ':', &f.line)) {
			t->raised[t->raised_count - 1].message.n = (size_t)(f.path.p - message.p) - 4;
			add_frame(t, &f);
		}
	}
	turn_raised(t);
}

/* ---- Go ---- */

/* The line below a function: "\tPATH:N +0x1d". */
static bool go_place(struct rm_str line, struct rm_traceback_frame *f)
{
	if (!take(&line, "\t"))
		return false;
	line.n = find(line, ' ');
	if (!take_number(&line, ':', &f->line))
		return false;
	f->path = line;
	return line.n > 0;
}

static void read_go(struct reader *r)
{
	struct rm_str line, function = { NULL, 0 };
	struct rm_traceback *t = r->out;
	bool in_other = false;

	while (next_line(r, &line)) {
		struct rm_traceback_frame f = { .function = function };
		struct rm_str word = { line.p, sizeof("panic") - 1 };

		if (take(&line, "panic: ")) {
			add_raised(t, word, line);
		} else if (rm_str_begins(line, RM_STR("goroutine "))) {
			in_other = t->frame_count > 0; /* the first one is the one that panicked */
		} else if (!in_other && function.n > 0 && go_place(line, &f)) {
			size_t open = find_last(f.function, '(');

			f.function.n = open;
			add_frame(t, &f);
			function.n = 0;
		} else {
			function = line;
		}
	}
}

/* ---- which ---- */

static void read_node(struct reader *r)
{
	read_at(r, node_frame);
}

static void read_java(struct reader *r)
{
	read_at(r, java_frame);
}

static void read_native(struct reader *r)
{
	read_at(r, native_frame);
}

/* Whether the line is a frame of that language, and what reads all of them. */
static void (*reader_of(struct rm_str line, const char **ret_language))(struct reader *r)
{
	struct rm_str bare = unindented(line), rest;
	struct rm_traceback_frame f = { .line = 0 };
	bool is_at = take(&bare, "at ");

	if (python_frame(line, &f))
		return *ret_language = "python", read_python;
	if (is_at && native_frame(bare, &f))
		return *ret_language = "native", read_native;
	if (is_at && java_frame(bare, &f))
		return *ret_language = "java", read_java;
	if (is_at && node_frame(bare, &f))
		return *ret_language = "javascript", read_node;
	if (php_frame(line, &f))
		return *ret_language = "php", read_php;
	if (go_place(line, &f) && f.line > 0)
		return *ret_language = "go", read_go;
	take(&bare, "from ");
	if (ruby_frame(bare, &f, &rest))
		return *ret_language = "ruby", read_ruby;
	return NULL;
}

bool rm_traceback_read(struct rm_str text, struct rm_traceback *ret)
{
	struct reader r = { ret, text };
	void (*read)(struct reader *r) = NULL;
	struct rm_str line;

	ret->language = NULL;
	ret->raised_count = ret->frame_count = 0;
	ret->is_cut = false;
	while (!read && next_line(&r, &line))
		read = reader_of(line, &ret->language);
	if (!read)
		return false;
	r.rest = text;
	read(&r);
	return ret->frame_count > 0;
}
