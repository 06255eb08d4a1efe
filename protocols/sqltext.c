/*
 * See sqltext.h. One pass over the tokens writes what is shown and gathers the summary. Both stop at the
 * first statement that does not begin with a command of SQL: that may be anything, a password too.
 *
 * Which words are tables is told from where they stand: behind FROM and JOIN and the commas between them, INTO,
 * UPDATE, USING of DELETE and MERGE, and the few commands that name one. A name that is called is none. Each
 * parenthesis has its own FROM. This is no grammar: what is missed is missing in the summary, and a
 * name of the text is all that can be wrongly in it.
 */
#include "protocols/sqltext.h"

#include "protocols/sqllex.h"

enum { DEPTH_MAX = 63, BATCH_BYTES = 6, WORD_BYTES = 13 };

enum word {
	NONE,
	PLAIN,     /* a command */
	EXPLAIN, VERBOSE,
	SELECT, INSERT, UPDATE, DELETE, MERGE,
	WITH, VALUES, SET, TABLE,
	ABOUT,     /* a command that names a table or a procedure */
	CREATE, ALTER,
	FROM, JOIN, INTO, IN, USING, TO, AS, DISTINCT,
	ENDS_FROM,
	SKIP,      /* stands between a word and the name it asks for */
	OBJECT, VIEW,
	BOOL,
	KEYWORD,   /* others behind which a sign is a number's own */
};

static const struct keyword {
	char name[WORD_BYTES];
	uint8_t word;
	bool command; /* a statement may begin with it */
} keywords[] = { /* in the order of their bytes */
	{ "ABORT", PLAIN, true }, { "AGGREGATE", OBJECT, false }, { "ALL", KEYWORD, false },
	{ "ALTER", ALTER, true }, { "ANALYSE", PLAIN, true }, { "ANALYZE", EXPLAIN, true },
	{ "AND", KEYWORD, false }, { "ANY", KEYWORD, false }, { "AS", AS, false },
	{ "ASC", KEYWORD, false }, { "BEGIN", PLAIN, true }, { "BETWEEN", KEYWORD, false },
	{ "BY", KEYWORD, false }, { "CALL", ABOUT, true }, { "CASE", KEYWORD, false },
	{ "CHECKPOINT", PLAIN, true }, { "CLOSE", PLAIN, true }, { "CLUSTER", PLAIN, true },
	{ "COMMENT", PLAIN, true }, { "COMMIT", PLAIN, true }, { "COPY", ABOUT, true },
	{ "CREATE", CREATE, true }, { "DATABASE", OBJECT, false }, { "DEALLOCATE", PLAIN, true },
	{ "DECLARE", PLAIN, true }, { "DEFAULT", KEYWORD, false }, { "DELETE", DELETE, true },
	{ "DESC", KEYWORD, false }, { "DISCARD", PLAIN, true }, { "DISTINCT", DISTINCT, false },
	{ "DO", PLAIN, true }, { "DOMAIN", OBJECT, false }, { "DROP", CREATE, true },
	{ "ELSE", KEYWORD, false }, { "END", PLAIN, true }, { "EXCEPT", ENDS_FROM, false },
	{ "EXECUTE", ABOUT, true }, { "EXISTS", SKIP, false }, { "EXPLAIN", EXPLAIN, true },
	{ "EXTENSION", OBJECT, false }, { "FALSE", BOOL, false }, { "FETCH", PLAIN, true },
	{ "FOR", ENDS_FROM, false }, { "FROM", FROM, false }, { "FUNCTION", OBJECT, false },
	{ "GRANT", PLAIN, true }, { "GROUP", ENDS_FROM, false }, { "HAVING", ENDS_FROM, false },
	{ "IF", SKIP, false }, { "ILIKE", KEYWORD, false }, { "IMPORT", PLAIN, true },
	{ "IN", IN, false }, { "INDEX", OBJECT, false }, { "INSERT", INSERT, true },
	{ "INTERSECT", ENDS_FROM, false }, { "INTO", INTO, false }, { "IS", KEYWORD, false },
	{ "JOIN", JOIN, false }, { "LATERAL", SKIP, false }, { "LIKE", KEYWORD, false },
	{ "LIMIT", ENDS_FROM, false }, { "LISTEN", PLAIN, true }, { "LOAD", PLAIN, true },
	{ "LOCK", ABOUT, true }, { "MERGE", MERGE, true }, { "MOVE", PLAIN, true },
	{ "NOT", SKIP, false }, { "NOTIFY", PLAIN, true }, { "OFFSET", ENDS_FROM, false },
	{ "ON", KEYWORD, false }, { "ONLY", SKIP, false }, { "OPERATOR", OBJECT, false },
	{ "OR", KEYWORD, false }, { "ORDER", ENDS_FROM, false }, { "POLICY", OBJECT, false },
	{ "PREPARE", PLAIN, true }, { "PROCEDURE", OBJECT, false }, { "PUBLICATION", OBJECT, false },
	{ "REASSIGN", PLAIN, true }, { "REFRESH", PLAIN, true }, { "REINDEX", PLAIN, true },
	{ "RELEASE", PLAIN, true }, { "RESET", PLAIN, true }, { "RETURN", KEYWORD, false },
	{ "RETURNING", ENDS_FROM, false }, { "REVOKE", PLAIN, true }, { "ROLE", OBJECT, false },
	{ "ROLLBACK", PLAIN, true }, { "RULE", OBJECT, false }, { "SAVEPOINT", PLAIN, true },
	{ "SCHEMA", OBJECT, false }, { "SECURITY", PLAIN, true }, { "SELECT", SELECT, true },
	{ "SEQUENCE", OBJECT, false }, { "SERVER", OBJECT, false }, { "SET", SET, true },
	{ "SHOW", PLAIN, true }, { "SIMILAR", KEYWORD, false }, { "SOME", KEYWORD, false },
	{ "START", PLAIN, true }, { "SUBSCRIPTION", OBJECT, false }, { "SYSTEM", OBJECT, false },
	{ "TABLE", TABLE, true }, { "TABLESPACE", OBJECT, false }, { "THEN", KEYWORD, false },
	{ "TO", TO, false }, { "TRIGGER", OBJECT, false }, { "TRUE", BOOL, false },
	{ "TRUNCATE", ABOUT, true }, { "TYPE", OBJECT, false }, { "UNION", ENDS_FROM, false },
	{ "UNLISTEN", PLAIN, true }, { "UPDATE", UPDATE, true }, { "USER", OBJECT, false },
	{ "USING", USING, false }, { "VACUUM", PLAIN, true }, { "VALUES", VALUES, true },
	{ "VERBOSE", VERBOSE, false }, { "VIEW", VIEW, false }, { "WHEN", KEYWORD, false },
	{ "WHERE", ENDS_FROM, false }, { "WINDOW", ENDS_FROM, false }, { "WITH", WITH, true },
};

enum hiding { SHOWN, NEXT_HIDDEN, HIDDEN };

struct reader {
	struct rm_str text;
	size_t at;
	char *out;
	size_t out_n;
	bool space;            /* there was some before this token */
	bool operand;          /* the token before was one: a sign behind it is an operator */
	enum word before;      /* the word before, NONE for another token ... */
	char mark;             /* ... this one, or 0 */
	enum hiding hidden;    /* values without quotes, up to the end of the statement */

	size_t list_at;        /* where a list behind IN begins in the output, 0: none, ... */
	bool list_plain;       /* ... of literals and nothing else */

	char *summary;         /* of the first statement; others are compared with it */
	size_t summary_n, same_n;
	uint32_t statements;
	bool differs, full;
	uint32_t operations, names;  /* of this statement */
	size_t operation_n;    /* of the summary: its first operation */
	struct rm_str name;    /* in the text */

	enum word command;     /* how the statement begins, NONE before that */
	bool expects, object;  /* a name comes next; the kind of an object does */
	bool sets;
	unsigned depth;
	uint64_t may_from, may_use, in_from; /* a bit for each depth */
};

static const struct keyword *find(struct rm_str s)
{
	size_t from = 0, to = sizeof(keywords) / sizeof(*keywords);

	while (s.n && s.n < WORD_BYTES && from < to) {
		size_t middle = from + (to - from) / 2, i = 0;
		const char *name = keywords[middle].name;
		char c = 0;

		for (; i < s.n; i++) {
			c = s.p[i] >= 'a' && s.p[i] <= 'z' ? (char)(s.p[i] - 'a' + 'A') : s.p[i];
			if (name[i] != c)
				break;
		}
		if (i == s.n && !name[i])
			return &keywords[middle];
		if (i < s.n && name[i] < c)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/* ---- what is shown ---- */

/* What is shown takes the place of as much text at least; that there is room is a promise all the same. */
static void put(struct reader *r, struct rm_str s)
{
	if (r->hidden == NEXT_HIDDEN)
		s = RM_STR("?");
	if (r->hidden == HIDDEN || r->out_n + (r->space && r->out_n) + s.n > r->text.n)
		return;
	r->hidden = r->hidden == NEXT_HIDDEN ? HIDDEN : SHOWN;
	if (r->space && r->out_n)
		r->out[r->out_n++] = ' ';
	memcpy(r->out + r->out_n, s.p, s.n);
	r->out_n += s.n;
}

static void put_literal(struct reader *r)
{
	put(r, RM_STR("?"));
}

/* What comes in a list behind IN makes it one of literals only, or not. */
static void note_list(struct reader *r, enum rm_sql_token token, char c)
{
	bool plain = token == RM_SQL_LITERAL || token == RM_SQL_NUMBER || token == RM_SQL_PARAM || c == ',' ||
		     c == '-' || c == '+';

	if (!r->list_at || plain)
		return;
	if (c == ')' && r->list_plain && r->out_n > r->list_at) {
		r->out_n = r->list_at;
		r->out[r->out_n++] = '?';
		r->space = false;
	}
	r->list_at = 0;
}

static bool begins_number(const struct reader *r)
{
	size_t at = r->at;

	while (at < r->text.n && (r->text.p[at] == ' ' || r->text.p[at] == '-' || r->text.p[at] == '+'))
		at++;
	if (at < r->text.n && r->text.p[at] == '.')
		at++;
	return at < r->text.n && r->text.p[at] >= '0' && r->text.p[at] <= '9';
}

/* ---- the summary ---- */

/* Adds a word to the summary, or compares it with that of the first statement. */
static void add(struct reader *r, struct rm_str s)
{
	size_t gap = r->statements == 1 ? r->summary_n > 0 : r->same_n > 0;

	if (r->full)
		return;
	if (r->statements == 1) {
		r->full = r->summary_n + gap + s.n > RM_SQL_SUMMARY_BYTES - BATCH_BYTES;
		if (r->full)
			return;
		if (gap)
			r->summary[r->summary_n++] = ' ';
		memcpy(r->summary + r->summary_n, s.p, s.n);
		r->summary_n += s.n;
		return;
	}
	r->differs = r->differs || r->same_n + gap + s.n > r->summary_n ||
		     memcmp(r->summary + r->same_n + gap, s.p, s.n) != 0;
	r->same_n += gap + s.n;
}

static void add_operation(struct reader *r, struct rm_str s)
{
	add(r, s);
	if (r->operations++ == 0 && r->statements == 1)
		r->operation_n = r->summary_n;
	r->expects = false;
}

/* The name that begins with the token at `from`, with what its dots join to it. */
static void add_name(struct reader *r, size_t from)
{
	size_t end = r->at, at = r->at;
	struct rm_str name;

	while (at < r->text.n && r->text.p[at] == '.') {
		enum rm_sql_token t;

		at++;
		t = rm_sql_next(r->text, &at);
		if (t != RM_SQL_WORD && t != RM_SQL_QUOTED)
			break;
		end = at;
	}
	r->expects = false;
	while (at < r->text.n && r->text.p[at] == ' ')
		at++;
	if (at < r->text.n && r->text.p[at] == '(' && r->in_from >> r->depth & 1)
		return;
	name = (struct rm_str){ r->text.p + from, end - from };
	add(r, name);
	if (r->names++ == 0 && r->statements == 1)
		r->name = (struct rm_str){ r->summary + r->summary_n - name.n, r->full ? 0 : name.n };
}

static uint64_t here(const struct reader *r)
{
	return 1ull << r->depth;
}

/* A statement of its own begins here, not the name of an event or a lock. */
static bool may_begin(const struct reader *r)
{
	return r->mark == '(' || r->mark == ')' || r->before == AS || r->before == EXPLAIN || r->before == VERBOSE;
}

static void begin_query(struct reader *r, enum word word, struct rm_str s)
{
	add_operation(r, s);
	r->may_from |= here(r);
	r->in_from &= ~here(r);
	r->may_use &= ~here(r);
	if (word == DELETE || word == MERGE)
		r->may_use |= here(r);
	r->expects = word == UPDATE;
}

/* The first word of a statement. False: it is no command. */
static bool begin_statement(struct reader *r, const struct keyword *k, struct rm_str s)
{
	if (!k || !k->command)
		return false;
	r->command = k->word;
	r->sets = k->word == SET;
	if (k->word >= SELECT && k->word <= MERGE) {
		begin_query(r, k->word, s);
	} else if (k->word != WITH) {
		add_operation(r, s);
		r->expects = k->word == ABOUT || k->word == TABLE;
		r->object = k->word == CREATE || k->word == ALTER;
	}
	return true;
}

static void expect_in_from(struct reader *r)
{
	r->in_from |= here(r);
	r->expects = true;
}

/* What a word means to the summary. `from` is where it begins. */
static void note_word(struct reader *r, enum word word, struct rm_str s, size_t from)
{
	bool grants = r->command == PLAIN && r->operations == 1 && r->before == PLAIN;

	switch (word) {
	case SELECT:
		if (!grants && (r->before != ENDS_FROM || r->command == PLAIN))
			begin_query(r, word, s);
		return;
	case INSERT:
	case UPDATE:
	case DELETE:
	case MERGE:
		if (may_begin(r))
			begin_query(r, word, s);
		return;
	case FROM:
		if (r->may_from & here(r) && r->before != DISTINCT) {
			r->may_from &= ~here(r);
			expect_in_from(r);
		}
		return;
	case USING:
		if (r->may_use & here(r)) {
			r->may_use &= ~here(r);
			expect_in_from(r);
		}
		return;
	case JOIN:
		r->expects = r->in_from & here(r);
		return;
	case INTO:
		r->expects = r->command != PLAIN;
		return;
	case ENDS_FROM:
	case VALUES:
		r->in_from &= ~here(r);
		r->expects = false;
		return;
	case SET:
		r->sets = r->sets || r->command == ALTER;
		r->in_from &= ~here(r);
		r->expects = false;
		return;
	case TABLE:
	case VIEW:
	case OBJECT:
		if (r->object) {
			add(r, s);
			if (r->statements == 1 && r->operations == 1)
				r->operation_n = r->summary_n;
			r->object = false;
			r->expects = word != OBJECT;
		} else if (r->expects && word != TABLE) {
			add_name(r, from);
		}
		return;
	case SKIP:
		return;
	default:
		if (r->expects)
			add_name(r, from);
	}
}

/* ---- tokens ---- */

static bool word_token(struct reader *r, size_t from)
{
	struct rm_str s = { r->text.p + from, r->at - from };
	const struct keyword *k = find(s);
	enum word word = k ? k->word : NONE;

	note_list(r, RM_SQL_WORD, 0);
	if (r->command == NONE) {
		r->statements++;
		r->same_n = 0;
		r->operations = r->names = 0;
		if (!begin_statement(r, k, s))
			return false;
	} else if (r->mark != '.') {
		note_word(r, word, s, from);
	}
	if (word == BOOL && r->mark != '.')
		put_literal(r);
	else
		put(r, s);
	if (r->sets && word == TO && !r->hidden)
		r->hidden = NEXT_HIDDEN;
	r->operand = word == NONE || word == BOOL;
	r->before = word;
	r->mark = 0;
	return true;
}

static void end_statement(struct reader *r)
{
	r->differs = r->differs || (r->statements > 1 && r->same_n != r->summary_n);
	r->command = NONE;
	r->hidden = SHOWN;
	r->sets = r->expects = r->object = false;
	r->depth = 0;
	r->may_from = r->may_use = r->in_from = 0;
}

static void parenthesis(struct reader *r, bool opens)
{
	if (!opens) {
		r->depth -= r->depth > 0;
		r->expects = false;
		return;
	}
	r->depth += r->depth < DEPTH_MAX;
	r->may_from &= ~here(r);
	r->may_use &= ~here(r);
	r->in_from &= ~here(r);
	if (r->expects)
		r->in_from |= here(r);
}

/* False: it is the sign of a number, and goes with that. */
static bool mark_token(struct reader *r, size_t from)
{
	char c = r->text.p[from];
	bool list = c == '(' && r->before == IN;

	note_list(r, RM_SQL_OTHER, c);
	if ((c == '-' || c == '+') && !r->operand && begins_number(r))
		return false;
	if (c == ';')
		end_statement(r);
	put(r, (struct rm_str){ &r->text.p[from], 1 });
	if (c == '(' || c == ')')
		parenthesis(r, c == '(');
	if (c == ',' && r->in_from & here(r))
		r->expects = true;
	if (r->sets && c == '=' && !r->hidden)
		r->hidden = NEXT_HIDDEN;
	if (list) {
		r->list_at = r->out_n;
		r->list_plain = true;
	}
	r->operand = c == ')' || c == ']';
	r->before = NONE;
	r->mark = c;
	return true;
}

static void value_token(struct reader *r, enum rm_sql_token token, size_t from)
{
	struct rm_str s = { r->text.p + from, r->at - from };

	note_list(r, token, 0);
	if (token == RM_SQL_QUOTED && r->expects && r->mark != '.')
		add_name(r, from);
	if (token == RM_SQL_LITERAL || token == RM_SQL_NUMBER)
		put_literal(r);
	else
		put(r, s);
	r->expects = false;
	r->operand = true;
	r->before = NONE;
	r->mark = 0;
}

static void read_tokens(struct reader *r)
{
	for (;;) {
		size_t from = r->at;
		enum rm_sql_token token = rm_sql_next(r->text, &r->at);

		if (token == RM_SQL_END)
			return;
		if (token == RM_SQL_SPACE) {
			r->space = true;
			continue;
		}
		if (r->command == NONE && token != RM_SQL_WORD &&
		    (token != RM_SQL_OTHER || (r->text.p[from] != '(' && r->text.p[from] != ';')))
			return;
		if (token == RM_SQL_WORD) {
			if (!word_token(r, from))
				return;
		} else if (token == RM_SQL_OTHER) {
			if (!mark_token(r, from))
				continue;
		} else {
			value_token(r, token, from);
		}
		r->space = false;
	}
}

void rm_sql_read(struct rm_str text, char *room, char *summary, struct rm_sql *ret)
{
	struct reader r = { .text = text, .out = room, .summary = summary + BATCH_BYTES };
	bool batch;

	read_tokens(&r);
	if (r.command != NONE)
		end_statement(&r);
	batch = r.statements > 1;
	*ret = (struct rm_sql){ .query = { room, r.out_n }, .statements = r.statements };
	if (batch)
		memcpy(summary, "BATCH ", BATCH_BYTES);
	if (batch && r.differs) {
		ret->summary = ret->operation = (struct rm_str){ summary, BATCH_BYTES - 1 };
		return;
	}
	if (!batch)
		summary += BATCH_BYTES;
	ret->summary = (struct rm_str){ summary, r.summary_n + (batch ? BATCH_BYTES : 0) };
	if (r.operations != 1)
		return;
	ret->operation = (struct rm_str){ summary, r.operation_n + (batch ? BATCH_BYTES : 0) };
	if (r.names == 1)
		ret->collection = r.name;
}
