/*
 * See sqllex.h. Strings are where secrets are, so whatever makes their end doubtful ends the reading: a
 * backslash before a quote in a plain string (settings of the server decide what it means), a
 * backslash or a backtick behind a byte that may be the first half of a character (client encodings like SJIS),
 * a byte that is no SQL.
 */
#include "protocols/sqllex.h"

#include <string.h>

enum { SPACE = 1, COMMENT = 2 /* may begin one */, BEGINS_WORD = 4, DIGIT = 8, DOLLAR = 16, MARK = 32 };

static const uint8_t classes[256] = {
	['\t' ... '\r'] = SPACE, [' '] = SPACE,
	['a' ... 'z'] = BEGINS_WORD, ['A' ... 'Z'] = BEGINS_WORD, ['_'] = BEGINS_WORD, [0x80 ... 0xff] = BEGINS_WORD,
	['0' ... '9'] = DIGIT, ['$'] = DOLLAR,
	['-'] = MARK | COMMENT, ['/'] = MARK | COMMENT, ['#'] = MARK | COMMENT,
	['+'] = MARK, ['*'] = MARK, ['<' ... '@'] = MARK, ['~'] = MARK, ['!'] = MARK, ['%'] = MARK, ['^'] = MARK, ['&'] = MARK,
	['|'] = MARK, [':'] = MARK, [';'] = MARK, [','] = MARK, ['.'] = MARK, ['('] = MARK, [')'] = MARK, ['['] = MARK, [']'] = MARK,
};

static inline bool is(char c, unsigned any)
{
	return classes[(uint8_t)c] & any;
}

static bool is_digit(char c)
{
	return is(c, DIGIT);
}

static bool in_word(char c)
{
	return is(c, BEGINS_WORD | DIGIT | DOLLAR);
}

static char at_or_nul(struct rm_str text, size_t at)
{
	return at < text.n ? text.p[at] : '\0';
}

static bool is_mysql(enum rm_sql_dialect d)
{
	return d == RM_SQL_MYSQL || d == RM_SQL_MYSQL_MODE;
}

/* ---- comments ---- */

/* PostgreSQL ends one at a carriage return, too; what hides more is never wrong elsewhere but where it is SQL. */
static size_t line_comment(enum rm_sql_dialect d, struct rm_str text, size_t at)
{
	while (at < text.n && text.p[at] != '\n' && (text.p[at] != '\r' || d != RM_SQL_PGSQL))
		at++;
	return at;
}

/* Those of PostgreSQL nest. */
static size_t block_comment(enum rm_sql_dialect d, struct rm_str text, size_t at)
{
	size_t depth = 0;

	do {
		char c = text.p[at], next = at_or_nul(text, at + 1);

		if (c == '/' && next == '*' && (!depth || d == RM_SQL_PGSQL)) {
			depth++;
			at += 2;
		} else if (c == '*' && next == '/') {
			depth--;
			at += 2;
		} else {
			at++;
		}
	} while (depth && at < text.n);
	return at;
}

/*
 * A comment that some servers execute, from its version on. Behind it text.n, unless it ends at the same
 * place for whoever executes it and who does not.
 */
static size_t executed_comment(struct rm_str text, size_t at)
{
	for (at += 3; at < text.n; at++) {
		char c = text.p[at], next = at_or_nul(text, at + 1);

		if (c == '*' && next == '/')
			return at + 2;
		if (memchr("'\"`#\\", c, 5) || (c == '-' && next == '-') || (c == '/' && next == '*'))
			return text.n;
	}
	return text.n;
}

static bool begins_line_comment(enum rm_sql_dialect d, struct rm_str text, size_t at)
{
	char c = text.p[at], third = at_or_nul(text, at + 2);

	if ((is_mysql(d) && c == '#') || (d == RM_SQL_CQL && c == '/' && at_or_nul(text, at + 1) == '/'))
		return true;
	/* For MySQL "5--1" is a difference. */
	return c == '-' && at_or_nul(text, at + 1) == '-' && (!is_mysql(d) || (unsigned char)third <= ' ' || third == 0x7f);
}

/* Behind the comment that begins here, or `at`. */
static size_t comment(enum rm_sql_dialect d, struct rm_str text, size_t at)
{
	char third = at_or_nul(text, at + 2);

	if (begins_line_comment(d, text, at))
		return line_comment(d, text, at);
	if (text.p[at] != '/' || at_or_nul(text, at + 1) != '*')
		return at;
	if (is_mysql(d) && (third == '!' || (third == 'M' && at_or_nul(text, at + 3) == '!')))
		return executed_comment(text, at);
	return block_comment(d, text, at);
}

static size_t space(enum rm_sql_dialect d, struct rm_str text, size_t at)
{
	for (size_t behind = at; at < text.n; at = behind) {
		char c = text.p[at];

		if (is(c, SPACE))
			behind = at + 1;
		else if (is(c, COMMENT))
			behind = comment(d, text, at);
		if (behind == at)
			break;
	}
	return at;
}

/* ---- what is quoted ---- */

/* What a backslash in a string is. */
enum backslash { ORDINARY, ESCAPES, IN_DOUBT };

/* Behind the closing quote; text.n where it is missing or in doubt. `at` is behind the opening one. */
static size_t string(struct rm_str text, size_t at, char quote, enum backslash b)
{
	for (; at < text.n; at++) {
		char c = text.p[at];

		if (c == '\\' && ((b == ESCAPES && (unsigned char)text.p[at - 1] >= 0x80) ||
				  (b == IN_DOUBT && at_or_nul(text, at + 1) == quote)))
			return text.n;
		if (c == '\\' && b == ESCAPES)
			at++;
		else if (c == quote && at_or_nul(text, at + 1) == quote)
			at++;
		else if (c == quote)
			return at + 1;
	}
	return text.n;
}

/* Behind the next `quote` that is not doubled, or text.n; 0: in doubt. `at` is at the first one. */
static size_t quoted(struct rm_str text, size_t at, char quote)
{
	for (at++; at < text.n; at++) {
		if (text.p[at] != quote)
			continue;
		if (quote == '`' && (unsigned char)text.p[at - 1] >= 0x80)
			return 0;
		if (at_or_nul(text, at + 1) != quote || quote == ']')
			return at + 1;
		at++;
	}
	return text.n;
}

/* $$ ... $$ or $tag$ ... $tag$; `at` is at the first dollar. 0: it is none. */
static size_t dollars(struct rm_str text, size_t at)
{
	size_t tag = at + 1, n;

	if (is_digit(at_or_nul(text, tag)))
		return 0;
	while (tag < text.n && in_word(text.p[tag]) && text.p[tag] != '$')
		tag++;
	if (tag == text.n)
		return text.n;
	if (text.p[tag] != '$')
		return 0;
	n = tag + 1 - at;
	for (size_t i = tag + 1; i + n <= text.n; i++)
		if (text.p[i] == '$' && memcmp(text.p + i, text.p + at, n) == 0)
			return i + n;
	return text.n;
}

/* ---- tokens ---- */

static size_t number(struct rm_str text, size_t at)
{
	while (at < text.n) {
		char c = text.p[at], before = at ? text.p[at - 1] : '\0';
		bool sign = (c == '+' || c == '-') && (before == 'e' || before == 'E') &&
			    is_digit(at_or_nul(text, at + 1));

		/* "1..2" are two numbers with a range between them. */
		if (c == '.' && at_or_nul(text, at + 1) == '.')
			break;
		if (!in_word(c) && c != '.' && !sign)
			break;
		at++;
	}
	return at;
}

static enum backslash backslash(enum rm_sql_dialect d)
{
	return d >= RM_SQL_SQLITE ? ORDINARY : d == RM_SQL_MYSQL ? ESCAPES : IN_DOUBT;
}

/* The length of what stands before the quote of a string, 0: none. */
static size_t prefix(enum rm_sql_dialect d, struct rm_str text, size_t at, enum backslash *ret_backslash)
{
	char c = text.p[at] | 0x20, next = at_or_nul(text, at + 1);

	*ret_backslash = d == RM_SQL_PGSQL && c == 'e' ? ESCAPES : backslash(d);
	if (next == '\'' && d != RM_SQL_CQL && (c == 'x' || (d != RM_SQL_SQLITE && (c == 'b' || c == 'n')) || (d == RM_SQL_PGSQL && c == 'e')))
		return 1;
	return d == RM_SQL_PGSQL && c == 'u' && next == '&' && at_or_nul(text, at + 2) == '\'' ? 2 : 0;
}

/* ---- constants of CQL that have no quotes ---- */

static bool is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* 8-4-4-4-12 hexadecimal digits. Returns the end, or `at`. */
static size_t uuid(struct rm_str text, size_t at)
{
	enum { BYTES = 36 };

	if (text.n - at < BYTES || in_word(at_or_nul(text, at + BYTES)))
		return at;
	for (size_t i = 0; i < BYTES; i++) {
		char c = text.p[at + i];

		if (i == 8 || i == 13 || i == 18 || i == 23 ? c != '-' : !is_hex(c))
			return at;
	}
	return at + BYTES;
}

/* P1Y2M, P1DT2H, P2026-01-01T00:00:00: a duration of ISO 8601. Returns the end, or `at`. */
static size_t duration(struct rm_str text, size_t at)
{
	size_t end = at + 1;

	if ((text.p[at] | 0x20) != 'p' || !(is_digit(at_or_nul(text, end)) || (at_or_nul(text, end) | 0x20) == 't'))
		return at;
	while (end < text.n && (is_digit(text.p[end]) || memchr("ymwdthsYMWDTHS-:", text.p[end], 16)))
		end++;
	return is_digit(text.p[end - 1]) == (memchr(text.p + at, '-', end - at) != NULL) && !in_word(at_or_nul(text, end)) ? end : at;
}

/* Steps over such a constant. Kept out of what reads the tokens of the other dialects. */
__attribute__((noinline)) static bool bare_constant(struct rm_str text, size_t *at)
{
	size_t from = *at;

	*at = uuid(text, from);
	if (*at == from)
		*at = duration(text, from);
	return *at != from;
}

static enum rm_sql_token word(enum rm_sql_dialect d, struct rm_str text, size_t *at)
{
	char next = at_or_nul(text, *at + 1);
	enum backslash b;
	size_t n = next == '\'' || next == '&' ? prefix(d, text, *at, &b) : 0;

	if (n) {
		*at = string(text, *at + n + 1, '\'', b);
		return RM_SQL_LITERAL;
	}
	for (n = *at + 1; n < text.n && in_word(text.p[n]);)
		n++;
	*at = n;
	return RM_SQL_WORD;
}

/* What begins with a dollar: a literal or a parameter, or for all that is known neither. */
static enum rm_sql_token dollar(enum rm_sql_dialect d, struct rm_str text, size_t *at)
{
	size_t end = d == RM_SQL_PGSQL || d == RM_SQL_CQL ? dollars(text, *at) : 0;
	char next = at_or_nul(text, *at + 1);

	if (end) {
		*at = end;
		return RM_SQL_LITERAL;
	}
	if (is_mysql(d) || d == RM_SQL_CQL || !(is_digit(next) || (d == RM_SQL_SQLITE && is(next, BEGINS_WORD)))) {
		*at = text.n;
		return RM_SQL_END;
	}
	for (++*at; *at < text.n && (d == RM_SQL_PGSQL ? is_digit(text.p[*at]) : in_word(text.p[*at]));)
		++*at;
	/* $name(anything) and $name::more are parameters of SQLite for Tcl: nobody else has them. */
	if (d != RM_SQL_SQLITE || (at_or_nul(text, *at) != '(' && at_or_nul(text, *at) != ':'))
		return RM_SQL_PARAM;
	*at = text.n;
	return RM_SQL_END;
}

static enum rm_sql_token in_quotes(enum rm_sql_dialect d, struct rm_str text, size_t *at)
{
	char c = text.p[*at];
	size_t end;

	if (c == '\'' || (c == '"' && is_mysql(d))) {
		/* With ANSI_QUOTES it is an identifier, in which nothing escapes: who knows. */
		*at = string(text, *at + 1, c, c == '"' ? IN_DOUBT : backslash(d));
		return RM_SQL_LITERAL;
	}
	end = quoted(text, *at, c == '[' ? ']' : c);
	/* A backtick may also be the second half of the character before it. */
	if (!end || (c == '`' && *at && (unsigned char)text.p[*at - 1] >= 0x80)) {
		*at = text.n;
		return RM_SQL_END;
	}
	*at = end;
	return c == '"' && d == RM_SQL_SQLITE ? RM_SQL_MAYBE : RM_SQL_QUOTED;
}

static bool begins_quotes(enum rm_sql_dialect d, char c)
{
	return c == '\'' || c == '"' || (c == '`' && d != RM_SQL_PGSQL && d != RM_SQL_CQL) || (c == '[' && d == RM_SQL_SQLITE);
}

/* A token of any kind; *at is not at the end. */
static __attribute__((noinline)) enum rm_sql_token next(enum rm_sql_dialect d, struct rm_str text, size_t *at)
{
	size_t from = *at;
	char c = text.p[from];

	if (is(c, SPACE | COMMENT)) {
		*at = space(d, text, from);
		if (*at != from)
			return RM_SQL_SPACE;
	}
	if (d == RM_SQL_CQL && bare_constant(text, at))
		return RM_SQL_LITERAL;
	if (is(c, BEGINS_WORD))
		return word(d, text, at);
	if (begins_quotes(d, c))
		return in_quotes(d, text, at);
	if (is_digit(c) || (c == '.' && is_digit(at_or_nul(text, *at + 1)))) {
		*at = number(text, *at);
		return RM_SQL_NUMBER;
	}
	if (c == '$')
		return dollar(d, text, at);
	if (!is(c, MARK) && (d != RM_SQL_CQL || (c != '{' && c != '}'))) {
		*at = text.n;
		return RM_SQL_END;
	}
	++*at;
	if (c == '?' && d == RM_SQL_SQLITE && is_digit(at_or_nul(text, *at))) {
		while (is_digit(at_or_nul(text, *at)))
			++*at;
		return RM_SQL_PARAM;
	}
	return RM_SQL_OTHER;
}

enum rm_sql_token rm_sql_next(enum rm_sql_dialect d, struct rm_str text, size_t *at)
{
	size_t from = *at, end = from + 1;
	char behind;

	if (from >= text.n)
		return RM_SQL_END;
	behind = at_or_nul(text, end);
	/* Most tokens are a space between two others, or a word that no quote follows. */
	if (text.p[from] == ' ' && !is(behind, SPACE | COMMENT)) {
		*at = end;
		return RM_SQL_SPACE;
	}
	if (!is(text.p[from], BEGINS_WORD) || behind == '\'' || behind == '&' || d == RM_SQL_CQL)
		return next(d, text, at);
	while (end < text.n && in_word(text.p[end]))
		end++;
	*at = end;
	return RM_SQL_WORD;
}
