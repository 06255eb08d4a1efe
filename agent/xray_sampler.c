/*
 * Two sets of rules: those of the file never change, those of X-Ray are written by the worker, or by the relay in memory
 * that it shares. Both are mapped at the first request that has to be decided. The thread that is second to do so gives
 * its memory back. Runs in hooks; lock-free.
 */
#include "agent/xray_sampler.h"

#include "agent/fields.h"
#include "agent/outlet.h"
#include "agent/resource.h"
#include "agent/rules_file.h"
#include "base/memory.h"
#include "base/wildcard.h"

enum { NAME_BYTES = 256 };

struct boards {
	struct rm_rules local, central;
	struct rm_str service, host_pattern;
	char service_text[NAME_BYTES];
};

static struct {
	const struct rm_env *env;
	const struct rm_program *program;
	bool used;
	_Atomic(struct boards *) boards;
	_Atomic(struct rm_rules *) shared; /* the relay's */
} x;

void rm_xray_sampler_init(const struct rm_env *env, const struct rm_program *program)
{
	x.env = env;
	x.program = program;
	x.used = rm_str_eq(rm_env_str(env, RM_ENV_TRACES_SAMPLER), RM_STR("xray"));
}

bool rm_xray_sampler_is_used(void)
{
	return x.used;
}

/* As the exporter names segments: exporters/xray_json.c. */
static void name_service(struct boards *b)
{
	b->host_pattern = rm_env_str(x.env, RM_ENV_XRAY_HOST_PATTERN);
	b->service = rm_env_str(x.env, RM_ENV_XRAY_TRACING_NAME);
	if (!b->service.n)
		b->service = rm_service_name(x.env, x.program, b->service_text, sizeof(b->service_text));
}

static struct boards *make_boards(void)
{
	struct boards *b = rm_memory_get(sizeof(*b)), *none = NULL;

	if (!b)
		return NULL;
	name_service(b);
	rm_rules_load(&b->local, rm_env_name(RM_ENV_XRAY_SAMPLING_RULES),
		      rm_env_str(x.env, RM_ENV_XRAY_SAMPLING_RULES));
	if (atomic_compare_exchange_strong(&x.boards, &none, b))
		return b;
	rm_memory_put(b, sizeof(*b));
	return none;
}

/* The path of an origin-form or absolute-form target. */
static struct rm_str path_of(struct rm_str target)
{
	const char *colon = target.n && target.p[0] != '/' && target.p[0] != '*' ? memchr(target.p, ':', target.n) : NULL;
	size_t at = colon ? (size_t)(colon - target.p) + 3 : 0;

	while (colon && at < target.n && target.p[at] != '/' && target.p[at] != '?')
		at++;
	at = at < target.n ? at : target.n;
	target = (struct rm_str){ target.p + at, target.n - at };
	return rm_str_cut(&target, '?');
}

static void describe(const struct boards *b, const struct rm_head *head, struct rm_rule_request *ret)
{
	uint64_t port;
	struct rm_str host;

	*ret = (struct rm_rule_request){ .service = b->service, .host = RM_STR(""), .method = RM_STR(""),
					 .path = RM_STR("") };
	if (!head)
		return;
	host = rm_authority_split(head->authority, &port);
	ret->host = head->authority.n ? head->authority : (struct rm_str){ NULL, 0 };
	ret->method = head->method;
	ret->path = path_of(head->target);
	if (b->host_pattern.n && host.n && rm_wildcard(b->host_pattern, host))
		ret->service = host;
}

bool rm_xray_sampled(struct rm_thread *t, const struct rm_head *head, struct rm_str *ret_rule)
{
	struct boards *b = atomic_load_explicit(&x.boards, memory_order_acquire);
	struct rm_rule_request request;
	struct rm_rule_decision decision;
	struct rm_rules *central;
	uint64_t now_s = rm_rules_now_s();

	*ret_rule = (struct rm_str){ NULL, 0 };
	rm_outlet_segment(&t->ring);
	if (!b && !(b = make_boards()))
		return true;
	describe(b, head, &request);
	central = atomic_load_explicit(&x.shared, memory_order_acquire);
	decision = rm_rules_decide(central ? central : &b->central, &request, now_s, &t->random);
	if (!decision.known)
		decision = rm_rules_decide(&b->local, &request, now_s, &t->random);
	*ret_rule = decision.rule;
	return decision.sampled;
}

struct rm_rules *rm_xray_rules(bool *ret_new)
{
	struct boards *b = atomic_load_explicit(&x.boards, memory_order_acquire);

	if (ret_new)
		*ret_new = b && atomic_load_explicit(&b->central.asked, memory_order_relaxed);
	return b ? &b->central : NULL;
}

void rm_xray_rules_share(struct rm_rules *shared)
{
	atomic_store(&x.shared, shared);
}

void rm_xray_sampler_forked(void)
{
	struct boards *b = atomic_load(&x.boards);

	atomic_store(&x.shared, NULL);
	if (b)
		rm_rules_forked(&b->central);
}
