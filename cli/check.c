/* `remora check`: can this program be instrumented, and why not? */
#include <string.h>
#include <unistd.h>

#include "agent/config.h"
#include "base/err.h"
#include "cli/cmd.h"
#include "cli/inspect.h"
#include "cli/locate.h"

static int check(int argc, char **argv);

const struct rm_cmd rm_cmd_check = {
	.name = "check",
	.help = "say whether and why not a program can be instrumented",
	.usage = "Usage: remora check [--] COMMAND [ARGUMENT]...\n"
		 "Says whether COMMAND can be instrumented: static, setuid, other libc, 32-bit, Go, settings.\n"
		 "COMMAND is looked up along PATH and followed through interpreter lines; it is not run.\n\n"
		 "Exit status: 0 it can be, 1 it cannot, 2 wrong usage.\n",
	.run = check,
};

static bool library_is_there(void)
{
	char path[PATH_MAX];

	switch (rm_locate_library(path)) {
	case RM_OK:
		return true;
	case RM_E_INVALID:
		printf("no: %s: LD_PRELOAD cannot carry a path with a space or a colon; install elsewhere\n", path);
		return false;
	default:
		printf("no: libremora.so is not there, or not readable (%s); build or install it\n", path);
		return false;
	}
}

static int check(int argc, char **argv)
{
	static struct rm_env env;
	static struct rm_config config; /* built for what is said of wrong values, on standard error */
	struct rm_inspector in = { .env = &env, .uid = getuid(), .gid = getgid(), .out = stdout };
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
	bool ok;

	if (first == 1 && argc > 1 && argv[1][0] == '-')
		return rm_cmd_misused(&rm_cmd_check, "no option '%s'", argv[1]);
	if (first >= argc)
		return rm_cmd_misused(&rm_cmd_check, "which command?");
	rm_env_load(&env, environ, rm_env_warn);
	rm_config_build(&config, &env);
	ok = rm_inspect(&in, argv[first]);
	ok &= library_is_there();
	return ok ? 0 : 1;
}
