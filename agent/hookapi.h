/*
 * All that hooks may call. A hook makes the real call first or asks here what to do, and every
 * function here keeps errno. Nothing here allocates from the application's heap, takes a lock but
 * a connection's own, or makes a system call on the hot path.
 * Context of all: hook, unless said otherwise.
 */
#ifndef RM_AGENT_HOOKAPI_H
#define RM_AGENT_HOOKAPI_H

#include <stdbool.h>
#include <signal.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "agent/fd_table.h"

struct rm_thread;
struct rm_conn;

/*
 * A visit to the agent: refused when already inside, disabled, in a vfork child, on our own
 * thread, or where a signal handler has next to no stack.
 */
struct rm_scope {
	struct rm_thread *thread;
	int saved_errno;
};

bool rm_enter(struct rm_scope *s);
void rm_leave(struct rm_scope *s); /* restores errno */

/* The stack on which this thread's signal handlers run from now on, after sigaltstack took it. Context: any. */
void rm_alt_stack(const stack_t *stack);

/*
 * False: reading [p, p + n) would fault; make the plain call, and let the kernel say EFAULT. Asked
 * before anything of the caller's is looked at before the kernel has.
 */
bool rm_may_read(const void *p, size_t n);
/* The same of writing, for what is put in behind the bytes that the kernel wrote. */
bool rm_may_write(const void *p, size_t n);

/* ---- life of descriptors: call after the real call succeeded, unless said otherwise ---- */
void rm_fd_socket(struct rm_scope *s, int fd, int domain, int type);
void rm_fd_accept(struct rm_scope *s, int listener, int fd);
void rm_fd_listen(struct rm_scope *s, int fd);
/* Before connect(2): when it begins, for rm_fd_connect; 0: nobody wants to know. Context: any. */
uint64_t rm_fd_connect_begins(void);
/* `result` and `error` as connect(2) gave them; EINPROGRESS counts as begun. */
void rm_fd_connect(struct rm_scope *s, int fd, const struct sockaddr *to, socklen_t len, int result, int error, uint64_t begun_ns);
/* The program was told that nothing went wrong: if it is connected now, that is when it learned it. */
void rm_fd_connected(struct rm_scope *s, int fd);
void rm_fd_dup(struct rm_scope *s, int from, int to);
/* Another process passed the descriptor on (SCM_RIGHTS): the kernel is asked what it is. */
void rm_fd_received(struct rm_scope *s, int fd);
/* Before the real close: the connection ends here when this was its last descriptor. */
void rm_fd_close(struct rm_scope *s, int fd);
void rm_fd_close_range(struct rm_scope *s, unsigned first, unsigned last);
void rm_fd_shutdown(struct rm_scope *s, int fd, int how); /* after */

/* ---- client libraries ---- */

/*
 * Around a call of a client library that makes one request at a time; `frame` is where its caller's stack is. A call that was
 * left by longjmp, or by a fiber that waits, is none any more for what is above that frame. agent/resend.c.
 */
void rm_resend_call(struct rm_scope *s, const void *frame);
void rm_resend_call_over(struct rm_scope *s);

/* ---- bytes out ---- */
enum rm_tx_mode {
	RM_TX_PASS, /* make the real call with the caller's arguments; nothing afterwards */
	RM_TX_DONE, /* make the real call with the caller's arguments, then rm_tx_done */
	RM_TX_EDIT, /* call rm_tx_edit instead: it makes the real calls */
	RM_TX_DATAGRAM, /* make the real call; where it fails, rm_datagram_unsent */
	RM_TX_OUTPUT, /* make the real call with the caller's arguments, then rm_output_done */
};
enum { RM_TX_EDITS = 16 }; /* in one call: more are carried out by further calls */

struct rm_tx {
	struct rm_conn *conn;
	uint32_t gen;
	int fd;
	const struct iovec *iov;
	int iov_count;
	size_t bytes;           /* in iov */
	uint32_t busy;          /* RM_TX_EDIT: by which the connection knows this call */
	uint64_t question;      /* RM_TX_DATAGRAM */
	uint32_t fed;           /* of a server's bytes that went out, so many were looked at */
};

/*
 * Looks at what is about to be sent. Enters and leaves the agent itself: the real call is made
 * outside. `iov` is the caller's, borrowed until the call is over.
 */
enum rm_tx_mode rm_tx_begin(struct rm_tx *tx, int fd, const struct iovec *iov, int iov_count);
void rm_tx_done(struct rm_tx *tx, ssize_t result);

typedef ssize_t (*rm_sendmsg_fn)(int fd, const struct msghdr *m, int flags);
/*
 * Sends with our header lines put in; returns what the caller is to see (its own bytes), with errno.
 * `m` gives name, control and flags of a sendmsg call, or is NULL. When nothing was sent because
 * the descriptor turned out to be no socket (a close we never saw), the result is RM_TX_STALE:
 * make the plain call.
 */
enum { RM_TX_STALE = -2 };
ssize_t rm_tx_edit(struct rm_tx *tx, const struct msghdr *m, int flags, rm_sendmsg_fn real);

/*
 * Before bytes leave without passing through user memory (sendfile, splice): sends the rest of a header line that a
 * short write has cut, with `real` and these flags. False: the socket takes no more, errno says why, and the
 * program is to hear that instead of the call.
 */
bool rm_tx_finish_line(int fd, int flags, rm_sendmsg_fn real);

/* Bytes that leave without passing through user memory. After the real call. */
void rm_tx_opaque(int fd, ssize_t result);

/* ---- what the program prints ---- */
/* False: nothing that is printed is a log, and nobody need look. Context: any. */
bool rm_outputs_watched(void);

/* After a write to a descriptor that is a log (RM_TX_OUTPUT). */
void rm_output_done(const struct rm_tx *tx, ssize_t result);

/* What is written in the place of a line of the program's: that, and ids of its trace (REMORA_LOG_TRACE_IDS). */
struct rm_with_ids {
	uint32_t memory;
	char *text;
	size_t bytes, at, added;
};

/*
 * Before a write of `count` parts to a descriptor that is a log. True: `ret` is to be written by the same call, then
 * rm_output_with_ids_done. `shared` as for rm_output_stdio.
 */
bool rm_output_with_ids(struct rm_with_ids *ret, int fd, const struct iovec *iov, int count, bool shared);

/* Returns what the program is to see for `result`: its own bytes. */
ssize_t rm_output_with_ids_done(struct rm_with_ids *w, ssize_t result);

/*
 * libc's stdio wrote `n` bytes to `fd`, past the names that we interpose. `shared`: they may come from a buffer
 * that was filled by other threads or for other requests.
 */
void rm_output_stdio(int fd, const void *p, size_t n, bool shared);

/* Around perror, which prints to a copy of standard error. Context: any. */
void rm_output_perror(bool begins);

/* ---- what the program says by syslog ---- */
/* False: nobody need look. Context: any. */
bool rm_syslog_watched(void);

/* After openlog and closelog. The ident is borrowed, as openlog borrows it. Context: any. */
void rm_syslog_opened(const char *ident, int facility);
void rm_syslog_closed(void);

/* A message: memory to format it in, outside of any visit. */
struct rm_syslog {
	uint32_t memory;
	char *text;
	size_t cap_bytes;
};

/* Lends the memory. False: make the call, and nothing afterwards. */
bool rm_syslog_begin(struct rm_syslog *m);

/* Before the real call: the message has `bytes` (below 0: it cannot be formatted), of which memory has what it has room for. */
void rm_syslog_say(struct rm_syslog *m, int priority, int bytes);

/* After it. */
void rm_syslog_end(struct rm_syslog *m);

/* ---- bytes in ---- */
enum { RM_INGRESS_RESERVE = 96 }; /* room for "traceparent: <55>\r\n" or "x-amzn-trace-id: <74>\r\n" */

struct rm_rx {
	struct rm_conn *conn;
	uint32_t gen;
	int fd;
	size_t reserve; /* > 0: read this many bytes less than the caller's room, then rm_rx_done */
	bool watch;     /* false: make the real call; nothing afterwards */
	bool unseen;    /* MSG_TRUNC: on a stream the bytes are thrown away, not delivered */
	bool plain;     /* RM_RX_PLAIN */
	bool datagram;  /* an answer of the DNS, perhaps */
	struct msghdr *m; /* NULL, or the header whose control data a second read writes anew, into ... */
	struct iovec control; /* ... the room that the caller gave for it */
};

/* Bits that no flag of recv has. */
enum {
	RM_RX_PLAIN = 1 << 29,   /* the call is read or a kin of it, which also reads what is no socket */
	RM_RX_CONTROL = 1 << 28, /* the caller asks for control data */
};

/* Before a read of at most `room` bytes. `flags` as of recv, or RM_RX_PLAIN. */
void rm_rx_begin(struct rm_rx *rx, int fd, size_t room, int flags);

/*
 * After the real read gave `result` (bytes, 0 or -1) into `iov`, whose full room is the caller's
 * (not shortened). Returns what the caller is to see: `result`, or more when a header line was put
 * in or, the first read having been full, a second non-blocking read topped it up.
 */
ssize_t rm_rx_done(struct rm_rx *rx, const struct iovec *iov, int iov_count, ssize_t result);

/* Instead of rm_rx_done: the read failed as the descriptor is no socket, so no connection of ours. */
void rm_rx_no_socket(const struct rm_rx *rx);

/* Bytes that arrive without passing through user memory: splice. After the real call. */
void rm_rx_opaque(int fd, ssize_t result);

/* ---- threads, event loops, processes ---- */
/*
 * epoll_ctl(EPOLL_CTL_ADD or MOD) succeeded: an instance that watches a listener or an accepted
 * connection is a server's event loop.
 */
void rm_fd_epoll_add(int epfd, int fd);
/*
 * The thread is about to wait: in epoll_wait and kin with `epfd` (ignored unless that instance is a
 * server's loop), or with -1 in poll/select over a set of more than one descriptor for one of which
 * rm_fd_is_served holds.
 */
void rm_loop_wait(int epfd);
/* The thread is about to wait for several descriptors by other means. */
void rm_many_wait(void);
/* False: the thread has nothing open, and rm_loop_wait would do nothing. */
bool rm_loop_matters(void);
/* True when this descriptor is a listener or an accepted connection. */
bool rm_fd_is_served(int fd);
/* A place where starting our worker thread is safe: never inside a signal handler. Context: app. */
void rm_safe_point(void);

/* The process is about to end or to become another program: deliver what waits, in bounded time. */
enum rm_end { RM_END_EXIT, RM_END_UNDERSCORE_EXIT, RM_END_EXEC };
void rm_process_end(enum rm_end how);
/* exec failed after rm_process_end(RM_END_EXEC): go on. */
void rm_process_resume(void);

/*
 * Before a call that changes credentials or namespaces, or that only a process of one thread may
 * make: our thread, if there is one, is gone when this returns (after 0.1 s, rarely more). A later
 * safe point may start it again. Context: app.
 */
void rm_stand_alone(void);
/*
 * The same before the process gets another root: what is needed from this one is opened now, as the
 * files of the other may be anybody's. Context: app.
 */
void rm_root_changes(void);
/* Before the calling thread starts another one. Context: app. */
void rm_thread_starts(void);

/*
 * Before the calling thread ends by itself. When it is the main one, our thread must not outlive the
 * others: it is stopped, and none is started again. Context: app.
 */
void rm_thread_ends(void);
/*
 * Before system calls or clocks are restricted, or once memory is: delivers what waits, in bounded time; from now on the
 * hooks pass everything through, so that nothing of ours makes a call that kills. Context: app.
 */
void rm_go_quiet(void);

/*
 * Before the calling thread gets a table of descriptors of its own. Where it shared one with others the same number means
 * another file to each from now on, and nothing is traced any more. Our thread is gone when this returns, as for
 * rm_stand_alone. Context: app.
 */
void rm_descriptors_part(void);

/* Child of vfork: everything here is a pass-through until the parent runs again. */
void rm_vfork_mark(int in_child);

/*
 * The environment a program started now is to get: `envp` itself, or (when the running thread has a
 * context) a copy in `room` with TRACEPARENT (and TRACESTATE, BAGGAGE, X_AMZN_TRACE_ID, as the propagators are) of
 * the current span. `becomes`: by an
 * exec, which makes the calling process that program.
 * Context: any, also in a vfork child: works on the stack of the caller only.
 */
enum { RM_CHILD_ENV_TEXT = 9216 };
struct rm_child_env {
	char text[RM_CHILD_ENV_TEXT];
	char *vars[5]; /* the variables to set, NULL at the end; point into text */
};
bool rm_child_env(struct rm_child_env *room, bool becomes);

/* Disabled, denied or unable: hooks pass everything through. */
bool rm_active(void);

/* ---- start and end, called by hooks/table.c only. Context: init ---- */
void rm_init(int argc, char **argv, char **envp);
void rm_fini(void);

#endif
