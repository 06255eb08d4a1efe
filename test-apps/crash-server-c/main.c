/*
 * crash-server-c PORT [thread|small|fork] [own|again|resets|info|chain|late|jump] [alt]: answers every request, and crashes in
 * the way that the path names: /segv, /null, /bus, /fpe, /ill, /abort, /assert, /overflow, /heap, /kill, /raise, /both, /during,
 * /forked. Knows nothing of tracing.
 * thread: requests are served by a thread that is not the first one. small: and has next to no stack. fork: by a child, whose end
 * the parent tells. own: it handles SIGSEGV itself and ends with status 42. again: its handler puts the default action back and
 * lets the signal come again. resets: the same by SA_RESETHAND. info: it tells what came, and on which stack, and ends with
 * status 42. chain: it hands every signal on to who had it before; late: the same, installed when a request is there already.
 * jump: it jumps out and answers. alt: threads have alternate stacks of the least size.
 */
#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wuse-after-free" /* on purpose, as is all that follows */

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static int listener;
static volatile int zero;
static int alt, late, jumps;
static size_t handler_bytes; /* what it takes of its stack, beyond next to nothing */
static struct sigaction before[NSIG];
static _Thread_local sigjmp_buf back;

static void own(int sig)
{
	static const char said[] = "handled by the program\n";

	(void)sig;
	if (write(STDERR_FILENO, said, sizeof(said) - 1) < 0)
		_exit(43);
	_exit(42);
}

static void again(int sig)
{
	signal(sig, SIG_DFL);
}

static void tell(int sig, siginfo_t *info, void *context)
{
	char said[128];
	stack_t now;

	(void)context;
	sigaltstack(NULL, &now);
	/* Of what was sent there is no address. */
	snprintf(said, sizeof(said), "signal %d, code %d, at %d, %s stack\n", sig, info->si_code,
		 info->si_code > 0 && sig == SIGSEGV ? (int)(long)info->si_addr : 0, now.ss_flags & SS_ONSTACK ? "another" : "the same");
	if (write(STDERR_FILENO, said, strlen(said)) < 0)
		_exit(43);
	_exit(42);
}

static void hand_on(int sig, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	sigaction(sig, &before[sig], NULL);
	raise(sig); /* when this has returned */
}

static void jump(int sig, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	siglongjmp(back, sig);
}

static void handle(void (*handler)(int sig, siginfo_t *info, void *context))
{
	struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	for (int i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &act, &before[signals[i]]);
}

static void nothing(int sig)
{
	(void)sig;
}

__attribute__((noinline)) static int deep(int n)
{
	volatile char frame[256];

	frame[0] = (char)n;
	return n < 0 ? 0 : deep(n + 1 - zero) + frame[0];
}

/* Past the end of the file that is mapped. */
static void bus(void)
{
	char name[] = "/tmp/crash-XXXXXX";
	int fd = mkstemp(name);
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	unlink(name);
	zero = p[100];
}

static void *fault(void *arg)
{
	*(volatile int *)(long)(zero + 16) = 1;
	return arg;
}

static pthread_t server;

/* Strikes the thread that serves, wherever it is. */
static void *strike(void *arg)
{
	usleep(*(useconds_t *)arg);
	pthread_kill(server, SIGFPE);
	return NULL;
}

/* In the middle of calls on a connection: one that answers itself. */
static void during(void)
{
	static const char request[] = "GET /self HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\n\r\n1";
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2";
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int own = socket(AF_INET, SOCK_STREAM, 0), to = socket(AF_INET, SOCK_STREAM, 0), from;
	useconds_t wait = 3000 + (useconds_t)getpid() % 5000;
	socklen_t n = sizeof(at);
	pthread_t striker;
	char room[512];

	if (bind(own, (struct sockaddr *)&at, n) != 0 || listen(own, 1) != 0 || getsockname(own, (struct sockaddr *)&at, &n) != 0 ||
	    connect(to, (struct sockaddr *)&at, n) != 0)
		_exit(44);
	from = accept(own, NULL, NULL);
	server = pthread_self();
	pthread_create(&striker, NULL, strike, &wait);
	for (;;)
		if (write(to, request, sizeof(request) - 1) < 0 || read(from, room, sizeof(room)) < 0 ||
		    write(from, answer, sizeof(answer) - 1) < 0 || read(to, room, sizeof(room)) < 0)
			_exit(45);
}

/* What came of a child. */
static void report(pid_t child)
{
	int status = 0;

	waitpid(child, &status, 0);
	fprintf(stderr, "the child ended by signal %d, status %d%s\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) && WCOREDUMP(status) ? ", with a core" : "");
}

/* Crashes in a child, and goes on. */
static void forked(void)
{
	pid_t child = fork();

	if (child == 0)
		fault(NULL);
	report(child);
}

__attribute__((noinline)) static void crash(const char *path)
{
	pthread_t other;

	if (late)
		handle(hand_on);
	late = 0;
	if (strcmp(path, "during") == 0)
		during();
	if (strcmp(path, "forked") == 0)
		forked();
	if (strcmp(path, "segv") == 0)
		fault(NULL);
	if (strcmp(path, "null") == 0)
		((void (*)(void))(long)zero)();
	if (strcmp(path, "bus") == 0)
		bus();
	if (strcmp(path, "fpe") == 0)
		zero = (int)strlen(path) / zero;
	if (strcmp(path, "ill") == 0)
		__builtin_trap();
	if (strcmp(path, "abort") == 0)
		abort();
	if (strcmp(path, "assert") == 0)
		assert(path == NULL);
	if (strcmp(path, "overflow") == 0)
		zero = deep(zero);
	if (strcmp(path, "heap") == 0) {
		void *volatile p = malloc(100);

		free(p);
		free(p);
	}
	if (strcmp(path, "kill") == 0)
		kill(getpid(), SIGSEGV);
	if (strcmp(path, "raise") == 0)
		raise(SIGFPE);
	if (strcmp(path, "both") == 0) {
		pthread_create(&other, NULL, fault, NULL);
		fault(NULL);
	}
}

static void *serve(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
	size_t size = getauxval(AT_MINSIGSTKSZ);
	stack_t stack = { .ss_size = (size < 2048 ? 2048 : size) + handler_bytes };

	if (alt) {
		stack.ss_sp = malloc(stack.ss_size);
		sigaltstack(&stack, NULL);
	}
	for (;;) {
		char request[4096], path[32] = "";
		int fd = accept(listener, NULL, NULL);
		ssize_t n = read(fd, request, sizeof(request) - 1);

		if (n > 0) {
			request[n] = '\0';
			sscanf(request, "GET /%31[a-z]", path);
			if (!jumps || sigsetjmp(back, 1) == 0)
				crash(path);
			if (write(fd, answer, sizeof(answer) - 1) < 0)
				perror("write");
		}
		close(fd);
	}
	return arg;
}

static void take_option(const char *option)
{
	struct sigaction resets = { .sa_handler = nothing, .sa_flags = (int)SA_RESETHAND };

	if (strcmp(option, "own") == 0)
		signal(SIGSEGV, own);
	if (strcmp(option, "again") == 0)
		signal(SIGSEGV, again);
	if (strcmp(option, "resets") == 0)
		sigaction(SIGSEGV, &resets, NULL);
	if (strcmp(option, "info") == 0)
		handle(tell);
	if (strcmp(option, "chain") == 0)
		handle(hand_on);
	if (strcmp(option, "jump") == 0) {
		handle(jump);
		jumps = 1;
	}
	if (strcmp(option, "late") == 0)
		late = 1;
	if (strcmp(option, "alt") == 0)
		alt = 1;
	if (strcmp(option, "info") == 0 || strcmp(option, "late") == 0)
		handler_bytes = 16384;
}

static int serve_as(const char *how)
{
	pthread_attr_t attr;
	pid_t child;

	pthread_attr_init(&attr);
	if (strcmp(how, "fork") == 0) {
		child = fork();
		if (child == 0)
			serve(NULL);
		report(child);
		return 0;
	}
	if (strcmp(how, "small") == 0)
		pthread_attr_setstacksize(&attr, 3 * (size_t)PTHREAD_STACK_MIN / 2);
	else if (strcmp(how, "thread") != 0)
		serve(NULL);
	pthread_create(&server, &attr, serve, NULL);
	pthread_join(server, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int yes = 1;

	at.sin_port = htons((uint16_t)atoi(argv[1]));
	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 16) != 0)
		return 1;
	for (int i = 2; i < argc; i++)
		take_option(argv[i]);
	return serve_as(argc > 2 ? argv[2] : "");
}
