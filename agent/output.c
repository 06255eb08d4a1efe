/*
 * Which of a program's descriptors are logs, and the pieces that it writes there.
 *
 * Standard error is one, standard output where its lines are for people: a terminal; what standard error is,
 * too; a pipe that it was given by those outside (the parent has the same, or is nobody whom we may look at, or
 * a container's or the machine's first process); a file that grows (O_APPEND). A pipe that a parent made for
 * this program, or a file, is data for somebody: no log. Neither is a network connection, nor /dev/null.
 *
 * Nothing is held back and nothing is put together here: a piece goes out with its number, by which its
 * place among the others is known. What is taken for something else than text is left alone.
 * Runs in hooks, after the real call. Must never: wait, allocate, look at more than was written.
 */
#include "agent/output.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "agent/context.h"
#include "agent/line_ids.h"
#include "agent/outlet.h"
#include "agent/text.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/sys.h"

enum {
	STREAMS = 3,			/* by number; there is no stream 0 */
	CALL_MAX_BYTES = 64 * 1024,	/* of one call; what is behind it is counted */
	PIECE_MAX_BYTES = RM_RECORD_MAX_BYTES - sizeof(struct rm_output),
	LOOKED_AT_BYTES = 1024,		/* of a call, for what no text has */
	BINARY_MAX = 8,			/* calls in a row, before a stream is left alone */
	NULL_DEVICE = 1 << 8 | 3,
	ATOMIC_BYTES = 4096, /* what goes into a pipe whole, or not at all: PIPE_BUF */
	LOOKED_AT_FDS = 64, /* a server opens its logs early */
};

static struct {
	const struct rm_env *env;
	bool wanted[STREAMS];
	bool redirected; /* standard output is a log whoever reads it */
	_Atomic uint64_t sequence[STREAMS];
	_Atomic uint32_t binary[STREAMS];
	_Atomic uint64_t unseen; /* calls */
	bool with_ids;		 /* lines get them */
	_Atomic bool amid[STREAMS]; /* the last bytes that were written had no end of a line */
	_Atomic uint64_t left_alone; /* lines of requests that got no ids */
	_Atomic bool looked;	 /* for other names of the streams, by this process */
} out;

/* ---- which descriptors ---- */

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_of_fd(const struct stat *s, int fd)
{
	struct stat other;

	return rm_sys2(__NR_fstat, fd, &other) == 0 && is_same(s, &other);
}

/* systemd says what leads to its journal as device:inode. */
static bool is_journal(const struct stat *s)
{
	struct rm_str rest = rm_env_str(out.env, RM_ENV_JOURNAL_STREAM), device = rm_str_cut(&rest, ':');
	uint64_t dev, ino;

	return rm_str_u64(device, &dev) && rm_str_u64(rest, &ino) && dev == s->st_dev && ino == s->st_ino;
}

/* What the parent has as `fd`: 0, or what the kernel says why it does not tell. */
static long stat_parents(long parent, int fd, struct stat *ret)
{
	char path[64];

	rm_format(path, sizeof(path), "/proc/%ld/fd/%d", parent, fd);
	return rm_sys4(__NR_newfstatat, -1, path, ret, 0);
}

/* Given by somebody outside, or inherited from who was: not made by the parent for this program. */
static bool is_from_outside(const struct stat *s)
{
	long parent = rm_sys0(__NR_getppid);
	struct stat theirs;

	if (parent <= 1 || stat_parents(parent, 1, &theirs) != 0)
		return true;
	return is_same(s, &theirs) || (stat_parents(parent, 2, &theirs) == 0 && is_same(s, &theirs));
}

/* `born`: the program was started with it; else it put it there itself. */
static bool is_for_people(const struct stat *s, bool born)
{
	if (out.redirected || S_ISCHR(s->st_mode) || is_of_fd(s, 2) || is_journal(s))
		return true;
	/* A daemon opened its log file, or somebody a file that grows; shells have themselves what they redirect. */
	if (S_ISREG(s->st_mode))
		return !born || rm_sys0(__NR_getppid) <= 1 || rm_sys3(__NR_fcntl, 1, F_GETFL, 0) & O_APPEND;
	return is_from_outside(s);
}

static bool is_log(int fd, bool born)
{
	int domain = 0;
	socklen_t len = sizeof(domain);
	struct stat s;

	if (!out.wanted[fd] || rm_sys2(__NR_fstat, fd, &s) != 0)
		return false;
	if (S_ISCHR(s.st_mode) ? s.st_rdev == NULL_DEVICE : S_ISDIR(s.st_mode) || S_ISBLK(s.st_mode))
		return false;
	if (S_ISSOCK(s.st_mode) &&
	    (rm_sys5(__NR_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_UNIX))
		return false;
	return fd == RM_STREAM_STDERR || is_for_people(&s, born);
}

static void look_at(int fd, bool born)
{
	if (rm_conn_peek(fd))
		return; /* carries traffic, or what the other one does */
	if (is_log(fd, born))
		rm_conn_output(fd, (uint8_t)fd);
	else
		rm_debug(RM_LOG_INIT, "descriptor %d is no log", fd);
}

static void read_sources(const struct rm_env *env)
{
	struct rm_str rest = rm_env_str(env, RM_ENV_REMORA_LOG_SOURCES), item;

	while (rm_env_item(&rest, &item)) {
		out.wanted[RM_STREAM_STDOUT] |= rm_str_ieq(item, RM_STR("stdout"));
		out.wanted[RM_STREAM_STDERR] |= rm_str_ieq(item, RM_STR("stderr"));
		out.redirected |= rm_str_ieq(item, RM_STR("redirected"));
	}
	out.wanted[RM_STREAM_STDOUT] |= out.redirected;
}

void rm_output_init(const struct rm_env *env)
{
	out.env = env;
	out.with_ids = rm_env_bool(env, RM_ENV_REMORA_LOG_TRACE_IDS);
	read_sources(env);
	for (int fd = RM_STREAM_STDOUT; fd <= RM_STREAM_STDERR; fd++)
		if (out.wanted[fd])
			look_at(fd, true);
}

void rm_output_moved(int fd)
{
	if (out.wanted[fd])
		look_at(fd, false);
}

static void look_for_copies(int stream)
{
	const struct rm_conn *c = rm_conn_peek(stream);
	struct stat s;

	if (!c || !c->output || rm_sys2(__NR_fstat, stream, &s) != 0)
		return;
	for (int fd = RM_STREAM_STDERR + 1; fd < LOOKED_AT_FDS; fd++)
		if (!rm_conn_peek(fd) && is_of_fd(&s, fd)) {
			rm_debug(RM_LOG_INIT, "descriptor %d leads to where %d does", fd, stream);
			rm_conn_output(fd, (uint8_t)stream);
		}
}

void rm_output_serves(bool anew)
{
	if (!rm_outputs_watched() || (atomic_exchange(&out.looked, true) && !anew))
		return;
	for (int stream = RM_STREAM_STDERR; stream >= RM_STREAM_STDOUT; stream--)
		look_for_copies(stream);
}

bool rm_outputs_watched(void)
{
	return out.wanted[RM_STREAM_STDOUT] || out.wanted[RM_STREAM_STDERR];
}

/* ---- what is written there ---- */

static bool has_nul(const struct iovec *text, size_t n)
{
	for (n = n < LOOKED_AT_BYTES ? n : LOOKED_AT_BYTES; n > 0; text++) {
		size_t look = text->iov_len < n ? text->iov_len : n;

		if (look > 0 && memchr(text->iov_base, '\0', look))
			return true;
		n -= look;
	}
	return false;
}

/* No text: an image, an archive. Several such calls, and the stream is given back to the fast path. */
static bool is_binary(int fd, int stream, const struct iovec *text, size_t n)
{
	if (!has_nul(text, n)) {
		if (atomic_load_explicit(&out.binary[stream], memory_order_relaxed))
			atomic_store_explicit(&out.binary[stream], 0, memory_order_relaxed);
		return false;
	}
	atomic_fetch_add_explicit(&out.unseen, 1, memory_order_relaxed);
	if (atomic_fetch_add_explicit(&out.binary[stream], 1, memory_order_relaxed) + 1 == BINARY_MAX) {
		rm_debug(RM_LOG_INIT, "descriptor %d carries no text: it is no log", fd);
		rm_conn_output_ends(fd);
	}
	return true;
}

/* Sends `n` bytes out as pieces, each in its place. */
static void send_pieces(struct rm_output *head, int stream, const struct iovec *text, size_t n)
{
	size_t kept = n < CALL_MAX_BYTES ? n : CALL_MAX_BYTES, at = 0;
	uint64_t pieces = (kept + PIECE_MAX_BYTES - 1) / PIECE_MAX_BYTES;

	head->sequence = atomic_fetch_add_explicit(&out.sequence[stream], pieces, memory_order_relaxed);
	head->bits |= RM_OUTPUT_BEGINS;
	for (; at < kept; at += head->bytes, head->sequence++, head->bits &= (uint8_t)~RM_OUTPUT_BEGINS) {
		head->bytes = (uint32_t)(kept - at < PIECE_MAX_BYTES ? kept - at : PIECE_MAX_BYTES);
		head->record.bytes = (uint32_t)sizeof(*head) + ((head->bytes + 7) & ~7u);
		if (at + head->bytes == kept) {
			head->bits |= RM_OUTPUT_ENDS;
			head->lost_bytes = n - kept < UINT32_MAX ? (uint32_t)(n - kept) : UINT32_MAX;
		}
		rm_outlet_output(head, text, at);
	}
}

static char byte_at(const struct iovec *text, size_t at)
{
	for (; at >= text->iov_len; text++)
		at -= text->iov_len;
	return ((const char *)text->iov_base)[at];
}

/* `shared`: what was printed before, for whomever, may be among it. */
static void record(int fd, int stream, const struct iovec *text, size_t n, bool shared)
{
	struct rm_output head = { .record.type = RM_RECORD_OUTPUT, .stream = (uint8_t)stream,
				  .bits = shared ? RM_OUTPUT_SHARED : 0 };
	struct rm_spanctx ctx;
	struct rm_scope s;

	if (!rm_enter(&s)) {
		if (rm_is_bypassed())
			atomic_fetch_add_explicit(&out.unseen, 1, memory_order_relaxed);
		return;
	}
	if (out.with_ids)
		atomic_store(&out.amid[stream], byte_at(text, n - 1) != '\n');
	if (!is_binary(fd, stream, text, n)) {
		head.time_ns = rm_clock_wall_at(&s.thread->wall, rm_clock_mono_ns());
		if (!shared && rm_context_for_log(s.thread, &ctx)) {
			memcpy(head.trace_id, ctx.trace_id, sizeof(head.trace_id));
			memcpy(head.span_id, ctx.span_id, sizeof(head.span_id));
			head.trace_flags = ctx.flags;
		}
		send_pieces(&head, stream, text, n);
	}
	rm_leave(&s);
}

/* Descriptors 1 and 2 are what they are called; a copy of one of them is that one. */
static int stream_of(const struct rm_conn *c, int fd)
{
	return fd == RM_STREAM_STDOUT || fd == RM_STREAM_STDERR ? fd : c->output;
}

enum rm_tx_mode rm_output_begin(struct rm_tx *tx, struct rm_conn *c, int fd, const struct iovec *iov, int iov_count)
{
	*tx = (struct rm_tx){ .conn = c, .gen = rm_conn_gen(c, fd), .fd = fd, .iov = iov, .iov_count = iov_count };
	return RM_TX_OUTPUT;
}

void rm_output_done(const struct rm_tx *tx, ssize_t result)
{
	/* Closed meanwhile, and perhaps something else by now: nobody knows where the bytes went. */
	if (result > 0 && rm_conn_gen(tx->conn, tx->fd) == tx->gen)
		record(tx->fd, stream_of(tx->conn, tx->fd), tx->iov, (size_t)result, false);
}

/* ---- ids in the program's own lines ---- */

/* All parts in one, if they are no more than `cap`. Returns how many bytes; 0: they are more, or cannot be read. */
static size_t gather(const struct iovec *iov, int count, char *to, size_t cap)
{
	size_t n = 0;

	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len > cap - n || !rm_may_read(iov[i].iov_base, iov[i].iov_len))
			return 0;
		if (iov[i].iov_len)
			memcpy(to + n, iov[i].iov_base, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	return n;
}

/* Puts ids into the copy of what is written. False: it stays as it is. */
static bool put_ids(struct rm_with_ids *w, const struct iovec *iov, int count, const struct rm_spanctx *ctx)
{
	size_t n = gather(iov, count, w->text, ATOMIC_BYTES - RM_LINE_IDS_BYTES);
	struct rm_log_trace trace;
	char ids[RM_LINE_IDS_BYTES];

	memcpy(trace.trace_id, ctx->trace_id, sizeof(trace.trace_id));
	memcpy(trace.span_id, ctx->span_id, sizeof(trace.span_id));
	w->at = rm_line_ids((struct rm_str){ w->text, n }, &trace, ids, &w->added);
	if (!w->at)
		return false;
	memmove(w->text + w->at + w->added, w->text + w->at, n - w->at);
	memcpy(w->text + w->at, ids, w->added);
	w->bytes = n + w->added;
	return true;
}

/* Only a pipe takes a line whole or not at all, and shows nobody a half. */
static bool is_pipe(int fd)
{
	struct stat s;

	return rm_sys2(__NR_fstat, fd, &s) == 0 && S_ISFIFO(s.st_mode);
}

bool rm_output_with_ids(struct rm_with_ids *ret, int fd, const struct iovec *iov, int count, bool shared)
{
	struct rm_spanctx ctx;
	const struct rm_conn *c;
	struct rm_scope s;
	bool done = false;

	if (!out.with_ids || !rm_active() || !(c = rm_conn_peek(fd)) || !c->output || !rm_enter(&s))
		return false;
	*ret = (struct rm_with_ids){ .memory = 0 };
	if (!rm_context_for_log(s.thread, &ctx)) {
		rm_leave(&s);
		return false;
	}
	if (!shared && !atomic_load(&out.amid[RM_STREAM_STDOUT]) && !atomic_load(&out.amid[RM_STREAM_STDERR]) && is_pipe(fd))
		ret->memory = rm_text_get(ATOMIC_BYTES);
	if (ret->memory) {
		ret->text = rm_text_at(ret->memory);
		done = put_ids(ret, iov, count, &ctx);
	}
	if (!done) {
		rm_text_put(ret->memory);
		atomic_fetch_add_explicit(&out.left_alone, 1, memory_order_relaxed);
	}
	rm_leave(&s);
	return done;
}

ssize_t rm_output_with_ids_done(struct rm_with_ids *w, ssize_t result)
{
	size_t n = result > 0 ? (size_t)result : 0;

	rm_text_put(w->memory);
	if (n <= w->at)
		return result;
	/* A pipe takes all of it; were it otherwise, none of the program's bytes may be lost. */
	return (ssize_t)(n >= w->at + w->added ? n - w->added : w->at);
}

/* perror writes to a copy of standard error, which it makes inside libc. */
static bool is_copy_of_stderr(int fd)
{
	struct stat s;

	return rm_thread_self()->libc_prints == RM_PRINTS_PERROR && rm_sys2(__NR_fstat, fd, &s) == 0 && is_of_fd(&s, 2);
}

static bool is_of_syslog(void)
{
	return rm_sys_thread_is_libcs() && rm_thread_self()->libc_prints == RM_PRINTS_SYSLOG;
}

void rm_output_stdio(int fd, const void *p, size_t n, bool shared)
{
	struct rm_conn *c = rm_conn_peek(fd);
	const struct iovec text = { (void *)p, n };

	if (!rm_active() || !n)
		return;
	if (c && c->output && !(fd == RM_STREAM_STDERR && is_of_syslog()))
		record(fd, stream_of(c, fd), &text, n, shared);
	else if (!c && rm_sys_thread_is_libcs() && is_copy_of_stderr(fd) && (c = rm_conn_peek(2)) && c->output)
		record(2, RM_STREAM_STDERR, &text, n, shared);
}

void rm_output_perror(bool begins)
{
	if (rm_sys_thread_is_libcs())
		rm_thread_self()->libc_prints = begins ? RM_PRINTS_PERROR : RM_PRINTS_OTHER;
}

void rm_output_forked(void)
{
	for (int i = 0; i < STREAMS; i++)
		atomic_store(&out.sequence[i], 0);
	atomic_store(&out.unseen, 0);
	atomic_store(&out.looked, false);
}

void rm_output_report(void)
{
	uint64_t unseen = atomic_load(&out.unseen);

	if (out.with_ids)
		rm_debug(RM_LOG_EXPORT, "logs: %lu calls of requests were left without trace_id", atomic_load(&out.left_alone));
	if (unseen)
		rm_debug(RM_LOG_EXPORT, "logs: %lu calls that printed were left out: no text, or from inside a visit", unseen);
}
