/* Bounded text: what fits is exact, what does not fit leaves no trace but the flag. */
#include "base/strbuf.h"
#include "tests/rmtest.h"

RM_TEST("pieces are put together in order")
{
	static const uint8_t bytes[] = { 0xab, 0x01 };
	char memory[64];
	struct rm_strbuf b;

	rm_strbuf_init(&b, memory, sizeof(memory));
	rm_strbuf_str(&b, RM_STR("a"));
	rm_strbuf_char(&b, ':');
	rm_strbuf_c(&b, "bc");
	rm_strbuf_put(&b, NULL, 0);
	rm_strbuf_hex(&b, bytes, sizeof(bytes));
	RM_CHECK_STR(rm_strbuf_view(&b), "a:bcab01");
	RM_CHECK(!b.truncated);
}

RM_TEST("the extreme numbers are written in full")
{
	char memory[64];
	struct rm_strbuf b;

	rm_strbuf_init(&b, memory, sizeof(memory));
	rm_strbuf_u64(&b, 0);
	rm_strbuf_char(&b, ' ');
	rm_strbuf_u64(&b, UINT64_MAX);
	rm_strbuf_char(&b, ' ');
	rm_strbuf_i64(&b, INT64_MIN);
	rm_strbuf_char(&b, ' ');
	rm_strbuf_i64(&b, 7);
	RM_CHECK_STR(rm_strbuf_view(&b), "0 18446744073709551615 -9223372036854775808 7");
}

RM_TEST("a buffer can be filled to its last byte")
{
	char memory[4] = "....";
	struct rm_strbuf b;

	rm_strbuf_init(&b, memory, 3);
	rm_strbuf_c(&b, "abc");
	RM_CHECK(b.n == 3 && !b.truncated);
	rm_strbuf_char(&b, 'd');
	RM_CHECK(b.n == 3 && b.truncated);
	RM_CHECK(memory[3] == '.');
}

RM_TEST("what does not fit is left out whole, and nothing follows it")
{
	static const uint8_t bytes[] = { 1, 2 };
	char memory[8];
	struct rm_strbuf b;

	rm_strbuf_init(&b, memory, 3);
	rm_strbuf_c(&b, "ab");
	rm_strbuf_i64(&b, -1);
	RM_CHECK_STR(rm_strbuf_view(&b), "ab");
	RM_CHECK(b.truncated);
	rm_strbuf_char(&b, 'c');
	RM_CHECK_STR(rm_strbuf_view(&b), "ab");

	rm_strbuf_init(&b, memory, 3);
	rm_strbuf_hex(&b, bytes, 2);
	RM_CHECK(b.n == 0 && b.truncated);
	rm_strbuf_init(&b, memory, 0);
	rm_strbuf_u64(&b, 1);
	RM_CHECK(b.n == 0 && b.truncated);
}
