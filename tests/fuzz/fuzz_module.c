/*
 * What is read of a process that crashed, stack/: its modules, their symbols, the way back from where it was. The input is three
 * registers, each a distance from the start of a module, and that module: it is a file, it is mapped at an address that is always
 * the same, and it is the stack, too. Nothing else counts as mapped, and nothing lies behind it. What must hold for any
 * input: names are slices of the file, addresses lie where they were found to be, and what is written are whole lines.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "stack/demangle.h"
#include "stack/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PAGE = 4096, MOST_BYTES = 1 << 16, REGISTERS = 3, NAME_MOST_BYTES = 1024, NAMES_MAX = 64 };

static struct rm_stack stack;

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void check_name(struct rm_str symbol)
{
	char room[NAME_MOST_BYTES + 8];
	struct rm_strbuf out;

	rm_strbuf_init(&out, room, sizeof(room));
	rm_demangle(symbol, &out);
	check(!out.truncated && out.n < NAME_MOST_BYTES);
	out.n = 0;
	rm_demangle_type(symbol, &out);
	check(!out.truncated && out.n < NAME_MOST_BYTES);
}

/* As a file, in memory of exactly its size. */
static void look_into_file(const uint8_t *data, size_t n)
{
	static struct rm_symbols s;
	char *copy = malloc(n);
	uint64_t offset = 0;

	memcpy(copy, data, n);
	if (rm_symbols_read(&s, copy, n))
		for (uint64_t i = 0; i < NAMES_MAX; i++) {
			uint64_t at = i * n / NAMES_MAX;
			struct rm_str name = rm_symbols_name(&s, at, &offset);

			if (name.n == 0)
				continue;
			check(name.p >= copy && name.n < n && name.p < copy + n - name.n && name.p[name.n] == '\0');
			check(offset <= at);
			check_name(name);
		}
	free(copy);
}

static void map(uintptr_t start, size_t n)
{
	char line[128];

	/* Not all of it, which is a mebibyte. */
	stack.maps.count = stack.maps.text_bytes = stack.shown = stack.count = stack.module_count = 0;
	stack.maps.last = NULL;
	rm_format(line, sizeof(line), "%lx-%lx r-xp 00000000 fe:01 1234    /no/such/module", (unsigned long)start,
		  (unsigned long)(start + n));
	rm_maps_line(&stack.maps, rm_str_c(line));
	check(stack.maps.count == 1);
}

static void walk(uintptr_t start, const uint16_t registers[REGISTERS])
{
	static char room[RM_STACK_FRAMES * RM_STACK_LINE_BYTES];
	static ucontext_t at;
	struct rm_strbuf out;

#if defined(__x86_64__)
	at.uc_mcontext.gregs[REG_RIP] = (greg_t)(start + registers[0]);
	at.uc_mcontext.gregs[REG_RSP] = (greg_t)(start + registers[1]);
	at.uc_mcontext.gregs[REG_RBP] = (greg_t)(start + registers[2]);
#elif defined(__aarch64__)
	at.uc_mcontext.pc = start + registers[0];
	at.uc_mcontext.sp = start + registers[1];
	at.uc_mcontext.regs[29] = start + registers[2];
#endif
	stack.shown = rm_unwind(&stack.maps, &at, stack.frame, RM_STACK_FRAMES, RM_STACK_TAIL, RM_FRAMES_COUNTED, &stack.count);
	check(stack.shown <= RM_STACK_FRAMES && stack.shown <= stack.count);
	rm_strbuf_init(&out, room, sizeof(room));
	rm_stack_write(&stack, UINT64_MAX, &out);
	check(!out.truncated && (out.n == 0 || room[out.n - 1] == '\n'));
}

/* As it is mapped, with nothing behind its last page. */
static void look_into_memory(const uint8_t *data, size_t n, const uint16_t registers[REGISTERS])
{
	static const char names[][24] = { "__abort_msg", "__cxa_get_globals_fast", "f" };
	char *const start = (char *)(uintptr_t)0x10000000;
	static char *memory;
	size_t pages = (n + PAGE - 1) & ~(size_t)(PAGE - 1);
	struct rm_module module;

	if (!memory)
		memory = mmap(start, MOST_BYTES + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	check(memory == start && mprotect(start, pages, PROT_READ | PROT_WRITE) == 0);
	memset(start, 0, pages);
	memcpy(start, data, n);
	map((uintptr_t)start, pages);
	if (rm_module_find(&stack.maps, (uintptr_t)start + registers[0] % pages, &module)) {
		check(module.start == (uintptr_t)start && module.build_id_bytes <= RM_BUILD_ID_MAX);
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			rm_module_symbol(&stack.maps, &module, names[i]);
	}
	walk((uintptr_t)start, registers);
	check(mprotect(start, pages, PROT_NONE) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint16_t registers[REGISTERS];

	if (n <= sizeof(registers) || n > MOST_BYTES)
		return 0;
	memcpy(registers, data, sizeof(registers));
	data += sizeof(registers), n -= sizeof(registers);
	check_name((struct rm_str){ (const char *)data, n < NAME_MOST_BYTES ? n : NAME_MOST_BYTES });
	look_into_file(data, n);
	look_into_memory(data, n, registers);
	return 0;
}
