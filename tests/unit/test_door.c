/*
 * relay/door.c and who stands before it: what is admitted, who finds it, and that neither hostile
 * visitors nor hostile memory do harm.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/random.h"
#include "relay_bench.h"

/* Says hello as given. Returns the bytes of the answer: 0 when the relay closed the door. */
static ssize_t say(struct bench *b, const struct rm_relay_hello *hello, size_t bytes, const int *fds, int count)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct iovec iov = { (void *)hello, bytes };
	_Alignas(8) char control[CMSG_SPACE(4 * sizeof(int))] = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	char answer[64];
	ssize_t got = -1;
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	memcpy(at.sun_path, b->address, strcspn(b->address, ","));
	RM_CHECK(connect(s, (struct sockaddr *)&at, sizeof(at)) == 0);
	if (count > 0) {
		struct cmsghdr *c = (struct cmsghdr *)control;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(count * sizeof(int));
		*c = (struct cmsghdr){ CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	RM_CHECK(sendmsg(s, &m, 0) == (ssize_t)bytes);
	for (int i = 0; i < TRIES && got < 0; i++) {
		rm_relay_step(b->relay, MS, RM_ROOM_FOR_ALL);
		got = recv(s, answer, sizeof(answer), 0);
	}
	close(s);
	return got;
}

static struct rm_relay_hello good_hello(const struct bench *b)
{
	struct rm_relay_hello h = { .magic = RM_RELAY_MAGIC, .abi = RM_RELAY_ABI,
				    .segment_abi = RM_SEGMENT_ABI,
				    .segment_bytes = sizeof(struct rm_segment) };

	rm_hex_decode(strchr(b->address, ',') + 1, h.token, sizeof(h.token));
	return h;
}

static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

RM_TEST("who does not wait for an answer is counted, and is not let in")
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	_Alignas(8) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct rm_relay_hello h;
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct producer p;
	struct bench b;
	int s = socket(AF_UNIX, SOCK_SEQPACKET, 0), before;

	setup(&b);
	RM_CHECK(make_segment(&p));
	h = good_hello(&b);
	memcpy(at.sun_path, b.address, strcspn(b.address, ","));
	*(struct cmsghdr *)control = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA((struct cmsghdr *)control), &p.memory_fd, sizeof(int));
	RM_CHECK(connect(s, (struct sockaddr *)&at, sizeof(at)) == 0 && sendmsg(s, &m, 0) == (ssize_t)sizeof(h));
	before = descriptors();
	close(s);
	for (int i = 0; i < TRIES && !b.gather.alone; i++)
		rm_relay_step(b.relay, MS, RM_ROOM_FOR_ALL);
	RM_CHECK(b.gather.alone == 1 && rm_relay_alive(b.relay) == 0 && descriptors() == before - 1);
	free_segment(&p);
	teardown(&b);
}

RM_TEST("a right hello is answered, a wrong one finds the door closed, and no descriptor stays behind")
{
	struct rm_relay_hello h;
	struct producer p;
	struct bench b;
	int before;

	setup(&b);
	RM_CHECK(make_segment(&p));
	before = descriptors();
	h = good_hello(&b);
	h.token[15] ^= 1;
	RM_CHECK(say(&b, &h, sizeof(h), &p.memory_fd, 1) == 0);
	h = good_hello(&b);
	h.segment_bytes++;
	RM_CHECK(say(&b, &h, sizeof(h), &p.memory_fd, 1) == 0);
	h = good_hello(&b);
	h.abi++;
	RM_CHECK(say(&b, &h, sizeof(h), &p.memory_fd, 1) == 0);
	h = good_hello(&b);
	RM_CHECK(say(&b, &h, sizeof(h) - 1, &p.memory_fd, 1) == 0);
	RM_CHECK(say(&b, &h, sizeof(h), NULL, 0) == 0);
	RM_CHECK(say(&b, &h, sizeof(h), (int[]){ p.memory_fd, p.memory_fd }, 2) == 0);
	RM_CHECK(descriptors() == before);
	RM_CHECK(rm_relay_alive(b.relay) == 0);
	RM_CHECK(say(&b, &h, sizeof(h), &p.memory_fd, 1) == (ssize_t)sizeof(struct rm_relay_welcome));
	RM_CHECK(rm_relay_alive(b.relay) == 1);
	free_segment(&p);
	teardown(&b);
}

RM_TEST("memory that could shrink, has another size or is no memory is refused")
{
	struct rm_relay_hello h;
	struct bench b;
	int fd;

	setup(&b);
	h = good_hello(&b);
	fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	RM_CHECK(ftruncate(fd, sizeof(struct rm_segment)) == 0);
	RM_CHECK(say(&b, &h, sizeof(h), &fd, 1) == 0);
	close(fd);
	fd = rm_relay_memory(sizeof(struct rm_segment) - 4096);
	RM_CHECK(say(&b, &h, sizeof(h), &fd, 1) == 0);
	close(fd);
	fd = open("/dev/null", O_RDWR);
	RM_CHECK(say(&b, &h, sizeof(h), &fd, 1) == 0);
	close(fd);
	teardown(&b);
}

RM_TEST("a peer that connects and says nothing is not waited for")
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct bench b;
	char byte;
	ssize_t got = -1;
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	pid_t pid;

	setup(&b);
	memcpy(at.sun_path, b.address, strcspn(b.address, ","));
	RM_CHECK(connect(s, (struct sockaddr *)&at, sizeof(at)) == 0);
	pid = produce(&b, push_some, 10);
	RM_CHECK(settle(&b, 10, 0));
	RM_CHECK(was_killed(pid));
	for (int i = 0; i < TRIES && got < 0; i++) {
		rm_relay_step(b.relay, MS, RM_ROOM_FOR_ALL);
		got = recv(s, &byte, 1, 0);
	}
	RM_CHECK(got == 0);
	close(s);
	teardown(&b);
}

static int knock(const struct bench *b)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	memcpy(at.sun_path, b->address, strcspn(b->address, ","));
	RM_CHECK(connect(s, (struct sockaddr *)&at, sizeof(at)) == 0);
	return s;
}

RM_TEST("a crowd that connects and says nothing keeps nobody out, and takes no more than its share")
{
	enum { CROWD = 500, SHARE = 64 };
	struct bench b;
	int silent[CROWD], before, held = 0;
	char byte;
	pid_t pid;

	setup(&b);
	before = descriptors();
	for (int i = 0; i < CROWD; i++)
		silent[i] = knock(&b);
	rm_relay_step(b.relay, 0, RM_ROOM_FOR_ALL);
	for (int i = 0; i < CROWD; i++)
		held += recv(silent[i], &byte, 1, 0) < 0;
	RM_CHECK(held == SHARE);
	RM_CHECK(descriptors() == before + CROWD + SHARE);
	pid = produce(&b, push_some, 10);
	RM_CHECK(settle(&b, 10, 0));
	RM_CHECK(was_killed(pid));
	for (int i = 0; i < CROWD; i++)
		close(silent[i]);
	teardown(&b);
}

RM_TEST("any bytes in the shared memory leave the relay whole")
{
	struct rm_random random = { { 0 } };
	struct rm_relay_hello h;
	struct producer p;
	struct bench b;
	size_t first = offsetof(struct rm_segment, next_ring);

	setup(&b);
	RM_CHECK(make_segment(&p));
	h = good_hello(&b);
	RM_CHECK(say(&b, &h, sizeof(h), &p.memory_fd, 1) > 0);
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 64; i++) {
			size_t at = first + rm_random_u64(&random) % (offsetof(struct rm_segment, data) - first);

			((char *)p.segment)[at] = (char)rm_random_u64(&random);
		}
		atomic_store(&p.segment->reader, RM_READER_RELAY); /* else it is let go, unread */
		for (uint32_t ring = 0; ring < RM_SEGMENT_RINGS; ring++) {
			uint64_t *data = (uint64_t *)p.segment->data[ring];

			data[rm_random_u64(&random) % 64] = rm_random_u64(&random) & 0xffff0001000100f8;
			atomic_store(&p.segment->ring[ring].tail, 0);
			atomic_store(&p.segment->ring[ring].head, (rm_random_u64(&random) % 8192) & ~7ull);
		}
		rm_relay_drain(b.relay, RM_ROOM_FOR_ALL);
	}
	RM_CHECK(b.gather.broken > 0);
	RM_CHECK(rm_relay_alive(b.relay) == 1);
	free_segment(&p);
	teardown(&b);
}

static void stay(struct producer *p, int until_closed)
{
	char byte;

	name_service(p->segment, "shop");
	while (read(until_closed, &byte, 1) > 0)
		;
}

/* Joins with the descriptors it needs, however few this test has left itself. */
static pid_t produce_anyway(const struct bench *b, const struct rlimit *limit, int wait_on)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setrlimit(RLIMIT_NOFILE, limit);
	/* What the relay holds must be its own: a pidfd lives in its epoll set as long as somebody has it. */
	close_range(3, (unsigned)wait_on - 1, 0);
	close_range((unsigned)wait_on + 1, ~0u, 0);
	if (produce(b, stay, wait_on) < 0)
		_exit(1);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

RM_TEST("a relay that has no descriptor left lets processes in all the same, and hears of their end")
{
	enum { PROCESSES = 48, LEFT = 36 };
	struct rlimit before, few;
	struct bench b;
	int ends[2], next;

	setup(&b);
	RM_CHECK(pipe(ends) == 0 && ends[1] == ends[0] + 1 && getrlimit(RLIMIT_NOFILE, &before) == 0);
	next = dup(0);
	close(next);
	few = (struct rlimit){ (rlim_t)(next + LEFT), before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	for (uint32_t i = 0; i < PROCESSES; i++) {
		RM_CHECK(produce_anyway(&b, &before, ends[0]) > 0);
		RM_CHECK(settle(&b, 0, i + 1));
	}
	close(ends[1]);
	RM_CHECK(settle(&b, 0, 0));
	setrlimit(RLIMIT_NOFILE, &before);
	while (wait(NULL) > 0)
		;
	close(ends[0]);
	teardown(&b);
}

/* What another user than root makes: nobody else has business there. */
static int modes_of_user(void)
{
	struct rm_door door;
	struct stat st;
	int bad = 0;

	if (geteuid() == 0 && setuid(65534) != 0)
		return 1;
	unsetenv("XDG_RUNTIME_DIR");
	if (rm_door_open(&door, false) != RM_OK)
		return 2;
	bad |= stat(door.dir, &st) != 0 || (st.st_mode & 0777) != 0700 ? 4 : 0;
	bad |= stat(door.at.sun_path, &st) != 0 || (st.st_mode & 0777) != 0600 ? 8 : 0;
	rm_door_close(&door);
	return bad;
}

RM_TEST("where root has nothing to do with it, the door is its user's alone")
{
	pid_t pid;
	int status = -1;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(modes_of_user());
	RM_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Every name that the kernel knows sockets by. */
static bool is_shown(const char *path)
{
	char line[512];
	FILE *f = fopen("/proc/net/unix", "r");
	bool found = false;

	while (fgets(line, sizeof(line), f))
		found |= strstr(line, path) != NULL;
	fclose(f);
	return found;
}

RM_TEST("who was not told the socket's name cannot find it out, and not knock")
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char dir[64];
	struct bench b;
	int s = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	setup(&b);
	b.address[strcspn(b.address, ",")] = '\0';
	RM_CHECK(!is_shown(b.address));
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(b.address, '/') - b.address), b.address);
	RM_CHECK(is_shown(dir)); /* under the name that it was bound to, which leads nowhere */
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/relay", dir);
	RM_CHECK(connect(s, (struct sockaddr *)&at, sizeof(at)) != 0 && errno == ENOENT);
	close(s);
	teardown(&b);
}

RM_TEST("directory and socket are private, and gone afterwards")
{
	struct bench b;
	struct stat st;
	char *slash;

	setup(&b);
	b.address[strcspn(b.address, ",")] = '\0';
	RM_CHECK(stat(b.address, &st) == 0 && S_ISSOCK(st.st_mode));
	slash = strrchr(b.address, '/');
	*slash = '\0';
	RM_CHECK(stat(b.address, &st) == 0 && (st.st_mode & 0777) == (geteuid() == 0 ? 0711 : 0700));
	teardown(&b);
	RM_CHECK(stat(b.address, &st) != 0 && errno == ENOENT);
}

RM_TEST("where no file may be made there is no relay, and no signal")
{
	struct rlimit before, none;

	RM_CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
	none = before;
	none.rlim_cur = 0;
	RM_CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
	errno = 0;
	RM_CHECK(!rm_relay_new(NULL, false) && errno == EFBIG);
	RM_CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
}
