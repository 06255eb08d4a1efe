/*
 * Paths relative to our own executable come first, so that a build folder uses its own object and
 * an installed tree can be moved. RM_LIBDIR ("lib/x86_64-linux-gnu") and RM_PREFIX come from meson.
 */
#include "cli/locate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0;
}

/* True when `dir`/`relative` is a file; `ret` is then its path without "..". */
static bool try(const char *dir, const char *relative, char ret[PATH_MAX])
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, relative);
	if (is_file(path) && realpath(path, ret))
		return true;
	snprintf(ret, PATH_MAX, "%.*s", PATH_MAX - 1, path);
	return false;
}

int rm_locate_library(char ret[PATH_MAX])
{
	char self[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = n > 0 ? strrchr(self, '/') : NULL;

	if (slash)
		*slash = '\0';
	if (!(slash && (try(self, "../hooks/libremora.so", ret) ||
			try(self, "../" RM_LIBDIR "/remora/libremora.so", ret))) &&
	    !try(RM_PREFIX, RM_LIBDIR "/remora/libremora.so", ret))
		return RM_E_GONE;
	return strpbrk(ret, " :") ? RM_E_INVALID : RM_OK;
}

/* True when ld.so's $LIB is the folder we were built for, and 32-bit programs have something there. */
static bool has_both(const char *root)
{
	static const char *const narrow[] = { "lib/i386-linux-gnu", "lib32" };
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/" RM_LIBDIR "/remora/libremora.so", root);
	if (!is_file("/" RM_LIBDIR "/libc.so.6") || !is_file(path))
		return false;
	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s/remora/libremora.so", root, narrow[i]);
		if (is_file(path))
			return true;
	}
	return false;
}

void rm_locate_preload(const char *library, char ret[PATH_MAX])
{
	static const char installed[] = "/" RM_LIBDIR "/remora/libremora.so";
	size_t n = strlen(library), tail = sizeof(installed) - 1;
	const char *slash = strrchr(library, '/');
	char root[PATH_MAX];

	if (n > tail && strcmp(library + n - tail, installed) == 0)
		snprintf(root, sizeof(root), "%.*s", (int)(n - tail), library);
	else /* of a build folder */
		snprintf(root, sizeof(root), "%.*s/root", slash ? (int)(slash - library) : 0, library);
	if (!has_both(root) || snprintf(ret, PATH_MAX, "%s/$LIB/remora/libremora.so", root) >= PATH_MAX)
		snprintf(ret, PATH_MAX, "%s", library);
}

static int look_at(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return RM_E_GONE;
	return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? RM_OK : RM_E_INVALID;
}

int rm_locate_command(const char *name, char ret[PATH_MAX])
{
	const char *path = getenv("PATH");
	int found = RM_E_GONE;

	if (strchr(name, '/')) {
		snprintf(ret, PATH_MAX, "%s", name);
		return look_at(ret);
	}
	for (const char *dir = path ? path : "/bin:/usr/bin"; dir && *name;) {
		size_t n = strcspn(dir, ":");
		int here;

		/* An empty element is the current directory. */
		snprintf(ret, PATH_MAX, "%.*s%s%s", (int)n, dir, n ? "/" : "./", name);
		here = look_at(ret);
		if (here == RM_OK)
			return RM_OK;
		if (here == RM_E_INVALID)
			found = RM_E_INVALID;
		dir = dir[n] ? dir + n + 1 : NULL;
	}
	return found;
}

const char *rm_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
