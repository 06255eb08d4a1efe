/* Asks metadata services. Context: worker. */
#include "exporters/cloud_facts.h"

#include <stdlib.h>
#include <string.h>

#include "agent/cloud.h"
#include "agent/cloud_files.h"
#include "base/log.h"
#include "exporters/aws_instance.h"
#include "exporters/json_find.h"

enum { PATIENCE_S = 1, ANSWER_BYTES = 256 * 1024, NAME_BYTES = 256 };

enum rm_cloud_service rm_cloud_service(const struct rm_env *env)
{
	struct rm_cloud_texts *texts;
	bool is_ec2;

	if (rm_cloud_wants(env, RM_CLOUD_ECS) && rm_env_is_set(env, RM_ENV_ECS_METADATA_V4))
		return RM_CLOUD_SERVICE_ECS;
	if (!rm_cloud_has_instance(env))
		return RM_CLOUD_SERVICE_NONE;
	if (rm_env_is_set(env, RM_ENV_AWS_EC2_METADATA_ENDPOINT))
		return RM_CLOUD_SERVICE_EC2;
	texts = malloc(sizeof(*texts));
	is_ec2 = texts && rm_cloud_read_machine(texts);
	free(texts);
	return is_ec2 ? RM_CLOUD_SERVICE_EC2 : RM_CLOUD_SERVICE_NONE;
}

/* ---- attributes ---- */

static void put(struct rm_builder *b, const char *key, struct rm_str value)
{
	if (value.n > 0)
		rm_builder_named_str(b, rm_str_c(key), value);
}

static struct rm_str text(struct rm_str object, const char *name)
{
	struct rm_str value = rm_json_find(object, name);

	return value.n > 0 && value.p[0] == '"' ? rm_json_plain(value) : (struct rm_str){ NULL, 0 };
}

/* A list of one. */
static void put_one(struct rm_builder *b, const char *key, struct rm_str value)
{
	if (value.n > 0)
		rm_builder_named_strs(b, rm_str_c(key), &value, 1);
}

/* ---- EC2 ---- */

static void put_instance(struct rm_builder *b, struct rm_str document)
{
	static const struct {
		char name[20], key[28];
	} rows[] = {
		{ "accountId", "cloud.account.id" },
		{ "region", "cloud.region" },
		{ "availabilityZone", "cloud.availability_zone" },
		{ "instanceId", "host.id" },
		{ "instanceType", "host.type" },
		{ "imageId", "host.image.id" },
	};

	if (text(document, "instanceId").n == 0)
		return;
	put(b, "cloud.provider", RM_STR("aws"));
	put(b, "cloud.platform", RM_STR("aws_ec2"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put(b, rows[i].key, text(document, rows[i].name));
}

static void ask_instance(struct rm_builder *b, const struct rm_env *env, const struct rm_export_io *io, char *answer)
{
	struct rm_aws_instance instance;
	char error[RM_AWS_ERROR_BYTES];
	int status = rm_aws_instance_open(env, PATIENCE_S, io, &instance, error);

	if (status == 200)
		status = rm_aws_instance_get(&instance, "/latest/dynamic/instance-identity/document", io, answer, ANSWER_BYTES, error);
	if (status == 200)
		put_instance(b, rm_str_c(answer));
	else
		rm_debug(RM_LOG_EXPORT, "cloud: the instance does not say what it is: %s (%d)", error, status);
}

/* ---- ECS ---- */

/* "arn:aws:ecs:REGION:ACCOUNT:task/..." */
struct arn {
	struct rm_str partition, region, account, name;
};

static struct arn split(struct rm_str arn)
{
	struct arn ret;

	rm_str_cut(&arn, ':');
	ret.partition = rm_str_cut(&arn, ':');
	rm_str_cut(&arn, ':');
	ret.region = rm_str_cut(&arn, ':');
	ret.account = rm_str_cut(&arn, ':');
	ret.name = arn;
	return ret;
}

static struct rm_str last_part(struct rm_str name)
{
	while (memchr(name.p ? name.p : "", '/', name.n))
		rm_str_cut(&name, '/');
	return name;
}

/* Where lines that the container writes go, if the driver of logs is AWS's. */
static void put_logs(struct rm_builder *b, struct rm_str container, const struct arn *task)
{
	struct rm_str options = rm_json_find(container, "LogOptions"), group = text(options, "awslogs-group");
	struct rm_str region = text(options, "awslogs-region"), stream = text(options, "awslogs-stream");
	char arn[2 * NAME_BYTES];

	if (!rm_str_eq(text(container, "LogDriver"), RM_STR("awslogs")) || group.n == 0)
		return;
	put_one(b, "aws.log.group.names", group);
	put_one(b, "aws.log.stream.names", stream);
	region = region.n > 0 ? region : task->region;
	if (group.n > NAME_BYTES || region.n > 64 || task->account.n > 32 || task->partition.n > 32 || task->account.n == 0)
		return;
	rm_format(arn, sizeof(arn), "arn:%S:logs:%S:%S:log-group:%S:*", &task->partition, &region, &task->account, &group);
	put_one(b, "aws.log.group.arns", rm_str_c(arn));
}

static void put_container(struct rm_builder *b, struct rm_str container)
{
	put(b, "container.id", text(container, "DockerId"));
	put(b, "container.name", text(container, "DockerName"));
	put(b, "aws.ecs.container.arn", text(container, "ContainerARN"));
	put(b, "cloud.resource_id", text(container, "ContainerARN"));
}

/* Of the cluster there may be the name alone. */
static void put_cluster(struct rm_builder *b, struct rm_str cluster, const struct arn *task)
{
	char arn[2 * NAME_BYTES];

	if (cluster.n == 0 || cluster.n > NAME_BYTES || task->partition.n > 32 || task->region.n > 64 || task->account.n > 32)
		return;
	if (rm_str_begins(cluster, RM_STR("arn:")))
		rm_format(arn, sizeof(arn), "%S", &cluster);
	else
		rm_format(arn, sizeof(arn), "arn:%S:ecs:%S:%S:cluster/%S", &task->partition, &task->region, &task->account, &cluster);
	put(b, "aws.ecs.cluster.arn", rm_str_c(arn));
}

static void put_task(struct rm_builder *b, struct rm_str task, const struct arn *arn)
{
	char launch[16];
	struct rm_str type = text(task, "LaunchType");

	put(b, "cloud.account.id", arn->account);
	put(b, "cloud.region", arn->region);
	put(b, "cloud.availability_zone", text(task, "AvailabilityZone"));
	put(b, "aws.ecs.task.arn", text(task, "TaskARN"));
	put(b, "aws.ecs.task.id", last_part(arn->name));
	put(b, "aws.ecs.task.family", text(task, "Family"));
	put(b, "aws.ecs.task.revision", text(task, "Revision"));
	put_cluster(b, text(task, "Cluster"), arn);
	for (size_t i = 0; i < type.n && type.n < sizeof(launch); i++)
		launch[i] = (char)(type.p[i] | 0x20);
	if (type.n < sizeof(launch))
		put(b, "aws.ecs.launchtype", (struct rm_str){ launch, type.n });
}

static int ask_task(const struct rm_env *env, const char *path, const struct rm_export_io *io, char *ret)
{
	struct rm_str base = rm_env_str(env, RM_ENV_ECS_METADATA_V4);
	char url[RM_AWS_URL_BYTES], error[RM_AWS_ERROR_BYTES];
	struct rm_aws_question q = { .url = url, .patience_s = PATIENCE_S };
	int status;

	rm_format(url, sizeof(url), "%S%s", &base, path);
	status = rm_aws_ask(&q, io, ret, ANSWER_BYTES, error);
	if (status != 200)
		rm_debug(RM_LOG_EXPORT, "cloud: ECS does not say what runs here: %s (%d)", error, status);
	return status;
}

static void ask_ecs(struct rm_builder *b, const struct rm_env *env, const struct rm_export_io *io, char *container)
{
	char *task = malloc(ANSWER_BYTES);
	struct arn arn;

	if (task && ask_task(env, "", io, container) == 200 && ask_task(env, "/task", io, task) == 200) {
		put(b, "cloud.provider", RM_STR("aws"));
		put(b, "cloud.platform", RM_STR("aws_ecs"));
		arn = split(text(rm_str_c(task), "TaskARN"));
		put_container(b, rm_str_c(container));
		put_task(b, rm_str_c(task), &arn);
		put_logs(b, rm_str_c(container), &arn);
	}
	free(task);
}

uint32_t rm_cloud_facts(const struct rm_env *env, enum rm_cloud_service service, const struct rm_export_io *io, void *memory)
{
	char *answer = malloc(ANSWER_BYTES);
	struct rm_builder b = { 0 };
	uint32_t bytes = 0;

	if (answer && rm_builder_resource(&b, memory, RM_CLOUD_FACTS_BYTES) == 0) {
		(service == RM_CLOUD_SERVICE_ECS ? ask_ecs : ask_instance)(&b, env, io, answer);
		bytes = rm_builder_end(&b);
	}
	free(answer);
	return bytes && b.record->attr_count > 0 ? bytes : 0;
}
