/*
 * Which container the process is in, read off what the kernel tells of its control group and its
 * mounts. Only what is certain: a container that hides both has no id.
 * Spec: semantic conventions, docs/resource/container.md and k8s. Context: any, signal-safe.
 */
#ifndef RM_AGENT_CONTAINER_H
#define RM_AGENT_CONTAINER_H

#include "base/str.h"

struct rm_container {
	struct rm_str id;      /* container.id: 64 hex digits */
	struct rm_str pod_uid; /* k8s.pod.uid */
	struct rm_str name;    /* k8s.container.name */
};

/*
 * Reads the text of /proc/self/cgroup (version 1 or 2) and of /proc/self/mountinfo; what is found
 * fills the empty fields of *ret. Ownership: slices of `text`.
 */
void rm_container_from_cgroup(struct rm_str text, struct rm_container *ret);
void rm_container_from_mounts(struct rm_str text, struct rm_container *ret);

#endif
