/* What captures cannot say of Kafka: who is recognised, checksums, lengths that grow, and requests of any size. */
#include <stdlib.h>

#include "protocols/crc32c.h"
#include "protocols/kafka_wire.h"
#include "tests/replay/watch.h"
#include "tests/rmtest.h"

extern const struct rm_proto rm_proto_kafka;

enum { ROOM = 200000, HEAD = 61 };

static char memory[ROOM];
static struct rm_strbuf out;

static void number(uint64_t v, size_t bytes)
{
	for (; bytes > sizeof(v); bytes--)
		rm_strbuf_char(&out, '\0');
	rm_kafka_put_int(&out, v, bytes);
}

static void set(size_t at, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out.p[at + i] = (char)(v >> 8 * (bytes - 1 - i));
}

/* A batch of records with values of `n` bytes and no key. */
static void batch(unsigned records, size_t n)
{
	size_t from = out.n;
	static char value[20000];

	number(0, 8);
	number(0, 4);
	number(~0ull, 4);
	number(2, 1);
	number(0, 4 + 2);
	number(records - 1, 4);
	for (int i = 0; i < 5; i++)
		number(0, i < 3 ? 8 : i < 4 ? 2 : 4);
	number(records, 4);
	for (unsigned i = 0; i < records; i++) {
		struct rm_strbuf body, all = out;
		char small[32];

		rm_strbuf_init(&body, small, sizeof(small));
		rm_strbuf_char(&body, '\0');
		rm_kafka_put_varint(&body, 0);
		rm_kafka_put_varint(&body, i);
		rm_kafka_put_varint(&body, -1);
		rm_kafka_put_varint(&body, (int64_t)n);
		out = all;
		rm_kafka_put_varint(&out, (int64_t)(body.n + n + 1));
		rm_strbuf_str(&out, rm_strbuf_view(&body));
		rm_strbuf_put(&out, value, n);
		rm_kafka_put_varint(&out, 0);
	}
	set(from + 8, out.n - from - 12, 4);
	set(from + 17, rm_crc32c(out.p + from + 21, out.n - from - 21), 4);
}

/* Produce, version 7, of one topic with as many partitions. */
static void begin_produce(unsigned partitions)
{
	rm_strbuf_init(&out, memory, sizeof(memory));
	number(0, 4);
	number(0, 2);
	number(7, 2);
	number(1, 4);
	number(3, 2);
	rm_strbuf_c(&out, "app");
	number(~0ull, 2);
	number(1, 2);
	number(1000, 4);
	number(1, 4);
	number(6, 2);
	rm_strbuf_c(&out, "orders");
	number(partitions, 4);
}

static void partition(unsigned index, unsigned records, size_t n)
{
	size_t at;

	number(index, 4);
	at = out.n;
	number(0, 4);
	batch(records, n);
	set(at, out.n - at - 4, 4);
}

static void end_produce(struct watch *w)
{
	set(0, out.n - 4, 4);
	watch_open(w, &rm_proto_kafka);
	watch_feed(w, RM_DIR_REQUEST, out.p, out.n);
	RM_CHECK(!w->muted);
	watch_close(w);
}

static enum rm_sniff sniff(const char *p, size_t n)
{
	return rm_proto_kafka.sniff((const uint8_t *)p, n);
}

RM_TEST("a first request is recognised by all of its head, and not by less")
{
	static const char named[] = "\0\0\0\x10\0\3\0\1\0\0\0\0\0\3app\0", versions[] = "\0\0\0\x0a\0\x12\0\0\0\0\0\0\xff\xff";

	for (size_t n = 0; n < 17; n++)
		RM_CHECK(sniff(named, n) == RM_SNIFF_NO);
	RM_CHECK(sniff(named, 17) == RM_SNIFF_YES && sniff(versions, 14) == RM_SNIFF_YES);
	RM_CHECK(sniff("\0\0\0\x10\0\3\0\1\0\0\0\0\0\3a\0p", 17) == RM_SNIFF_NO);
	RM_CHECK(sniff("\0\0\0\x10\0\3\0\1\xff\0\0\0\0\3app", 17) == RM_SNIFF_NO);
	RM_CHECK(sniff("\0\0\0\x10\1\3\0\1\0\0\0\0\0\3app", 17) == RM_SNIFF_NO);
	RM_CHECK(sniff("\0\0\0\x10\0\3\0\x20\0\0\0\0\0\3app", 17) == RM_SNIFF_NO);
	RM_CHECK(sniff("\0\0\0\x0c\0\3\0\1\0\0\0\0\0\3app", 17) == RM_SNIFF_NO);
	RM_CHECK(sniff("\0\0\0\x0a\0\3\0\0\0\0\0\0\xff\xff", 14) == RM_SNIFF_NO);
	/* The first of PostgreSQL: a startup packet and a wish for TLS. */
	RM_CHECK(sniff("\0\0\0\x20\0\3\0\0user\0app\0database\0app\0\0", 32) == RM_SNIFF_NO);
	RM_CHECK(sniff("\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\0\0\0", 14) == RM_SNIFF_NO);
}

RM_TEST("the checksum is the one of RFC 3720")
{
	RM_CHECK(rm_crc32c("123456789", 9) == 0xe3069283 && rm_crc32c("", 0) == 0);
}

RM_TEST("numbers come back as they were written")
{
	static const int64_t values[] = { 0, -1, 1, 63, -64, 64, 8191, 8192, -8193, INT32_MAX, INT64_MAX, INT64_MIN };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct rm_kafka_cursor c = { .p = memory };

		rm_strbuf_init(&out, memory, sizeof(memory));
		rm_kafka_put_varint(&out, values[i]);
		c.n = out.n;
		RM_CHECK(rm_kafka_varint(&c) == values[i] && c.at == c.n && !c.bad);
		for (c.at = 0, c.n--; c.n > 0; c.n--, c.at = 0, c.bad = false)
			RM_CHECK(rm_kafka_varint(&c) == 0 && c.bad);
	}
}

/* A batch of such records with a header added: every record has it, the checksum is right. */
static void grown(unsigned records, size_t n)
{
	static char more[ROOM];
	struct rm_strbuf written, fields;
	struct rm_kafka_cursor c;
	struct rm_kafka_batch b;
	char room[64];

	rm_strbuf_init(&out, memory, sizeof(memory));
	batch(records, n);
	rm_strbuf_init(&fields, room, sizeof(room));
	rm_kafka_put_header(&fields, RM_STR("traceparent"), RM_STR("x"));
	rm_strbuf_init(&written, more, sizeof(more));
	RM_CHECK(rm_kafka_batch_write(rm_strbuf_view(&out), rm_strbuf_view(&fields), &written) && !written.truncated);
	RM_CHECK(rm_kafka_batch_read(more, &b) && b.bytes == written.n && b.count == records && b.plain);
	c = (struct rm_kafka_cursor){ .p = more, .n = written.n, .at = 17 };
	RM_CHECK((uint32_t)rm_kafka_int(&c, 4) == rm_crc32c(more + 21, written.n - 21));
	c.at = HEAD;
	for (unsigned i = 0; i < records; i++) {
		struct rm_kafka_record r;
		struct rm_str body = rm_kafka_take(&c, (size_t)rm_kafka_varint(&c));

		RM_CHECK(rm_kafka_record_read(body, &r) && r.headers == 1 && r.count == 1 && body.n > n);
	}
	RM_CHECK(c.at == c.n && !c.bad);
}

RM_TEST("records of any length grow, also where their lengths need more bytes")
{
	for (size_t n = 0; n < 300; n++)
		grown(3, n);
	for (size_t n = 8150; n < 8210; n++)
		grown(2, n);
	grown(500, 10);
}

RM_TEST("a request that is too large to be written anew is told, and counted where one batch has all of it")
{
	struct watch w;

	begin_produce(1);
	partition(0, 70, 1000);
	end_produce(&w);
	RM_CHECK(strstr(w.text, "  destination orders\n  partition 0\n  client app\n  batch 70\n  room 0\n  stays\n") != NULL);
	watch_free(&w);
	begin_produce(2);
	partition(0, 70, 1000);
	partition(1, 1, 1);
	end_produce(&w);
	RM_CHECK(strstr(w.text, "  destination orders\n  client app\n  room 0\n  stays\n") != NULL);
	watch_free(&w);
	begin_produce(2);
	partition(0, 1, 1);
	partition(1, 70, 1000);
	end_produce(&w);
	RM_CHECK(strstr(w.text, "  destination orders\n  client app\n  room 0\n  stays\n") != NULL);
	watch_free(&w);
}

/* The broker's answer to the request of begin_produce. */
static void answer(struct watch *w, unsigned error)
{
	rm_strbuf_init(&out, memory, sizeof(memory));
	number(0, 4);
	number(1, 4);
	number(1, 4);
	number(6, 2);
	rm_strbuf_c(&out, "orders");
	number(1, 4);
	number(0, 4);
	number(error, 2);
	number(0, 8 + 8 + 8 + 4);
	set(0, out.n - 4, 4);
	watch_feed(w, RM_DIR_RESPONSE, out.p, out.n);
}

/* Sends such a batch to the topic that begins with this letter: is it lengthened? */
static bool lengthened(struct watch *w, char topic, unsigned records, size_t n)
{
	char *told;

	begin_produce(1);
	out.p[out.n - 10] = topic;
	partition(0, records, n);
	set(0, out.n - 4, 4);
	watch_feed(w, RM_DIR_REQUEST, out.p, out.n);
	fflush(w->log);
	RM_CHECK(!w->muted);
	told = strrchr(w->text, 'm');
	while (strncmp(told, "message ", 8) != 0)
		told--;
	return strstr(told, "  becomes ") != NULL;
}

RM_TEST("a batch is lengthened up to what every topic is known to take")
{
	struct watch w;

	watch_open(&w, &rm_proto_kafka);
	/* Head, length, five numbers, value; with a header of 11 bytes all of that is 81 longer than the value. */
	for (size_t n = 3800; n < 4100; n++) {
		RM_CHECK(lengthened(&w, 'o', 1, n) == (n + 61 + 2 + 6 + 1 + 11 <= 4000));
		answer(&w, 6);
	}
	watch_close(&w);
	watch_free(&w);
}

RM_TEST("a longer one up to what its topic was seen to take")
{
	struct watch w;

	watch_open(&w, &rm_proto_kafka);
	RM_CHECK(!lengthened(&w, 'o', 20, 1000));
	RM_CHECK(!lengthened(&w, 'o', 19, 1000)); /* nothing is known yet */
	answer(&w, 0);
	RM_CHECK(lengthened(&w, 'o', 19, 1000));
	RM_CHECK(!lengthened(&w, 'o', 20, 1000));
	RM_CHECK(!lengthened(&w, 'p', 19, 1000));
	answer(&w, 0);
	/* All of it counts, also where it is too long to be read as a whole. */
	RM_CHECK(!lengthened(&w, 'q', 70, 1000));
	for (int i = 0; i < 4; i++)
		answer(&w, 0);
	RM_CHECK(lengthened(&w, 'q', 50, 1000) && !lengthened(&w, 'o', 50, 1000));
	watch_close(&w);
	watch_free(&w);
}

RM_TEST("what failed says nothing, and after one that was too long only what is taken from then on counts")
{
	struct watch w;

	watch_open(&w, &rm_proto_kafka);
	RM_CHECK(!lengthened(&w, 'o', 20, 1000));
	answer(&w, 6);
	RM_CHECK(!lengthened(&w, 'o', 19, 1000));
	answer(&w, 0);
	RM_CHECK(lengthened(&w, 'o', 18, 1000) && lengthened(&w, 'p', 1, 10));
	answer(&w, 0);
	answer(&w, 10);
	RM_CHECK(!lengthened(&w, 'o', 18, 1000) && !lengthened(&w, 'p', 2, 10));
	answer(&w, 0);
	answer(&w, 0);
	RM_CHECK(lengthened(&w, 'o', 17, 1000) && lengthened(&w, 'p', 1, 10) && !lengthened(&w, 'p', 2, 10));
	RM_CHECK(!lengthened(&w, 'q', 1, 10));
	watch_close(&w);
	watch_free(&w);
}

RM_TEST("more topics than are kept in mind are lengthened as those of which nothing is known")
{
	struct watch w;

	watch_open(&w, &rm_proto_kafka);
	for (int i = 0; i < 26; i++) {
		RM_CHECK(!lengthened(&w, (char)('a' + i), 20, 1000));
		answer(&w, 0);
	}
	for (int i = 0; i < 26; i++)
		RM_CHECK(lengthened(&w, (char)('a' + i), 19, 1000) == (i < 20));
	RM_CHECK(lengthened(&w, 'z', 1, 1000));
	watch_close(&w);
	watch_free(&w);
}

RM_TEST("one that is written anew may have any size up to what a request may have")
{
	for (size_t n = 1000; n < 57000; n += 8000) {
		struct watch w;

		watch_open(&w, &rm_proto_kafka);
		lengthened(&w, 'o', 60, 1000);
		answer(&w, 0);
		RM_CHECK(lengthened(&w, 'o', (unsigned)(n / 1000), 990));
		watch_close(&w);
		watch_free(&w);
	}
}

RM_TEST("an answer whose lists are too long to be looked at passes by")
{
	static const char fetch[] = "\0\0\0\x11\0\1\0\x0b\0\0\0\1\0\3app\0\0\0\0";
	struct watch w;

	rm_strbuf_init(&out, memory, sizeof(memory));
	number(0, 4);
	number(1, 4);
	number(0, 4 + 2 + 4);
	number(1, 4);
	number(6, 2);
	rm_strbuf_c(&out, "orders");
	number(1, 4);
	number(0, 4 + 2 + 8 + 8 + 8);
	number(600, 4);
	for (int i = 0; i < 600; i++)
		number(0, 16);
	number(~0ull, 4);
	number(0, 4);
	set(0, out.n - 4, 4);
	watch_open(&w, &rm_proto_kafka);
	watch_feed(&w, RM_DIR_REQUEST, fetch, 21);
	watch_feed(&w, RM_DIR_RESPONSE, out.p, out.n);
	watch_feed(&w, RM_DIR_REQUEST, fetch, 21);
	RM_CHECK(!w.muted);
	watch_close(&w);
	RM_CHECK(w.text_bytes == 0);
	watch_free(&w);
}
