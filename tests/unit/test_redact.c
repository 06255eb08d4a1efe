/* Redaction: secrets go, everything else stays to the byte. */
#include "agent/redact.h"

#include <stdlib.h>

#include "tests/rmtest.h"

static struct rm_config config;
static char text[512];
static struct rm_strbuf out;

static struct rm_str query(const char *value)
{
	config.redact[0] = RM_STR("sig");
	config.redact[1] = RM_STR("X-Amz-Signature");
	config.redact_count = 2;
	rm_strbuf_init(&out, text, sizeof(text));
	rm_redact_query(&config, rm_str_c(value), &out);
	return rm_strbuf_view(&out);
}

static struct rm_str url(const char *value)
{
	query("");
	rm_redact_url_full(&config, rm_str_c(value), &out);
	return rm_strbuf_view(&out);
}

RM_TEST("values of listed keys are replaced, keys and order stay")
{
	RM_CHECK_STR(query("sig=abc"), "sig=REDACTED");
	RM_CHECK_STR(query("a=1&sig=abc%3D&b=2&X-Amz-Signature=x=y"),
		     "a=1&sig=REDACTED&b=2&X-Amz-Signature=REDACTED");
	RM_CHECK_STR(query("sig=1&sig=2"), "sig=REDACTED&sig=REDACTED");
}

RM_TEST("keys are compared exactly")
{
	static const char same[] = "Sig=1&xsig=2&sig2=3&s%69g=4&signatures=5";

	RM_CHECK_STR(query(same), same);
}

RM_TEST("odd queries come through unchanged")
{
	static const char *const odd[] = { "",	 "&",	"&&a",	"a",	"=",
					   "=b", "sig", "sig=", "a=1&", "a=%zz&&b" };

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		RM_CHECK_STR(query(odd[i]), odd[i]);
}

RM_TEST("user information of a URL is replaced")
{
	RM_CHECK_STR(url("http://u:p@h/x"), "http://REDACTED:REDACTED@h/x");
	RM_CHECK_STR(url("http://u@h:80"), "http://REDACTED:REDACTED@h:80");
	RM_CHECK_STR(url("https://u:p@ss@h?q"), "https://REDACTED:REDACTED@h?q");
	RM_CHECK_STR(url("//u:p@h/"), "//REDACTED:REDACTED@h/");
}

RM_TEST("an @ outside the authority is none of our business")
{
	static const char *const plain[] = {
		"http://h/a@b",
		"http://h?a@b",
		"http://h#a@b",
		"/a@b",
		"a:b@c",
		"mailto:a@b",
		"h:443",
		"",
		"*",
		"/x//u:p@h",
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		RM_CHECK_STR(url(plain[i]), plain[i]);
}

RM_TEST("the query of a URL is redacted and its fragment kept")
{
	RM_CHECK_STR(url("http://h/p?sig=1&a=2#sig=3"), "http://h/p?sig=REDACTED&a=2#sig=3");
	RM_CHECK_STR(url("http://u:p@h/?a?sig=1#f?g"), "http://REDACTED:REDACTED@h/?a?sig=1#f?g");
	RM_CHECK_STR(url("http://h/p?a=1#x&sig=3"), "http://h/p?a=1#x&sig=3");
	RM_CHECK_STR(url("/p?sig=1"), "/p?sig=REDACTED");
	RM_CHECK_STR(url("http://h/p#x?sig=1"), "http://h/p#x?sig=1");
}

RM_TEST("a buffer too small never holds a secret")
{
	static const char secret[] = "http://usr:pwd@h/?sig=topsecret&b=1";
	size_t whole = url(secret).n;

	for (size_t cap = 0; cap < 80; cap++) {
		rm_strbuf_init(&out, text, cap);
		rm_redact_url_full(&config, rm_str_c(secret), &out);
		RM_CHECK(out.n <= cap && (out.truncated || out.n == whole));
		RM_CHECK(!memmem(text, out.n, "pwd", 3) && !memmem(text, out.n, "top", 3));
	}
}

RM_TEST("what holds a secret is told from what does not")
{
	query("");
	RM_CHECK(rm_redact_query_needed(&config, RM_STR("a=1&sig=x")));
	RM_CHECK(!rm_redact_query_needed(&config, RM_STR("a=1&sig=&signatures=5&=&")));
	RM_CHECK(!rm_redact_query_needed(&config, RM_STR("")));
	RM_CHECK(rm_redact_url_needed(&config, RM_STR("http://u@h/")));
	RM_CHECK(rm_redact_url_needed(&config, RM_STR("/p?b&sig=x#f")));
	RM_CHECK(!rm_redact_url_needed(&config, RM_STR("http://h/sig=x?a=1")));
	RM_CHECK(!rm_redact_url_needed(&config, RM_STR("/a@b?c=d@e")) && !rm_redact_url_needed(&config, RM_STR("")));
}

RM_TEST("a query needs it just where a copy would be another one")
{
	static const char *const words[] = { "sig", "X-Amz-Signature", "=", "&", "a", "=x", "&sig=" };
	unsigned seed = 1;
	int needed = 0;

	for (int round = 0; round < 20000; round++) {
		char *line = malloc(200); /* of its own, and as long as it is: nothing behind it is read */
		size_t n = 0;
		struct rm_str copy;

		for (int i = 0; i < round % 24; i++) {
			const char *word = words[(seed = seed * 1103515245u + 12345u) >> 16 & 7 ? (seed >> 16 & 7) - 1 : 2];

			for (; *word && n < 80; word++)
				line[n++] = *word;
		}
		line = realloc(line, n + 1);
		line[n] = '\0';
		copy = query(line);
		RM_CHECK(!out.truncated);
		RM_CHECK(rm_redact_query_needed(&config, (struct rm_str){ line, n }) !=
			 (copy.n == n && memcmp(copy.p, line, n) == 0));
		needed += copy.n != n;
		free(line);
	}
	RM_CHECK(needed > 5000 && needed < 18000);
}
