/* agent/last_flush.c and agent/otlp_target.c, through agent/outlet.c, against a server in here. */
#include "agent/last_flush.h"

#include "agent/worker.h"
#include "fake_http.h"
#include "outlet_fixture.h"

#define BASE	  "OTEL_EXPORTER_OTLP_ENDPOINT="
#define EXACT	  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="
#define HEADERS	  "OTEL_EXPORTER_OTLP_HEADERS="
#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static int count(const struct fake_http *h, const char *text)
{
	const char *p = h->bytes;
	int n = 0;

	while ((p = memmem(p, h->count - (size_t)(p - h->bytes), text, strlen(text)))) {
		n++;
		p += strlen(text);
	}
	return n;
}

struct last_words {
	const char *settings[4];
	int spans;
	enum rm_end how;
};

static void last_words(const void *arg)
{
	const struct last_words *l = arg;
	int before;

	start(l->settings);
	for (int left = l->spans; left > 0; left -= 500) {
		ring = -1;
		push(left < 500 ? left : 500);
	}
	before = open_fds();
	rm_outlet_end(l->how);
	RM_CHECK(threads() == 1 && open_fds() == before);
	RM_CHECK(fake->opened == 0);
	rm_outlet_resume();
}

RM_TEST("a process that never had a worker posts what waits, as the settings say")
{
	static char endpoint[128];
	static const struct {
		int family;
		const char *format, *request;
	} row[] = {
		{ AF_INET, BASE "http://127.0.0.1:%d",
		  "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:" },
		{ AF_INET, BASE "http://127.0.0.1:%d/", "POST /v1/traces HTTP/1.1\r\n" },
		{ AF_INET, BASE "HTTP://localhost:%d/a/b/?k=v#f",
		  "POST /a/b/v1/traces?k=v HTTP/1.1\r\n" },
		{ AF_INET, EXACT "http://127.0.0.1:%d", "POST / HTTP/1.1\r\n" },
		{ AF_INET, EXACT "http://127.0.0.1:%d/x?y", "POST /x?y HTTP/1.1\r\n" },
		{ AF_INET6, BASE "http://[::1]:%d", "POST /v1/traces HTTP/1.1\r\nHost: [::1]:" },
		{ AF_INET6, BASE "http://[0:0::0.0.0.1]:%d", "POST /v1/traces HTTP/1.1\r\n" },
		{ AF_INET6, BASE "http://localhost:%d",
		  "POST /v1/traces HTTP/1.1\r\nHost: localhost:" },
	};
	struct last_words l = { { endpoint,
				  HEADERS "x-team = a%20b ,bad name=1,x-evil=a%0D%0Ab,y=2", NULL },
				2,
				RM_END_UNDERSCORE_EXIT };
	struct fake_http h;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].family == AF_INET6 && !fake_http_has_ipv6())
			continue;
		fake_http_open(&h, row[i].family, OK_ANSWER);
		snprintf(endpoint, sizeof(endpoint), row[i].format, h.port);
		in_child(last_words, &l);
		fake_http_stop(&h);
		RM_CHECK(h.requests == 1 && count(&h, "pushed span") == 2);
		RM_CHECK(strncmp(h.bytes, row[i].request, strlen(row[i].request)) == 0);
		RM_CHECK(count(&h, "\r\nContent-Type: application/x-protobuf\r\n") == 1);
		RM_CHECK(count(&h, "\r\nx-team: a b\r\ny: 2\r\n") == 1);
		RM_CHECK(count(&h, "evil") == 0 && count(&h, "bad name") == 0);
		free(h.bytes);
	}
}

static void last_words_sealed(const void *arg)
{
	const struct last_words *l = arg;

	start(l->settings);
	push(l->spans);
	rm_worker_seal(); /* as a change of the root does */
	rm_outlet_end(l->how);
}

RM_TEST("a socket named by its path is posted to, unless paths lead into another root")
{
	static char endpoint[128];
	static const char *const formats[] = { BASE "unix://%s", BASE "unix:%s", EXACT "UNIX:%s" };
	struct last_words l = { { endpoint, NULL }, 2, RM_END_UNDERSCORE_EXIT };
	struct fake_http h;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		fake_http_open(&h, AF_UNIX, OK_ANSWER);
		snprintf(endpoint, sizeof(endpoint), formats[i], h.path);
		in_child(last_words_sealed, &l);
		in_child(last_words, &l);
		fake_http_stop(&h);
		RM_CHECK(h.requests == 1 && count(&h, "pushed span") == 2);
		RM_CHECK(count(&h, "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n") == 1);
		free(h.bytes);
	}
}

RM_TEST("more spans than one request holds make several, and none is lost or doubled")
{
	static char endpoint[128];
	struct last_words l = { { endpoint, NULL },
				12000,
				RM_END_EXEC };
	struct fake_http h;

	fake_http_open(&h, AF_INET, OK_ANSWER);
	snprintf(endpoint, sizeof(endpoint), BASE "http://127.0.0.1:%d", h.port);
	in_child(last_words, &l);
	fake_http_stop(&h);
	RM_CHECK(h.requests > 1);
	RM_CHECK(count(&h, "pushed span") == 12000);
	free(h.bytes);
}

static void backend_in_trouble(const void *setting)
{
	start((const char *const[]){ setting, "REMORA_EXIT_TIMEOUT=2000", NULL });
	push(1);
	rm_outlet_end(RM_END_UNDERSCORE_EXIT);
	RM_CHECK(threads() == 1);
}

RM_TEST("a backend that refuses, hangs up or never answers does not keep the process")
{
	static const char *const answer[] = { NULL, "HTTP/1.1 503 Busy\r\n\r\n", "nonsense", "" };
	char setting[128];
	struct fake_http h;

	for (size_t i = 0; i < sizeof(answer) / sizeof(answer[0]); i++) {
		fake_http_open(&h, AF_INET, answer[i]);
		snprintf(setting, sizeof(setting), BASE "http://127.0.0.1:%d", h.port);
		in_child(backend_in_trouble, setting);
		fake_http_stop(&h);
		RM_CHECK(h.requests == 1);
		free(h.bytes);
	}
	in_child(backend_in_trouble, setting); /* the port is closed now */
}

RM_TEST("what a last flush cannot reach is not tried")
{
	static const char *const settings[] = {
		BASE "https://127.0.0.1:%d",
		BASE "http://backend.example:%d",
		BASE "http://u:p@127.0.0.1:%d",
		BASE "http://127.0.0.1.:%d",
		BASE "http://127.0.0.256:%d",
		BASE "http://127.1:%d",
		BASE "http://[::1:%d",
		BASE "http://127.0.0.1:1%d9",
		BASE "http://127.0.0.1:%d/a b",
		BASE "127.0.0.1:%d",
		BASE "http://[1:2:3:4:5:6:7:8:9]:%d",
		BASE "http://[:::1]:%d",
		BASE "unix:relative%d",
		BASE "unix://host/%d",
		BASE "unix:///",
	};
	char setting[128];
	struct last_words l = { { setting, NULL }, 1, RM_END_UNDERSCORE_EXIT };
	struct fake_http h;

	fake_http_open(&h, AF_INET, OK_ANSWER);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(setting, sizeof(setting), settings[i], h.port);
		in_child(last_words, &l);
	}
	snprintf(setting, sizeof(setting), BASE "http://127.0.0.1:%d", h.port);
	l.settings[1] = "OTEL_EXPORTER_OTLP_PROTOCOL=http/json";
	in_child(last_words, &l);
	l.settings[1] = "OTEL_EXPORTER_OTLP_PROTOCOL=grpc";
	in_child(last_words, &l);
	fake_http_stop(&h);
	RM_CHECK(h.requests == 0 && h.count == 0);
	free(h.bytes);
}

/* ---- processes that can have no worker ---- */

static void no_private_fds(const void *setting)
{
	refuse_call(SYS_close_range, EPERM);
	refuse_call(SYS_unshare, EPERM);
	start((const char *const[]){ setting, NULL });
	push(2);
	rm_outlet_safe_point();
	UNTIL(threads() == 1);
	push(1);
	rm_outlet_safe_point();
	RM_CHECK(threads() == 1 && fake->opened == 0);
	rm_outlet_end(RM_END_EXIT);
}

static void no_object(const void *setting)
{
	setenv("FAKE_EXPORT", "/nowhere/remora-export.so", 1);
	rm_log_init(0, RM_LEVEL_NONE);
	start((const char *const[]){ setting, NULL });
	push(2);
	rm_outlet_safe_point();
	UNTIL(threads() == 1);
	push(1);
	rm_outlet_end(RM_END_EXIT);
}

static void refused_pipeline(const void *setting)
{
	fake->refuse = 1;
	start((const char *const[]){ setting, NULL });
	push(2);
	rm_outlet_safe_point();
	UNTIL(threads() == 1);
	push(1);
	rm_outlet_end(RM_END_EXIT);
}

static void no_thread(const void *setting)
{
	start((const char *const[]){ setting, NULL });
	push(3);
	refuse_call(SYS_clone, EAGAIN);
	refuse_call(SYS_clone3, EAGAIN);
	rm_outlet_safe_point();
	rm_outlet_safe_point();
	RM_CHECK(threads() == 1);
	rm_outlet_end(RM_END_EXIT);
}
RM_TEST("where no worker can be had, the end of the process still delivers")
{
	void (*body[])(const void *) = { no_private_fds, no_object, refused_pipeline, no_thread };
	char setting[100];
	struct fake_http h;

	for (int i = 0; i < 4; i++) {
		fake_http_open(&h, AF_INET, OK_ANSWER);
		snprintf(setting, sizeof(setting), BASE "http://127.0.0.1:%d", h.port);
		in_child(body[i], setting);
		fake_http_stop(&h);
		RM_CHECK(h.requests == 1 && count(&h, "pushed span") == 3);
		free(h.bytes);
	}
}

/* ---- logs ---- */

static void last_logs(const void *settings)
{
	start(settings);
	push(2);
	push_logs(3);
	rm_outlet_end(RM_END_UNDERSCORE_EXIT);
	RM_CHECK(threads() == 1 && fake->opened == 0);
}

RM_TEST("logs go to their own place, in a request of their own")
{
	static char endpoint[128];
	const char *const settings[] = { endpoint, "OTEL_LOGS_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_LOGS_HEADERS=of=logs", NULL };
	struct fake_http h;

	fake_http_open(&h, AF_INET, OK_ANSWER);
	snprintf(endpoint, sizeof(endpoint), BASE "http://127.0.0.1:%d/a", h.port);
	in_child(last_logs, settings);
	fake_http_stop(&h);
	RM_CHECK(h.requests == 2 && count(&h, "pushed span") == 2 && count(&h, "pushed line") == 3);
	RM_CHECK(count(&h, "POST /a/v1/traces HTTP/1.1\r\n") == 1 && count(&h, "POST /a/v1/logs HTTP/1.1\r\n") == 1);
	RM_CHECK(count(&h, "\r\nof: logs\r\n") == 1);
	free(h.bytes);
}

RM_TEST("logs alone are delivered where no spans are exported, and spans make no record then")
{
	static char endpoint[128];
	const char *const settings[] = { endpoint, "OTEL_LOGS_EXPORTER=otlp", "OTEL_TRACES_EXPORTER=none", NULL };
	struct fake_http h;
	pid_t child;
	int status;

	fake_http_open(&h, AF_INET, OK_ANSWER);
	snprintf(endpoint, sizeof(endpoint), "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://127.0.0.1:%d/only", h.port);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		start(settings);
		push_logs(3);
		RM_CHECK(!rm_outlet_segment(&ring) && rm_outlet_takes(RM_SIGNAL_LOGS) && !rm_outlet_takes(RM_SIGNAL_TRACES));
		rm_outlet_end(RM_END_UNDERSCORE_EXIT);
		_exit(rm_test_failed_checks != 0);
	}
	waitpid(child, &status, 0);
	RM_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	fake_http_stop(&h);
	RM_CHECK(h.requests == 1 && count(&h, "POST /only HTTP/1.1\r\n") == 1 && count(&h, "pushed line") == 3);
	free(h.bytes);
}

RM_TEST("without an exporter for them logs make no memory, no request and no loss")
{
	static char endpoint[128];
	const char *const settings[] = { endpoint, NULL };
	struct fake_http h;

	fake_http_open(&h, AF_INET, OK_ANSWER);
	snprintf(endpoint, sizeof(endpoint), BASE "http://127.0.0.1:%d", h.port);
	in_child(last_logs, settings);
	fake_http_stop(&h);
	RM_CHECK(h.requests == 1 && count(&h, "pushed span") == 2 && count(&h, "pushed line") == 0);
	free(h.bytes);
}

static void last_lines(const void *settings)
{
	start(settings);
	push_output(0, "a line in ");
	push_output(1, "two calls\nand more\n  of it\n");
	push_logs(1);
	push_output(2, "without end");
	push_output(4, "after a gap\n");
	rm_outlet_end(RM_END_UNDERSCORE_EXIT);
	RM_CHECK(threads() == 1 && fake->opened == 0);
}

RM_TEST("what was printed becomes lines")
{
	static char endpoint[128];
	const char *const settings[] = { endpoint, "OTEL_LOGS_EXPORTER=otlp", "OTEL_TRACES_EXPORTER=none", NULL };
	struct fake_http h;

	fake_http_open(&h, AF_INET, OK_ANSWER);
	snprintf(endpoint, sizeof(endpoint), BASE "http://127.0.0.1:%d", h.port);
	in_child(last_lines, settings);
	fake_http_stop(&h);
	RM_CHECK(h.requests == 1 && count(&h, "pushed line") == 1);
	RM_CHECK(count(&h, "\x0a\x15" "a line in two calls") == 0 && count(&h, "\x0a\x13" "a line in two calls") == 1);
	RM_CHECK(count(&h, "\x0a\x10" "and more\n  of it") == 1);
	RM_CHECK(count(&h, "\x0a\x0b" "without end") == 1 && count(&h, "\x0a\x0b" "after a gap") == 1);
	free(h.bytes);
}

static void much(const void *settings)
{
	char line[64];

	start(settings);
	for (int i = 0; i < 12000; i++) {
		snprintf(line, sizeof(line), "line %d of many, each in a call of its own\n", i);
		push_output((uint64_t)i, line);
	}
	rm_outlet_end(RM_END_EXEC);
}

RM_TEST("more logs than one request holds make several, and none is lost or doubled")
{
	static char endpoint[128];
	const char *const settings[] = { endpoint, "OTEL_LOGS_EXPORTER=otlp", NULL };
	struct fake_http h;

	fake_http_open(&h, AF_INET, OK_ANSWER);
	snprintf(endpoint, sizeof(endpoint), BASE "http://127.0.0.1:%d", h.port);
	in_child(much, settings);
	fake_http_stop(&h);
	RM_CHECK(h.requests > 1 && count(&h, "of many, each in a call of its own") == 12000);
	free(h.bytes);
}
