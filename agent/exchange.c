/*
 * The table of live exchanges. Owns the pool and the way a record takes to the outlet. Runs in
 * hooks; lock-free. The names it gives (rm_ctx) carry a generation, so that a thread, a connection
 * or a header that remembers an ended exchange finds nothing instead of somebody else's.
 */
#include "agent/exchange.h"

#include <string.h>

#include "agent/answered.h"
#include "agent/events.h"
#include "agent/outlet.h"
#include "agent/slow.h"
#include "agent/semconv.h"
#include "agent/threshold.h"
#include "agent/unwritten.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"

enum {
	EXCHANGES_MAX = RM_ANSWERED_MAX,
	ID_BITS = 24,
	EXCHANGE_BYTES = (sizeof(struct rm_exchange) + 15) / 16 * 16,
	PER_CHUNK = 256,
};

static struct rm_pool exchanges = RM_POOL_INIT(EXCHANGE_BYTES, PER_CHUNK, EXCHANGES_MAX);
_Static_assert(sizeof(struct rm_exchange) <= 232, "as docs/SAFETY.md says");
_Static_assert(RM_SEGMENT_SPAN_RINGS < 64, "rm_exchange.promised");
static _Atomic uint64_t id_secret;

uint32_t rm_exchange_begin(uint8_t kind, uint64_t now_ns, struct rm_thread *thread)
{
	uint32_t x = rm_pool_get(&exchanges);
	struct rm_exchange *e;

	if (!x) {
		rm_lost(thread, RM_LOST_EXCHANGE);
		return 0;
	}
	e = rm_pool_at(&exchanges, x);
	e->kind = kind;
	e->status = RM_STATUS_UNSET;
	e->ctx = (struct rm_spanctx){ 0 };
	e->parent = (struct rm_spanctx){ 0 };
	e->parent_remote = false;
	e->rpc = RM_RPC_NONE;
	e->rpc_answered = e->rpc_reads[0] = e->rpc_reads[1] = false;
	e->operation = false;
	e->unlisted = false;
	e->promised = 0;
	e->alike = 0;
	e->same = 0;
	e->api = e->api_call = 0;
	e->api_body = 0;
	atomic_store_explicit(&e->epoch, rm_epoch(), memory_order_relaxed);
	e->start_ns = now_ns;
	e->request_body_bytes = 0;
	e->carry = 0;
	e->tracestate_bytes = e->baggage_bytes = 0;
	e->threshold = 0;
	e->record = 0;
	atomic_store_explicit(&e->dropped_events, 0, memory_order_relaxed);
	if (kind == RM_KIND_CLIENT)
		rm_slow_begin(e, thread);
	atomic_store_explicit(&e->phase, RM_PHASE_BEGUN, memory_order_release);
	return x;
}

/* As rm_pool_at, with numbers that the compiler knows: asked a dozen times for each span. */
struct rm_exchange *rm_exchange_at(uint32_t x)
{
	char *chunk = atomic_load_explicit(&exchanges.chunk[(x - 1) / PER_CHUNK], memory_order_acquire);

	return (struct rm_exchange *)(chunk + (size_t)((x - 1) % PER_CHUNK) * EXCHANGE_BYTES);
}

rm_ctx rm_exchange_ctx(uint32_t x)
{
	struct rm_exchange *e = rm_exchange_at(x);

	return (uint64_t)atomic_load_explicit(&e->gen, memory_order_relaxed) << 32 | x;
}

/* True of a copy that a fork made of a request which the other process is done with. */
static bool is_past(const struct rm_exchange *e, uint32_t x, uint32_t gen)
{
	uint32_t epoch = atomic_load_explicit(&e->epoch, memory_order_relaxed);

	return epoch != rm_epoch() && rm_answered_before(epoch, x, gen);
}

struct rm_exchange *rm_ctx_exchange(rm_ctx ctx)
{
	uint32_t x = (uint32_t)ctx;
	struct rm_exchange *e;

	if (!x)
		return NULL;
	e = rm_exchange_at(x);
	if (atomic_load_explicit(&e->gen, memory_order_acquire) != ctx >> 32 ||
	    atomic_load_explicit(&e->phase, memory_order_relaxed) < RM_PHASE_OPEN ||
	    is_past(e, x, (uint32_t)(ctx >> 32)))
		return NULL;
	return e;
}

/* Scrambles the upper 40 bits of an id into the mask over its lower 24. */
static uint32_t id_mask(uint64_t upper)
{
	uint64_t h = (upper ^ atomic_load_explicit(&id_secret, memory_order_relaxed)) *
		     0x9e3779b97f4a7c15ull;

	return (uint32_t)(h >> (64 - ID_BITS));
}

/* Ids are big-endian numbers, this machine is little-endian. */
static void put_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

static uint64_t get_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

void rm_exchange_span_id(uint32_t x, struct rm_random *random, uint8_t ret[8])
{
	uint64_t none = 0, upper;

	if (!atomic_load_explicit(&id_secret, memory_order_relaxed))
		atomic_compare_exchange_strong(&id_secret, &none, rm_random_u64(random));
	do {
		upper = rm_random_u64(random) >> ID_BITS;
	} while (!upper);
	put_be64(ret, upper << ID_BITS | (x ^ id_mask(upper)));
}

uint32_t rm_exchange_by_id(const struct rm_spanctx *id)
{
	uint64_t v = get_be64(id->span_id);
	uint32_t x = (v & ((1u << ID_BITS) - 1)) ^ id_mask(v >> ID_BITS);
	struct rm_exchange *e;
	uint32_t gen;

	if (!x || x > atomic_load(&exchanges.next))
		return 0;
	e = rm_exchange_at(x);
	gen = atomic_load_explicit(&e->gen, memory_order_acquire);
	if (atomic_load_explicit(&e->phase, memory_order_acquire) < RM_PHASE_OPEN ||
	    !rm_exchange_serves(e) || memcmp(e->ctx.span_id, id->span_id, 8) != 0 ||
	    memcmp(e->ctx.trace_id, id->trace_id, 16) != 0 || is_past(e, x, gen))
		return 0;
	return atomic_load_explicit(&e->gen, memory_order_acquire) == gen ? x : 0;
}

static void carry(struct rm_exchange *e, struct rm_str own, struct rm_str tracestate, struct rm_str baggage)
{
	size_t state = own.n + (own.n && tracestate.n) + tracestate.n;
	struct rm_strbuf b;

	e->carry = rm_text_get(state + baggage.n);
	if (!e->carry)
		return;
	rm_strbuf_init(&b, rm_text_at(e->carry), state + baggage.n);
	rm_strbuf_str(&b, own);
	if (own.n && tracestate.n)
		rm_strbuf_char(&b, ',');
	rm_strbuf_str(&b, tracestate);
	rm_strbuf_str(&b, baggage);
	e->tracestate_bytes = (uint32_t)state;
	e->baggage_bytes = (uint32_t)baggage.n;
}

/* The same, with our own member in front: unless another one has the key, or there is no more room. */
static __attribute__((noinline)) void carry_threshold(struct rm_exchange *e, struct rm_str tracestate, struct rm_str baggage)
{
	const struct rm_str none = { NULL, 0 };
	char text[RM_THRESHOLD_TEXT_BYTES];
	struct rm_str rest = tracestate;
	struct rm_strbuf own;
	bool fits;

	rm_strbuf_init(&own, text, sizeof(text));
	rm_threshold_write(e->threshold, &own);
	fits = own.n + 1 + tracestate.n <= RM_TRACESTATE_MAX_BYTES;
	while (rest.p && fits)
		fits = !rm_str_begins(rm_str_trim(rm_str_cut(&rest, ',')), RM_STR("ot="));
	carry(e, fits ? rm_strbuf_view(&own) : none, tracestate, baggage);
}

void rm_exchange_carry(struct rm_exchange *e, struct rm_str tracestate, struct rm_str baggage)
{
	if (e->threshold)
		carry_threshold(e, tracestate, baggage);
	else if (tracestate.n + baggage.n)
		carry(e, (struct rm_str){ NULL, 0 }, tracestate, baggage);
}

void rm_exchange_carry_nothing(struct rm_exchange *e)
{
	rm_text_put(e->carry);
	e->carry = 0;
	e->tracestate_bytes = e->baggage_bytes = 0;
}

/* A part of the carried text. Each field is read once: the exchange may be ending, or another one. */
static struct rm_str carried(const struct rm_exchange *e, uint32_t from, uint32_t bytes)
{
	rm_text text = __atomic_load_n(&e->carry, __ATOMIC_RELAXED);
	size_t cap = text ? rm_text_cap(text) : 0;

	if (!bytes || from > cap || bytes > cap - from)
		return (struct rm_str){ 0 };
	return (struct rm_str){ rm_text_at(text) + from, bytes };
}

struct rm_str rm_exchange_tracestate(const struct rm_exchange *e)
{
	return carried(e, 0, __atomic_load_n(&e->tracestate_bytes, __ATOMIC_RELAXED));
}

struct rm_str rm_exchange_baggage(const struct rm_exchange *e)
{
	return carried(e, __atomic_load_n(&e->tracestate_bytes, __ATOMIC_RELAXED),
		       __atomic_load_n(&e->baggage_bytes, __ATOMIC_RELAXED));
}

void rm_exchange_promise(struct rm_exchange *e)
{
	if (!e->promised)
		e->promised = rm_outlet_promise(&rm_thread_self()->ring) & 0x3f;
}

void rm_exchange_drop(uint32_t x)
{
	struct rm_exchange *e = rm_exchange_at(x);

	if (e->promised && atomic_load_explicit(&e->epoch, memory_order_relaxed) == rm_epoch())
		rm_outlet_kept(e->promised);
	atomic_store_explicit(&e->phase, RM_PHASE_FREE, memory_order_relaxed);
	rm_events_close(e);
	atomic_fetch_add_explicit(&e->gen, 1, memory_order_release);
	rm_text_put(e->record);
	e->record = 0;
	rm_text_put(e->api_body);
	e->api_body = 0;
	if (e->unlisted)
		rm_unwritten_forget();
	rm_exchange_carry_nothing(e);
	rm_pool_put(&exchanges, x);
}

void rm_lost(struct rm_thread *thread, enum rm_lost why)
{
	struct rm_segment *segment = rm_outlet_segment(&thread->ring);

	if (segment)
		rm_segment_lost(segment, why);
}

void rm_exchange_push(struct rm_thread *thread, const struct rm_span *span)
{
	struct rm_segment *segment = rm_outlet_segment(&thread->ring);
	uint32_t fill = 0;

	if (segment && rm_segment_push(segment, (uint32_t)thread->ring, span, span->record.bytes, &fill) == RM_OK)
		rm_outlet_pushed(span->record.bytes, fill);
}

static void push(struct rm_exchange *e, uint64_t end_mono_ns, struct rm_thread *thread)
{
	struct rm_span *span;

	rm_events_write(e);
	span = (struct rm_span *)e->builder.record;
	span->end_ns = span->start_ns + (end_mono_ns - e->start_ns);
	span->status = e->status;
	rm_builder_end(&e->builder);
	rm_exchange_push(thread, span);
}

void rm_exchange_end(uint32_t x, uint64_t end_mono_ns, struct rm_thread *thread)
{
	struct rm_exchange *e = rm_exchange_at(x);

	if (e->record && e->epoch == rm_epoch())
		push(e, end_mono_ns, thread);
	rm_exchange_drop(x);
}

uint32_t rm_exchange_live(void)
{
	return rm_pool_live(&exchanges);
}
