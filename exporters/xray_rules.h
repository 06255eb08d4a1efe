/*
 * What is said between us and X-Ray about sampling: rules and targets as they come, statistics as they go.
 * Context of everything here: worker. Spec: X-Ray API, GetSamplingRules and GetSamplingTargets.
 */
#ifndef RM_EXPORTERS_XRAY_RULES_H
#define RM_EXPORTERS_XRAY_RULES_H

#include "agent/rules.h"
#include "base/json.h"

enum { RM_XRAY_REPORTS_MAX = 25 /* in one request */, RM_XRAY_CLIENT_BYTES = 12, RM_XRAY_TOKEN_BYTES = 2048 };

/* Rules of one or more answers. Zeroed: none. */
struct rm_xray_rule_list {
	struct rm_xray_rule *rule; /* owned, with what they point to */
	uint32_t count, cap;
};

/*
 * Adds the rules of an answer that X-Ray's SDKs would go by: of version 1, for all resources, without attributes.
 * `ret_token` gets what the next request is to say, empty behind the last rules. Errors: RM_E_PROTO, RM_E_NOMEM.
 */
int rm_xray_rules_add(struct rm_xray_rule_list *list, struct rm_str answer, char ret_token[RM_XRAY_TOKEN_BYTES]);

/* Puts them in force in X-Ray's order: by priority, then by name. False: too soon after the last time. */
bool rm_xray_rules_publish(struct rm_xray_rule_list *list, struct rm_rules *rules, uint64_t now_s);

void rm_xray_rules_free(struct rm_xray_rule_list *list);

/* What is to be told of a rule: taken out of its counters. */
struct rm_xray_report {
	struct rm_rule_state *state;
	struct rm_str name;
	uint32_t requests, samples, loans;
};

/* Takes the counts out, and puts them back where they could not be told. False: there are none. */
bool rm_xray_report_take(struct rm_xray_report *r);
void rm_xray_report_put(const struct rm_xray_report *r);

void rm_xray_reports_write(struct rm_json *j, const struct rm_xray_report *report, uint32_t count,
			   const uint8_t client[RM_XRAY_CLIENT_BYTES], uint64_t now_s);

/* What an answer says besides the targets themselves. */
struct rm_xray_targets {
	uint64_t modified_s; /* when rules were last changed */
	uint32_t unprocessed;
	char why[128];	     /* of the first that was not processed */
};

/*
 * Carries out the targets of an answer. `interval` is called with the rule's name and the seconds until it is to be
 * reported again, where X-Ray says so. Errors: RM_E_PROTO.
 */
int rm_xray_targets_read(struct rm_rules *rules, struct rm_str answer,
			 void (*interval)(void *arg, struct rm_str name, uint32_t seconds), void *arg,
			 struct rm_xray_targets *ret);

#endif
