/*
 * `remora run`: starts a command with the object preloaded and hosts the relay for it and all it
 * starts. One loop: the relay's step waits for spans, processes, and our signals (a signalfd).
 *
 * Signals. The terminal sends SIGINT and SIGQUIT to the command too, so those from the kernel are
 * not passed on; any that a process sends us is. Once the command has ended, another one cuts the
 * last export short. We end as the command ended: with its status, or by its signal.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/rules_file.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/priority.h"
#include "cli/cmd.h"
#include "cli/command.h"
#include "cli/locate.h"
#include "cli/report.h"
#include "cli/run_options.h"
#include "exporters/pipeline.h"
#include "relay/relay.h"
#include "relay/view.h"

static int run(int argc, char **argv);

const struct rm_cmd rm_cmd_run = {
	.name = "run",
	.help = "run a command and everything it starts, traced",
	.usage = "Usage: remora run [OPTION]... [--] COMMAND [ARGUMENT]...\n"
		 "Runs COMMAND and everything it starts, traced. Without an endpoint (OTEL_EXPORTER_OTLP_ENDPOINT,\n"
		 "OTEL_TRACES_EXPORTER) the traces are drawn on standard error.\n\n"
		 "  -j, --json FILE     write the spans to FILE, anew: OTLP, one JSON object per line\n"
		 "  -l, --logs          log records, too, drawn below their span and in FILE (OTEL_LOGS_EXPORTER)\n"
		 "  -t, --tree          draw the traces also when they are exported\n"
		 "  -q, --quiet         draw nothing; what FILE lacks is said all the same\n"
		 "      --no-color      draw without colours (as does NO_COLOR)\n"
		 "  -s, --service NAME  service.name of all processes (OTEL_SERVICE_NAME)\n"
		 "      --allow LIST    trace only these executables (REMORA_ALLOW)\n"
		 "      --deny LIST     never trace these executables (REMORA_DENY)\n"
		 "      --debug TOPICS  log on standard error, e.g. all or http1,conn (REMORA_DEBUG)\n"
		 "  -h, --help          this text\n\n"
		 "Exit status: that of COMMAND; 125 if remora fails, 126 if COMMAND cannot be executed, 127 if\n"
		 "it is not found. `remora list env` names the variables that set the rest.\n",
	.run = run,
};

#define MS_NS 1000000ull
#define GRACE_NS (200 * MS_NS)      /* after the command, for what it left running */
#define QUIET_NS (2000 * MS_NS)     /* a trace that nothing was added to is finished */
#define LOOK_NS (500 * MS_NS)       /* between two looks for finished traces */

enum {
	ROOM_STEP = 512,   /* spans taken in at once */
	DRAWN_LIVE = 20,   /* traces drawn at each look */
	DRAWN_AT_END = 100,
};

struct run {
	struct rm_run_options options;
	struct rm_env env;
	struct rm_config config;
	struct rm_command command;
	struct rm_gather gather;
	struct rm_relay *relay;
	uint64_t span_places;   /* of the pipeline; 0: no spans are exported */
	struct rm_view view;
	bool live;              /* traces are drawn while the command runs */
	uint64_t looked_ns;
	int signal_fd;
	sigset_t mask_before;
	struct sigaction chld_before;
	atomic_int abort;       /* a signal came after the command had ended */
	atomic_int over;        /* the command has ended: nothing is polled any more */
	struct rm_poller *poller; /* of sampling rules, and where we run; NULL without */
};

/* ---- start ---- */

/* The levels in the row are in the order of enum rm_level. */
static enum rm_level log_level(const struct rm_env *env)
{
	struct rm_str rest = rm_str_c(rm_env_values(RM_ENV_LOG_LEVEL)), name;
	int level = RM_LEVEL_NONE;

	while (rm_env_item(&rest, &name) && !rm_str_ieq(name, rm_env_str(env, RM_ENV_LOG_LEVEL)))
		level++;
	return (enum rm_level)level;
}

/*
 * Reads the settings. Wrong ones are said once, here: processes below a relay keep silent. The
 * environment stays as it is, for what is wrong to us may be right to an SDK in the command.
 */
static void load_settings(struct run *r)
{
	unsigned topics;

	rm_env_load(&r->env, environ, NULL);
	topics = rm_log_parse_topics(rm_env_str(&r->env, RM_ENV_REMORA_DEBUG));
	rm_log_init(log_level(&r->env) == RM_LEVEL_DEBUG ? RM_LOG_ALL : topics, log_level(&r->env));
	rm_env_load(&r->env, environ, rm_env_warn);
}

/* Somebody said where spans are to go. */
static bool is_exporting(const struct rm_env *env)
{
	return rm_env_is_set(env, RM_ENV_OTLP_ENDPOINT) ||
	       rm_env_is_set(env, RM_ENV_OTLP_TRACES_ENDPOINT) ||
	       rm_env_is_set(env, RM_ENV_TRACES_EXPORTER);
}

static bool exports_logs(const struct rm_env *env)
{
	return rm_env_is_set(env, RM_ENV_LOGS_EXPORTER) &&
	       !rm_str_ieq(rm_env_str(env, RM_ENV_LOGS_EXPORTER), RM_STR("none"));
}

/* Traces are drawn, and so there is a last word of ours on standard error. */
static bool is_drawing(const struct run *r)
{
	return !r->options.quiet && (r->options.tree || !is_exporting(&r->env));
}

static int fail(const char *what, const char *which)
{
	fprintf(stderr, "remora run: %s%s%s: %s\n", what, which ? " " : "", which ? which : "", strerror(errno));
	return RM_EXIT_OURS;
}

/* While a backend is waited for, spans and signals go on. */
static void read_signals(void *arg);

/*
 * What may come in now: as much as the pipeline's queues have place for. Always small steps, as a
 * process that wants to join waits no longer than 200 ms for us. What is not exported may always come.
 */
static struct rm_room room(const struct run *r)
{
	struct rm_room ret = { { ROOM_STEP, ROOM_STEP } };

	if (r->span_places) {
		struct rm_pipeline_stats s;

		r->gather.api->stats(r->gather.pipeline, RM_SIGNAL_TRACES, &s);
		if (s.queued + ROOM_STEP > r->span_places)
			ret.of[RM_SIGNAL_TRACES] = s.queued < r->span_places ? (uint32_t)(r->span_places - s.queued) : 0;
	}
	/* Of output nobody knows how many logs it becomes: it is asked before each piece. */
	if (!rm_gather_has_room(&r->gather))
		ret.of[RM_SIGNAL_LOGS] = 0;
	return ret;
}

static void on_idle(void *arg)
{
	struct run *r = arg;

	if (r->relay)
		rm_relay_step(r->relay, 0, room(r));
	else
		read_signals(r);
}

/*
 * All queues of spans together: a full one holds spans back in the segments only when no other exporter
 * has place, so that one backend's trouble is not another's.
 */
static uint64_t span_places(const struct rm_env *env)
{
	struct rm_str rest = rm_env_str(env, RM_ENV_TRACES_EXPORTER), item;
	uint64_t exporters = 0;

	while (rm_env_item(&rest, &item))
		exporters++;
	return exporters * rm_env_u64(env, RM_ENV_BSP_MAX_QUEUE_SIZE, 0);
}

/* Opens what the settings name; nothing of that can be a reason not to run the command. */
static void open_pipeline(struct run *r)
{
	struct rm_pipeline_driver driver = { on_idle, r, &r->abort };
	struct rm_gather *g = &r->gather;

	if (is_exporting(&r->env))
		g->exported |= 1u << RM_SIGNAL_TRACES;
	if (exports_logs(&r->env))
		g->exported |= 1u << RM_SIGNAL_LOGS;
	if (!g->exported)
		return;
	g->api = remora_export_api(RM_EXPORT_ABI);
	g->pipeline = g->api->open(&r->env, g->exported, rm_log_topics(), rm_log_level(), &driver);
	if (g->pipeline && g->exported & 1u << RM_SIGNAL_TRACES)
		r->span_places = span_places(&r->env);
}

/* The processes are told the rules by the relay; of what is wrong with a file of rules nobody else says anything. */
static void open_poller(struct run *r)
{
	struct rm_pipeline_driver driver = { on_idle, r, &r->over };
	struct rm_rules *rules = rm_relay_rules(r->relay), *probe;

	probe = rules ? calloc(1, sizeof(*probe)) : NULL;
	if (probe)
		rm_rules_load(probe, rm_env_name(RM_ENV_XRAY_SAMPLING_RULES),
			      rm_env_str(&r->env, RM_ENV_XRAY_SAMPLING_RULES));
	free(probe);
	r->poller = remora_export_api(RM_EXPORT_ABI)->poller_open(&r->env, &driver, rules, r->gather.pipeline);
}

static int open_outputs(struct run *r)
{
	struct rm_gather *g = &r->gather;

	open_pipeline(r);
	if (r->options.json && !(g->json = rm_jsonl_open(r->options.json)))
		return fail("cannot write", r->options.json);
	if (is_drawing(r)) {
		g->tree = rm_tree_new(RM_TREE_SPANS_MAX);
		if (!g->tree)
			return fail("no memory", NULL);
		rm_view_init(&r->view, STDERR_FILENO, r->options.no_colour);
		r->live = isatty(STDERR_FILENO);
	}
	if ((r->options.logs || exports_logs(&r->env)) && (g->tree || g->json) && rm_gather_want_logs(g, &r->env) != RM_OK)
		return fail("no memory", NULL);
	r->relay = rm_relay_new(g, r->config.sampler == RM_SAMPLER_PARENT_XRAY);
	if (!r->relay)
		return fail("cannot open the relay", NULL);
	open_poller(r);
	return -1;
}

/* `preload` is what the environment is to name. */
static int find_library(char preload[PATH_MAX])
{
	char library[PATH_MAX];

	switch (rm_locate_library(library)) {
	case RM_OK:
		rm_locate_preload(library, preload);
		return -1;
	case RM_E_INVALID:
		fprintf(stderr, "remora run: LD_PRELOAD cannot carry a path with a space or a colon: %s\n", library);
		return RM_EXIT_OURS;
	default:
		fprintf(stderr, "remora run: libremora.so is not there, or not readable (%s)\n", library);
		return RM_EXIT_OURS;
	}
}

/* Every process that joins costs us one descriptor. Only after the fork: the command keeps its limit. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int start(struct run *r, const char *library)
{
	static const int passed[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD };
	struct sigaction plain = { .sa_handler = SIG_DFL };
	char address[RM_DOOR_ADDRESS_BYTES];
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		sigaddset(&set, passed[i]);
	/* An inherited SIG_IGN would make the kernel reap the command, and its status be lost. */
	sigaction(SIGCHLD, &plain, &r->chld_before);
	sigprocmask(SIG_BLOCK, &set, &r->mask_before);
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signal_fd < 0 || rm_relay_watch(r->relay, r->signal_fd, read_signals, r) != RM_OK)
		return fail("cannot watch signals", NULL);
	/* The processes make log records where some are exported: to us. Settings were read before. */
	if (r->options.logs && !exports_logs(&r->env))
		setenv(rm_env_name(RM_ENV_LOGS_EXPORTER), "otlp", 1);
	rm_relay_address(r->relay, address);
	if (rm_command_environment(&r->command, library, address) != RM_OK)
		return fail("cannot set the environment", NULL);
	if (rm_command_start(&r->command, &r->mask_before, &r->chld_before) != RM_OK)
		return fail("cannot start", r->command.argv[0]);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	rm_priority_lower(); /* the command keeps what it was to have */
	raise_limit();
	if (r->gather.tree)
		rm_tree_hold(r->gather.tree, r->command.context.trace_id);
	return -1;
}

/* ---- while it runs ---- */

/* All of our children, which as pid 1 of a container are all orphans too. */
static void reap(struct run *r)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != r->command.pid)
			continue;
		r->command.ended = true;
		atomic_store(&r->over, 1);
		r->command.status = status;
		r->command.end_ns = rm_clock_wall_ns();
	}
}

static void read_signals(void *arg)
{
	struct run *r = arg;
	struct signalfd_siginfo s;

	while (read(r->signal_fd, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		bool from_terminal = s.ssi_code == SI_KERNEL &&
				     (s.ssi_signo == SIGINT || s.ssi_signo == SIGQUIT);

		if (s.ssi_signo == SIGCHLD)
			reap(r);
		else if (r->command.ended)
			atomic_store(&r->abort, 1);
		else if (!from_terminal)
			kill(r->command.pid, (int)s.ssi_signo);
	}
}

static void draw_one(const struct run *r, const struct rm_trace *trace)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return;
	rm_view_trace(&r->view, r->gather.tree, trace, out);
	fclose(out);
	fwrite(text, 1, bytes, stderr); /* one write, so that lines of the command do not come between */
	free(text);
}

/* Draws the traces that have been quiet for so long, the first ones if they are too many to read. */
static void draw(struct run *r, uint64_t quiet_ns, unsigned most)
{
	struct rm_tree *tree = r->gather.tree;
	struct rm_trace *next;
	unsigned count = 0;

	for (struct rm_trace *trace = rm_tree_take(tree, rm_clock_mono_ns(), quiet_ns); trace; trace = next) {
		next = trace->later;
		if (count++ < most)
			draw_one(r, trace);
		rm_tree_put(tree, trace);
	}
	if (count > most)
		fprintf(stderr, "remora: %u more traces are not drawn; --json FILE keeps all\n", count - most);
	r->looked_ns = rm_clock_mono_ns();
}

static void loop(struct run *r)
{
	const struct rm_gather *g = &r->gather;

	while (!r->command.ended) {
		uint64_t wait_ns = g->pipeline ? g->api->run(g->pipeline) : UINT64_MAX;
		uint64_t poll_ns = r->poller ? remora_export_api(RM_EXPORT_ABI)->poll(r->poller) : UINT64_MAX;

		uint64_t lines_ns = rm_gather_run(&r->gather);

		wait_ns = wait_ns < poll_ns ? wait_ns : poll_ns;
		wait_ns = wait_ns < lines_ns ? wait_ns : lines_ns;
		if (r->live && rm_clock_mono_ns() - r->looked_ns >= LOOK_NS)
			draw(r, QUIET_NS, DRAWN_LIVE);
		if (r->live && wait_ns > LOOK_NS && rm_relay_alive(r->relay) > 0)
			wait_ns = LOOK_NS;
		if (!r->command.ended)
			rm_relay_step(r->relay, wait_ns, room(r));
	}
}

/* ---- the end ---- */

/* Delivers what is queued, by `deadline_ns` or until a signal says no. */
static void flush(struct run *r, uint64_t deadline_ns)
{
	if (r->gather.pipeline)
		r->gather.api->flush(r->gather.pipeline, deadline_ns);
}

static bool may_go_on(const struct run *r, uint64_t deadline_ns)
{
	return !r->abort && rm_clock_mono_ns() < deadline_ns;
}

/* How long spans may keep us after the command: as long as any batch may take, unless somebody says. */
static uint64_t patience_ms(const struct run *r)
{
	uint64_t limit_ms = rm_env_u64(&r->env, RM_ENV_OTLP_TIMEOUT, 0);

	if (rm_env_is_set(&r->env, RM_ENV_REMORA_EXIT_TIMEOUT))
		return rm_env_u64(&r->env, RM_ENV_REMORA_EXIT_TIMEOUT, 0);
	return limit_ms ? limit_ms : rm_env_u64(&r->env, RM_ENV_BSP_EXPORT_TIMEOUT, 0);
}

/* Gathers the last spans: of the command, of what it left running, and its own. */
static void collect_rest(struct run *r)
{
	uint64_t begin_ns = rm_clock_mono_ns(), limit_ms = patience_ms(r);

	while (!rm_relay_drain(r->relay, room(r)) && may_go_on(r, begin_ns + limit_ms * MS_NS))
		flush(r, begin_ns + limit_ms * MS_NS);
	while (rm_relay_alive(r->relay) > 0 && may_go_on(r, begin_ns + GRACE_NS))
		rm_relay_step(r->relay, GRACE_NS / 10, room(r));
	rm_relay_free(r->relay);
	r->relay = NULL;
	rm_command_span(&r->command, &r->gather);
	flush(r, begin_ns + limit_ms * MS_NS);
}

static void finish_outputs(struct run *r)
{
	struct rm_gather *g = &r->gather;

	if (g->pipeline) {
		if (!r->options.quiet)
			rm_report_undelivered(g);
		g->api->close(g->pipeline);
	}
	if (g->tree && !*r->command.exec_error) {
		draw(r, 0, DRAWN_AT_END);
		rm_report_traces(g, r->command.argv[0], r->command.context.flags & RM_FLAG_SAMPLED);
	} else if (g->json) {
		rm_report_file(g, r->options.json);
	}
	rm_tree_free(g->tree);
	rm_gather_fini(g);
	if (!g->json)
		return;
	if (rm_jsonl_error(g->json))
		fprintf(stderr, "remora run: %s is incomplete: %s\n", r->options.json, strerror(rm_jsonl_error(g->json)));
	rm_jsonl_close(g->json);
}

/* Ends as the command did, so that a shell above us sees the same, but writes no second core. */
static int end_as(int status, int exit_status)
{
	struct rlimit no_core = { 0, 0 };
	sigset_t set;

	if (!WIFSIGNALED(status))
		return exit_status;
	setrlimit(RLIMIT_CORE, &no_core);
	signal(WTERMSIG(status), SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(status));
	raise(WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return exit_status; /* as pid 1 no signal ends us */
}

static int finish(struct run *r)
{
	int error = *r->command.exec_error;

	collect_rest(r);
	finish_outputs(r);
	if (error)
		fprintf(stderr, "remora run: cannot run '%s': %s\n", r->command.argv[0], strerror(error));
	return end_as(r->command.status, rm_command_status(&r->command));
}

/* Inert: the command alone, with nothing of ours. */
static int run_plain(const struct run *r, char **argv)
{
	if (is_drawing(r))
		fprintf(stderr, "remora: not traced: %s is set\n",
			rm_env_name(rm_env_bool(&r->env, RM_ENV_SDK_DISABLED) ? RM_ENV_SDK_DISABLED :
										RM_ENV_REMORA_DISABLED));
	execvp(argv[0], argv);
	fprintf(stderr, "remora run: cannot run '%s': %s\n", argv[0], strerror(errno));
	return errno == ENOENT ? RM_EXIT_NOT_FOUND : RM_EXIT_CANNOT_EXEC;
}

static int run(int argc, char **argv)
{
	static struct run r = { .signal_fd = -1 };
	char library[PATH_MAX];
	int status = rm_run_options(&r.options, argc, argv);

	if (status >= 0)
		return status;
	load_settings(&r);
	if (rm_env_bool(&r.env, RM_ENV_SDK_DISABLED) || rm_env_bool(&r.env, RM_ENV_REMORA_DISABLED))
		return run_plain(&r, argv + optind);
	status = find_library(library);
	if (status >= 0)
		return status;
	rm_config_build(&r.config, &r.env);
	rm_command_init(&r.command, &r.env, &r.config, argv + optind);
	status = open_outputs(&r);
	if (status < 0)
		status = start(&r, library);
	if (status >= 0) {
		if (r.relay)
			rm_relay_free(r.relay);
		return status;
	}
	loop(&r);
	if (r.poller)
		remora_export_api(RM_EXPORT_ABI)->poller_close(r.poller);
	return finish(&r);
}
