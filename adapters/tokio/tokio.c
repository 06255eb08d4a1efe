/*
 * Moves into tokio, Rust's runtime for asynchronous work, which is compiled into the program. Nothing of it has a name there
 * for sure, but it calls tasks by way of tables in the program's data (places.c). In those, the addresses of the
 * functions that run a task and wake one are replaced by ours, which note what is going on (tasks.c) and go on to the
 * program's; so are the words through which the program calls malloc and posix_memalign, since tasks lie in memory that who makes
 * them asked for. No code is changed.
 *
 * Ours keep all that a function can be given, so that one which only looks like it works as before: a task is one whose
 * header leads to the very table, and a waker leaves nothing behind on the stack.
 * Done only where everything is as it is known; must never write a word that is not what the search found. What was read-only is
 * again when it is done.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

#include "adapters/tokio/places.h"
#include "adapters/tokio/tasks.h"
#include "agent/adapter_api.h"
#include "base/log.h"
#include "base/sys.h"

extern const struct rm_adapter rm_adapter_tokio;

#if defined(__x86_64__)

/* Where each of our functions goes on: the assembler's code below knows this form. */
struct way {
	uintptr_t original;
	const uintptr_t *table;
};

__attribute__((used, visibility("hidden"))) struct way rm_tokio_poll_ways[RM_TOKIO_TABLES_MAX];
__attribute__((used, visibility("hidden"))) struct way rm_tokio_wake_ways[2 * RM_TOKIO_WAKERS_MAX];
extern const char rm_tokio_poll_doors[], rm_tokio_wake_doors[];

enum { DOOR_BYTES = 16, CELL_MIN = 80 };

/*
 * One door for each way, 16 bytes: r11 says which. A poll is given the task's header (rdi) and gives nothing back; whatever else
 * comes along is passed on as it is.
 */
__asm__(
	".pushsection .text.rm_tokio, \"ax\", @progbits\n"
	".macro rm_tokio_doors name, ways, to, count\n"
	".balign 16\n"
	".hidden \\name\n"
	".globl \\name\n"
	".type \\name, @function\n"
	"\\name:\n"
	".set rm_tokio_i, 0\n"
	".rept \\count\n"
	"	endbr64\n"
	"	leaq \\ways + rm_tokio_i * 16(%rip), %r11\n"
	"	{disp32} jmp \\to\n"
	".set rm_tokio_i, rm_tokio_i + 1\n"
	".endr\n"
	".size \\name, . - \\name\n"
	".endm\n"

	".type rm_tokio_poll_any, @function\n"
	"rm_tokio_poll_any:\n"
	"	.cfi_startproc\n"
	"	testb $7, %dil\n"
	"	jnz 1f\n"
	"	movq 16(%rdi), %r10\n"
	"	cmpq 8(%r11), %r10\n"
	"	jne 1f\n"
	"	pushq %r11\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	pushq %rdi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	subq $8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	movq %r10, %rsi\n"
	"	call rm_tokio_poll\n"
	"	movl %eax, (%rsp)\n"
	"	movq 8(%rsp), %rdi\n"
	"	movq 16(%rsp), %r11\n"
	"	call *(%r11)\n"
	"	movl (%rsp), %edi\n"
	"	call rm_tokio_polled\n"
	"	addq $24, %rsp\n"
	"	.cfi_adjust_cfa_offset -24\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"1:	jmp *(%r11)\n"
	".size rm_tokio_poll_any, . - rm_tokio_poll_any\n"

	".type rm_tokio_wake_any, @function\n"
	"rm_tokio_wake_any:\n"
	"	.cfi_startproc\n"
	"	pushq %r11\n	pushq %rdi\n	pushq %rsi\n	pushq %rdx\n	pushq %rcx\n"
	"	pushq %r8\n	pushq %r9\n	pushq %r10\n	pushq %rax\n"
	"	.cfi_adjust_cfa_offset 72\n"
	"	subq $128, %rsp\n"
	"	.cfi_adjust_cfa_offset 128\n"
	"	movups %xmm0, (%rsp)\n	movups %xmm1, 16(%rsp)\n	movups %xmm2, 32(%rsp)\n	movups %xmm3, 48(%rsp)\n"
	"	movups %xmm4, 64(%rsp)\n	movups %xmm5, 80(%rsp)\n	movups %xmm6, 96(%rsp)\n	movups %xmm7, 112(%rsp)\n"
	"	movq 200(%rsp), %rsi\n"
	"	call rm_tokio_wake\n"
	"	movups (%rsp), %xmm0\n	movups 16(%rsp), %xmm1\n	movups 32(%rsp), %xmm2\n	movups 48(%rsp), %xmm3\n"
	"	movups 64(%rsp), %xmm4\n	movups 80(%rsp), %xmm5\n	movups 96(%rsp), %xmm6\n	movups 112(%rsp), %xmm7\n"
	"	addq $128, %rsp\n"
	"	.cfi_adjust_cfa_offset -128\n"
	"	popq %rax\n	popq %r10\n	popq %r9\n	popq %r8\n"
	"	popq %rcx\n	popq %rdx\n	popq %rsi\n	popq %rdi\n	popq %r11\n"
	"	.cfi_adjust_cfa_offset -72\n"
	"	jmp *(%r11)\n"
	"	.cfi_endproc\n"
	".size rm_tokio_wake_any, . - rm_tokio_wake_any\n"

	"	rm_tokio_doors rm_tokio_poll_doors, rm_tokio_poll_ways, rm_tokio_poll_any, 1024\n"
	"	rm_tokio_doors rm_tokio_wake_doors, rm_tokio_wake_ways, rm_tokio_wake_any, 256\n"
	".popsection\n");

_Static_assert(RM_TOKIO_TABLES_MAX == 1024 && RM_TOKIO_WAKERS_MAX == 128, "as many doors");
_Static_assert(offsetof(struct rm_tokio_header, table) == 16, "as the code above has it");

static struct rm_tokio_places places;

/* ---- memory that may become a task ---- */

static int (*real_memalign)(void **, size_t, size_t);
static void *(*real_malloc)(size_t);

static int f_memalign(void **ret, size_t align, size_t bytes)
{
	int error = real_memalign(ret, align, bytes);

	if (error == 0 && bytes >= CELL_MIN)
		rm_tokio_allocated(*ret);
	return error;
}

static void *f_malloc(size_t bytes)
{
	void *p = real_malloc(bytes);

	if (bytes >= CELL_MIN && p && rm_tokio_is_in_plain_memory())
		rm_tokio_allocated(p);
	return p;
}

/* ---- moving in ---- */

/* Calls `fn` for each word that is to be written; false ends it. */
static bool each_word(bool (*fn)(uintptr_t *word, uintptr_t ours))
{
	for (unsigned i = 0; i < places.table_count; i++)
		if (!fn(&places.tables[i][RM_TOKIO_POLL], (uintptr_t)rm_tokio_poll_doors + (uintptr_t)i * DOOR_BYTES))
			return false;
	for (unsigned i = 0; i < 2 * places.waker_count; i++)
		if (!fn(&places.wakers[i / 2][RM_TOKIO_WAKE + i % 2], (uintptr_t)rm_tokio_wake_doors + (uintptr_t)i * DOOR_BYTES))
			return false;
	return (!places.memalign || fn(places.memalign, (uintptr_t)f_memalign)) &&
	       (!places.malloc || fn(places.malloc, (uintptr_t)f_malloc));
}

static const struct rm_object *object; /* while it is moved into */
static uintptr_t low, high;            /* what is read-only of it and written to */

/* Only what is as it must be in an object that is loaded completely. */
static bool can_write(uintptr_t *word, uintptr_t ours)
{
	bool relro = rm_object_is_relro(object, (uintptr_t)word, sizeof(*word));

	(void)ours;
	if (relro && (uintptr_t)word < low)
		low = (uintptr_t)word & ~(rm_page_bytes() - 1);
	if (relro && (uintptr_t)(word + 1) > high)
		high = (uintptr_t)(word + 1);
	return rm_word_is_writable(word) != relro;
}

static bool write_word(uintptr_t *word, uintptr_t ours)
{
	__atomic_store_n(word, ours, __ATOMIC_RELEASE);
	return true;
}

static bool protect(int protection)
{
	return low >= high || rm_sys3(__NR_mprotect, low, high - low, protection) == 0;
}

static void note_ways(void)
{
	for (unsigned i = 0; i < places.table_count; i++)
		rm_tokio_poll_ways[i] = (struct way){ places.tables[i][RM_TOKIO_POLL], places.tables[i] };
	for (unsigned i = 0; i < 2 * places.waker_count; i++)
		rm_tokio_wake_ways[i] = (struct way){ places.wakers[i / 2][RM_TOKIO_WAKE + i % 2], places.wakers[i / 2] };
	if (places.memalign)
		real_memalign = (int (*)(void **, size_t, size_t))*places.memalign;
	if (places.malloc)
		real_malloc = (void *(*)(size_t))*places.malloc;
	__sync_synchronize(); /* atomic_thread_fence, which gcc refuses under -fsanitize=thread */
}

/* NULL: done. Else why not; "" where there is no tokio. */
static const char *move_into(const struct rm_object *o)
{
	rm_tokio_find(o, &places);
	if (!places.table_count)
		return "";
	if (places.too_many)
		return "it has too many kinds of tasks";
	if (!places.waker_count)
		return "what wakes its tasks is not found";
	if (o->text_relocations || o->prelinked)
		return "the program is loaded in an unusual way";
	object = o;
	low = UINTPTR_MAX;
	if (!each_word(can_write))
		return "its tables are not protected as they should be";
	if (!rm_tokio_tasks_start())
		return "no memory";
	note_ways();
	rm_ctx_use(&rm_adapter_tokio);
	if (!protect(PROT_READ | PROT_WRITE))
		return "its tables cannot be written to";
	each_word(write_word);
	protect(PROT_READ);
	return NULL;
}

/* The first object is the program itself. */
static bool look_at(const struct rm_object *o, void *arg)
{
	const char *why = move_into(o);

	(void)arg;
	if (!why)
		rm_debug(RM_LOG_INIT, "tokio: %u kinds of tasks, %u of wakers", places.table_count, places.waker_count);
	else if (*why)
		rm_debug(RM_LOG_INIT, "tokio: left alone: %s", why);
	return true;
}

static enum rm_arrival arrive(void)
{
	static atomic_flag looked = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&looked))
		rm_objects_each(look_at, NULL);
	return RM_ARRIVAL_DONE;
}

static bool serve(void)
{
	rm_tokio_accepts();
	return rm_tokio_poll_ways[0].original != 0;
}

#else

static enum rm_arrival arrive(void)
{
	return RM_ARRIVAL_DONE;
}

static bool serve(void)
{
	return false;
}

#endif

const struct rm_adapter rm_adapter_tokio = {
	.name = "tokio",
	.arrive = arrive,
	.serve = serve,
	.on_request = rm_tokio_serves,
	.runs = rm_tokio_runs,
};
