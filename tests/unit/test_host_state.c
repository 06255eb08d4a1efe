/* exporters/host_state.c: its calendar against libc's own, which timegm still is here. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "tests/rmtest.h"

static bool agrees(time_t when)
{
	struct tm ours, theirs;

	if (!gmtime_r(&when, &ours))
		return false;
	theirs = ours;
	theirs.tm_wday = theirs.tm_yday = -1; /* timegm finds them anew */
	return timegm(&theirs) == when && theirs.tm_wday == ours.tm_wday && theirs.tm_yday == ours.tm_yday &&
	       theirs.tm_mday == ours.tm_mday && theirs.tm_mon == ours.tm_mon &&
	       theirs.tm_year == ours.tm_year && ours.tm_isdst == 0 && ours.tm_gmtoff == 0;
}

RM_TEST("every day of eight centuries, and its first and last second, is what libc says")
{
	for (time_t day = -150000; day < 150000; day++)
		if (!agrees(day * 86400) || !agrees(day * 86400 + 86399)) {
			RM_CHECK(day == 150000);
			break;
		}
}

RM_TEST("so are times at random, as far as years go; beyond is an error")
{
	struct rm_random random = { { 0 } };
	time_t too_late = INT64_MAX, too_early = INT64_MIN;
	struct tm tm;

	for (int i = 0; i < 100000; i++)
		if (!agrees((time_t)(rm_random_u64(&random) >> 16) - (1l << 47))) {
			RM_CHECK(i == 100000);
			break;
		}
	errno = 0;
	RM_CHECK(!gmtime_r(&too_late, &tm) && errno == EOVERFLOW);
	RM_CHECK(!gmtime_r(&too_early, &tm));
}

RM_TEST("random numbers are not those of the program's sequence, and move it no further")
{
	int seen = 0;

	for (int i = 0; i < 100; i++)
		seen |= rand();
	RM_CHECK(seen == RAND_MAX);
}
