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

enum written { WRITTEN, BUSY, FULL };

/*
 * Where the next record of a locked ring goes; NULL when there is no room. `ret_skip` is what publish() wants
 * to know.
 */
static inline char *reserve(struct rm_ring *r, char *data, uint32_t bytes, uint32_t *ret_skip)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint64_t used = head - atomic_load_explicit(&r->tail, memory_order_acquire);
	uint32_t at = (uint32_t)(head % RM_RING_BYTES);
	uint32_t to_end = RM_RING_BYTES - at;
	uint32_t skip = to_end < bytes ? to_end : 0;

	if (used > RM_RING_BYTES || RM_RING_BYTES - used < skip + bytes)
		return NULL;
	*ret_skip = skip;
	if (!skip)
		return data + at;
	memcpy(data + at, &(struct head){ skip, RM_SEGMENT_FILLER, 0 }, sizeof(struct head));
	return data;
}

/* The record is there. Returns the bytes that wait in the ring now. */
static inline uint32_t publish(struct rm_ring *r, uint32_t skip, uint32_t bytes)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed) + skip + bytes;

	atomic_store_explicit(&r->head, head, memory_order_release);
	return (uint32_t)(head - atomic_load_explicit(&r->tail, memory_order_relaxed));
}

static enum written write_at(struct rm_segment *s, uint32_t at, const void *record, struct head h, uint32_t *ret_fill)
{
	struct rm_ring *r = &s->ring[at];
	uint32_t skip;
	char *to;

	if (!try_lock(r))
		return BUSY;
	to = reserve(r, s->data[at], h.bytes, &skip);
	if (to) {
		memcpy(to, record, h.bytes);
		*ret_fill = publish(r, skip, h.bytes);
		if (h.type == RM_SEGMENT_SPAN)
			atomic_store_explicit(&r->spans, atomic_load_explicit(&r->spans, memory_order_relaxed) + 1,
					      memory_order_relaxed);
	}
	atomic_store_explicit(&r->lock, 0, memory_order_release);
	return to ? WRITTEN : FULL;
}

/* The text of a record in parts, and zeroes up to its end. */
static void copy_text(char *to, const struct rm_segment_parts *p, uint32_t padded)
{
	const struct iovec *v = p->text;
	size_t skip = p->skip, left = p->text_bytes;

	if (padded > left)
		memset(to + padded - 8, 0, 8);
	for (; left > 0; v++) {
		size_t n = v->iov_len - skip;

		if (skip >= v->iov_len) {
			skip -= v->iov_len;
			continue;
		}
		n = n < left ? n : left;
		memcpy(to, (const char *)v->iov_base + skip, n);
		skip = 0;
		to += n;
		left -= n;
	}
}

static bool write_parts_at(struct rm_segment *s, uint32_t at, const struct rm_segment_parts *p, uint32_t bytes,
			   uint32_t *ret_fill)
{
	struct rm_ring *r = &s->ring[at];
	uint32_t skip;
	char *to;

	if (!try_lock(r))
		return false;
	to = reserve(r, s->data[at], bytes, &skip);
	if (to) {
		memcpy(to, p->head, p->head_bytes);
		copy_text(to + p->head_bytes, p, bytes - p->head_bytes);
		*ret_fill = publish(r, skip, bytes);
	}
	atomic_store_explicit(&r->lock, 0, memory_order_release);
	return to;
}

/* The rings of logs, from the one that is meant on. */
static uint32_t log_ring(uint32_t ring, uint32_t i)
{
	return RM_SEGMENT_SPAN_RINGS + (ring + i) % RM_SEGMENT_LOG_RINGS;
}

static int pushed_log(struct rm_segment *s, bool written)
{
	if (!written) {
		rm_segment_lost(s, RM_LOST_LOG);
		return RM_E_FULL;
	}
	atomic_fetch_add_explicit(&s->logs_produced, 1, memory_order_relaxed);
	return RM_OK;
}

static int push_log(struct rm_segment *s, uint32_t ring, const void *record, struct head h, uint32_t *ret_fill)
{
	bool written = false;

	for (uint32_t i = 0; i < RM_SEGMENT_LOG_RINGS && !written; i++)
		written = write_at(s, log_ring(ring, i), record, h, ret_fill) == WRITTEN;
	return pushed_log(s, written);
}

int rm_segment_push_parts(struct rm_segment *s, uint32_t ring, const struct rm_segment_parts *parts, uint32_t *ret_fill)
{
	bool written = false;
	struct head head;
	uint32_t fill;

	memcpy(&head, parts->head, sizeof(head));
	for (uint32_t i = 0; i < RM_SEGMENT_LOG_RINGS && !written; i++)
		written = write_parts_at(s, log_ring(ring, i), parts, head.bytes, ret_fill ? ret_fill : &fill);
	return pushed_log(s, written);
}

/* A span that its thread's own ring did not take, as it is `w`: into another one, unless all were full a moment ago. */
static __attribute__((noinline)) bool spill(struct rm_segment *s, uint32_t own, enum written w, const void *record,
					    struct head h, uint32_t *ret_fill)
{
	struct rm_ring *r = &s->ring[own];
	uint32_t passes = atomic_load_explicit(&r->passes, memory_order_relaxed);
	uint32_t first = atomic_load_explicit(&r->spill, memory_order_relaxed);

	if (w == FULL && passes) {
		atomic_store_explicit(&r->passes, passes - 1, memory_order_relaxed);
		return false;
	}
	for (uint32_t i = 0; i < RM_SEGMENT_SPAN_RINGS - 1; i++) {
		uint32_t other = (first + i) % (RM_SEGMENT_SPAN_RINGS - 1);

		if (write_at(s, (own + 1 + other) % RM_SEGMENT_SPAN_RINGS, record, h, ret_fill) != WRITTEN)
			continue;
		atomic_store_explicit(&r->spill, other, memory_order_relaxed);
		return true;
	}
	if (w == FULL)
		atomic_store_explicit(&r->passes, RM_RING_PASSES, memory_order_relaxed);
	return false;
}

static bool push_span(struct rm_segment *s, uint32_t own, const void *record, struct head h, uint32_t *ret_fill)
{
	enum written w = write_at(s, own, record, h, ret_fill);

	if (w != WRITTEN)
		return spill(s, own, w, record, h, ret_fill);
	if (atomic_load_explicit(&s->ring[own].passes, memory_order_relaxed))
		atomic_store_explicit(&s->ring[own].passes, 0, memory_order_relaxed);
	return true;
}

int rm_segment_push(struct rm_segment *s, uint32_t ring, const void *record, uint32_t bytes,
		    uint32_t *ret_fill)
{
	struct head head;
	uint32_t fill = 0, *filled = ret_fill ? ret_fill : &fill;

	if (bytes < sizeof(head) || bytes % 8 != 0 || bytes > RM_RECORD_MAX_BYTES) {
		rm_segment_lost(s, RM_LOST_RECORD_SIZE);
		return RM_E_RANGE;
	}
	memcpy(&head, record, sizeof(head));
	head.bytes = bytes;
	if (head.type == RM_SEGMENT_LOG)
		return push_log(s, ring, record, head, filled);
	if (push_span(s, ring % RM_SEGMENT_SPAN_RINGS, record, head, filled))
		return RM_OK;
	rm_segment_lost(s, RM_LOST_RING_FULL);
	return RM_E_FULL;
}

uint64_t rm_segment_spans(struct rm_segment *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < RM_SEGMENT_SPAN_RINGS; i++)
		n += atomic_load_explicit(&s->ring[i].spans, memory_order_relaxed);
	return n;
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
