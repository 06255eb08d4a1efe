/* Opens the fewest files that tell: on a machine that is none of EC2's two of /sys. */
#include "agent/cloud_files.h"

#include <string.h>

#include "agent/procfile.h"

#define READ(path, to) rm_procfile_read(path, to, sizeof(to))

bool rm_cloud_read_machine(struct rm_cloud_texts *t)
{
	struct rm_cloud_files *f = &t->files;

	*f = (struct rm_cloud_files){ .vendor = READ("/sys/class/dmi/id/sys_vendor", t->vendor) };
	if (!rm_cloud_is_ec2(f)) /* Xen, of older ones */
		f->hypervisor = READ("/sys/hypervisor/uuid", t->hypervisor);
	if (!rm_cloud_is_ec2(f))
		return false;
	f->asset = READ("/sys/class/dmi/id/board_asset_tag", t->asset);
	f->product = READ("/sys/class/dmi/id/product_name", t->product);
	return true;
}

void rm_cloud_read(const struct rm_env *env, struct rm_cloud_texts *t)
{
	struct rm_cloud_files *f = &t->files;

	if (rm_cloud_wants(env, RM_CLOUD_EC2))
		rm_cloud_read_machine(t);
	else
		*f = (struct rm_cloud_files){ .vendor = { NULL, 0 } };
	if (rm_cloud_wants(env, RM_CLOUD_BEANSTALK))
		f->beanstalk = READ("/var/elasticbeanstalk/xray/environment.conf", t->beanstalk);
	if (rm_env_is_set(env, RM_ENV_KUBERNETES_HOST) &&
	    (rm_cloud_wants(env, RM_CLOUD_EKS) || rm_cloud_wants(env, RM_CLOUD_GCP) || rm_cloud_wants(env, RM_CLOUD_AZURE)))
		f->token = READ("/var/run/secrets/kubernetes.io/serviceaccount/token", t->token);
}

void rm_cloud_forget(struct rm_cloud_texts *t)
{
	memset(t->token, 0, sizeof(t->token));
}
