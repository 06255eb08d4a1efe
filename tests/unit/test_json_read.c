/* JSON as it is read: what is taken, what is skipped, and what is no JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"
#include "tests/rmtest.h"

static char room[256];
static struct rm_strbuf strings;

static struct rm_json_reader reader(const char *text)
{
	struct rm_json_reader j;

	rm_json_read(&j, rm_str_c(text));
	rm_strbuf_init(&strings, room, sizeof(room));
	return j;
}

RM_TEST("members and elements come in order, values of other types are passed over")
{
	struct rm_json_reader j = reader(" { \"a\" : [1, -2.5e1 ,{\"x\":[]},null ], \"b\":\"t\", \"c\": {} } ");
	struct rm_str key = { NULL, 0 }, s;
	double v = 0;

	RM_CHECK(rm_json_object(&j) && rm_json_member(&j, &key));
	RM_CHECK_STR(key, "a");
	RM_CHECK(rm_json_array(&j) && rm_json_element(&j) && rm_json_number(&j, &v) && v == 1);
	RM_CHECK(rm_json_element(&j) && rm_json_number(&j, &v) && v == -25);
	RM_CHECK(rm_json_element(&j) && !rm_json_number(&j, &v) && v == -25);
	RM_CHECK(rm_json_element(&j) && !rm_json_string(&j, &strings, &s));
	RM_CHECK(!rm_json_element(&j) && rm_json_member(&j, &key));
	RM_CHECK(!rm_json_array(&j) && rm_json_member(&j, &key));
	RM_CHECK_STR(key, "c");
	RM_CHECK(rm_json_object(&j) && !rm_json_member(&j, &key) && !rm_json_member(&j, &key));
	RM_CHECK(rm_json_read_all(&j));
}

static struct rm_str string(const char *text)
{
	struct rm_json_reader j = reader(text);
	struct rm_str s = RM_STR("none");

	return rm_json_string(&j, &strings, &s) && rm_json_read_all(&j) ? s : RM_STR("wrong");
}

RM_TEST("escapes of strings are resolved, and half pairs replaced")
{
	RM_CHECK_STR(string("\"a\\\"\\\\\\/\\n\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\""),
		     "a\"\\/\n\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	RM_CHECK_STR(string("\"\\ud83dx\\ude00\""), "\xef\xbf\xbdx\xef\xbf\xbd");
	RM_CHECK_STR(string("\"\\x\""), "wrong");
	RM_CHECK_STR(string("\"\\u12\""), "wrong");
	RM_CHECK_STR(string("\"a"), "wrong");
	RM_CHECK_STR(string("\"a\\"), "wrong");
	RM_CHECK_STR(string("\"a\nb\""), "wrong");
}

RM_TEST("a string that has no room is not there, and those behind it are")
{
	struct rm_json_reader j = reader("[\"abcdef\",\"gh\"]");
	struct rm_str s = RM_STR("before");

	strings.cap = 4;
	RM_CHECK(rm_json_array(&j) && rm_json_element(&j) && !rm_json_string(&j, &strings, &s));
	RM_CHECK_STR(s, "before");
	RM_CHECK(rm_json_element(&j) && rm_json_string(&j, &strings, &s) && !rm_json_element(&j));
	RM_CHECK_STR(s, "gh");
	RM_CHECK(rm_json_read_all(&j));
}

RM_TEST("numbers are the doubles that they name")
{
	static const char *const texts[] = { "0", "-0.5", "0.05", "1e3", "1.7E-2", "1511994000.123", "0.1", "300",
					     "12345678901234567890", "0.000000000000000000001", "1e400" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct rm_json_reader j = reader(texts[i]);
		double v = 7, want = strtod(texts[i], NULL);

		RM_CHECK(rm_json_number(&j, &v) && rm_json_read_all(&j));
		RM_CHECK(v == want || fabs(v - want) < fabs(want) * 1e-13);
	}
}

RM_TEST("what is not well-formed is found out at the end")
{
	static const char *const texts[] = {
		"", "{", "[1", "[1,", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":1,", "{a:1}", "{\"a\":1}}", "[1]x", "-", "\"",
		"[[[[", "]", "{\"a\":[1}", "[\"a]", "[[1}]", "[{\"a\":1]]",
	};
	struct rm_str key;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct rm_json_reader j = reader(texts[i]);
		double v;

		if (texts[i][0] == '[' && rm_json_array(&j))
			while (rm_json_element(&j))
				rm_json_skip(&j);
		else if (texts[i][0] == '{' && rm_json_object(&j))
			while (rm_json_member(&j, &key))
				rm_json_number(&j, &v);
		else
			rm_json_number(&j, &v);
		if (rm_json_read_all(&j))
			printf("# %s\n", texts[i]);
		RM_CHECK(!rm_json_read_all(&j));
	}
}

RM_TEST("a value can be taken as it is written")
{
	struct rm_json_reader j = reader(" [ 1 , \"a\\\"b\" ,{\"a\" : [ ] }, null]");
	static const char *const want[] = { "1", "\"a\\\"b\"", "{\"a\" : [ ] }", "null" };
	struct rm_str raw = { 0 };

	RM_CHECK(rm_json_array(&j));
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		RM_CHECK(rm_json_element(&j) && rm_json_any(&j, &raw) && rm_str_eq(raw, rm_str_c(want[i])));
	RM_CHECK(!rm_json_element(&j) && rm_json_read_all(&j));
	j = reader("[1,[2");
	RM_CHECK(rm_json_array(&j) && rm_json_element(&j) && rm_json_any(&j, &raw) && rm_json_element(&j) && !rm_json_any(&j, &raw));
	RM_CHECK(rm_str_eq(raw, RM_STR("1")));
}

RM_TEST("what is nested deeper than anybody nests fails, however deep it is")
{
	static const size_t depths[] = { 64, 65, 50000 };
	static char deep[100000];
	struct rm_json_reader j;

	for (size_t i = 0; i < sizeof(depths) / sizeof(*depths); i++) {
		size_t open = depths[i];

		memset(deep, '[', open);
		memset(deep + open, ']', open);
		rm_json_read(&j, (struct rm_str){ deep, 2 * open });
		rm_json_skip(&j);
		RM_CHECK(rm_json_read_all(&j) == (open == 64));
	}
}
