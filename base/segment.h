/*
 * The memory through which spans leave an application's threads: a header and rings of records.
 * Producers are hooks; the one consumer is the process's own worker or, when `remora run` hosts
 * one, the relay in another process. The memory is anonymous in the first case and a sealed memfd
 * in the second, where everything the consumer reads is untrusted: records are copied out, then
 * checked.
 *
 * A record is 8-byte aligned, begins with struct rm_record (agent/telemetry.h) and never wraps:
 * a filler record (type 0) covers the end of a ring that is too short for the next one.
 * A ring has one producer at a time (a try-lock); threads are spread over the rings, and a record
 * goes to another ring when its own is full or busy: records have no order among each other.
 * Where all are full the record is dropped, whole; so are those behind it, up to RM_RING_PASSES, while their
 * own ring is full: what comes faster than it leaves costs no more than what leaves.
 * Logs have rings of their own, behind those of spans, so that neither takes the other's place.
 */
#ifndef RM_BASE_SEGMENT_H
#define RM_BASE_SEGMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
	RM_SEGMENT_ABI = 10,
	RM_SEGMENT_SPAN_RINGS = 32,
	RM_SEGMENT_LOG_RINGS = 8,
	RM_SEGMENT_RINGS = RM_SEGMENT_SPAN_RINGS + RM_SEGMENT_LOG_RINGS,
	RM_SEGMENT_HOME_RINGS = 4, /* threads start in one of these; the others take what is too much for them */
	RM_RING_PASSES = 31,
	RM_RING_BYTES = 256 * 1024,
	RM_RECORD_MAX_BYTES = 16 * 1024,
	RM_SEGMENT_RESOURCE_BYTES = 8 * 1024,
};

/* The record types that this file tells apart; RM_RECORD_... of agent/telemetry.h. */
enum { RM_SEGMENT_FILLER = 0, RM_SEGMENT_SPAN = 1, RM_SEGMENT_LOG = 3, RM_SEGMENT_OUTPUT = 4 };
#define RM_SEGMENT_MAGIC 0x31676573726d6572ull /* "remrseg1" */

/* Why a span or a parent was lost; counted in the segment, reported by who drains it. */
enum rm_lost {
	RM_LOST_RING_FULL,   /* spans came faster than they left */
	RM_LOST_RECORD_SIZE, /* a span larger than RM_RECORD_MAX_BYTES */
	RM_LOST_EXCHANGE,    /* no memory for an exchange */
	RM_LOST_MUTED,       /* a connection muted with an exchange open: bytes we could not follow */
	RM_LOST_INJECT,      /* an outgoing request that left without our header */
	RM_LOST_INGRESS,     /* a request that its program read with the sender's traceparent, not ours */
	RM_LOST_LOG,         /* a log record that found no room */
	RM_LOST_COUNT,
};

struct rm_ring {
	_Alignas(64) _Atomic uint32_t lock; /* 1 while a producer writes */
	_Atomic uint32_t spill;             /* which of the others, counted from the next, took a record last */
	_Atomic uint32_t passes;            /* so many records are dropped without a look at the others */
	_Atomic uint64_t head;              /* bytes ever written; only the producer stores */
	_Atomic uint64_t spans;             /* ever written; the same */
	_Atomic uint32_t under_way;         /* spans in the making: those of a process that was killed are lost */
	_Alignas(64) _Atomic uint64_t tail; /* bytes ever read; only the consumer stores */
};

/*
 * Who empties the rings of a segment that was offered to a relay. Only the process decides, so that they
 * never both do: it may have given up waiting for an answer that was already on its way.
 */
enum rm_segment_reader {
	RM_READER_UNDECIDED, /* nobody yet; the relay, should the process die before it decides */
	RM_READER_RELAY,
	RM_READER_PROCESS,
};

struct rm_segment {
	uint64_t magic;
	uint32_t abi;
	uint32_t pid;
	uint32_t ring_count;
	uint32_t ring_bytes;
	uint32_t source;                 /* tells pieces of output apart: an exec keeps the pid */
	_Atomic uint32_t next_ring;      /* the ring the next thread gets, modulo RM_SEGMENT_HOME_RINGS */
	_Atomic uint32_t resource_bytes; /* of the resource record below; 0 until it is written */
	_Atomic uint32_t reader;         /* enum rm_segment_reader */
	_Alignas(64) _Atomic uint64_t lost[RM_LOST_COUNT];
	_Atomic uint64_t relayed;        /* spans that a relay took; told only, nothing depends on it */
	_Atomic uint64_t logs_produced;  /* log records pushed */
	_Atomic uint64_t logs_relayed;   /* as `relayed` */
	_Atomic uint64_t crowded;        /* spans that its reader had no room for; samplers look at it */
	_Alignas(64) char resource[RM_SEGMENT_RESOURCE_BYTES]; /* one RM_RECORD_RESOURCE */
	struct rm_ring ring[RM_SEGMENT_RINGS];
	_Alignas(4096) char data[RM_SEGMENT_RINGS][RM_RING_BYTES];
};

/*
 * How the consumer sleeps. Producers ring RM_DOORBELL_IDLE for their first record and RM_DOORBELL_TIMED
 * only when a ring fills. RM_DOORBELL_GONE is the last word of a relay that ends before its processes
 * do: what they push from then on is theirs to deliver. So that no wake-up is lost, a consumer that is
 * to sleep for ever reads `rung`, stores RM_DOORBELL_IDLE in `waiting`, makes a full fence, sees all
 * rings empty, and only then waits.
 */
enum { RM_DOORBELL_AWAKE, RM_DOORBELL_TIMED, RM_DOORBELL_IDLE, RM_DOORBELL_GONE };

/* The doorbell: a futex word that producers ring when a ring fills; shared by all of one consumer. */
struct rm_doorbell {
	_Atomic uint32_t rung;    /* futex word: bumped by each ring, so that none is missed */
	_Atomic uint32_t waiting; /* RM_DOORBELL_..., not AWAKE while the consumer sleeps */
};

/* Prepares zeroed memory of sizeof(struct rm_segment) bytes. */
void rm_segment_init(struct rm_segment *s, uint32_t pid);

/*
 * Copies one record of `bytes` (multiple of 8) into ring `ring` (any number; modulo the rings of its kind), or
 * the first one after it that has room and no producer inside.
 * Returns RM_OK; RM_E_FULL (counted in `lost`) when there is none; RM_E_RANGE (counted too) for a
 * record larger than RM_RECORD_MAX_BYTES.
 * `ret_fill` (may be NULL) receives the bytes that wait in that ring afterwards.
 * Context: hook. Signal-safe as long as the caller's guard keeps one thread from nesting.
 */
int rm_segment_push(struct rm_segment *s, uint32_t ring, const void *record, uint32_t bytes,
		    uint32_t *ret_fill);

/* A record of which a part is in the caller's memory: `head`, then `text_bytes` from byte `skip` of `text`. */
struct rm_segment_parts {
	const void *head; /* begins as any record; its size is that of the whole, padded */
	uint32_t head_bytes;
	const struct iovec *text;
	size_t skip;
	uint32_t text_bytes;
};

/*
 * As rm_segment_push for a log record that is put together in the ring, so that its text is copied once. The text
 * is read while a ring is locked. Context: hook.
 */
int rm_segment_push_parts(struct rm_segment *s, uint32_t ring, const struct rm_segment_parts *parts, uint32_t *ret_fill);

/*
 * Copies the oldest record of a ring to `buf` (RM_RECORD_MAX_BYTES) and frees its place.
 * Returns its size, 0 when the ring is empty, RM_E_PROTO when the ring holds nonsense (only a
 * hostile or broken producer can cause that; the ring is then emptied). Context: worker.
 */
int rm_segment_pop(struct rm_segment *s, uint32_t ring, void *buf);

/* Spans that were ever pushed. Context: any. */
uint64_t rm_segment_spans(struct rm_segment *s);

/* True when nothing waits in any ring. Context: any. */
bool rm_segment_empty(struct rm_segment *s);

/* Counts a loss. Context: hook. */
void rm_segment_lost(struct rm_segment *s, enum rm_lost why);

/* Wakes the consumer if it sleeps. Context: hook, signal-safe. */
void rm_doorbell_ring(struct rm_doorbell *d);

/*
 * Sleeps until the doorbell rings (`rung` is not `seen` any more) or `timeout_ns` passed; UINT64_MAX is
 * for ever: then `waiting` is RM_DOORBELL_IDLE, else RM_DOORBELL_TIMED; AWAKE afterwards. Context: worker.
 */
void rm_doorbell_wait(struct rm_doorbell *d, uint32_t seen, uint64_t timeout_ns);

#endif
