/* Reads AWS's shared files. Only files: what else a path leads to could block. Context: worker. */
#undef _FILE_OFFSET_BITS /* it renames fstat to fstat64, which old libcs do not have (exporters/old_libc.c) */
#include "exporters/aws_files.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum { FILE_BYTES = 256 * 1024, PATH_BYTES = 1024 };

bool rm_aws_read_file(const char *path, char *ret, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	size_t n = 0;
	ssize_t more = -1;

	ret[0] = '\0';
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		while (n + 1 < cap && (more = read(fd, ret + n, cap - 1 - n)) > 0)
			n += (size_t)more;
	close(fd);
	ret[n] = '\0';
	return more == 0;
}

/* The path that a variable names, else one below the home folder. */
static bool find_path(const struct rm_env *env, enum rm_env_id variable, const char *name, char ret[PATH_BYTES])
{
	struct rm_str set = rm_env_str(env, variable), home = rm_env_str(env, RM_ENV_HOME);

	if (set.n == 0 && home.n == 0)
		return false;
	if (set.n == 0)
		rm_format(ret, PATH_BYTES, "%S/.aws/%s", &home, name);
	else if (rm_str_begins(set, RM_STR("~/")) && home.n > 0)
		rm_format(ret, PATH_BYTES, "%S%s", &home, set.p + 1);
	else
		rm_format(ret, PATH_BYTES, "%S", &set);
	return true;
}

/* Members of a profile that are kept, and where. */
static const struct field {
	char key[32];
	uint16_t at, cap;
} fields[] = {
#define FIELD(name, member) { name, offsetof(struct rm_aws_profile, member), sizeof(((struct rm_aws_profile *)0)->member) }
	FIELD("aws_access_key_id", access_key),
	FIELD("aws_secret_access_key", secret),
	FIELD("aws_session_token", token), /* the first three belong together */
	FIELD("region", region),
	FIELD("role_arn", role),
	FIELD("role_session_name", session),
	FIELD("external_id", external_id),
	FIELD("source_profile", source),
	FIELD("credential_source", source_kind),
	FIELD("web_identity_token_file", token_file),
	FIELD("credential_process", process),
	FIELD("sso_session", sso),
	FIELD("sso_start_url", sso),
	FIELD("mfa_serial", mfa),
#undef FIELD
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]), KEY_FIELDS = 3 };

bool rm_aws_keep(char *ret, size_t cap, struct rm_str value)
{
	value = rm_str_trim(value);
	ret[0] = '\0';
	if (value.n >= cap)
		return false;
	memcpy(ret, value.n > 0 ? value.p : "", value.n);
	ret[value.n] = '\0';
	return true;
}

/* Of some it is only seen that they are there. */
static void take_value(struct rm_aws_profile *p, const struct field *f, struct rm_str value)
{
	if (f->cap == RM_AWS_SEEN_BYTES && value.n >= f->cap)
		value.n = f->cap - 1;
	rm_aws_keep((char *)p + f->at, f->cap, value);
}

static void take_line(struct rm_aws_profile *p, struct rm_str line)
{
	struct rm_str value = line, key = rm_str_trim(rm_str_cut(&value, '='));

	for (int i = 0; i < FIELDS; i++)
		if (rm_str_ieq(key, rm_str_c(fields[i].key)))
			take_value(p, &fields[i], rm_str_trim(value));
}

/* "[profile shop]" in the one file, "[shop]" in the other; "[default]" in both. */
static bool is_section(struct rm_str line, struct rm_str profile)
{
	struct rm_str name = rm_str_trim((struct rm_str){ line.p + 1, line.n - 1 });

	name = rm_str_trim(rm_str_cut(&name, ']'));
	if (rm_str_begins(name, RM_STR("profile ")))
		name = rm_str_trim(rm_str_behind(name, 8));
	return rm_str_eq(name, profile);
}

static void read_profile(const char *path, struct rm_str profile, struct rm_aws_profile *p)
{
	char *text = malloc(FILE_BYTES);
	bool is_in = false;

	if (text && rm_aws_read_file(path, text, FILE_BYTES)) {
		struct rm_str rest = rm_str_c(text);

		while (rest.n > 0) {
			struct rm_str line = rm_str_cut(&rest, '\n');

			bool is_nested = line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');

			if (line.n > 0 && line.p[line.n - 1] == '\r')
				line.n--;
			line = rm_str_trim(line);
			if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
				continue;
			if (line.p[0] == '[') {
				is_in = is_section(line, profile);
				p->is_there |= is_in;
			} else if (is_in && !is_nested) {
				take_line(p, line);
			}
		}
	}
	if (text)
		OPENSSL_cleanse(text, FILE_BYTES);
	free(text);
}

struct rm_str rm_aws_profile_name(const struct rm_env *env)
{
	struct rm_str name = rm_env_str(env, RM_ENV_AWS_PROFILE);

	return name.n > 0 ? name : rm_env_str(env, RM_ENV_AWS_DEFAULT_PROFILE);
}

/* What the credentials' file has goes before the other; keys with their own token, or none. */
static void lay_over(struct rm_aws_profile *p, const struct rm_aws_profile *own)
{
	bool has_keys = own->access_key[0] && own->secret[0];

	for (int i = 0; i < FIELDS; i++) {
		const char *from = (const char *)own + fields[i].at;

		if (i < KEY_FIELDS ? has_keys : *from != '\0')
			memcpy((char *)p + fields[i].at, from, fields[i].cap);
	}
	p->is_there |= own->is_there;
}

bool rm_aws_profile(const struct rm_env *env, struct rm_str name, struct rm_aws_profile *ret)
{
	char path[PATH_BYTES];

	memset(ret, 0, sizeof(*ret));
	if (name.n == 0)
		name = RM_STR("default");
	if (find_path(env, RM_ENV_AWS_CONFIG_FILE, "config", path))
		read_profile(path, name, ret);
	if (find_path(env, RM_ENV_AWS_SHARED_CREDENTIALS_FILE, "credentials", path)) {
		struct rm_aws_profile *own = calloc(1, sizeof(*own));

		if (own) {
			read_profile(path, name, own);
			lay_over(ret, own);
			OPENSSL_cleanse(own, sizeof(*own));
		}
		free(own);
	}
	return ret->access_key[0] && ret->secret[0];
}
