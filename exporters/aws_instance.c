/* Asks the instance. Context: worker. */
#include "exporters/aws_instance.h"

#include "base/log.h"

#define ENDPOINT "http://169.254.169.254"
#define TTL	 "X-aws-ec2-metadata-token-ttl-seconds: 21600"

static int ask(const struct rm_aws_instance *i, const char *path, const char *header, bool is_put, const struct rm_export_io *io,
	       char *ret, size_t cap, char error[RM_AWS_ERROR_BYTES])
{
	char url[RM_AWS_URL_BYTES];
	const struct rm_aws_question q = { .url = url, .header = &header, .header_count = 1, .is_put = is_put,
					   .patience_s = i->patience_s };

	rm_format(url, sizeof(url), "%S%s", &i->base, path);
	return rm_aws_ask(&q, io, ret, cap, error);
}

int rm_aws_instance_open(const struct rm_env *env, unsigned patience_s, const struct rm_export_io *io,
			 struct rm_aws_instance *ret, char error[RM_AWS_ERROR_BYTES])
{
	char token[RM_AWS_SESSION_BYTES];
	int status;

	ret->base = rm_env_str(env, RM_ENV_AWS_EC2_METADATA_ENDPOINT);
	ret->patience_s = patience_s;
	if (ret->base.n == 0)
		ret->base = RM_STR(ENDPOINT);
	if (ret->base.p[ret->base.n - 1] == '/')
		ret->base.n--;
	status = ask(ret, "/latest/api/token", TTL, true, io, token, sizeof(token), error);
	rm_format(ret->line, sizeof(ret->line), "X-aws-ec2-metadata-token: %s", token);
	return status;
}

int rm_aws_instance_get(const struct rm_aws_instance *i, const char *path, const struct rm_export_io *io, char *ret, size_t cap,
			char error[RM_AWS_ERROR_BYTES])
{
	return ask(i, path, i->line, false, io, ret, cap, error);
}
