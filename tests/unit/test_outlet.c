/*
 * agent/outlet.c with its parts: worker, private descriptors, last flush, relay. Each test runs in a
 * child process, as the outlet is the state of a process; the exporter object is fake_export.c, named
 * by FAKE_EXPORT.
 */
#include "agent/outlet.h"

#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/err.h"
#include "base/log.h"
#include "fake_export.h"
#include "fake_http.h"
#include "fake_relay.h"
#include "span_sample.h"
#include "tests/rmtest.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static struct fake_export *fake;
static struct rm_env env;
static struct rm_program program;
static int ring = -1;

/* ---- what every test needs ---- */

/* Gives `body` a process of its own and a fresh page shared with the fake exporter. */
static void in_child(void (*body)(const void *arg), const void *arg)
{
	char path[] = "/tmp/remora-fake-XXXXXX";
	int fd = mkstemp(path), status = -1;
	pid_t child;

	if (fd < 0 || ftruncate(fd, sizeof(*fake)) != 0)
		abort();
	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	setenv("FAKE_EXPORT_STATE", path, 1);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		rm_test_failed_checks = 0;
		body(arg);
		fflush(stdout);
		_exit(rm_test_failed_checks != 0);
	}
	waitpid(child, &status, 0);
	RM_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	unlink(path);
	munmap(fake, sizeof(*fake));
}

/* Starts the outlet with these settings ("NAME=value", NULL at the end) and the fake exporter. */
static void start(const char *const *settings)
{
	static char object[4096];
	char *list[16] = { object };
	int n = 1;

	snprintf(object, sizeof(object), "REMORA_EXPORT_OBJECT=%s", getenv("FAKE_EXPORT"));
	while (*settings)
		list[n++] = (char *)*settings++;
	rm_env_load(&env, list, NULL);
	rm_outlet_init(&env, &program);
}

/* Only a worker can deliver to the console. */
static void start_for_worker(void)
{
	start((const char *const[]){ "OTEL_TRACES_EXPORTER=console", NULL });
}

static void push(int spans)
{
	_Alignas(8) static char record[RM_RECORD_MAX_BYTES];
	uint32_t bytes = sample_span(record, sizeof(record), 1, RM_STR("pushed span")), fill;
	struct rm_segment *s = rm_outlet_segment(&ring);

	RM_CHECK(s && ring >= 0 && ring < RM_SEGMENT_RINGS);
	for (int i = 0; s && i < spans; i++) {
		RM_CHECK(rm_segment_push(s, (uint32_t)ring, record, bytes, &fill) == RM_OK);
		rm_outlet_pushed(fill);
	}
}

static int threads(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Waits for another thread; gives up after 20 s, and the check that follows fails. */
#define UNTIL(condition)                                                                       \
	do {                                                                                   \
		for (int tries_ = 0; !(condition) && tries_ < 20000; tries_++)                 \
			usleep(1000);                                                          \
		RM_CHECK(condition);                                                           \
	} while (0)

/* From now on `number` fails with `error` in this process. */
static void refuse_call(unsigned number, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };

	RM_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	RM_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

/* ---- the segment ---- */

static void none_exporter(const void *arg)
{
	int ring_of_thread = -1;

	start((const char *const[]){ "OTEL_TRACES_EXPORTER=none", NULL });
	RM_CHECK(rm_outlet_segment(&ring_of_thread) == NULL);
	RM_CHECK(ring_of_thread == -1);
}

RM_TEST("with the exporter none alone there is no segment")
{
	in_child(none_exporter, NULL);
}

static void rings_are_spread(const void *arg)
{
	int first = -1, second = -1, kept = 5;
	struct rm_segment *s;

	start_for_worker();
	s = rm_outlet_segment(&first);
	RM_CHECK(s && s->pid == (uint32_t)getpid());
	RM_CHECK(s && s->resource_bytes > 0 &&
		 rm_record_valid((struct rm_record *)s->resource, s->resource_bytes));
	RM_CHECK(rm_outlet_segment(&second) == s && rm_outlet_segment(&kept) == s);
	RM_CHECK(first >= 0 && second >= 0 && first != second && kept == 5);
	RM_CHECK(threads() == 1);
}

RM_TEST("a process has one segment with its resource, and threads get different rings")
{
	in_child(rings_are_spread, NULL);
}

static void *first_span_of_thread(void *arg)
{
	int own = -1;

	return rm_outlet_segment(&own);
}

static void first_spans_at_once(const void *arg)
{
	pthread_t thread[8];
	void *got[8];

	start_for_worker();
	for (int i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, first_span_of_thread, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], &got[i]);
	for (int i = 0; i < 8; i++)
		RM_CHECK(got[i] && got[i] == got[0]);
}

RM_TEST("threads whose first spans come at once share one segment")
{
	for (int i = 0; i < 20; i++)
		in_child(first_spans_at_once, NULL);
}

static void silent_end(const void *arg)
{
	_Alignas(8) static char record[RM_RECORD_MAX_BYTES];

	start_for_worker();
	if (arg) {
		push(1);
		while (rm_segment_pop(rm_outlet_segment(&ring), (uint32_t)ring, record) > 0)
			;
	}
	/* Any call but read, write and exit is now fatal. */
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	rm_outlet_safe_point();
	rm_outlet_pushed(64);
	rm_outlet_end(RM_END_EXEC);
	rm_outlet_resume();
	rm_outlet_end(RM_END_UNDERSCORE_EXIT);
	rm_outlet_end(RM_END_EXIT);
	syscall(SYS_exit, rm_test_failed_checks != 0);
}

RM_TEST("an end with nothing pending makes no system call")
{
	in_child(silent_end, NULL);
	in_child(silent_end, "after a span");
}

/* ---- the worker ---- */

static void worker_flushes(const void *how)
{
	start_for_worker();
	push(10);
	RM_CHECK(threads() == 1);
	rm_outlet_safe_point();
	UNTIL(fake->opened == 1);
	push(5);
	rm_outlet_end(*(const enum rm_end *)how);
	RM_CHECK(fake->pushed == 15 && fake->delivered == 15);
	RM_CHECK(fake->resource_bytes >= (int)sizeof(struct rm_record));
	RM_CHECK(strcmp(fake->name, "remora") == 0 && fake->sigterm_blocked == 1);
	RM_CHECK(!rm_outlet_is_worker());
}

RM_TEST("a worker that runs delivers everything at every kind of end")
{
	enum rm_end how[] = { RM_END_EXIT, RM_END_UNDERSCORE_EXIT, RM_END_EXEC };

	for (int i = 0; i < 3; i++)
		in_child(worker_flushes, &how[i]);
}

static void started_at_exit(const void *arg)
{
	start_for_worker();
	push(3);
	rm_outlet_end(RM_END_UNDERSCORE_EXIT);
	RM_CHECK(fake->opened == 0 && threads() == 1);
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->opened == 1 && fake->delivered == 3);
}

RM_TEST("an exit starts a worker for what only it can deliver, _exit does not")
{
	in_child(started_at_exit, NULL);
}

static void idle_worker(const void *arg)
{
	int runs;

	start_for_worker();
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->pushed == 1);
	/* The fake holds the span back, so the worker now sleeps on time: no wake-up for a second one. */
	usleep(20000);
	runs = fake->runs;
	push(1);
	usleep(20000);
	RM_CHECK(fake->runs == runs && fake->pushed == 1);
	/* A ring that fills is another matter. */
	push(2 * RM_RING_BYTES / 4 / 150);
	UNTIL(fake->pushed > 2);
	rm_outlet_end(RM_END_EXIT);
	/* Now nothing is queued, it sleeps for ever: the first span wakes it, whatever the fill. */
	for (int i = 0; i < 50; i++) {
		int before = fake->pushed;

		usleep(500 * (i % 3));
		push(1);
		UNTIL(fake->pushed == before + 1);
		rm_outlet_end(RM_END_EXEC);
		rm_outlet_resume();
	}
	RM_CHECK(fake->delivered == fake->pushed);
}

RM_TEST("a sleeping worker is woken by the first span after idleness and by a ring that fills")
{
	in_child(idle_worker, NULL);
}

static void stop_and_restart(const void *hangs)
{
	start_for_worker();
	fake->hang = hangs != NULL;
	push(4);
	rm_outlet_safe_point();
	UNTIL(hangs ? fake->hanging == 1 : fake->pushed == 4);
	RM_CHECK(threads() == 2);
	rm_outlet_stop();
	RM_CHECK(threads() == 1);
	RM_CHECK(fake->closed == 1 && fake->delivered == (hangs ? 0 : 4));
	rm_outlet_stop();
	fake->hang = 0;
	rm_outlet_safe_point();
	RM_CHECK(threads() == 1);
	push(2);
	rm_outlet_safe_point();
	RM_CHECK(threads() == 2);
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->opened == 2 && fake->pushed == 6 && fake->delivered == (hangs ? 2 : 6));
}

RM_TEST("a stopped worker has delivered what it had and is gone for the kernel; a new one follows")
{
	in_child(stop_and_restart, NULL);
}

RM_TEST("a worker stuck in a transfer is gone after a stop, too, and a new one follows")
{
	in_child(stop_and_restart, "hangs");
}

static void stop_at_any_moment(const void *arg)
{
	start_for_worker();
	for (int i = 0; i < 100; i++) {
		push(1);
		rm_outlet_safe_point();
		usleep((unsigned)(i * 13));
		rm_outlet_stop();
		RM_CHECK(threads() == 1);
	}
	RM_CHECK(fake->delivered == 100 && fake->closed == fake->opened);
}

RM_TEST("a stop right after the start, or while the exporter is opened, works as well")
{
	in_child(stop_at_any_moment, NULL);
}

static void retired(const void *silent)
{
	start_for_worker();
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->pushed == 1);
	rm_outlet_retire(silent != NULL);
	RM_CHECK(threads() == 1 && fake->delivered == 1);
	push(1);
	rm_outlet_safe_point();
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(threads() == 1 && fake->opened == 1);
}

RM_TEST("a retired outlet never starts a worker again")
{
	in_child(retired, NULL);
	in_child(retired, "silent");
}

static void bounded_end(const void *arg)
{
	start((const char *const[]){ "OTEL_TRACES_EXPORTER=console", "REMORA_EXIT_TIMEOUT=50", NULL });
	fake->hang = 1;
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->hanging == 1);
	/* Would take a minute if each end had its own time. */
	for (int i = 0; i < 1200; i++)
		rm_outlet_end(RM_END_EXEC);
	RM_CHECK(fake->delivered == 0);
}

RM_TEST("all ends of a process together wait only once for a backend that hangs")
{
	in_child(bounded_end, NULL);
}

static void fds_are_private(const void *arg)
{
	int before;

	for (int i = 0; i < 20; i++)
		if (dup(1) < 0)
			abort();
	start_for_worker();
	before = open_fds();
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->runs > 0);
	RM_CHECK(fake->fds == 3);
	RM_CHECK(open_fds() == before);
	RM_CHECK(fake->stderr_is_null == 0);
}

RM_TEST("the worker sees none of the application's descriptors and adds none to them")
{
	in_child(fds_are_private, NULL);
}

static void fds_are_private_on_old_kernels(const void *arg)
{
	refuse_call(SYS_close_range, ENOSYS);
	fds_are_private(arg);
}

RM_TEST("so it does where the kernel has no close_range")
{
	in_child(fds_are_private_on_old_kernels, NULL);
}

static void stderr_is_given_back(const void *topic)
{
	int fds[2];

	if (pipe(fds) != 0 || dup2(fds[1], 2) < 0)
		abort();
	rm_log_init(topic ? RM_LOG_TRACE : 0, RM_LEVEL_INFO);
	start((const char *const[]){ "OTEL_EXPORTER_OTLP_ENDPOINT=https://localhost:1", NULL });
	push(1);
	rm_outlet_safe_point();
	UNTIL(fake->runs > 0);
	RM_CHECK(fake->stderr_is_null == (topic == NULL));
	close(2);
	close(fds[1]);
	if (!topic) {
		char byte;

		/* Nobody else holds the pipe: its end is seen at once, not when the worker is gone. */
		RM_CHECK(read(fds[0], &byte, 1) == 0);
	}
}

RM_TEST("the worker holds stderr open only for the console and the debug log")
{
	in_child(stderr_is_given_back, NULL);
	in_child(stderr_is_given_back, "topic");
}

/* ---- without a worker ---- */

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

RM_TEST("where no worker can be had, the end of the process still delivers")
{
	void (*body[])(const void *) = { no_private_fds, no_object, refused_pipeline, no_thread };
	char setting[100];
	struct fake_http h;

	for (int i = 0; i < 4; i++) {
		fake_http_open(&h, AF_INET, OK_ANSWER);
		snprintf(setting, sizeof(setting), "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d", h.port);
		in_child(body[i], setting);
		fake_http_stop(&h);
		RM_CHECK(h.requests == 1 && count(&h, "pushed span") == 3);
		free(h.bytes);
	}
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
		{ AF_INET, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d", "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:" },
		{ AF_INET, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d/", "POST /v1/traces HTTP/1.1\r\n" },
		{ AF_INET, "OTEL_EXPORTER_OTLP_ENDPOINT=HTTP://localhost:%d/a/b/?k=v#f", "POST /a/b/v1/traces?k=v HTTP/1.1\r\n" },
		{ AF_INET, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:%d", "POST / HTTP/1.1\r\n" },
		{ AF_INET, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:%d/x?y", "POST /x?y HTTP/1.1\r\n" },
		{ AF_INET6, "OTEL_EXPORTER_OTLP_ENDPOINT=http://[::1]:%d", "POST /v1/traces HTTP/1.1\r\nHost: [::1]:" },
		{ AF_INET6, "OTEL_EXPORTER_OTLP_ENDPOINT=http://[0:0::0.0.0.1]:%d", "POST /v1/traces HTTP/1.1\r\n" },
		{ AF_INET6, "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:%d", "POST /v1/traces HTTP/1.1\r\nHost: localhost:" },
	};
	struct last_words l = { { endpoint, "OTEL_EXPORTER_OTLP_HEADERS=x-team = a%20b ,bad name=1,x-evil=a%0D%0Ab,y=2", NULL },
				2, RM_END_UNDERSCORE_EXIT };
	struct fake_http h;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
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

RM_TEST("more spans than one request holds make several, and none is lost or doubled")
{
	static char endpoint[128];
	struct last_words l = { { endpoint, "REMORA_EXIT_TIMEOUT=20000", NULL }, 12000, RM_END_EXEC };
	struct fake_http h;

	fake_http_open(&h, AF_INET, OK_ANSWER);
	snprintf(endpoint, sizeof(endpoint), "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d", h.port);
	in_child(last_words, &l);
	fake_http_stop(&h);
	RM_CHECK(h.requests > 1);
	RM_CHECK(count(&h, "pushed span") == 12000);
	free(h.bytes);
}

static void backend_in_trouble(const void *setting)
{
	start((const char *const[]){ setting, "REMORA_EXIT_TIMEOUT=100", NULL });
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
		snprintf(setting, sizeof(setting), "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d", h.port);
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
		"OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:%d", "OTEL_EXPORTER_OTLP_ENDPOINT=http://backend.example:%d",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://u:p@127.0.0.1:%d", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1.:%d",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.256:%d", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.1:%d",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://[::1:%d", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1%d9",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d/a b", "OTEL_EXPORTER_OTLP_ENDPOINT=127.0.0.1:%d",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://[1:2:3:4:5:6:7:8:9]:%d", "OTEL_EXPORTER_OTLP_ENDPOINT=http://[:::1]:%d",
	};
	char setting[128];
	struct last_words l = { { setting, NULL }, 1, RM_END_UNDERSCORE_EXIT };
	struct fake_http h;

	fake_http_open(&h, AF_INET, OK_ANSWER);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(setting, sizeof(setting), settings[i], h.port);
		in_child(last_words, &l);
	}
	snprintf(setting, sizeof(setting), "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d", h.port);
	l.settings[1] = "OTEL_EXPORTER_OTLP_PROTOCOL=http/json";
	in_child(last_words, &l);
	fake_http_stop(&h);
	RM_CHECK(h.requests == 0 && h.count == 0);
	free(h.bytes);
}

/* ---- forks ---- */

static void forked_child(const void *arg)
{
	int status = -1;
	pid_t child;

	start_for_worker();
	push(3);
	rm_outlet_safe_point();
	UNTIL(fake->pushed == 3);
	push(2);
	child = fork();
	if (child == 0) {
		struct rm_segment *s;

		ring = -1;
		rm_outlet_forked();
		rm_outlet_stop();
		rm_outlet_end(RM_END_UNDERSCORE_EXIT); /* nothing of its own yet */
		s = rm_outlet_segment(&ring);
		RM_CHECK(s && s->pid == (uint32_t)getpid() && rm_segment_empty(s));
		push(7);
		rm_outlet_safe_point();
		RM_CHECK(threads() == 2);
		rm_outlet_end(RM_END_EXIT);
		_exit(rm_test_failed_checks != 0);
	}
	waitpid(child, &status, 0);
	RM_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	RM_CHECK(fake->opened == 2);
	RM_CHECK(fake->pushed == 3 + 7 && fake->delivered == 7);
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->pushed == 5 + 7 && fake->delivered == 5 + 7);
}

RM_TEST("a forked child delivers its own spans with its own worker, the parent keeps what it had")
{
	in_child(forked_child, NULL);
}

/* ---- the relay ---- */

static void relayed_until_killed(const void *setting)
{
	int before = open_fds(), status;
	pid_t child = fork();

	if (child == 0) {
		start((const char *const[]){ setting, NULL });
		push(4);
		rm_outlet_safe_point();
		rm_outlet_end(RM_END_UNDERSCORE_EXIT);
		if (threads() == 1 && open_fds() == before && fake->opened == 0)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	waitpid(child, &status, 0);
	RM_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

RM_TEST("with a relay, spans are in its memory at once and no thread or descriptor is made")
{
	_Alignas(8) static char record[RM_RECORD_MAX_BYTES];
	struct fake_relay relay;
	char setting[256];
	int spans = 0;

	fake_relay_open(&relay, ANSWER_WELCOME);
	snprintf(setting, sizeof(setting), "REMORA_RELAY=%s", relay.setting);
	in_child(relayed_until_killed, setting);
	fake_relay_wait(&relay);
	RM_CHECK(relay.segment && relay.segment->produced == 4 && relay.segment->resource_bytes > 0);
	for (uint32_t i = 0; relay.segment && i < RM_SEGMENT_RINGS; i++)
		while (rm_segment_pop(relay.segment, i, record) > 0)
			spans++;
	RM_CHECK(spans == 4);
	fake_relay_close(&relay);
}

static void relay_is_rung(const void *setting)
{
	start((const char *const[]){ setting, NULL });
	push(1);
	push(2 * RM_RING_BYTES / 4 / 150);
}

RM_TEST("the relay is woken when a ring fills")
{
	struct fake_relay relay;
	char setting[256];

	fake_relay_open(&relay, ANSWER_WELCOME);
	relay.bell->waiting = RM_DOORBELL_IDLE;
	snprintf(setting, sizeof(setting), "REMORA_RELAY=%s", relay.setting);
	in_child(relay_is_rung, setting);
	fake_relay_wait(&relay);
	RM_CHECK(relay.bell->rung > 0 && relay.bell->rung < relay.segment->produced);
	fake_relay_close(&relay);
}

static void without_relay(const void *setting)
{
	start((const char *const[]){ setting, "OTEL_TRACES_EXPORTER=console", NULL });
	push(2);
	rm_outlet_end(RM_END_EXIT);
	RM_CHECK(fake->delivered == 2);
}

RM_TEST("a process that the relay does not admit exports by itself")
{
	struct fake_relay relay;
	char setting[256];

	fake_relay_open(&relay, ANSWER_CLOSE);
	snprintf(setting, sizeof(setting), "REMORA_RELAY=%s", relay.setting);
	in_child(without_relay, setting);
	fake_relay_wait(&relay);
	fake_relay_close(&relay);
}

static void fork_leaves_the_relays_memory(const void *setting)
{
	struct rm_segment *s;
	pid_t child;

	start((const char *const[]){ setting, "OTEL_TRACES_EXPORTER=console", NULL });
	push(2);
	s = rm_outlet_segment(&ring);
	child = fork();
	if (child == 0) {
		rm_outlet_forked();
		ring = -1;
		push(5); /* the fake relay takes one visitor only: this child is on its own */
		RM_CHECK(rm_outlet_segment(&ring) == s && s->produced == 5);
		_exit(rm_test_failed_checks != 0);
	}
	int status = -1;
	waitpid(child, &status, 0);
	RM_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	RM_CHECK(s->produced == 2);
}

RM_TEST("a forked child leaves the memory that its parent shares with the relay alone")
{
	struct fake_relay relay;
	char setting[256];

	fake_relay_open(&relay, ANSWER_WELCOME);
	snprintf(setting, sizeof(setting), "REMORA_RELAY=%s", relay.setting);
	in_child(fork_leaves_the_relays_memory, setting);
	fake_relay_wait(&relay);
	RM_CHECK(relay.segment && relay.segment->produced == 2);
	fake_relay_close(&relay);
}
