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
	char *shown;	 /* for messages: without user, password and query */
	char *unix_path; /* of a socket that takes the place of the URL's host; NULL for none */
};

/*
 * Takes an http or https URL; `path` is appended to its own ("" for none), or takes its place when it begins
 * with '/'. User, password and query are
 * added to `secrets`. Errors: RM_E_INVALID, it is no such URL; RM_E_NOMEM. Nothing is held then.
 */
int rm_endpoint_parse(struct rm_str text, const char *path, struct rm_secrets *secrets,
		      struct rm_endpoint *ret);

/*
 * Takes the path of a socket, as gRPC writes it: unix:///absolute/path or unix:/absolute/path. Requests go to
 * `path` there, whatever the socket is called. Errors: as rm_endpoint_parse; no relative paths, for a program
 * may change its folder.
 */
int rm_endpoint_parse_unix(struct rm_str text, const char *path, struct rm_endpoint *ret);
bool rm_endpoint_is_unix(struct rm_str text);

/*
 * Warns that the setting `name` has a value that begins with none of `forms`, and what is used in its place.
 */
void rm_endpoint_warn(const char *name, struct rm_str value, const char *forms, const char *used);

void rm_endpoint_free(struct rm_endpoint *e);

#endif
