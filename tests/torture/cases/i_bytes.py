"""Case 41: the bytes. Whatever calls they pass through, and however those are cut, refused or
interrupted: the peer gets the program's bytes, the program what was sent.
"""

from frame import case

PRELUDE = r"""
#include "torture.h"
#include "mill.h"
#include <netinet/tcp.h>
#include <sys/sendfile.h>
"""

# ---- 41: every call, both ways ----

STREAM = PRELUDE + r"""
enum out { O_WRITE, O_WRITEV, O_SEND, O_SENDTO, O_SENDMSG, O_SENDMMSG, O_SENDFILE, O_SPLICE, O_MORE, O_PWRITEV2,
	   O_STDIO, OUTS };
enum in { I_READ, I_READV, I_RECV, I_RECVFROM, I_RECVMSG, I_RECVMMSG, I_PEEK, I_WAITALL, I_SPLICE, I_PREADV2,
	  I_STDIO, INS };
struct end {
	int fd, how_out, how_in, pipe[2];
	FILE *stdio;
};

static size_t cut = 60000; /* the largest piece of one call */

static void wait_for(int fd, short events)
{
	struct pollfd p = { fd, events };

	poll(&p, 1, -1);
}

/* One call; the result is never more than `n`. */
static ssize_t out_once(struct end *e, const char *p, size_t n, int file, size_t at)
{
	size_t half = n / 2;
	struct iovec iov[4] = { { (char *)p, half }, { NULL, 0 }, { (char *)p + half, n - half } };
	struct mmsghdr m[2] = { { .msg_hdr = { .msg_iov = iov, .msg_iovlen = 1 } },
				{ .msg_hdr = { .msg_iov = iov + 1, .msg_iovlen = 2 } } };
	off_t offset = (off_t)at;
	ssize_t r;
	int sent;

	switch (e->how_out) {
	case O_WRITE: return write(e->fd, p, n);
	case O_WRITEV: return writev(e->fd, iov, 3);
	case O_SEND: return send(e->fd, p, n, MSG_NOSIGNAL);
	case O_SENDTO: return sendto(e->fd, p, n, 0, NULL, 0);
	case O_SENDMSG: return sendmsg(e->fd, &(struct msghdr){ .msg_iov = iov, .msg_iovlen = 3 }, 0);
	case O_PWRITEV2: return pwritev2(e->fd, iov, 3, -1, 0);
	case O_MORE: return send(e->fd, p, n > 1000 ? half : n, n > 1000 ? MSG_MORE : 0);
	case O_SENDFILE: return sendfile(e->fd, file, &offset, n);
	case O_SENDMMSG:
		sent = sendmmsg(e->fd, m, 2, 0);
		return sent < 0 ? -1 : sent == 0 ? 0 : (ssize_t)m[0].msg_len + (sent > 1 ? m[1].msg_len : 0);
	case O_SPLICE:
		if (n > 60000)
			n = 60000; /* what a pipe holds */
		r = write(e->pipe[1], p, n);
		FAIL_IF(r != (ssize_t)n);
		for (size_t done = 0; done < n;) {
			r = splice(e->pipe[0], NULL, e->fd, NULL, n - done, 0);
			if (r < 0 && errno == EAGAIN)
				wait_for(e->fd, POLLOUT);
			else if (r < 0 && errno != EINTR)
				return -1;
			done += r > 0 ? (size_t)r : 0;
		}
		return (ssize_t)n;
	case O_STDIO:
		r = (ssize_t)fwrite(p, 1, n, e->stdio);
		FAIL_IF(r != (ssize_t)n || fflush(e->stdio) != 0);
		return r;
	}
	return -1;
}

static void out(struct end *e, const char *p, size_t n, int file, size_t at)
{
	while (n > 0) {
		size_t piece = n < cut ? n : cut;
		ssize_t r;

		if (n % 7 == 0 && e->how_out != O_STDIO)
			FAIL_IF(write(e->fd, p, 0) != 0);
		r = out_once(e, p, piece, file, at);
		if (r < 0 && errno == EAGAIN)
			wait_for(e->fd, POLLOUT);
		if (r < 0)
			FAIL_IF(errno != EAGAIN && errno != EINTR);
		FAIL_IF(r > (ssize_t)piece);
		r = r > 0 ? r : 0;
		p += r, at += (size_t)r, n -= (size_t)r;
	}
}

static ssize_t in_once(struct end *e, char *p, size_t n)
{
	size_t half = n / 2;
	struct iovec iov[3] = { { p, half }, { NULL, 0 }, { p + half, n - half } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 3 };
	struct mmsghdr mm = { .msg_hdr = m };
	char peeked[512];
	ssize_t r, seen;

	switch (e->how_in) {
	case I_READ: return read(e->fd, p, n);
	case I_READV: return readv(e->fd, iov, 3);
	case I_RECV: return recv(e->fd, p, n, 0);
	case I_RECVFROM: return recvfrom(e->fd, p, n, 0, NULL, NULL);
	case I_RECVMSG: return recvmsg(e->fd, &m, 0);
	case I_PREADV2: return preadv2(e->fd, iov, 3, -1, 0);
	case I_STDIO: return (ssize_t)fread(p, 1, 1, e->stdio); /* what is buffered comes byte by byte */
	case I_RECVMMSG:
		r = recvmmsg(e->fd, &mm, 1, 0, NULL);
		return r < 0 ? -1 : (ssize_t)mm.msg_len;
	case I_PEEK:
		seen = recv(e->fd, peeked, n < sizeof(peeked) ? n : sizeof(peeked), MSG_PEEK);
		if (seen <= 0)
			return seen;
		r = recv(e->fd, p, n, 0);
		FAIL_IF(r < 0 && errno != EINTR);
		if (r > 0)
			FAIL_IF(r < seen || memcmp(p, peeked, (size_t)seen) != 0);
		return r;
	case I_WAITALL: return recv(e->fd, p, n < 4 ? n : 4, MSG_WAITALL);
	case I_SPLICE:
		r = splice(e->fd, NULL, e->pipe[1], NULL, n < 60000 ? n : 60000, 0);
		return r > 0 ? read(e->pipe[0], p, (size_t)r) : r;
	}
	return -1;
}

static size_t in(struct end *e, char *p, size_t n)
{
	for (;;) {
		ssize_t r = in_once(e, p, n);

		FAIL_IF(r > (ssize_t)n);
		if (r >= 0)
			return (size_t)r;
		if (errno == EAGAIN)
			wait_for(e->fd, POLLIN);
		else
			FAIL_IF(errno != EINTR);
	}
}

static uint64_t sum(uint64_t h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)p[i]) * 1099511628211u;
	return h;
}

/* Takes lines of the agent out of a head: what is left must be what was sent. */
static void check_head(char *head, const char *expected)
{
	static const char name[] = "traceparent: ";
	char *line;

	while ((line = strstr(head, name))) {
		char *next = strchr(line, '\n') + 1;

		memmove(line, next, strlen(next) + 1);
	}
	FAIL_IF(strcmp(head, expected) != 0);
}

/* Reads one message; returns the checksum of its body. */
static uint64_t receive(struct end *e, const char *expected, size_t body)
{
	static char buffer[1 << 17];
	size_t have = 0, head_bytes;
	uint64_t h = 14695981039346656037u;
	char *end;

	do {
		size_t r = in(e, buffer + have, 60000);

		FAIL_IF(r == 0);
		have += r;
		buffer[have] = 0;
	} while (!(end = strstr(buffer, "\r\n\r\n")));
	head_bytes = (size_t)(end + 4 - buffer);
	h = sum(h, end + 4, have - head_bytes);
	body -= have - head_bytes;
	end[4] = 0;
	check_head(buffer, expected);
	while (body > 0) {
		size_t r = in(e, buffer, body < 60000 ? body : 60000);

		FAIL_IF(r == 0);
		h = sum(h, buffer, r);
		body -= r;
	}
	return h;
}

static int body_file;
static char *body_bytes;

static void transmit(struct end *e, const char *head, size_t body)
{
	struct end plain = { .fd = e->fd, .how_out = e->how_out == O_SENDFILE ? O_WRITE : e->how_out,
			     .pipe = { e->pipe[0], e->pipe[1] }, .stdio = e->stdio };

	out(&plain, head, strlen(head), -1, 0);
	out(e, body_bytes, body, body_file, 0);
}

static void tick(int signal)
{
}

static void interrupted(int us)
{
	struct sigaction act = { .sa_handler = tick };
	struct itimerval every = { { 0, us }, { 0, us } };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

static struct end make_end(int fd, int how_out, int how_in)
{
	struct end e = { .fd = fd, .how_out = how_out, .how_in = how_in };

	FAIL_IF(pipe2(e.pipe, O_CLOEXEC) != 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (how_out == O_STDIO || how_in == I_STDIO)
		e.stdio = fdopen(dup(fd), "r+");
	return e;
}

static void end_of(struct end *e)
{
	if (e->stdio)
		fclose(e->stdio);
	close(e->pipe[0]);
	close(e->pipe[1]);
	close(e->fd);
}

/* argv: bytes of each body, bytes of a call, tiny buffers?, only this way of sending, of receiving (or -1) */
int main(int argc, char **argv)
{
	size_t body = (size_t)atol(argv[1]);
	int tiny = atoi(argv[3]), only_out = atoi(argv[4]), only_in = atoi(argv[5]), small = 2304, listener;
	char request[256], answer[256];
	pid_t child;

	cut = (size_t)atol(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	body_file = memfd_create("body", MFD_CLOEXEC);
	FAIL_IF(ftruncate(body_file, (off_t)body + 1) != 0);
	body_bytes = mmap(NULL, body + 1, PROT_READ | PROT_WRITE, MAP_SHARED, body_file, 0);
	for (size_t i = 0; i < body; i++)
		body_bytes[i] = (char)(i * 2654435761u >> 13);
	snprintf(request, sizeof(request), "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", body);
	snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body);
	listener = mill_listen();
	child = fork();
	for (int o = 0; o < OUTS; o++) {
		for (int i = 0; i < INS; i++) {
			struct end e;
			uint64_t h = 0;
			int fd;

			if ((only_out >= 0 && o != only_out) || (only_in >= 0 && i != only_in))
				continue;
			if (child == 0) {
				fd = accept(listener, NULL, NULL);
			} else {
				fd = mill_connect();
				if (tiny) {
					setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
					if (o != O_STDIO && i != I_STDIO)
						fcntl(fd, F_SETFL, O_NONBLOCK);
					if (o != O_STDIO && i != I_STDIO)
						interrupted(700);
				}
			}
			e = make_end(fd, o, i);
			for (int twice = 0; twice < 2; twice++) { /* keep-alive */
				if (child == 0) {
					receive(&e, request, body);
					transmit(&e, answer, body);
				} else {
					transmit(&e, request, body);
					h = receive(&e, answer, body);
				}
			}
			end_of(&e);
			if (child) {
				setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
				printf("%d %d: %016llx\n", o, i, (unsigned long long)h);
			}
		}
	}
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	return 0;
}
"""


@case(41, "every call that sends and receives, with stdio, MSG_PEEK and zero lengths, gives the same bytes")
def c41_calls(t):
    for flags, name in ((["-O1"], "stream"), (["-O2", "-D_FORTIFY_SOURCE=2"], "stream_fortified")):
        program = t.compile(name, STREAM, *flags)
        t.same([program, 30000, 60000, 0, -1, -1], states=("up", "stuck"))
    t.same([program, 3000, 700, 0, -1, -1], states=("up", "down"))


@case(41, "a tiny non-blocking send buffer and a timer that interrupts everything change no byte")
def c41_tiny(t):
    program = t.compile("stream", STREAM)
    t.same([program, 8000, 3000, 1, -1, -1], states=("up",))


@case(41, "a fifth of a gigabyte, or a whole one, goes each way with the right checksum")
def c41_bulk(t):
    program = t.compile("stream", STREAM, "-O2")
    for out, into in ((2, 2), (1, 1), (6, 0)):
        t.same([program, t.count(34000000, 170000000), 1000000, 0, out, into], states=("up", "tls", "stuck"))


# ---- 41: pointers to nowhere ----

FAULT = PRELUDE + r"""
static char *good, *none, *edge, *ro;

#define SAY(call)                                                                                  \
	do {                                                                                       \
		errno = 0;                                                                         \
		long said = (long)(call);                                                          \
		printf("%s %s %ld %d\n", side, #call, said, errno);                                \
	} while (0)

static const char *side;

/* Every way to offer memory that is not there. The socket does not block. */
static void offer(int fd)
{
	char *bad[] = { NULL, (char *)8, none, edge - 3, (char *)-1, (char *)-4096, (char *)0x8000000000000000 };

	for (int i = 0; i < 7; i++) {
		char *p = bad[i];
		struct iovec iov[2] = { { p, 100 }, { p, 100 } }, mixed[2] = { { good, 20 }, { p, 100 } };
		struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 }, wild = { .msg_iov = (void *)p, .msg_iovlen = 2 };
		struct mmsghdr mm = { .msg_hdr = m };

		if (i != 3) {
			SAY(write(fd, p, 100));
			SAY(send(fd, p, 100, MSG_NOSIGNAL));
			SAY(sendto(fd, p, 100, 0, NULL, 0));
			SAY(writev(fd, iov, 2));
			SAY(sendmsg(fd, &m, 0));
			SAY(sendmmsg(fd, &mm, 1, 0));
			SAY(pwritev2(fd, iov, 2, -1, 0));
		}
		SAY(writev(fd, (void *)p, 2));
		SAY(readv(fd, (void *)p, 2));
		SAY(sendmsg(fd, (void *)p, 0));
		SAY(recvmsg(fd, (void *)p, 0));
		SAY(sendmsg(fd, &wild, 0));
		SAY(recvmsg(fd, &wild, 0));
		SAY(recvmmsg(fd, (void *)p, 1, 0, NULL));
		SAY(sendmmsg(fd, (void *)p, 1, 0));
		SAY(poll((void *)p, 2, 0));
		SAY(select(10, (void *)p, NULL, NULL, &(struct timeval){ 0 }));
		SAY(write(fd, p, 0));
	}
}

/* Reads into memory that is not there, while bytes wait. */
static void take(int fd)
{
	char *bad[] = { none, (char *)-1, ro };

	for (int i = 0; i < 3; i++) {
		struct iovec iov[2] = { { bad[i], 100 }, { bad[i], 100 } };
		struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

		SAY(read(fd, bad[i], 4096));
		SAY(recv(fd, bad[i], 4096, 0));
		SAY(recv(fd, bad[i], 4096, MSG_PEEK));
		SAY(recvfrom(fd, bad[i], 4096, 0, NULL, NULL));
		SAY(readv(fd, iov, 2));
		SAY(recvmsg(fd, &m, 0));
		SAY(preadv2(fd, iov, 2, -1, 0));
	}
}

int main(int argc, char **argv)
{
	static const char head[] = "GET /f HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char half[] = "POST /f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3";
	int listener = mill_listen(), client, server;
	char bytes[4096], *m;

	setvbuf(stdout, NULL, _IONBF, 0);
	signal(SIGPIPE, SIG_IGN);
	m = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	good = m, edge = m + 4096, none = m + 4096, ro = m + 8192;
	memset(good, 'G', 4096);
	mprotect(none, 4096, PROT_NONE);
	mprotect(ro, 4096, PROT_READ);
	for (int stage = 0; stage < 4; stage++) {
		client = mill_connect();
		server = accept(listener, NULL, NULL);
		fcntl(client, F_SETFL, O_NONBLOCK);
		fcntl(server, F_SETFL, O_NONBLOCK);
		if (stage == 1 || stage == 3) {
			FAIL_IF(send(client, head, sizeof(head) - 1, 0) != sizeof(head) - 1);
			usleep(1000);
			side = "server takes";
			take(server);
			FAIL_IF(recv(server, bytes, sizeof(bytes), 0) < (ssize_t)sizeof(head) - 1);
		}
		if (stage == 2)
			FAIL_IF(send(client, half, sizeof(half) - 1, 0) != sizeof(half) - 1);
		side = "server offers";
		if (stage == 1)
			offer(server);
		side = "client offers";
		if (stage != 3)
			offer(client);
		side = "client takes";
		FAIL_IF(send(server, MILL_ANSWER, sizeof(MILL_ANSWER) - 1, 0) != sizeof(MILL_ANSWER) - 1);
		usleep(1000);
		take(client);
		SAY(recv(client, bytes, sizeof(bytes), 0));
		SAY(send(client, MILL_REQUEST, sizeof(MILL_REQUEST) - 1, 0));
		/* A request whose body runs into a hole: the kernel takes what there is. */
		memcpy(edge - 100, "POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n", 40);
		SAY(send(client, edge - 100, 500, 0));
		SAY(send(client, edge - 60, 440, 0));
		/* More room is claimed than there is. */
		SAY(recv(server, edge - 400, 4000, 0) > 0);
		close(client);
		close(server);
		/* The request comes from nobody we know, and just fits: there is no room for a line behind it. */
		client = mill_connect();
		server = accept(listener, NULL, NULL);
		FAIL_IF(syscall(SYS_sendto, client, MILL_REQUEST, sizeof(MILL_REQUEST) - 1, 0, NULL, 0) < 0);
		SAY(recv(server, edge - 40 - stage * 10, 4000, 0));
		close(client);
		close(server);
	}
	return 0;
}
"""


@case(41, "pointers to nowhere are the kernel's to refuse")
def c41_fault(t):
    t.same([t.compile("fault", FAULT)], states=("up", "down"))


# ---- 41: what a read tells beside the bytes ----

CONTROL = PRELUDE + r"""
#include <sys/ioctl.h>
#include <sys/un.h>

static char bytes[1000];

static void take(int fd)
{
	union {
		struct cmsghdr head;
		char room[256];
	} control;
	struct iovec iov = { bytes, 512 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

	FAIL_IF(n < 0);
	printf("%zd bytes, flags %x\n", n, m.msg_flags);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		int value;

		memcpy(&value, CMSG_DATA(c), sizeof(value));
		printf("level %d, type %d: %d\n", c->cmsg_level, c->cmsg_type,
		       c->cmsg_level == IPPROTO_TCP ? value : fcntl(value, F_GETFD));
	}
}

/* A message that nearly fills the room, and one with a descriptor. */
static void rights(int listener)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(to);
	struct iovec iov = { bytes, 10 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int client = socket(AF_UNIX, SOCK_STREAM, 0), server, passed = 2;

	FAIL_IF(getsockname(listener, (struct sockaddr *)&to, &len) != 0);
	FAIL_IF(connect(client, (struct sockaddr *)&to, len) != 0);
	server = accept(listener, NULL, NULL);
	FAIL_IF(send(client, bytes, 450, 0) != 450);
	memcpy(CMSG_DATA(&control.head), &passed, sizeof(passed));
	FAIL_IF(sendmsg(client, &m, 0) != 10);
	take(server);
}

/* The kernel says with each read how much is left. */
static void left(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server, on = 1;
	socklen_t len = sizeof(to);

	FAIL_IF(bind(listener, (struct sockaddr *)&to, len) != 0 || listen(listener, 1) != 0);
	FAIL_IF(getsockname(listener, (struct sockaddr *)&to, &len) != 0);
	FAIL_IF(connect(client, (struct sockaddr *)&to, len) != 0);
	server = accept(listener, NULL, NULL);
	FAIL_IF(setsockopt(server, IPPROTO_TCP, TCP_INQ, &on, sizeof(on)) != 0);
	FAIL_IF(send(client, bytes, sizeof(bytes), 0) != sizeof(bytes));
	for (int there = 0; there < (int)sizeof(bytes); usleep(1000))
		FAIL_IF(ioctl(server, FIONREAD, &there) != 0);
	take(server);
	take(server);
}

int main(void)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	memset(bytes, 'x', sizeof(bytes));
	FAIL_IF(bind(listener, (struct sockaddr *)&(struct sockaddr_un){ .sun_family = AF_UNIX }, sizeof(sa_family_t)) != 0);
	FAIL_IF(listen(listener, 1) != 0);
	rights(listener);
	left();
	return 0;
}
"""


@case(41, "descriptors, and how much is left, come with a read that is nearly full as with any other")
def c41_control(t):
    t.same([t.compile("control", CONTROL)],
           states=("up", "down", "relay"))
