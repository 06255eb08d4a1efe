/* The attributes of a span and its resource that have a place of their own in X-Ray. Context: worker. */
#ifndef RM_EXPORTERS_XRAY_FACTS_H
#define RM_EXPORTERS_XRAY_FACTS_H

#include "agent/telemetry.h"
#include "base/json.h"

#define RM_XRAY_FACTS(X)                                   \
	X(METHOD, "http.request.method")                   \
	X(STATUS, "http.response.status_code")             \
	X(BODY_SIZE, "http.response.body.size")            \
	X(URL_FULL, "url.full")                            \
	X(SCHEME, "url.scheme")                            \
	X(PATH, "url.path")                                \
	X(QUERY, "url.query")                              \
	X(USER_AGENT, "user_agent.original")               \
	X(CLIENT, "client.address")                        \
	X(PEER, "network.peer.address")                    \
	X(SERVER, "server.address")                        \
	X(PORT, "server.port")                             \
	X(PEER_SERVICE, "peer.service")                    \
	X(ERROR_TYPE, "error.type")                        \
	X(USER, "enduser.id")                              \
	X(RPC_SYSTEM, "rpc.system.name")                   \
	X(RPC_METHOD, "rpc.method")                        \
	X(DB_SYSTEM, "db.system.name")                     \
	X(DB_NAMESPACE, "db.namespace")                    \
	X(DB_TEXT, "db.query.text")                        \
	X(SERVICE, "service.name")                         \
	X(SERVICE_VERSION, "service.version")              \
	X(RUNTIME, "process.runtime.name")                 \
	X(RUNTIME_VERSION, "process.runtime.version")      \
	X(PLATFORM, "cloud.platform")                      \
	X(ACCOUNT, "cloud.account.id")                     \
	X(ZONE, "cloud.availability_zone")                 \
	X(HOST_ID, "host.id")                              \
	X(HOST_TYPE, "host.type")                          \
	X(HOST_IMAGE, "host.image.id")                     \
	X(CONTAINER_NAME, "container.name")                \
	X(CONTAINER_ID, "container.id")                    \
	X(ECS_CONTAINER, "aws.ecs.container.arn")          \
	X(ECS_CLUSTER, "aws.ecs.cluster.arn")              \
	X(ECS_TASK, "aws.ecs.task.arn")                    \
	X(ECS_FAMILY, "aws.ecs.task.family")               \
	X(ECS_LAUNCH, "aws.ecs.launchtype")                \
	X(K8S_CLUSTER, "k8s.cluster.name")                 \
	X(K8S_POD, "k8s.pod.name")                         \
	X(BEANSTALK, "deployment.environment.name")        \
	X(BEANSTALK_ID, "service.instance.id")             \
	X(BEANSTALK_DEPLOYMENT, "remora.beanstalk.deployment_id") \
	X(LOG_GROUPS, "aws.log.group.names")               \
	X(LOG_ARNS, "aws.log.group.arns")                  \
	X(SAMPLING_RULE, "aws.xray.sampling_rule_name")

enum rm_xray_fact {
#define X(id, name) RM_XRAY_##id,
	RM_XRAY_FACTS(X)
#undef X
	RM_XRAY_FACT_COUNT,
};

/* Slices into the records. Where `has[f]`, the text, or the number if the attribute is one. */
struct rm_xray_facts {
	bool has[RM_XRAY_FACT_COUNT];
	bool is_list[RM_XRAY_FACT_COUNT]; /* text is a packed list: rm_attr_strs_next */
	struct rm_str text[RM_XRAY_FACT_COUNT];
	int64_t number[RM_XRAY_FACT_COUNT];
};

void rm_xray_facts(const struct rm_record *resource, const struct rm_span *span,
		   struct rm_xray_facts *ret);

/* The text of a fact; empty where there is none, or a list or a number. */
struct rm_str rm_xray_text(const struct rm_xray_facts *f, enum rm_xray_fact fact);

/* Writes a member, unless its value is empty. */
void rm_xray_put(struct rm_json *j, const char *key, struct rm_str value);

#endif
