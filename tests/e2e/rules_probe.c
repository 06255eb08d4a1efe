/*
 * Decides by X-Ray's sampling rules what it is asked on its standard input, for comparison with X-Ray's own SDKs. Lines of
 * fields with tabs between; each "ask" is answered by "<0 or 1><tab><rule>", each "report" by a line of JSON.
 *
 *	rules SECOND ANSWER        of GetSamplingRules
 *	targets ANSWER             of GetSamplingTargets
 *	local FILE-TEXT
 *	ask SECOND SERVICE TYPE HOST METHOD PATH     "-" is not known
 *	report SECOND
 *	reset
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/rules_file.h"
#include "exporters/xray_rules.h"

static struct rm_rules central, local;
static struct rm_random dice;

static void fail(const char *what)
{
	fprintf(stderr, "rules_probe: %s\n", what);
	exit(1);
}

static struct rm_str next(struct rm_str *line)
{
	struct rm_str field = rm_str_cut(line, '\t');

	return rm_str_eq(field, RM_STR("-")) ? (struct rm_str){ NULL, 0 } : field;
}

static uint64_t next_second(struct rm_str *line)
{
	uint64_t ret = 0;

	if (!rm_str_u64(next(line), &ret))
		fail("no second");
	return ret;
}

static void read_rules(struct rm_str line)
{
	struct rm_xray_rule_list list = { 0 };
	char token[RM_XRAY_TOKEN_BYTES];
	uint64_t now_s = next_second(&line);

	if (rm_xray_rules_add(&list, line, token) || !rm_xray_rules_publish(&list, &central, now_s))
		fail("bad rules");
	rm_xray_rules_free(&list);
}

static void ignore(void *arg, struct rm_str name, uint32_t seconds)
{
	(void)arg, (void)name, (void)seconds;
}

static void read_targets(struct rm_str line)
{
	struct rm_xray_targets said;

	if (rm_xray_targets_read(&central, line, ignore, NULL, &said))
		fail("bad targets");
}

static void read_local(struct rm_str line)
{
	const char *wrong;

	memset(&local, 0, sizeof(local));
	wrong = rm_rules_read(&local, line);
	if (wrong)
		fail(wrong);
}

static void ask(struct rm_str line)
{
	uint64_t now_s = next_second(&line);
	struct rm_rule_request r;
	struct rm_rule_decision d;

	r.service = next(&line);
	r.type = next(&line);
	r.host = next(&line);
	r.method = next(&line);
	r.path = next(&line);
	d = rm_rules_decide(&central, &r, now_s, &dice);
	if (!d.known)
		d = rm_rules_decide(&local, &r, now_s, &dice);
	printf("%d\t%.*s\n", d.sampled, (int)d.rule.n, d.rule.n ? d.rule.p : "");
}

static void reset(struct rm_str line)
{
	(void)line;
	memset(&central, 0, sizeof(central));
}

static void report(struct rm_str line)
{
	struct rm_xray_report reports[RM_RULES_MAX];
	static const uint8_t client[RM_XRAY_CLIENT_BYTES];
	uint64_t now_s = next_second(&line);
	struct rm_json j;
	uint32_t count = 0;
	struct rm_str name;

	for (uint32_t i = 0; (name = rm_rules_name(&central, i)).p; i++) {
		reports[count] = (struct rm_xray_report){ .state = rm_rules_find(&central, name), .name = name };
		count += rm_xray_report_take(&reports[count]);
	}
	rm_json_init(&j);
	rm_xray_reports_write(&j, reports, count, client, now_s);
	printf("%.*s\n", (int)j.n, j.p);
	rm_json_free(&j);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*run)(struct rm_str line);
	} commands[] = { { "rules", read_rules }, { "targets", read_targets }, { "local", read_local },
			 { "ask", ask }, { "report", report }, { "reset", reset } };
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	rm_rules_default(&local);
	while ((n = getline(&text, &cap, stdin)) > 0) {
		struct rm_str line = { text, (size_t)n - (text[n - 1] == '\n') }, name = rm_str_cut(&line, '\t');
		size_t i = 0;

		while (i < sizeof(commands) / sizeof(commands[0]) && !rm_str_eq(name, rm_str_c(commands[i].name)))
			i++;
		if (i == sizeof(commands) / sizeof(commands[0]))
			fail("unknown command");
		commands[i].run(line);
	}
	free(text);
	return fflush(stdout) != 0;
}
