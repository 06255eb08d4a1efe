/*
 * A runtime is known by a library that the program is linked with, or by a function that it exports itself, as the adapter
 * itself finds it. Of what may keep an adapter out, REMORA_ADAPTERS and the version are sure; a tracer in the program is
 * not before it runs, so that only what names one is shown: options, variables, the text of the script.
 */
#include "cli/runtimes.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/versions.h"
#include "agent/config.h"
#include "cli/inside.h"
#include "cli/locate.h"
#include "cli/script.h"
#include "cli/uses.h"

enum { VERSION_BYTES = 48, SCRIPT_BYTES = 64 * 1024 };

enum judgement { FINE, WRONG, NOT_SAID };

struct runtime {
	const char *adapter, *language;
	const char *library, *function; /* how its name begins; what the program exports where it is inside */
	const char *when;
	const char *variables[2];       /* that hold options of it; NULL: none */
	/* Finds the version in the file that holds it. */
	enum judgement (*judge)(const char *path, const struct rm_file *f, char ret[VERSION_BYTES]);
	const char *known;
};

/* ---- versions ---- */

/* Of the file's own name: python3.11, libpython3.11.so.1.0. */
static enum judgement judge_python(const char *path, const struct rm_file *f, char ret[VERSION_BYTES])
{
	char real[PATH_MAX], *end;
	const char *at = realpath(path, real) ? strstr(rm_base_name(real), "python3.") : NULL;
	unsigned long minor = at ? strtoul(at + strlen("python3."), &end, 10) : 0;

	(void)f;
	if (minor == 0 || minor > 99)
		return NOT_SAID;
	snprintf(ret, VERSION_BYTES, "3.%lu", minor);
	return minor >= RM_PYTHON_MINOR_MIN && minor <= RM_PYTHON_MINOR_MAX ? FINE : WRONG;
}

/* "11.3.244.8-node.38": the version of V8, in Node. */
static enum judgement judge_node(const char *path, const struct rm_file *f, char ret[VERSION_BYTES])
{
	const char *at = f->p, *begin;

	(void)path;
	while (at && (at = memmem(at, f->n - (size_t)(at - f->p), "-node.", 6))) {
		unsigned long major;

		begin = at;
		while (begin > f->p && at - begin < 24 && strchr("0123456789.", begin[-1]) && begin[-1])
			begin--;
		at += 6;
		major = begin + 8 < at && begin > f->p && begin[-1] == '\0' ? strtoul(begin, NULL, 10) : 0;
		if (major == 0)
			continue;
		snprintf(ret, VERSION_BYTES, "(V8 %.*s)", (int)(at - 6 - begin), begin);
		return major >= RM_V8_OLDEST && major <= RM_V8_NEWEST ? FINE : WRONG;
	}
	return NOT_SAID;
}

static const struct runtime runtimes[] = {
	{ "python", "CPython", "libpython3.", "Py_AddPendingCall", "with its first socket or thread", { "PYTHONPATH", NULL },
	  judge_python, "3.9 to 3.13" },
	{ "node", "Node", "libnode.so.", "_ZN2v82V810GetVersionEv", "with the first request that it reads",
	  { "NODE_OPTIONS", NULL }, judge_node, "Node 18 to 24" },
	{ "ruby", "CRuby", "libruby", "ruby_thread_has_gvl_p", "with its first socket or thread", { "RUBYOPT", NULL }, NULL, "" },
	{ "java", "a Java machine", "libjli.so", NULL, "with the first connection that it accepts, or opens with TLS, if it is HotSpot",
	  { "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS" }, NULL, "" },
	{ "grpc", "linked with gRPC", "libgrpc++.so.", NULL, "when gRPC is used, if it is 1.51 or newer", { NULL, NULL }, NULL, "" },
};

/* ---- tracers ---- */

/* What adapters stand aside for, by words that name it. */
static const char words[][32] = {
	"opentelemetry", "ddtrace", "dd-trace", "dd-java-agent", "newrelic", "elasticapm", "elastic-apm", "skywalking", "scout_apm",
	"instana", "@sentry/node", "dynatrace", "appdynamics", "pinpoint", "glowroot", "skylight", "appsignal", "splunk-otel",
	"applicationinsights", "--no-addons", "--permission", "-XX:-EnableDynamicAgentLoading",
};

static const char *named_in(const char *text)
{
	for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i]))
			return words[i];
	return NULL;
}

/* The first word of that kind, and where it stands; NULL: none. */
static const char *tracer_of(const struct rm_program_look *look, const struct runtime *r, const char **ret_where)
{
	static char text[SCRIPT_BYTES];
	const char *found = NULL, *main = look->script;

	for (size_t i = 0; i < 2 && !found && r->variables[i]; i++)
		found = named_in(getenv(*ret_where = r->variables[i]));
	for (char *const *arg = look->args; *arg && !found; arg++) {
		if ((*arg)[0] != '-' && !*main) {
			main = *arg;
			break; /* what follows is the program's own */
		}
		if (*main)
			break;
		found = named_in(*ret_where = *arg);
	}
	if (!found && *main && rm_script_text(main, text, sizeof(text))) {
		*ret_where = main;
		found = named_in(text);
	}
	return found;
}

/* ---- what is said ---- */

static void say(const struct rm_program_look *look, const struct runtime *r, const char *path, FILE *out)
{
	char version[VERSION_BYTES] = "";
	enum judgement verdict = NOT_SAID;
	const char *where = "", *tracer;
	struct rm_file f;

	rm_file_open(path, &f);
	if (r->judge)
		verdict = r->judge(path, &f, version);
	rm_file_close(&f);
	fprintf(out, "note: %s is %s%s%s: the adapter %s ", look->path, r->language, *version ? " " : "", version, r->adapter);
	tracer = tracer_of(look, r, &where);
	if (!rm_config_adapts(rm_env_str(look->env, RM_ENV_REMORA_ADAPTERS), rm_str_c(r->adapter)))
		fputs("stays out, as REMORA_ADAPTERS has it\n", out);
	else if (verdict == WRONG)
		fprintf(out, "stays out, as it knows %s\n", r->known);
	else if (tracer)
		fprintf(out, "stands aside where '%s', which %s names, is at work\n", tracer, where);
	else
		fprintf(out, "moves in %s%s%s\n", r->when, r->judge && verdict == NOT_SAID ? ", if it is " : "",
			r->judge && verdict == NOT_SAID ? r->known : "");
}

/* The file that holds it; false: it is not there. */
static bool find(const struct rm_program_look *look, const struct rm_file *program, const struct runtime *r, char ret[PATH_MAX])
{
	if (rm_library_path(look->libraries, r->library, ret))
		return true;
	if (r->function ? !rm_file_exports(program, r->function) :
			  strcmp(r->adapter, "java") != 0 || strcmp(rm_base_name(look->path), "java") != 0)
		return false;
	snprintf(ret, PATH_MAX, "%s", look->path);
	return true;
}

/* Compiled into the program: known by the names of its source files, which its panics tell. */
static void say_tokio(const struct rm_program_look *look, const struct rm_file *program, FILE *out)
{
	const char *at = program->p ? memmem(program->p, program->n, "/tokio-1.", 9) : NULL;
	size_t n = at ? strspn(at + 7, "0123456789.") : 0;

	if (!at || at + 7 + n >= program->p + program->n)
		return;
	fprintf(out, "note: %s has tokio %.*s inside: the adapter tokio ", look->path, (int)(n < 16 ? n : 16), at + 7);
	if (!rm_config_adapts(rm_env_str(look->env, RM_ENV_REMORA_ADAPTERS), RM_STR("tokio")))
		fputs("stays out, as REMORA_ADAPTERS has it\n", out);
	else
		fputs("moves in with its first socket or thread, if it knows its way there (REMORA_DEBUG=init says so)\n", out);
}

void rm_say_adapters(const struct rm_program_look *look, FILE *out)
{
	struct rm_file program;
	char path[PATH_MAX];

	rm_file_open(look->path, &program);
	for (size_t i = 0; program.p && i < sizeof(runtimes) / sizeof(runtimes[0]); i++)
		if (find(look, &program, &runtimes[i], path))
			say(look, &runtimes[i], path, out);
	say_tokio(look, &program, out);
	rm_file_close(&program);
}
