/* The settings of Rollbar: where items go, and by which token. Context of all: worker. */
#ifndef RM_EXPORTERS_ROLLBAR_CONFIG_H
#define RM_EXPORTERS_ROLLBAR_CONFIG_H

#include "base/env.h"
#include "exporters/endpoint.h"
#include "exporters/http.h"

#define RM_ROLLBAR_ENDPOINT "https://api.rollbar.com/api/1/item/"
enum { RM_ROLLBAR_TOKEN_BYTES = 512 };

/* Stays where it is: `header` points into it. */
struct rm_rollbar_config {
	struct rm_endpoint endpoint;
	struct rm_secrets secrets;
	const char *header[3];
	char token[64 + RM_ROLLBAR_TOKEN_BYTES]; /* the line of the header */
};

/*
 * Reads the settings. Errors: RM_E_INVALID, without a token that can be one, which was said by rm_warn;
 * RM_E_NOMEM. Else rm_rollbar_config_free gives it back.
 */
int rm_rollbar_config(const struct rm_env *env, struct rm_rollbar_config *ret);
void rm_rollbar_config_free(struct rm_rollbar_config *c);

/* A client's; borrows the settings. */
struct rm_http_options rm_rollbar_http_options(const struct rm_rollbar_config *c);

#endif
