/*
 * OTLP over HTTP: encodes a batch as protobuf or JSON, compresses it if asked to, posts it once and
 * says what came of it. Retryable are exactly 429, 502, 503, 504 and no answer at all; any 2xx is a
 * success, of which the body may take some back (partial success, never sent again); 413 and
 * messages over 64 MiB ask for smaller batches; everything else is refused for good.
 * Context: worker. Spec: opentelemetry-proto docs/specification.md, "OTLP/HTTP";
 * OpenTelemetry specification, protocol/exporter.md.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "agent/exporter.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/backend.h"
#include "exporters/http.h"
#include "exporters/otlp_answer.h"
#include "exporters/otlp_config.h"
#include "exporters/otlp_json.h"
#include "exporters/otlp_proto.h"

#define REQUEST_MAX_BYTES ((size_t)64 * 1024 * 1024) /* before compression */
enum { GZIP_WINDOW = 15 + 16 };

struct otlp {
	struct rm_otlp_config config;
	struct rm_http *http;
	struct rm_backend backend;
};

static void otlp_close(void *state)
{
	struct otlp *o = state;

	rm_http_free(o->http);
	rm_otlp_config_free(&o->config);
	free(o);
}

static int otlp_open(const struct rm_env *env, void **ret_state)
{
	struct otlp *o = calloc(1, sizeof(*o));
	struct rm_http_options options;
	int err;

	if (!o)
		return RM_E_NOMEM;
	err = rm_otlp_config(env, &o->config);
	if (err) {
		free(o);
		return err;
	}
	options = (struct rm_http_options){
		.url = o->config.endpoint.url,
		.header = (const char *const *)o->config.header,
		.header_count = o->config.header_count,
		.ca_file = o->config.ca_file,
		.client_cert = o->config.client_cert,
		.client_key = o->config.client_key,
	};
	o->http = rm_http_new(&options);
	if (!o->http) {
		otlp_close(o);
		return RM_E_NOMEM;
	}
	o->backend = (struct rm_backend){ &o->config.endpoint, &o->config.secrets, false };
	rm_debug(RM_LOG_EXPORT, "otlp: to %s as %s%s", o->config.endpoint.shown,
		 o->config.json ? "json" : "protobuf", o->config.gzip ? ", gzip" : "");
	*ret_state = o;
	return RM_OK;
}

static uint64_t otlp_budget_ns(const void *state)
{
	return ((const struct otlp *)state)->config.timeout_ns;
}

static int encode_json(const struct rm_batch *batch, uint8_t **ret_bytes, size_t *ret_n)
{
	struct rm_json j;
	int err = RM_OK;

	rm_json_init(&j);
	rm_otlp_json(&j, batch);
	if (j.failed)
		err = RM_E_NOMEM;
	else if (j.n > REQUEST_MAX_BYTES)
		err = RM_E_RANGE;
	if (err) {
		rm_json_free(&j);
		return err;
	}
	*ret_bytes = (uint8_t *)j.p;
	*ret_n = j.n;
	return RM_OK;
}

/* Replaces the bytes by their gzip form. Errors: RM_E_NOMEM, nothing is changed. */
static int compress_body(uint8_t **bytes, size_t *n)
{
	z_stream z = { 0 };
	size_t cap;
	uint8_t *out;
	int done;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return RM_E_NOMEM;
	cap = deflateBound(&z, *n);
	out = malloc(cap);
	z.next_in = *bytes;
	z.avail_in = (uInt)*n;
	z.next_out = out;
	z.avail_out = (uInt)cap;
	done = out ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	deflateEnd(&z);
	if (done != Z_STREAM_END) {
		free(out);
		return RM_E_NOMEM;
	}
	free(*bytes);
	*bytes = out;
	*n = z.total_out;
	return RM_OK;
}

static int encode(const struct otlp *o, const struct rm_batch *batch, uint8_t **ret_bytes,
		  size_t *ret_n)
{
	uint8_t *bytes = NULL;
	size_t n = 0;
	int err = o->config.json ? encode_json(batch, &bytes, &n)
				 : rm_otlp_proto(batch, REQUEST_MAX_BYTES, &bytes, &n);

	if (!err && o->config.gzip)
		err = compress_body(&bytes, &n);
	if (err) {
		free(bytes);
		return err;
	}
	*ret_bytes = bytes;
	*ret_n = n;
	return RM_OK;
}

static void interpret(struct otlp *o, const struct rm_http_answer *http, uint32_t span_count,
		      struct rm_export_result *ret)
{
	struct rm_otlp_answer answer = { 0 };

	if (http->status != 0)
		rm_otlp_answer(http->body, http->is_json, http->status / 100 == 2, &answer);
	rm_backend_judge(&o->backend, http, rm_str_c(answer.message), ret);
	ret->rejected = answer.rejected < span_count ? (uint32_t)answer.rejected : span_count;
}

static void otlp_export(void *state, const struct rm_batch *batch, const struct rm_export_io *io,
			struct rm_export_result *ret)
{
	struct otlp *o = state;
	struct rm_http_answer answer;
	uint8_t *body = NULL;
	size_t n = 0;
	int err = encode(o, batch, &body, &n);

	memset(ret, 0, sizeof(*ret));
	if (err) {
		/* Half of it needs half the memory. */
		ret->code = RM_EXPORT_TOO_LARGE;
		rm_format(ret->message, sizeof(ret->message), "%s",
			  err == RM_E_RANGE ? "over 64 MiB" : "out of memory");
		return;
	}
	rm_http_post(o->http, (struct rm_str){ (const char *)body, n }, io, &answer);
	interpret(o, &answer, batch->span_count, ret);
	free(body);
}

const struct rm_exporter rm_exporter_otlp = {
	.name = "otlp",
	.help = "OpenTelemetry protocol over HTTP, protobuf or JSON (OTEL_EXPORTER_OTLP_*)",
	.open = otlp_open,
	.export = otlp_export,
	.close = otlp_close,
	.budget_ns = otlp_budget_ns,
};
