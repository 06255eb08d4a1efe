/*
 * Runs ld.so --list, as ldd does, with an empty environment and a limit to what is read of it. Only the
 * system's own: a file that is looked at must not name what is run.
 * Spec: ld.so(8).
 */
#include "cli/uses.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/inside.h"

enum { LIST_BYTES = 256 * 1024, LINE_BYTES = 2 * PATH_MAX };

#if defined(__x86_64__)
static char ld_so[] = "/lib64/ld-linux-x86-64.so.2";
#elif defined(__aarch64__)
static char ld_so[] = "/lib/ld-linux-aarch64.so.1";
#endif

static const struct {
	const char *file, *name; /* how its name begins */
} libraries[] = {
	{ "libgnutls.so.", "GnuTLS" }, { "libmbedtls.so.", "Mbed TLS" }, { "libssl.so", "OpenSSL" },
	{ "libssl-", "OpenSSL" }, { "libssl3.so", "NSS" }, { "libwolfssl.so.", "wolfSSL" },
};

/* Starts it; returns the end to read from, or -1. */
static int start(const char *path, pid_t *ret_pid)
{
	char *argv[] = { ld_so, "--list", (char *)path, NULL }, *envp[] = { NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	error = posix_spawn(ret_pid, ld_so, &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (!error)
		return ends[0];
	close(ends[0]);
	return -1;
}

/* The list, NUL-terminated; empty when there is none. */
static void read_list(const char *path, char ret[LIST_BYTES])
{
	pid_t pid;
	int fd = start(path, &pid);
	size_t have = 0;
	ssize_t n;

	ret[0] = '\0';
	if (fd < 0)
		return;
	while (have < LIST_BYTES - 1 && (n = read(fd, ret + have, LIST_BYTES - 1 - have)) > 0)
		have += (size_t)n;
	ret[have] = '\0';
	close(fd);
	waitpid(pid, NULL, 0);
}

/* "\tlibssl.so.3 => /lib/libssl.so.3 (0x...)": says whether the TLS of such a library is seen. True: it is not. */
static bool say_library(const char *path, char *line, FILE *out)
{
	char *file = line + strspn(line, " \t"), *where = strstr(file, " => ");
	bool hidden = false;

	if (where) {
		where += strlen(" => ");
		where[strcspn(where, " ")] = '\0';
	}
	file[strcspn(file, " ")] = '\0';
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		if (strncmp(file, libraries[i].file, strlen(libraries[i].file)) != 0)
			continue;
		hidden = strcmp(libraries[i].name, "OpenSSL") == 0 && where && !rm_is_openssl(where);
		if (hidden)
			fprintf(out, "note: %s is linked with %s, no OpenSSL that is known here: its TLS is not seen\n",
				path, where);
		else
			fprintf(out, "note: %s is linked with %s (%s), where its TLS is seen\n", path,
				libraries[i].name, file);
	}
	return hidden;
}

const char *rm_libraries(const char *path, const char *interp)
{
	static char list[LIST_BYTES];

	list[0] = '\0';
	if (strcmp(interp, ld_so) == 0)
		read_list(path, list);
	return list;
}

bool rm_say_libraries(const char *path, const char *list, FILE *out)
{
	bool hidden = false;

	if (strstr(list, "\tlibasan.so.") || strstr(list, "\tlibclang_rt.asan"))
		fprintf(out, "note: %s has AddressSanitizer: with LD_PRELOAD alone it needs "
			"ASAN_OPTIONS=verify_asan_link_order=0\n", path);
	while (*list) {
		size_t n = strcspn(list, "\n");
		char line[LINE_BYTES];

		if (n < sizeof(line)) {
			memcpy(line, list, n);
			line[n] = '\0';
			hidden |= say_library(path, line, out);
		}
		list += n + (list[n] != '\0');
	}
	return hidden;
}

bool rm_library_path(const char *list, const char *begin, char ret[PATH_MAX])
{
	for (const char *at = list; (at = strstr(at, begin)); at++) {
		const char *where = strstr(at, " => ");
		size_t n = where ? strcspn(where + 4, " \n") : 0;

		if (at == list || at[-1] != '\t' || !where || memchr(at, '\n', (size_t)(where - at)) || n == 0 || n >= PATH_MAX)
			continue;
		memcpy(ret, where + 4, n);
		ret[n] = '\0';
		return true;
	}
	return false;
}
