/*
 * The metadata service of an EC2 instance, in its second version. Context of all: worker.
 * Spec: Amazon EC2 user guide, "Use the Instance Metadata Service".
 */
#ifndef RM_EXPORTERS_AWS_INSTANCE_H
#define RM_EXPORTERS_AWS_INSTANCE_H

#include "exporters/aws_request.h"

enum { RM_AWS_SESSION_BYTES = 4096 };

/* A session with it. */
struct rm_aws_instance {
	struct rm_str base;			/* URL, of the settings */
	char line[RM_AWS_SESSION_BYTES + 32];	/* the header that a question gets */
	unsigned patience_s;			/* for one answer */
};

/*
 * Begins a session: where a machine is none of EC2's, or in a container more hops away than its setting allows, nobody
 * answers. Returns the status; 0: no answer, `error` says why.
 */
int rm_aws_instance_open(const struct rm_env *env, unsigned patience_s, const struct rm_export_io *io,
			 struct rm_aws_instance *ret, char error[RM_AWS_ERROR_BYTES]);

/* Asks for what is at `path`. Result as above; what was said is in `ret`. */
int rm_aws_instance_get(const struct rm_aws_instance *i, const char *path, const struct rm_export_io *io, char *ret, size_t cap,
			char error[RM_AWS_ERROR_BYTES]);

#endif
