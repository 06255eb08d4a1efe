/*
 * Who a profile of AWS's shared files is, and who a token says that we are: keys, and roles that are taken with them.
 * Context of all: worker. Spec: AWS SDKs and Tools Reference Guide, "Assume role credential provider".
 */
#ifndef RM_EXPORTERS_AWS_ROLES_H
#define RM_EXPORTERS_AWS_ROLES_H

#include "exporters/aws_credentials.h"

/* True where a role may have to be asked for, over a network. */
bool rm_aws_roles_are_set(const struct rm_env *env);

/*
 * Finds credentials. False: `*ret_is_named` says whether somebody was named for whom there are none (`why` and `is_final`
 * of `c` say why), so that nobody else may be taken in his place. `io` NULL: nothing is asked.
 */
bool rm_aws_roles(struct rm_aws_credentials *c, const struct rm_export_io *io, bool *ret_is_named);

#endif
