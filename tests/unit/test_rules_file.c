/* Files of sampling rules: both versions, and what is wrong with others. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/rules_file.h"
#include "base/log.h"
#include "tests/rmtest.h"

static struct rm_rules rules;
static struct rm_random dice;

static const char *read_text(const char *text)
{
	memset(&rules, 0, sizeof(rules));
	return rm_rules_read(&rules, rm_str_c(text));
}

/* How many of ten requests in one second are taken. */
static int taken(const char *host, const char *method, const char *path)
{
	static uint64_t now_s = 1700000000;
	const struct rm_rule_request r = { .service = RM_STR("s"), .host = rm_str_c(host), .method = rm_str_c(method),
					   .path = rm_str_c(path) };
	int ret = 0;

	now_s++;
	for (int i = 0; i < 10; i++) {
		struct rm_rule_decision d = rm_rules_decide(&rules, &r, now_s, &dice);

		RM_CHECK(d.known && d.rule.n == 0);
		ret += d.sampled;
	}
	return ret;
}

#define DEFAULT "\"default\":{\"fixed_target\":2,\"rate\":0}"

RM_TEST("version 2: rules in their order, then the default")
{
	RM_CHECK(!read_text("{\"version\":2,\"rules\":["
			    "{\"description\":\"moves\",\"host\":\"*\",\"http_method\":\"GET\",\"url_path\":\"/api/move/*\","
			    "\"fixed_target\":0,\"rate\":1.0},"
			    "{\"host\":\"a.?x\",\"http_method\":\"*\",\"url_path\":\"/api/*\",\"fixed_target\":4,\"rate\":0}],"
			    DEFAULT "}"));
	RM_CHECK(taken("a.xx", "GET", "/api/move/1") == 10);
	RM_CHECK(taken("a.xx", "POST", "/api/move/1") == 4 && taken("a.xx:80", "POST", "/API/") == 4);
	RM_CHECK(taken("b", "POST", "/api/move/1") == 2);
	RM_CHECK(rules.until_s == UINT64_MAX);
}

RM_TEST("version 1: the host is called service_name; the default may stand first")
{
	RM_CHECK(!read_text("{" DEFAULT ",\"rules\":[{\"service_name\":\"h*\",\"host\":\"unused\",\"http_method\":\"*\","
			    "\"url_path\":\"*\",\"fixed_target\":10,\"rate\":0}],\"version\":1}"));
	RM_CHECK(taken("host", "GET", "/") == 10 && taken("other", "GET", "/") == 2);
}

RM_TEST("a file that is wrong in any way is not used at all")
{
	static const char *const bad[] = {
		"", "[]", "{", "{" DEFAULT "}", "{\"version\":3," DEFAULT "}", "{\"version\":2}",
		"{\"version\":2,\"default\":{\"fixed_target\":1}}",
		"{\"version\":2,\"default\":{\"fixed_target\":-1,\"rate\":0}}",
		"{\"version\":2,\"default\":{\"fixed_target\":\"1\",\"rate\":0}}",
		"{\"version\":2,\"default\":{\"fixed_target\":1,\"rate\":0,\"url_path\":\"/\"}}",
		"{\"version\":2,\"rules\":[{\"host\":\"*\",\"http_method\":\"*\",\"fixed_target\":1,\"rate\":0}]," DEFAULT "}",
		"{\"version\":1,\"rules\":[{\"host\":\"*\",\"http_method\":\"*\",\"url_path\":\"*\",\"fixed_target\":1,\"rate\":0}],"
		DEFAULT "}",
		"{\"version\":2," DEFAULT "}}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		RM_CHECK(read_text(bad[i]) != NULL);
		RM_CHECK(rules.current == 0);
	}
}

RM_TEST("without a file, or with one that cannot be used, one request a second and a twentieth of the others")
{
	char path[] = "/tmp/rules-XXXXXX";
	int fd = mkstemp(path);
	int n = 0;

	memset(&rules, 0, sizeof(rules));
	rm_rules_load(&rules, "VARIABLE", RM_STR(""));
	dice = (struct rm_random){ { 1, 2, 3, 4 } };
	for (int i = 0; i < 1000; i++)
		n += taken("h", "GET", "/");
	RM_CHECK(n > 1000 + 350 && n < 1000 + 550); /* 9,000 * 0.05 more */
	rm_log_init(0, RM_LEVEL_NONE);
	memset(&rules, 0, sizeof(rules));
	rm_rules_load(&rules, "VARIABLE", RM_STR("/nonexistent/file"));
	RM_CHECK(taken("h", "GET", "/") >= 1);
	RM_CHECK(write(fd, "{\"version\":2," DEFAULT "}", 51) == 51);
	memset(&rules, 0, sizeof(rules));
	rm_rules_load(&rules, "VARIABLE", rm_str_c(path));
	RM_CHECK(taken("h", "GET", "/") == 2);
	RM_CHECK(ftruncate(fd, RM_RULES_FILE_MAX_BYTES + 1) == 0);
	memset(&rules, 0, sizeof(rules));
	rm_rules_load(&rules, "VARIABLE", rm_str_c(path));
	RM_CHECK(taken("h", "GET", "/") >= 1);
	close(fd);
	unlink(path);
}
