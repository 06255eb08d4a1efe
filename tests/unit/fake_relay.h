/*
 * A relay for tests: a SOCK_SEQPACKET listener in a fresh directory that takes one hello, keeps the
 * segment it was handed mapped, and answers as told.
 */
#ifndef RM_TESTS_FAKE_RELAY_H
#define RM_TESTS_FAKE_RELAY_H

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/relay_join.h"
#include "agent/relay_proto.h"
#include "base/segment.h"

#define FAKE_TOKEN "000102030405060708090a0b0c0d0eff"

enum fake_answer {
	ANSWER_WELCOME,
	ANSWER_NOTHING,
	ANSWER_CLOSE,
	ANSWER_OLD_ABI,
	ANSWER_NO_BELL,
	ANSWER_SHORT_BELL,
	ANSWER_SHRINKABLE_BELL
};

struct fake_relay {
	char dir[64], path[96], setting[160];
	int listener, seals;
	enum fake_answer answer;
	pthread_t thread;
	pthread_barrier_t started; /* no test forks while the thread is being made */
	struct rm_relay_hello hello;
	struct rm_segment *segment; /* of the process that joined, or NULL */
	struct rm_doorbell *bell;
	int bell_fd;
};

static inline void fake_take(struct fake_relay *f, int conn)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &f->hello, sizeof(f->hello) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	void *p;
	int fd;

	if (recvmsg(conn, &m, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(f->hello) || !CMSG_FIRSTHDR(&m))
		return;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	f->seals = fcntl(fd, F_GET_SEALS);
	p = mmap(NULL, sizeof(*f->segment), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		f->segment = p;
}

static inline void fake_welcome(struct fake_relay *f, int conn)
{
	struct rm_relay_welcome welcome = { RM_RELAY_MAGIC,
					    RM_RELAY_ABI + (f->answer == ANSWER_OLD_ABI) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &welcome, sizeof(welcome) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &f->bell_fd, sizeof(int));
	if (f->answer == ANSWER_NO_BELL)
		m.msg_control = NULL, m.msg_controllen = 0;
	sendmsg(conn, &m, MSG_NOSIGNAL);
}

static inline void *fake_main(void *arg)
{
	struct fake_relay *f = arg;
	char byte;
	int conn;

	pthread_barrier_wait(&f->started);
	conn = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	if (conn < 0)
		return NULL;
	fake_take(f, conn);
	if (f->answer == ANSWER_NOTHING)
		while (read(conn, &byte, 1) > 0)
			;
	else if (f->answer != ANSWER_CLOSE)
		fake_welcome(f, conn);
	close(conn);
	return NULL;
}

static inline void fake_relay_open(struct fake_relay *f, enum fake_answer answer)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	memset(f, 0, sizeof(*f));
	f->answer = answer;
	rm_relay_patience_ms = answer == ANSWER_NOTHING ? 100 : 60000;
	snprintf(f->dir, sizeof(f->dir), "/tmp/remora-test-XXXXXX");
	if (!mkdtemp(f->dir))
		abort();
	snprintf(f->path, sizeof(f->path), "%s/relay,1", f->dir);
	snprintf(f->setting, sizeof(f->setting), "%s,%s", f->path, FAKE_TOKEN);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", f->path);
	f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	f->bell_fd = memfd_create("bell", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (bind(f->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(f->listener, 4) != 0 ||
	    ftruncate(f->bell_fd, answer == ANSWER_SHORT_BELL ? 4 : sizeof(*f->bell)) != 0)
		abort();
	if (answer != ANSWER_SHRINKABLE_BELL)
		fcntl(f->bell_fd, F_ADD_SEALS, F_SEAL_SHRINK);
	f->bell = mmap(NULL, sizeof(*f->bell), PROT_READ | PROT_WRITE, MAP_SHARED, f->bell_fd, 0);
	pthread_barrier_init(&f->started, NULL, 2);
	if (pthread_create(&f->thread, NULL, fake_main, f) != 0)
		abort();
	pthread_barrier_wait(&f->started);
}

/* Waits until the one visitor is gone. */
static inline void fake_relay_wait(struct fake_relay *f)
{
	pthread_join(f->thread, NULL);
}

static inline void fake_relay_close(struct fake_relay *f)
{
	pthread_barrier_destroy(&f->started);
	close(f->listener);
	close(f->bell_fd);
	munmap(f->bell, sizeof(*f->bell));
	if (f->segment)
		munmap(f->segment, sizeof(*f->segment));
	unlink(f->path);
	rmdir(f->dir);
}

#endif
