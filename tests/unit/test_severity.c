/* logs/severity.c: lines as loggers write them. */
#include "logs/severity.h"

#include <stdlib.h>

#include "tests/rmtest.h"

struct row {
	const char *line, *text;
	int number;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(rows[i].line);
		char *copy = malloc(n + 1); /* of exactly this size */
		struct rm_severity_found f;

		memcpy(copy, rows[i].line, n);
		f = rm_severity_of((struct rm_str){ copy, n });
		if (f.number != rows[i].number)
			printf("# %s: %d\n", rows[i].line, f.number);
		RM_CHECK(f.number == rows[i].number);
		RM_CHECK_STR(f.text, rows[i].text);
		free(copy);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]))

RM_TEST("lines of loggers say their severity")
{
	static const struct row rows[] = {
		/* Python */
		{ "INFO:root:logged", "INFO", 9 },
		{ "WARNING:a.b:msg", "WARNING", 13 },
		{ "CRITICAL:root:x", "CRITICAL", 21 },
		{ "2024-01-02 03:04:05,678 INFO home: id=1", "INFO", 9 },
		{ "2024-01-02 03:04:05,678 - app - ERROR - failed", "ERROR", 17 },
		{ "2024-01-02 03:04:05,678 [MainThread] [DEBUG] app: x", "DEBUG", 5 },
		{ "[2024-01-02 03:04:05 +0000] [7] [INFO] Booting worker", "INFO", 9 },
		{ "[2024-01-02 03:04:05,678] ERROR in app: Exception on /crash [GET]", "ERROR", 17 },
		{ "INFO:     127.0.0.1:1234 - \"GET / HTTP/1.1\" 200 OK", "INFO", 9 },
		{ "\x1b[32mINFO\x1b[0m:     Started server process [1]", "INFO", 9 },
		{ "2024-01-02 03:04:05.678 | WARNING  | mod:fn:3 - loguru", "WARNING", 13 },
		{ "2024-01-02 03:04:05 django.request WARNING Not Found: /x", "WARNING", 13 },
		/* Java */
		{ "03:04:05.678 [main] INFO  c.e.Foo - Started", "INFO", 9 },
		{ "2024-01-02 03:04:05.678  WARN 123 --- [nio-8080-exec-1] o.a.c.C : spring", "WARN", 13 },
		{ "2024-01-02T03:04:05.678+01:00 ERROR 1 --- [app] [main] c.e.F : boot 3", "ERROR", 17 },
		{ "[2024-01-02 03:04:05,678] INFO Kafka startTimeMs (org.apache.K)", "INFO", 9 },
		{ "SEVERE: jul", "SEVERE", 17 },
		{ "Nov 30, 2026 12:30:37 AM shop.Main main\nWARNING: jul", "WARNING", 13 },
		{ "Nov 3, 2026 2:30:37\u202fPM shop.Main main\nINFO: jul of JDK 20", "INFO", 9 },
		{ "Nov 30, 2026 12:30:37 AM shop.Main main", "", 0 },
		{ "INFO  [main] org.eclipse.jetty - x", "INFO", 9 },
		{ "ERROR StatusLogger Log4j2 could not find", "ERROR", 17 },
		{ "02-Jan-2024 03:04:05.678 INFO [main] org.apache.catalina.x Server", "INFO", 9 },
		/* web servers */
		{ "2024/01/02 03:04:05 [error] 12#12: *1 open() \"/x\" failed (2: No such file)", "error", 17 },
		{ "2024/01/02 03:04:05 [crit] 12#12: x", "crit", 18 },
		{ "[Tue Jan 02 03:04:05.678901 2024] [core:error] [pid 1:tid 2] [client 1.2.3.4:5] AH00037: x", "error", 17 },
		{ "[Tue Jan 02 03:04:05 2024] [notice] Apache/2.2", "notice", 10 },
		/* Go, C++ */
		{ "E0102 03:04:05.678901   12 file.cc:34] msg", "", 17 },
		{ "I0102 03:04:05.678901   12 file.go:34] msg", "", 9 },
		{ "time=2024-01-02T03:04:05Z level=WARN msg=\"x y\"", "WARN", 13 },
		{ "time=\"2024-01-02T03:04:05Z\" level=error msg=\"x\"", "error", 17 },
		{ "2024-01-02T03:04:05.678Z\tINFO\tcmd/main.go:12\tmsg\t{\"a\": 1}", "INFO", 9 },
		{ "2024/01/02 03:04:05 INFO msg a=1", "INFO", 9 },
		{ "3:04AM INF zerolog msg a=1", "INF", 9 },
		/* Rust */
		{ "[2024-01-02T03:04:05Z WARN  my::mod] msg", "WARN", 13 },
		{ "2024-01-02T03:04:05.678901Z  INFO my_mod: msg", "INFO", 9 },
		{ "\x1b[2m2024-01-02T03:04:05.678901Z\x1b[0m \x1b[31mERROR\x1b[0m \x1b[2mmy\x1b[0m: msg", "ERROR", 17 },
		/* Ruby */
		{ "I, [2024-01-02T03:04:05.678901 #12]  INFO -- : msg", "INFO", 9 },
		{ "E, [2024-01-02T03:04:05.678901 #12] ERROR -- app: msg", "ERROR", 17 },
		/* JavaScript */
		{ "info: winston", "info", 9 },
		{ "2024-01-02T03:04:05.678Z [error]: winston", "error", 17 },
		{ "{\"level\":30,\"time\":1,\"pid\":1,\"hostname\":\"h\",\"msg\":\"pino\"}", "", 9 },
		{ "{\"name\":\"x\",\"hostname\":\"h\",\"pid\":1,\"level\":50,\"msg\":\"bunyan\",\"v\":0}", "", 17 },
		/* PHP */
		{ "PHP Warning:  Undefined variable $x in /a.php on line 3", "Warning", 13 },
		{ "PHP Fatal error:  Uncaught RuntimeException: x in /a.php:3", "Fatal error", 21 },
		{ "[02-Jan-2024 03:04:05 UTC] PHP Notice:  x in /a.php on line 3", "Notice", 10 },
		{ "[02-Jan-2024 03:04:05] WARNING: [pool www] child 7 said into stderr: \"x\"", "WARNING", 13 },
		/* databases and others */
		{ "2024-01-02 03:04:05.678 UTC [12] ERROR:  relation \"x\" does not exist", "ERROR", 17 },
		{ "2024-01-02 03:04:05.678 UTC [12] LOG:  ready", "LOG", 9 },
		{ "2024-01-02T03:04:05.678901Z 0 [Warning] [MY-010068] [Server] CA", "Warning", 13 },
		{ "12:M 02 Jan 2024 03:04:05.678 # Warning", "", 13 },
		{ "12:M 02 Jan 2024 03:04:05.678 * Ready", "", 10 },
		{ "fail: Microsoft.AspNetCore[0]", "fail", 17 },
		{ "03:04:05.678 [info] elixir", "info", 9 },
		{ "<3>to the journal", "", 17 },
		{ "error: no such command", "error", 17 },
		{ "ERROR no such command", "ERROR", 17 },
		{ "Error: as asked", "Error", 17 },
		/* JSON */
		{ "{\"severity\":\"ERROR\",\"message\":\"x\"}", "ERROR", 17 },
		{ "{\"ts\":1.5,\"a\":{\"level\":\"debug\"},\"b\":[\"]\",1],\"level\":\"warn\"}", "warn", 13 },
		{ "{ \"@timestamp\" : \"x\" , \"log.level\" : \"INFO\" }", "INFO", 9 },
		{ "{\"msg\":\"say \\\"level\\\": \\\"error\\\"\",\"level\":\"info\"}", "info", 9 },
	};

	CHECK_ROWS(rows);
}

RM_TEST("words of a message are no severity, and nothing is guessed")
{
	static const struct row rows[] = {
		{ "", "", 0 },
		{ "hello", "", 0 },
		{ "no ERROR found", "", 0 },
		{ "Got ERROR response", "", 0 },
		{ "2024-01-02 03:04:05 Got ERROR response", "", 0 },
		{ "information about it", "", 0 },
		{ "an error: of the message", "", 0 },
		{ "error in the middle", "", 0 },
		{ "127.0.0.1 - - [02/Jan/2024:03:04:05 +0000] \"GET /error HTTP/1.1\" 200 5", "", 0 },
		{ "[2024-01-02 03:04:05 +0000] nothing", "", 0 },
		{ "level", "", 0 },
		{ "level=", "", 0 },
		{ "level=high", "", 0 },
		{ "levels=error", "", 0 },
		{ "{\"level\":\"high\"}", "", 0 },
		{ "{\"a\":{\"level\":\"error\"}}", "", 0 },
		{ "{\"level\":true}", "", 0 },
		{ "{", "", 0 },
		{ "{\"level", "", 0 },
		{ "{\"level\":", "", 0 },
		{ "{\"level\":\"", "", 0 },
		{ "{\"level\":\"error", "", 0 },
		{ "<>x", "", 0 },
		{ "<abc>x", "", 0 },
		{ "<b>error</b>", "", 0 },
		{ "X0102 03:04:05.678901 12 a] b", "", 0 },
		{ "12:M 02 Jan", "", 0 },
		{ "[", "", 0 },
		{ "[[[[]]]]", "", 0 },
		{ "\x1b[", "", 0 },
		{ "\x1b[31", "", 0 },
		{ "- - - -", "", 0 },
		{ "Warnings are on", "", 0 },
	};

	CHECK_ROWS(rows);
}

RM_TEST("only the first line is looked at")
{
	CHECK_ROWS(((const struct row[]){ { "hello\nERROR: x", "", 0 }, { "INFO: x\nERROR: y", "INFO", 9 } }));
}

RM_TEST("lines that begin as loggers' do are told from those that go on with a message")
{
	RM_CHECK(rm_severity_is_head(RM_STR("2024-01-02 03:04:05,678 INFO home: id=1")));
	RM_CHECK(rm_severity_is_head(RM_STR("2024-01-02 something")));
	RM_CHECK(rm_severity_is_head(RM_STR("[2024-01-02T03:04:05Z] something")));
	RM_CHECK(rm_severity_is_head(RM_STR("03:04:05.678 something")));
	RM_CHECK(rm_severity_is_head(RM_STR("info: x")));
	RM_CHECK(!rm_severity_is_head(RM_STR("12 rows")));
	RM_CHECK(!rm_severity_is_head(RM_STR("SELECT 1")));
	RM_CHECK(!rm_severity_is_head(RM_STR("")));
}
