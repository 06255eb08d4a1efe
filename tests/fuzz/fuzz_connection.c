/*
 * The whole connection layer: agent/conn.c, rx.c, tx.c, stream.c and what lies below. The input is
 * settings, then operations, each a byte and what it asks for: several connections in both directions,
 * descriptors that are duplicated, closed behind our back and reused, a kernel that takes what it likes,
 * memory that runs out, other threads' and signal handlers' calls in the middle of a call.
 * What must hold for any input: the peer gets the program's bytes and the program the peer's, with
 * nothing between them but whole header lines of ours; results and errno are the kernel's; a read is
 * as full as it was; what was closed leaves nothing behind.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

/* As files of ours: a gate that was closed, and what is kept of heads, would stay so for all inputs to come. */
#include "agent/context.c"
#include "agent/memo.c"
#include "agent/hookapi.h"
#include "base/pool.h"
#include "tests/fuzz/wires.h"
#include "tests/unit/agent_stub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
uint32_t __real_rm_pool_get(struct rm_pool *p);
uint32_t __wrap_rm_pool_get(struct rm_pool *p);

enum { SENTINEL = 4242, CANARY = 0xee, ROOM = 1 << 13, DEPTH_MAX = 2, CONFIGS = 4, STEPS_MAX = 400 };

static unsigned memory_left; /* pieces, before the pools are empty; 0xff: no end */
static int depth;            /* of operations inside others' calls */
static bool unseen;          /* the agent is passed by: see bypassed() */
static unsigned steps;

uint32_t __wrap_rm_pool_get(struct rm_pool *p)
{
	if (!memory_left)
		return 0;
	memory_left -= memory_left != 0xff;
	return __real_rm_pool_get(p);
}

static void operation(void);

static void between(void)
{
	if (depth < DEPTH_MAX && wires_input_left() && wires_byte() < 0x20)
		operation();
}

static struct wire_fd *pick(void)
{
	struct wire_fd *f = &wire_fds[wires_byte() % WIRE_FDS];

	return f->fd >= 0 ? f : NULL;
}

/* Texts that make a conversation; the rest comes from the input itself. */
static const char *const phrases[] = {
	"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
	"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
	"PUT /a?b=c HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
	"GET /s HTTP/1.1\r\ntracestate: a=1,b=2\r\nbaggage: k=v\r\n",
	"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.1 503 No\r\n\r\n",
	"5\r\nhello\r\n",
	"0\r\n\r\n",
	"hello",
	"\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: \r\n\r\n",
};

static const char *text(size_t *ret_n)
{
	unsigned which = wires_byte();

	if (which >= sizeof(phrases) / sizeof(phrases[0]))
		return wires_bytes(which, ret_n);
	*ret_n = strlen(phrases[which]);
	return phrases[which];
}

/* Something in `n` pieces, cut where the input says. Returns their number. */
static int cut(struct iovec iov[3], char *p, size_t n)
{
	unsigned how = wires_byte();
	size_t first = how < 0x80 ? n : n * (how & 7) / 8, second = (n - first) * (how >> 4 & 7) / 8;

	iov[0] = (struct iovec){ p, first };
	iov[1] = (struct iovec){ p + first, second };
	iov[2] = (struct iovec){ p + first + second, n - first - second };
	return how < 0x80 ? 1 : 3;
}

/* Of two threads that read, or send, at once nobody knows the order: one of them waits, here. */
static bool reading[WIRES], sending[WIRES];

/* ---- what the program reads ---- */

static ssize_t plain_read(struct wire_fd *f, struct iovec *iov, int count, int flags)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = (size_t)count };

	return wires_recvmsg(f->fd, &m, flags);
}

/* As hooks/recv.c does it. */
static ssize_t hooked_read(struct wire_fd *f, struct iovec *iov, int count, size_t room, int flags)
{
	struct wire_fd was = *f;
	struct iovec less[3];
	struct rm_rx rx;
	ssize_t n;

	rm_rx_begin(&rx, was.fd, room, flags);
	memcpy(less, iov, sizeof(less));
	for (size_t i = (size_t)count, left = rx.watch ? rx.reserve : 0; left && i-- > 0;) {
		size_t cut_off = less[i].iov_len < left ? less[i].iov_len : left;

		less[i].iov_len -= cut_off;
		left -= cut_off;
	}
	if (rx.watch && rx.reserve && rx.plain) {
		int error = errno;

		rx.plain = false;
		n = plain_read(&was, less, count, 0);
		if (n < 0 && errno == ENOTSOCK) {
			errno = error;
			rm_rx_no_socket(&rx);
			return plain_read(&was, iov, count, flags);
		}
	} else {
		n = plain_read(&was, rx.watch ? less : iov, count, flags);
	}
	return rx.watch ? rm_rx_done(&rx, iov, count, n) : n;
}

static int read_flags(const struct wire *w)
{
	static const int flags[] = { 0, RM_RX_PLAIN, MSG_DONTWAIT, MSG_PEEK, 0, RM_RX_PLAIN };
	int chosen = flags[wires_byte() % 6];

	return w->file ? RM_RX_PLAIN : chosen;
}

static void read_some(struct wire_fd *f, size_t room, int flags)
{
	static char memory[DEPTH_MAX + 1][ROOM], untouched[ROOM];
	struct wire *w = f->wire;
	char *p = memory[depth];
	int fd = f->fd, count, left = 0;
	unsigned before = steps, serial = w->serial;
	struct iovec iov[3];
	ssize_t n;

	if (reading[w - wires])
		return;
	reading[w - wires] = true;
	count = cut(iov, p, room);
	memset(untouched, CANARY, room);
	memcpy(p, untouched, room);
	errno = SENTINEL;
	n = hooked_read(f, iov, count, room, flags);
	reading[w - wires] = false;
	wires_check(n <= (ssize_t)room && (n >= 0 ? errno == SENTINEL : errno == EAGAIN || errno == EBADF));
	wires_check(memcmp(p + (n > 0 ? n : 0), untouched, room - (n > 0 ? (size_t)n : 0)) == 0);
	if (w->serial != serial || !w->fds)
		return; /* closed meanwhile */
	if (n > 0 && !(flags & MSG_PEEK)) {
		wires_got(w, p, (size_t)n);
		if (n < (ssize_t)room && steps == before && !w->file)
			wires_check(ioctl(fd, FIONREAD, &left) == 0 && left == 0);
	} else if (n > 0) {
		w->peeked_bytes = (size_t)n < sizeof(w->peeked) ? (size_t)n : sizeof(w->peeked);
		memcpy(w->peeked, p, w->peeked_bytes);
	}
}

/* Bytes that the program reads without seeing them: splice, MSG_TRUNC. */
static void read_opaque(struct wire_fd *f)
{
	char bytes[256];
	bool truncates = wires_byte() & 1;
	ssize_t n = reading[f->wire - wires] ? 0 : read(f->fd, bytes, wires_byte());
	struct iovec iov = { NULL, 256 };
	struct rm_rx rx;

	if (n <= 0)
		return;
	if (truncates && !f->wire->file) {
		rm_rx_begin(&rx, f->fd, 256, MSG_TRUNC);
		wires_check(!rx.reserve && (!rx.watch || rm_rx_done(&rx, &iov, 1, n) == n));
	} else if (!f->wire->file) {
		rm_rx_opaque(f->fd, n);
	}
	wires_got(f->wire, bytes, (size_t)n);
}

/* The end of the stream, or an error that the kernel reports. */
static void read_end(struct wire_fd *f)
{
	static const int errors[] = { 0, ECONNRESET, EAGAIN, EINTR };
	int error = errors[wires_byte() % 4];
	char room[512];
	struct iovec iov = { room, sizeof(room) };
	struct rm_rx rx;

	if (f->wire->file)
		return;
	rm_rx_begin(&rx, f->fd, sizeof(room), 0);
	errno = error;
	if (rx.watch)
		wires_check(rm_rx_done(&rx, &iov, 1, error ? -1 : 0) == (error ? -1 : 0) && errno == error);
}

/* ---- what the program sends ---- */

static ssize_t plain_send(int fd, const struct msghdr *m, int flags)
{
	return wires_sendmsg(fd, m, flags | RM_RX_PLAIN);
}

/* As hooks/send.c does it. */
static ssize_t hooked_send(struct wire_fd *f, const struct msghdr *m, int flags)
{
	enum rm_tx_mode mode;
	int fd = f->fd;
	struct rm_tx tx;
	ssize_t n;

	mode = rm_tx_begin(&tx, fd, m->msg_iov, (int)m->msg_iovlen);
	if (mode == RM_TX_EDIT) {
		n = rm_tx_edit(&tx, m, flags, wires_sendmsg);
		return n == RM_TX_STALE ? plain_send(fd, m, flags) : n;
	}
	n = plain_send(fd, m, flags);
	if (mode == RM_TX_DONE)
		rm_tx_done(&tx, n);
	return n;
}

static void offer(struct wire_fd *f)
{
	static const int flags[] = { 0, MSG_MORE, MSG_OOB, MSG_ZEROCOPY };
	struct wire *w = f->wire;
	size_t n = w->out_bytes - w->accepted, controls = wires_controls;
	struct iovec iov[3];
	struct msghdr m = { .msg_iov = iov };
	unsigned how = wires_byte(), serial = w->serial, before = steps;
	ssize_t sent;

	/* What is half sent is not finished by who passes us by: docs/SAFETY.md, what we cannot protect. */
	if (sending[w - wires] || !n || (unseen && w->run))
		return;
	sending[w - wires] = true;
	m.msg_iovlen = (size_t)cut(iov, w->out + w->accepted, n);
	m.msg_control = how & 0x40 ? &m : NULL;
	m.msg_controllen = how & 0x40 ? 16 : 0;
	errno = SENTINEL;
	sent = hooked_send(f, &m, flags[how >> 4 & how & 3]);
	sending[w - wires] = false;
	wires_check(sent <= (ssize_t)n && (sent >= 0 ? errno == SENTINEL : errno != SENTINEL));
	if (w->serial != serial || !w->fds)
		return; /* closed meanwhile */
	wires_check(steps != before || !m.msg_control || wires_controls - controls == (sent > 0));
	wires_accepted(w, sent > 0 ? (size_t)sent : 0, sent == (ssize_t)n);
}

static void write_down(struct wire *w)
{
	size_t n;
	const char *p = text(&n);

	if (sending[w - wires] || n > WIRE_BYTES - w->out_bytes)
		return;
	memcpy(w->out + w->out_bytes, p, n);
	w->out_bytes += n;
}

/* sendfile: bytes of the program that the agent does not see. */
static void send_opaque(struct wire_fd *f)
{
	struct wire *w = f->wire;
	struct iovec iov = { w->out + w->accepted, w->out_bytes - w->accepted };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (sending[w - wires] || w->run)
		return;
	wires_meanwhile = NULL;
	n = plain_send(f->fd, &m, 0);
	wires_meanwhile = between;
	rm_tx_opaque(f->fd, n);
	wires_accepted(w, n > 0 ? (size_t)n : 0, false);
}

/* The program gives up what was refused. */
static void think_again(struct wire *w)
{
	if (sending[w - wires])
		return;
	w->out_bytes = w->accepted;
	w->changed = true;
}

/* ---- descriptors ---- */

static void told(struct wire_fd *f, unsigned how)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct rm_scope s;
	size_t n;
	const char *name;
	char *address;

	if (!f)
		return;
	/* Neither its close nor the new socket was seen: that is beyond us. */
	if (unseen && rm_fd_tracked(f->fd))
		wires_close(f);
	if (!rm_enter(&s))
		return;
	switch (how % 6) {
	case 0:
	case 1:
		rm_fd_accept(&s, -1, f->fd);
		break;
	case 2:
	case 3:
		rm_fd_socket(&s, f->fd, AF_INET, SOCK_STREAM);
		rm_fd_connect(&s, f->fd, (struct sockaddr *)&v4, sizeof(v4), how % 2 - 1, EINPROGRESS, how);
		break;
	case 4: /* any address at all */
		name = wires_bytes(sizeof(struct sockaddr_un), &n);
		address = malloc(n + 1);
		memcpy(address, name, n);
		rm_fd_socket(&s, f->fd, AF_UNIX, SOCK_STREAM);
		rm_fd_connect(&s, f->fd, (struct sockaddr *)address, (socklen_t)n, 0, 0, how);
		free(address);
		break;
	default:
		rm_fd_received(&s, f->fd);
	}
	rm_leave(&s);
}

static void tell_close(struct wire_fd *f)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_close(&s, f->fd);
		rm_leave(&s);
	}
}

static void duplicate(struct wire_fd *from)
{
	struct wire_fd *to = wires_byte() & 1 ? pick() : NULL;
	struct rm_scope s;
	int number = from->fd;

	if (unseen || (to && (to->wire->file || from->wire->file)))
		return;
	to = wires_dup(from, to);
	if (to && rm_enter(&s)) {
		rm_fd_dup(&s, number, to->fd);
		rm_leave(&s);
	}
}

static void shut(struct wire_fd *f)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_shutdown(&s, f->fd, (int)wires_byte() % 3);
		rm_leave(&s);
	}
}

/* A close that nobody saw; perhaps a file takes the number over. */
static void vanish(struct wire_fd *f)
{
	wires_close(f);
	if (wires_byte() & 1)
		wires_open(true);
}

/* The next operation is a signal handler's in the middle of our work, or a child's of vfork. */
static void bypassed(void)
{
	bool vfork = wires_byte() & 1;
	struct rm_scope s;

	if (depth >= DEPTH_MAX || unseen)
		return;
	unseen = true;
	if (vfork) {
		rm_vfork_mark(1);
		operation();
		rm_vfork_mark(0);
	} else if (rm_enter(&s)) {
		operation();
		rm_leave(&s);
	}
	unseen = false;
}

static void end_all(void)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_conn_end_all();
		rm_leave(&s);
	}
}

/* ---- operations ---- */

static void on_descriptor(unsigned op, struct wire_fd *f)
{
	switch (op % 16) {
	case 0:
	case 1:
		write_down(f->wire);
		/* fall through */
	case 2:
		offer(f);
		break;
	case 3:
		send_opaque(f);
		break;
	case 4:
		think_again(f->wire);
		break;
	case 5:
	case 6:
		read_some(f, ROOM - wires_byte(), read_flags(f->wire));
		break;
	case 7:
		read_some(f, 4 * wires_byte(), read_flags(f->wire));
		break;
	case 8:
		read_opaque(f);
		break;
	case 9:
		read_end(f);
		break;
	case 10:
		duplicate(f);
		break;
	case 11:
		tell_close(f);
		wires_close(f);
		break;
	case 12:
		vanish(f);
		break;
	case 13:
		shut(f);
		break;
	default:
		break;
	}
}

static void operation(void)
{
	unsigned op = wires_byte();
	struct wire_fd *f = op < 0xe0 ? pick() : NULL;
	size_t n;
	const char *p;

	if (++steps > STEPS_MAX)
		return;
	depth++;
	if (op >= 0xf8)
		bypassed();
	else if (op >= 0xf0)
		end_all();
	else if (op >= 0xe0 || !f)
		told(wires_open(false), op);
	else if (op >= 0xa0) {
		p = text(&n);
		wires_peer_sends(f->wire, p, n);
	} else {
		on_descriptor(op, f);
	}
	depth--;
}

/* What is still on its way arrives; then everything is closed. */
static void finish(void)
{
	memory_left = 0xff;
	wires_meanwhile = NULL;
	for (int i = 0; i < WIRE_FDS; i++) {
		struct wire_fd *f = &wire_fds[i];

		if (f->fd < 0)
			continue;
		for (size_t was = SIZE_MAX; was != f->wire->got_bytes;) {
			was = f->wire->got_bytes;
			read_some(f, ROOM / 2, f->wire->file ? RM_RX_PLAIN : 0);
		}
		f->wire->peeked_bytes = 0;
		wires_compare(f->wire, true);
	}
	for (int i = 0; i < WIRE_FDS; i++)
		if (wire_fds[i].fd >= 0)
			tell_close(&wire_fds[i]);
	wires_reset();
	/* Numbers that were closed unseen still stand in the table. */
	for (int fd = 0; fd < 64; fd++)
		tell_close(&(struct wire_fd){ .fd = fd });
	wires_check(rm_conn_live() == 0 && rm_exchange_live() == 0 && rm_text_live() == 0);
}

/* `few`: as in a process that has just begun. */
static void forget_heads(bool few)
{
	atomic_store(&messages, few ? 0 : FEW_MESSAGES);
	for (int i = 0; i < PIECES; i++)
		if (pieces[i].memo)
			memset(pieces[i].memo, 0, sizeof(*pieces[i].memo));
}

static void start(unsigned settings)
{
	static char *environments[CONFIGS][4] = {
		{ "TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
		{ "OTEL_PROPAGATORS=tracecontext,baggage,b3,b3multi,xray,jaeger", "OTEL_ATTRIBUTE_COUNT_LIMIT=5",
		  "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS=host,a" },
		{ "REMORA_INGRESS=false", "OTEL_TRACES_SAMPLER=always_off" },
		{ "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS=server,via,a",
		  "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=7", "REMORA_PARENT_SOURCE=true" },
	};
	static struct rm_config configs[CONFIGS];
	static bool started;

	for (int i = 0; i < CONFIGS && !started; i++) {
		stub_start(environments[i]);
		configs[i] = stub_config;
	}
	started = true;
	for (int i = 0; i < WIRE_FDS; i++)
		wire_fds[i].fd = -1;
	rm_context_init(&configs[settings % CONFIGS]);
	atomic_store(&gate_closed, false);
	atomic_store(&served, false);
	forget_heads(settings & 0x40);
	memory_left = settings & 0x80 ? settings & 0x1f : 0xff;
	depth = -1;
	steps = 0;
	wires_meanwhile = between;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct rm_span *span;

	wires_input(data, n);
	start(wires_byte());
	while (wires_input_left() && steps < STEPS_MAX)
		operation();
	depth = 0;
	finish();
	while ((span = stub_span()))
		wires_check(rm_record_valid(&span->record, span->record.bytes));
	return 0;
}
