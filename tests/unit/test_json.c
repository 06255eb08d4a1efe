/* JSON: commas, escapes, foreign bytes, numbers whatever the locale. */
#include "base/json.h"

#include <locale.h>
#include <math.h>

#include "tests/rmtest.h"

static struct rm_str text(const struct rm_json *j)
{
	return (struct rm_str){ j->p, j->n };
}

/* Writes one string alone and compares. */
#define CHECK_STRING(bytes, want)                                                              \
	do {                                                                                   \
		struct rm_json j_;                                                             \
		rm_json_init(&j_);                                                             \
		rm_json_str(&j_, RM_STR(bytes));                                               \
		RM_CHECK_STR(text(&j_), want);                                                 \
		rm_json_free(&j_);                                                             \
	} while (0)

RM_TEST("commas stand between items, and nowhere else")
{
	static const uint8_t id[] = { 0x0a, 0xff };
	struct rm_json j;

	rm_json_init(&j);
	rm_json_open(&j, '{');
	rm_json_key(&j, "a");
	rm_json_open(&j, '[');
	rm_json_close(&j, ']');
	rm_json_key(&j, "b");
	rm_json_open(&j, '[');
	rm_json_i64(&j, INT64_MIN);
	rm_json_u64_str(&j, UINT64_MAX);
	rm_json_bool(&j, true);
	rm_json_bool(&j, false);
	rm_json_open(&j, '{');
	rm_json_close(&j, '}');
	rm_json_close(&j, ']');
	rm_json_key(&j, "c");
	rm_json_hex(&j, id, sizeof(id));
	rm_json_close(&j, '}');
	RM_CHECK(!j.failed);
	RM_CHECK_STR(text(&j), "{\"a\":[],\"b\":[-9223372036854775808,\"18446744073709551615\","
			       "true,false,{}],\"c\":\"0aff\"}");
	rm_json_free(&j);
	RM_CHECK(j.p == NULL && j.n == 0);
}

RM_TEST("what RFC 8259 forbids in strings is escaped, all else is kept")
{
	CHECK_STRING("", "\"\"");
	CHECK_STRING("a/b'c\x7f", "\"a/b'c\x7f\"");
	CHECK_STRING("\"\\", "\"\\\"\\\\\"");
	CHECK_STRING("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
	CHECK_STRING("\0\1\x1f", "\"\\u0000\\u0001\\u001f\"");
}

RM_TEST("UTF-8 is kept byte for byte")
{
	CHECK_STRING("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

RM_TEST("each byte that is not UTF-8 becomes U+FFFD and its neighbours survive")
{
	CHECK_STRING("a\xff z", "\"a\xef\xbf\xbd z\"");
	CHECK_STRING("\xe4pfel", "\"\xef\xbf\xbdpfel\"");
	CHECK_STRING("\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	CHECK_STRING("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	CHECK_STRING("x\xe2\x82", "\"x\xef\xbf\xbd\xef\xbf\xbd\"");
	CHECK_STRING("\xe2\"", "\"\xef\xbf\xbd\\\"\"");
}

static void write_numbers(struct rm_json *j)
{
	rm_json_init(j);
	rm_json_open(j, '[');
	rm_json_f64(j, 0.1);
	rm_json_f64(j, -2.5);
	rm_json_f64(j, 3);
	rm_json_f64(j, 1e300);
	rm_json_f64(j, 1.0 / 3);
	rm_json_f64(j, NAN);
	rm_json_f64(j, INFINITY);
	rm_json_f64(j, -INFINITY);
	rm_json_close(j, ']');
}

static const char numbers[] = "[0.1,-2.5,3,1e+300,0.3333333333333333,\"NaN\",\"Infinity\",\"-Infinity\"]";

RM_TEST("numbers are the shortest that read back the same")
{
	struct rm_json j;

	write_numbers(&j);
	RM_CHECK_STR(text(&j), numbers);
	rm_json_free(&j);
}

RM_TEST("a locale with another decimal separator changes nothing")
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF", "de_DE" };
	struct rm_json j;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!setlocale(LC_NUMERIC, names[i]))
			continue; /* not installed here */
		write_numbers(&j);
		RM_CHECK_STR(text(&j), numbers);
		rm_json_free(&j);
	}
	setlocale(LC_NUMERIC, "C");
}

RM_TEST("a long text grows without losing a byte")
{
	struct rm_json j;
	size_t backslashes = 0;

	rm_json_init(&j);
	rm_json_open(&j, '[');
	for (int i = 0; i < 20000; i++)
		rm_json_str(&j, RM_STR("ab\\"));
	rm_json_close(&j, ']');
	RM_CHECK(!j.failed && j.n == 2 + 20000 * 6 + 19999);
	for (size_t i = 0; i < j.n; i++)
		backslashes += j.p[i] == '\\';
	RM_CHECK(backslashes == 40000);
	rm_json_free(&j);
}
