/*
 * Names by c-ares, in slices of 10 ms like transfers. Its state is made for one lookup: backends are looked
 * up rarely, and what would stay would be sockets. Context: worker.
 */
#include "exporters/resolve.h"

#define CARES_NO_DEPRECATED /* what old ones have is what new ones call deprecated */
#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

enum { SLICE_MS = 10 };

struct answer {
	struct sockaddr_storage address;
	socklen_t n; /* 0: none yet */
	int status;
	bool is_done;
};

static void take(struct answer *a, const struct ares_addrinfo_node *node)
{
	if (node->ai_addrlen > sizeof(a->address) || (node->ai_family != AF_INET && node->ai_family != AF_INET6))
		return;
	if (a->n > 0 && (a->address.ss_family == AF_INET || node->ai_family == AF_INET6))
		return;
	memcpy(&a->address, node->ai_addr, node->ai_addrlen);
	a->n = node->ai_addrlen;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct answer *a = arg;

	a->is_done = true;
	a->status = status;
	if (!info)
		return;
	for (const struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next)
		take(a, n);
	ares_freeaddrinfo(info);
}

/* Waits for what c-ares waits for, 10 ms at most. */
static void drive(ares_channel channel)
{
	struct pollfd fds[ARES_GETSOCK_MAXNUM];
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	int mask = ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM), n = 0;

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short events = (short)((ARES_GETSOCK_READABLE(mask, i) ? POLLIN : 0) |
				       (ARES_GETSOCK_WRITABLE(mask, i) ? POLLOUT : 0));

		if (events)
			fds[n++] = (struct pollfd){ sockets[i], events, 0 };
	}
	poll(fds, (nfds_t)n, SLICE_MS);
	for (int i = 0; i < n; i++)
		ares_process_fd(channel, fds[i].revents & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
				fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* its clocks */
}

static void look_up(ares_channel channel, const char *host, const struct rm_export_io *io, struct answer *a)
{
	static const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };

	ares_getaddrinfo(channel, host, NULL, &hints, on_answer, a);
	while (!a->is_done && rm_clock_mono_ns() < io->deadline_ns && !(io->abort && atomic_load(io->abort))) {
		drive(channel);
		if (io->idle)
			io->idle(io->idle_arg);
	}
}

static bool numeric(const char *host, struct answer *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->address;

	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		a->n = sizeof(*v4);
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		a->n = sizeof(*v6);
	}
	return a->n > 0;
}

static void set_port(struct answer *a, uint16_t port)
{
	if (a->address.ss_family == AF_INET)
		((struct sockaddr_in *)&a->address)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&a->address)->sin6_port = htons(port);
}

int rm_resolve(const char *host, uint16_t port, const struct rm_export_io *io,
	       struct sockaddr_storage *ret, socklen_t *ret_n, const char **ret_error)
{
	struct answer a = { .status = ARES_ENODATA };
	ares_channel channel;

	if (!numeric(host, &a)) {
		int status = ares_init(&channel);

		if (status != ARES_SUCCESS) {
			*ret_error = ares_strerror(status);
			return RM_E_IO;
		}
		look_up(channel, host, io, &a);
		ares_destroy(channel); /* calls on_answer, if it was not called yet */
	}
	if (a.n == 0) {
		*ret_error = a.status == ARES_SUCCESS ? "the name has no address" : ares_strerror(a.status);
		return RM_E_IO;
	}
	set_port(&a, port);
	*ret = a.address;
	*ret_n = a.n;
	return RM_OK;
}
