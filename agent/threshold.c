/*
 * Seconds are told apart by the requests that ask: whoever comes first after the end of one sets the threshold of the next.
 *
 * `ratelimited`: the limit is divided by what the last second asked for. Where a second brings more than that, each time
 * that its limit is used up half of what was taken is taken from then on: a surge of 1,000 times the limit gets about ten
 * times the limit in its first second, and the limit afterwards.
 * `adaptive`: half after each second in which spans were dropped; a quarter more after five in which none were.
 */
#include "agent/threshold.h"

enum { QUIET_SECONDS = 5, MOST_REJECTS = RM_THRESHOLD_ALL - 1 };
#define SECOND_NS 1000000000ull

/* The first bits of the random number: of the last seven bytes of the id. */
static uint32_t random_of(const uint8_t trace_id[16])
{
	return (uint32_t)trace_id[9] << 12 | (uint32_t)trace_id[10] << 4 | trace_id[11] >> 4;
}

static uint32_t accepts_of(double ratio)
{
	uint32_t accepts = ratio >= 1 ? RM_THRESHOLD_ALL : (uint32_t)(ratio * RM_THRESHOLD_ALL);

	return accepts || ratio <= 0 ? accepts : 1;
}

static void set_accepts(struct rm_threshold *t, uint32_t accepts)
{
	atomic_store_explicit(&t->rejects, RM_THRESHOLD_ALL - accepts, memory_order_relaxed);
}

static uint32_t half_of(uint32_t rejects)
{
	uint32_t more = rejects + (RM_THRESHOLD_ALL - rejects) / 2;

	return more < MOST_REJECTS ? more : MOST_REJECTS;
}

static void adapt(struct rm_threshold *t, const struct rm_config *c, uint64_t crowded)
{
	uint32_t rejects = atomic_load_explicit(&t->rejects, memory_order_relaxed), most = accepts_of(c->ratio);
	uint32_t accepts = RM_THRESHOLD_ALL - rejects;

	/* Of a forked child the count begins anew. */
	if (crowded > atomic_exchange_explicit(&t->crowded, crowded, memory_order_relaxed)) {
		atomic_store_explicit(&t->quiet, 0, memory_order_relaxed);
		if (rejects < MOST_REJECTS)
			atomic_store_explicit(&t->rejects, half_of(rejects), memory_order_relaxed);
		return;
	}
	if (atomic_fetch_add_explicit(&t->quiet, 1, memory_order_relaxed) + 1 < QUIET_SECONDS)
		return;
	atomic_store_explicit(&t->quiet, 0, memory_order_relaxed);
	accepts += accepts / 4 + 1;
	set_accepts(t, accepts < most ? accepts : most);
}

static void begin_second(struct rm_threshold *t, const struct rm_config *c, uint64_t took_ns, uint64_t crowded)
{
	uint32_t asked = atomic_exchange_explicit(&t->asked, 0, memory_order_relaxed);

	atomic_store_explicit(&t->taken, 0, memory_order_relaxed);
	if (c->sampler == RM_SAMPLER_PARENT_ADAPTIVE)
		adapt(t, c, crowded);
	else
		set_accepts(t, accepts_of(asked ? c->traces_per_s * ((double)took_ns / SECOND_NS) / asked : 1));
}

/* The first request of all. */
static void begin(struct rm_threshold *t, const struct rm_config *c, uint64_t crowded)
{
	atomic_store_explicit(&t->crowded, crowded, memory_order_relaxed);
	set_accepts(t, c->sampler == RM_SAMPLER_PARENT_ADAPTIVE ? accepts_of(c->ratio) : RM_THRESHOLD_ALL);
}

/* One more was taken in this second. */
static void took(struct rm_threshold *t, const struct rm_config *c, uint32_t rejects)
{
	uint32_t taken = atomic_fetch_add_explicit(&t->taken, 1, memory_order_relaxed) + 1;

	if (taken % c->traces_per_s == 0 && rejects < MOST_REJECTS)
		atomic_compare_exchange_strong_explicit(&t->rejects, &rejects, half_of(rejects), memory_order_relaxed,
							memory_order_relaxed);
}

bool rm_threshold_decide(struct rm_threshold *t, const struct rm_config *c, const uint8_t trace_id[16], uint64_t now_ns,
			 uint64_t crowded, uint32_t *ret)
{
	uint64_t since = atomic_load_explicit(&t->since_ns, memory_order_relaxed);
	uint32_t rejects;

	/* Signed: of another thread, it may have begun behind what is now for this one. */
	if (!since || (int64_t)(now_ns - since) >= (int64_t)SECOND_NS) {
		if (atomic_compare_exchange_strong_explicit(&t->since_ns, &since, now_ns, memory_order_relaxed,
							    memory_order_relaxed)) {
			if (since)
				begin_second(t, c, now_ns - since, crowded);
			else
				begin(t, c, crowded);
		}
	}
	atomic_fetch_add_explicit(&t->asked, 1, memory_order_relaxed);
	rejects = atomic_load_explicit(&t->rejects, memory_order_relaxed);
	if (random_of(trace_id) < rejects)
		return false;
	*ret = rejects + 1;
	if (c->sampler == RM_SAMPLER_PARENT_RATELIMITED)
		took(t, c, rejects);
	return true;
}

void rm_threshold_write(uint32_t threshold_and_one, struct rm_strbuf *out)
{
	uint32_t left = threshold_and_one - 1;

	rm_strbuf_c(out, "ot=th:");
	/* Zeroes at the end are left out, but for the only one. */
	do {
		rm_strbuf_char(out, "0123456789abcdef"[left >> (RM_THRESHOLD_BITS - 4)]);
		left = left << 4 & (RM_THRESHOLD_ALL - 1);
	} while (left);
}
