/*
 * Objects as the ELF gABI, the GNU hash section's description and LSB's symbol versioning chapter
 * describe them in memory, found through the loader's dl_iterate_phdr: the
 * only walk that keeps objects from being unloaded meanwhile. It is taken from libc itself, since a
 * program may define one of its own that shows less.
 * Reads only, and calls nothing but that. Context: hook.
 */
#include "base/objects.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/auxv.h>

#include "base/lookup.h"
#include "base/sigframe.h"
#include "base/sys.h"

enum {
	VERSION_HIDDEN = 0x8000, /* not the default version of its name */
	WORD_BITS = sizeof(ElfW(Addr)) * 8,
	USUAL_PAGE = 4096,
};

#pragma weak getauxval

typedef __typeof__(&dl_iterate_phdr) walk_fn;

/* The loader has added the load address, except in objects whose dynamic section is read-only. */
static const void *address(uintptr_t base, ElfW(Addr) value)
{
	return (const void *)(value < base ? value + base : value);
}

void rm_object_read(struct rm_object *ret, uintptr_t base, const ElfW(Dyn) *dynamic)
{
	*ret = (struct rm_object){ .base = base, .path = "" };
	for (const ElfW(Dyn) *d = dynamic; d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			ret->symbols = address(base, d->d_un.d_ptr);
		else if (d->d_tag == DT_STRTAB)
			ret->strings = address(base, d->d_un.d_ptr);
		else if (d->d_tag == DT_VERSYM)
			ret->versions = address(base, d->d_un.d_ptr);
		else if (d->d_tag == DT_GNU_HASH)
			ret->hash = address(base, d->d_un.d_ptr);
		else if (d->d_tag == DT_HASH)
			ret->old_hash = address(base, d->d_un.d_ptr);
		else if (d->d_tag == DT_RELA)
			ret->relocations = address(base, d->d_un.d_ptr);
		else if (d->d_tag == DT_RELASZ)
			ret->relocation_count = d->d_un.d_val / sizeof(ElfW(Rela));
		else if (d->d_tag == DT_RELACOUNT)
			ret->relative_count = d->d_un.d_val;
		else if (d->d_tag == DT_JMPREL)
			ret->jumps = address(base, d->d_un.d_ptr);
		else if (d->d_tag == DT_PLTRELSZ)
			ret->jump_count = d->d_un.d_val / sizeof(ElfW(Rela));
		else if (d->d_tag == DT_TEXTREL || (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
			ret->text_relocations = true;
		else if (d->d_tag == DT_GNU_PRELINKED)
			ret->prelinked = true;
	}
	if (!ret->relocations)
		ret->relocation_count = 0;
	if (ret->relative_count > ret->relocation_count)
		ret->relative_count = 0;
	if (!ret->jumps)
		ret->jump_count = 0;
}

uint32_t rm_object_hash(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static bool fits(const struct rm_object *o, uint32_t i, const char *name, unsigned char type)
{
	const ElfW(Sym) *s = &o->symbols[i];

	return s->st_shndx != SHN_UNDEF && s->st_value && ELF64_ST_TYPE(s->st_info) == type &&
	       !(o->versions && (o->versions[i] & VERSION_HIDDEN)) && same(o->strings + s->st_name, name);
}

static uint32_t elf_hash(const char *name)
{
	uint32_t h = 0, high;

	for (; *name; name++) {
		h = (h << 4) + (unsigned char)*name;
		high = h & 0xf0000000;
		h = (h ^ high >> 24) & ~high;
	}
	return h;
}

/* By the table of the gABI: its numbers of buckets and chains, the buckets, the chains. */
static void *symbol_by_old(const struct rm_object *o, const char *name, unsigned char type)
{
	const uint32_t *bucket = o->old_hash + 2, *chain = bucket + o->old_hash[0];
	uint32_t steps = o->old_hash[1];

	if (!o->old_hash[0])
		return NULL;
	for (uint32_t i = bucket[elf_hash(name) % o->old_hash[0]]; i && steps; i = chain[i], steps--)
		if (fits(o, i, name, type))
			return (void *)(o->base + o->symbols[i].st_value);
	return NULL;
}

static void *symbol(const struct rm_object *o, const char *name, uint32_t hash, unsigned char type)
{
	uint32_t buckets, first, bloom_words, shift, i;
	const ElfW(Addr) *bloom;
	ElfW(Addr) word;
	const uint32_t *bucket, *chain;

	if (!o->symbols || !o->strings || (!o->hash && !o->old_hash))
		return NULL;
	if (!o->hash)
		return symbol_by_old(o, name, type);
	buckets = o->hash[0];
	first = o->hash[1];
	bloom_words = o->hash[2];
	shift = o->hash[3];
	bloom = (const ElfW(Addr) *)&o->hash[4];
	bucket = (const uint32_t *)&bloom[bloom_words];
	chain = &bucket[buckets];
	if (!buckets || !bloom_words)
		return NULL;
	word = bloom[hash / WORD_BITS % bloom_words];
	if (!(word >> hash % WORD_BITS & word >> (hash >> shift) % WORD_BITS & 1))
		return NULL;
	i = bucket[hash % buckets];
	if (i < first)
		return NULL;
	/* The low bit of a chain's hash says that it is the last one. */
	for (;; i++) {
		uint32_t h = chain[i - first];

		if ((h | 1) == (hash | 1) && fits(o, i, name, type))
			return (void *)(o->base + o->symbols[i].st_value);
		if (h & 1)
			return NULL;
	}
}

void *rm_object_function(const struct rm_object *o, const char *name)
{
	return symbol(o, name, rm_object_hash(name), STT_FUNC);
}

void *rm_object_function_hashed(const struct rm_object *o, const char *name, uint32_t hash)
{
	return symbol(o, name, hash, STT_FUNC);
}

bool rm_object_functions(const struct rm_object *o, const char *names, unsigned count, unsigned needed, void **ret)
{
	for (unsigned i = 0; i < count; i++) {
		ret[i] = rm_object_function(o, names);
		if (!ret[i] && i < needed)
			return false;
		while (*names++)
			;
	}
	return true;
}

void *rm_object_data(const struct rm_object *o, const char *name)
{
	return symbol(o, name, rm_object_hash(name), STT_OBJECT);
}

static bool within(const struct rm_object *o, const ElfW(Phdr) *s, uintptr_t at, size_t n)
{
	return at - o->base >= s->p_vaddr && at - o->base - s->p_vaddr < s->p_memsz &&
	       n <= s->p_memsz - (at - o->base - s->p_vaddr);
}

const ElfW(Phdr) *rm_object_segment(const struct rm_object *o, uintptr_t at, size_t n)
{
	for (unsigned i = 0; i < o->segment_count; i++)
		if (o->segments[i].p_type == PT_LOAD && within(o, &o->segments[i], at, n))
			return &o->segments[i];
	return NULL;
}

bool rm_word_is_writable(const uintptr_t *word)
{
	uint32_t unused = 0;
	uint32_t add_nothing = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_LT, 0);

	return rm_sys6(__NR_futex, (long)&unused, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, (long)word,
		       add_nothing) >= 0;
}

size_t rm_page_bytes(void)
{
	size_t bytes = getauxval ? getauxval(AT_PAGESZ) : 0;

	return bytes ? bytes : USUAL_PAGE;
}

/* The loader protects whole pages, and leaves out the one that the range ends in. */
bool rm_object_is_relro(const struct rm_object *o, uintptr_t at, size_t n)
{
	for (unsigned i = 0; i < o->segment_count; i++) {
		const ElfW(Phdr) *s = &o->segments[i];
		uintptr_t end = (o->base + s->p_vaddr + s->p_memsz) & ~(rm_page_bytes() - 1);

		if (s->p_type == PT_GNU_RELRO && at >= o->base + s->p_vaddr && at < end && n <= end - at)
			return true;
	}
	return false;
}

/* ---- the walk ---- */

struct walk {
	rm_object_fn fn;
	void *arg;
	struct rm_objects_choice choice;
	uint32_t place;
};

static void read_object(struct rm_object *ret, const struct dl_phdr_info *info)
{
	const ElfW(Dyn) *dynamic = NULL;

	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			dynamic = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	rm_object_read(ret, info->dlpi_addr, dynamic);
	ret->path = info->dlpi_name ? info->dlpi_name : "";
	ret->segments = info->dlpi_phdr;
	ret->segment_count = info->dlpi_phnum;
}

static int show(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	struct walk *walk = arg;
	const struct rm_objects_choice *c = &walk->choice;
	uint32_t place = walk->place++;
	struct rm_object o;

	if (place < c->first || (place < c->skip_count && c->skip[place / 64] >> place % 64 & 1))
		return 0;
	read_object(&o, info);
	return walk->fn(&o, walk->arg);
}

struct news {
	struct rm_objects_known was, is;
	rm_object_new_fn fn;
	void *arg;
	bool others; /* those that were there are not */
};

static bool tells_changes(size_t bytes)
{
	return bytes >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(((struct dl_phdr_info *)NULL)->dlpi_subs);
}

/* Objects come at the end of the list. Whether that is so is seen by the mark. */
static int show_new(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	enum { ANY_ODD = 0x9e3779b1 };
	struct news *n = arg;
	struct rm_object o;

	if (n->is.count == n->was.count && n->is.mark != n->was.mark)
		n->others = true;
	if (!n->is.count && n->was.count)
		n->others = !tells_changes(bytes) || info->dlpi_subs != n->was.unloaded;
	if (n->others)
		return 1;
	if (n->is.count >= n->was.count) {
		read_object(&o, info);
		n->fn(&o, n->is.count, n->arg);
	}
	n->is.count++;
	n->is.mark = (n->is.mark ^ info->dlpi_addr) * ANY_ODD + (uintptr_t)info->dlpi_phdr;
	n->is.unloaded = tells_changes(bytes) ? info->dlpi_subs : 0;
	return 0;
}

static int note_changes(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	if (tells_changes(bytes))
		*(uint64_t *)arg = info->dlpi_adds + info->dlpi_subs;
	return 1;
}

/* libc's own, found once; libc is never unloaded. */
static walk_fn libc_walk(void)
{
	static _Atomic walk_fn known;
	walk_fn walk = atomic_load_explicit(&known, memory_order_relaxed);

	if (!walk) {
		walk = (walk_fn)rm_lookup_next("dl_iterate_phdr");
		atomic_store_explicit(&known, walk, memory_order_relaxed);
	}
	return walk;
}

static atomic_bool holds_signals;

void rm_objects_hold_signals(void)
{
	atomic_store_explicit(&holds_signals, true, memory_order_relaxed);
}

/* False: there is no list. */
static bool walk_list(int (*step)(struct dl_phdr_info *info, size_t bytes, void *arg), void *arg)
{
	bool holds = atomic_load_explicit(&holds_signals, memory_order_relaxed);
	uint64_t before = holds ? rm_sigframe_block() : 0;
	walk_fn each = libc_walk();

	if (each)
		each(step, arg);
	if (holds)
		rm_sigframe_unblock(before);
	return each != NULL;
}

bool rm_objects_chosen(const struct rm_objects_choice *choice, rm_object_fn fn, void *arg)
{
	struct walk walk = { .fn = fn, .arg = arg, .choice = *choice };

	return walk_list(show, &walk);
}

bool rm_objects_each(rm_object_fn fn, void *arg)
{
	return rm_objects_chosen(&(struct rm_objects_choice){ NULL, 0, 0 }, fn, arg);
}

void rm_objects_new(struct rm_objects_known *known, rm_object_new_fn fn, void *arg)
{
	struct news n = { .was = *known, .fn = fn, .arg = arg };

	if (!walk_list(show_new, &n))
		return;
	if (n.others || n.is.count < n.was.count || (n.is.count == n.was.count && n.is.mark != n.was.mark)) {
		n = (struct news){ .fn = fn, .arg = arg };
		walk_list(show_new, &n);
	}
	*known = n.is;
}

uint64_t rm_objects_changes(void)
{
	uint64_t changes = 0;

	walk_list(note_changes, &changes);
	return changes;
}
