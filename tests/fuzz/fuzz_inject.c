/*
 * The rewrite of outgoing bytes, agent/tx.c. The input is a count, as many bytes of circumstance,
 * and the stream a program sends: each circumstance is the size of a send call's piece and what the
 * kernel takes of it. What must hold for any input: the kernel is given the program's bytes in
 * order, with nothing between them but whole header lines of ours, and the program is told no more
 * and no less than was taken of its own.
 */
#include "tests/fuzz/inject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { STREAM_MAX = 1 << 16, LINE = 70 };

static char room[STREAM_MAX * 4];

static ssize_t kernel(int fd, const struct msghdr *m, int flags)
{
	(void)fd, (void)flags;
	return take_of(m, next());
}

/* How long the line of ours at `i` is, which ends as the one before it does; 0: there is none. */
static size_t line(size_t i)
{
	static const char name[] = "traceparent: ";
	bool crlf = i > 1 && sent[i - 2] == '\r';
	size_t n = crlf ? LINE : LINE - 1;
	struct rm_spanctx c;

	if (sent_bytes - i < n || memcmp(sent + i, name, sizeof(name) - 1) != 0 ||
	    !rm_traceparent_parse((struct rm_str){ sent + i + sizeof(name) - 1, RM_TRACEPARENT_BYTES }, &c))
		return 0;
	return memcmp(sent + i + LINE - 2, crlf ? "\r\n" : "\n", n - (LINE - 2)) == 0 ? n : 0;
}

static void compare(const char *stream, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < sent_bytes;) {
		size_t ours = line(i);

		if (ours && (n - at < ours || memcmp(sent + i, stream + at, ours) != 0)) {
			check(at > 0 && stream[at - 1] == '\n');
			i += ours;
			continue;
		}
		check(at < n && sent[i] == stream[at]);
		at++;
		i++;
	}
	check(at == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool started;
	char *none[] = { NULL };
	const char *stream;

	if (!started)
		stub_start(none);
	started = true;
	if (n < 1 || n > STREAM_MAX)
		return 0;
	stream = begin_circumstances(data, &n);
	sent = room;
	sent_room = sizeof(room);
	sent_bytes = 0;
	connection(true, -1);
	send_stream(stream, n, 1);
	connection(false, -1);
	compare(stream, n);
	while (stub_span())
		;
	return 0;
}
