/* Samplers that find their ratio: what they take, what they say of it, and that counts which go by that are true. */
#include "agent/threshold.h"

#include "base/random.h"
#include "tests/rmtest.h"

#define SECOND 1000000000ull

static struct rm_threshold t;
static struct rm_config c;
static struct rm_random random_numbers;
static uint64_t now_ns;

static void begin(enum rm_sampler_kind kind, double ratio, uint32_t per_second)
{
	t = (struct rm_threshold){ 0 };
	c.sampler = kind;
	c.ratio = ratio;
	c.traces_per_s = per_second;
	for (int i = 0; i < 4; i++)
		random_numbers.s[i] = 0x9e3779b97f4a7c15u * (unsigned)(i + 1); /* the same in each run */
	now_ns = SECOND;
}

/* So many requests over one second. Returns how many were taken; *ret_for: for how many they stand. */
static unsigned second(unsigned requests, uint64_t crowded, double *ret_for)
{
	unsigned taken = 0;

	*ret_for = 0;
	for (unsigned i = 0; i < requests; i++) {
		uint64_t id[2] = { rm_random_u64(&random_numbers), rm_random_u64(&random_numbers) };
		uint32_t threshold = 0;

		if (rm_threshold_decide(&t, &c, (const uint8_t *)id, now_ns + i * (SECOND / requests), crowded, &threshold)) {
			taken++;
			*ret_for += (double)RM_THRESHOLD_ALL / (RM_THRESHOLD_ALL - (threshold - 1));
		}
	}
	now_ns += SECOND;
	return taken;
}

static struct rm_str written(uint32_t threshold)
{
	static char text[RM_THRESHOLD_TEXT_BYTES];
	struct rm_strbuf b;

	rm_strbuf_init(&b, text, sizeof(text));
	rm_threshold_write(threshold + 1, &b);
	return rm_strbuf_view(&b);
}

RM_TEST("a threshold is written as the specification has it")
{
	RM_CHECK_STR(written(0), "ot=th:0");
	RM_CHECK_STR(written(RM_THRESHOLD_ALL / 2), "ot=th:8");
	RM_CHECK_STR(written(RM_THRESHOLD_ALL / 4 * 3), "ot=th:c");
	RM_CHECK_STR(written(0x0a0b0), "ot=th:0a0b");
	RM_CHECK_STR(written(RM_THRESHOLD_ALL - 1), "ot=th:fffff");
}

RM_TEST("a trace is taken when its random number is not below the threshold")
{
	uint8_t id[16] = { [8] = 0xff, [9] = 0x7f, [10] = 0xff, [11] = 0xff };
	uint32_t threshold = 0;

	begin(RM_SAMPLER_PARENT_ADAPTIVE, 0.5, 0);
	RM_CHECK(!rm_threshold_decide(&t, &c, id, now_ns, 0, &threshold) && threshold == 0);
	memcpy(id + 8, "\0\x80\0\0", 4);
	RM_CHECK(rm_threshold_decide(&t, &c, id, now_ns, 0, &threshold) && threshold == RM_THRESHOLD_ALL / 2 + 1);
}

RM_TEST("the rate-limited sampler takes all of little, and about its limit of much")
{
	double stands_for;

	begin(RM_SAMPLER_PARENT_RATELIMITED, 1, 100);
	for (int i = 0; i < 5; i++)
		RM_CHECK(second(50, 0, &stands_for) == 50 && stands_for == 50);
	RM_CHECK(second(20000, 0, &stands_for) < 1000); /* a surge */
	for (int i = 0; i < 10; i++) {
		unsigned taken = second(20000, 0, &stands_for);

		RM_CHECK(taken > 60 && taken < 140);
	}
	second(50, 0, &stands_for);
	RM_CHECK(second(50, 0, &stands_for) == 50);
}

RM_TEST("who counts each span for as many as its threshold says counts right, also while that changes")
{
	double sum = 0, stands_for;

	begin(RM_SAMPLER_PARENT_RATELIMITED, 1, 100);
	for (int i = 0; i < 100; i++) {
		second(i % 3 ? 2000 : 20000, 0, &stands_for);
		sum += stands_for;
	}
	RM_CHECK(sum > 0.95 * (34 * 20000 + 66 * 2000) && sum < 1.05 * (34 * 20000 + 66 * 2000));
}

RM_TEST("the adaptive sampler takes half after a loss, and more again when there is none")
{
	double stands_for;
	uint32_t low;

	begin(RM_SAMPLER_PARENT_ADAPTIVE, 1, 0);
	RM_CHECK(second(1000, 7, &stands_for) == 1000); /* what was lost before is no news */
	RM_CHECK(second(1000, 7, &stands_for) == 1000);
	second(1000, 8, &stands_for);
	RM_CHECK(t.rejects == RM_THRESHOLD_ALL / 2 && stands_for > 850 && stands_for < 1150);
	second(1000, 300, &stands_for);
	low = t.rejects;
	RM_CHECK(low == RM_THRESHOLD_ALL / 4 * 3);
	for (int i = 0; i < 4; i++)
		second(1000, 300, &stands_for);
	RM_CHECK(t.rejects == low);
	second(1000, 300, &stands_for);
	RM_CHECK(t.rejects < low);
	for (int i = 0; i < 60; i++)
		second(1000, 300, &stands_for);
	RM_CHECK(t.rejects == 0);
	second(1000, 0, &stands_for); /* as in a forked child, whose count begins anew */
	RM_CHECK(t.rejects == 0);
}

RM_TEST("the adaptive sampler keeps to its highest ratio, and never takes nothing")
{
	double stands_for;

	begin(RM_SAMPLER_PARENT_ADAPTIVE, 0.25, 0);
	for (int i = 0; i < 20; i++)
		second(10, 0, &stands_for);
	RM_CHECK(t.rejects == RM_THRESHOLD_ALL / 4 * 3);
	for (unsigned i = 1; i < 100; i++)
		second(10, i, &stands_for);
	RM_CHECK(t.rejects == RM_THRESHOLD_ALL - 1);
	for (int i = 0; i < 400; i++)
		second(10, 99, &stands_for);
	RM_CHECK(t.rejects == RM_THRESHOLD_ALL / 4 * 3);
	begin(RM_SAMPLER_PARENT_ADAPTIVE, 0, 0);
	RM_CHECK(second(100, 0, &stands_for) == 0);
}
