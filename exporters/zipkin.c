/*
 * Zipkin: each batch as one POST of JSON, version 2. Whatever takes that form (Zipkin itself, Jaeger, a
 * Collector's zipkin receiver) can be named in OTEL_EXPORTER_ZIPKIN_ENDPOINT.
 * Context: worker. Spec: OpenTelemetry specification, trace/sdk_exporters/zipkin.md.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/exporter.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/backend.h"
#include "exporters/zipkin_json.h"

#define DEFAULT_ENDPOINT "http://localhost:9411/api/v2/spans"
#define MS_NS		 1000000ull
#define REQUEST_MAX	 ((size_t)64 * 1024 * 1024)

struct zipkin {
	struct rm_endpoint endpoint;
	struct rm_secrets secrets;
	struct rm_backend backend;
	struct rm_http *http;
	uint64_t timeout_ns; /* 0: none */
};

static void zipkin_close(void *state)
{
	struct zipkin *z = state;

	rm_http_free(z->http);
	rm_endpoint_free(&z->endpoint);
	rm_secrets_free(&z->secrets);
	free(z);
}

static int read_endpoint(const struct rm_env *env, struct zipkin *z)
{
	struct rm_str value = rm_env_str(env, RM_ENV_ZIPKIN_ENDPOINT);
	int err = RM_E_INVALID;

	if (value.n > 0)
		err = rm_endpoint_parse(value, "", &z->secrets, &z->endpoint);
	if (err != RM_E_INVALID)
		return err;
	if (value.n > 0)
		rm_endpoint_warn(rm_env_name(RM_ENV_ZIPKIN_ENDPOINT), value, "http:// or https://",
				 DEFAULT_ENDPOINT);
	return rm_endpoint_parse(RM_STR(DEFAULT_ENDPOINT), "", &z->secrets, &z->endpoint);
}

static int zipkin_open(const struct rm_env *env, void **ret_state)
{
	static const char *const header[] = { "Content-Type: application/json",
					      "User-Agent: remora/" REMORA_VERSION };
	struct zipkin *z = calloc(1, sizeof(*z));
	uint64_t timeout_ms = rm_env_u64(env, RM_ENV_ZIPKIN_TIMEOUT, 0);
	struct rm_http_options options;
	int err;

	if (!z)
		return RM_E_NOMEM;
	err = read_endpoint(env, z);
	if (!err) {
		options = (struct rm_http_options){ .url = z->endpoint.url, .header = header, .header_count = 2 };
		z->http = rm_http_new(&options);
		err = z->http ? RM_OK : RM_E_NOMEM;
	}
	if (err) {
		zipkin_close(z);
		return err;
	}
	z->timeout_ns = timeout_ms < UINT64_MAX / MS_NS ? timeout_ms * MS_NS : 0;
	z->backend = (struct rm_backend){ &z->endpoint, &z->secrets, "spans", false };
	rm_debug(RM_LOG_EXPORT, "zipkin: to %s", z->endpoint.shown);
	*ret_state = z;
	return RM_OK;
}

static uint64_t zipkin_budget_ns(const void *state)
{
	return ((const struct zipkin *)state)->timeout_ns;
}

static void zipkin_export(void *state, const struct rm_batch *batch, const struct rm_export_io *io,
			  struct rm_export_result *ret)
{
	struct zipkin *z = state;
	struct rm_http_answer answer;
	struct rm_json j;

	rm_json_init(&j);
	rm_zipkin_json(&j, batch);
	if (j.failed || j.n > REQUEST_MAX) {
		/* Half of it needs half the memory. */
		*ret = (struct rm_export_result){ .code = RM_EXPORT_TOO_LARGE };
		rm_format(ret->message, sizeof(ret->message), "%s",
			  j.failed ? "out of memory" : "over 64 MiB");
	} else {
		rm_http_post(z->http, (struct rm_str){ j.p, j.n }, io, &answer);
		rm_backend_judge(&z->backend, &answer, answer.status / 100 == 2 ? RM_STR("") : answer.body, ret);
	}
	rm_json_free(&j);
}

const struct rm_exporter rm_exporter_zipkin = {
	.name = "zipkin",
	.help = "Zipkin's JSON, version 2, over HTTP (OTEL_EXPORTER_ZIPKIN_*)",
	.open = zipkin_open,
	.export = zipkin_export,
	.close = zipkin_close,
	.budget_ns = zipkin_budget_ns,
};
