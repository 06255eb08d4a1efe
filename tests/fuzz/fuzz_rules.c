/*
 * Sampling rules: X-Ray's answers (exporters/xray_rules.c), and files of rules (agent/rules_file.c). The input is a byte that
 * says which, and the text; of answers the first one is of rules, and behind a byte 0x1e one of targets. What must
 * hold for any input: rules are within the room for them, decisions are made by one of them or by none, what is refused leaves
 * the rules in force as they are, and counts are those that were counted.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/rules_file.h"
#include "base/err.h"
#include "exporters/xray_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { NOW_S = 1700000000, SEPARATOR = 0x1e };

static struct rm_rules rules;

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* Whatever is in force. */
static void decide(void)
{
	static const struct rm_rule_request requests[] = {
		{ { "shop", 4 }, { "", 0 }, { "example.com:80", 14 }, { "GET", 3 }, { "/a/b", 4 } },
		{ { "", 0 }, { "AWS::EC2::Instance", 18 }, { NULL, 0 }, { "POST", 4 }, { NULL, 0 } },
	};
	struct rm_random random = { 0 };
	uint32_t count = 0;

	for (struct rm_str name; (name = rm_rules_name(&rules, count)).p; count++)
		check(name.n < RM_RULES_TEXT_BYTES);
	check(count <= RM_RULES_MAX);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct rm_rule_decision d = rm_rules_decide(&rules, &requests[i], NOW_S + 3, &random);

		check(d.known ? count > 0 && d.rule.p : !d.sampled);
	}
}

static void on_interval(void *arg, struct rm_str name, uint32_t seconds)
{
	check(name.p && rm_rules_find(&rules, name) && seconds <= UINT16_MAX);
}

static void report(struct rm_str name)
{
	struct rm_xray_report r = { .state = rm_rules_find(&rules, name), .name = name };
	uint32_t requests;

	if (!r.state)
		return;
	requests = atomic_load(&r.state->requests);
	if (rm_xray_report_take(&r))
		rm_xray_report_put(&r);
	check(atomic_load(&r.state->requests) == requests);
}

static void read_answers(struct rm_str text)
{
	struct rm_str answer = rm_str_cut(&text, SEPARATOR), name;
	char token[RM_XRAY_TOKEN_BYTES];
	struct rm_xray_rule_list list = { 0 };
	struct rm_xray_targets said;

	memset(token, 0xee, sizeof(token));
	if (rm_xray_rules_add(&list, answer, token) == RM_OK)
		check(rm_xray_rules_publish(&list, &rules, NOW_S));
	check(memchr(token, '\0', sizeof(token)));
	rm_xray_rules_free(&list);
	decide();
	if (text.p) {
		memset(&said, 0xee, sizeof(said));
		rm_xray_targets_read(&rules, text, on_interval, NULL, &said);
		check(memchr(said.why, '\0', sizeof(said.why)));
		decide();
	}
	for (uint32_t i = 0; (name = rm_rules_name(&rules, i)).p; i++)
		report(name);
}

static void read_file(struct rm_str text)
{
	const char *wrong = rm_rules_read(&rules, text);

	check(!wrong || (*wrong && !rm_rules_name(&rules, 0).p));
	decide();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy;

	if (n < 1)
		return 0;
	copy = malloc(n); /* of exactly this size */
	memcpy(copy, data + 1, n - 1);
	memset(&rules, 0, sizeof(rules));
	(data[0] & 1 ? read_file : read_answers)((struct rm_str){ copy, n - 1 });
	free(copy);
	return 0;
}
