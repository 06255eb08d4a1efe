/* Wildcards: `*` and `?`, against what they mean said another way. */
#include "base/wildcard.h"
#include "tests/rmtest.h"

/* The definition, which takes exponential time. */
static bool means(const char *p, const char *t)
{
	if (*p == '\0')
		return *t == '\0';
	if (*p == '*')
		return means(p + 1, t) || (*t && means(p, t + 1));
	return *t && (*p == '?' || *p == *t) && means(p + 1, t + 1);
}

static bool matches(const char *p, const char *t)
{
	return rm_wildcard(rm_str_c(p), rm_str_c(t));
}

/* The next of all texts over the letters, shortest first; false after those of `n` letters. */
static bool next(char *text, const char *letters, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *now = text[i] ? strchr(letters, text[i]) : NULL;

		if (now && now[1]) {
			text[i] = now[1];
			return true;
		}
		text[i] = letters[0];
		if (!now)
			return true;
	}
	return false;
}

RM_TEST("all patterns of up to five and texts of up to five letters match as defined")
{
	char p[6] = "", t[6];
	unsigned wrong = 0, hits = 0;

	do {
		memset(t, 0, sizeof(t));
		do {
			wrong += matches(p, t) != means(p, t);
			hits += means(p, t);
		} while (next(t, "ab", 5));
	} while (next(p, "ab*?", 5));
	RM_CHECK(wrong == 0);
	RM_CHECK(hits > 1000);
}

RM_TEST("case does not matter, a pattern without wildcards is the text itself")
{
	RM_CHECK(matches("*.Example.COM", "api.example.com"));
	RM_CHECK(matches("localhost", "LOCALHOST"));
	RM_CHECK(!matches("localhost", "localhost:80"));
	RM_CHECK(matches("", ""));
	RM_CHECK(!matches("", "a"));
}

RM_TEST("a pattern made to be slow is not")
{
	static char text[20000];

	memset(text, 'a', sizeof(text) - 1);
	RM_CHECK(!matches("a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}
