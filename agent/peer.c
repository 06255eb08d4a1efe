/* See peer.h. Runs in hooks, the connection locked or not yet known to others. */
#include "agent/peer.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/fmt_addr.h"
#include "base/sys.h"

void rm_peer_set(struct rm_peer *p, const struct sockaddr *sa, size_t len)
{
	const size_t path_max = offsetof(struct sockaddr_un, sun_path) + sizeof(p->text) - 1;
	struct rm_strbuf out;

	p->asked = true;
	p->path = sa->sa_family == AF_UNIX;
	rm_strbuf_init(&out, p->text, sizeof(p->text));
	if (rm_fmt_sockaddr(&out, sa, len < path_max ? len : path_max, &p->port))
		p->bytes = (uint8_t)out.n;
}

void rm_peer_find(struct rm_peer *p, int fd)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);

	p->asked = true;
	if (rm_sys3(__NR_getpeername, fd, &peer, &len) == 0)
		rm_peer_set(p, (const struct sockaddr *)&peer, sizeof(peer));
}
