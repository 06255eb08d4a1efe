/* Operations that no connection carries: agent/local.c. */
#include "agent/local.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

enum { KEYS = 2000 };

static const struct rm_str none;
static struct rm_str room_name;

static void begin_test(void)
{
	static bool started;
	char *empty[] = { NULL };

	if (!started)
		stub_start(empty);
	started = true;
}

static rm_ctx begin(const char *text, uint64_t start_ns)
{
	return rm_local_begin(rm_thread_self(), rm_str_c(text), RM_STR("shop.db"), start_ns);
}

static const struct rm_span *ended(void)
{
	const struct rm_span *span = stub_span();

	room_name = span ? rm_span_name(span) : none;
	return span;
}

static struct rm_str attribute(const struct rm_span *span, const char *key)
{
	struct rm_attr_iter it = rm_record_attrs(&span->record);
	struct rm_attr a;

	while (rm_attr_next(&it, &a))
		if (rm_str_eq(a.key, rm_str_c(key)))
			return a.type == RM_ATTR_STR ? a.v.str : RM_STR("number");
	return RM_STR("none");
}

RM_TEST("one that succeeds is a CLIENT span with what may be shown of its text")
{
	const struct rm_span *span;
	rm_ctx ctx;

	begin_test();
	ctx = begin("SELECT a FROM t WHERE b = 'hunter2' AND c = \"hunter2\"", 1000000000);
	RM_CHECK(ctx && !ended());
	rm_local_end(rm_thread_self(), ctx, none, none, 2000000000);
	span = ended();
	RM_CHECK(span && span->kind == RM_KIND_CLIENT && span->status == RM_STATUS_UNSET);
	RM_CHECK_STR(room_name, "SELECT t");
	RM_CHECK_STR(attribute(span, "db.system.name"), "sqlite");
	RM_CHECK_STR(attribute(span, "db.namespace"), "shop.db");
	RM_CHECK_STR(attribute(span, "db.query.text"), "SELECT a FROM t WHERE b = ? AND c = ?");
	RM_CHECK_STR(attribute(span, "server.address"), "none");
	RM_CHECK_STR(attribute(span, "error.type"), "none");
}

RM_TEST("an error has its number, and the database may be known then only")
{
	const struct rm_span *span;
	rm_ctx ctx;

	begin_test();
	ctx = rm_local_begin(rm_thread_self(), RM_STR("hunter2"), none, 1000000000);
	rm_local_end(rm_thread_self(), ctx, RM_STR("1555"), RM_STR("late.db"), 2000000000);
	span = ended();
	RM_CHECK(span && span->status == RM_STATUS_ERROR);
	RM_CHECK_STR(room_name, "sqlite");
	RM_CHECK_STR(attribute(span, "db.query.text"), "none");
	RM_CHECK_STR(attribute(span, "db.namespace"), "late.db");
	RM_CHECK_STR(attribute(span, "error.type"), "1555");
	rm_local_end(rm_thread_self(), ctx, none, none, 3000000000); /* dead by now */
	RM_CHECK(!ended());
}

RM_TEST("one that goes on is found by its address until it is taken, and ends when it was last seen")
{
	static const char key[2];
	uint64_t seen_ns = 0;
	rm_ctx ctx;

	begin_test();
	ctx = begin("SELECT 1", 1000000000);
	RM_CHECK(!rm_local_seen(&key[0], 1));
	rm_local_keep(rm_thread_self(), &key[0], ctx, 1500000000);
	RM_CHECK(rm_local_seen(&key[0], 1700000000) && !rm_local_seen(&key[1], 1));
	RM_CHECK(rm_local_take(&key[1], &seen_ns) == 0);
	RM_CHECK(rm_local_take(&key[0], &seen_ns) == ctx && seen_ns == 1700000000);
	RM_CHECK(rm_local_take(&key[0], &seen_ns) == 0 && !rm_local_seen(&key[0], 1));
	rm_local_end(rm_thread_self(), ctx, none, none, seen_ns);
	RM_CHECK(ended());
}

RM_TEST("more than there is room for are dropped, the others end with the process")
{
	static char keys[KEYS * 64];
	uint32_t before = rm_exchange_live(), kept;
	int n = 0;

	begin_test();
	for (int i = 0; i < KEYS; i++)
		rm_local_keep(rm_thread_self(), &keys[i * 64], begin("SELECT 1", 1000000000), 2000000000);
	kept = rm_exchange_live() - before;
	RM_CHECK(kept > 256 && kept <= 1024);
	rm_local_end_all(rm_thread_self());
	while (ended())
		n++;
	RM_CHECK(n == (int)kept && rm_exchange_live() == before);
}

RM_TEST("what the process kept before it forked has no span in the child")
{
	static const char key;
	int status, spans = 0;
	pid_t child;

	begin_test();
	rm_local_keep(rm_thread_self(), &key, begin("SELECT 1", 1000000000), 2000000000);
	child = fork();
	if (child == 0) {
		struct rm_scope s;

		RM_CHECK(rm_enter(&s));
		rm_local_end_all(s.thread);
		while (ended())
			spans++;
		_exit(spans);
	}
	RM_CHECK(waitpid(child, &status, 0) == child && status == 0);
	rm_local_end_all(rm_thread_self());
	RM_CHECK(ended() && !ended());
}

/* ---- several threads ---- */

enum { ROUNDS = 200000 };

struct rivals {
	const void *shared, *own; /* of the same set */
	atomic_bool over;
	atomic_bool stole;
};

/* As one of two threads that learn at once what became of one look-up. */
static void *take_shared(void *arg)
{
	struct rivals *r = arg;
	uint64_t seen_ns;

	while (!atomic_load(&r->over)) {
		rm_ctx ctx = rm_local_take(r->shared, &seen_ns);

		if (ctx && ctx >> 32 != (uintptr_t)r->shared)
			atomic_store(&r->stole, true);
	}
	return NULL;
}

static bool same_set(uintptr_t a, uintptr_t b)
{
	return (a * 0x9e3779b97f4a7c15ull) >> 57 == (b * 0x9e3779b97f4a7c15ull) >> 57;
}

RM_TEST("whoever comes second for one takes nothing else that has its place by then")
{
	uintptr_t shared = 1 << 12, own = shared + 16;
	struct rivals r = { 0 };
	uint64_t seen_ns;
	pthread_t other;
	rm_ctx ctx;
	bool whole = true;

	begin_test();
	while (!same_set(shared, own))
		own += 16;
	r.shared = (const void *)shared;
	r.own = (const void *)own;
	RM_CHECK(pthread_create(&other, NULL, take_shared, &r) == 0);
	for (uint32_t i = 1; i <= ROUNDS && whole; i++) {
		rm_local_keep(rm_thread_self(), r.shared, (rm_ctx)shared << 32 | i, 0);
		ctx = rm_local_take(r.shared, &seen_ns);
		whole = !ctx || ctx == ((rm_ctx)shared << 32 | i);
		rm_local_keep(rm_thread_self(), r.own, (rm_ctx)own << 32 | i, 0);
		ctx = rm_local_take(r.own, &seen_ns);
		whole = whole && ctx == ((rm_ctx)own << 32 | i);
	}
	atomic_store(&r.over, true);
	pthread_join(other, NULL);
	RM_CHECK(whole && !atomic_load(&r.stole));
}
