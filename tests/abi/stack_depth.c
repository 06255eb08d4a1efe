/*
 * How much of a small stack a visit takes (docs/SAFETY.md, H11): captured conversations go over real sockets, by way of the hooks of
 * the preloaded agent, once as their client and once as their server. Each call runs on a stack of its own that was
 * painted before; what it changed says how deep it went. The far end makes raw system calls, which no hook sees.
 *
 *   stack_depth LIMIT_BYTES FILE.wire...
 *
 * Says the deepest call. Fails when it went deeper than LIMIT_BYTES, and when none went as deep as a visit does: then there was no agent.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/sys.h"
#include "tests/replay/wire.h"

enum { STACK_BYTES = 32 * 1024, PAINT = 0xa5, PIECE_MAX = 16 * 1024, VISIT_LEAST_BYTES = 600, CALLS = 8 };

/* ---- calls on a painted stack ---- */

enum call { SOCKET, CONNECT, ACCEPT, SEND, RECEIVE, SENDFILE, SHUTDOWN, CLOSE };
static const char names[CALLS][10] = { "socket", "connect", "accept", "send", "recv", "sendfile", "shutdown", "close" };

static struct {
	enum call call;
	int fd, flags;
	char *p;
	size_t n;
	struct sockaddr_in to;
	long result;
	uintptr_t entry; /* of the stack pointer, where the call is made */
} now;

static unsigned char *stack;
static ucontext_t caller, callee;
static size_t deepest[CALLS];
static const char *where[CALLS]; /* the capture */
static const char *file;

static void call(void)
{
	now.entry = (uintptr_t)__builtin_frame_address(0);
	switch (now.call) {
	case SOCKET:
		now.result = socket(AF_INET, SOCK_STREAM, 0);
		break;
	case CONNECT:
		now.result = connect(now.fd, (struct sockaddr *)&now.to, sizeof(now.to));
		break;
	case ACCEPT:
		now.result = accept(now.fd, NULL, NULL);
		break;
	case SEND:
		now.result = send(now.fd, now.p, now.n, MSG_NOSIGNAL);
		break;
	case RECEIVE:
		now.result = recv(now.fd, now.p, now.n, now.flags);
		break;
	case SENDFILE:
		now.result = sendfile(now.fd, now.flags, NULL, now.n);
		break;
	case SHUTDOWN:
		now.result = shutdown(now.fd, SHUT_WR);
		break;
	case CLOSE:
		now.result = close(now.fd);
		break;
	}
}

static void measure(enum call which)
{
	size_t at = 0, depth;

	now.call = which;
	getcontext(&callee);
	callee.uc_stack = (stack_t){ .ss_sp = stack, .ss_size = STACK_BYTES };
	callee.uc_link = &caller;
	makecontext(&callee, call, 0);
	swapcontext(&caller, &callee);
	while (at < STACK_BYTES && stack[at] == PAINT)
		at++;
	depth = now.entry - (uintptr_t)(stack + at);
	memset(stack + at, PAINT, STACK_BYTES - at);
	if (depth > deepest[which]) {
		deepest[which] = depth;
		where[which] = file;
	}
}

/* ---- two ends ---- */

struct ends {
	int program, peer, listener;
};

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in listen_on(int fd, bool seen)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	must(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0, "bind");
	must((seen ? listen(fd, 5) : rm_sys2(__NR_listen, fd, 5)) == 0, "listen");
	must(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "getsockname");
	return at;
}

static struct ends open_client(void)
{
	struct ends e = { .listener = (int)rm_sys3(__NR_socket, AF_INET, SOCK_STREAM, 0) };

	now.to = listen_on(e.listener, false);
	measure(SOCKET);
	e.program = now.fd = (int)now.result;
	measure(CONNECT);
	must(now.result == 0, "connect");
	e.peer = (int)rm_sys4(__NR_accept4, e.listener, 0, 0, SOCK_NONBLOCK);
	return e;
}

static struct ends open_server(void)
{
	struct ends e = { .listener = socket(AF_INET, SOCK_STREAM, 0) };
	struct sockaddr_in to = listen_on(e.listener, true);

	e.peer = (int)rm_sys3(__NR_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	rm_sys3(__NR_connect, e.peer, &to, sizeof(to));
	now.fd = e.listener;
	measure(ACCEPT);
	e.program = (int)now.result;
	return e;
}

static void close_ends(struct ends *e)
{
	now.fd = e->program;
	measure(CLOSE);
	rm_sys1(__NR_close, e->peer);
	close(e->listener);
}

/* ---- what they say ---- */

static char room[PIECE_MAX + 4096];

/* All that is on its way to the peer. */
static void drain(const struct ends *e)
{
	while (rm_sys6(__NR_recvfrom, e->peer, (long)room, sizeof(room), MSG_DONTWAIT, 0, 0) > 0)
		;
}

static void say(const struct ends *e, char *p, size_t n)
{
	now.fd = e->program;
	now.p = p;
	now.n = n;
	measure(SEND);
	drain(e);
}

static void hear(const struct ends *e, const char *p, size_t n, int flags)
{
	if (n && rm_sys6(__NR_sendto, e->peer, (long)p, (long)n, MSG_NOSIGNAL, 0, 0) <= 0)
		return;
	now.fd = e->program;
	now.p = room;
	now.n = sizeof(room);
	now.flags = MSG_DONTWAIT | flags;
	do
		measure(RECEIVE);
	while (now.result > 0);
}

static void play_bytes(const struct ends *e, const struct wire_item *item, bool ours, size_t piece)
{
	for (size_t at = 0; at < item->n; at += piece) {
		size_t n = item->n - at < piece ? item->n - at : piece;

		if (ours)
			say(e, item->bytes + at, n);
		else
			hear(e, item->bytes + at, n, 0);
	}
}

static void play_skipped(const struct ends *e, size_t n, bool ours)
{
	static int zeros = -1;

	if (zeros < 0)
		zeros = memfd_create("zeros", 0);
	n = n < PIECE_MAX ? n : PIECE_MAX;
	must(ftruncate(zeros, (off_t)n) == 0 && lseek(zeros, 0, SEEK_SET) == 0, "ftruncate");
	now.fd = e->program;
	now.flags = zeros;
	now.n = n;
	if (ours) {
		measure(SENDFILE);
		drain(e);
	} else {
		memset(room, 0, n);
		hear(e, room, n, MSG_TRUNC);
	}
}

static void play_item(const struct ends *e, const struct wire_item *item, bool ours, size_t piece)
{
	static const struct linger at_once = { .l_onoff = 1 };

	switch (item->kind) {
	case WIRE_BYTES:
		play_bytes(e, item, ours, piece);
		break;
	case WIRE_SKIP:
		play_skipped(e, item->n, ours);
		break;
	case WIRE_END:
		now.fd = e->program;
		if (ours)
			measure(SHUTDOWN);
		else
			rm_sys2(__NR_shutdown, e->peer, SHUT_WR);
		hear(e, NULL, 0, 0);
		break;
	case WIRE_RESET:
		rm_sys5(__NR_setsockopt, e->peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		rm_sys1(__NR_close, e->peer);
		hear(e, NULL, 0, 0);
		break;
	}
}

static void play(const struct wire *w, bool is_client, size_t piece)
{
	struct ends e = is_client ? open_client() : open_server();

	for (size_t i = 0; i < w->count; i++)
		play_item(&e, &w->items[i], (w->items[i].dir == RM_DIR_REQUEST) == is_client, piece);
	close_ends(&e);
}

int main(int argc, char **argv)
{
	static const size_t pieces[] = { PIECE_MAX, 1000, 61 };
	size_t limit = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, most = 0;
	bool good;

	stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(stack != MAP_FAILED, "mmap");
	memset(stack, PAINT, STACK_BYTES);
	for (int i = 2; i < argc; i++) {
		struct wire w = wire_read(argv[i]);

		file = argv[i];
		for (size_t k = 0; k < 2 * sizeof(pieces) / sizeof(pieces[0]); k++)
			play(&w, k % 2, pieces[k / 2]);
		wire_free(&w);
	}
	for (int i = 0; i < CALLS; i++) {
		printf("# %s: %zu bytes, %s\n", names[i], deepest[i], where[i] ? where[i] : "-");
		most = deepest[i] > most ? deepest[i] : most;
	}
	good = most <= limit && most >= VISIT_LEAST_BYTES;
	printf("%s 1 - a visit takes %zu bytes of stack, of %zu\n1..1\n", good ? "ok" : "not ok", most, limit);
	return !good;
}
