/*
 * Leading calls of loaded objects to hooks, by their import slots: the words in an object's data to
 * which the loader writes the addresses of functions of other objects (relocations JUMP_SLOT,
 * GLOB_DAT, and pointers in tables). One store of a word a slot; no code is changed, no name exported.
 *
 * A slot is written to only when it is understood: it holds the address of the library's function as
 * it was found in the library itself, or is not bound yet (leads into the object's own linkage table)
 * while one object alone defines the name. All slots of an object are, or none: of a connection all
 * calls are to be seen, or none. What else may stand there, and why it stays:
 *   - nothing of sense: another thread is loading the object right now. It is looked at again later;
 *   - another function: a second copy of the library, or one that another tool put in front;
 *   - the linkage table of the program (position-dependent programs lend out the addresses of its
 *     entries): leads to the program's own slot, which is written to.
 * Slots that the loader made read-only (RELRO) are made writable for the store. When such a page is
 * still writable the object is not loaded completely, and its pages are the loader's.
 *
 * Runs in hooks, with the loader's list held still. Must never: write to an object that another
 * thread relocates or unloads, to code, or where it does not know what stood there.
 * Specification: ELF gABI and the processor supplements of x86-64 and AArch64.
 */
#include "hooks/imports.h"

#include <linux/membarrier.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/objects.h"
#include "base/sys.h"
#include "hooks/bystanders.h"

#if defined(__x86_64__)
enum { SLOT_JUMP = R_X86_64_JUMP_SLOT, SLOT_DATA = R_X86_64_GLOB_DAT, SLOT_POINTER = R_X86_64_64 };
#elif defined(__aarch64__)
enum { SLOT_JUMP = R_AARCH64_JUMP_SLOT, SLOT_DATA = R_AARCH64_GLOB_DAT, SLOT_POINTER = R_AARCH64_ABS64 };
#endif

enum {
	SLOTS_MAX = 128,   /* of one object and one library; who has more is left alone */
	RETRIES_MAX = 16,  /* scans for objects that were not understood, while nothing is loaded */
};

/* The linker's names for the ends of the section. */
extern const struct rm_import first_row[] __asm__("__start_rm_imports")
	__attribute__((visibility("hidden")));
extern const struct rm_import end_row[] __asm__("__stop_rm_imports")
	__attribute__((visibility("hidden")));

static bool forbidden;
static uint64_t scanned_changes;
static struct rm_bystanders_known scanned;
static int retries;
static _Atomic uint32_t hooked_slots, left_objects;

/* One library in one scan. */
struct search {
	struct rm_library *library;
	const void *first;     /* the anchor in the first object that defines it ... */
	bool still_there;      /* ... and whether the copy we know is among them */
	unsigned definers;
};

/* What one object has of one library. */
struct found {
	const struct rm_object *object;
	const struct search *search;
	uintptr_t *slots[SLOTS_MAX];
	const struct rm_import *rows[SLOTS_MAX];
	unsigned count;
	bool strange; /* at least one is not understood */
};

/* What is that far from the distance itself. */
static void *at(const int32_t *distance)
{
	return *distance ? (char *)(uintptr_t)distance + *distance : NULL;
}

static struct rm_library *library_of(const struct rm_import *row)
{
	return at(&row->library);
}

static const char *name_of(const struct rm_import *row)
{
	return at(&row->name);
}

static void **slot_of(const struct rm_import *row)
{
	return at(&row->slot);
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void *anchor_of(const struct rm_object *o, const struct rm_library *library)
{
	return rm_object_function_hashed(o, library->anchor, library->anchor_hash);
}

/* ---- which slots ---- */

/*
 * A bit for each way in which the names of rows begin, and one for each whole name: few calls of an object are of a library,
 * and most are told by their first four characters.
 */
static uint64_t beginnings[16], wholes[32];

static bool has_bit(const uint64_t *bits, unsigned bit)
{
	return bits[bit / 64] >> bit % 64 & 1;
}

/* Names of rows have more than four characters. */
static unsigned beginning_of(const char *name)
{
	const unsigned char *c = (const unsigned char *)name;

	if (!c[0] || !c[1] || !c[2])
		return 0;
	return (c[0] | (unsigned)c[1] << 8 | (unsigned)c[2] << 16 | (unsigned)c[3] << 24) * 0x9e3779b1u >> 22;
}

static unsigned whole_of(const char *name)
{
	return rm_object_hash(name) * 0x9e3779b1u >> 21;
}

static bool may_be_row(const char *name)
{
	return has_bit(beginnings, beginning_of(name)) && has_bit(wholes, whole_of(name));
}

static const struct rm_import *row_of(const struct rm_library *library, const char *name)
{
	for (const struct rm_import *row = library->from; row < library->to; row++)
		if (library_of(row) == library && same(name_of(row), name))
			return row;
	return NULL;
}

static uintptr_t real_of(const struct rm_import *row)
{
	return (uintptr_t)__atomic_load_n(slot_of(row), __ATOMIC_RELAXED);
}

static bool is_code(const struct rm_object *o, uintptr_t at)
{
	const ElfW(Phdr) *s = rm_object_segment(o, at, 1);

	return s && s->p_flags & PF_X;
}

struct program_entry {
	uintptr_t at;
	const char *name;
	bool found;
};

/* The program lends out the addresses of its linkage table: is this such an entry, of that name? */
static bool lent_by(const struct rm_object *o, void *arg)
{
	struct program_entry *e = arg;

	for (size_t i = 0; i < o->jump_count && !e->found; i++) {
		const ElfW(Sym) *s = &o->symbols[ELF64_R_SYM(o->jumps[i].r_info)];

		e->found = s->st_shndx == SHN_UNDEF && s->st_value && o->base + s->st_value == e->at &&
			   same(o->strings + s->st_name, e->name);
	}
	return true; /* the program comes first */
}

static bool leads_to_program(uintptr_t value, const char *name)
{
	struct program_entry e = { value, name, false };

	rm_objects_each(lent_by, &e);
	return e.found;
}

/* What stands in a slot of the row: true when it may be replaced. */
static bool is_understood(const struct found *f, const struct rm_import *row, uintptr_t value, bool jump)
{
	if (value == real_of(row))
		return true;
	return jump && f->search->definers == 1 && is_code(f->object, value);
}

/* A variable that the program gave another function since it was loaded. */
static bool is_the_programs(const struct rm_object *o, const uintptr_t *slot, uint32_t type)
{
	return type == SLOT_POINTER && *slot && !rm_object_is_relro(o, (uintptr_t)slot, sizeof(*slot));
}

/* True where the object calls another one by that symbol, or the library itself. */
static bool is_call(const ElfW(Sym) *s, const struct rm_library *library)
{
	return s->st_shndx == SHN_UNDEF || library->has_own;
}

static void consider(struct found *f, const ElfW(Rela) *r)
{
	const struct rm_object *o = f->object;
	uint32_t type = ELF64_R_TYPE(r->r_info);
	const ElfW(Sym) *s = &o->symbols[ELF64_R_SYM(r->r_info)];
	const ElfW(Phdr) *segment;
	const struct rm_import *row;
	uintptr_t *slot, value;

	if ((type != SLOT_JUMP && type != SLOT_DATA && type != SLOT_POINTER) || r->r_addend || !is_call(s, f->search->library))
		return;
	row = may_be_row(o->strings + s->st_name) ? row_of(f->search->library, o->strings + s->st_name) : NULL;
	if (!row || !row->hook)
		return;
	slot = (uintptr_t *)(o->base + r->r_offset);
	segment = rm_object_segment(o, (uintptr_t)slot, sizeof(*slot));
	if (!segment || !(segment->p_flags & PF_W) || segment->p_flags & PF_X || (uintptr_t)slot % sizeof(*slot)) {
		f->strange = true;
		return;
	}
	value = __atomic_load_n(slot, __ATOMIC_RELAXED);
	if (value == (uintptr_t)at(&row->hook))
		return;
	if (is_understood(f, row, value, type == SLOT_JUMP) && f->count < SLOTS_MAX) {
		f->slots[f->count] = slot;
		f->rows[f->count++] = row;
	} else if (!is_the_programs(o, slot, type) && (type == SLOT_JUMP || !leads_to_program(value, name_of(row)))) {
		f->strange = true;
	}
}

/* ---- writing ---- */

/* Gives the pages of the object's read-only slots another protection. True: done, or none has one. */
static bool protect(const struct found *f, int protection)
{
	uintptr_t low = UINTPTR_MAX, high = 0, page = rm_page_bytes();

	for (unsigned i = 0; i < f->count; i++) {
		uintptr_t at = (uintptr_t)f->slots[i];

		if (!rm_object_is_relro(f->object, at, sizeof(uintptr_t)))
			continue;
		low = at < low ? at & ~(page - 1) : low;
		high = at + sizeof(uintptr_t) > high ? at + sizeof(uintptr_t) : high;
	}
	return !high || rm_sys3(__NR_mprotect, low, high - low, protection) == 0;
}

/* Only what is as it must be in an object that is loaded completely. */
static bool can_write(const struct found *f)
{
	for (unsigned i = 0; i < f->count; i++)
		if (rm_word_is_writable(f->slots[i]) == rm_object_is_relro(f->object, (uintptr_t)f->slots[i], sizeof(uintptr_t)))
			return false;
	return true;
}

static bool write_slots(const struct found *f)
{
	if (!protect(f, PROT_READ | PROT_WRITE))
		return false;
	for (unsigned i = 0; i < f->count; i++)
		__atomic_store_n(f->slots[i], (uintptr_t)at(&f->rows[i]->hook), __ATOMIC_RELEASE);
	protect(f, PROT_READ);
	return true;
}

/* ---- objects ---- */

struct scan {
	struct search search;
	unsigned left; /* objects not understood in this scan */
	bool wrote;
};

/* Calls that the library, or the one that it comes with, makes of itself. */
static bool is_within(const struct rm_object *o, const struct rm_library *library)
{
	return (!library->has_own && anchor_of(o, library)) ||
	       (library->with && anchor_of(o, library->with));
}

static bool lead(const struct rm_object *o, void *arg)
{
	struct scan *scan = arg;
	struct found f = { .object = o, .search = &scan->search };

	if (!o->symbols || !o->strings || is_within(o, scan->search.library))
		return false;
	for (size_t i = o->relative_count; i < o->relocation_count; i++)
		consider(&f, &o->relocations[i]);
	for (size_t i = 0; i < o->jump_count; i++)
		consider(&f, &o->jumps[i]);
	if (!f.count && !f.strange)
		return false;
	if (!f.strange && !o->text_relocations && !o->prelinked && can_write(&f) && write_slots(&f)) {
		atomic_fetch_add(&hooked_slots, f.count);
		scan->wrote = true;
		rm_debug(RM_LOG_INIT, "%s: %u slots of %s", *o->path ? o->path : "the program", f.count,
			 scan->search.library->name);
		return false;
	}
	scan->left++;
	rm_debug(RM_LOG_INIT, "%s: calls of %s are left alone", *o->path ? o->path : "the program",
		 scan->search.library->name);
	return false;
}

/* The copy whose functions the rows have. Not told by one address: another one may lie there by now. */
static bool is_instance(const struct rm_object *o, const struct rm_library *library)
{
	if (!library->instance || anchor_of(o, library) != library->instance)
		return false;
	for (const struct rm_import *row = library->from; row < library->to; row++)
		if (library_of(row) == library && (uintptr_t)rm_object_function(o, name_of(row)) != real_of(row))
			return false;
	return true;
}

static bool note_definer(const struct rm_object *o, void *arg)
{
	struct search *search = arg;
	const void *anchor = anchor_of(o, search->library);

	if (!anchor)
		return false;
	search->first = search->first ? search->first : anchor;
	search->still_there |= is_instance(o, search->library);
	search->definers++;
	return false;
}

/*
 * The barrier that the callers do not have, made in all threads by the kernel. Where it refuses, only
 * processors that load out of order could tell, within some cycles of the store.
 */
void rm_imports_publish(void)
{
	rm_sys3(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	rm_sys3(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

/* Finds the real functions of a library that is new here; false when it does not have all. */
static bool take_instance(const struct rm_object *o, void *arg)
{
	struct search *search = arg;
	struct rm_library *library = search->library;

	if (anchor_of(o, library) != search->first)
		return false;
	for (const struct rm_import *row = library->from; row < library->to; row++)
		if (library_of(row) == library && !row->optional && !rm_object_function(o, name_of(row)))
			return true;
	for (const struct rm_import *row = library->from; row < library->to; row++)
		if (library_of(row) == library)
			__atomic_store_n(slot_of(row), rm_object_function(o, name_of(row)), __ATOMIC_RELEASE);
	rm_imports_publish();
	library->instance = search->first;
	return true;
}

/*
 * Objects before place `first` were there in the last scan. They are looked at again where that wrote anything, as a thread in
 * the middle of the first call of a slot may write to it after us, and where it did not understand something.
 */
static void scan_library(struct rm_library *library, uint32_t first, unsigned *left)
{
	struct scan scan = { .search.library = library };

	rm_bystanders_definers(note_definer, &scan.search);
	if (!scan.search.still_there) {
		library->instance = NULL;
		if (scan.search.first)
			rm_bystanders_definers(take_instance, &scan.search);
	}
	if (library->instance)
		rm_bystanders_callers(library->settled ? first : 0, lead, &scan);
	library->settled = scan.search.still_there && !scan.wrote && !scan.left;
	*left += scan.left + (scan.search.first && !library->instance);
}

static bool is_wanted(const struct rm_library *library)
{
	return library->with ? !library->with->unwanted && library->with->instance : !library->unwanted;
}

/* ---- who has to do with it ---- */

static bool is_unwanted(const struct rm_library *library)
{
	return library->unwanted || (library->with && library->with->unwanted);
}

static void find_rows(void)
{
	if (library_of(first_row)->to)
		return;
	for (const struct rm_import *row = first_row; row < end_row; row++) {
		struct rm_library *library = library_of(row);
		unsigned begin = beginning_of(name_of(row)), whole = whole_of(name_of(row));

		if (!library->from) {
			library->from = row;
			library->anchor_hash = rm_object_hash(library->anchor);
		}
		library->to = row + 1;
		beginnings[begin / 64] |= 1ull << begin % 64;
		wholes[whole / 64] |= 1ull << whole % 64;
	}
}

static bool is_call_of_row(const ElfW(Sym) *s, const char *name)
{
	if (s->st_shndx != SHN_UNDEF || !may_be_row(name))
		return false;
	for (const struct rm_import *row = first_row; row < end_row; row++)
		if (!is_unwanted(library_of(row)) && same(name_of(row), name))
			return true;
	return false;
}

static bool has_call(const struct rm_object *o, const ElfW(Rela) *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const ElfW(Sym) *s = &o->symbols[ELF64_R_SYM(list[i].r_info)];

		if (ELF64_R_SYM(list[i].r_info) && is_call_of_row(s, o->strings + s->st_name))
			return true;
	}
	return false;
}

/* Of a library that calls itself through slots: most symbols that have one are an object's own, so it is asked for the names. */
static bool has_own_function(const struct rm_object *o)
{
	for (const struct rm_import *row = first_row; row < end_row; row++)
		if (library_of(row)->has_own && !is_unwanted(library_of(row)) && rm_object_function(o, name_of(row)))
			return true;
	return false;
}

bool rm_imports_calls(const struct rm_object *o)
{
	find_rows();
	if (!o->symbols || !o->strings)
		return false;
	return has_own_function(o) || has_call(o, o->jumps, o->jump_count) ||
	       has_call(o, o->relocations + o->relative_count, o->relocation_count - o->relative_count);
}

bool rm_imports_defines(const struct rm_object *o)
{
	find_rows();
	for (const struct rm_import *row = first_row; row < end_row; row++)
		if (row == library_of(row)->from && !is_unwanted(library_of(row)) && anchor_of(o, library_of(row)))
			return true;
	return false;
}

/* ---- a scan ---- */

/* All in one visit to the loader's list, so that what one walk found the next one finds too. */
static bool scan_all(const struct rm_object *first, void *arg)
{
	struct rm_bystanders_known now = rm_bystanders_note();
	uint32_t first_new = now.resets == scanned.resets ? scanned.count : 0;
	unsigned *left = arg;

	for (const struct rm_import *row = first_row; row < end_row; row++)
		if (row == library_of(row)->from && is_wanted(library_of(row)))
			scan_library(library_of(row), first_new, left);
	scanned = now;
	return true;
}

void rm_imports_scan(void)
{
	uint64_t changes = rm_objects_changes();
	unsigned left = 0;

	if (forbidden || (changes && changes == scanned_changes && retries == 0))
		return;
	retries = changes == scanned_changes ? retries - 1 : RETRIES_MAX;
	scanned_changes = changes;
	rm_objects_each(scan_all, &left);
	atomic_store(&left_objects, left);
	if (!left)
		retries = 0;
}

struct rm_imports_seen rm_imports_seen(void)
{
	return (struct rm_imports_seen){ atomic_load(&hooked_slots), atomic_load(&left_objects) };
}

void rm_imports_forbid(void)
{
	forbidden = true;
}
