/* The wall time of a monotonic time, on clocks of the test's own. */
#include "base/clock.h"
#include "base/lookup.h"

#include <time.h>

#include "tests/rmtest.h"

static uint64_t mono_ns = 5000000000u, ahead_ns = 1700000000000000000u;
static uint64_t pauses_ns[8]; /* how long the thread is put aside after each of the next reads */
static unsigned reads;

static int read_clock(clockid_t clock, struct timespec *ret)
{
	uint64_t ns = mono_ns + (clock == CLOCK_REALTIME ? ahead_ns : 0);

	*ret = (struct timespec){ (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
	mono_ns += reads < 8 ? pauses_ns[reads] : 0;
	reads++;
	return 0;
}

/* The kernel's function, which comes before libc's. */
void *rm_lookup_first(const char *name)
{
	return strcmp(name, "__vdso_clock_gettime") == 0 ? (void *)read_clock : NULL;
}

RM_TEST("the wall clock is read again only after a while")
{
	struct rm_wall wall = { 0 };
	unsigned once;

	reads = 0;
	RM_CHECK(rm_clock_wall_at(&wall, mono_ns) == mono_ns + ahead_ns);
	once = reads;
	mono_ns += RM_WALL_KEPT_NS - 1;
	RM_CHECK(rm_clock_wall_at(&wall, mono_ns) == mono_ns + ahead_ns && reads == once);
	mono_ns += 1;
	RM_CHECK(rm_clock_wall_at(&wall, mono_ns) == mono_ns + ahead_ns && reads > once);
}

RM_TEST("a step of the wall clock, in either direction, shows after that while")
{
	struct rm_wall wall = { 0 };

	rm_clock_wall_at(&wall, mono_ns);
	for (int i = 0; i < 2; i++) {
		ahead_ns = i ? ahead_ns - 7000000000u : ahead_ns + 3000000000u;
		mono_ns += RM_WALL_KEPT_NS;
		RM_CHECK(rm_clock_wall_at(&wall, mono_ns) == mono_ns + ahead_ns);
	}
}

RM_TEST("a time before the last look has a wall time too")
{
	struct rm_wall wall = { 0 };

	rm_clock_wall_at(&wall, mono_ns);
	RM_CHECK(rm_clock_wall_at(&wall, mono_ns - 3600000000000u) == mono_ns - 3600000000000u + ahead_ns);
}

RM_TEST("an interruption between two reads does not shift the times of the next moments")
{
	struct rm_wall wall = { 0 };
	uint64_t at = mono_ns;

	reads = 0;
	pauses_ns[0] = 4000000;
	RM_CHECK(rm_clock_wall_at(&wall, at) == at + ahead_ns);
	pauses_ns[0] = 0;
}
