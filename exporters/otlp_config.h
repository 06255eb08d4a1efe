/*
 * The settings of the OTLP exporters: OTEL_EXPORTER_OTLP_[TRACES_|LOGS_]*. Context: worker.
 * Spec: OpenTelemetry specification, protocol/exporter.md.
 */
#ifndef RM_EXPORTERS_OTLP_CONFIG_H
#define RM_EXPORTERS_OTLP_CONFIG_H

#include "agent/telemetry.h"
#include "base/env.h"
#include "exporters/endpoint.h"

enum { RM_OTLP_HEADERS_MAX = 33 };

enum rm_otlp_protocol { RM_OTLP_HTTP_PROTOBUF, RM_OTLP_HTTP_JSON, RM_OTLP_GRPC };

/* Strings are NUL-terminated and owned; rm_otlp_config_free gives them back. */
struct rm_otlp_config {
	struct rm_endpoint endpoint;
	const char *endpoint_name; /* the variable that it is from; NULL: it is the default */
	bool is_wrong;		   /* some setting was, and was reported */
	char *header[RM_OTLP_HEADERS_MAX]; /* "Name: value": the user's, then ours */
	uint32_t header_count;
	struct rm_secrets secrets; /* values of the user's headers; user, password, query */
	char *ca_file, *client_cert, *client_key; /* empty when not set */
	uint64_t timeout_ns;			  /* 0: none */
	enum rm_otlp_protocol protocol;
	bool gzip;
};

/*
 * Reads the settings for a signal. A wrong one is reported by rm_warn, and its default taken.
 * Errors: RM_E_NOMEM, nothing is held.
 */
int rm_otlp_config(const struct rm_env *env, enum rm_signal signal, struct rm_otlp_config *ret);

/* As OTEL_EXPORTER_OTLP_PROTOCOL has it: "http/protobuf", "http/json", "grpc". */
const char *rm_otlp_protocol_name(enum rm_otlp_protocol protocol);

void rm_otlp_config_free(struct rm_otlp_config *c);

#endif
