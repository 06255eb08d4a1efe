/*
 * A library that encrypts in records of any size, keeps the one its transport did not take, and insists on being
 * offered it again as OpenSSL does: from the same address (unless told otherwise) and with no less behind it. And a
 * program that sends with it, whose bytes are compared with what went out.
 */
#ifndef RM_TESTS_UNIT_TLS_LIBRARY_H
#define RM_TESTS_UNIT_TLS_LIBRARY_H

#include <errno.h>

#include "agent/hookapi.h"
#include "agent/tls.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

enum { STREAM_MAX = 256 * 1024, LINE = 70, TIMING = 91 };

/* ---- the library ---- */

static struct {
	size_t record;          /* bytes in one, at most */
	bool partial, moving;   /* as SSL_MODE_... */
	long transport;         /* records that it takes before it refuses; -1: all */
	bool busy;              /* refuses before it encrypts anything, as in a handshake ... */
	int calls_before;       /* ... but for so many calls */
	char encrypted[16384];  /* the record that waits */
	size_t waiting, wnum;
	const char *waiting_at;
	int violations;
} lib;

static char sent[STREAM_MAX];
static size_t sent_bytes;

/* The record that waits goes to the transport. */
static bool flush(void)
{
	if (lib.transport == 0)
		return false;
	lib.transport -= lib.transport > 0;
	memcpy(sent + sent_bytes, lib.encrypted, lib.waiting);
	sent_bytes += lib.waiting;
	lib.waiting = 0;
	return true;
}

static int refuse(size_t tot)
{
	lib.wnum = tot;
	errno = EAGAIN;
	return -1;
}

static int lib_write(void *arg, const void *data, size_t n, size_t *ret_n)
{
	const char *p = data;
	size_t tot = lib.wnum, took;

	RM_CHECK(arg == &lib && (n > 0 || !p));
	if (!p) { /* what waits, once more: no other library than GnuTLS has it */
		*ret_n = lib.waiting;
		return flush() ? 1 : refuse(tot);
	}
	if (lib.busy && lib.calls_before-- <= 0)
		return refuse(tot);
	if (n < tot || (lib.waiting && (n - tot < lib.waiting || (!lib.moving && lib.waiting_at != p + tot)))) {
		lib.violations++;
		return -1;
	}
	lib.wnum = 0;
	took = lib.waiting;
	if (lib.waiting && !flush())
		return refuse(tot);
	tot += took;
	while (tot < n) {
		lib.waiting = n - tot < lib.record ? n - tot : lib.record;
		lib.waiting_at = p + tot;
		memcpy(lib.encrypted, p + tot, lib.waiting);
		took = lib.waiting;
		if (!flush())
			return refuse(tot);
		tot += took;
		if (lib.partial)
			break;
	}
	*ret_n = tot;
	return 1;
}

static bool lib_takes_all(void *arg)
{
	return true;
}

static bool lib_keeps(void *arg)
{
	return lib.waiting > 0;
}

/* ---- the program ---- */

static rm_tls session;
static bool serves;          /* what is sent is a response */
static const char *request;
static size_t request_bytes;
static unsigned long cases;

static void start_case(size_t record, bool partial, bool moving)
{
	const struct rm_tls_session side = { .server = serves, .fd = -1 };
	char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

	memset(&lib, 0, offsetof(typeof(lib), encrypted));
	lib.waiting = lib.wnum = 0;
	lib.record = record;
	lib.partial = partial;
	lib.moving = moving;
	lib.transport = -1;
	sent_bytes = 0;
	session = rm_tls_open(&side);
	if (serves)
		rm_tls_received(session, get, sizeof(get) - 1, sizeof(get) - 1, 0);
}

/* One call, which may be refused: 0, or the bytes that count. */
static size_t call(const char *p, size_t n)
{
	struct rm_tls_writer w = { .session = session, .write = lib_write, .arg = &lib, .partial = lib.partial,
				   .keeps = lib_keeps };
	size_t took = 0;
	int rc = rm_tls_write(&w, p, n, &took);

	RM_CHECK(rc > 0 || (rc == -1 && errno == EAGAIN && !lib.violations));
	if (rc <= 0)
		return 0;
	RM_CHECK(lib.partial ? took > 0 && took <= n : took == n);
	/* No less than the library would take by itself, which a program may rely on. */
	RM_CHECK(lib.transport >= 0 || took >= (n < lib.record ? n : lib.record));
	return took;
}

/* Calls until [p, p + n) is with the library; each of `budgets` is what the transport takes of one call. */
static void send_all(const char *p, size_t n, const long *budgets, int count)
{
	char *copies[2] = { malloc(n), malloc(n) };

	/* A program whose buffer moves: each try from another place. */
	memcpy(copies[0], p, n);
	memcpy(copies[1], p, n);
	for (size_t at = 0, tries = 0; at < n && !lib.violations; tries++) {
		lib.transport = (int)tries < count ? budgets[tries] : -1;
		at += call((lib.moving ? copies[tries % 2] : p) + at, n - at);
	}
	free(copies[0]);
	free(copies[1]);
}

/* Takes our lines out of what was sent; counts them. */
static size_t without_lines(char *ret, int *ret_lines)
{
	const char *name = serves ? "Server-Timing: traceparent;desc=\"00-" : "traceparent: 00-";
	size_t line = serves ? TIMING : LINE, n = 0;

	*ret_lines = 0;
	for (size_t i = 0; i < sent_bytes;) {
		if (i && sent[i - 1] == '\n' && sent_bytes - i >= line && memcmp(sent + i, name, strlen(name)) == 0 &&
		    memcmp(sent + i + line - 2, "\r\n", 2) == 0) {
			i += line;
			++*ret_lines;
			continue;
		}
		ret[n++] = sent[i++];
	}
	return n;
}

static void end_case(int lines)
{
	static char plain[STREAM_MAX];
	int found, spans = 0;

	RM_CHECK(without_lines(plain, &found) == request_bytes && memcmp(plain, request, request_bytes) == 0);
	RM_CHECK(found == lines);
	RM_CHECK(lib.violations == 0 && !lib.waiting);
	while (serves && stub_span())
		spans++;
	RM_CHECK(spans == serves);
	rm_tls_close(session);
	RM_CHECK(rm_conn_live() == 0 && rm_exchange_live() == 0 && rm_text_live() == 0);
	while (stub_span())
		;
	cases++;
}

static char large[STREAM_MAX];

/* ---- by chance ---- */

static uint64_t chance_state;

static size_t chance(size_t below)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return chance_state % below;
}

/* What a program may do after a call was refused: the same again, more behind it, or (with GnuTLS) nothing of its own. */
static size_t insist(struct rm_tls_writer *w, const char *p, size_t n, size_t left)
{
	size_t took = 0;

	for (int tries = 0; tries < 20; tries++) {
		bool resumes = tries && lib.partial && lib.waiting && !lib.wnum && chance(3) == 0;

		lib.transport = tries < 6 ? (long)chance(4) : -1;
		n += !resumes && tries && chance(3) == 0 ? chance(left - n + 1) : 0;
		if (rm_tls_write(w, resumes ? NULL : p, resumes ? 0 : n, &took) > 0) {
			RM_CHECK(took > 0 && took <= n && (w->partial || took == n));
			return took;
		}
		RM_CHECK(errno == EAGAIN && !lib.violations);
	}
	RM_CHECK(false);
	return left;
}

#endif
