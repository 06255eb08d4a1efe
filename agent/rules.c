/*
 * See rules.h. A set may lie in memory that other processes write to: every number that is read from it is
 * kept within its bounds, so that the worst is a wrong decision. Runs in hooks; lock-free. Spec: as rules.h says; what is
 * not said there is as aws-xray-sdk for Python does it (core/sampling).
 */
#include "agent/rules.h"

#include <string.h>

#include "base/clock.h"
#include "base/wildcard.h"

enum { TRIES = 3, SWAPS_MAX = 64, CLOCK_STEP_S = 60 };

uint64_t rm_rules_now_s(void)
{
	return rm_clock_wall_ns() / 1000000000;
}

/* ---- reading ---- */

static struct rm_str field_of(const struct rm_rule_set *set, const struct rm_rule *rule, enum rm_rule_field f)
{
	uint32_t at = rule->field[f].at, bytes = rule->field[f].bytes;

	if (at + bytes > RM_RULES_TEXT_BYTES)
		return RM_STR("");
	return (struct rm_str){ set->text + at, bytes };
}

static uint32_t count_of(const struct rm_rule_set *set)
{
	uint32_t count = __atomic_load_n(&set->count, __ATOMIC_RELAXED);

	return count < RM_RULES_MAX ? count : RM_RULES_MAX;
}

static bool fits(struct rm_str pattern, struct rm_str text)
{
	return !text.p || (pattern.n == 1 && pattern.p[0] == '*') || rm_wildcard(pattern, text);
}

static struct rm_str without_port(struct rm_str host)
{
	size_t n = host.n;

	while (n > 0 && host.p[n - 1] >= '0' && host.p[n - 1] <= '9')
		n--;
	return n > 1 && n < host.n && host.p[n - 1] == ':' ? (struct rm_str){ host.p, n - 1 } : host;
}

static bool applies(const struct rm_rule_set *set, const struct rm_rule *rule, const struct rm_rule_request *r)
{
	struct rm_str host = field_of(set, rule, RM_RULE_HOST);

	return rule->fits_all || (fits(field_of(set, rule, RM_RULE_METHOD), r->method) &&
				  (fits(host, r->host) || fits(host, without_port(r->host))) &&
				  fits(field_of(set, rule, RM_RULE_PATH), r->path) &&
				  fits(field_of(set, rule, RM_RULE_SERVICE), r->service) &&
				  fits(field_of(set, rule, RM_RULE_TYPE), r->type));
}

/* The set in force, whose generation goes to *ret; NULL: there is none, or it is being written. */
static struct rm_rule_set *current(struct rm_rules *r, uint32_t *ret_generation)
{
	uint32_t number = atomic_load_explicit(&r->current, memory_order_acquire);
	struct rm_rule_set *set = &r->set[(number - 1) & 1];

	*ret_generation = atomic_load_explicit(&set->generation, memory_order_acquire);
	return number && !(*ret_generation & 1) ? set : NULL;
}

/* True when nothing was written since. */
static bool still(const struct rm_rule_set *set, uint32_t generation)
{
	__sync_synchronize(); /* atomic_thread_fence, which gcc refuses under -fsanitize=thread */
	return atomic_load_explicit(&set->generation, memory_order_relaxed) == generation;
}

struct found {
	struct rm_rule_state *state;
	struct rm_str name;
	bool borrows;
};

static bool find(struct rm_rules *r, const struct rm_rule_request *request, struct found *ret)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t generation;
		struct rm_rule_set *set = current(r, &generation);
		uint32_t n = 0, count = set ? count_of(set) : 0;

		while (n < count && !applies(set, &set->rule[n], request))
			n++;
		if (n < count)
			*ret = (struct found){ .state = &r->state[set->rule[n].state % RM_RULES_MAX],
					       .name = field_of(set, &set->rule[n], RM_RULE_NAME),
					       .borrows = set->rule[n].borrows };
		if (set && still(set, generation))
			return n < count;
	}
	return false;
}

/* ---- deciding ---- */

/*
 * Takes one of `limit` in this second. Threads that read the clock at its turn do not take what the next second's have
 * begun with: only a clock that was set back begins anew.
 */
static bool take(_Atomic uint64_t *word, uint32_t now_s, uint32_t limit)
{
	uint64_t was = atomic_load_explicit(word, memory_order_relaxed);

	for (int i = 0; i < SWAPS_MAX; i++) {
		uint32_t second = (uint32_t)(was >> 32), used = (uint32_t)was;

		if (second < now_s || second > now_s + CLOCK_STEP_S) {
			second = now_s;
			used = 0;
		}
		if (used >= limit)
			return false;
		if (atomic_compare_exchange_weak_explicit(word, &was, (uint64_t)second << 32 | (used + 1),
							  memory_order_relaxed, memory_order_relaxed))
			return true;
	}
	return false;
}

static bool by_rate(struct rm_rule_state *s, struct rm_random *random)
{
	uint64_t bits = atomic_load_explicit(&s->rate, memory_order_relaxed);
	double rate;

	memcpy(&rate, &bits, sizeof(rate));
	return (double)(rm_random_u64(random) >> 11) * 0x1p-53 < rate;
}

static void count(_Atomic uint32_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static bool decide(const struct found *f, uint32_t now_s, struct rm_random *random)
{
	struct rm_rule_state *s = f->state;
	uint64_t quota = atomic_load_explicit(&s->quota, memory_order_relaxed);
	bool has_quota = quota >> 32 >= now_s;

	count(&s->requests);
	if (!has_quota && f->borrows && take(&s->borrowed, now_s, 1)) {
		count(&s->loans);
		return true;
	}
	if ((has_quota && take(&s->taken, now_s, (uint32_t)quota)) || by_rate(s, random)) {
		count(&s->samples);
		return true;
	}
	return false;
}

struct rm_rule_decision rm_rules_decide(struct rm_rules *r, const struct rm_rule_request *request, uint64_t now_s,
					struct rm_random *random)
{
	struct rm_rule_decision ret = { .known = false };
	struct found f = { .state = NULL };

	if (!atomic_load_explicit(&r->asked, memory_order_relaxed))
		atomic_store_explicit(&r->asked, 1, memory_order_relaxed);
	if (now_s > atomic_load_explicit(&r->until_s, memory_order_relaxed) || !find(r, request, &f))
		return ret;
	ret.known = true;
	ret.sampled = decide(&f, (uint32_t)now_s, random);
	ret.rule = f.name;
	return ret;
}

/* ---- writing ---- */

struct rm_str rm_rules_name(struct rm_rules *r, uint32_t i)
{
	uint32_t generation;
	const struct rm_rule_set *set = current(r, &generation);

	return set && i < count_of(set) ? field_of(set, &set->rule[i], RM_RULE_NAME) : (struct rm_str){ NULL, 0 };
}

/* The place of a rule among those in force; -1: it is not there. */
static int place_of(struct rm_rules *r, struct rm_str name)
{
	struct rm_str other;

	for (uint32_t i = 0; (other = rm_rules_name(r, i)).p; i++)
		if (rm_str_eq(other, name))
			return (int)i;
	return -1;
}

struct rm_rule_state *rm_rules_find(struct rm_rules *r, struct rm_str name)
{
	uint32_t generation;
	struct rm_rule_set *set = current(r, &generation);
	int place = place_of(r, name);

	return set && place >= 0 ? &r->state[set->rule[place].state % RM_RULES_MAX] : NULL;
}

static void use(struct rm_rules_draft *d, uint32_t state)
{
	d->used[state / 64] |= 1ull << state % 64;
}

bool rm_rules_begin(struct rm_rules *r, uint64_t now_s, struct rm_rules_draft *ret)
{
	uint32_t number = atomic_load(&r->current), generation;
	struct rm_rule_set *before = current(r, &generation);

	if (number && now_s >= r->published_s && now_s < r->published_s + RM_RULES_REST_S)
		return false;
	*ret = (struct rm_rules_draft){ .rules = r, .set = &r->set[number == 1] };
	for (uint32_t i = 0; before && i < count_of(before); i++)
		use(ret, before->rule[i].state % RM_RULES_MAX);
	atomic_store(&ret->set->generation, atomic_load(&ret->set->generation) | 1);
	ret->set->count = 0;
	__sync_synchronize();
	return true;
}

static void set_rate(struct rm_rule_state *s, double rate)
{
	uint64_t bits;

	memcpy(&bits, &rate, sizeof(bits));
	atomic_store_explicit(&s->rate, bits, memory_order_relaxed);
}

/* A state for a rule: its own, or one that no rule has had lately. -1: there is none. */
static int find_state(struct rm_rules_draft *d, struct rm_str name)
{
	uint32_t generation;
	const struct rm_rule_set *before = current(d->rules, &generation);
	int place = place_of(d->rules, name);

	if (before && place >= 0)
		return before->rule[place].state % RM_RULES_MAX;
	for (int i = 0; i < RM_RULES_MAX; i++)
		if (!(d->used[i / 64] >> i % 64 & 1)) {
			memset(&d->rules->state[i], 0, sizeof(d->rules->state[i]));
			return i;
		}
	return -1;
}

void rm_rules_add(struct rm_rules_draft *d, const struct rm_rule_spec *spec)
{
	struct rm_rule rule = { .borrows = spec->borrows, .fits_all = spec->fits_all };
	uint32_t bytes = d->text_bytes;
	int state;

	for (int f = 0; f < RM_RULE_FIELDS; f++) {
		if (spec->field[f].n > RM_RULES_TEXT_BYTES - bytes) {
			d->left_out++;
			return;
		}
		rule.field[f].at = (uint16_t)bytes;
		rule.field[f].bytes = (uint16_t)spec->field[f].n;
		if (spec->field[f].n)
			memcpy(d->set->text + bytes, spec->field[f].p, spec->field[f].n);
		bytes += (uint32_t)spec->field[f].n;
	}
	state = d->set->count < RM_RULES_MAX ? find_state(d, spec->field[RM_RULE_NAME]) : -1;
	if (state < 0) {
		d->left_out++;
		return;
	}
	use(d, (uint32_t)state);
	rule.state = (uint16_t)state;
	set_rate(&d->rules->state[state], spec->rate);
	if (spec->quota)
		atomic_store(&d->rules->state[state].quota, (uint64_t)UINT32_MAX << 32 | spec->quota);
	d->text_bytes = bytes;
	d->set->rule[d->set->count++] = rule;
}

void rm_rules_publish(struct rm_rules_draft *d, uint64_t now_s, uint32_t life_s)
{
	struct rm_rules *r = d->rules;

	atomic_store(&d->set->generation, (atomic_load(&d->set->generation) | 1) + 1);
	atomic_store(&r->current, 1 + (uint32_t)(d->set - r->set));
	atomic_store(&r->until_s, life_s == UINT32_MAX ? UINT64_MAX : now_s + life_s);
	r->published_s = now_s;
}

void rm_rules_target(struct rm_rule_state *s, double rate, uint32_t quota, uint32_t quota_until_s)
{
	set_rate(s, rate);
	if (quota_until_s)
		atomic_store_explicit(&s->quota, (uint64_t)quota_until_s << 32 | quota, memory_order_relaxed);
}

void rm_rules_forked(struct rm_rules *r)
{
	for (int i = 0; i < RM_RULES_MAX; i++) {
		atomic_store_explicit(&r->state[i].requests, 0, memory_order_relaxed);
		atomic_store_explicit(&r->state[i].samples, 0, memory_order_relaxed);
		atomic_store_explicit(&r->state[i].loans, 0, memory_order_relaxed);
	}
}
