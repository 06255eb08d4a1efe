/* The service of a segment, and where in AWS it runs, as the resource says. Context: worker. */
#include "exporters/xray_place.h"

static const char *origin(const struct rm_xray_facts *f)
{
	static const struct {
		const char *platform, *launch, *origin;
	} rows[] = {
		{ "aws_ecs", "fargate", "AWS::ECS::Fargate" },
		{ "aws_ecs", "ec2", "AWS::ECS::EC2" },
		{ "aws_ecs", NULL, "AWS::ECS::Container" },
		{ "aws_eks", NULL, "AWS::EKS::Container" },
		{ "aws_elastic_beanstalk", NULL, "AWS::ElasticBeanstalk::Environment" },
		{ "aws_app_runner", NULL, "AWS::AppRunner::Service" },
		{ "aws_ec2", NULL, "AWS::EC2::Instance" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rm_str_eq(rm_xray_text(f, RM_XRAY_PLATFORM), rm_str_c(rows[i].platform)) &&
		    (!rows[i].launch || rm_str_ieq(rm_xray_text(f, RM_XRAY_ECS_LAUNCH), rm_str_c(rows[i].launch))))
			return rows[i].origin;
	return NULL;
}

struct field {
	const char *key;
	enum rm_xray_fact fact;
};

/* Ids that are none of AWS's, as a machine's own, are not told for such. */
static bool is_fit(enum rm_xray_fact fact, struct rm_str value)
{
	return fact != RM_XRAY_HOST_ID || rm_str_begins(value, RM_STR("i-"));
}

static void block(struct rm_json *j, const struct rm_xray_facts *f, const char *key, const struct field *field,
		  size_t n)
{
	rm_json_key(j, key);
	rm_json_open(j, '{');
	for (size_t i = 0; i < n; i++)
		if (is_fit(field[i].fact, rm_xray_text(f, field[i].fact)))
			rm_xray_put(j, field[i].key, rm_xray_text(f, field[i].fact));
	rm_json_close(j, '}');
}

/* The deployment has a number; OpenTelemetry's detectors have it as the id of the instance. */
static void beanstalk(struct rm_json *j, const struct rm_xray_facts *f)
{
	struct rm_str id = rm_xray_text(f, RM_XRAY_BEANSTALK_DEPLOYMENT);
	uint64_t number;

	if (id.n == 0)
		id = rm_xray_text(f, RM_XRAY_BEANSTALK_ID);
	rm_json_key(j, "elastic_beanstalk");
	rm_json_open(j, '{');
	rm_xray_put(j, "environment_name", rm_xray_text(f, RM_XRAY_BEANSTALK));
	rm_xray_put(j, "version_label", rm_xray_text(f, RM_XRAY_SERVICE_VERSION));
	if (rm_str_u64(id, &number) && number <= INT64_MAX) {
		rm_json_key(j, "deployment_id");
		rm_json_i64(j, (int64_t)number);
	}
	rm_json_close(j, '}');
}

static void platform(struct rm_json *j, const struct rm_xray_facts *f)
{
	static const struct field ec2[] = { { "instance_id", RM_XRAY_HOST_ID },
					    { "availability_zone", RM_XRAY_ZONE },
					    { "instance_size", RM_XRAY_HOST_TYPE },
					    { "ami_id", RM_XRAY_HOST_IMAGE } };
	static const struct field ecs[] = { { "container", RM_XRAY_CONTAINER_NAME },
					    { "container_id", RM_XRAY_CONTAINER_ID },
					    { "container_arn", RM_XRAY_ECS_CONTAINER },
					    { "cluster_arn", RM_XRAY_ECS_CLUSTER },
					    { "task_arn", RM_XRAY_ECS_TASK },
					    { "task_family", RM_XRAY_ECS_FAMILY },
					    { "launch_type", RM_XRAY_ECS_LAUNCH } };
	static const struct field eks[] = { { "cluster_name", RM_XRAY_K8S_CLUSTER },
					    { "pod", RM_XRAY_K8S_POD },
					    { "container_id", RM_XRAY_CONTAINER_ID } };
	struct rm_str at = rm_xray_text(f, RM_XRAY_PLATFORM);

	/* What is below a container or an environment is told as well. */
	if (rm_str_eq(at, RM_STR("aws_ec2")) || is_fit(RM_XRAY_HOST_ID, rm_xray_text(f, RM_XRAY_HOST_ID)))
		block(j, f, "ec2", ec2, sizeof(ec2) / sizeof(ec2[0]));
	if (rm_str_eq(at, RM_STR("aws_ecs")))
		block(j, f, "ecs", ecs, sizeof(ecs) / sizeof(ecs[0]));
	else if (rm_str_eq(at, RM_STR("aws_eks")))
		block(j, f, "eks", eks, sizeof(eks) / sizeof(eks[0]));
	else if (rm_str_eq(at, RM_STR("aws_elastic_beanstalk")))
		beanstalk(j, f);
}

static void log_group(struct rm_json *j, struct rm_str group, struct rm_str arn)
{
	if (group.n == 0)
		return;
	rm_json_open(j, '{');
	rm_xray_put(j, "log_group", group);
	rm_xray_put(j, "arn", arn);
	rm_json_close(j, '}');
}

/* A list, or a text with '&' between the groups. */
static void log_groups(struct rm_json *j, const struct rm_xray_facts *f)
{
	struct rm_str rest = f->text[RM_XRAY_LOG_GROUPS], item;
	struct rm_str arns = f->is_list[RM_XRAY_LOG_ARNS] ? f->text[RM_XRAY_LOG_ARNS] : RM_STR(""), arn;

	if (rest.n == 0)
		return;
	rm_json_key(j, "cloudwatch_logs");
	rm_json_open(j, '[');
	if (f->is_list[RM_XRAY_LOG_GROUPS]) {
		while (rm_attr_strs_next(&rest, &item))
			log_group(j, item, rm_attr_strs_next(&arns, &arn) ? arn : RM_STR(""));
	} else {
		while (rest.n > 0)
			log_group(j, rm_str_cut(&rest, '&'), RM_STR(""));
	}
	rm_json_close(j, ']');
}

static void aws(struct rm_json *j, const struct rm_xray_facts *f)
{
	rm_json_key(j, "aws");
	rm_json_open(j, '{');
	rm_xray_put(j, "account_id", rm_xray_text(f, RM_XRAY_ACCOUNT));
	platform(j, f);
	log_groups(j, f);
	rm_json_key(j, "xray");
	rm_json_open(j, '{');
	rm_xray_put(j, "sdk", RM_STR("remora for c"));
	rm_xray_put(j, "sdk_version", RM_STR(REMORA_VERSION));
	rm_json_key(j, "auto_instrumentation");
	rm_json_bool(j, true);
	rm_xray_put(j, "sampling_rule_name", rm_xray_text(f, RM_XRAY_SAMPLING_RULE));
	rm_json_close(j, '}');
	rm_json_close(j, '}');
}

void rm_xray_place(struct rm_json *j, const struct rm_xray_facts *f)
{
	static const struct field fields[] = { { "version", RM_XRAY_SERVICE_VERSION },
					       { "runtime", RM_XRAY_RUNTIME },
					       { "runtime_version", RM_XRAY_RUNTIME_VERSION } };
	const char *at = origin(f);

	if (at)
		rm_xray_put(j, "origin", rm_str_c(at));
	rm_xray_put(j, "user", rm_xray_text(f, RM_XRAY_USER));
	block(j, f, "service", fields, sizeof(fields) / sizeof(fields[0]));
	aws(j, f);
}
