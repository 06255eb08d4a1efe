/*
 * AWS's shared files: what a profile in them says. Context of all: worker.
 * Spec: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
 */
#ifndef RM_EXPORTERS_AWS_FILES_H
#define RM_EXPORTERS_AWS_FILES_H

#include "exporters/aws_credentials.h"

enum { RM_AWS_SEEN_BYTES = 8 };

/* NUL-terminated; empty where the files have none. */
struct rm_aws_profile {
	char access_key[RM_AWS_KEY_BYTES], secret[RM_AWS_SECRET_BYTES], token[RM_AWS_TOKEN_BYTES];
	char region[RM_AWS_REGION_BYTES];
	char role[256], session[72], external_id[256]; /* that it takes, how it calls itself then */
	char source[128];			       /* profile that it takes the role with, */
	char source_kind[32];			       /* or Environment, Ec2InstanceMetadata, EcsContainer, */
	char token_file[512];			       /* or the file of a token */
	char process[RM_AWS_SEEN_BYTES], sso[RM_AWS_SEEN_BYTES], mfa[RM_AWS_SEEN_BYTES]; /* the beginning of what we cannot do */
	bool is_there;
};

/* The profile that the settings name; empty: none does, and it is "default". */
struct rm_str rm_aws_profile_name(const struct rm_env *env);

/* Reads both files, where they are. False: they have no keys of the profile; other things may be there. */
bool rm_aws_profile(const struct rm_env *env, struct rm_str name, struct rm_aws_profile *ret);

/* Copies a value without the spaces around it, NUL-terminated. False: it does not fit, and `ret` is empty. */
bool rm_aws_keep(char *ret, size_t cap, struct rm_str value);

/* A whole file, NUL-terminated. False: it cannot be read, is no file, or does not fit. */
bool rm_aws_read_file(const char *path, char *ret, size_t cap);

#endif
