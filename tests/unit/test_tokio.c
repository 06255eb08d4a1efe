/* tokio's tables in a program that was made up, and whom its tasks work for. */
#include <stdlib.h>
#include <pthread.h>

#include "adapters/tokio/places.h"
#include "adapters/tokio/tasks.h"
#include "tests/rmtest.h"

/* ---- tables ---- */

enum { CODE = 4096, DATA = 4096, CODE_AT = 0, DATA_AT = CODE, REST = 64 };

static struct {
	_Alignas(4096) uint8_t code[CODE];
	uintptr_t data[DATA / sizeof(uintptr_t)];
	uintptr_t after[REST];
} image;

static ElfW(Phdr) segments[] = {
	{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = CODE_AT, .p_filesz = CODE, .p_memsz = CODE },
	{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = DATA_AT, .p_filesz = DATA, .p_memsz = DATA },
	{ .p_type = PT_GNU_RELRO, .p_flags = PF_R, .p_vaddr = DATA_AT, .p_filesz = DATA, .p_memsz = DATA },
};

static struct rm_tokio_places found;

static struct rm_object object(void)
{
	return (struct rm_object){ .base = (uintptr_t)&image, .path = "", .segments = segments, .segment_count = 3 };
}

static void clear(void)
{
	memset(&image, 0, sizeof(image));
	memset(&found, 0, sizeof(found));
}

static uintptr_t code(unsigned at)
{
	return (uintptr_t)&image.code[at];
}

static void task_table(uintptr_t *q, uintptr_t trailer, uintptr_t scheduler, uintptr_t id)
{
	for (int i = 0; i < RM_TOKIO_FUNCTIONS; i++)
		q[i] = code(64 + 16 * (unsigned)i);
	q[RM_TOKIO_TRAILER] = trailer;
	q[RM_TOKIO_SCHEDULER] = scheduler;
	q[RM_TOKIO_ID] = id;
}

/* An instruction of seven bytes that takes an address, or of five that calls. */
static void takes(unsigned at, uint8_t operation, const void *target)
{
	int32_t distance = (int32_t)((intptr_t)target - (intptr_t)code(at + 7));
	const uint8_t bytes[] = { 0x48, operation, 0x15 };

	memcpy(&image.code[at], bytes, 3);
	memcpy(&image.code[at + 3], &distance, 4);
}

static void calls(unsigned at, unsigned target)
{
	int32_t distance = (int32_t)target - (int32_t)(at + 5);

	image.code[at] = 0xe8;
	memcpy(&image.code[at + 1], &distance, 4);
}

static void waker_table(uintptr_t *q, unsigned clone)
{
	q[0] = code(clone);
	for (int i = 1; i < RM_TOKIO_WAKER_WORDS; i++)
		q[i] = code(3000 + 16 * (unsigned)i);
}

static void look(void)
{
	struct rm_object o = object();

	rm_tokio_find(&o, &found);
}

#if defined(__x86_64__)

RM_TEST("tables of tasks are found wherever they lie, those of wakers by what their first function gives back")
{
	clear();
	waker_table(image.data + 3, 1000);
	takes(1010, 0x8d, image.data + 3);
	task_table(image.data + 7, 640, 48, 56); /* right behind it */
	task_table(image.data + 17, 4096, 128, 128);
	task_table(image.data + DATA / 8 - RM_TOKIO_TABLE_WORDS, 96, 32, 80);
	waker_table(image.data + 40, 1200); /* through a slot of the linker's */
	image.data[60] = (uintptr_t)(image.data + 40);
	takes(1220, 0x8b, image.data + 60);
	waker_table(image.data + 50, 1400); /* in a function that is called by one that is called */
	calls(1410, 1600);
	calls(1620, 1800);
	takes(1830, 0x8d, image.data + 50);
	takes(64, 0x8d, image.data + 17); /* a task's, which takes its table's address: no waker's */
	look();
	RM_CHECK(found.table_count == 3 && !found.too_many);
	RM_CHECK(found.tables[0] == image.data + 7 && found.tables[1] == image.data + 17);
	RM_CHECK(found.tables[2] == image.data + DATA / 8 - RM_TOKIO_TABLE_WORDS);
	RM_CHECK(found.waker_count == 3);
	RM_CHECK(found.wakers[0] == image.data + 3 && found.wakers[1] == image.data + 40 && found.wakers[2] == image.data + 50);
	RM_CHECK(!found.memalign && !found.malloc);
}

RM_TEST("what only looks like one is none")
{
	clear();
	task_table(image.data, 640, 8, 16);     /* a header of eight bytes */
	task_table(image.data + 20, 640, 48, 40);   /* the number before the scheduler */
	task_table(image.data + 40, 48, 64, 128);   /* the trailer before the rest */
	task_table(image.data + 60, 641, 48, 56);   /* not in words */
	task_table(image.data + 80, 640, 48, 56);
	image.data[83] = 0;                         /* a function that is none */
	task_table(image.data + 100, code(4), 48, 56);
	waker_table(image.data + 120, 1000);
	takes(1000, 0x8d, image.data + 121);        /* another's address */
	task_table(image.after, 640, 48, 56);       /* of nothing that is mapped */
	look();
	RM_CHECK(found.table_count == 0 && found.waker_count == 0);
}

RM_TEST("functions at the end of what is mapped, and segments that say too much, are read no further")
{
	clear();
	task_table(image.data, 640, 48, 56);
	waker_table(image.data + 20, CODE - 3);
	calls(CODE - 8, CODE + 100);
	waker_table(image.data + 30, CODE - 8);
	segments[2].p_memsz = 1 << 20;
	look();
	segments[2].p_memsz = DATA;
	RM_CHECK(found.table_count == 1 && found.waker_count == 0);
}

RM_TEST("a program of more kinds than there is room for is told apart")
{
	static uintptr_t many[(RM_TOKIO_TABLES_MAX + 1) * RM_TOKIO_TABLE_WORDS];
	ElfW(Phdr) own[] = { segments[0], segments[1] };
	struct rm_object o = object();

	clear();
	for (int i = 0; i <= RM_TOKIO_TABLES_MAX; i++)
		task_table(many + i * RM_TOKIO_TABLE_WORDS, 640, 48, 56);
	own[1].p_vaddr = (uintptr_t)many - (uintptr_t)&image;
	own[1].p_filesz = own[1].p_memsz = sizeof(many);
	o.segments = own;
	o.segment_count = 2;
	rm_tokio_find(&o, &found);
	RM_CHECK(found.too_many && found.table_count == RM_TOKIO_TABLES_MAX);
}

#endif

/* ---- tasks ---- */

struct cell {
	struct rm_tokio_header header;
	uintptr_t owner, scheduler;
	uint64_t id;
};

static uint64_t ended; /* contexts up to this one */
static uintptr_t table[RM_TOKIO_TABLE_WORDS] = { [RM_TOKIO_ID] = offsetof(struct cell, id) };

bool rm_ctx_lives(rm_ctx ctx)
{
	return ctx != RM_CTX_NOBODY && (uint32_t)ctx > ended;
}

enum { A = 1001, B, C };
enum { HANDS_OVER = 0x1000, LETS_GO = 0x2000 }; /* places in the program */

/* Memory for a cell. Tasks stay to the end, and are no leaks: each is in a list. */
static void *cell_memory(void)
{
	static struct kept {
		struct kept *next;
		void *cell;
	} *all;
	struct kept *k = malloc(sizeof(*k));

	*k = (struct kept){ all, aligned_alloc(128, 128) };
	all = k;
	return k->cell;
}

static struct cell *make(void *where)
{
	static uint64_t ids;
	struct cell *c = where ? where : cell_memory();

	memset(c, 0, sizeof(*c));
	c->header.table = table;
	c->header.state = RM_TOKIO_JOIN_INTEREST;
	c->id = ++ids;
	return c;
}

static struct cell *spawn(void)
{
	struct cell *c = cell_memory();

	rm_tokio_allocated(c);
	return make(c);
}

static uint32_t run(struct cell *c)
{
	return rm_tokio_poll(&c->header, table);
}

static rm_ctx runs(bool alone)
{
	enum rm_source how;

	return rm_tokio_runs(alone, &how);
}

/* A task that serves `ctx`, and does something meanwhile. */
#define WHILE_SERVED(ctx) \
	for (struct cell *server_ = make(NULL); server_; server_ = NULL) \
		for (uint32_t before_ = run(server_), once_ = 1; once_; once_ = 0, rm_tokio_polled(before_)) \
			for (rm_tokio_serves(ctx); once_; once_ = 0)

RM_TEST("a task that serves a request works for it, and for nobody once it serves two at a time")
{
	struct cell *t = make(NULL);
	uint32_t before;

	RM_CHECK(rm_tokio_tasks_start());
	RM_CHECK(runs(true) == 0); /* no task runs */
	before = run(t);
	RM_CHECK(runs(true) == RM_CTX_NOBODY);
	rm_tokio_serves(A);
	RM_CHECK(runs(false) == A);
	rm_tokio_polled(before);
	RM_CHECK(runs(true) == 0);
	ended = A;
	before = run(t);
	rm_tokio_serves(B);
	RM_CHECK(runs(false) == B && runs(true) == B);
	rm_tokio_serves(C);
	RM_CHECK(runs(false) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
	ended = 0;
}

RM_TEST("a task that accepts connections works for nobody")
{
	struct cell *t = make(NULL);
	uint32_t before = run(t);

	rm_tokio_accepts();
	rm_tokio_serves(A);
	RM_CHECK(runs(true) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
}

RM_TEST("what a serving task makes works for its request, whoever wakes it, as long as its handle is kept")
{
	struct cell *child = NULL, *grandchild;
	uint32_t before;

	WHILE_SERVED(A)
		child = spawn();
	before = run(child);
	RM_CHECK(runs(false) == A);
	grandchild = spawn();
	rm_tokio_polled(before);
	WHILE_SERVED(B)
		rm_tokio_wake(child, HANDS_OVER);
	before = run(child);
	RM_CHECK(runs(false) == A);
	rm_tokio_polled(before);
	before = run(grandchild);
	RM_CHECK(runs(false) == A);
	rm_tokio_polled(before);
}

RM_TEST("memory that is used again brings nothing along")
{
	struct cell *child = NULL;
	uint32_t before;

	WHILE_SERVED(A)
		child = spawn();
	before = run(child);
	rm_tokio_polled(before);
	before = run(make(child)); /* another task, made where nobody looked */
	RM_CHECK(runs(true) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
	WHILE_SERVED(A)
		child = spawn();
	rm_tokio_allocated(child); /* given back before it ran, and taken again by nobody */
	before = run(child);
	RM_CHECK(runs(true) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
}

RM_TEST("one that nobody waits for is believed until another one's request wakes it, then only who woke it, once")
{
	struct cell *connection = NULL;
	uint32_t before;

	WHILE_SERVED(A)
		connection = spawn();
	connection->header.state = 0;
	before = run(connection);
	RM_CHECK(runs(true) == A && runs(false) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
	WHILE_SERVED(B)
		rm_tokio_wake(connection, HANDS_OVER);
	before = run(connection);
	RM_CHECK(runs(false) == RM_CTX_NOBODY);
	RM_CHECK(runs(true) == B && runs(true) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
	before = run(connection); /* by its socket */
	RM_CHECK(runs(true) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
}

RM_TEST("two that wake a task, or somebody who works for nobody, prove nothing")
{
	struct cell *connection = make(NULL), *other = make(NULL);
	uint32_t before = run(connection);

	rm_tokio_polled(before);
	WHILE_SERVED(A)
		rm_tokio_wake(connection, HANDS_OVER);
	WHILE_SERVED(B)
		rm_tokio_wake(connection, HANDS_OVER);
	before = run(connection);
	RM_CHECK(runs(true) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
	WHILE_SERVED(A)
		rm_tokio_wake(connection, HANDS_OVER);
	before = run(other);
	rm_tokio_wake(connection, HANDS_OVER);
	rm_tokio_polled(before);
	before = run(connection);
	RM_CHECK(runs(true) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
	WHILE_SERVED(A)
		rm_tokio_wake(connection, HANDS_OVER);
	before = run(connection);
	WHILE_SERVED(B) /* while it runs */
		rm_tokio_wake(connection, HANDS_OVER);
	RM_CHECK(runs(true) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
}

/* `by` wakes it from a place; whom it works for then, which it asks if it `sends`. */
static rm_ctx woken(struct cell *connection, rm_ctx by, uintptr_t place, bool sends)
{
	rm_ctx ret = 0;
	uint32_t before;

	WHILE_SERVED(by)
		rm_tokio_wake(connection, place);
	before = run(connection);
	if (sends)
		ret = runs(true);
	rm_tokio_polled(before);
	return ret;
}

RM_TEST("who lets go of an answer has not asked: told by the place in the program that it wakes from")
{
	enum { OTHER = 0x3000 };
	struct cell *connection = make(NULL);
	uint32_t before = run(connection);

	rm_tokio_polled(before);
	RM_CHECK(woken(connection, A, OTHER, true) == A);
	RM_CHECK(woken(connection, A, OTHER, true) == RM_CTX_NOBODY); /* again, from where nothing is known of */
	for (int i = 0; i < 4; i++) {
		RM_CHECK(woken(connection, A, OTHER, true) != B && woken(connection, B, OTHER, true) == B);
		woken(connection, B, LETS_GO, false);
	}
	RM_CHECK(woken(connection, B, OTHER, true) == B);         /* again, where requests come from */
	RM_CHECK(woken(connection, B, LETS_GO, true) == RM_CTX_NOBODY);
	WHILE_SERVED(A)
		rm_tokio_wake(connection, LETS_GO);
	RM_CHECK(woken(connection, C, OTHER, true) == C);
}

static void *wakes(void *connection)
{
	rm_tokio_wake(connection, HANDS_OVER);
	return NULL;
}

RM_TEST("a thread that is none of the runtime's wakes for nobody")
{
	struct cell *connection = make(NULL);
	uint32_t before = run(connection);
	pthread_t thread;

	rm_tokio_polled(before);
	WHILE_SERVED(A)
		rm_tokio_wake(connection, HANDS_OVER);
	RM_CHECK(pthread_create(&thread, NULL, wakes, connection) == 0 && pthread_join(thread, NULL) == 0);
	before = run(connection);
	RM_CHECK(runs(true) == RM_CTX_NOBODY);
	rm_tokio_polled(before);
}

RM_TEST("more tasks than there is room for: the late ones are nobody's, and none is another's")
{
	enum { MANY = 40000 };
	static struct cell *cells[MANY];
	unsigned right = 0, wrong = 0;
	uint32_t before;

	for (int i = 0; i < MANY; i++) {
		cells[i] = make(NULL);
		before = run(cells[i]);
		rm_tokio_serves(2000 + (rm_ctx)i);
		rm_tokio_polled(before);
	}
	for (int i = 0; i < MANY; i++) {
		rm_ctx ctx;

		before = run(cells[i]);
		ctx = runs(true);
		right += ctx == 2000 + (rm_ctx)i;
		wrong += ctx != 2000 + (rm_ctx)i && ctx != RM_CTX_NOBODY;
		rm_tokio_polled(before);
	}
	RM_CHECK(wrong == 0 && right > 10000);
}

RM_TEST("once enough tasks lie where posix_memalign puts them, no other memory is looked at; one that does not is remembered")
{
	struct cell *c = aligned_alloc(128, 256);
	uint32_t before;

	RM_CHECK(!rm_tokio_is_in_plain_memory());
	ended = UINT32_MAX;
	before = run(make((char *)c + 16));
	rm_tokio_polled(before);
	RM_CHECK(rm_tokio_is_in_plain_memory());
	free(c);
}
