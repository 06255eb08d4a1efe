/*
 * The relay's loop. A peer is one segment:
 *
 *   FREE -> HELLO (connected, nothing said yet) -> LIVE -> FREE
 *
 * HELLO ends by a valid hello, a refusal, HELLO_TIMEOUT_NS, or others in its place. LIVE ends when
 * the process is dead (by its pidfd, else, before Linux 5.3 or without a descriptor left, by asking
 * kill(pid, 0) at each sweep) and its segment is empty. A process that execs keeps its pid and joins
 * again: that is a second peer, and nothing will be added to the first. A peer whose pid we cannot
 * see lives until the end.
 *
 * A drained record is copied out of the shared memory and then checked; nothing else of a segment
 * is trusted. A sweep is bounded however fast producers are, and by the room that the caller has:
 * what it leaves waits in the segments, where there is the most of it.
 */
#include "relay/relay.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/record.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/priority.h"

#define MS_NS 1000000ull
#define HELLO_TIMEOUT_NS (1000 * MS_NS)
#define BELL_SLEEP_NS (3600000 * MS_NS)

enum {
	EVENTS = 64,
	HELLOS_MAX = 64,   /* of connections that have said nothing yet; the oldest makes room */
	FDS_RESERVED = 96, /* for hellos and exporters */
	/* What a full ring can hold: a pass empties any ring whose producer has stopped. */
	RECORDS_PER_PASS = RM_RING_BYTES / sizeof(struct rm_record),
};

/* A bit for each signal. */
#define SIGNALS ((1u << RM_SIGNAL_COUNT) - 1)

enum peer_state { PEER_FREE, PEER_HELLO, PEER_LIVE };

struct peer {
	enum peer_state state;
	int fd;                     /* HELLO: the connection; LIVE: the pidfd, or -1 */
	pid_t pid;
	uint64_t since_ns;          /* HELLO: when it connected */
	struct rm_segment *segment;
	struct rm_origin origin;
	bool known;                 /* `origin` is set */
	bool dead;                  /* LIVE: nothing will be added any more */
};

/* What an epoll event is about: a peer by its index, or one of these. */
enum { TAG_DOOR = RM_RELAY_PROCESSES_MAX, TAG_BELL, TAG_WATCH };

struct rm_relay {
	struct rm_gather *gather;
	struct rm_door door;
	int epoll, bell_event;
	pthread_t bell_thread;
	bool bell_started;
	atomic_bool ending;
	sem_t bell_rearm;
	void (*watch_ready)(void *arg);
	void *watch_arg;
	struct peer *peer;          /* RM_RELAY_PROCESSES_MAX of them, `used` ever touched */
	uint32_t used, alive, waiting;
	uint64_t swept_ns, sweep_ms;
	uint32_t first;             /* where the next sweep begins */
	bool rang;                  /* and the thread waits to be told that all is drained */
	unsigned more;              /* the last one left some, by its bounds: a bit for each signal */
	_Alignas(8) char record[RM_RECORD_MAX_BYTES];
};

/* ---- the doorbell ---- */

/*
 * One ring is one eventfd write; the next is waited for only when the loop has drained, so that
 * producers find RM_DOORBELL_AWAKE while we are at work and make no system call. A sleep is always
 * TIMED: the sweeps find first records, the bell is for rings that fill faster than they come.
 */
static void *bell_main(void *arg)
{
	struct rm_relay *r = arg;
	uint64_t one = 1;

	rm_priority_lower();
	while (!atomic_load(&r->ending)) {
		uint32_t seen = atomic_load(&r->door.bell->rung);

		rm_doorbell_wait(r->door.bell, seen, BELL_SLEEP_NS);
		if (write(r->bell_event, &one, sizeof(one)) < 0)
			break;
		while (sem_wait(&r->bell_rearm) != 0)
			;
	}
	return NULL;
}

static bool bell_start(struct rm_relay *r)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r->bell_started = pthread_create(&r->bell_thread, NULL, bell_main, r) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r->bell_started;
}

/* The thread may be about to sleep: ring until it is gone. */
static void bell_stop(struct rm_relay *r)
{
	struct timespec soon;

	if (!r->bell_started)
		return;
	atomic_store(&r->ending, true);
	do {
		sem_post(&r->bell_rearm);
		rm_doorbell_ring(r->door.bell);
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += MS_NS;
		if (soon.tv_nsec >= 1000000000) {
			soon.tv_nsec -= 1000000000;
			soon.tv_sec++;
		}
	} while (pthread_timedjoin_np(r->bell_thread, NULL, &soon) != 0);
}

/* ---- peers ---- */

static bool watch_fd(struct rm_relay *r, int fd, uint32_t tag)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = tag };

	return epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static struct peer *free_peer(struct rm_relay *r)
{
	for (uint32_t i = 0; i < r->used; i++)
		if (r->peer[i].state == PEER_FREE)
			return &r->peer[i];
	return r->used < RM_RELAY_PROCESSES_MAX ? &r->peer[r->used++] : NULL;
}

static void close_fd(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd); /* which also takes it out of the epoll set */
	p->fd = -1;
}

/* The resource of a process that did not get round to writing one. */
static const struct rm_record *nameless(struct rm_relay *r, pid_t pid)
{
	struct rm_builder b;

	if (rm_builder_resource(&b, r->record, sizeof(r->record)) != RM_OK)
		return NULL;
	rm_builder_str(&b, RM_KEY_SERVICE_NAME, RM_STR("unknown_service"));
	rm_builder_i64(&b, RM_KEY_PROCESS_PID, pid);
	rm_builder_end(&b);
	return b.record;
}

/* Copies the resource out of the segment, if there is a sound one. */
static const struct rm_record *resource_of(struct rm_relay *r, struct rm_segment *s)
{
	uint32_t bytes = atomic_load_explicit(&s->resource_bytes, memory_order_acquire);
	struct rm_record *copy = (struct rm_record *)r->record;

	if (bytes < sizeof(*copy) || bytes > RM_SEGMENT_RESOURCE_BYTES)
		return NULL;
	memcpy(copy, s->resource, bytes);
	return rm_record_valid(copy, bytes) && copy->type == RM_RECORD_RESOURCE ? copy : NULL;
}

static bool introduce(struct rm_relay *r, struct peer *p)
{
	const struct rm_record *resource = resource_of(r, p->segment);

	if (!resource)
		resource = nameless(r, p->pid);
	p->known = resource && rm_origin_init(&p->origin, r->gather, resource) == RM_OK;
	return p->known;
}

/* The rings of a segment that have the records of a signal. */
static const struct {
	uint32_t first, count;
} rings[RM_SIGNAL_COUNT] = {
	{ 0, RM_SEGMENT_SPAN_RINGS },
	{ RM_SEGMENT_SPAN_RINGS, RM_SEGMENT_LOG_RINGS },
};

static bool belongs(const struct rm_record *record, enum rm_signal signal)
{
	if (signal == RM_SIGNAL_LOGS)
		return record->type == RM_RECORD_LOG || record->type == RM_RECORD_OUTPUT;
	return record->type == RM_RECORD_SPAN;
}

/* Takes at most `room` records out of a ring; of logs no more than find a place, where that is asked. Returns how many. */
static uint32_t drain_ring(struct rm_relay *r, struct peer *p, enum rm_signal signal, uint32_t ring, uint32_t room,
			   bool asks)
{
	const struct rm_record *record = (const struct rm_record *)r->record;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < RECORDS_PER_PASS && taken < room; i++) {
		int bytes = 0;

		if (asks && !rm_gather_has_room(r->gather))
			break;
		bytes = rm_segment_pop(p->segment, ring, r->record);

		if (bytes == 0)
			return taken;
		if (bytes < 0 || !rm_record_valid(record, (uint32_t)bytes) || !belongs(record, signal)) {
			r->gather->broken++;
			continue;
		}
		if (signal == RM_SIGNAL_LOGS)
			rm_gather_log(r->gather, &p->origin, record);
		else
			rm_gather_span(r->gather, &p->origin, (const struct rm_span *)record);
		taken++;
	}
	r->more |= 1u << signal;
	return taken;
}

/* Whether the rings are for us to read; a process that has not decided by its end never will. */
static bool is_ours(const struct peer *p)
{
	uint32_t reader = atomic_load_explicit(&p->segment->reader, memory_order_acquire);

	return reader == RM_READER_RELAY || (reader == RM_READER_UNDECIDED && p->dead);
}

/* Takes what there is room for out of a peer's rings of a signal. Returns how many records. */
static uint32_t drain_signal(struct rm_relay *r, struct peer *p, enum rm_signal signal, uint32_t room)
{
	/* Where all is to be taken, what finds no place is dropped and counted: left in the ring it would be lost unseen. */
	bool asks = signal == RM_SIGNAL_LOGS && room != UINT32_MAX;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < rings[signal].count; i++)
		taken += drain_ring(r, p, signal, rings[signal].first + i, room - taken, asks);
	return taken;
}

/* Takes what there is room for out of a peer's rings. Returns how much room is left. */
static struct rm_room drain(struct rm_relay *r, struct peer *p, struct rm_room room)
{
	uint64_t crowded = r->gather->crowded;
	uint32_t spans, logs;

	if (!is_ours(p))
		return room;
	if (!p->known && (rm_segment_empty(p->segment) || !introduce(r, p)))
		return room;
	spans = drain_signal(r, p, RM_SIGNAL_TRACES, room.of[RM_SIGNAL_TRACES]);
	logs = drain_signal(r, p, RM_SIGNAL_LOGS, room.of[RM_SIGNAL_LOGS]);
	if (r->gather->crowded != crowded)
		atomic_fetch_add_explicit(&p->segment->crowded, r->gather->crowded - crowded, memory_order_relaxed);
	atomic_fetch_add_explicit(&p->segment->relayed, spans, memory_order_relaxed);
	atomic_fetch_add_explicit(&p->segment->logs_relayed, logs, memory_order_relaxed);
	rm_gather_rest(r->gather);
	room.of[RM_SIGNAL_TRACES] -= spans;
	room.of[RM_SIGNAL_LOGS] -= logs;
	return room;
}

static void drop(struct rm_relay *r, struct peer *p)
{
	if (p->state == PEER_LIVE) {
		drain(r, p, RM_ROOM_FOR_ALL);
		if (is_ours(p))
			rm_gather_losses(r->gather, p->segment, p->dead);
		rm_door_unmap(p->segment);
		r->alive -= !p->dead;
		rm_debug(RM_LOG_RELAY, "process %d left", p->pid);
	} else if (p->state == PEER_HELLO) {
		r->waiting--;
	}
	if (p->known)
		rm_origin_fini(&p->origin, r->gather);
	close_fd(p);
	*p = (struct peer){ .state = PEER_FREE, .fd = -1 };
}

/* The process is no more; the next sweep that has room for all it left drops it. */
static void bury(struct rm_relay *r, struct peer *p)
{
	close_fd(p);
	p->dead = true;
	r->alive--;
	r->more = SIGNALS;
}

/* Descriptors are given out from the lowest: this one says that there are few left. */
static bool is_scarce(int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)fd + FDS_RESERVED >= limit.rlim_cur;
}

/* A program has one segment for its life: those of this pid are of programs before an exec. */
static void bury_earlier(struct rm_relay *r, pid_t pid)
{
	for (uint32_t i = 0; i < r->used; i++)
		if (r->peer[i].state == PEER_LIVE && !r->peer[i].dead && r->peer[i].pid == pid)
			bury(r, &r->peer[i]);
}

/* The process said hello and is in: from now on its death is what we wait for. */
static void admit(struct rm_relay *r, struct peer *p, struct rm_segment *segment, pid_t pid)
{
	close_fd(p);
	if (pid > 0)
		bury_earlier(r, pid);
	p->state = PEER_LIVE;
	p->segment = segment;
	p->pid = pid;
	r->waiting--;
	r->alive++;
	rm_debug(RM_LOG_RELAY, "process %d joined", pid);
	if (pid <= 0)
		return;
	p->fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->fd < 0 && errno == ESRCH)
		bury(r, p);
	else if (p->fd >= 0 && (is_scarce(p->fd) || !watch_fd(r, p->fd, (uint32_t)(p - r->peer))))
		close_fd(p); /* kill() can be asked instead; those at the door need two each */
}

static void hear(struct rm_relay *r, struct peer *p)
{
	struct rm_segment *segment;
	pid_t pid;
	int got = rm_door_hello(&r->door, p->fd, &segment, &pid);

	if (got == 0)
		return;
	if (got == 1) {
		admit(r, p, segment, pid);
		return;
	}
	r->gather->alone += got == RM_E_GONE;
	rm_debug(RM_LOG_RELAY, "refused a hello (%d)", got);
	drop(r, p);
}

static void drop_oldest_hello(struct rm_relay *r)
{
	struct peer *oldest = NULL;

	for (uint32_t i = 0; i < r->used; i++) {
		struct peer *p = &r->peer[i];

		if (p->state == PEER_HELLO && (!oldest || p->since_ns < oldest->since_ns))
			oldest = p;
	}
	if (oldest)
		drop(r, oldest);
}

/*
 * Bounded: who knocks without end, or without a word, does not keep the relay from its work nor
 * others from the door.
 */
static void let_in(struct rm_relay *r)
{
	for (uint32_t n = 0; n < SOMAXCONN; n++) {
		int fd = rm_door_accept(&r->door);
		struct peer *p;

		if (fd < 0)
			return;
		if (r->waiting == HELLOS_MAX)
			drop_oldest_hello(r);
		p = free_peer(r);
		if (!p) {
			close(fd);
			continue;
		}
		*p = (struct peer){ .state = PEER_HELLO, .fd = fd, .since_ns = rm_clock_mono_ns() };
		r->waiting++;
		hear(r, p);
		if (p->state == PEER_HELLO && !watch_fd(r, fd, (uint32_t)(p - r->peer)))
			drop(r, p);
	}
}

/* A live peer without a pidfd has to be asked after. */
static bool is_gone(const struct peer *p)
{
	return p->state == PEER_LIVE && !p->dead && p->fd < 0 && p->pid > 0 &&
	       kill(p->pid, 0) != 0 && errno == ESRCH;
}

/* Looks after one peer. Returns how much room is left. */
static struct rm_room visit(struct rm_relay *r, struct peer *p, struct rm_room room, uint64_t now)
{
	if (p->state == PEER_HELLO && now - p->since_ns > HELLO_TIMEOUT_NS)
		drop(r, p);
	if (p->state != PEER_LIVE)
		return room;
	if (is_gone(p))
		bury(r, p);
	room = drain(r, p, room);
	if (atomic_load(&p->segment->reader) == RM_READER_PROCESS ||
	    (p->dead && rm_segment_empty(p->segment)))
		drop(r, p); /* it does not want us, or is no more */
	return room;
}

/* The signals that there is room for: a bit for each. */
static unsigned open_signals(struct rm_room room)
{
	unsigned ret = 0;

	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		ret |= (unsigned)(room.of[i] > 0) << i;
	return ret;
}

/* Visits all peers, the next time from where room ran out first. */
static void sweep(struct rm_relay *r, struct rm_room room)
{
	uint64_t now = rm_clock_mono_ns();
	unsigned open = open_signals(room), was_open = open;
	struct rm_room before = room;

	r->more = 0;
	for (uint32_t n = 0, begin = r->first; n < r->used && open; n++) {
		uint32_t at = (begin + n) % r->used;

		room = visit(r, &r->peer[at], room, now);
		open = open_signals(room);
		if (open != was_open) {
			r->first = at;
			was_open = 0; /* of several that run out, the first counts */
		}
	}
	r->more |= SIGNALS & ~open_signals(room);
	r->swept_ns = now;
	r->sweep_ms = memcmp(&before, &room, sizeof(room)) != 0 ? RM_RELAY_SWEEP_MIN_MS : r->sweep_ms * 2;
	if (r->sweep_ms > RM_RELAY_SWEEP_MAX_MS)
		r->sweep_ms = RM_RELAY_SWEEP_MAX_MS;
}

/* ---- the loop ---- */

static int wait_ms(const struct rm_relay *r, uint64_t timeout_ns, struct rm_room room)
{
	uint64_t now = rm_clock_mono_ns(), due = r->swept_ns + r->sweep_ms * MS_NS;

	if (r->more & open_signals(room))
		return 0;
	if (r->alive + r->waiting > 0 && open_signals(room)) {
		uint64_t left = due > now ? due - now : 0;

		timeout_ns = left < timeout_ns ? left : timeout_ns;
	}
	if (timeout_ns > 3600000 * MS_NS)
		return 3600000;
	return (int)((timeout_ns + MS_NS - 1) / MS_NS);
}

static void handle(struct rm_relay *r, const struct epoll_event *e)
{
	uint64_t count;
	uint32_t tag = e->data.u32;

	if (tag == TAG_WATCH)
		r->watch_ready(r->watch_arg);
	else if (tag == TAG_BELL)
		r->rang |= read(r->bell_event, &count, sizeof(count)) == (ssize_t)sizeof(count);
	else if (r->peer[tag].state == PEER_HELLO)
		hear(r, &r->peer[tag]);
	else if (r->peer[tag].state == PEER_LIVE && !r->peer[tag].dead)
		bury(r, &r->peer[tag]);
}

void rm_relay_step(struct rm_relay *r, uint64_t timeout_ns, struct rm_room room)
{
	struct epoll_event event[EVENTS];
	int n = epoll_wait(r->epoll, event, EVENTS, wait_ms(r, timeout_ns, room));

	/* The door last: else a place freed by an event here could be a new peer's in a later one. */
	for (int i = 0; i < n; i++)
		if (event[i].data.u32 != TAG_DOOR)
			handle(r, &event[i]);
	for (int i = 0; i < n; i++)
		if (event[i].data.u32 == TAG_DOOR)
			let_in(r);
	if (!open_signals(room))
		return;
	if ((r->more & open_signals(room)) || r->rang || rm_clock_mono_ns() - r->swept_ns >= r->sweep_ms * MS_NS)
		sweep(r, room);
	if (r->rang && !r->more) {
		r->rang = false;
		sem_post(&r->bell_rearm);
	}
}

bool rm_relay_drain(struct rm_relay *r, struct rm_room room)
{
	let_in(r);
	sweep(r, room);
	return !r->more;
}

int rm_relay_watch(struct rm_relay *r, int fd, void (*ready)(void *arg), void *arg)
{
	r->watch_ready = ready;
	r->watch_arg = arg;
	return watch_fd(r, fd, TAG_WATCH) ? RM_OK : RM_E_IO;
}

void rm_relay_address(const struct rm_relay *r, char ret[RM_DOOR_ADDRESS_BYTES])
{
	rm_door_address(&r->door, ret);
}

struct rm_rules *rm_relay_rules(struct rm_relay *r)
{
	return r->door.page ? &r->door.page->rules : NULL;
}

uint32_t rm_relay_alive(const struct rm_relay *r)
{
	return r->alive;
}

struct rm_relay *rm_relay_new(struct rm_gather *gather, bool with_rules)
{
	struct rm_relay *r = aligned_alloc(_Alignof(struct rm_relay), sizeof(*r));
	int error;

	if (!r)
		return NULL;
	memset(r, 0, sizeof(*r));
	r->gather = gather;
	r->sweep_ms = RM_RELAY_SWEEP_MIN_MS;
	r->door.listener = r->door.bell_fd = -1;
	sem_init(&r->bell_rearm, 0, 0);
	r->peer = calloc(RM_RELAY_PROCESSES_MAX, sizeof(*r->peer));
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->bell_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->peer && r->epoll >= 0 && r->bell_event >= 0 && rm_door_open(&r->door, with_rules) == RM_OK &&
	    watch_fd(r, r->door.listener, TAG_DOOR) && watch_fd(r, r->bell_event, TAG_BELL) &&
	    bell_start(r))
		return r;
	error = errno;
	rm_relay_free(r);
	errno = error;
	return NULL;
}

void rm_relay_free(struct rm_relay *r)
{
	bell_stop(r);
	for (uint32_t i = 0; i < r->used; i++)
		if (r->peer[i].state != PEER_FREE)
			drop(r, &r->peer[i]);
	/* Only now: who hears of it reads what is left, and we must not any more. */
	if (r->door.bell)
		atomic_store_explicit(&r->door.bell->waiting, RM_DOORBELL_GONE, memory_order_release);
	rm_door_close(&r->door);
	if (r->bell_event >= 0)
		close(r->bell_event);
	if (r->epoll >= 0)
		close(r->epoll);
	sem_destroy(&r->bell_rearm);
	free(r->peer);
	free(r);
}
