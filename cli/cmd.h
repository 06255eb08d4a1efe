/*
 * A command of `remora`: one file that begins with its table entry, and one line in main.c.
 * Context of everything in cli/: an ordinary program, libc at will.
 */
#ifndef RM_CLI_CMD_H
#define RM_CLI_CMD_H

#include <stdio.h>

/* Exit statuses. Those of `run` are as of env(1) and timeout(1): 125 is a failure of remora itself. */
enum { RM_EXIT_USAGE = 2, RM_EXIT_OURS = 125, RM_EXIT_CANNOT_EXEC = 126, RM_EXIT_NOT_FOUND = 127 };

struct rm_cmd {
	const char *name;
	const char *help;  /* one line for `remora --help` */
	const char *usage; /* whole text of `remora NAME --help` */
	/* argv[0] is the command's name. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

extern const struct rm_cmd rm_cmd_run, rm_cmd_check, rm_cmd_list;

/* Says "remora NAME: <message>" and where help is; returns RM_EXIT_USAGE. */
__attribute__((format(printf, 2, 3)))
int rm_cmd_misused(const struct rm_cmd *cmd, const char *format, ...);

#endif
