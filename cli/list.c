/* `remora list`: hooks, protocols, exporters and variables, each read from the one list of its kind. */
#include <stdbool.h>
#include <string.h>

#include "base/env.h"
#include "cli/cmd.h"
#include "exporters/registry.h"
#include "protocols/proto.h"

static int list(int argc, char **argv);

const struct rm_cmd rm_cmd_list = {
	.name = "list",
	.help = "list hooks, protocols, exporters or variables",
	.usage = "Usage: remora list hooks|protocols|exporters|env\n"
		 "  hooks       the functions of libc that are interposed, and those of other\n"
		 "              libraries that are led to hooks in the objects that import them\n"
		 "  protocols   what is understood on connections, over HTTP, and inside the process\n"
		 "  exporters   values of OTEL_TRACES_EXPORTER and OTEL_LOGS_EXPORTER\n"
		 "  env         all variables: name, type, default, meaning\n",
	.run = list,
};

static const char *const hook_names[] = {
#include "hooks/hook_names.h"
};

static const char *const import_names[] = {
#include "hooks/import_names.h"
};

static void list_hooks(void)
{
	for (size_t i = 0; i < sizeof(hook_names) / sizeof(hook_names[0]); i++)
		puts(hook_names[i]);
	for (size_t i = 0; i < sizeof(import_names) / sizeof(import_names[0]); i++)
		printf("%-30s where it is imported\n", import_names[i]);
}

/* What is no protocol of a connection by itself. */
static const struct {
	const char *name, *help;
} others[] = {
#define RM_OVER_RPC(id, name, help) { name, help },
#define RM_OVER_CALL(id, name, help) { name, help },
#define RM_OVER_SERVICE(id, name, help) { name, help },
#define RM_INSIDE(name, help) { name, help },
#include "agent/over_http.h"
};

static void list_protocols(void)
{
	for (const struct rm_proto *const *p = rm_protocols; *p; p++)
		printf("%-14s %s\n", (*p)->name, (*p)->help);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		printf("%-14s %s\n", others[i].name, others[i].help);
}

static void list_exporters(void)
{
	static const char *const signals[RM_SIGNAL_COUNT] = { "traces", "logs" };

	for (const struct rm_exporter *const *e = rm_exporters; *e; e++)
		printf("%-10s %-6s %s\n", (*e)->name, signals[(*e)->signal], (*e)->help);
	printf("%-10s %-6s %s\n", "none", "", "nowhere");
}

/* ---- variables ---- */

static const char *type_name(enum rm_env_type type)
{
	static const char *const names[] = {
		[RM_ENV_STR] = "text", [RM_ENV_BOOL] = "true or false", [RM_ENV_BOOL1] = "1 or 0",
		[RM_ENV_INT] = "number", [RM_ENV_DURATION] = "number", [RM_ENV_RATIO] = "0 to 1",
		[RM_ENV_ENUM] = "one of", [RM_ENV_LIST] = "list", [RM_ENV_SECRET] = "secret",
		[RM_ENV_SECRET_LIST] = "secret list", [RM_ENV_SAMPLER_ARG] = "of the sampler",
	};

	return names[type];
}

/* What rows say for people to read. */
static const struct {
	const char *unit, *help;
} notes[] = {
#define RM_ENV(id, name, type, def, unit, values, help) { unit, help },
#include "base/env_table.h"
#undef RM_ENV
};

static void print_row(enum rm_env_id id)
{
	printf("%s\n    %s\n    %s", rm_env_name(id), notes[id].help, type_name(rm_env_type(id)));
	if (*rm_env_values(id))
		printf("%s %s", rm_env_type(id) == RM_ENV_LIST ? " of" : "", rm_env_values(id));
	if (*notes[id].unit)
		printf(" (%s)", notes[id].unit);
	if (*rm_env_default(id))
		printf("; default %s", rm_env_default(id));
	putchar('\n');
}

/* Writes text for roff(7): '-' would become a hyphen, a '.' or ''' that begins a line a request. */
static void put_roff(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '-' || *text == '\\')
			putchar('\\');
		putchar(*text);
		if (*text == ',' && text[1] != ' ')
			fputs("\\:", stdout); /* a long list may break here */
	}
}

static void print_row_roff(enum rm_env_id id)
{
	printf(".TP\n.B %s\n", rm_env_name(id));
	put_roff(notes[id].help);
	printf(".\n(%s", type_name(rm_env_type(id)));
	if (*rm_env_values(id)) {
		fputs(rm_env_type(id) == RM_ENV_LIST ? " of " : " ", stdout);
		put_roff(rm_env_values(id));
	}
	if (*notes[id].unit)
		printf(", %s", notes[id].unit);
	if (*rm_env_default(id)) {
		fputs("; default ", stdout);
		put_roff(rm_env_default(id));
	}
	puts(")");
}

static int list_env(bool man)
{
	for (int i = 0; i < RM_ENV_COUNT; i++) {
		if (man)
			print_row_roff((enum rm_env_id)i);
		else
			print_row((enum rm_env_id)i);
	}
	return 0;
}

static int list(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} lists[] = {
		{ "hooks", list_hooks }, { "protocols", list_protocols }, { "exporters", list_exporters },
	};

	if (argc < 2)
		return rm_cmd_misused(&rm_cmd_list, "of what? hooks, protocols, exporters or env");
	/* --man is for building the manual page. */
	if (strcmp(argv[1], "env") == 0 && (argc == 2 || (argc == 3 && strcmp(argv[2], "--man") == 0)))
		return list_env(argc == 3);
	if (argc > 2)
		return rm_cmd_misused(&rm_cmd_list, "one list at a time");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (strcmp(argv[1], lists[i].name) == 0) {
			lists[i].print();
			return 0;
		}
	}
	return rm_cmd_misused(&rm_cmd_list, "no list '%s': hooks, protocols, exporters or env", argv[1]);
}
