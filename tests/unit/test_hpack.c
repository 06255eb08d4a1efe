/* The examples of RFC 7541 appendix C, and what the protocol forbids: protocols/hpack*.c. */
#include "base/err.h"
#include "protocols/hpack_huffman.h"
#include "tests/hpack/receiver.h"
#include "tests/rmtest.h"

static struct receiver r;

static size_t from_hex(const char *hex, uint8_t *ret)
{
	size_t n = 0;
	unsigned byte;

	for (; sscanf(hex, " %2x", &byte) == 1; hex += strspn(hex, " ") + 2)
		ret[n++] = (uint8_t)byte;
	return n;
}

/* Reads a block to its end; the fields come out as "name=value;". Returns how reading ended. */
static int read_block(const char *hex, char *ret_text, size_t cap)
{
	static uint8_t block[RM_HPACK_LIST_MAX_BYTES];
	struct rm_hpack_field f;
	size_t len = 0;
	int got;

	receiver_begin(&r, block, from_hex(hex, block));
	ret_text[0] = '\0';
	while ((got = rm_hpack_next(&r.block, &f)) == 1)
		len += (size_t)snprintf(ret_text + len, cap - len, "%.*s=%.*s;", (int)f.name.n, f.name.p,
					(int)f.value.n, f.value.p);
	return got;
}

static bool reads(const char *hex, const char *want)
{
	char text[1024];
	int got = read_block(hex, text, sizeof(text));

	if (got == 0 && strcmp(text, want) == 0)
		return true;
	printf("# got %d, '%s'\n", got, text);
	return false;
}

/* How a block fails, on a new connection. */
static int fails(const char *hex)
{
	char text[1024];
	int got;

	receiver_open(&r);
	got = read_block(hex, text, sizeof(text));
	receiver_close(&r);
	return got;
}

RM_TEST("requests without Huffman codes (C.3)")
{
	receiver_open(&r);
	RM_CHECK(reads("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
		       ":method=GET;:scheme=http;:path=/;:authority=www.example.com;"));
	RM_CHECK(r.table.bytes == 57 && r.table.count == 1);
	RM_CHECK(reads("8286 84be 5808 6e6f 2d63 6163 6865",
		       ":method=GET;:scheme=http;:path=/;:authority=www.example.com;cache-control=no-cache;"));
	RM_CHECK(r.table.bytes == 110);
	RM_CHECK(reads("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
		       ":method=GET;:scheme=https;:path=/index.html;:authority=www.example.com;custom-key=custom-value;"));
	RM_CHECK(r.table.bytes == 164 && r.table.count == 3);
	receiver_close(&r);
}

RM_TEST("responses with Huffman codes in a table that is too small for all (C.6)")
{
	receiver_open(&r);
	RM_CHECK(reads("3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b "
		       "ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
		       ":status=302;cache-control=private;date=Mon, 21 Oct 2013 20:13:21 GMT;"
		       "location=https://www.example.com;"));
	RM_CHECK(r.table.max_bytes == 256 && r.table.bytes == 222);
	RM_CHECK(reads("4883 640e ffc1 c0bf", ":status=307;cache-control=private;"
					       "date=Mon, 21 Oct 2013 20:13:21 GMT;location=https://www.example.com;"));
	RM_CHECK(r.table.bytes == 222 && r.table.count == 4);
	RM_CHECK(reads("88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad "
		       "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 "
		       "65c0 03ed 4ee5 b106 3d50 07",
		       ":status=200;cache-control=private;date=Mon, 21 Oct 2013 20:13:22 GMT;"
		       "location=https://www.example.com;content-encoding=gzip;"
		       "set-cookie=foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1;"));
	RM_CHECK(r.table.bytes == 215 && r.table.count == 3);
	receiver_close(&r);
}

RM_TEST("a field says how it is written, and where in its block")
{
	uint8_t block[64];
	struct rm_hpack_field f;

	receiver_open(&r);
	receiver_begin(&r, block, from_hex("82 4001610162 0001630164 1001650166", block));
	RM_CHECK(rm_hpack_next(&r.block, &f) == 1 && f.form == RM_HPACK_INDEXED && f.at == 0 && f.end == 1);
	RM_CHECK(rm_hpack_next(&r.block, &f) == 1 && f.form == RM_HPACK_INDEXING && f.at == 1 && f.end == 6);
	RM_CHECK(rm_hpack_next(&r.block, &f) == 1 && f.form == RM_HPACK_PLAIN && f.at == 6 && f.end == 11);
	RM_CHECK(rm_hpack_next(&r.block, &f) == 1 && f.form == RM_HPACK_NEVER && f.at == 11 && f.end == 16);
	RM_CHECK(r.table.count == 1);
	RM_CHECK(rm_hpack_next(&r.block, &f) == 0);
	receiver_close(&r);
}

RM_TEST("a change of size in the middle of a block, or at its end, holds from there on")
{
	receiver_open(&r);
	RM_CHECK(reads("4001610162 be 20 82 3fe11f 4001630164 be 20", "a=b;a=b;:method=GET;c=d;c=d;"));
	RM_CHECK(r.table.count == 0 && r.table.max_bytes == 0);
	receiver_close(&r);
	RM_CHECK(fails("4001610162 20 be") == RM_E_PROTO);
}

RM_TEST("what is written can be read, and leaves the table alone")
{
	static char out[RM_HPACK_LIST_MAX_BYTES], value[9000];
	struct rm_hpack_field f;
	struct rm_strbuf b;

	memset(value, 'v', sizeof(value));
	for (size_t n = 0; n < sizeof(value); n += n < 300 ? 1 : 97) {
		rm_strbuf_init(&b, out, sizeof(out));
		rm_hpack_put(&b, RM_STR("baggage"), (struct rm_str){ value, n });
		receiver_open(&r);
		receiver_begin(&r, out, b.n);
		RM_CHECK(rm_hpack_next(&r.block, &f) == 1 && f.form == RM_HPACK_PLAIN);
		RM_CHECK_STR(f.name, "baggage");
		RM_CHECK(rm_str_eq(f.value, (struct rm_str){ value, n }));
		RM_CHECK(rm_hpack_next(&r.block, &f) == 0 && !r.table.count && !r.memory);
	}
}

RM_TEST("a field that nobody may put into a table says so")
{
	char out[64];
	struct rm_hpack_field f;
	struct rm_strbuf b;

	rm_strbuf_init(&b, out, sizeof(out));
	rm_hpack_put_never(&b, RM_STR("traceparent"), RM_STR("00-1-2-01"));
	receiver_open(&r);
	receiver_begin(&r, out, b.n);
	RM_CHECK(rm_hpack_next(&r.block, &f) == 1 && f.form == RM_HPACK_NEVER);
	RM_CHECK_STR(f.name, "traceparent");
	RM_CHECK_STR(f.value, "00-1-2-01");
	RM_CHECK(rm_hpack_next(&r.block, &f) == 0 && !r.table.count);
	receiver_close(&r);
}

RM_TEST("a traceparent in the Huffman code is read as it is, whatever its digits")
{
	char out[64], want[RM_TRACEPARENT_BYTES];
	struct rm_spanctx c = { .valid = true };
	struct rm_hpack_field f;
	struct rm_strbuf b;
	size_t least = sizeof(out), most = 0;

	for (unsigned i = 0; i < 4096; i++) {
		memset(c.trace_id, (int)(i & 0xff), sizeof(c.trace_id));
		memset(c.span_id, (int)(i & 0xff), sizeof(c.span_id));
		c.trace_id[i % 16] = (uint8_t)(i >> 4);
		c.span_id[i % 8] = (uint8_t)(i >> 8);
		c.flags = (uint8_t)i;
		rm_strbuf_init(&b, out, sizeof(out));
		rm_hpack_put_traceparent(&b, &c);
		rm_traceparent_format(&c, want);
		least = b.n < least ? b.n : least;
		most = b.n > most ? b.n : most;
		receiver_open(&r);
		receiver_begin(&r, out, b.n);
		RM_CHECK(rm_hpack_next(&r.block, &f) == 1 && f.form == RM_HPACK_NEVER);
		RM_CHECK_STR(f.name, "traceparent");
		RM_CHECK(rm_str_eq(f.value, (struct rm_str){ want, sizeof(want) }));
		RM_CHECK(rm_hpack_next(&r.block, &f) == 0 && !r.table.count);
		receiver_close(&r);
	}
	RM_CHECK(least == 46 && most == 52);
}

RM_TEST("broken blocks are refused")
{
	RM_CHECK(fails("80") == RM_E_PROTO);             /* index 0 */
	RM_CHECK(fails("be") == RM_E_PROTO);             /* an entry that is not there */
	RM_CHECK(fails("ff ffffffff ff7f") == RM_E_PROTO); /* an endless integer */
	RM_CHECK(fails("ff 80808080 00") == RM_E_PROTO);
	RM_CHECK(fails("ff") == RM_E_PROTO);             /* an integer cut off */
	RM_CHECK(fails("ff80") == RM_E_PROTO);
	RM_CHECK(fails("40") == RM_E_PROTO);             /* a literal cut off */
	RM_CHECK(fails("400261") == RM_E_PROTO);
	RM_CHECK(fails("40016101") == RM_E_PROTO);
	RM_CHECK(fails("4001617f8080808001") == RM_E_PROTO);
	RM_CHECK(fails("3fe1ff03") == 0);                /* 65536 is the largest table ... */
	RM_CHECK(fails("3fe2ff03") == RM_E_RANGE);       /* ... that is followed */
}

RM_TEST("Huffman codes: padding is of ones and shorter than a byte")
{
	char out[16];

	RM_CHECK(rm_hpack_huffman((const uint8_t *)"\x07", 1, out, 16) == 1 && out[0] == '0');
	RM_CHECK(rm_hpack_huffman((const uint8_t *)"", 0, out, 16) == 0);
	RM_CHECK(rm_hpack_huffman((const uint8_t *)"\x06", 1, out, 16) == RM_E_PROTO);
	RM_CHECK(rm_hpack_huffman((const uint8_t *)"\x07\xff", 2, out, 16) == RM_E_PROTO);
	RM_CHECK(rm_hpack_huffman((const uint8_t *)"\xff\xff\xff\xff", 4, out, 16) == RM_E_PROTO);
	RM_CHECK(rm_hpack_huffman((const uint8_t *)"\xff\xff", 2, out, 16) == RM_E_PROTO);
	RM_CHECK(rm_hpack_huffman((const uint8_t *)"\xfe", 1, out, 16) == RM_E_PROTO);
	RM_CHECK(rm_hpack_huffman((const uint8_t *)"\x00\x00\x00\x00\x00", 5, out, 8) == 8);
	RM_CHECK(rm_hpack_huffman((const uint8_t *)"\x00\x00\x00\x00\x00", 5, out, 7) == RM_E_FULL);
}

/* One entry, then as many references to it as asked for. */
static int bomb(size_t value_bytes, size_t references)
{
	static uint8_t block[RM_HPACK_LIST_MAX_BYTES];
	struct rm_hpack_field f;
	int got;
	size_t n = from_hex("4001617f", block);

	for (value_bytes -= 0x7f; value_bytes >= 0x80; value_bytes >>= 7)
		block[n++] = (uint8_t)(value_bytes | 0x80);
	block[n++] = (uint8_t)value_bytes;
	n += 4000;
	memset(block + n, 0xbe, references);
	receiver_open(&r);
	receiver_begin(&r, block, n + references);
	while ((got = rm_hpack_next(&r.block, &f)) == 1)
		;
	receiver_close(&r);
	return got;
}

RM_TEST("a block that unfolds to more than the limit is refused")
{
	RM_CHECK(bomb(4000, 15) == 0);
	RM_CHECK(bomb(4000, 16) == RM_E_RANGE);
	RM_CHECK(bomb(4000, 20000) == RM_E_RANGE);
}

RM_TEST("a table of the usual size never needs more memory than its size")
{
	unsigned seed = 1;

	receiver_open(&r);
	for (int i = 0; i < 20000; i++) {
		uint8_t block[300] = { 0x40 };
		struct rm_hpack_field f;
		size_t value;

		seed = seed * 1103515245u + 12345u;
		value = (seed >> 16) % (i % 1000 < 500 ? 10 : 120);
		block[1] = 1;
		block[2] = 'a';
		block[3] = (uint8_t)value;
		memset(block + 4, 'v', value);
		receiver_begin(&r, block, 4 + value);
		RM_CHECK(rm_hpack_next(&r.block, &f) == 1 && rm_hpack_next(&r.block, &f) == 0);
	}
	RM_CHECK(r.memory_bytes == 4096 && r.table.bytes <= 4096 && r.table.count > 24);
	receiver_close(&r);
}

RM_TEST("without memory for the table a block is refused")
{
	char text[64];

	receiver_open(&r);
	r.memory_limit = 100;
	RM_CHECK(read_block("4001610162", text, sizeof(text)) == RM_E_NOMEM);
	RM_CHECK(read_block("82", text, sizeof(text)) == 0);
	receiver_close(&r);
}
