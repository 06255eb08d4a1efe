/* What is shown of SQL: protocols/sqltext.c and sqllex.c. That no secret is, proves fuzz_sql. */
#include <stdlib.h>

#include "protocols/sqltext.h"
#include "tests/rmtest.h"

static char room[1024], summary[RM_SQL_SUMMARY_BYTES];
static struct rm_sql sql;

static enum rm_sql_dialect dialect = RM_SQL_PGSQL;

static struct rm_str shown(const char *text)
{
	rm_sql_read(dialect, rm_str_c(text), room, summary, &sql);
	return sql.query;
}

static struct rm_str summed(const char *text)
{
	shown(text);
	return sql.summary;
}

RM_TEST("literals of every kind become question marks")
{
	RM_CHECK_STR(shown("SELECT 'it''s', 5, 1.5e-10, .5, 0x1F, 1_000"), "SELECT ?, ?, ?, ?, ?, ?");
	RM_CHECK_STR(shown("SELECT E'a\\'b', e'\\\\', N'a', b'01', X'ff', U&'a'"), "SELECT ?, ?, ?, ?, ?, ?");
	RM_CHECK_STR(shown("SELECT $$a$$, $t$ ' $$ $t$, DATE '2020-01-01', true, 'a'::text"),
		     "SELECT ?, ?, DATE ?, ?, ?::text");
	RM_CHECK_STR(shown("SELECT NULL, $1, \"a'b\", a$1 FROM t"), "SELECT NULL, $1, \"a'b\", a$1 FROM t");
	RM_CHECK_STR(shown("SELECT 'a' 'b'"), "SELECT ? ?");
}

RM_TEST("a sign goes with its number, an operator stays")
{
	RM_CHECK_STR(shown("SELECT -1, - -2, +3, a-1, a - 1, (1)-1, b[1]-1"), "SELECT ?, ?, ?, a-?, a - ?, (?)-?, b[?]-?");
	RM_CHECK_STR(shown("SELECT 1 FROM t WHERE a = -1 AND -1 < b"), "SELECT ? FROM t WHERE a = ? AND ? < b");
}

RM_TEST("lists of literals behind IN are one question mark, others stay")
{
	RM_CHECK_STR(shown("SELECT 1 FROM t WHERE a IN (1, -2,'c') AND b in($1,$2)"), "SELECT ? FROM t WHERE a IN (?) AND b in(?)");
	RM_CHECK_STR(shown("SELECT 1 FROM t WHERE a IN (SELECT 2) AND b IN (c, 1)"),
		     "SELECT ? FROM t WHERE a IN (SELECT ?) AND b IN (c, ?)");
}

RM_TEST("comments are dropped, white space is one space")
{
	RM_CHECK_STR(shown("/* a /* b */ c */ SELECT\n\t1 -- d\n FROM--\nt/**/u"), "SELECT ? FROM t u");
	RM_CHECK_STR(shown("SELECT 1 /* not over"), "SELECT ?");
}

RM_TEST("where the end of a string is in doubt, nothing behind it is shown")
{
	RM_CHECK_STR(shown("SELECT 'a\\' , secret , '"), "SELECT ?");
	RM_CHECK_STR(shown("SELECT E'\x83\\' , secret , '"), "SELECT ?");
	RM_CHECK_STR(shown("SELECT 'not over, secret"), "SELECT ?");
	RM_CHECK_STR(shown("SELECT $a$ not over, secret $b$"), "SELECT ?");
	RM_CHECK_STR(shown("SELECT $a"), "SELECT ?");
	RM_CHECK_STR(shown("SELECT a \\ secret"), "SELECT a");
	RM_CHECK_STR(shown("SELECT a {secret}"), "SELECT a");
}

RM_TEST("what is no command is not shown, nor the values of settings")
{
	RM_CHECK_STR(shown("hunter2"), "");
	RM_CHECK_STR(shown("\"hunter2\""), "");
	RM_CHECK_STR(shown("SELECT 1; hunter2"), "SELECT ?;");
	RM_CHECK_STR(shown("SET a.b TO hunter2, c; SELECT 1"), "SET a.b TO ?; SELECT ?");
	RM_CHECK_STR(shown("set local a = hunter2"), "set local a = ?");
	RM_CHECK_STR(shown("ALTER ROLE a SET b TO hunter2"), "ALTER ROLE a SET b TO ?");
	RM_CHECK_STR(shown("SET a TO;SET a=;SET TO;"), "SET a TO;SET a=;SET TO;"); /* not longer than the text */
	RM_CHECK_STR(shown("UPDATE a SET b = c"), "UPDATE a SET b = c");
}

RM_TEST("the summary has operations and what they are about, as they are written")
{
	RM_CHECK_STR(summed("select * from Orders o, public.\"Or ders\" JOIN items i USING (x) WHERE a = 1"),
		     "select Orders public.\"Or ders\" items");
	RM_CHECK_STR(summed("INSERT INTO a (b) SELECT b FROM c WHERE d"), "INSERT a SELECT c");
	RM_CHECK_STR(summed("SELECT * FROM (SELECT * FROM a JOIN b ON 1) s"), "SELECT SELECT a b");
	RM_CHECK_STR(summed("WITH x AS (SELECT 1 FROM a) UPDATE ONLY b SET c = 1 FROM d"), "SELECT a UPDATE b d");
	RM_CHECK_STR(summed("DELETE FROM a USING b WHERE a.x IS DISTINCT FROM b.y"), "DELETE a b");
	RM_CHECK_STR(summed("SELECT extract(year FROM x), trim(both FROM y) FROM t FOR UPDATE"), "SELECT t");
	RM_CHECK_STR(summed("SELECT 1 FROM generate_series(1, 2), LATERAL t"), "SELECT t");
	RM_CHECK_STR(summed("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1"), "INSERT t");
	RM_CHECK_STR(summed("(SELECT 1 FROM a) UNION (SELECT 2 FROM b)"), "SELECT a SELECT b");
	RM_CHECK_STR(summed("MERGE INTO a USING b ON c WHEN MATCHED THEN UPDATE SET d = 1"), "MERGE a b");
	RM_CHECK_STR(summed("CREATE TEMP TABLE IF NOT EXISTS a (b int)"), "CREATE TABLE a");
	RM_CHECK_STR(summed("GRANT SELECT ON a TO b"), "GRANT");
	RM_CHECK_STR(summed("EXPLAIN ANALYZE SELECT 1 FROM a"), "EXPLAIN SELECT a");
	RM_CHECK_STR(summed("TRUNCATE TABLE a"), "TRUNCATE a");
	RM_CHECK_STR(summed("COMMIT"), "COMMIT");
}

RM_TEST("there is an operation and a collection where there is one of them")
{
	shown("SELECT 1 FROM a");
	RM_CHECK_STR(sql.operation, "SELECT");
	RM_CHECK_STR(sql.collection, "a");
	shown("SELECT 1 FROM a, b");
	RM_CHECK_STR(sql.operation, "SELECT");
	RM_CHECK_STR(sql.collection, "");
	shown("SELECT (SELECT 1) FROM a");
	RM_CHECK_STR(sql.operation, "");
	RM_CHECK_STR(sql.collection, "");
}

RM_TEST("several statements are a batch, of one kind where they are the same")
{
	RM_CHECK_STR(shown("INSERT INTO a VALUES (1); INSERT INTO a VALUES (2);"), "INSERT INTO a VALUES (?); INSERT INTO a VALUES (?);");
	RM_CHECK(sql.statements == 2);
	RM_CHECK_STR(sql.summary, "BATCH INSERT a");
	RM_CHECK_STR(sql.operation, "BATCH INSERT");
	RM_CHECK_STR(sql.collection, "a");
	RM_CHECK_STR(summed("BEGIN; SELECT 1 FROM a"), "BATCH");
	RM_CHECK_STR(summed("SELECT 1 FROM a; SELECT 1 FROM a, b"), "BATCH");
	RM_CHECK_STR(summed("SELECT 1 FROM a, b; SELECT 1 FROM a"), "BATCH");
	RM_CHECK_STR(sql.operation, "BATCH");
	RM_CHECK_STR(summed("SELECT 1; ; "), "SELECT");
	RM_CHECK(sql.statements == 1);
	RM_CHECK_STR(summed(" ; "), "");
	RM_CHECK(sql.statements == 0);
}

RM_TEST("a long summary ends with a whole word")
{
	char text[1024] = "SELECT 1 FROM a0";

	for (int i = 1; i < 90; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", table%d", i);
	summed(text);
	RM_CHECK(sql.summary.n <= RM_SQL_SUMMARY_BYTES && sql.summary.n > 200);
	RM_CHECK(strncmp(sql.summary.p, "SELECT a0 table1 table2 ", 24) == 0);
	RM_CHECK(memcmp(sql.summary.p + sql.summary.n - 7, "table", 5) == 0);
}

RM_TEST("MySQL: its strings, comments and quoted names")
{
	dialect = RM_SQL_MYSQL;
	RM_CHECK_STR(shown("SELECT 'it\\'s', \"a\", \"it\"\"s\", n'a', _utf8mb4'a', X'ff', 0b01, -1 FROM `a b`.`c``d` # e"),
		     "SELECT ?, ?, ?, ?, _utf8mb4?, ?, ?, ? FROM `a b`.`c``d`");
	RM_CHECK_STR(shown("SELECT 5--1, 'a\\\\' -- secret\n, b"), "SELECT ?-?, ? , b");
	RM_CHECK_STR(shown("SELECT /*+ secret */ 1 /*!40001 secret */ + 2 /*M!100000 secret */"), "SELECT ? + ?");
	RM_CHECK_STR(shown("INSERT t VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)"), "INSERT t VALUES (?) ON DUPLICATE KEY UPDATE a = VALUES(a)");
	RM_CHECK_STR(shown("SET @a := secret, NAMES = 1"), "SET @a := ?");
	dialect = RM_SQL_PGSQL;
}

RM_TEST("MySQL: what is in doubt, and whatever stands behind it, is not shown")
{
	dialect = RM_SQL_MYSQL;
	RM_CHECK_STR(shown("SELECT \"a\\\" , secret , \""), "SELECT ?");
	RM_CHECK_STR(shown("SELECT '\xbf\\' , secret , '"), "SELECT ?");
	RM_CHECK_STR(shown("SELECT `\xbf` , secret"), "SELECT");
	RM_CHECK_STR(shown("SELECT \x81`, secret"), "SELECT \x81");
	RM_CHECK_STR(shown("SELECT 1 /*!99999 'a */ , secret '*/"), "SELECT ?");
	RM_CHECK_STR(shown("SELECT $$secret$$"), "SELECT");
	RM_CHECK_STR(shown("SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT 'a\\' , secret"), "SET sql_mode = ?; SELECT ?");
	dialect = RM_SQL_MYSQL_MODE;
	RM_CHECK_STR(shown("SELECT 'a\\\\', b"), "SELECT ?");
	RM_CHECK_STR(shown("SELECT 'a\\b', c"), "SELECT ?, c");
	dialect = RM_SQL_PGSQL;
}

RM_TEST("MySQL: its commands and where their tables stand")
{
	dialect = RM_SQL_MYSQL;
	RM_CHECK_STR(summed("REPLACE LOW_PRIORITY INTO `t` SELECT REPLACE(a, 'b', 'c'), INSERT(a, 1, 1, 'b') FROM u"), "REPLACE `t` SELECT u");
	RM_CHECK_STR(summed("UPDATE IGNORE t SET a = 1"), "UPDATE t");
	RM_CHECK_STR(summed("DELETE QUICK FROM t"), "DELETE t");
	RM_CHECK_STR(summed("LOAD DATA LOCAL INFILE 'a' INTO TABLE t"), "LOAD t");
	RM_CHECK_STR(summed("LOCK TABLES t WRITE"), "LOCK t");
	RM_CHECK_STR(summed("SELECT a INTO @v FROM t STRAIGHT_JOIN u"), "SELECT t u");
	RM_CHECK_STR(summed("SELECT a INTO OUTFILE 'b' FROM t"), "SELECT t");
	RM_CHECK_STR(summed("CREATE DEFINER=`a`@`b` PROCEDURE p() BEGIN SELECT 1 FROM t; SELECT 2; END"), "CREATE PROCEDURE");
	RM_CHECK(sql.statements == 1);
	RM_CHECK_STR(summed("DESCRIBE t"), "DESCRIBE t");
	RM_CHECK_STR(summed("COPY t FROM 'a'"), "");
	RM_CHECK(!sql.moves);
	RM_CHECK_STR(summed("SELECT 1; use b"), "BATCH");
	RM_CHECK(sql.moves);
	RM_CHECK_STR(summed("DROP DATABASE a"), "DROP DATABASE");
	RM_CHECK(sql.moves);
	dialect = RM_SQL_PGSQL;
}

RM_TEST("SQLite: backslashes are nothing, and what double quotes hold is a name only where nothing else can stand")
{
	dialect = RM_SQL_SQLITE;
	RM_CHECK_STR(shown("SELECT 'a\\', x'00', [b c], `d`, ?1, :e, @f, $g FROM \"h\" WHERE \"h\".i = \"secret\""),
		     "SELECT ?, ?, [b c], `d`, ?1, :e, @f, $g FROM \"h\" WHERE \"h\".i = ?");
	RM_CHECK_STR(shown("SELECT 1 FROM (\"a\" JOIN (\"b\" JOIN c))"), "SELECT ? FROM (\"a\" JOIN (\"b\" JOIN c))");
	RM_CHECK_STR(shown("UPDATE (\"secret"), "UPDATE (?");
	RM_CHECK_STR(shown("DELETE FROM (\"secret\")"), "DELETE FROM (?)");
	RM_CHECK_STR(shown("INSERT INTO (\"secret\") VALUES (1)"), "INSERT INTO (?) VALUES (?)");
	RM_CHECK_STR(shown("SELECT 1 /* a /* b */ + 2 -- c"), "SELECT ? + ?");
	RM_CHECK_STR(shown("PRAGMA key = secret"), "PRAGMA key = ?");
	RM_CHECK_STR(shown("PRAGMA key(secret)"), "PRAGMA key(?");
	RM_CHECK_STR(shown("SELECT $a(secret)"), "SELECT");
	RM_CHECK_STR(summed("INSERT OR REPLACE INTO \"t\" (a) VALUES (1)"), "INSERT \"t\"");
	RM_CHECK_STR(summed("UPDATE OR IGNORE t SET a = 1"), "UPDATE t");
	RM_CHECK_STR(summed("CREATE TRIGGER a AFTER INSERT ON b BEGIN DELETE FROM c; END"), "CREATE TRIGGER");
	RM_CHECK(sql.statements == 1);
	dialect = RM_SQL_PGSQL;
}

RM_TEST("CQL: constants without quotes are constants, and USING names no table")
{
	dialect = RM_SQL_CQL;
	RM_CHECK_STR(shown("SELECT a FROM t WHERE id = 123e4567-e89b-12d3-a456-426614174000 AND e = deadbeef-e89b-12d3-a456-426614174000"),
		     "SELECT a FROM t WHERE id = ? AND e = ?");
	RM_CHECK_STR(shown("SELECT p1, deadbeef FROM t WHERE a = P1Y2M AND b = PT5H AND c = 1h30m AND d = 0xCAFE"),
		     "SELECT p1, deadbeef FROM t WHERE a = ? AND b = ? AND c = ? AND d = ?");
	RM_CHECK_STR(shown("INSERT INTO t (a) VALUES ({'k': $$it's$$}) // secret"), "INSERT INTO t (a) VALUES ({?: ?})");
	RM_CHECK_STR(shown("SELECT 'a\\', b FROM t"), "SELECT ?, b FROM t");
	RM_CHECK_STR(shown("SELECT `secret` FROM t"), "SELECT");
	RM_CHECK_STR(summed("DELETE FROM ks.t USING TIMESTAMP 5 WHERE a = 1"), "DELETE ks.t");
	RM_CHECK_STR(summed("INSERT INTO \"T\" (a) VALUES (1) USING TTL 5"), "INSERT \"T\"");
	RM_CHECK_STR(summed("CREATE TABLE IF NOT EXISTS t (a int PRIMARY KEY)"), "CREATE TABLE t");
	RM_CHECK_STR(summed("CREATE KEYSPACE a WITH replication = {'class': 'x'}"), "CREATE KEYSPACE");
	RM_CHECK_STR(summed("ALTER COLUMNFAMILY t ADD b int"), "ALTER COLUMNFAMILY t");
	RM_CHECK_STR(summed("USE a"), "USE");
	RM_CHECK_STR(summed("LIST ROLES"), "LIST");
	RM_CHECK_STR(summed("JOIN a"), "");
	dialect = RM_SQL_PGSQL;
}

RM_TEST("what is called is a procedure, what was prepared is nothing of the database")
{
	static const struct {
		enum rm_sql_dialect dialect;
		const char *text, *procedure, *collection;
	} all[] = {
		{ RM_SQL_PGSQL, "CALL public.settle(1, 'hunter2')", "public.settle", "" },
		{ RM_SQL_MYSQL, "call `settle it`(1)", "`settle it`", "" },
		{ RM_SQL_MYSQL, "CALL settle", "settle", "" },
		{ RM_SQL_MYSQL, "CALL a(1); CALL a(2)", "a", "" },
		{ RM_SQL_MYSQL, "CALL a(1); CALL b(2)", "", "" },
		{ RM_SQL_PGSQL, "EXECUTE p (1)", "", "" },
		{ RM_SQL_MYSQL, "EXECUTE p USING @a", "", "" },
		{ RM_SQL_MYSQL, "TRUNCATE orders", "", "orders" },
		{ RM_SQL_PGSQL, "SELECT 1 FROM orders", "", "orders" },
		{ RM_SQL_PGSQL, "INSERT INTO call SELECT 1", "", "" },
	};
	char room[64], summary[RM_SQL_SUMMARY_BYTES];
	struct rm_sql sql;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		rm_sql_read(all[i].dialect, rm_str_c(all[i].text), room, summary, &sql);
		RM_CHECK_STR(sql.procedure, all[i].procedure);
		RM_CHECK_STR(sql.collection, all[i].collection);
	}
}
