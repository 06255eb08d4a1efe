/*
 * Hooks of everything that starts a program: the exec family and posix_spawn. The new program gets
 * TRACEPARENT and kin of what the thread is doing (rm_child_env), and before an exec, which ends
 * this image without any destructor, what waits is delivered. LD_PRELOAD is left as the program
 * wants it. system and popen start their shell from inside libc, with the environment that the process has: while
 * they do, that is another one, in processes of one thread.
 *
 * All of it may run in a child of vfork, whose memory is the parent's: the new environment is built
 * on the stack, nothing is mapped, nothing global is written. A thread whose stack has no room for that, or that is on
 * its alternate signal stack (a crash handler that starts a debugger), passes the environment on as is; so it is with
 * one that cannot be read, and with one that was refused for its size with ours in it.
 * Context: hook.
 */
#include "agent/alive.h"
#include "agent/hookapi.h"
#include "base/probe.h"
#include "hooks/hook.h"
#include "hooks/raw.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma weak environ

/* Larger environments are passed on unchanged: an array of this many pointers is 32 KiB of stack. */
enum { ENV_LIMIT = 4096, OUR_VARS = sizeof(((struct rm_child_env *)0)->vars) / sizeof(char *) };

/* One way to start a program, with everything but the environment filled in. */
struct start {
	int (*call)(const struct start *how, char *const envp[]);
	const char *path;
	char *const *argv;
	int fd, flags;                              /* execveat, fexecve */
	bool spawns;                                /* posix_spawn, as the three below */
	pid_t *pid;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attr;
};

static bool on_signal_stack(void)
{
	stack_t now;

	return rm_sys2(__NR_sigaltstack, NULL, &now) == 0 && (now.ss_flags & SS_ONSTACK);
}

/* Beside the array: what is put into it, a visit, and libc's search through PATH. */
enum { START_STACK = sizeof(struct rm_child_env) + 6144, PAGE = 4096 };

/*
 * Is there so much of the stack left? Of a main thread's, which grows, the kernel says so only when it reads there
 * itself: by a call that it refuses afterwards, for its first argument.
 */
static bool stack_has(size_t bytes)
{
	const char *here = __builtin_frame_address(0);
	struct rm_probe known = { 0 };

	if (rm_readable(&known, here - bytes, bytes))
		return true;
	for (size_t down = PAGE; down < bytes + PAGE; down += PAGE)
		if (rm_sys4(__NR_rt_sigprocmask, -1, here - down, NULL, sizeof(uint64_t)) == -EFAULT)
			return false;
	return true;
}

/* More than `limit` where there are, or where they cannot be read: what comes of that the kernel says. */
static size_t count_vars(char *const envp[], size_t limit)
{
	struct rm_probe known = { 0 };
	size_t n = 0;

	for (; envp && n <= limit; n++) {
		if (!rm_readable(&known, &envp[n], sizeof(envp[n])))
			return limit + 1;
		if (!envp[n])
			break;
	}
	return n;
}

static bool same_name(struct rm_probe *known, const char *a, const char *b)
{
	while (rm_readable(known, a, 1) && *a == *b) {
		if (*a == '=')
			return true;
		a++;
		b++;
	}
	return false;
}

static bool is_replaced(struct rm_probe *known, const char *var, char *const *by)
{
	for (; *by; by++)
		if (same_name(known, var, *by))
			return true;
	return false;
}

/* `vars` has room for all of them. */
static void merge(char *const envp[], size_t count, char *const *ours, char **ret_vars)
{
	struct rm_probe known = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (!is_replaced(&known, envp[i], ours))
			ret_vars[n++] = envp[i];
	for (char *const *v = ours; *v; v++)
		ret_vars[n++] = *v;
	ret_vars[n] = NULL;
}

/* Not inlined: only those who get here pay for its stack. */
static __attribute__((noinline)) int start_with(const struct start *how, char *const envp[],
						size_t count)
{
	char *vars[count + OUR_VARS + 1];
	struct rm_child_env ours;
	int result;

	if (!rm_child_env(&ours, !how->spawns))
		return how->call(how, envp);
	merge(envp, count, ours.vars, vars);
	result = how->call(how, vars);
	return (how->spawns ? result : errno) == E2BIG ? how->call(how, envp) : result;
}

static int start(const struct start *how, char *const envp[])
{
	size_t count;

	if (!rm_active())
		return how->call(how, envp);
	count = count_vars(envp, ENV_LIMIT);
	if (count > ENV_LIMIT || on_signal_stack() || !stack_has(START_STACK + count * sizeof(*envp)))
		return how->call(how, envp);
	return start_with(how, envp, count);
}

/* ---- exec: either it does not come back, or nothing has happened ---- */

RM_HOOK(execve, raw_execve);
RM_HOOK(execvpe, NULL);
RM_HOOK(execveat, raw_execveat);
RM_HOOK(fexecve, raw_fexecve);

static int call_execve(const struct start *how, char *const envp[])
{
	rm_process_end(RM_END_EXEC);
	real_execve(how->path, how->argv, envp);
	rm_process_resume();
	return -1;
}

static int call_execvpe(const struct start *how, char *const envp[])
{
	__typeof__(&execvpe) real = RM_LATE(execvpe);

	if (!real) {
		errno = ENOSYS;
		return -1;
	}
	rm_process_end(RM_END_EXEC);
	real(how->path, how->argv, envp);
	rm_process_resume();
	return -1;
}

static int call_execveat(const struct start *how, char *const envp[])
{
	rm_process_end(RM_END_EXEC);
	real_execveat(how->fd, how->path, how->argv, envp, how->flags);
	rm_process_resume();
	return -1;
}

static int call_fexecve(const struct start *how, char *const envp[])
{
	rm_process_end(RM_END_EXEC);
	real_fexecve(how->fd, how->argv, envp);
	rm_process_resume();
	return -1;
}

static int by_path(const char *path, char *const argv[], char *const envp[])
{
	struct start how = { .call = call_execve, .path = path, .argv = argv };

	return start(&how, envp);
}

static int by_search(const char *file, char *const argv[], char *const envp[])
{
	struct start how = { .call = call_execvpe, .path = file, .argv = argv };

	return start(&how, envp);
}

RM_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return by_path(path, argv, envp);
}

RM_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return by_search(file, argv, envp);
}

RM_EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	struct start how = { .call = call_execveat, .path = path, .argv = argv, .fd = dir,
			     .flags = flags };

	return start(&how, envp);
}

RM_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	struct start how = { .call = call_fexecve, .argv = argv, .fd = fd };

	return start(&how, envp);
}

/* The rest of the family is defined by POSIX through the two above. */

RM_HOOK_ALONE(execv);
RM_EXPORT int execv(const char *path, char *const argv[])
{
	return by_path(path, argv, environ);
}

RM_HOOK_ALONE(execvp);
RM_EXPORT int execvp(const char *file, char *const argv[])
{
	return by_search(file, argv, environ);
}

/* Arguments up to the NULL that ends them, which is counted too. */
static size_t count_args(const char *first, va_list args)
{
	size_t n = 1;

	for (const char *arg = first; arg; arg = va_arg(args, const char *))
		n++;
	return n;
}

/* `by` the path or by search, with arguments that come one by one. Behind their NULL may be the environment. */
static int by_list(int (*by)(const char *, char *const[], char *const[]), const char *name, const char *first, va_list args,
		   bool has_env)
{
	va_list counted;
	size_t count;

	va_copy(counted, args);
	count = count_args(first, counted);
	va_end(counted);

	char *argv[count];

	argv[0] = (char *)first;
	for (size_t i = 1; i < count; i++)
		argv[i] = va_arg(args, char *);
	return by(name, argv, has_env ? va_arg(args, char *const *) : environ);
}

RM_HOOK_ALONE(execl);
RM_EXPORT int execl(const char *path, const char *arg, ...)
{
	va_list args;
	int result;

	va_start(args, arg);
	result = by_list(by_path, path, arg, args, false);
	va_end(args);
	return result;
}

RM_HOOK_ALONE(execlp);
RM_EXPORT int execlp(const char *file, const char *arg, ...)
{
	va_list args;
	int result;

	va_start(args, arg);
	result = by_list(by_search, file, arg, args, false);
	va_end(args);
	return result;
}

RM_HOOK_ALONE(execle);
RM_EXPORT int execle(const char *path, const char *arg, ...)
{
	va_list args;
	int result;

	va_start(args, arg);
	result = by_list(by_path, path, arg, args, true);
	va_end(args);
	return result;
}

/* ---- posix_spawn: this process goes on, so nothing needs delivering ---- */

RM_HOOK(posix_spawn, NULL);
RM_HOOK(posix_spawnp, NULL);

static int call_posix_spawn(const struct start *how, char *const envp[])
{
	__typeof__(&posix_spawn) real = RM_LATE(posix_spawn);

	return real ? real(how->pid, how->path, how->actions, how->attr, how->argv, envp) : ENOSYS;
}

static int call_posix_spawnp(const struct start *how, char *const envp[])
{
	__typeof__(&posix_spawnp) real = RM_LATE(posix_spawnp);

	return real ? real(how->pid, how->path, how->actions, how->attr, how->argv, envp) : ENOSYS;
}

RM_EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			  const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	struct start how = { .call = call_posix_spawn, .path = path, .argv = argv, .spawns = true, .pid = pid,
			     .actions = actions, .attr = attr };

	return start(&how, envp);
}

RM_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			   const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	struct start how = { .call = call_posix_spawnp, .path = file, .argv = argv, .spawns = true, .pid = pid,
			     .actions = actions, .attr = attr };

	return start(&how, envp);
}

/* ---- system and popen ---- */

/*
 * Their environment, while one thread is all there is. It is not on the stack: a signal handler may leave the call by
 * longjmp, and environ would go on to point there.
 */
enum { SHELL_ENV_LIMIT = 1024 };
static struct {
	char **own; /* the program's, while ours is in its place */
	char *vars[SHELL_ENV_LIMIT + OUR_VARS + 1];
	struct rm_child_env ours;
} shell;

static void restore_environ(void)
{
	if (shell.own && environ == shell.vars)
		environ = shell.own;
	shell.own = NULL;
}

/* Another thread might read the environment at any time, so there must be none. */
static void lend_environ(void)
{
	size_t count;

	if (!rm_active() || !environ || on_signal_stack())
		return;
	restore_environ();
	count = count_vars(environ, SHELL_ENV_LIMIT);
	if (count > SHELL_ENV_LIMIT || !rm_child_env(&shell.ours, false) || !rm_alive_alone())
		return;
	merge(environ, count, shell.ours.vars, shell.vars);
	shell.own = environ;
	environ = shell.vars;
}

RM_HOOK(system, NULL);
RM_EXPORT int system(const char *command)
{
	__typeof__(&system) real = RM_LATE(system);
	int result;

	if (!real) {
		errno = ENOSYS;
		return -1;
	}
	lend_environ();
	result = real(command);
	restore_environ();
	return result;
}

RM_HOOK(popen, NULL);
RM_EXPORT FILE *popen(const char *command, const char *mode)
{
	__typeof__(&popen) real = RM_LATE(popen);
	FILE *result;

	if (!real) {
		errno = ENOSYS;
		return NULL;
	}
	lend_environ();
	result = real(command, mode);
	restore_environ();
	return result;
}
