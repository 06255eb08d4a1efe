/*
 * What the agent hands to exporters: records of spans, logs and resources, packed, without pointers, so
 * that the same bytes live in a ring, in shared memory and in an exporter's queue.
 *
 * A record is struct rm_record (spans: struct rm_span), the name and the tracestate each
 * padded to 8 bytes, then `attr_count` attributes, among which stand a span's links and events. Everything is
 * little-endian host order: producer and consumer are the same machine.
 */
#ifndef RM_AGENT_TELEMETRY_H
#define RM_AGENT_TELEMETRY_H

#include <stdint.h>

#include "base/str.h"

enum rm_record_type {
	RM_RECORD_FILLER = 0,
	RM_RECORD_SPAN = 1,
	RM_RECORD_RESOURCE = 2,
	RM_RECORD_LOG = 3,
	RM_RECORD_OUTPUT = 4, /* becomes log records, see logs/lines.h */
	RM_RECORD_EVENT = 16, /* never by itself: inside a span */
};

struct rm_record {
	uint32_t bytes; /* whole record, multiple of 8 */
	uint16_t type;  /* enum rm_record_type */
	uint16_t attr_count;
};

/* Numbers as in OTLP, opentelemetry.proto.trace.v1.Span.SpanKind and Status.StatusCode. */
enum rm_span_kind { RM_KIND_INTERNAL = 1, RM_KIND_SERVER, RM_KIND_CLIENT, RM_KIND_PRODUCER, RM_KIND_CONSUMER };
enum rm_span_status { RM_STATUS_UNSET = 0, RM_STATUS_OK = 1, RM_STATUS_ERROR = 2 };

enum {
	RM_SPAN_PARENT_REMOTE = 1, /* rm_span.bits: the parent lives in another process */
	RM_SPAN_HAS_STACK = 2,	   /* among its attributes */
};

struct rm_span {
	struct rm_record record;
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t parent_id[8]; /* zero for a root */
	uint64_t start_ns;    /* since the Unix epoch */
	uint64_t end_ns;
	uint8_t kind;         /* enum rm_span_kind */
	uint8_t status;       /* enum rm_span_status */
	uint8_t trace_flags;  /* W3C: bit 0 sampled, bit 1 random */
	uint8_t bits;         /* RM_SPAN_... */
	uint16_t name_bytes;
	uint16_t tracestate_bytes;
	uint32_t dropped_attrs;
	uint16_t link_count;
	uint16_t dropped_links;
	uint16_t event_count;
	uint16_t dropped_events;
	uint32_t reserved;
};

/* Numbers as in OTLP, opentelemetry.proto.logs.v1.SeverityNumber: the first of each range of four. */
enum rm_severity {
	RM_SEVERITY_NONE = 0,
	RM_SEVERITY_TRACE = 1,
	RM_SEVERITY_DEBUG = 5,
	RM_SEVERITY_INFO = 9,
	RM_SEVERITY_WARN = 13,
	RM_SEVERITY_ERROR = 17,
	RM_SEVERITY_FATAL = 21,
	RM_SEVERITY_MAX = 24,
};

/* A log record: this, severity as text, name of the event and body, each padded to 8 bytes, then attributes. */
struct rm_log {
	struct rm_record record;
	uint64_t time_ns;       /* of what it tells, since the Unix epoch; 0: not known */
	uint64_t observed_ns;   /* when we saw it */
	uint8_t trace_id[16];   /* zero, as the span's: it belongs to none */
	uint8_t span_id[8];
	uint8_t severity;       /* enum rm_severity, and the numbers between */
	uint8_t severity_bytes; /* of its text, as the program wrote it */
	uint8_t event_bytes;    /* of the name that makes it an event, mostly none */
	uint8_t trace_flags;    /* W3C */
	uint32_t body_bytes;
	uint32_t dropped_attrs;
	uint32_t reserved_too;
};

enum rm_stream { RM_STREAM_STDOUT = 1, RM_STREAM_STDERR = 2 };

enum {
	RM_OUTPUT_BEGINS = 1,  /* rm_output.bits: the first piece of what one call wrote */
	RM_OUTPUT_ENDS = 2,    /* the last one */
	RM_OUTPUT_SHARED = 4,  /* may hold what was printed for others: a buffer was emptied */
};

/* A piece of what a program wrote: this, and its bytes padded to 8. No attributes. */
struct rm_output {
	struct rm_record record;
	uint64_t time_ns;     /* since the Unix epoch */
	uint64_t sequence;    /* of its stream: pieces come in this order */
	uint8_t trace_id[16]; /* of what the thread was at work on; zero: not known */
	uint8_t span_id[8];
	uint32_t source;      /* which process: different for each, also for forked children */
	uint32_t bytes;
	uint32_t lost_bytes;  /* of the call, behind this piece: not kept */
	uint8_t stream;       /* enum rm_stream */
	uint8_t bits;         /* RM_OUTPUT_... */
	uint8_t trace_flags;
	uint8_t reserved;
};

static inline struct rm_str rm_output_text(const struct rm_output *o)
{
	return (struct rm_str){ (const char *)(o + 1), o->bytes };
}

enum rm_attr_type {
	RM_ATTR_STR = 1, /* UTF-8 or raw bytes; exporters replace what is not UTF-8 */
	RM_ATTR_I64 = 2,
	RM_ATTR_F64 = 3,
	RM_ATTR_BOOL = 4,
	RM_ATTR_STRS = 5, /* list: each element is a uint32_t length, then its bytes, unpadded */
	RM_ATTR_LINK = 6, /* no attribute: a struct rm_link, without a key */
	RM_ATTR_EVENT = 7, /* nor is this: a struct rm_event and what belongs to it */
};

/* Another span that this one has to do with, as the message that it handles was sent by it. */
struct rm_link {
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t trace_flags; /* as those of a span; it lives in another process */
	uint8_t reserved[7];
};

/* What happened at one time of a span: a record in the record, with a name and attributes of its own. */
struct rm_event {
	struct rm_record record; /* RM_RECORD_EVENT */
	uint64_t time_ns;        /* since the Unix epoch */
	uint16_t name_bytes;
	uint16_t reserved;
	uint32_t dropped_attrs;
};

/* On the wire of the ring: this header, the key's text if `key` is 0, padded to 8; the value, padded to 8. */
struct rm_attr_head {
	uint16_t key;        /* enum rm_key, or 0: the key's text follows */
	uint8_t type;        /* enum rm_attr_type */
	uint8_t key_bytes;   /* length of the text when key is 0 */
	uint32_t value_bytes; /* 8 for I64, F64, BOOL (as int64_t) */
};

/* A decoded attribute: slices into the record, valid as long as the record. */
struct rm_attr {
	struct rm_str key;
	bool named;        /* the key is one of ours (rm_key_name): valid for ever */
	enum rm_attr_type type;
	union {
		struct rm_str str; /* STR: the text; STRS: the packed list, see rm_attr_strs_next */
		int64_t i64;       /* I64, BOOL */
		double f64;
	} v;
};

struct rm_attr_iter {
	const char *p, *end;
	uint32_t left; /* attributes, links and events */
};

/*
 * Checks a record that came from memory somebody else can write. `bytes` is what was copied out.
 * Returns true when every length in it stays inside. Context: any.
 */
bool rm_record_valid(const struct rm_record *r, uint32_t bytes);

struct rm_str rm_span_name(const struct rm_span *s);
struct rm_str rm_event_name(const struct rm_event *e);
struct rm_str rm_span_tracestate(const struct rm_span *s);
struct rm_str rm_log_severity_text(const struct rm_log *l);
struct rm_str rm_log_event_name(const struct rm_log *l);
struct rm_str rm_log_body(const struct rm_log *l);
/* True when it belongs to a trace: then to a span of it, too. */
bool rm_log_has_trace(const struct rm_log *l);

/* Starts over the attributes of a valid record: a span's, a log's, a resource's, an event's. */
struct rm_attr_iter rm_record_attrs(const struct rm_record *r);

/* Gives the next attribute; false at the end. */
bool rm_attr_next(struct rm_attr_iter *it, struct rm_attr *ret);

/* The same of a span's links: each walk sees its own kind. */
bool rm_link_next(struct rm_attr_iter *it, struct rm_link *ret);

/* And of its events: points into the span. */
bool rm_event_next(struct rm_attr_iter *it, const struct rm_event **ret);

/* Finds a text among the attributes of a valid record. False: there is none. */
bool rm_record_find_str(const struct rm_record *r, const char *key, struct rm_str *ret);

/* Gives the next element of an RM_ATTR_STRS value; *rest starts as attr.v.str. False at the end. */
bool rm_attr_strs_next(struct rm_str *rest, struct rm_str *ret);

/* What a batch consists of, and what an exporter takes. */
enum rm_signal { RM_SIGNAL_TRACES, RM_SIGNAL_LOGS, RM_SIGNAL_COUNT };

/* One exporter call's worth, all of one signal, grouped by the resource (process) that it comes from. */
struct rm_batch_group {
	const struct rm_record *resource; /* RM_RECORD_RESOURCE */
	const struct rm_span *const *spans;
	uint32_t span_count;
	const struct rm_log *const *logs;
	uint32_t log_count;
};

struct rm_batch {
	const struct rm_batch_group *groups;
	uint32_t group_count;
	uint32_t span_count; /* over all groups */
	enum rm_signal signal;
	uint32_t log_count;
};

#endif
