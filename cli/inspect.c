/*
 * The findings follow what ld.so and the kernel do: no interpreter means no LD_PRELOAD; secure
 * execution (AT_SECURE) ignores it; another libc or class cannot load our object.
 * Spec: ld.so(8) "Secure-execution mode", execve(2) "Interpreter scripts".
 */
#include "cli/inspect.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "agent/config.h"
#include "base/err.h"
#include "cli/elffile.h"
#include "cli/inside.h"
#include "cli/locate.h"
#include "cli/uses.h"

enum { SCRIPTS_MAX = 5, LINE_BYTES = 256 }; /* as the kernel: fs/exec.c, BINPRM_BUF_SIZE */

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#endif

/* The next blank-separated word of *line, NUL-terminated in place; NULL at its end. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	size_t n = strcspn(word, " \t");

	if (n == 0)
		return NULL;
	*line = word + n + (word[n] != '\0');
	word[n] = '\0';
	return word;
}

/* What env(1) would start: the first word that is no option and no assignment. */
static char *after_env(char **line)
{
	char *word;

	while ((word = next_word(line)))
		if (word[0] != '-' && !strchr(word, '='))
			return word;
	return NULL;
}

/*
 * Reads the interpreter line of a script into `line`. Returns the interpreter's name (a path, or
 * for env(1) a command), NULL when the file is no script. Text without such a line is one for
 * /bin/sh: execvp(3).
 */
static const char *interpreter_of(const char *path, char line[LINE_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, line, LINE_BYTES - 1, 0);
	char *word, *base;

	if (fd >= 0)
		close(fd);
	if (n < 3)
		return NULL;
	line[n] = '\0';
	if (line[0] != '#' || line[1] != '!')
		return line[0] != '\x7f' && strlen(line) == (size_t)n ? "/bin/sh" : NULL;
	line[strcspn(line, "\n")] = '\0';
	/* It will be shown, and a script is not to write to the terminal. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\t')
			*p = '?';
	line += 2;
	word = next_word(&line);
	base = word ? strrchr(word, '/') : NULL;
	if (base && strcmp(base, "/env") == 0)
		return after_env(&line);
	return word;
}

/* Why the kernel would set AT_SECURE for this user, or NULL. */
static const char *secure_reason(const struct rm_inspector *in, const char *path)
{
	struct statvfs fs;
	struct stat st;

	if (stat(path, &st) != 0 || (statvfs(path, &fs) == 0 && fs.f_flag & ST_NOSUID))
		return NULL;
	if (st.st_mode & S_ISUID && st.st_uid != in->uid)
		return "is setuid";
	if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st.st_gid != in->gid)
		return "is setgid";
	if (in->uid != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		return "has file capabilities";
	return NULL;
}

static bool say_no(const struct rm_inspector *in, const char *path, const char *what, const char *why)
{
	fprintf(in->out, "no: %s %s: %s\n", path, what, why);
	return false;
}

/* Prints every obstacle in the file itself. */
static bool file_allows(const struct rm_inspector *in, const char *path, const struct rm_elf *elf)
{
	const char *secure = secure_reason(in, path);
	bool ok = true;

	if (elf->bits != 64)
		ok = say_no(in, path, "is a 32-bit program", "libremora.so is 64-bit; use a 64-bit build of it");
	else if (elf->machine != OUR_MACHINE)
		ok = say_no(in, path, "is for another processor", "use a build for this machine");
	else if (!elf->dynamic && elf->go)
		ok = say_no(in, path, "is a static Go program",
			    "nothing can be preloaded; its peers still show its calls");
	else if (!elf->dynamic)
		ok = say_no(in, path, "is statically linked",
			    "nothing can be preloaded; link it dynamically, or trace its peers");
	else if (elf->go)
		ok = say_no(in, path, "is a Go program",
			    "Go makes system calls without libc; its peers still show its calls");
	else if (strstr(elf->interp, "/ld-musl"))
		ok = say_no(in, path, "uses musl", "libremora.so stays inert there; use a glibc build of it");
	else if (!strstr(elf->interp, "/ld-linux"))
		ok = say_no(in, path, "does not use glibc", "libremora.so was built for glibc's ld.so");
	else if (access(elf->interp, F_OK) != 0)
		ok = say_no(in, path, "cannot start", "its dynamic linker is missing");
	if (secure)
		ok = say_no(in, path, secure, "ld.so ignores LD_PRELOAD with another path; run it as its owner, "
			    "or without the privilege");
	return ok;
}

/* Prints what the settings say. A script's interpreter may be left alone: what it starts is not. */
static bool settings_allow(const struct rm_inspector *in, const char *path, bool script, bool secure)
{
	enum rm_verdict verdict = rm_config_verdict(in->env, rm_str_c(path));

	switch (verdict) {
	case RM_SKIP_DISABLED:
		return say_no(in, path, "would not be traced",
			      "OTEL_SDK_DISABLED or REMORA_DISABLED is set; unset it");
	case RM_SKIP_NOT_ALLOWED:
		return say_no(in, path, "is not named by REMORA_ALLOW", "add it there (remora run --allow)");
	case RM_SKIP_DENIED:
	case RM_SKIP_LISTED:
		if (!script && verdict == RM_SKIP_DENIED)
			return say_no(in, path, "is named by REMORA_DENY",
				      secure ? "take it out there" : "take it out there; what it starts is traced");
		if (!script)
			return say_no(in, path, "is on the built-in list of programs left alone",
				      secure ? "what it starts is not traced either" :
					       "what it starts is traced; REMORA_ALLOW overrides the list");
		fprintf(in->out, "note: %s is left alone; the programs that it starts are traced\n", path);
		return true;
	default:
		return true;
	}
}

/* Those that start programs with an environment that they make. */
static const char *starts_afresh(const char *path)
{
	static const char *const names[] = { "sudo", "doas", "pkexec" };
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return names[i];
	return NULL;
}

/* *ret_hidden: some HTTPS of it is not seen, which was said. */
static bool inspect_binary(const struct rm_inspector *in, const char *path, bool script, bool *ret_hidden)
{
	const char *afresh = starts_afresh(path);
	struct rm_elf elf;
	bool file_ok, settings_ok;

	if (afresh) {
		fprintf(in->out, "no: %s starts programs without LD_PRELOAD; let it start remora: "
			"%s remora run -- COMMAND\n", path, afresh);
		return false;
	}

	switch (rm_elf_read(path, &elf)) {
	case RM_OK:
		break;
	case RM_E_IO:
		return say_no(in, path, "cannot be read", "nothing is known about it; try as its owner");
	default:
		return say_no(in, path, "is no ELF executable", "the kernel will not start it by itself");
	}
	/* Both are said, also when one is enough. */
	file_ok = file_allows(in, path, &elf);
	settings_ok = settings_allow(in, path, script, secure_reason(in, path));
	if (file_ok && settings_ok) {
		*ret_hidden = rm_say_libraries(path, elf.interp, in->out);
		*ret_hidden |= rm_say_tls_inside(path, in->out);
	}
	return file_ok && settings_ok;
}

bool rm_inspect(const struct rm_inspector *in, const char *command)
{
	char path[PATH_MAX], line[LINE_BYTES];
	const char *name = command;

	for (int scripts = 0; scripts <= SCRIPTS_MAX; scripts++) {
		int error = rm_locate_command(name, path);
		const char *interpreter;

		if (error)
			return say_no(in, name, error == RM_E_GONE ? "was not found" : "is no executable file",
				      error == RM_E_GONE ? "check its name and PATH" : "check its mode (chmod +x)");
		interpreter = interpreter_of(path, line);
		if (!interpreter) {
			bool hidden = false, ok = inspect_binary(in, path, scripts > 0, &hidden);

			if (ok)
				fprintf(in->out, "yes: %s can be instrumented%s\n", command,
					hidden ? ", but for what the note above says of HTTPS" : "");
			return ok;
		}
		fprintf(in->out, "note: %s is a script for %s\n", path, interpreter);
		name = interpreter;
	}
	return say_no(in, command, "is a script of scripts", "the kernel follows five at most");
}
