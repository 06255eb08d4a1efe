/*
 * Layout: label (branches, service, name, place), kind, status, bar, duration. The label takes what the
 * longest one needs and the terminal allows; the rest is fixed. Names are untrusted: control
 * characters, broken UTF-8 and, in other locales, everything beyond ASCII are shown as '?', so
 * that no span can move the cursor or change colours. A code point counts as one column.
 */
#include "relay/view.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	COLUMNS_DEFAULT = 110, /* where there is no terminal */
	COLUMNS_MIN = 60,
	LABEL_MIN = 20,
	WORD_MIN = 8,
	KIND_COLUMNS = 8,
	STATUS_COLUMNS_MAX = 20,
	BAR_COLUMNS = 24,
	BAR_COLUMNS_NARROW = 12, /* on a terminal of less than */
	NARROW = 100,
	DURATION_COLUMNS = 9,
	GAPS = 4, /* a space between each two columns */
	DEPTH_SHOWN = 24, /* deeper lines are drawn at this depth */
	LINES_MAX = 400,  /* of one trace: more are counted */
	SAID_MAX = 20,	  /* log records of one span */
};

#define DIM "\x1b[2m"
#define BOLD "\x1b[1m"
#define RED "\x1b[31m"
#define PLAIN "\x1b[0m"

static const char *const service_colour[] = {
	"\x1b[36m", "\x1b[32m", "\x1b[33m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[92m", "\x1b[95m",
};

static const char *const kind_name[] = { "", "internal", "server", "client", "producer", "consumer" };

/* ---- settings ---- */

static bool locale_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

void rm_view_init(struct rm_view *v, int fd, bool no_colour)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
	bool terminal = isatty(fd);
	struct winsize size;

	v->utf8 = locale_is_utf8();
	v->colour = terminal && !no_colour && !(none && *none) && !(term && strcmp(term, "dumb") == 0);
	v->columns = COLUMNS_DEFAULT;
	if (terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		v->columns = size.ws_col;
	if (v->columns < COLUMNS_MIN)
		v->columns = COLUMNS_MIN;
}

/* ---- pieces ---- */

static void colour(const struct rm_view *v, const char *code, FILE *out)
{
	if (v->colour)
		fputs(code, out);
}

/* Bytes of the well-formed, printable code point at `p`, else 0 (RFC 3629, C0 and C1 excluded). */
static size_t printable(const unsigned char *p, size_t n)
{
	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] >= 0xc2 && p[0] <= 0xdf && n >= 2 && (p[1] & 0xc0) == 0x80)
		return p[0] == 0xc2 && p[1] < 0xa0 ? 0 : 2;
	if ((p[0] & 0xf0) == 0xe0 && n >= 3 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0))
			return 0;
		/* U+2028..202E and U+2066..2069 break lines or turn the direction of text. */
		if (p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
				     (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
			return 0;
		return 3;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4 && n >= 4 && (p[1] & 0xc0) == 0x80 &&
	    (p[2] & 0xc0) == 0x80 && (p[3] & 0xc0) == 0x80)
		return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90) ? 0 : 4;
	return 0;
}

/* Writes `s` into at most `room` columns, marking a cut. Returns the columns used; out may be NULL. */
static unsigned put_text(const struct rm_view *v, struct rm_str s, unsigned room, FILE *out)
{
	unsigned used = 0;

	while (s.n > 0) {
		size_t bytes = printable((const unsigned char *)s.p, s.n);
		bool plain = bytes == 1 || (bytes > 1 && v->utf8);
		size_t step = bytes ? bytes : 1;

		if (used + 1 >= room && s.n > step) {
			if (used < room && out)
				fputs(v->utf8 ? "\u2026" : "~", out);
			return used < room ? used + 1 : used;
		}
		if (used >= room)
			return used;
		if (out && plain)
			fwrite(s.p, 1, step, out);
		else if (out)
			fputc('?', out);
		used++;
		s.p += step;
		s.n -= step;
	}
	return used;
}

static void pad(unsigned from, unsigned to, FILE *out)
{
	for (; from < to; from++)
		fputc(' ', out);
}

static void put_column(const struct rm_view *v, struct rm_str s, unsigned columns, FILE *out)
{
	pad(put_text(v, s, columns, out), columns, out);
}

void rm_view_duration(uint64_t ns, bool utf8, char *ret, size_t cap)
{
	if (ns < 1000000)
		snprintf(ret, cap, "%u %s", (unsigned)(ns / 1000), utf8 ? "\u00b5s" : "us");
	else if (ns < 1000000000)
		snprintf(ret, cap, "%.*f ms", ns < 100000000, (double)ns / 1e6);
	else if (ns < 100000000000ull)
		snprintf(ret, cap, "%.*f s", ns < 10000000000ull ? 2 : 1, (double)ns / 1e9);
	else
		snprintf(ret, cap, "%u m %02u s", (unsigned)(ns / 60000000000ull % 100000),
			 (unsigned)(ns / 1000000000 % 60));
}

/* ---- a line ---- */

struct line {
	const struct rm_view *v;
	const struct rm_tree *t;
	const struct rm_trace *trace;
	unsigned label, status, bar; /* columns of these */
	bool open[DEPTH_SHOWN + 1]; /* at this depth, more siblings follow below */
	FILE *out;
};

static unsigned shown_depth(const struct rm_row *row)
{
	return row->depth < DEPTH_SHOWN ? row->depth : DEPTH_SHOWN;
}

/* Three columns per level: what runs past on the left, then this line's own branch. */
static void put_branches(struct line *l, const struct rm_row *row)
{
	unsigned depth = shown_depth(row);
	bool utf8 = l->v->utf8;

	l->open[depth] = !row->last;
	colour(l->v, DIM, l->out);
	for (unsigned i = 1; i < depth; i++)
		fputs(l->open[i] ? (utf8 ? "\u2502  " : "|  ") : "   ", l->out);
	if (depth > 0 && row->last)
		fputs(utf8 ? "\u2514\u2500 " : "`- ", l->out);
	else if (depth > 0)
		fputs(utf8 ? "\u251c\u2500 " : "|- ", l->out);
	colour(l->v, PLAIN, l->out);
}

static const char *colour_of(const struct rm_node *n)
{
	return service_colour[n->service % (sizeof(service_colour) / sizeof(service_colour[0]))];
}

static void put_bar(const struct line *l, const struct rm_node *n)
{
	uint64_t whole = l->trace->end_ns - l->trace->start_ns;
	double scale = whole ? (double)l->bar / (double)whole : 0;
	unsigned from = (unsigned)((double)(n->start_ns - l->trace->start_ns) * scale);
	unsigned to = (unsigned)((double)(n->end_ns - l->trace->start_ns) * scale + 0.5);

	if (from >= l->bar)
		from = l->bar - 1;
	if (to <= from)
		to = from + 1;
	if (to > l->bar)
		to = l->bar;
	pad(0, from, l->out);
	colour(l->v, n->status == RM_STATUS_ERROR ? RED : colour_of(n), l->out);
	for (unsigned i = from; i < to; i++)
		fputs(l->v->utf8 ? "\u2501" : "=", l->out);
	colour(l->v, PLAIN, l->out);
	pad(to, l->bar, l->out);
}

/* "200", "ERROR 502", "ERROR timeout"; nothing for a span that went well and has no status. */
static struct rm_str status_text(const struct rm_tree *t, const struct rm_node *n, char *room, size_t cap)
{
	struct rm_str why = rm_tree_text_of(t, n->error);

	if (n->status != RM_STATUS_ERROR && !n->http_status)
		return (struct rm_str){ room, 0 };
	if (n->status != RM_STATUS_ERROR)
		snprintf(room, cap, "%u", n->http_status);
	else if (why.n > 0)
		snprintf(room, cap, "ERROR %.*s", why.n < cap ? (int)why.n : (int)cap, why.p);
	else if (n->http_status)
		snprintf(room, cap, "ERROR %u", n->http_status);
	else
		snprintf(room, cap, "ERROR");
	return rm_str_c(room);
}

static void put_status(const struct line *l, const struct rm_node *n)
{
	char room[64];

	if (l->status == 0)
		return;
	colour(l->v, n->status == RM_STATUS_ERROR ? RED : DIM, l->out);
	put_column(l->v, status_text(l->t, n, room, sizeof(room)), l->status, l->out);
	colour(l->v, PLAIN, l->out);
	fputc(' ', l->out);
}

/* What was asked for, unless the name says it. */
static struct rm_str place_of(const struct rm_tree *t, const struct rm_node *n)
{
	struct rm_str name = rm_tree_text_of(t, n->name);

	return (struct rm_str){ n->place, name.n && memchr(name.p, '/', name.n) ? 0 : n->place_bytes };
}

/* A space and the text, where there is room for one letter of it. Returns the columns used. */
static unsigned put_word(const struct line *l, struct rm_str s, const char *look, unsigned room)
{
	unsigned used;

	if (s.n == 0 || room < 2)
		return 0;
	fputc(' ', l->out);
	colour(l->v, look, l->out);
	used = put_text(l->v, s, room - 1, l->out);
	colour(l->v, PLAIN, l->out);
	return used + 1;
}

static void put_span(struct line *l, const struct rm_row *row)
{
	const struct rm_node *n = row->node;
	unsigned room = l->label - 3 * shown_depth(row), used;
	char duration[24];

	put_branches(l, row);
	colour(l->v, colour_of(n), l->out);
	used = put_text(l->v, rm_tree_text_of(l->t, n->service), room, l->out);
	colour(l->v, PLAIN, l->out);
	used += put_word(l, rm_tree_text_of(l->t, n->name), BOLD, room - used);
	used += put_word(l, place_of(l->t, n), "", room - used);
	pad(used, room + 1, l->out);
	colour(l->v, DIM, l->out);
	put_column(l->v, rm_str_c(n->kind <= RM_KIND_CONSUMER ? kind_name[n->kind] : ""),
		   KIND_COLUMNS, l->out);
	colour(l->v, PLAIN, l->out);
	fputc(' ', l->out);
	put_status(l, n);
	put_bar(l, n);
	rm_view_duration(n->end_ns - n->start_ns, l->v->utf8, duration, sizeof(duration));
	used = put_text(l->v, rm_str_c(duration), DURATION_COLUMNS, NULL);
	pad(used, DURATION_COLUMNS + 1, l->out);
	fprintf(l->out, "%s\n", duration);
}

/* ---- log records ---- */

/* What runs past a line that belongs to `row`: the branches on its left, and to its children (`has_children`) below. */
static void put_passing(const struct line *l, const struct rm_row *row, bool has_children)
{
	const char *passing = l->v->utf8 ? "\u2502  " : "|  ";

	colour(l->v, DIM, l->out);
	for (unsigned i = 1; i <= shown_depth(row); i++)
		fputs(l->open[i] ? passing : "   ", l->out);
	fputs(has_children ? passing : "   ", l->out);
}

static void put_said(const struct line *l, const struct rm_said *said)
{
	uint64_t start_ns = l->trace->start_ns;
	struct rm_str text = { said->text, said->bytes };
	const char *severity = rm_said_severity(said->severity);
	char after[24];

	rm_view_duration(said->time_ns > start_ns ? said->time_ns - start_ns : 0, l->v->utf8, after, sizeof(after));
	fprintf(l->out, "+%s%s", after, *severity ? " " : "");
	colour(l->v, PLAIN, l->out);
	colour(l->v, said->severity >= RM_SEVERITY_ERROR ? RED : "", l->out);
	fputs(severity, l->out);
	colour(l->v, PLAIN, l->out);
	fputc(' ', l->out);
	put_text(l->v, text, UINT_MAX, l->out);
	fputc('\n', l->out);
}

/* The log records of a row's span, below it. */
static void put_said_of(const struct line *l, const struct rm_row *row, bool has_children)
{
	unsigned drawn = 0, more = 0;

	for (struct rm_said *said = l->trace->said; said; said = said->next) {
		if (said->drawn || memcmp(said->span_id, row->node ? row->node->span_id : row->missing, sizeof(said->span_id)) != 0)
			continue;
		said->drawn = true;
		if (drawn == SAID_MAX) {
			more++;
			continue;
		}
		drawn++;
		put_passing(l, row, has_children);
		put_said(l, said);
	}
	if (!more)
		return;
	put_passing(l, row, has_children);
	fprintf(l->out, "(%u more log records)\n", more);
	colour(l->v, PLAIN, l->out);
}

/* Those whose span is not among the rows. */
static void put_said_elsewhere(const struct line *l)
{
	unsigned drawn = 0, more = 0;

	for (const struct rm_said *said = l->trace->said; said; said = said->next) {
		if (said->drawn)
			continue;
		if (drawn == SAID_MAX) {
			more++;
			continue;
		}
		if (drawn++ == 0)
			fputs("log records of spans that are not shown:\n", l->out);
		colour(l->v, DIM, l->out);
		fputs("   ", l->out);
		put_said(l, said);
	}
	if (more)
		fprintf(l->out, "(%u more log records)\n", more);
}

static void put_missing(struct line *l, const struct rm_row *row)
{
	put_branches(l, row);
	colour(l->v, DIM, l->out);
	fputs("(parent ", l->out);
	for (size_t i = 0; i < sizeof(row->missing); i++)
		fprintf(l->out, "%02x", row->missing[i]);
	fputs(": not seen here)", l->out);
	colour(l->v, PLAIN, l->out);
	fputc('\n', l->out);
}

/* ---- a trace ---- */

/* Columns of a label without its branches. */
static unsigned label_columns(const struct line *l, const struct rm_node *n, unsigned most)
{
	struct rm_str place = place_of(l->t, n);
	unsigned need = put_text(l->v, rm_tree_text_of(l->t, n->service), most, NULL);

	need += 1 + put_text(l->v, rm_tree_text_of(l->t, n->name), most, NULL);
	return place.n ? need + 1 + put_text(l->v, place, most, NULL) : need;
}

/* Widths: states as the longest needs, the label what is left of the line at most. */
static void measure(struct line *l, const struct rm_row *row, uint32_t rows)
{
	unsigned most, fixed;
	char room[64];

	l->bar = l->v->columns < NARROW ? BAR_COLUMNS_NARROW : BAR_COLUMNS;
	for (uint32_t i = 0; i < rows; i++) {
		unsigned need = row[i].node ? put_text(l->v, status_text(l->t, row[i].node, room, sizeof(room)),
						       STATUS_COLUMNS_MAX, NULL) : 0;

		l->status = need > l->status ? need : l->status;
	}
	fixed = KIND_COLUMNS + l->status + l->bar + DURATION_COLUMNS + GAPS;
	most = l->v->columns > fixed + LABEL_MIN ? l->v->columns - fixed : LABEL_MIN;
	l->label = LABEL_MIN;
	for (uint32_t i = 0; i < rows; i++) {
		unsigned branches = 3 * shown_depth(&row[i]), need;

		if (!row[i].node)
			continue;
		need = branches + label_columns(l, row[i].node, most);
		need = need < most ? need : most;
		/* The deepest branches must leave room for a word. */
		need = need < branches + WORD_MIN ? branches + WORD_MIN : need;
		l->label = need > l->label ? need : l->label;
	}
}

static void put_title(const struct line *l)
{
	char duration[24];

	rm_view_duration(l->trace->end_ns - l->trace->start_ns, l->v->utf8, duration, sizeof(duration));
	colour(l->v, BOLD, l->out);
	fputs("trace ", l->out);
	for (size_t i = 0; i < sizeof(l->trace->id); i++)
		fprintf(l->out, "%02x", l->trace->id[i]);
	colour(l->v, PLAIN, l->out);
	fprintf(l->out, "  %u span%s  %s\n", l->trace->count, l->trace->count == 1 ? "" : "s", duration);
}

void rm_view_trace(const struct rm_view *v, const struct rm_tree *t, const struct rm_trace *trace,
		   FILE *out)
{
	struct line l = { .v = v, .t = t, .trace = trace, .out = out };
	uint32_t rows = 0, drawn;
	struct rm_row *row = rm_tree_rows(t, trace, &rows);

	put_title(&l);
	drawn = rows < LINES_MAX ? rows : LINES_MAX;
	measure(&l, row, drawn);
	for (uint32_t i = 0; i < drawn; i++) {
		if (row[i].node)
			put_span(&l, &row[i]);
		else
			put_missing(&l, &row[i]);
		put_said_of(&l, &row[i], i + 1 < rows && row[i + 1].depth > row[i].depth);
	}
	if (drawn < rows)
		fprintf(out, "(%u more lines)\n", rows - drawn);
	put_said_elsewhere(&l);
	fputc('\n', out);
	free(row);
}
