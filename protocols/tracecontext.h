/*
 * Trace context in header values: parse and format, byte-exact, without state.
 * Specs: W3C Trace Context level 2, W3C Baggage, B3, X-Ray tracing header, Jaeger uber-trace-id.
 * Context: any, signal-safe.
 */
#ifndef RM_PROTOCOLS_TRACECONTEXT_H
#define RM_PROTOCOLS_TRACECONTEXT_H

#include "base/str.h"
#include "base/strbuf.h"

enum { RM_FLAG_SAMPLED = 1, RM_FLAG_RANDOM = 2 };
enum { RM_TRACEPARENT_BYTES = 55, RM_TRACEPARENT_LINE_BYTES = 13 + RM_TRACEPARENT_BYTES + 2, RM_TRACESTATE_MAX_BYTES = 512, RM_BAGGAGE_MAX_BYTES = 8192 };

/* One point in one trace. `valid` false means "no context", but for `trace_only`. */
struct rm_spanctx {
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t flags;     /* RM_FLAG_... */
	bool valid;
	bool sampled_known; /* false: the caller left the decision to us (B3 without state, X-Ray Sampled=?) */
	bool debug;        /* B3 "d" / Jaeger bit 1: forwarded */
	bool asks;         /* the caller wants to be told the decision in the response (X-Ray Sampled=?) */
	bool trace_only;   /* not valid: a trace (and perhaps its decision) without a span, whose root is ours to make */
};

/* OTEL_PROPAGATORS as bits, in the order extraction tries them. */
enum rm_propagator {
	RM_PROP_TRACECONTEXT = 1,
	RM_PROP_BAGGAGE = 2,
	RM_PROP_B3 = 4,
	RM_PROP_B3MULTI = 8,
	RM_PROP_XRAY = 16,
	RM_PROP_JAEGER = 32,
};

/* Parses OTEL_PROPAGATORS; "none" alone gives 0. Unknown names are skipped; xray-lambda is xray. */
unsigned rm_propagators_parse(struct rm_str list);

/* Strict W3C: false leaves *ret invalid. */
bool rm_traceparent_parse(struct rm_str value, struct rm_spanctx *ret);
/* Writes exactly RM_TRACEPARENT_BYTES, version 00, flags masked to the defined bits. */
void rm_traceparent_format(const struct rm_spanctx *c, char *ret);
/* The same as a line of HTTP/1, "traceparent: 00-...\r\n": exactly RM_TRACEPARENT_LINE_BYTES. */
void rm_traceparent_line(const struct rm_spanctx *c, char *ret);

/* Decodes ids from lowercase hex digits; false when one is malformed or all zero. */
bool rm_ids_decode(const char *trace_hex, const char *span_hex, struct rm_spanctx *ret);

/*
 * Begins a trace id with the time in seconds, as X-Ray's do; what is random in it stays random enough for
 * RM_FLAG_RANDOM. Spec: AWS X-Ray developer guide, "Trace ID"; W3C Trace Context level 2, section 3.2.2.5.
 */
void rm_trace_id_date(uint8_t trace_id[16], uint64_t wall_ns);

/*
 * Joins one more tracestate header value to `out`: members checked, empty ones dropped. Returns
 * false when the result must be dropped whole (bad member, more than 32). `out` never becomes
 * truncated: members it has no room for are left out, those over 128 characters first.
 */
bool rm_tracestate_append(struct rm_strbuf *out, struct rm_str value);
/* Cuts to RM_TRACESTATE_MAX_BYTES: members over 128 characters first, then from the end. */
struct rm_str rm_tracestate_fit(struct rm_strbuf *state);

enum { RM_CARRIERS_MORE = 4 };

/* The headers of one message that propagation looks at, as found; several per name are possible. */
enum rm_carrier {
	RM_CARRIER_TRACEPARENT, RM_CARRIER_TRACESTATE, RM_CARRIER_BAGGAGE, RM_CARRIER_B3,
	RM_CARRIER_B3_TRACEID, RM_CARRIER_B3_SPANID, RM_CARRIER_B3_PARENTSPANID, RM_CARRIER_B3_SAMPLED,
	RM_CARRIER_B3_FLAGS, RM_CARRIER_XRAY, RM_CARRIER_JAEGER, RM_CARRIER_COUNT,
};

/* Which carrier a header name is (case-insensitive), or -1. Fast on names that are none. */
int rm_carrier_of(struct rm_str header_name);

/* To begin with, only `seen` and the counts need to be zero: what is behind them is not read. */
struct rm_carriers {
	uint32_t seen;                         /* bit i: count[i] is not zero */
	uint8_t count[RM_CARRIER_COUNT];
	struct rm_str value[RM_CARRIER_COUNT]; /* the first of its name, trimmed */
	struct rm_str more_tracestate[RM_CARRIERS_MORE]; /* the 2nd to 5th; later ones are not read */
	struct rm_str more_baggage[RM_CARRIERS_MORE];
};

/* The first value of a carrier, empty where there is none. */
static inline struct rm_str rm_carriers_first(const struct rm_carriers *c, enum rm_carrier carrier)
{
	return c->count[carrier] ? c->value[carrier] : (struct rm_str){ NULL, 0 };
}

void rm_carriers_add(struct rm_carriers *c, int carrier, struct rm_str value);

/* B3 in one header; false leaves *ret invalid. A lone state ("0") is no context. */
bool rm_b3_parse(struct rm_str value, struct rm_spanctx *ret);
void rm_b3_format(const struct rm_spanctx *c, struct rm_strbuf *out);
/* B3 in several headers. The parent id is not read. */
bool rm_b3multi_parse(const struct rm_carriers *c, struct rm_spanctx *ret);

/* X-Amzn-Trace-Id: Root and Parent are a context; Root alone is none, but *ret is `trace_only`. */
bool rm_xray_parse(struct rm_str value, struct rm_spanctx *ret);
void rm_xray_format(const struct rm_spanctx *c, struct rm_strbuf *out);
enum { RM_XRAY_BYTES = 74 }; /* that rm_xray_format writes */

/* What a caller that asks is answered: the trace, and the decision. */
void rm_xray_answer(const struct rm_spanctx *c, struct rm_strbuf *out);

/*
 * Writes `value`, a header of the trace that `c` is in, with the span and the decision of `c` in it, and all
 * else as it is. False: it is of another trace, not well-formed, or too long; what `out` holds is then void.
 */
bool rm_xray_rewrite(struct rm_str value, const struct rm_spanctx *c, struct rm_strbuf *out);

/* uber-trace-id: ids without leading zeros and URL-encoded colons are accepted. */
bool rm_jaeger_parse(struct rm_str value, struct rm_spanctx *ret);
void rm_jaeger_format(const struct rm_spanctx *c, struct rm_strbuf *out);

/*
 * Extracts by the enabled propagators, in the order tracecontext, b3 (single before multi), xray,
 * jaeger; the first that gives a context wins. Two traceparent or X-Ray headers are an invalid one. Where none
 * does, *ret may be `trace_only`. A tracestate is returned in `ret_state` only together with a valid
 * traceparent.
 */
void rm_extract(unsigned propagators, const struct rm_carriers *c, struct rm_spanctx *ret,
		struct rm_strbuf *ret_state);

/*
 * The baggage of a message: the one header's value itself, or several joined in `room` (those that
 * do not fit are left out). Ownership: a slice of the carriers or of `room`.
 */
struct rm_str rm_extract_baggage(const struct rm_carriers *c, struct rm_strbuf *room);

/* Writes one field as a protocol has it: nothing of it, with `out` truncated, where it does not fit. */
typedef void rm_put_field(struct rm_strbuf *out, struct rm_str name, struct rm_str value);

/* As a line, "name: value\r\n". */
void rm_put_line(struct rm_strbuf *out, struct rm_str name, struct rm_str value);

/*
 * Writes whole fields by `put`, for every enabled propagator except those whose
 * carrier the message already has (`present`, may be NULL). `tracestate` and `baggage` may be empty.
 * Baggage goes out byte-identical; past RM_BAGGAGE_MAX_BYTES or 64 members whole members are left
 * out from the end. Values with control characters are not sent. B3 parent ids are never sent.
 * A header that does not fit into `out` is left out whole; `out` never becomes truncated.
 */
void rm_inject(unsigned propagators, const struct rm_spanctx *c, struct rm_str tracestate,
	       struct rm_str baggage, const struct rm_carriers *present, rm_put_field *put,
	       struct rm_strbuf *out);

/* The traceparent alone, whatever the message has. Nothing of it, with `out` truncated, where it does not fit. */
void rm_inject_traceparent(const struct rm_spanctx *c, rm_put_field *put, struct rm_strbuf *out);

/* The tracestate alone, where the message has none: for one whose traceparent is replaced in its place. */
void rm_inject_tracestate(struct rm_str tracestate, const struct rm_carriers *present, rm_put_field *put,
			  struct rm_strbuf *out);

#endif
