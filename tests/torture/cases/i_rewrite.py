"""Case 43: the rewrite against a real kernel. However the calls are cut, refused or raced: the peer gets
the program's bytes plus whole header lines.
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


CROWD = PRELUDE + r"""
/* What the peer does is not seen: it does not read lines that we changed on the way in. */
#define crowd_raw_read(fd, p, n) syscall(SYS_recvfrom, fd, p, n, 0, NULL, NULL)
#define crowd_raw_write(fd, p, n) syscall(SYS_write, fd, p, n)
#define crowd_edits() (getenv("LD_PRELOAD") != NULL)
#define crowd_send send
#define crowd_writev writev
#define crowd_recv recv
#define crowd_sendfile sendfile
#define crowd_splice splice
#define crowd_dup dup
#define crowd_shutdown shutdown
#define crowd_close close

static void crowd_pair(int ends[2], _Bool server)
{
	int listener = mill_listen(), client = mill_connect(), served = accept(listener, NULL, NULL);

	FAIL_IF(served < 0);
	close(listener);
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	ends[server] = client;
	ends[!server] = served;
}

#include "crowd.h"

int main(int argc, char **argv)
{
	int times = atoi(argv[1]);

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < times; i++) {
		crowd_writers(true, true, false);
		crowd_writers(true, false, true);
		crowd_writers(false, false, true);
		crowd_interrupted();
		crowd_bodies();
		crowd_both_ways();
		crowd_server(false, i);
	}
	for (int i = 0; i < 4 * times; i++) {
		crowd_closer(i);
		crowd_server(true, i);
	}
	puts("all whole");
	return 0;
}
"""


@case(43, "threads that write, read and close beside each other, interrupted, find all bytes in their places")
def c43_crowd(t):
    # Where threads overtake each other an exchange may be lost, which `remora run` then says.
    t.same([t.compile("crowd", CROWD), 5], states=("up", "stuck", "relay"), seconds=60,
           normal=lambda text: re.sub(rb"remora: \d+ (of \d+ spans were not|spans were) delivered.* connection not understood\).*\n", b"", text))


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
