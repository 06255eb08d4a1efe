/*
 * Whom a task works for. What is seen of tasks: which one a thread runs, who wakes whom, and in which one the memory of
 * another was asked for.
 *   - A task that reads a request serves it, until it reads another one. If it does so while the one before is not done, or
 *     accepts connections, it works for many: for nobody, for ever.
 *   - A task that was made by one that serves a request works for that request, whatever it waits for, as long as somebody
 *     has its JoinHandle: those who keep it wait for it.
 *   - One whose handle nobody has may be a connection's, shared by all: it is believed for one request, until a task wakes
 *     it. From then on, as with those that belong to nobody, only who woke it counts, and that only if it was one alone, only
 *     until it waits again or wakes somebody itself, and for one request. That is how a client's connection is told for whom
 *     it sends; a queue from which many messages are taken after one waking is believed for the first one, which is of who
 *     woke it.
 * The latter two hold for connections that carry one request at a time: on others one waking may stand for several
 * requests. What is not known is nobody's.
 * What wakes a connection is also the rest of its last answer, taken or let go of late, while the next request may come in at
 * that very moment, before its own waking is seen: places in the code that requests do not follow are not listened to.
 *
 * Tasks are found by their address in a table of fixed size, without a lock: a task is put in by the thread that runs it
 * for the first time, before it can have a waker. Who finds no room, or loses it to another, belongs to nobody.
 */
#include "adapters/tokio/tasks.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "adapters/tokio/places.h"
#include "base/sys.h"

enum { BUCKETS = 1 << 11, WAYS = 8, BIRTHS = 1 << 12, PLACES = 1 << 10, CELL_ALIGN = 128, ALIGNED_ENOUGH = 64 };
enum { HITS_ENOUGH = 8, MISSES_ENOUGH = 4, HITS_FOR_A_MISS = 4, COUNTED_MAX = 1 << 20 };

/* Beside the address, which is a multiple of 16. */
enum { RUNS = 1, SERVES = 2, BORN = 4, MANY = 8, FLAGS = 15, HOSTS = MANY | BORN };

/* What a thread runs: */
enum { PLAIN, IDLE, UNKNOWN, FIRST }; /* never ran a task; none now; one that is not known; the others, by index */

struct task {
	_Atomic uintptr_t key;   /* its address, and what it is */
	uint64_t id;             /* addresses are used again, numbers are not */
	const uintptr_t *_Atomic table;
	_Atomic rm_ctx ctx;      /* whom it works for, or did last */
	_Atomic uint64_t woken;  /* by whom since it ran last, sealed with its address */
	rm_ctx run;              /* who woke it to run as it does now, until it wakes somebody. Of its own thread */
	_Atomic uint16_t place;  /* from where it was woken since it ran last */
	uint16_t run_place;      /* from where it was woken to run, until it has sent a request. Of its own thread */
	atomic_bool sends;       /* it has sent a request that was another's */
	atomic_bool touched;     /* a task woke it, or its birth explained a request: that says nothing of the next one */
} __attribute__((aligned(64)));

/*
 * A place in the program's code from where tasks are woken. What wakes a connection is a request that is handed over, or the rest of
 * an answer that is taken or let go, at any time: in each program either comes from places of its own.
 */
struct place {
	_Atomic uintptr_t at;
	atomic_uint hits, misses; /* how often a request went out at once, of a task that sends some, and how often not */
};

/* Who asked for memory at an address; both words change without a lock, and only fit together when they were written together. */
struct birth {
	_Atomic uint64_t sealed; /* the address and `ctx` */
	_Atomic rm_ctx ctx;
};

static struct task *tasks;
static struct birth *births;
static struct place *places;
static atomic_bool proved;      /* a waker that is watched woke a task: those of tokio are */
static atomic_uint aligned_tasks;
static atomic_bool plain_memory; /* a task was seen that lies where malloc puts it */
static __thread uint32_t here __attribute__((tls_model("initial-exec")));

bool rm_tokio_tasks_start(void)
{
	size_t bytes = BUCKETS * WAYS * sizeof(*tasks) + BIRTHS * sizeof(*births) + PLACES * sizeof(*places);
	long p = rm_sys6(__NR_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p < 0)
		return false;
	tasks = (struct task *)p;
	births = (struct birth *)(tasks + (size_t)BUCKETS * WAYS);
	places = (struct place *)(births + BIRTHS);
	return true;
}

/* ---- the table ---- */

static uint64_t hash(uintptr_t p)
{
	return (p >> 4) * 0x9e3779b97f4a7c15ull;
}

static struct task *bucket_of(uintptr_t p)
{
	return &tasks[(hash(p) >> 32) % BUCKETS * WAYS];
}

static uintptr_t key_of(const struct task *e)
{
	return atomic_load_explicit(&e->key, memory_order_acquire);
}

static struct task *find(uintptr_t p)
{
	struct task *bucket = bucket_of(p);

	for (int i = 0; i < WAYS; i++)
		if ((key_of(&bucket[i]) & ~(uintptr_t)FLAGS) == p)
			return &bucket[i];
	return NULL;
}

/* Those first that are empty, then those whose request is done. What works for many must not be forgotten. */
static struct task *insert(uintptr_t p)
{
	struct task *bucket = bucket_of(p);

	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < WAYS; i++) {
			struct task *e = &bucket[i];
			uintptr_t key = key_of(e);

			if (pass == 0 ? key != 0 : key & (RUNS | MANY) || rm_ctx_lives(e->ctx))
				continue;
			if (atomic_compare_exchange_strong(&e->key, &key, p | RUNS))
				return e;
		}
	}
	return NULL;
}

/* Whoever is woken in a place that was given to another task meanwhile is not to hand its request to that. */
static uint64_t seal(rm_ctx ctx, uintptr_t p)
{
	return ctx == 0 || ctx == RM_CTX_NOBODY ? ctx : ctx ^ (hash(p) & ~(uint64_t)UINT32_MAX);
}

/* ---- birth ---- */

static struct birth *birth_at(uintptr_t p)
{
	return &births[(hash(p) >> 40) % BIRTHS];
}

/* Takes it away: nothing is born twice. */
static rm_ctx born(uintptr_t p)
{
	struct birth *b = birth_at(p);
	uint64_t sealed = atomic_load(&b->sealed);
	rm_ctx ctx = atomic_load(&b->ctx);

	if (!ctx || (sealed ^ ctx) != p || !atomic_compare_exchange_strong(&b->sealed, &sealed, 0))
		return 0;
	return ctx;
}

static const struct rm_tokio_header *header_of(const struct task *e)
{
	return (const struct rm_tokio_header *)(key_of(e) & ~(uintptr_t)FLAGS);
}

static bool is_joined(const struct rm_tokio_header *task)
{
	return __atomic_load_n(&task->state, __ATOMIC_RELAXED) & RM_TOKIO_JOIN_INTEREST;
}

/* How sure it is whom the task works for, which runs on this thread: 2 by itself, 1 as long as nobody else wakes it, 0 not. */
static int sureness(const struct task *e)
{
	uintptr_t key = key_of(e);

	if (key & MANY)
		return 0;
	if (key & SERVES)
		return 2;
	return !(key & BORN) ? 0 : is_joined(header_of(e)) ? 2 : 1;
}

/* True of a task that runs others: a worker of the runtime, when it looks after its timers and sockets. */
static bool is_host(const struct task *e)
{
	return (key_of(e) & (HOSTS | SERVES)) == HOSTS;
}

static struct task *current(void)
{
	return here >= FIRST ? &tasks[here - FIRST] : NULL;
}

void rm_tokio_allocated(const void *p)
{
	struct task *e = current();
	struct birth *b = birth_at((uintptr_t)p);
	rm_ctx ctx = e && sureness(e) == 2 ? e->ctx : 0, was;

	if (ctx) {
		atomic_store_explicit(&b->ctx, ctx, memory_order_relaxed);
		atomic_store_explicit(&b->sealed, ctx ^ (uintptr_t)p, memory_order_relaxed);
		return;
	}
	was = atomic_load_explicit(&b->ctx, memory_order_relaxed);
	if (was && (atomic_load_explicit(&b->sealed, memory_order_relaxed) ^ was) == (uintptr_t)p)
		atomic_store_explicit(&b->sealed, 0, memory_order_relaxed);
}

/* ---- places ---- */

/* Its number; 0 where there is no room: such a place proves nothing. */
static uint16_t place_of(uintptr_t at)
{
	unsigned start = (unsigned)(at * 0x9e3779b97f4a7c15ull >> 40);

	for (unsigned i = 0; i < WAYS; i++) {
		unsigned n = (start + i) % PLACES;
		uintptr_t there = 0;

		if (n && (atomic_load_explicit(&places[n].at, memory_order_relaxed) == at ||
			  atomic_compare_exchange_strong(&places[n].at, &there, at) || there == at))
			return (uint16_t)n;
	}
	return 0;
}

static unsigned count(atomic_uint *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static void note(atomic_uint *n)
{
	if (count(n) < COUNTED_MAX)
		atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

/* True where requests are handed over, as far as is known. */
static bool hands_over(uint16_t place)
{
	unsigned misses = count(&places[place].misses);

	return misses < MISSES_ENOUGH || misses * HITS_FOR_A_MISS <= count(&places[place].hits);
}

/* True where they are, as far as is known, and where that is known. */
static bool is_sure(uint16_t place)
{
	unsigned hits = count(&places[place].hits);

	return hits >= HITS_ENOUGH && count(&places[place].misses) * HITS_FOR_A_MISS <= hits;
}

/* ---- running ---- */

/* Tasks are aligned as no other allocation is, or they are not: a few tell. */
static void note_place(uintptr_t p)
{
	if (p % CELL_ALIGN)
		atomic_store_explicit(&plain_memory, true, memory_order_relaxed);
	else if (atomic_load_explicit(&aligned_tasks, memory_order_relaxed) < ALIGNED_ENOUGH)
		atomic_fetch_add_explicit(&aligned_tasks, 1, memory_order_relaxed);
}

bool rm_tokio_is_in_plain_memory(void)
{
	return atomic_load_explicit(&plain_memory, memory_order_relaxed) ||
	       atomic_load_explicit(&aligned_tasks, memory_order_relaxed) < ALIGNED_ENOUGH;
}

static void begin(struct task *e, uintptr_t p, uint64_t id, const uintptr_t *table)
{
	rm_ctx ctx = born(p);

	note_place(p);
	e->id = id;
	atomic_store_explicit(&e->table, table, memory_order_relaxed);
	atomic_store_explicit(&e->ctx, ctx, memory_order_relaxed);
	atomic_store_explicit(&e->woken, 0, memory_order_relaxed);
	atomic_store_explicit(&e->touched, false, memory_order_relaxed);
	atomic_store_explicit(&e->sends, false, memory_order_relaxed);
	atomic_store_explicit(&e->place, 0, memory_order_relaxed);
	atomic_store_explicit(&e->key, p | RUNS | (ctx ? BORN : 0), memory_order_release);
}

uint32_t rm_tokio_poll(const struct rm_tokio_header *task, const uintptr_t *table)
{
	uintptr_t p = (uintptr_t)task;
	uint64_t id = *(const uint64_t *)(p + table[RM_TOKIO_ID]);
	uint32_t before = here;
	struct task *e = find(p), *host = current();
	bool known = e && e->id == id;

	if (host && !is_host(host) && !(key_of(host) & SERVES))
		atomic_fetch_or(&host->key, HOSTS);
	if (!e)
		e = insert(p);
	if (!e) {
		here = UNKNOWN;
		return before;
	}
	if (known)
		atomic_fetch_or(&e->key, RUNS);
	else
		begin(e, p, id, table);
	e->run = seal(atomic_exchange(&e->woken, 0), p);
	e->run_place = e->run && e->run != RM_CTX_NOBODY ? e->place : 0;
	here = (uint32_t)(e - tasks) + FIRST;
	return before;
}

void rm_tokio_polled(uint32_t before)
{
	struct task *e = current();

	if (e && e->run_place && e->sends)
		note(&places[e->run_place].misses);
	if (e)
		atomic_fetch_and(&e->key, ~(uintptr_t)RUNS);
	here = before == PLAIN ? IDLE : before;
}

/* ---- waking ---- */

/* Of two, the one is left out whose request it did last: that has the rest of the answer, or lets go of it. */
static void note_wake(struct task *e, uintptr_t p, rm_ctx by)
{
	uint64_t sealed = seal(by, p), last = seal(e->ctx, p), was = atomic_load(&e->woken), next;

	do {
		next = !was || was == last ? sealed : sealed == last ? was : RM_CTX_NOBODY;
	} while (was != sealed && was != next && !atomic_compare_exchange_weak(&e->woken, &was, next));
}

void rm_tokio_wake(const void *what, uintptr_t place)
{
	uintptr_t p = (uintptr_t)what, key;
	uint16_t from;
	struct task *e, *by = current();
	bool sure, idle = here == IDLE || (by && is_host(by)); /* timers and sockets are for those who wait for them */

	if (idle && atomic_load_explicit(&proved, memory_order_relaxed))
		return;
	e = p % (FLAGS + 1) == 0 ? find(p) : NULL;
	if (!e)
		return;
	if (!atomic_load_explicit(&proved, memory_order_relaxed) && ((const struct rm_tokio_header *)what)->table == e->table)
		atomic_store(&proved, true);
	/* It is done with something: others may have given it more to do, of which their wakers tell later. */
	if (by && e != by)
		by->run = RM_CTX_NOBODY;
	key = key_of(e);
	if (idle || e == by || key & (SERVES | MANY))
		return;
	sure = by && sureness(by) > 0;
	atomic_store_explicit(&e->touched, true, memory_order_relaxed);
	if (key & BORN) {
		if (is_joined(what))
			return;
		if (!by || by->ctx != e->ctx)
			atomic_fetch_and(&e->key, ~(uintptr_t)BORN);
	}
	from = place_of(place);
	if (e->sends && !hands_over(from))
		return;
	e->place = from;
	note_wake(e, p, sure && from ? by->ctx : RM_CTX_NOBODY);
}

/* ---- what the agent says and asks ---- */

void rm_tokio_serves(rm_ctx ctx)
{
	struct task *e = current();

	if (!e)
		return;
	if (key_of(e) & SERVES && e->ctx != ctx && rm_ctx_lives(e->ctx))
		atomic_fetch_or(&e->key, MANY);
	atomic_store(&e->ctx, ctx);
	atomic_fetch_or(&e->key, SERVES);
}

void rm_tokio_accepts(void)
{
	struct task *e = current();

	if (!e)
		return;
	atomic_fetch_and(&e->key, ~(uintptr_t)BORN);
	atomic_fetch_or(&e->key, MANY);
}

/* Who woke it is the one whose message it takes first. */
static rm_ctx woken(struct task *e)
{
	uint64_t since = seal(atomic_load(&e->woken), key_of(e) & ~(uintptr_t)FLAGS);
	rm_ctx run = e->run;
	bool again = e->sends && run == e->ctx, sure = is_sure(e->run_place); /* it may have woken it for its last request */

	e->sends = true;
	if (e->run_place)
		note(&places[e->run_place].hits);
	e->run_place = 0;
	if (!run || run == RM_CTX_NOBODY || (since && since != run && since != e->ctx) || (again && !sure))
		return RM_CTX_NOBODY;
	e->run = RM_CTX_NOBODY;
	atomic_store(&e->ctx, run);
	return run;
}

rm_ctx rm_tokio_runs(bool alone, enum rm_source *ret_how)
{
	struct task *e = current();
	int sure;

	if (!e)
		return here == UNKNOWN ? RM_CTX_NOBODY : 0;
	sure = sureness(e);
	*ret_how = key_of(e) & SERVES ? RM_SOURCE_ATTACHED : RM_SOURCE_HANDOFF;
	if (sure == 2)
		return e->ctx;
	if (!alone || key_of(e) & MANY)
		return RM_CTX_NOBODY;
	if (sure == 1 && atomic_load(&proved) && !atomic_exchange(&e->touched, true))
		return e->ctx;
	return woken(e);
}
