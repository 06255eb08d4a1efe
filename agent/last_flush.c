/*
 * Rings to OTLP requests to a socket, on the thread that ends the process.
 * Perhaps in a signal handler, so: raw system calls, memory mapped for the purpose, no state that
 * outlives the call, every wait bounded by one deadline. The socket is non-blocking and
 * close-on-exec, and closed again because an exec may fail.
 * Spec: OTLP/HTTP (opentelemetry-proto docs/specification.md); RFC 9112 section 4 (status line).
 */
#include "agent/last_flush.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/otlp_target.h"
#include "agent/otlp_wire.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sys.h"

enum {
	HEAD_BYTES = 32 * 1024,
	BODY_BYTES = 1024 * 1024, /* of one request; what does not fit makes another */
	ANSWER_BYTES = 4096,
};

struct work {
	_Alignas(8) char resource[RM_SEGMENT_RESOURCE_BYTES];
	_Alignas(8) char record[RM_RECORD_MAX_BYTES];
	bool held;     /* `record` is a span that did not fit into the last request */
	uint32_t ring; /* the one being emptied */
	char head[HEAD_BYTES];
	char answer[ANSWER_BYTES];
	char body[BODY_BYTES];
};

enum rm_last_reach rm_last_flush_reach(const struct rm_env *env)
{
	struct rm_str rest = rm_env_str(env, RM_ENV_TRACES_EXPORTER), item;
	struct rm_otlp_target target;
	bool otlp = false, other = false;

	while (rm_env_item(&rest, &item)) {
		if (rm_str_ieq(item, RM_STR("otlp")))
			otlp = true;
		else if (!rm_str_ieq(item, RM_STR("none")))
			other = true;
	}
	if (!otlp || !rm_otlp_target(env, &target))
		return RM_LAST_NONE;
	return other ? RM_LAST_SOME : RM_LAST_ALL;
}

/* Waits until `fd` is ready or has an error, which the next call on it will tell. */
static bool ready(int fd, short events, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t now = rm_clock_mono_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
		struct timespec t = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
		struct pollfd p = { .fd = fd, .events = events };
		long r;

		if (left == 0)
			return false;
		r = rm_sys5(__NR_ppoll, &p, 1, &t, NULL, 0);
		if (r > 0)
			return true;
		if (r < 0 && r != -EINTR)
			return false;
	}
}

/* A descriptor, or minus an errno. */
static int connect_to(const union rm_otlp_address *a, uint64_t deadline_ns)
{
	socklen_t len = a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
	int error = 0;
	socklen_t error_len = sizeof(error);
	long fd = rm_sys3(__NR_socket, a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			  0);
	long r;

	if (fd < 0)
		return (int)fd;
	r = rm_sys3(__NR_connect, fd, a, len);
	/* After EINTR the connection goes on being made, as after EINPROGRESS (POSIX connect). */
	if (r == -EINPROGRESS || r == -EINTR) {
		if (!ready((int)fd, POLLOUT, deadline_ns))
			error = ETIMEDOUT;
		else
			rm_sys5(__NR_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
		r = -error;
	}
	if (r < 0) {
		rm_sys1(__NR_close, fd);
		return (int)r;
	}
	return (int)fd;
}

/* 0, or minus an errno. */
static int send_all(int fd, struct rm_str s, int flags, uint64_t deadline_ns)
{
	while (s.n > 0) {
		long n = rm_sys6(__NR_sendto, fd, (long)s.p, (long)s.n, MSG_NOSIGNAL | flags, 0, 0);

		if (n == -EINTR || (n == -EAGAIN && ready(fd, POLLOUT, deadline_ns)))
			continue;
		if (n <= 0)
			return n == -EAGAIN ? -ETIMEDOUT : (int)n;
		s.p += n;
		s.n -= (size_t)n;
	}
	return 0;
}

/* The three digits of "HTTP/1.1 200", or minus an errno: EPROTO when it is something else, or cut short. */
static int read_status(int fd, struct work *w, uint64_t deadline_ns)
{
	struct rm_str digits = { w->answer + 9, 3 };
	uint64_t status;
	size_t n = 0;

	while (n < 12) {
		long r = rm_sys6(__NR_recvfrom, fd, (long)(w->answer + n), (long)(ANSWER_BYTES - n),
				 0, 0, 0);

		if (r == -EINTR || (r == -EAGAIN && ready(fd, POLLIN, deadline_ns)))
			continue;
		if (r <= 0)
			return r == 0 ? -EPROTO : r == -EAGAIN ? -ETIMEDOUT : (int)r;
		n += (size_t)r;
	}
	if (memcmp(w->answer, "HTTP/1.", 7) != 0 || w->answer[8] != ' ' || !rm_str_u64(digits, &status))
		return -EPROTO;
	return (int)status;
}

static bool is_taken(int outcome)
{
	return outcome >= 200 && outcome < 300;
}

/* What came of it: the status of the answer, or minus an errno. */
static int post(const struct rm_otlp_target *t, struct work *w, struct rm_str body,
		uint64_t deadline_ns)
{
	struct rm_strbuf head;
	int outcome, fd = -EADDRNOTAVAIL;

	rm_strbuf_init(&head, w->head, HEAD_BYTES);
	rm_otlp_head(t, body.n, &head);
	if (head.truncated)
		return -EMSGSIZE;
	for (uint32_t i = 0; i < t->address_count && fd < 0; i++)
		fd = connect_to(&t->address[i], deadline_ns);
	if (fd < 0)
		return fd;
	outcome = send_all(fd, rm_strbuf_view(&head), MSG_MORE, deadline_ns);
	if (outcome == 0)
		outcome = send_all(fd, body, 0, deadline_ns);
	if (outcome == 0)
		outcome = read_status(fd, w, deadline_ns);
	rm_sys1(__NR_close, fd);
	return outcome;
}

static const char *describe(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "connection refused";
	case ECONNRESET:
		return "connection reset";
	case ETIMEDOUT:
		return "not answered in time";
	case EPROTO:
		return "no answer of HTTP";
	case EMSGSIZE:
		return "too many headers";
	default:
		return "see errno(3)";
	}
}

/* The query may hold a key: it is not shown. */
static void tell(const struct rm_otlp_target *t, uint64_t delivered, uint32_t failed, int outcome)
{
	if (outcome >= 0)
		rm_debug(RM_LOG_EXPORT, "at the end to http://%S%S%S: %lu spans taken, %u refused: HTTP status %d",
			 &t->authority, &t->path, &t->append, delivered, failed, outcome);
	else
		rm_debug(RM_LOG_EXPORT, "at the end to http://%S%S%S: %lu spans taken, %u not: errno %d (%s)",
			 &t->authority, &t->path, &t->append, delivered, failed, -outcome, describe(-outcome));
}

/* The next span of the rings, in w->record; false when they are empty. */
static bool next_span(struct work *w, struct rm_segment *s)
{
	const struct rm_record *r = (const struct rm_record *)w->record;

	while (w->ring < RM_SEGMENT_RINGS) {
		int n = rm_segment_pop(s, w->ring, w->record);

		if (n > 0 && r->type == RM_RECORD_SPAN && rm_record_valid(r, (uint32_t)n))
			return true;
		if (n == 0)
			w->ring++;
	}
	return false;
}

/* Makes a request of as many spans as fit. */
static struct rm_str gather(struct work *w, struct rm_segment *s, uint32_t *ret_spans)
{
	struct rm_otlp_wire wire;

	rm_otlp_begin(&wire, w->body, BODY_BYTES, (const struct rm_record *)w->resource);
	while (w->held || next_span(w, s)) {
		w->held = rm_otlp_span(&wire, (const struct rm_span *)w->record) != RM_OK;
		if (w->held)
			break;
	}
	*ret_spans = wire.span_count;
	return rm_otlp_end(&wire);
}

uint64_t rm_last_flush(const struct rm_env *env, struct rm_segment *s, uint64_t deadline_ns)
{
	uint32_t resource_bytes = atomic_load_explicit(&s->resource_bytes, memory_order_acquire);
	struct rm_otlp_target target;
	struct work *w;
	uint64_t delivered = 0;
	uint32_t spans = 0;
	int outcome = -ETIMEDOUT;

	if (!rm_otlp_target(env, &target))
		return 0;
	w = rm_sys_map(sizeof(*w));
	if (!w)
		return 0;
	memcpy(w->resource, s->resource, resource_bytes);
	while (rm_clock_mono_ns() < deadline_ns) {
		struct rm_str body = gather(w, s, &spans);

		if (spans == 0)
			break;
		outcome = post(&target, w, body, deadline_ns);
		if (!is_taken(outcome))
			break;
		delivered += spans;
	}
	tell(&target, delivered, is_taken(outcome) ? 0 : spans, outcome);
	rm_sys2(__NR_munmap, w, sizeof(*w));
	return delivered;
}
