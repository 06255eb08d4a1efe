/* What captures cannot say of MongoDB: sniffing, documents that are cut off, the limit of what waits. */
#include <stdlib.h>

#include "protocols/bson.h"
#include "tests/replay/watch.h"
#include "tests/unit/sniff_fixture.h"

extern const struct rm_proto rm_proto_mongodb;

#define HEAD "\1\0\0\0\0\0\0\0"
static const char query[] = "\x37\0\0\0" HEAD "\xd4\7\0\0\0\0\0\0" "admin.$cmd\0\0\0\0\0\xff\xff\xff\xff" "\x10\0\0\0\x10hello\0\1\0\0\0\0";
static const char msg[] = "\x28\0\0\0" HEAD "\xdd\7\0\0\0\0\0\0\0" "\x13\0\0\0\x10isMaster\0\1\0\0\0\0";

/* With the byte at `at` changed. */
static const char *changed(const char *text, size_t n, size_t at, char byte)
{
	char *copy = malloc(n);
	const char *name;

	memcpy(copy, text, n);
	copy[at] = byte;
	name = claimed_by(copy, n);
	free(copy);
	return name;
}
#define IS(got, name) RM_CHECK(strcmp(got, name) == 0)

RM_TEST("a first message is recognised, of both kinds")
{
	RM_CHECK(sizeof(query) - 1 == (size_t)query[0] && sizeof(msg) - 1 == (size_t)msg[0]);
	CLAIMED(query, "mongodb");
	CLAIMED(msg, "mongodb");
}

RM_TEST("what differs from one is not")
{
	IS(claimed_by(msg, sizeof(msg) - 2), "none");
	IS(claimed_by(msg, 10), "none");
	IS(changed(msg, sizeof(msg) - 1, 8, 1), "none");   /* an answer */
	IS(changed(msg, sizeof(msg) - 1, 12, 0), "none");  /* another operation */
	IS(changed(msg, sizeof(msg) - 1, 16, 4), "none");  /* a flag that is none */
	IS(changed(msg, sizeof(msg) - 1, 20, 7), "none");  /* a section that is none */
	IS(changed(msg, sizeof(msg) - 1, 21, 99), "none"); /* a document that is longer than the message */
	IS(changed(query, sizeof(query) - 1, 20, 'x'), "none");
}

static struct rm_str name_of(struct rm_str rest, int n)
{
	struct rm_bson_element e = { 0 };

	while (n-- > 0)
		if (!rm_bson_next(&rest, &e))
			return RM_STR("none");
	return e.name;
}

RM_TEST("a document that is cut off anywhere ends with its last whole element, or a part of one")
{
	static const char document[] = "\x25\0\0\0" "\2a\0\2\0\0\0x\0" "\x10" "b\0\7\0\0\0" "\3c\0\x0c\0\0\0\x10" "d\0\1\0\0\0\0";
	struct rm_str rest, all = { document, sizeof(document) };

	RM_CHECK(rm_bson_open(all, &rest));
	RM_CHECK_STR(name_of(rest, 1), "a");
	RM_CHECK_STR(name_of(rest, 2), "b");
	RM_CHECK_STR(name_of(rest, 3), "c");
	RM_CHECK_STR(name_of(rest, 4), "none");
	for (size_t n = 0; n < sizeof(document); n++) {
		char *cut = malloc(n ? n : 1);
		struct rm_bson_element e;
		int64_t sum = 0;

		memcpy(cut, document, n);
		if (rm_bson_open((struct rm_str){ cut, n }, &rest))
			while (rm_bson_next(&rest, &e))
				sum += rm_bson_number(&e);
		RM_CHECK(sum == (n < 20 ? 0 : 7));
		free(cut);
	}
	RM_CHECK(!rm_bson_open(RM_STR("\4\0\0\0"), &rest));
}

RM_TEST("numbers of every type are numbers, and nothing else is")
{
	static const double whole = 26, huge = 1e300;
	struct rm_bson_element e = { .type = RM_BSON_DOUBLE, .value = { (const char *)&whole, 8 } };

	RM_CHECK(rm_bson_number(&e) == 26);
	e.value.p = (const char *)&huge;
	RM_CHECK(rm_bson_number(&e) == 0);
	e = (struct rm_bson_element){ .type = RM_BSON_INT32, .value = RM_STR("\xff\xff\xff\xff") };
	RM_CHECK(rm_bson_number(&e) == -1);
	e = (struct rm_bson_element){ .type = RM_BSON_INT64, .value = RM_STR("\0\0\0\0\1\0\0\0") };
	RM_CHECK(rm_bson_number(&e) == 1ll << 32);
	e = (struct rm_bson_element){ .type = RM_BSON_BOOL, .value = RM_STR("\1") };
	RM_CHECK(rm_bson_number(&e) == 1);
	e = (struct rm_bson_element){ .type = RM_BSON_STRING, .value = RM_STR("7") };
	RM_CHECK(rm_bson_number(&e) == 0);
}

RM_TEST("more commands than are remembered end the reading")
{
	static const char ping[] = "\x24\0\0\0" HEAD "\xdd\7\0\0\0\0\0\0\0" "\x0f\0\0\0\x10ping\0\1\0\0\0\0";
	struct watch w;
	int sent = 0;

	watch_open(&w, &rm_proto_mongodb);
	for (; sent < 9000 && !w.muted; sent++)
		watch_feed(&w, RM_DIR_REQUEST, ping, sizeof(ping) - 1);
	RM_CHECK(w.muted && sent > 8000);
	watch_close(&w);
	watch_free(&w);
}

static void put32(char *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(n >> 8 * i);
}

/* A find of 40,000 bytes that Snappy could not make smaller, and that says to be of `size`. Is it read? */
static bool reads_long(uint32_t size)
{
	static const char start[] = "\0\0\0\0\0" "\x40\x9c\0\0" "\2find\0\7\0\0\0orders\0" "\2note\0\x18\x9c\0\0";
	enum { HEAD_BYTES = 16, PACKED_HEAD = 9, PLAIN = 40000, BLOCK = 3 + 3 + PLAIN, ALL = HEAD_BYTES + PACKED_HEAD + BLOCK };
	char *message = calloc(1, ALL), *block = message + HEAD_BYTES + PACKED_HEAD;
	struct watch w;
	bool muted;

	put32(message, ALL);
	put32(message + 4, 1);
	put32(message + 12, 2012);
	put32(message + 16, 2013);
	put32(message + 20, size);
	message[24] = 1;
	memcpy(block, "\xc0\xb8\2" "\xf4\x3f\x9c", 6); /* so long; a literal of all of it */
	memcpy(block + 6, start, sizeof(start) - 1);
	watch_open(&w, &rm_proto_mongodb);
	watch_feed(&w, RM_DIR_REQUEST, message, ALL);
	muted = w.muted;
	watch_close(&w);
	RM_CHECK(muted || strstr(w.text, "collection orders"));
	watch_free(&w);
	free(message);
	return !muted;
}

RM_TEST("of a long block only the beginning is read, and what it says of its length must be so")
{
	RM_CHECK(reads_long(40000));
	RM_CHECK(!reads_long(50));
	RM_CHECK(!reads_long(50000));
}
