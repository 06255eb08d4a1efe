/*
 * Container runtimes name control groups after the container, and bind files of the container's
 * folder on the host over /etc/hostname, /etc/hosts and (kubelet) /dev/termination-log: the
 * source of such a mount names the container or the pod. Context: any, signal-safe.
 */
#include "agent/container.h"

#include <string.h>

enum { ID_HEX = 64, UID_BYTES = 36 };

static bool is_hex(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

static bool is_id(struct rm_str s)
{
	return s.n == ID_HEX && is_hex(s);
}

/* 8-4-4-4-12 hex digits; static pods have 32 without dashes, which is nothing to rely on. */
static bool is_uid(struct rm_str s)
{
	if (s.n != UID_BYTES)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.p[i] != '-' : !is_hex((struct rm_str){ s.p + i, 1 }))
			return false;
	}
	return true;
}

/* "docker-<id>.scope", "cri-containerd-<id>.scope", "<id>". */
static struct rm_str id_in(struct rm_str component)
{
	static const char scope[] = ".scope";
	const size_t n = sizeof(scope) - 1;

	if (component.n > n && memcmp(component.p + component.n - n, scope, n) == 0)
		component.n -= n;
	for (size_t i = component.n; i > 0; i--) {
		if (component.p[i - 1] == '-' || component.p[i - 1] == ':') {
			component = (struct rm_str){ component.p + i, component.n - i };
			break;
		}
	}
	return is_id(component) ? component : (struct rm_str){ NULL, 0 };
}

/* As ECS names those of Fargate: 32 hex digits of the task, a dash, decimal digits. */
static bool is_fargate_id(struct rm_str s)
{
	enum { TASK_HEX = 32 };
	uint64_t number;

	return s.n > TASK_HEX + 1 && s.p[TASK_HEX] == '-' && is_hex((struct rm_str){ s.p, TASK_HEX }) &&
	       rm_str_u64((struct rm_str){ s.p + TASK_HEX + 1, s.n - TASK_HEX - 1 }, &number);
}

void rm_container_from_cgroup(struct rm_str text, struct rm_container *ret)
{
	while (text.p && ret->id.n == 0) {
		struct rm_str path = rm_str_cut(&text, '\n');
		bool in_ecs = false;

		rm_str_cut(&path, ':'); /* hierarchy */
		rm_str_cut(&path, ':'); /* controllers */
		/* The innermost container is the last component that is one. */
		while (path.p) {
			struct rm_str component = rm_str_cut(&path, '/'), id = id_in(component);

			if (in_ecs && is_fargate_id(component))
				id = component;
			in_ecs |= rm_str_eq(component, RM_STR("ecs"));
			if (id.n > 0)
				ret->id = id;
		}
	}
}

static bool is_runtime_file(struct rm_str mount_point)
{
	return rm_str_eq(mount_point, RM_STR("/etc/hostname")) ||
	       rm_str_eq(mount_point, RM_STR("/etc/hosts")) ||
	       rm_str_eq(mount_point, RM_STR("/etc/resolv.conf")) ||
	       rm_str_eq(mount_point, RM_STR("/dev/termination-log"));
}

/* "/containers/<id>/hostname", "/pods/<uid>/etc-hosts", "/pods/<uid>/containers/<name>/..." */
static void read_source(struct rm_str path, struct rm_container *ret)
{
	struct rm_str before = { NULL, 0 };
	bool in_pod = false;

	while (path.p) {
		struct rm_str component = rm_str_cut(&path, '/');

		if (rm_str_eq(before, RM_STR("pods")) && is_uid(component)) {
			in_pod = true;
			if (ret->pod_uid.n == 0)
				ret->pod_uid = component;
		} else if (rm_str_eq(before, RM_STR("containers")) ||
			   rm_str_eq(before, RM_STR("overlay-containers"))) {
			if (in_pod && ret->name.n == 0)
				ret->name = component;
			else if (!in_pod && ret->id.n == 0 && is_id(component))
				ret->id = component;
		}
		before = component;
	}
}

void rm_container_from_mounts(struct rm_str text, struct rm_container *ret)
{
	while (text.p) {
		struct rm_str line = rm_str_cut(&text, '\n'), source;

		for (int i = 0; i < 3; i++)
			rm_str_cut(&line, ' '); /* mount id, parent id, device */
		source = rm_str_cut(&line, ' ');
		if (is_runtime_file(rm_str_cut(&line, ' ')))
			read_source(source, ret);
	}
}
