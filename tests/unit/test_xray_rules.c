/* What X-Ray says of sampling, as the service writes it, and what it is told. */
#include <stdio.h>

#include "base/err.h"
#include "exporters/xray_rules.h"
#include "tests/rmtest.h"

#define RULE(name, priority, more) \
	"{\"CreatedAt\":1.5e9,\"ModifiedAt\":1511994000.5,\"SamplingRule\":{\"Attributes\":{},\"FixedRate\":0.25," \
	"\"HTTPMethod\":\"GET\",\"Host\":\"*\",\"Priority\":" #priority ",\"ReservoirSize\":2,\"ResourceARN\":\"*\"," \
	"\"RuleARN\":\"arn:aws:xray:us-east-1:1:sampling-rule/x\",\"RuleName\":\"" name "\",\"ServiceName\":\"*\"," \
	"\"ServiceType\":\"*\",\"URLPath\":\"\\/a\",\"Version\":1" more "}}"

static struct rm_rules rules;
static struct rm_xray_rule_list list;
static char token[RM_XRAY_TOKEN_BYTES];

static int add(const char *answer)
{
	return rm_xray_rules_add(&list, rm_str_c(answer), token);
}

static void publish(void)
{
	memset(&rules, 0, sizeof(rules));
	RM_CHECK(rm_xray_rules_publish(&list, &rules, 1700000000));
	rm_xray_rules_free(&list);
}

RM_TEST("rules of all pages come into order by priority and name")
{
	RM_CHECK(add("{\"SamplingRuleRecords\":[" RULE("b", 2, "") "," RULE("c", 1, "") "],\"NextToken\":\"x\\u0041\"}") == RM_OK);
	RM_CHECK(strcmp(token, "xA") == 0);
	RM_CHECK(add("{\"NextToken\":null,\"SamplingRuleRecords\":[" RULE("a", 2, "") "," RULE("ab", 2, "") "]}") == RM_OK);
	RM_CHECK(!*token && list.count == 4);
	publish();
	RM_CHECK_STR(rm_rules_name(&rules, 0), "c");
	RM_CHECK_STR(rm_rules_name(&rules, 1), "a");
	RM_CHECK_STR(rm_rules_name(&rules, 2), "ab");
	RM_CHECK_STR(rm_rules_name(&rules, 3), "b");
	RM_CHECK(!rm_rules_name(&rules, 4).p);
}

RM_TEST("rules that X-Ray's SDKs leave out are left out")
{
	RM_CHECK(add("{\"SamplingRuleRecords\":[" RULE("a", 1, ",\"Version\":2") "," RULE("b", 1, ",\"Attributes\":{\"k\":\"v\"}") ","
		     RULE("c", 1, ",\"ResourceARN\":\"arn:x\"") "," RULE("d", 1, ",\"ServiceType\":\"\"") ",{\"SamplingRule\":{}},{},7,"
		     RULE("e", 1, ",\"SamplingRateBoost\":{\"MaxRate\":0.5,\"CooldownWindowMinutes\":10}") "]}") == RM_OK);
	RM_CHECK(list.count == 1);
	publish();
	RM_CHECK_STR(rm_rules_name(&rules, 0), "e");
}

RM_TEST("an answer that is none, or has no rules in it, is an error")
{
	static const char *const bad[] = { "", "null", "{}", "{\"message\":\"no\"}", "{\"SamplingRuleRecords\":[", "<html>",
					   "{\"SamplingRuleRecords\":{}}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		RM_CHECK(add(bad[i]) == RM_E_PROTO && list.count == 0);
	rm_xray_rules_free(&list);
}

static uint32_t intervals;

static void on_interval(void *arg, struct rm_str name, uint32_t seconds)
{
	RM_CHECK(arg == &rules && rm_str_eq(name, RM_STR("a")));
	intervals += seconds;
}

RM_TEST("targets set rate and quota; what is not said stays; what was not processed is told")
{
	struct rm_xray_targets said;
	struct rm_rule_state *a;
	uint64_t half = 0x3fe0000000000000;

	RM_CHECK(add("{\"SamplingRuleRecords\":[" RULE("a", 1, "") "," RULE("b", 2, "") "]}") == RM_OK);
	publish();
	a = rm_rules_find(&rules, RM_STR("a"));
	RM_CHECK(rm_xray_targets_read(&rules, RM_STR("{\"LastRuleModification\":1.7E9,\"SamplingTargetDocuments\":["
		"{\"FixedRate\":0.5,\"Interval\":20,\"ReservoirQuota\":7,\"ReservoirQuotaTTL\":1700000020.0,\"RuleName\":\"a\","
		"\"SamplingBoost\":{\"BoostRate\":1}},{\"RuleName\":\"unknown\",\"FixedRate\":1},{\"RuleName\":\"b\"}],"
		"\"UnprocessedStatistics\":[{\"ErrorCode\":\"404\",\"Message\":\"no such rule\",\"RuleName\":\"x\"},{}]}"),
		on_interval, &rules, &said) == RM_OK);
	RM_CHECK(said.modified_s == 1700000000 && said.unprocessed == 2 && strcmp(said.why, "no such rule") == 0);
	RM_CHECK(intervals == 20 && a->rate == half && a->quota == (1700000020ull << 32 | 7));
	RM_CHECK(rm_xray_targets_read(&rules, RM_STR("{\"SamplingTargetDocuments\":[{\"RuleName\":\"a\",\"FixedRate\":0}]}"),
				      on_interval, &rules, &said) == RM_OK);
	RM_CHECK(a->rate == 0 && a->quota == (1700000020ull << 32 | 7) && said.modified_s == 0);
	RM_CHECK(rm_xray_targets_read(&rules, RM_STR("[]"), on_interval, &rules, &said) == RM_E_PROTO);
}

RM_TEST("statistics are the counts since the last report, and come back where it failed")
{
	const uint8_t client[RM_XRAY_CLIENT_BYTES] = { 0xab };
	struct rm_xray_report r = { .state = rm_rules_find(&rules, RM_STR("a")), .name = RM_STR("a\"") };
	struct rm_json j;

	RM_CHECK(!rm_xray_report_take(&r));
	r.state->requests = 9;
	r.state->samples = 4;
	r.state->loans = 1;
	RM_CHECK(rm_xray_report_take(&r) && r.state->requests == 0);
	rm_json_init(&j);
	rm_xray_reports_write(&j, &r, 1, client, 1700000001);
	RM_CHECK_STR(((struct rm_str){ j.p, j.n }),
		     "{\"SamplingStatisticsDocuments\":[{\"RuleName\":\"a\\\"\",\"ClientID\":\"ab0000000000000000000000\","
		     "\"Timestamp\":1700000001,\"RequestCount\":9,\"SampledCount\":4,\"BorrowCount\":1}]}");
	rm_json_free(&j);
	r.state->requests = 2;
	rm_xray_report_put(&r);
	RM_CHECK(r.state->requests == 11 && r.state->samples == 4 && r.state->loans == 1);
}
