/*
 * Roles: AWS's security token service gives credentials of one for other credentials, or for a token of an identity that it
 * trusts. Context of all: worker. Spec: AWS Security Token Service API reference, 2011-06-15.
 */
#ifndef RM_EXPORTERS_AWS_STS_H
#define RM_EXPORTERS_AWS_STS_H

#include "exporters/aws_credentials.h"

/* All is borrowed. */
struct rm_aws_role {
	struct rm_str arn, session, external_id; /* but for the first they may be empty */
	const char *from;			 /* the setting that names it, for messages */
};

/*
 * Takes a role by the token in a file. False: `why` of `c` says why, and `is_final` whether it will be no better another
 * time; what `c` holds is as it was.
 */
bool rm_aws_assume_by_token(struct rm_aws_credentials *c, const struct rm_aws_role *role, const char *file,
			    const struct rm_export_io *io);

/* The same by the credentials that `c` holds, which those of the role take the place of. */
bool rm_aws_assume(struct rm_aws_credentials *c, const struct rm_aws_role *role, const struct rm_export_io *io);

#endif
