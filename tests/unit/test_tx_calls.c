/*
 * Calls that are not one request in readable memory: with more edits than a plan has room for, in many pieces,
 * with pages that are not there, without memory of ours, with flags.
 */
#include <sys/mman.h>

#include "base/memory.h"
#include "tests/unit/sent_fixture.h"

enum { LINE = 70, PART = RM_TX_EDITS - 1 /* requests, a line each */, MANY = 3 * PART + 4, PAGE = 4096 };
enum { FIRST_PART = PART * SMALL - 2 /* a part ends with a line */ };

/* ---- long calls ---- */

static const char *many(void)
{
	static char stream[MANY * SMALL];

	for (int i = 0; i < MANY; i++)
		memcpy(stream + i * SMALL, small, SMALL);
	return stream;
}

/* More edits than one part of the call has room for: each has the next part made while the kernel waits. */
static int parts_left;

static void doubt(int fd)
{
	if (parts_left-- == 0)
		rm_conn_doubt(fd);
}

RM_TEST("a gap in the middle of a long call lets the rest of it go out as it is")
{
	char *none[] = { NULL };

	stub_start(none);
	for (int part = 0; part < 3; part++) {
		start_case();
		parts_left = part;
		during_call = doubt;
		RM_CHECK(send_text(7, many(), MANY * SMALL) == MANY * SMALL);
		during_call = NULL;
		check_sent(many(), MANY * SMALL, (part + 1) * PART);
		sent_bytes = 0;
		RM_CHECK(send_text(7, small, SMALL) == SMALL);
		check_sent(small, SMALL, 0);
		end_case();
	}
}

RM_TEST("each byte of a long call in pieces goes out, however many pieces a part of it has")
{
	const char *stream = many();

	for (size_t piece = 1; piece < SMALL; piece++) {
		struct iovec iov[MANY * SMALL];
		int count = 0;

		for (size_t at = 0; at < MANY * SMALL; at += piece)
			iov[count++] = (struct iovec){ (char *)stream + at,
						       piece < MANY * SMALL - at ? piece : MANY * SMALL - at };
		start_case();
		RM_CHECK(hooked_send(7, iov, count) == MANY * SMALL);
		check_sent(stream, MANY * SMALL, MANY);
		end_case();
	}
}

RM_TEST("descriptors sent along with a long call travel once")
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (char *)many(), MANY * SMALL };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };

	start_case();
	RM_CHECK(hooked_sendmsg(7, &m, 0) == MANY * SMALL);
	check_sent(many(), MANY * SMALL, MANY);
	RM_CHECK(controls_sent == 1);
	end_case();
}

RM_TEST("a long call that is refused and offered again has all its lines, once each")
{
	for (int take = 0; take < 5 * SMALL; take++) {
		size_t at;
		ssize_t n;

		start_case();
		take_at_most = take;
		n = send_text(7, many(), MANY * SMALL);
		take_at_most = -1;
		at = n > 0 ? (size_t)n : 0;
		RM_CHECK(send_text(7, many() + at, MANY * SMALL - at) == (ssize_t)(MANY * SMALL - at));
		check_sent(many(), MANY * SMALL, MANY);
		end_case();
	}
}

RM_TEST("a line that waits alone, behind all that was parsed, waits for the byte it was made for")
{
	static const char other[] = "X: y\r\n\r\n";
	const size_t before = FIRST_PART - (PART - 1) * SMALL;

	for (int same = 0; same < 2; same++) {
		start_case();
		take_at_most = FIRST_PART + (PART - 1) * LINE;
		RM_CHECK(send_text(7, many(), MANY * SMALL) == FIRST_PART);
		take_at_most = -1;
		sent_bytes = 0;
		RM_CHECK(send_text(7, same ? small + before : other, same ? 2 : sizeof(other) - 1) > 0);
		RM_CHECK(sent_bytes == (same ? LINE + 2 : sizeof(other) - 1));
		end_case();
	}
}

RM_TEST("edits of several requests are made for all bytes up to the last of them")
{
	char other[2 * SMALL];

	for (size_t changed = 0; changed < 2 * SMALL; changed++) {
		start_case();
		memcpy(other, many(), 2 * SMALL);
		take_at_most = 0;
		RM_CHECK(send_text(7, other, 2 * SMALL) == -1 && errno == EAGAIN);
		take_at_most = -1;
		other[changed] ^= 1;
		RM_CHECK(send_text(7, other, 2 * SMALL) == 2 * SMALL);
		check_sent(other, 2 * SMALL, changed == 2 * SMALL - 1 ? 2 : 0);
		end_case();
	}
}

RM_TEST("when its edits are done a retry is compared by its first bytes")
{
	static const char stream[] = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789";
	static const char other[] = "abcdefGET /small HTTP/1.1\r\nHost: h\r\n\r\n";

	start_case();
	take_at_most = 0;
	RM_CHECK(send_text(7, stream, POST + 10) == -1 && errno == EAGAIN);
	take_at_most = POST + LINE + 4;
	RM_CHECK(send_text(7, stream, POST + 10) == POST + 4);
	take_at_most = -1;
	sent_bytes = 0;
	RM_CHECK(send_text(7, other, sizeof(other) - 1) == sizeof(other) - 1);
	check_sent(other, sizeof(other) - 1, 0);
	end_case();
}

static void close_in_part(int fd)
{
	if (parts_left-- == 0)
		close_fd(fd);
}

RM_TEST("a close in the middle of a long call ends it where it is, with no error once bytes went out")
{
	for (int part = 0; part < 3; part++) {
		start_case();
		parts_left = part;
		during_call = close_in_part;
		errno = 4242;
		RM_CHECK(send_text(7, many(), MANY * SMALL) == FIRST_PART + part * PART * SMALL);
		RM_CHECK(errno == 4242);
		during_call = NULL;
		/* The last line was sent, too, and has no byte behind it. */
		RM_CHECK(sent_bytes == (size_t)(FIRST_PART + part * PART * SMALL + (part + 1) * PART * LINE));
		end_case();
	}
}

RM_TEST("a head that is followed by nonsense in its call goes out without a line")
{
	static const char stream[] = "GET /small HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n";

	start_case();
	RM_CHECK(send_text(7, stream, sizeof(stream) - 1) == sizeof(stream) - 1);
	check_sent(stream, sizeof(stream) - 1, 0);
	end_case();
}

/* ---- memory ---- */

/* A page, with one behind it that cannot be read. */
static char *make_pages(void)
{
	char *m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	RM_CHECK(m != MAP_FAILED && mprotect(m + PAGE, PAGE, PROT_NONE) == 0);
	return m;
}

/* The kernel finds out by itself. */
static ssize_t faults(int fd, const struct msghdr *m, int flags)
{
	errno = EFAULT;
	return -1;
}

/* ... behind the bytes that it could read. */
static ssize_t takes_head(int fd, const struct msghdr *m, int flags)
{
	take_at_most = POST + LINE;
	return fake_sendmsg(fd, m, flags);
}

RM_TEST("a head that cannot be read to its end is the kernel's to refuse, and the connection is left alone")
{
	for (size_t there = 0; there < SMALL; there++) {
		char *m = make_pages();

		memcpy(m + PAGE - there, small, there);
		start_case();
		kernel = faults;
		errno = 0;
		RM_CHECK(send_text(7, m + PAGE - there, SMALL) == -1 && errno == EFAULT);
		kernel = fake_sendmsg;
		RM_CHECK(send_text(7, small, SMALL) == SMALL);
		check_sent(small, SMALL, 0);
		end_case();
		munmap(m, 2 * PAGE);
	}
}

RM_TEST("a body is not read at all, not even to recognise it when it is offered again")
{
	char *m = make_pages(), *at = m + PAGE - POST;
	struct iovec iov[2] = { { at, POST }, { at + POST, 10 } };

	memcpy(at, post, POST);
	start_case();
	kernel = takes_head;
	RM_CHECK(hooked_send(7, iov, 2) == POST);
	kernel = faults;
	RM_CHECK(send_text(7, at + POST, 10) == -1 && errno == EFAULT);
	kernel = fake_sendmsg;
	take_at_most = -1;
	check_sent(post, POST, 1);
	end_case();
	munmap(m, 2 * PAGE);
}

RM_TEST("what was refused and is offered again from memory that cannot be read is the kernel's to refuse")
{
	for (size_t there = 0; there < SMALL - 1; there++) {
		char *m = make_pages();

		memcpy(m + PAGE - there, small, there);
		start_case();
		take_at_most = 0;
		RM_CHECK(send_text(7, small, SMALL) == -1 && errno == EAGAIN);
		kernel = faults;
		RM_CHECK(send_text(7, m + PAGE - there, SMALL) == -1 && errno == EFAULT);
		kernel = fake_sendmsg;
		take_at_most = -1;
		RM_CHECK(send_text(7, small, SMALL) == SMALL);
		check_sent(small, SMALL, 0);
		end_case();
		munmap(m, 2 * PAGE);
	}
}

/* No text is to be had while the kernel is at work. */
static rm_text texts[4096];
static int text_count;

static void take_texts(int fd)
{
	during_call = NULL;
	rm_memory_limit(1);
	while (text_count < 4096 && (texts[text_count] = rm_text_get(1)))
		text_count++;
}

static void put_texts(void)
{
	RM_CHECK(text_count > 0 && text_count < 4096);
	while (text_count > 0)
		rm_text_put(texts[--text_count]);
	rm_memory_limit(UINT64_MAX);
}

RM_TEST("without memory to recognise what was refused no line is put in, but one that was cut is finished")
{
	char other[2 * SMALL];

	for (size_t take = 0; take < SMALL - 2 + LINE; take++) {
		size_t at = take < SMALL - 2 ? take : SMALL - 2, before;

		start_case();
		memcpy(other, many(), 2 * SMALL);
		during_call = take_texts;
		take_at_most = (long)take;
		RM_CHECK(send_text(7, other, 2 * SMALL) == (at ? (ssize_t)at : -1));
		take_at_most = -1;
		put_texts();
		before = sent_bytes;
		other[2 * SMALL - 3] ^= 1;
		RM_CHECK(send_text(7, other + at, 2 * SMALL - at) == (ssize_t)(2 * SMALL - at));
		RM_CHECK(before == take && sent_bytes == 2 * SMALL + (take > SMALL - 2 ? LINE : 0));
		sent_bytes = 0;
		RM_CHECK(send_text(7, small, SMALL) == SMALL);
		check_sent(small, SMALL, 0);
		end_case();
	}
}

/* ---- flags ---- */

static int all_flags;

static ssize_t notes_flags(int fd, const struct msghdr *m, int flags)
{
	all_flags |= flags;
	return fake_sendmsg(fd, m, flags);
}

RM_TEST("nothing is put into what goes out of band or is not copied, but a line that was cut is finished before")
{
	static const int flags[] = { MSG_OOB, MSG_ZEROCOPY };

	kernel = notes_flags;
	for (int take = 0; take < SMALL - 2 + LINE; take++)
		for (int i = 0; i < 2; i++) {
			bool begun = take > SMALL - 2;
			struct iovec iov = { (void *)small, SMALL };
			struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
			ssize_t n;

			start_case();
			take_at_most = take;
			n = send_text(7, small, SMALL);
			take_at_most = -1;
			iov.iov_base = (char *)small + (n > 0 ? n : 0);
			iov.iov_len -= n > 0 ? (size_t)n : 0;
			all_flags = 0;
			RM_CHECK(hooked_sendmsg(7, &m, MSG_NOSIGNAL | flags[i]) == (ssize_t)iov.iov_len);
			check_sent(small, SMALL, begun);
			RM_CHECK(all_flags == (MSG_NOSIGNAL | (begun ? 0 : flags[i])));
			end_case();
		}
	kernel = fake_sendmsg;
}

/* From here on this thread passes for a child of vfork. */
static void leave(int fd)
{
	during_call = NULL;
	rm_vfork_mark(1);
}

/* The last test: who leaves the call like this keeps the connection. */
RM_TEST("a long call whose rest nobody may look at goes out in full")
{
	start_case();
	during_call = leave;
	RM_CHECK(send_text(7, many(), MANY * SMALL) == MANY * SMALL);
	rm_vfork_mark(0);
	check_sent(many(), MANY * SMALL, PART);
}
