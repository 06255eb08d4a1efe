/*
 * A thread for each connection, and other processes that make the calls:
 *   worker   four that the first request forks; what they are to do comes by a pipe, for all requests
 *   started  each request forks one that becomes curl
 *   passed   one that is given the connection (SCM_RIGHTS) and reads from it itself
 *   late     one that is given the connection and what was read from it
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fan.h"

enum { WORKERS = 4, FDS = 4096 };

struct job {
	long number;
	int turn, rest, fd;
};

static const char *style;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t *done; /* of each connection */
static int jobs[2], door[2];

static int is(const char *name)
{
	return strcmp(style, name) == 0;
}

static void do_job(const struct job *j)
{
	int far = connect_far();

	sleep_ms(j->rest);
	call_over(far, j->number, j->turn);
	close(far);
}

static void fork_workers(void)
{
	for (int i = 0; i < WORKERS; i++) {
		struct job j;

		if (fork() != 0)
			continue;
		signal(SIGTERM, SIG_IGN);
		close(jobs[1]);
		while (read(jobs[0], &j, sizeof(j)) == sizeof(j)) {
			do_job(&j);
			sem_post(&done[j.fd]);
		}
		_exit(0);
	}
}

static void start_curl(const struct job *j)
{
	char url[128];
	pid_t child = fork();

	snprintf(url, sizeof(url), "%s/call/%ld/%d", getenv("FAR"), j->number, j->turn);
	if (child == 0) {
		execlp("curl", "curl", "-sS", "-o", "/dev/null", url, NULL);
		_exit(1);
	}
	if (waitpid(child, NULL, 0) != child)
		exit(1);
}

static void fan_out(int fd, long number, unsigned *seed)
{
	int calls = how_many(seed);

	for (int turn = 0; turn < calls; turn++) {
		struct job j = { number, turn, rest_ms(seed), fd };

		if (is("worker")) {
			pthread_once(&once, fork_workers);
			if (write(jobs[1], &j, sizeof(j)) != sizeof(j))
				exit(1);
		} else if (is("started")) {
			start_curl(&j);
		} else {
			do_job(&j);
		}
	}
	for (int turn = 0; turn < calls && is("worker"); turn++)
		sem_wait(&done[fd]);
}

static void pass(int fd, const char *head, size_t n)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { (void *)head, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	if (sendmsg(door[1], &m, 0) < 0)
		exit(1);
}

static void *serve(void *arg)
{
	int fd = (int)(long)arg;
	unsigned seed = (unsigned)(fd ^ time(NULL));
	char head[2048];

	if (is("passed") || is("late")) {
		if (is("passed"))
			pass(fd, "", 1);
		else if (read_message(fd, head, sizeof(head), 0))
			pass(fd, head, strlen(head));
	} else {
		while (read_message(fd, head, sizeof(head), 0)) {
			fan_out(fd, number_of(head), &seed);
			answer(fd);
		}
	}
	close(fd);
	return NULL;
}

struct given {
	int fd;
	char head[2048];
};

static void *serve_given(void *arg)
{
	struct given *g = arg;
	unsigned seed = (unsigned)now_ms();

	/* A connection is given to another process for each of its requests, or for good. */
	while (is("late") || read_message(g->fd, g->head, sizeof(g->head), 0)) {
		fan_out(g->fd, number_of(g->head), &seed);
		answer(g->fd);
		if (is("late"))
			break;
	}
	close(g->fd);
	free(g);
	return NULL;
}

static void take_given(void)
{
	for (;;) {
		union {
			char room[CMSG_SPACE(sizeof(int))];
			struct cmsghdr align;
		} control;
		struct given *g = calloc(1, sizeof(*g));
		struct iovec iov = { g->head, sizeof(g->head) - 1 };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				    .msg_controllen = sizeof(control) };
		pthread_t thread;

		if (recvmsg(door[0], &m, 0) <= 0)
			_exit(0);
		memcpy(&g->fd, CMSG_DATA(&control.align), sizeof(int));
		pthread_create(&thread, NULL, serve_given, g);
		pthread_detach(thread);
	}
}

/* Workers end when nothing can come any more. */
static void end(int signal)
{
	(void)signal;
	close(jobs[1]);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

int main(int argc, char **argv)
{
	int listener;

	if (argc < 3)
		return 1;
	style = argv[2];
	done = mmap(NULL, FDS * sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < FDS; i++)
		sem_init(&done[i], 1, 0);
	if (pipe2(jobs, O_CLOEXEC) != 0 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, door) != 0)
		return 1;
	if ((is("passed") || is("late")) && fork() == 0) {
		close(door[1]);
		take_given();
	}
	if (is("worker"))
		signal(SIGTERM, end);
	listener = listen_on(atoi(argv[1]), SOCK_CLOEXEC);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pthread_t thread;

		if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(long)fd) != 0)
			return 1;
		pthread_detach(thread);
	}
}
