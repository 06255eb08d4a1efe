/*
 * From the variables to the settings that hooks read. Runs once before main; afterwards nothing
 * here changes, so that no lock is needed. Types were checked by base/env.c: what is left are
 * limits, combinations and the contexts that came with the process. Context: init.
 * Spec: OpenTelemetry, configuration/sdk-environment-variables.md.
 */
#include "agent/config.h"

#include <string.h>

#include "agent/resource_attrs.h"
#include "agent/skiplist.h"
#include "base/log.h"

enum { MEMORY_MIN_MIB = 16, MEMORY_MAX_MIB = 1 << 20 };
enum { EXIT_TIMEOUT_MAX_MS = 60 * 60 * 1000, ATTRS_DEFAULT = 128, RATE_DEFAULT = 100 };

/*
 * Semantic conventions, url.query: secrets that well-known services put into URLs; then those of OAuth (RFC 6749, 6750), and
 * names that are given to secrets: better to hide a word too many. docs/SAFETY.md lists them under X7.
 */
static const char redact_always[] =
	"X-Amz-Signature,X-Amz-Credential,X-Amz-Security-Token,AWSAccessKeyId,Signature,sig,X-Goog-Signature,"
	"access_token,refresh_token,id_token,client_secret,code,api_key,apikey,api-key,password,passwd,pwd,"
	"token,secret,key,signature,auth,jwt,accessToken,refreshToken,idToken,clientSecret,apiKey";

static uint32_t at_most(uint64_t v, uint32_t max)
{
	return v < max ? (uint32_t)v : max;
}

/* Appends the items of a list behind the `count` that are there; returns the new count. */
static uint32_t read_list(const struct rm_env *env, enum rm_env_id id, struct rm_str *ret,
			  uint32_t count, uint32_t max)
{
	struct rm_str rest = rm_env_str(env, id), item;

	while (rm_env_item(&rest, &item)) {
		if (count == max) {
			rm_warn("%s: '%S' and what follows is not used: too many entries",
				rm_env_name(id), &item);
			break;
		}
		ret[count++] = item;
	}
	return count;
}

static void read_headers(struct rm_strbuf *text, const struct rm_env *env, enum rm_env_id id,
			 struct rm_header_list *ret)
{
	ret->count = read_list(env, id, ret->name, 0, RM_CONFIG_HEADERS_MAX);
	for (uint32_t i = 0; i < ret->count; i++) {
		size_t start = text->n;

		rm_strbuf_str(text, ret->name[i]);
		if (text->truncated) {
			rm_warn("%s: '%S' and what follows is not used: too long",
				rm_env_name(id), &ret->name[i]);
			text->truncated = false;
			ret->count = i;
			return;
		}
		for (size_t at = start; at < text->n; at++)
			if (text->p[at] >= 'A' && text->p[at] <= 'Z')
				text->p[at] += 'a' - 'A';
		ret->name[i] = (struct rm_str){ text->p + start, text->n - start };
	}
}

static enum rm_sampler_kind read_sampler(const struct rm_env *env)
{
	static const struct {
		char name[sizeof("parentbased_traceidratio")];
		uint8_t kind; /* enum rm_sampler_kind */
	} kinds[] = {
		{ "always_on", RM_SAMPLER_ON },
		{ "always_off", RM_SAMPLER_OFF },
		{ "traceidratio", RM_SAMPLER_RATIO },
		{ "parentbased_always_off", RM_SAMPLER_PARENT_OFF },
		{ "parentbased_traceidratio", RM_SAMPLER_PARENT_RATIO },
		{ "xray", RM_SAMPLER_PARENT_XRAY },
		{ "parentbased_ratelimited", RM_SAMPLER_PARENT_RATELIMITED },
		{ "parentbased_adaptive", RM_SAMPLER_PARENT_ADAPTIVE },
	};
	struct rm_str name = rm_env_str(env, RM_ENV_TRACES_SAMPLER);

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (rm_str_eq(name, RM_STR_OF(kinds[i].name)))
			return (enum rm_sampler_kind)kinds[i].kind;
	return RM_SAMPLER_PARENT_ON;
}

static void warn_arg(const struct rm_env *env, const char *reason)
{
	rm_env_warn(RM_ENV_TRACES_SAMPLER_ARG, rm_env_str(env, RM_ENV_TRACES_SAMPLER_ARG), reason);
}

/* "per_second=N" in the argument of the rate-limited sampler. */
static uint32_t read_rate(const struct rm_env *env)
{
	struct rm_str rest = rm_env_str(env, RM_ENV_TRACES_SAMPLER_ARG), item;
	bool unknown = false;
	uint64_t n = 0;

	while (rm_env_item(&rest, &item)) {
		struct rm_str value = item, key = rm_str_trim(rm_str_cut(&value, '='));

		if (!rm_str_eq(key, RM_STR("per_second")))
			unknown = true;
		else if (n == 0 && (!rm_str_u64(rm_str_trim(value), &n) || n > UINT32_MAX))
			n = 0;
	}
	if (n > 0 && unknown)
		warn_arg(env, "holds something unknown, which is left out: parentbased_ratelimited knows per_second=NUMBER");
	if (n > 0)
		return (uint32_t)n;
	if (rm_env_is_set(env, RM_ENV_TRACES_SAMPLER_ARG))
		warn_arg(env, "is not per_second=NUMBER with a whole number from 1 to 4294967295, as parentbased_ratelimited wants; 100 is used");
	return RATE_DEFAULT;
}

/* Says what is wrong with names in an argument whose sampler has none; xray_poller.c knows those of xray. */
static double read_ratio(const struct rm_env *env, enum rm_sampler_kind kind)
{
	struct rm_str arg = rm_env_str(env, RM_ENV_TRACES_SAMPLER_ARG);

	if (memchr(arg.p, '=', arg.n)) {
		if (kind == RM_SAMPLER_RATIO || kind == RM_SAMPLER_PARENT_RATIO || kind == RM_SAMPLER_PARENT_ADAPTIVE)
			warn_arg(env, "is no number from 0 to 1, as this sampler wants; 1.0 is used");
		else if (kind != RM_SAMPLER_PARENT_RATELIMITED && kind != RM_SAMPLER_PARENT_XRAY)
			warn_arg(env, "is not used: this sampler has no argument");
	}
	return rm_env_ratio(env, RM_ENV_TRACES_SAMPLER_ARG);
}

static enum rm_dns_mode read_dns(const struct rm_env *env)
{
	struct rm_str mode = rm_env_str(env, RM_ENV_REMORA_DNS);

	return rm_str_ieq(mode, RM_STR("none")) ? RM_DNS_NONE : rm_str_ieq(mode, RM_STR("all")) ? RM_DNS_ALL : RM_DNS_REQUESTS;
}

static enum rm_setup_mode read_setup(const struct rm_env *env)
{
	struct rm_str mode = rm_env_str(env, RM_ENV_REMORA_CONNECTIONS);

	return rm_str_ieq(mode, RM_STR("none")) ? RM_SETUP_NONE :
	       rm_str_ieq(mode, RM_STR("spans")) ? RM_SETUP_SPANS : RM_SETUP_EVENTS;
}

/* A list of which nothing is known is as good as unset; "none" is known. */
static unsigned read_propagators(const struct rm_env *env)
{
	unsigned ret = rm_propagators_parse(rm_env_str(env, RM_ENV_PROPAGATORS));

	if (ret || rm_env_lists(env, RM_ENV_PROPAGATORS, RM_STR("none")))
		return ret;
	return rm_propagators_parse(rm_str_c(rm_env_default(RM_ENV_PROPAGATORS)));
}

/*
 * A CGI program (RFC 3875) works for the one request that its web server started it for, whose headers are in
 * variables; TRACEPARENT may be what that server itself was started with.
 */
static bool is_cgi(const struct rm_env *env)
{
	struct rm_str gateway = rm_env_str(env, RM_ENV_GATEWAY_INTERFACE);

	return gateway.n >= 4 && memcmp(gateway.p, "CGI/", 4) == 0 &&
	       (rm_env_is_set(env, RM_ENV_HTTP_TRACEPARENT) || rm_env_is_set(env, RM_ENV_HTTP_XRAY));
}

/* What AWS Lambda sets for its function (_X_AMZN_TRACE_ID) comes after what names this very process. */
static void read_xray_parent(struct rm_config *c, const struct rm_env *env, bool cgi)
{
	static const enum rm_env_id any[] = { RM_ENV_XRAY_PARENT, RM_ENV_LAMBDA_PARENT };
	bool known = cgi && rm_xray_parse(rm_str_trim(rm_env_str(env, RM_ENV_HTTP_XRAY)), &c->parent);

	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]) && !known && !cgi; i++)
		known = rm_xray_parse(rm_str_trim(rm_env_str(env, any[i])), &c->parent);
}

/*
 * X-Ray takes any id since 2023, but agents and collectors that are older refuse those that do not begin with the
 * time; to all others that makes no difference.
 */
static bool dates_ids(const struct rm_config *c, const struct rm_env *env)
{
	if (rm_env_is_set(env, RM_ENV_REMORA_ID_GENERATOR))
		return rm_str_ieq(rm_env_str(env, RM_ENV_REMORA_ID_GENERATOR), RM_STR("xray"));
	return c->propagators & RM_PROP_XRAY || c->sampler == RM_SAMPLER_PARENT_XRAY ||
	       rm_env_lists(env, RM_ENV_TRACES_EXPORTER, RM_STR("xray"));
}

static void read_parent(struct rm_config *c, const struct rm_env *env)
{
	bool cgi = is_cgi(env);
	struct rm_str state = rm_env_str(env, cgi ? RM_ENV_HTTP_TRACESTATE : RM_ENV_TRACESTATE);
	struct rm_str parent = rm_env_str(env, cgi ? RM_ENV_HTTP_TRACEPARENT : RM_ENV_TRACEPARENT);
	struct rm_strbuf text;

	if (c->propagators & RM_PROP_BAGGAGE)
		c->parent_baggage = rm_str_trim(rm_env_str(env, cgi ? RM_ENV_HTTP_BAGGAGE : RM_ENV_BAGGAGE));
	if (!(c->propagators & RM_PROP_TRACECONTEXT) || !rm_traceparent_parse(rm_str_trim(parent), &c->parent)) {
		if (c->propagators & RM_PROP_XRAY)
			read_xray_parent(c, env, cgi);
		return;
	}
	rm_strbuf_init(&text, c->tracestate_text, sizeof(c->tracestate_text));
	if (rm_tracestate_append(&text, state))
		c->parent_tracestate = rm_tracestate_fit(&text);
}

static void note_end(struct rm_config *c, struct rm_str key)
{
	unsigned bit;

	if (key.n == 1)
		memset(c->redact_no_end, 0, sizeof(c->redact_no_end)); /* anything may stand before its letter */
	if (key.n < 2)
		return;
	bit = rm_config_redact_end(key.p[key.n - 2], key.p[key.n - 1]);
	c->redact_no_end[bit / 64] &= ~(1ull << bit % 64);
}

/* Nearly every key in a query is of a length and with a first letter, and with two last ones, that none of the secret ones has. */
static void note_letters(struct rm_config *c)
{
	memset(c->redact_no_end, 0xff, sizeof(c->redact_no_end));
	for (uint32_t i = 0; i < c->redact_count; i++)
		note_end(c, c->redact[i]);
	memset(c->redact_no, 0xff, sizeof(c->redact_no));
	for (uint32_t i = 0; i < c->redact_count; i++)
		if (c->redact[i].n && c->redact[i].n < RM_CONFIG_REDACT_BYTES) /* longer ones are always looked up */
			c->redact_no[c->redact[i].n] &= ~(1u << (c->redact[i].p[0] & 31));
}

static uint64_t read_memory(const struct rm_env *env)
{
	uint64_t mib = at_most(rm_env_u64(env, RM_ENV_REMORA_MEMORY_LIMIT, 0), MEMORY_MAX_MIB);

	if (mib < MEMORY_MIN_MIB) {
		rm_warn("REMORA_MEMORY_LIMIT: %u MiB is less than any use; %u is used", (unsigned)mib, MEMORY_MIN_MIB);
		mib = MEMORY_MIN_MIB;
	}
	return mib << 20;
}

void rm_config_build(struct rm_config *c, const struct rm_env *env)
{
	uint64_t attrs = rm_env_u64(env, RM_ENV_ATTRIBUTE_COUNT_LIMIT, ATTRS_DEFAULT);
	uint64_t chars = rm_env_u64(env, RM_ENV_ATTRIBUTE_VALUE_LENGTH_LIMIT, 0);
	struct rm_strbuf headers;

	memset(c, 0, offsetof(struct rm_config, headers_text));
	rm_strbuf_init(&headers, c->headers_text, sizeof(c->headers_text));
	c->propagators = read_propagators(env);
	c->sampler = read_sampler(env);
	c->time_ids = dates_ids(c, env);
	c->ratio = read_ratio(env, c->sampler);
	if (c->sampler == RM_SAMPLER_PARENT_RATELIMITED)
		c->traces_per_s = read_rate(env);
	attrs = rm_env_u64(env, RM_ENV_SPAN_ATTRIBUTE_COUNT_LIMIT, attrs);
	chars = rm_env_u64(env, RM_ENV_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, chars);
	c->max_attrs = at_most(attrs, UINT32_MAX);
	c->max_value_chars = at_most(chars, UINT32_MAX);
	c->max_events = at_most(rm_env_u64(env, RM_ENV_SPAN_EVENT_COUNT_LIMIT, 0), UINT16_MAX);
	c->max_event_attrs = at_most(rm_env_u64(env, RM_ENV_EVENT_ATTRIBUTE_COUNT_LIMIT, 0), UINT16_MAX);
	c->ingress = rm_env_bool(env, RM_ENV_REMORA_INGRESS) &&
		     c->propagators & (RM_PROP_TRACECONTEXT | RM_PROP_XRAY);
	c->server_timing = rm_env_bool(env, RM_ENV_REMORA_SERVER_TIMING) && c->propagators & RM_PROP_TRACECONTEXT;
	c->answers = c->server_timing || c->propagators & RM_PROP_XRAY;
	c->sqlcommenter = rm_env_bool(env, RM_ENV_REMORA_SQLCOMMENTER) && c->propagators & RM_PROP_TRACECONTEXT;
	c->setup = (uint8_t)read_setup(env);
	c->dns = (uint8_t)read_dns(env);
	c->crash = rm_env_bool(env, RM_ENV_REMORA_CRASH);
	c->slow_stack_ns = 1000000ull * at_most(rm_env_u64(env, RM_ENV_REMORA_SLOW_STACK, 0), UINT32_MAX);
	c->throws = rm_env_bool(env, RM_ENV_REMORA_CPP_EXCEPTIONS);
	c->throws_per_s = at_most(rm_env_u64(env, RM_ENV_REMORA_CPP_EXCEPTION_RATE, 0), 1000);
	c->parent_source = rm_env_bool(env, RM_ENV_REMORA_PARENT_SOURCE);
	c->adapters = rm_env_str(env, RM_ENV_REMORA_ADAPTERS);
	read_headers(&headers, env, RM_ENV_CLIENT_REQUEST_HEADERS, &c->client_request);
	read_headers(&headers, env, RM_ENV_CLIENT_RESPONSE_HEADERS, &c->client_response);
	read_headers(&headers, env, RM_ENV_SERVER_REQUEST_HEADERS, &c->server_request);
	read_headers(&headers, env, RM_ENV_SERVER_RESPONSE_HEADERS, &c->server_response);
	c->method_count = read_list(env, RM_ENV_HTTP_KNOWN_METHODS, c->methods, 0,
				    RM_CONFIG_METHODS_MAX);
	for (struct rm_str rest = rm_str_c(redact_always); rm_env_item(&rest, &c->redact[c->redact_count]);)
		c->redact_count++;
	c->redact_count = read_list(env, RM_ENV_REMORA_REDACT_QUERY, c->redact, c->redact_count,
				    RM_CONFIG_REDACT_MAX);
	note_letters(c);
	c->memory_bytes = read_memory(env);
	c->message_bytes = at_most(rm_env_u64(env, RM_ENV_REMORA_MESSAGE_LIMIT, 0), UINT32_MAX);
	c->exit_timeout_ns = 1000000ull * at_most(rm_env_u64(env, RM_ENV_REMORA_EXIT_TIMEOUT, 300),
						  EXIT_TIMEOUT_MAX_MS);
	read_parent(c, env);
	if (!rm_resource_attrs_valid(rm_env_str(env, RM_ENV_RESOURCE_ATTRIBUTES)))
		rm_warn("OTEL_RESOURCE_ATTRIBUTES is not used: "
			"it is no list of key=value with percent-encoded values");
}

/* ---- which programs ---- */

/* Shell-like matching of all of `s`; on a mismatch the last star takes one more character. */
static bool matches(struct rm_str glob, struct rm_str s)
{
	size_t g = 0, i = 0, star = SIZE_MAX, retry = 0;

	while (i < s.n) {
		if (g < glob.n && glob.p[g] == '*') {
			star = g++;
			retry = i;
		} else if (g < glob.n && (glob.p[g] == '?' || glob.p[g] == s.p[i])) {
			g++;
			i++;
		} else if (star != SIZE_MAX) {
			g = star + 1;
			i = ++retry;
		} else {
			return false;
		}
	}
	while (g < glob.n && glob.p[g] == '*')
		g++;
	return g == glob.n;
}

/* Without directories and without the dash of a login shell. */
static struct rm_str name_of(struct rm_str exe)
{
	for (size_t i = exe.n; i > 0; i--)
		if (exe.p[i - 1] == '/')
			return (struct rm_str){ exe.p + i, exe.n - i };
	if (exe.n > 0 && exe.p[0] == '-')
		return (struct rm_str){ exe.p + 1, exe.n - 1 };
	return exe;
}

static bool on_list(struct rm_str list, struct rm_str exe)
{
	struct rm_str glob;

	while (rm_env_item(&list, &glob))
		if (matches(glob, memchr(glob.p, '/', glob.n) ? exe : name_of(exe)))
			return true;
	return false;
}

enum rm_verdict rm_config_verdict(const struct rm_env *env, struct rm_str exe)
{
	if (rm_env_bool(env, RM_ENV_SDK_DISABLED) || rm_env_bool(env, RM_ENV_REMORA_DISABLED))
		return RM_SKIP_DISABLED;
	if (on_list(rm_env_str(env, RM_ENV_REMORA_DENY), exe))
		return RM_SKIP_DENIED;
	if (rm_env_is_set(env, RM_ENV_REMORA_ALLOW))
		return on_list(rm_env_str(env, RM_ENV_REMORA_ALLOW), exe) ? RM_INSTRUMENT
									  : RM_SKIP_NOT_ALLOWED;
	return rm_skiplist_has(name_of(exe)) ? RM_SKIP_LISTED : RM_INSTRUMENT;
}

bool rm_config_adapts(struct rm_str adapters, struct rm_str name)
{
	struct rm_str item;

	while (rm_env_item(&adapters, &item)) {
		if (rm_str_ieq(item, RM_STR("none")))
			return false;
		if (rm_str_ieq(item, name) || rm_str_ieq(item, RM_STR("all")))
			return true;
	}
	return false;
}
