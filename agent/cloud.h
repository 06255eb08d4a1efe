/*
 * Which cloud the process is in, as far as that is seen without asking anybody: from variables that platforms set, and
 * from a few small files. What a platform's metadata service adds is found later (exporters/cloud_facts.h).
 * Spec: semantic conventions, docs/resource/cloud.md, faas.md, host.md and cloud-provider. Context of all: any, signal-safe.
 */
#ifndef RM_AGENT_CLOUD_H
#define RM_AGENT_CLOUD_H

#include "agent/record.h"
#include "base/env.h"

/* The platforms that REMORA_RESOURCE_DETECTORS switches. */
enum rm_cloud_platform {
	RM_CLOUD_NONE,
	RM_CLOUD_LAMBDA,
	RM_CLOUD_ECS,
	RM_CLOUD_EKS,
	RM_CLOUD_BEANSTALK,
	RM_CLOUD_EC2,
	RM_CLOUD_GCP,
	RM_CLOUD_AZURE,
};

/* What files say; empty: there is no such file, or it is not to be read. */
struct rm_cloud_files {
	struct rm_str token;		     /* of the pod's service account (a JSON web token) */
	struct rm_str beanstalk;	     /* environment.conf */
	struct rm_str vendor, asset, product; /* of the machine, /sys/class/dmi/id */
	struct rm_str hypervisor;	     /* /sys/hypervisor/uuid */
};

enum { RM_CLOUD_FACTS_MAX = 16, RM_CLOUD_ROOM_BYTES = 2048, RM_CLOUD_CLAIMS_BYTES = 3072 };

struct rm_cloud {
	enum rm_cloud_platform platform;
	uint32_t count;
	struct rm_cloud_fact {
		enum rm_key key;
		struct rm_str value;
	} fact[RM_CLOUD_FACTS_MAX];
	struct rm_str log_group; /* aws.log.group.names, of one */
	uint64_t memory_bytes;	 /* faas.max_memory; 0: not known */
	struct rm_str instance;	 /* host.id, where the machine is an instance of EC2's and says which */
	bool is_ec2;		 /* the machine is one */
	bool will_be_asked;	 /* it does not say which, but its metadata service will */
	char room[RM_CLOUD_ROOM_BYTES], claims[RM_CLOUD_CLAIMS_BYTES];
};

/* Whether a metadata service of EC2's may be asked, where there is one. */
bool rm_cloud_has_instance(const struct rm_env *env);

/* Whether REMORA_RESOURCE_DETECTORS lets a platform be looked for. */
bool rm_cloud_wants(const struct rm_env *env, enum rm_cloud_platform platform);

/* True where the files say that the machine is an instance of EC2's: nobody else has a metadata service that may be asked. */
bool rm_cloud_is_ec2(const struct rm_cloud_files *files);

/* Reads all that. Ownership: slices of `env`, of `files` and of *ret. */
void rm_cloud_detect(const struct rm_env *env, const struct rm_cloud_files *files, struct rm_cloud *ret);

#endif
