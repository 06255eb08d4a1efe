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
#include "cli/launch.h"
#include "cli/locate.h"
#include "cli/runtimes.h"
#include "cli/script.h"
#include "cli/uses.h"

enum { SCRIPTS_MAX = 5, STEPS_MAX = 12 }; /* the kernel's; and all together, with what scripts and env(1) start */

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#endif

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

/* Prints what the settings say. Of who only starts others it may be left alone: what it starts is not. */
static bool settings_allow(const struct rm_inspector *in, const char *path, bool starter, bool secure)
{
	enum rm_verdict verdict = rm_config_verdict(in->env, rm_str_c(path));

	if (verdict == RM_SKIP_DISABLED)
		return say_no(in, path, "would not be traced",
			      "OTEL_SDK_DISABLED or REMORA_DISABLED is set; unset it");
	if (starter && !secure && verdict != RM_INSTRUMENT) {
		fprintf(in->out, "note: %s is left alone; the programs that it starts are traced\n", path);
		return true;
	}
	switch (verdict) {
	case RM_SKIP_NOT_ALLOWED:
		return say_no(in, path, "is not named by REMORA_ALLOW", "add it there (remora run --allow)");
	case RM_SKIP_DENIED:
		return say_no(in, path, "is named by REMORA_DENY",
			      secure ? "take it out there" : "take it out there; what it starts is traced");
	case RM_SKIP_LISTED:
		return say_no(in, path, "is on the built-in list of programs left alone",
			      secure ? "what it starts is not traced either" :
				       "what it starts is traced; REMORA_ALLOW overrides the list");
	default:
		return true;
	}
}

/* Those that start programs with an environment that they make. */
static const char *starts_afresh(const char *path)
{
	static const char *const names[] = { "sudo", "doas", "pkexec" };
	const char *name = rm_base_name(path);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return names[i];
	return NULL;
}

/* ---- the way to the program ---- */

/* Where the search is. Paths are copied: what they were found in is read over. */
struct way {
	const struct rm_inspector *in;
	const char *command;     /* as the user said it */
	char *const *args;       /* of what `name` names */
	char name[PATH_MAX], path[PATH_MAX];
	char script[PATH_MAX];   /* the last one that is none of a shell's; empty: none */
	bool guessed;            /* `name` is what a script or a launcher said */
	unsigned scripts, steps; /* of scripts in a row; all */
};

static void go_to(struct way *w, const char *name)
{
	snprintf(w->name, sizeof(w->name), "%s", name);
}

/* What is started is not known: tracing is passed on to it all the same. */
static bool end_unknown(const struct way *w, const char *who, const char *why)
{
	fprintf(w->in->out, "note: %s %s, which was not looked at; name that: remora check -- PROGRAM\n", who, why);
	fprintf(w->in->out, "yes: what %s starts is traced, where that can be instrumented\n", w->command);
	return true;
}

static bool end_missing(const struct way *w, int error)
{
	if (w->guessed)
		return end_unknown(w, w->name, error == RM_E_GONE ? "was not found from here" : "is no executable file from here");
	return say_no(w->in, w->name, error == RM_E_GONE ? "was not found" : "is no executable file",
		      error == RM_E_GONE ? "check its name and PATH" : "check its mode (chmod +x)");
}

static bool end_at_binary(const struct way *w)
{
	const struct rm_inspector *in = w->in;
	const char *afresh = starts_afresh(w->path);
	struct rm_program_look look = { .path = w->path, .script = w->script, .args = w->args, .env = in->env };
	struct rm_elf elf;
	bool file_ok, settings_ok, hidden;

	if (afresh) {
		fprintf(in->out, "no: %s starts programs without LD_PRELOAD; let it start remora: "
			"%s remora run -- COMMAND\n", w->path, afresh);
		return false;
	}
	switch (rm_elf_read(w->path, &elf)) {
	case RM_OK:
		break;
	case RM_E_IO:
		return say_no(in, w->path, "cannot be read", "nothing is known about it; try as its owner");
	default:
		return say_no(in, w->path, "is no ELF executable", "the kernel will not start it by itself");
	}
	/* Both are said, also when one is enough. */
	file_ok = file_allows(in, w->path, &elf);
	settings_ok = settings_allow(in, w->path, false, secure_reason(in, w->path));
	if (!file_ok || !settings_ok)
		return false;
	look.libraries = rm_libraries(w->path, elf.interp);
	rm_say_adapters(&look, in->out);
	hidden = rm_say_libraries(w->path, look.libraries, in->out);
	hidden |= rm_say_tls_inside(w->path, in->out);
	if (w->guessed)
		fprintf(in->out, "yes: %s leads to %s, which can be instrumented", w->command, w->path);
	else
		fprintf(in->out, "yes: %s can be instrumented", w->command);
	fputs(hidden ? ", but for what the note above says of TLS\n" : "\n", in->out);
	return true;
}

/* Each says true to go on, with w->name, else *ret_ok is the end. */

/* The shell script `path`, which gets `args`. */
static bool follow_shell(struct way *w, const char *path, char *const *args, bool *ret_ok)
{
	char word[RM_SCRIPT_WORD_BYTES];

	switch (rm_script_handover(path, word)) {
	case RM_HANDOVER_PROGRAM:
		fprintf(w->in->out, "note: %s hands over to %s (exec)\n", path, word);
		go_to(w, word);
		w->args = args + (*args != NULL);
		break;
	case RM_HANDOVER_ARGUMENTS:
		if (*args) {
			fprintf(w->in->out, "note: %s hands over to what its arguments name (exec \"$@\")\n", path);
			go_to(w, *args);
			w->args = args + 1;
			break;
		}
		*ret_ok = end_unknown(w, path, "hands over to what its arguments name");
		return false;
	case RM_HANDOVER_NONE:
		*ret_ok = end_unknown(w, path, "starts programs as a shell script does");
		return false;
	default:
		*ret_ok = end_unknown(w, path, "hands over to a program that it chooses when it runs");
		return false;
	}
	w->guessed = true;
	w->scripts = 0;
	return true;
}

static bool follow_script(struct way *w, const char *interpreter, bool *ret_ok)
{
	char shell[PATH_MAX];
	int error;

	fprintf(w->in->out, "note: %s is a script for %s\n", w->path, interpreter);
	if (++w->scripts > SCRIPTS_MAX) {
		*ret_ok = say_no(w->in, w->command, "is a script of scripts", "the kernel follows five at most");
		return false;
	}
	if (!rm_script_is_shell(interpreter)) {
		snprintf(w->script, sizeof(w->script), "%s", w->path);
		go_to(w, interpreter);
		return true;
	}
	error = rm_locate_command(interpreter, shell);
	if (error) {
		go_to(w, interpreter);
		w->guessed = false;
		*ret_ok = end_missing(w, error);
		return false;
	}
	if (!settings_allow(w->in, shell, true, secure_reason(w->in, shell))) {
		*ret_ok = false;
		return false;
	}
	go_to(w, w->path);
	return follow_shell(w, w->name, w->args, ret_ok);
}

static bool is_starter(const char *path)
{
	return rm_is_launcher(path) || rm_script_is_shell(path);
}

static bool follow_starter(struct way *w, bool *ret_ok)
{
	char *const *next = rm_launched(w->path, w->args), *const *args = w->args;

	if (!settings_allow(w->in, w->path, true, secure_reason(w->in, w->path))) {
		*ret_ok = false;
		return false;
	}
	if (rm_script_is_shell(w->path) && args[0] && args[0][0] != '-' && access(args[0], R_OK) == 0)
		return follow_shell(w, args[0], args + 1, ret_ok);
	if (!next) {
		*ret_ok = end_unknown(w, w->path, "starts what it is told to");
		return false;
	}
	go_to(w, *next);
	w->args = next + 1;
	w->guessed = true;
	return true;
}

/* One that is left alone because another one makes its requests. */
static bool follow_helper(struct way *w, const char *helper)
{
	fprintf(w->in->out, "note: %s is left alone; %s makes its requests by HTTP, which is traced\n", w->path, helper);
	go_to(w, helper);
	w->guessed = true;
	return true;
}

static bool step(struct way *w, bool *ret_ok)
{
	char line[RM_SCRIPT_LINE_BYTES];
	int error = rm_locate_command(w->name, w->path);
	const char *interpreter, *helper;

	if (error) {
		*ret_ok = end_missing(w, error);
		return false;
	}
	interpreter = rm_script_interpreter(w->path, line);
	if (interpreter)
		return follow_script(w, interpreter, ret_ok);
	helper = rm_makes_requests_for(w->path);
	if (helper && rm_config_verdict(w->in->env, rm_str_c(w->path)) == RM_SKIP_LISTED)
		return follow_helper(w, helper);
	if (is_starter(w->path))
		return follow_starter(w, ret_ok);
	*ret_ok = end_at_binary(w);
	return false;
}

bool rm_inspect(const struct rm_inspector *in, const char *command, char *const *args)
{
	struct way w = { .in = in, .command = command, .args = args };
	bool ok = false;

	go_to(&w, command);
	while (w.steps++ < STEPS_MAX)
		if (!step(&w, &ok))
			return ok;
	return end_unknown(&w, w.name, "is where the search ended, after a dozen programs that start others");
}
