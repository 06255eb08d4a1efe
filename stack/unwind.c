/*
 * libunwind works here as it does for a debugger: it asks for registers, words of memory and unwind tables, and
 * is given what can be read; it touches nothing itself. So it needs no lock of the loader, no look at the
 * process by system calls, and cannot fault on a stack that is broken.
 * One thread at a time; nothing is allocated but what stands in for malloc (stack/stand_in.c).
 */
#include "stack/unwind.h"

#include <libunwind.h>
#include <string.h>

#include "stack/module.h"

/* Exported for debuggers that bring their own memory (perf does), and declared nowhere. */
#define search_table UNW_OBJ(dwarf_search_unwind_table)
extern int search_table(unw_addr_space_t as, unw_word_t ip, unw_dyn_info_t *di, unw_proc_info_t *pi, int need_info,
			void *arg);

/* For going on in a frame, which is never asked for here; the archive lacks it. */
extern __attribute__((noreturn)) void UNW_OBJ(setcontext)(void);
void UNW_OBJ(setcontext)(void)
{
	__builtin_trap();
}

#if defined(__x86_64__)
enum { REGISTERS = 17, PC = UNW_X86_64_RIP, SP = UNW_X86_64_RSP };
static const int in_context[REGISTERS] = {
	[UNW_X86_64_RAX] = REG_RAX, [UNW_X86_64_RDX] = REG_RDX, [UNW_X86_64_RCX] = REG_RCX, [UNW_X86_64_RBX] = REG_RBX,
	[UNW_X86_64_RSI] = REG_RSI, [UNW_X86_64_RDI] = REG_RDI, [UNW_X86_64_RBP] = REG_RBP, [UNW_X86_64_RSP] = REG_RSP,
	[UNW_X86_64_R8] = REG_R8,   [UNW_X86_64_R9] = REG_R9,	[UNW_X86_64_R10] = REG_R10, [UNW_X86_64_R11] = REG_R11,
	[UNW_X86_64_R12] = REG_R12, [UNW_X86_64_R13] = REG_R13, [UNW_X86_64_R14] = REG_R14, [UNW_X86_64_R15] = REG_R15,
	[UNW_X86_64_RIP] = REG_RIP,
};
#elif defined(__aarch64__)
enum { REGISTERS = 33, PC = UNW_AARCH64_PC, SP = UNW_AARCH64_SP };
#endif

struct walk {
	struct rm_maps *maps;
	unw_word_t reg[REGISTERS];
};

static void read_registers(struct walk *w, const ucontext_t *at)
{
#if defined(__x86_64__)
	for (int i = 0; i < REGISTERS; i++)
		w->reg[i] = (unw_word_t)at->uc_mcontext.gregs[in_context[i]];
#elif defined(__aarch64__)
	for (int i = 0; i < 31; i++)
		w->reg[i] = at->uc_mcontext.regs[i];
	w->reg[SP] = at->uc_mcontext.sp;
	w->reg[PC] = at->uc_mcontext.pc;
#endif
}

/* ---- what libunwind asks for ---- */

/* Wherever it lies. */
struct word {
	unw_word_t value;
} __attribute__((packed, may_alias));

/* The stack of a crash has what no sanitizer would let anybody read. */
__attribute__((no_sanitize("address", "thread"))) static unw_word_t read_word(unw_word_t at)
{
	return ((const volatile struct word *)at)->value;
}

static int on_memory(unw_addr_space_t as, unw_word_t at, unw_word_t *value, int write, void *arg)
{
	struct walk *w = arg;

	if (write || !rm_maps_readable(w->maps, at, sizeof(*value)))
		return -UNW_EINVAL;
	*value = read_word(at);
	return 0;
}

static int on_register(unw_addr_space_t as, unw_regnum_t reg, unw_word_t *value, int write, void *arg)
{
	struct walk *w = arg;

	if (write || reg < 0 || reg >= REGISTERS)
		return write ? -UNW_EREADONLYREG : -UNW_EBADREG;
	*value = w->reg[reg];
	return 0;
}

/*
 * .eh_frame_hdr begins with its version, how three things are encoded, where .eh_frame is, and how many entries the table has
 * that follows. All linkers write the encodings below.
 */
struct header {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
	struct {
		int32_t start, entry;
	} table[];
} __attribute__((packed)); /* wherever it lies */
enum { PCREL_SDATA4 = 0x1b, UDATA4 = 0x03, DATAREL_SDATA4 = 0x3b };

static int on_find(unw_addr_space_t as, unw_word_t ip, unw_proc_info_t *pi, int need_info, void *arg)
{
	struct walk *w = arg;
	const struct header *h;
	struct rm_module module;
	unw_dyn_info_t di;

	if (!rm_module_find(w->maps, ip, &module) || !module.unwind)
		return -UNW_ENOINFO;
	h = (const struct header *)module.unwind;
	if (!rm_maps_readable(w->maps, module.unwind, sizeof(*h)) || h->version != 1 || h->frame_encoding != PCREL_SDATA4 ||
	    h->count_encoding != UDATA4 || h->table_encoding != DATAREL_SDATA4)
		return -UNW_ENOINFO;
	memset(&di, 0, sizeof(di));
	di.format = UNW_INFO_FORMAT_REMOTE_TABLE;
	di.start_ip = 0;
	di.end_ip = UINTPTR_MAX;
	di.u.rti.segbase = module.unwind;
	di.u.rti.table_data = module.unwind + sizeof(*h);
	di.u.rti.table_len = h->count * sizeof(h->table[0]) / sizeof(unw_word_t);
	return search_table(as, ip, &di, pi, need_info, arg);
}

static void on_put(unw_addr_space_t as, unw_proc_info_t *pi, void *arg)
{
}

static int on_dynamic_list(unw_addr_space_t as, unw_word_t *ret, void *arg)
{
	return -UNW_ENOINFO;
}

static int on_float(unw_addr_space_t as, unw_regnum_t reg, unw_fpreg_t *value, int write, void *arg)
{
	return -UNW_EBADREG;
}

static int on_resume(unw_addr_space_t as, unw_cursor_t *cursor, void *arg)
{
	return -UNW_EINVAL;
}

static int on_name(unw_addr_space_t as, unw_word_t at, char *name, size_t n, unw_word_t *offset, void *arg)
{
	return -UNW_ENOINFO;
}

static unw_accessors_t asked = {
	.find_proc_info = on_find,
	.put_unwind_info = on_put,
	.get_dyn_info_list_addr = on_dynamic_list,
	.access_mem = on_memory,
	.access_reg = on_register,
	.access_fpreg = on_float,
	.resume = on_resume,
	.get_proc_name = on_name,
};

/* ---- frames ---- */

struct taken {
	struct rm_frame *frame;
	uint32_t max, tail, count;
};

/* The first frames stay; of the others the last `tail` do. */
static void take(struct taken *t, uintptr_t pc, bool returns)
{
	uint32_t at = t->count;

	if (at >= t->max) {
		uint32_t first = t->max - t->tail;

		memmove(&t->frame[first], &t->frame[first + 1], (t->tail - 1) * sizeof(*t->frame));
		at = t->max - 1;
	}
	t->frame[at] = (struct rm_frame){ pc, returns };
	t->count++;
}

/* A call that led into nothing has only pushed where it comes back to. */
static bool step_out_of_nothing(struct walk *w)
{
	const struct rm_map *map = rm_maps_find(w->maps, w->reg[PC]);

	if (map && map->executable)
		return false;
#if defined(__x86_64__)
	if (on_memory(NULL, w->reg[SP], &w->reg[PC], 0, w) != 0)
		return false;
	w->reg[SP] += sizeof(unw_word_t);
#elif defined(__aarch64__)
	w->reg[PC] = w->reg[UNW_AARCH64_X30];
#endif
	map = rm_maps_find(w->maps, w->reg[PC]);
	return map && map->executable;
}

uint32_t rm_unwind(struct rm_maps *m, const ucontext_t *at, struct rm_frame *ret, uint32_t max, uint32_t tail,
		   uint32_t limit, uint32_t *ret_count)
{
	struct taken taken = { ret, max, tail, 0 };
	struct walk w = { .maps = m };
	unw_word_t pc, sp, pc_before = 0, sp_before = 0;
	bool returns = false;
	unw_addr_space_t as;
	unw_cursor_t cursor;

	*ret_count = 0;
	read_registers(&w, at);
	as = unw_create_addr_space(&asked, 0);
	if (!as)
		return 0;
	pc = w.reg[PC];
	if (step_out_of_nothing(&w)) {
		take(&taken, pc, false);
		returns = true;
	}
	if (unw_init_remote(&cursor, as, &w) != 0)
		taken.max = 0;
	while (taken.count < limit && taken.max > 0) {
		if (unw_get_reg(&cursor, UNW_REG_IP, &pc) != 0 || unw_get_reg(&cursor, UNW_REG_SP, &sp) != 0 || pc == 0)
			break;
		if (pc == pc_before && sp == sp_before)
			break;
		pc_before = pc;
		sp_before = sp;
		take(&taken, pc, returns);
		returns = unw_is_signal_frame(&cursor) <= 0;
		if (unw_step(&cursor) <= 0)
			break;
	}
	unw_destroy_addr_space(as);
	*ret_count = taken.count;
	return taken.count < max ? taken.count : max;
}
