/*
 * What captures cannot say of protocols/http1.c: sniffing, limits, places in buffers, stopping,
 * lack of memory. Conversations are in tests/captures/http1.
 */
#include <stdlib.h>

#include "protocols/proto.h"
#include "tests/rmtest.h"

extern const struct rm_proto rm_proto_http1;

enum { FIFO = 64 };

/* A sink that remembers the last of each event. */
struct seen {
	struct rm_sink sink;
	struct rm_head head;
	uint32_t blank_at, requests, request_heads, request_ends, response_ends, brokens;
	uint64_t body_bytes;
	char error[32];
	uint64_t state[RM_CONN_STATE_BYTES / 8];
	char *stash[RM_STASHES];
	struct rm_str last_listed; /* name of the last field */
	bool stop, no_memory, no_scratch, unrecorded, in_order;
};

static struct seen *seen_of(struct rm_sink *sink)
{
	return (struct seen *)sink;
}

static rm_xid on_request(struct rm_sink *sink, void *conn)
{
	struct seen *s = seen_of(sink);

	s->requests++;
	return s->unrecorded ? 0 : s->requests;
}

static bool on_request_head(struct rm_sink *sink, rm_xid x, const struct rm_head *h,
			    uint32_t blank_at)
{
	struct seen *s = seen_of(sink);

	s->head = *h;
	s->blank_at = blank_at;
	s->request_heads++;
	if (h->field_count)
		s->last_listed = h->fields[h->field_count - 1].name;
	return !s->stop;
}

static void on_request_end(struct rm_sink *sink, rm_xid x, uint64_t body_bytes)
{
	seen_of(sink)->request_ends++;
	seen_of(sink)->body_bytes = body_bytes;
}

static void on_response(struct rm_sink *sink, rm_xid x)
{
}

static bool on_response_head(struct rm_sink *sink, rm_xid x, const struct rm_head *h)
{
	seen_of(sink)->head = *h;
	return false;
}

static void on_response_end(struct rm_sink *sink, rm_xid x, uint64_t body_bytes)
{
	struct seen *s = seen_of(sink);

	s->in_order &= x == ++s->response_ends;
	s->body_bytes = body_bytes;
}

static void on_broken(struct rm_sink *sink, rm_xid x, struct rm_str error)
{
	struct seen *s = seen_of(sink);

	s->brokens++;
	snprintf(s->error, sizeof(s->error), "%.*s", (int)error.n, error.p);
}

static char *on_stash(struct rm_sink *sink, enum rm_stash which, uint32_t bytes)
{
	struct seen *s = seen_of(sink);

	if (s->no_memory)
		return NULL;
	s->stash[which] = realloc(s->stash[which], bytes);
	return s->stash[which];
}

static void on_unstash(struct rm_sink *sink, enum rm_stash which)
{
	free(seen_of(sink)->stash[which]);
	seen_of(sink)->stash[which] = NULL;
}

static void *on_scratch(struct rm_sink *sink, uint32_t bytes)
{
	static uint64_t memory[1024];

	return bytes <= sizeof(memory) && !seen_of(sink)->no_scratch ? memory : NULL;
}

static struct seen fresh(void)
{
	static const struct rm_sink_calls calls = {
		.request = on_request,
		.request_head = on_request_head,
		.request_end = on_request_end,
		.response = on_response,
		.response_head = on_response_head,
		.response_end = on_response_end,
		.broken = on_broken,
		.stash = on_stash,
		.unstash = on_unstash,
		.scratch = on_scratch,
	};
	struct seen s = { .sink = { &calls }, .in_order = true };

	rm_proto_http1.open(s.state, RM_ROLE_SERVER);
	return s;
}

static int64_t feed(struct seen *s, enum rm_dir dir, const char *p, size_t n)
{
	return rm_proto_http1.feed(s->state, dir, (const uint8_t *)p, n, &s->sink, s);
}

static int64_t ask(struct seen *s, const char *text)
{
	return feed(s, RM_DIR_REQUEST, text, strlen(text));
}

static int64_t answer(struct seen *s, const char *text)
{
	return feed(s, RM_DIR_RESPONSE, text, strlen(text));
}

/* Ends the connection, as its owner must. */
static void end(struct seen *s)
{
	rm_proto_http1.end(s->state, RM_DIR_RESPONSE, true, &s->sink, s);
	RM_CHECK(!s->stash[0] && !s->stash[1] && !s->stash[RM_STASH_STREAMS]);
}

static enum rm_sniff sniff(const char *text)
{
	return rm_proto_http1.sniff((const uint8_t *)text, strlen(text));
}

RM_TEST("sniffing says yes when the version was seen")
{
	RM_CHECK(sniff("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == RM_SNIFF_YES);
	RM_CHECK(sniff("GET / HTTP/1.0") == RM_SNIFF_YES);
	RM_CHECK(sniff("M-SEARCH * HTTP/1.1\r") == RM_SNIFF_YES);
	RM_CHECK(sniff("\r\nGET / HTTP/1.1\r\n") == RM_SNIFF_YES);
}

RM_TEST("sniffing asks for more as long as a request may come")
{
	const char *line = "GET /x HTTP/1.";

	for (size_t n = 0; n <= strlen(line); n++)
		RM_CHECK(rm_proto_http1.sniff((const uint8_t *)line, n) == RM_SNIFF_MORE);
	RM_CHECK(sniff("PRI") == RM_SNIFF_MORE);
}

RM_TEST("sniffing says no to other protocols at the first byte that tells")
{
	RM_CHECK(sniff("PRI ") == RM_SNIFF_NO); /* HTTP/2 */
	RM_CHECK(sniff("\x16\x03\x01") == RM_SNIFF_NO);
	RM_CHECK(sniff("*1\r\n$4\r\nPING\r\n") == RM_SNIFF_NO);
	RM_CHECK(sniff("PING\r") == RM_SNIFF_NO);
	RM_CHECK(sniff("EHLO mail\r") == RM_SNIFF_NO);
	RM_CHECK(sniff("set k 0 ") == RM_SNIFF_NO);
	RM_CHECK(sniff("GET /\r\n") == RM_SNIFF_NO);
	RM_CHECK(sniff("GET / HTTP/2") == RM_SNIFF_NO);
	RM_CHECK(sniff("GET / HTTP/1.x") == RM_SNIFF_NO);
	RM_CHECK(sniff("GET  / HTTP/1.1") == RM_SNIFF_NO);
	RM_CHECK(sniff("OPTIONS rtsp://a/ RTSP/1.0\r\n") == RM_SNIFF_NO);
	RM_CHECK(rm_proto_http1.sniff((const uint8_t *)"\0\0\0\x10", 4) == RM_SNIFF_NO);
	RM_CHECK(sniff("ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567") == RM_SNIFF_NO);
}

RM_TEST("sniffing gives up after 8 KB")
{
	static char text[8192];

	memset(text, 'x', sizeof(text));
	memcpy(text, "GET /", 5);
	RM_CHECK(rm_proto_http1.sniff((uint8_t *)text, sizeof(text) - 1) == RM_SNIFF_MORE);
	RM_CHECK(rm_proto_http1.sniff((uint8_t *)text, sizeof(text)) == RM_SNIFF_NO);
}

RM_TEST("the state fits into what a connection has for it")
{
	RM_CHECK(rm_proto_http1.state_bytes <= RM_CONN_STATE_BYTES);
}

RM_TEST("a head in one buffer is told where it lies, behind another message")
{
	const char *text = "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nX: abc\r\n\r\n";
	struct seen s = fresh();

	RM_CHECK(ask(&s, text) == (int64_t)strlen(text));
	RM_CHECK(s.request_heads == 2);
	RM_CHECK(s.head.raw.p == text + 19);
	RM_CHECK(s.head.fed_from == 0 && s.head.fed_at == 19);
	RM_CHECK(s.blank_at == strlen(text) - 2);
	RM_CHECK(s.head.fed_at + s.head.raw.n == s.blank_at);
	RM_CHECK_STR(s.head.target, "/2");
	end(&s);
}

RM_TEST("a head in three buffers is told which part of it lies in the last")
{
	struct seen s = fresh();

	s.stop = true; /* feed() then returns where the head ends */
	RM_CHECK(ask(&s, "GET / HTTP/1.1\r\nX: a") == 20);
	RM_CHECK(ask(&s, "bc\r\nY: 1") == 8);
	RM_CHECK(s.request_heads == 0);
	RM_CHECK(ask(&s, "23\r\n\r\nrest") == 4);
	RM_CHECK(s.request_heads == 1);
	RM_CHECK(s.head.raw.n == 32 && s.head.fed_from == 28 && s.head.fed_at == 0);
	RM_CHECK(s.blank_at == 4);
	end(&s);
}

RM_TEST("where the sink stops a head, feeding goes on at the empty line and tells it once")
{
	const char *text = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
	struct seen s = fresh();

	s.stop = true;
	RM_CHECK(rm_proto_http1.at_head(s.state));
	RM_CHECK(ask(&s, text) == 36 && s.blank_at == 36);
	RM_CHECK(rm_proto_http1.at_head(s.state));
	RM_CHECK(ask(&s, text + 36) == 5);
	RM_CHECK(s.request_heads == 1 && s.request_ends == 1 && s.body_bytes == 3);
	end(&s);
}

RM_TEST("the request direction stands at a head between requests and inside heads only")
{
	struct seen s = fresh();

	ask(&s, "POST / HTTP/1.1\r\nContent-");
	RM_CHECK(rm_proto_http1.at_head(s.state));
	ask(&s, "Length: 3\r\n\r\na");
	RM_CHECK(!rm_proto_http1.at_head(s.state));
	ask(&s, "bc");
	RM_CHECK(rm_proto_http1.at_head(s.state));
	ask(&s, "CONNECT a:1 HTTP/1.1\r\n\r\n");
	RM_CHECK(!rm_proto_http1.at_head(s.state));
	end(&s);
}

RM_TEST("64 exchanges may wait, one more mutes the connection and end() ends them all")
{
	struct seen s = fresh();

	for (int i = 0; i < FIFO; i++)
		RM_CHECK(ask(&s, "GET / HTTP/1.1\r\n\r\n") == 18);
	RM_CHECK(answer(&s, "HTTP/1.1 204 No Content\r\n\r\n") == 27);
	RM_CHECK(ask(&s, "HEAD / HTTP/1.1\r\n\r\n") == 19);
	for (int i = 1; i < FIFO; i++)
		RM_CHECK(answer(&s, "HTTP/1.1 204 No Content\r\n\r\n") == 27);
	RM_CHECK(answer(&s, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n") == 38);
	RM_CHECK(s.response_ends == FIFO + 1);
	for (int i = 0; i < FIFO; i++)
		ask(&s, "GET / HTTP/1.1\r\n\r\n");
	RM_CHECK(ask(&s, "GET / HTTP/1.1\r\n\r\n") == RM_FEED_MUTE);
	RM_CHECK(s.brokens == 0);
	end(&s);
	RM_CHECK(s.brokens == FIFO && strcmp(s.error, "connection_reset") == 0);
}

RM_TEST("requests that wait are answered in their order, and take memory only while they are many")
{
	static const char get[] = "GET / HTTP/1.1\r\n\r\n", done[] = "HTTP/1.1 204 No Content\r\n\r\n";

	for (uint32_t many = 1; many <= FIFO; many++) {
		struct seen s = fresh();

		for (uint32_t i = 0; i < 3 * FIFO; i++) {
			uint32_t waiting = i < many ? i + 1 : many;

			ask(&s, get);
			RM_CHECK(!s.stash[RM_STASH_STREAMS] || (many > 1 && i >= 6));
			if (waiting == many)
				answer(&s, done);
		}
		while (s.response_ends < s.requests)
			answer(&s, done);
		RM_CHECK(s.requests == 3 * FIFO && s.in_order && !s.stash[RM_STASH_STREAMS]);
		end(&s);
	}
}

RM_TEST("without memory for requests that wait, the connection is left alone")
{
	struct seen s = fresh();

	s.no_memory = true;
	for (int i = 0; i < 6; i++)
		RM_CHECK(ask(&s, "GET / HTTP/1.1\r\n\r\n") == 18);
	RM_CHECK(ask(&s, "GET / HTTP/1.1\r\n\r\n") == RM_FEED_MUTE && s.requests == 6);
	end(&s);
	RM_CHECK(s.brokens == 6);
}

/* A head of `n` bytes up to its empty line, then that. */
static char *large_head(size_t n)
{
	char *text = malloc(n + 2);

	memset(text, 'x', n);
	memcpy(text, "GET / HTTP/1.1\r\nX: ", 19);
	memcpy(text + n - 2, "\r\n\r\n", 4);
	return text;
}

RM_TEST("a head of 64 KB is read, in one buffer and in many")
{
	char *text = large_head(RM_HEAD_MAX_BYTES);
	size_t n = RM_HEAD_MAX_BYTES + 2;
	struct seen s = fresh();

	RM_CHECK(feed(&s, RM_DIR_REQUEST, text, n) == (int64_t)n);
	for (size_t i = 0; i < n; i++)
		RM_CHECK(feed(&s, RM_DIR_REQUEST, text + i, 1) == 1);
	RM_CHECK(s.request_heads == 2 && s.request_ends == 2);
	end(&s);
	free(text);
}

RM_TEST("a head of one byte more mutes the connection, and the request never was")
{
	char *text = large_head(RM_HEAD_MAX_BYTES + 1);
	struct seen s = fresh();

	RM_CHECK(feed(&s, RM_DIR_REQUEST, text, RM_HEAD_MAX_BYTES + 3) == RM_FEED_MUTE);
	RM_CHECK(s.request_heads == 0 && s.brokens == 1 && s.error[0] == '\0');
	end(&s);
	s = fresh();
	RM_CHECK(feed(&s, RM_DIR_REQUEST, text, 1000) == 1000);
	RM_CHECK(feed(&s, RM_DIR_REQUEST, text + 1000, RM_HEAD_MAX_BYTES - 997) == RM_FEED_MUTE);
	RM_CHECK(s.request_heads == 0 && s.brokens == 1 && s.error[0] == '\0');
	end(&s);
	free(text);
}

RM_TEST("fields past the limit are not listed, but count for framing, and carriers are listed")
{
	static char text[16384];
	struct seen s = fresh();
	size_t n = (size_t)sprintf(text, "POST / HTTP/1.1\r\n");

	for (int i = 0; i < 300; i++)
		n += (size_t)sprintf(text + n, "X-%d: %d\r\n", i, i);
	n += (size_t)sprintf(text + n, "TraceParent: 00-x\r\nContent-Length: 4\r\n\r\nbody");
	RM_CHECK(ask(&s, text) == (int64_t)n);
	RM_CHECK(s.request_ends == 1 && s.body_bytes == 4);
	RM_CHECK(s.head.fields_cut && s.head.field_count <= RM_FIELDS_MAX);
	RM_CHECK(s.head.field_count > 100);
	RM_CHECK_STR(s.last_listed, "TraceParent");
	end(&s);
}

RM_TEST("a head that all fields fit in is not cut")
{
	struct seen s = fresh();

	ask(&s, "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n");
	RM_CHECK(s.head.field_count == 2 && !s.head.fields_cut);
	end(&s);
}

RM_TEST("without memory for half a head the connection is muted")
{
	struct seen s = fresh();

	s.no_memory = true;
	RM_CHECK(ask(&s, "GET / HTTP/1.1\r\n\r\n") == 18);
	RM_CHECK(ask(&s, "GET / HT") == RM_FEED_MUTE);
	RM_CHECK(s.brokens == 1 && s.error[0] == '\0');
	end(&s);
	RM_CHECK(s.brokens == 2);
}

RM_TEST("without memory for a long list of fields it is cut, and framing as good")
{
	char text[1024];
	struct seen s = fresh();
	size_t n = (size_t)sprintf(text, "POST / HTTP/1.1\r\n");

	for (int i = 0; i < 40; i++)
		n += (size_t)sprintf(text + n, "x-%d: y\r\n", i);
	sprintf(text + n, "Content-Length: 3\r\n\r\nabc");
	RM_CHECK(ask(&s, text) > 0);
	RM_CHECK(s.head.field_count == 41 && !s.head.fields_cut);
	s.no_scratch = true;
	RM_CHECK(ask(&s, text) > 0);
	RM_CHECK(s.head.field_count < 41 && s.head.fields_cut);
	RM_CHECK(s.request_ends == 2 && s.body_bytes == 3);
	end(&s);
}

RM_TEST("exchanges that are not recorded are followed all the same")
{
	struct seen s = fresh();

	s.unrecorded = true;
	ask(&s, "HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
	RM_CHECK(answer(&s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
			    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") > 0);
	RM_CHECK(s.response_ends == 2 && s.body_bytes == 2);
	RM_CHECK(ask(&s, "GET / HT") == 8);
	end(&s);
}

RM_TEST("bytes nobody could see are body or the end of what we know")
{
	struct seen s = fresh();

	RM_CHECK(rm_proto_http1.skip(s.state, RM_DIR_REQUEST, 0, &s.sink, &s) == 0);
	RM_CHECK(rm_proto_http1.skip(s.state, RM_DIR_REQUEST, 1, &s.sink, &s) == RM_FEED_MUTE);
	RM_CHECK(ask(&s, "GET / HTTP/1.1\r\n\r\n") == RM_FEED_MUTE);
	s = fresh();
	ask(&s, "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n");
	RM_CHECK(rm_proto_http1.skip(s.state, RM_DIR_REQUEST, 16, &s.sink, &s) == 0);
	RM_CHECK(rm_proto_http1.skip(s.state, RM_DIR_REQUEST, 2, &s.sink, &s) == RM_FEED_MUTE);
	end(&s);
}

RM_TEST("a body of many gigabytes is counted")
{
	struct seen s = fresh();

	ask(&s, "PUT / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n");
	RM_CHECK(rm_proto_http1.skip(s.state, RM_DIR_REQUEST, UINT64_MAX - 1, &s.sink, &s) == 0);
	RM_CHECK(s.request_ends == 0);
	ask(&s, "x");
	RM_CHECK(s.request_ends == 1 && s.body_bytes == UINT64_MAX);
	RM_CHECK(ask(&s, "PUT / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n") ==
		 RM_FEED_MUTE);
	end(&s);
}

RM_TEST("the end of the requests leaves the answer its time")
{
	struct seen s = fresh();

	ask(&s, "GET / HTTP/1.1\r\n\r\n");
	rm_proto_http1.end(s.state, RM_DIR_REQUEST, false, &s.sink, &s);
	RM_CHECK(s.brokens == 0);
	answer(&s, "HTTP/1.1 200 OK\r\n\r\nbody");
	RM_CHECK(s.response_ends == 0);
	rm_proto_http1.end(s.state, RM_DIR_RESPONSE, false, &s.sink, &s);
	RM_CHECK(s.response_ends == 1 && s.body_bytes == 4 && s.brokens == 0);
	end(&s);
	RM_CHECK(s.brokens == 0);
}

#define POST "POST / HTTP/1.1\r\nHost: h\r\n"

RM_TEST("a request is alone when none is under way, and nothing but its content came with it")
{
	static const struct {
		const char *text;
		bool alone;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: h\r\n\r\n", true },
		{ "GET / HTTP/1.1\nHost: h\n\n", true },
		{ POST "Content-Length: 3\r\n\r\n", true },
		{ POST "Content-Length: 3\r\n\r\nab", true },
		{ POST "Content-Length: 3\r\n\r\nabc", true },
		{ POST "Content-Length: 3\r\n\r\nabcG", false },
		{ POST "Transfer-Encoding: chunked\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nHost: h\r\n\r\nG", false },
		{ "GET / HTTP/1.1\r\nHost: h\r\n\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nHost: h\r\n\r", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen s = fresh();

		RM_CHECK(ask(&s, cases[i].text) >= 0 && s.request_heads == 1);
		RM_CHECK(s.head.alone == cases[i].alone);
		free(s.stash[RM_DIR_REQUEST]);
	}
}

RM_TEST("a request is not alone before the one before it is answered")
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	struct seen s = fresh();

	ask(&s, "GET / HTTP/1.1\r\nHo");
	ask(&s, "st: h\r\n\r\n");
	RM_CHECK(s.head.alone);
	ask(&s, get);
	RM_CHECK(s.request_heads == 2 && !s.head.alone);
	answer(&s, "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 204 No\r\n\r\n");
	ask(&s, get);
	RM_CHECK(s.request_heads == 3 && s.head.alone);
}
