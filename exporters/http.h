/*
 * One POST at a time over libcurl, on a connection that is kept. No retry, no policy: that is the
 * exporter's and the pipeline's. Context of everything here: worker.
 */
#ifndef RM_EXPORTERS_HTTP_H
#define RM_EXPORTERS_HTTP_H

#include "agent/exporter.h"
#include "base/str.h"

enum { RM_HTTP_ANSWER_MAX_BYTES = 4 * 1024 * 1024 };

struct rm_http;

/* All strings are borrowed until rm_http_free and NUL-terminated; empty or NULL is "none". */
struct rm_http_options {
	const char *url;	   /* http or https */
	const char *const *header; /* "Name: value", in the order they are sent */
	uint32_t header_count;
	const char *ca_file;	 /* PEM: the certificates to trust; none: the system's */
	const char *client_cert; /* PEM, with client_key for mutual TLS */
	const char *client_key;
};

/* A transfer's outcome. Valid until the next one or rm_http_free. */
struct rm_http_answer {
	int status;	   /* 0: there was no answer, see `error` */
	bool is_json;	   /* of the body, by its Content-Type */
	bool is_untrusted; /* no answer, because the server's certificate is not to be trusted */
	uint64_t retry_after_ns; /* Retry-After, seconds or date, from now, a day at most; 0 without one */
	struct rm_str body;	 /* at most RM_HTTP_ANSWER_MAX_BYTES: what is longer is not read */
	char error[256];	 /* NUL-terminated: what went wrong */
};

/*
 * Starts a client; nothing is resolved or connected yet. TLS is initialised for https only.
 * Errors: NULL without memory, for a URL that is none, or where TLS cannot be used (see http.c).
 */
struct rm_http *rm_http_new(const struct rm_http_options *options);
void rm_http_free(struct rm_http *h);

/* Sends `body` and reads the answer, until io->deadline_ns or io->abort. */
void rm_http_post(struct rm_http *h, struct rm_str body, const struct rm_export_io *io,
		  struct rm_http_answer *ret);

#endif
