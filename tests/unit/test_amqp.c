/* What captures cannot say of AMQP 0-9-1: who is recognised, and limits: channels, confirms that wait, names. */
#include <stdlib.h>

#include "tests/replay/watch.h"
#include "tests/rmtest.h"

extern const struct rm_proto rm_proto_amqp;

static const char preface[] = "AMQP\0\0\x09\x01";
static char frames[8192];
static size_t frames_bytes;

static enum rm_sniff sniff(const char *p, size_t n)
{
	return rm_proto_amqp.sniff((const uint8_t *)p, n);
}

static void put(const void *p, size_t n)
{
	memcpy(frames + frames_bytes, p, n);
	frames_bytes += n;
}

static void number(unsigned v, int bytes)
{
	for (int i = bytes; i-- > 0;)
		put(&(char){ (char)(v >> 8 * i) }, 1);
}

static void begin(unsigned type, unsigned channel, unsigned size)
{
	number(type, 1);
	number(channel, 2);
	number(size, 4);
}

/* basic.publish to the exchange "e" with this key, and an empty content. */
static void publish(unsigned channel, const char *key)
{
	unsigned n = (unsigned)strlen(key);

	begin(1, channel, 4 + 2 + 2 + 1 + n + 1);
	put("\0\x3c\0\x28\0\0\1e", 8);
	number(n, 1);
	put(key, n);
	put("\0\xce", 2);
	begin(2, channel, 14);
	put("\0\x3c\0\0\0\0\0\0\0\0\0\0\0\0\xce", 15);
}

static void method(unsigned channel, unsigned class, unsigned id, const char *args, unsigned n)
{
	begin(1, channel, 4 + n);
	number(class, 2);
	number(id, 2);
	put(args, n);
	put("\xce", 1);
}

static void flush(struct watch *w, enum rm_dir dir)
{
	watch_feed(w, dir, frames, frames_bytes);
	frames_bytes = 0;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void begin_watch(struct watch *w)
{
	watch_open(w, &rm_proto_amqp);
	watch_feed(w, RM_DIR_REQUEST, preface, 8);
	frames_bytes = 0;
}

RM_TEST("this version is recognised from its first byte on, others are not")
{
	RM_CHECK(sniff("A", 1) == RM_SNIFF_MORE && sniff(preface, 7) == RM_SNIFF_MORE);
	RM_CHECK(sniff(preface, 8) == RM_SNIFF_YES);
	RM_CHECK(sniff("AMQP\0\1\0\0", 8) == RM_SNIFF_NO && sniff("AMQP\3\1\0\0", 8) == RM_SNIFF_NO);
	RM_CHECK(sniff("AMQP\1\1\0\x09", 8) == RM_SNIFF_NO && sniff("AB", 2) == RM_SNIFF_NO);
}

RM_TEST("a channel with nothing under way makes room for another; more than there is room for mute")
{
	struct watch w;

	begin_watch(&w);
	for (unsigned i = 1; i < 5000; i++) {
		publish(i, "k");
		flush(&w, RM_DIR_REQUEST);
	}
	for (unsigned i = 1; i <= 512; i++) {
		method(i, 85, 10, "", 0);
		flush(&w, RM_DIR_REQUEST);
	}
	RM_CHECK(!w.muted);
	method(513, 85, 10, "", 0);
	flush(&w, RM_DIR_REQUEST);
	RM_CHECK(w.muted);
	watch_close(&w);
	RM_CHECK(count(w.text, "destination e:k\n") == 4999 && count(w.text, "outcome ") == 4999);
	watch_free(&w);
}

RM_TEST("messages that wait for their confirms past the limit end at once; the others wait")
{
	struct watch w;

	begin_watch(&w);
	method(1, 85, 10, "", 0);
	for (unsigned i = 0; i < 5000; i++) {
		publish(1, "k");
		flush(&w, RM_DIR_REQUEST);
	}
	method(1, 60, 80, "\0\0\0\0\0\0\x0f\xff\1", 9); /* 4095 and all before */
	method(1, 60, 80, "\0\0\0\0\0\0\x13\x88\0", 9);  /* 5000, which does not wait */
	flush(&w, RM_DIR_RESPONSE);
	RM_CHECK(!w.muted);
	watch_close(&w);
	RM_CHECK(count(w.text, "outcome ") == 4999 && count(w.text, "broken 4096 connection_closed") == 1);
	RM_CHECK(strstr(w.text, "outcome 4097 ok\n") < strstr(w.text, "outcome 1 ok\n"));
	watch_free(&w);
}

RM_TEST("confirms in any order find their messages")
{
	unsigned left = 500;
	struct watch w;

	begin_watch(&w);
	method(1, 85, 10, "", 0);
	for (unsigned i = 1; i <= left; i++) {
		publish(1, "k");
		flush(&w, RM_DIR_REQUEST);
	}
	for (unsigned i = 0; i < left; i++) {
		unsigned tag = 1 + (i * 7) % left;
		char args[9] = { 0 }, line[32];

		args[6] = (char)(tag >> 8);
		args[7] = (char)tag;
		method(1, 60, 80, args, 9);
		flush(&w, RM_DIR_RESPONSE);
		fflush(w.log);
		snprintf(line, sizeof(line), "outcome %u ok\n", tag);
		RM_CHECK(strstr(w.text, line) != NULL);
	}
	watch_close(&w);
	RM_CHECK(count(w.text, "outcome ") == left && !strstr(w.text, "broken"));
	watch_free(&w);
}

RM_TEST("where no more names are remembered, destinations are not told rather than told wrong")
{
	char args[64], key[8];
	struct watch w;

	begin_watch(&w);
	for (unsigned i = 0; i < 2000; i++) {
		int n = snprintf(args + 2, sizeof(args) - 2, "%cqueue%c%05u", 5, 5, i);

		args[0] = args[1] = 0;
		method(1, 60, 20, args, (unsigned)n + 2);
		flush(&w, RM_DIR_REQUEST);
	}
	snprintf(key, sizeof(key), "last");
	publish(1, key);
	flush(&w, RM_DIR_REQUEST);
	RM_CHECK(!w.muted);
	watch_close(&w);
	RM_CHECK(strstr(w.text, "message 1 rabbitmq publish\n  room") != NULL);
	watch_free(&w);
}
