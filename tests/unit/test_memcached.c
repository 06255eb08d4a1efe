/* What captures cannot say of memcached: sniffing, and more that waits than is remembered. */
#include <stdlib.h>

#include "tests/replay/watch.h"
#include "tests/rmtest.h"

extern const struct rm_proto rm_proto_memcached;

static bool begins(const char *text)
{
	return rm_proto_memcached.sniff((const uint8_t *)text, strlen(text)) == RM_SNIFF_YES;
}

RM_TEST("a first command that no other protocol has is recognised")
{
	RM_CHECK(begins("get key\r\n"));
	RM_CHECK(begins("gets a b c\r\n"));
	RM_CHECK(begins("gat 60 a\r\n"));
	RM_CHECK(begins("set k 0 0 5\r\nhello\r\n"));
	RM_CHECK(begins("set k 0 -1 5 noreply\r\n"));
	RM_CHECK(begins("cas k 0 0 5 17\r\n"));
	RM_CHECK(begins("delete key\r\n"));
	RM_CHECK(begins("incr n 1\r\n"));
	RM_CHECK(begins("version\r\n"));
	RM_CHECK(begins("stats\r\n"));
	RM_CHECK(begins("mg k v q\r\n"));
	RM_CHECK(begins("ms k 2\r\nab\r\n"));
	RM_CHECK(begins("mn\r\n"));
}

RM_TEST("nothing else is")
{
	RM_CHECK(!begins("get key"));
	RM_CHECK(!begins("get key\n"));
	RM_CHECK(!begins("get \r\n"));
	RM_CHECK(!begins("get /index HTTP/1.1\r\n"));
	RM_CHECK(!begins("get k\x01\r\n"));
	RM_CHECK(!begins("GET key\r\n"));
	RM_CHECK(!begins("set key value\r\n"));
	RM_CHECK(!begins("set k 0 0 x\r\n"));
	RM_CHECK(!begins("delete 17\r\n"));
	RM_CHECK(!begins("touch 17\r\n"));
	RM_CHECK(!begins("gat x a\r\n"));
	RM_CHECK(!begins("incr n x\r\n"));
	RM_CHECK(!begins("put 0 0 60 5\r\n"));
	RM_CHECK(!begins("quit\r\n"));
	RM_CHECK(!begins("\r\n"));
	RM_CHECK(!begins(""));
}

RM_TEST("the head of a binary command is recognised by all that it must hold")
{
	uint8_t head[24] = { 0x80, 0x0a };
	uint8_t set[] = "\x80\x01\x00\x01\x08\x00\x00\x00\x00\x00\x00\x0a" "xxxx" "\0\0\0\0\0\0\0\0" "xxxxxxxx" "kv";

	RM_CHECK(rm_proto_memcached.sniff(head, sizeof(head)) == RM_SNIFF_YES);
	RM_CHECK(rm_proto_memcached.sniff(set, sizeof(set) - 1) == RM_SNIFF_YES);
	RM_CHECK(rm_proto_memcached.sniff(head, sizeof(head) - 1) == RM_SNIFF_NO);
	for (size_t i = 0; i < 8; i++) {
		head[i] ^= 0x80;
		RM_CHECK(rm_proto_memcached.sniff(head, sizeof(head)) == RM_SNIFF_NO);
		head[i] ^= 0x80;
	}
	head[1] = 0x1f;
	RM_CHECK(rm_proto_memcached.sniff(head, sizeof(head)) == RM_SNIFF_NO);
	/* A ClientHello in a record of SSL 2. */
	memcpy(head, "\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10", 11);
	RM_CHECK(rm_proto_memcached.sniff(head, sizeof(head)) == RM_SNIFF_NO);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void times(struct watch *w, enum rm_dir dir, const char *text, int n)
{
	while (n--)
		watch_feed(w, dir, text, strlen(text));
}

RM_TEST("a pipeline that is longer than what is remembered stays in step with its answers")
{
	struct watch w;

	watch_open(&w, &rm_proto_memcached);
	times(&w, RM_DIR_REQUEST, "set k 0 0 1\r\nx\r\n", 20000);
	times(&w, RM_DIR_RESPONSE, "STORED\r\n", 20000);
	times(&w, RM_DIR_REQUEST, "get k\r\n", 1);
	times(&w, RM_DIR_RESPONSE, "END\r\n", 1);
	RM_CHECK(!w.muted);
	watch_close(&w);
	RM_CHECK(count(w.text, "forgotten\n") == 20000 - 8191);
	RM_CHECK(count(w.text, "outcome ") == 20001 - (20000 - 8191));
	watch_free(&w);
}

static void binary(struct watch *w, enum rm_dir dir, uint8_t opcode, uint32_t number, uint8_t status)
{
	uint8_t head[24] = { dir == RM_DIR_REQUEST ? 0x80 : 0x81, opcode };

	head[7] = status;
	head[13] = (uint8_t)(number >> 16);
	head[14] = (uint8_t)(number >> 8);
	head[15] = (uint8_t)number;
	watch_feed(w, dir, (const char *)head, sizeof(head));
}

RM_TEST("quiet commands past what is remembered are forgotten, and their answers stepped over")
{
	enum { ALL = 9000, KEPT = 8191 };
	struct watch w;

	watch_open(&w, &rm_proto_memcached);
	for (uint32_t i = 0; i < ALL; i++)
		binary(&w, RM_DIR_REQUEST, 0x11, i, 0);
	binary(&w, RM_DIR_RESPONSE, 0x11, 7, 0x82);
	binary(&w, RM_DIR_RESPONSE, 0x11, ALL - 1, 0x82);
	binary(&w, RM_DIR_REQUEST, 0x0a, ALL, 0);
	binary(&w, RM_DIR_RESPONSE, 0x0a, ALL, 0);
	RM_CHECK(!w.muted);
	watch_close(&w);
	RM_CHECK(count(w.text, "forgotten\n") == ALL - KEPT);
	RM_CHECK(count(w.text, "outcome 8 failed 0x0082\n") == 1);
	RM_CHECK(count(w.text, "failed 0x0082\n") == 1);
	RM_CHECK(count(w.text, "outcome ") == KEPT + 1);
	watch_free(&w);
}

RM_TEST("what is forgotten are quiet commands only: an answer to another one that nobody waits for")
{
	struct watch w;

	watch_open(&w, &rm_proto_memcached);
	for (uint32_t i = 0; i < 8192; i++)
		binary(&w, RM_DIR_REQUEST, 0x11, i, 0);
	binary(&w, RM_DIR_RESPONSE, 0x11, 8191, 0x82);
	RM_CHECK(!w.muted);
	binary(&w, RM_DIR_RESPONSE, 0x0a, 1, 0);
	RM_CHECK(w.muted);
	watch_close(&w);
	watch_free(&w);
}

RM_TEST("of quiet commands of text none is forgotten: past what is remembered the connection is left alone")
{
	struct watch w;

	watch_open(&w, &rm_proto_memcached);
	times(&w, RM_DIR_REQUEST, "mg k v q\r\n", 8191);
	RM_CHECK(!w.muted);
	times(&w, RM_DIR_REQUEST, "mg k v q\r\n", 1);
	RM_CHECK(w.muted);
	watch_close(&w);
	watch_free(&w);
}
