/* See launch.h. What is not in the table of those whose options are known starts programs that nobody names here. */
#include "cli/launch.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/locate.h"

static const struct {
	char name[20];
	char valued[8];     /* options of one letter whose value is the next word */
	bool known;         /* options, so many words, then the command; else nothing is read of its arguments */
	unsigned char skip; /* words between options and command */
} launchers[] = {
	{ "catatonit", "", true, 0 },   { "chrt", "", false, 0 },     { "dumb-init", "r", true, 0 },
	{ "env", "uC", true, 0 },       { "find", "", false, 0 },     { "flock", "", false, 0 },
	{ "gmake", "", false, 0 },      { "ionice", "", false, 0 },   { "make", "", false, 0 },
	{ "nice", "n", true, 0 },       { "ninja", "", false, 0 },    { "nohup", "", true, 0 },
	{ "nsenter", "", false, 0 },    { "numactl", "", false, 0 },  { "prlimit", "", false, 0 },
	{ "run-parts", "", false, 0 },  { "setpriv", "", false, 0 },  { "setsid", "", true, 0 },
	{ "start-stop-daemon", "", false, 0 },                        { "stdbuf", "ioe", true, 0 },
	{ "taskset", "", true, 1 },     { "time", "of", true, 0 },    { "timeout", "ks", true, 1 },
	{ "tini", "pe", true, 0 },      { "unshare", "", false, 0 },  { "watch", "n", true, 0 },
	{ "xargs", "", false, 0 },
};
enum { LAUNCHERS = sizeof(launchers) / sizeof(launchers[0]) };

static size_t find(const char *path)
{
	size_t i = 0;

	while (i < LAUNCHERS && strcmp(rm_base_name(path), launchers[i].name) != 0)
		i++;
	return i;
}

bool rm_is_launcher(const char *path)
{
	return find(path) < LAUNCHERS;
}

char *const *rm_launched(const char *path, char *const *args)
{
	size_t i = find(path);
	unsigned skip;

	if (i == LAUNCHERS || !launchers[i].known)
		return NULL;
	skip = launchers[i].skip;
	for (; *args; args++) {
		const char *word = *args;

		if (strcmp(word, "--") == 0 || (word[0] != '-' && strchr(word, '=')))
			continue;
		if (word[0] != '-' && skip-- == 0)
			return args;
		if (word[0] == '-' && word[1] && !word[2] && strchr(launchers[i].valued, word[1]) && args[1])
			args++;
	}
	return NULL;
}

const char *rm_makes_requests_for(const char *path)
{
	static const char *const folders[] = { "/usr/lib/git-core", "/usr/libexec/git-core", "/usr/local/libexec/git-core" };
	static char helper[512];
	const char *own = getenv("GIT_EXEC_PATH");

	if (strcmp(rm_base_name(path), "git") != 0)
		return NULL;
	for (size_t i = 0; i <= sizeof(folders) / sizeof(folders[0]); i++) {
		const char *folder = i == 0 ? own : folders[i - 1];

		if (folder && (size_t)snprintf(helper, sizeof(helper), "%s/git-remote-https", folder) < sizeof(helper) &&
		    access(helper, X_OK) == 0)
			return helper;
	}
	return NULL;
}
