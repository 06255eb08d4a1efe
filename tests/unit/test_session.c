/*
 * What stands between a program and a library that knows nothing of us: which session is which, what is
 * asked of the library, and what the program sees of it.
 */
#include <errno.h>

#include "hooks/session.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

#define REQUEST "GET /a HTTP/1.1\r\nHost: b\r\n\r\n"
#define RESPONSE "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

enum { AGAIN = -11, BROKEN = -5 };

/* ---- the library ---- */

struct fake {
	uint64_t random;
	bool datagrams;
	const char *incoming; /* one record */
	size_t incoming_bytes;
	size_t asked[4];
	int reads;
	bool refuses;         /* the next write */
	char sent[1024];
	size_t sent_bytes;
	const char *kept;     /* what was refused, to come again */
	size_t kept_bytes;
};

static uint64_t fake_tag(void *session)
{
	return ((struct fake *)session)->random;
}

static bool fake_describe(void *session, struct rm_tls_session *ret)
{
	ret->fd = -1;
	return !((struct fake *)session)->datagrams;
}

static size_t fake_pending(void *session)
{
	return ((struct fake *)session)->incoming_bytes;
}

static bool fake_broken(void *session, long result)
{
	return result == BROKEN;
}

static bool fake_over(void *session, long result)
{
	return result == 0;
}

static const struct rm_session_kind kind = {
	.tag = fake_tag, .describe = fake_describe, .pending = fake_pending,
	.is_broken = fake_broken, .is_over = fake_over, .partial = true,
};

static long fake_read(const struct rm_session_call *call, void *buf, size_t n)
{
	struct fake *f = call->session;

	f->asked[f->reads++ % 4] = n;
	n = f->incoming_bytes < n ? f->incoming_bytes : n;
	memcpy(buf, f->incoming, n);
	f->incoming += n;
	f->incoming_bytes -= n;
	return n ? (long)n : AGAIN;
}

static long fake_write(const struct rm_session_call *call, const void *p, size_t n)
{
	struct fake *f = call->session;

	if (f->kept && (f->kept != p || f->kept_bytes != n))
		return BROKEN;
	f->kept = f->refuses ? p : NULL;
	f->kept_bytes = n;
	if (f->refuses) {
		f->refuses = false;
		return AGAIN;
	}
	memcpy(f->sent + f->sent_bytes, p, n);
	f->sent_bytes += n;
	return (long)n;
}

static struct rm_session_call call_of(struct fake *f)
{
	return (struct rm_session_call){ .kind = &kind, .session = f, .read = fake_read, .write = fake_write };
}

static long do_read(struct fake *f, const char *incoming, char *buf, size_t room)
{
	struct rm_session_call call = call_of(f);

	f->incoming = incoming;
	f->incoming_bytes = strlen(incoming);
	f->reads = 0;
	return rm_session_read(&call, buf, room);
}

static long do_write(struct fake *f, const char *text)
{
	struct rm_session_call call = call_of(f);

	return rm_session_write(&call, text, strlen(text));
}

static bool has_header(const char *p, size_t n)
{
	return memmem(p, n, "traceparent: 00-", 16) != NULL;
}

static int spans(void)
{
	int n = 0;

	while (stub_span())
		n++;
	return n;
}

/* ---- ---- */

RM_TEST("the agent starts")
{
	stub_start((char *[]){ NULL });
	RM_CHECK(spans() == 0);
}

RM_TEST("who sends a request first is the client, and has a span when the answer is read")
{
	struct fake f = { .random = 7 };
	char buf[512];

	RM_CHECK(do_write(&f, REQUEST) == (long)strlen(REQUEST));
	RM_CHECK(f.sent_bytes > strlen(REQUEST) && has_header(f.sent, f.sent_bytes));
	RM_CHECK(do_read(&f, RESPONSE, buf, sizeof(buf)) == (long)strlen(RESPONSE));
	RM_CHECK(f.reads == 1 && f.asked[0] == sizeof(buf));
	RM_CHECK(spans() == 1);
	rm_tls_forget(&f);
}

RM_TEST("what was refused comes again from the same place")
{
	struct fake f = { .random = 8, .refuses = true };

	RM_CHECK(do_write(&f, REQUEST) == AGAIN && f.sent_bytes == 0);
	RM_CHECK(do_write(&f, REQUEST) == (long)strlen(REQUEST));
	RM_CHECK(has_header(f.sent, f.sent_bytes));
	rm_tls_forget(&f);
	spans();
}

RM_TEST("who reads a request first is the server, and reads our header in it")
{
	struct fake f = { .random = 9 };
	char buf[512];
	long n = do_read(&f, REQUEST, buf, sizeof(buf));

	RM_CHECK(n > (long)strlen(REQUEST) && has_header(buf, (size_t)n));
	RM_CHECK(f.reads == 1 && f.asked[0] < sizeof(buf));
	RM_CHECK(do_write(&f, RESPONSE) == (long)strlen(RESPONSE));
	RM_CHECK(f.sent_bytes == strlen(RESPONSE) && spans() == 1);
	rm_tls_forget(&f);
}

RM_TEST("a read that filled its room is filled up from what the library has")
{
	static char big[700];
	struct fake f = { .random = 10 };
	char buf[300];
	long n;

	memset(big, 'x', sizeof(big) - 1);
	memcpy(big, "GET /", 5);
	n = do_read(&f, big, buf, sizeof(buf));
	RM_CHECK(n == sizeof(buf) && f.reads == 2 && f.asked[0] + f.asked[1] == sizeof(buf));
	RM_CHECK(memcmp(buf, big, sizeof(buf)) == 0);
	rm_tls_forget(&f);
	spans();
}

RM_TEST("memory that another session has by now is not taken for the old one")
{
	struct fake f = { .random = 11 };
	char buf[512];

	do_write(&f, REQUEST);
	f.random = 12;
	f.sent_bytes = 0;
	/* As a server, which the one before was not. */
	RM_CHECK(do_read(&f, REQUEST, buf, sizeof(buf)) > (long)strlen(REQUEST));
	RM_CHECK(do_write(&f, RESPONSE) == (long)strlen(RESPONSE));
	RM_CHECK(spans() == 2); /* the old one's request is broken off */
	rm_tls_forget(&f);
}

RM_TEST("before a handshake nothing is known of a session")
{
	struct fake f = { .random = 0 };

	RM_CHECK(do_write(&f, REQUEST) == (long)strlen(REQUEST));
	RM_CHECK(f.sent_bytes == strlen(REQUEST) && spans() == 0);
}

RM_TEST("datagrams and what is left alone go as they are")
{
	struct fake f = { .random = 13, .datagrams = true };
	char buf[512];

	RM_CHECK(do_write(&f, REQUEST) == (long)strlen(REQUEST) && f.sent_bytes == strlen(REQUEST));
	RM_CHECK(do_read(&f, RESPONSE, buf, sizeof(buf)) == (long)strlen(RESPONSE) && spans() == 0);
	rm_tls_forget(&f);
	f = (struct fake){ .random = 14 };
	rm_session_unwatched(&kind, &f);
	RM_CHECK(do_write(&f, REQUEST) == (long)strlen(REQUEST) && f.sent_bytes == strlen(REQUEST));
	rm_tls_forget(&f);
}

RM_TEST("a request that was looked at before is not changed")
{
	struct fake f = { .random = 15 };
	char buf[512];

	rm_session_peeks(&kind, &f);
	RM_CHECK(do_read(&f, REQUEST, buf, sizeof(buf)) == (long)strlen(REQUEST));
	RM_CHECK(f.asked[0] == sizeof(buf));
	do_write(&f, RESPONSE);
	RM_CHECK(spans() == 1);
	rm_tls_forget(&f);
}

RM_TEST("a transport that breaks ends the request")
{
	struct fake f = { .random = 16 };
	struct rm_session_call call = call_of(&f);

	do_write(&f, REQUEST);
	f.kept = REQUEST; /* anything else is an error now */
	RM_CHECK(rm_session_write(&call, "x", 1) == BROKEN);
	RM_CHECK(spans() == 1);
	rm_tls_forget(&f);
	RM_CHECK(spans() == 0);
}

RM_TEST("ten thousand sessions are told from each other, and their places are used again")
{
	enum { SESSIONS = 10000 };
	static struct fake all[SESSIONS];
	char buf[512];
	int missed = 0;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < SESSIONS; i++) {
			all[i] = (struct fake){ .random = (uint64_t)(round * SESSIONS + i + 100) };
			do_write(&all[i], REQUEST);
			missed += !has_header(all[i].sent, all[i].sent_bytes);
		}
		for (int i = SESSIONS; i-- > 0;) {
			missed += do_read(&all[i], RESPONSE, buf, sizeof(buf)) != (long)strlen(RESPONSE);
			missed += !stub_span();
			rm_tls_forget(&all[i]);
		}
	}
	RM_CHECK(missed == 0);
}

RM_TEST("sessions for which there is no place any more go as they are")
{
	enum { SESSIONS = 70000 };
	static struct fake *all;
	int with = 0, without = 0;

	all = calloc(SESSIONS, sizeof(*all));
	for (int i = 0; i < SESSIONS; i++) {
		all[i].random = 1 + (uint64_t)i;
		rm_session_unwatched(&kind, &all[i]);
		do_write(&all[i], REQUEST);
		with += has_header(all[i].sent, all[i].sent_bytes);
		without += all[i].sent_bytes == strlen(REQUEST);
	}
	RM_CHECK(with + without == SESSIONS);
	for (int i = 0; i < SESSIONS; i++)
		rm_tls_forget(&all[i]);
	free(all);
	spans();
}
