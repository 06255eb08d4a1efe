/*
 * What requests to services and endpoints of AWS have in common: where a service is, what is signed, a question that has a
 * small answer. Context of all: worker.
 */
#ifndef RM_EXPORTERS_AWS_REQUEST_H
#define RM_EXPORTERS_AWS_REQUEST_H

#include "exporters/aws_credentials.h"
#include "exporters/sigv4.h"

enum { RM_AWS_URL_BYTES = 512, RM_AWS_ERROR_BYTES = 128 };

/* The endpoint that a setting names for a service, by its own variable or that of all; empty: none. */
struct rm_str rm_aws_endpoint(const struct rm_env *env, enum rm_env_id own, const char **ret_variable);

/* A name of AWS's that may stand in a host's name, as regions do. */
bool rm_aws_is_region(const char *region);

/* Host and path of a URL as they are sent. False: they do not fit. */
struct rm_aws_place {
	char host[300], path[256];
};
bool rm_aws_place(const char *url, struct rm_aws_place *ret);

/* A POST that is to be signed. All is borrowed; `target` may be NULL. */
struct rm_aws_post {
	const struct rm_aws_credentials *who;
	const struct rm_aws_place *place;
	const char *region, *service, *type, *target;
	struct rm_str body;
	int64_t ahead_s; /* of AWS's clock before ours */
};

/* The lines that it gets; to be forgotten with OPENSSL_cleanse. */
struct rm_aws_lines {
	const char *line[5];
	uint32_t count;
	char type[64], target[80], date[64], authorization[32 + RM_SIGV4_BYTES], token[32 + RM_AWS_TOKEN_BYTES];
};

/* False: the signature has no room. */
bool rm_aws_sign(const struct rm_aws_post *p, struct rm_aws_lines *ret);

/* One request. All is borrowed. */
struct rm_aws_question {
	const char *url;
	const char *ca_file; /* empty or NULL: the system's */
	const char *const *header;
	uint32_t header_count;
	bool is_put, is_post; /* else GET */
	struct rm_str body;
	unsigned patience_s;
};

/*
 * Asks once, for so long or until io->deadline_ns. Returns the status, and in `ret` what was said, NUL-terminated and
 * without blanks around it. 0: no answer, or none that fits, and `error` says why.
 */
int rm_aws_ask(const struct rm_aws_question *q, const struct rm_export_io *io, char *ret, size_t cap,
	       char error[RM_AWS_ERROR_BYTES]);

#endif
