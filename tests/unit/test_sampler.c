/* Samplers: decisions by parent, and ratios that agree with the SDKs of Go and Python. */
#include "agent/sampler.h"

#include "base/random.h"
#include "tests/rmtest.h"

static const uint8_t low[16] = { [15] = 1 }; /* kept by every ratio above 0 */
static const uint8_t high[16] = { [8] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const struct rm_spanctx root, sampled = { .valid = true, .sampled_known = true, .flags = 1 };
static const struct rm_spanctx unsampled = { .valid = true,
					     .sampled_known = true,
					     .flags = RM_FLAG_RANDOM };
static const struct rm_spanctx deferred = { .valid = true };

static bool decide(enum rm_sampler_kind kind, double ratio, const struct rm_spanctx *parent,
		   const uint8_t *id)
{
	static struct rm_config c;

	c.sampler = kind;
	c.ratio = ratio;
	return rm_sampled(&c, parent, id);
}

RM_TEST("the plain samplers do not ask the parent")
{
	RM_CHECK(decide(RM_SAMPLER_ON, 0, &root, high) &&
		 decide(RM_SAMPLER_ON, 0, &unsampled, high));
	RM_CHECK(!decide(RM_SAMPLER_OFF, 1, &root, low) &&
		 !decide(RM_SAMPLER_OFF, 1, &sampled, low));
	RM_CHECK(!decide(RM_SAMPLER_RATIO, 0.5, &sampled, high));
	RM_CHECK(decide(RM_SAMPLER_RATIO, 0.5, &unsampled, low));
}

RM_TEST("the parent-based samplers follow the parent and decide for roots")
{
	static const enum rm_sampler_kind kinds[] = { RM_SAMPLER_PARENT_ON, RM_SAMPLER_PARENT_OFF,
						      RM_SAMPLER_PARENT_RATIO };

	for (int i = 0; i < 3; i++) {
		RM_CHECK(decide(kinds[i], 0.5, &sampled, high));
		RM_CHECK(!decide(kinds[i], 0.5, &unsampled, low));
	}
	RM_CHECK(decide(RM_SAMPLER_PARENT_ON, 0, &root, high));
	RM_CHECK(!decide(RM_SAMPLER_PARENT_OFF, 1, &root, low));
	RM_CHECK(decide(RM_SAMPLER_PARENT_RATIO, 0.5, &root, low));
	RM_CHECK(!decide(RM_SAMPLER_PARENT_RATIO, 0.5, &root, high));
}

RM_TEST("a parent that left the decision open is treated as a root")
{
	RM_CHECK(decide(RM_SAMPLER_PARENT_ON, 0, &deferred, high));
	RM_CHECK(!decide(RM_SAMPLER_PARENT_OFF, 1, &deferred, low));
	RM_CHECK(!decide(RM_SAMPLER_PARENT_RATIO, 0.5, &deferred, high));
}

RM_TEST("ratio 0 keeps nothing and ratio 1 keeps everything")
{
	const uint8_t zero[16] = { 0 };

	RM_CHECK(!decide(RM_SAMPLER_RATIO, 0, &root, zero));
	RM_CHECK(decide(RM_SAMPLER_RATIO, 1, &root, high));
}

RM_TEST("decisions are those that OpenTelemetry's Python SDK gave")
{
	static const struct {
		double ratio;
		const char *id;
		bool kept;
	} rows[] = {
		{ 0.9, "a6a3a4506513270e269e0d37f2a74de4", true },
		{ 0.0, "1818e811892f902b0000000000000000", false },
		{ 0.0001, "3d9c172411e20b8f00068db8bac700cb", true },
		{ 0.0001, "a09f76b5a170b33800068db8bac720cb", false },
		{ 0.0001, "34b9b5df9e7769b100068db8bac710cc", false },
		{ 1 / 3.0, "90c192cfd3ac94af0f21ddb66cad4a26", true },
		{ 0.25, "2217beaddbc496cb4000000000000000", false },
		{ 0.25, "b64ce4228c38fb2918f135d25f557203", true },
		{ 0.5, "2e44158bae97ba947ffffffffffff000", true },
		{ 0.99, "922766581e27a1c08a6a63ec24ede6a4", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t id[16];

		RM_CHECK(rm_hex_decode(rows[i].id, id, 16));
		RM_CHECK(decide(RM_SAMPLER_RATIO, rows[i].ratio, &root, id) == rows[i].kept);
	}
}

RM_TEST("random ids are decided by Go's and by Python's formula alike")
{
	struct rm_random random = { { 1, 2, 3, 4 } };

	for (int i = 0; i < 100000; i++) {
		double ratio = (double)(rm_random_u64(&random) >> 11) * 0x1p-53;
		uint64_t v = rm_random_u64(&random);
		bool go = v >> 1 < (uint64_t)(ratio * (double)(1ull << 63));
		bool python = (unsigned __int128)v <
			      (unsigned __int128)((long double)ratio * 0x1p64L + 0.5L);
		uint8_t id[16] = { 0xff };
		bool got;

		for (int b = 0; b < 8; b++)
			id[8 + b] = (uint8_t)(v >> (56 - 8 * b));
		got = decide(RM_SAMPLER_RATIO, ratio, &root, id);
		RM_CHECK(got == go && got == python);
	}
}
