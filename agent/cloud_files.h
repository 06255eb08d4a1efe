/*
 * The files that tell of a cloud: small ones of /sys and /var, read through raw system calls. Context of all: any,
 * signal-safe.
 */
#ifndef RM_AGENT_CLOUD_FILES_H
#define RM_AGENT_CLOUD_FILES_H

#include "agent/cloud.h"

/* Room for them, and what is in it. */
struct rm_cloud_texts {
	struct rm_cloud_files files;
	char token[4096], beanstalk[1024], vendor[64], asset[64], product[64], hypervisor[64];
};

/* Reads what says of the machine whether it is one of EC2's; true where it is. All else is empty. */
bool rm_cloud_read_machine(struct rm_cloud_texts *t);

/* Reads all that `env` lets be looked for. A token is only read in a pod; rm_cloud_forget clears it again. */
void rm_cloud_read(const struct rm_env *env, struct rm_cloud_texts *t);
void rm_cloud_forget(struct rm_cloud_texts *t);

#endif
