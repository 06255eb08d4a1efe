/*
 * The worker thread and its states. `thread` says whether one exists:
 *
 *   NONE     no thread
 *   OPENING  thread; opens remora-export.so, has taken no record
 *   RUNNING  thread; the one consumer of the segment
 *   YIELD    thread that is to leave, as somebody else wants to be the consumer
 *   HELD     no thread, none may start
 *   BROKEN   no thread, and never again: no thread, no private descriptors or no pipeline to be had
 *
 *   NONE -start-> OPENING -> RUNNING -stop-> NONE      OPENING -failure-> BROKEN
 *   NONE -hold-> HELD -release-> NONE                  OPENING -stop-> NONE
 *   OPENING -hold-> YIELD -(thread left)-> HELD        YIELD -release-> OPENING
 *
 * The thread has all signals blocked by libc's mask (a raw one would block libc's own set*id
 * signal), its own descriptor table, a small stack and no priority; it sleeps on the doorbell, for ever
 * when nothing is queued. What libc offers is looked up before main: past our own hooks, and in the
 * newest version. Spec: docs/SAFETY.md; OpenTelemetry trace/sdk.md (batching processor).
 */
#include "agent/worker.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "agent/drain.h"
#include "agent/last_flush.h"
#include "agent/private_fds.h"
#include "agent/thread.h"
#include "agent/xray_sampler.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/lookup.h"
#include "base/priority.h"
#include "base/strbuf.h"
#include "base/sys.h"
#include "exporters/pipeline.h"

enum { STACK_BYTES = 512 * 1024, PATH_BYTES = 4096 };
#define MS_NS		 1000000ull
#define STOP_NAP_NS	 200000

/*
 * An aborted transfer returns within 10 ms of running time. On a machine that has none to give, a late
 * unshare is better than a refused one, and the end of a process is better without further delay.
 */
struct rm_worker_patience rm_worker_patience = { .delivery_ns = 100 * MS_NS, .stop_ns = 2000 * MS_NS, .quit_ns = 150 * MS_NS };

enum thread_state { NONE, OPENING, RUNNING, YIELD, HELD, BROKEN };

static struct {
	const struct rm_env *env;
	struct rm_segment *segment;
	_Atomic uint32_t thread;   /* enum thread_state */
	_Atomic uint32_t tid;	   /* of the last thread; 0 before it runs and once it is gone */
	_Atomic uint32_t stopping; /* callers in rm_worker_stop */
	_Atomic uint64_t stop_ns;  /* time by which to be done; 0 = not asked to stop */
	atomic_int abort;	   /* the pipeline's: come back at once */
	atomic_int hurry;	   /* the poller's: somebody waits for spans to leave */
	_Atomic uint32_t busy;	   /* spans are between ring and backend */
	_Atomic uint32_t asked, served; /* numbers of flushes */
	_Atomic uint64_t flush_ns;	/* deadline of the last one asked for */
	_Atomic uint32_t news;		/* futex: a flush was served, or the thread leaves */
	_Atomic uint64_t exported[RM_SIGNAL_COUNT], dropped[RM_SIGNAL_COUNT];
	struct rm_doorbell bell;
} w;

/* Found once: the loader is not asked again, as what its path names may be another file by then. */
static _Atomic(const struct rm_pipeline_api *) exporter;
static atomic_bool sealed; /* no file is opened any more */

static struct libc {
	__typeof__(&pthread_create) create;
	__typeof__(&pthread_attr_init) attr_init;
	__typeof__(&pthread_attr_destroy) attr_destroy;
	__typeof__(&pthread_attr_setstacksize) attr_setstacksize;
	__typeof__(&pthread_attr_setdetachstate) attr_setdetachstate;
	__typeof__(&pthread_sigmask) set_mask;
	__typeof__(&sigfillset) fillset;
	__typeof__(&dlopen) open;
	__typeof__(&dlerror) error;
	__typeof__(&dladdr) addr;
	__typeof__(&dlsym) sym;
	bool whole;
} libc;

/* What the thread works with; lives on its stack. */
struct engine {
	const struct rm_pipeline_api *api;
	struct rm_pipeline *pipeline;
	struct rm_poller *poller; /* NULL: nothing to be asked */
	struct rm_worker_tally before[RM_SIGNAL_COUNT]; /* by earlier workers of this process */
	struct rm_drain drain;
};

/* ---- the thread: records into the pipeline ---- */

/* `at_end`: what is queued will not be delivered any more. */
static void note_tally(struct engine *e, bool at_end)
{
	for (int i = 0; i < RM_SIGNAL_COUNT; i++) {
		const struct rm_worker_tally *before = &e->before[i];
		struct rm_pipeline_stats s;

		e->api->stats(e->pipeline, (enum rm_signal)i, &s);
		atomic_store(&w.exported[i], before->exported + s.exported);
		atomic_store(&w.dropped[i], before->dropped + s.dropped_queue + s.dropped_refused +
						    s.dropped_timeout + s.rejected + (at_end ? s.queued : 0));
	}
}

static bool is_wanted(void)
{
	return atomic_load(&w.stop_ns) || atomic_load(&w.asked) != atomic_load(&w.served);
}

/* Called by the pipeline while it waits for the network: keeps the rings from filling meanwhile. */
static void while_waiting(void *arg)
{
	struct engine *e = arg;
	uint64_t stop_ns = atomic_load(&w.stop_ns);

	rm_drain_waiting(&e->drain);
	atomic_store(&w.hurry, is_wanted());
	if (stop_ns && rm_clock_mono_ns() >= stop_ns)
		atomic_store(&w.abort, 1);
}

static void deliver_all(struct engine *e, uint64_t deadline_ns)
{
	bool more;

	do {
		more = rm_drain_batches(&e->drain);
		e->api->flush(e->pipeline, deadline_ns);
	} while ((more || rm_drain_may_go_on(&e->drain)) && rm_clock_mono_ns() < deadline_ns);
	note_tally(e, false);
}

static void tell(void)
{
	atomic_fetch_add(&w.news, 1);
	rm_sys3(__NR_futex, &w.news, FUTEX_WAKE_PRIVATE, INT32_MAX);
}

/* Does the flush that somebody waits for; false when nobody does. */
static bool serve_flush(struct engine *e)
{
	uint32_t asked = atomic_load(&w.asked);

	if (asked == atomic_load(&w.served))
		return false;
	deliver_all(e, atomic_load(&w.flush_ns));
	atomic_store(&w.served, asked);
	tell();
	return true;
}

/* Sleeps until there is something to do: a full ring, a request, or spans or rules that are due in so much time. */
static void rest(uint32_t seen, uint64_t due_ns, uint64_t poll_ns)
{
	bool idle = due_ns == UINT64_MAX;

	if (idle)
		atomic_store(&w.busy, 0);
	/* First say how we sleep, then look: a producer pushes first, then looks how we sleep. */
	atomic_store(&w.bell.waiting, idle ? RM_DOORBELL_IDLE : RM_DOORBELL_TIMED);
	__sync_synchronize(); /* atomic_thread_fence, which gcc refuses under -fsanitize=thread */
	if (!is_wanted() && !(idle && !rm_segment_empty(w.segment)))
		rm_doorbell_wait(&w.bell, seen, due_ns < poll_ns ? due_ns : poll_ns);
	atomic_store(&w.bell.waiting, RM_DOORBELL_AWAKE);
}

/* Asks for sampling rules, and where we run, unless somebody waits for what is queued. */
static uint64_t ask(struct engine *e)
{
	if (!e->poller || is_wanted())
		return UINT64_MAX;
	atomic_store(&w.hurry, 0);
	return e->api->poll(e->poller);
}

static void work(struct engine *e)
{
	while (!atomic_load(&w.stop_ns)) {
		uint32_t seen = atomic_load(&w.bell.rung);
		uint64_t due_ns, poll_ns;
		bool more;

		atomic_store(&w.busy, 1); /* before the first record leaves its ring */
		more = rm_drain_batches(&e->drain);
		poll_ns = ask(e); /* where we run belongs into the first batch, too */
		due_ns = e->api->run(e->pipeline);
		note_tally(e, false);
		if (!serve_flush(e) && !more && due_ns > 0 && poll_ns > 0)
			rest(seen, due_ns, poll_ns);
	}
	deliver_all(e, atomic_load(&w.stop_ns));
	note_tally(e, true);
	atomic_store(&w.busy, 0);
}

/* ---- the thread: from its first to its last instruction ---- */

/* The exporter object: as set, else beside the object this function is in. */
static bool object_path(struct rm_strbuf *ret)
{
	struct rm_str set = rm_env_str(w.env, RM_ENV_REMORA_EXPORT_OBJECT), own;
	Dl_info info;

	if (set.n > 0) {
		rm_strbuf_str(ret, set);
	} else {
		if (!libc.addr((void *)rm_worker_start, &info) || !info.dli_fname)
			return false;
		own = rm_str_c(info.dli_fname);
		while (own.n > 0 && own.p[own.n - 1] != '/')
			own.n--;
		rm_strbuf_str(ret, own);
		rm_strbuf_c(ret, "remora-export.so");
	}
	rm_strbuf_char(ret, '\0');
	return !ret->truncated;
}

static const struct rm_pipeline_api *open_object(void)
{
	const struct rm_pipeline_api *(*get)(uint32_t) = NULL;
	const struct rm_pipeline_api *api = atomic_load(&exporter);
	struct rm_strbuf path;
	char room[PATH_BYTES];
	void *object;

	if (api || atomic_load(&sealed))
		return api;
	rm_strbuf_init(&path, room, sizeof(room));
	if (!object_path(&path))
		return NULL;
	object = libc.open(room, RTLD_NOW | RTLD_LOCAL);
	if (!object) {
		/*
		 * Only a setting may be called wrong. That our own files are not there is nothing the
		 * program is to show: it may have changed its root, or be in an image without them.
		 */
		if (rm_env_is_set(w.env, RM_ENV_REMORA_EXPORT_OBJECT))
			rm_warn("REMORA_EXPORT_OBJECT cannot be used, spans leave only at the end and over plain http: %s",
				libc.error());
		else
			rm_debug(RM_LOG_EXPORT,
				 "spans leave only at the end of the process, and over plain http only: %s",
				 libc.error());
		return NULL;
	}
	get = (__typeof__(get))libc.sym(object, RM_EXPORT_SYMBOL);
	api = get ? get(RM_EXPORT_ABI) : NULL;
	if (!api || api->abi != RM_EXPORT_ABI) {
		rm_warn("no spans are exported: %s is of another version of Remora", room);
		return NULL;
	}
	atomic_store(&exporter, api);
	return api;
}

static bool names_console(enum rm_env_id exporters)
{
	return rm_env_lists(w.env, exporters, RM_STR("console"));
}

static bool start_engine(struct engine *e)
{
	struct rm_pipeline_driver driver = { while_waiting, e, &w.abort }, polls = { while_waiting, e, &w.hurry };
	unsigned topics = rm_log_topics();

	e->api = open_object();
	if (!e->api)
		return false;
	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		e->before[i] = rm_worker_tally((enum rm_signal)i);
	e->pipeline = e->api->open(w.env, (1u << RM_SIGNAL_COUNT) - 1, topics, (int)rm_log_level(), &driver);
	if (!e->pipeline)
		return false;
	rm_drain_init(&e->drain, w.env, w.segment, e->api, e->pipeline);
	e->poller = e->api->poller_open(w.env, &polls, rm_xray_rules(NULL), e->pipeline);
	/* Wrong settings have been told. Now stderr is only kept for those who write there. */
	if (!topics && !names_console(RM_ENV_TRACES_EXPORTER) && !names_console(RM_ENV_LOGS_EXPORTER))
		rm_private_fds_mute();
	return true;
}

static void leave(enum thread_state from, enum thread_state to)
{
	uint32_t expected = from;

	if (!atomic_compare_exchange_strong(&w.thread, &expected, to))
		atomic_store(&w.thread, expected == YIELD ? HELD : NONE);
	tell();
}

static void *thread_main(void *arg)
{
	struct engine e = { .api = NULL };
	uint32_t opening = OPENING;

	rm_thread_self()->worker = 1;
	atomic_store(&w.tid, (uint32_t)rm_sys0(__NR_gettid));
	rm_sys2(__NR_prctl, PR_SET_NAME, "remora");
	rm_priority_lower();
	if (!rm_private_fds()) {
		rm_debug(RM_LOG_EXPORT,
			 "no private descriptors: spans leave when the process ends");
		leave(OPENING, BROKEN);
		return arg;
	}
	if (!start_engine(&e)) {
		leave(OPENING, BROKEN);
		return arg;
	}
	rm_debug(RM_LOG_EXPORT, "worker runs");
	if (atomic_compare_exchange_strong(&w.thread, &opening, RUNNING))
		work(&e);
	if (e.poller)
		e.api->poller_close(e.poller);
	e.api->close(e.pipeline);
	leave(opening == OPENING ? RUNNING : YIELD, opening == OPENING ? NONE : HELD);
	return arg;
}

/* ---- who wants a thread, and who does not ---- */

/*
 * Before main: the loader's list is still, and nothing is asked of dlsym, which would take a pending
 * dlerror() from the program.
 */
void rm_worker_init(void)
{
	static const struct {
		char name[32];
		uint16_t at; /* in libc */
	} wanted[] = {
		{ "pthread_create", offsetof(struct libc, create) },
		{ "pthread_attr_init", offsetof(struct libc, attr_init) },
		{ "pthread_attr_destroy", offsetof(struct libc, attr_destroy) },
		{ "pthread_attr_setstacksize", offsetof(struct libc, attr_setstacksize) },
		{ "pthread_attr_setdetachstate", offsetof(struct libc, attr_setdetachstate) },
		{ "pthread_sigmask", offsetof(struct libc, set_mask) },
		{ "sigfillset", offsetof(struct libc, fillset) },
		{ "dlopen", offsetof(struct libc, open) },
		{ "dlerror", offsetof(struct libc, error) },
		{ "dladdr", offsetof(struct libc, addr) },
		{ "dlsym", offsetof(struct libc, sym) },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		void *found = rm_lookup_next(wanted[i].name);

		memcpy((char *)&libc + wanted[i].at, &found, sizeof(found));
		libc.whole = found && (i == 0 || libc.whole);
	}
	/* A sanitizer inside the program must know of all threads: none of its functions works in others. */
	if (rm_lookup_first("__sanitizer_set_death_callback"))
		libc.create = (__typeof__(libc.create))rm_lookup_first("pthread_create");
	/* To MemorySanitizer, what code without it writes is uninitialised: all that the exporter reads. */
	if (rm_lookup_first("__msan_init"))
		libc.whole = false;
}

static bool make_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool made;

	if (!libc.whole || libc.attr_init(&attr) != 0)
		return false;
	libc.attr_setstacksize(&attr, STACK_BYTES);
	libc.attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	made = libc.create(&thread, &attr, thread_main, NULL) == 0;
	libc.attr_destroy(&attr);
	return made;
}

/* From NONE to a thread, or back. */
static bool start_thread(const struct rm_env *env, struct rm_segment *s)
{
	uint32_t none = NONE;

	if (!atomic_compare_exchange_strong(&w.thread, &none, OPENING))
		return false;
	/* Either this sees the one who stops, or he sees OPENING and waits until it is over. */
	if (atomic_load(&w.stopping)) {
		atomic_store(&w.thread, NONE);
		return false;
	}
	w.env = env;
	w.segment = s;
	atomic_store(&w.tid, 0);
	atomic_store(&w.stop_ns, 0);
	atomic_store(&w.abort, 0);
	if (make_thread())
		return true;
	rm_debug(RM_LOG_EXPORT, "no worker thread: spans leave when the process ends");
	leave(OPENING, BROKEN);
	return false;
}

void rm_worker_prepare(const struct rm_env *env)
{
	if (!libc.whole || !rm_worker_absent())
		return;
	w.env = env;
	open_object(); /* never closed */
}

void rm_worker_seal(void)
{
	atomic_store(&sealed, true);
}

bool rm_worker_sealed(void)
{
	return atomic_load(&sealed);
}

bool rm_worker_start(const struct rm_env *env, struct rm_segment *s)
{
	sigset_t all, before;
	bool started;

	/* In a root that we were not loaded from, names, certificates and sockets are somebody else's. */
	if (rm_worker_sealed() && (!atomic_load(&exporter) || rm_last_flush_reach(env, true) != RM_LAST_ALL))
		return false;
	if (!libc.whole)
		return start_thread(env, s);
	/* The thread is to have none; and no handler jumps out while it is neither there nor not. */
	libc.fillset(&all);
	libc.set_mask(SIG_SETMASK, &all, &before);
	started = start_thread(env, s);
	libc.set_mask(SIG_SETMASK, &before, NULL);
	return started;
}

bool rm_worker_absent(void)
{
	return atomic_load_explicit(&w.thread, memory_order_relaxed) == NONE;
}

bool rm_worker_runs(void)
{
	uint32_t thread = atomic_load(&w.thread);

	return thread == OPENING || thread == RUNNING || thread == YIELD;
}

bool rm_worker_busy(void)
{
	return atomic_load(&w.busy) != 0;
}

bool rm_worker_hold(void)
{
	uint32_t thread = NONE;

	if (atomic_compare_exchange_strong(&w.thread, &thread, HELD))
		return true;
	if (thread == OPENING && atomic_compare_exchange_strong(&w.thread, &thread, YIELD))
		return true;
	return thread != RUNNING && thread != OPENING;
}

void rm_worker_release(void)
{
	uint32_t thread = YIELD;

	if (!atomic_compare_exchange_strong(&w.thread, &thread, OPENING) && thread == HELD)
		atomic_compare_exchange_strong(&w.thread, &thread, NONE);
}

bool rm_worker_flush(uint64_t deadline_ns)
{
	uint32_t ticket;

	atomic_store(&w.flush_ns, deadline_ns);
	ticket = atomic_fetch_add(&w.asked, 1) + 1;
	rm_doorbell_ring(&w.bell);
	for (;;) {
		uint32_t news = atomic_load(&w.news);
		uint64_t now = rm_clock_mono_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
		struct timespec t = { (time_t)(left / 1000000000), (long)(left % 1000000000) };

		if ((int32_t)(atomic_load(&w.served) - ticket) >= 0)
			return true;
		if (left == 0 || !rm_worker_runs())
			return false;
		rm_sys4(__NR_futex, &w.news, FUTEX_WAIT_PRIVATE, news, &t);
	}
}

/* True when the last thread does not exist any more for the kernel either. */
static bool is_gone(void)
{
	uint32_t tid = atomic_load(&w.tid);

	if (rm_worker_runs())
		return false;
	if (!tid)
		return true;
	if (rm_sys3(__NR_tgkill, rm_sys0(__NR_getpid), tid, 0) != -ESRCH)
		return false;
	atomic_store(&w.tid, 0);
	return true;
}

static void stop(uint64_t delivery_ns, uint64_t patience_ns)
{
	struct timespec nap = { 0, STOP_NAP_NS };
	uint64_t now;

	atomic_fetch_add(&w.stopping, 1);
	if (!is_gone()) {
		now = rm_clock_mono_ns();
		atomic_store(&w.stop_ns, now + delivery_ns);
		rm_doorbell_ring(&w.bell);
		while (!is_gone() && rm_clock_mono_ns() < now + delivery_ns + patience_ns)
			rm_sys2(__NR_nanosleep, &nap, NULL);
	}
	atomic_fetch_sub(&w.stopping, 1);
}

void rm_worker_stop(void)
{
	stop(rm_worker_patience.delivery_ns, rm_worker_patience.stop_ns);
}

void rm_worker_quit(void)
{
	stop(0, rm_worker_patience.quit_ns);
}

void rm_worker_forked(void)
{
	if (atomic_load(&w.thread) != BROKEN)
		atomic_store(&w.thread, NONE);
	atomic_store(&w.tid, 0);
	atomic_store(&w.stopping, 0);
	atomic_store(&w.stop_ns, 0);
	atomic_store(&w.busy, 0);
	atomic_store(&w.served, atomic_load(&w.asked));
	for (int i = 0; i < RM_SIGNAL_COUNT; i++) {
		atomic_store(&w.exported[i], 0);
		atomic_store(&w.dropped[i], 0);
	}
	atomic_store(&w.bell.waiting, RM_DOORBELL_AWAKE);
}

struct rm_doorbell *rm_worker_bell(void)
{
	return &w.bell;
}

struct rm_worker_tally rm_worker_tally(enum rm_signal signal)
{
	return (struct rm_worker_tally){ atomic_load(&w.exported[signal]), atomic_load(&w.dropped[signal]) };
}
