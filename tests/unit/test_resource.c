/* The resource record: what is detected, what the user says, and who wins. */
#include "agent/resource.h"

#include <stdlib.h>
#include <unistd.h>

#include "agent/resource_attrs.h"
#include "tests/rmtest.h"

static struct rm_env env;
static struct rm_program program;
static _Alignas(8) char memory[8192];
static char room[256];

static void load(char *const *environ)
{
	rm_env_load(&env, environ, NULL);
	rm_program_copy(&program, 2, (char *[]){ "/usr/bin/python3", "shop.py" });
}
#define LOAD(...) load((char *const[]){ __VA_ARGS__, NULL })

static const struct rm_record *build(uint32_t cap)
{
	uint32_t bytes = rm_resource_build(&env, &program, memory, cap);
	const struct rm_record *r = (const struct rm_record *)memory;

	RM_CHECK(bytes >= sizeof(*r) && bytes == r->bytes && bytes <= cap);
	RM_CHECK(r->type == RM_RECORD_RESOURCE && rm_record_valid(r, bytes));
	return r;
}

/* The attribute of a key; fails the test when there are several. */
static bool find(const struct rm_record *r, const char *key, struct rm_attr *ret)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;
	int found = 0;

	while (rm_attr_next(&it, &a)) {
		if (!rm_str_eq(a.key, rm_str_c(key)))
			continue;
		*ret = a;
		found++;
	}
	RM_CHECK(found <= 1);
	return found == 1;
}

static struct rm_str text(const struct rm_record *r, const char *key)
{
	struct rm_attr a;

	return find(r, key, &a) && a.type == RM_ATTR_STR ? a.v.str : (struct rm_str){ "(none)", 6 };
}

static bool has(const struct rm_record *r, const char *key)
{
	struct rm_attr a;

	return find(r, key, &a);
}

RM_TEST("this process is described")
{
	const struct rm_record *r;
	struct rm_attr a;
	char host[256];

	load((char *const[]){ NULL });
	r = build(sizeof(memory));
	RM_CHECK_STR(text(r, "service.name"), "shop");
	RM_CHECK_STR(text(r, "telemetry.sdk.name"), "remora");
	RM_CHECK_STR(text(r, "telemetry.sdk.language"), "c");
	RM_CHECK_STR(text(r, "telemetry.sdk.version"), REMORA_VERSION);
	RM_CHECK_STR(text(r, "telemetry.distro.name"), "remora");
	RM_CHECK_STR(text(r, "os.type"), "linux");
	RM_CHECK_STR(text(r, "process.command"), "/usr/bin/python3");
	RM_CHECK_STR(text(r, "process.runtime.name"), "cpython");
	RM_CHECK(find(r, "process.pid", &a) && a.type == RM_ATTR_I64 && a.v.i64 == getpid());
	RM_CHECK(find(r, "process.parent_pid", &a) && a.v.i64 == getppid());
	RM_CHECK(gethostname(host, sizeof(host)) == 0);
	RM_CHECK_STR(text(r, "host.name"), host);
	RM_CHECK(has(r, "host.arch"));
	RM_CHECK(!has(r, "process.command_args"));
}

RM_TEST("the executable is the one the kernel knows")
{
	const struct rm_record *r;
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	RM_CHECK(n > 0);
	path[n > 0 ? n : 0] = '\0';
	load((char *const[]){ NULL });
	r = build(sizeof(memory));
	RM_CHECK_STR(text(r, "process.executable.path"), path);
	RM_CHECK_STR(text(r, "process.executable.name"), strrchr(path, '/') + 1);
}

RM_TEST("another program is described without what belongs to this process")
{
	const struct rm_record *r;

	load((char *const[]){ NULL });
	program.other = true;
	r = build(sizeof(memory));
	RM_CHECK(!has(r, "process.pid") && !has(r, "process.parent_pid"));
	RM_CHECK_STR(text(r, "process.executable.path"), "/usr/bin/python3");
	RM_CHECK_STR(text(r, "process.executable.name"), "python3");
}

RM_TEST("the instance id is a new random UUID each time")
{
	char first[37] = "";
	struct rm_str id;

	load((char *const[]){ NULL });
	id = text(build(sizeof(memory)), "service.instance.id");
	RM_CHECK(id.n == 36 && id.p[8] == '-' && id.p[13] == '-' && id.p[18] == '-' &&
		 id.p[23] == '-');
	RM_CHECK(id.p[14] == '4' && memchr("89ab", id.p[19], 4));
	memcpy(first, id.p, 36);
	id = text(build(sizeof(memory)), "service.instance.id");
	RM_CHECK(id.n == 36 && memcmp(first, id.p, 36) != 0);
}

RM_TEST("listed attributes are decoded, and replace detected ones of the same key")
{
	const struct rm_record *r;

	LOAD("OTEL_RESOURCE_ATTRIBUTES=team=a%2Cb%20c , "
	     "host.name=box,deployment.environment.name=prod,"
	     "process.pid=7,service.instance.id=one,%6bey=v");
	r = build(sizeof(memory));
	RM_CHECK_STR(text(r, "team"), "a,b c");
	RM_CHECK_STR(text(r, "host.name"), "box");
	RM_CHECK_STR(text(r, "process.pid"), "7");
	RM_CHECK_STR(text(r, "service.instance.id"), "one");
	RM_CHECK_STR(text(r, "deployment.environment.name"), "prod");
	RM_CHECK_STR(text(r, "key"), "v");
	RM_CHECK_STR(text(r, "service.name"), "shop");
}

RM_TEST("the service's name: its own variable, then the list, then the program")
{
	LOAD("OTEL_SERVICE_NAME=one", "OTEL_RESOURCE_ATTRIBUTES=service.name=two");
	RM_CHECK_STR(rm_service_name(&env, &program, room, sizeof(room)), "one");
	RM_CHECK_STR(text(build(sizeof(memory)), "service.name"), "one");
	LOAD("OTEL_RESOURCE_ATTRIBUTES=service.name=zero,a=b,service.name=t%77o");
	RM_CHECK_STR(rm_service_name(&env, &program, room, sizeof(room)), "two");
	RM_CHECK_STR(rm_service_name(&env, &program, room, 2), "shop");
	RM_CHECK_STR(text(build(sizeof(memory)), "service.name"), "two");
	LOAD("OTEL_RESOURCE_ATTRIBUTES=service.name=two,bad=%2");
	RM_CHECK_STR(rm_service_name(&env, &program, room, sizeof(room)), "shop");
}

RM_TEST("one mistake voids the whole list")
{
	static const char *const bad[] = { "a=1,b", "a=1,=2", "a=%",	   "a=%2",
					   "a=%2x", "%zz=1",  "a=1,,b=%q0" };
	static const char *const good[] = { "",	  "a=1",   " a = 1 ,", ",,a=1",
					    "a=", "a=b=c", "a=%c3%A9" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		RM_CHECK(!rm_resource_attrs_valid(rm_str_c(bad[i])));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		RM_CHECK(rm_resource_attrs_valid(rm_str_c(good[i])));
	LOAD("OTEL_RESOURCE_ATTRIBUTES=host.name=box,b=%");
	RM_CHECK(!rm_str_eq(text(build(sizeof(memory)), "host.name"), RM_STR("box")));
}

RM_TEST("of equal keys in the list the last one counts, and the list is bounded")
{
	static struct rm_resource_attrs attrs;
	static char list[RM_RESOURCE_ATTRS_MAX * 8 + 64], decoded[sizeof(list)];
	struct rm_strbuf b;
	size_t n = 0;

	for (int i = 0; i < RM_RESOURCE_ATTRS_MAX + 5; i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "k%d=v,", i);
	snprintf(list + n, sizeof(list) - n, "k3=w");
	rm_strbuf_init(&b, decoded, sizeof(decoded));
	rm_resource_attrs_decode(rm_str_c(list), &b, &attrs);
	RM_CHECK(attrs.count == RM_RESOURCE_ATTRS_MAX);
	RM_CHECK_STR(rm_resource_attrs_find(&attrs, RM_STR("k3")), "w");
	RM_CHECK(!rm_resource_attrs_find(&attrs, RM_STR("k200")).p);
}

RM_TEST("a small record keeps the service and stays valid")
{
	load((char *const[]){ NULL });
	for (uint32_t cap = sizeof(struct rm_record); cap < 1024; cap += 8) {
		const struct rm_record *r = build(cap);

		if (cap >= 64)
			RM_CHECK_STR(text(r, "service.name"), "shop");
	}
	RM_CHECK(rm_resource_build(&env, &program, memory, 4) == 0);
}
