/*
 * From an entry, which is text (logs/lines.h), to a log record. Context of all: any, signal-safe.
 */
#ifndef RM_AGENT_LOG_RECORD_H
#define RM_AGENT_LOG_RECORD_H

#include "agent/telemetry.h"
#include "base/env.h"
#include "logs/lines.h"

/* Of attributes; 0 is no limit. */
struct rm_log_limits {
	uint32_t max_attrs, max_value_chars;
};

/* OTEL_LOGRECORD_ATTRIBUTE_..., else OTEL_ATTRIBUTE_... */
void rm_log_limits(struct rm_log_limits *ret, const struct rm_env *env);

/* A record needs no more than so many times the bytes of its text (an exception is told once more), and these. */
enum { RM_LOG_RECORD_TIMES = 3, RM_LOG_RECORD_EXTRA_BYTES = 1024 };

/*
 * Makes the record of an entry of a stream in the caller's memory (8-byte aligned). Returns its size; 0: it does not
 * fit.
 */
uint32_t rm_log_record(const struct rm_entry *entry, enum rm_stream stream, const struct rm_log_limits *limits,
		       void *memory, uint32_t cap_bytes);

/* What a message says of itself beside its text. */
struct rm_log_said {
	unsigned severity; /* of syslog: 0 to 7 */
	int facility;	   /* of syslog: 0 to 23 */
	struct rm_str ident;
};

/* The same of a message of syslog's. */
uint32_t rm_log_record_said(const struct rm_entry *entry, const struct rm_log_said *said, const struct rm_log_limits *limits,
			    void *memory, uint32_t cap_bytes);

/* The piece that a record of output is. */
struct rm_piece rm_output_piece(const struct rm_output *o);

#endif
