/* Messages: the conversions, the topics, one whole line per message, and no harm from stderr. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/rmtest.h"

static char format_room[128];
#define FORMAT(...) ((struct rm_str){ format_room, rm_format(format_room, sizeof(format_room), __VA_ARGS__) })

RM_TEST("each conversion prints what its name says")
{
	struct rm_str slice = { "abcdef", 3 };

	RM_CHECK_STR(FORMAT("%s|%c|%%", "text", 'x'), "text|x|%");
	RM_CHECK_STR(FORMAT("%d %d %u", -1, 2147483647, 4294967295u), "-1 2147483647 4294967295");
	RM_CHECK_STR(FORMAT("%ld %lu", -9223372036854775807l - 1, 18446744073709551615ul),
		     "-9223372036854775808 18446744073709551615");
	RM_CHECK_STR(FORMAT("%zu %zd", (size_t)7, (ssize_t)-7), "7 -7");
	RM_CHECK_STR(FORMAT("%x %lx", 0xfeedu, 0xfeedbeefcafe0000ul), "feed feedbeefcafe0000");
	RM_CHECK_STR(FORMAT("%p", (void *)0x1000), "0x1000");
	RM_CHECK_STR(FORMAT("[%S]", &slice), "[abc]");
	RM_CHECK_STR(FORMAT("%s", (char *)NULL), "(null)");
}

RM_TEST("an unknown conversion ends the text instead of guessing at its argument")
{
	RM_CHECK_STR(FORMAT("a %k b %s", 1, "c"), "a ");
	RM_CHECK_STR(FORMAT("a %"), "a ");
}

RM_TEST("formatted text is cut at the capacity and always terminated")
{
	char room[6] = "zzzzz";

	RM_CHECK(rm_format(room, sizeof(room), "%s", "abcdefgh") == 5);
	RM_CHECK(strcmp(room, "abcde") == 0);
	RM_CHECK(rm_format(room, 1, "%d", 12) == 0 && room[0] == '\0');
	RM_CHECK(rm_format(room, 0, "x") == 0);
}

RM_TEST("topics are read from a list, unknown ones ignored")
{
	RM_CHECK(rm_log_parse_topics(RM_STR("conn, HTTP1")) == (RM_LOG_CONN | RM_LOG_HTTP1));
	RM_CHECK(rm_log_parse_topics(RM_STR("nonsense,,trace")) == RM_LOG_TRACE);
	RM_CHECK(rm_log_parse_topics(RM_STR("all")) == RM_LOG_ALL);
	RM_CHECK(rm_log_parse_topics(RM_STR("")) == 0);
}

static int saved_stderr = -1, pipe_end = -1;

/* Turns descriptor 2 into a pipe. */
static void capture_begin(void)
{
	int ends[2];

	saved_stderr = dup(2);
	if (pipe2(ends, O_NONBLOCK) != 0)
		abort();
	dup2(ends[1], 2);
	close(ends[1]);
	pipe_end = ends[0];
}

/* What was written meanwhile. */
static struct rm_str capture_end(void)
{
	static char text[2048];
	ssize_t n = read(pipe_end, text, sizeof(text));

	close(pipe_end);
	dup2(saved_stderr, 2);
	close(saved_stderr);
	return (struct rm_str){ text, n > 0 ? (size_t)n : 0 };
}

static const char *with_pid(const char *rest)
{
	static char room[700];

	snprintf(room, sizeof(room), "remora[%d] %s", getpid(), rest);
	return room;
}

RM_TEST("a debug message is one line with pid and topic, only of topics asked for")
{
	capture_begin();
	rm_log_init(RM_LOG_CONN, RM_LEVEL_INFO);
	rm_debug(RM_LOG_CONN, "fd %d opened", 5);
	rm_debug(RM_LOG_TRACE, "never seen");
	RM_CHECK_STR(capture_end(), with_pid("conn: fd 5 opened\n"));
}

RM_TEST("without topics nothing is said, with level debug everything")
{
	capture_begin();
	rm_log_init(0, RM_LEVEL_INFO);
	rm_debug(RM_LOG_INIT, "silent");
	rm_log_init(0, RM_LEVEL_DEBUG);
	rm_debug(RM_LOG_EXPORT, "loud");
	RM_CHECK_STR(capture_end(), with_pid("export: loud\n"));
	RM_CHECK(rm_log_topics() == RM_LOG_ALL && rm_log_level() == RM_LEVEL_DEBUG);
}

RM_TEST("warnings are written from level warn on")
{
	capture_begin();
	rm_log_init(0, RM_LEVEL_ERROR);
	rm_warn("hidden");
	rm_log_init(0, RM_LEVEL_WARN);
	rm_warn("%s is wrong", "X");
	RM_CHECK_STR(capture_end(), with_pid("X is wrong\n"));
}

RM_TEST("kept warnings are written once, and only when they are asked for")
{
	capture_begin();
	rm_log_init(0, RM_LEVEL_WARN);
	rm_log_keep(true);
	rm_warn("X is wrong");
	RM_CHECK_STR(capture_end(), "");
	rm_log_keep(false);
	rm_log_say_kept(); /* descriptor 2 is another file now: nothing */

	capture_begin();
	rm_log_say_kept();
	RM_CHECK_STR(capture_end(), "");

	capture_begin();
	rm_log_keep(true);
	rm_warn("Y is wrong");
	rm_log_keep(false);
	rm_log_say_kept();
	rm_log_say_kept();
	RM_CHECK_STR(capture_end(), with_pid("Y is wrong\n"));
}

RM_TEST("control characters cannot forge lines or drive the terminal")
{
	capture_begin();
	rm_log_init(0, RM_LEVEL_WARN);
	rm_warn("%s", "a\r\nremora[1] b\x1b[2J\x7f");
	RM_CHECK_STR(capture_end(), with_pid("a??remora[1] b?[2J?\n"));
}

RM_TEST("a message longer than 512 bytes is cut, marked, and still ends its line")
{
	static char longer[2000];
	struct rm_str got;

	memset(longer, 'x', sizeof(longer) - 1);
	capture_begin();
	rm_log_init(0, RM_LEVEL_WARN);
	rm_warn("%s", longer);
	got = capture_end();
	RM_CHECK(got.n == 512);
	RM_CHECK(got.n > 5 && memcmp(got.p + got.n - 5, "x...\n", 5) == 0);
}

RM_TEST("errno survives a message, also one that could not be written")
{
	int saved = dup(2);

	rm_log_init(0, RM_LEVEL_WARN);
	close(2);
	errno = ERANGE;
	rm_warn("nowhere");
	RM_CHECK(errno == ERANGE);
	dup2(saved, 2);
	close(saved);
}

static volatile sig_atomic_t pipe_signals;

static void on_pipe(int signal)
{
	pipe_signals += signal == SIGPIPE;
}

RM_TEST("a broken stderr raises no signal of ours and hides none of the program's")
{
	sigset_t pipe_set, old;

	signal(SIGPIPE, on_pipe);
	rm_log_init(0, RM_LEVEL_WARN);
	capture_begin();
	close(pipe_end);
	pipe_end = -1;
	rm_warn("to nobody");
	RM_CHECK(pipe_signals == 0);

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &pipe_set, &old);
	raise(SIGPIPE);
	rm_warn("to nobody");
	RM_CHECK(pipe_signals == 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	RM_CHECK(pipe_signals == 1);
	capture_end();
	signal(SIGPIPE, SIG_DFL);
}
