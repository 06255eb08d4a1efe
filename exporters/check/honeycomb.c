/*
 * Honeycomb: what a key is good for, as its GET /1/auth says: team, environment, rights. Asked where the endpoint
 * is Honeycomb's or the header for its keys is set: that goes to Honeycomb, or to what stands before it.
 * No key is ever shown, nor a part of one. Context: worker.
 * Spec: Honeycomb's API, "List Authorizations"; its keys' forms in "Authentication".
 */
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "exporters/check/checks.h"
#include "exporters/json_find.h"
#include "exporters/otlp_config.h"

#define TEAM	"x-honeycomb-team"
#define DATASET "x-honeycomb-dataset"

/* The value of a header of ours; empty without it. */
static struct rm_str header(const struct rm_otlp_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->header_count; i++) {
		struct rm_str value = rm_str_c(config->header[i]), key = rm_str_cut(&value, ':');

		if (rm_str_ieq(key, rm_str_c(name)))
			return rm_str_trim(value);
	}
	return RM_STR("");
}

static bool ends_with(const char *host, const char *end)
{
	size_t n = strlen(host), m = strlen(end);

	return n >= m && strcasecmp(host + n - m, end) == 0;
}

/* The URL of /1/auth at the endpoint's host, owned; *ret_is_theirs: the host is Honeycomb's own. */
static char *auth_url(const struct rm_endpoint *endpoint, bool *ret_is_theirs)
{
	CURLU *u = curl_url();
	char *host = NULL, *url = NULL, *ret = NULL;

	if (u && curl_url_set(u, CURLUPART_URL, endpoint->url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		*ret_is_theirs = ends_with(host, ".honeycomb.io");
		curl_url_set(u, CURLUPART_QUERY, NULL, 0);
		if (curl_url_set(u, CURLUPART_PATH, "/1/auth", 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_URL, &url, 0) == CURLUE_OK)
			ret = strdup(url);
	}
	curl_free(host);
	curl_free(url);
	curl_url_cleanup(u);
	return ret;
}

/* What can be seen without asking: half of all wrong keys. */
static bool looks_wrong(struct rm_checkup *c, const struct rm_http_backend *b, struct rm_str key)
{
	static const char name[] = "OTEL_EXPORTER_OTLP_HEADERS";

	if (key.n == 0) {
		rm_checkup_say(c, RM_FINDING_NO, "%s: Honeycomb wants a key: %s=" TEAM "=KEY; is a variable in it empty?",
			       b->endpoint->shown, name);
		return true;
	}
	if (memchr(key.p, '$', key.n) || memchr(key.p, '{', key.n)) {
		rm_checkup_say(c, RM_FINDING_NO, "the key in %s is the name of a variable that was not replaced by its value", name);
		return true;
	}
	for (size_t i = 0; i < key.n; i++)
		if (!isalnum((unsigned char)key.p[i]) && key.p[i] != '_' && key.p[i] != '-') {
			rm_checkup_say(c, RM_FINDING_NO, "the key in %s has %s in it, which no key of Honeycomb has", name,
				       key.p[i] == '"' || key.p[i] == '\'' ? "a quote" :
				       key.p[i] == ' ' ? "a blank" : "a sign");
			return true;
		}
	return false;
}

static bool is_true(struct rm_str object, const char *name)
{
	return rm_str_begins(rm_json_find(object, name), RM_STR("true"));
}

static bool judge_rights(struct rm_checkup *c, const struct rm_otlp_config *config, struct rm_str answer)
{
	struct rm_str access = rm_json_find(answer, "api_key_access"), team = rm_json_find(answer, "team");
	struct rm_str environment = rm_json_find(answer, "environment"), dataset = header(config, DATASET);
	struct rm_str team_name = rm_checkup_quote(c, rm_json_plain(rm_json_find(team, "name")));
	struct rm_str environment_name = rm_checkup_quote(c, rm_json_plain(rm_json_find(environment, "name")));
	bool is_classic = environment.n > 0 && rm_json_plain(rm_json_find(environment, "slug")).n == 0;
	bool sends = is_true(access, "events"), creates = is_true(access, "create_datasets") || is_true(access, "createDatasets");

	if (!sends) {
		rm_checkup_say(c, RM_FINDING_NO, "the key is one of Honeycomb's team \"%.*s\", but may not send events; give it that right, "
			       "or take an ingest key", (int)team_name.n, team_name.p);
		return false;
	}
	rm_checkup_say(c, RM_FINDING_YES, "the key is one of Honeycomb's team \"%.*s\", %s%.*s%s; it may send events%s",
		       (int)team_name.n, team_name.p, is_classic ? "Honeycomb Classic" : "environment \"", (int)environment_name.n,
		       environment_name.p, is_classic ? "" : "\"", creates ? " and create datasets" : "");
	if (!creates)
		rm_checkup_say(c, RM_FINDING_NOTE, "it may not create datasets: there has to be one of each service's name already");
	if (is_classic && dataset.n == 0) {
		rm_checkup_say(c, RM_FINDING_NO, "a key of Honeycomb Classic needs a dataset: add ," DATASET "=NAME to "
			       "OTEL_EXPORTER_OTLP_HEADERS");
		return false;
	}
	if (!is_classic && dataset.n > 0 && c->signal == RM_SIGNAL_TRACES)
		rm_checkup_say(c, RM_FINDING_NOTE, DATASET " is for keys of Honeycomb Classic: spans go to the dataset of their "
			       "service's name");
	return true;
}

static bool judge_answer(struct rm_checkup *c, const struct rm_http_backend *b, const struct rm_otlp_config *config,
			 bool is_theirs, const struct rm_http_answer *a)
{
	if (a->status == 200 && a->is_json)
		return judge_rights(c, config, a->body);
	if (a->status == 401 || a->status == 403) {
		rm_checkup_say(c, RM_FINDING_NO, "Honeycomb does not know the key in OTEL_EXPORTER_OTLP_HEADERS (HTTP %d); copy it anew, whole: "
			       "keys of the EU are known at api.eu1.honeycomb.io only, those of the US at api.honeycomb.io only",
			       a->status);
		return false;
	}
	if (a->status == 0 && is_theirs) {
		rm_check_say_fault(c, b, a, "HTTP");
		return false;
	}
	rm_checkup_say(c, RM_FINDING_NOTE, "%s does not say what Honeycomb's key is good for; is it what stands before Honeycomb?",
		       b->endpoint->shown);
	return true;
}

bool rm_check_honeycomb(struct rm_checkup *c, const struct rm_http_backend *b, const struct rm_otlp_config *config)
{
	struct rm_str key = header(config, TEAM);
	struct rm_http_options options = b->options;
	struct rm_http_request request = { .is_get = true };
	struct rm_http_answer answer;
	struct rm_http *http = NULL;
	bool is_theirs = false, has_header = key.n > 0, good = true;
	char *url = auth_url(b->endpoint, &is_theirs), line[512];
	const char *headers[] = { line };

	for (uint32_t i = 0; i < config->header_count; i++)
		has_header |= strncasecmp(config->header[i], TEAM, strlen(TEAM)) == 0;
	if (!url || (!is_theirs && !has_header)) {
		free(url);
		return true;
	}
	if (looks_wrong(c, b, key)) {
		free(url);
		return false;
	}
	rm_format(line, sizeof(line), TEAM ": %S", &key);
	options.url = url;
	options.is_http2 = false;
	options.header = headers;
	options.header_count = 1;
	if (rm_check_ask(c, &options, &request, &http, &answer))
		good = judge_answer(c, b, config, is_theirs, &answer);
	rm_http_free(http);
	free(url);
	return good;
}
