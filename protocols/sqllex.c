/*
 * See sqllex.h. Strings are where secrets are, so whatever makes their end doubtful ends the reading: a
 * backslash before a quote in a plain string (standard_conforming_strings decides what it means), a
 * backslash behind a byte that may be the first half of a character (client encodings like SJIS), a byte
 * that is no SQL.
 */
#include "protocols/sqllex.h"

#include <string.h>

static const char marks[] = "+-*/<>=~!@#%^&|?:;,.()[]";

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool begins_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool in_word(char c)
{
	return begins_word(c) || is_digit(c) || c == '$';
}

static char at_or_nul(struct rm_str text, size_t at)
{
	return at < text.n ? text.p[at] : '\0';
}

static size_t line_comment(struct rm_str text, size_t at)
{
	while (at < text.n && text.p[at] != '\n' && text.p[at] != '\r')
		at++;
	return at;
}

/* They nest. */
static size_t block_comment(struct rm_str text, size_t at)
{
	size_t depth = 0;

	do {
		char c = text.p[at], next = at_or_nul(text, at + 1);

		if (c == '/' && next == '*') {
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

static size_t space(struct rm_str text, size_t at)
{
	while (at < text.n) {
		char c = text.p[at], next = at_or_nul(text, at + 1);

		if (is_space(c))
			at++;
		else if (c == '-' && next == '-')
			at = line_comment(text, at);
		else if (c == '/' && next == '*')
			at = block_comment(text, at);
		else
			break;
	}
	return at;
}

/* Behind the closing quote; text.n where it is missing or in doubt. `at` is behind the opening one. */
static size_t string(struct rm_str text, size_t at, bool escapes)
{
	for (; at < text.n; at++) {
		char c = text.p[at];

		if (c == '\\' && (escapes ? (unsigned char)text.p[at - 1] >= 0x80 : at_or_nul(text, at + 1) == '\''))
			return text.n;
		if (c == '\\' && escapes)
			at++;
		else if (c == '\'' && at_or_nul(text, at + 1) == '\'')
			at++;
		else if (c == '\'')
			return at + 1;
	}
	return text.n;
}

static size_t quoted(struct rm_str text, size_t at)
{
	for (at++; at < text.n; at++) {
		if (text.p[at] != '"')
			continue;
		if (at_or_nul(text, at + 1) != '"')
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

/* The length of what stands before the quote of a string, and whether backslashes escape in it; 0: none. */
static size_t prefix(struct rm_str text, size_t at, bool *ret_escapes)
{
	char c = text.p[at] | 0x20, next = at_or_nul(text, at + 1);

	*ret_escapes = c == 'e';
	if (next == '\'' && (c == 'e' || c == 'b' || c == 'x' || c == 'n'))
		return 1;
	return c == 'u' && next == '&' && at_or_nul(text, at + 2) == '\'' ? 2 : 0;
}

static enum rm_sql_token word(struct rm_str text, size_t *at)
{
	bool escapes;
	size_t n = prefix(text, *at, &escapes);

	if (n) {
		*at = string(text, *at + n + 1, escapes);
		return RM_SQL_LITERAL;
	}
	while (*at < text.n && in_word(text.p[*at]))
		++*at;
	return RM_SQL_WORD;
}

static enum rm_sql_token dollar(struct rm_str text, size_t *at)
{
	size_t end = dollars(text, *at);

	if (end) {
		*at = end;
		return RM_SQL_LITERAL;
	}
	if (!is_digit(at_or_nul(text, *at + 1))) {
		*at = text.n;
		return RM_SQL_END;
	}
	for (++*at; *at < text.n && is_digit(text.p[*at]);)
		++*at;
	return RM_SQL_PARAM;
}

enum rm_sql_token rm_sql_next(struct rm_str text, size_t *at)
{
	size_t behind;
	char c;

	if (*at >= text.n)
		return RM_SQL_END;
	behind = space(text, *at);
	if (behind != *at) {
		*at = behind;
		return RM_SQL_SPACE;
	}
	c = text.p[*at];
	if (begins_word(c))
		return word(text, at);
	if (c == '\'') {
		*at = string(text, *at + 1, false);
		return RM_SQL_LITERAL;
	}
	if (c == '"') {
		*at = quoted(text, *at);
		return RM_SQL_QUOTED;
	}
	if (is_digit(c) || (c == '.' && is_digit(at_or_nul(text, *at + 1)))) {
		*at = number(text, *at);
		return RM_SQL_NUMBER;
	}
	if (c == '$')
		return dollar(text, at);
	if (!memchr(marks, c, sizeof(marks) - 1)) {
		*at = text.n;
		return RM_SQL_END;
	}
	++*at;
	return RM_SQL_OTHER;
}
