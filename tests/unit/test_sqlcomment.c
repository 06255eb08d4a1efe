/* Where a comment may stand behind a query, and where it may not: protocols/sqlcomment.c. */
#include "base/strbuf.h"
#include "protocols/sqlcomment.h"
#include "tests/rmtest.h"

static char room[512];

static struct rm_str commented(enum rm_sql_dialect dialect, const char *text)
{
	struct rm_strbuf out;

	rm_strbuf_init(&out, room, sizeof(room));
	if (!rm_sql_comment(dialect, rm_str_c(text), RM_STR("c"), &out))
		return RM_STR("no");
	return rm_strbuf_view(&out);
}

#define BOTH(text, want) \
	do { \
		RM_CHECK_STR(commented(RM_SQL_PGSQL, text), want); \
		RM_CHECK_STR(commented(RM_SQL_MYSQL_MODE, text), want); \
	} while (0)

RM_TEST("one statement that ends with nothing open gets a comment, before its semicolon")
{
	BOTH("SELECT 1", "SELECT 1 /*c*/");
	BOTH("select a from b where c = 'x'", "select a from b where c = 'x' /*c*/");
	BOTH("SELECT 1;", "SELECT 1 /*c*/;");
	BOTH("  SELECT 1 ; \n", "  SELECT 1 /*c*/ ; \n");
	BOTH("INSERT INTO t VALUES ('a;b')", "INSERT INTO t VALUES ('a;b') /*c*/");
	BOTH("UPDATE t SET a = '-- ''/*'", "UPDATE t SET a = '-- ''/*' /*c*/");
	BOTH("CALL p(1)", "CALL p(1) /*c*/");
	BOTH("WITH a AS (SELECT 1) SELECT * FROM a\t", "WITH a AS (SELECT 1) SELECT * FROM a /*c*/\t");
	RM_CHECK_STR(commented(RM_SQL_PGSQL, "SELECT $$ it's /* $$, \"a--b\""), "SELECT $$ it's /* $$, \"a--b\" /*c*/");
	RM_CHECK_STR(commented(RM_SQL_MYSQL_MODE, "SELECT `a--b`, \"x\""), "SELECT `a--b`, \"x\" /*c*/");
}

RM_TEST("what is open at the end, or may be, gets none")
{
	BOTH("SELECT 'a", "no");
	BOTH("SELECT 'a''", "no");
	BOTH("SELECT 'a\\'", "no");
	BOTH("SELECT 'a\\', 'b'", "no");
	BOTH("SELECT 1 /* a", "no");
	BOTH("SELECT 1 -- a", "no");
	BOTH("SELECT \"a", "no");
	RM_CHECK_STR(commented(RM_SQL_PGSQL, "SELECT $a$ x $b$"), "no");
	RM_CHECK_STR(commented(RM_SQL_PGSQL, "SELECT $"), "no");
	RM_CHECK_STR(commented(RM_SQL_MYSQL_MODE, "SELECT `a"), "no");
	RM_CHECK_STR(commented(RM_SQL_MYSQL_MODE, "SELECT 1 # a"), "no");
}

RM_TEST("several statements, comments that are there, and whatever keeps its text get none")
{
	BOTH("SELECT 1; SELECT 2", "no");
	BOTH("SELECT 1;;", "no");
	BOTH("SELECT /* a */ 1", "no");
	BOTH("SELECT 1 /*traceparent='x'*/", "no");
	BOTH("SELECT 1 -- a\n", "no");
	BOTH("CREATE FUNCTION a() RETURNS int RETURN 1", "no");
	BOTH("CREATE VIEW a AS SELECT 1", "no");
	BOTH("PREPARE a FROM 'SELECT 1'", "no");
	BOTH("COPY a FROM STDIN", "no");
	BOTH("SET a = 1", "no");
	BOTH("BEGIN", "no");
	BOTH("", "no");
	BOTH(" ", "no");
	BOTH(";", "no");
	BOTH("(SELECT 1)", "no");
	RM_CHECK_STR(commented(RM_SQL_MYSQL_MODE, "SELECT /*! 1 */"), "no");
	RM_CHECK_STR(commented(RM_SQL_MYSQL_MODE, "SELECT /*+ MAX_EXECUTION_TIME(1) */ 1"), "no");
}

static struct rm_str written(bool (*write)(const struct rm_envelope *, struct rm_str, struct rm_strbuf *), struct rm_str message)
{
	struct rm_envelope e = { .head = message, .write = write };
	struct rm_strbuf out;

	rm_strbuf_init(&out, room, sizeof(room));
	return write(&e, RM_STR("c"), &out) ? rm_strbuf_view(&out) : RM_STR("no");
}

RM_TEST("the lengths of messages say what they hold then")
{
	RM_CHECK(rm_str_eq(written(rm_sql_comment_pgsql, RM_STR("Q\0\0\0\x0dSELECT 1\0")), RM_STR("Q\0\0\0\x13SELECT 1 /*c*/\0")));
	RM_CHECK(rm_str_eq(written(rm_sql_comment_pgsql, RM_STR("Q\0\0\0\x0dSELECT\0001\0")), RM_STR("no")));
	RM_CHECK(rm_str_eq(written(rm_sql_comment_pgsql, RM_STR("Q\0\0\0\x0cSELECT 1")), RM_STR("no")));
	RM_CHECK(rm_str_eq(written(rm_sql_comment_mysql, RM_STR("\x09\0\0\0\3SELECT 1")), RM_STR("\x0f\0\0\0\3SELECT 1 /*c*/")));
	RM_CHECK(rm_str_eq(written(rm_sql_comment_mysql, RM_STR("\x0b\0\0\0\3\0\1SELECT 1")), RM_STR("\x11\0\0\0\3\0\1SELECT 1 /*c*/")));
	RM_CHECK(rm_str_eq(written(rm_sql_comment_mysql, RM_STR("\x0b\0\0\0\3\1\1SELECT 1")), RM_STR("no")));
}
