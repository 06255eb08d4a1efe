/*
 * AWS Signature Version 4 of a request, as a value of Authorization. Context of all: worker.
 * Spec: AWS General Reference, "Signature Version 4 signing process".
 */
#ifndef RM_EXPORTERS_SIGV4_H
#define RM_EXPORTERS_SIGV4_H

#include "base/str.h"

enum { RM_SIGV4_HEADERS_MAX = 16, RM_SIGV4_DATE_BYTES = 17, RM_SIGV4_BYTES = 1024 };

struct rm_sigv4_header {
	struct rm_str name; /* in lower case */
	struct rm_str value;
};

/* What is signed. All is borrowed. */
struct rm_sigv4 {
	struct rm_str access_key, secret;
	struct rm_str region, service;
	const char *date;   /* of rm_sigv4_date: what X-Amz-Date has */
	struct rm_str method;
	struct rm_str path; /* as it is sent, without a query */
	const struct rm_sigv4_header *header; /* each once, in order of their names; X-Amz-Date among them */
	uint32_t header_count;
	struct rm_str body;
};

/* "20150830T123600Z", NUL-terminated. */
void rm_sigv4_date(uint64_t unix_s, char ret[RM_SIGV4_DATE_BYTES]);

/* Writes the value, NUL-terminated. False: it has no room, as no key of AWS makes it. */
bool rm_sigv4_sign(const struct rm_sigv4 *s, char ret[RM_SIGV4_BYTES]);

#endif
