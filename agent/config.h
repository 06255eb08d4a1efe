/*
 * Settings as the hot path wants them: parsed once from struct rm_env, immutable afterwards.
 * Also decides whether this process is instrumented at all.
 */
#ifndef RM_AGENT_CONFIG_H
#define RM_AGENT_CONFIG_H

#include "base/env.h"
#include "protocols/tracecontext.h"

enum {
	RM_CONFIG_HEADERS_MAX = 16,
	RM_CONFIG_HEADERS_TEXT = 2048, /* all names of all four lists together */
	RM_CONFIG_METHODS_MAX = 32,
	RM_CONFIG_REDACT_MAX = 48,
	RM_CONFIG_REDACT_BYTES = 32,
};

enum rm_sampler_kind {
	RM_SAMPLER_ON, RM_SAMPLER_OFF, RM_SAMPLER_RATIO,
	RM_SAMPLER_PARENT_ON, RM_SAMPLER_PARENT_OFF, RM_SAMPLER_PARENT_RATIO, RM_SAMPLER_PARENT_XRAY,
	RM_SAMPLER_PARENT_RATELIMITED, RM_SAMPLER_PARENT_ADAPTIVE, /* agent/threshold.h */
};

enum rm_setup_mode { RM_SETUP_NONE, RM_SETUP_EVENTS, RM_SETUP_SPANS };
enum rm_dns_mode { RM_DNS_NONE, RM_DNS_REQUESTS, RM_DNS_ALL };

/* Header names to capture, lowercase. Slices into the struct rm_config they belong to. */
struct rm_header_list {
	struct rm_str name[RM_CONFIG_HEADERS_MAX];
	uint32_t count;
};

/* Which bit of redact_no_end two bytes have; several have the same. */
static inline unsigned rm_config_redact_end(char c, char d)
{
	return (((uint8_t)c | (unsigned)(uint8_t)d << 8) * 0x9e37u & 0xffff) >> 6;
}

struct rm_config {
	unsigned propagators;              /* enum rm_propagator bits */
	enum rm_sampler_kind sampler;
	double ratio;
	uint32_t traces_per_s;             /* of the rate-limited sampler */
	uint32_t max_attrs, max_value_chars; /* 0 = no limit */
	uint32_t max_events;               /* of a span */
	uint32_t max_event_attrs;          /* 0 = no limit */
	bool ingress;                      /* REMORA_INGRESS, and tracecontext or xray among the propagators */
	bool time_ids;                     /* trace ids begin with the time */
	bool parent_source;
	bool server_timing;                /* REMORA_SERVER_TIMING, and tracecontext among the propagators */
	bool answers;                      /* responses may get lines: that, or xray among the propagators */
	uint8_t setup;                     /* enum rm_setup_mode: REMORA_CONNECTIONS */
	uint8_t dns;                       /* enum rm_dns_mode: REMORA_DNS */
	bool crash;                        /* REMORA_CRASH */
	bool throws;                       /* REMORA_CPP_EXCEPTIONS */
	uint64_t slow_stack_ns;            /* REMORA_SLOW_STACK; 0: never */
	uint32_t throws_per_s;             /* REMORA_CPP_EXCEPTION_RATE */
	bool sqlcommenter;                 /* REMORA_SQLCOMMENTER, and tracecontext among the propagators */
	struct rm_str adapters;            /* REMORA_ADAPTERS */
	struct rm_header_list client_request, client_response, server_request, server_response;
	struct rm_str methods[RM_CONFIG_METHODS_MAX];
	uint32_t method_count;
	struct rm_str redact[RM_CONFIG_REDACT_MAX]; /* query keys, built-in list first */
	uint32_t redact_count;
	uint32_t redact_no[RM_CONFIG_REDACT_BYTES]; /* by length: bit c & 31, no key of `redact` that long begins with c */
	uint64_t redact_no_end[16]; /* bit rm_config_redact_end(c, d): no key of `redact` ends with c, d */
	uint64_t memory_bytes;             /* REMORA_MEMORY_LIMIT */
	uint32_t message_bytes;            /* REMORA_MESSAGE_LIMIT */
	uint64_t exit_timeout_ns;
	struct rm_spanctx parent;          /* of this process: TRACEPARENT, X_AMZN_TRACE_ID */
	struct rm_str parent_tracestate, parent_baggage;
	/* Few processes fill these; of the others they are never touched. */
	char headers_text[RM_CONFIG_HEADERS_TEXT];
	char tracestate_text[RM_TRACESTATE_MAX_BYTES];
};

/*
 * Builds the settings; what is wrong beyond the type of a variable gets its one warning here.
 * Ownership: slices point into `env` and into `*c` itself, which is therefore not to be copied.
 * Context: init.
 */
void rm_config_build(struct rm_config *c, const struct rm_env *env);

/* Why a process is left alone (LISTED: it is on the built-in list); RM_INSTRUMENT means it is not. */
enum rm_verdict { RM_INSTRUMENT, RM_SKIP_DISABLED, RM_SKIP_DENIED, RM_SKIP_NOT_ALLOWED, RM_SKIP_LISTED };

/*
 * Decides by OTEL_SDK_DISABLED, REMORA_DISABLED, REMORA_ALLOW, REMORA_DENY and the built-in list of
 * shells, core utilities and other programs that speak no protocol of ours. `exe` is the path or
 * name of the executable. Globs know * and ?; they are compared with the name, or with all of
 * `exe` if they contain a slash. REMORA_DENY is stronger than REMORA_ALLOW, which is stronger than
 * the built-in list. Context: init, and the command line.
 */
enum rm_verdict rm_config_verdict(const struct rm_env *env, struct rm_str exe);

/* Does this value of REMORA_ADAPTERS let the adapter of that name move in? Context: any. */
bool rm_config_adapts(struct rm_str adapters, struct rm_str name);

#endif
