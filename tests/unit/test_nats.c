/* What captures cannot say of NATS: who is recognised, how much is remembered, and lines without an end. */
#include <stdlib.h>

#include "protocols/names.h"
#include "protocols/nats_text.h"
#include "tests/replay/watch.h"
#include "tests/rmtest.h"

extern const struct rm_proto rm_proto_nats;

static const char hello[] = "INFO {\"headers\":true,\"max_payload\":1000}\r\n";

static enum rm_sniff sniff(const char *text)
{
	return rm_proto_nats.sniff((const uint8_t *)text, strlen(text));
}

static bool greets(const char *text)
{
	return rm_proto_nats.greets((const uint8_t *)text, strlen(text));
}

RM_TEST("a client inside TLS is recognised by its options, a server by its own")
{
	RM_CHECK(sniff("CONNECT {\"verbose\":false}\r\n") == RM_SNIFF_YES);
	RM_CHECK(sniff("CONNECT {") == RM_SNIFF_YES);
	RM_CHECK(sniff("CONNECT ") == RM_SNIFF_NO);
	RM_CHECK(sniff("CONNECT host:443 HTTP/1.1\r\n") == RM_SNIFF_NO);
	RM_CHECK(sniff("PUB a 1\r\n") == RM_SNIFF_NO);
	RM_CHECK(greets(hello) && greets("INFO {"));
	RM_CHECK(!greets("INFO") && !greets("INFO hello") && !greets("220 smtp ready"));
}

/* What a message of one byte may grow by inside TLS, as the sink tells it. */
static const char *room_after(uint64_t greeting)
{
	static char room[64];
	struct watch w;

	watch_open(&w, &rm_proto_nats);
	w.greeting = greeting;
	watch_feed(&w, RM_DIR_REQUEST, "CONNECT {\"headers\":true}\r\nPING\r\n", 32);
	watch_feed(&w, RM_DIR_RESPONSE, "PONG\r\n", 6);
	watch_feed(&w, RM_DIR_REQUEST, "PUB a 1\r\na\r\n", 12);
	watch_close(&w);
	room[0] = '\0';
	if (strstr(w.text, "  room "))
		sscanf(strstr(w.text, "  room "), "  room %60s", room);
	watch_free(&w);
	return room;
}

RM_TEST("what the server said before TLS is known inside it: the longest message, and two bits")
{
	RM_CHECK(strcmp(room_after(1000), "") == 0);
	RM_CHECK(strcmp(room_after(1000 | 1ull << 32), "999") == 0);
	RM_CHECK(strcmp(room_after(1048576 | 1ull << 32), "1048575") == 0);
	RM_CHECK(strcmp(room_after(1048576 | 3ull << 32), "3999") == 0);
}

RM_TEST("a line without an end mutes at the limit of what is kept")
{
	static char much[4096];
	struct watch w;

	memset(much, 'a', sizeof(much));
	watch_open(&w, &rm_proto_nats);
	watch_feed(&w, RM_DIR_RESPONSE, hello, sizeof(hello) - 1);
	watch_feed(&w, RM_DIR_REQUEST, "CONNECT {", 9);
	for (int i = 0; i < 15; i++)
		watch_feed(&w, RM_DIR_REQUEST, much, sizeof(much));
	RM_CHECK(!w.muted);
	watch_feed(&w, RM_DIR_REQUEST, much, sizeof(much));
	RM_CHECK(w.muted);
	watch_close(&w);
	watch_free(&w);
}

RM_TEST("subscriptions are forgotten when they end, and past the limit messages lack what is known of them")
{
	char line[128];
	struct watch w;

	watch_open(&w, &rm_proto_nats);
	for (int i = 0; i < 20000; i++) {
		snprintf(line, sizeof(line), "SUB short.%d.* %d\r\nUNSUB %d\r\n", i, i, i);
		watch_feed(&w, RM_DIR_REQUEST, line, strlen(line));
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(line, sizeof(line), "SUB kept.%d.* %d\r\n", i, i);
		watch_feed(&w, RM_DIR_REQUEST, line, strlen(line));
	}
	for (int i = 0; i < 2000; i += 1999) {
		snprintf(line, sizeof(line), "MSG kept.%d.a %d 0\r\n\r\n", i, i);
		watch_feed(&w, RM_DIR_RESPONSE, line, strlen(line));
	}
	RM_CHECK(!w.muted);
	watch_close(&w);
	RM_CHECK(strstr(w.text, "destination kept.0.a\n  pattern kept.0.*\n") != NULL);
	RM_CHECK(strstr(w.text, "destination kept.1999.a\nrequest_end") != NULL);
	watch_free(&w);
}

static struct rm_str member(const char *object, const char *name)
{
	struct rm_str value = { 0 };

	return rm_nats_member(rm_str_c(object), rm_str_c(name), &value) ? value : (struct rm_str){ 0 };
}

RM_TEST("members of options")
{
	RM_CHECK_STR(member("{\"a\":1,\"b\": [1,{\"a\":2}] ,\"c\":\"x\\\"}\"}", "a"), "1");
	RM_CHECK_STR(member("{\"a\":1,\"b\": [1,{\"a\":2}] ,\"c\":\"x\\\"}\"}", "b"), "[1,{\"a\":2}]");
	RM_CHECK_STR(member("{\"a\":1,\"b\": [1,{\"a\":2}] ,\"c\":\"x\\\"}\"}", "c"), "\"x\\\"}\"");
	RM_CHECK_STR(member("{\"a\":1,\"a\":2}", "a"), "2");
	for (const char *const *bad = (const char *const[]){ "", "a", "{", "{}", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1",
							      "{\"a\":\"", "{\"a\":\"\\", "{\"a\":}", "[\"a\":1]", "{a:1}", NULL };
	     *bad; bad++)
		RM_CHECK_STR(member(*bad, "a"), "");
}

RM_TEST("each cut of a head ends the same: nothing is read past it")
{
	static const char text[] = "NATS/1.0\r\nNats-Msg-Id: 7\r\ntraceparent: x\r\n\r\n";
	struct rm_nats_headers headers;

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *copy = malloc(n + 1); /* its end is known to sanitizers */

		memcpy(copy, text, n);
		rm_nats_headers_read((struct rm_str){ copy, n }, &headers);
		RM_CHECK(!headers.whole);
		free(copy);
	}
	rm_nats_headers_read(RM_STR(text), &headers);
	RM_CHECK(headers.whole && headers.count == 1);
	RM_CHECK_STR(headers.id, "7");
}
