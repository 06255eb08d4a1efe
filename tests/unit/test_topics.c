/* Names of topics by their ids: agent/topics.c. */
#include "agent/topics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tests/rmtest.h"

enum { THREADS = 4, EACH = 60, MANY = 300, LONG = 249 };

struct topic {
	uint8_t id[RM_TOPIC_ID_BYTES];
	char name[32];
};

static struct topic topic_of(uint32_t kind, uint32_t n)
{
	struct topic t = { .id = { (uint8_t)kind } };
	uint32_t scattered = n * 2654435761u;

	memcpy(t.id + 4, &n, sizeof(n));
	memcpy(t.id + 12, &scattered, sizeof(scattered));
	snprintf(t.name, sizeof(t.name), "topic-%u-%u", kind, n);
	return t;
}

static void add(const struct topic *t)
{
	rm_topics_add(t->id, rm_str_c(t->name));
}

RM_TEST("what nobody told has no name, and asking for it takes no memory")
{
	struct topic t = topic_of(1, 1);
	uint64_t before = rm_memory_mapped();

	RM_CHECK_STR(rm_topics_find(t.id), "");
	RM_CHECK(rm_memory_mapped() == before);
}

RM_TEST("a topic has the name that was told first")
{
	struct topic t = topic_of(1, 1), near = t;

	add(&t);
	rm_topics_add(t.id, RM_STR("another"));
	RM_CHECK_STR(rm_topics_find(t.id), "topic-1-1");
	near.id[1] ^= 1; /* looked for in the same place */
	RM_CHECK_STR(rm_topics_find(near.id), "");
	rm_topics_add(near.id, RM_STR("near"));
	RM_CHECK_STR(rm_topics_find(near.id), "near");
	RM_CHECK_STR(rm_topics_find(t.id), "topic-1-1");
}

static void *tell(void *unused)
{
	for (uint32_t n = 0; n < EACH; n++) {
		struct topic t = topic_of(2, n);

		add(&t);
	}
	return NULL;
}

RM_TEST("threads that tell the same at once are believed once")
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, tell, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t n = 0; n < EACH; n++) {
		struct topic t = topic_of(2, n);

		RM_CHECK_STR(rm_topics_find(t.id), t.name);
	}
}

RM_TEST("names are told until there is no more room for them, then there are none")
{
	char text[LONG] = "";
	size_t bytes = 0;

	for (uint32_t n = 0; n < MANY; n++) {
		struct topic t = topic_of(3, n);

		add(&t);
		RM_CHECK_STR(rm_topics_find(t.id), t.name);
	}
	for (uint32_t n = 0; n < MANY; n++) {
		struct topic t = topic_of(4, n);
		struct rm_str name;

		memset(text, 'a' + (int)n % 26, sizeof(text));
		rm_topics_add(t.id, (struct rm_str){ text, sizeof(text) });
		name = rm_topics_find(t.id);
		RM_CHECK(!name.n || rm_str_eq(name, (struct rm_str){ text, sizeof(text) }));
		bytes += name.n;
	}
	RM_CHECK(bytes > 15 * 1024 && bytes <= 24 * 1024);
}

RM_TEST("more topics than there are places: those that had a name keep it")
{
	struct topic first = topic_of(1, 1);

	for (uint32_t n = 0; n < 10 * MANY; n++) {
		struct topic t = topic_of(5, n);

		rm_topics_add(t.id, (struct rm_str){ 0 });
	}
	RM_CHECK_STR(rm_topics_find(first.id), "topic-1-1");
}
