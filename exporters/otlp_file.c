/*
 * OTLP to a file: each batch as one line of JSON, an Export...ServiceRequest. A file holds one signal.
 * Context: worker. Spec: OpenTelemetry specification, protocol/file-exporter.md; it names no variables, those of
 * OpenTelemetry's SDK for R are taken.
 */
#include "exporters/otlp_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "exporters/lane.h"
#include "exporters/otlp_json.h"
#include "exporters/otlp_logs.h"

enum { KEEP_MAX = 1000 };

struct otlp_file {
	struct rm_line_file *file;
	bool has_warned;
};

static const enum rm_env_id own_file[RM_SIGNAL_COUNT] = {
	[RM_SIGNAL_TRACES] = RM_ENV_OTLP_TRACES_FILE,
	[RM_SIGNAL_LOGS] = RM_ENV_OTLP_LOGS_FILE,
};

/* ---- settings ---- */

static enum rm_env_id file_variable(const struct rm_env *env, enum rm_signal signal)
{
	return rm_env_is_set(env, own_file[signal]) ? own_file[signal] : RM_ENV_OTLP_FILE;
}

/* A path, or a URL of one, as declarative configuration has it. */
static struct rm_str file_path(const struct rm_env *env, enum rm_signal signal)
{
	struct rm_str path = rm_str_trim(rm_env_str(env, file_variable(env, signal)));

	return rm_str_begins(path, RM_STR("file:///")) ? rm_str_behind(path, 7) : path;
}

static bool is_exported(const struct rm_env *env, enum rm_signal signal)
{
	return rm_env_lists(env, rm_lane_exporters(signal), RM_STR("otlp/file"));
}

int rm_otlp_file(const struct rm_env *env, enum rm_signal signal, struct rm_line_file **ret)
{
	struct rm_line_file_options options = { .path = file_path(env, signal) };
	const char *name = rm_env_name(own_file[signal]);
	uint64_t keep = rm_env_u64(env, RM_ENV_REMORA_OTLP_FILE_COUNT, 0);

	if (options.path.n == 0 || options.path.p[0] != '/' || options.path.p[options.path.n - 1] == '/') {
		rm_warn("%s, or %s, has to name a file by its absolute path for the exporter otlp/file", name,
			rm_env_name(RM_ENV_OTLP_FILE));
		return RM_E_INVALID;
	}
	if (signal == RM_SIGNAL_LOGS && is_exported(env, RM_SIGNAL_TRACES) &&
	    rm_str_eq(options.path, file_path(env, RM_SIGNAL_TRACES))) {
		rm_warn("%s has to name another file than that of traces: a file holds one signal", name);
		return RM_E_INVALID;
	}
	options.max_bytes = rm_env_u64(env, RM_ENV_REMORA_OTLP_FILE_SIZE, 0);
	options.max_bytes = options.max_bytes < UINT64_MAX >> 20 ? options.max_bytes << 20 : 0;
	options.keep = (uint32_t)(keep < KEEP_MAX ? keep : KEEP_MAX);
	*ret = rm_line_file_new(&options);
	return *ret ? RM_OK : RM_E_NOMEM;
}

/* ---- the exporter ---- */

static int open_for(const struct rm_env *env, enum rm_signal signal, void **ret_state)
{
	struct otlp_file *o = calloc(1, sizeof(*o));
	int err = o ? rm_otlp_file(env, signal, &o->file) : RM_E_NOMEM;
	struct rm_str path;

	if (err) {
		free(o);
		return err;
	}
	path = file_path(env, signal);
	rm_debug(RM_LOG_EXPORT, "otlp: to %S", &path);
	*ret_state = o;
	return RM_OK;
}

static int otlp_file_open(const struct rm_env *env, void **ret_state)
{
	return open_for(env, RM_SIGNAL_TRACES, ret_state);
}

static int otlp_file_logs_open(const struct rm_env *env, void **ret_state)
{
	return open_for(env, RM_SIGNAL_LOGS, ret_state);
}

static void otlp_file_close(void *state)
{
	struct otlp_file *o = state;

	rm_line_file_free(o->file);
	free(o);
}

static void append(struct otlp_file *o, struct rm_str line, const struct rm_export_io *io, struct rm_export_result *ret)
{
	char why[RM_LINE_FILE_WHY_BYTES] = "";

	switch (rm_line_file_append(o->file, line, io, why)) {
	case RM_OK:
		ret->code = RM_EXPORT_DONE;
		return;
	case RM_E_INVALID:
		ret->code = RM_EXPORT_REFUSED;
		if (!o->has_warned)
			rm_warn("nothing can be exported to the file %s", why);
		o->has_warned = true;
		break;
	case RM_E_RANGE:
		ret->code = RM_EXPORT_TOO_LARGE;
		break;
	default:
		ret->code = RM_EXPORT_RETRY;
	}
	rm_format(ret->message, sizeof(ret->message), "%s", why);
}

static void otlp_file_export(void *state, const struct rm_batch *batch, const struct rm_export_io *io,
			     struct rm_export_result *ret)
{
	struct rm_json j;

	*ret = (struct rm_export_result){ .code = RM_EXPORT_TOO_LARGE, .message = "out of memory" };
	rm_json_init(&j);
	if (batch->signal == RM_SIGNAL_LOGS)
		rm_otlp_json_logs(&j, batch);
	else
		rm_otlp_json(&j, batch);
	if (!j.failed) {
		ret->message[0] = '\0';
		append(state, (struct rm_str){ j.p, j.n }, io, ret);
	}
	rm_json_free(&j);
}

const struct rm_exporter rm_exporter_otlp_file = {
	.name = "otlp/file",
	.help = "OpenTelemetry protocol, as lines of JSON in a file (OTEL_EXPORTER_OTLP_FILE)",
	.open = otlp_file_open,
	.export = otlp_file_export,
	.close = otlp_file_close,
};

const struct rm_exporter rm_exporter_otlp_file_logs = {
	.name = "otlp/file",
	.signal = RM_SIGNAL_LOGS,
	.help = "the same (also OTEL_EXPORTER_OTLP_LOGS_FILE)",
	.open = otlp_file_logs_open,
	.export = otlp_file_export,
	.close = otlp_file_close,
};
