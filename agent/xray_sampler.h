/*
 * OTEL_TRACES_SAMPLER=xray: requests without a decision of their caller's are sampled by the rules that X-Ray gives out,
 * which the worker or the relay fetches; where it gives none, by those of a file, else by its default rule.
 */
#ifndef RM_AGENT_XRAY_SAMPLER_H
#define RM_AGENT_XRAY_SAMPLER_H

#include "agent/program.h"
#include "agent/rules.h"
#include "agent/thread.h"
#include "base/env.h"
#include "protocols/proto.h"

/* Remembers the settings (borrowed for ever). Context: init. */
void rm_xray_sampler_init(const struct rm_env *env, const struct rm_program *program);

/*
 * Decides for a span that begins with a request's head; NULL: with something else. *ret_rule is the name of the rule,
 * where it has one: to be copied before anything else is done. The first call reads the file and joins the relay.
 * Context: hook.
 */
bool rm_xray_sampled(struct rm_thread *t, const struct rm_head *head, struct rm_str *ret_rule);

/*
 * The rules that X-Ray gives out, for who fetches them; NULL where nobody asked for any. `ret_new` (may be NULL): requests
 * came since they were looked at. Context: any.
 */
struct rm_rules *rm_xray_rules(bool *ret_new);

/* Goes by rules that another process writes; NULL: by this one's own again. Context: hook. */
void rm_xray_rules_share(struct rm_rules *shared);

/* True where the sampler was chosen. Context: any. */
bool rm_xray_sampler_is_used(void);

/* Context: hook, in the child of a fork. */
void rm_xray_sampler_forked(void);

#endif
