/* logs/shape.c and exception.c: what runtimes print stays together, and says which exception it is. */
#include <stdlib.h>

#include "logs/exception.h"
#include "logs/lines.h"
#include "tests/rmtest.h"

/* What the programs of the comments printed. */
#define NODE_FRAMES                                        \
	"    at f (/app/a.js:1:22)\n"                      \
	"    at Object.<anonymous> (/app/a.js:2:7)\n"      \
	"    at node:internal/main/run_main_module:28:49"
#define JAVA_FRAMES "\tat A.main(A.java:1)\n\tat java.base/java.lang.reflect.Method.invoke(Method.java:569)\n"

static const struct row {
	const char *text; /* entries are parted by \f */
	const char *type, *message;
} rows[] = {
	{ "ERROR:root:failed\n"
	  "Traceback (most recent call last):\n"
	  "  File \"/app/a.py\", line 5, in f\n    {}['k']\n    ~~^^^^^\n"
	  "KeyError: 'k'\n\n"
	  "The above exception was the direct cause of the following exception:\n\n"
	  "Traceback (most recent call last):\n"
	  "  File \"/app/a.py\", line 9, in <module>\n    f()\n"
	  "ValueError: bad\nvalue\n",
	  "ValueError", "bad\nvalue" },
	{ "Traceback (most recent call last):\n  File \"/app/a.py\", line 13, in g\n    raise RuntimeError\nRuntimeError\n"
	  "\fnext line\n",
	  "RuntimeError", "" },
	{ "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\npsycopg2.errors.UndefinedTable: relation \"x\"\n"
	  "LINE 1: SELECT\n",
	  "psycopg2.errors.UndefinedTable", "relation \"x\"\nLINE 1: SELECT" },
	{ "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    import b\nKeyError: 1\n\n"
	  "During handling of the above exception, another exception occurred:\n\n"
	  "Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\na.b.Custom: with: colon\n",
	  "a.b.Custom", "with: colon" },
	{ "2026-11-30 00:31:55.560 | ERROR    | __main__:<module>:4 - it broke\nTraceback (most recent call last):\n\n"
	  "> File \"/app/a.py\", line 3, in <module>\n    f()\n\n  File \"/app/a.py\", line 1, in f\n    {}['k']\n\nKeyError: 'k'\n",
	  "KeyError", "'k'" },
	{ "TypeError: as asked\n" NODE_FRAMES "\n\flater\n", "TypeError", "as asked" },
	{ "failed: TypeError: as asked\n" NODE_FRAMES "\n", "TypeError", "as asked" },
	{ "Error: with\nlines\n" NODE_FRAMES " {\n  code: 'EX'\n}\n\fnext\n", "Error", "with\nlines" },
	{ "TypeError [ERR_INVALID_ARG_TYPE]: The \"path\"\n" NODE_FRAMES "\n", "TypeError", "The \"path\"" },
	{ "/app/a.js:1\nfunction f() { throw new TypeError('as asked'); }\n               ^\n\nTypeError: as asked\n" NODE_FRAMES
	  "\n\nNode.js v20.20.2\n",
	  "TypeError", "as asked" },
	{ "java.lang.IllegalStateException: as asked\n" JAVA_FRAMES "Caused by: java.lang.RuntimeException: the cause\n\t... 8 more\n"
	  "\fnext\n",
	  "java.lang.IllegalStateException", "as asked" },
	{ "Nov 29, 2026 7:10:00 PM A main\nSEVERE: jul\njava.lang.RuntimeException: logged\n" JAVA_FRAMES "\n",
	  "java.lang.RuntimeException", "logged" },
	{ "Exception in thread \"main\" java.lang.UnsupportedOperationException\n" JAVA_FRAMES, "java.lang.UnsupportedOperationException",
	  "" },
	{ "03:04:05.678 [main] ERROR c.e.Foo - failed\r\njava.io.IOException: disk\r\n\tat a.B.c(D.java:1)\r\n\f03:04:05.679 [main] INFO  c.e.Foo - on\n",
	  "java.io.IOException", "disk" },
	{ "Unhandled exception. System.InvalidOperationException: as asked\n   at Program.Main() in /a/b.cs:line 3\n",
	  "System.InvalidOperationException", "as asked" },
	{ "a.rb:3:in `f': as asked (ArgumentError)\n\tfrom a.rb:4:in `g'\n\tfrom a.rb:5:in `<main>'\n", "ArgumentError", "as asked" },
	{ "a.rb:3:in 'Object#f': as (asked) (Mod::Error)\n\tfrom a.rb:4:in 'Object#g'\n", "Mod::Error", "as (asked)" },
	{ "E, [2026-11-29T19:10:00.811073 #30655] ERROR -- : as asked (ArgumentError)\na.rb:3:in `f'\na.rb:4:in `g'\n", "ArgumentError", "as asked" },
	{ "E, [2026-11-29T19:10:00.811073 #30655] ERROR -- shop: a: b (of c) (Mod::Error)\n-e:3:in 'Object#f'\n", "Mod::Error", "a: b (of c)" },
	{ "I, [2026-11-29T19:10:00.811073 #30655]  INFO -- : see this (below)\na.rb:3:in `f'\n", NULL, NULL },
	{ "E, [2026-11-29T19:10:00.811073 #30655] ERROR -- : no frames (ArgumentError)\nbut more\n", NULL, NULL },
	{ "PHP Fatal error:  Uncaught LogicException: first in /app/a.php:1\nStack trace:\n#0 /app/a.php(1): f()\n#1 {main}\n\n"
	  "Next RuntimeException: as asked in /app/a.php:1\nStack trace:\n#0 /app/a.php(1): f()\n#1 {main}\n  thrown in /app/a.php on line 1\n",
	  "RuntimeException", "as asked" },
	{ "PHP Fatal error:  Uncaught App\\Error: x in /app/a.php:1\nStack trace:\n#0 {main}\n  thrown in /app/a.php on line 1\n\fnext\n",
	  "App\\Error", "x" },
	{ "thread 'main' (30863) panicked at a.rs:1:77:\nas asked\nstack backtrace:\n   0: std::panicking::begin_panic\n"
	  "             at /rustc/x/panicking.rs:761:5\n   1: a::main\nnote: Some details are omitted\n\fnext\n",
	  "panic", "as asked" },
	{ "panic: assignment to entry in nil map\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/a.go:3 +0x5f\nexit status 2\n", "panic",
	  "assignment to entry in nil map" },
	{ "terminate called after throwing an instance of 'std::runtime_error'\n  what():  as asked\n", "std::runtime_error", "as asked" },
	{ "terminate called after throwing an instance of 'int'\n", "int", "" },
	/* messages of several lines */
	{ "2024-01-02 03:04:05,678 INFO app: SELECT\nFROM t\nWHERE x\n\f2024-01-02 03:04:05,679 INFO app: done\n", NULL, NULL },
	/* none of these */
	{ "at home\n\fat work\n", NULL, NULL },
	{ "one\n\ftwo\n\fthree: Error\n", NULL, NULL },
	{ "Caused by: nobody\n", NULL, NULL },
	{ "/app/a.py:12\n", NULL, NULL },
	{ "list:\n  at the top\n  at the end\n", NULL, NULL },
};

static char text[RM_ENTRY_MAX_BYTES];
static const char *expected;
static int entries, with_exception;
static const struct row *row;

/* Each entry is the next of the row, without the end of its last line. */
static void check_entry(void *arg, const struct rm_entry *e)
{
	const char *end = strchr(expected, '\f');
	size_t n = end ? (size_t)(end - expected) : strlen(expected);
	struct rm_str want = { expected, n };
	struct rm_exception_found x;
	char *copy = malloc(e->text.n); /* of exactly this size */

	while (want.n > 0 && (want.p[want.n - 1] == '\n' || want.p[want.n - 1] == '\r'))
		want.n--;
	RM_CHECK(rm_str_eq(e->text, want));
	expected += n + (end != NULL);
	entries++;
	memcpy(copy, e->text.p, e->text.n);
	if (rm_exception_of((struct rm_str){ copy, e->text.n }, &x)) {
		with_exception++;
		RM_CHECK(row->type != NULL);
		if (row->type) {
			RM_CHECK_STR(x.type, row->type);
			RM_CHECK_STR(x.message, row->message);
		}
		RM_CHECK(x.stacktrace.n <= e->text.n);
	}
	free(copy);
}

static void feed(struct rm_lines *l, const char *s, size_t n)
{
	struct rm_piece p = { .text = { s, n }, .begins = true };

	rm_lines_feed(l, &p, check_entry, NULL);
}

static int count(const char *s, char c)
{
	int n = 0;

	for (; *s; s++)
		n += *s == c;
	return n;
}

RM_TEST("what is printed in one call: one entry for each stack trace and message, with the exception that it is of")
{
	for (row = rows; row < rows + sizeof(rows) / sizeof(rows[0]); row++) {
		struct rm_lines lines = { .text = text, .cap = sizeof(text) };
		char *whole = strdup(row->text);

		expected = row->text;
		entries = with_exception = 0;
		/* Entries are calls of their own, as they are by loggers. */
		for (char *p = whole, *next; p; p = next) {
			next = strchr(p, '\f');
			feed(&lines, p, next ? (size_t)(next - p) : strlen(p));
			next = next ? next + 1 : NULL;
		}
		rm_lines_end(&lines, check_entry, NULL);
		RM_CHECK(row->type == NULL || with_exception == 1);
		/* What has no shape is an entry for each line. */
		RM_CHECK(entries >= 1 && entries <= 1 + count(row->text, '\f') + (row->type ? 0 : count(row->text, '\n')));
		free(whole);
	}
}
