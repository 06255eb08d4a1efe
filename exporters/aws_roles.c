/*
 * A profile that takes a role does so with another profile, which may take one itself: they are followed to one that has
 * credentials, and then taken one with the other, back to the first. Context: worker.
 */
#include "exporters/aws_roles.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "exporters/aws_files.h"
#include "exporters/aws_sts.h"

enum { CHAIN_MAX = 5, NAME_BYTES = 128 };

/* Profiles, each with the one behind it. */
struct chain {
	struct rm_aws_profile profile[CHAIN_MAX];
	char name[CHAIN_MAX][NAME_BYTES];
	uint32_t count;
};

static bool fail(struct rm_aws_credentials *c, const char *format, const char *name)
{
	rm_format(c->why, sizeof(c->why), format, name);
	c->is_final = true;
	return false;
}

static struct rm_str token_file(const struct rm_env *env)
{
	return rm_env_str(env, RM_ENV_AWS_TOKEN_FILE);
}

bool rm_aws_roles_are_set(const struct rm_env *env)
{
	struct rm_aws_profile *p;
	bool is_set = token_file(env).n > 0;

	if (is_set)
		return true;
	p = calloc(1, sizeof(*p));
	if (!p)
		return false;
	rm_aws_profile(env, rm_aws_profile_name(env), p);
	is_set = p->role[0] != '\0';
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
	return is_set;
}

/* ---- one role ---- */

/* A session is named by AWS_ROLE_SESSION_NAME only where the role is of the environment, too. */
static struct rm_aws_role role_of(const struct rm_aws_profile *p, const char *from)
{
	return (struct rm_aws_role){ rm_str_c(p->role), rm_str_c(p->session), rm_str_c(p->external_id), from };
}

static bool by_token(struct rm_aws_credentials *c, const struct rm_aws_profile *p, const char *from, const struct rm_export_io *io)
{
	const struct rm_aws_role role = role_of(p, from);

	return rm_aws_assume_by_token(c, &role, p->token_file, io);
}

/* As EKS sets it, for a pod's service account. */
static bool of_environment(struct rm_aws_credentials *c, const struct rm_export_io *io)
{
	const struct rm_aws_role role = { rm_env_str(c->env, RM_ENV_AWS_ROLE_ARN), rm_env_str(c->env, RM_ENV_AWS_ROLE_SESSION_NAME),
					  RM_STR(""), "the role of AWS_ROLE_ARN" };

	if (role.arn.n == 0)
		return fail(c, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but not %s", "AWS_ROLE_ARN");
	return rm_aws_assume_by_token(c, &role, token_file(c->env).p, io);
}

/* ---- profiles ---- */

/* Who a profile is that does not take a role. */
static bool keys_of(struct rm_aws_credentials *c, const struct rm_aws_profile *p, const char *name)
{
	char from[sizeof(c->from)];

	rm_format(from, sizeof(from), "the files' profile %s", name);
	return rm_aws_credentials_take(c, from, rm_str_c(p->access_key), rm_str_c(p->secret), rm_str_c(p->token), RM_STR(""));
}

/* Where a role's profile says that others are who it is taken with. */
static bool by_source_kind(struct rm_aws_credentials *c, const struct rm_aws_profile *p, const char *name, const struct rm_export_io *io)
{
	static const struct {
		char name[24];
		enum rm_aws_source source;
	} kinds[] = {
		{ "Environment", RM_AWS_ENVIRONMENT },
		{ "EcsContainer", RM_AWS_CONTAINER },
		{ "Ec2InstanceMetadata", RM_AWS_INSTANCE },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (rm_str_ieq(rm_str_c(p->source_kind), rm_str_c(kinds[i].name))) {
			rm_format(c->why, sizeof(c->why), "there are no credentials in %s, with which profile %s takes its role",
				  kinds[i].name, name);
			return rm_aws_credentials_from(c, kinds[i].source, io);
		}
	return fail(c, "credential_source of profile %s is none of Environment, Ec2InstanceMetadata, EcsContainer", name);
}

/* Why a profile has no credentials that we can use; empty format: it says nothing of any. */
static const char *lack_of(const struct rm_aws_profile *p)
{
	if (p->process[0])
		return "credential_process of profile %s is not run: no program is started inside another one. Set AWS_ACCESS_KEY_ID and the "
		       "others, or run `aws configure export-credentials`";
	if (p->sso[0])
		return "profile %s signs on through a browser (sso_...), which is not done here: `aws configure export-credentials "
		       "--format env` gives variables that can be set";
	return "";
}

/* Who the last profile of the chain is. */
static bool begin(struct rm_aws_credentials *c, const struct chain *chain, const struct rm_export_io *io)
{
	const struct rm_aws_profile *p = &chain->profile[chain->count - 1];
	const char *name = chain->name[chain->count - 1], *lack = lack_of(p);

	if (p->role[0] && p->source_kind[0])
		return by_source_kind(c, p, name, io);
	if (keys_of(c, p, name))
		return true;
	if (!p->is_there)
		return fail(c, "there is no profile %s in AWS's files", name);
	return fail(c, *lack ? lack : "profile %s has no credentials", name);
}

/* True where it takes its role with the keys that stand beside it, or those of a source that is none of the files. */
static bool is_last(const struct chain *chain)
{
	const struct rm_aws_profile *p = &chain->profile[chain->count - 1];

	return !p->role[0] || p->source_kind[0] || p->token_file[0] || strcmp(p->source, chain->name[chain->count - 1]) == 0;
}

/* Follows the sources of the first profile. False: they go round, or too far. */
static bool follow(struct rm_aws_credentials *c, struct chain *chain)
{
	while (!is_last(chain)) {
		const char *source = chain->profile[chain->count - 1].source, *name = chain->name[chain->count - 1];

		if (!*source)
			return fail(c, "profile %s takes a role, but neither source_profile nor credential_source says with what", name);
		if (chain->count == CHAIN_MAX)
			return fail(c, "the profiles that %s is taken with go round, or are too many", chain->name[0]);
		rm_format(chain->name[chain->count], NAME_BYTES, "%s", source);
		rm_aws_profile(c->env, rm_str_c(source), &chain->profile[chain->count]);
		chain->count++;
	}
	return true;
}

/* Takes the roles of a chain, the last first. */
static bool take_roles(struct rm_aws_credentials *c, struct chain *chain, const struct rm_export_io *io)
{
	uint32_t i = chain->count - 1;
	char from[sizeof(c->from)];

	rm_format(from, sizeof(from), "the role of profile %s", chain->name[i]);
	if (chain->profile[i].role[0] && chain->profile[i].token_file[0]) {
		if (!by_token(c, &chain->profile[i], from, io))
			return false;
	} else {
		if (!begin(c, chain, io))
			return false;
		i += chain->profile[i].role[0] != '\0';
	}
	while (i-- > 0) {
		struct rm_aws_role role;

		rm_format(from, sizeof(from), "the role of profile %s", chain->name[i]);
		if (chain->profile[i].mfa[0])
			return fail(c, "profile %s wants a code of a device (mfa_serial), which nobody can type in here", chain->name[i]);
		role = role_of(&chain->profile[i], from);
		if (!rm_aws_assume(c, &role, io))
			return false;
	}
	return true;
}

static bool of_profile(struct rm_aws_credentials *c, struct chain *chain, const struct rm_export_io *io, bool *ret_is_named)
{
	struct rm_str name = rm_aws_profile_name(c->env);
	const struct rm_aws_profile *first = &chain->profile[0];

	chain->count = 1;
	rm_format(chain->name[0], NAME_BYTES, "%S", name.n > 0 ? &name : &RM_STR("default"));
	rm_aws_profile(c->env, name, &chain->profile[0]);
	if (name.n > 0 && !first->is_there) {
		*ret_is_named = true;
		return begin(c, chain, io);
	}
	/* A role that is taken with something; else a token goes before keys. */
	if (first->role[0] && !first->token_file[0]) {
		*ret_is_named = true;
		if (!follow(c, chain) || !io)
			return false;
		return take_roles(c, chain, io);
	}
	if (token_file(c->env).n > 0) {
		*ret_is_named = true;
		return io && of_environment(c, io);
	}
	if (first->role[0]) {
		*ret_is_named = true;
		return io && take_roles(c, chain, io);
	}
	if (keys_of(c, first, chain->name[0]))
		return true;
	*ret_is_named = *lack_of(first) != '\0';
	return *ret_is_named ? begin(c, chain, io) : false;
}

bool rm_aws_roles(struct rm_aws_credentials *c, const struct rm_export_io *io, bool *ret_is_named)
{
	struct chain *chain = calloc(1, sizeof(*chain));
	bool good;

	*ret_is_named = false;
	if (!chain)
		return false;
	good = of_profile(c, chain, io, ret_is_named);
	if (!good)
		rm_aws_credentials_drop(c);
	OPENSSL_cleanse(chain, sizeof(*chain));
	free(chain);
	return good;
}
