/*
 * What tests of the way out of a process share. Each test runs in a child process, as the outlet is
 * the state of a process; the exporter object is fake_export.c, named by FAKE_EXPORT.
 */
#ifndef RM_TESTS_OUTLET_FIXTURE_H
#define RM_TESTS_OUTLET_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/outlet.h"
#include "agent/worker.h"
#include "base/err.h"
#include "base/log.h"
#include "fake_export.h"
#include "span_sample.h"
#include "tests/rmtest.h"

static struct fake_export *fake;
static struct rm_env env;
static struct rm_program program;
static int8_t ring = -1;

/* Gives `body` a process of its own and a fresh page shared with the fake exporter. */
static inline void in_child(void (*body)(const void *arg), const void *arg)
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
static inline void start(const char *const *settings)
{
	static char object[4096];
	char *list[16] = { object };
	int n = 1;

	snprintf(object, sizeof(object), "REMORA_EXPORT_OBJECT=%s", getenv("FAKE_EXPORT"));
	while (*settings)
		list[n++] = (char *)*settings++;
	list[n] = "REMORA_EXIT_TIMEOUT=60000"; /* a busy machine; what a test sets comes before it */
	rm_env_load(&env, list, NULL);
	rm_worker_patience = (struct rm_worker_patience){ 60000000000, 60000000000, 60000000000 };
	rm_outlet_init(&env, &program);
}

/* Only a worker can deliver to the console. */
static inline void start_for_worker(void)
{
	start((const char *const[]){ "OTEL_TRACES_EXPORTER=console", NULL });
}

static inline void push(int spans)
{
	_Alignas(8) static char record[RM_RECORD_MAX_BYTES];
	uint32_t bytes = sample_span(record, sizeof(record), 1, RM_STR("pushed span")), fill;
	struct rm_segment *s = rm_outlet_segment(&ring);

	RM_CHECK(s && ring >= 0 && ring < RM_SEGMENT_RINGS);
	for (int i = 0; s && i < spans; i++) {
		RM_CHECK(rm_segment_push(s, (uint32_t)ring, record, bytes, &fill) == RM_OK);
		rm_outlet_pushed(bytes, fill);
	}
}

static inline void push_logs(int count)
{
	_Alignas(8) static char record[RM_RECORD_MAX_BYTES];
	uint32_t bytes = sample_log_line(record, sizeof(record), RM_STR("pushed line"));

	for (int i = 0; i < count; i++)
		rm_outlet_log((const struct rm_log *)record, bytes);
}

/* A call that printed. */
static inline void push_output(uint64_t number, const char *text)
{
	const struct iovec iov = { (void *)text, strlen(text) };
	struct rm_output head = { .record = { (uint32_t)(sizeof(head) + ((iov.iov_len + 7) & ~7ul)), RM_RECORD_OUTPUT, 0 },
				  .time_ns = 1, .sequence = number, .bytes = (uint32_t)iov.iov_len, .stream = RM_STREAM_STDERR,
				  .bits = RM_OUTPUT_BEGINS | RM_OUTPUT_ENDS };

	rm_outlet_output(&head, &iov, 0);
}

static inline int threads(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static inline int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Waits for another thread; gives up after a minute, and the check that follows fails. */
#define UNTIL(condition)                                                       \
	do {                                                                   \
		for (int tries_ = 0; !(condition) && tries_ < 60000; tries_++) \
			usleep(1000);                                          \
		RM_CHECK(condition);                                           \
	} while (0)

/* From now on the kernel answers `number` in this thread, and in those it starts, with a SECCOMP_RET_*. */
static inline void filter_call(unsigned number, unsigned answer)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };

	RM_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	RM_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

/* It fails with `error`. */
static inline void refuse_call(unsigned number, int error)
{
	filter_call(number, SECCOMP_RET_ERRNO | (unsigned)error);
}

#endif
