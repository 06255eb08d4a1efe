/*
 * The same invariant for what servers send, where responses get Server-Timing.
 */
#include "tests/unit/http2_fixture.h"
#include "tests/unit/tls_library.h"

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

/* A session of HTTP/2, with so many requests that wait for an answer. */
static void start_streams(int requests, size_t record, bool partial, bool moving)
{
	const struct rm_tls_session side = { .server = true, .fd = -1, .alpn = "h2", .alpn_bytes = 2 };
	char asked[4096], settings[HEAD];
	size_t n = put_preface(asked);

	start_case(record, partial, moving);
	rm_tls_close(session);
	while (stub_span())
		;
	session = rm_tls_open(&side);
	for (int i = 0; i < requests; i++)
		n += put_frame(asked + n, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM,
			       (uint32_t)(2 * i + 1), get_block, sizeof(get_block));
	rm_tls_received(session, asked, n, n, 0);
	put_frame(settings, RM_HTTP2_SETTINGS, 0, 0, NULL, 0);
	send_all(settings, HEAD, NULL, 0);
	sent_bytes = 0;
}

/*
 * Writes so many responses to `large`. The first lets all origins read it, and each teaches the table a field;
 * returns the length.
 */
static size_t put_responses(int count, size_t body_bytes)
{
	static const char first[] = "\x88\x54\x01*", next[] = "\x88\x40\x01" "a\x01" "b";
	size_t n = 0;

	for (uint32_t i = 0; i < (uint32_t)count; i++) {
		n += put_frame(large + n, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS, 2 * i + 1, i ? next : first,
			       i ? sizeof(next) - 1 : sizeof(first) - 1);
		n += put_frame(large + n, RM_HTTP2_DATA, RM_HTTP2_END_STREAM, 2 * i + 1, large + STREAM_MAX / 2, body_bytes);
	}
	return n;
}

RM_TEST("responses of HTTP/2, many in one call: each gets Server-Timing, whatever the library takes of three calls")
{
	static const int responses[] = { 1, 3, 16, 17, 40 };
	static const size_t records[] = { 1, 7, 50, 300, 16384 };
	static char plain[STREAM_MAX];

	serve(true);
	for (int i = 0; i < 5 * 5 * 4 * 60; i++) {
		int count = responses[i % 5], mode = i / 25 % 4, fields, spans = 0;
		long budgets[] = { i / 100 % 5, i / 500 * 3, i / 100 % 3 };
		size_t n = put_responses(count, count < 4 && i % 7 == 6 ? 12000 : (size_t)(i % 7) * 50), last;
		char again[HEAD + 2], block[] = { '\x88', (char)(0x80 | (62 + count - 1)) };

		start_streams(count + 1, records[i / 5 % 5], mode & 1, mode & 2);
		send_all(large, n, budgets, 3);
		last = sent_bytes;
		RM_CHECK(without_fields(sent, sent_bytes, plain, &fields) == n && memcmp(plain, large, n) == 0);
		RM_CHECK(fields == count && lib.violations == 0 && !lib.waiting);
		/* What the first one taught the table is where it was. */
		send_all(again, put_frame(again, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM,
					  (uint32_t)(2 * count + 1), block, 2), NULL, 0);
		RM_CHECK(sent_bytes == last + HEAD + 2 + TIMING_BYTES + EXPOSE_BYTES);
		while (stub_span())
			spans++;
		RM_CHECK(spans == count + 1);
		rm_tls_close(session);
		RM_CHECK(rm_conn_live() == 0 && rm_exchange_live() == 0 && rm_text_live() == 0);
	}
}

/* Responses to so many requests, of many sizes; their length. */
static size_t put_some_responses(int count)
{
	static const size_t fillers[] = { 0, 100, 3000, 16200, 20000 }, bodies[] = { 0, 10, 900, 16384, 40000 };
	size_t n = 0;

	for (int i = 0; i < count; i++) {
		size_t filler = fillers[chance(5)] + chance(40), body = bodies[chance(5)] + chance(200);

		n += (size_t)sprintf(large + n, "HTTP/1.1 200 OK\r\nX: %0*d\r\nContent-Length: %zu\r\n\r\n", (int)filler, 0, body);
		memset(large + n, 'b', body);
		n += body;
	}
	return n;
}

RM_TEST("responses of many sizes, records, refusals, and what programs do after them")
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	static const size_t records[] = { 3, 50, 512, 4096, 16384 };
	static char plain[STREAM_MAX];

	serve(true);
	request = large;
	for (uint64_t seed = 1; seed <= 4000; seed++) {
		struct rm_tls_writer w = { .write = lib_write, .arg = &lib, .keeps = lib_keeps };
		int count, lines;

		chance_state = seed * 0x9e3779b97f4a7c15u;
		count = 1 + (int)chance(4);
		request_bytes = put_some_responses(count);
		start_case(records[chance(5)], chance(2), false);
		w.session = session;
		w.partial = lib.partial || chance(2);
		w.takes_all = lib.partial ? NULL : lib_takes_all;
		for (int i = 1; i < count; i++)
			rm_tls_received(session, memcpy(plain, get, sizeof(get)), sizeof(get) - 1, sizeof(get) - 1, 0);
		for (size_t at = 0, left; at < request_bytes; at += insist(&w, large + at, chance(2) ? left : 1 + chance(left), left))
			left = request_bytes - at;
		RM_CHECK(without_lines(plain, &lines) == request_bytes && memcmp(plain, large, request_bytes) == 0);
		RM_CHECK(lines <= count && lib.violations == 0 && !lib.waiting);
		while (stub_span())
			count--;
		RM_CHECK(count >= 0);
		rm_tls_close(session);
		RM_CHECK(rm_conn_live() == 0 && rm_exchange_live() == 0 && rm_text_live() == 0);
		while (stub_span())
			;
	}
}

RM_TEST("responses of HTTP/2 in calls that are cut anywhere and come again with more")
{
	static const size_t records[] = { 3, 50, 512, 4096, 16384 };
	static char plain[STREAM_MAX];

	serve(true);
	for (uint64_t seed = 1; seed <= 4000; seed++) {
		struct rm_tls_writer w = { .write = lib_write, .arg = &lib, .keeps = lib_keeps };
		int count, fields;
		size_t n;

		chance_state = seed * 0x9e3779b97f4a7c15u;
		count = 1 + (int)chance(12);
		n = put_responses(count, chance(3) ? chance(300) : chance(9000));
		start_streams(count, records[chance(5)], chance(2), false);
		w.session = session;
		w.partial = lib.partial || chance(2);
		w.takes_all = lib.partial ? NULL : lib_takes_all;
		for (size_t at = 0, left; at < n; at += insist(&w, large + at, chance(2) ? left : 1 + chance(left), left))
			left = n - at;
		RM_CHECK(without_fields(sent, sent_bytes, plain, &fields) == n && memcmp(plain, large, n) == 0);
		RM_CHECK(fields <= count && lib.violations == 0 && !lib.waiting);
		rm_tls_close(session);
		while (stub_span())
			;
		RM_CHECK(rm_conn_live() == 0 && rm_exchange_live() == 0 && rm_text_live() == 0);
	}
}
