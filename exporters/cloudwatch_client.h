/*
 * CloudWatch Logs as a service: one signed call at a time, and what its answer means. A clock that is wrong, and a session
 * that has expired, are put right here. Context of all: worker. Spec: CloudWatch Logs API reference.
 */
#ifndef RM_EXPORTERS_CLOUDWATCH_CLIENT_H
#define RM_EXPORTERS_CLOUDWATCH_CLIENT_H

#include "exporters/aws_request.h"
#include "exporters/endpoint.h"
#include "exporters/http.h"

struct rm_cloudwatch_client {
	struct rm_endpoint endpoint;
	struct rm_secrets secrets; /* of the endpoint */
	struct rm_http *http;
	struct rm_aws_credentials credentials;
	char region[RM_AWS_REGION_BYTES];
	struct rm_aws_place place;
	const char *variable;	   /* that names the endpoint; NULL: it is AWS's */
	int64_t ahead_s;	   /* of AWS's clock before ours, since it refused us */
};

enum rm_cloudwatch_verdict {
	RM_CLOUDWATCH_DONE,
	RM_CLOUDWATCH_RETRY,   /* it may work later */
	RM_CLOUDWATCH_MISSING, /* there is no such group or stream */
	RM_CLOUDWATCH_EXISTS,  /* already */
	RM_CLOUDWATCH_REFUSED, /* this request, for good */
	RM_CLOUDWATCH_DENIED,  /* we are, as things are set */
};

struct rm_cloudwatch_said {
	enum rm_cloudwatch_verdict verdict;
	struct rm_http_answer http; /* status 0 also where there are no credentials */
	char type[64];		    /* of the error, NUL-terminated */
	char message[192];	    /* NUL-terminated, may be shown; empty when all is well */
};

/*
 * Reads the settings, `env` is borrowed. Errors: RM_E_INVALID, and `why` of `c->credentials` says why as the rest of
 * "cannot be used: "; RM_E_NOMEM. rm_cloudwatch_close is to be called in any case.
 */
int rm_cloudwatch_open(struct rm_cloudwatch_client *c, const struct rm_env *env);
void rm_cloudwatch_close(struct rm_cloudwatch_client *c);

/* Calls an operation, "PutLogEvents", with its JSON. The answer is valid until the next call. */
void rm_cloudwatch_call(struct rm_cloudwatch_client *c, const char *operation, struct rm_str body,
			const struct rm_export_io *io, struct rm_cloudwatch_said *ret);

#endif
