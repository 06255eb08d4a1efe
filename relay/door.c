/*
 * Directory, socket and handshake of the relay. Admission: the socket's name and the token (random,
 * only in the environment of what we started) and the peer's uid, which must be ours unless we are
 * root. Below root anybody may walk through the directory, as servers drop their privileges, but it
 * cannot be listed; and since the socket was bound under another name, /proc/net/unix does not tell
 * either. So who was not told cannot even knock: each descriptor that a stranger sends us would be
 * ours to close, and a close can last as long as he likes (SO_LINGER, FUSE).
 *
 * The segment must be an ordinary memfd of the exact size that can never shrink: else reading it
 * could raise SIGBUS here.
 */
#include "relay/door.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static int make_dir(struct rm_door *d)
{
	const char *base = geteuid() == 0 ? NULL : getenv("XDG_RUNTIME_DIR");

	if (base && base[0] == '/' && strlen(base) < sizeof(d->dir) - sizeof("/remora-XXXXXX")) {
		rm_format(d->dir, sizeof(d->dir), "%s/remora-XXXXXX", base);
		if (mkdtemp(d->dir))
			return RM_OK;
	}
	rm_format(d->dir, sizeof(d->dir), "/tmp/remora-XXXXXX");
	if (mkdtemp(d->dir))
		return RM_OK;
	d->dir[0] = '\0';
	return RM_E_IO;
}

/* Gives the socket a name that the kernel does not show. */
static int rename_socket(struct rm_door *d)
{
	uint8_t random[RM_RELAY_TOKEN_BYTES];
	char hex[2 * sizeof(random) + 1] = { 0 };
	struct sockaddr_un secret = { .sun_family = AF_UNIX };

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return RM_E_IO;
	rm_hex_encode(random, sizeof(random), hex);
	rm_format(secret.sun_path, sizeof(secret.sun_path), "%s/%s", d->dir, hex);
	if (rename(d->at.sun_path, secret.sun_path) != 0)
		return RM_E_IO;
	d->at = secret;
	return RM_OK;
}

static int make_socket(struct rm_door *d)
{
	bool root = geteuid() == 0;

	d->at.sun_family = AF_UNIX;
	rm_format(d->at.sun_path, sizeof(d->at.sun_path), "%s/relay", d->dir);
	d->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->listener < 0 || bind(d->listener, (struct sockaddr *)&d->at, sizeof(d->at)) != 0)
		return RM_E_IO;
	if (rename_socket(d) != RM_OK || chmod(d->at.sun_path, root ? 0666 : 0600) != 0 ||
	    listen(d->listener, SOMAXCONN) != 0)
		return RM_E_IO;
	/* Others come in last: until now the directory was our user's alone. */
	return root && chmod(d->dir, 0711) != 0 ? RM_E_IO : RM_OK;
}

/* What grows beyond the limit the kernel answers with SIGXFSZ, also where it is no file of a disk. */
static bool may_grow_to(size_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && bytes > limit.rlim_cur) {
		errno = EFBIG;
		return false;
	}
	return true;
}

static size_t page_bytes(const struct rm_door *d)
{
	return d->page ? sizeof(*d->page) : sizeof(*d->bell);
}

static int make_bell(struct rm_door *d, bool with_rules)
{
	size_t bytes = with_rules ? sizeof(*d->page) : sizeof(*d->bell);
	void *page;

	if (!may_grow_to(bytes))
		return RM_E_IO;
	d->bell_fd = memfd_create("remora-doorbell", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (d->bell_fd < 0 || ftruncate(d->bell_fd, (off_t)bytes) != 0)
		return RM_E_IO;
	if (fcntl(d->bell_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return RM_E_IO;
	page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, d->bell_fd, 0);
	if (page == MAP_FAILED)
		return RM_E_IO;
	d->bell = page;
	d->page = with_rules ? page : NULL;
	return RM_OK;
}

int rm_door_open(struct rm_door *d, bool with_rules)
{
	int error;

	memset(d, 0, sizeof(*d));
	d->listener = d->bell_fd = -1;
	if (getrandom(d->token, sizeof(d->token), 0) == (ssize_t)sizeof(d->token) &&
	    make_dir(d) == RM_OK && make_socket(d) == RM_OK && make_bell(d, with_rules) == RM_OK)
		return RM_OK;
	error = errno;
	rm_door_close(d);
	errno = error;
	return RM_E_IO;
}

void rm_door_close(struct rm_door *d)
{
	if (d->bell)
		munmap(d->bell, page_bytes(d));
	if (d->bell_fd >= 0)
		close(d->bell_fd);
	if (d->listener >= 0)
		close(d->listener);
	if (d->at.sun_path[0])
		unlink(d->at.sun_path);
	if (d->dir[0])
		rmdir(d->dir);
	memset(d, 0, sizeof(*d));
	d->listener = d->bell_fd = -1;
}

void rm_door_address(const struct rm_door *d, char ret[RM_DOOR_ADDRESS_BYTES])
{
	char hex[2 * RM_RELAY_TOKEN_BYTES + 1] = { 0 };

	rm_hex_encode(d->token, sizeof(d->token), hex);
	rm_format(ret, RM_DOOR_ADDRESS_BYTES, "%s,%s", d->at.sun_path, hex);
}

int rm_door_accept(const struct rm_door *d)
{
	return accept4(d->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* Compares in a time that does not depend on where the first difference is. */
static bool token_is(const struct rm_door *d, const uint8_t *token)
{
	uint8_t difference = 0;

	for (size_t i = 0; i < sizeof(d->token); i++)
		difference |= d->token[i] ^ token[i];
	return difference == 0;
}

static bool peer_is_ours(int conn, pid_t *ret_pid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	if (geteuid() != 0 && peer.uid != geteuid())
		return false;
	*ret_pid = peer.pid;
	return true;
}

static struct rm_segment *map_segment(int fd)
{
	struct stat st;
	struct statfs fs;
	struct rm_segment *s;

	/* hugetlbfs offers seals too, but touching its pages can fail. */
	if (fstatfs(fd, &fs) != 0 || fs.f_type != TMPFS_MAGIC)
		return NULL;
	if (!(fcntl(fd, F_GET_SEALS) > 0 && fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK))
		return NULL;
	if (fstat(fd, &st) != 0 || st.st_size != (off_t)sizeof(*s))
		return NULL;
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return NULL;
	if (s->magic == RM_SEGMENT_MAGIC && s->abi == RM_SEGMENT_ABI)
		return s;
	rm_door_unmap(s);
	return NULL;
}

void rm_door_unmap(struct rm_segment *segment)
{
	munmap(segment, sizeof(*segment));
}

static bool welcome(const struct rm_door *d, int conn)
{
	struct rm_relay_welcome answer = { RM_RELAY_MAGIC, RM_RELAY_ABI };
	struct iovec iov = { &answer, sizeof(answer) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &d->bell_fd, sizeof(int));
	return sendmsg(conn, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(answer);
}

/*
 * Receives the hello. Returns its size, with the descriptor that came with it (-1 if none).
 * There is room for one descriptor (CMSG_SPACE would have room for two): the kernel closes any
 * others and says MSG_CTRUNC.
 */
static ssize_t receive(int conn, struct rm_relay_hello *hello, int *ret_fd)
{
	struct iovec iov = { hello, sizeof(*hello) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = CMSG_LEN(sizeof(int)) };
	ssize_t n = recvmsg(conn, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	*ret_fd = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? 0 : n;
}

int rm_door_hello(const struct rm_door *d, int conn, struct rm_segment **ret_segment, pid_t *ret_pid)
{
	struct rm_relay_hello hello;
	struct rm_segment *segment;
	int fd;
	ssize_t n = receive(conn, &hello, &fd);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : RM_E_IO;
	if (n != (ssize_t)sizeof(hello) || hello.magic != RM_RELAY_MAGIC ||
	    hello.abi != RM_RELAY_ABI || hello.segment_abi != RM_SEGMENT_ABI ||
	    hello.segment_bytes != sizeof(*segment) || !token_is(d, hello.token) ||
	    !peer_is_ours(conn, ret_pid)) {
		if (fd >= 0)
			close(fd);
		return RM_E_PROTO;
	}
	segment = fd >= 0 ? map_segment(fd) : NULL;
	if (fd >= 0)
		close(fd);
	if (!segment)
		return RM_E_PROTO;
	if (!welcome(d, conn)) {
		rm_door_unmap(segment);
		return RM_E_GONE;
	}
	*ret_segment = segment;
	return 1;
}
