/*
 * What is shown of SQL: protocols/sqltext.c. The first byte chooses. Either the rest is the text, and what is
 * shown must hold no literal when it is read again. Or each byte is a piece of a statement, some of them
 * with a secret in a literal or a comment, and no secret may be shown, wherever the text is cut off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/sqllex.h"
#include "protocols/sqltext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PIECES_MAX = 200, PIECE_BYTES = 40, OPEN = 3 };

static const char *const pieces[] = {
	"SELECT", "FROM", "orders", "WHERE", "a", "=", "IN", "(", ")", ",", ";", "::int", "-", "+", "\"q q\"", "$1", "?",
	"INSERT", "INTO", "VALUES", "UPDATE", "SET", "TO", "DELETE", "JOIN", "USING", "CREATE", "TABLE", "AS", "AND", "NULL",
	"public.t", "[", "]", "\n", "BEGIN", "COPY", "WITH", "-- hunter2\n", "/* hunter2 */", "/* /* */ hunter2 */", "'hunter2'",
	"E'a\\'hunter2'", "E'\\\\hunter2'", "e'it''s hunter2'", "$$hunter2$$", "$x$ ' $$ hunter2 $x$", "N'hunter2'", "U&'hunter2'",
	"x'424242'", "B'hunter2'", "424242", "4242.42e42", ".4242", "0x424242", "4242_4242", "'it''s hunter2'", "''", "E''",
	"'\\hunter2'", "\"a\"\"b\"", "TRUE", "DATE '4242-01-01'", "-424242", "'a' 'hunter2'", "'-- hunter2'", "'/* hunter2'",
	"\"a'b\"", "'\"hunter2'", "'$$hunter2'", "$_$hunter2$_$",
	"'hunter2", "E'hunter2\\", "$a$ hunter2", /* the last OPEN ones have no end: they are the last of a text */
};
enum { PIECES = sizeof(pieces) / sizeof(*pieces) };

static void check(bool condition)
{
	if (!condition)
		abort();
}

static bool has(struct rm_str s, const char *secret)
{
	return s.n && memmem(s.p, s.n, secret, strlen(secret));
}

static void no_literal(struct rm_str s)
{
	enum rm_sql_token token;

	for (size_t at = 0; (token = rm_sql_next(s, &at)) != RM_SQL_END;)
		check(token != RM_SQL_LITERAL && token != RM_SQL_NUMBER);
}

/* Exactly as much memory as is promised to be enough. */
static void read_text(const char *p, size_t n, bool secrets)
{
	char *text = malloc(n + 1), *room = malloc(n + 1), *summary = malloc(RM_SQL_SUMMARY_BYTES);
	struct rm_str all[4];
	struct rm_sql sql;

	memcpy(text, p, n);
	room[n] = '!';
	rm_sql_read((struct rm_str){ text, n }, room, summary, &sql);
	check(room[n] == '!' && sql.query.n <= n && sql.summary.n <= RM_SQL_SUMMARY_BYTES);
	check(sql.operation.n <= sql.summary.n && sql.collection.n <= sql.summary.n);
	all[0] = sql.query, all[1] = sql.summary, all[2] = sql.operation, all[3] = sql.collection;
	for (int i = 0; i < 4; i++) {
		no_literal(all[i]);
		check(!secrets || (!has(all[i], "hunter") && !has(all[i], "42")));
	}
	free(text);
	free(room);
	free(summary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char text[PIECES_MAX * PIECE_BYTES];
	size_t bytes = 0;

	if (n < 2 || n > PIECES_MAX)
		return 0;
	if (*data & 1) {
		read_text((const char *)data + 1, n - 1, false);
		return 0;
	}
	for (size_t i = 1, piece = 0; i < n && piece < PIECES - OPEN; i++) {
		piece = data[i] % PIECES;
		bytes += (size_t)sprintf(text + bytes, "%s ", pieces[piece]);
	}
	for (size_t cut = 0; cut <= bytes; cut++)
		read_text(text, cut, true);
	return 0;
}
