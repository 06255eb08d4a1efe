/*
 * The handshake with the relay, from both sides: relay/door.c hears whatever a process says, and
 * agent/relay_join.c whatever hosts the socket answers. The input is one byte of circumstances and the
 * datagram. What must hold for any input: no descriptor is left, nothing but a whole hello is let in, and
 * no bell that may shrink is mapped.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/relay_join.h"
#include "base/log.h"
#include "relay/door.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { WITH_FD = 1, WHOLE = 2, SEALED = 4, EXACT = 8, JOIN = 16, TWO_FDS = 32 };

static struct rm_door door;

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* The number the next descriptor would get: the same before and after, unless one was left. */
static int next_fd(void)
{
	int fd = dup(STDIN_FILENO);

	check(fd >= 0);
	close(fd);
	return fd;
}

/* Memory of about the right kind. */
static int memory(unsigned how, size_t right, size_t other)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	check(fd >= 0 && ftruncate(fd, (off_t)(how & EXACT ? right : other)) == 0);
	if (how & SEALED)
		check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	return fd;
}

static void say(int conn, const void *p, size_t n, int fd, int count)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { .head = { CMSG_LEN((size_t)count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec iov = { (void *)p, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	for (int i = 0; i < count; i++)
		memcpy(CMSG_DATA(&control.head) + (size_t)i * sizeof(int), &fd, sizeof(fd));
	if (count) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
	}
	sendmsg(conn, &m, MSG_NOSIGNAL);
}

static int fds_of(unsigned how)
{
	return !(how & WITH_FD) ? 0 : how & TWO_FDS ? 2 : 1;
}

static void hear(unsigned how, const uint8_t *p, size_t n)
{
	struct rm_relay_hello hello = { RM_RELAY_MAGIC, RM_RELAY_ABI, RM_SEGMENT_ABI,
					sizeof(struct rm_segment), { 0 } };
	int pair[2], fd = memory(how, sizeof(struct rm_segment), n), got;
	struct rm_segment *segment = NULL;
	struct {
		uint64_t magic;
		uint32_t abi;
	} begin = { RM_SEGMENT_MAGIC, RM_SEGMENT_ABI };
	pid_t pid = 0;

	check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	memcpy(hello.token, door.token, sizeof(hello.token));
	if (how & EXACT)
		check(pwrite(fd, &begin, sizeof(begin), 0) == sizeof(begin));
	if (how & WHOLE)
		say(pair[0], &hello, sizeof(hello), fd, fds_of(how));
	else
		say(pair[0], p, n, fd, fds_of(how));
	got = rm_door_hello(&door, pair[1], &segment, &pid);
	check((got == 1) == (segment != NULL));
	check(got != 1 || (fds_of(how) == 1 && (how & EXACT) && (how & SEALED)));
	if (segment) {
		check(pid == getpid());
		rm_door_unmap(segment);
	}
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

/* ---- the other side ---- */

static struct {
	int listener, fd;
	unsigned how;
	const uint8_t *p;
	size_t n;
} host;

static void *answer(void *arg)
{
	struct rm_relay_welcome welcome = { RM_RELAY_MAGIC, RM_RELAY_ABI };
	struct rm_relay_hello hello;
	int conn = accept4(host.listener, NULL, NULL, SOCK_CLOEXEC);

	if (recv(conn, &hello, sizeof(hello), 0) == (ssize_t)sizeof(hello)) {
		if (host.how & WHOLE)
			say(conn, &welcome, sizeof(welcome), host.fd, fds_of(host.how));
		else
			say(conn, host.p, host.n, host.fd, fds_of(host.how));
	}
	close(conn);
	return NULL;
}

static void join(unsigned how, const uint8_t *p, size_t n)
{
	struct rm_doorbell *bell = NULL;
	char address[RM_DOOR_ADDRESS_BYTES];
	int segment = rm_relay_memory(4096), error;
	pthread_t thread;

	host.how = how, host.p = p, host.n = n;
	host.fd = memory(how, sizeof(*bell), n % sizeof(*bell));
	rm_door_address(&door, address);
	check(pthread_create(&thread, NULL, answer, NULL) == 0);
	error = rm_relay_join(rm_str_c(address), segment, &bell, &(size_t){ sizeof(*bell) });
	pthread_join(thread, NULL);
	check(!error == (bell != NULL));
	check(error || ((how & WITH_FD) && (how & EXACT) && (how & SEALED)));
	if (bell) {
		check(!atomic_load(&bell->rung));
		munmap(bell, sizeof(*bell));
	}
	close(segment);
	close(host.fd);
}

static void close_door(void)
{
	rm_door_close(&door);
}

static void open_door(void)
{
	static bool open;

	if (open)
		return;
	open = true;
	check(rm_door_open(&door, false) == 0 && atexit(close_door) == 0);
	host.listener = door.listener;
	fcntl(door.listener, F_SETFL, 0); /* the thread waits at it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int before;

	open_door();
	if (n < 1 || n > 4096)
		return 0;
	before = next_fd();
	if (data[0] & JOIN)
		join(data[0], data + 1, n - 1);
	else
		hear(data[0], data + 1, n - 1);
	check(next_fd() == before);
	return 0;
}
