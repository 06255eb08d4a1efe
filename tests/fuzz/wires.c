/* See wires.h. */
#include "tests/fuzz/wires.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/hookapi.h"
#include "protocols/tracecontext.h"

struct wire wires[WIRES];
struct wire_fd wire_fds[WIRE_FDS];
void (*wires_meanwhile)(void);
size_t wires_controls;

static const uint8_t *input;
static size_t input_bytes;

void wires_require(bool holds, const char *file, int line)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: does not hold\n", file, line);
	abort();
}

/* ---- the input ---- */

void wires_input(const uint8_t *data, size_t n)
{
	input = data;
	input_bytes = n;
}

bool wires_input_left(void)
{
	return input_bytes > 0;
}

unsigned wires_byte(void)
{
	if (!input_bytes)
		return 0xff;
	input_bytes--;
	return *input++;
}

const char *wires_bytes(size_t most, size_t *ret_n)
{
	const char *p = (const char *)input;

	*ret_n = most < input_bytes ? most : input_bytes;
	input += *ret_n;
	input_bytes -= *ret_n;
	return p;
}

/* ---- wires ---- */

static struct wire_fd *find(int fd)
{
	for (int i = 0; i < WIRE_FDS; i++)
		if (wire_fds[i].fd == fd)
			return &wire_fds[i];
	return NULL;
}

static struct wire *free_wire(void)
{
	for (int i = 0; i < WIRES; i++)
		if (!wires[i].fds)
			return &wires[i];
	return NULL;
}

static void start(struct wire *w, int peer, bool file)
{
	static unsigned serial;

	w->serial = ++serial;
	w->fds = 1;
	w->peer = peer;
	w->file = file;
	w->out_bytes = w->accepted = w->taken_bytes = w->out_taken = w->run = 0;
	w->in_bytes = w->got_bytes = w->peeked_bytes = 0;
	w->changed = false;
}

static int open_file(struct wire *w)
{
	int fd = memfd_create("wire", MFD_CLOEXEC);
	size_t n;
	const char *p = wires_bytes(wires_byte(), &n);

	wires_check(fd >= 0);
	start(w, dup(fd), true);
	wires_check(write(fd, p, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	memcpy(w->in, p, n);
	w->in_bytes = n;
	return fd;
}

struct wire_fd *wires_open(bool file)
{
	struct wire_fd *f = find(-1);
	struct wire *w = free_wire();
	int pair[2];

	if (!f || !w)
		return NULL;
	f->wire = w;
	if (file) {
		f->fd = open_file(w);
		return f;
	}
	wires_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	f->fd = pair[0];
	start(w, pair[1], false);
	return f;
}

static void drop(struct wire *w)
{
	if (--w->fds > 0)
		return;
	close(w->peer);
	wires_compare(w, false);
}

void wires_close(struct wire_fd *f)
{
	close(f->fd);
	f->fd = -1;
	drop(f->wire);
}

struct wire_fd *wires_dup(struct wire_fd *from, struct wire_fd *to)
{
	if (to && to->fd == from->fd)
		return to;
	if (to) {
		wires_check(dup2(from->fd, to->fd) == to->fd);
		drop(to->wire);
	} else {
		to = find(-1);
		if (!to)
			return NULL;
		to->fd = dup(from->fd);
	}
	to->wire = from->wire;
	to->wire->fds++;
	return to;
}

void wires_reset(void)
{
	for (int i = 0; i < WIRE_FDS; i++) {
		if (wire_fds[i].fd > 0)
			wires_close(&wire_fds[i]);
		wire_fds[i].fd = -1;
	}
	for (int i = 0; i < WIRES; i++)
		wires_check(wires[i].fds == 0);
}

void wires_peer_sends(struct wire *w, const char *p, size_t n)
{
	if (w->file || n > WIRE_BYTES - w->in_bytes)
		return;
	if (n && write(w->peer, p, n) != (ssize_t)n)
		return; /* a full socket takes all or nothing of so little */
	memcpy(w->in + w->in_bytes, p, n);
	w->in_bytes += n;
}

/* ---- the agent's bytes among the program's ---- */

/* Header lines of trace context, whole ones. */
static bool are_lines(struct rm_str s)
{
	while (s.n) {
		struct rm_str line = rm_str_cut(&s, '\n');
		struct rm_str name = rm_str_cut(&line, ':');

		if (!s.p || !line.p || line.n < 3 || line.p[0] != ' ' || rm_carrier_of(name) < 0)
			return false;
	}
	return true;
}

/*
 * `now` stands where a traceparent value of the program's, `was`, is replaced: the same trace goes on.
 * Both may be cut at the end.
 */
static void check_value(const char *now, const char *was, size_t n)
{
	enum { SPAN_ID_AT = 36 };

	wires_check(n <= RM_TRACEPARENT_BYTES);
	wires_check(memcmp(now, was, n < SPAN_ID_AT ? n : SPAN_ID_AT) == 0);
}

static bool at_line(const struct wire *w)
{
	return w->taken_bytes > w->run && w->taken[w->taken_bytes - w->run - 1] == '\n';
}

/* True when the wire may carry HTTP/2: what is edited there are frames, see fuzz_inject_http2.c. */
static bool has_frames(const struct wire *w)
{
	static const char preface[] = "PRI * HTTP/2.0", upgrade[] = "h2c";

	return memmem(w->out, w->out_bytes, preface, sizeof(preface) - 1) ||
	       memmem(w->out, w->out_bytes, upgrade, sizeof(upgrade) - 1) ||
	       memmem(w->in, w->in_bytes, preface, sizeof(preface) - 1) ||
	       memmem(w->in, w->in_bytes, upgrade, sizeof(upgrade) - 1);
}

/* The program's bytes go on at `from`: what the agent put before them must be right. */
static void end_run(struct wire *w, size_t from, char next)
{
	const char *run = w->taken + w->taken_bytes - w->run;

	if (w->run && has_frames(w)) {
		wires_check(from >= w->out_taken);
		w->out_taken = from;
	} else if (w->run && at_line(w)) {
		wires_check(from == w->out_taken && are_lines((struct rm_str){ run, w->run }));
		wires_check(w->changed || next == '\r' || next == '\n');
	} else if (w->run) {
		wires_check(from == w->out_taken + w->run);
		check_value(run, w->out + w->out_taken, w->run);
		w->out_taken += w->run;
	}
	w->run = 0;
	wires_check(from == w->out_taken);
}

static void take(struct wire *w, const char *p, size_t n)
{
	bool own = p >= w->out && p < w->out + w->out_bytes;

	if (!n)
		return;
	wires_check(n <= WIRE_TAKEN - w->taken_bytes);
	if (own)
		end_run(w, (size_t)(p - w->out), *p);
	memcpy(w->taken + w->taken_bytes, p, n);
	w->taken_bytes += n;
	if (own) {
		w->out_taken += n;
		wires_check(w->out_taken <= w->out_bytes);
	} else {
		w->run += n;
	}
}

void wires_accepted(struct wire *w, size_t n, bool all)
{
	bool inserting = w->run && at_line(w);

	w->accepted += n;
	if (has_frames(w)) {
		wires_check(w->accepted >= w->out_taken);
		return;
	}
	wires_check(w->accepted == w->out_taken + (inserting ? 0 : w->run));
	/* Who is told that all was sent owes no further call. */
	wires_check(!all || !inserting);
}

/* ---- the kernel ---- */

/* How much of `n` bytes goes through: all (0xff), nothing (0), or so much. */
static size_t some_of(size_t n)
{
	size_t take = wires_byte();

	return take == 0xff || take > n ? n : take;
}

/* What a call leaves in errno is its own. */
static void meanwhile(void)
{
	int error = errno;

	if (wires_meanwhile)
		wires_meanwhile();
	errno = error;
}

ssize_t wires_sendmsg(int fd, const struct msghdr *m, int flags)
{
	static const int refusals[] = { EAGAIN, EINTR, EPIPE, ECONNRESET };
	struct wire_fd *f = find(fd);
	size_t want = 0, n, left;

	for (size_t i = 0; i < m->msg_iovlen; i++)
		want += m->msg_iov[i].iov_len;
	n = some_of(want);
	if (!f || (f->wire->file && !(flags & RM_RX_PLAIN))) {
		errno = f ? ENOTSOCK : EBADF;
		return -1;
	}
	left = n;
	for (size_t i = 0; i < m->msg_iovlen && left; i++) {
		size_t piece = m->msg_iov[i].iov_len < left ? m->msg_iov[i].iov_len : left;

		take(f->wire, m->msg_iov[i].iov_base, piece);
		left -= piece;
	}
	wires_controls += n > 0 && m->msg_controllen;
	meanwhile();
	if (n || !want)
		return (ssize_t)n;
	errno = refusals[wires_byte() % 4];
	return -1;
}

ssize_t wires_recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t n = flags & RM_RX_PLAIN ? readv(fd, m->msg_iov, (int)m->msg_iovlen) : recvmsg(fd, m, flags);

	/* A call that does nothing may as well come a little later. */
	if (n >= 0 || errno != ENOTSOCK)
		meanwhile();
	return n;
}

/* ---- what was read ---- */

void wires_got(struct wire *w, const char *p, size_t n)
{
	wires_check(n <= sizeof(w->got) - w->got_bytes);
	memcpy(w->got + w->got_bytes, p, n);
	w->got_bytes += n;
	n = n < w->peeked_bytes ? n : w->peeked_bytes;
	wires_check(memcmp(p, w->peeked, n) == 0);
	w->peeked_bytes = 0;
}

/* How long the line of ours at `p` is, which ends as the one before it does; 0: there is none in `left` bytes. */
static size_t our_line(const char *p, size_t left)
{
	static const char name[] = "traceparent: ";
	const size_t bare = sizeof(name) - 1 + RM_TRACEPARENT_BYTES;
	size_t n = bare + (p[-1] == '\n' && p[-2] == '\r' ? 2 : 1);
	struct rm_spanctx c;

	if (left < n || memcmp(p, name, sizeof(name) - 1) != 0 ||
	    !rm_traceparent_parse((struct rm_str){ p + sizeof(name) - 1, RM_TRACEPARENT_BYTES }, &c))
		return 0;
	return memcmp(p + bare, n == bare + 2 ? "\r\n" : "\n", n - bare) == 0 ? n : 0;
}

/* True when the value that begins at w->in[at] is that of a traceparent header. */
static bool is_value(const struct wire *w, size_t at)
{
	static const char name[] = "traceparent";
	const size_t n = sizeof(name) - 1;

	while (at > 0 && strchr(" \t\r\n", w->in[at - 1]) && w->in[at - 1])
		at--;
	return at > n && w->in[at - 1] == ':' && strncasecmp(w->in + at - 1 - n, name, n) == 0;
}

/* The bytes at `g` and `i` differ: they belong to a value that was replaced. Gives where it begins. */
static size_t value_before(const struct wire *w, size_t g, size_t i)
{
	size_t back = 0;

	while (back < RM_TRACEPARENT_BYTES && !is_value(w, i - back)) {
		wires_check(back < i && back < g);
		back++;
	}
	wires_check(back < RM_TRACEPARENT_BYTES);
	wires_check(g - back + RM_TRACEPARENT_BYTES <= w->got_bytes);
	return back;
}

void wires_compare(const struct wire *w, bool whole)
{
	struct rm_spanctx c;
	size_t i = 0, g = 0;

	if (has_frames(w))
		return;
	while (g < w->got_bytes) {
		if (i < w->in_bytes && w->got[g] == w->in[i]) {
			g++, i++;
			continue;
		}
		wires_check(!w->file);
		wires_check(i < w->in_bytes);
		if (g > 1 && w->got[g - 1] == '\n' && (w->in[i] == '\r' || w->in[i] == '\n') &&
		    our_line(w->got + g, w->got_bytes - g)) {
			g += our_line(w->got + g, w->got_bytes - g);
			continue;
		}
		size_t back = value_before(w, g, i);

		g -= back, i -= back;
		wires_check(rm_traceparent_parse((struct rm_str){ w->got + g, RM_TRACEPARENT_BYTES }, &c));
		g += RM_TRACEPARENT_BYTES, i += RM_TRACEPARENT_BYTES;
		wires_check(i <= w->in_bytes);
	}
	wires_check(!whole || i == w->in_bytes);
}
