/*
 * One request at a time over libcurl, on a connection that is kept. No retry, no policy: that is the
 * exporter's and the pipeline's. Context of everything here: worker.
 */
#ifndef RM_EXPORTERS_HTTP_H
#define RM_EXPORTERS_HTTP_H

#include "agent/exporter.h"
#include "base/str.h"

enum { RM_HTTP_ANSWER_MAX_BYTES = 4 * 1024 * 1024, RM_HTTP_HEADERS_MAX_BYTES = 16 * 1024 };

struct rm_http;

/* All strings are borrowed until rm_http_free and NUL-terminated; empty or NULL is "none". */
struct rm_http_options {
	const char *url;	   /* http or https */
	const char *unix_path;	   /* of a socket that is connected to instead of the URL's host */
	bool is_http2;		   /* HTTP/2 only: by prior knowledge in clear, offered as h2 inside TLS */
	const char *const *header; /* "Name: value", in the order they are sent */
	uint32_t header_count;
	const char *ca_file;	 /* PEM: the certificates to trust; none: the system's */
	const char *client_cert; /* PEM, with client_key for mutual TLS */
	const char *client_key;
};

/* Borrowed for the call. */
struct rm_http_request {
	bool is_get, is_put; /* else POST, with `body` as PUT has it */
	struct rm_str body;
	const char *const *header; /* "Name: value", beside those of the client */
	uint32_t header_count;
};

/* Why there was no answer. */
enum rm_http_fault {
	RM_HTTP_FINE,
	RM_HTTP_FAILED,	    /* in none of these ways: see `error` */
	RM_HTTP_ABORTED,    /* by io->abort */
	RM_HTTP_NO_NAME,    /* the host's name does not resolve */
	RM_HTTP_NO_CONNECT, /* see `error_number` */
	RM_HTTP_LATE,	    /* connected or not, no answer by io->deadline_ns */
	RM_HTTP_UNTRUSTED,  /* the server's certificate, or a file that decides about trust */
	RM_HTTP_NO_TLS,	    /* no handshake: no TLS there, or none that is common */
	RM_HTTP_NOT_HTTP,   /* something else than HTTP of this version speaks there */
	RM_HTTP_CLOSED,	    /* the connection ended before there was an answer */
};

/* A transfer's outcome. Valid until the next one or rm_http_free. */
struct rm_http_answer {
	int status;	 /* 0: there was no answer, see `fault` and `error` */
	bool is_json;	 /* of the body, by its Content-Type */
	bool is_http2;	 /* what the server spoke */
	bool is_cut;	 /* its end is missing: of the body, or of what comes behind it */
	enum rm_http_fault fault;
	int error_number; /* errno of a connection that was not made; 0: not known */
	uint64_t retry_after_ns; /* Retry-After, seconds or date, from now, a day at most; 0 without one */
	struct rm_str head;	 /* lines of the head and of trailers, each with its end */
	struct rm_str body;	 /* at most RM_HTTP_ANSWER_MAX_BYTES: what is longer is not read */
	char error[256];	 /* NUL-terminated: what went wrong */
};

/*
 * Starts a client; nothing is resolved or connected yet. TLS is initialised for https only.
 * Errors: NULL without memory, for a URL that is none, or where TLS cannot be used (see http.c).
 */
struct rm_http *rm_http_new(const struct rm_http_options *options);
void rm_http_free(struct rm_http *h);

/* Sends the request and reads the answer, until io->deadline_ns or io->abort. */
void rm_http_send(struct rm_http *h, const struct rm_http_request *request, const struct rm_export_io *io,
		  struct rm_http_answer *ret);

/*
 * The value of the last header, or trailer, of that name; empty when there is none, or it is behind the
 * first RM_HTTP_HEADERS_MAX_BYTES.
 */
struct rm_str rm_http_header(const struct rm_http_answer *a, const char *name);

/* rm_http_send of a POST without more headers. */
void rm_http_post(struct rm_http *h, struct rm_str body, const struct rm_export_io *io,
		  struct rm_http_answer *ret);

#endif
