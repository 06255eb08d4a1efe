/* agent/output.c: which descriptors are logs, and that what is written there leaves in pieces that are whole. */
#include "agent/output.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/hookapi.h"
#include "agent/record.h"
#include "agent/text.h"
#include "agent_stub.h"
#include "tests/rmtest.h"

#define PARENT "TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static int saved_stderr = -1;

/* The agent with these settings, and a pipe, a file ... as standard error. */
static void begin_on(int fd, char *const *settings)
{
	if (saved_stderr < 0)
		saved_stderr = fcntl(2, F_DUPFD, 100);
	dup2(fd, 2);
	stub_start(settings);
	rm_output_init(&stub_env);
}

static void end(void)
{
	struct rm_scope s;

	dup2(saved_stderr, 2);
	if (rm_enter(&s)) {
		rm_fd_close(&s, 2);
		rm_leave(&s);
	}
}

#define BEGIN(fd, ...) begin_on(fd, (char *[]){ "REMORA_LOG_SOURCES=stderr", __VA_ARGS__ __VA_OPT__(, ) NULL })

static int pipe_end(void)
{
	static int fd[2] = { -1, -1 };

	if (fd[0] < 0 && (pipe2(fd, O_NONBLOCK) != 0))
		abort();
	return fd[1];
}

/* What the hook of writev does, without the call. Returns what the agent said beforehand. */
static enum rm_tx_mode call(int fd, const struct iovec *iov, int count, ssize_t result)
{
	struct rm_tx tx;
	enum rm_tx_mode mode;

	if (!rm_fd_tracked(fd))
		return RM_TX_PASS;
	mode = rm_tx_begin(&tx, fd, iov, count);
	if (mode == RM_TX_OUTPUT)
		rm_output_done(&tx, result);
	return mode;
}

static enum rm_tx_mode print(int fd, const char *text, ssize_t result)
{
	return call(fd, &(struct iovec){ (void *)text, strlen(text) }, 1, result);
}

static _Alignas(8) char record[RM_RECORD_MAX_BYTES];

/* The next piece, NULL when there is none. */
static const struct rm_output *piece(void)
{
	const struct rm_output *o = (const struct rm_output *)record;
	int n = rm_segment_pop(&stub_segment, RM_SEGMENT_SPAN_RINGS, record);

	if (n <= 0)
		return NULL;
	RM_CHECK(rm_record_valid(&o->record, (uint32_t)n) && o->record.type == RM_RECORD_OUTPUT);
	return o;
}

#define CHECK_PIECE(o, want)                                     \
	do {                                                     \
		const struct rm_output *o_ = (o);                \
		RM_CHECK(o_ != NULL);                            \
		if (o_)                                          \
			RM_CHECK_STR(rm_output_text(o_), want);  \
	} while (0)

RM_TEST("what is written to standard error is a piece, and nothing else is")
{
	int pipe = pipe_end();

	BEGIN(pipe);
	RM_CHECK(print(2, "hello\n", 6) == RM_TX_OUTPUT);
	CHECK_PIECE(piece(), "hello\n");
	RM_CHECK(((struct rm_output *)record)->stream == RM_STREAM_STDERR);
	RM_CHECK(((struct rm_output *)record)->bits == (RM_OUTPUT_BEGINS | RM_OUTPUT_ENDS));
	RM_CHECK(((struct rm_output *)record)->time_ns > 1700000000000000000ull);
	RM_CHECK(print(pipe, "other\n", 6) == RM_TX_PASS && print(0, "in\n", 3) == RM_TX_PASS);
	RM_CHECK(piece() == NULL);
	end();
}

RM_TEST("only what the kernel took counts, and nothing of a call that failed")
{
	BEGIN(pipe_end());
	print(2, "hello\n", 3);
	CHECK_PIECE(piece(), "hel");
	print(2, "hello\n", -1);
	print(2, "hello\n", 0);
	RM_CHECK(piece() == NULL);
	end();
}

RM_TEST("parts of a call are one piece, in their order, as far as they were taken")
{
	const struct iovec iov[] = { { "ab", 2 }, { NULL, 0 }, { "cd", 2 }, { "", 0 }, { "ef\n", 3 } };

	BEGIN(pipe_end());
	call(2, iov, 5, 7);
	CHECK_PIECE(piece(), "abcdef\n");
	call(2, iov, 5, 3);
	CHECK_PIECE(piece(), "abc");
	call(2, iov + 1, 2, 1);
	CHECK_PIECE(piece(), "c");
	end();
}

RM_TEST("a long call is several pieces with numbers; what is too much is counted")
{
	static char much[100000], seen[100000];
	const struct iovec iov[] = { { much, 10 }, { much + 10, 50000 }, { much + 50010, sizeof(much) - 50010 } };
	const struct rm_output *o;
	size_t n = 0, pieces = 0;
	uint64_t first = 0;

	for (size_t i = 0; i < sizeof(much); i++)
		much[i] = (char)('a' + i % 23);
	BEGIN(pipe_end());
	call(2, iov, 3, sizeof(much));
	while ((o = piece())) {
		first = pieces ? first : o->sequence;
		RM_CHECK(o->sequence == first + pieces);
		RM_CHECK(!(o->bits & RM_OUTPUT_BEGINS) == (pieces > 0));
		memcpy(seen + n, rm_output_text(o).p, o->bytes);
		n += o->bytes;
		pieces++;
		RM_CHECK(!(o->bits & RM_OUTPUT_ENDS) == (n < 65536));
		RM_CHECK(o->lost_bytes == (n < 65536 ? 0 : sizeof(much) - 65536));
	}
	RM_CHECK(pieces == 5 && n == 65536 && memcmp(seen, much, n) == 0);
	print(2, "next\n", 5);
	o = piece();
	RM_CHECK(o && o->sequence == first + pieces);
	end();
}

RM_TEST("a piece has the trace of what the process was started for, or none")
{
	BEGIN(pipe_end(), PARENT);
	print(2, "a\n", 2);
	RM_CHECK(piece() && ((struct rm_output *)record)->trace_id[0] == 0x0a && ((struct rm_output *)record)->span_id[0] == 0xb7 &&
		 ((struct rm_output *)record)->trace_flags == 1);
	rm_output_stdio(2, "b\n", 2, false);
	RM_CHECK(piece() && ((struct rm_output *)record)->trace_id[0] == 0x0a);
	rm_output_stdio(2, "c\n", 2, true);
	RM_CHECK(piece() && ((struct rm_output *)record)->trace_id[0] == 0 && ((struct rm_output *)record)->bits & RM_OUTPUT_SHARED);
	end();
	BEGIN(pipe_end());
	print(2, "a\n", 2);
	RM_CHECK(piece() && ((struct rm_output *)record)->trace_id[0] == 0);
	end();
}

static void dup_to(int from, int to)
{
	struct rm_scope s;

	dup2(from, to);
	if (rm_enter(&s)) {
		rm_fd_dup(&s, from, to);
		rm_leave(&s);
	}
}

static void close_it(int fd)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_fd_close(&s, fd);
		rm_leave(&s);
	}
	close(fd);
}

RM_TEST("copies of a log are it; what takes its place is looked at")
{
	int null = open("/dev/null", O_WRONLY), file = open("/tmp", O_TMPFILE | O_WRONLY, 0600), in[2];

	BEGIN(pipe_end());
	dup_to(2, 90);
	RM_CHECK(print(90, "copy\n", 5) == RM_TX_OUTPUT);
	CHECK_PIECE(piece(), "copy\n");
	dup_to(null, 2);
	RM_CHECK(print(2, "nowhere\n", 8) == RM_TX_PASS);
	RM_CHECK(print(90, "copy\n", 5) == RM_TX_OUTPUT && piece());
	dup_to(file, 2);
	RM_CHECK(print(2, "file\n", 5) == RM_TX_OUTPUT && piece());
	dup_to(90, 2);
	RM_CHECK(print(2, "again\n", 6) == RM_TX_OUTPUT && piece());
	close_it(90);
	RM_CHECK(print(90, "closed\n", 7) == RM_TX_PASS);
	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, in) == 0);
	dup_to(in[0], 2);
	RM_CHECK(print(2, "unix\n", 5) == RM_TX_OUTPUT && piece());
	close_it(2);
	RM_CHECK(print(2, "closed\n", 7) == RM_TX_PASS);
	close(in[0]);
	close(in[1]);
	in[0] = socket(AF_INET, SOCK_STREAM, 0);
	dup_to(in[0], 2);
	RM_CHECK(print(2, "inet\n", 5) == RM_TX_PASS);
	close(in[0]);
	close(null);
	close(file);
	end();
}

RM_TEST("what is no text is left out, and a stream that has nothing else is left alone")
{
	static const char image[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
	const struct iovec iov[] = { { "text", 4 }, { (void *)image, sizeof(image) } };

	BEGIN(pipe_end());
	for (int i = 0; i < 7; i++)
		RM_CHECK(call(2, iov, 2, sizeof(image) + 4) == RM_TX_OUTPUT);
	RM_CHECK(piece() == NULL);
	print(2, "text again\n", 11);
	CHECK_PIECE(piece(), "text again\n");
	for (int i = 0; i < 8; i++)
		RM_CHECK(call(2, iov, 2, sizeof(image) + 4) == RM_TX_OUTPUT);
	RM_CHECK(print(2, "text\n", 5) == RM_TX_PASS && piece() == NULL);
	end();
}

RM_TEST("what is printed from inside a visit or by a child of vfork passes by")
{
	struct rm_scope s;

	BEGIN(pipe_end());
	RM_CHECK(rm_enter(&s));
	print(2, "inside\n", 7);
	rm_leave(&s);
	rm_vfork_mark(1);
	print(2, "vfork\n", 6);
	rm_vfork_mark(0);
	RM_CHECK(piece() == NULL);
	print(2, "out\n", 4);
	CHECK_PIECE(piece(), "out\n");
	end();
}

RM_TEST("perror prints to a copy of standard error that only stdio knows")
{
	int copy;

	BEGIN(pipe_end());
	copy = dup(2);
	rm_output_stdio(copy, "not perror\n", 11, false);
	RM_CHECK(piece() == NULL);
	rm_output_perror(true);
	rm_output_stdio(copy, "perror\n", 7, false);
	CHECK_PIECE(piece(), "perror\n");
	rm_output_stdio(saved_stderr, "another file\n", 13, false);
	RM_CHECK(piece() == NULL);
	rm_output_perror(false);
	rm_output_stdio(copy, "after\n", 6, false);
	RM_CHECK(piece() == NULL);
	close(copy);
	end();
}

/* ---- standard output ---- */

enum { SAME_AS_STDERR = 1, PARENTS, NEW_PIPE, NEW_FILE, GROWING_FILE, MOVED_FILE, MOVED_PIPE };

/* In a child, whose standard output is one of these: whether it is a log. */
static int is_log(int what, char *setting)
{
	char *settings[] = { setting, NULL };
	int status = -1, fd[2] = { -1, -1 }, file = open("/tmp", O_TMPFILE | O_WRONLY, 0600), before = dup(2);
	pid_t child;

	if (pipe(fd) != 0)
		abort();
	if (what == PARENTS)
		dup2(fd[1], 2);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (what == SAME_AS_STDERR)
			dup2(2, 1);
		else if (what == PARENTS && dup2(2, 1) == 1)
			dup2(before, 2);
		else if (what == NEW_PIPE)
			dup2(fd[1], 1);
		else if (what == NEW_FILE || what == GROWING_FILE)
			dup2(file, 1);
		if (what == GROWING_FILE)
			fcntl(1, F_SETFL, O_APPEND);
		stub_start(settings);
		rm_output_init(&stub_env);
		if (what >= MOVED_FILE)
			dup_to(what == MOVED_FILE ? file : fd[1], 1);
		_exit(print(1, "x\n", 2) == RM_TX_OUTPUT && piece());
	}
	waitpid(child, &status, 0);
	dup2(before, 2);
	close(before);
	close(fd[0]);
	close(fd[1]);
	close(file);
	RM_CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

RM_TEST("standard output is a log where those outside read it, not where the parent made it for the program")
{
	char *usual = "A=";

	RM_CHECK(is_log(SAME_AS_STDERR, usual) == 1);
	RM_CHECK(is_log(PARENTS, usual) == 1);
	RM_CHECK(is_log(NEW_PIPE, usual) == 0);
	RM_CHECK(is_log(NEW_FILE, usual) == 0);
	RM_CHECK(is_log(GROWING_FILE, usual) == 1);
	RM_CHECK(is_log(MOVED_FILE, usual) == 1);
	RM_CHECK(is_log(MOVED_PIPE, usual) == 0);
}

RM_TEST("settings say which streams are logs")
{
	RM_CHECK(is_log(NEW_PIPE, "REMORA_LOG_SOURCES=redirected") == 1);
	RM_CHECK(is_log(NEW_FILE, "REMORA_LOG_SOURCES=stderr,redirected") == 1);
	RM_CHECK(is_log(PARENTS, "REMORA_LOG_SOURCES=stderr") == 0);
	RM_CHECK(is_log(SAME_AS_STDERR, "REMORA_LOG_SOURCES=stderr") == 0);
}

RM_TEST("what systemd says is its journal's is a log")
{
	char setting[64];
	struct stat s;
	int status, fd[2];
	pid_t child;

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0 && fstat(fd[1], &s) == 0);
	snprintf(setting, sizeof(setting), "JOURNAL_STREAM=%lu:%lu", (unsigned long)s.st_dev, (unsigned long)s.st_ino);
	for (int told = 0; told < 2; told++) {
		fflush(stdout);
		child = fork();
		if (child == 0) {
			dup2(fd[1], 1);
			stub_start((char *[]){ told ? setting : "A=", NULL });
			rm_output_init(&stub_env);
			_exit(print(1, "x\n", 2) == RM_TX_OUTPUT);
		}
		waitpid(child, &status, 0);
		RM_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == told);
	}
	close(fd[0]);
	close(fd[1]);
}

RM_TEST("what leads to where a log does is one too, once the program serves, and nothing else is")
{
	int other, again, pipe = pipe_end();
	char path[64];

	BEGIN(pipe);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", pipe);
	again = open(path, O_WRONLY);
	other = open("/dev/null", O_WRONLY);
	RM_CHECK(again > 2 && again < 64 && print(again, "before\n", 7) == RM_TX_PASS);
	rm_output_serves(false);
	RM_CHECK(print(again, "by another name\n", 16) == RM_TX_OUTPUT);
	CHECK_PIECE(piece(), "by another name\n");
	RM_CHECK(((struct rm_output *)record)->stream == RM_STREAM_STDERR);
	RM_CHECK(print(other, "other\n", 6) == RM_TX_PASS);
	close(other);
	other = open(path, O_WRONLY);
	rm_output_serves(false);
	RM_CHECK(print(other, "too late\n", 9) == RM_TX_PASS);
	rm_output_serves(true);
	RM_CHECK(print(other, "anew\n", 5) == RM_TX_OUTPUT);
	CHECK_PIECE(piece(), "anew\n");
	end();
}

/* What the hook of write writes in the place of a line, "" where it writes the line itself; `result` is what the kernel says. */
static const char *written(int fd, const char *text, ssize_t result, ssize_t *ret_seen)
{
	static char made[RM_RECORD_MAX_BYTES];
	const struct iovec iov[2] = { { (void *)text, 1 }, { (void *)(text + 1), strlen(text) - 1 } };
	struct rm_with_ids w;

	made[0] = '\0';
	if (!rm_output_with_ids(&w, fd, iov, 2, false))
		return made;
	memcpy(made, w.text, w.bytes);
	made[w.bytes] = '\0';
	*ret_seen = rm_output_with_ids_done(&w, result < 0 ? result : result ? result : (ssize_t)w.bytes);
	return made;
}

#define IDS " trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331"

RM_TEST("a line into a pipe gets ids, and the program sees its own bytes")
{
	static char text[5000];
	int pipe = pipe_end(), file;
	uint32_t live;
	ssize_t seen = 0;

	BEGIN(pipe, "REMORA_LOG_TRACE_IDS=true", PARENT);
	live = rm_text_live();
	RM_CHECK_STR(rm_str_c(written(2, "hello\n", 0, &seen)), "hello" IDS "\n");
	RM_CHECK(seen == 6);
	written(2, "hello\n", -1, &seen);
	RM_CHECK(seen == -1);
	for (ssize_t n = 1; n <= 6 + (ssize_t)sizeof(IDS) - 1; n++) {
		ssize_t want = n <= 5 ? n : n < 5 + (ssize_t)sizeof(IDS) - 1 ? 5 : n - (ssize_t)sizeof(IDS) + 1;

		written(2, "hello\n", n, &seen);
		RM_CHECK(seen == want);
	}
	/* Behind a half line, up to its end. */
	print(2, "half ", 5);
	RM_CHECK_STR(rm_str_c(written(2, "a line\n", 0, &seen)), "");
	print(2, "a line\n", 7);
	RM_CHECK_STR(rm_str_c(written(2, "next\n", 0, &seen)), "next" IDS "\n");
	/* What a pipe would not take whole, and what is no pipe. */
	memset(text, 'a', sizeof(text) - 2);
	text[sizeof(text) - 2] = '\n';
	RM_CHECK_STR(rm_str_c(written(2, text, 0, &seen)), "");
	file = memfd_create("log", 0);
	dup2(file, 2);
	RM_CHECK_STR(rm_str_c(written(2, "to a file\n", 0, &seen)), "");
	RM_CHECK(rm_text_live() == live);
	close(file);
	end();
	BEGIN(pipe, PARENT);
	RM_CHECK_STR(rm_str_c(written(2, "not asked for\n", 0, &seen)), "");
	end();
	BEGIN(pipe, "REMORA_LOG_TRACE_IDS=true");
	RM_CHECK_STR(rm_str_c(written(2, "of nobody\n", 0, &seen)), "");
	end();
}
