/*
 * A client program over a kernel that takes any part of any call: what tests of the sending side
 * need. Include once per test program.
 */
#ifndef RM_TESTS_CLIENT_FIXTURE_H
#define RM_TESTS_CLIENT_FIXTURE_H

#include <errno.h>
#include <netinet/in.h>

#include "agent/hookapi.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

/* Each test uses some of these. */
#pragma GCC diagnostic ignored "-Wunused-function"

enum { STREAM_MAX = 64 * 1024 };

static _Thread_local char sent[STREAM_MAX * 2]; /* what the kernel took */
static _Thread_local size_t sent_bytes;
static _Thread_local unsigned random_state = 1;
static _Thread_local int refuse_percent, short_percent;
static _Thread_local void (*during_call)(int fd); /* what else happens in the process while the kernel is at work */
static _Thread_local long take_at_most = -1;      /* the next call: so many bytes, then refusals; -1: as the dice say */
static _Thread_local size_t controls_sent;

static unsigned dice(unsigned sides)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % sides;
}

/* A kernel that takes all, some or nothing of a call. */
static ssize_t fake_sendmsg(int fd, const struct msghdr *m, int flags)
{
	size_t want = 0, take;

	(void)flags;
	for (size_t i = 0; i < m->msg_iovlen; i++)
		want += m->msg_iov[i].iov_len;
	if (during_call)
		during_call(fd);
	if (take_at_most == 0 || (int)dice(100) < refuse_percent) {
		errno = EAGAIN;
		return -1;
	}
	take = (int)dice(100) < short_percent ? 1 + dice((unsigned)want) : want;
	if (take_at_most > 0) {
		take = want < (size_t)take_at_most ? want : (size_t)take_at_most;
		take_at_most -= (long)take;
	}
	controls_sent += m->msg_control && m->msg_controllen > 0;
	for (size_t i = 0, left = take; i < m->msg_iovlen && left; i++) {
		size_t n = m->msg_iov[i].iov_len < left ? m->msg_iov[i].iov_len : left;

		memcpy(sent + sent_bytes, m->msg_iov[i].iov_base, n);
		sent_bytes += n;
		left -= n;
	}
	return (ssize_t)take;
}

static rm_sendmsg_fn kernel = fake_sendmsg;

/* One call as the hook of sendmsg makes it. */
static ssize_t hooked_sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct rm_tx tx;
	ssize_t n;

	switch (rm_tx_begin(&tx, fd, m->msg_iov, (int)m->msg_iovlen)) {
	case RM_TX_PASS:
		return kernel(fd, m, flags);
	case RM_TX_EDIT:
		n = rm_tx_edit(&tx, m, flags, kernel);
		return n == RM_TX_STALE ? kernel(fd, m, flags) : n;
	default:
		n = kernel(fd, m, flags);
		rm_tx_done(&tx, n);
		return n;
	}
}

static ssize_t hooked_send(int fd, const struct iovec *iov, int count)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count };

	return hooked_sendmsg(fd, &m, 0);
}

static ssize_t send_text(int fd, const char *p, size_t n)
{
	struct iovec iov = { (void *)p, n };

	return hooked_send(fd, &iov, 1);
}

/* What the peer sends, as a hook reports it. */
static void receive_text(int fd, const char *p, size_t n)
{
	char room[4096];
	struct iovec iov = { room, sizeof(room) };
	struct rm_rx rx;

	rm_rx_begin(&rx, fd, sizeof(room), 0);
	memcpy(room, p, n);
	rm_rx_done(&rx, &iov, 1, (ssize_t)n);
}

static void open_client(int fd)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	rm_fd_socket(&s, fd, AF_INET, SOCK_STREAM);
	rm_fd_connect(&s, fd, (struct sockaddr *)&to, sizeof(to), 0, 0, 0);
	rm_leave(&s);
}

static void close_fd(int fd)
{
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	rm_fd_close(&s, fd);
	rm_leave(&s);
}

/* Nothing is kept of connections that were closed. */
static bool all_freed(void)
{
	return rm_conn_live() == 0 && rm_exchange_live() == 0 && rm_text_live() == 0 && stub_segment.ring[0].under_way == 0;
}

/* Takes our lines out of what was sent; counts them. */
static size_t without_lines(char *ret, int *ret_lines)
{
	static const char name[] = "traceparent: 00-";
	size_t n = 0;

	*ret_lines = 0;
	for (size_t i = 0; i < sent_bytes;) {
		bool at_line = i >= 2 && sent[i - 1] == '\n';

		if (at_line && sent_bytes - i >= 70 && memcmp(sent + i, name, sizeof(name) - 1) == 0 &&
		    memcmp(sent + i + 68, "\r\n", 2) == 0) {
			i += 70;
			++*ret_lines;
			continue;
		}
		ret[n++] = sent[i++];
	}
	return n;
}

#endif
