/* Sampling rules: which one applies, what is taken of a second, and sets that change while they are read. */
#include <pthread.h>

#include "agent/rules.h"
#include "tests/rmtest.h"

enum { T = 1700000000 };

static struct rm_rules rules;
static struct rm_random dice;

static struct rm_rule_spec spec(const char *name, const char *path, double rate)
{
	struct rm_rule_spec s = { .rate = rate };

	for (int f = 0; f < RM_RULE_FIELDS; f++)
		s.field[f] = RM_STR("*");
	s.field[RM_RULE_NAME] = rm_str_c(name);
	s.field[RM_RULE_PATH] = rm_str_c(path);
	return s;
}

static void publish(uint64_t now_s, const struct rm_rule_spec *s, int count)
{
	struct rm_rules_draft d;

	RM_CHECK(rm_rules_begin(&rules, now_s, &d));
	for (int i = 0; i < count; i++)
		rm_rules_add(&d, &s[i]);
	RM_CHECK(d.left_out == 0);
	rm_rules_publish(&d, now_s, RM_RULES_LIFE_S);
}

static struct rm_rule_decision ask(const char *path, uint64_t now_s)
{
	const struct rm_rule_request r = { .service = RM_STR("shop"), .host = RM_STR("a.example:8080"),
					   .method = RM_STR("GET"), .path = rm_str_c(path) };

	return rm_rules_decide(&rules, &r, now_s, &dice);
}

static void start(void)
{
	memset(&rules, 0, sizeof(rules));
}

RM_TEST("the first rule that fits decides, and without any nothing does")
{
	const struct rm_rule_spec s[] = { spec("one", "/a*", 1), spec("two", "/?b", 0), spec("three", "/abc", 0) };

	start();
	RM_CHECK(!ask("/a", T).known && rules.asked == 1);
	publish(T, s, 3);
	RM_CHECK(ask("/abc", T).known && ask("/abc", T).sampled);
	RM_CHECK_STR(ask("/abc", T).rule, "one");
	RM_CHECK_STR(ask("/xb", T).rule, "two");
	RM_CHECK(!ask("/xb", T).sampled && !ask("/x", T).known);
}

RM_TEST("a host fits with its port and without, and what is not known fits everything")
{
	struct rm_rule_spec s[] = { spec("port", "*", 1), spec("host", "*", 1), spec("type", "*", 1) };
	struct rm_rule_request r = { .host = RM_STR("a.example:8080"), .type = RM_STR("AWS::EC2::Instance") };

	start();
	s[0].field[RM_RULE_HOST] = RM_STR("*:8081");
	s[1].field[RM_RULE_HOST] = RM_STR("A.EXAMPLE");
	s[2].field[RM_RULE_TYPE] = RM_STR("AWS::ECS*");
	publish(T, s, 3);
	RM_CHECK_STR(rm_rules_decide(&rules, &r, T, &dice).rule, "host");
	r.host = RM_STR("b:8081");
	RM_CHECK_STR(rm_rules_decide(&rules, &r, T, &dice).rule, "port");
	r.host = RM_STR("b");
	RM_CHECK(!rm_rules_decide(&rules, &r, T, &dice).known);
	r.type.p = NULL;
	RM_CHECK_STR(rm_rules_decide(&rules, &r, T, &dice).rule, "type");
	r.host = RM_STR("");
	RM_CHECK_STR(rm_rules_decide(&rules, &r, T, &dice).rule, "type");
	r.host.p = NULL;
	RM_CHECK_STR(rm_rules_decide(&rules, &r, T, &dice).rule, "port");
}

RM_TEST("a quota is taken each second anew; without one a request a second is borrowed")
{
	struct rm_rule_spec s[] = { spec("r", "*", 0) };
	struct rm_rule_state *state;

	start();
	s[0].borrows = true;
	publish(T, s, 1);
	state = rm_rules_find(&rules, RM_STR("r"));
	RM_CHECK(ask("/", T).sampled && !ask("/", T).sampled && ask("/", T + 1).sampled);
	RM_CHECK(state->requests == 3 && state->loans == 2 && state->samples == 0);
	rm_rules_target(state, 0, 3, T + 12);
	for (int i = 0; i < 5; i++)
		RM_CHECK(ask("/", T + 12).sampled == (i < 3));
	RM_CHECK(state->requests == 8 && state->loans == 2 && state->samples == 3);
	RM_CHECK(ask("/", T + 13).sampled && !ask("/", T + 13).sampled);
	RM_CHECK(state->loans == 3);
	rm_rules_target(state, 1, 0, T + 30);
	RM_CHECK(ask("/", T + 13).sampled && state->samples == 4 && state->loans == 3);
}

RM_TEST("a second that is over does not come back, unless the clock was set")
{
	struct rm_rule_spec s[] = { spec("r", "*", 0) };

	start();
	s[0].quota = 1;
	publish(T, s, 1);
	RM_CHECK(ask("/", T + 1).sampled && !ask("/", T).sampled && !ask("/", T + 1).sampled);
	RM_CHECK(ask("/", T - 3000).sampled);
}

RM_TEST("of what is not in a quota the rate is taken")
{
	struct rm_rule_spec s[] = { spec("r", "*", 0.25) };
	int taken = 0;

	start();
	publish(T, s, 1);
	dice = (struct rm_random){ { 1, 2, 3, 4 } };
	for (int i = 0; i < 40000; i++)
		taken += ask("/", T).sampled;
	RM_CHECK(taken > 9600 && taken < 10400);
	dice = (struct rm_random){ { 0 } };
}

RM_TEST("rules of the same name keep quota and counts when they are fetched anew, and expire after an hour")
{
	struct rm_rule_spec s[] = { spec("old", "/old", 0), spec("r", "*", 0) }, t[] = { spec("r", "*", 0), spec("new", "/n", 1) };
	struct rm_rules_draft d;

	start();
	publish(T, s, 2);
	rm_rules_target(rm_rules_find(&rules, RM_STR("r")), 0, 1, T + 10000);
	RM_CHECK(ask("/", T).sampled);
	RM_CHECK(!rm_rules_begin(&rules, T, &d));
	publish(T + 1, t, 2);
	RM_CHECK(!rm_rules_find(&rules, RM_STR("old")) && rm_rules_find(&rules, RM_STR("r"))->requests == 1);
	RM_CHECK(!ask("/", T).sampled && ask("/", T + 1).sampled);
	publish(T + 2, s, 2);
	RM_CHECK(rm_rules_find(&rules, RM_STR("old"))->requests == 0 && !ask("/old", T + 2).sampled);
	RM_CHECK(ask("/", T + 2 + 3600).known && !ask("/", T + 2 + 3601).known);
}

RM_TEST("what is too much is left out, and numbers of a set that is not sound stay inside")
{
	static char text[RM_RULES_TEXT_BYTES];
	struct rm_rule_spec long_one = spec("r", "*", 1), small = spec("s", "/s", 1);
	struct rm_rules_draft d;

	start();
	memset(text, '*', sizeof(text));
	long_one.field[RM_RULE_PATH] = (struct rm_str){ text, sizeof(text) };
	RM_CHECK(rm_rules_begin(&rules, T, &d));
	rm_rules_add(&d, &long_one);
	RM_CHECK(d.left_out == 1);
	for (int i = 0; i < RM_RULES_MAX + 5; i++)
		rm_rules_add(&d, &small);
	RM_CHECK(d.left_out == 6);
	rm_rules_publish(&d, T, 60);
	RM_CHECK(ask("/s", T).known);
	rules.set[rules.current - 1].count = UINT32_MAX;
	for (int i = 0; i < RM_RULES_MAX; i++)
		memset(&rules.set[rules.current - 1].rule[i], 0xff, sizeof(struct rm_rule));
	RM_CHECK(ask("/s", T).known && rm_rules_name(&rules, 3).n == 0);
	rules.current = 77;
	ask("/s", T);
}

/* ---- threads ---- */

static atomic_bool over;
static _Atomic uint32_t sampled, wrong, asked;

static void *ask_on(void *arg)
{
	struct rm_random own = { { (uintptr_t)arg, 5, 6, 7 } };
	const struct rm_rule_request r = { .path = RM_STR("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab") };

	while (!atomic_load(&over)) {
		struct rm_rule_decision d = rm_rules_decide(&rules, &r, T, &own);

		asked++;
		sampled += d.known && d.sampled;
		/* Sets follow each other faster than any writer may: the text may be the next one's by now. */
		wrong += d.known && d.rule.n != 1;
	}
	return NULL;
}

RM_TEST("threads that ask while sets change take no more than the quota, and find whole rules")
{
	struct rm_rule_spec x[] = { spec("n", "/b*", 1), spec("x", "*a*a*a*b", 0), spec("y", "*", 0) };
	struct rm_rule_spec y[] = { spec("y", "/a*b", 0), spec("n", "/c", 1), spec("x", "*", 0) };
	pthread_t thread[3];

	start();
	x[1].quota = x[2].quota = y[0].quota = y[2].quota = 50;
	publish(T, x, 3);
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, ask_on, (void *)(i + 1));
	for (int i = 1; i < 2000 || asked < 100000; i++)
		publish(T + i % 2 * 10000, i % 2 ? y : x, 3);
	/* Each set in peace, too: the others changed too fast for some. */
	for (int i = 0; i < 2; i++) {
		uint32_t before = asked;

		publish(T + (i + 2) * 20000 % 3600, i ? y : x, 3);
		while (asked - before < 1000)
			sched_yield();
	}
	atomic_store(&over, true);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	RM_CHECK(sampled == 100 && wrong == 0); /* 50 by each of the two rules */
}
