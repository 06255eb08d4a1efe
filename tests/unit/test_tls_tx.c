/*
 * The invariant at the top of agent/tls_tx.c, against a library that encrypts in records of any size,
 * keeps the one its transport did not take, and insists on being offered it again as OpenSSL does:
 * from the same address (unless told otherwise) and with no less behind it.
 */
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
	bool busy;              /* refuses before it encrypts anything, as in a handshake */
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
	if (lib.busy)
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

static const char small[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";

RM_TEST("a request in one call, records of any size, each of three calls taken in part or refused")
{
	char *none[] = { NULL };

	stub_start(none);
	request = small;
	request_bytes = sizeof(small) - 1;
	for (int mode = 0; mode < 4; mode++)
		for (size_t record = 1; record <= request_bytes + LINE; record++) {
			long all = (long)((request_bytes + LINE) / record) + 1;

			all = all < 12 ? all : 12;
			for (long i = 0; i < all * all * all; i++) {
				long budgets[] = { i % all, i / all % all, i / all / all };

				start_case(record, mode & 1, mode & 2);
				send_all(request, request_bytes, budgets, 3);
				end_case(1);
			}
		}
	RM_CHECK(cases > 50000);
}

RM_TEST("a request cut in two anywhere, each part taken in part or refused")
{
	for (int mode = 0; mode < 4; mode++)
		for (size_t cut = 1; cut < request_bytes; cut++)
			for (size_t record = 1; record < request_bytes + LINE; record += record < 8 ? 1 : 13)
				for (long i = 0; i < 16; i++) {
					long first[] = { i % 4, i % 3 }, second[] = { i / 4, i / 3 };

					start_case(record, mode & 1, mode & 2);
					send_all(request, cut, first, 2);
					send_all(request + cut, request_bytes - cut, second, 2);
					end_case(1);
				}
}

RM_TEST("a handshake in the middle refuses a call before anything is encrypted")
{
	for (int mode = 0; mode < 4; mode++)
		for (size_t cut = 1; cut < request_bytes; cut++) {
			start_case(20, mode & 1, mode & 2);
			send_all(request, cut, NULL, 0);
			lib.busy = true;
			RM_CHECK(call(request + cut, request_bytes - cut) == 0);
			RM_CHECK(call(request + cut, request_bytes - cut) == 0);
			lib.busy = false;
			send_all(request + cut, request_bytes - cut, NULL, 0);
			end_case(1);
		}
}

static char large[STREAM_MAX];

static size_t append(size_t n, size_t head_filler, size_t body)
{
	n += (size_t)sprintf(large + n, "POST / HTTP/1.1\r\nHost: h\r\nX: ");
	memset(large + n, 'x', head_filler);
	n += head_filler;
	n += (size_t)sprintf(large + n, "\r\nContent-Length: %zu\r\n\r\n", body);
	for (size_t i = 0; i < body; i++)
		large[n++] = (char)('a' + i % 26);
	return n;
}

static void large_cases(int lines)
{
	static const long many[][3] = { { -1, -1, -1 }, { 0, 0, -1 }, { 0, 1, 0 }, { 1, 0, 1 }, { 2, 0, 2 }, { 1, 1, 1 } };
	static const size_t records[] = { 500, 4096, 16384 };

	request = large;
	for (int mode = 0; mode < 4; mode++)
		for (size_t r = 0; r < 3; r++)
			for (size_t b = 0; b < sizeof(many) / sizeof(many[0]); b++) {
				start_case(records[r], mode & 1, mode & 2);
				send_all(request, request_bytes, many[b], 3);
				end_case(lines);
			}
}

RM_TEST("a request that fills a record, but for a byte more or less, with our line and without")
{
	const size_t head = append(0, 0, 9999);

	for (size_t total = 16384 - LINE - 3; total < 16384 + 3; total += total == 16384 - LINE + 3 ? LINE - 6 : 1) {
		request_bytes = append(0, 0, total - (head - 9999) - 1);
		large_cases(1);
	}
}

RM_TEST("a body of many records, and a head of more than one")
{
	request_bytes = append(0, 0, 100000);
	large_cases(1);
	request_bytes = append(0, 16384 - 200, 3000);
	large_cases(1);
}

RM_TEST("what the library took of a call is not offered twice when the program comes with other bytes")
{
	enum { RECORD = 16384 };
	char *other;

	request = large;
	request_bytes = append(0, 0, 40000);
	other = malloc(request_bytes);
	memset(other, 'x', request_bytes);
	for (int busy = 0; busy < 2; busy++) {
		start_case(RECORD, false, true);
		lib.transport = 1;
		RM_CHECK(call(request, request_bytes) == 0);
		lib.waiting = busy ? 0 : lib.waiting; /* as if the second one was refused before */
		lib.transport = -1;
		RM_CHECK(call(other, request_bytes) == request_bytes && lib.violations == 0);
		RM_CHECK(sent_bytes == request_bytes + LINE && sent[RECORD - 1] != 'x');
		RM_CHECK((sent[RECORD] == 'x') == busy && sent[sent_bytes - 1] == 'x');
		rm_tls_close(session);
	}
	free(other);
}

RM_TEST("a head of more than a record gets its line where the program expects no short count")
{
	static const long some[] = { 0, 1, 0, 1 };

	request = large;
	request_bytes = append(0, 40000, 30000);
	for (int moving = 0; moving < 2; moving++) {
		start_case(16384, false, moving);
		send_all(request, request_bytes, some, 4);
		end_case(1);
	}
}

RM_TEST("many requests in one call")
{
	request_bytes = 0;
	for (int i = 0; i < 9; i++)
		request_bytes = append(request_bytes, 0, (size_t)i * 100);
	large_cases(9);
}

RM_TEST("a program that comes again with other bytes sends those, and nothing of ours")
{
	static const char other[] = "GET /other HTTP/1.1\r\nHost: other.example\r\nAccept: */*\r\n\r\n";
	char *copy = strdup(small);

	request = other;
	request_bytes = sizeof(other) - 1;
	start_case(16384, false, true);
	lib.busy = true; /* so that the library has not seen the first ones either */
	RM_CHECK(call(copy, strlen(copy)) == 0);
	lib.busy = false;
	RM_CHECK(call(other, request_bytes) == request_bytes);
	RM_CHECK(!rm_tls_watched(session));
	end_case(0);
	free(copy);
}

/* The transport takes nothing of the first call: the record waits, encrypted. Then the program comes with `p`. */
static void come_again_with(const char *p, bool moving)
{
	request = small;
	request_bytes = sizeof(small) - 1;
	start_case(16384, false, moving);
	lib.transport = 0;
	RM_CHECK(call(request, request_bytes) == 0 && call(p, request_bytes) == 0);
	lib.transport = -1;
	RM_CHECK(call(p, request_bytes) == request_bytes && lib.violations == 0 && rm_tls_watched(session));
	end_case(1);
}

RM_TEST("what the library has encrypted goes out, whatever the program's address has or has not by then")
{
	char other[sizeof(small)];

	memset(other, 'x', sizeof(other));
	for (int moving = 0; moving < 2; moving++) {
		come_again_with(other, moving);
		come_again_with(NULL, moving);
		come_again_with((const char *)16, moving);
	}
}

RM_TEST("a call may come again with more behind what was refused")
{
	request = small;
	request_bytes = sizeof(small) - 1;
	for (size_t cut = 1; cut < request_bytes; cut++)
		for (size_t record = 3; record < 200; record += 11) {
			start_case(record, false, false);
			lib.transport = 1;
			if (call(request, cut) == 0) {
				send_all(request, request_bytes, NULL, 0);
			} else {
				send_all(request + cut, request_bytes - cut, NULL, 0);
			}
			end_case(1);
		}
}

RM_TEST("a call that failed is resumed without bytes of its own")
{
	struct rm_tls_writer w = { .write = lib_write, .arg = &lib, .partial = true };
	size_t took = 0;

	for (size_t record = 5; record < 200; record++) {
		start_case(record, true, false);
		w.session = session;
		lib.transport = 0;
		RM_CHECK(call(request, request_bytes) == 0);
		RM_CHECK(rm_tls_write(&w, NULL, 0, &took) == -1);
		lib.transport = -1;
		RM_CHECK(rm_tls_write(&w, NULL, 0, &took) == 1 && took > 0 && took <= request_bytes);
		if (took < request_bytes)
			send_all(request + took, request_bytes - took, NULL, 0);
		end_case(1);
	}
}

RM_TEST("a server's head that was refused is resumed without an address, and nobody looks there")
{
	static const struct rm_tls_session server = { .server = true, .fd = -1 };
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct rm_tls_writer w = { .write = lib_write, .arg = &lib, .partial = true };
	char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	size_t took = 0;

	start_case(16384, true, false);
	rm_tls_close(session);
	w.session = rm_tls_open(&server);
	rm_tls_received(w.session, get, sizeof(get) - 1, sizeof(get) - 1, 0);
	lib.transport = 0;
	RM_CHECK(rm_tls_write(&w, head, sizeof(head) - 1, &took) == -1);
	lib.transport = -1;
	RM_CHECK(rm_tls_write(&w, NULL, 0, &took) == 1 && took == sizeof(head) - 1);
	RM_CHECK(sent_bytes == took && memcmp(sent, head, took) == 0);
	RM_CHECK(!rm_tls_watched(w.session));
	rm_tls_close(w.session);
}

static void serve(bool timing)
{
	char *environment[] = { timing ? "REMORA_SERVER_TIMING=true" : "REMORA_SERVER_TIMING=false", NULL };

	stub_start(environment);
	serves = true;
}

RM_TEST("a response in one call gets Server-Timing, records of any size, each of three calls taken in part or refused")
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

	serve(true);
	request = answer;
	request_bytes = sizeof(answer) - 1;
	for (int mode = 0; mode < 4; mode++)
		for (size_t record = 1; record <= request_bytes + TIMING; record += record < 60 ? 1 : 5) {
			long all = (long)((request_bytes + TIMING) / record) + 1;

			all = all < 12 ? all : 12;
			for (long i = 0; i < all * all * all; i++) {
				long budgets[] = { i % all, i / all % all, i / all / all };

				start_case(record, mode & 1, mode & 2);
				send_all(request, request_bytes, budgets, 3);
				end_case(1);
			}
		}
	serve(false);
	start_case(16384, false, false);
	send_all(request, request_bytes, NULL, 0);
	end_case(0);
}

RM_TEST("a response of many records, in one call or with its head apart, gets Server-Timing once")
{
	static const long some[] = { 0, 1, 0, 2 };
	static const size_t bodies[] = { 16384 - 42 - TIMING, 16384 - 42, 70000 };

	serve(true);
	request = large;
	for (int mode = 0; mode < 4; mode++)
		for (size_t b = 0; b < sizeof(bodies) / sizeof(bodies[0]); b++)
			for (int apart = 0; apart < 2; apart++) {
				size_t head = (size_t)sprintf(large, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", bodies[b]);

				memset(large + head, 'b', bodies[b]);
				request_bytes = head + bodies[b];
				start_case(16384, mode & 1, mode & 2);
				send_all(large, apart ? head : request_bytes, some, 4);
				if (apart)
					send_all(large + head, bodies[b], some, 4);
				end_case(1);
			}
}

RM_TEST("a server that comes again with other bytes sends what the library has, and is left alone")
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
	char other[sizeof(answer)];

	serve(true);
	memset(other, 'x', sizeof(other));
	for (int busy = 0; busy < 2; busy++) {
		start_case(16384, false, true);
		lib.busy = busy; /* refused before it was encrypted */
		lib.transport = 0;
		RM_CHECK(call(answer, sizeof(answer) - 1) == 0);
		lib.busy = false;
		lib.transport = -1;
		RM_CHECK(call(other, sizeof(answer) - 1) == sizeof(answer) - 1 && lib.violations == 0);
		RM_CHECK(sent_bytes == sizeof(answer) - 1 + (busy ? 0 : TIMING) && (sent[0] == 'x') == busy);
		RM_CHECK(!rm_tls_watched(session));
		rm_tls_close(session);
		while (stub_span())
			;
	}
}
