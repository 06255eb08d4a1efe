/*
 * Start and end of the agent in a process: the one place that fixes their order.
 *
 * Start, before main: settings are copied from the environment, the verdict is reached, the program's
 * arguments are copied. No thread, no descriptor, no file, no allocation. Everything else waits for
 * the first traced socket or the first span.
 */
#include <signal.h>
#include <sys/stat.h>

#include "agent/alive.h"
#include "agent/config.h"
#include "agent/context.h"
#include "agent/crash.h"
#include "agent/crash_facts.h"
#include "agent/local.h"
#include "agent/outlet.h"
#include "agent/output.h"
#include "agent/resource.h"
#include "agent/stream.h"
#include "agent/syslogged.h"
#include "agent/xray_sampler.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sys.h"

enum { END_STACK_BYTES = 4096 }; /* a last flush takes 2 KB */

static struct rm_env env;
static struct rm_config config;
static struct rm_program program;

static enum rm_level level_of(struct rm_str name)
{
	static const char names[][6] = { "none", "error", "warn", "info", "debug" };

	for (int i = 0; i < 5; i++)
		if (rm_str_eq(name, RM_STR_OF(names[i])))
			return (enum rm_level)i;
	return RM_LEVEL_INFO;
}

/* The log must be set up before the other variables are complained about. */
static void start_log(char **envp)
{
	enum rm_level level = RM_LEVEL_INFO;
	unsigned topics = 0;

	for (char **v = envp; *v; v++) {
		struct rm_str rest = rm_str_c(*v), name;

		if (**v != 'O' && **v != 'R')
			continue;
		name = rm_str_cut(&rest, '=');
		if (rm_str_eq(name, RM_STR("OTEL_LOG_LEVEL")))
			level = level_of(rest);
		else if (rm_str_eq(name, RM_STR("REMORA_DEBUG")))
			topics = rm_log_parse_topics(rest);
	}
	rm_log_init(level == RM_LEVEL_DEBUG ? RM_LOG_ALL : topics, level);
}

/*
 * A process may be born with connections: as its standard input (inetd, socket activation), or among the first descriptors
 * behind the standard ones (a program that starts itself anew, or hands them to the one it starts). One that has no socket there is asked
 * nothing that a filter it was born with might kill it for: fstat is what the loader calls, too.
 */
enum { STANDARD = 3, ADOPTED_MAX = 32 };

static bool is_socket(int fd, struct stat *ret)
{
	return rm_sys2(__NR_fstat, fd, ret) == 0 && S_ISSOCK(ret->st_mode);
}

/* `fd` is a socket: another name of one before it, or one more. */
static void adopt(struct rm_scope *s, int fd, const struct stat *socket)
{
	struct stat other;

	for (int before = 0; before < fd; before++)
		if (rm_fd_tracked(before) && is_socket(before, &other) && other.st_ino == socket->st_ino &&
		    other.st_dev == socket->st_dev) {
			rm_fd_dup(s, before, fd);
			return;
		}
	if (fd == 0 || fd >= STANDARD)
		rm_fd_received(s, fd);
}

static void adopt_sockets(void)
{
	struct stat found;
	struct rm_scope s;

	for (int fd = 0; fd < ADOPTED_MAX; fd++) {
		if (!is_socket(fd, &found) || !rm_enter(&s))
			continue;
		adopt(&s, fd, &found);
		rm_leave(&s);
	}
}

static void start_outputs(void)
{
	struct rm_scope s;

	if (!rm_outlet_takes(RM_SIGNAL_LOGS) || !rm_enter(&s))
		return;
	rm_output_init(&env);
	rm_syslog_init(&env);
	rm_leave(&s);
}

void rm_init(int argc, char **argv, char **envp)
{
	enum rm_verdict verdict;

	start_log(envp);
	rm_program_copy(&program, argc, argv);
	rm_env_load(&env, envp, NULL);
	verdict = rm_config_verdict(&env, rm_str_c(program.exe));
	if (verdict != RM_INSTRUMENT) {
		rm_debug(RM_LOG_INIT, "%s: not instrumented (%s)", program.exe,
			 verdict == RM_SKIP_DISABLED ? "disabled" :
			 verdict == RM_SKIP_DENIED   ? "named by REMORA_DENY" :
			 verdict == RM_SKIP_LISTED   ? "on the built-in list" : "not named by REMORA_ALLOW");
		return;
	}
	/* `remora run` has said what is wrong; of its processes each would say it again. */
	if (rm_env_is_set(&env, RM_ENV_REMORA_RELAY) && !rm_log_topics())
		rm_log_init(0, RM_LEVEL_ERROR);
	rm_log_keep(!rm_log_topics()); /* until the first traced socket: conn.c */
	rm_env_load(&env, envp, rm_env_warn);
	rm_config_build(&config, &env);
	rm_log_keep(false);
	rm_memory_limit(config.memory_bytes);
	rm_context_init(&config);
	if (config.crash)
		rm_crash_arm_late(rm_crash_arm);
	rm_outlet_init(&env, &program);
	rm_xray_sampler_init(&env, &program);
	rm_thread_activate();
	adopt_sockets();
	start_outputs();
	rm_debug(RM_LOG_INIT, "%s: instrumented", program.exe);
}

void rm_safe_point(void)
{
	struct rm_scope s;

	if (!rm_active() || !rm_enter(&s))
		return;
	rm_outlet_safe_point();
	rm_leave(&s);
}

/* A handler may end the process on a signal stack that is nearly full: what waits is not worth a fault. */
static bool short_of_stack(void)
{
	stack_t now;

	return rm_sys2(__NR_sigaltstack, NULL, &now) == 0 && (now.ss_flags & SS_ONSTACK) &&
	       (char *)__builtin_frame_address(0) - (char *)now.ss_sp < END_STACK_BYTES;
}

static void end_all(struct rm_thread *t)
{
	rm_conn_end_all();
	rm_local_end_all(t);
}

void rm_process_end(enum rm_end how)
{
	struct rm_scope s;

	/* A program without a traced socket is not asked for its stack: a filter may kill it for that. */
	if (!rm_active() || !rm_fork_watched() || short_of_stack())
		return;
	if (!rm_enter(&s)) {
		rm_outlet_end_again();
		return;
	}
	if (how != RM_END_EXEC)
		end_all(s.thread);
	rm_context_report();
	rm_outlet_end(how);
	rm_leave(&s);
}

void rm_process_resume(void)
{
	struct rm_scope s;

	if (!rm_active() || !rm_enter(&s))
		return;
	rm_outlet_resume();
	rm_leave(&s);
}

void rm_stand_alone(void)
{
	struct rm_scope s;

	if (!rm_active() || !rm_enter(&s))
		return;
	rm_outlet_stop();
	rm_leave(&s);
}

void rm_root_changes(void)
{
	struct rm_scope s;

	if (!rm_active() || !rm_enter(&s))
		return;
	if (rm_fork_watch()) /* a child must not share what is made here */
		rm_outlet_root_changes();
	if (!rm_log_topics())
		rm_log_init(0, RM_LEVEL_NONE);
	rm_leave(&s);
}

void rm_thread_ends(void)
{
	struct rm_scope s;

	if (!rm_active() || rm_sys0(__NR_gettid) != rm_sys0(__NR_getpid) || !rm_enter(&s))
		return;
	rm_outlet_retire(false);
	rm_leave(&s);
}

void rm_go_quiet(void)
{
	static const struct timespec nap = { 0, 1000000 };
	struct rm_scope s;

	if (!rm_active() || !rm_enter(&s))
		return;
	rm_crash_disarm();
	rm_outlet_end(RM_END_EXEC);
	rm_outlet_retire(true);
	rm_leave(&s);
	rm_thread_deactivate();
	/* Other threads that are in here now ask the last of the kernel within microseconds. */
	if (rm_fork_watched())
		rm_sys2(__NR_nanosleep, &nap, NULL);
}

void rm_descriptors_part(void)
{
	rm_stand_alone();
	if (rm_active() && !rm_alive_alone()) {
		rm_debug(RM_LOG_INIT, "a thread has descriptors of its own: nothing is traced any more");
		rm_go_quiet();
	}
}

void rm_fini(void)
{
	rm_thread_deactivate();
}
