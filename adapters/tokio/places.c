/*
 * Looks for tokio's tables in what the loader has written to of a program and made read-only, by their
 * form, so that a stripped program is as good as another:
 *   - a task's table, one for each kind of future and scheduler (tokio 1.24 and later): seven functions, then how far the
 *     trailer, the scheduler and the number of a task are from its header, in that the number follows the scheduler, and the
 *     trailer comes last;
 *   - a waker's (Rust's RawWakerVTable): four functions, of which the first one gives back the table's own address. There
 *     are some that are not tokio's: what is put there does nothing for them.
 * No table of a trait looks like the former: where that has numbers, they are two, and a function follows.
 */
#include "adapters/tokio/places.h"

#include <string.h>

#if defined(__x86_64__)

enum {
	HEADER_MIN = 32, HEADER_MAX = 512,      /* bytes: the scheduler comes after it */
	SCHEDULER_MAX = 256,
	TASK_MAX = 1 << 26,
	CODE_BYTES = 160, CALLS_DEEP = 2,       /* what is looked at of a waker's first function, and those that it calls */
	LEA = 0x8d, LOAD = 0x8b, CALL = 0xe8, JUMP = 0xe9, BY_SLOT = 0xff, CALL_BY_SLOT = 0x15, JUMP_BY_SLOT = 0x25,
};

struct range {
	uintptr_t low, high;
};

static struct range code_of(const struct rm_object *o)
{
	struct range r = { UINTPTR_MAX, 0 };

	for (unsigned i = 0; i < o->segment_count; i++) {
		const ElfW(Phdr) *s = &o->segments[i];

		if (s->p_type != PT_LOAD || !(s->p_flags & PF_X) || !(s->p_flags & PF_R))
			continue;
		r.low = o->base + s->p_vaddr < r.low ? o->base + s->p_vaddr : r.low;
		r.high = o->base + s->p_vaddr + s->p_filesz > r.high ? o->base + s->p_vaddr + s->p_filesz : r.high;
	}
	return r;
}

static bool is_code(const struct range *code, uintptr_t at)
{
	return at >= code->low && at < code->high;
}

/* So many words at `q`, all of them addresses of code. */
static bool all_code(const struct range *code, const uintptr_t *q, unsigned n)
{
	while (n && is_code(code, q[n - 1]))
		n--;
	return n == 0;
}

/* ---- tasks ---- */

static bool is_task_table(const struct range *code, const uintptr_t *q)
{
	uintptr_t trailer = q[RM_TOKIO_TRAILER], scheduler = q[RM_TOKIO_SCHEDULER], id = q[RM_TOKIO_ID];

	return trailer < TASK_MAX && scheduler >= HEADER_MIN && scheduler <= HEADER_MAX && id >= scheduler &&
	       id - scheduler <= SCHEDULER_MAX && trailer > id && (trailer | scheduler | id) % sizeof(uintptr_t) == 0 &&
	       all_code(code, q, RM_TOKIO_FUNCTIONS);
}

/* ---- wakers ---- */

/* What the four bytes at `p` lead to, counted from behind them. */
static uintptr_t target(const uint8_t *p)
{
	int32_t distance;

	memcpy(&distance, p, sizeof(distance));
	return (uintptr_t)(p + sizeof(distance)) + (uintptr_t)(intptr_t)distance;
}

/* What the linker's slot holds to which they lead; 0 where there is none. */
static uintptr_t held(const struct rm_object *o, const uint8_t *p)
{
	uintptr_t at = target(p);
	const ElfW(Phdr) *s = at % sizeof(uintptr_t) == 0 ? rm_object_segment(o, at, sizeof(uintptr_t)) : NULL;

	return s && s->p_flags & PF_R && !(s->p_flags & PF_X) ? *(const uintptr_t *)at : 0;
}

/*
 * What an instruction takes or calls: 48 or 4c, 8d or 8b, a register and no other part is an address or what a slot holds; e8 and
 * e9, ff 15 and ff 25 call and jump. 0: it is none of them.
 */
static uintptr_t taken(const struct rm_object *o, const uint8_t *p)
{
	bool takes = (p[0] & 0xfb) == 0x48 && (p[2] & 0xc7) == 5;

	if (takes && p[1] == LEA)
		return target(p + 3);
	if (takes && p[1] == LOAD)
		return held(o, p + 3);
	if (p[0] == CALL || p[0] == JUMP)
		return target(p + 1);
	return p[0] == BY_SLOT && (p[1] == CALL_BY_SLOT || p[1] == JUMP_BY_SLOT) ? held(o, p + 2) : 0;
}

/* True when the function at `at`, or one that it calls, takes the address `table`. */
static bool takes(const struct rm_object *o, uintptr_t at, uintptr_t table, int deep)
{
	const ElfW(Phdr) *s = rm_object_segment(o, at, 1);
	const uint8_t *p = (const uint8_t *)at;
	size_t n;

	if (!s || !(s->p_flags & PF_X) || !(s->p_flags & PF_R) || at - o->base - s->p_vaddr >= s->p_filesz)
		return false;
	n = s->p_filesz - (at - o->base - s->p_vaddr);
	n = n > CODE_BYTES ? CODE_BYTES : n;
	for (size_t i = 0; i + 7 <= n; i++) {
		uintptr_t what = taken(o, p + i);

		if (what == table || (what && deep && takes(o, what, table, deep - 1)))
			return true;
	}
	return false;
}

/* A task's table is no waker's, whatever its functions do. */
static bool is_of_task(const struct rm_tokio_places *found, const uintptr_t *q)
{
	for (unsigned i = 0; i < found->table_count; i++)
		if (q + RM_TOKIO_WAKER_WORDS > found->tables[i] && q < found->tables[i] + RM_TOKIO_FUNCTIONS)
			return true;
	return false;
}

/* ---- what the program allocates by ---- */

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static bool is_slot_of(const struct rm_object *o, const ElfW(Rela) *r, const char *name)
{
	uint32_t type = (uint32_t)ELF64_R_TYPE(r->r_info);
	const ElfW(Sym) *symbol = &o->symbols[ELF64_R_SYM(r->r_info)];

	return (type == R_X86_64_GLOB_DAT || type == R_X86_64_JUMP_SLOT) && symbol->st_shndx == SHN_UNDEF &&
	       same(o->strings + symbol->st_name, name) &&
	       rm_object_segment(o, o->base + r->r_offset, sizeof(uintptr_t)) && r->r_offset % sizeof(uintptr_t) == 0;
}

static uintptr_t *slot_of(const struct rm_object *o, const char *name)
{
	if (!o->symbols || !o->strings)
		return NULL;
	for (size_t i = 0; i < o->relocation_count; i++)
		if (is_slot_of(o, &o->relocations[i], name))
			return (uintptr_t *)(o->base + o->relocations[i].r_offset);
	for (size_t i = 0; i < o->jump_count; i++)
		if (is_slot_of(o, &o->jumps[i], name))
			return (uintptr_t *)(o->base + o->jumps[i].r_offset);
	return NULL;
}

/* ---- the search ---- */

/* The range of `s`, as far as it is mapped, in whole words. */
static struct range words_of(const struct rm_object *o, const ElfW(Phdr) *s, size_t bytes)
{
	uintptr_t low = (o->base + s->p_vaddr + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
	struct range r = { low, (o->base + s->p_vaddr + bytes) & ~(sizeof(uintptr_t) - 1) };
	const ElfW(Phdr) *mapped = rm_object_segment(o, low, 1);

	if (!mapped || r.high < r.low)
		return (struct range){ low, low };
	if (r.high > o->base + mapped->p_vaddr + mapped->p_memsz)
		r.high = (o->base + mapped->p_vaddr + mapped->p_memsz) & ~(sizeof(uintptr_t) - 1);
	return r;
}

typedef void look_fn(const struct rm_object *o, const struct range *code, uintptr_t *q, const uintptr_t *end,
		     struct rm_tokio_places *ret);

static void look_for_tasks(const struct rm_object *o, const struct range *code, uintptr_t *q, const uintptr_t *end,
			   struct rm_tokio_places *ret)
{
	if (end - q < RM_TOKIO_TABLE_WORDS || !is_task_table(code, q))
		return;
	if (ret->table_count < RM_TOKIO_TABLES_MAX)
		ret->tables[ret->table_count++] = q;
	else
		ret->too_many = true;
}

static void look_for_wakers(const struct rm_object *o, const struct range *code, uintptr_t *q, const uintptr_t *end,
			    struct rm_tokio_places *ret)
{
	if (end - q < RM_TOKIO_WAKER_WORDS || !all_code(code, q, RM_TOKIO_WAKER_WORDS) || is_of_task(ret, q) ||
	    !takes(o, q[RM_TOKIO_CLONE], (uintptr_t)q, CALLS_DEEP))
		return;
	if (ret->waker_count < RM_TOKIO_WAKERS_MAX)
		ret->wakers[ret->waker_count++] = q;
	else
		ret->too_many = true;
}

static void look(const struct rm_object *o, const struct range *code, look_fn *at, struct rm_tokio_places *ret)
{
	bool relro = false;

	for (unsigned i = 0; i < o->segment_count; i++)
		relro |= o->segments[i].p_type == PT_GNU_RELRO;
	for (unsigned i = 0; i < o->segment_count; i++) {
		const ElfW(Phdr) *s = &o->segments[i];
		struct range r;

		if (relro ? s->p_type != PT_GNU_RELRO : s->p_type != PT_LOAD || !(s->p_flags & PF_W))
			continue;
		r = words_of(o, s, relro ? s->p_memsz : s->p_filesz);
		for (uintptr_t *q = (uintptr_t *)r.low; (uintptr_t)q < r.high; q++)
			at(o, code, q, (const uintptr_t *)r.high, ret);
	}
}

void rm_tokio_find(const struct rm_object *o, struct rm_tokio_places *ret)
{
	struct range code = code_of(o);

	if (code.low >= code.high)
		return;
	look(o, &code, look_for_tasks, ret);
	if (!ret->table_count)
		return;
	look(o, &code, look_for_wakers, ret);
	ret->memalign = slot_of(o, "posix_memalign");
	ret->malloc = slot_of(o, "malloc");
}

#else

void rm_tokio_find(const struct rm_object *o, struct rm_tokio_places *ret)
{
	/* The instructions that take an address are of another form here: not known yet. */
	(void)o, (void)ret;
}

#endif
