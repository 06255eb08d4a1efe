/*
 * Spans and logs by OTLP: encodes a batch as protobuf or JSON; the client does the rest.
 * Context: worker. Spec: OpenTelemetry specification, protocol/exporter.md.
 */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "exporters/otlp_client.h"
#include "exporters/otlp_json.h"
#include "exporters/otlp_logs.h"
#include "exporters/otlp_proto.h"

static void otlp_close(void *state)
{
	rm_otlp_client_free(state);
}

static int open_for(const struct rm_env *env, enum rm_signal signal, void **ret_state)
{
	struct rm_otlp_client *client;
	int err = rm_otlp_client_new(env, signal, &client);

	if (!err)
		*ret_state = client;
	return err;
}

static int otlp_open(const struct rm_env *env, void **ret_state)
{
	return open_for(env, RM_SIGNAL_TRACES, ret_state);
}

static int otlp_logs_open(const struct rm_env *env, void **ret_state)
{
	return open_for(env, RM_SIGNAL_LOGS, ret_state);
}

static uint64_t otlp_budget_ns(const void *state)
{
	return rm_otlp_client_config(state)->timeout_ns;
}

static int encode_json(const struct rm_batch *batch, size_t limit, uint8_t **ret_bytes, size_t *ret_n)
{
	struct rm_json j;
	int err = RM_OK;

	rm_json_init(&j);
	if (batch->signal == RM_SIGNAL_LOGS)
		rm_otlp_json_logs(&j, batch);
	else
		rm_otlp_json(&j, batch);
	if (j.failed)
		err = RM_E_NOMEM;
	else if (j.n > limit)
		err = RM_E_RANGE;
	if (err) {
		rm_json_free(&j);
		return err;
	}
	*ret_bytes = (uint8_t *)j.p;
	*ret_n = j.n;
	return RM_OK;
}

static int encode(const struct rm_otlp_client *client, const struct rm_batch *batch, uint8_t **ret_bytes, size_t *ret_n)
{
	size_t limit = rm_otlp_client_limit(client);

	if (rm_otlp_client_config(client)->protocol == RM_OTLP_HTTP_JSON)
		return encode_json(batch, limit, ret_bytes, ret_n);
	return rm_otlp_proto(batch, limit, ret_bytes, ret_n);
}

static void otlp_export(void *state, const struct rm_batch *batch, const struct rm_export_io *io,
			struct rm_export_result *ret)
{
	uint8_t *bytes = NULL;
	size_t n = 0;
	int err = encode(state, batch, &bytes, &n);

	if (!err) {
		rm_otlp_client_send(state, bytes, n, batch->span_count + batch->log_count, io, ret);
		return;
	}
	/* Half of it needs half the memory. */
	*ret = (struct rm_export_result){ .code = RM_EXPORT_TOO_LARGE };
	if (err == RM_E_RANGE)
		rm_format(ret->message, sizeof(ret->message), "over %lu MiB", rm_otlp_client_limit(state) / 1024 / 1024);
	else
		rm_format(ret->message, sizeof(ret->message), "out of memory");
}

const struct rm_exporter rm_exporter_otlp = {
	.name = "otlp",
	.help = "OpenTelemetry protocol over HTTP, protobuf or JSON, or over gRPC (OTEL_EXPORTER_OTLP_*)",
	.open = otlp_open,
	.export = otlp_export,
	.close = otlp_close,
	.budget_ns = otlp_budget_ns,
};

const struct rm_exporter rm_exporter_otlp_logs = {
	.name = "otlp",
	.signal = RM_SIGNAL_LOGS,
	.help = "the same (also OTEL_EXPORTER_OTLP_LOGS_*)",
	.open = otlp_logs_open,
	.export = otlp_export,
	.close = otlp_close,
	.budget_ns = otlp_budget_ns,
};
