/*
 * Joins the relay: connect, hello with our memfd, welcome with the doorbell's memfd.
 * Runs on an application's thread at its first span, perhaps in a signal handler: raw system calls,
 * none longer than rm_relay_patience_ms. The descriptors exist only within these
 * functions and are close-on-exec.
 * Spec: agent/relay_proto.h.
 */
#include "agent/relay_join.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "agent/relay_proto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/sys.h"

uint32_t rm_relay_patience_ms = 100;

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

struct door {
	struct sockaddr_un at;
	struct rm_relay_hello hello;
};

/* What grows beyond RLIMIT_FSIZE ends the process with SIGXFSZ, also where it is no file of a disk. */
static bool may_grow_to(size_t bytes)
{
	struct { uint64_t soft, hard; } limit;
	enum { FILE_SIZE = 1 };

	return rm_sys4(__NR_prlimit64, 0, FILE_SIZE, 0, &limit) == 0 && bytes <= limit.soft;
}

int rm_relay_memory(size_t bytes)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	long fd;

	if (!may_grow_to(bytes))
		return RM_E_IO;
	fd = rm_sys2(__NR_memfd_create, "remora", flags | MFD_NOEXEC_SEAL);
	if (fd == -EINVAL) /* before Linux 6.3 */
		fd = rm_sys2(__NR_memfd_create, "remora", flags);
	if (fd < 0)
		return RM_E_IO;
	if (rm_sys2(__NR_ftruncate, fd, bytes) < 0 ||
	    rm_sys3(__NR_fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		rm_sys1(__NR_close, fd);
		return RM_E_IO;
	}
	return (int)fd;
}

/* Splits at the last comma: a path may hold one, a token cannot. */
static int parse(struct rm_str setting, struct door *ret)
{
	size_t hex = 2 * RM_RELAY_TOKEN_BYTES, path;

	if (setting.n <= hex + 1 || setting.p[0] != '/')
		return RM_E_INVALID;
	path = setting.n - hex - 1;
	if (setting.p[path] != ',' || path >= sizeof(ret->at.sun_path))
		return RM_E_INVALID;
	memset(ret, 0, sizeof(*ret));
	if (!rm_hex_decode(setting.p + path + 1, ret->hello.token, RM_RELAY_TOKEN_BYTES))
		return RM_E_INVALID;
	ret->at.sun_family = AF_UNIX;
	memcpy(ret->at.sun_path, setting.p, path);
	ret->hello.magic = RM_RELAY_MAGIC;
	ret->hello.abi = RM_RELAY_ABI;
	ret->hello.segment_abi = RM_SEGMENT_ABI;
	ret->hello.segment_bytes = sizeof(struct rm_segment);
	return RM_OK;
}

/* A call that a signal may interrupt: again, until the deadline. */
static long again(long nr, long fd, const void *arg, long last, uint64_t deadline_ns)
{
	while (rm_clock_mono_ns() < deadline_ns) {
		long r = rm_sys3(nr, fd, arg, last);

		if (r != -EINTR)
			return r;
	}
	return -ETIMEDOUT;
}

static int open_door(const struct door *d, uint64_t deadline_ns)
{
	struct timeval step = { rm_relay_patience_ms / 1000, rm_relay_patience_ms % 1000 * 1000 };
	long fd = rm_sys3(__NR_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return RM_E_IO;
	/* SO_SNDTIMEO also bounds connect(2), which waits while the backlog is full. */
	if (rm_sys5(__NR_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &step, sizeof(step)) < 0 ||
	    rm_sys5(__NR_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &step, sizeof(step)) < 0 ||
	    again(__NR_connect, fd, &d->at, sizeof(d->at), deadline_ns) < 0) {
		rm_sys1(__NR_close, fd);
		return RM_E_IO;
	}
	return (int)fd;
}

/*
 * What hosts the door may read all that our spans say: it must be our own user's or root's. A relay
 * that is gone leaves a name in /tmp that anybody may take.
 */
static bool is_trusted(int fd)
{
	struct ucred host = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(host);

	if (rm_sys5(__NR_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &host, &len) < 0)
		return false;
	return host.uid == 0 || (long)host.uid == rm_sys0(__NR_geteuid);
}

static int send_hello(int fd, const struct door *d, int segment_fd, uint64_t deadline_ns)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { (void *)&d->hello, sizeof(d->hello) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &segment_fd, sizeof(segment_fd));
	if (again(__NR_sendmsg, fd, &m, MSG_NOSIGNAL, deadline_ns) != (long)sizeof(d->hello))
		return RM_E_IO;
	return RM_OK;
}

/* Returns the descriptor of the doorbell page. */
static int receive_welcome(int fd, uint64_t deadline_ns)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { 0 } };
	struct rm_relay_welcome welcome = { 0 };
	struct iovec iov = { &welcome, sizeof(welcome) };
	/* CMSG_LEN, not CMSG_SPACE: in the padding the kernel would put a second descriptor. */
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = CMSG_LEN(sizeof(int)) };
	long n = again(__NR_recvmsg, fd, &m, MSG_CMSG_CLOEXEC, deadline_ns);
	int bell_fd;

	if (n < 0)
		return RM_E_IO;
	if (m.msg_controllen < CMSG_LEN(sizeof(int)) || control.head.cmsg_type != SCM_RIGHTS ||
	    control.head.cmsg_len != CMSG_LEN(sizeof(int)))
		return RM_E_PROTO;
	memcpy(&bell_fd, CMSG_DATA(&control.head), sizeof(bell_fd));
	if (n != (long)sizeof(welcome) || welcome.magic != RM_RELAY_MAGIC ||
	    welcome.abi != RM_RELAY_ABI) {
		rm_sys1(__NR_close, bell_fd);
		return RM_E_PROTO;
	}
	return bell_fd;
}

static int map_bell(int bell_fd, struct rm_doorbell **bell, size_t *bytes)
{
	long at, seals, there;

	if (*bell)
		return RM_OK;
	/*
	 * Touching a mapping past the end of its file would raise SIGBUS in the application: long enough,
	 * and for ever. The seals first; files that are no memory have none.
	 */
	seals = rm_sys2(__NR_fcntl, bell_fd, F_GET_SEALS);
	there = rm_sys3(__NR_lseek, bell_fd, 0, SEEK_END);
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || there < (long)sizeof(**bell))
		return RM_E_PROTO;
	if (there < (long)*bytes)
		*bytes = sizeof(**bell);
	at = rm_sys6(__NR_mmap, 0, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bell_fd, 0);
	if (at < 0 && at > -4096)
		return RM_E_IO;
	*bell = (struct rm_doorbell *)at;
	return RM_OK;
}

int rm_relay_join(struct rm_str setting, int segment_fd, struct rm_doorbell **bell, size_t *bytes)
{
	uint64_t deadline_ns = rm_clock_mono_ns() + 2000000ull * rm_relay_patience_ms;
	struct door d;
	int error = parse(setting, &d), fd, bell_fd;

	if (error)
		return error;
	fd = open_door(&d, deadline_ns);
	if (fd < 0)
		return fd;
	error = is_trusted(fd) ? send_hello(fd, &d, segment_fd, deadline_ns) : RM_E_IO;
	bell_fd = error ? error : receive_welcome(fd, deadline_ns);
	rm_sys1(__NR_close, fd);
	if (bell_fd < 0)
		return bell_fd;
	error = map_bell(bell_fd, bell, bytes);
	rm_sys1(__NR_close, bell_fd);
	return error;
}
