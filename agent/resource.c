/*
 * Builds the resource record: detected attributes, then those of OTEL_RESOURCE_ATTRIBUTES, which
 * replace detected ones of the same key. Everything it reads lands in one piece of memory from the
 * kernel that is given back at the end: the caller may stand on a small signal stack.
 * Left out on purpose: process.command_args, since command lines carry secrets.
 * Context: hook, once per process. Spec: semantic conventions, docs/resource; OpenTelemetry,
 * resource/sdk.md.
 */
#include "agent/resource.h"

#include <string.h>
#include <sys/utsname.h>

#include "agent/cloud_files.h"
#include "agent/container.h"
#include "agent/procfile.h"
#include "agent/resource_attrs.h"
#include "base/random.h"
#include "base/sys.h"

enum {
	PATH_BYTES = 4096,
	MOUNTS_BYTES = 64 * 1024,
	SMALL_BYTES = 4096,
	ID_HEX = 32,
	UUID_BYTES = 36
};

struct work {
	const struct rm_program *program;
	struct rm_builder builder;
	struct rm_resource_attrs attrs;
	struct utsname host;
	struct rm_cloud_texts cloud_texts;
	struct rm_cloud cloud;
	char attrs_text[RM_ENV_TEXT_BYTES];
	char path[PATH_BYTES];
	char cgroup[SMALL_BYTES], small[SMALL_BYTES];
	char mounts[MOUNTS_BYTES];
};

struct rm_str rm_service_name(const struct rm_env *env, const struct rm_program *p, char *room,
			      size_t cap)
{
	struct rm_str name = rm_env_str(env, RM_ENV_SERVICE_NAME);

	if (name.n > 0)
		return name;
	name = rm_resource_attrs_get(rm_env_str(env, RM_ENV_RESOURCE_ATTRIBUTES),
				     rm_key_name(RM_KEY_SERVICE_NAME), room, cap);
	return name.n > 0 ? name : rm_program_name(p);
}

/* Adds what was detected unless the user said otherwise. */
static void add(struct work *w, enum rm_key key, struct rm_str value)
{
	if (!rm_resource_attrs_find(&w->attrs, rm_key_name(key)).p)
		rm_builder_str(&w->builder, key, value);
}

static void add_number(struct work *w, enum rm_key key, int64_t value)
{
	if (!rm_resource_attrs_find(&w->attrs, rm_key_name(key)).p)
		rm_builder_i64(&w->builder, key, value);
}

/* A random UUID, RFC 9562 section 5.4. */
static void make_uuid(char *ret)
{
	struct rm_random random = { { 0 } };
	uint64_t bits[2] = { rm_random_u64(&random), rm_random_u64(&random) };
	uint8_t id[16];
	char hex[ID_HEX];
	size_t at = 0;

	memcpy(id, bits, sizeof(id));
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	rm_hex_encode(id, sizeof(id), hex);
	for (size_t i = 0; i < sizeof(hex); i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			ret[at++] = '-';
		ret[at++] = hex[i];
	}
}

static void add_service(struct work *w, const struct rm_env *env)
{
	struct rm_str name = rm_env_str(env, RM_ENV_SERVICE_NAME);
	char uuid[UUID_BYTES];

	if (name.n == 0)
		name = rm_resource_attrs_find(&w->attrs, rm_key_name(RM_KEY_SERVICE_NAME));
	rm_builder_str(&w->builder, RM_KEY_SERVICE_NAME,
		       name.n > 0 ? name : rm_program_name(w->program));
	make_uuid(uuid);
	add(w, RM_KEY_SERVICE_INSTANCE_ID, (struct rm_str){ uuid, sizeof(uuid) });
}

static void add_listed(struct work *w)
{
	for (uint32_t i = 0; i < w->attrs.count; i++)
		if (!rm_str_eq(w->attrs.key[i], rm_key_name(RM_KEY_SERVICE_NAME)))
			rm_builder_named_str(&w->builder, w->attrs.key[i], w->attrs.value[i]);
}

static void add_telemetry(struct work *w)
{
	add(w, RM_KEY_TELEMETRY_SDK_NAME, RM_STR("remora"));
	add(w, RM_KEY_TELEMETRY_SDK_LANGUAGE, RM_STR("c"));
	add(w, RM_KEY_TELEMETRY_SDK_VERSION, RM_STR(REMORA_VERSION));
	add(w, RM_KEY_TELEMETRY_DISTRO_NAME, RM_STR("remora"));
	add(w, RM_KEY_TELEMETRY_DISTRO_VERSION, RM_STR(REMORA_VERSION));
}

static void add_process(struct work *w)
{
	struct rm_str path = rm_str_c(w->program->exe);

	if (!w->program->other) {
		struct rm_str known = rm_procfile_link("/proc/self/exe", w->path, sizeof(w->path));

		path = known.n > 0 ? known : path;
		add_number(w, RM_KEY_PROCESS_PID, rm_sys0(__NR_getpid));
		add_number(w, RM_KEY_PROCESS_PARENT_PID, rm_sys0(__NR_getppid));
	}
	add(w, RM_KEY_PROCESS_EXECUTABLE_NAME, rm_str_file_name(path));
	if (path.n > 0 && path.p[0] == '/')
		add(w, RM_KEY_PROCESS_EXECUTABLE_PATH, path);
	add(w, RM_KEY_PROCESS_COMMAND, rm_program_arg(w->program, 0));
	add(w, RM_KEY_PROCESS_RUNTIME_NAME, rm_program_runtime(w->program));
}

/* The value of KEY=value or KEY="value" at the start of a line; of os-release(5). */
static struct rm_str os_release_value(struct rm_str text, struct rm_str key)
{
	while (text.p) {
		struct rm_str value = rm_str_cut(&text, '\n');

		if (!rm_str_eq(rm_str_cut(&value, '='), key))
			continue;
		if (value.n >= 2 && (value.p[0] == '"' || value.p[0] == '\'') &&
		    value.p[value.n - 1] == value.p[0])
			value = (struct rm_str){ value.p + 1, value.n - 2 };
		return value;
	}
	return (struct rm_str){ NULL, 0 };
}

/* What is in that file, if it is an id; else it is "uninitialized", of an image that has not booted, or nothing. */
static struct rm_str machine_id(struct work *w, const char *path)
{
	struct rm_str text = rm_procfile_read(path, w->small, sizeof(w->small));

	text = rm_str_cut(&text, '\n');
	return text.n == ID_HEX ? text : (struct rm_str){ NULL, 0 };
}

static void add_host(struct work *w)
{
	struct rm_str text;

	if (rm_sys1(__NR_uname, &w->host) == 0)
		add(w, RM_KEY_HOST_NAME, rm_str_c(w->host.nodename));
#if defined(__x86_64__)
	add(w, RM_KEY_HOST_ARCH, RM_STR("amd64"));
#elif defined(__aarch64__)
	add(w, RM_KEY_HOST_ARCH, RM_STR("arm64"));
#endif
	text = machine_id(w, "/etc/machine-id");
	if (text.n == 0)
		text = machine_id(w, "/var/lib/dbus/machine-id");
	/* An instance has another id than its image. */
	if (text.n > 0 && w->cloud.instance.n == 0 && !w->cloud.will_be_asked)
		add(w, RM_KEY_HOST_ID, text);
	add(w, RM_KEY_OS_TYPE, RM_STR("linux"));
	text = rm_procfile_read("/etc/os-release", w->small, sizeof(w->small));
	if (text.n == 0)
		text = rm_procfile_read("/usr/lib/os-release", w->small, sizeof(w->small));
	add(w, RM_KEY_OS_NAME, os_release_value(text, RM_STR("NAME")));
	add(w, RM_KEY_OS_VERSION, os_release_value(text, RM_STR("VERSION_ID")));
}

static void add_container(struct work *w)
{
	static const char namespace_file[] =
		"/var/run/secrets/kubernetes.io/serviceaccount/namespace";
	struct rm_container c = { 0 };

	rm_container_from_cgroup(
		rm_procfile_read("/proc/self/cgroup", w->cgroup, sizeof(w->cgroup)), &c);
	rm_container_from_mounts(
		rm_procfile_read("/proc/self/mountinfo", w->mounts, sizeof(w->mounts)), &c);
	add(w, RM_KEY_CONTAINER_ID, c.id);
	add(w, RM_KEY_K8S_POD_UID, c.pod_uid);
	add(w, RM_KEY_K8S_CONTAINER_NAME, c.name);
	if (c.pod_uid.n > 0)
		add(w, RM_KEY_K8S_NAMESPACE_NAME,
		    rm_procfile_read(namespace_file, w->small, sizeof(w->small)));
}

static void add_cloud(struct work *w)
{
	const struct rm_cloud *c = &w->cloud;
	struct rm_str groups = rm_key_name(RM_KEY_AWS_LOG_GROUP_NAMES);

	for (uint32_t i = 0; i < c->count; i++)
		add(w, c->fact[i].key, c->fact[i].value);
	if (c->memory_bytes)
		add_number(w, RM_KEY_FAAS_MAX_MEMORY, (int64_t)c->memory_bytes);
	if (c->log_group.n > 0 && !rm_resource_attrs_find(&w->attrs, groups).p)
		rm_builder_named_strs(&w->builder, groups, &c->log_group, 1);
}

uint32_t rm_resource_build(const struct rm_env *env, const struct rm_program *p, void *memory,
			   uint32_t cap)
{
	struct work *w = rm_sys_map(sizeof(*w));
	struct rm_strbuf room;
	uint32_t ret = 0;

	if (!w)
		return 0;
	w->program = p;
	rm_strbuf_init(&room, w->attrs_text, sizeof(w->attrs_text));
	rm_resource_attrs_decode(rm_env_str(env, RM_ENV_RESOURCE_ATTRIBUTES), &room, &w->attrs);
	rm_cloud_read(env, &w->cloud_texts);
	rm_cloud_detect(env, &w->cloud_texts.files, &w->cloud);
	rm_cloud_forget(&w->cloud_texts);
	if (rm_builder_resource(&w->builder, memory, cap) == 0) {
		add_service(w, env);
		add_listed(w);
		add_telemetry(w);
		add_process(w);
		add_host(w);
		add_container(w);
		add_cloud(w);
		ret = rm_builder_end(&w->builder);
	}
	rm_sys2(__NR_munmap, w, sizeof(*w));
	return ret;
}
