/*
 * What tests of the relay share: producers, which are children of the test, and a relay that the test
 * itself turns.
 */
#ifndef RM_TESTS_RELAY_BENCH_H
#define RM_TESTS_RELAY_BENCH_H

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/record.h"
#include "agent/relay_join.h"
#include "base/err.h"
#include "relay/relay.h"
#include "tests/rmtest.h"

#define MS 1000000ull
#define TRIES 60000 /* of a millisecond: far more than needed, so that a slow machine passes */

/* ---- a producer ---- */

struct producer {
	struct rm_segment *segment;
	struct rm_doorbell *bell;
	int memory_fd;
};

static inline bool make_segment(struct producer *p)
{
	*p = (struct producer){ .memory_fd = rm_relay_memory(sizeof(*p->segment)) };
	p->segment = mmap(NULL, sizeof(*p->segment), PROT_READ | PROT_WRITE, MAP_SHARED, p->memory_fd, 0);
	if (p->segment == MAP_FAILED)
		return false;
	rm_segment_init(p->segment, (uint32_t)getpid());
	return true;
}

static inline void free_segment(struct producer *p)
{
	munmap(p->segment, sizeof(*p->segment));
	close(p->memory_fd);
	if (p->bell)
		munmap(p->bell, sizeof(*p->bell));
}

static inline void name_service(struct rm_segment *s, const char *service)
{
	struct rm_builder b = { 0 };

	rm_builder_resource(&b, s->resource, sizeof(s->resource));
	rm_builder_str(&b, RM_KEY_SERVICE_NAME, rm_str_c(service));
	atomic_store(&s->resource_bytes, rm_builder_end(&b));
}

static inline int push(struct rm_segment *s, uint32_t ring, uint32_t number)
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

static inline void setup(struct bench *b)
{
	rm_relay_patience_ms = 60000;
	*b = (struct bench){ .gather = { .tree = rm_tree_new(RM_TREE_SPANS_MAX) } };
	b->relay = rm_relay_new(&b->gather, false);
	RM_CHECK(b->relay != NULL);
	rm_relay_address(b->relay, b->address);
}

static inline void teardown(struct bench *b)
{
	if (b->relay)
		rm_relay_free(b->relay);
	rm_tree_free(b->gather.tree);
}

/* Steps until `spans` came in and `alive` processes are left. */
static inline bool settle(struct bench *b, uint64_t spans, uint32_t alive)
{
	for (int i = 0; i < TRIES; i++) {
		if (b->gather.spans >= spans && rm_relay_alive(b->relay) == alive)
			return b->gather.spans == spans;
		rm_relay_step(b->relay, MS, RM_ROOM_FOR_ALL);
	}
	return false;
}

/* Joins without a word on who is to read. */
static inline bool join_undecided(struct producer *p, const char *address)
{
	return make_segment(p) &&
	       rm_relay_join(rm_str_c(address), p->memory_fd, &p->bell, &(size_t){ sizeof(struct rm_doorbell) }) == RM_OK;
}

static inline bool join(struct producer *p, const char *address)
{
	if (!join_undecided(p, address))
		return false;
	atomic_store(&p->segment->reader, RM_READER_RELAY);
	return true;
}

/* Starts a child that joins, runs `work`, and dies at once by SIGKILL. */
static inline pid_t produce(const struct bench *b, void (*work)(struct producer *p, int arg), int arg)
{
	pid_t pid = fork();
	struct producer p;

	if (pid != 0)
		return pid;
	if (!join(&p, b->address))
		_exit(1);
	work(&p, arg);
	raise(SIGKILL);
	_exit(1);
}

static inline bool was_killed(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

static inline void push_some(struct producer *p, int count)
{
	name_service(p->segment, "shop");
	for (int i = 0; i < count; i++)
		push(p->segment, (uint32_t)i, (uint32_t)i);
}

#endif
