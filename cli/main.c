/* `remora`: finds the command and hands over; --help and --version. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"

static const struct rm_cmd *const commands[] = { &rm_cmd_run, &rm_cmd_check, &rm_cmd_list };
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *out)
{
	fputs("Usage: remora COMMAND [OPTION]... [ARGUMENT]...\n"
	      "Traces unmodified programs: OpenTelemetry spans of what they say over the network.\n\n",
	      out);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(out, "  remora %-6s %s\n", commands[i]->name, commands[i]->help);
	fputs("\n  remora COMMAND --help    the options of a command\n"
	      "  remora --version         which version this is\n\n"
	      "A first try:  remora run -- curl -s http://example.org/\n", out);
}

int rm_cmd_misused(const struct rm_cmd *cmd, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "remora %s: ", cmd->name);
	vfprintf(stderr, format, args);
	fprintf(stderr, " (see remora %s --help)\n", cmd->name);
	va_end(args);
	return RM_EXIT_USAGE;
}

static bool is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static const struct rm_cmd *find(const char *name)
{
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* Output that could not be written is a failure: a full disk must not look like success. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fputs("remora: cannot write to standard output\n", stderr);
	return status ? status : 1;
}

int main(int argc, char **argv)
{
	const struct rm_cmd *cmd;

	if (argc < 2) {
		print_help(stderr);
		return RM_EXIT_USAGE;
	}
	if (is_help(argv[1])) {
		print_help(stdout);
		return finish(EXIT_SUCCESS);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("remora " REMORA_VERSION);
		return finish(EXIT_SUCCESS);
	}
	cmd = find(argv[1]);
	if (!cmd) {
		fprintf(stderr, "remora: no command '%s' (see remora --help)\n", argv[1]);
		return RM_EXIT_USAGE;
	}
	if (argc > 2 && is_help(argv[2])) {
		fputs(cmd->usage, stdout);
		return finish(EXIT_SUCCESS);
	}
	return finish(cmd->run(argc - 1, argv + 1));
}
