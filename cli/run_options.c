/* See run_options.h. An option that took the next one for its value would be a file or a service of that name. */
#include "cli/run_options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"

enum { OPT_NO_COLOR = 256, OPT_ALLOW, OPT_DENY, OPT_DEBUG };

static const struct option long_options[] = {
	{ "json", required_argument, NULL, 'j' },
	{ "logs", no_argument, NULL, 'l' },
	{ "tree", no_argument, NULL, 't' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "no-color", no_argument, NULL, OPT_NO_COLOR },
	{ "service", required_argument, NULL, 's' },
	{ "allow", required_argument, NULL, OPT_ALLOW },
	{ "deny", required_argument, NULL, OPT_DENY },
	{ "debug", required_argument, NULL, OPT_DEBUG },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Options that are variables are set as such: the command and all below it read them there. */
static void take_option(struct rm_run_options *o, int option)
{
	switch (option) {
	case 'j':
		o->json = optarg;
		break;
	case 'l':
		o->logs = true;
		break;
	case 't':
		o->tree = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	case OPT_NO_COLOR:
		o->no_colour = true;
		break;
	case 's':
		setenv("OTEL_SERVICE_NAME", optarg, 1);
		break;
	case OPT_ALLOW:
		setenv("REMORA_ALLOW", optarg, 1);
		break;
	case OPT_DENY:
		setenv("REMORA_DENY", optarg, 1);
		break;
	case OPT_DEBUG:
		setenv("REMORA_DEBUG", optarg, 1);
		break;
	}
}

/* `given` is the word with the option in it, the last that getopt_long(3) read; of several letters in one it stays there. */
static int misused_option(int option, const char *given)
{
	const char *value = strncmp(given, "--", 2) == 0 ? strchr(given, '=') : NULL;

	if (option == ':' && given[1] == '-')
		return rm_cmd_misused(&rm_cmd_run, "'%s' needs a value: %s VALUE", given, given);
	if (option == ':')
		return rm_cmd_misused(&rm_cmd_run, "'-%c' needs a value: -%c VALUE", optopt, optopt);
	if (value && optopt)
		return rm_cmd_misused(&rm_cmd_run, "'%.*s' takes no value; leave out %s", (int)(value - given), given, value);
	if (optopt)
		return rm_cmd_misused(&rm_cmd_run, "no option '-%c'; options of COMMAND come behind it", optopt);
	return rm_cmd_misused(&rm_cmd_run, "no option '%s', or several begin so; options of COMMAND come behind it", given);
}

/* An option took the next one, or the -- before the command, for its value. */
static int misused_value(const char *option, const char *value)
{
	const char *joint = option[1] == '-' ? "=" : "";

	if (strcmp(value, "-") == 0)
		return rm_cmd_misused(&rm_cmd_run, "'%s -': for standard output say %s%s/dev/stdout", option, option, joint);
	return rm_cmd_misused(&rm_cmd_run, "'%s' needs a value, not '%s'; %s%sVALUE takes any", option, value, option, joint);
}

int rm_run_options(struct rm_run_options *o, int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:j:ltqs:h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(rm_cmd_run.usage, stdout);
			return 0;
		}
		if (option == '?' || option == ':')
			return misused_option(option, argv[optind - 1]);
		if (optarg && optarg == argv[optind - 1] && optarg[0] == '-')
			return misused_value(argv[optind - 2], optarg);
		take_option(o, option);
	}
	if (optind >= argc)
		return rm_cmd_misused(&rm_cmd_run, "which command? remora run -- COMMAND");
	return -1;
}
