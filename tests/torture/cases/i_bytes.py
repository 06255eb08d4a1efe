"""Cases 41 and 43: the bytes. Whatever calls they pass through, and however those are cut, refused or
interrupted: the peer gets the program's bytes plus whole header lines, the program what was sent.
"""
import random
import re
import socket
import threading

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
    t.same([program, 8000, 3000, 1, -1, -1], states=("up",), seconds=30)


@case(41, "200 MB go each way with the right checksum")
def c41_bulk(t):
    program = t.compile("stream", STREAM, "-O2")
    for out, into in ((2, 2), (1, 1), (6, 0)):
        t.same([program, 34000000, 1000000, 0, out, into], states=("up",), seconds=60)


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


# ---- 43: the rewrite against a real kernel ----

CUTTER = PRELUDE + r"""
/*
 * Sends a file to the peer in pieces of any size, by any call, through a small buffer that does not
 * block. argv: seed, file, then files to be sent after an answer was read, one after the other.
 */
static unsigned state;

static unsigned dice(unsigned sides)
{
	state = state * 1103515245u + 12345u;
	return (state >> 16) % sides;
}

static void send_file(int fd, const char *path)
{
	static char bytes[1 << 22];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(file, bytes, sizeof(bytes)), at = 0;

	FAIL_IF(file < 0 || n < 0);
	close(file);
	while (at < n) {
		size_t piece = 1 + dice(dice(3) ? 90 : 9000), left = (size_t)(n - at);
		struct iovec iov[40];
		int count = 0;
		ssize_t r;

		piece = piece < left ? piece : left;
		for (size_t done = 0; done < piece && count < 40; count++) {
			size_t some = 1 + dice(200);

			some = some < piece - done && count < 39 ? some : piece - done;
			iov[count] = (struct iovec){ bytes + at + done, some };
			done += some;
		}
		switch (dice(4)) {
		case 0: r = write(fd, bytes + at, piece); break;
		case 1: r = send(fd, bytes + at, piece, MSG_NOSIGNAL); break;
		case 2: r = writev(fd, iov, count); break;
		default: r = sendmsg(fd, &(struct msghdr){ .msg_iov = iov, .msg_iovlen = (size_t)count }, 0);
		}
		FAIL_IF(r < 0 && errno != EAGAIN);
		FAIL_IF(r > (ssize_t)piece || r == 0);
		at += r > 0 ? r : 0;
		if (r < 0)
			poll(&(struct pollfd){ fd, POLLOUT }, 1, -1);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(getenv("RAW_PORT"))),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), small = 2304;
	char answer[4096];

	state = (unsigned)atoi(argv[1]);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	FAIL_IF(connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int i = 2; i < argc; i++) {
		send_file(fd, argv[i]);
		if (i + 1 == argc)
			break;
		poll(&(struct pollfd){ fd, POLLIN }, 1, -1);
		FAIL_IF(recv(fd, answer, sizeof(answer), 0) <= 0);
	}
	shutdown(fd, SHUT_WR);
	poll(&(struct pollfd){ fd, POLLIN }, 1, -1);
	return 0;
}
"""

LINE = re.compile(rb"traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\r\n(?=\r\n)")


class Reader:
    """Reads what one connection brings, slowly; answers when it has seen as much as it waits for."""

    def __init__(self, answers=()):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]
        self.got, self.answers = b"", list(answers)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        connection, _ = self.socket.accept()
        with connection:
            while data := connection.recv(4096):
                self.got += data
                if self.answers and self.got.endswith(self.answers[0][0]):
                    connection.sendall(self.answers.pop(0)[1])

    def all(self):
        self.thread.join(10)
        self.socket.close()
        return self.got


def requests(seed, count):
    """Pipelined requests with bodies of each framing; some bodies look like requests."""
    dice, whole = random.Random(seed), b""
    for i in range(count):
        head = b"Host: x\r\n" + b"".join(b"X-%d: %s\r\n" % (k, b"v" * dice.randrange(300)) for k in range(dice.randrange(9)))
        body = dice.choice([b"", b"GET /in HTTP/1.1\r\nHost: body\r\n\r\n", bytes(dice.randrange(5000)),
                            dice.randbytes(dice.randrange(20000))])
        kind = dice.randrange(3)
        if kind == 0:
            whole += b"GET /%d HTTP/1.1\r\n" % i + head + b"\r\n"
        elif kind == 1:
            whole += b"POST /%d HTTP/1.1\r\n" % i + head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        else:
            pieces = [body[k:k + 700] for k in range(0, len(body), 700)]
            whole += b"PUT /%d HTTP/1.1\r\n" % i + head + b"Transfer-Encoding: chunked\r\n\r\n"
            whole += b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    return whole


def rewritten(t, program, seed, parts, answers, lines, state):
    files = []
    for i, part in enumerate(parts):
        files.append(t.dir / f"part{seed}.{i}")
        files[-1].write_bytes(part)
    reader = Reader(answers)
    result = t.run([program, seed, *files], state, env={"RAW_PORT": reader.port})
    got = reader.all()
    t.check(result.status == 0, f"seed {seed}: {result}")
    t.check(LINE.sub(b"", got) == b"".join(parts), f"seed {seed}: other bytes arrived (collector {state})")
    found = len(LINE.findall(got))
    t.check(found == (lines if state else 0), f"seed {seed}: {found} header lines instead of {lines}")


@case(43, "pipelined requests in any pieces arrive whole, each with one line more")
def c43_rewrite(t):
    program = t.compile("cutter", CUTTER)
    for seed in range(12):
        count = 1 + seed * 5  # a client has 64 requests waiting at most before it is left alone
        parts = [requests(seed, count)]
        rewritten(t, program, seed, parts, [], count, None)
        rewritten(t, program, seed, parts, [], count, ("up", "stuck", "relay")[seed % 3])


TUNNEL = b"GET /in-the-tunnel HTTP/1.1\r\nHost: y\r\n\r\n" * 40


@case(43, "what follows CONNECT, an upgrade, a preface of HTTP/2 or nonsense is left alone")
def c43_others(t):
    program = t.compile("cutter", CUTTER)
    blank, ok = b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    connect = b"CONNECT y:443 HTTP/1.1\r\nHost: y:443\r\n\r\n"
    upgrade = b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(range(256))
    strange = [b"GET / HTTP/1.1\nHost: bare\n\n", b"GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
               b"\r\n\r\n GET", b"GET " + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", b"HELO mail\r\n", b"\0" * 100]
    for state in (None, "up", "relay"):
        rewritten(t, program, 1, [connect, TUNNEL], [(blank, ok)], 1, state)
        rewritten(t, program, 2, [upgrade, TUNNEL], [(blank, switch)], 1, state)
        rewritten(t, program, 3, [preface + bytes(range(256)) * 20], [], 0, state)
        rewritten(t, program, 4, [hello * 30], [], 0, state)
        for i, part in enumerate(strange[1:]):
            rewritten(t, program, 10 + i, [part + TUNNEL], [], 0, state)


# ---- 43: threads on one socket ----

RACE = PRELUDE + r"""
enum { THREADS = 4, EACH = 400 };
static int fd, way;

/* Each request is one call, and so one piece, whoever sends beside it. */
static void *ask(void *arg)
{
	char request[2048];

	for (int i = 0; i < EACH; i++) {
		int n = snprintf(request, sizeof(request), "GET /%ld/%d HTTP/1.1\r\nHost: x\r\nX-Pad: %0*d\r\n\r\n",
				 (long)arg, i, 1 + (i * 37) % 1500, 0);
		struct iovec iov[2] = { { request, 10 }, { request + 10, (size_t)n - 10 } };

		if (way == 0)
			FAIL_IF(send(fd, request, (size_t)n, 0) != n);
		else
			FAIL_IF(writev(fd, iov, 2) != n);
		if (i % 16 == 0)
			sched_yield();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(getenv("RAW_PORT"))),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	pthread_t all[THREADS];

	way = atoi(argv[1]);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	FAIL_IF(connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&all[i], NULL, ask, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(all[i], NULL);
	shutdown(fd, SHUT_WR);
	poll(&(struct pollfd){ fd, POLLIN }, 1, -1);
	puts("raced");
	return 0;
}
"""

REQUEST = re.compile(rb"GET /(\d)/(\d+) HTTP/1\.1\r\nHost: x\r\nX-Pad: 0+\r\n\r\n")


class FastReader(Reader):
    def read(self):
        connection, _ = self.socket.accept()
        with connection:
            while data := connection.recv(1 << 16):
                self.got += data


@case(43, "threads that race on one socket send whole requests, in each thread's order")
def c43_race(t):
    program = t.compile("race", RACE)
    for state in (None, "up", "stuck", "relay"):
        for way in (0, 1):
            reader = FastReader()
            result = t.run([program, way], state, env={"RAW_PORT": reader.port})
            got = reader.all()
            t.check(result.status == 0 and result.stdout == b"raced\n", f"collector {state}: {result}")
            rest = LINE.sub(b"", got)
            seen = [(int(a), int(b)) for a, b in REQUEST.findall(rest)]
            t.check(REQUEST.sub(b"", rest) == b"", f"torn requests (collector {state})")
            for thread in range(4):
                t.check([b for a, b in seen if a == thread] == list(range(400)), f"thread {thread} out of order")


MIDDLE = PRELUDE + r"""
static int fd, sending;
static char bytes[1 << 22];

/* Waits in a call on a descriptor that another thread closes and that is given out again. */
static void *wait_in_call(void *arg)
{
	static const char head[] = "POST /m HTTP/1.1\r\nHost: x\r\nContent-Length: 4194245\r\n\r\n";
	ssize_t n;

	memcpy(bytes, head, sizeof(head) - 1);
	n = sending ? send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) : recv(fd, bytes, sizeof(bytes), 0);
	return (void *)n;
}

static size_t drain(int from, size_t want)
{
	static char sink[1 << 16];
	size_t have = 0;

	while (have < want) {
		ssize_t n = recv(from, sink, sizeof(sink), 0);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	return have;
}

int main(int argc, char **argv)
{
	int listener, peer, again, own;
	pthread_t thread;
	struct sockaddr_in mine;
	void *result;

	mill_start();
	mine = mill_address;
	for (int i = 0; i < 40; i++) {
		sending = i % 2;
		listener = mill_listen();
		fd = own = mill_connect();
		peer = accept(listener, NULL, NULL);
		close(listener);
		if (!sending)
			FAIL_IF(send(fd, MILL_REQUEST, sizeof(MILL_REQUEST) - 1, 0) < 0);
		pthread_create(&thread, NULL, wait_in_call, NULL);
		usleep(3000);
		close(fd); /* the call goes on with what it has */
		mill_address = mine;
		again = mill_connect();
		FAIL_IF(again != own);
		mill_get(again);
		if (sending)
			FAIL_IF(drain(peer, sizeof(bytes)) < sizeof(bytes));
		else
			FAIL_IF(send(peer, MILL_ANSWER, sizeof(MILL_ANSWER) - 1, 0) < 0);
		mill_get(again);
		FAIL_IF(pthread_join(thread, &result) != 0);
		FAIL_IF((long)result != (sending ? (long)sizeof(bytes) : (long)sizeof(MILL_ANSWER) - 1));
		mill_get(again);
		close(again);
		close(peer);
	}
	puts("went on");
	return 0;
}
"""


@case(43, "a descriptor is closed and given out again while a thread waits in a call on it")
def c43_middle(t):
    t.same([t.compile("middle", MIDDLE)], states=("up", "stuck", "relay"))


DUPS = PRELUDE + r"""
/* One exchange over several numbers of the same socket, closed in any order. */
int main(int argc, char **argv)
{
	static const char first[] = "GET /dup HTTP/1.1\r\nHost", second[] = ": x\r\n\r\n";

	mill_start();
	for (int i = 0; i < 24; i++) {
		int a = mill_connect(), b, c, d, e;

		b = dup(a);
		c = dup2(b, 60 + i % 3);
		d = dup3(c, 70, O_CLOEXEC);
		e = fcntl(d, F_DUPFD_CLOEXEC, 80);
		FAIL_IF(b < 0 || c < 0 || d != 70 || e < 80);
		if (i % 4 == 0)
			close(a);
		FAIL_IF(send(b, first, sizeof(first) - 1, 0) < 0);
		if (i % 4 == 1)
			close(b);
		FAIL_IF(write(c, second, sizeof(second) - 1) < 0);
		close(c);
		mill_read(d);
		if (i % 4 == 2)
			dup2(0, d); /* closes it on the way */
		mill_get(e);
		if (i % 4)
			close(a);
		if (i % 4 != 1)
			close(b);
		close(d);
		mill_get(e);
		close(e);
	}
	puts("the same");
	return 0;
}
"""


@case(43, "chains of dup, dup2, dup3 and F_DUPFD are one connection")
def c43_dups(t):
    program = t.compile("dups", DUPS)
    off = t.run([program])
    for state in ("up", "relay"):
        on = t.run([program], state, env={"REMORA_EXIT_TIMEOUT": 3000})
        t.equal(off, on, f"dups, collector {state}")
        asked = sum(s["kind"] == "CLIENT" and s["status"] == "unset" for s in on.spans)
        t.check(asked == 72, f"{asked} whole CLIENT spans of 72 requests ({state})")
