/*
 * Rings of records between the application's threads and the one consumer. Positions only grow
 * (64 bits) and are taken modulo the ring, so that full and empty differ. The producer publishes
 * by one store of `head`; a record half written is never seen, also when its writer dies.
 *
 * The consumer may be another process than the producers: sizes are the constants of the header,
 * never fields of the shared memory, and each word that decides something is read exactly once.
 * Context: push and lost: hook; pop and wait: worker.
 */
#include "base/segment.h"

#include <linux/futex.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/sys.h"

enum { LOCK_SPINS = 32 }; /* a producer is inside for about 100 ns, if it is not preempted */

/* The first 8 bytes of each record, as struct rm_record lays them out. */
struct head {
	uint32_t bytes;
	uint16_t type, count;
};
_Static_assert(sizeof(struct head) == 8, "one word, read at once");
_Static_assert(RM_RING_BYTES % 8 == 0 && RM_RECORD_MAX_BYTES <= RM_RING_BYTES / 2, "ring");

void rm_segment_init(struct rm_segment *s, uint32_t pid)
{
	s->abi = RM_SEGMENT_ABI;
	s->pid = pid;
	s->ring_count = RM_SEGMENT_RINGS;
	s->ring_bytes = RM_RING_BYTES;
	s->magic = RM_SEGMENT_MAGIC;
}

static bool try_lock(struct rm_ring *r)
{
	for (int i = 0; i < LOCK_SPINS; i++) {
		if (atomic_load_explicit(&r->lock, memory_order_relaxed) == 0 &&
		    atomic_exchange_explicit(&r->lock, 1, memory_order_acquire) == 0)
			return true;
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
	return false;
}

/* Writes into a locked ring. False when there is no room. */
static bool write_record(struct rm_ring *r, char *data, const void *record, uint32_t bytes,
			 uint32_t *ret_fill)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint64_t used = head - atomic_load_explicit(&r->tail, memory_order_acquire);
	uint32_t at = (uint32_t)(head % RM_RING_BYTES);
	uint32_t to_end = RM_RING_BYTES - at;
	uint32_t skip = to_end < bytes ? to_end : 0;

	if (used > RM_RING_BYTES || RM_RING_BYTES - used < skip + bytes)
		return false;
	if (skip > 0) {
		memcpy(data + at, &(struct head){ skip, RM_SEGMENT_FILLER, 0 }, sizeof(struct head));
		at = 0;
	}
	memcpy(data + at, record, bytes);
	atomic_store_explicit(&r->head, head + skip + bytes, memory_order_release);
	*ret_fill = (uint32_t)used + skip + bytes;
	return true;
}

int rm_segment_push(struct rm_segment *s, uint32_t ring, const void *record, uint32_t bytes,
		    uint32_t *ret_fill)
{
	struct head head;
	uint32_t fill = 0;
	bool written = false;

	if (bytes < sizeof(head) || bytes % 8 != 0 || bytes > RM_RECORD_MAX_BYTES) {
		rm_segment_lost(s, RM_LOST_RECORD_SIZE);
		return RM_E_RANGE;
	}
	for (uint32_t i = 0; i < RM_SEGMENT_RINGS && !written; i++) {
		uint32_t at = (ring + i) % RM_SEGMENT_RINGS;

		if (!try_lock(&s->ring[at]))
			continue;
		written = write_record(&s->ring[at], s->data[at], record, bytes, &fill);
		atomic_store_explicit(&s->ring[at].lock, 0, memory_order_release);
	}
	if (!written) {
		rm_segment_lost(s, RM_LOST_RING_FULL);
		return RM_E_FULL;
	}
	memcpy(&head, record, sizeof(head));
	if (head.type == RM_SEGMENT_SPAN)
		atomic_fetch_add_explicit(&s->produced, 1, memory_order_relaxed);
	if (ret_fill)
		*ret_fill = fill;
	return RM_OK;
}

/* Reads a record's first word once: what was checked is what is used. */
static struct head read_head(const char *at)
{
	uint64_t word = __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
	struct head ret;

	memcpy(&ret, &word, sizeof(ret));
	return ret;
}

static int discard(struct rm_ring *r, uint64_t head)
{
	atomic_store_explicit(&r->tail, head, memory_order_release);
	return RM_E_PROTO;
}

int rm_segment_pop(struct rm_segment *s, uint32_t ring, void *buf)
{
	struct rm_ring *r = &s->ring[ring % RM_SEGMENT_RINGS];
	const char *data = s->data[ring % RM_SEGMENT_RINGS];
	uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (head - tail > RM_RING_BYTES || (head | tail) % 8 != 0)
		return head == tail ? 0 : discard(r, head);
	/* At most two rounds: a filler is good only up to the end of the ring. */
	while (head != tail) {
		uint32_t at = (uint32_t)(tail % RM_RING_BYTES);
		struct head h = read_head(data + at);

		if (h.bytes < sizeof(h) || h.bytes % 8 != 0 || h.bytes > head - tail ||
		    h.bytes > RM_RING_BYTES - at)
			return discard(r, head);
		if (h.type == RM_SEGMENT_FILLER) {
			if (at + h.bytes != RM_RING_BYTES)
				return discard(r, head);
			tail += h.bytes;
			atomic_store_explicit(&r->tail, tail, memory_order_release);
			continue;
		}
		if (h.bytes > RM_RECORD_MAX_BYTES)
			return discard(r, head);
		memcpy(buf, &h, sizeof(h));
		memcpy((char *)buf + sizeof(h), data + at + sizeof(h), h.bytes - sizeof(h));
		atomic_store_explicit(&r->tail, tail + h.bytes, memory_order_release);
		return (int)h.bytes;
	}
	return 0;
}

bool rm_segment_empty(struct rm_segment *s)
{
	for (uint32_t i = 0; i < RM_SEGMENT_RINGS; i++) {
		struct rm_ring *r = &s->ring[i];

		if (atomic_load_explicit(&r->head, memory_order_acquire) !=
		    atomic_load_explicit(&r->tail, memory_order_acquire))
			return false;
	}
	return true;
}

void rm_segment_lost(struct rm_segment *s, enum rm_lost why)
{
	atomic_fetch_add_explicit(&s->lost[why], 1, memory_order_relaxed);
}

/* Not the private kind of futex: the sleeper may be in another process. */
void rm_doorbell_ring(struct rm_doorbell *d)
{
	atomic_fetch_add(&d->rung, 1);
	if (atomic_load(&d->waiting))
		rm_sys3(__NR_futex, &d->rung, FUTEX_WAKE, 1);
}

void rm_doorbell_wait(struct rm_doorbell *d, uint32_t seen, uint64_t timeout_ns)
{
	struct timespec t = { (time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u) };

	/* Ordered against ring(): either it sees `waiting`, or this sees the new `rung`. */
	atomic_store(&d->waiting, timeout_ns == UINT64_MAX ? RM_DOORBELL_IDLE : RM_DOORBELL_TIMED);
	if (atomic_load(&d->rung) == seen)
		rm_sys4(__NR_futex, &d->rung, FUTEX_WAIT, seen,
			timeout_ns == UINT64_MAX ? NULL : &t);
	atomic_store(&d->waiting, RM_DOORBELL_AWAKE);
}
