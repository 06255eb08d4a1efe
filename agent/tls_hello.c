/*
 * The table of ClientHellos: sets of entries, chosen by the random number, the oldest of a set overwritten.
 *
 * Owns: the table, mapped when the first ClientHello passes. Runs in hooks, also in signal handlers:
 * an entry is written by whoever makes its sequence number odd; who finds it odd takes another one, and
 * who reads it compares the number before and after. A fork in the middle leaves one entry odd for
 * ever in the child, which costs that place.
 */
#include "agent/tls_hello.h"

#include "agent/setup.h"
#include "agent/tls.h"
#include "base/clock.h"
#include "base/memory.h"

enum { SETS = 128, WAYS = 8, SESSIONS = 1024 };

struct hello {
	_Atomic uint32_t seq;   /* odd: being written; 0: never */
	uint32_t age;           /* larger is younger */
	uint8_t random[RM_TLS_RANDOM_BYTES];
	uint8_t role;
	int fd;
	rm_ctx connected_by;
	const struct rm_thread *connected_on;
	uint8_t by_call;
	const char *system;
	uint64_t greeting;
	struct rm_peer peer;
	struct rm_setup setup;
};

static _Atomic(struct hello *) table;
static _Atomic uint32_t ages;
static _Atomic rm_conn_name sessions[SESSIONS]; /* by descriptor */
static void (*_Atomic discover_libraries)(void);
_Atomic(const struct rm_thread *) rm_tls_begun_by;
static atomic_bool loaded = true; /* objects were, since somebody looked */

void rm_tls_on_discovery(void (*discover)(void))
{
	atomic_store(&discover_libraries, discover);
}

void rm_tls_discover(void)
{
	void (*discover)(void) = atomic_load_explicit(&discover_libraries, memory_order_relaxed);

	if (discover)
		discover();
}

void rm_tls_expect(void)
{
	if (atomic_load_explicit(&loaded, memory_order_relaxed) && atomic_exchange(&loaded, false))
		rm_tls_discover();
}

void rm_tls_loading(void)
{
	atomic_store_explicit(&loaded, true, memory_order_relaxed);
}

static struct hello *set_of(const uint8_t *random)
{
	struct hello *all = atomic_load_explicit(&table, memory_order_acquire);

	/* Some write the time into the first four bytes. */
	return all ? &all[(random[30] ^ (random[31] << 3)) % SETS * WAYS] : NULL;
}

static void make_table(void)
{
	struct hello *all = rm_memory_get(SETS * WAYS * sizeof(*all)), *none = NULL;

	if (all && !atomic_compare_exchange_strong(&table, &none, all))
		rm_memory_put(all, SETS * WAYS * sizeof(*all));
}

/* The oldest entry of a set, now ours to write. NULL: others are writing just there. */
static RM_GLANCE struct hello *take_oldest(struct hello *set)
{
	struct hello *oldest = set;
	uint32_t seq;

	for (int i = 1; i < WAYS; i++)
		if ((int32_t)(set[i].age - oldest->age) < 0)
			oldest = &set[i];
	seq = atomic_load(&oldest->seq);
	return !(seq & 1) && atomic_compare_exchange_strong(&oldest->seq, &seq, seq + 1) ? oldest : NULL;
}

static RM_GLANCE void remember(const struct rm_conn *c, int fd, const uint8_t *random, uint64_t hello_ns)
{
	struct hello *set = set_of(random), *h = set ? take_oldest(set) : NULL;

	if (!h)
		return;
	h->age = atomic_fetch_add(&ages, 1) + 1;
	memcpy(h->random, random, sizeof(h->random));
	h->role = c->role;
	h->fd = fd;
	h->connected_by = c->connected_by;
	h->connected_on = c->connected_on;
	h->by_call = c->by_call;
	h->system = c->system;
	h->greeting = c->greeting;
	h->peer = c->peer;
	h->setup = c->setup;
	h->setup.hello_ns = hello_ns;
	atomic_fetch_add(&h->seq, 1);
}

void rm_tls_hello(struct rm_visit *v, const uint8_t random[RM_TLS_RANDOM_BYTES])
{
	if (!atomic_load_explicit(&table, memory_order_relaxed))
		make_table();
	if (!v->conn->secure)
		rm_peer_ask(&v->conn->peer, v->fd);
	remember(v->conn, v->conn->secure ? -1 : v->fd, random,
		 v->conn->role == RM_ROLE_CLIENT && rm_setup_wanted() ? rm_clock_mono_ns() : 0);
	if (v->conn->role == RM_ROLE_CLIENT)
		atomic_store_explicit(&rm_tls_begun_by, v->thread, memory_order_relaxed);
}

bool rm_tls_begins_here(void)
{
	const struct rm_thread *last = atomic_load_explicit(&rm_tls_begun_by, memory_order_relaxed);

	return last && last == rm_thread_self() && atomic_compare_exchange_strong(&rm_tls_begun_by, &last, NULL);
}

RM_GLANCE void rm_tls_handshaken(struct rm_visit *v, const uint8_t random[RM_TLS_RANDOM_BYTES], uint8_t minor, bool over)
{
	struct hello *set = set_of(random);

	for (int i = 0; set && i < WAYS; i++) {
		uint32_t seq = atomic_load(&set[i].seq);

		if (seq & 1 || set[i].role != v->conn->role || memcmp(set[i].random, random, RM_TLS_RANDOM_BYTES) != 0 ||
		    !atomic_compare_exchange_strong(&set[i].seq, &seq, seq + 1))
			continue;
		set[i].setup.secured_ns = over ? rm_clock_mono_ns() : 0;
		set[i].setup.tls_minor = minor;
		atomic_fetch_add(&set[i].seq, 1);
		return;
	}
}

static RM_GLANCE bool read_hello(struct hello *h, uint8_t role, const uint8_t *random, struct hello *ret)
{
	uint32_t seq = atomic_load(&h->seq);

	if (seq & 1 || h->role != role || memcmp(h->random, random, sizeof(h->random)) != 0)
		return false;
	memcpy(ret, h, sizeof(*ret));
	__sync_synchronize();
	return atomic_load(&h->seq) == seq && memcmp(ret->random, random, sizeof(ret->random)) == 0;
}

bool rm_tls_claim(rm_conn_name name, struct rm_conn *c, const uint8_t random[RM_TLS_RANDOM_BYTES])
{
	struct hello *set = set_of(random), found;

	for (int i = 0; set && i < WAYS; i++) {
		if (!read_hello(&set[i], c->role, random, &found))
			continue;
		c->peer = found.peer;
		c->peer.asked = true;
		c->connected_by = found.connected_by;
		c->connected_on = found.connected_on;
		c->by_call = found.by_call;
		c->system = found.system;
		c->greeting = found.greeting;
		c->setup = found.setup;
		/* The library is through, and keeps the end of the handshake for the same write as what comes next. */
		if (found.setup.tls_minor && !found.setup.secured_ns)
			c->setup.secured_ns = rm_clock_mono_ns();
		c->secured_fd = found.fd;
		if (found.fd >= 0)
			atomic_store_explicit(&sessions[found.fd % SESSIONS], name, memory_order_release);
		return true;
	}
	return false;
}

RM_GLANCE rm_conn_name rm_tls_session_of(int fd)
{
	rm_conn_name name = fd < 0 ? 0 : atomic_load_explicit(&sessions[fd % SESSIONS], memory_order_acquire);
	const struct rm_conn *c = rm_conn_peek_name(name);

	return c && c->secured_fd == fd ? name : 0;
}
