/*
 * What is shown of SQL: protocols/sqltext.c. The first byte chooses a dialect, and: either the rest is the text, and what
 * is shown must hold no literal when it is read again. Or each byte is a piece of a statement, some of them
 * with a secret in a literal or a comment, and no secret may be shown, wherever the text is cut off. (Of CQL, in which a duration
 * or the half of a UUID looks like a name, never within a word: cassandra.c sees to that.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/sqltext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PIECES_MAX = 200, PIECE_BYTES = 40 };

/* What all dialects read in the same way. */
#define COMMON \
	"SELECT", "FROM", "orders", "WHERE", "a", "=", "IN", "(", ")", ",", ";", "-", "+", "?", "INSERT", "INTO", "VALUES", \
	"UPDATE", "SET", "TO", "DELETE", "JOIN", "USING", "CREATE", "TABLE", "AS", "AND", "NULL", "public.t", "\n", "BEGIN", \
	"WITH", "-- hunter2\n", "/* hunter2 */", "'hunter2'", "x'424242'", "424242", "4242.42e42", ".4242", "0x424242", \
	"'it''s hunter2'", "''", "TRUE", "DATE '4242-01-01'", "-424242", "'a' 'hunter2'", "'-- hunter2'", "'/* hunter2'", \
	"'\"hunter2'", "TRIGGER", "'`hunter2'", "'\xff hunter2'", "'\xe2\x82'", "'hunter2'\n'hunter2'", "X'424242'", "42e42", "42.", \
	"0042", "LIKE 'hunter2%'", "BETWEEN 42 AND 4242", "(42,'hunter2')", "--\n", "/**/", "/* ' */", "LIMIT 42", "a.b.c", "||", "END", "CASE WHEN", "CALL", "EXECUTE"

/* The last three of each have no end: they are the last of a text. */
enum { OPEN = 3 };

static const char *const pgsql[] = {
	COMMON, "::int", "\"q q\"", "$1", "[", "]", "COPY", "/* /* */ hunter2 */", "E'a\\'hunter2'", "E'\\\\hunter2'",
	"e'it''s hunter2'", "$$hunter2$$", "$x$ ' $$ hunter2 $x$", "N'hunter2'", "U&'hunter2'", "B'hunter2'", "4242_4242",
	"U&\"q\"", "UESCAPE '!'", "/* /* hunter2 */ ' */", "E'\\'' 'hunter2'", "E'\\\\' 'hunter2'", "E'\\047hunter2'", "b'4242'", "n'hunter2'",
	"u&'\\0042hunter2'", "$q$'$q$", "$a1$hunter2$a1$", "0o42", "0b1010", "42_42.42", "'hunter2'::text", "CAST('hunter2' AS text)",
	"INTERVAL '42 days'", "ARRAY['hunter2', 42]", "\xff'hunter2'", "$Q\xc3\xa4$hunter2$Q\xc3\xa4$", "set x = 'hunter2'",
	"E''", "'\\hunter2'", "\"a\"\"b\"", "\"a'b\"", "'$$hunter2'", "$_$hunter2$_$", "'hunter2", "E'hunter2\\", "$a$ hunter2",
};

static const char *const mysql[] = {
	COMMON, "`q q`", "`a``b`", "`a'b`", "`a\"b`", "# hunter2\n", "#' hunter2\n", "--\thunter2\n", "/*! hunter2 */", "/*!40101 a */",
	"/*M! 'hunter2' */", "/*!99999 '*/ hunter2 ' */", "/* /* hunter2 */", "'a\\'hunter2'", "\"hunter2\"", "\"it\"\"s hunter2\"",
	"\"a\\\"hunter2\"", "'\\\\', 'hunter2'", "N'hunter2'", "n'a\\'hunter2'", "_utf8mb4'hunter2'", "B'hunter2'", "@v", "@@a.b", ":=",
	"REPLACE", "LOAD DATA INFILE 'hunter2'", "USE", "IGNORE", "1--1", "\"'hunter2\"", "'\"', \"hunter2\"", "\xc3\xa9", "'\xbf\\'hunter2'",
	"_binary 'hunter2'", "_utf8mb4 X'4242'", "{d '4242-01-01'}", "{ts 'hunter2'}", "'a''hunter2'", "'a' \"hunter2\"", "\\N", "/*!50000 'hunter2' */",
	"/*+ hunter2 */", "'a\\\\' 'hunter2'", "'\\0hunter2'", "\"\\\\\", 'hunter2'", "0x42ab42", "DATE'4242-01-01'", "SET x = 'hunter2'", "IDENTIFIED BY 'hunter2'",
	"`\xbf`hunter2'", "$$hunter2$$", "\"hunter2", "'hunter2\\", "'hunter2",
};

static const char *const sqlite[] = {
	COMMON, "\"q q\".a", "`q q`", "[a'b]", "[a\"b]", "`a``b`", "= \"hunter2\"", "= \"it\"\"s hunter2\"", "?1", ":a", "@a", "$a", "'\\', 'hunter2'",
	"/* /* hunter2 */", "REPLACE", "PRAGMA", "PRAGMA key = hunter2", "PRAGMA key(hunter2)", "OR", "ATTACH 'hunter2' AS b", "IN (\"hunter2\")", "VALUES (\"hunter2\")", "-> '$.hunter2'", "LIKE \"hunter2\"", "|| \"hunter2\"", "'hunter2' -- hunter2\n",
	"= 'a' \"hunter2\"", "PRAGMA rekey='hunter2'", "(\"hunter2\", 42)", "x'42' x'42'", "'hunter2", "= \"hunter2", "x'hunter2",
};

static const char *const cql[] = {
	COMMON, "\"q q\"", "\"a\"\"b\"", "\"a'b\"", "// hunter2\n", "/* /* hunter2 */", "42424242-4242-4242-4242-424242424242", "42h42m", "$$hunter2$$",
	"{'hunter2': 'hunter2'}", "['hunter2', 42]", "{", "}", ":a", "USING TTL 42", "APPLY BATCH", "KEYSPACE", "LIST", "USE", "'\\', 'hunter2'", "0x42AB42",
	"-42h42m", "P42Y42M", "PT42H", "-P42Y", "NaN", "42h", "token('hunter2')", "{42: 'hunter2'}", "('hunter2', 42)", "TTL 42", "0x", "1e42h",
	"4242-42-42", "42424242-4242-4242-4242-42424242", "$$it's hunter2$$", "IF NOT EXISTS", "'hunter2", "$$hunter2", "'it''s hunter2",
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
static const struct {
	enum rm_sql_dialect dialect;
	const char *const *pieces;
	size_t count;
} dialects[] = {
	{ RM_SQL_PGSQL, pgsql, COUNT(pgsql) },
	{ RM_SQL_MYSQL, mysql, COUNT(mysql) },
	{ RM_SQL_MYSQL_MODE, mysql, COUNT(mysql) },
	{ RM_SQL_SQLITE, sqlite, COUNT(sqlite) },
	{ RM_SQL_CQL, cql, COUNT(cql) },
};

static void check(bool condition)
{
	if (!condition)
		abort();
}

static bool has(struct rm_str s, const char *secret)
{
	return s.n && memmem(s.p, s.n, secret, strlen(secret));
}

static void no_literal(enum rm_sql_dialect d, struct rm_str s)
{
	enum rm_sql_token token;

	for (size_t at = 0; (token = rm_sql_next(d, s, &at)) != RM_SQL_END;)
		check(token != RM_SQL_LITERAL && token != RM_SQL_NUMBER);
}

/* Exactly as much memory as is promised to be enough. */
static void read_text(enum rm_sql_dialect d, const char *p, size_t n, bool secrets)
{
	char *text = malloc(n + 1), *room = malloc(n + 1), *summary = malloc(RM_SQL_SUMMARY_BYTES);
	struct rm_str all[5];
	struct rm_sql sql;

	memcpy(text, p, n);
	room[n] = '!';
	rm_sql_read(d, (struct rm_str){ text, n }, room, summary, &sql);
	check(room[n] == '!' && sql.query.n <= n && sql.summary.n <= RM_SQL_SUMMARY_BYTES);
	check(sql.operation.n <= sql.summary.n && sql.collection.n <= sql.summary.n && sql.procedure.n <= sql.summary.n);
	all[0] = sql.query, all[1] = sql.summary, all[2] = sql.operation, all[3] = sql.collection, all[4] = sql.procedure;
	for (int i = 0; i < 5; i++) {
		no_literal(d, all[i]);
		check(!secrets || (!has(all[i], "hunter") && !has(all[i], "42")));
	}
	free(text);
	free(room);
	free(summary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char text[PIECES_MAX * PIECE_BYTES];
	size_t bytes = 0, dialect, count;

	if (n < 2 || n > PIECES_MAX)
		return 0;
	dialect = (*data >> 1 & 7) % COUNT(dialects);
	count = dialects[dialect].count;
	if (*data & 1) {
		read_text(dialects[dialect].dialect, (const char *)data + 1, n - 1, false);
		return 0;
	}
	for (size_t i = 1, piece = 0; i < n && piece < count - OPEN; i++) {
		piece = data[i] % count;
		bytes += (size_t)sprintf(text + bytes, "%s ", dialects[dialect].pieces[piece]);
	}
	for (size_t cut = 0; cut <= bytes; cut++)
		if (dialects[dialect].dialect != RM_SQL_CQL || cut == 0 || text[cut - 1] == ' ')
			read_text(dialects[dialect].dialect, text, cut, true);
	return 0;
}
