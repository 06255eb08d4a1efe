"""Programs that are started where it is tight: an environment that nobody can read, a thread's smallest stack, an
argument list that fills all that the kernel takes. Each from a request that is being served, when the agent adds to
the environment."""
from frame import case

SERVED = r"""
#include "torture.h"
#include <limits.h>
#include <spawn.h>

extern char **environ;

static void *ask(void *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = *(in_port_t *)port,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	FAIL_IF(connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0);
	get_over(fd);
	return NULL;
}

/* Takes in one request of our own, and answers it after `work`. */
static void serve(void (*work)(void))
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	pthread_t asker;
	char request[4096];

	FAIL_IF(bind(listener, (struct sockaddr *)&at, size) != 0 || listen(listener, 1) != 0);
	FAIL_IF(getsockname(listener, (struct sockaddr *)&at, &size) != 0);
	FAIL_IF(pthread_create(&asker, NULL, ask, &at.sin_port) != 0);
	FAIL_IF((fd = accept(listener, NULL, NULL)) < 0);
	FAIL_IF(read(fd, request, sizeof(request)) < 20);
	clearenv();
	work();
	FAIL_IF(write(fd, answer, sizeof(answer) - 1) != sizeof(answer) - 1);
	pthread_join(asker, NULL);
}

/* Runs `call` in a child, and says how both went. */
#define TRY(call) \
	do { \
		int status_; \
		fflush(stdout); \
		if (fork() == 0) { \
			int result_ = (call); \
			printf("%s: %d errno %d\n", #call, result_, errno); \
			fflush(stdout); \
			_exit(3); \
		} \
		FAIL_IF(wait(&status_) < 0); \
		printf("ends %#x\n", status_); \
	} while (0)
"""

UNREADABLE = SERVED + r"""
static void work(void)
{
	char *argv[] = { "true", NULL }, *wild[] = { "A=b", (char *)1, NULL };
	char *last = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char **no_end = (char **)(last + 4096 - 2 * sizeof(char *)), **nowhere = (char **)1;
	char **closed = (char **)(last + 4096), *name = last + 4096 - 5, *at_end[] = { name, NULL };
	pid_t pid;

	no_end[0] = no_end[1] = "A=b";
	FAIL_IF(mprotect(closed, 4096, PROT_NONE) != 0);
	TRY(execve("/bin/true", argv, nowhere));
	TRY(execve("/bin/true", argv, closed));
	TRY(execve("/bin/true", argv, no_end));
	TRY(execve("/bin/true", argv, wild));
	TRY(execvpe("true", argv, nowhere));
	TRY(execvpe("true", argv, wild));
	TRY(execveat(AT_FDCWD, "/bin/true", argv, no_end, 0));
	TRY(fexecve(open("/bin/true", O_RDONLY), argv, closed));
	TRY(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, nowhere));
	TRY(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, wild));
	TRY(posix_spawnp(&pid, "true", NULL, NULL, argv, no_end));
	memcpy(name, "TRAC", 5); /* as far as there is memory, it might be one of ours */
	TRY(execve("/bin/true", argv, at_end));
	memcpy(name, "TRACE", 5);
	TRY(execve("/bin/true", argv, at_end));
}

int main(void)
{
	serve(work);
	return 0;
}
"""

SMALL_STACK = SERVED + r"""
enum { EXECVE, EXECVPE, VFORK, SPAWN, SPAWNP, SYSTEM, WAYS };

/* As programs do from a thread. */
static void *start(void *way)
{
	char *argv[] = { "true", NULL };
	pid_t pid = 0;
	int status = -1;

	switch ((long)way) {
	case EXECVE:
	case EXECVPE:
		if ((pid = fork()) == 0)
			_exit((long)way == EXECVE ? execve("/bin/true", argv, environ) : execvpe("true", argv, environ));
		break;
	case VFORK:
		if ((pid = vfork()) == 0)
			_exit(execve("/bin/true", argv, environ));
		break;
	case SPAWN:
		FAIL_IF(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) != 0);
		break;
	case SPAWNP:
		FAIL_IF(posix_spawnp(&pid, "true", NULL, NULL, argv, environ) != 0);
		break;
	default:
		return (void *)(long)system("true");
	}
	waitpid(pid, &status, 0);
	return (void *)(long)status;
}

static int in_thread(long way)
{
	pthread_attr_t attr;
	pthread_t thread;
	void *result;

	pthread_attr_init(&attr);
	FAIL_IF(pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN) != 0);
	FAIL_IF(pthread_create(&thread, &attr, start, (void *)way) != 0);
	pthread_join(thread, &result);
	return (int)(long)result;
}

static int variables;

static void work(void)
{
	char name[32];

	for (int i = 0; i < variables; i++) {
		snprintf(name, sizeof(name), "VARIABLE_%d", i);
		setenv(name, "x", 1);
	}
	for (long way = 0; way < WAYS; way++)
		TRY(in_thread(way));
}

int main(int argc, char **argv)
{
	variables = atoi(argv[1]);
	serve(work);
	return 0;
}
"""

LARGEST = SERVED + r"""
enum { PIECE = 100000 };

static char *argv[1000] = { "true" };

static void arguments(size_t bytes)
{
	int n = 1;

	while (argv[n])
		free(argv[n++]);
	for (n = 1; bytes > 0; n++) {
		size_t piece = bytes < PIECE ? bytes : PIECE;

		argv[n] = malloc(piece + 1);
		memset(argv[n], 'x', piece);
		argv[n][piece] = 0;
		bytes -= piece;
	}
	argv[n] = NULL;
}

static int executed(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execve("/bin/true", argv, environ);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	return status;
}

static int spawned(void)
{
	pid_t pid;
	int error = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ), status;

	return error ? error : waitpid(pid, &status, 0) == pid ? status : -1;
}

static void largest(int (*start)(void))
{
	size_t fits = 0, not = 8 << 20;

	while (not - fits > 1) {
		size_t middle = (fits + not) / 2;

		arguments(middle);
		*(start() == 0 ? &fits : &not) = middle;
	}
	arguments(not);
	printf("%zu bytes, then %#x\n", fits, start());
}

static void work(void)
{
	largest(executed);
	largest(spawned);
}

int main(void)
{
	serve(work);
	return 0;
}
"""


@case(26, "an environment that cannot be read is the kernel's to refuse")
def c26_unreadable(t):
    off = t.same([t.compile("unreadable", UNREADABLE)], ("up", "relay"), spans=2)
    t.check(off.stdout.count(b"errno 14") == 12, f"12 starts are refused with EFAULT:\n{off}")


@case(24, "programs are started from a thread's smallest stack, whatever the environment's size")
def c24_starts(t):
    program = t.compile("small_stack", SMALL_STACK)
    for variables in (10, 300, 1000, 1400, 4000):
        off = t.same([program, str(variables)], ("up", "relay"), spans=2)
        t.check(off.stdout.count(b": 0 errno") == 6, f"all are started:\n{off}")


@case(26, "an argument list may be as large as without the agent")
def c26_largest(t):
    t.same([t.compile("largest", LARGEST)], ("up", "relay"), spans=2)
