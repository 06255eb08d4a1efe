/*
 * Who we are to AWS: found where AWS's SDKs look, in their order, kept until shortly before they expire. Context of all:
 * worker. Spec: AWS SDKs and Tools Reference Guide, "Standardized credential providers".
 */
#ifndef RM_EXPORTERS_AWS_CREDENTIALS_H
#define RM_EXPORTERS_AWS_CREDENTIALS_H

#include "agent/exporter.h"

enum { RM_AWS_KEY_BYTES = 160, RM_AWS_SECRET_BYTES = 256, RM_AWS_TOKEN_BYTES = 8192 };

/* Zeroed but for `env`: nothing is known yet. Strings are NUL-terminated. */
struct rm_aws_credentials {
	const struct rm_env *env; /* borrowed */
	char access_key[RM_AWS_KEY_BYTES], secret[RM_AWS_SECRET_BYTES];
	char token[RM_AWS_TOKEN_BYTES]; /* of a session; empty for none */
	uint64_t expires_s;		/* Unix time; 0: never, as far as is known */
	uint64_t rest_s;		/* Unix time: none were to be had in their place, which is not tried again before */
	bool is_final;			/* there are none, and as things are set there never will be */
	char from[160];			/* where they were found, for messages; empty: there are none */
	char why[256];			/* there are none, for messages */
};

/*
 * Finds them, or fetches them anew when they are about to expire, which may take until io->deadline_ns. False: there
 * are none, see `why`; another time there may be.
 */
bool rm_aws_credentials_get(struct rm_aws_credentials *c, const struct rm_export_io *io);

/* Takes what somebody gave for his own; `expiration` as AWS writes times, empty for never. False: they are none. */
bool rm_aws_credentials_take(struct rm_aws_credentials *c, const char *from, struct rm_str key, struct rm_str secret,
			     struct rm_str token, struct rm_str expiration);

/* Seeks them in one place. False: there are none, `why` may say why. */
enum rm_aws_source { RM_AWS_ENVIRONMENT, RM_AWS_CONTAINER, RM_AWS_INSTANCE };
bool rm_aws_credentials_from(struct rm_aws_credentials *c, enum rm_aws_source source, const struct rm_export_io *io);

/* AWS says that they have expired: forgets them. */
void rm_aws_credentials_drop(struct rm_aws_credentials *c);

/* True when nothing is asked over a network for them, so that where they are not now they will never be. */
bool rm_aws_credentials_are_local(const struct rm_env *env);

/* True when `text`, a backend's say, repeats what is secret of them. */
bool rm_aws_credentials_are_told(const struct rm_aws_credentials *c, struct rm_str text);

/* The region that the settings name; empty: none. `ret` has room for what is in a file. */
enum { RM_AWS_REGION_BYTES = 64 };
void rm_aws_region(const struct rm_env *env, char ret[RM_AWS_REGION_BYTES]);

#endif
