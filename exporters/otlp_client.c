/*
 * One message to an OTLP backend. Over HTTP retried are exactly 429, 502, 503, 504 and no answer at all; any
 * 2xx is a success, of which the body may take some back (partial success, never sent again); 413 asks for
 * smaller batches. Over gRPC retried are the codes that OTLP lists; RESOURCE_EXHAUSTED only where RetryInfo
 * says when, and it asks for smaller batches where its text speaks of a message's size. Everything else is
 * refused for good.
 * Context: worker. Spec: opentelemetry-proto docs/specification.md, "OTLP/HTTP" and "OTLP/gRPC Throttling".
 */
#include "exporters/otlp_client.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/backend.h"
#include "exporters/grpc.h"
#include "exporters/lane.h"
#include "exporters/otlp_answer.h"

#define REQUEST_MAX_BYTES ((size_t)64 * 1024 * 1024) /* OTLP's limit, before compression */
enum { GZIP_WINDOW = 15 + 16 };

struct rm_otlp_client {
	struct rm_otlp_config config;
	struct rm_http *http;
	struct rm_backend backend;
};

static bool is_grpc(const struct rm_otlp_client *c)
{
	return c->config.protocol == RM_OTLP_GRPC;
}

struct rm_http_options rm_otlp_http_options(const struct rm_otlp_config *config)
{
	return (struct rm_http_options){
		.url = config->endpoint.url,
		.unix_path = config->endpoint.unix_path,
		.is_http2 = config->protocol == RM_OTLP_GRPC,
		.header = (const char *const *)config->header,
		.header_count = config->header_count,
		.ca_file = config->ca_file,
		.client_cert = config->client_cert,
		.client_key = config->client_key,
	};
}

int rm_otlp_client_new(const struct rm_env *env, enum rm_signal signal, struct rm_otlp_client **ret)
{
	struct rm_otlp_client *c = calloc(1, sizeof(*c));
	struct rm_http_options options;
	int err = c ? rm_otlp_config(env, signal, &c->config) : RM_E_NOMEM;

	if (err) {
		free(c);
		return err;
	}
	options = rm_otlp_http_options(&c->config);
	c->http = rm_http_new(&options);
	if (!c->http) {
		rm_otlp_client_free(c);
		return RM_E_NOMEM;
	}
	c->backend = (struct rm_backend){ &c->config.endpoint, &c->config.secrets, rm_signal_name(signal), false };
	rm_debug(RM_LOG_EXPORT, "otlp: to %s as %s%s", c->config.endpoint.shown,
		 rm_otlp_protocol_name(c->config.protocol), c->config.gzip ? ", gzip" : "");
	*ret = c;
	return RM_OK;
}

void rm_otlp_client_free(struct rm_otlp_client *c)
{
	rm_http_free(c->http);
	rm_otlp_config_free(&c->config);
	free(c);
}

const struct rm_otlp_config *rm_otlp_client_config(const struct rm_otlp_client *c)
{
	return &c->config;
}

size_t rm_otlp_client_limit(const struct rm_otlp_client *c)
{
	return is_grpc(c) ? RM_GRPC_MESSAGE_MAX_BYTES : REQUEST_MAX_BYTES;
}

/* ---- what is sent ---- */

/*
 * Spans of a batch are like the one before, but for ids and times: a long match is near, and further ones are not better. Of
 * spans of a server this takes half the time of level 6, and 1 % less bytes (tests/bench/worker.py).
 */
static bool begin_gzip(z_stream *z)
{
	enum { GOOD_BYTES = 32, LAZY_BYTES = 258, NICE_BYTES = 258, CHAIN = 8 };

	if (deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	deflateTune(z, GOOD_BYTES, LAZY_BYTES, NICE_BYTES, CHAIN);
	return true;
}

int rm_otlp_pack(const struct rm_otlp_config *config, uint8_t **bytes, size_t *n)
{
	size_t frame = config->protocol == RM_OTLP_GRPC ? RM_GRPC_FRAME_BYTES : 0, cap;
	z_stream z = { 0 };
	uint8_t *out;
	int done;

	if (!config->gzip && !frame)
		return RM_OK;
	if (!config->gzip) {
		out = realloc(*bytes, *n + frame);
		if (!out)
			return RM_E_NOMEM;
		memmove(out + frame, out, *n);
		*bytes = out;
	} else {
		if (!begin_gzip(&z))
			return RM_E_NOMEM;
		cap = deflateBound(&z, *n);
		out = malloc(cap + frame);
		z.next_in = *bytes;
		z.avail_in = (uInt)*n;
		z.next_out = out ? out + frame : NULL;
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
	}
	if (frame)
		rm_grpc_frame(*bytes, *n, config->gzip);
	*n += frame;
	return RM_OK;
}

static void transfer(struct rm_otlp_client *c, struct rm_str body, const struct rm_export_io *io,
		     struct rm_http_answer *ret)
{
	struct rm_http_request request = { .body = body };
	char text[48];
	const char *header[] = { text };
	uint64_t now = rm_clock_mono_ns();

	if (is_grpc(c) && io->deadline_ns != UINT64_MAX) {
		rm_grpc_timeout(io->deadline_ns > now ? io->deadline_ns - now : 0, text, sizeof(text));
		request.header = header;
		request.header_count = 1;
	}
	rm_http_send(c->http, &request, io, ret);
}

/* ---- what came of it ---- */

/* How servers of gRPC (Go, C++, Java, .NET) say that a message is too long for them. */
static bool is_about_size(const char *text)
{
	return strstr(text, "larger than max") || strstr(text, "exceeds maximum size") ||
	       strstr(text, "exceeds the maximum configured message size");
}

static enum rm_export_code judge_code(const struct rm_grpc_answer *a)
{
	switch (a->code) {
	case RM_GRPC_OK:
		return RM_EXPORT_DONE;
	case RM_GRPC_NO_ANSWER:
	case RM_GRPC_CANCELLED:
	case RM_GRPC_DEADLINE_EXCEEDED:
	case RM_GRPC_ABORTED:
	case RM_GRPC_OUT_OF_RANGE:
	case RM_GRPC_UNAVAILABLE:
	case RM_GRPC_DATA_LOSS:
		return RM_EXPORT_RETRY;
	case RM_GRPC_RESOURCE_EXHAUSTED:
		if (a->has_retry_info)
			return RM_EXPORT_RETRY;
		return is_about_size(a->text) ? RM_EXPORT_TOO_LARGE : RM_EXPORT_REFUSED;
	default:
		return RM_EXPORT_REFUSED;
	}
}

/* Answers that only a wrong setting gives. */
static bool is_wrong_setting(const struct rm_grpc_answer *a, const struct rm_http_answer *http)
{
	return http->fault == RM_HTTP_UNTRUSTED || a->code == RM_GRPC_UNAUTHENTICATED ||
	       a->code == RM_GRPC_PERMISSION_DENIED || a->code == RM_GRPC_UNIMPLEMENTED;
}

static void describe(const struct rm_otlp_client *c, const struct rm_grpc_answer *a,
		     const struct rm_http_answer *http, struct rm_str said, struct rm_export_result *ret)
{
	struct rm_str text = rm_str_c(a->text);
	char buffer[16];

	if (a->code == RM_GRPC_OK)
		text = said;
	if (rm_secrets_are_told(&c->config.secrets, text))
		text = RM_STR("(what it says is not shown: it repeats a key)");
	if (a->code == RM_GRPC_OK)
		rm_format(ret->message, sizeof(ret->message), "%S", &text);
	else if (a->is_grpc)
		rm_format(ret->message, sizeof(ret->message), "gRPC %s%s%S", rm_grpc_code_name(a->code, buffer),
			  text.n > 0 ? ": " : "", &text);
	else if (http->status == 0)
		rm_format(ret->message, sizeof(ret->message), "%s%s", http->error,
			  http->fault == RM_HTTP_NOT_HTTP || http->fault == RM_HTTP_CLOSED ?
				  ": does it speak gRPC?" : "");
	else if (a->code == RM_GRPC_NO_ANSWER)
		rm_format(ret->message, sizeof(ret->message), "the answer was cut off");
	else
		rm_format(ret->message, sizeof(ret->message), "HTTP %d, and nothing of gRPC", http->status);
}

static void interpret_grpc(struct rm_otlp_client *c, const struct rm_http_answer *http,
			   struct rm_otlp_answer *ret_answer, struct rm_export_result *ret)
{
	struct rm_grpc_answer a;

	memset(ret, 0, sizeof(*ret));
	rm_grpc_answer(http, &a);
	rm_otlp_answer((struct rm_str){ (const char *)a.message, a.message_bytes }, false, true, ret_answer);
	ret->code = judge_code(&a);
	if (ret->code == RM_EXPORT_RETRY)
		ret->retry_after_ns = a.retry_after_ns;
	describe(c, &a, http, rm_str_c(ret_answer->message), ret);
	if (is_wrong_setting(&a, http))
		rm_backend_warn(&c->backend, ret->message);
	rm_grpc_answer_free(&a);
}

static void interpret_http(struct rm_otlp_client *c, const struct rm_http_answer *http,
			   struct rm_otlp_answer *ret_answer, struct rm_export_result *ret)
{
	if (http->status != 0)
		rm_otlp_answer(http->body, http->is_json, http->status / 100 == 2, ret_answer);
	rm_backend_judge(&c->backend, http, rm_str_c(ret_answer->message), ret);
}

void rm_otlp_client_send(struct rm_otlp_client *c, uint8_t *bytes, size_t n, uint32_t count,
			 const struct rm_export_io *io, struct rm_export_result *ret)
{
	struct rm_otlp_answer answer = { 0 };
	struct rm_http_answer http;

	if (rm_otlp_pack(&c->config, &bytes, &n)) {
		/* Half of it needs half the memory. */
		*ret = (struct rm_export_result){ .code = RM_EXPORT_TOO_LARGE, .message = "out of memory" };
		free(bytes);
		return;
	}
	transfer(c, (struct rm_str){ (const char *)bytes, n }, io, &http);
	(is_grpc(c) ? interpret_grpc : interpret_http)(c, &http, &answer, ret);
	ret->rejected = answer.rejected < count ? (uint32_t)answer.rejected : count;
	free(bytes);
}
