/* Clouds: what platforms set, as environment and files, and what is no sign of any. */
#include "agent/cloud.h"

#include "tests/rmtest.h"

/* Tokens of service accounts, by issuer; signed by nobody. */
#define EKS \
	"eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIngifQ.eyJhdWQiOiBbImh0dHBzOi8va3ViZXJuZXRlcy5kZWZhdWx0LnN2YyJdLCAiZ" \
	"XhwIjogMSwgImlzcyI6ICJodHRwczovL29pZGMuZWtzLnVzLXdlc3QtMi5hbWF6b25hd3MuY29tL2lkL0FCQ0RFRjAxMjM0NTY3O" \
	"DkiLCAia3ViZXJuZXRlcy5pbyI6IHsibmFtZXNwYWNlIjogIm4iLCAicG9kIjogeyJuYW1lIjogInAifX0sICJzdWIiOiAicyJ9." \
	"c2ln"
#define CHINA \
	"eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIngifQ.eyJhdWQiOiBbImh0dHBzOi8va3ViZXJuZXRlcy5kZWZhdWx0LnN2YyJdLCAiZ" \
	"XhwIjogMSwgImlzcyI6ICJodHRwczovL29pZGMuZWtzLmNuLW5vcnRoLTEuYW1hem9uYXdzLmNvbS5jbi9pZC9BQiIsICJrdWJlc" \
	"m5ldGVzLmlvIjogeyJuYW1lc3BhY2UiOiAibiIsICJwb2QiOiB7Im5hbWUiOiAicCJ9fSwgInN1YiI6ICJzIn0.c2ln"
#define GKE \
	"eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIngifQ.eyJhdWQiOiBbImh0dHBzOi8va3ViZXJuZXRlcy5kZWZhdWx0LnN2YyJdLCAiZ" \
	"XhwIjogMSwgImlzcyI6ICJodHRwczovL2NvbnRhaW5lci5nb29nbGVhcGlzLmNvbS92MS9wcm9qZWN0cy9teS1wcm9qZWN0L2xvY" \
	"2F0aW9ucy9ldXJvcGUtd2VzdDEtYi9jbHVzdGVycy9zaG9wIiwgImt1YmVybmV0ZXMuaW8iOiB7Im5hbWVzcGFjZSI6ICJuIiwgI" \
	"nBvZCI6IHsibmFtZSI6ICJwIn19LCAic3ViIjogInMifQ.c2ln"
#define REGIONAL \
	"eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIngifQ.eyJhdWQiOiBbImh0dHBzOi8va3ViZXJuZXRlcy5kZWZhdWx0LnN2YyJdLCAiZ" \
	"XhwIjogMSwgImlzcyI6ICJodHRwczovL2NvbnRhaW5lci5nb29nbGVhcGlzLmNvbS92MS9wcm9qZWN0cy9wL2xvY2F0aW9ucy91c" \
	"y1lYXN0NC9jbHVzdGVycy9jIiwgImt1YmVybmV0ZXMuaW8iOiB7Im5hbWVzcGFjZSI6ICJuIiwgInBvZCI6IHsibmFtZSI6ICJwI" \
	"n19LCAic3ViIjogInMifQ.c2ln"
#define AKS \
	"eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIngifQ.eyJhdWQiOiBbImh0dHBzOi8va3ViZXJuZXRlcy5kZWZhdWx0LnN2YyJdLCAiZ" \
	"XhwIjogMSwgImlzcyI6ICJodHRwczovL3dlc3RldXJvcGUub2ljLnByb2QtYWtzLmF6dXJlLmNvbS90L2kvIiwgImt1YmVybmV0Z" \
	"XMuaW8iOiB7Im5hbWVzcGFjZSI6ICJuIiwgInBvZCI6IHsibmFtZSI6ICJwIn19LCAic3ViIjogInMifQ.c2ln"
#define OWN \
	"eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIngifQ.eyJhdWQiOiBbImh0dHBzOi8va3ViZXJuZXRlcy5kZWZhdWx0LnN2YyJdLCAiZ" \
	"XhwIjogMSwgImlzcyI6ICJodHRwczovL2t1YmVybmV0ZXMuZGVmYXVsdC5zdmMuY2x1c3Rlci5sb2NhbCIsICJrdWJlcm5ldGVzL" \
	"mlvIjogeyJuYW1lc3BhY2UiOiAibiIsICJwb2QiOiB7Im5hbWUiOiAicCJ9fSwgInN1YiI6ICJzIn0.c2ln"
#define FALSE_FRIEND \
	"eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIngifQ.eyJhdWQiOiBbImh0dHBzOi8va3ViZXJuZXRlcy5kZWZhdWx0LnN2YyJdLCAiZ" \
	"XhwIjogMSwgImlzcyI6ICJodHRwczovL29pZGMuZWtzLnVzLXdlc3QtMi5hbWF6b25hd3MuY29tLmV2aWwuZXhhbXBsZS9pZC9BI" \
	"iwgImt1YmVybmV0ZXMuaW8iOiB7Im5hbWVzcGFjZSI6ICJuIiwgInBvZCI6IHsibmFtZSI6ICJwIn19LCAic3ViIjogInMifQ.c2" \
	"ln"

static struct rm_env env;
static struct rm_cloud cloud;

/* All facts in their order: "key=value key=value". */
static const char *facts(const struct rm_cloud_files *files, char *const *environ)
{
	static char text[1024];
	size_t n = 0;

	rm_env_load(&env, environ, NULL);
	rm_cloud_detect(&env, files, &cloud);
	text[0] = '\0';
	for (uint32_t i = 0; i < cloud.count; i++) {
		struct rm_str key = rm_key_name(cloud.fact[i].key), value = cloud.fact[i].value;

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s=%.*s", n ? " " : "", (int)key.n, key.p, (int)value.n, value.p);
	}
	return text;
}
#define FILES(...) &(const struct rm_cloud_files){ __VA_ARGS__ }
#define NO_FILES FILES(.token = { NULL, 0 })
#define FACTS(files, ...) facts(files, (char *const[]){ __VA_ARGS__, NULL })
#define IS(got, want) RM_CHECK_STR(rm_str_c(got), want)

RM_TEST("Lambda says all of itself in variables")
{
	IS(FACTS(NO_FILES, "AWS_LAMBDA_FUNCTION_NAME=shop", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_REGION=eu-west-1",
		 "AWS_LAMBDA_LOG_STREAM_NAME=2026/[1]ab", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/shop", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128"),
	   "cloud.provider=aws cloud.platform=aws_lambda cloud.region=eu-west-1 faas.name=shop faas.version=$LATEST "
	   "faas.instance=2026/[1]ab");
	RM_CHECK(cloud.memory_bytes == 128u << 20);
	RM_CHECK_STR(cloud.log_group, "/aws/lambda/shop");
	/* A region that is set somewhere else says where AWS is asked, not where we are. */
	IS(FACTS(NO_FILES, "AWS_REGION=eu-west-1"), "");
}

RM_TEST("ECS is known by where a container is asked, the kind of launch by another variable")
{
	IS(FACTS(NO_FILES, "ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/x", "AWS_EXECUTION_ENV=AWS_ECS_FARGATE"),
	   "cloud.provider=aws cloud.platform=aws_ecs aws.ecs.launchtype=fargate");
	IS(FACTS(NO_FILES, "ECS_CONTAINER_METADATA_URI=http://169.254.170.2/v3/x", "AWS_EXECUTION_ENV=AWS_ECS_EC2"),
	   "cloud.provider=aws cloud.platform=aws_ecs aws.ecs.launchtype=ec2");
	RM_CHECK(!cloud.will_be_asked);
}

RM_TEST("who issued a pod's token says whose cluster it is in, and nobody who is only called so")
{
	IS(FACTS(FILES(.token = RM_STR(EKS)), NULL), "cloud.provider=aws cloud.platform=aws_eks cloud.region=us-west-2");
	IS(FACTS(FILES(.token = RM_STR(CHINA)), NULL), "cloud.provider=aws cloud.platform=aws_eks cloud.region=cn-north-1");
	IS(FACTS(FILES(.token = RM_STR(GKE)), NULL), "cloud.provider=gcp cloud.platform=gcp_kubernetes_engine cloud.account.id=my-project "
	   "cloud.availability_zone=europe-west1-b cloud.region=europe-west1 k8s.cluster.name=shop");
	IS(FACTS(FILES(.token = RM_STR(REGIONAL)), NULL), "cloud.provider=gcp cloud.platform=gcp_kubernetes_engine cloud.account.id=p "
	   "cloud.region=us-east4 k8s.cluster.name=c");
	IS(FACTS(FILES(.token = RM_STR(AKS)), NULL), "cloud.provider=azure cloud.platform=azure.aks cloud.region=westeurope");
	IS(FACTS(FILES(.token = RM_STR(OWN)), NULL), "");
	IS(FACTS(FILES(.token = RM_STR(FALSE_FRIEND)), NULL), "");
	IS(FACTS(FILES(.token = RM_STR("a.b")), NULL), "");
	IS(FACTS(FILES(.token = RM_STR("a.!!.c")), NULL), "");
}

RM_TEST("a machine of EC2's says which it is, where it is a new one; an old one will be asked")
{
	const char *nitro = "cloud.provider=aws cloud.platform=aws_ec2 host.id=i-0af01c0123456789a host.type=t3.micro";

	IS(FACTS(FILES(.vendor = RM_STR("Amazon EC2\n"), .asset = RM_STR("i-0af01c0123456789a\n"), .product = RM_STR("t3.micro\n")), NULL), nitro);
	RM_CHECK(cloud.is_ec2 && !cloud.will_be_asked);
	IS(FACTS(FILES(.vendor = RM_STR("Xen\n"), .hypervisor = RM_STR("ec2e1916-9099-7caf-fd21-012345abcdef\n"),
		   .product = RM_STR("HVM domU\n")), NULL), "cloud.provider=aws cloud.platform=aws_ec2");
	RM_CHECK(cloud.is_ec2 && cloud.will_be_asked && cloud.instance.n == 0);
	FACTS(FILES(.hypervisor = RM_STR("ec2e1916")), "AWS_EC2_METADATA_DISABLED=true");
	RM_CHECK(cloud.is_ec2 && !cloud.will_be_asked);
	IS(FACTS(FILES(.vendor = RM_STR("QEMU\n"), .asset = RM_STR("i-0af01c0123456789a"), .product = RM_STR("t3.micro")), NULL), "");
	RM_CHECK(!cloud.is_ec2 && !cloud.will_be_asked);
	IS(FACTS(FILES(.vendor = RM_STR("Amazon EC2"), .asset = RM_STR("Amazon EC2"), .product = RM_STR("m5.large")), NULL),
	   "cloud.provider=aws cloud.platform=aws_ec2 host.type=m5.large");
	/* A pod on such a machine. */
	IS(FACTS(FILES(.token = RM_STR(EKS), .vendor = RM_STR("Amazon EC2"), .asset = RM_STR("i-0af01c0123456789a")), NULL),
	   "cloud.provider=aws cloud.platform=aws_eks cloud.region=us-west-2 host.id=i-0af01c0123456789a");
}

RM_TEST("Elastic Beanstalk writes what its environment is")
{
	IS(FACTS(FILES(.beanstalk = RM_STR("{\"version_label\":\"app-7\",\"deployment_id\":32,\"environment_name\":\"shop-env\"}")), NULL),
	   "cloud.provider=aws cloud.platform=aws_elastic_beanstalk deployment.environment.name=shop-env service.version=app-7 "
	   "remora.beanstalk.deployment_id=32");
	IS(FACTS(FILES(.beanstalk = RM_STR("{\"environment_name\":")), NULL), "");
}

RM_TEST("Google's and Azure's platforms are known by their variables, where they are not Knative's")
{
	IS(FACTS(NO_FILES, "K_SERVICE=shop", "K_REVISION=shop-00001"),
	   "cloud.provider=gcp cloud.platform=gcp_cloud_run faas.name=shop faas.version=shop-00001");
	IS(FACTS(NO_FILES, "K_SERVICE=shop", "KUBERNETES_SERVICE_HOST=10.0.0.1"), "");
	IS(FACTS(NO_FILES, "K_SERVICE=f", "FUNCTION_TARGET=main"), "cloud.provider=gcp cloud.platform=gcp_cloud_functions faas.name=f");
	IS(FACTS(NO_FILES, "CLOUD_RUN_JOB=j", "CLOUD_RUN_EXECUTION=j-x"),
	   "cloud.provider=gcp cloud.platform=gcp_cloud_run faas.name=j faas.instance=j-x");
	IS(FACTS(NO_FILES, "GAE_SERVICE=default", "GAE_VERSION=1", "GAE_INSTANCE=i"),
	   "cloud.provider=gcp cloud.platform=gcp_app_engine faas.name=default faas.version=1 faas.instance=i");
	IS(FACTS(NO_FILES, "WEBSITE_SITE_NAME=shop", "REGION_NAME=West Europe", "WEBSITE_OWNER_NAME=sub+group"),
	   "cloud.provider=azure cloud.platform=azure.app_service cloud.region=West Europe cloud.account.id=sub");
	IS(FACTS(NO_FILES, "WEBSITE_SITE_NAME=f", "FUNCTIONS_EXTENSION_VERSION=~4", "WEBSITE_INSTANCE_ID=7"),
	   "cloud.provider=azure cloud.platform=azure.functions faas.name=f faas.instance=7");
	IS(FACTS(NO_FILES, "CONTAINER_APP_NAME=a"), "cloud.provider=azure cloud.platform=azure.container_apps");
}

RM_TEST("REMORA_RESOURCE_DETECTORS names what is looked for")
{
	const struct rm_cloud_files files = { .token = RM_STR(EKS), .vendor = RM_STR("Amazon EC2"), .asset = RM_STR("i-0af01c0123456789a") };
	char *none[] = { "REMORA_RESOURCE_DETECTORS=none", "AWS_LAMBDA_FUNCTION_NAME=x", NULL };
	char *some[] = { "REMORA_RESOURCE_DETECTORS=ec2,gcp", "AWS_LAMBDA_FUNCTION_NAME=x", NULL };

	IS(facts(&files, none), "");
	RM_CHECK(!rm_cloud_has_instance(&env) && !cloud.will_be_asked);
	IS(facts(&files, some), "cloud.provider=aws cloud.platform=aws_ec2 host.id=i-0af01c0123456789a");
	RM_CHECK(rm_cloud_has_instance(&env));
}
