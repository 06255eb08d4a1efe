/* Containers: what cgroups and mounts of the known runtimes say, and what they do not. */
#include "agent/container.h"

#include "tests/rmtest.h"

#define ID    "3f4a5b6c7d8e9f00112233445566778899aabbccddeeff000102030405060708"
#define OUTER "0000000000000000000000000000000000000000000000000000000000000001"
#define UID   "0b1e2f3a-4c5d-6e7f-8091-a2b3c4d5e6f7"

static struct rm_container cgroup(const char *text)
{
	struct rm_container ret = { 0 };

	rm_container_from_cgroup(rm_str_c(text), &ret);
	return ret;
}

static struct rm_container mounts(const char *text)
{
	struct rm_container ret = { 0 };

	rm_container_from_mounts(rm_str_c(text), &ret);
	return ret;
}

RM_TEST("the control group names the container")
{
	RM_CHECK_STR(cgroup("5:cpu:/ecs/10f8bd5b8c1b4a4d8c5a9c8a1b2c3d4e/10f8bd5b8c1b4a4d8c5a9c8a1b2c3d4e-2455234099\n").id,
		     "10f8bd5b8c1b4a4d8c5a9c8a1b2c3d4e-2455234099");
	RM_CHECK_STR(cgroup("5:cpu:/ecs/10f8bd5b8c1b4a4d8c5a9c8a1b2c3d4e/" ID "\n").id, ID);
	RM_CHECK(cgroup("0::/user/10f8bd5b8c1b4a4d8c5a9c8a1b2c3d4e-2455234099\n").id.n == 0);
	RM_CHECK_STR(cgroup("12:memory:/docker/" ID "\n").id, ID);
	RM_CHECK_STR(cgroup("0::/system.slice/docker-" ID ".scope\n").id, ID);
	RM_CHECK_STR(cgroup("1:name=systemd:/kubepods.slice/x/cri-containerd-" ID ".scope").id, ID);
	RM_CHECK_STR(cgroup("11:devices:/kubepods/burstable/pod" UID "/" ID).id, ID);
	RM_CHECK_STR(cgroup("0::/machine.slice/libpod-" ID ".scope/container\n").id, ID);
	RM_CHECK_STR(cgroup("0::/docker/" OUTER "/docker/" ID "\n").id, ID);
	RM_CHECK_STR(cgroup("13:a:/\n12:b:/ecs/task/" ID "\n").id, ID);
}

RM_TEST("other control groups are no containers")
{
	RM_CHECK(cgroup("").id.n == 0);
	RM_CHECK(cgroup("0::/\n").id.n == 0);
	RM_CHECK(cgroup("0::/user.slice/user-1000.slice/session-2.scope\n").id.n == 0);
	RM_CHECK(cgroup("0::/docker/" ID "0\n").id.n == 0);
	RM_CHECK(cgroup("0::/docker/Z" ID "\n").id.n == 0);
	RM_CHECK(cgroup(ID "\n" ID ":" ID "\n").id.n == 0);
}

RM_TEST("files that a runtime mounts name the container")
{
	RM_CHECK_STR(mounts("22 20 0:1 / / rw\n523 522 8:1 /var/lib/docker/containers/" ID
			    "/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw\n")
			     .id,
		     ID);
	RM_CHECK_STR(mounts("5 4 0:50 /containers/overlay-containers/" ID
			    "/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw\n")
			     .id,
		     ID);
}

RM_TEST("files that the kubelet mounts name the pod and the container")
{
	struct rm_container c = mounts("1 2 8:1 /var/lib/kubelet/pods/" UID
				       "/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
				       "1 2 8:1 /var/lib/kubelet/pods/" UID
				       "/containers/shop/f00d /dev/termination-log rw - x y z\n"
				       "1 2 0:9 /var/lib/containerd/sandboxes/" OUTER
				       "/hostname /etc/hostname rw - x y z\n");

	RM_CHECK_STR(c.pod_uid, UID);
	RM_CHECK_STR(c.name, "shop");
	RM_CHECK(c.id.n == 0);
}

RM_TEST("mounts of other places prove nothing")
{
	RM_CHECK(mounts("1 2 8:1 /var/lib/docker/containers/" ID "/hostname /mnt/hostname rw\n")
			 .id.n == 0);
	RM_CHECK(mounts("1 2 8:1 / /var/lib/kubelet/pods/" UID "/volumes rw\n").pod_uid.n == 0);
	RM_CHECK(mounts("1 2 8:1 /pods/0b1e2f3a4c5d6e7f8091a2b3c4d5e6f7/x /etc/hosts rw\n")
			 .pod_uid.n == 0);
	RM_CHECK(mounts("").id.n == 0 && mounts("1 2\n\n \n").id.n == 0);
}

RM_TEST("what was found first stays")
{
	struct rm_container c = { .id = RM_STR("x") };

	rm_container_from_cgroup(RM_STR("0::/docker/" ID), &c);
	rm_container_from_mounts(RM_STR("1 2 3 /containers/" ID "/hosts /etc/hosts rw"), &c);
	RM_CHECK_STR(c.id, "x");
}
