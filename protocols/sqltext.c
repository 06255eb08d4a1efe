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

#include "base/bytes.h"

enum { DEPTH_MAX = 63, BATCH_BYTES = 6, WORD_BYTES = 16, WORD_MAX_BYTES = 13 };

enum word {
	NONE,
	PLAIN,     /* a command */
	EXPLAIN, VERBOSE,
	SELECT, INSERT, REPLACE, UPDATE, DELETE, MERGE,
	WITH, VALUES, SET, TABLE,
	ABOUT,     /* a command that names a table, ... */
	CALL,      /* ... a procedure, ... */
	EXECUTE,   /* ... or what was prepared */
	LOAD, USE, PRAGMA,
	CREATE, ALTER,
	FROM, JOIN, INTO, IN, USING, TO, AS, DISTINCT,
	ENDS_FROM,
	SKIP,      /* stands between a word and the name it asks for */
	OBJECT, VIEW, SCHEMA,
	BODY,      /* the kind of an object that is a program: what follows is its own */
	OR,
	BOOL,
	KEYWORD,   /* others behind which a sign is a number's own */
};

/* The dialects, as bits. */
enum { PG = 1, MY = 2, LITE = 4, CQ = 8, ALL = PG | MY | LITE | CQ };

struct keyword {
	char name[WORD_BYTES];
	uint8_t word;
	uint8_t where;   /* in these dialects */
	uint8_t command; /* in these a statement may begin with it */
};

static const struct keyword keywords[] = {
#define LETTER(letter)
#define WORD(name, word, where, command) { #name, word, where, command },
#include "protocols/sqlwords.h"
#undef LETTER
#undef WORD
};

/* Where in that table the words of each letter begin. */
enum {
#define LETTER(letter) FIRST_##letter, BEFORE_##letter = FIRST_##letter - 1,
#define WORD(name, word, where, command) AT_##name,
#include "protocols/sqlwords.h"
#undef LETTER
#undef WORD
	KEYWORDS
};
static const uint8_t first_of[] = {
#define LETTER(letter) FIRST_##letter,
#define WORD(name, word, where, command)
#include "protocols/sqlwords.h"
#undef LETTER
#undef WORD
	KEYWORDS
};
enum { LETTERS = sizeof(first_of) - 1 };
_Static_assert(LETTERS == 26 && sizeof(keywords) == KEYWORDS * sizeof(keywords[0]), "each word has its place");

enum hiding { SHOWN, NEXT_HIDDEN, HIDDEN };

struct reader {
	struct rm_str text;
	enum rm_sql_dialect dialect;
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
	struct rm_str name;    /* in the text, ... */
	enum word named_by;    /* ... and the command that names it */

	enum word command;     /* how the statement begins, NONE before that */
	enum word query;       /* the query in it that began last */
	bool expects, object;  /* a name comes next; the kind of an object does */
	bool sets, body, moves;
	unsigned depth;
	uint64_t may_from, may_use, in_from; /* a bit for each depth */
};

static unsigned bit(enum rm_sql_dialect d)
{
	static const uint8_t bits[] = { PG, MY, MY, LITE, CQ };

	return bits[d];
}

/* Eight bytes of a word with capitals for small letters. No other byte of a word becomes a letter by that. */
static inline uint64_t capitals(uint64_t word)
{
	return word & ~(RM_BYTES_ONES * 0x20);
}

static const struct keyword *find(enum rm_sql_dialect d, struct rm_str s)
{
	unsigned letter = (s.p[0] | 0x20u) - 'a';
	uint64_t first, rest = 0;

	if (s.n > WORD_MAX_BYTES || letter >= LETTERS)
		return NULL;
	first = capitals(s.n < 8 ? rm_bytes_few(s.p, s.n) : rm_bytes_word(s.p));
	if (s.n > 8)
		rest = capitals(rm_bytes_few(s.p + 8, s.n - 8));
	for (const struct keyword *k = &keywords[first_of[letter]]; k < &keywords[first_of[letter + 1]]; k++)
		if (rm_bytes_word(k->name) == first && rm_bytes_word(k->name + 8) == rest)
			return k->where & bit(d) ? k : NULL;
	return NULL;
}

/* ---- what is shown ---- */

/* What is shown takes the place of as much text at least; that there is room is a promise all the same. */
static void put(struct reader *r, struct rm_str s)
{
	size_t gap = r->space && r->out_n;
	char *to = r->out + r->out_n;

	if (r->hidden == NEXT_HIDDEN)
		s = RM_STR("?");
	if (r->hidden == HIDDEN || gap + s.n > r->text.n - r->out_n)
		return;
	if (r->hidden)
		r->hidden = HIDDEN;
	*to = ' ';
	memcpy(to + gap, s.p, s.n);
	r->out_n += gap + s.n;
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
		t = rm_sql_next(r->dialect, r->text, &at);
		if (t != RM_SQL_WORD && t != RM_SQL_QUOTED && t != RM_SQL_MAYBE)
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
	if (r->names++ == 0 && r->statements == 1) {
		r->name = (struct rm_str){ r->summary + r->summary_n - name.n, r->full ? 0 : name.n };
		r->named_by = r->command;
	}
}

static uint64_t here(const struct reader *r)
{
	return 1ull << r->depth;
}

/* A statement of its own begins here, not the name of an event or a lock, or of a function like INSERT(). */
static bool may_begin(const struct reader *r, enum word word)
{
	return (r->mark == '(' && (word != INSERT || bit(r->dialect) != MY)) || r->mark == ')' || r->before == AS || r->before == EXPLAIN || r->before == VERBOSE;
}

static void begin_query(struct reader *r, enum word word, struct rm_str s)
{
	add_operation(r, s);
	r->query = word;
	r->may_from |= here(r);
	r->in_from &= ~here(r);
	r->may_use &= ~here(r);
	/* What CQL uses is a time. */
	if ((word == DELETE || word == MERGE) && r->dialect != RM_SQL_CQL)
		r->may_use |= here(r);
	r->expects = word == UPDATE || (bit(r->dialect) == MY && (word == INSERT || word == REPLACE));
}

/* The first word of a statement. False: it is no command. */
static bool begin_statement(struct reader *r, const struct keyword *k, struct rm_str s)
{
	if (!k || !(k->command & bit(r->dialect)))
		return false;
	r->command = k->word;
	r->sets = k->word == SET;
	r->moves = r->moves || k->word == USE;
	if (k->word >= SELECT && k->word <= MERGE) {
		begin_query(r, k->word, s);
	} else if (k->word != WITH) {
		add_operation(r, s);
		r->expects = (k->word >= ABOUT && k->word <= EXECUTE) || k->word == TABLE;
		r->object = k->word == CREATE || k->word == ALTER;
	}
	return true;
}

static void expect_in_from(struct reader *r)
{
	r->in_from |= here(r);
	r->expects = true;
}

/* The kind of what is created, dropped or changed. */
static void note_object(struct reader *r, enum word word, struct rm_str s)
{
	add(r, s);
	if (r->statements == 1 && r->operations == 1)
		r->operation_n = r->summary_n;
	r->object = false;
	r->expects = word == TABLE || word == VIEW;
	r->body = word == BODY && r->dialect != RM_SQL_PGSQL;
	r->moves = r->moves || word == SCHEMA;
}

/* What a word means to the summary. `from` is where it begins. */
static void note_word(struct reader *r, enum word word, struct rm_str s, size_t from)
{
	bool grants = r->command == PLAIN && r->operations == 1 && r->before == PLAIN;

	/* UPDATE OR IGNORE t */
	if (r->body || (r->expects && (word == OR || r->before == OR)))
		return;
	switch (word) {
	case SELECT:
		if (!grants && (r->before != ENDS_FROM || r->command == PLAIN))
			begin_query(r, word, s);
		return;
	case INSERT:
	case UPDATE:
	case DELETE:
	case MERGE:
		if (may_begin(r, word))
			begin_query(r, word, s);
		return;
	case REPLACE:
		if (r->before == EXPLAIN)
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
	case SCHEMA:
	case BODY:
		if (r->object)
			note_object(r, word, s);
		else if (r->expects && word != TABLE)
			add_name(r, from);
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
	const struct keyword *k = find(r->dialect, s);
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
	if (word == PRAGMA) {
		r->command = PRAGMA;
		r->sets = true;
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
	/* It may say what backslashes mean from here on. */
	if (r->command == SET && r->dialect == RM_SQL_MYSQL)
		r->dialect = RM_SQL_MYSQL_MODE;
	r->command = NONE;
	r->hidden = SHOWN;
	r->sets = r->expects = r->object = r->body = false;
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
	/* What SQLite takes for a text where it can be no name. */
	if (r->dialect == RM_SQL_SQLITE && (r->query != SELECT || !(r->in_from & here(r))))
		r->expects = false;
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
	if (c == ';' && !r->body)
		end_statement(r);
	put(r, (struct rm_str){ &r->text.p[from], 1 });
	if (c == '(' || c == ')')
		parenthesis(r, c == '(');
	if (c == ',' && r->in_from & here(r))
		r->expects = true;
	if (r->sets && (c == '=' || (c == '(' && r->command == PRAGMA)) && !r->hidden)
		r->hidden = NEXT_HIDDEN;
	if (c != '(' && c != ',' && c != '.')
		r->expects = false;
	if (list) {
		r->list_at = r->out_n;
		r->list_plain = true;
	}
	r->operand = c == ')' || c == ']';
	r->before = NONE;
	r->mark = c;
	return true;
}

/* A double quote of SQLite is a string where no column is called so: a name only where nothing else can stand. */
static enum rm_sql_token maybe(const struct reader *r)
{
	bool name = r->expects || r->mark == '.' || (r->at < r->text.n && r->text.p[r->at] == '.');

	return name ? RM_SQL_QUOTED : RM_SQL_LITERAL;
}

static void value_token(struct reader *r, enum rm_sql_token token, size_t from)
{
	struct rm_str s = { r->text.p + from, r->at - from };

	token = token == RM_SQL_MAYBE ? maybe(r) : token;
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
		enum rm_sql_token token = rm_sql_next(r->dialect, r->text, &r->at);

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

void rm_sql_read(enum rm_sql_dialect dialect, struct rm_str text, char *room, char *summary, struct rm_sql *ret)
{
	struct reader r = { .dialect = dialect, .text = text, .out = room, .summary = summary + BATCH_BYTES };
	bool batch;

	read_tokens(&r);
	if (r.command != NONE)
		end_statement(&r);
	batch = r.statements > 1;
	*ret = (struct rm_sql){ .query = { room, r.out_n }, .statements = r.statements, .moves = r.moves };
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
	if (r.names == 1 && r.named_by == CALL)
		ret->procedure = r.name;
	else if (r.names == 1 && r.named_by != EXECUTE)
		ret->collection = r.name;
}
