/*
 * Who speaks: settings, arguments and files of the machine. The input is lines: of the environment, up
 * to an empty one, then of the command line, up to another, then the text of every file that is read.
 * What must hold for any input: the resource is a valid record within its memory, the service has a
 * name, and settings that are wrong leave numbers within their bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/config.h"
#include "agent/otlp_target.h"
#include "agent/procfile.h"
#include "agent/resource.h"
#include "base/log.h"
#include "exporters/otlp_config.h"
#include "exporters/rollbar_config.h"
#include "exporters/xray_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
struct rm_str __wrap_rm_procfile_read(const char *path, char *ret, size_t cap);
struct rm_str __wrap_rm_procfile_link(const char *path, char *ret, size_t cap);

enum { LINES_MAX = 64, RESOURCE_BYTES = 8192, HEAD_BYTES = 4096 };

static struct rm_str file;

static void check(bool condition)
{
	if (!condition)
		abort();
}

struct rm_str __wrap_rm_procfile_read(const char *path, char *ret, size_t cap)
{
	size_t n = file.n < cap ? file.n : cap;

	if (n)
		memcpy(ret, file.p, n);
	return (struct rm_str){ ret, n };
}

struct rm_str __wrap_rm_procfile_link(const char *path, char *ret, size_t cap)
{
	struct rm_str s = __wrap_rm_procfile_read(path, ret, cap);

	return s.n < cap ? s : (struct rm_str){ ret, 0 };
}

/* Takes lines up to an empty one, each as a string of its own. Returns how many. */
static int take_lines(struct rm_str *rest, char *lines[LINES_MAX + 1])
{
	int n = 0;

	while (rest->p && n < LINES_MAX) {
		struct rm_str line = rm_str_cut(rest, '\n');

		if (!line.n)
			break;
		lines[n++] = strndup(line.p, line.n);
	}
	lines[n] = NULL;
	return n;
}

static void free_lines(char **lines)
{
	for (; *lines; lines++)
		free(*lines);
}

/* A ratio that strtod reads is the same number here, give or take the last bits and what is next to nothing. */
static void check_ratio(const struct rm_env *env)
{
	double ours = rm_env_ratio(env, RM_ENV_TRACES_SAMPLER_ARG), theirs;
	struct rm_str given = rm_env_str(env, RM_ENV_TRACES_SAMPLER_ARG);

	check(ours >= 0 && ours <= 1);
	/* What has a key is for another sampler. */
	if (!rm_env_is_set(env, RM_ENV_TRACES_SAMPLER_ARG) || memchr(given.p, '=', given.n))
		return;
	theirs = strtod(given.p, NULL);
	check(ours <= theirs * (1 + 1e-9) + 1e-290 && ours >= theirs * (1 - 1e-9) - 1e-290);
}

/* A request of the last flush: whole lines, none of them empty but the last. */
static void check_head(struct rm_str head)
{
	while (head.n) {
		struct rm_str line = rm_str_cut(&head, '\n');

		check(head.p && line.n && line.p[line.n - 1] == '\r');
		check(!memchr(line.p, '\0', line.n) && !memchr(line.p, '\r', line.n - 1));
		check((line.n == 1) == (head.n == 0));
	}
}

static void check_target(const struct rm_env *env)
{
	static char text[HEAD_BYTES];
	struct rm_otlp_config config;
	struct rm_otlp_target target;
	struct rm_strbuf head;

	if (rm_otlp_target(env, RM_SIGNAL_TRACES, &target)) {
		check(target.address_count > 0 && target.address_count <= RM_OTLP_ADDRESSES);
		rm_strbuf_init(&head, text, sizeof(text));
		rm_otlp_head(&target, 123, &head);
		if (!head.truncated)
			check_head(rm_strbuf_view(&head));
	}
	check(rm_otlp_config(env, RM_SIGNAL_TRACES, &config) == 0);
	check(config.endpoint.url && config.header_count <= RM_OTLP_HEADERS_MAX);
	for (uint32_t i = 0; i < config.header_count; i++)
		check(!strpbrk(config.header[i], "\r\n"));
	rm_otlp_config_free(&config);
}

/* Other backends' settings. */
static void check_backends(const struct rm_env *env)
{
	struct rm_rollbar_config config;
	char url[RM_XRAY_URL_BYTES];

	memset(url, 0xff, sizeof(url));
	rm_xray_url(rm_env_str(env, RM_ENV_XRAY_DAEMON_ADDRESS), url);
	check(memchr(url, '\0', sizeof(url)) && strncmp(url, "http://", 7) == 0 && strrchr(url, ':')[1]);
	if (rm_rollbar_config(env, &config) != 0)
		return;
	check(config.endpoint.url && !strpbrk(config.token, "\r\n"));
	rm_rollbar_config_free(&config);
}

static void check_resource(const struct rm_env *env, const struct rm_program *p)
{
	struct rm_record *memory = malloc(RESOURCE_BYTES);
	char room[256];
	uint32_t n;

	check(rm_service_name(env, p, room, sizeof(room)).n > 0);
	n = rm_resource_build(env, p, memory, RESOURCE_BYTES);
	check(n > 0 && n <= RESOURCE_BYTES && rm_record_valid(memory, n));
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rm_str rest = { (const char *)data, n };
	char *environment[LINES_MAX + 1], *arguments[LINES_MAX + 1];
	static struct rm_config config;
	static struct rm_program program;
	static struct rm_env env;
	int argc;

	take_lines(&rest, environment);
	argc = take_lines(&rest, arguments);
	file = rest;
	rm_log_init(0, RM_LEVEL_NONE);
	rm_env_load(&env, environment, NULL);
	rm_config_build(&config, &env);
	check(config.redact_count <= RM_CONFIG_REDACT_MAX && config.method_count <= RM_CONFIG_METHODS_MAX);
	rm_program_copy(&program, argc, arguments);
	rm_config_verdict(&env, rm_str_c(program.exe));
	rm_program_runtime(&program);
	check_ratio(&env);
	check_target(&env);
	check_backends(&env);
	check_resource(&env, &program);
	free_lines(environment);
	free_lines(arguments);
	return 0;
}
