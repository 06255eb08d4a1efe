/*
 * The invariant at the top of agent/tls_tx.c for what clients send, against the library of tls_library.h.
 */
#include "tests/unit/tls_library.h"

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

/* The library takes `records` of a request, and refuses the next one before or after it has encrypted that. */
static void change_behind(long records, bool busy, size_t change_at)
{
	char *other = malloc(request_bytes);

	memset(other, '?', request_bytes);
	start_case(16384, false, true);
	lib.transport = records;
	RM_CHECK(call(request, request_bytes) == 0);
	lib.waiting = busy ? 0 : lib.waiting;
	lib.transport = -1;
	RM_CHECK(call(other, request_bytes) == request_bytes && lib.violations == 0);
	RM_CHECK(sent_bytes == request_bytes + LINE);
	RM_CHECK(!memchr(sent, '?', change_at) && sent[change_at] == '?' && sent[sent_bytes - 1] == '?');
	rm_tls_close(session);
	free(other);
}

RM_TEST("what the library took of a call is not offered twice when the program comes with other bytes")
{
	enum { RECORD = 16384 };

	request = large;
	request_bytes = append(0, 0, 60000);
	/* With our line the first record makes two, which are finished once anything of them is out. */
	for (int busy = 0; busy < 2; busy++) {
		change_behind(1, busy, RECORD + LINE);
		change_behind(2, busy, (busy ? RECORD : 2 * RECORD) + LINE);
		change_behind(3, busy, (busy ? 2 * RECORD : 3 * RECORD) + LINE);
	}
}

RM_TEST("a flight that was refused in its middle, before the rest was encrypted, goes on all the same")
{
	char *other;

	request = large;
	request_bytes = append(0, 0, 20000);
	other = memset(malloc(request_bytes), '?', request_bytes);
	start_case(16384, true, true);
	lib.busy = true;
	lib.calls_before = 1;
	RM_CHECK(call(request, request_bytes) == 0 && !lib.waiting && sent_bytes == 16384);
	lib.busy = false;
	RM_CHECK(call(other, request_bytes) == 16384 && lib.violations == 0);
	RM_CHECK(sent_bytes == 16384 + LINE && !memchr(sent, '?', sent_bytes));
	rm_tls_close(session);
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

RM_TEST("a program that was told of a part goes on with as little as it likes")
{
	char *none[] = { NULL };

	stub_start(none);
	request = small;
	request_bytes = sizeof(small) - 1;
	for (size_t record = 1; record < request_bytes + LINE; record++)
		for (size_t first = 1; first <= request_bytes; first++)
			for (size_t piece = 1; piece < 20; piece += 6) {
				size_t at;

				start_case(record, true, false);
				for (at = call(request, first); at && at < request_bytes;)
					at += call(request + at, at + piece < request_bytes ? piece : request_bytes - at);
				end_case(1);
			}
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

RM_TEST("what left before a call failed is counted when it is resumed")
{
	struct rm_tls_writer w = { .write = lib_write, .arg = &lib, .partial = true };
	const size_t head = append(0, 0, 9999) - 9999;
	size_t took = 0;

	request = large;
	request_bytes = append(0, 1, 16384 - head - 2);
	RM_CHECK(request_bytes == 16384); /* with our line it is two records */
	for (long before = 0; before < 2; before++) {
		start_case(16384, true, false);
		w.session = session;
		lib.transport = before;
		RM_CHECK(call(request, request_bytes) == 0);
		lib.transport = -1;
		RM_CHECK(rm_tls_write(&w, NULL, 0, &took) == 1 && took == request_bytes);
		end_case(1);
	}
}

RM_TEST("a library that takes all of a call is offered all, whatever the size of a head")
{
	request = large;
	for (size_t filler = 16500; filler < 60000; filler += filler < 16600 ? 1 : 9000) {
		struct rm_tls_writer w = { .write = lib_write, .arg = &lib, .partial = true, .takes_all = lib_takes_all };
		size_t took = 0;

		request_bytes = append(0, filler, 1000);
		start_case(16384, false, false);
		w.session = session;
		RM_CHECK(rm_tls_write(&w, request, request_bytes, &took) == 1 && took == request_bytes);
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

/* ---- by chance ---- */

static int put_some_requests(void)
{
	static const size_t fillers[] = { 0, 100, 3000, 16200, 20000 }, bodies[] = { 0, 10, 900, 16384, 40000 };
	int count = 1 + (int)chance(4);

	request_bytes = 0;
	for (int i = 0; i < count; i++)
		request_bytes = append(request_bytes, fillers[chance(5)] + chance(40), bodies[chance(5)] + chance(200));
	return count;
}

RM_TEST("requests of many sizes, records, refusals, and what programs do after them")
{
	static const size_t records[] = { 3, 50, 512, 4096, 16384 };
	static char plain[STREAM_MAX];

	request = large;
	for (uint64_t seed = 1; seed <= 4000; seed++) {
		struct rm_tls_writer w = { .write = lib_write, .arg = &lib, .keeps = lib_keeps };
		int count, lines;

		chance_state = seed * 0x9e3779b97f4a7c15u;
		count = put_some_requests();
		start_case(records[chance(5)], chance(2), false);
		w.session = session;
		w.partial = lib.partial || chance(2);
		w.takes_all = lib.partial ? NULL : lib_takes_all;
		for (size_t at = 0, left; at < request_bytes; at += insist(&w, large + at, chance(2) ? left : 1 + chance(left), left))
			left = request_bytes - at;
		RM_CHECK(without_lines(plain, &lines) == request_bytes && memcmp(plain, large, request_bytes) == 0);
		RM_CHECK(lines <= count && lib.violations == 0 && !lib.waiting);
		rm_tls_close(session);
		RM_CHECK(rm_conn_live() == 0 && rm_exchange_live() == 0 && rm_text_live() == 0);
		while (stub_span())
			;
	}
}
