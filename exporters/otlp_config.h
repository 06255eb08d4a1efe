/*
 * The settings of the OTLP exporter: OTEL_EXPORTER_OTLP_[TRACES_]*. Context: worker.
 * Spec: OpenTelemetry specification, protocol/exporter.md.
 */
#ifndef RM_EXPORTERS_OTLP_CONFIG_H
#define RM_EXPORTERS_OTLP_CONFIG_H

#include "base/env.h"

enum { RM_OTLP_HEADERS_MAX = 32, RM_OTLP_SECRETS_MAX = RM_OTLP_HEADERS_MAX + 3 };

/* Strings are NUL-terminated and owned; rm_otlp_config_free gives them back. */
struct rm_otlp_config {
	char *url;
	char *shown_url;		   /* for messages: without user, password and query */
	char *header[RM_OTLP_HEADERS_MAX]; /* "Name: value": the user's, then ours */
	uint32_t header_count;
	char *secret[RM_OTLP_SECRETS_MAX]; /* values of the user's headers; user, password, query */
	uint32_t secret_count;
	char *ca_file, *client_cert, *client_key; /* empty when not set */
	uint64_t timeout_ns;			  /* 0: none */
	bool json, gzip;
};

/*
 * Reads the settings. A wrong one is reported by rm_warn, and its default taken.
 * Errors: RM_E_NOMEM, nothing is held.
 */
int rm_otlp_config(const struct rm_env *env, struct rm_otlp_config *ret);

/* True when `text`, a backend's say, repeats a secret of the settings and is not to be shown. */
bool rm_otlp_config_is_told(const struct rm_otlp_config *c, struct rm_str text);

void rm_otlp_config_free(struct rm_otlp_config *c);

#endif
