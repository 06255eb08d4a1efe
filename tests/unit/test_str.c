/* Slices: comparison, cutting, numbers, hexadecimal digits and UTF-8 sequences. */
#include "base/str.h"
#include "tests/rmtest.h"

RM_TEST("slices are equal only with the same bytes and length")
{
	RM_CHECK(rm_str_eq(RM_STR("Host"), RM_STR("Host")));
	RM_CHECK(!rm_str_eq(RM_STR("Host"), RM_STR("host")));
	RM_CHECK(!rm_str_eq(RM_STR("Host"), RM_STR("Hos")));
	RM_CHECK(rm_str_eq((struct rm_str){ NULL, 0 }, RM_STR("")));
}

RM_TEST("comparison without case folds ASCII letters and nothing else")
{
	RM_CHECK(rm_str_ieq(RM_STR("TraceParent"), RM_STR("traceparent")));
	RM_CHECK(!rm_str_ieq(RM_STR("traceparent"), RM_STR("tracestate")));
	RM_CHECK(!rm_str_ieq(RM_STR("["), RM_STR("{"))); /* 0x20 apart, as letters of two cases are */
	RM_CHECK(!rm_str_ieq(RM_STR("\xc4"), RM_STR("\xe4")));
}

RM_TEST("without case, two characters are equal or not in short and in long names")
{
	char a[18] = "abcdefghijklmnopq", b[18];

	for (size_t n = 1; n < sizeof(a); n++) {
		for (unsigned c = 0; c < 256 * 256; c++) {
			unsigned char x = (unsigned char)c, y = (unsigned char)(c >> 8);
			bool letters = (x | 0x20) == (y | 0x20) && (x | 0x20) >= 'a' && (x | 0x20) <= 'z';
			size_t at = c % n;
			char before = a[at];

			memcpy(b, a, sizeof(b));
			a[at] = (char)x;
			b[at] = (char)y;
			RM_CHECK(rm_str_ieq((struct rm_str){ a, n }, (struct rm_str){ b, n }) ==
				 (x == y || letters));
			a[at] = before;
		}
	}
}

RM_TEST("trimming removes spaces and tabs at both ends only")
{
	RM_CHECK_STR(rm_str_trim(RM_STR(" \t a b\t ")), "a b");
	RM_CHECK_STR(rm_str_trim(RM_STR("\r\na")), "\r\na");
	RM_CHECK(rm_str_trim(RM_STR(" \t ")).n == 0);
}

RM_TEST("cutting yields each part, an empty last one, and then the end")
{
	struct rm_str rest = RM_STR("a,,b,");

	RM_CHECK_STR(rm_str_cut(&rest, ','), "a");
	RM_CHECK_STR(rm_str_cut(&rest, ','), "");
	RM_CHECK_STR(rm_str_cut(&rest, ','), "b");
	RM_CHECK(rest.p != NULL && rest.n == 0);
	RM_CHECK_STR(rm_str_cut(&rest, ','), "");
	RM_CHECK(rest.p == NULL && rest.n == 0);
}

RM_TEST("NULL is the empty slice")
{
	RM_CHECK(rm_str_c(NULL).n == 0);
	RM_CHECK_STR(rm_str_c("abc"), "abc");
}

RM_TEST("unsigned numbers are read up to the largest")
{
	uint64_t v = 1;

	RM_CHECK(rm_str_u64(RM_STR("0"), &v) && v == 0);
	RM_CHECK(rm_str_u64(RM_STR("0042"), &v) && v == 42);
	RM_CHECK(rm_str_u64(RM_STR("18446744073709551615"), &v) && v == UINT64_MAX);
}

RM_TEST("what is no unsigned number is refused and leaves the result alone")
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1.0", "0x1",
					   "18446744073709551616", "99999999999999999999", "1a" };
	uint64_t v = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		RM_CHECK(!rm_str_u64(rm_str_c(bad[i]), &v));
	RM_CHECK(v == 7);
}

RM_TEST("hexadecimal digits go both ways")
{
	static const uint8_t bytes[] = { 0x00, 0x7f, 0x80, 0xff, 0x1e };
	uint8_t back[5] = { 0 };
	char hex[10];

	rm_hex_encode(bytes, sizeof(bytes), hex);
	RM_CHECK(memcmp(hex, "007f80ff1e", 10) == 0);
	RM_CHECK(rm_hex_decode(hex, back, sizeof(back)) && memcmp(back, bytes, 5) == 0);
}

static int digit_value(unsigned c)
{
	return c >= '0' && c <= '9' ? (int)c - '0' : c >= 'a' && c <= 'f' ? (int)c - 'a' + 10 : -1;
}

RM_TEST("every character is a hexadecimal digit or none, at each place of an id")
{
	static const char zeros[] = "000000000000000000";
	char hex[sizeof(zeros)];

	for (unsigned at = 0; at < 18; at++) {
		for (unsigned c = 0; c < 256; c++) {
			uint8_t back[9];
			int want = digit_value(c);

			memcpy(hex, zeros, sizeof(hex));
			hex[at] = (char)c;
			RM_CHECK(rm_hex_decode(hex, back, sizeof(back)) == (want >= 0));
			if (want >= 0)
				RM_CHECK(back[at / 2] == (at % 2 ? want : want << 4));
		}
	}
}

RM_TEST("every byte comes back from its digits")
{
	for (unsigned i = 0; i < 256; i++) {
		uint8_t bytes[6] = { (uint8_t)i, 0, (uint8_t)(255 - i), 0x5a, (uint8_t)i, 1 }, back[6];
		char hex[12];

		rm_hex_encode(bytes, sizeof(bytes), hex);
		for (unsigned k = 0; k < sizeof(hex); k++)
			RM_CHECK(digit_value((unsigned char)hex[k]) == (bytes[k / 2] >> (k % 2 ? 0 : 4) & 15));
		RM_CHECK(rm_hex_decode(hex, back, sizeof(back)) && memcmp(back, bytes, sizeof(back)) == 0);
	}
}

RM_TEST("a run of plain characters ends at NUL and at what is not ASCII, wherever that stands")
{
	char s[24];

	for (size_t n = 0; n <= sizeof(s); n++) {
		memset(s, 'x', sizeof(s));
		RM_CHECK(rm_str_plain((struct rm_str){ s, n }) == n);
		for (size_t at = 0; at < n; at++) {
			for (unsigned c = 0; c < 256; c++) {
				memset(s, '\x01', sizeof(s));
				s[at] = (char)c;
				RM_CHECK(rm_str_plain((struct rm_str){ s, n }) == (c == 0 || c > 127 ? at : n));
			}
		}
	}
}

RM_TEST("well-formed UTF-8 sequences are measured at their borders")
{
	static const char *const good[] = { "a",        "\x7f",         "\xc2\x80",     "\xdf\xbf",
					    "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
					    "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		RM_CHECK(rm_utf8_next(rm_str_c(good[i])) == strlen(good[i]));
	RM_CHECK(rm_utf8_next(RM_STR("\xc3\xa4xyz")) == 2);
	RM_CHECK(rm_utf8_next((struct rm_str){ "\0", 1 }) == 1);
}

RM_TEST("overlong, surrogate, too large and cut sequences are not UTF-8")
{
	static const char *const bad[] = { "\x80",             "\xbf",         "\xc0\x80",
					   "\xc1\xbf",         "\xc2",         "\xc2\x41",
					   "\xe0\x9f\xbf",     "\xed\xa0\x80", "\xe2\x82",
					   "\xe2\x82\x41",     "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80", "\xff",         "\xf0\x9f\x98" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		RM_CHECK(rm_utf8_next(rm_str_c(bad[i])) == 0);
	RM_CHECK(rm_utf8_next(RM_STR("")) == 0);
}
