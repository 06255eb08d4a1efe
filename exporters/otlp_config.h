/*
 * The settings of the OTLP exporter: OTEL_EXPORTER_OTLP_[TRACES_]*. Context: worker.
 * Spec: OpenTelemetry specification, protocol/exporter.md.
 */
#ifndef RM_EXPORTERS_OTLP_CONFIG_H
#define RM_EXPORTERS_OTLP_CONFIG_H

#include "base/env.h"
#include "exporters/endpoint.h"

enum { RM_OTLP_HEADERS_MAX = 32 };

/* Strings are NUL-terminated and owned; rm_otlp_config_free gives them back. */
struct rm_otlp_config {
	struct rm_endpoint endpoint;
	char *header[RM_OTLP_HEADERS_MAX]; /* "Name: value": the user's, then ours */
	uint32_t header_count;
	struct rm_secrets secrets; /* values of the user's headers; user, password, query */
	char *ca_file, *client_cert, *client_key; /* empty when not set */
	uint64_t timeout_ns;			  /* 0: none */
	bool json, gzip;
};

/*
 * Reads the settings. A wrong one is reported by rm_warn, and its default taken.
 * Errors: RM_E_NOMEM, nothing is held.
 */
int rm_otlp_config(const struct rm_env *env, struct rm_otlp_config *ret);

void rm_otlp_config_free(struct rm_otlp_config *c);

#endif
