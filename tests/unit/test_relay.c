/*
 * relay/door.c, relay.c and gather.c against producers that are children of this test: what is
 * admitted, that nothing a dead process left behind is lost, and that hostile memory does no harm.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/record.h"
#include "agent/relay_join.h"
#include "base/err.h"
#include "base/random.h"
#include "relay/relay.h"
#include "tests/rmtest.h"

#define MS 1000000ull
#define TRIES 5000 /* of a millisecond: far more than needed, so that a slow machine passes */

/* ---- a producer ---- */

struct producer {
	struct rm_segment *segment;
	struct rm_doorbell *bell;
	int memory_fd;
};

static bool make_segment(struct producer *p)
{
	*p = (struct producer){ .memory_fd = rm_relay_memory(sizeof(*p->segment)) };
	p->segment = mmap(NULL, sizeof(*p->segment), PROT_READ | PROT_WRITE, MAP_SHARED, p->memory_fd, 0);
	if (p->segment == MAP_FAILED)
		return false;
	rm_segment_init(p->segment, (uint32_t)getpid());
	return true;
}

static void free_segment(struct producer *p)
{
	munmap(p->segment, sizeof(*p->segment));
	close(p->memory_fd);
	if (p->bell)
		munmap(p->bell, sizeof(*p->bell));
}

static void name_service(struct rm_segment *s, const char *service)
{
	struct rm_builder b = { 0 };

	rm_builder_resource(&b, s->resource, sizeof(s->resource));
	rm_builder_str(&b, RM_KEY_SERVICE_NAME, rm_str_c(service));
	atomic_store(&s->resource_bytes, rm_builder_end(&b));
}

static int push(struct rm_segment *s, uint32_t ring, uint32_t number)
{
	_Alignas(8) char memory[256];
	struct rm_span head = { .trace_id = { 1 }, .kind = RM_KIND_SERVER };
	struct rm_builder b = { 0 };

	memcpy(head.span_id, &number, sizeof(number));
	head.span_id[7] = 1;
	rm_builder_span(&b, memory, sizeof(memory), &head, RM_STR("GET"), RM_STR(""));
	return rm_segment_push(s, ring, memory, rm_builder_end(&b), NULL);
}

/* ---- the relay under test ---- */

struct bench {
	struct rm_gather gather;
	struct rm_relay *relay;
	char address[RM_DOOR_ADDRESS_BYTES];
};

static void setup(struct bench *b)
{
	*b = (struct bench){ .gather = { .tree = rm_tree_new(RM_TREE_SPANS_MAX) } };
	b->relay = rm_relay_new(&b->gather);
	RM_CHECK(b->relay != NULL);
	rm_relay_address(b->relay, b->address);
}

static void teardown(struct bench *b)
{
	if (b->relay)
		rm_relay_free(b->relay);
	rm_tree_free(b->gather.tree);
}

/* Steps until `spans` came in and `alive` processes are left. */
static bool settle(struct bench *b, uint64_t spans, uint32_t alive)
{
	for (int i = 0; i < TRIES; i++) {
		if (b->gather.spans >= spans && rm_relay_alive(b->relay) == alive)
			return b->gather.spans == spans;
		rm_relay_step(b->relay, MS, UINT32_MAX);
	}
	return false;
}

/* Starts a child that joins, runs `work`, and dies at once by SIGKILL. */
static pid_t produce(const struct bench *b, void (*work)(struct producer *p, int arg), int arg)
{
	pid_t pid = fork();
	struct producer p;

	if (pid != 0)
		return pid;
	if (!make_segment(&p) || rm_relay_join(rm_str_c(b->address), p.memory_fd, &p.bell) != RM_OK)
		_exit(1);
	work(&p, arg);
	raise(SIGKILL);
	_exit(1);
}

static bool was_killed(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

static void push_some(struct producer *p, int count)
{
	name_service(p->segment, "shop");
	for (int i = 0; i < count; i++)
		push(p->segment, (uint32_t)i, (uint32_t)i);
}

RM_TEST("what a process left behind when it was killed is all there, under its service")
{
	struct bench b;
	struct rm_tree_stats stats;
	pid_t pid;

	setup(&b);
	pid = produce(&b, push_some, 1000);
	RM_CHECK(settle(&b, 1000, 0));
	RM_CHECK(was_killed(pid));
	rm_tree_stats(b.gather.tree, &stats);
	RM_CHECK(stats.services == 1);
	RM_CHECK(rm_gather_lost(&b.gather) == 0);
	teardown(&b);
}

RM_TEST("twenty processes at once lose nothing")
{
	struct bench b;
	pid_t pid[20];

	setup(&b);
	for (int i = 0; i < 20; i++)
		pid[i] = produce(&b, push_some, 50);
	RM_CHECK(settle(&b, 1000, 0));
	for (int i = 0; i < 20; i++)
		RM_CHECK(was_killed(pid[i]));
	teardown(&b);
}

static void push_more_than_fits(struct producer *p, int count)
{
	name_service(p->segment, "busy");
	for (int i = 0; i < count; i++) {
		while (push(p->segment, 0, (uint32_t)i) == RM_E_FULL) {
			rm_doorbell_ring(p->bell);
			usleep(100);
		}
	}
}

RM_TEST("rings that fill faster than the sweeps come are emptied when the bell rings")
{
	struct bench b;
	uint64_t full;
	pid_t pid;

	setup(&b);
	/* More than all rings hold. */
	pid = produce(&b, push_more_than_fits, 120000);
	RM_CHECK(settle(&b, 120000, 0));
	RM_CHECK(was_killed(pid));
	full = b.gather.lost[RM_LOST_RING_FULL];
	RM_CHECK(rm_gather_lost(&b.gather) == full); /* the producer tried again: counted, yet none is missing */
	teardown(&b);
}

RM_TEST("a process that could not say who it is still has its spans kept")
{
	struct bench b;
	struct producer p;

	setup(&b);
	RM_CHECK(make_segment(&p));
	push(p.segment, 3, 1);
	atomic_store(&p.segment->lost[RM_LOST_MUTED], 4);
	/* The join waits for an answer, so the relay has to run beside it. */
	if (fork() == 0)
		_exit(rm_relay_join(rm_str_c(b.address), p.memory_fd, &p.bell) != RM_OK);
	RM_CHECK(settle(&b, 1, 0));
	RM_CHECK(b.gather.lost[RM_LOST_MUTED] == 4);
	wait(NULL);
	free_segment(&p);
	teardown(&b);
}

RM_TEST("without room spans wait in the segment, also of a process that is dead")
{
	struct bench b;
	pid_t pid;

	setup(&b);
	pid = produce(&b, push_some, 1000);
	for (int i = 0; i < TRIES && rm_relay_alive(b.relay) == 0; i++)
		rm_relay_step(b.relay, MS, 0);
	RM_CHECK(was_killed(pid));
	for (int i = 0; i < TRIES && rm_relay_alive(b.relay) > 0; i++)
		rm_relay_step(b.relay, MS, 0);
	RM_CHECK(rm_relay_alive(b.relay) == 0);
	RM_CHECK(b.gather.spans == 0);
	RM_CHECK(!rm_relay_drain(b.relay, 10));
	RM_CHECK(b.gather.spans == 10);
	while (!rm_relay_drain(b.relay, 300))
		;
	RM_CHECK(b.gather.spans == 1000);
	teardown(&b);
}

/* ---- admission ---- */

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
		rm_relay_step(b->relay, MS, UINT32_MAX);
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

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
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
		rm_relay_step(b.relay, MS, UINT32_MAX);
		got = recv(s, &byte, 1, 0);
	}
	RM_CHECK(got == 0);
	close(s);
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
		for (uint32_t ring = 0; ring < RM_SEGMENT_RINGS; ring++) {
			uint64_t *data = (uint64_t *)p.segment->data[ring];

			data[rm_random_u64(&random) % 64] = rm_random_u64(&random) & 0xffff0001000100f8;
			atomic_store(&p.segment->ring[ring].tail, 0);
			atomic_store(&p.segment->ring[ring].head, (rm_random_u64(&random) % 8192) & ~7ull);
		}
		rm_relay_drain(b.relay, UINT32_MAX);
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
	if (rm_door_open(&door) != RM_OK)
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
