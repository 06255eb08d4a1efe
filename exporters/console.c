/*
 * The console: each span as one line of JSON on stderr as soon as it ends, with the keys that
 * OpenTelemetry's Python console exporter uses. Not on stdout: that is the application's. The
 * smallest whole exporter; the one to copy. Context: worker.
 * Spec: OpenTelemetry specification, trace/sdk_exporters/stdout.md (its layout is left open).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/exporter.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"

static void put_hex_id(struct rm_json *j, const char *key, const uint8_t *id, size_t n)
{
	char text[2 + 32] = "0x";

	rm_hex_encode(id, n, text + 2);
	rm_json_key(j, key);
	rm_json_str(j, (struct rm_str){ text, 2 + 2 * n });
}

static void put_time(struct rm_json *j, const char *key, uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	char text[64];
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%06uZ", (unsigned)(ns % 1000000000 / 1000));
	rm_json_key(j, key);
	rm_json_str(j, rm_str_c(text));
}

static void put_attributes(struct rm_json *j, const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	char key[UINT8_MAX + 1]; /* as long as a record's keys can be */
	struct rm_attr a;
	struct rm_str s;

	rm_json_key(j, "attributes");
	rm_json_open(j, '{');
	while (rm_attr_next(&it, &a)) {
		rm_format(key, sizeof(key), "%S", &a.key);
		rm_json_key(j, key);
		if (a.type == RM_ATTR_STR) {
			rm_json_str(j, a.v.str);
		} else if (a.type == RM_ATTR_I64) {
			rm_json_i64(j, a.v.i64);
		} else if (a.type == RM_ATTR_F64) {
			rm_json_f64(j, a.v.f64);
		} else if (a.type == RM_ATTR_BOOL) {
			rm_json_bool(j, a.v.i64 != 0);
		} else {
			rm_json_open(j, '[');
			while (rm_attr_strs_next(&a.v.str, &s))
				rm_json_str(j, s);
			rm_json_close(j, ']');
		}
	}
	rm_json_close(j, '}');
}

static void put_context(struct rm_json *j, const struct rm_span *s)
{
	rm_json_key(j, "context");
	rm_json_open(j, '{');
	put_hex_id(j, "trace_id", s->trace_id, sizeof(s->trace_id));
	put_hex_id(j, "span_id", s->span_id, sizeof(s->span_id));
	rm_json_key(j, "trace_state");
	rm_json_str(j, rm_span_tracestate(s));
	rm_json_close(j, '}');
}

static void put_span(struct rm_json *j, const struct rm_record *resource, const struct rm_span *s)
{
	static const char *const kinds[] = { "UNSPECIFIED", "INTERNAL", "SERVER",
					     "CLIENT",	    "PRODUCER", "CONSUMER" };
	static const char *const statuses[] = { "UNSET", "OK", "ERROR" };
	static const uint8_t none[sizeof(s->parent_id)];
	char kind[32];

	rm_json_open(j, '{');
	rm_json_key(j, "name");
	rm_json_str(j, rm_span_name(s));
	put_context(j, s);
	snprintf(kind, sizeof(kind), "SpanKind.%s",
		 kinds[s->kind <= RM_KIND_CONSUMER ? s->kind : 0]);
	rm_json_key(j, "kind");
	rm_json_str(j, rm_str_c(kind));
	if (memcmp(s->parent_id, none, sizeof(none)) != 0)
		put_hex_id(j, "parent_id", s->parent_id, sizeof(s->parent_id));
	put_time(j, "start_time", s->start_ns);
	put_time(j, "end_time", s->end_ns);
	rm_json_key(j, "status");
	rm_json_open(j, '{');
	rm_json_key(j, "status_code");
	rm_json_str(j, rm_str_c(statuses[s->status <= RM_STATUS_ERROR ? s->status : 0]));
	rm_json_close(j, '}');
	put_attributes(j, &s->record);
	rm_json_key(j, "resource");
	rm_json_open(j, '{');
	put_attributes(j, resource);
	rm_json_close(j, '}');
	rm_json_close(j, '}');
	rm_json_line(j);
}

/* All of it or, when the terminal does not take it until the deadline, the rest not. */
static bool write_all(const char *p, size_t n, const struct rm_export_io *io)
{
	while (n > 0) {
		ssize_t done = write(STDERR_FILENO, p, n);

		if (done >= 0) {
			p += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN && rm_clock_mono_ns() < io->deadline_ns) {
			poll(&(struct pollfd){ STDERR_FILENO, POLLOUT, 0 }, 1, 10);
		} else if (errno != EINTR) {
			return false;
		}
		if (io->abort && atomic_load(io->abort))
			return false;
	}
	return true;
}

static int console_open(const struct rm_env *env, void **ret_state)
{
	*ret_state = NULL;
	return RM_OK;
}

static void console_export(void *state, const struct rm_batch *batch, const struct rm_export_io *io,
			   struct rm_export_result *ret)
{
	struct rm_json j;

	*ret = (struct rm_export_result){ .code = RM_EXPORT_DONE };
	rm_json_init(&j);
	for (uint32_t g = 0; g < batch->group_count; g++)
		for (uint32_t i = 0; i < batch->groups[g].span_count; i++)
			put_span(&j, batch->groups[g].resource, batch->groups[g].spans[i]);
	if (j.failed || !write_all(j.p, j.n, io))
		ret->code = RM_EXPORT_REFUSED;
	rm_json_free(&j);
}

static void console_close(void *state)
{
}

const struct rm_exporter rm_exporter_console = {
	.name = "console",
	.help = "each span as a line of JSON on stderr, at once",
	.open = console_open,
	.export = console_export,
	.close = console_close,
	.immediate = true,
};
