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

#include "agent/last_logs.h"
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
	enum rm_signal signal;
	uint32_t ring; /* of spans, the one being emptied */
	const struct rm_record *held; /* did not fit into the last request */
	struct rm_last_logs logs;
	char head[HEAD_BYTES];
	char answer[ANSWER_BYTES];
	char body[BODY_BYTES];
};

/* Who is to take a signal, and how it is called. */
static const struct {
	enum rm_env_id exporters;
	const char *name;
} signals[RM_SIGNAL_COUNT] = {
	{ RM_ENV_TRACES_EXPORTER, "spans" },
	{ RM_ENV_LOGS_EXPORTER, "logs" },
};

static bool find_target(const struct rm_env *env, enum rm_signal signal, bool sealed, struct rm_otlp_target *ret)
{
	return rm_otlp_target(env, signal, ret) && !(sealed && ret->address[0].any.sa_family == AF_UNIX);
}

/* Which exporters of a signal are named: can be served, and cannot be. */
static void look_at(const struct rm_env *env, enum rm_signal signal, bool sealed, bool *can, bool *cannot)
{
	struct rm_str rest = rm_env_str(env, signals[signal].exporters), item;
	struct rm_otlp_target target;
	bool otlp = false;

	while (rm_env_item(&rest, &item)) {
		if (rm_str_ieq(item, RM_STR("otlp")))
			otlp = true;
		else if (!rm_str_ieq(item, RM_STR("none")))
			*cannot = true;
	}
	if (otlp && find_target(env, signal, sealed, &target))
		*can = true;
	else if (otlp)
		*cannot = true;
}

enum rm_last_reach rm_last_flush_reach(const struct rm_env *env, bool sealed)
{
	bool can = false, cannot = false;

	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		look_at(env, (enum rm_signal)i, sealed, &can, &cannot);
	if (!can)
		return RM_LAST_NONE;
	return cannot ? RM_LAST_SOME : RM_LAST_ALL;
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
	socklen_t len = a->any.sa_family == AF_INET ? sizeof(a->v4) :
			a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->local);
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
static void tell(const struct rm_otlp_target *t, enum rm_signal signal, uint64_t delivered, uint32_t failed, int outcome)
{
	const char *what = signals[signal].name;

	if (outcome >= 0)
		rm_debug(RM_LOG_EXPORT, "at the end to http://%S%S%S: %lu %s taken, %u refused: HTTP status %d",
			 &t->authority, &t->path, &t->append, delivered, what, failed, outcome);
	else
		rm_debug(RM_LOG_EXPORT, "at the end to http://%S%S%S: %lu %s taken, %u not: errno %d (%s)",
			 &t->authority, &t->path, &t->append, delivered, what, failed, -outcome, describe(-outcome));
}

/* The next span of the rings, NULL when they are empty. */
static const struct rm_record *next_span(struct work *w, struct rm_segment *s)
{
	const struct rm_record *r = (const struct rm_record *)w->record;

	while (w->ring < RM_SEGMENT_SPAN_RINGS) {
		int n = rm_segment_pop(s, w->ring, w->record);

		if (n > 0 && r->type == RM_RECORD_SPAN && rm_record_valid(r, (uint32_t)n))
			return r;
		if (n == 0)
			w->ring++;
	}
	return NULL;
}

static const struct rm_record *next_record(struct work *w, struct rm_segment *s)
{
	const struct rm_log *log;

	if (w->signal == RM_SIGNAL_TRACES)
		return next_span(w, s);
	log = rm_last_logs_next(&w->logs, s);
	return log ? &log->record : NULL;
}

/* Puts a record into the request. False: it did not fit. */
static bool add(struct rm_otlp_wire *wire, const struct rm_record *r)
{
	if (r->type == RM_RECORD_LOG)
		return rm_otlp_log(wire, (const struct rm_log *)r) == RM_OK;
	return rm_otlp_span(wire, (const struct rm_span *)r) == RM_OK;
}

/* Makes a request of as many records as fit. */
static struct rm_str gather(struct work *w, struct rm_segment *s, uint32_t *ret_count)
{
	const struct rm_record *r = w->held ? w->held : next_record(w, s);
	struct rm_otlp_wire wire;

	rm_otlp_begin(&wire, w->body, BODY_BYTES, (const struct rm_record *)w->resource);
	while (r && add(&wire, r))
		r = next_record(w, s);
	w->held = r;
	*ret_count = wire.span_count;
	return rm_otlp_end(&wire);
}

/* Returns how many records of the signal the backend took. */
static uint64_t flush_signal(struct work *w, const struct rm_otlp_target *target, struct rm_segment *s, uint64_t deadline_ns)
{
	uint64_t delivered = 0;
	uint32_t count = 0;
	int outcome = -ETIMEDOUT;

	while (rm_clock_mono_ns() < deadline_ns) {
		struct rm_str body = gather(w, s, &count);

		if (count == 0)
			break;
		outcome = post(target, w, body, deadline_ns);
		if (!is_taken(outcome))
			break;
		delivered += count;
	}
	if (delivered || count)
		tell(target, w->signal, delivered, is_taken(outcome) ? 0 : count, outcome);
	return delivered;
}

struct rm_last_taken rm_last_flush(const struct rm_env *env, struct rm_segment *s, bool sealed, uint64_t deadline_ns)
{
	uint32_t resource_bytes = atomic_load_explicit(&s->resource_bytes, memory_order_acquire);
	struct rm_last_taken taken = { { 0 } };
	struct work *w = rm_sys_map(sizeof(*w));

	if (!w)
		return taken;
	memcpy(w->resource, s->resource, resource_bytes);
	rm_log_limits(&w->logs.limits, env);
	for (int i = 0; i < RM_SIGNAL_COUNT; i++) {
		struct rm_otlp_target target;
		bool can = false, cannot = false;

		look_at(env, (enum rm_signal)i, sealed, &can, &cannot);
		if (!can || !find_target(env, (enum rm_signal)i, sealed, &target))
			continue;
		w->signal = (enum rm_signal)i;
		w->held = NULL;
		taken.of[i] = flush_signal(w, &target, s, deadline_ns);
	}
	rm_sys2(__NR_munmap, w, sizeof(*w));
	return taken;
}
