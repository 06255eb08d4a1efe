/*
 * The text protocol of memcached, see memcached.c.
 *
 * Requests: LINE --(a storage command)--> VALUE --> LINE
 * Answers:  LINE --(VALUE, VA)--> VALUE --> LINE; an answer is over with its line, or with the END behind its lines.
 *
 * Each command has a class, and each kind of line the classes that it can be an answer to, so that a connection that is
 * out of step is left alone at once. A quiet command is answered by few kinds of lines only.
 */
#include "protocols/memcached.h"

enum {
	LINE_BYTES = 1024,
	TOKENS = 8,
	QUIET = 0x80, /* in the kind of what waits, beside its class */
};

enum class { STORE = 1, RETRIEVE, COUNT, DELETE, TOUCH, PLAIN, VERSION, STATS, META_GET, META_SET, META_DELETE, META_COUNT, META_NOTHING,
	     META_DEBUG };

/* What stands behind a command's name. */
enum form { NOTHING, ANYTHING, NUMBER, KEYS, TIME_KEYS, KEY, KEY_NUMBER, VALUE, VALUE_CAS, META, META_VALUE };

struct command {
	char name[16];
	uint8_t class, form;
	bool first; /* a connection may begin with it: no other protocol does */
};

static const struct command commands[] = {
	{ "get", RETRIEVE, KEYS, true },
	{ "gets", RETRIEVE, KEYS, true },
	{ "gat", RETRIEVE, TIME_KEYS, true },
	{ "gats", RETRIEVE, TIME_KEYS, true },
	{ "set", STORE, VALUE, true },
	{ "add", STORE, VALUE, true },
	{ "replace", STORE, VALUE, true },
	{ "append", STORE, VALUE, true },
	{ "prepend", STORE, VALUE, true },
	{ "cas", STORE, VALUE_CAS, true },
	{ "delete", DELETE, KEY, true },
	{ "incr", COUNT, KEY_NUMBER, true },
	{ "decr", COUNT, KEY_NUMBER, true },
	{ "touch", TOUCH, KEY_NUMBER, true },
	{ "mg", META_GET, META, true },
	{ "ms", META_SET, META_VALUE, true },
	{ "md", META_DELETE, META, true },
	{ "ma", META_COUNT, META, true },
	{ "mn", META_NOTHING, NOTHING, true },
	{ "me", META_DEBUG, META, false },
	{ "version", VERSION, NOTHING, true },
	{ "stats", STATS, ANYTHING, true },
	{ "flush_all", PLAIN, NUMBER, true },
	{ "verbosity", PLAIN, NUMBER, false },
	{ "cache_memlimit", PLAIN, NUMBER, false },
	{ "quit", 0, NOTHING, false },
};

#define BIT(class) (1u << (class))
enum { META_WRITES = BIT(META_SET) | BIT(META_DELETE) | BIT(META_COUNT), ALL = 0xffff };

/* What a line of an answer says: it is all, or others follow, perhaps behind a value. */
enum follow { OVER, VALUE_OVER, MORE, VALUE_MORE };

struct row {
	char word[16];
	uint16_t answers; /* what: bits of classes; ... */
	uint16_t quiet;   /* ... of those, also when they are quiet */
	uint8_t follow, value; /* which word of the line is the length of the value */
	bool failed;
};

static const struct row rows[] = {
	{ "STORED", BIT(STORE), 0, OVER, 0, false },
	{ "NOT_STORED", BIT(STORE), 0, OVER, 0, false },
	{ "EXISTS", BIT(STORE), 0, OVER, 0, false },
	{ "NOT_FOUND", BIT(STORE) | BIT(COUNT) | BIT(DELETE) | BIT(TOUCH), 0, OVER, 0, false },
	{ "DELETED", BIT(DELETE), 0, OVER, 0, false },
	{ "TOUCHED", BIT(TOUCH), 0, OVER, 0, false },
	{ "OK", BIT(PLAIN) | BIT(STATS), 0, OVER, 0, false },
	{ "RESET", BIT(STATS), 0, OVER, 0, false },
	{ "VERSION", BIT(VERSION), 0, OVER, 0, false },
	{ "VALUE", BIT(RETRIEVE), 0, VALUE_MORE, 3, false },
	{ "STAT", BIT(STATS), 0, MORE, 0, false },
	{ "ITEM", BIT(STATS), 0, MORE, 0, false },
	{ "PREFIX", BIT(STATS), 0, MORE, 0, false },
	{ "END", BIT(RETRIEVE) | BIT(STATS), 0, OVER, 0, false },
	{ "HD", BIT(META_GET) | META_WRITES, BIT(META_GET), OVER, 0, false },
	{ "VA", BIT(META_GET) | BIT(META_COUNT), BIT(META_GET), VALUE_OVER, 1, false },
	{ "EN", BIT(META_GET) | BIT(META_DEBUG), 0, OVER, 0, false },
	{ "NF", META_WRITES, META_WRITES, OVER, 0, false },
	{ "NS", META_WRITES, META_WRITES, OVER, 0, false },
	{ "EX", META_WRITES, META_WRITES, OVER, 0, false },
	{ "MN", BIT(META_NOTHING), 0, OVER, 0, false },
	{ "ME", BIT(META_DEBUG), 0, OVER, 0, false },
	{ "ERROR", ALL, ALL, OVER, 0, true },
	{ "CLIENT_ERROR", ALL & ~BIT(META_NOTHING), ALL, OVER, 0, true },
	{ "SERVER_ERROR", ALL & ~BIT(META_NOTHING), ALL, OVER, 0, true },
	{ "", BIT(COUNT), 0, OVER, 0, false }, /* a number */
};

enum { ROWS = sizeof(rows) / sizeof(*rows), COMMANDS = sizeof(commands) / sizeof(*commands) };

bool rm_memcached_text_quiet(const struct rm_waiting *w)
{
	return w->kind & QUIET;
}

/* ---- lines ---- */

struct line {
	struct rm_str tokens[TOKENS];
	uint32_t n;    /* how many there are, perhaps more than TOKENS */
	struct rm_str last;
	bool noreply;  /* the last one is that */
	bool q;        /* one behind the second is a flag that begins so */
};

static struct rm_str next_token(struct rm_str *rest)
{
	while (rest->n && *rest->p == ' ') {
		rest->p++;
		rest->n--;
	}
	return rm_str_cut(rest, ' ');
}

static struct line split(struct rm_str text)
{
	struct line l = { .n = 0 };
	struct rm_str token;

	while ((token = next_token(&text)).n) {
		if (l.n < TOKENS)
			l.tokens[l.n] = token;
		l.last = token;
		l.q = l.q || (l.n > 1 && *token.p == 'q');
		l.n++;
	}
	l.noreply = rm_str_eq(l.last, RM_STR("noreply"));
	return l;
}

static bool is_number(struct rm_str s, uint64_t most)
{
	uint64_t v;

	return rm_str_u64(s, &v) && v <= most;
}

/* A time may lie in the past. */
static bool is_time(struct rm_str s)
{
	if (s.n && *s.p == '-')
		s = (struct rm_str){ s.p + 1, s.n - 1 };
	return is_number(s, INT32_MAX);
}

static bool is_key(struct rm_str s)
{
	return s.n && s.n <= RM_MEMCACHED_KEY_BYTES;
}

/* So many words, and perhaps noreply behind them. */
static bool counted(const struct line *l, uint32_t n)
{
	return l->n == n + l->noreply;
}

/* A storage command: servers that refuse one of another form take its value for commands, or do not. */
static bool stores(const struct line *l, uint32_t words)
{
	return counted(l, words) && is_key(l->tokens[1]) && is_number(l->tokens[2], UINT32_MAX) &&
	       is_time(l->tokens[3]) && is_number(l->tokens[4], RM_MEMCACHED_VALUE_BYTES) &&
	       (words == 5 || is_number(l->tokens[5], UINT64_MAX));
}

/* Is it certain what the server takes the line for, and whether it answers? */
static bool is_clear(const struct line *l, enum form form)
{
	switch (form) {
	case NOTHING:
		return l->n == 1;
	case ANYTHING:
	case KEYS:
	case TIME_KEYS:
		return true;
	case NUMBER:
		return counted(l, 1) || counted(l, 2);
	case KEY:
		return (counted(l, 2) || (counted(l, 3) && rm_str_eq(l->tokens[2], RM_STR("0")))) && is_key(l->tokens[1]);
	case KEY_NUMBER:
		return counted(l, 3) && is_key(l->tokens[1]);
	case VALUE:
		return stores(l, 5);
	case VALUE_CAS:
		return stores(l, 6);
	case META:
		return l->n > 1 && is_key(l->tokens[1]);
	case META_VALUE:
		return l->n > 2 && is_key(l->tokens[1]) && is_number(l->tokens[2], RM_MEMCACHED_VALUE_BYTES);
	}
	return false;
}

static const struct command *find_command(struct rm_str name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (rm_str_eq(name, RM_STR_OF(commands[i].name)))
			return &commands[i];
	return NULL;
}

static bool is_printable(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

/*
 * Another protocol may begin with "get" or "delete": a key of digits alone is deleted in beanstalkd, and a target may be
 * got by a lower-case HTTP.
 */
static bool is_own(const struct line *l, const struct command *c)
{
	if (c->form == KEYS)
		return l->n > 1 && is_key(l->tokens[1]) && (l->last.n < 5 || memcmp(l->last.p, "HTTP/", 5) != 0);
	if (c->form == TIME_KEYS)
		return l->n > 2 && is_time(l->tokens[1]);
	if (c->form == KEY)
		return !is_number(l->tokens[1], UINT64_MAX);
	return c->form != KEY_NUMBER || is_number(l->tokens[2], UINT64_MAX);
}

bool rm_memcached_text_sniff(struct rm_str bytes)
{
	struct rm_str text = rm_str_cut(&bytes, '\n');
	const struct command *c;
	struct line l;

	/* Libraries send a command's line whole, and end it in CR LF. */
	if (!bytes.p || text.n < 3 || text.n > LINE_BYTES || text.p[text.n - 1] != '\r')
		return false;
	text.n--;
	l = split(text);
	c = find_command(l.tokens[0]);
	return c && c->first && is_clear(&l, (enum form)c->form) && is_own(&l, c) && is_printable(text);
}

/* ---- requests ---- */

/* False: the connection is left alone. */
static bool request_line(struct rm_memcached_feed *f, struct rm_str text, bool cut)
{
	struct line l = split(text);
	const struct command *c = find_command(l.tokens[0]);
	struct rm_memcached_question q = { 0 };
	uint64_t bytes = 0;

	if (!c || (cut && c->form != KEYS) || !is_clear(&l, (enum form)c->form))
		return false;
	q.name = c->name;
	q.quiet = (c->form == META || c->form == META_VALUE) && l.q;
	q.silent = !c->class || (l.noreply && c->form != KEYS && c->form != TIME_KEYS && c->form != ANYTHING && c->form != META);
	q.kind = (uint8_t)(c->class | (q.quiet ? QUIET : 0));
	q.n = 1;
	if (!rm_memcached_asked(f, &q))
		return false;
	if (c->form != VALUE && c->form != VALUE_CAS && c->form != META_VALUE) {
		rm_memcached_sent(f);
		return true;
	}
	rm_str_u64(l.tokens[c->form == META_VALUE ? 2 : 4], &bytes);
	f->s->value[RM_DIR_REQUEST].left = (uint32_t)bytes + 2;
	return true;
}

/* Steps over a value and its CR LF. False: something else stands there. */
static bool step_over(struct rm_memcached_feed *f, struct rm_memcached_value *value)
{
	while (f->at < f->bytes.n && value->left) {
		size_t here = f->bytes.n - f->at;

		if (value->left > 2) {
			uint32_t take = value->left - 2 < here ? value->left - 2 : (uint32_t)here;

			value->left -= take;
			f->at += take;
		} else if (f->bytes.p[f->at++] != (value->left-- == 2 ? '\r' : '\n')) {
			return false;
		}
	}
	return true;
}

bool rm_memcached_text_requests(struct rm_memcached_feed *f)
{
	struct rm_memcached_value *value = &f->s->value[RM_DIR_REQUEST];
	struct rm_line *line = &f->s->line[RM_DIR_REQUEST];
	struct rm_str text;

	for (;;) {
		enum rm_line_step step;

		if (value->left) {
			if (!step_over(f, value))
				return false;
			if (value->left)
				return true;
			rm_memcached_sent(f);
		}
		step = rm_line_next(line, RM_DIR_REQUEST, f->bytes, &f->at, LINE_BYTES, f->sink, &text);
		if (step == RM_LINE_MORE)
			return true;
		if (step == RM_LINE_NO_MEMORY || !request_line(f, text, line->cut))
			return false;
	}
}

/* ---- answers ---- */

static bool may_answer(const struct row *row, const struct rm_waiting *w)
{
	if (w->kind == RM_WAITING_PLAIN)
		return true;
	return ((w->kind & QUIET ? row->quiet : row->answers) & BIT(w->kind & ~QUIET)) != 0;
}

/* Whose answer is it? -1: nobody's, or one of several. */
static int64_t answered_by(struct rm_memcached_feed *f, const struct row *row)
{
	uint32_t quiet = rm_memcached_quiet(f);
	const struct rm_waiting *loud = rm_waiting_at(&f->s->queue, f->sink, quiet);
	int64_t found = loud && may_answer(row, loud) ? (int64_t)quiet : -1;

	for (uint32_t i = 0; i < quiet; i++) {
		if (!may_answer(row, rm_waiting_at(&f->s->queue, f->sink, i)))
			continue;
		if (found >= 0)
			return -1;
		found = i;
		/* Which quiet one had something to say is all the same, unless it failed. */
		if (!row->failed)
			break;
	}
	return found;
}

static bool answer_over(struct rm_memcached_feed *f, const struct row *row)
{
	struct rm_outcome outcome = { .failed = row->failed };
	int64_t i = answered_by(f, row);

	if (i < 0)
		return false;
	if (row->failed)
		outcome.status = rm_str_c(row->word);
	rm_memcached_pass(f, (uint32_t)i);
	rm_memcached_answered(f, &outcome);
	return true;
}

/* A line that is not the last one of an answer: no quiet command has such. */
static bool answer_goes_on(struct rm_memcached_feed *f, const struct row *row)
{
	const struct rm_waiting *w = rm_waiting_at(&f->s->queue, f->sink, rm_memcached_quiet(f));

	return w && may_answer(row, w);
}

static const struct row *find_row(const struct line *l)
{
	for (size_t i = 0; i + 1 < ROWS; i++)
		if (rm_str_eq(l->tokens[0], rm_str_c(rows[i].word)))
			return &rows[i];
	return l->n == 1 && is_number(l->tokens[0], UINT64_MAX) ? &rows[ROWS - 1] : NULL;
}

/* False: the connection is left alone. */
static bool answer_line(struct rm_memcached_feed *f, struct rm_str text)
{
	struct rm_memcached_value *value = &f->s->value[RM_DIR_RESPONSE];
	struct line l = split(text);
	const struct row *row = find_row(&l);
	uint64_t bytes;

	if (!row)
		return false;
	if (row->value) {
		if (row->value >= l.n || !rm_str_u64(l.tokens[row->value], &bytes) || bytes > RM_MEMCACHED_VALUE_BYTES)
			return false;
		value->left = (uint32_t)bytes + 2;
		value->row = (uint8_t)(row - rows);
		return row->follow == VALUE_MORE ? answer_goes_on(f, row) : answered_by(f, row) >= 0;
	}
	return row->follow == MORE ? answer_goes_on(f, row) : answer_over(f, row);
}

bool rm_memcached_text_answers(struct rm_memcached_feed *f)
{
	struct rm_memcached_value *value = &f->s->value[RM_DIR_RESPONSE];
	struct rm_line *line = &f->s->line[RM_DIR_RESPONSE];
	struct rm_str text;

	for (;;) {
		enum rm_line_step step;

		if (value->left) {
			const struct row *row = &rows[value->row];

			if (!step_over(f, value))
				return false;
			if (value->left)
				return true;
			if (row->follow == VALUE_OVER && !answer_over(f, row))
				return false;
		}
		step = rm_line_next(line, RM_DIR_RESPONSE, f->bytes, &f->at, LINE_BYTES, f->sink, &text);
		if (step == RM_LINE_MORE)
			return true;
		if (step == RM_LINE_NO_MEMORY || !answer_line(f, text))
			return false;
	}
}
