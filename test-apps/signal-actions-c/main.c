/*
 * signal-actions-c PORT: makes one request, then says what the signals of crashes do, and what it is told of that as it
 * changes them in every way that libc has. Knows nothing of tracing.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGUSR1, SIGPIPE };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static void handler(int sig)
{
	printf("  handler of %d\n", sig);
}

static const char *name(void (*f)(int))
{
	return f == SIG_DFL ? "default" : f == SIG_IGN ? "ignore" : f == SIG_ERR ? "error" : f == handler ? "handler" : "SOMETHING ELSE";
}

static void show(const char *when, int sig)
{
	struct sigaction now;
	int blocked = 0;

	memset(&now, 0x55, sizeof(now));
	if (sigaction(sig, NULL, &now) != 0) {
		printf("%s: %d: %s\n", when, sig, strerror(errno));
		return;
	}
	for (int i = 1; i < 65; i++)
		blocked += sigismember(&now.sa_mask, i) == 1;
	printf("%s: %d: %s, flags %x, %d blocked, %s restorer\n", when, sig, name(now.sa_handler), (unsigned)now.sa_flags, blocked,
	       now.sa_restorer ? "a" : "no");
}

static void request(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const char text[] = "GET /hello HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char answer[4096];

	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || write(fd, text, sizeof(text) - 1) < 0)
		exit(1);
	while (read(fd, answer, sizeof(answer)) > 0)
		;
	close(fd);
}

static void change(int sig)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART }, before;

	show("at first", sig);
	sigaddset(&act.sa_mask, SIGUSR2);
	memset(&before, 0x55, sizeof(before));
	printf("sigaction to a handler: %d, ", sigaction(sig, &act, &before));
	printf("before it was %s\n", name(before.sa_handler));
	show("with a handler", sig);
	raise(sig);
	act.sa_handler = SIG_DFL;
	sigaction(sig, &act, &before);
	printf("before the default it was %s\n", name(before.sa_handler));
	show("default with flags and a mask", sig);
	sigaction(sig, &before, &act);
	printf("before it was put back it was %s\n", name(act.sa_handler));
	show("the handler again", sig);
	printf("signal: %s\n", name(signal(sig, SIG_DFL)));
	printf("signal: %s\n", name(signal(sig, SIG_DFL)));
	show("default by signal", sig);
	printf("signal: %s\n", name(signal(sig, SIG_IGN)));
	printf("signal: %s\n", name(signal(sig, handler)));
	show("a handler by signal", sig);
	printf("sysv_signal: %s\n", name(sysv_signal(sig, SIG_DFL)));
	show("default by sysv_signal", sig);
	printf("ssignal: %s\n", name(ssignal(sig, handler)));
	printf("sigset: %s\n", name(sigset(sig, SIG_DFL)));
	printf("sigset: %s\n", name(sigset(sig, SIG_IGN)));
	show("ignored by sigset", sig);
	raise(sig);
	printf("signal: %s\n", name(signal(sig, SIG_DFL)));
	act = (struct sigaction){ .sa_handler = handler, .sa_flags = (int)SA_RESETHAND };
	sigaction(sig, &act, NULL);
	raise(sig);
	show("after a handler for once", sig);
	act = (struct sigaction){ .sa_handler = SIG_DFL, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	sigaction(sig, &act, NULL);
	show("default with flags for handlers", sig);
	signal(sig, SIG_DFL);
	siginterrupt(sig, 1);
	show("after siginterrupt", sig);
	printf("wrong: %d\n", sigaction(99, &act, NULL));
}

static void in_child(const char *what, int sig, int by_vfork)
{
	pid_t child = by_vfork ? vfork() : fork();
	int status;

	if (child == 0) {
		if (!by_vfork) {
			show(what, sig);
			fflush(stdout);
		}
		raise(sig);
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("%s: signal %d: died of %d\n", what, sig, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	show("and here", sig);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	request(atoi(argv[argc - 1]));
	for (int i = 0; i < SIGNALS; i++)
		show("after a request", signals[i]);
	fflush(stdout);
	for (int i = 0; i < SIGNALS; i++)
		in_child("forked", signals[i], 0);
	for (int i = 0; i < SIGNALS; i++)
		in_child("by vfork", signals[i], 1);
	for (int i = 0; i < SIGNALS; i++)
		change(signals[i]);
	request(atoi(argv[argc - 1]));
	for (int i = 0; i < SIGNALS; i++)
		show("at the end", signals[i]);
	fflush(stdout);
	execl("/bin/sh", "sh", "-c", "grep -E 'Sig(Ign|Cgt)' /proc/self/status", (char *)NULL);
	return 1;
}
