/* Requests to AWS. Context: worker. */
#include "exporters/aws_request.h"

#include <curl/curl.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "exporters/http.h"

#define SECOND_NS 1000000000ull

struct rm_str rm_aws_endpoint(const struct rm_env *env, enum rm_env_id own, const char **ret_variable)
{
	const enum rm_env_id variables[] = { own, RM_ENV_AWS_ENDPOINT_URL };

	if (rm_env_bool(env, RM_ENV_AWS_IGNORE_ENDPOINT_URLS))
		return RM_STR("");
	for (int i = 0; i < 2; i++)
		if (rm_env_is_set(env, variables[i])) {
			*ret_variable = rm_env_name(variables[i]);
			return rm_env_str(env, variables[i]);
		}
	return RM_STR("");
}

bool rm_aws_is_region(const char *region)
{
	return *region && region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

bool rm_aws_place(const char *url, struct rm_aws_place *ret)
{
	char *host = NULL, *port = NULL, *path = NULL;
	CURLU *u = curl_url();
	bool good = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK && strlen(host) + 8 < sizeof(ret->host) &&
		    strlen(path) < sizeof(ret->path);

	if (good) {
		bool has_port = curl_url_get(u, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT) == CURLUE_OK;

		rm_format(ret->host, sizeof(ret->host), "%s%s%s", host, has_port ? ":" : "", has_port ? port : "");
		rm_format(ret->path, sizeof(ret->path), "%s", path);
	}
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_url_cleanup(u);
	return good;
}

static void add(struct rm_aws_lines *l, const char *line)
{
	l->line[l->count++] = line;
}

bool rm_aws_sign(const struct rm_aws_post *p, struct rm_aws_lines *ret)
{
	const struct rm_aws_credentials *who = p->who;
	char date[RM_SIGV4_DATE_BYTES], value[RM_SIGV4_BYTES];
	struct rm_sigv4_header header[5] = {
		{ RM_STR("content-type"), rm_str_c(p->type) },
		{ RM_STR("host"), rm_str_c(p->place->host) },
		{ RM_STR("x-amz-date"), { date, sizeof(date) - 1 } },
	};
	struct rm_sigv4 s = {
		.access_key = rm_str_c(who->access_key), .secret = rm_str_c(who->secret), .region = rm_str_c(p->region),
		.service = rm_str_c(p->service), .date = date, .method = RM_STR("POST"), .path = rm_str_c(p->place->path),
		.header = header, .header_count = 3, .body = p->body,
	};

	rm_sigv4_date((uint64_t)((int64_t)(rm_clock_wall_ns() / SECOND_NS) + p->ahead_s), date);
	if (who->token[0])
		header[s.header_count++] = (struct rm_sigv4_header){ RM_STR("x-amz-security-token"), rm_str_c(who->token) };
	if (p->target)
		header[s.header_count++] = (struct rm_sigv4_header){ RM_STR("x-amz-target"), rm_str_c(p->target) };
	if (!rm_sigv4_sign(&s, value))
		return false;
	ret->count = 0;
	rm_format(ret->type, sizeof(ret->type), "Content-Type: %s", p->type);
	rm_format(ret->date, sizeof(ret->date), "X-Amz-Date: %s", date);
	rm_format(ret->authorization, sizeof(ret->authorization), "Authorization: %s", value);
	add(ret, ret->type);
	add(ret, ret->date);
	if (p->target) {
		rm_format(ret->target, sizeof(ret->target), "X-Amz-Target: %s", p->target);
		add(ret, ret->target);
	}
	add(ret, ret->authorization);
	if (who->token[0]) {
		rm_format(ret->token, sizeof(ret->token), "X-Amz-Security-Token: %s", who->token);
		add(ret, ret->token);
	}
	return true;
}

int rm_aws_ask(const struct rm_aws_question *q, const struct rm_export_io *io, char *ret, size_t cap,
	       char error[RM_AWS_ERROR_BYTES])
{
	const struct rm_http_options options = { .url = q->url, .ca_file = q->ca_file };
	const struct rm_http_request request = { .is_get = !q->is_put && !q->is_post, .is_put = q->is_put, .body = q->body,
						 .header = q->header, .header_count = q->header_count };
	struct rm_http *http = rm_http_new(&options);
	struct rm_export_io soon = *io;
	struct rm_http_answer a = { .error = "no client" };
	uint64_t limit = rm_clock_mono_ns() + q->patience_s * SECOND_NS;
	struct rm_str said;
	int status;

	if (limit < soon.deadline_ns)
		soon.deadline_ns = limit;
	if (http)
		rm_http_send(http, &request, &soon, &a);
	said = rm_str_trim(a.body);
	status = said.n < cap ? a.status : 0;
	if (status)
		memcpy(ret, said.n > 0 ? said.p : "", said.n);
	ret[status ? said.n : 0] = '\0';
	rm_format(error, RM_AWS_ERROR_BYTES, "%s", a.status && !status ? "too long an answer" : a.error);
	rm_http_free(http);
	return status;
}
