/*
 * Logs for OTLP, in JSON. Context: worker.
 * Spec: opentelemetry-proto logs/v1, collector/logs/v1; docs/specification.md, "JSON Protobuf Encoding".
 */
#include "exporters/otlp_logs.h"

#include "exporters/otlp_json.h"

static void put_trace(struct rm_json *j, const struct rm_log *l)
{
	if (!rm_log_has_trace(l))
		return;
	rm_json_key(j, "flags");
	rm_json_i64(j, l->trace_flags);
	rm_json_key(j, "traceId");
	rm_json_hex(j, l->trace_id, sizeof(l->trace_id));
	rm_json_key(j, "spanId");
	rm_json_hex(j, l->span_id, sizeof(l->span_id));
}

static void put_severity(struct rm_json *j, const struct rm_log *l)
{
	if (l->severity) {
		rm_json_key(j, "severityNumber");
		rm_json_i64(j, l->severity);
	}
	if (l->severity_bytes) {
		rm_json_key(j, "severityText");
		rm_json_str(j, rm_log_severity_text(l));
	}
}

static void put_log(struct rm_json *j, const struct rm_log *l)
{
	rm_json_open(j, '{');
	if (l->time_ns) {
		rm_json_key(j, "timeUnixNano");
		rm_json_u64_str(j, l->time_ns);
	}
	rm_json_key(j, "observedTimeUnixNano");
	rm_json_u64_str(j, l->observed_ns);
	put_severity(j, l);
	rm_json_key(j, "body");
	rm_json_open(j, '{');
	rm_json_key(j, "stringValue");
	rm_json_str(j, rm_log_body(l));
	rm_json_close(j, '}');
	rm_otlp_json_attributes(j, &l->record);
	if (l->dropped_attrs) {
		rm_json_key(j, "droppedAttributesCount");
		rm_json_i64(j, l->dropped_attrs);
	}
	put_trace(j, l);
	if (l->event_bytes) {
		rm_json_key(j, "eventName");
		rm_json_str(j, rm_log_event_name(l));
	}
	rm_json_close(j, '}');
}

static void put_logs(struct rm_json *j, const struct rm_batch_group *g)
{
	for (uint32_t i = 0; i < g->log_count; i++)
		put_log(j, g->logs[i]);
}

void rm_otlp_json_logs(struct rm_json *j, const struct rm_batch *batch)
{
	static const struct rm_otlp_json_names names = { "resourceLogs", "scopeLogs", "logRecords" };

	rm_otlp_json_batch(j, batch, &names, put_logs);
}
