/*
 * Rules every five minutes, statistics of those that were used every ten seconds, each a little later by chance, so that
 * not all processes ask at the same time. Rules that were changed are fetched at once, since the answer to statistics says
 * when they were. A proxy that is away is asked again after ten seconds, and ever less often up to five minutes; until
 * it answers, and an hour after it did last, others decide (agent/xray_sampler.c).
 * Context: worker. Spec: AWS X-Ray developer guide, "Using sampling rules with the X-Ray API"; cadence as X-Ray's SDKs have it.
 */
#include "exporters/xray_poller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/exporter.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "exporters/endpoint.h"
#include "exporters/http.h"
#include "exporters/poller.h"
#include "exporters/xray_address.h"
#include "exporters/xray_rules.h"

#define S_NS	     1000000000ull
#define REST_NS	     (RM_RULES_REST_S * S_NS)
enum { RULES_S = 300, RULES_MAX_S = 24 * 60 * 60, TARGETS_S = 10,
       PAGES_MAX = 20 };

/* When a rule is due that is not reported each time. */
struct turn {
	char name[64]; /* cut, as far as it tells rules apart */
	uint32_t every, left; /* reports */
};

struct rm_xray_poller {
	struct rm_pipeline_driver driver;
	struct rm_rules *rules;
	struct rm_http *get, *tell; /* GetSamplingRules, SamplingTargets */
	uint8_t client[RM_XRAY_CLIENT_BYTES];
	struct rm_random random;
	uint64_t rules_s, targets_s;	    /* between two fetches, two reports */
	uint64_t rules_due_ns, targets_due_ns;
	uint64_t retry_s;		    /* 0: the last fetch was good */
	uint64_t fetched_s;		    /* wall */
	struct turn turn[RM_RULES_MAX];
	uint32_t turns;
	struct rm_json json; /* kept for the next */
};

static uint64_t jitter_ns(struct rm_xray_poller *p, uint64_t most_ns)
{
	return rm_random_u64(&p->random) % (most_ns + 1);
}

static void post(struct rm_xray_poller *p, struct rm_http *h, struct rm_str body, struct rm_http_answer *ret)
{
	struct rm_export_io io = rm_poller_io(&p->driver);

	rm_http_post(h, body, &io, ret);
	if (ret->status != 200)
		rm_debug(RM_LOG_EXPORT, "xray: sampling: %s%s (%d)", ret->error, ret->status ? "the proxy refused" : "",
			 ret->status);
}

/* ---- rules ---- */

static void write_page(struct rm_json *j, const char *token)
{
	j->n = 0;
	j->failed = j->comma = false;
	rm_json_open(j, '{');
	if (*token) {
		rm_json_key(j, "NextToken");
		rm_json_str(j, rm_str_c(token));
	}
	rm_json_close(j, '}');
}

/* All pages. False: one was not to be had. */
static bool fetch(struct rm_xray_poller *p, struct rm_xray_rule_list *list)
{
	char token[RM_XRAY_TOKEN_BYTES] = { 0 };

	for (int page = 0; page < PAGES_MAX; page++) {
		struct rm_http_answer answer;

		write_page(&p->json, token);
		if (p->json.failed)
			return false;
		post(p, p->get, (struct rm_str){ p->json.p, p->json.n }, &answer);
		if (answer.status != 200)
			return false;
		if (rm_xray_rules_add(list, answer.body, token)) {
			rm_debug(RM_LOG_EXPORT, "xray: sampling rules that are none");
			return false;
		}
		if (!*token)
			return true;
	}
	return false;
}

static void plan_retry(struct rm_xray_poller *p)
{
	p->retry_s = p->retry_s ? 2 * p->retry_s : p->targets_s;
	if (p->retry_s > p->rules_s)
		p->retry_s = p->rules_s;
	p->rules_due_ns = rm_clock_mono_ns() + p->retry_s * S_NS;
}

static void fetch_rules(struct rm_xray_poller *p)
{
	struct rm_xray_rule_list list = { 0 };
	uint64_t now_s = rm_rules_now_s();

	if (!fetch(p, &list)) {
		plan_retry(p);
	} else if (list.count == 0) { /* there is a Default always: these are none for us */
		rm_debug(RM_LOG_EXPORT, "xray: no sampling rules");
		p->rules_due_ns = rm_clock_mono_ns() + p->rules_s * S_NS;
	} else if (rm_xray_rules_publish(&list, p->rules, now_s)) {
		rm_debug(RM_LOG_EXPORT, "xray: %u sampling rules", list.count);
		p->retry_s = 0;
		p->fetched_s = now_s;
		p->rules_due_ns = rm_clock_mono_ns() + p->rules_s * S_NS + jitter_ns(p, p->rules_s * S_NS / 60);
	} else {
		p->rules_due_ns = rm_clock_mono_ns() + REST_NS;
	}
	rm_xray_rules_free(&list);
}

/* ---- statistics and targets ---- */

static struct turn *find_turn(struct rm_xray_poller *p, struct rm_str name, bool adds)
{
	struct turn *t;

	name.n = name.n < sizeof(t->name) ? name.n : sizeof(t->name) - 1;
	for (t = p->turn; t < p->turn + p->turns; t++)
		if (rm_str_eq(rm_str_c(t->name), name))
			return t;
	if (!adds || p->turns == RM_RULES_MAX)
		return NULL;
	*t = (struct turn){ .every = 1 };
	memcpy(t->name, name.p, name.n);
	p->turns++;
	return t;
}

static void on_interval(void *arg, struct rm_str name, uint32_t seconds)
{
	struct turn *t = find_turn(arg, name, seconds > TARGETS_S);

	if (t)
		t->every = (seconds + TARGETS_S - 1) / TARGETS_S;
}

static bool is_due(struct rm_xray_poller *p, struct rm_str name)
{
	struct turn *t = find_turn(p, name, false);

	if (!t || t->left == 0) {
		if (t)
			t->left = t->every - 1;
		return true;
	}
	t->left--;
	return false;
}

/* Reports rules from number `*i` on, as many as a request takes. Returns how many. */
static uint32_t take_reports(struct rm_xray_poller *p, uint32_t *i, struct rm_xray_report *report)
{
	uint32_t count = 0;
	struct rm_str name;

	for (; count < RM_XRAY_REPORTS_MAX && (name = rm_rules_name(p->rules, *i)).p; ++*i) {
		struct rm_xray_report r = { .state = rm_rules_find(p->rules, name), .name = name };

		if (!r.state || !atomic_load(&r.state->requests) || !is_due(p, name))
			continue;
		if (rm_xray_report_take(&r))
			report[count++] = r;
	}
	return count;
}

/* True when the rules have been changed since they were fetched. */
static bool report_some(struct rm_xray_poller *p, const struct rm_xray_report *report, uint32_t count)
{
	struct rm_xray_targets said = { 0 };
	struct rm_http_answer answer;
	bool told = false;

	p->json.n = 0;
	p->json.failed = p->json.comma = false;
	rm_xray_reports_write(&p->json, report, count, p->client, rm_rules_now_s());
	if (!p->json.failed) {
		post(p, p->tell, (struct rm_str){ p->json.p, p->json.n }, &answer);
		told = answer.status == 200;
		if (told && rm_xray_targets_read(p->rules, answer.body, on_interval, p, &said))
			rm_debug(RM_LOG_EXPORT, "xray: sampling targets that are none");
	}
	for (uint32_t i = 0; i < count && !told; i++)
		rm_xray_report_put(&report[i]);
	if (said.unprocessed)
		rm_debug(RM_LOG_EXPORT, "xray: %u statistics were not processed: %s", said.unprocessed, said.why);
	return said.modified_s > p->fetched_s;
}

static void exchange_targets(struct rm_xray_poller *p)
{
	struct rm_xray_report report[RM_XRAY_REPORTS_MAX];
	bool changed = false;
	uint32_t i = 0, count;

	while ((count = take_reports(p, &i, report)) > 0)
		changed |= report_some(p, report, count);
	if (changed)
		p->rules_due_ns = rm_clock_mono_ns();
	p->targets_due_ns = rm_clock_mono_ns() + p->targets_s * S_NS + jitter_ns(p, S_NS / 10);
}

uint64_t rm_xray_poller_run(struct rm_xray_poller *p)
{
	uint64_t now = rm_clock_mono_ns(), due;

	atomic_store(&p->rules->asked, 0);
	if (now >= p->targets_due_ns)
		exchange_targets(p);
	if (rm_clock_mono_ns() >= p->rules_due_ns)
		fetch_rules(p);
	now = rm_clock_mono_ns();
	due = p->rules_due_ns < p->targets_due_ns ? p->rules_due_ns : p->targets_due_ns;
	return due > now ? due - now : 0;
}

/* ---- settings ---- */

struct settings {
	struct rm_str endpoint;
	uint64_t rules_s;
};

static void read_settings(const struct rm_env *env, struct settings *ret)
{
	struct rm_str rest = rm_env_str(env, RM_ENV_TRACES_SAMPLER_ARG), item, key, value;
	const char *name = rm_env_name(RM_ENV_TRACES_SAMPLER_ARG);

	*ret = (struct settings){ .rules_s = RULES_S };
	if (!rm_env_is_set(env, RM_ENV_TRACES_SAMPLER_ARG))
		return;
	while (rm_env_item(&rest, &item)) {
		if (!rm_env_pair(item, &key, &value))
			rm_warn("%s: '%S' is no key=value and not used", name, &item);
		else if (rm_str_eq(key, RM_STR("endpoint")))
			ret->endpoint = value;
		else if (!rm_str_eq(key, RM_STR("polling_interval")))
			rm_warn("%s: '%S' is not known and not used (known: endpoint, polling_interval)", name, &key);
		else if (!rm_str_u64(value, &ret->rules_s) || ret->rules_s == 0 || ret->rules_s > RULES_MAX_S) {
			rm_warn("%s: polling_interval %S is no number of seconds from 1 to %u; %u is used", name, &value,
				RULES_MAX_S, RULES_S);
			ret->rules_s = RULES_S;
		}
	}
}

/* host:port stands for http://host:port. False: it is no address, or there is no memory. */
static bool parse_endpoint(struct rm_str endpoint, const char *path, struct rm_endpoint *ret)
{
	struct rm_secrets secrets = { 0 };
	bool has_scheme = rm_str_begins(endpoint, RM_STR("http://")) || rm_str_begins(endpoint, RM_STR("https://"));
	char *text = NULL;
	int error;

	if (asprintf(&text, "%s%.*s", has_scheme ? "" : "http://", (int)endpoint.n, endpoint.p) < 0)
		return false;
	error = rm_endpoint_parse(rm_str_c(text), path, &secrets, ret);
	rm_secrets_free(&secrets);
	free(text);
	return error == RM_OK;
}

static struct rm_http *client(struct rm_str endpoint, const char *path)
{
	static const char *const headers[] = { "Content-Type: application/json" };
	struct rm_http_options options = { .header = headers, .header_count = 1 };
	struct rm_endpoint e;
	struct rm_http *ret;

	if (!parse_endpoint(endpoint, path, &e))
		return NULL;
	options.url = e.url;
	ret = rm_http_new(&options);
	rm_debug(RM_LOG_EXPORT, "xray: sampling: %s", e.shown);
	rm_endpoint_free(&e);
	return ret;
}

/* Where to ask: `url` holds what is asked where the setting says nothing. */
static struct rm_str choose_endpoint(struct rm_str set, const char *url)
{
	struct rm_endpoint e;

	if (!set.n)
		return rm_str_c(url);
	if (parse_endpoint(set, "", &e)) {
		rm_endpoint_free(&e);
		return set;
	}
	rm_endpoint_warn(rm_env_name(RM_ENV_TRACES_SAMPLER_ARG), set, "http://, https:// or host:port", url);
	return rm_str_c(url);
}

void rm_xray_poller_close(struct rm_xray_poller *p)
{
	rm_http_free(p->get);
	rm_http_free(p->tell);
	rm_json_free(&p->json);
	free(p);
}

struct rm_xray_poller *rm_xray_poller_open(const struct rm_env *env, const struct rm_pipeline_driver *driver,
				      struct rm_rules *rules)
{
	struct rm_xray_poller *p;
	struct settings set;
	char url[RM_XRAY_URL_BYTES];

	if (!rules || !rm_str_eq(rm_env_str(env, RM_ENV_TRACES_SAMPLER), RM_STR("xray")))
		return NULL;
	read_settings(env, &set);
	if (rm_str_ieq(set.endpoint, RM_STR("none")) || !(p = calloc(1, sizeof(*p))))
		return NULL;
	rm_json_init(&p->json);
	p->driver = *driver;
	p->rules = rules;
	p->rules_s = set.rules_s;
	p->targets_s = set.rules_s < TARGETS_S ? set.rules_s : TARGETS_S;
	for (size_t i = 0; i < sizeof(p->client); i++)
		p->client[i] = (uint8_t)rm_random_u64(&p->random);
	p->targets_due_ns = rm_clock_mono_ns() + p->targets_s * S_NS;
	rm_xray_url(rm_env_str(env, RM_ENV_XRAY_DAEMON_ADDRESS), url);
	set.endpoint = choose_endpoint(set.endpoint, url);
	p->get = client(set.endpoint, "GetSamplingRules");
	p->tell = p->get ? client(set.endpoint, "SamplingTargets") : NULL;
	if (p->tell)
		return p;
	rm_xray_poller_close(p);
	return NULL;
}
