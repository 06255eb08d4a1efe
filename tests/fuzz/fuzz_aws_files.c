/*
 * AWS's shared files, exporters/aws_files.c. The input is the file of settings, and behind a byte 0x1e that of credentials. What
 * must hold for any input: texts end where they must and are single lines, keys come in pairs, and a profile that is named in
 * neither file is not found.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "exporters/aws_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SEPARATOR = 0x1e, PATH_BYTES = 128 };

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* A line of the environment that names a file with that text. */
static void write_file(int *fd, const char *variable, struct rm_str text, char ret[PATH_BYTES])
{
	if (*fd < 0)
		*fd = memfd_create("aws", MFD_CLOEXEC);
	check(*fd >= 0 && ftruncate(*fd, 0) == 0 && pwrite(*fd, text.n ? text.p : "", text.n, 0) == (ssize_t)text.n);
	rm_format(ret, PATH_BYTES, "%s=/proc/self/fd/%u", variable, (unsigned)*fd);
}

static void check_text(const char *text, size_t cap)
{
	check(memchr(text, '\0', cap) && !strchr(text, '\n'));
	check(!*text || (*text != ' ' && text[strlen(text) - 1] != ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int config = -1, credentials = -1;
	static char line[2][PATH_BYTES];
	static struct rm_aws_profile p;
	static struct rm_env env;
	char *lines[] = { line[0], line[1], "AWS_PROFILE=shop", NULL };
	struct rm_str rest = { (const char *)data, n };
	bool found;

	write_file(&config, "AWS_CONFIG_FILE", rm_str_cut(&rest, SEPARATOR), line[0]);
	write_file(&credentials, "AWS_SHARED_CREDENTIALS_FILE", rest, line[1]);
	rm_log_init(0, RM_LEVEL_NONE);
	rm_env_load(&env, lines, NULL);
	memset(&p, 0xee, sizeof(p));
	found = rm_aws_profile(&env, rm_aws_profile_name(&env), &p);
	check(found == (p.access_key[0] && p.secret[0]));
	check_text(p.access_key, sizeof(p.access_key));
	check_text(p.secret, sizeof(p.secret));
	check_text(p.token, sizeof(p.token));
	check_text(p.region, sizeof(p.region));
	check_text(p.role, sizeof(p.role));
	check_text(p.session, sizeof(p.session));
	check_text(p.external_id, sizeof(p.external_id));
	check_text(p.source, sizeof(p.source));
	check_text(p.source_kind, sizeof(p.source_kind));
	check_text(p.token_file, sizeof(p.token_file));
	check(memchr(p.process, '\0', sizeof(p.process)) && memchr(p.sso, '\0', sizeof(p.sso)) && memchr(p.mfa, '\0', sizeof(p.mfa)));
	lines[2] = "AWS_PROFILE=\x01 in neither file";
	rm_env_load(&env, lines, NULL);
	if (!memchr(data, 1, n))
		check(!rm_aws_profile(&env, rm_aws_profile_name(&env), &p) && !p.region[0] && !p.role[0] && !p.is_there);
	return 0;
}
