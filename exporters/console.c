/*
 * The console: each span or log as one line of JSON on stderr as soon as it is there, with the keys that
 * OpenTelemetry's Python console exporters use. Not on stdout: that is the application's. The
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
#include "exporters/attr_json.h"

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
	rm_json_key(j, "attributes");
	rm_attrs_json(j, r);
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

static void put_links(struct rm_json *j, const struct rm_span *s)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	struct rm_link link;

	rm_json_key(j, "links");
	rm_json_open(j, '[');
	while (rm_link_next(&it, &link)) {
		rm_json_open(j, '{');
		put_hex_id(j, "trace_id", link.trace_id, sizeof(link.trace_id));
		put_hex_id(j, "span_id", link.span_id, sizeof(link.span_id));
		rm_json_close(j, '}');
	}
	rm_json_close(j, ']');
}

static void put_events(struct rm_json *j, const struct rm_span *s)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	const struct rm_event *event;

	rm_json_key(j, "events");
	rm_json_open(j, '[');
	while (rm_event_next(&it, &event)) {
		rm_json_open(j, '{');
		rm_json_key(j, "name");
		rm_json_str(j, rm_event_name(event));
		put_time(j, "timestamp", event->time_ns);
		put_attributes(j, &event->record);
		rm_json_close(j, '}');
	}
	rm_json_close(j, ']');
}

/* What every line ends with. */
static void end_line(struct rm_json *j, const struct rm_record *resource)
{
	rm_json_key(j, "resource");
	rm_json_open(j, '{');
	put_attributes(j, resource);
	rm_json_close(j, '}');
	rm_json_close(j, '}');
	rm_json_line(j);
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
	if (s->event_count > 0)
		put_events(j, s);
	if (s->link_count > 0)
		put_links(j, s);
	end_line(j, resource);
}

static void put_log(struct rm_json *j, const struct rm_record *resource, const struct rm_log *l)
{
	rm_json_open(j, '{');
	rm_json_key(j, "body");
	rm_json_str(j, rm_log_body(l));
	rm_json_key(j, "severity_number");
	rm_json_i64(j, l->severity);
	rm_json_key(j, "severity_text");
	rm_json_str(j, rm_log_severity_text(l));
	if (l->event_bytes) {
		rm_json_key(j, "event_name");
		rm_json_str(j, rm_log_event_name(l));
	}
	put_attributes(j, &l->record);
	rm_json_key(j, "dropped_attributes");
	rm_json_i64(j, l->dropped_attrs);
	if (l->time_ns)
		put_time(j, "timestamp", l->time_ns);
	put_time(j, "observed_timestamp", l->observed_ns);
	if (rm_log_has_trace(l)) {
		put_hex_id(j, "trace_id", l->trace_id, sizeof(l->trace_id));
		put_hex_id(j, "span_id", l->span_id, sizeof(l->span_id));
		rm_json_key(j, "trace_flags");
		rm_json_i64(j, l->trace_flags);
	}
	end_line(j, resource);
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
	for (uint32_t n = 0; n < batch->group_count; n++) {
		const struct rm_batch_group *g = &batch->groups[n];

		for (uint32_t i = 0; i < g->span_count; i++)
			put_span(&j, g->resource, g->spans[i]);
		for (uint32_t i = 0; i < g->log_count; i++)
			put_log(&j, g->resource, g->logs[i]);
	}
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

const struct rm_exporter rm_exporter_console_logs = {
	.name = "console",
	.signal = RM_SIGNAL_LOGS,
	.help = "each log record as a line of JSON on stderr, at once",
	.open = console_open,
	.export = console_export,
	.close = console_close,
	.immediate = true,
};
