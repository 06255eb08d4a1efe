/*
 * Delivers one OTLP message, of any signal, over HTTP or gRPC: compresses and frames it, sends it once and says
 * what came of it. Context of everything here: worker.
 */
#ifndef RM_EXPORTERS_OTLP_CLIENT_H
#define RM_EXPORTERS_OTLP_CLIENT_H

#include "agent/exporter.h"
#include "exporters/http.h"
#include "exporters/otlp_config.h"

struct rm_otlp_client;

/* Reads the settings of the signal. Errors: RM_E_NOMEM, also where TLS cannot be used (see http.c). */
int rm_otlp_client_new(const struct rm_env *env, enum rm_signal signal, struct rm_otlp_client **ret);
void rm_otlp_client_free(struct rm_otlp_client *c);

const struct rm_otlp_config *rm_otlp_client_config(const struct rm_otlp_client *c);

/* How long a message may be, before compression. */
size_t rm_otlp_client_limit(const struct rm_otlp_client *c);

/*
 * Sends a message, encoded as the settings say, that holds `count` spans or records. Ownership: `bytes` is
 * taken, and freed.
 */
void rm_otlp_client_send(struct rm_otlp_client *c, uint8_t *bytes, size_t n, uint32_t count,
			 const struct rm_export_io *io, struct rm_export_result *ret);

/* What both clients and checks of backends do with settings. The strings are the settings'. */
struct rm_http_options rm_otlp_http_options(const struct rm_otlp_config *config);

/*
 * Replaces the bytes by what is sent: their gzip form if asked for, for gRPC behind its frame.
 * Errors: RM_E_NOMEM, nothing is changed.
 */
int rm_otlp_pack(const struct rm_otlp_config *config, uint8_t **bytes, size_t *n);

#endif
