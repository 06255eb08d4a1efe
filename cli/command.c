/*
 * Starting the command, and its span. A page shared with the child tells the command's own exit
 * status 127 from an exec that failed.
 */
#include "cli/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/record.h"
#include "agent/resource.h"
#include "agent/sampler.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "cli/cmd.h"
#include "cli/locate.h"

/* ---- identity ---- */

static void random_bytes(struct rm_random *r, uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t bits = rm_random_u64(r) | 1; /* never all zero */

		memcpy(ret + i, &bits, 8);
	}
}

/* The resource of its span: a program that is not this process. */
static void describe(struct rm_command *c, const struct rm_env *env)
{
	static struct rm_program program;
	char path[PATH_MAX];
	int argc = 0;

	while (c->argv[argc])
		argc++;
	rm_program_copy(&program, argc, c->argv);
	program.other = true;
	if (rm_locate_command(c->argv[0], path) == RM_OK && strlen(path) < sizeof(program.exe))
		strcpy(program.exe, path);
	c->resource_bytes = rm_resource_build(env, &program, c->resource, sizeof(c->resource));
}

void rm_command_init(struct rm_command *c, const struct rm_env *env, const struct rm_config *config,
		     char **argv)
{
	struct rm_random random = { { 0 } };

	memset(c, 0, sizeof(*c));
	c->argv = argv;
	c->parent = config->parent;
	c->propagators = config->propagators;
	random_bytes(&random, c->context.span_id, sizeof(c->context.span_id));
	if (c->parent.valid) {
		memcpy(c->context.trace_id, c->parent.trace_id, sizeof(c->context.trace_id));
		c->context.flags = c->parent.flags & RM_FLAG_RANDOM;
	} else if (c->parent.trace_only) {
		memcpy(c->context.trace_id, c->parent.trace_id, sizeof(c->context.trace_id));
	} else {
		random_bytes(&random, c->context.trace_id, sizeof(c->context.trace_id));
		if (config->time_ids)
			rm_trace_id_date(c->context.trace_id, rm_clock_wall_ns());
		c->context.flags = RM_FLAG_RANDOM;
	}
	if (rm_sampled(config, &c->parent, c->context.trace_id))
		c->context.flags |= RM_FLAG_SAMPLED;
	c->context.valid = c->context.sampled_known = true;
	describe(c, env);
}

/* ---- environment ---- */

/* Sets `name` to its present value and `more`, separated; to `more` alone when it is unset or empty. */
static int append(const char *name, const char *more, char separator)
{
	const char *now = getenv(name);
	char *joined;
	int result;

	if (!now || !*now)
		return setenv(name, more, 1);
	if (asprintf(&joined, "%s%c%s", now, separator, more) < 0)
		return -1;
	result = setenv(name, joined, 1);
	free(joined);
	return result;
}

/* True when a list of preloads, separated by colons or spaces, holds `path`. */
static bool holds(const char *list, const char *path)
{
	size_t n = strlen(path);

	while (list && *list) {
		size_t entry = strcspn(list, ": ");

		if (entry == n && memcmp(list, path, n) == 0)
			return true;
		list += entry + (list[entry] != '\0');
	}
	return false;
}

int rm_command_environment(const struct rm_command *c, const char *library, const char *relay)
{
	char traceparent[RM_TRACEPARENT_BYTES + 1] = { 0 }, xray[RM_XRAY_BYTES + 1] = { 0 };
	struct rm_strbuf b;

	rm_traceparent_format(&c->context, traceparent);
	rm_strbuf_init(&b, xray, sizeof(xray) - 1);
	rm_xray_format(&c->context, &b);
	if (c->propagators & RM_PROP_XRAY && setenv("X_AMZN_TRACE_ID", xray, 1) != 0)
		return RM_E_NOMEM;
	if (!c->parent.valid)
		unsetenv("TRACESTATE"); /* it belonged to no valid TRACEPARENT */
	/*
	 * Last, so that allocators and the like keep their place; an address sanitizer in the
	 * program refuses any object before its runtime unless told not to look.
	 */
	if ((!holds(getenv("LD_PRELOAD"), library) && append("LD_PRELOAD", library, ':') != 0) ||
	    append("ASAN_OPTIONS", "verify_asan_link_order=0", ':') != 0 ||
	    setenv("REMORA_RELAY", relay, 1) != 0 || setenv("TRACEPARENT", traceparent, 1) != 0)
		return RM_E_NOMEM;
	return RM_OK;
}

/* ---- process ---- */

int rm_command_start(struct rm_command *c, const sigset_t *mask, const struct sigaction *chld)
{
	void *page = mmap(NULL, sizeof(*c->exec_error), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return RM_E_IO;
	c->exec_error = page;
	c->start_ns = rm_clock_wall_ns();
	c->pid = fork();
	if (c->pid < 0)
		return RM_E_IO;
	if (c->pid > 0)
		return RM_OK;
	sigaction(SIGCHLD, chld, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(c->argv[0], c->argv);
	*c->exec_error = errno;
	_exit(errno == ENOENT ? RM_EXIT_NOT_FOUND : RM_EXIT_CANNOT_EXEC);
}

int rm_command_status(const struct rm_command *c)
{
	return WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) : WEXITSTATUS(c->status);
}

/* ---- the span ---- */

/* error.type of a command that failed: its exit status, or the signal that killed it. */
static struct rm_str failure(int status, char room[16])
{
	const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

	if (name)
		snprintf(room, 16, "SIG%s", name);
	else if (WIFSIGNALED(status))
		snprintf(room, 16, "SIG%d", WTERMSIG(status));
	else
		snprintf(room, 16, "%d", WEXITSTATUS(status));
	return rm_str_c(room);
}

static struct rm_str base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return rm_str_c(slash && slash[1] ? slash + 1 : path);
}

void rm_command_span(const struct rm_command *c, struct rm_gather *g)
{
	const struct rm_record *resource = (const struct rm_record *)c->resource;
	struct rm_str name = base_name(c->argv[0]), state = rm_str_c(getenv("TRACESTATE"));
	struct rm_span head = {
		.start_ns = c->start_ns, .end_ns = c->end_ns, .kind = RM_KIND_INTERNAL,
		.status = c->status ? RM_STATUS_ERROR : RM_STATUS_UNSET,
		.trace_flags = c->context.flags, .bits = c->parent.valid ? RM_SPAN_PARENT_REMOTE : 0,
	};
	_Alignas(8) char memory[RM_RECORD_MAX_BYTES];
	char room[16];
	struct rm_builder b = { 0 };
	struct rm_origin origin;

	if (!(c->context.flags & RM_FLAG_SAMPLED) || c->resource_bytes == 0 || *c->exec_error)
		return;
	memcpy(head.trace_id, c->context.trace_id, sizeof(head.trace_id));
	memcpy(head.span_id, c->context.span_id, sizeof(head.span_id));
	if (c->parent.valid)
		memcpy(head.parent_id, c->parent.span_id, sizeof(head.parent_id));
	if (rm_builder_span(&b, memory, sizeof(memory), &head, name, state) != RM_OK ||
	    rm_origin_init(&origin, g, resource) != RM_OK)
		return;
	rm_builder_str(&b, RM_KEY_PROCESS_EXECUTABLE_NAME, name);
	rm_builder_i64(&b, RM_KEY_PROCESS_PID, c->pid);
	rm_builder_i64(&b, RM_KEY_PROCESS_EXIT_CODE, rm_command_status(c));
	if (c->status)
		rm_builder_str(&b, RM_KEY_ERROR_TYPE, failure(c->status, room));
	rm_builder_end(&b);
	rm_gather_span(g, &origin, (const struct rm_span *)memory);
	rm_gather_rest(g);
	rm_origin_fini(&origin, g);
}
