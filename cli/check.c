/* `remora check`: can this program be instrumented, would the backends take what we send, and why not? */
#include <string.h>
#include <unistd.h>

#include "agent/config.h"
#include "base/err.h"
#include "cli/cmd.h"
#include "cli/inspect.h"
#include "cli/locate.h"
#include "exporters/check/check.h"

static int check(int argc, char **argv);

const struct rm_cmd rm_cmd_check = {
	.name = "check",
	.help = "say whether and why not a program can be instrumented, and backends be reached",
	.usage = "Usage: remora check [--] COMMAND [ARGUMENT]...\n"
		 "       remora check --backend [[--] COMMAND [ARGUMENT]...]\n"
		 "Says whether COMMAND can be instrumented (static, setuid, other libc, 32-bit, Go, settings), which TLS\n"
		 "in it is seen, and which adapter moves in. COMMAND is looked up along PATH and followed through\n"
		 "interpreter lines, shell scripts that exec a program they name, and programs such as env and timeout;\n"
		 "it is not run. What it opens or starts at run time is not looked at.\n\n"
		 "  -b, --backend  ask each backend that the environment names (OTEL_TRACES_EXPORTER,\n"
		 "                 OTEL_EXPORTER_OTLP_ENDPOINT and so on) whether it would take what we send:\n"
		 "                 name, connection, TLS, protocol, path, key. Nothing is stored there.\n\n"
		 "Exit status: 0 all is well, 1 something is not, 2 wrong usage.\n",
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

static bool check_command(const struct rm_env *env, char *const *argv)
{
	struct rm_inspector in = { .env = env, .uid = getuid(), .gid = getgid(), .out = stdout };
	bool ok = rm_inspect(&in, argv[0], argv + 1);

	return library_is_there() && ok;
}

static int check(int argc, char **argv)
{
	static struct rm_env env;
	static struct rm_config config; /* built for what is said of wrong values, on standard error */
	bool backend = false, ok = true;
	int first = 1;

	for (; first < argc && argv[first][0] == '-' && strcmp(argv[first], "--") != 0; first++) {
		if (strcmp(argv[first], "--help") == 0 || strcmp(argv[first], "-h") == 0) {
			fputs(rm_cmd_check.usage, stdout);
			return 0;
		}
		if (strcmp(argv[first], "--backend") != 0 && strcmp(argv[first], "-b") != 0)
			return rm_cmd_misused(&rm_cmd_check, "no option '%s'; options of COMMAND come behind it", argv[first]);
		backend = true;
	}
	if (first < argc && strcmp(argv[first], "--") == 0)
		first++;
	if (first >= argc && !backend)
		return rm_cmd_misused(&rm_cmd_check, "which command? remora check -- COMMAND, or remora check --backend");
	rm_env_load(&env, environ, rm_env_warn);
	rm_config_build(&config, &env);
	if (first < argc)
		ok = check_command(&env, argv + first);
	if (backend)
		ok &= rm_check_backends(&env, stdout);
	return ok ? 0 : 1;
}
