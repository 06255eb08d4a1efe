/* See log_record.h. Context: any, signal-safe. Spec: OpenTelemetry, logs/data-model.md; semantic conventions, logs. */
#include "agent/log_record.h"

#include <string.h>

#include "agent/record.h"
#include "base/err.h"
#include "logs/exception.h"
#include "logs/severity.h"

static uint32_t limit(const struct rm_env *env, enum rm_env_id of_logs, enum rm_env_id general)
{
	uint64_t v = rm_env_u64(env, rm_env_is_set(env, of_logs) ? of_logs : general, 0);

	return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

void rm_log_limits(struct rm_log_limits *ret, const struct rm_env *env)
{
	ret->max_attrs = limit(env, RM_ENV_LOGRECORD_ATTRIBUTE_COUNT_LIMIT, RM_ENV_ATTRIBUTE_COUNT_LIMIT);
	ret->max_value_chars = limit(env, RM_ENV_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT, RM_ENV_ATTRIBUTE_VALUE_LENGTH_LIMIT);
}

/* Begins a record whose severity is known, or not (0). What else is known of it follows, before finish(). */
static bool begin(struct rm_builder *b, const struct rm_entry *entry, struct rm_severity_found severity, void *memory,
		  uint32_t cap_bytes)
{
	struct rm_log head = { .time_ns = entry->time_ns, .observed_ns = entry->time_ns, .severity = severity.number };

	memcpy(head.trace_id, entry->trace.trace_id, sizeof(head.trace_id));
	memcpy(head.span_id, entry->trace.span_id, sizeof(head.span_id));
	head.trace_flags = entry->trace.flags;
	return rm_builder_log(b, memory, cap_bytes, &head, severity.text, RM_STR(""), entry->text) == RM_OK;
}

/* `e` may be NULL. */
static uint32_t finish(struct rm_builder *b, const struct rm_entry *entry, const struct rm_exception_found *e)
{
	if (e) {
		rm_builder_str(b, RM_KEY_EXCEPTION_TYPE, e->type);
		rm_builder_str(b, RM_KEY_EXCEPTION_MESSAGE, e->message);
		rm_builder_str(b, RM_KEY_EXCEPTION_STACKTRACE, e->stacktrace);
	}
	if (entry->lost_bytes)
		rm_builder_i64(b, RM_KEY_REMORA_LOST_BYTES, (int64_t)entry->lost_bytes);
	return rm_builder_end(b);
}

uint32_t rm_log_record(const struct rm_entry *entry, enum rm_stream stream, const struct rm_log_limits *limits,
		       void *memory, uint32_t cap_bytes)
{
	struct rm_builder b = { .max_attrs = limits->max_attrs, .max_value_bytes = limits->max_value_chars };
	struct rm_severity_found severity = rm_severity_of(entry->text);
	struct rm_exception_found exception;
	bool has_exception = rm_exception_of(entry->text, &exception);

	if (!severity.number && has_exception)
		severity.number = RM_SEVERITY_ERROR;
	if (!begin(&b, entry, severity, memory, cap_bytes))
		return 0;
	rm_builder_str(&b, RM_KEY_LOG_IOSTREAM, stream == RM_STREAM_STDERR ? RM_STR("stderr") : RM_STR("stdout"));
	return finish(&b, entry, has_exception ? &exception : NULL);
}

/* As the configuration of syslogd names it. */
static struct rm_str syslog_name(unsigned severity)
{
	static const char names[8][8] = { "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug" };

	return RM_STR_OF(names[severity & 7]);
}

uint32_t rm_log_record_said(const struct rm_entry *entry, const struct rm_log_said *said, const struct rm_log_limits *limits,
			    void *memory, uint32_t cap_bytes)
{
	struct rm_builder b = { .max_attrs = limits->max_attrs, .max_value_bytes = limits->max_value_chars };
	struct rm_severity_found severity = { rm_severity_of_syslog(said->severity), syslog_name(said->severity) };
	struct rm_exception_found exception;
	bool has_exception = rm_exception_of(entry->text, &exception);

	if (!begin(&b, entry, severity, memory, cap_bytes))
		return 0;
	rm_builder_i64(&b, RM_KEY_SYSLOG_FACILITY, said->facility);
	rm_builder_str(&b, RM_KEY_SYSLOG_APPNAME, said->ident);
	return finish(&b, entry, has_exception ? &exception : NULL);
}

struct rm_piece rm_output_piece(const struct rm_output *o)
{
	struct rm_piece p = { .text = rm_output_text(o), .time_ns = o->time_ns, .lost_bytes = o->lost_bytes,
			      .begins = o->bits & RM_OUTPUT_BEGINS, .shared = o->bits & RM_OUTPUT_SHARED };

	memcpy(p.trace.trace_id, o->trace_id, sizeof(p.trace.trace_id));
	memcpy(p.trace.span_id, o->span_id, sizeof(p.trace.span_id));
	p.trace.flags = o->trace_flags;
	return p;
}
