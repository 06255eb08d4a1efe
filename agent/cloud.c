/* Reads what platforms set. The first that fits is the platform: what runs on an instance in a container is a container. */
#include "agent/cloud.h"

#include <string.h>

#include "base/json_read.h"
#include "base/strbuf.h"

bool rm_cloud_wants(const struct rm_env *env, enum rm_cloud_platform platform)
{
	static const char names[][12] = {
		[RM_CLOUD_LAMBDA] = "lambda", [RM_CLOUD_ECS] = "ecs", [RM_CLOUD_EKS] = "eks", [RM_CLOUD_BEANSTALK] = "beanstalk",
		[RM_CLOUD_EC2] = "ec2",	      [RM_CLOUD_GCP] = "gcp", [RM_CLOUD_AZURE] = "azure",
	};

	return rm_env_lists(env, RM_ENV_RESOURCE_DETECTORS, RM_STR("all")) ||
	       rm_env_lists(env, RM_ENV_RESOURCE_DETECTORS, rm_str_c(names[platform]));
}

bool rm_cloud_has_instance(const struct rm_env *env)
{
	return rm_cloud_wants(env, RM_CLOUD_EC2) && !rm_env_bool(env, RM_ENV_AWS_EC2_METADATA_DISABLED);
}

static void put(struct rm_cloud *c, enum rm_key key, struct rm_str value)
{
	if (value.n > 0 && c->count < RM_CLOUD_FACTS_MAX)
		c->fact[c->count++] = (struct rm_cloud_fact){ key, value };
}

static void put_env(struct rm_cloud *c, enum rm_key key, const struct rm_env *env, enum rm_env_id id)
{
	put(c, key, rm_env_str(env, id));
}

static void is_at(struct rm_cloud *c, enum rm_cloud_platform platform, struct rm_str provider, struct rm_str name)
{
	c->platform = platform;
	put(c, RM_KEY_CLOUD_PROVIDER, provider);
	put(c, RM_KEY_CLOUD_PLATFORM, name);
}

#define AWS   RM_STR("aws")
#define GCP   RM_STR("gcp")
#define AZURE RM_STR("azure")

/* ---- functions and containers of AWS's ---- */

/* In Lambda AWS_REGION is reserved: it is where the function runs. */
static bool lambda(struct rm_cloud *c, const struct rm_env *env)
{
	uint64_t mib;

	if (!rm_env_is_set(env, RM_ENV_LAMBDA_NAME))
		return false;
	is_at(c, RM_CLOUD_LAMBDA, AWS, RM_STR("aws_lambda"));
	put_env(c, RM_KEY_CLOUD_REGION, env, RM_ENV_AWS_REGION);
	put_env(c, RM_KEY_FAAS_NAME, env, RM_ENV_LAMBDA_NAME);
	put_env(c, RM_KEY_FAAS_VERSION, env, RM_ENV_LAMBDA_VERSION);
	put_env(c, RM_KEY_FAAS_INSTANCE, env, RM_ENV_LAMBDA_LOG_STREAM);
	c->log_group = rm_env_str(env, RM_ENV_LAMBDA_LOG_GROUP);
	if (rm_str_u64(rm_env_str(env, RM_ENV_LAMBDA_MEMORY), &mib) && mib < 1u << 30)
		c->memory_bytes = mib << 20;
	return true;
}

static bool ecs(struct rm_cloud *c, const struct rm_env *env)
{
	struct rm_str at = rm_env_str(env, RM_ENV_AWS_EXECUTION_ENV);

	if (!rm_env_is_set(env, RM_ENV_ECS_METADATA_V4) && !rm_env_is_set(env, RM_ENV_ECS_METADATA))
		return false;
	is_at(c, RM_CLOUD_ECS, AWS, RM_STR("aws_ecs"));
	if (rm_str_eq(at, RM_STR("AWS_ECS_FARGATE")))
		put(c, RM_KEY_AWS_ECS_LAUNCHTYPE, RM_STR("fargate"));
	else if (rm_str_eq(at, RM_STR("AWS_ECS_EC2")))
		put(c, RM_KEY_AWS_ECS_LAUNCHTYPE, RM_STR("ec2"));
	return true;
}

/* ---- pods: who issued the token of their service account ---- */

/* Decodes in place of its own: `ret` has three quarters of it. */
static struct rm_str decode(struct rm_str s, char *ret, size_t cap)
{
	uint32_t bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < cap; i++) {
		int v = rm_base64_digit(s.p[i], '-', '_');

		if (v < 0)
			return (struct rm_str){ NULL, 0 };
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			ret[n++] = (char)(bits >> have);
		}
	}
	return (struct rm_str){ ret, n };
}

/* A member of a JSON object, written to `room`; a number's digits as they stand. */
static struct rm_str member(struct rm_str object, const char *name, struct rm_strbuf *room)
{
	struct rm_json_reader j;
	struct rm_str key, value = { NULL, 0 };

	rm_json_read(&j, object);
	if (!rm_json_object(&j))
		return value;
	while (rm_json_member(&j, &key)) {
		const char *at = j.p;

		if (!rm_str_eq(key, rm_str_c(name))) {
			rm_json_skip(&j);
		} else if (!rm_json_string(&j, room, &value) && !j.failed) {
			value = rm_str_trim((struct rm_str){ at, (size_t)(j.p - at) });
		}
	}
	return j.failed ? (struct rm_str){ NULL, 0 } : value;
}

/* The host of the issuer, and what comes behind it; both empty when it has none. */
static struct rm_str issuer(struct rm_cloud *c, struct rm_str token, struct rm_str *ret_path)
{
	struct rm_strbuf room;
	struct rm_str url;

	rm_str_cut(&token, '.');
	rm_strbuf_init(&room, c->room, sizeof(c->room));
	url = member(decode(rm_str_cut(&token, '.'), c->claims, sizeof(c->claims)), "iss", &room);
	*ret_path = (struct rm_str){ NULL, 0 };
	if (!rm_str_begins(url, RM_STR("https://")))
		return *ret_path;
	*ret_path = rm_str_behind(url, 8);
	return rm_str_cut(ret_path, '/');
}

static bool ends(struct rm_str s, struct rm_str with)
{
	return s.n > with.n && memcmp(s.p + s.n - with.n, with.p, with.n) == 0;
}

/* oidc.eks.REGION.amazonaws.com, also in China. */
static bool eks(struct rm_cloud *c, struct rm_str host)
{
	if (!rm_str_begins(host, RM_STR("oidc.eks.")) || (!ends(host, RM_STR(".amazonaws.com")) && !ends(host, RM_STR(".amazonaws.com.cn"))))
		return false;
	is_at(c, RM_CLOUD_EKS, AWS, RM_STR("aws_eks"));
	host = rm_str_behind(host, 9);
	put(c, RM_KEY_CLOUD_REGION, rm_str_cut(&host, '.'));
	return true;
}

/* container.googleapis.com/v1/projects/PROJECT/locations/PLACE/clusters/NAME; a zone is a region with a letter more. */
static bool gke(struct rm_cloud *c, struct rm_str host, struct rm_str path)
{
	struct rm_str part[7], place;
	bool is_zone;

	if (!rm_str_eq(host, RM_STR("container.googleapis.com")))
		return false;
	for (int i = 0; i < 7; i++)
		part[i] = rm_str_cut(&path, '/');
	if (!rm_str_eq(part[1], RM_STR("projects")) || !rm_str_eq(part[3], RM_STR("locations")) || !rm_str_eq(part[5], RM_STR("clusters")))
		return false;
	is_at(c, RM_CLOUD_GCP, GCP, RM_STR("gcp_kubernetes_engine"));
	put(c, RM_KEY_CLOUD_ACCOUNT_ID, part[2]);
	place = part[4];
	is_zone = place.n > 2 && place.p[place.n - 2] == '-';
	if (is_zone)
		put(c, RM_KEY_CLOUD_AVAILABILITY_ZONE, place);
	put(c, RM_KEY_CLOUD_REGION, (struct rm_str){ place.p, is_zone ? place.n - 2 : place.n });
	put(c, RM_KEY_K8S_CLUSTER_NAME, part[6]);
	return true;
}

/* REGION.oic.prod-aks.azure.com */
static bool aks(struct rm_cloud *c, struct rm_str host)
{
	if (!ends(host, RM_STR(".oic.prod-aks.azure.com")))
		return false;
	is_at(c, RM_CLOUD_AZURE, AZURE, RM_STR("azure.aks"));
	put(c, RM_KEY_CLOUD_REGION, rm_str_cut(&host, '.'));
	return true;
}

static bool pod(struct rm_cloud *c, const struct rm_env *env, const struct rm_cloud_files *f)
{
	struct rm_str path, host = issuer(c, f->token, &path);

	return (rm_cloud_wants(env, RM_CLOUD_EKS) && eks(c, host)) || (rm_cloud_wants(env, RM_CLOUD_GCP) && gke(c, host, path)) ||
	       (rm_cloud_wants(env, RM_CLOUD_AZURE) && aks(c, host));
}

/* ---- machines ---- */

static bool beanstalk(struct rm_cloud *c, struct rm_str conf)
{
	struct rm_strbuf room;
	struct rm_str name;

	rm_strbuf_init(&room, c->room, sizeof(c->room));
	name = member(conf, "environment_name", &room);
	if (name.n == 0)
		return false;
	is_at(c, RM_CLOUD_BEANSTALK, AWS, RM_STR("aws_elastic_beanstalk"));
	put(c, RM_KEY_DEPLOYMENT_ENVIRONMENT_NAME, name);
	put(c, RM_KEY_SERVICE_VERSION, member(conf, "version_label", &room));
	put(c, RM_KEY_REMORA_BEANSTALK_DEPLOYMENT, member(conf, "deployment_id", &room));
	return true;
}

/* "i-" and 8 or 17 hexadecimal digits. */
static bool is_instance(struct rm_str s)
{
	if ((s.n != 10 && s.n != 19) || !rm_str_begins(s, RM_STR("i-")))
		return false;
	for (size_t i = 2; i < s.n; i++)
		if (rm_hex_digit(s.p[i]) < 0)
			return false;
	return true;
}

static struct rm_str first_line(struct rm_str text)
{
	return rm_str_trim(rm_str_cut(&text, '\n'));
}

bool rm_cloud_is_ec2(const struct rm_cloud_files *f)
{
	return rm_str_eq(first_line(f->vendor), RM_STR("Amazon EC2")) || rm_str_begins(f->hypervisor, RM_STR("ec2"));
}

/* Of a machine that is an instance: which, and of what type ("t3.micro"; older ones say "HVM domU"). */
static void add_instance(struct rm_cloud *c, const struct rm_cloud_files *f)
{
	struct rm_str asset = first_line(f->asset), product = first_line(f->product);

	c->is_ec2 = true;
	if (is_instance(asset)) {
		c->instance = asset;
		put(c, RM_KEY_HOST_ID, asset);
	}
	if (product.n > 0 && memchr(product.p, '.', product.n) && !memchr(product.p, ' ', product.n))
		put(c, RM_KEY_HOST_TYPE, product);
}

/* ---- others ---- */

/* Knative sets the variables of Cloud Run in any cluster, where there are Kubernetes' own. */
static bool google(struct rm_cloud *c, const struct rm_env *env)
{
	if (rm_env_is_set(env, RM_ENV_GAE_SERVICE)) {
		is_at(c, RM_CLOUD_GCP, GCP, RM_STR("gcp_app_engine"));
		put_env(c, RM_KEY_FAAS_NAME, env, RM_ENV_GAE_SERVICE);
		put_env(c, RM_KEY_FAAS_VERSION, env, RM_ENV_GAE_VERSION);
		put_env(c, RM_KEY_FAAS_INSTANCE, env, RM_ENV_GAE_INSTANCE);
		return true;
	}
	if (rm_env_is_set(env, RM_ENV_KUBERNETES_HOST))
		return false;
	if (rm_env_is_set(env, RM_ENV_K_SERVICE)) {
		bool is_function = rm_env_is_set(env, RM_ENV_FUNCTION_TARGET);

		is_at(c, RM_CLOUD_GCP, GCP, is_function ? RM_STR("gcp_cloud_functions") : RM_STR("gcp_cloud_run"));
		put_env(c, RM_KEY_FAAS_NAME, env, RM_ENV_K_SERVICE);
		put_env(c, RM_KEY_FAAS_VERSION, env, RM_ENV_K_REVISION);
		return true;
	}
	if (!rm_env_is_set(env, RM_ENV_CLOUD_RUN_JOB))
		return false;
	is_at(c, RM_CLOUD_GCP, GCP, RM_STR("gcp_cloud_run"));
	put_env(c, RM_KEY_FAAS_NAME, env, RM_ENV_CLOUD_RUN_JOB);
	put_env(c, RM_KEY_FAAS_INSTANCE, env, RM_ENV_CLOUD_RUN_EXECUTION);
	return true;
}

static bool azure(struct rm_cloud *c, const struct rm_env *env)
{
	struct rm_str owner = rm_env_str(env, RM_ENV_WEBSITE_OWNER);

	if (rm_env_is_set(env, RM_ENV_CONTAINER_APP)) {
		is_at(c, RM_CLOUD_AZURE, AZURE, RM_STR("azure.container_apps"));
		return true;
	}
	if (!rm_env_is_set(env, RM_ENV_WEBSITE_NAME))
		return false;
	if (rm_env_is_set(env, RM_ENV_FUNCTIONS_VERSION)) {
		is_at(c, RM_CLOUD_AZURE, AZURE, RM_STR("azure.functions"));
		put_env(c, RM_KEY_FAAS_NAME, env, RM_ENV_WEBSITE_NAME);
		put_env(c, RM_KEY_FAAS_INSTANCE, env, RM_ENV_WEBSITE_INSTANCE);
	} else {
		is_at(c, RM_CLOUD_AZURE, AZURE, RM_STR("azure.app_service"));
	}
	put_env(c, RM_KEY_CLOUD_REGION, env, RM_ENV_REGION_NAME);
	put(c, RM_KEY_CLOUD_ACCOUNT_ID, rm_str_cut(&owner, '+'));
	return true;
}

void rm_cloud_detect(const struct rm_env *env, const struct rm_cloud_files *f, struct rm_cloud *c)
{
	bool is_found;

	memset(c, 0, sizeof(*c));
	is_found = (rm_cloud_wants(env, RM_CLOUD_LAMBDA) && lambda(c, env)) || (rm_cloud_wants(env, RM_CLOUD_ECS) && ecs(c, env)) ||
		   pod(c, env, f) || (rm_cloud_wants(env, RM_CLOUD_BEANSTALK) && beanstalk(c, f->beanstalk));
	/* The machine below a container is one of EC2's all the same. */
	if (rm_cloud_wants(env, RM_CLOUD_EC2) && rm_cloud_is_ec2(f)) {
		if (!is_found)
			is_at(c, RM_CLOUD_EC2, AWS, RM_STR("aws_ec2"));
		is_found = true;
		add_instance(c, f);
	}
	c->will_be_asked = c->instance.n == 0 && rm_cloud_has_instance(env) &&
			   (c->is_ec2 || rm_env_is_set(env, RM_ENV_AWS_EC2_METADATA_ENDPOINT));
	if (!is_found && !(rm_cloud_wants(env, RM_CLOUD_GCP) && google(c, env)) && rm_cloud_wants(env, RM_CLOUD_AZURE))
		azure(c, env);
}
