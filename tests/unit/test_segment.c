/*
 * Segments: every record arrives once and intact or is counted as lost, also under threads; a
 * consumer survives whatever a hostile producer leaves in the shared memory.
 */
#include "base/segment.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/err.h"
#include "base/random.h"
#include "tests/rmtest.h"

struct test_record {
	uint32_t bytes;
	uint16_t type, count;
	uint32_t producer, sequence;
	unsigned char fill[RM_RECORD_MAX_BYTES - 16];
};
_Static_assert(sizeof(struct test_record) == RM_RECORD_MAX_BYTES, "largest record");

static struct rm_segment *new_segment(void)
{
	struct rm_segment *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		abort();
	rm_segment_init(s, 42);
	return s;
}

static void free_segment(struct rm_segment *s)
{
	munmap(s, sizeof(*s));
}

/* A span record whose content follows from producer and sequence number. */
static void fill_record(struct test_record *r, uint32_t producer, uint32_t sequence, uint32_t bytes)
{
	r->bytes = bytes;
	r->type = RM_SEGMENT_SPAN;
	r->count = 0;
	r->producer = producer;
	r->sequence = sequence;
	memset(r->fill, (int)(producer * 31 + sequence), bytes - 16);
}

static bool intact(const struct test_record *r, int bytes)
{
	unsigned char want = (unsigned char)(r->producer * 31 + r->sequence);

	if (bytes < 16 || r->bytes != (uint32_t)bytes || r->type != RM_SEGMENT_SPAN)
		return false;
	for (int i = 0; i < bytes - 16; i++)
		if (r->fill[i] != want)
			return false;
	return true;
}

static struct test_record out, in;

RM_TEST("a new segment says what it is and is empty")
{
	struct rm_segment *s = new_segment();

	RM_CHECK(s->magic == RM_SEGMENT_MAGIC && s->abi == RM_SEGMENT_ABI && s->pid == 42);
	RM_CHECK(s->ring_count == RM_SEGMENT_RINGS && s->ring_bytes == RM_RING_BYTES);
	RM_CHECK(rm_segment_empty(s));
	for (uint32_t i = 0; i < RM_SEGMENT_RINGS; i++)
		RM_CHECK(rm_segment_pop(s, i, &in) == 0);
	free_segment(s);
}

RM_TEST("records of every size pass through in order, many times round the ring")
{
	struct rm_segment *s = new_segment();
	uint32_t pushed = 0, popped = 0, fill = 0;

	while (popped < 2000) {
		uint32_t bytes = 16 + pushed * 8 % (RM_RECORD_MAX_BYTES - 8);
		int n;

		fill_record(&out, 3, pushed, bytes);
		RM_CHECK(rm_segment_push(s, 3, &out, bytes, &fill) == RM_OK);
		RM_CHECK(fill >= bytes && fill <= RM_RING_BYTES);
		pushed++;
		if (pushed - popped < 5)
			continue;
		n = rm_segment_pop(s, 3, &in);
		RM_CHECK(intact(&in, n) && in.sequence == popped);
		popped++;
	}
	RM_CHECK(s->ring[3].head > 10 * RM_RING_BYTES);
	RM_CHECK(rm_segment_spans(s) == pushed && s->lost[RM_LOST_RING_FULL] == 0);
	RM_CHECK(!rm_segment_empty(s));
	free_segment(s);
}

RM_TEST("the fill level counts what waits, until it is popped")
{
	struct rm_segment *s = new_segment();
	uint32_t fill = 0;

	fill_record(&out, 0, 0, 64);
	rm_segment_push(s, 0, &out, 64, &fill);
	RM_CHECK(fill == 64);
	rm_segment_push(s, 0, &out, 64, &fill);
	RM_CHECK(fill == 128);
	rm_segment_pop(s, 0, &in);
	rm_segment_push(s, 0, &out, 64, NULL);
	rm_segment_push(s, 0, &out, 64, &fill);
	RM_CHECK(fill == 192);
	free_segment(s);
}

RM_TEST("a full ring hands on to the next one; when all are full the loss is counted")
{
	struct rm_segment *s = new_segment();
	uint32_t fit = RM_RING_BYTES / RM_RECORD_MAX_BYTES, fill = 0;
	uint64_t popped = 0;

	fill_record(&out, 0, 0, RM_RECORD_MAX_BYTES);
	for (uint32_t i = 0; i < fit; i++)
		RM_CHECK(rm_segment_push(s, RM_SEGMENT_SPAN_RINGS - 1, &out, RM_RECORD_MAX_BYTES, &fill) == RM_OK);
	RM_CHECK(fill == RM_RING_BYTES && s->ring[0].head == 0);
	RM_CHECK(rm_segment_push(s, RM_SEGMENT_SPAN_RINGS - 1, &out, RM_RECORD_MAX_BYTES, &fill) == RM_OK);
	RM_CHECK(fill == RM_RECORD_MAX_BYTES && s->ring[0].head == RM_RECORD_MAX_BYTES);
	while (rm_segment_push(s, RM_SEGMENT_SPAN_RINGS - 1, &out, RM_RECORD_MAX_BYTES, NULL) == RM_OK)
		;
	RM_CHECK(rm_segment_spans(s) == fit * RM_SEGMENT_SPAN_RINGS);
	RM_CHECK(rm_segment_push(s, 5, &out, RM_RECORD_MAX_BYTES, NULL) == RM_E_FULL);
	RM_CHECK(s->lost[RM_LOST_RING_FULL] == 2);
	for (uint32_t i = 0; i < RM_SEGMENT_RINGS; i++)
		while (rm_segment_pop(s, i, &in) > 0)
			popped++;
	RM_CHECK(popped == rm_segment_spans(s) && rm_segment_empty(s));
	RM_CHECK(rm_segment_push(s, 5, &out, RM_RECORD_MAX_BYTES, NULL) == RM_OK);
	free_segment(s);
}

RM_TEST("where all rings are full the others are not asked with each record; one's own always is")
{
	struct rm_segment *s = new_segment();
	uint32_t lost = 0;

	fill_record(&out, 0, 0, RM_RECORD_MAX_BYTES);
	while (rm_segment_push(s, 5, &out, RM_RECORD_MAX_BYTES, NULL) == RM_OK)
		;
	RM_CHECK(rm_segment_pop(s, 9, &in) > 0);
	while (rm_segment_push(s, 5, &out, RM_RECORD_MAX_BYTES, NULL) == RM_E_FULL)
		lost++;
	RM_CHECK(lost == RM_RING_PASSES && s->lost[RM_LOST_RING_FULL] == lost + 1);
	RM_CHECK(s->ring[9].head - s->ring[9].tail == RM_RING_BYTES);
	RM_CHECK(rm_segment_push(s, 5, &out, RM_RECORD_MAX_BYTES, NULL) == RM_E_FULL);
	RM_CHECK(rm_segment_pop(s, 5, &in) > 0);
	RM_CHECK(rm_segment_push(s, 5, &out, RM_RECORD_MAX_BYTES, NULL) == RM_OK);
	free_segment(s);
}

RM_TEST("what a full ring hands on goes where there was room the last time")
{
	struct rm_segment *s = new_segment();

	fill_record(&out, 0, 0, RM_RECORD_MAX_BYTES);
	while (rm_segment_push(s, 5, &out, RM_RECORD_MAX_BYTES, NULL) == RM_OK)
		;
	for (uint32_t i = 0; i < RM_RING_PASSES; i++)
		rm_segment_push(s, 5, &out, RM_RECORD_MAX_BYTES, NULL);
	RM_CHECK(rm_segment_pop(s, 2, &in) > 0 && rm_segment_push(s, 5, &out, RM_RECORD_MAX_BYTES, NULL) == RM_OK);
	RM_CHECK(rm_segment_pop(s, 2, &in) > 0 && rm_segment_pop(s, 6, &in) > 0);
	RM_CHECK(rm_segment_push(s, 5, &out, RM_RECORD_MAX_BYTES, NULL) == RM_OK);
	RM_CHECK(s->ring[2].head - s->ring[2].tail == RM_RING_BYTES && s->ring[6].head - s->ring[6].tail < RM_RING_BYTES);
	free_segment(s);
}

RM_TEST("a ring whose producer died inside it is passed over")
{
	struct rm_segment *s = new_segment();

	s->ring[7].lock = 1;
	fill_record(&out, 0, 0, 64);
	RM_CHECK(rm_segment_push(s, 7, &out, 64, NULL) == RM_OK);
	RM_CHECK(s->ring[7].head == 0 && s->ring[8].head == 64 && s->ring[7].lock == 1);
	for (int i = 0; i < RM_SEGMENT_RINGS; i++)
		s->ring[i].lock = 1;
	RM_CHECK(rm_segment_push(s, 7, &out, 64, NULL) == RM_E_FULL);
	RM_CHECK(s->lost[RM_LOST_RING_FULL] == 1);
	free_segment(s);
}

RM_TEST("only records of a proper size are taken, and only spans count as produced")
{
	static char larger[RM_RECORD_MAX_BYTES + 8];
	struct rm_segment *s = new_segment();

	RM_CHECK(rm_segment_push(s, 0, larger, sizeof(larger), NULL) == RM_E_RANGE);
	RM_CHECK(rm_segment_push(s, 0, larger, 0, NULL) == RM_E_RANGE);
	RM_CHECK(rm_segment_push(s, 0, larger, 20, NULL) == RM_E_RANGE);
	RM_CHECK(s->lost[RM_LOST_RECORD_SIZE] == 3 && rm_segment_empty(s));
	fill_record(&out, 0, 0, 64);
	out.type = 2;
	RM_CHECK(rm_segment_push(s, 0, &out, 64, NULL) == RM_OK);
	RM_CHECK(rm_segment_spans(s) == 0);
	rm_segment_lost(s, RM_LOST_MUTED);
	RM_CHECK(s->lost[RM_LOST_MUTED] == 1);
	free_segment(s);
}

RM_TEST("logs have rings of their own: neither they nor spans take the other's place")
{
	struct rm_segment *s = new_segment();
	uint64_t logs = 0, spans = 0;

	fill_record(&out, 0, 0, RM_RECORD_MAX_BYTES);
	out.type = RM_SEGMENT_LOG;
	while (rm_segment_push(s, 3, &out, RM_RECORD_MAX_BYTES, NULL) == RM_OK)
		logs++;
	RM_CHECK(logs == RM_SEGMENT_LOG_RINGS * (RM_RING_BYTES / RM_RECORD_MAX_BYTES));
	RM_CHECK(s->logs_produced == logs && rm_segment_spans(s) == 0);
	RM_CHECK(s->lost[RM_LOST_LOG] == 1 && s->lost[RM_LOST_RING_FULL] == 0);
	for (int i = 0; i < RM_SEGMENT_SPAN_RINGS; i++)
		RM_CHECK(s->ring[i].head == 0);
	out.type = RM_SEGMENT_SPAN;
	while (rm_segment_push(s, 3, &out, RM_RECORD_MAX_BYTES, NULL) == RM_OK)
		spans++;
	RM_CHECK(spans == rm_segment_spans(s) && spans == RM_SEGMENT_SPAN_RINGS * (RM_RING_BYTES / RM_RECORD_MAX_BYTES));
	for (int i = RM_SEGMENT_SPAN_RINGS; i < RM_SEGMENT_RINGS; i++)
		while (rm_segment_pop(s, (uint32_t)i, &in) > 0)
			logs--;
	RM_CHECK(logs == 0);
	out.type = RM_SEGMENT_LOG;
	RM_CHECK(rm_segment_push(s, 3, &out, RM_RECORD_MAX_BYTES, NULL) == RM_OK);
	free_segment(s);
}

RM_TEST("a record in parts is put together in the ring, from any byte of its text on, with nothing behind it")
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz";
	const struct iovec iov[] = { { (void *)text, 5 }, { NULL, 0 }, { (void *)(text + 5), 1 }, { (void *)(text + 6), 20 } };
	struct rm_segment *s = new_segment();
	uint32_t fill;

	for (size_t skip = 0; skip < 26; skip++)
		for (uint32_t n = 0; skip + n <= 26; n++) {
			struct { uint32_t bytes; uint16_t type, count; uint64_t more; } head = { 16 + ((n + 7) & ~7u), RM_SEGMENT_OUTPUT, 0, skip };
			struct rm_segment_parts parts = { &head, sizeof(head), iov, skip, n };
			char *got = (char *)&in;

			memset(&in, 0xaa, 64);
			memset(s->data[RM_SEGMENT_SPAN_RINGS + 2] + s->ring[RM_SEGMENT_SPAN_RINGS + 2].head % RM_RING_BYTES, 0xbb, 64);
			RM_CHECK(rm_segment_push_parts(s, 2, &parts, &fill) == RM_OK && fill == head.bytes);
			RM_CHECK(rm_segment_pop(s, RM_SEGMENT_SPAN_RINGS + 2, &in) == (int)head.bytes);
			RM_CHECK(memcmp(got, &head, sizeof(head)) == 0 && memcmp(got + 16, text + skip, n) == 0);
			for (uint32_t i = 16 + n; i < head.bytes; i++)
				RM_CHECK(got[i] == 0);
		}
	free_segment(s);
}

/* ---- threads ---- */

enum { PRODUCERS = 4, RECORDS = 100000, USED_RINGS = 2 };

static struct rm_segment *shared;
static struct rm_doorbell bell;
static _Atomic int producers_left;
static _Atomic uint64_t refused;

static void *produce(void *arg)
{
	uint32_t me = (uint32_t)(uintptr_t)arg;
	static _Thread_local struct test_record r;

	for (uint32_t i = 0; i < RECORDS; i++) {
		uint32_t bytes = 16 + (i * 7 + me) % 100 * 8;

		fill_record(&r, me, i, bytes);
		if (rm_segment_push(shared, me % USED_RINGS, &r, bytes, NULL) != RM_OK)
			refused++;
		rm_doorbell_ring(&bell);
	}
	producers_left--;
	rm_doorbell_ring(&bell);
	return NULL;
}

static unsigned char arrived[PRODUCERS][RECORDS];
static uint64_t broken, twice, total;

static void drain(void)
{
	for (uint32_t ring = 0; ring < RM_SEGMENT_RINGS; ring++) {
		int n;

		while ((n = rm_segment_pop(shared, ring, &in)) != 0) {
			if (!intact(&in, n) || in.producer >= PRODUCERS || in.sequence >= RECORDS) {
				broken++;
				continue;
			}
			total++;
			twice += arrived[in.producer][in.sequence]++ != 0;
		}
	}
}

RM_TEST("with four producers on two rings every record arrives once, whole, or is counted lost")
{
	pthread_t threads[PRODUCERS];
	bool over = false;

	shared = new_segment();
	producers_left = PRODUCERS;
	for (uintptr_t i = 0; i < PRODUCERS; i++)
		pthread_create(&threads[i], NULL, produce, (void *)i);
	while (!over) {
		uint32_t seen = bell.rung;

		over = producers_left == 0; /* before the last look into the rings */
		drain();
		/* For ever: a wake-up that went missing would hang the test. */
		if (!over)
			rm_doorbell_wait(&bell, seen, UINT64_MAX);
	}
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	RM_CHECK(broken == 0);
	RM_CHECK(twice == 0);
	RM_CHECK(total > 0);
	RM_CHECK(total + refused == (uint64_t)PRODUCERS * RECORDS);
	RM_CHECK(rm_segment_spans(shared) == total && shared->lost[RM_LOST_RING_FULL] == refused);
	RM_CHECK(rm_segment_empty(shared));
	free_segment(shared);
}

RM_TEST("a doorbell that rang since it was read does not sleep, and a timed sleep ends by itself")
{
	struct rm_doorbell d = { 0 };

	rm_doorbell_ring(&d);
	RM_CHECK(d.rung == 1);
	rm_doorbell_wait(&d, 0, UINT64_MAX);
	rm_doorbell_wait(&d, 1, 1000000);
	RM_CHECK(d.waiting == RM_DOORBELL_AWAKE);
}

/* ---- hostile memory ---- */

/* Pops a ring until it is empty. False when that takes more calls than a ring can hold records. */
static bool drains(struct rm_segment *s, uint32_t ring)
{
	for (int i = 0; i <= RM_RING_BYTES / 8 + 1; i++) {
		char *buf = malloc(RM_RECORD_MAX_BYTES); /* the sanitizer watches the borders */
		int n = rm_segment_pop(s, ring, buf);
		uint32_t says = 0;

		if (n > 0)
			memcpy(&says, buf, sizeof(says));
		free(buf);
		if (n == 0)
			return true;
		if (n > 0 && (n % 8 != 0 || n > RM_RECORD_MAX_BYTES || says != (uint32_t)n))
			return false;
	}
	return false;
}

RM_TEST("a head that lies is refused once and the ring emptied")
{
	static const uint64_t heads[] = { RM_RING_BYTES + 8, 1ull << 32, UINT64_MAX, UINT64_MAX - 7, 4, 1 };
	struct rm_segment *s = new_segment();

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		s->ring[0].tail = 0;
		s->ring[0].head = heads[i];
		RM_CHECK(rm_segment_pop(s, 0, &in) == RM_E_PROTO);
		RM_CHECK(rm_segment_pop(s, 0, &in) == 0);
		RM_CHECK(rm_segment_empty(s));
	}
	s->ring[0].tail = 64;
	s->ring[0].head = 0;
	RM_CHECK(rm_segment_pop(s, 0, &in) == RM_E_PROTO);
	RM_CHECK(rm_segment_pop(s, 0, &in) == 0);
	/* A record that would be good, were it not between two words. */
	fill_record(&out, 0, 0, 64);
	memcpy(s->data[0] + 4, &out, 64);
	s->ring[0].tail = 4;
	s->ring[0].head = 4 + 64;
	RM_CHECK(rm_segment_pop(s, 0, &in) == RM_E_PROTO);
	RM_CHECK(rm_segment_pop(s, 0, &in) == 0);
	free_segment(s);
}

RM_TEST("a record that says a wrong size is refused and the ring emptied")
{
	static const uint32_t sizes[] = { 0, 4, 8 + 1, 72, RM_RECORD_MAX_BYTES + 8, RM_RING_BYTES,
					  UINT32_MAX, UINT32_MAX - 7 };
	struct rm_segment *s = new_segment();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t at = s->ring[0].head % RM_RING_BYTES;

		fill_record(&out, 0, 0, 64);
		RM_CHECK(rm_segment_push(s, 0, &out, 64, NULL) == RM_OK);
		memcpy(s->data[0] + at, &sizes[i], sizeof(sizes[i]));
		RM_CHECK(rm_segment_pop(s, 0, &in) == RM_E_PROTO);
		RM_CHECK(rm_segment_pop(s, 0, &in) == 0);
	}
	RM_CHECK(rm_segment_push(s, 0, &out, 64, NULL) == RM_OK);
	RM_CHECK(rm_segment_pop(s, 0, &in) == 64);
	free_segment(s);
}

RM_TEST("fillers cannot be chained into a long walk, nor a record reach past the ring")
{
	struct rm_segment *s = new_segment();
	uint32_t words[2] = { 8, 0 };

	for (uint32_t at = 0; at < RM_RING_BYTES; at += 8)
		memcpy(s->data[0] + at, words, sizeof(words));
	s->ring[0].head = RM_RING_BYTES;
	RM_CHECK(rm_segment_pop(s, 0, &in) == RM_E_PROTO);

	fill_record(&out, 0, 0, 64);
	memcpy(s->data[1] + RM_RING_BYTES - 8, &out, 8);
	s->ring[1].tail = RM_RING_BYTES - 8;
	s->ring[1].head = RM_RING_BYTES + 56;
	RM_CHECK(rm_segment_pop(s, 1, &in) == RM_E_PROTO);
	free_segment(s);
}

RM_TEST("fields of the header that lie about the layout change nothing")
{
	struct rm_segment *s = new_segment();

	s->ring_count = UINT32_MAX;
	s->ring_bytes = 1u << 31;
	fill_record(&out, 0, 1, 64);
	RM_CHECK(rm_segment_push(s, UINT32_MAX, &out, 64, NULL) == RM_OK);
	RM_CHECK(intact(&in, rm_segment_pop(s, UINT32_MAX % RM_SEGMENT_SPAN_RINGS, &in)));
	free_segment(s);
}

RM_TEST("random bytes everywhere neither crash nor hold up the consumer or a producer")
{
	struct rm_random random = { { 5, 6, 7, 8 } };
	struct rm_segment *s = new_segment();

	for (int round = 0; round < 3000; round++) {
		struct rm_ring *r = &s->ring[0];
		uint64_t mask = round % 2 ? UINT64_MAX : 0x7fff8;

		for (int i = 0; i < 2000; i++) {
			uint64_t v = rm_random_u64(&random);
			uint64_t at = rm_random_u64(&random) % (RM_RING_BYTES / 8) * 8;

			/* Mostly small, so that many are taken for sizes. */
			v &= i % 4 ? 0x3fff0003fff8u : UINT64_MAX;
			memcpy(s->data[0] + at, &v, sizeof(v));
		}
		r->tail = rm_random_u64(&random) & mask;
		r->head = r->tail + (rm_random_u64(&random) & mask);
		RM_CHECK(drains(s, 0));
		r->head = rm_random_u64(&random);
		fill_record(&out, 0, 0, 64);
		rm_segment_push(s, 0, &out, 64, NULL);
		RM_CHECK(drains(s, 0));
		RM_CHECK(drains(s, 1));
	}
	free_segment(s);
}
