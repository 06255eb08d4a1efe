/* See xray_rules.h. */
#include "exporters/xray_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"

enum { TEXT_BYTES = 4096 /* of one rule */, RULES_MAX = 4096, NAME_BYTES = 512 };

struct rm_xray_rule {
	int32_t priority;
	struct rm_rule_spec spec; /* its texts point into ... */
	char *text;		  /* ... this; owned */
};

/* ---- rules ---- */

struct reading {
	struct rm_rule_spec spec;
	struct rm_str resource;
	double priority, rate, reservoir, version;
	bool has_attributes;
};

static bool is_member(struct rm_str key, const char *name)
{
	return rm_str_eq(key, rm_str_c(name));
}

static void read_attributes(struct rm_json_reader *j, struct reading *r)
{
	struct rm_str key;

	if (!rm_json_object(j))
		return;
	while (rm_json_member(j, &key)) {
		r->has_attributes = true;
		rm_json_skip(j);
	}
}

static void read_rule_member(struct rm_json_reader *j, struct rm_str key, struct rm_strbuf *texts, struct reading *r)
{
	static const struct {
		const char *name;
		enum rm_rule_field field;
	} names[] = {
		{ "RuleName", RM_RULE_NAME },	{ "ServiceName", RM_RULE_SERVICE }, { "ServiceType", RM_RULE_TYPE },
		{ "Host", RM_RULE_HOST },	{ "HTTPMethod", RM_RULE_METHOD },   { "URLPath", RM_RULE_PATH },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_member(key, names[i].name)) {
			rm_json_string(j, texts, &r->spec.field[names[i].field]);
			return;
		}
	if (is_member(key, "ResourceARN"))
		rm_json_string(j, texts, &r->resource);
	else if (is_member(key, "Attributes"))
		read_attributes(j, r);
	else if (is_member(key, "Priority"))
		rm_json_number(j, &r->priority);
	else if (is_member(key, "FixedRate"))
		rm_json_number(j, &r->rate);
	else if (is_member(key, "ReservoirSize"))
		rm_json_number(j, &r->reservoir);
	else if (is_member(key, "Version"))
		rm_json_number(j, &r->version);
	else
		rm_json_skip(j);
}

static bool is_for_us(const struct reading *r)
{
	for (int f = 0; f < RM_RULE_FIELDS; f++)
		if (!r->spec.field[f].p)
			return false;
	return r->version == 1 && rm_str_eq(r->resource, RM_STR("*")) && r->spec.field[RM_RULE_TYPE].n > 0 &&
	       r->spec.field[RM_RULE_NAME].n > 0 && !r->has_attributes;
}

/* X-Ray has 1 to 9999. */
static int32_t priority_of(const struct reading *r)
{
	return r->priority > 0 ? (r->priority < INT32_MAX ? (int32_t)r->priority : INT32_MAX) : 0;
}

static int keep(struct rm_xray_rule_list *list, const struct reading *r)
{
	struct rm_xray_rule rule = { .priority = priority_of(r), .spec = r->spec };
	size_t bytes = 1, at = 0;

	if (list->count == RULES_MAX)
		return RM_OK;
	if (list->count == list->cap) {
		uint32_t cap = list->cap ? 2 * list->cap : 32;
		void *grown = realloc(list->rule, cap * sizeof(*list->rule));

		if (!grown)
			return RM_E_NOMEM;
		list->rule = grown;
		list->cap = cap;
	}
	for (int f = 0; f < RM_RULE_FIELDS; f++)
		bytes += r->spec.field[f].n;
	rule.text = malloc(bytes);
	if (!rule.text)
		return RM_E_NOMEM;
	for (int f = 0; f < RM_RULE_FIELDS; f++) {
		memcpy(rule.text + at, r->spec.field[f].p, r->spec.field[f].n);
		rule.spec.field[f].p = rule.text + at;
		at += r->spec.field[f].n;
	}
	rule.spec.rate = r->rate;
	rule.spec.borrows = r->reservoir > 0;
	rule.spec.fits_all = rm_str_eq(rule.spec.field[RM_RULE_NAME], RM_STR("Default"));
	list->rule[list->count++] = rule;
	return RM_OK;
}

/* One of SamplingRuleRecords: { "SamplingRule": { ... }, "CreatedAt": ... }. */
static int read_record(struct rm_json_reader *j, struct rm_xray_rule_list *list)
{
	char room[TEXT_BYTES];
	struct reading r = { .has_attributes = false };
	struct rm_strbuf texts;
	struct rm_str key;

	rm_strbuf_init(&texts, room, sizeof(room));
	if (!rm_json_object(j))
		return RM_OK;
	while (rm_json_member(j, &key)) {
		if (!is_member(key, "SamplingRule")) {
			rm_json_skip(j);
			continue;
		}
		if (rm_json_object(j))
			while (rm_json_member(j, &key))
				read_rule_member(j, key, &texts, &r);
	}
	return is_for_us(&r) ? keep(list, &r) : RM_OK;
}

int rm_xray_rules_add(struct rm_xray_rule_list *list, struct rm_str answer, char ret_token[RM_XRAY_TOKEN_BYTES])
{
	struct rm_json_reader j;
	struct rm_strbuf token;
	struct rm_str key, text = RM_STR("");
	bool found = false;
	int error = RM_OK;

	rm_json_read(&j, answer);
	rm_strbuf_init(&token, ret_token, RM_XRAY_TOKEN_BYTES - 1);
	if (rm_json_object(&j))
		while (!error && rm_json_member(&j, &key)) {
			if (is_member(key, "NextToken")) {
				rm_json_string(&j, &token, &text);
			} else if (is_member(key, "SamplingRuleRecords") && rm_json_array(&j)) {
				found = true;
				while (!error && rm_json_element(&j))
					error = read_record(&j, list);
			} else if (!is_member(key, "SamplingRuleRecords")) {
				rm_json_skip(&j);
			}
		}
	ret_token[text.n] = '\0';
	if (error)
		return error;
	return found && rm_json_read_all(&j) ? RM_OK : RM_E_PROTO;
}

static int order(const void *a, const void *b)
{
	const struct rm_xray_rule *x = a, *y = b;
	struct rm_str n = x->spec.field[RM_RULE_NAME], m = y->spec.field[RM_RULE_NAME];
	int names;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	names = memcmp(n.p, m.p, n.n < m.n ? n.n : m.n);
	return names ? names : (n.n > m.n) - (n.n < m.n);
}

bool rm_xray_rules_publish(struct rm_xray_rule_list *list, struct rm_rules *rules, uint64_t now_s)
{
	struct rm_rules_draft d;

	if (!rm_rules_begin(rules, now_s, &d))
		return false;
	if (list->count)
		qsort(list->rule, list->count, sizeof(*list->rule), order);
	for (uint32_t i = 0; i < list->count; i++)
		rm_rules_add(&d, &list->rule[i].spec);
	rm_rules_publish(&d, now_s, RM_RULES_LIFE_S);
	if (d.left_out)
		rm_debug(RM_LOG_EXPORT, "xray: %u sampling rules are too many or too long, and left out", d.left_out);
	return true;
}

void rm_xray_rules_free(struct rm_xray_rule_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free(list->rule[i].text);
	free(list->rule);
	*list = (struct rm_xray_rule_list){ 0 };
}

/* ---- statistics ---- */

bool rm_xray_report_take(struct rm_xray_report *r)
{
	r->requests = atomic_exchange(&r->state->requests, 0);
	r->samples = atomic_exchange(&r->state->samples, 0);
	r->loans = atomic_exchange(&r->state->loans, 0);
	return r->requests > 0;
}

void rm_xray_report_put(const struct rm_xray_report *r)
{
	atomic_fetch_add(&r->state->requests, r->requests);
	atomic_fetch_add(&r->state->samples, r->samples);
	atomic_fetch_add(&r->state->loans, r->loans);
}

static void number(struct rm_json *j, const char *key, uint64_t v)
{
	rm_json_key(j, key);
	rm_json_i64(j, (int64_t)v);
}

void rm_xray_reports_write(struct rm_json *j, const struct rm_xray_report *report, uint32_t count,
			   const uint8_t client[RM_XRAY_CLIENT_BYTES], uint64_t now_s)
{
	rm_json_open(j, '{');
	rm_json_key(j, "SamplingStatisticsDocuments");
	rm_json_open(j, '[');
	for (uint32_t i = 0; i < count; i++) {
		rm_json_open(j, '{');
		rm_json_key(j, "RuleName");
		rm_json_str(j, report[i].name);
		rm_json_key(j, "ClientID");
		rm_json_hex(j, client, RM_XRAY_CLIENT_BYTES);
		number(j, "Timestamp", now_s);
		number(j, "RequestCount", report[i].requests);
		number(j, "SampledCount", report[i].samples);
		number(j, "BorrowCount", report[i].loans);
		rm_json_close(j, '}');
	}
	rm_json_close(j, ']');
	rm_json_close(j, '}');
}

/* ---- targets ---- */

struct target {
	struct rm_str name;
	double rate, quota, until_s, interval_s; /* negative: not said */
};

static void read_target(struct rm_json_reader *j, struct rm_strbuf *texts, struct target *ret)
{
	struct rm_str key;

	texts->n = 0;
	*ret = (struct target){ .rate = -1, .quota = -1, .until_s = -1, .interval_s = -1 };
	if (!rm_json_object(j))
		return;
	while (rm_json_member(j, &key)) {
		if (is_member(key, "RuleName"))
			rm_json_string(j, texts, &ret->name);
		else if (is_member(key, "FixedRate"))
			rm_json_number(j, &ret->rate);
		else if (is_member(key, "ReservoirQuota"))
			rm_json_number(j, &ret->quota);
		else if (is_member(key, "ReservoirQuotaTTL"))
			rm_json_number(j, &ret->until_s);
		else if (is_member(key, "Interval"))
			rm_json_number(j, &ret->interval_s);
		else
			rm_json_skip(j);
	}
}

static uint32_t within(double v, uint32_t max)
{
	return v > 0 ? (v < max ? (uint32_t)v : max) : 0;
}

/* What is not said stays as it was, as in X-Ray's SDKs. */
static void carry_out(struct rm_rule_state *s, const struct target *t)
{
	uint64_t was = atomic_load_explicit(&s->quota, memory_order_relaxed);
	uint32_t until_s = t->until_s >= 0 ? within(t->until_s, UINT32_MAX - 1) : (uint32_t)(was >> 32);
	uint32_t quota = t->quota >= 0 ? within(t->quota, UINT32_MAX) : (uint32_t)was;

	rm_rules_target(s, t->rate, quota, was || t->quota >= 0 ? until_s : 0);
}

static void read_unprocessed(struct rm_json_reader *j, struct rm_xray_targets *ret)
{
	char room[NAME_BYTES];
	struct rm_str key, text = RM_STR("");
	struct rm_strbuf texts;

	rm_strbuf_init(&texts, room, sizeof(room));
	if (!rm_json_object(j))
		return;
	while (rm_json_member(j, &key))
		if (is_member(key, "Message"))
			rm_json_string(j, &texts, &text);
		else
			rm_json_skip(j);
	if (!ret->unprocessed++)
		rm_format(ret->why, sizeof(ret->why), "%S", &text);
}

static void read_targets(struct rm_json_reader *j, struct rm_rules *rules,
			 void (*interval)(void *, struct rm_str, uint32_t), void *arg)
{
	char room[NAME_BYTES];
	struct rm_strbuf texts;
	struct target t;

	rm_strbuf_init(&texts, room, sizeof(room));
	while (rm_json_element(j)) {
		struct rm_rule_state *s;

		read_target(j, &texts, &t);
		s = t.name.p ? rm_rules_find(rules, t.name) : NULL;
		if (!s || !(t.rate >= 0))
			continue;
		carry_out(s, &t);
		if (t.interval_s > 0)
			interval(arg, t.name, within(t.interval_s, UINT16_MAX));
	}
}

int rm_xray_targets_read(struct rm_rules *rules, struct rm_str answer,
			 void (*interval)(void *arg, struct rm_str name, uint32_t seconds), void *arg,
			 struct rm_xray_targets *ret)
{
	struct rm_json_reader j;
	double modified = 0;
	struct rm_str key;

	*ret = (struct rm_xray_targets){ 0 };
	rm_json_read(&j, answer);
	if (!rm_json_object(&j))
		return RM_E_PROTO;
	while (rm_json_member(&j, &key)) {
		if (is_member(key, "LastRuleModification")) {
			rm_json_number(&j, &modified);
		} else if (is_member(key, "SamplingTargetDocuments")) {
			if (rm_json_array(&j))
				read_targets(&j, rules, interval, arg);
		} else if (is_member(key, "UnprocessedStatistics")) {
			if (rm_json_array(&j))
				while (rm_json_element(&j))
					read_unprocessed(&j, ret);
		} else {
			rm_json_skip(&j);
		}
	}
	ret->modified_s = modified > 0 && modified < 1e12 ? (uint64_t)modified : 0;
	return rm_json_read_all(&j) ? RM_OK : RM_E_PROTO;
}
