/*
 * Sampling rules as AWS X-Ray has them, in memory that one writer fills and any number of threads read, also those of
 * other processes: which rule a request falls under, and what is decided by it. There is no lock. A set of rules is
 * written where none is read, then published; what was read meanwhile is noticed, and read again. Counters are atomic.
 * Spec: AWS X-Ray developer guide, "Configuring sampling rules"; X-Ray API, GetSamplingRules, GetSamplingTargets.
 */
#ifndef RM_AGENT_RULES_H
#define RM_AGENT_RULES_H

#include <stdatomic.h>

#include "base/random.h"
#include "base/str.h"

enum {
	RM_RULES_MAX = 256, /* more are left out */
	RM_RULES_TEXT_BYTES = 48 * 1024, /* of all names and patterns */
	RM_RULES_LIFE_S = 60 * 60, /* rules of a backend that is not heard of any more */
	RM_RULES_REST_S = 1,   /* between two sets at least: so long nobody reads */
};

/* The name, then patterns. */
enum rm_rule_field { RM_RULE_NAME, RM_RULE_SERVICE, RM_RULE_TYPE, RM_RULE_HOST, RM_RULE_METHOD, RM_RULE_PATH,
		     RM_RULE_FIELDS };

struct rm_rule {
	struct {
		uint16_t at, bytes; /* in the text of its set */
	} field[RM_RULE_FIELDS];
	uint16_t state;   /* its place among the states: stays while rules of that name are there */
	uint8_t borrows;  /* one request a second may be taken where there is no quota */
	uint8_t fits_all; /* X-Ray's Default: whatever its patterns are */
};

struct rm_rule_set {
	_Atomic uint32_t generation; /* odd while it is written */
	uint32_t count;
	struct rm_rule rule[RM_RULES_MAX]; /* in the order in which they are tried */
	char text[RM_RULES_TEXT_BYTES];
};

/* What changes with each request, or each answer of the backend. Seconds are those since the Unix epoch. */
struct rm_rule_state {
	_Atomic uint64_t rate;     /* a double: of what the quota leaves, so much is taken */
	_Atomic uint64_t quota;    /* the last second in which it counts << 32 | requests a second */
	_Atomic uint64_t taken;    /* second << 32 | requests that were taken in it */
	_Atomic uint64_t borrowed; /* the same of borrowed ones */
	_Atomic uint32_t requests, samples, loans; /* since they were reported */
};

struct rm_rules {
	_Atomic uint32_t current; /* 1 + the number of the set that is in force; 0: none */
	_Atomic uint32_t asked;   /* a request was decided, or should have been, since the writer looked */
	_Atomic uint64_t until_s; /* the set counts up to this second */
	uint64_t published_s;     /* the writer's */
	struct rm_rule_set set[2];
	struct rm_rule_state state[RM_RULES_MAX];
};

/*
 * What a request is matched by. What is not known (p NULL) fits every pattern, as in X-Ray's SDKs; what is empty
 * fits `*` alone. A host fits with its port or without.
 */
struct rm_rule_request {
	struct rm_str service, type, host, method, path;
};

struct rm_rule_decision {
	bool known; /* a rule applied */
	bool sampled;
	struct rm_str rule; /* its name: to be copied before anything else is done */
};

/* Decides by the rules in force at second `now_s`. Context: any, signal-safe. */
struct rm_rule_decision rm_rules_decide(struct rm_rules *r, const struct rm_rule_request *request, uint64_t now_s,
					struct rm_random *random);

/* The clock of all this. */
uint64_t rm_rules_now_s(void);

/* ---- the one writer. Context: any, signal-safe; a set in the making is that of one thread ---- */

/* A rule as it is written. */
struct rm_rule_spec {
	struct rm_str field[RM_RULE_FIELDS];
	double rate;
	uint32_t quota; /* requests a second that are always taken; 0 where the backend is to say so */
	bool borrows, fits_all;
};

struct rm_rules_draft {
	struct rm_rules *rules;
	struct rm_rule_set *set;
	uint32_t text_bytes;
	uint32_t left_out; /* rules that did not fit */
	uint64_t used[RM_RULES_MAX / 64]; /* states of this set and the one in force */
};

/* Begins a set. False: too soon after the last one. */
bool rm_rules_begin(struct rm_rules *r, uint64_t now_s, struct rm_rules_draft *ret);

/* Adds a rule behind the others. One whose name is there already keeps its quota and what was counted. */
void rm_rules_add(struct rm_rules_draft *d, const struct rm_rule_spec *spec);

/* Puts the set in force, for so many seconds (UINT32_MAX: for ever). */
void rm_rules_publish(struct rm_rules_draft *d, uint64_t now_s, uint32_t life_s);

/* The rule of that name in force, for reports and targets; NULL: none, or it has no state. */
struct rm_rule_state *rm_rules_find(struct rm_rules *r, struct rm_str name);

/* The name of rule `i` in force; p is NULL behind the last one. */
struct rm_str rm_rules_name(struct rm_rules *r, uint32_t i);

/* Sets rate and quota as the backend says; `quota_until_s` 0 leaves the quota as it is. */
void rm_rules_target(struct rm_rule_state *s, double rate, uint32_t quota, uint32_t quota_until_s);

/* Forgets what was counted: in a forked child it is the parent's to report. */
void rm_rules_forked(struct rm_rules *r);

#endif
