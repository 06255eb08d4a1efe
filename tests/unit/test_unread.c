/* What is left of a message on its way out that need not be looked at: rm_proto.unread, of each protocol that says so. */
#include "tests/replay/watch.h"
#include "tests/rmtest.h"

extern const struct rm_proto rm_proto_amqp, rm_proto_cassandra, rm_proto_fastcgi, rm_proto_memcached, rm_proto_mongodb,
	rm_proto_mqtt, rm_proto_nats, rm_proto_scgi, rm_proto_uwsgi;

static struct watch w;

static void begin(const struct rm_proto *proto)
{
	watch_open(&w, proto);
}

#define SEND(text) watch_feed(&w, RM_DIR_REQUEST, text, sizeof(text) - 1)
#define HEAR(text) watch_feed(&w, RM_DIR_RESPONSE, text, sizeof(text) - 1)

static uint64_t left(void)
{
	return w.muted ? UINT64_MAX : w.proto->unread(w.state);
}

static void over(void)
{
	watch_close(&w);
	watch_free(&w);
}

RM_TEST("memcached: a value, but not the end of its line")
{
	begin(&rm_proto_memcached);
	SEND("set k 0 0 10\r\nabc");
	RM_CHECK(left() == 7);
	SEND("defghij");
	RM_CHECK(left() == 0);
	SEND("\r\nget k\r\n");
	RM_CHECK(left() == 0);
	over();
	begin(&rm_proto_memcached);
	SEND("\x80\x01\0\1\x08\0\0\0\0\0\0\x0f" "\0\0\0\0" "\0\0\0\0\0\0\0\0" "\0\0\0\0\0\0\0\0" "k12");
	RM_CHECK(left() == 4);
	over();
}

RM_TEST("MongoDB: what lies behind what is read of a command, and nothing of what is kept")
{
	static const char head[] = "\x37\0\0\0" "\1\0\0\0" "\0\0\0\0" "\xdd\7\0\0" "\0\0\0\0\0" "\x22\0\0\0" "\2find\0\7\0\0\0orders\0";
	static const char large[] = "\0\x80\0\0" "\2\0\0\0" "\0\0\0\0" "\xdd\7\0\0" "\0\0\0\0\0" "\xeb\x7f\0\0";
	static char rest[16384];

	begin(&rm_proto_mongodb);
	SEND(head);
	RM_CHECK(left() == 0);
	over();
	begin(&rm_proto_mongodb);
	SEND(large);
	watch_feed(&w, RM_DIR_REQUEST, rest, sizeof(rest));
	RM_CHECK(left() == 0x8000 - (sizeof(large) - 1) - sizeof(rest));
	over();
}

RM_TEST("Cassandra: the values of a query, and nothing of what is kept")
{
	static const char options[] = "\4\0\0\0\5\0\0\0\0", supported[] = "\x84\0\0\0\6\0\0\0\2\0\0";
	static char large[8192 + 9] = "\4\0\0\1\7\0\0\x20\0" "\0\0\0\x08" "SELECT a";

	begin(&rm_proto_cassandra);
	SEND(options);
	HEAR(supported);
	SEND("\4\0\0\1\7\0\0\0\x20\0\0\0\x08" "SELE");
	RM_CHECK(left() == 0);
	over();
	begin(&rm_proto_cassandra);
	SEND(options);
	HEAR(supported);
	watch_feed(&w, RM_DIR_REQUEST, large, 6000);
	RM_CHECK(left() == sizeof(large) - 6000);
	over();
}

RM_TEST("NATS: a body, but not the end of its line")
{
	begin(&rm_proto_nats);
	HEAR("INFO {\"max_payload\":1000}\r\n");
	SEND("CONNECT {}\r\nPUB a 10\r\nabc");
	RM_CHECK(left() == 7);
	SEND("defghij");
	RM_CHECK(left() == 0);
	SEND("\r\nPUB a 10\r");
	RM_CHECK(left() == 0);
	over();
}

RM_TEST("MQTT: all of a payload")
{
	begin(&rm_proto_mqtt);
	SEND("\x10\x0d\0\4MQTT\4\2\0\x3c\0\1a");
	SEND("\x30\x0d\0\1t" "0123");
	RM_CHECK(left() == 6);
	SEND("456789");
	RM_CHECK(left() == 0);
	over();
}

RM_TEST("AMQP: a body, but not the end of its frame")
{
	begin(&rm_proto_amqp);
	SEND("AMQP\0\0\x9\1");
	SEND("\1\0\1\0\0\0\x0a\0\x3c\0\x28\0\0\0\1k\0\xce");
	SEND("\2\0\1\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\x0a\0\0\xce");
	RM_CHECK(left() == 0);
	SEND("\3\0\1\0\0\0\x0a" "0123");
	RM_CHECK(left() == 6);
	SEND("456789");
	RM_CHECK(left() == 0);
	SEND("\xce");
	RM_CHECK(left() == 0);
	over();
}

RM_TEST("FastCGI: what a record of STDIN holds, of others nothing")
{
	begin(&rm_proto_fastcgi);
	SEND("\1\1\0\1\0\x08\0\0\0\1\0\0\0\0\0\0");
	SEND("\1\4\0\1\0\x23\0\0\x0e\4REQUEST_METHODPOST");
	RM_CHECK(left() == 0);
	SEND("\x0b\2REQUEST_URI/a");
	SEND("\1\4\0\1\0\0\0\0");
	SEND("\1\5\0\1\0\x0a\0\0" "0123");
	RM_CHECK(left() == 6);
	over();
}

RM_TEST("SCGI and uwsgi: a body, of heads nothing")
{
	begin(&rm_proto_scgi);
	SEND("52:CONTENT_LENGTH\0" "10\0SCGI\0" "1\0REQUEST_METHOD\0POST\0");
	RM_CHECK(left() == 0);
	over();
	begin(&rm_proto_uwsgi);
	SEND("\0\x3b\0\0\x0e\0REQUEST_METHOD\4\0POST");
	RM_CHECK(left() == 0);
	SEND("\x0b\0REQUEST_URI\2\0/a\x0e\0CONTENT_LENGTH\2\0" "10");
	SEND("0123");
	RM_CHECK(left() == 6);
	over();
}
