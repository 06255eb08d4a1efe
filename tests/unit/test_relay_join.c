/* agent/relay_join.c against a relay in this program. */
#include "agent/relay_join.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/err.h"
#include "fake_relay.h"
#include "span_sample.h"
#include "tests/rmtest.h"

static int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static struct rm_segment *make_segment(int *ret_fd)
{
	struct rm_segment *s;

	*ret_fd = rm_relay_memory(sizeof(*s));
	if (*ret_fd < 0)
		abort();
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, *ret_fd, 0);
	rm_segment_init(s, (uint32_t)getpid());
	s->resource_bytes = sample_resource(s->resource, sizeof(s->resource));
	return s;
}

RM_TEST("the memory has its size for ever and no name in the file system")
{
	int fd = rm_relay_memory(8192);

	RM_CHECK(fd >= 0);
	RM_CHECK(lseek(fd, 0, SEEK_END) == 8192);
	RM_CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	RM_CHECK(ftruncate(fd, 4096) == -1 && errno == EPERM);
	RM_CHECK(ftruncate(fd, 16384) == -1 && errno == EPERM);
	RM_CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == -1);
	close(fd);
}

RM_TEST("a process that may make no file of that size gets no memory, and no signal")
{
	struct rlimit before, low;

	RM_CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
	low = before;
	low.rlim_cur = 8191;
	RM_CHECK(setrlimit(RLIMIT_FSIZE, &low) == 0);
	RM_CHECK(rm_relay_memory(8192) == RM_E_IO);
	RM_CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
}

RM_TEST("a process that joins hands over its segment, gets the doorbell and keeps no descriptor")
{
	struct rm_doorbell *bell = NULL;
	struct fake_relay relay;
	struct rm_segment *s;
	uint8_t token[RM_RELAY_TOKEN_BYTES];
	int fd, before;

	fake_relay_open(&relay, ANSWER_WELCOME);
	s = make_segment(&fd);
	before = open_fds();
	RM_CHECK(rm_relay_join(rm_str_c(relay.setting), fd, &bell, &(size_t){ sizeof(struct rm_doorbell) }) == RM_OK);
	fake_relay_wait(&relay);
	RM_CHECK(open_fds() == before);
	close(fd);
	rm_hex_decode(FAKE_TOKEN, token, sizeof(token));
	RM_CHECK(relay.hello.magic == RM_RELAY_MAGIC && relay.hello.abi == RM_RELAY_ABI);
	RM_CHECK(relay.hello.segment_abi == RM_SEGMENT_ABI);
	RM_CHECK(relay.hello.segment_bytes == sizeof(struct rm_segment));
	RM_CHECK(memcmp(relay.hello.token, token, sizeof(token)) == 0);
	RM_CHECK((relay.seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) ==
		 (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
	RM_CHECK(relay.segment && relay.segment != s && relay.segment->pid == (uint32_t)getpid());
	RM_CHECK(bell != NULL);
	if (bell) {
		rm_doorbell_ring(bell);
		RM_CHECK(relay.bell->rung == 1);
		munmap(bell, sizeof(*bell));
	}
	munmap(s, sizeof(*s));
	fake_relay_close(&relay);
}

RM_TEST("a doorbell that is mapped already is kept")
{
	struct rm_doorbell own = { 0 }, *bell = &own;
	struct fake_relay relay;
	int fd = rm_relay_memory(sizeof(struct rm_segment));

	fake_relay_open(&relay, ANSWER_WELCOME);
	RM_CHECK(rm_relay_join(rm_str_c(relay.setting), fd, &bell, &(size_t){ sizeof(struct rm_doorbell) }) == RM_OK);
	RM_CHECK(bell == &own);
	close(fd);
	fake_relay_wait(&relay);
	fake_relay_close(&relay);
}

static void die_after_pushing(const char *setting)
{
	_Alignas(8) char record[RM_RECORD_MAX_BYTES];
	struct rm_doorbell *bell = NULL;
	struct rm_segment *s;
	int fd;

	s = make_segment(&fd);
	if (rm_relay_join(rm_str_c(setting), fd, &bell, &(size_t){ sizeof(struct rm_doorbell) }) != RM_OK)
		_exit(1);
	for (uint8_t i = 1; i <= 5; i++)
		rm_segment_push(s, i, record,
				sample_span(record, sizeof(record), i, RM_STR("last words")), NULL);
	kill(getpid(), SIGKILL);
}

RM_TEST("what was pushed before a SIGKILL is in the relay's memory")
{
	_Alignas(8) char record[RM_RECORD_MAX_BYTES];
	struct fake_relay relay;
	int status = 0, spans = 0, n;
	pid_t child;

	fake_relay_open(&relay, ANSWER_WELCOME);
	child = fork();
	if (child == 0)
		die_after_pushing(relay.setting);
	waitpid(child, &status, 0);
	fake_relay_wait(&relay);
	RM_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	RM_CHECK(relay.segment && relay.segment->pid == (uint32_t)child);
	RM_CHECK(relay.segment && relay.segment->resource_bytes > 0 &&
		 rm_record_valid((struct rm_record *)relay.segment->resource,
				 relay.segment->resource_bytes));
	for (uint32_t ring = 0; relay.segment && ring < RM_SEGMENT_RINGS; ring++)
		while ((n = rm_segment_pop(relay.segment, ring, record)) > 0) {
			RM_CHECK(rm_record_valid((struct rm_record *)record, (uint32_t)n));
			RM_CHECK_STR(rm_span_name((struct rm_span *)record), "last words");
			RM_CHECK(((struct rm_span *)record)->span_id[7] == ring);
			spans++;
		}
	RM_CHECK(spans == 5);
	fake_relay_close(&relay);
}

RM_TEST("a relay that refuses, is silent or of another version is an error and leaves nothing open")
{
	static const struct {
		enum fake_answer answer;
		int error;
	} row[] = {
		{ ANSWER_CLOSE, RM_E_PROTO },	   { ANSWER_NOTHING, RM_E_IO },
		{ ANSWER_OLD_ABI, RM_E_PROTO },	   { ANSWER_NO_BELL, RM_E_PROTO },
		{ ANSWER_SHORT_BELL, RM_E_PROTO }, { ANSWER_SHRINKABLE_BELL, RM_E_PROTO },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct rm_doorbell *bell = NULL;
		struct fake_relay relay;
		int fd = rm_relay_memory(sizeof(struct rm_segment)), before;

		fake_relay_open(&relay, row[i].answer);
		before = open_fds();
		RM_CHECK(rm_relay_join(rm_str_c(relay.setting), fd, &bell, &(size_t){ sizeof(struct rm_doorbell) }) == row[i].error);
		RM_CHECK(bell == NULL);
		fake_relay_wait(&relay);
		RM_CHECK(open_fds() == before);
		close(fd);
		fake_relay_close(&relay);
	}
}

RM_TEST("a relay that is gone is an error")
{
	struct rm_doorbell *bell = NULL;
	int fd = rm_relay_memory(sizeof(struct rm_segment));

	RM_CHECK(rm_relay_join(RM_STR("/nowhere/relay," FAKE_TOKEN), fd, &bell, &(size_t){ sizeof(struct rm_doorbell) }) == RM_E_IO);
	close(fd);
}

RM_TEST("settings that are not an absolute path and a token are told apart")
{
	static const char *const bad[] = {
		"",
		",",
		"/x",
		"/x,",
		FAKE_TOKEN,
		"," FAKE_TOKEN,
		"x," FAKE_TOKEN,
		"/x,000102030405060708090a0b0c0d0ef",
		"/x,000102030405060708090a0b0c0d0egg",
		"/x;" FAKE_TOKEN,
		"/0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789," FAKE_TOKEN,
	};
	struct rm_doorbell *bell = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		RM_CHECK(rm_relay_join(rm_str_c(bad[i]), -1, &bell, &(size_t){ sizeof(struct rm_doorbell) }) == RM_E_INVALID);
}

static void on_alarm(int signal)
{
}

RM_TEST("signals during the handshake do not break it")
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	sigset_t alarm_only;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigaction(SIGALRM, &act, NULL);
	for (int i = 0; i < 20; i++) {
		struct rm_doorbell *bell = NULL;
		struct fake_relay relay;
		int fd = rm_relay_memory(sizeof(struct rm_segment));

		/* The relay's thread inherits the mask: the signals are ours alone. */
		pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
		fake_relay_open(&relay, ANSWER_WELCOME);
		pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
		setitimer(ITIMER_REAL, &often, NULL);
		RM_CHECK(rm_relay_join(rm_str_c(relay.setting), fd, &bell, &(size_t){ sizeof(struct rm_doorbell) }) == RM_OK);
		setitimer(ITIMER_REAL, &never, NULL);
		if (bell)
			munmap(bell, sizeof(*bell));
		close(fd);
		fake_relay_wait(&relay);
		fake_relay_close(&relay);
	}
}

/* Somebody else's relay: a listener made by another user. Returns 0 when it got nothing. */
static int listen_as_nobody(const char *path, int ready, int done)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct rm_relay_hello hello;
	int listener, conn;
	char byte = 0;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (setuid(65534) != 0)
		return 1;
	listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 4) != 0 ||
	    chmod(path, 0777) != 0 || write(ready, &byte, 1) != 1)
		return 2;
	if (read(done, &byte, 1) != 0)
		return 3;
	conn = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	return conn >= 0 && recv(conn, &hello, sizeof(hello), 0) > 0 ? 4 : 0;
}

RM_TEST("a door that another user opened under the old name hears nothing")
{
	char dir[] = "/tmp/remora-test-XXXXXX", path[64], setting[128], byte;
	struct rm_doorbell *bell = NULL;
	int ready[2], done[2], status = -1, fd;
	pid_t pid;

	if (geteuid() != 0 || !mkdtemp(dir))
		return; /* only root can be two users */
	chmod(dir, 0777);
	snprintf(path, sizeof(path), "%s/relay", dir);
	snprintf(setting, sizeof(setting), "%s,%s", path, FAKE_TOKEN);
	RM_CHECK(pipe(ready) == 0 && pipe(done) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(done[1]);
		_exit(listen_as_nobody(path, ready[1], done[0]));
	}
	close(ready[1]);
	RM_CHECK(read(ready[0], &byte, 1) == 1);
	fd = rm_relay_memory(sizeof(struct rm_segment));
	RM_CHECK(rm_relay_join(rm_str_c(setting), fd, &bell, &(size_t){ sizeof(struct rm_doorbell) }) == RM_E_IO);
	close(fd);
	close(done[1]);
	RM_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close(done[0]);
	close(ready[0]);
	unlink(path);
	rmdir(dir);
}
