/* agent/syslogged.c: messages of syslog as records, and what of them is not told again. */
#include "agent/syslogged.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/output.h"
#include "agent/record.h"
#include "agent/text.h"
#include "base/log.h"
#include "agent_stub.h"
#include "tests/rmtest.h"

static void begin(const char *sources)
{
	static char setting[64];

	rm_format(setting, sizeof(setting), "REMORA_LOG_SOURCES=%s", sources);
	stub_start((char *[]){ setting, NULL });
	rm_syslog_init(&stub_env);
	rm_syslog_closed();
	rm_syslog_opened(NULL, LOG_USER);
}

static _Alignas(8) char record[RM_RECORD_MAX_BYTES];

/* The next record, NULL when there is none. */
static const struct rm_log *next_log(void)
{
	const struct rm_log *l = (const struct rm_log *)record;
	int n = rm_segment_pop(&stub_segment, RM_SEGMENT_SPAN_RINGS, record);

	if (n <= 0)
		return NULL;
	RM_CHECK(rm_record_valid(&l->record, (uint32_t)n) && l->record.type == RM_RECORD_LOG);
	return l;
}

static struct rm_attr attribute(const struct rm_log *l, const char *key)
{
	struct rm_attr_iter it = rm_record_attrs(&l->record);
	struct rm_attr a;

	while (rm_attr_next(&it, &a))
		if (rm_str_eq(a.key, rm_str_c(key)))
			return a;
	return (struct rm_attr){ 0 };
}

/* What the hook does. */
static const struct rm_log *say(int priority, const char *text)
{
	struct rm_syslog m;
	size_t n = strlen(text);

	RM_CHECK(rm_syslog_begin(&m));
	memcpy(m.text, text, n < m.cap_bytes ? n + 1 : m.cap_bytes);
	rm_syslog_say(&m, priority, (int)n);
	rm_syslog_end(&m);
	return next_log();
}

RM_TEST("a message is a record with the severity, facility and ident of its call")
{
	const struct rm_log *l;
	char ident[] = "shop";

	begin("syslog");
	rm_syslog_opened(ident, LOG_DAEMON);
	errno = 5;
	l = say(LOG_ERR, "it broke\n");
	RM_CHECK(errno == 5);
	RM_CHECK_STR(rm_log_body(l), "it broke");
	RM_CHECK_STR(rm_log_severity_text(l), "err");
	RM_CHECK(l->severity == RM_SEVERITY_ERROR && l->time_ns > 1700000000000000000ull);
	RM_CHECK(attribute(l, "syslog.facility").v.i64 == 3 && !attribute(l, "log.iostream").type);
	RM_CHECK_STR(attribute(l, "syslog.appname").v.str, "shop");
	ident[0] = 'c';
	l = say(LOG_LOCAL7 | LOG_DEBUG, "x");
	RM_CHECK(l->severity == RM_SEVERITY_DEBUG && attribute(l, "syslog.facility").v.i64 == 23);
	RM_CHECK_STR(attribute(l, "syslog.appname").v.str, "chop");
	rm_syslog_closed();
	RM_CHECK(attribute(say(LOG_INFO, "x"), "syslog.appname").type == 0);
	RM_CHECK(next_log() == NULL);
}

RM_TEST("an ident that is gone is left out, one at the end of its page is read as far as it goes")
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	begin("syslog");
	munmap(pages + 4096, 4096);
	memcpy(pages + 4093, "end", 3); /* no NUL before the page that is not there */
	rm_syslog_opened(pages + 4093, 0);
	RM_CHECK(attribute(say(LOG_INFO, "x"), "syslog.appname").type == 0);
	pages[4095] = '\0';
	RM_CHECK_STR(attribute(say(LOG_INFO, "x"), "syslog.appname").v.str, "en");
	rm_syslog_opened(pages + 4096, 0);
	RM_CHECK(attribute(say(LOG_INFO, "x"), "syslog.appname").type == 0);
}

RM_TEST("a message that is longer than a record is cut, and what is cut is counted; empty ones are none")
{
	static char text[100001];
	const struct rm_log *l;

	begin("syslog");
	memset(text, 'a', 100000);
	l = say(LOG_INFO, text);
	RM_CHECK(rm_log_body(l).n > 14000);
	RM_CHECK(rm_log_body(l).n + (size_t)attribute(l, "remora.lost_bytes").v.i64 == 100000);
	RM_CHECK(say(LOG_INFO, "") == NULL && say(LOG_INFO, "\n") == NULL);
}

RM_TEST("a message that could not be formatted is none, and no memory is kept")
{
	struct rm_syslog m;
	uint32_t live;

	begin("syslog");
	live = rm_text_live();
	RM_CHECK(rm_syslog_begin(&m) && rm_text_live() == live + 1);
	rm_syslog_say(&m, LOG_INFO, -1);
	rm_syslog_end(&m);
	RM_CHECK(next_log() == NULL && rm_text_live() == live);
	say(LOG_INFO, "x");
	RM_CHECK(rm_text_live() == live);
}

RM_TEST("what libc prints of a message to standard error is not told again, what comes after it is")
{
	struct rm_syslog m;
	int ends[2], saved = dup(2);

	RM_CHECK(pipe(ends) == 0 && dup2(ends[1], 2) == 2);
	begin("stderr,syslog");
	rm_output_init(&stub_env);
	RM_CHECK(rm_syslog_begin(&m));
	rm_output_stdio(2, "before\n", 7, false);
	rm_syslog_say(&m, LOG_INFO, 0);
	rm_output_stdio(2, "shop: message\n", 14, false);
	rm_syslog_end(&m);
	rm_output_stdio(2, "behind\n", 7, false);
	RM_CHECK(rm_segment_pop(&stub_segment, RM_SEGMENT_SPAN_RINGS, record) > 0);
	RM_CHECK_STR(rm_output_text((struct rm_output *)record), "before\n");
	RM_CHECK(rm_segment_pop(&stub_segment, RM_SEGMENT_SPAN_RINGS, record) > 0);
	RM_CHECK_STR(rm_output_text((struct rm_output *)record), "behind\n");
	RM_CHECK(rm_segment_pop(&stub_segment, RM_SEGMENT_SPAN_RINGS, record) <= 0);
	dup2(saved, 2);
}

RM_TEST("nothing is done where syslog is no source")
{
	struct rm_syslog m;

	begin("stdout,stderr");
	RM_CHECK(!rm_syslog_watched() && !rm_syslog_begin(&m));
}

static void *cancelled(void *arg)
{
	struct rm_syslog m;

	RM_CHECK(rm_syslog_begin(&m));
	return arg;
}

RM_TEST("memory that threads were lent which are no more is given back by later calls")
{
	enum { THREADS = 40 };
	pthread_t thread;
	uint32_t before;

	begin("syslog");
	before = rm_text_live();
	for (int i = 0; i < THREADS; i++)
		RM_CHECK(pthread_create(&thread, NULL, cancelled, NULL) == 0 && pthread_join(thread, NULL) == 0);
	RM_CHECK(rm_text_live() - before <= 9);
	RM_CHECK(say(LOG_ERR, "later") != NULL);
	RM_CHECK(rm_text_live() - before <= 9);
}
