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
		 "  protocols   what is understood on connections\n"
		 "  exporters   values of OTEL_TRACES_EXPORTER\n"
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

static void list_protocols(void)
{
	for (const struct rm_proto *const *p = rm_protocols; *p; p++)
		printf("%-10s %s\n", (*p)->name, (*p)->help);
}

static void list_exporters(void)
{
	for (const struct rm_exporter *const *e = rm_exporters; *e; e++)
		printf("%-10s %s\n", (*e)->name, (*e)->help);
	printf("%-10s %s\n", "none", "nowhere");
}

/* ---- variables ---- */

static const char *type_name(enum rm_env_type type)
{
	static const char *const names[] = {
		[RM_ENV_STR] = "text", [RM_ENV_BOOL] = "true or false", [RM_ENV_BOOL1] = "1 or 0",
		[RM_ENV_INT] = "number", [RM_ENV_DURATION] = "number", [RM_ENV_RATIO] = "0 to 1",
		[RM_ENV_ENUM] = "one of", [RM_ENV_LIST] = "list", [RM_ENV_SECRET] = "secret",
		[RM_ENV_SECRET_LIST] = "secret list",
	};

	return names[type];
}

static void print_row(const struct rm_env_row *row)
{
	printf("%s\n    %s\n    %s", row->name, row->help, type_name(row->type));
	if (*row->values)
		printf("%s %s", row->type == RM_ENV_LIST ? " of" : "", row->values);
	if (*row->unit)
		printf(" (%s)", row->unit);
	if (*row->def)
		printf("; default %s", row->def);
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

static void print_row_roff(const struct rm_env_row *row)
{
	printf(".TP\n.B %s\n", row->name);
	put_roff(row->help);
	printf(".\n(%s", type_name(row->type));
	if (*row->values) {
		fputs(row->type == RM_ENV_LIST ? " of " : " ", stdout);
		put_roff(row->values);
	}
	if (*row->unit)
		printf(", %s", row->unit);
	if (*row->def) {
		fputs("; default ", stdout);
		put_roff(row->def);
	}
	puts(")");
}

static int list_env(bool man)
{
	for (int i = 0; i < RM_ENV_COUNT; i++) {
		if (man)
			print_row_roff(&rm_env_rows[i]);
		else
			print_row(&rm_env_rows[i]);
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
		return rm_cmd_misused(&rm_cmd_list, "of what?");
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
	return rm_cmd_misused(&rm_cmd_list, "no list '%s'", argv[1]);
}
