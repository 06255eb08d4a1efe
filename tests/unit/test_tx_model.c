/*
 * The invariant at the top of agent/tx.c, not by chance but for all cases of a small request: every
 * place where the program may cut it, and every number of bytes the kernel may take of each call.
 * The last call of a case takes all that is left.
 */
#include "tests/unit/client_fixture.h"

enum { LINE = 70 };
static const char *request;
static size_t request_bytes, line_at; /* line_at: where our line stands; SIZE_MAX: a value is replaced */
static unsigned long cases;

/*
 * After a call that offered bytes up to `to` the program stands at `at`: of it the peer has just the bytes
 * before, and of ours at most a part that the program still has bytes behind.
 */
static void check_position(size_t at, size_t to)
{
	size_t ours = sent_bytes - at;

	RM_CHECK(sent_bytes >= at && ours <= LINE);
	if (line_at == SIZE_MAX || at < line_at)
		RM_CHECK(ours == 0);
	else if (at == line_at)
		RM_CHECK(at < to || ours == 0);
	else
		RM_CHECK(ours == LINE);
}

/* The program's position moves by what one call reports; the kernel takes `budget` bytes. */
static size_t call(size_t at, size_t to, long budget)
{
	ssize_t n;

	take_at_most = budget;
	n = send_text(7, request + at, to - at);
	take_at_most = -1;
	if (n < 0)
		RM_CHECK(errno == EAGAIN);
	RM_CHECK(n != 0 && n <= (ssize_t)(to - at));
	at += n > 0 ? (size_t)n : 0;
	check_position(at, to);
	return at;
}

static void end_case(size_t at)
{
	if (at < request_bytes)
		at = call(at, request_bytes, -1);
	RM_CHECK(at == request_bytes);
	close_fd(7);
	RM_CHECK(all_freed());
	while (stub_span())
		;
	cases++;
}

static void start_case(void)
{
	sent_bytes = 0;
	open_client(7);
}

static bool has_one_line(void)
{
	static char plain[STREAM_MAX];
	int lines;

	return without_lines(plain, &lines) == request_bytes && memcmp(plain, request, request_bytes) == 0 &&
	       lines == 1;
}

static const char small[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

RM_TEST("a request offered whole, three calls of any size and a last one")
{
	char *none[] = { NULL };
	long left = sizeof(small) - 1 + LINE;

	stub_start(none);
	request = small;
	request_bytes = sizeof(small) - 1;
	line_at = request_bytes - 2;
	for (long a = 0; a <= left; a++)
		for (long b = 0; a + b <= left; b++)
			for (long c = 0; a + b + c <= left; c++) {
				size_t at;

				start_case();
				at = call(0, request_bytes, a);
				if (at < request_bytes)
					at = call(at, request_bytes, b);
				if (at < request_bytes)
					at = call(at, request_bytes, c);
				end_case(at);
				RM_CHECK(has_one_line());
			}
	RM_CHECK(cases > 100000);
}

RM_TEST("a request cut in two anywhere, each part in two calls of any size")
{
	long all = sizeof(small) - 1 + LINE;

	for (size_t cut = 1; cut < request_bytes; cut++)
		for (long a = 0; a <= all; a++)
			for (long b = 0; a + b <= all; b++) {
				size_t at;

				start_case();
				at = call(0, cut, a);
				at = at < cut ? call(at, cut, b) : call(at, request_bytes, b);
				end_case(at);
				RM_CHECK(has_one_line());
			}
}

RM_TEST("a request cut in three anywhere, the first bytes of each part refused or not")
{
	const long budgets[] = { 0, 1, 2, 68, 69, 70, 71, 72, 1000 };
	const int count = sizeof(budgets) / sizeof(budgets[0]);

	for (size_t cut = 1; cut < request_bytes; cut++)
		for (size_t cut2 = cut; cut2 < request_bytes; cut2++)
			for (int i = 0; i < count * count * count; i++) {
				size_t at;

				start_case();
				at = call(0, cut, budgets[i % count]);
				at = call(at, at < cut2 ? cut2 : request_bytes, budgets[i / count % count]);
				if (at < request_bytes)
					at = call(at, request_bytes, budgets[i / count / count]);
				end_case(at);
				RM_CHECK(has_one_line());
			}
}

/* What kernels take of calls: at the edges of small things and of our line. */
static const long takes[] = { 0, 1, 3, LINE - 1, LINE, LINE + 1, 1000 };
enum { TAKES = sizeof(takes) / sizeof(takes[0]) };

RM_TEST("a request offered in parts that get longer or shorter, what was refused among them")
{
	for (size_t to = 1; to <= request_bytes; to++)
		for (size_t to2 = 1; to2 <= request_bytes; to2++)
			for (int i = 0; i < TAKES * TAKES * TAKES; i++) {
				size_t at;

				start_case();
				at = call(0, to, takes[i % TAKES]);
				if (at < to2)
					at = call(at, to2, takes[i / TAKES % TAKES]);
				if (at < request_bytes)
					at = call(at, request_bytes, takes[i / TAKES / TAKES]);
				end_case(at);
				RM_CHECK(has_one_line());
			}
}

/*
 * What was refused is not offered again, but the same with another byte at `changed`. The program stands at
 * `at`, with nothing of ours sent (`begun`: but for a part of it).
 */
static void offer_other(char *other, size_t changed, size_t at)
{
	size_t left = request_bytes - at;
	struct iovec iov[2] = { { other + at, left / 2 }, { other + at + left / 2, left - left / 2 } };

	memcpy(other, request, request_bytes);
	other[changed] ^= 1;
	RM_CHECK(hooked_send(7, iov, 2) == (ssize_t)left);
}

RM_TEST("other bytes than those refused are sent as they are, and our line only behind bytes that it was made for")
{
	char other[sizeof(small)];

	for (long take = 0; take < (long)request_bytes + LINE; take++)
		for (size_t changed = 0; changed < request_bytes; changed++) {
			bool begun, line;
			size_t at;

			start_case();
			at = call(0, request_bytes, take);
			begun = sent_bytes > line_at;
			if (changed >= at) {
				offer_other(other, changed, at);
				line = begun || changed > line_at;
				RM_CHECK(sent_bytes == request_bytes + (line ? LINE : 0));
				RM_CHECK(memcmp(sent, other, line_at) == 0);
				RM_CHECK(!line || memcmp(sent + line_at, "traceparent: 00-", 16) == 0);
				RM_CHECK(memcmp(sent + sent_bytes - 2, other + line_at, 2) == 0);
			}
			end_case(request_bytes);
		}
}

/* ---- a forwarded header, whose value is replaced in place ---- */

static char forwarded[256];

/* A request that came in with our SERVER span in its header, which the program forwards. */
static void open_server(void)
{
	static const char incoming[] = "GET /in HTTP/1.1\r\nHost: h\r\n\r\n";
	char room[1024];
	struct iovec iov = { room, sizeof(room) };
	struct rm_scope s;
	struct rm_rx rx;
	int pair[2];
	char *line;
	ssize_t n;

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	if (rm_enter(&s)) {
		rm_fd_accept(&s, -1, pair[0]);
		rm_leave(&s);
	}
	rm_rx_begin(&rx, pair[0], sizeof(room), 0);
	memcpy(room, incoming, sizeof(incoming) - 1);
	n = rm_rx_done(&rx, &iov, 1, sizeof(incoming) - 1);
	room[n > 0 ? n : 0] = '\0';
	line = strstr(room, "traceparent: ");
	RM_CHECK(line != NULL);
	if (line)
		snprintf(forwarded, sizeof(forwarded), "GET / HTTP/1.1\r\n%.68s\r\n\r\n", line);
}

/* The value that went out: 1 ours, 0 the program's, -1 neither, or other bytes are not as they were. */
static int value_sent(void)
{
	const size_t value = 16 + 13, end = value + RM_TRACEPARENT_BYTES;
	struct rm_spanctx was, is;

	if (sent_bytes != request_bytes || memcmp(sent, request, value) != 0 ||
	    memcmp(sent + end, request + end, request_bytes - end) != 0)
		return -1;
	if (memcmp(sent + value, request + value, RM_TRACEPARENT_BYTES) == 0)
		return 0;
	if (!rm_traceparent_parse((struct rm_str){ request + value, RM_TRACEPARENT_BYTES }, &was) ||
	    !rm_traceparent_parse((struct rm_str){ sent + value, RM_TRACEPARENT_BYTES }, &is))
		return -1;
	return memcmp(was.trace_id, is.trace_id, 16) == 0 && memcmp(was.span_id, is.span_id, 8) != 0 ? 1 : -1;
}

static void end_forwarded(size_t at, bool whole)
{
	if (at < request_bytes)
		at = call(at, request_bytes, -1);
	RM_CHECK(at == request_bytes);
	RM_CHECK(value_sent() == 1 || (!whole && value_sent() == 0));
	close_fd(7);
	while (stub_span())
		;
	cases++;
}

RM_TEST("a forwarded header becomes ours, whatever the kernel takes of three calls")
{
	long left;

	open_server();
	request = forwarded;
	request_bytes = strlen(forwarded);
	line_at = SIZE_MAX;
	left = (long)request_bytes;
	for (long a = 0; a <= left; a++)
		for (long b = 0; a + b <= left; b++)
			for (long c = 0; a + b + c <= left; c++) {
				size_t at;

				start_case();
				at = call(0, request_bytes, a);
				if (at < request_bytes)
					at = call(at, request_bytes, b);
				if (at < request_bytes)
					at = call(at, request_bytes, c);
				end_forwarded(at, true);
			}
}

RM_TEST("a forwarded header in two parts is ours or the program's, never half of each")
{
	long all = (long)request_bytes;

	for (size_t cut = 1; cut < request_bytes; cut++)
		for (long a = 0; a <= all; a++)
			for (long b = 0; a + b <= all; b += 3) {
				size_t at;

				start_case();
				at = call(0, cut, a);
				at = call(at, at < cut && b % 2 ? cut : request_bytes, b);
				end_forwarded(at, cut <= 16);
			}
}

RM_TEST("a forwarded header offered in parts that get longer or shorter, what was refused among them")
{
	for (size_t to = 1; to <= request_bytes; to += 1 + to % 3)
		for (size_t to2 = 1; to2 <= request_bytes; to2 += 1 + to2 % 5)
			for (int i = 0; i < TAKES * TAKES * TAKES; i++) {
				size_t at;

				start_case();
				at = call(0, to, takes[i % TAKES]);
				if (at < to2)
					at = call(at, to2, takes[i / TAKES % TAKES]);
				if (at < request_bytes)
					at = call(at, request_bytes, takes[i / TAKES / TAKES]);
				end_forwarded(at, to == request_bytes);
			}
}

RM_TEST("a value in the place of which others are offered than those refused is the program's new one")
{
	const size_t value = 16 + 13, end = value + RM_TRACEPARENT_BYTES;
	char other[sizeof(forwarded)];

	for (long take = 0; take < (long)request_bytes; take++)
		for (size_t changed = (size_t)take; changed < request_bytes; changed++) {
			bool begun = take > (long)value && take < (long)end;

			start_case();
			RM_CHECK(call(0, request_bytes, take) == (size_t)take);
			offer_other(other, changed, (size_t)take);
			RM_CHECK(sent_bytes == request_bytes && memcmp(sent, other, value) == 0);
			RM_CHECK(memcmp(sent + end, other + end, request_bytes - end) == 0);
			if (take <= (long)value)
				RM_CHECK((memcmp(sent + value, other + value, end - value) == 0) == (changed < end));
			else if (begun)
				RM_CHECK(memcmp(sent + value + 36, other + value + 36, 16) != 0);
			close_fd(7);
			while (stub_span())
				;
		}
}

RM_TEST("descriptors sent along go with our value, as a byte of the program that it stands for")
{
	const size_t value = 16 + 13;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { forwarded + value, request_bytes - value };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };

	start_case();
	RM_CHECK(call(0, request_bytes, (long)value) == value);
	controls_sent = 0;
	take_at_most = 10;
	RM_CHECK(hooked_sendmsg(7, &m, 0) == 10 && controls_sent == 1);
	take_at_most = -1;
	end_forwarded(value + 10, true);
}
