/*
 * Threads that race on one connection, over real sockets: what each of them sends arrives whole and in
 * order with whole header lines in it, what they read is what was sent, and calls report the program's own
 * bytes.
 *
 * One text for two programs. In tests/unit/test_crowd.c the calls go through the agent by hand, so that
 * sanitizers see all of it; under torture they are a program's own, and the preloaded object is in
 * between. Whoever includes this says before, as macros or functions:
 *   FAIL_IF(what)                         what must not be
 *   crowd_edits()                         whether header lines are put in at all
 *   crowd_pair(int ends[2], bool server)  a connection: ends[0] is the program's, ends[1] its peer's
 *   crowd_raw_read, crowd_raw_write       which the agent does not see
 *   crowd_send, crowd_writev, crowd_recv, crowd_sendfile, crowd_splice, crowd_dup, crowd_shutdown, crowd_close
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

enum { CROWD_WRITERS = 2, CROWD_EACH = 30, CROWD_REQUEST_MAX = 4096, CROWD_STREAM_MAX = 1 << 20 };

static _Thread_local unsigned crowd_state;

static unsigned crowd_dice(unsigned sides)
{
	crowd_state = crowd_state * 1103515245u + 12345u;
	return (crowd_state >> 16) % sides;
}

/* The request number `i` of a writer: nobody else has one like it. */
static size_t crowd_request(char *out, int writer, int i, size_t *ret_head)
{
	int pad = 1 + (i * 37 + writer * 11) % 900, body = i % 3 ? 0 : (i * 131) % 2000;

	*ret_head = (size_t)sprintf(out, "POST /%d/%d HTTP/1.1\r\nHost: h\r\nX-Pad: %0*d\r\nContent-Length: %d\r\n\r\n",
				    writer, i, pad, 0, body);
	memset(out + *ret_head, 'a' + writer, (size_t)body);
	return *ret_head + (size_t)body;
}

static bool crowd_again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void crowd_wait(int fd, short events)
{
	if (errno == EAGAIN)
		poll(&(struct pollfd){ .fd = fd, .events = events }, 1, 1000);
}

/* ---- what a stream is ---- */

struct crowd_stream {
	char *bytes;
	size_t n;
};

static void crowd_stream_init(struct crowd_stream *s)
{
	s->n = 0;
	s->bytes = malloc(CROWD_STREAM_MAX);
	FAIL_IF(!s->bytes);
}

/* Takes our lines out; returns how many there were. */
static int crowd_lines(struct crowd_stream *s)
{
	static const char name[] = "traceparent: 00-";
	size_t kept = 0;
	int lines = 0;

	for (size_t i = 0; i < s->n;) {
		if (i >= 2 && s->bytes[i - 1] == '\n' && s->n - i >= 70 &&
		    memcmp(s->bytes + i, name, sizeof(name) - 1) == 0 && memcmp(s->bytes + i + 68, "\r\n", 2) == 0) {
			i += 70;
			lines++;
			continue;
		}
		s->bytes[kept++] = s->bytes[i++];
	}
	s->n = kept;
	return lines;
}

static int crowd_heads(const struct crowd_stream *s)
{
	const char *p = s->bytes, *end = p + s->n;
	int heads = 0;

	for (; (p = memmem(p, (size_t)(end - p), "\r\n\r\n", 4)) != NULL; p += 4)
		heads++;
	return heads;
}

/* It is requests and nothing else, each writer's in order from `next` on. Returns how many. */
static int crowd_whole(const struct crowd_stream *s, int next[CROWD_WRITERS])
{
	static char expected[CROWD_REQUEST_MAX];
	size_t at = 0, head, bytes;
	int count = 0;

	for (; at < s->n; at += bytes, count++) {
		int writer = s->n - at > 6 ? s->bytes[at + 6] - '0' : -1;

		FAIL_IF(writer < 0 || writer >= CROWD_WRITERS);
		if (writer < 0 || writer >= CROWD_WRITERS)
			return -1;
		bytes = crowd_request(expected, writer, next[writer]++, &head);
		FAIL_IF(s->n - at < bytes || memcmp(s->bytes + at, expected, bytes) != 0);
		if (s->n - at < bytes)
			return -1;
	}
	return count;
}

/* ---- the peer ---- */

struct crowd_peer {
	int fd;
	bool slow, answers;
	struct crowd_stream got;
	pthread_t thread;
};

static void *crowd_peer_main(void *arg)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct crowd_peer *p = arg;
	int answered = 0;

	for (;;) {
		ssize_t n = crowd_raw_read(p->fd, p->got.bytes + p->got.n, p->slow ? 700 : 65536);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		p->got.n += (size_t)n;
		FAIL_IF(p->got.n > CROWD_STREAM_MAX - 65536);
		for (; p->answers && answered < crowd_heads(&p->got); answered++)
			FAIL_IF(crowd_raw_write(p->fd, reply, sizeof(reply) - 1) != sizeof(reply) - 1);
		if (p->slow)
			sched_yield();
	}
	crowd_shutdown(p->fd, SHUT_WR);
	return NULL;
}

static void crowd_peer_start(struct crowd_peer *p, int fd)
{
	p->fd = fd;
	crowd_stream_init(&p->got);
	FAIL_IF(pthread_create(&p->thread, NULL, crowd_peer_main, p) != 0);
}

/* After the end of what the program sends: counts our lines and takes them out. */
static int crowd_peer_end(struct crowd_peer *p)
{
	pthread_join(p->thread, NULL);
	crowd_close(p->fd);
	return crowd_lines(&p->got);
}

/* ---- writers ---- */

struct crowd_writer {
	int fd, self;
	bool retries;          /* the socket does not block, or signals interrupt */
	bool unseen_bodies;    /* by sendfile and splice */
	pthread_mutex_t *turn; /* NULL: whenever it likes */
	size_t reported;
	int sent;              /* requests */
};

static ssize_t crowd_send_somehow(const struct crowd_writer *w, const char *p, size_t n)
{
	struct iovec iov[2] = { { (void *)p, n / 3 }, { (void *)(p + n / 3), n - n / 3 } };

	return crowd_dice(2) ? crowd_send(w->fd, p, n, MSG_NOSIGNAL) : crowd_writev(w->fd, iov, 2);
}

/* False when the descriptor is closed, or the peer's is. */
static bool crowd_write(struct crowd_writer *w, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = crowd_send_somehow(w, p, n);

		FAIL_IF(sent > (ssize_t)n || sent == 0);
		if (sent < 0 && w->retries && crowd_again()) {
			crowd_wait(w->fd, POLLOUT);
			continue;
		}
		if (sent <= 0)
			return false;
		FAIL_IF(!w->retries && (size_t)sent != n);
		w->reported += (size_t)sent;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* A body that does not pass through the program's memory. */
static bool crowd_copy(struct crowd_writer *w, const char *p, size_t n)
{
	int file = memfd_create("body", MFD_CLOEXEC), ends[2];
	bool by_splice = crowd_dice(2);
	off_t at = 0;

	FAIL_IF(pipe(ends) != 0 || file < 0);
	FAIL_IF(crowd_raw_write(by_splice ? ends[1] : file, p, n) != (ssize_t)n);
	for (size_t left = n; left > 0;) {
		ssize_t sent = by_splice ? crowd_splice(ends[0], NULL, w->fd, NULL, left, 0)
					 : crowd_sendfile(w->fd, file, &at, left);

		FAIL_IF(sent == 0 || sent > (ssize_t)left || (sent < 0 && !crowd_again()));
		if (sent < 0)
			crowd_wait(w->fd, POLLOUT);
		w->reported += sent > 0 ? (size_t)sent : 0;
		left -= sent > 0 ? (size_t)sent : 0;
	}
	close(file);
	close(ends[0]);
	close(ends[1]);
	return true;
}

static void *crowd_writer_main(void *arg)
{
	struct crowd_writer *w = arg;
	char request[CROWD_REQUEST_MAX];
	bool ok = true;

	crowd_state = (unsigned)(w->self * 7919 + 1);
	for (; ok && w->sent < CROWD_EACH; w->sent += ok) {
		size_t head, n = crowd_request(request, w->self, w->sent, &head);

		if (w->turn)
			pthread_mutex_lock(w->turn);
		if (w->unseen_bodies)
			ok = crowd_write(w, request, head) && (n == head || crowd_copy(w, request + head, n - head));
		else
			ok = crowd_write(w, request, n);
		if (w->turn)
			pthread_mutex_unlock(w->turn);
		if (crowd_dice(8) == 0)
			sched_yield();
	}
	return NULL;
}

static void crowd_buffer(int fd, bool blocks)
{
	int bytes = 4608;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (!blocks)
		fcntl(fd, F_SETFL, O_NONBLOCK);
}

/*
 * Writers, each with a descriptor of its own of one socket. What one of them does in one call, or behind a
 * lock, arrives whole; behind a lock each request has its line.
 */
static void crowd_writers(bool locked, bool retries, bool blocks)
{
	pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
	struct crowd_writer w[CROWD_WRITERS];
	struct crowd_peer peer = { .slow = locked };
	pthread_t threads[CROWD_WRITERS];
	int ends[2], next[CROWD_WRITERS] = { 0 }, lines;
	size_t reported = 0;

	crowd_pair(ends, false);
	/* Without a lock, who waits for room in the middle of a request lets the other one in: the kernel's way. */
	if (locked)
		crowd_buffer(ends[0], blocks);
	crowd_peer_start(&peer, ends[1]);
	for (int i = 0; i < CROWD_WRITERS; i++)
		w[i] = (struct crowd_writer){ .fd = i ? crowd_dup(ends[0]) : ends[0], .self = i, .retries = retries,
					      .turn = locked ? &turn : NULL };
	for (int i = 0; i < CROWD_WRITERS; i++)
		pthread_create(&threads[i], NULL, crowd_writer_main, &w[i]);
	for (int i = 0; i < CROWD_WRITERS; i++) {
		pthread_join(threads[i], NULL);
		FAIL_IF(w[i].sent != CROWD_EACH);
		reported += w[i].reported;
	}
	for (int i = 0; i < CROWD_WRITERS; i++)
		crowd_close(w[i].fd);
	lines = crowd_peer_end(&peer);
	FAIL_IF(peer.got.n != reported || crowd_whole(&peer.got, next) != CROWD_WRITERS * CROWD_EACH);
	FAIL_IF(lines > CROWD_WRITERS * CROWD_EACH || (locked && crowd_edits() && lines != CROWD_WRITERS * CROWD_EACH));
	free(peer.got.bytes);
}

static void crowd_tick(int signal)
{
}

/* The same while signals interrupt all that blocks. */
static void crowd_interrupted(void)
{
	struct sigaction act = { .sa_handler = crowd_tick }, before;
	struct itimerval every = { { 0, 900 }, { 0, 900 } }, never = { 0 };

	sigaction(SIGALRM, &act, &before);
	setitimer(ITIMER_REAL, &every, NULL);
	crowd_writers(true, true, true);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
}

/* Heads through memory, bodies past it. */
static void crowd_bodies(void)
{
	struct crowd_writer w = { .retries = true, .unseen_bodies = true };
	struct crowd_peer peer = { .slow = true };
	int ends[2], next[CROWD_WRITERS] = { 0 }, lines;

	crowd_pair(ends, false);
	crowd_buffer(ends[0], false);
	crowd_peer_start(&peer, ends[1]);
	w.fd = ends[0];
	crowd_writer_main(&w);
	crowd_close(ends[0]);
	lines = crowd_peer_end(&peer);
	FAIL_IF(crowd_whole(&peer.got, next) != CROWD_EACH || peer.got.n != w.reported);
	FAIL_IF(lines != (crowd_edits() ? CROWD_EACH : 0));
	free(peer.got.bytes);
}

/* A thread closes the descriptor under a writer, and the next connection gets its number. */
static void crowd_closer(unsigned seed)
{
	struct crowd_writer w = { .self = 0 };
	struct crowd_peer first = { 0 }, second = { 0 };
	int ends[2], again[2], next[CROWD_WRITERS] = { 0 }, lines;
	pthread_t thread;

	crowd_state = seed;
	crowd_pair(ends, false);
	crowd_buffer(ends[0], true);
	crowd_peer_start(&first, ends[1]);
	w.fd = ends[0];
	pthread_create(&thread, NULL, crowd_writer_main, &w);
	for (unsigned i = crowd_dice(300); i > 0; i--)
		sched_yield();
	crowd_close(ends[0]);
	crowd_pair(again, false);
	crowd_peer_start(&second, again[1]);
	pthread_join(thread, NULL);
	crowd_close(again[0]);
	lines = crowd_peer_end(&first);
	FAIL_IF(crowd_whole(&first.got, next) < lines);
	lines = crowd_peer_end(&second);
	FAIL_IF(crowd_whole(&second.got, next) < lines);
	FAIL_IF(next[0] != w.sent || first.got.n + second.got.n != w.reported);
	free(first.got.bytes);
	free(second.got.bytes);
}

/* ---- readers ---- */

struct crowd_reader {
	int fd;
	unsigned room;
	struct crowd_stream got;
	pthread_t thread;
};

static void *crowd_reader_main(void *arg)
{
	struct crowd_reader *r = arg;

	crowd_state = 3;
	for (;;) {
		ssize_t n = crowd_recv(r->fd, r->got.bytes + r->got.n, 1 + crowd_dice(r->room), 0);

		if (n < 0 && crowd_again())
			crowd_wait(r->fd, POLLIN);
		else if (n <= 0)
			return NULL;
		r->got.n += n > 0 ? (size_t)n : 0;
	}
}

static void crowd_reader_start(struct crowd_reader *r, int fd, unsigned room)
{
	r->fd = fd;
	r->room = room;
	crowd_stream_init(&r->got);
	FAIL_IF(pthread_create(&r->thread, NULL, crowd_reader_main, r) != 0);
}

/* Answers are read under another descriptor while requests go out in pieces; then one half is shut. */
static void crowd_both_ways(void)
{
	struct crowd_writer w = { .self = 1, .retries = true };
	struct crowd_peer peer = { .slow = true, .answers = true };
	struct crowd_reader reader;
	int ends[2], next[CROWD_WRITERS] = { 0 }, lines;

	crowd_pair(ends, false);
	crowd_buffer(ends[0], false);
	crowd_peer_start(&peer, ends[1]);
	crowd_reader_start(&reader, crowd_dup(ends[0]), 400);
	w.fd = ends[0];
	crowd_writer_main(&w);
	crowd_shutdown(w.fd, SHUT_WR);
	lines = crowd_peer_end(&peer);
	pthread_join(reader.thread, NULL);
	FAIL_IF(crowd_whole(&peer.got, next) != CROWD_EACH || peer.got.n != w.reported || lines > CROWD_EACH);
	FAIL_IF(crowd_heads(&reader.got) != CROWD_EACH);
	crowd_close(w.fd);
	crowd_close(reader.fd);
	free(peer.got.bytes);
	free(reader.got.bytes);
}

/* A thread reads what a client sends; another one may close the descriptor under it. */
static void crowd_server(bool closes, unsigned seed)
{
	struct crowd_stream sent;
	struct crowd_reader reader;
	size_t head;
	int ends[2], lines, waits;

	crowd_state = seed;
	crowd_stream_init(&sent);
	for (int i = 0; i < CROWD_EACH; i++)
		sent.n += crowd_request(sent.bytes + sent.n, 0, i, &head);
	crowd_pair(ends, true);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	if (closes)
		fcntl(ends[0], F_SETFL, O_NONBLOCK); /* else the reader would wait for ever */
	crowd_reader_start(&reader, ends[0], 6000);
	for (size_t at = 0, close_at = closes ? crowd_dice((unsigned)sent.n) : SIZE_MAX; at < sent.n;) {
		size_t piece = 1 + crowd_dice(3000);
		ssize_t n = crowd_raw_write(ends[1], sent.bytes + at, piece < sent.n - at ? piece : sent.n - at);

		if (n < 0 && errno != EAGAIN)
			break;
		if (n < 0)
			crowd_wait(ends[1], POLLOUT);
		at += n > 0 ? (size_t)n : 0;
		if (at >= close_at) {
			crowd_close(ends[0]);
			break;
		}
		/* Lines are put only into reads that leave room. */
		while (at % 2 && ioctl(ends[0], FIONREAD, &waits) == 0 && waits > 0)
			sched_yield();
	}
	crowd_close(ends[1]);
	pthread_join(reader.thread, NULL);
	lines = crowd_lines(&reader.got);
	FAIL_IF(reader.got.n > sent.n || memcmp(reader.got.bytes, sent.bytes, reader.got.n) != 0);
	FAIL_IF(!closes && reader.got.n != sent.n);
	FAIL_IF(lines > CROWD_EACH || (!closes && crowd_edits() && !lines));
	if (!closes)
		crowd_close(ends[0]);
	free(sent.bytes);
	free(reader.got.bytes);
}
