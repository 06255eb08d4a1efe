/*
 * The URL of a backend, as a setting gives it: checked, completed, and in a form that may be shown.
 * Context: worker. Spec: RFC 3986; OpenTelemetry specification, protocol/exporter.md (endpoints).
 */
#ifndef RM_EXPORTERS_ENDPOINT_H
#define RM_EXPORTERS_ENDPOINT_H

#include "exporters/secrets.h"

/* Strings are NUL-terminated and owned; rm_endpoint_free gives them back. */
struct rm_endpoint {
	char *url;
	char *shown; /* for messages: without user, password and query */
};

/*
 * Takes an http or https URL; `path` is appended to its own ("" for none). User, password and query are
 * added to `secrets`. Errors: RM_E_INVALID, it is no such URL; RM_E_NOMEM. Nothing is held then.
 */
int rm_endpoint_parse(struct rm_str text, const char *path, struct rm_secrets *secrets,
		      struct rm_endpoint *ret);

/* Warns that the setting `name` has a value that is no such URL, and what is used in its place. */
void rm_endpoint_warn(const char *name, struct rm_str value, const char *used);

void rm_endpoint_free(struct rm_endpoint *e);

#endif
