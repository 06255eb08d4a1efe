/*
 * Owns the segment and decides who empties it: the relay, the worker, or whoever ends the process.
 *
 * The segment is published before its resource is written and the relay joined, so that no thread
 * ever waits for another one's first span; the loser of that race gives its memory back. `consumer`
 * says when the segment is complete. A forked child forgets the pointer at once and maps fresh
 * memory over the same addresses at its first span: a push that was under way when a signal handler
 * forked then ends in memory that is still there, and no longer the parent's.
 * Contexts: as agent/outlet.h says of each. Lock-free; waits only where the process ends or stops.
 */
#include "agent/outlet.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "agent/last_flush.h"
#include "agent/output.h"
#include "agent/relay_join.h"
#include "agent/relay_proto.h"
#include "agent/syslogged.h"
#include "agent/worker.h"
#include "agent/xray_sampler.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sigframe.h"
#include "base/sys.h"

enum { WAKE_BYTES = RM_RING_BYTES / 4, FLUSHER_NAP_NS = 1000000 };
#define MS_NS 1000000ull
/*
 * How much longer than it took to stop the worker none is started: a program that changes its
 * credentials with each request is not to spend its time on our starts and stops. Not longer than the
 * rings of a busy one last, though.
 */
enum { STOP_PAUSE_TIMES = 50 };
#define STOP_PAUSE_MOST_NS (5000 * MS_NS)

enum consumer { CONSUMER_NONE, CONSUMER_WORKER, CONSUMER_RELAY };

static struct {
	const struct rm_env *env;
	const struct rm_program *program;
	bool takes[RM_SIGNAL_COUNT];
	_Atomic bool off; /* nothing is exported, or there is no memory for it */
	_Atomic(struct rm_segment *) segment;
	_Atomic(struct rm_segment *) inherited; /* the parent's, in a forked child */
	_Atomic uint32_t consumer;		/* enum consumer */
	_Atomic(struct rm_doorbell *) bell;	/* of the consumer; NULL while there is none */
	struct rm_doorbell *relay_bell;		/* mapped once, also for forked children ... */
	size_t relay_bytes;			/* ... with so much of struct rm_relay_page */
	_Atomic bool retired, silent;		/* see rm_outlet_retire */
	_Atomic uint64_t start_ns;		/* no worker starts at a safe point before */
	_Atomic uint32_t flusher;		/* tid of who runs the last flush */
	_Atomic uint64_t spent_ns;		/* on ends of the process so far */
	_Atomic uint64_t end_ns;			/* deadline of the end that is being made; 0: none */
	_Atomic uint32_t ender;			/* the thread that makes it */
	_Atomic uint64_t flushed[RM_SIGNAL_COUNT]; /* what last flushes delivered */
} o;

static bool is_exported(const struct rm_env *env, enum rm_env_id exporters)
{
	struct rm_str rest = rm_env_str(env, exporters), item;

	while (rm_env_item(&rest, &item))
		if (!rm_str_ieq(item, RM_STR("none")))
			return true;
	return false;
}

void rm_outlet_init(const struct rm_env *env, const struct rm_program *program)
{
	o.env = env;
	o.program = program;
	o.takes[RM_SIGNAL_TRACES] = is_exported(env, RM_ENV_TRACES_EXPORTER);
	o.takes[RM_SIGNAL_LOGS] = is_exported(env, RM_ENV_LOGS_EXPORTER);
	o.off = !o.takes[RM_SIGNAL_TRACES] && !o.takes[RM_SIGNAL_LOGS];
	rm_worker_init();
}

bool rm_outlet_takes(enum rm_signal signal)
{
	return o.takes[signal] && !atomic_load_explicit(&o.off, memory_order_relaxed);
}

/* ---- the segment ---- */

/*
 * Makes new memory usable. A program that locks all that it will have (mlockall) would have all rings in memory at
 * once, those that nobody writes to as well: they hold spans, and are left to the kernel. Locked memory is what
 * this advice is refused for.
 */
static bool open_up(long p)
{
	const size_t bytes = sizeof(struct rm_segment);

	if (rm_sys3(__NR_madvise, p, 1, MADV_DONTNEED) == -EINVAL)
		rm_sys2(__NR_munlock, p, bytes);
	return rm_sys3(__NR_mprotect, p, bytes, PROT_READ | PROT_WRITE) == 0;
}

/*
 * Maps a segment: shared if `fd` is one, else private; over `at` if that is not NULL: what a fork left, which
 * no child inherits a lock on.
 */
static struct rm_segment *map(struct rm_segment *at, int fd)
{
	long flags = (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) | (at ? MAP_FIXED : 0);
	long p = rm_sys6(__NR_mmap, (long)at, sizeof(*at), at ? PROT_READ | PROT_WRITE : PROT_NONE, flags, fd, 0);

	if ((unsigned long)p > -4096ul)
		return NULL;
	if (at || open_up(p))
		return (struct rm_segment *)p;
	rm_sys2(__NR_munmap, p, sizeof(*at));
	return NULL;
}

static void write_resource(struct rm_segment *s)
{
	struct rm_record none = { .bytes = sizeof(none), .type = RM_RECORD_RESOURCE };
	uint32_t bytes = rm_resource_build(o.env, o.program, s->resource, sizeof(s->resource));

	if (bytes == 0) {
		memcpy(s->resource, &none, sizeof(none));
		bytes = sizeof(none);
	}
	atomic_store_explicit(&s->resource_bytes, bytes, memory_order_release);
}

/* The relay reads no more, or never did: from now on the rings are emptied from within. */
static void on_our_own(struct rm_segment *s)
{
	rm_xray_rules_share(NULL);
	atomic_store(&s->reader, RM_READER_PROCESS);
	atomic_store(&o.bell, rm_worker_bell());
	atomic_store(&o.consumer, CONSUMER_WORKER);
}

/* Offers the memory to the relay, once; without it the process is on its own. */
static void find_consumer(struct rm_segment *s, int fd)
{
	int error = RM_E_IO;

	if (!o.relay_bell)
		o.relay_bytes = rm_xray_sampler_is_used() ? sizeof(struct rm_relay_page) : sizeof(*o.relay_bell);
	if (fd >= 0)
		error = rm_relay_join(rm_env_str(o.env, RM_ENV_REMORA_RELAY), fd, &o.relay_bell, &o.relay_bytes);
	if (!error) {
		if (o.relay_bytes >= sizeof(struct rm_relay_page))
			rm_xray_rules_share(&((struct rm_relay_page *)o.relay_bell)->rules);
		atomic_store(&s->reader, RM_READER_RELAY);
		atomic_store(&o.bell, o.relay_bell);
		atomic_store(&o.consumer, CONSUMER_RELAY);
		rm_debug(RM_LOG_RELAY, "joined the relay");
		return;
	}
	if (rm_env_is_set(o.env, RM_ENV_REMORA_RELAY))
		rm_debug(RM_LOG_RELAY, "no relay (error %d): exporting by itself", error);
	on_our_own(s);
}

/* Told by a relay that ends before this process does. */
static bool relay_is_gone(const struct rm_doorbell *bell)
{
	return bell && atomic_load_explicit(&bell->waiting, memory_order_acquire) == RM_DOORBELL_GONE;
}

static struct rm_segment *make_segment(void)
{
	struct rm_segment *none = NULL, *s;
	int fd = -1;

	if (rm_env_is_set(o.env, RM_ENV_REMORA_RELAY))
		fd = rm_relay_memory(sizeof(*s));
	s = map(atomic_exchange(&o.inherited, NULL), fd);
	if (!s) {
		atomic_store(&o.off, true);
	} else {
		rm_segment_init(s, (uint32_t)rm_sys0(__NR_getpid));
		s->source = s->pid ^ (uint32_t)rm_clock_mono_ns();
		if (atomic_compare_exchange_strong(&o.segment, &none, s)) {
			write_resource(s);
			find_consumer(s, fd);
		} else {
			rm_sys2(__NR_munmap, s, sizeof(*s));
			s = none;
		}
	}
	if (fd >= 0)
		rm_sys1(__NR_close, fd);
	return s;
}

/* No signal handler may jump out of it: the segment would be there, and nobody's, and a file open. */
static struct rm_segment *make_segment_whole(void)
{
	uint64_t before = rm_sigframe_block();
	struct rm_segment *s = make_segment();

	rm_sigframe_unblock(before);
	return s;
}

static struct rm_segment *segment(void)
{
	struct rm_segment *s = atomic_load_explicit(&o.segment, memory_order_acquire);

	if (s)
		return s;
	if (atomic_load_explicit(&o.off, memory_order_relaxed) || atomic_load(&o.silent))
		return NULL;
	return make_segment_whole();
}

struct rm_segment *rm_outlet_segment(int8_t *ring)
{
	struct rm_segment *s = o.takes[RM_SIGNAL_TRACES] ? segment() : NULL;

	if (!s)
		return NULL;
	if (*ring < 0)
		*ring = (int)(atomic_fetch_add_explicit(&s->next_ring, 1, memory_order_relaxed) %
			      RM_SEGMENT_HOME_RINGS);
	return s;
}

static void leave_relay(void)
{
	struct rm_segment *s = atomic_load_explicit(&o.segment, memory_order_acquire);

	if (!s)
		return;
	rm_debug(RM_LOG_RELAY, "the relay has ended: exporting by itself");
	on_our_own(s);
}

/*
 * Once a quarter of a ring, not with each span from the first quarter on: a consumer that was woken needs a while
 * to come, and on a busy machine every call of the program would wake it again.
 */
static bool fills_a_quarter(uint32_t bytes, uint32_t fill)
{
	return fill / WAKE_BYTES != (fill - bytes) / WAKE_BYTES;
}

void rm_outlet_pushed(uint32_t bytes, uint32_t fill)
{
	struct rm_doorbell *bell = atomic_load_explicit(&o.bell, memory_order_acquire);

	if (!bell)
		return;
	/* First the record, then a look at how the consumer sleeps; it goes the other way round. */
	__sync_synchronize(); /* atomic_thread_fence, which gcc refuses under -fsanitize=thread */
	if (relay_is_gone(bell)) {
		leave_relay();
		return;
	}
	/* The relay looks after its processes by time: it is woken only before a ring is full. */
	if (fills_a_quarter(bytes, fill) ||
	    (atomic_load_explicit(&bell->waiting, memory_order_relaxed) == RM_DOORBELL_IDLE &&
	     atomic_load_explicit(&o.consumer, memory_order_relaxed) == CONSUMER_WORKER))
		rm_doorbell_ring(bell);
}

/* Before the first record has left there is no segment, and afterwards no other one until a fork. */
unsigned rm_outlet_promise(int8_t *ring)
{
	struct rm_segment *s;

	if (atomic_load_explicit(&o.consumer, memory_order_acquire) != CONSUMER_RELAY)
		return 0;
	s = rm_outlet_segment(ring);
	if (!s)
		return 0;
	atomic_fetch_add_explicit(&s->ring[*ring].under_way, 1, memory_order_relaxed);
	return (unsigned)*ring + 1;
}

void rm_outlet_kept(unsigned promise)
{
	struct rm_segment *s = atomic_load_explicit(&o.segment, memory_order_relaxed);

	atomic_fetch_sub_explicit(&s->ring[promise - 1].under_way, 1, memory_order_relaxed);
}

uint64_t rm_outlet_crowded(void)
{
	struct rm_segment *s = atomic_load_explicit(&o.segment, memory_order_acquire);

	return s ? atomic_load_explicit(&s->lost[RM_LOST_RING_FULL], memory_order_relaxed) +
			   atomic_load_explicit(&s->crowded, memory_order_relaxed) : 0;
}

void rm_outlet_log(const struct rm_log *log, uint32_t bytes)
{
	struct rm_segment *s = o.takes[RM_SIGNAL_LOGS] ? segment() : NULL;
	uint32_t fill;

	/* All begin with the same ring, which keeps them in order; it is left when it is full. */
	if (s && rm_segment_push(s, 0, log, bytes, &fill) == RM_OK)
		rm_outlet_pushed(bytes, fill);
}

void rm_outlet_output(struct rm_output *head, const struct iovec *text, size_t skip)
{
	struct rm_segment *s = o.takes[RM_SIGNAL_LOGS] ? segment() : NULL;
	struct rm_segment_parts parts = { head, sizeof(*head), text, skip, head->bytes };
	uint32_t fill;

	if (!s)
		return;
	head->source = s->source;
	if (rm_segment_push_parts(s, 0, &parts, &fill) == RM_OK)
		rm_outlet_pushed(head->record.bytes, fill);
}

void rm_outlet_forked(void)
{
	struct rm_segment *parents = atomic_exchange(&o.segment, NULL);

	if (parents)
		atomic_store(&o.inherited, parents);
	atomic_store(&o.bell, NULL);
	atomic_store(&o.consumer, CONSUMER_NONE);
	atomic_store(&o.flusher, 0);
	atomic_store(&o.spent_ns, 0);
	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		atomic_store(&o.flushed[i], 0);
	atomic_store(&o.start_ns, 0);
	rm_xray_sampler_forked();
	rm_worker_forked();
}

/* ---- the worker ---- */

bool rm_outlet_wants_worker(void)
{
	struct rm_segment *s;
	bool wants_rules;

	if (!rm_worker_absent() ||
	    atomic_load_explicit(&o.consumer, memory_order_acquire) != CONSUMER_WORKER ||
	    atomic_load_explicit(&o.retired, memory_order_relaxed))
		return false;
	s = atomic_load_explicit(&o.segment, memory_order_acquire);
	rm_xray_rules(&wants_rules);
	return s && (wants_rules || !rm_segment_empty(s)) && rm_clock_mono_ns() >= atomic_load(&o.start_ns);
}

void rm_outlet_safe_point(void)
{
	if (rm_outlet_wants_worker())
		rm_worker_start(o.env, atomic_load_explicit(&o.segment, memory_order_acquire));
}

void rm_outlet_stop(void)
{
	uint64_t begin_ns, end_ns, pause_ns;

	if (!rm_worker_runs()) {
		rm_worker_stop(); /* the last one may be on its way out */
		return;
	}
	begin_ns = rm_clock_mono_ns();
	rm_worker_stop();
	end_ns = rm_clock_mono_ns();
	pause_ns = STOP_PAUSE_TIMES * (end_ns - begin_ns);
	atomic_store(&o.start_ns, end_ns + (pause_ns < STOP_PAUSE_MOST_NS ? pause_ns : STOP_PAUSE_MOST_NS));
}

void rm_outlet_root_changes(void)
{
	rm_outlet_stop();
	if (atomic_load(&o.off) || atomic_load(&o.retired))
		return;
	/* Only for the relay: what the segment says of the process is better found out later. */
	if (rm_env_is_set(o.env, RM_ENV_REMORA_RELAY))
		segment();
	if (relay_is_gone(atomic_load(&o.bell)))
		leave_relay();
	if (atomic_load(&o.consumer) != CONSUMER_RELAY)
		rm_worker_prepare(o.env);
	rm_worker_seal();
}

bool rm_outlet_is_silent(void)
{
	return atomic_load_explicit(&o.silent, memory_order_relaxed);
}

void rm_outlet_retire(bool silent)
{
	atomic_store(&o.retired, true);
	if (silent) {
		atomic_store(&o.silent, true);
		atomic_store(&o.bell, NULL);
	}
	rm_worker_stop();
}

/* ---- ends ---- */

/* One thread at a time empties the rings; another waits for it, as its end is the process's too. */
static void flush_rings(struct rm_segment *s, uint64_t deadline_ns)
{
	struct timespec nap = { 0, FLUSHER_NAP_NS };
	struct rm_last_taken taken;
	uint32_t self = (uint32_t)rm_sys0(__NR_gettid), other = 0;

	while (!atomic_compare_exchange_strong(&o.flusher, &other, self)) {
		if (other == self || rm_clock_mono_ns() >= deadline_ns)
			return;
		rm_sys2(__NR_nanosleep, &nap, NULL);
		other = 0;
	}
	taken = rm_last_flush(o.env, s, rm_worker_sealed(), deadline_ns);
	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		atomic_fetch_add(&o.flushed[i], taken.of[i]);
	atomic_store(&o.flusher, 0);
}

/*
 * A last flush costs a third of a millisecond and works anywhere; a worker that has begun has the
 * connection and the only right to the rings. A worker is started here only for what a last flush
 * cannot do (TLS, names, the console), and only where the process ends in good order.
 */
static void deliver(struct rm_segment *s, enum rm_end how, uint64_t deadline_ns)
{
	enum rm_last_reach reach = rm_last_flush_reach(o.env, rm_worker_sealed());
	bool may_start = how == RM_END_EXIT && !atomic_load(&o.retired);

	if (reach == RM_LAST_ALL && rm_worker_hold()) {
		flush_rings(s, deadline_ns);
		return;
	}
	if ((rm_worker_runs() || (may_start && rm_worker_start(o.env, s))) &&
	    rm_worker_flush(deadline_ns))
		return;
	if (reach != RM_LAST_NONE && rm_worker_hold())
		flush_rings(s, deadline_ns);
}

/*
 * Every span that was made is in exactly one of these numbers; with several exporters, once for each. Other threads may
 * make spans meanwhile, and deliver them: what was made is read last, so that it is never less than what is gone.
 */
static void report_spans(struct rm_segment *s, const char *when)
{
	struct rm_worker_tally t = rm_worker_tally(RM_SIGNAL_TRACES);
	uint64_t exported = t.exported + atomic_load(&o.flushed[RM_SIGNAL_TRACES]);
	uint64_t relayed = atomic_load(&s->relayed), gone = relayed + exported + t.dropped;
	uint64_t made = rm_segment_spans(s);

	rm_debug(RM_LOG_EXPORT,
		 "spans%s: %lu made, %lu left with a relay, %lu exported, %lu dropped by exporters, "
		 "%lu not delivered; not made: %lu ring full, %lu too large, %lu no memory, "
		 "%lu muted", when, made, relayed, exported, t.dropped, made > gone ? made - gone : 0,
		 atomic_load(&s->lost[RM_LOST_RING_FULL]),
		 atomic_load(&s->lost[RM_LOST_RECORD_SIZE]),
		 atomic_load(&s->lost[RM_LOST_EXCHANGE]), atomic_load(&s->lost[RM_LOST_MUTED]));
}

static void report_logs(struct rm_segment *s, const char *when)
{
	struct rm_worker_tally t = rm_worker_tally(RM_SIGNAL_LOGS);
	uint64_t exported = t.exported + atomic_load(&o.flushed[RM_SIGNAL_LOGS]);

	rm_debug(RM_LOG_EXPORT,
		 "logs%s: %lu made, %lu left with a relay, %lu exported, %lu dropped by exporters; not made: %lu rings full",
		 when, atomic_load(&s->logs_produced), atomic_load(&s->logs_relayed), exported, t.dropped,
		 atomic_load(&s->lost[RM_LOST_LOG]));
}

static void report(struct rm_segment *s, enum rm_end how)
{
	const char *when = how == RM_END_EXEC ? " so far" : "";
	bool relayed = atomic_load(&o.consumer) == CONSUMER_RELAY;

	if (o.takes[RM_SIGNAL_TRACES] && relayed)
		rm_debug(RM_LOG_EXPORT, "spans%s: %lu left with the relay", when, rm_segment_spans(s));
	else if (o.takes[RM_SIGNAL_TRACES])
		report_spans(s, when);
	if (o.takes[RM_SIGNAL_LOGS]) {
		report_logs(s, when);
		rm_output_report();
		rm_syslog_report();
	}
}

/* All ends of a process together may take REMORA_EXIT_TIMEOUT: there may be several. */
static void end_alone(struct rm_segment *s, enum rm_end how)
{
	uint64_t limit_ns = rm_env_u64(o.env, RM_ENV_REMORA_EXIT_TIMEOUT, 300) * MS_NS;
	uint64_t spent_ns = atomic_load(&o.spent_ns), start_ns;

	if (spent_ns >= limit_ns)
		return;
	start_ns = rm_clock_mono_ns();
	atomic_store(&o.ender, (uint32_t)rm_sys0(__NR_gettid));
	atomic_store(&o.end_ns, start_ns + limit_ns - spent_ns);
	deliver(s, how, start_ns + limit_ns - spent_ns);
	atomic_store(&o.end_ns, 0);
	atomic_fetch_add(&o.spent_ns, rm_clock_mono_ns() - start_ns);
}

void rm_outlet_end_again(void)
{
	uint64_t deadline_ns = atomic_load(&o.end_ns);

	if (deadline_ns && atomic_load(&o.ender) == (uint32_t)rm_sys0(__NR_gettid) && rm_worker_runs())
		rm_worker_flush(deadline_ns);
}

void rm_outlet_end(enum rm_end how)
{
	struct rm_segment *s = atomic_load_explicit(&o.segment, memory_order_acquire);

	if (!s || atomic_load(&o.silent))
		return;
	if (relay_is_gone(atomic_load(&o.bell)))
		leave_relay();
	if (atomic_load(&o.consumer) == CONSUMER_WORKER &&
	    (!rm_segment_empty(s) || rm_worker_busy()))
		end_alone(s, how);
	/*
	 * Destructors and the last looks of sanitizers follow: nothing of ours runs beside them. What
	 * was not delivered by now will not be.
	 */
	if (how == RM_END_EXIT)
		rm_worker_quit();
	report(s, how);
}

void rm_outlet_resume(void)
{
	rm_worker_release();
}
