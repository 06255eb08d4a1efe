/*
 * Hooks of the calls that make, name and end connections: socket, accept, connect, listen,
 * shutdown, socketpair; and getsockopt, which tells of the connecting. Each makes the real call and then tells the agent; the agent's scope is
 * never open during a real call, which may block or be a cancellation point.
 * Context: hook. accept, which in a server without a poll loop is the only place it comes back to,
 * is a safe point too: before the wait, as what was recorded since the last one is then complete.
 */
#include "adapters/adapters.h"
#include "agent/hookapi.h"
#include "hooks/hook.h"
#include "hooks/raw.h"

#include <errno.h>
#include <string.h>

RM_HOOK(socket, raw_socket);
RM_EXPORT int socket(int domain, int type, int protocol)
{
	int fd = real_socket(domain, type, protocol);
	struct rm_scope s;

	if (fd >= 0 && rm_enter(&s)) {
		rm_fd_socket(&s, fd, domain, type);
		rm_leave(&s);
	}
	rm_adapters_arrive();
	return fd;
}

RM_HOOK(socketpair, raw_socketpair);
RM_EXPORT int socketpair(int domain, int type, int protocol, int fds[2])
{
	int result = real_socketpair(domain, type, protocol, fds);
	struct rm_scope s;

	if (result == 0 && rm_enter(&s)) {
		rm_fd_socket(&s, fds[0], domain, type);
		rm_fd_socket(&s, fds[1], domain, type);
		rm_leave(&s);
	}
	rm_adapters_arrive();
	return result;
}

static void accepted(int listener, int fd)
{
	struct rm_scope s;

	if (fd < 0 || !rm_enter(&s))
		return;
	rm_fd_accept(&s, listener, fd);
	rm_leave(&s);
	rm_adapters_serve(fd);
}

RM_HOOK(accept, raw_accept);
RM_EXPORT int accept(int listener, struct sockaddr *from, socklen_t *len)
{
	int fd;

	rm_safe_point();
	rm_adapters_arrive();
	fd = real_accept(listener, from, len);
	accepted(listener, fd);
	return fd;
}

RM_HOOK(accept4, raw_accept4);
RM_EXPORT int accept4(int listener, struct sockaddr *from, socklen_t *len, int flags)
{
	int fd;

	rm_safe_point();
	rm_adapters_arrive();
	fd = real_accept4(listener, from, len, flags);
	accepted(listener, fd);
	return fd;
}

RM_HOOK(listen, raw_listen);
RM_EXPORT int listen(int fd, int backlog)
{
	int result = real_listen(fd, backlog);
	struct rm_scope s;

	if (result == 0 && rm_enter(&s)) {
		rm_fd_listen(&s, fd);
		rm_leave(&s);
	}
	return result;
}

RM_HOOK(connect, raw_connect);
RM_EXPORT int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	uint64_t begun_ns = rm_fd_connect_begins();
	int result = real_connect(fd, to, len);
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_connect(&s, fd, to, len, result, result == 0 ? 0 : s.saved_errno, begun_ns);
		rm_leave(&s);
	}
	return result;
}

/* How a program asks what became of a connection that it did not wait for. */
RM_HOOK(getsockopt, raw_getsockopt);
RM_EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	int result = real_getsockopt(fd, level, name, value, len), error;
	struct rm_scope s;

	if (result != 0 || level != SOL_SOCKET || name != SO_ERROR || !rm_fd_tracked(fd) || *len < sizeof(error))
		return result;
	memcpy(&error, value, sizeof(error));
	if (error == 0 && rm_enter(&s)) {
		rm_fd_connected(&s, fd);
		rm_leave(&s);
	}
	return result;
}

RM_HOOK(shutdown, raw_shutdown);
RM_EXPORT int shutdown(int fd, int how)
{
	int result = real_shutdown(fd, how);
	struct rm_scope s;

	if (result == 0 && rm_fd_tracked(fd) && rm_enter(&s)) {
		rm_fd_shutdown(&s, fd, how);
		rm_leave(&s);
	}
	return result;
}
