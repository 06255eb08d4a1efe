/*
 * The rewrite of HTTP/2 on its way out, agent/tx.c, edit.c and foresee.c. The input is as that of fuzz_inject.c: a
 * count, as many bytes of circumstance (sizes of the program's calls, what the kernel takes of each), and
 * what the program sends: once as a client, behind the preface, and once as a server that was asked on sixteen streams.
 * What must hold for any input: the kernel is given the program's frames in order; only a frame that ends a
 * header block may have our fields at the end of the block and a length that says so, or a frame with the fields behind it.
 */
#include "tests/fuzz/inject.h"
#include "tests/unit/http2_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { STREAM_MAX = 1 << 16, REQUESTS = 16 };

static char stream[STREAM_MAX + RM_HTTP2_PREFACE], room[STREAM_MAX * 32];
static size_t stream_bytes;
static bool serves;
static int listener; /* a socket that is there, since agent/conn.c asks */

static ssize_t kernel(int fd, const struct msghdr *m, int flags)
{
	(void)fd, (void)flags;
	return take_of(m, next());
}

/* What the program sent as one frame, the rest where there is no whole one; and what became of it. */
struct pair {
	const char *was, *is;
	size_t was_bytes, is_bytes;
};

static bool same(const struct pair *p)
{
	return p->is_bytes >= p->was_bytes && memcmp(p->was, p->is, p->was_bytes) == 0;
}

/* The last `n` bytes of a block are ours, and what is expected there. */
static void check_ours(const char *end, size_t n)
{
	check(n == (serves ? TIMING_BYTES : FIELD_BYTES) || (serves && n == TIMING_BYTES + EXPOSE_BYTES));
	check(ours_before(end, n) == n);
}

/* How many bytes went out in the place of a frame that has fields of ours. */
static size_t with_field(const struct pair *p)
{
	struct rm_http2_frame was = rm_http2_frame_read((const uint8_t *)p->was), is, more;
	size_t pad = was.type == RM_HTTP2_HEADERS && was.flags & RM_HTTP2_PADDED ? (uint8_t)p->was[HEAD] : 0;
	size_t kept = HEAD + was.bytes - pad;

	/* Of the last frame some padding may be missing, the block not. */
	check(p->was_bytes >= HEAD && pad <= was.bytes && kept <= p->was_bytes);
	check(was.type == RM_HTTP2_HEADERS || was.type == RM_HTTP2_CONTINUATION);
	check(was.flags & RM_HTTP2_END_HEADERS && p->is_bytes > p->was_bytes);
	is = rm_http2_frame_read((const uint8_t *)p->is);
	check(is.type == was.type && is.stream == was.stream && memcmp(p->is + HEAD, p->was + HEAD, kept - HEAD) == 0);
	if (is.bytes == was.bytes) {
		check(is.flags == (was.flags & ~RM_HTTP2_END_HEADERS) && !pad);
		more = rm_http2_frame_read((const uint8_t *)p->is + kept);
		check(more.type == RM_HTTP2_CONTINUATION && more.flags == RM_HTTP2_END_HEADERS &&
		      more.stream == was.stream && p->is_bytes >= kept + HEAD + more.bytes);
		check_ours(p->is + kept + HEAD + more.bytes, more.bytes);
		return kept + HEAD + more.bytes;
	}
	check(is.bytes > was.bytes && is.flags == was.flags && p->is_bytes >= p->was_bytes + (is.bytes - was.bytes));
	check_ours(p->is + kept + (is.bytes - was.bytes), is.bytes - was.bytes);
	check(memcmp(p->is + kept + (is.bytes - was.bytes), p->was + kept, p->was_bytes - kept) == 0);
	return p->was_bytes + (is.bytes - was.bytes);
}

static void compare(void)
{
	size_t at = serves ? 0 : RM_HTTP2_PREFACE, out = at;

	check(sent_bytes >= at && memcmp(sent, stream, at) == 0);
	while (at < stream_bytes) {
		struct pair p = { stream + at, sent + out, stream_bytes - at, sent_bytes - out };

		if (p.was_bytes >= HEAD && HEAD + rm_http2_frame_read((uint8_t *)stream + at).bytes <= p.was_bytes)
			p.was_bytes = HEAD + rm_http2_frame_read((uint8_t *)stream + at).bytes;
		out += same(&p) ? p.was_bytes : with_field(&p);
		at += p.was_bytes;
	}
	check(out == sent_bytes);
}

/* What the peer sends, as a hook reports it. */
static void receive(const char *p, size_t n)
{
	char bytes[1024];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct rm_rx rx;

	rm_rx_begin(&rx, INJECT_FD, sizeof(bytes), 0);
	memcpy(bytes, p, n);
	rm_rx_done(&rx, &iov, 1, (ssize_t)n);
}

static void receive_requests(void)
{
	char asked[1024];
	size_t n = put_preface(asked);

	for (uint32_t i = 0; i < REQUESTS; i++)
		n += put_frame(asked + n, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, 2 * i + 1,
			       get_block, sizeof(get_block));
	receive(asked, n);
}

/* Sends the stream, in the circumstances of the input. */
static void run(const uint8_t *data, size_t n)
{
	const char *input = begin_circumstances(data, &n);

	stream_bytes = serves ? 0 : RM_HTTP2_PREFACE;
	memcpy(stream, rm_http2_preface, stream_bytes);
	memcpy(stream + stream_bytes, input, n);
	stream_bytes += n;
	sent = room;
	sent_room = sizeof(room);
	sent_bytes = 0;
	connection(true, serves ? listener : -1);
	if (serves)
		receive_requests();
	send_stream(stream, stream_bytes, 4);
	connection(false, -1);
	compare();
	while (stub_span())
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *environment[] = { "REMORA_SERVER_TIMING=true", NULL };
	static bool started;

	if (!started) {
		stub_start(environment);
		listener = socket(AF_INET, SOCK_STREAM, 0);
	}
	started = true;
	if (n < 1 || n > STREAM_MAX)
		return 0;
	serves = false;
	run(data, n);
	serves = true;
	run(data, n);
	check(rm_text_live() == 0);
	return 0;
}
