/*
 * What libc keeps once for the whole program, and libraries of ours would change: how a signal is taken
 * (libcurl ignores SIGPIPE while it closes connections; the thread has it blocked, as all), where the
 * sequence of rand() is (c-ares, where there is no /dev/urandom), and the time zone, which libc reads when
 * it is first asked for a time, be it UTC (OpenSSL, for certificates): the program may set TZ only later.
 * Nor is its environment read: other threads may change it, and programs that use libfcgi (fcgiwrap) leave `environ`
 * pointing to the variables of a request that is over, in memory that they gave back.
 * Hidden, and only in the exporter object. Context: worker.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/sys.h"

int sigaction(int number, const struct sigaction *restrict act, struct sigaction *restrict ret_old)
{
	if (ret_old)
		memset(ret_old, 0, sizeof(*ret_old));
	return 0;
}

sighandler_t signal(int number, sighandler_t handler)
{
	return SIG_DFL;
}

/* What is to be known from there was copied at the start (base/env.c). */
char *getenv(const char *name)
{
	return NULL;
}

char *secure_getenv(const char *name)
{
	return NULL;
}

int rand(void)
{
	unsigned bits = 0;

	rm_sys3(__NR_getrandom, &bits, sizeof(bits), 0);
	return (int)(bits & RAND_MAX);
}

/*
 * UTC by the proleptic Gregorian calendar, in years that begin with March, so that the day a leap year has
 * more is its last; eras of 400 years are of equal length.
 */
struct tm *gmtime_r(const time_t *restrict when, struct tm *restrict ret)
{
	enum { DAY_S = 86400, ERA_DAYS = 146097, MARCH_1_OF_0 = 719468 };
	long days = *when / DAY_S - (*when % DAY_S < 0), rest = *when - days * DAY_S;
	long from_0 = days + MARCH_1_OF_0, era = from_0 / ERA_DAYS - (from_0 % ERA_DAYS < 0);
	long of_era = from_0 - era * ERA_DAYS;
	long of_400 = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
	long of_year = of_era - (365 * of_400 + of_400 / 4 - of_400 / 100);
	long month = (5 * of_year + 2) / 153; /* 0 is March */
	long year = of_400 + era * 400 + (month >= 10);
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (year - 1900 > INT_MAX || year - 1900 < INT_MIN) {
		errno = EOVERFLOW;
		return NULL;
	}
	*ret = (struct tm){
		.tm_sec = (int)(rest % 60),
		.tm_min = (int)(rest / 60 % 60),
		.tm_hour = (int)(rest / 3600),
		.tm_mday = (int)(of_year - (153 * month + 2) / 5 + 1),
		.tm_mon = (int)(month < 10 ? month + 2 : month - 10),
		.tm_year = (int)(year - 1900),
		.tm_wday = (int)((days % 7 + 11) % 7), /* day 0 was a Thursday */
		.tm_yday = (int)(month < 10 ? of_year + 59 + leap : of_year - 306),
		.tm_zone = "GMT",
	};
	return ret;
}
