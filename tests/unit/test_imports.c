/*
 * Import slots of real objects, opened as programs open them. The program itself is linked with one
 * library, and opens importers of another one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "hooks/imports.h"
#include "tests/rmtest.h"
#include "tests/unit/imports/library.h"

RM_LIBRARY linked = { .name = "linked", .anchor = "linked_anchor" };
RM_LIBRARY opened = { .name = "opened", .anchor = "opened_anchor" };

static _Atomic int hook_calls;

RM_IMPORT(linked, linked_add);
static int hook_linked_add(int a, int b)
{
	hook_calls++;
	return real_linked_add(a, b);
}

RM_IMPORT(opened, opened_add);
static int hook_opened_add(int a, int b)
{
	hook_calls++;
	return real_opened_add(a, b);
}

RM_IMPORT(opened, opened_negate);
static int hook_opened_negate(int a)
{
	hook_calls++;
	return real_opened_negate(a);
}

int opened_later(void);
RM_IMPORT_IF_PRESENT(opened, opened_later);
static int hook_opened_later(void)
{
	return real_opened_later();
}

/* ---- objects ---- */

struct handle {
	void *object;
	const struct importer *importer;
};

static void *open_object(const char *name, int flags)
{
	char path[512];
	void *object;

	snprintf(path, sizeof(path), "%s/%s.so", getenv("IMPORTS_DIR"), name);
	object = dlopen(path, flags);
	if (!object)
		printf("# %s\n", dlerror());
	return object;
}

static struct handle open_importer(const char *name, int flags)
{
	struct handle h = { .object = open_object(name, flags) };

	h.importer = h.object ? dlsym(h.object, "importer") : NULL;
	if (!h.importer)
		abort();
	return h;
}

static unsigned left(void)
{
	return rm_imports_seen().left;
}

/* How many of the calls that an importer can make reach a hook; all must still do what they did. */
static int hooked_ways(const struct importer *i)
{
	int before = hook_calls;

	RM_CHECK(i->call_add(2, 3) == 5);
	RM_CHECK(i->call_negate(4) == -4);
	RM_CHECK(i->add_address()(5, 6) == 11);
	RM_CHECK(i->const_table[0](7, 8) == 15);
	RM_CHECK((*i->variable)(9, 1) == 10);
	return hook_calls - before;
}

enum { ALL_WAYS = 5 };

/* The library is closed with its last importer. */
static bool library_is_loaded(void)
{
	char path[512];
	void *object;

	snprintf(path, sizeof(path), "%s/libopened.so", getenv("IMPORTS_DIR"));
	object = dlopen(path, RTLD_NOLOAD | RTLD_LAZY);
	if (object)
		dlclose(object);
	return object != NULL;
}

/* The permissions that the kernel shows for an address, as "r--p". */
static void permissions_of(const void *at, char ret[5])
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long low, high;
	char line[512], seen[5];

	strcpy(ret, "none");
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s", &low, &high, seen) == 3 && (unsigned long)at >= low &&
		    (unsigned long)at < high)
			strcpy(ret, seen);
	fclose(maps);
}

static void check_importer(const char *name, bool bound_before)
{
	struct handle h = open_importer(name, RTLD_LAZY | RTLD_LOCAL);
	char before[5], after[5];

	if (bound_before)
		RM_CHECK(hooked_ways(h.importer) == 0);
	permissions_of(h.importer->const_table, before);
	rm_imports_scan();
	permissions_of(h.importer->const_table, after);
	RM_CHECK(hooked_ways(h.importer) == ALL_WAYS);
	RM_CHECK(strcmp(before, after) == 0);
	RM_CHECK(left() == 0);
	dlclose(h.object);
	RM_CHECK(!library_is_loaded());
}

/* ---- one importer ---- */

/* Not looked into: compilers read the address once in a function. */
static __attribute__((noinline)) int (*programs_address(void))(int, int)
{
	__asm__ volatile(""); /* so that it is not taken for one that always gives the same */
	return linked_add;
}

RM_TEST("an object that was lent the address of the program's own linkage table")
{
	struct handle h = open_importer("borrower", RTLD_LAZY);
	int before = hook_calls;

	RM_CHECK(h.importer->add_address() == programs_address());
	rm_imports_scan();
	RM_CHECK(h.importer->add_address() == programs_address());
	RM_CHECK(left() == 0);
	RM_CHECK(h.importer->add_address()(1, 2) == 3 && h.importer->call_add(1, 2) == 3);
	RM_CHECK((*h.importer->variable)(1, 2) == 3 && h.importer->const_table[0](1, 2) == 3);
	RM_CHECK(hook_calls == before + 4);
	dlclose(h.object);
}

RM_TEST("the program's own calls are led to the hook")
{
	int (*address)(int, int) = linked_add;
	int before = hook_calls;

	RM_CHECK(linked_add(1, 2) == 3 && address(1, 2) == 3);
	rm_imports_scan();
	address = linked_add;
	before = hook_calls;
	RM_CHECK(linked_add(1, 2) == 3 && address(1, 2) == 3 && hook_calls == before + 2);
	RM_CHECK(left() == 0 && linked_negate(1) == -1);
}

RM_TEST("a slot that is bound at the first call, before that call")
{
	check_importer("lazy", false);
}

RM_TEST("a slot that is bound at the first call, after that call")
{
	check_importer("lazy", true);
}

RM_TEST("slots that are bound at load, read-only then, stay read-only")
{
	check_importer("now", false);
	check_importer("now", true);
}

RM_TEST("data is read-only and calls are bound late")
{
	check_importer("partial", false);
	check_importer("partial", true);
}

RM_TEST("calls without a linkage table")
{
	check_importer("noplt", false);
}

RM_TEST("an object whose code has relocations is left alone and counted")
{
	struct handle h = open_importer("textrel", RTLD_LAZY);

	rm_imports_scan();
	RM_CHECK(hooked_ways(h.importer) == 0);
	RM_CHECK(left() == 1);
	dlclose(h.object);
	rm_imports_scan();
	RM_CHECK(left() == 0);
}

RM_TEST("an object that changed a pointer of its own keeps it")
{
	struct handle h = open_importer("now", RTLD_LAZY);
	int (*mine)(int, int) = linked_add;

	*h.importer->variable = mine;
	rm_imports_scan();
	RM_CHECK(*h.importer->variable == mine && left() == 0);
	RM_CHECK(hooked_ways(h.importer) >= ALL_WAYS - 1);
	dlclose(h.object);
}

/* ---- several, and again ---- */

RM_TEST("all importers see one address of the function")
{
	struct handle a = open_importer("lazy", RTLD_LAZY | RTLD_LOCAL);
	struct handle b = open_importer("now", RTLD_NOW | RTLD_GLOBAL);

	RM_CHECK(a.importer->add_address() == b.importer->add_address());
	rm_imports_scan();
	RM_CHECK(a.importer->add_address() == b.importer->add_address());
	RM_CHECK(a.importer->add_address() == b.importer->const_table[0]);
	RM_CHECK(hooked_ways(a.importer) == ALL_WAYS && hooked_ways(b.importer) == ALL_WAYS);
	dlclose(a.object);
	RM_CHECK(hooked_ways(b.importer) == ALL_WAYS);
	dlclose(b.object);
}

RM_TEST("an object that is opened later is led by the next scan")
{
	struct handle a = open_importer("lazy", RTLD_LAZY), b;
	uint32_t hooked;

	rm_imports_scan();
	hooked = rm_imports_seen().hooked;
	rm_imports_scan();
	RM_CHECK(rm_imports_seen().hooked == hooked);
	b = open_importer("now", RTLD_LAZY);
	RM_CHECK(hooked_ways(b.importer) == 0);
	rm_imports_scan();
	RM_CHECK(hooked_ways(b.importer) == ALL_WAYS && hooked_ways(a.importer) == ALL_WAYS);
	dlclose(a.object);
	dlclose(b.object);
}

RM_TEST("a library that is closed and opened at another address")
{
	void *taken[8];

	for (int i = 0; i < 8; i++) {
		struct handle h = open_importer(i % 2 ? "lazy" : "partial", RTLD_LAZY);

		rm_imports_scan();
		RM_CHECK(hooked_ways(h.importer) == ALL_WAYS);
		dlclose(h.object);
		RM_CHECK(!library_is_loaded());
		/* Takes up the place where it was, or another one near it. */
		taken[i] = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	for (int i = 0; i < 8; i++)
		munmap(taken[i], 1 << 20);
}

RM_TEST("an object is led where another one lay before that had nothing to lead, or was led itself")
{
	static const char *const names[] = { "now", "bystander", "lazy", "lazy", "bystander", "now", "now" };
	struct handle first = open_importer("partial", RTLD_LAZY);
	const void *before = NULL;
	int same_place = 0;

	for (int i = 0; i < 7; i++) {
		struct handle h = open_importer(names[i], RTLD_LAZY);

		rm_imports_scan();
		RM_CHECK(hooked_ways(h.importer) == (strcmp(names[i], "bystander") == 0 ? 0 : ALL_WAYS));
		RM_CHECK(hooked_ways(first.importer) == ALL_WAYS && left() == 0);
		rm_imports_scan();
		same_place += h.importer == before;
		before = h.importer;
		dlclose(h.object);
	}
	RM_CHECK(same_place > 0);
	dlclose(first.object);
}

RM_TEST("a slot that another thread binds after us is led by the next scan")
{
	struct handle h = open_importer("now", RTLD_LAZY), next;
	int (*real)(int, int) = *h.importer->variable;

	rm_imports_scan();
	RM_CHECK(hooked_ways(h.importer) == ALL_WAYS);
	*h.importer->variable = real;
	next = open_importer("bystander", RTLD_LAZY);
	rm_imports_scan();
	RM_CHECK(hooked_ways(h.importer) == ALL_WAYS && left() == 0);
	dlclose(next.object);
	dlclose(h.object);
}

RM_TEST("each of many that are opened one by one is led, what came between them or went")
{
	enum { FEW = 5 };
	static const char *const names[FEW] = { "now", "bystander", "lazy", "partial", "noplt" };
	struct handle h[FEW];

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < FEW; i++) {
			void *elsewhere = i == round ? dlmopen(LM_ID_NEWLM, "libdl.so.2", RTLD_LAZY) : NULL;

			h[i] = open_importer(names[i], RTLD_LAZY);
			rm_imports_scan();
			for (int k = 0; k <= i; k++)
				RM_CHECK(hooked_ways(h[k].importer) == (k == 1 ? 0 : ALL_WAYS));
			if (elsewhere)
				dlclose(elsewhere);
		}
		for (int i = 0; i < FEW; i++)
			dlclose(h[(i + round) % FEW].object);
	}
}

RM_TEST("callers of a second copy of the library are left alone and counted")
{
	struct handle a = open_importer("now", RTLD_LAZY);
	struct handle b = open_importer("now_copy", RTLD_NOW | RTLD_LOCAL);

	rm_imports_scan();
	RM_CHECK(hooked_ways(a.importer) == ALL_WAYS);
	RM_CHECK(hooked_ways(b.importer) == 0);
	RM_CHECK(left() == 1);
	dlclose(a.object);
	rm_imports_scan();
	RM_CHECK(hooked_ways(b.importer) == ALL_WAYS && left() == 0);
	dlclose(b.object);
}

RM_TEST("of two copies nobody knows which one a call that is not bound will reach")
{
	struct handle a = open_importer("now", RTLD_LAZY | RTLD_LOCAL), b, c;

	rm_imports_scan();
	RM_CHECK(hooked_ways(a.importer) == ALL_WAYS && left() == 0);
	b = open_importer("now_copy", RTLD_LAZY | RTLD_LOCAL);
	c = open_importer("lazy", RTLD_LAZY | RTLD_LOCAL);
	rm_imports_scan();
	RM_CHECK(left() == 2);
	RM_CHECK(hooked_ways(c.importer) == 0);
	dlclose(b.object);
	rm_imports_scan();
	RM_CHECK(left() == 0 && hooked_ways(c.importer) == ALL_WAYS);
	dlclose(a.object);
	dlclose(c.object);
}

RM_TEST("a library of indirect functions is none")
{
	void *library = open_object("indirect", RTLD_NOW | RTLD_GLOBAL);
	struct handle h = open_importer("alone", RTLD_NOW);

	rm_imports_scan();
	RM_CHECK(hooked_ways(h.importer) == 0);
	dlclose(h.object);
	dlclose(library);
}

/* ---- the kernel refuses ---- */

/* From now on mprotect is refused, as a security module would. */
static void refuse_mprotect(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mprotect, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(77);
}

static int refused_child(void)
{
	struct handle h = open_importer("now", RTLD_LAZY);
	struct handle lazy = open_importer("lazy", RTLD_LAZY);

	refuse_mprotect();
	rm_imports_scan();
	if (hooked_ways(h.importer) != 0 || left() != 1)
		return 1;
	return hooked_ways(lazy.importer) == ALL_WAYS && library_is_loaded() ? 0 : 2;
}

RM_TEST("where pages may not be made writable the object is left alone and counted")
{
	pid_t child = fork();
	int status = -1;

	if (child == 0)
		_exit(refused_child());
	RM_CHECK(waitpid(child, &status, 0) == child);
	RM_CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
}

/* ---- threads ---- */

static _Atomic bool stop;
static _Atomic int wrong;

static void *keep_calling(void *arg)
{
	const struct importer *i = arg;

	for (int n = 0; !stop; n++)
		if (i->call_add(n & 0xff, 1) != (n & 0xff) + 1 || i->call_negate(n) != -n ||
		    i->add_address()(n & 0xff, 2) != (n & 0xff) + 2)
			wrong++;
	return NULL;
}

static void *keep_loading(void *arg)
{
	while (!stop) {
		struct handle h = open_importer(arg, RTLD_LAZY);

		if (h.importer->call_add(1, 1) != 2 || h.importer->const_table[0](1, 1) != 2)
			wrong++;
		dlclose(h.object);
	}
	return NULL;
}

RM_TEST("threads call through a slot while it is written to")
{
	enum { ROUNDS = 60 };

	for (int round = 0; round < ROUNDS; round++) {
		struct handle h = open_importer(round % 2 ? "lazy" : "now", RTLD_LAZY);
		pthread_t threads[3];

		stop = false;
		for (int i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, keep_calling, (void *)h.importer);
		usleep(200);
		rm_imports_scan();
		stop = true;
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		/* A thread in the middle of the first call of a slot may have written to it after us. */
		hooked_ways(h.importer);
		dlclose(h.object);
	}
	RM_CHECK(wrong == 0);
}

RM_TEST("other threads open and close objects during scans")
{
	enum { SCANS = 600 };
	static char *const names[] = { "lazy", "now", "partial", "noplt" };
	pthread_t threads[4];
	struct handle h;

	stop = false;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, keep_loading, names[i]);
	for (int i = 0; i < SCANS; i++)
		rm_imports_scan();
	stop = true;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	RM_CHECK(wrong == 0);
	h = open_importer("now", RTLD_LAZY);
	rm_imports_scan();
	RM_CHECK(hooked_ways(h.importer) == ALL_WAYS && left() == 0);
	dlclose(h.object);
}

RM_TEST("nothing is changed below a tool that watches the binding")
{
	struct handle h = open_importer("lazy", RTLD_LAZY);

	rm_imports_forbid();
	rm_imports_scan();
	RM_CHECK(hooked_ways(h.importer) == 0);
	dlclose(h.object);
}
