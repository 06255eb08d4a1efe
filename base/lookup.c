/*
 * Symbol look-up over the loader's list of objects: each one's GNU hash table, symbol table and
 * version table, as the ELF gABI, the GNU hash section's description and LSB's symbol versioning
 * chapter define them. Reads only; takes no lock, so it is for the time when nobody unloads objects.
 * Must never call libc: in a process without one this is how we find that out. Context: init, app.
 */
#include "base/lookup.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma weak _r_debug
#pragma weak dlsym
#pragma weak dlerror

extern ElfW(Dyn) our_dynamic[] __asm__("_DYNAMIC") __attribute__((visibility("hidden")));

enum {
	VERSION_HIDDEN = 0x8000, /* not the default version of its name */
	WORD_BITS = sizeof(ElfW(Addr)) * 8,
};

/* The tables of one object; all NULL without a GNU hash table. */
struct tables {
	const ElfW(Sym) *symbols;
	const char *strings;
	const ElfW(Versym) *versions;
	const uint32_t *hash;
};

/* The loader has added the load address, except in objects whose dynamic section is read-only. */
static const void *address(const struct link_map *m, ElfW(Addr) value)
{
	return (const void *)(value < m->l_addr ? value + m->l_addr : value);
}

static struct tables tables_of(const struct link_map *m)
{
	struct tables t = { 0 };

	for (const ElfW(Dyn) *d = m->l_ld; d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			t.symbols = address(m, d->d_un.d_ptr);
		else if (d->d_tag == DT_STRTAB)
			t.strings = address(m, d->d_un.d_ptr);
		else if (d->d_tag == DT_VERSYM)
			t.versions = address(m, d->d_un.d_ptr);
		else if (d->d_tag == DT_GNU_HASH)
			t.hash = address(m, d->d_un.d_ptr);
	}
	return t;
}

static uint32_t gnu_hash(const char *name)
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

/* Plain functions only: an indirect one would have to be called to learn its address. */
static bool fits(const struct tables *t, uint32_t i, const char *name)
{
	const ElfW(Sym) *s = &t->symbols[i];

	return s->st_shndx != SHN_UNDEF && s->st_value && ELF64_ST_TYPE(s->st_info) == STT_FUNC &&
	       !(t->versions && (t->versions[i] & VERSION_HIDDEN)) && same(t->strings + s->st_name, name);
}

static void *find(const struct link_map *m, const char *name, uint32_t hash)
{
	struct tables t = tables_of(m);
	uint32_t buckets, first, bloom_words, shift, i;
	const ElfW(Addr) *bloom;
	ElfW(Addr) word;
	const uint32_t *bucket, *chain;

	if (!t.hash || !t.symbols || !t.strings)
		return NULL;
	buckets = t.hash[0];
	first = t.hash[1];
	bloom_words = t.hash[2];
	shift = t.hash[3];
	bloom = (const ElfW(Addr) *)&t.hash[4];
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

		if ((h | 1) == (hash | 1) && fits(&t, i, name))
			return (void *)(m->l_addr + t.symbols[i].st_value);
		if (h & 1)
			return NULL;
	}
}

/* The message of a name that is missing would be taken for one of the program's own. */
static void *ask(const char *name)
{
	void *found = dlsym ? dlsym(RTLD_NEXT, name) : NULL;

	if (!found && dlerror)
		dlerror();
	return found;
}

void *rm_lookup_next(const char *name)
{
	uint32_t hash = gnu_hash(name);
	const struct link_map *m;
	void *found = NULL;

	if (!&_r_debug)
		return ask(name);
	for (m = _r_debug.r_map; m && m->l_ld != our_dynamic; m = m->l_next)
		;
	for (m = m ? m->l_next : NULL; m && !found; m = m->l_next)
		found = find(m, name, hash);
	return found;
}

void *rm_lookup_first(const char *name)
{
	uint32_t hash = gnu_hash(name);
	void *found = NULL;

	if (!&_r_debug)
		return NULL;
	for (const struct link_map *m = _r_debug.r_map; m && !found; m = m->l_next)
		if (m->l_ld != our_dynamic)
			found = find(m, name, hash);
	return found;
}
