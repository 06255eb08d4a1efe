/*
 * See symbols.h. Files are anybody's bytes: every offset in them is checked before it is followed, as their
 * alignment is not known nothing in them is looked at but by copies. Symbols are looked through one by one: there is
 * one crash in the life of a process. Specification: ELF gABI, "Sections", "Symbol Table".
 */
#include "stack/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/strbuf.h"
#include "base/sys.h"

enum { SECTIONS_MAX = 65536, SYMBOLS_MAX = 8 << 20, NAME_MAX_BYTES = 4096, ALL = 0, SHARED = 1 };

/* ---- a file ---- */

static bool copy(const struct rm_symbols *s, uint64_t at, void *ret, size_t n)
{
	if (at > s->size || n > s->size - at)
		return false;
	memcpy(ret, s->bytes + at, n);
	return true;
}

/* The bytes of a section; false when it is not all in the file. */
static bool contents(const struct rm_symbols *s, const ElfW(Shdr) *h, const char **ret, size_t *ret_bytes)
{
	if (h->sh_type == SHT_NOBITS || h->sh_offset > s->size || h->sh_size > s->size - h->sh_offset)
		return false;
	*ret = s->bytes + h->sh_offset;
	*ret_bytes = h->sh_size;
	return true;
}

bool rm_symbols_read(struct rm_symbols *s, const char *bytes, size_t size)
{
	ElfW(Shdr) h, text;
	ElfW(Ehdr) e;

	*s = (struct rm_symbols){ .bytes = bytes, .size = size };
	if (!copy(s, 0, &e, sizeof(e)) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64 ||
	    e.e_shentsize != sizeof(h))
		return false;
	for (uint64_t i = 0; i < e.e_shnum && i < SECTIONS_MAX; i++) {
		int which;

		if (!copy(s, e.e_shoff + i * sizeof(h), &h, sizeof(h)))
			break;
		if (h.sh_type != SHT_SYMTAB && h.sh_type != SHT_DYNSYM)
			continue;
		which = h.sh_type == SHT_SYMTAB ? ALL : SHARED;
		if (h.sh_link >= e.e_shnum || !copy(s, e.e_shoff + h.sh_link * sizeof(text), &text, sizeof(text)) ||
		    !contents(s, &h, &s->table[which].symbol, &s->table[which].symbol_bytes) ||
		    !contents(s, &text, &s->table[which].text, &s->table[which].text_bytes))
			s->table[which].symbol_bytes = 0;
	}
	return s->table[ALL].symbol_bytes || s->table[SHARED].symbol_bytes;
}

static struct rm_str name_at(const char *text, size_t text_bytes, uint64_t at)
{
	const char *end;

	if (at >= text_bytes)
		return RM_STR("");
	end = memchr(text + at, '\0', text_bytes - at);
	return end && end - (text + at) <= NAME_MAX_BYTES ? (struct rm_str){ text + at, (size_t)(end - (text + at)) } : RM_STR("");
}

/* Whether `a` is a better name than `b` for an address that both cover: the one that is nearer, then the one others use. */
static bool is_better(const ElfW(Sym) *a, const ElfW(Sym) *b)
{
	if (a->st_value != b->st_value)
		return a->st_value > b->st_value;
	return ELF64_ST_BIND(a->st_info) == STB_GLOBAL && ELF64_ST_BIND(b->st_info) != STB_GLOBAL;
}

static struct rm_str search(const struct rm_symbols *s, int which, uint64_t at, uint64_t *ret_offset)
{
	size_t count = s->table[which].symbol_bytes / sizeof(ElfW(Sym));
	ElfW(Sym) best = { .st_value = 0 }, sym;

	for (size_t i = 0; i < count && i < SYMBOLS_MAX; i++) {
		memcpy(&sym, s->table[which].symbol + i * sizeof(sym), sizeof(sym));
		if (ELF64_ST_TYPE(sym.st_info) != STT_FUNC && ELF64_ST_TYPE(sym.st_info) != STT_GNU_IFUNC)
			continue;
		if (sym.st_shndx == SHN_UNDEF || at < sym.st_value || (sym.st_size ? at - sym.st_value >= sym.st_size : at != sym.st_value))
			continue;
		if (!best.st_name || is_better(&sym, &best))
			best = sym;
	}
	if (!best.st_name)
		return RM_STR("");
	*ret_offset = at - best.st_value;
	return name_at(s->table[which].text, s->table[which].text_bytes, best.st_name);
}

struct rm_str rm_symbols_name(const struct rm_symbols *s, uint64_t at, uint64_t *ret_offset)
{
	struct rm_str name = search(s, ALL, at, ret_offset);

	return name.n ? name : search(s, SHARED, at, ret_offset);
}

/* ---- which file ---- */

void rm_symbols_close(struct rm_symbols *s)
{
	if (s->bytes)
		rm_sys2(__NR_munmap, s->bytes, s->size);
	s->bytes = NULL;
	s->path[0] = '\0';
}

/* False unless the file has the build id of the module. */
static bool is_same(const struct rm_symbols *s, const struct rm_module *m)
{
	ElfW(Ehdr) e;
	ElfW(Shdr) h;
	ElfW(Nhdr) note;

	if (!m->build_id_bytes || !copy(s, 0, &e, sizeof(e)))
		return false;
	for (uint64_t i = 0; i < e.e_shnum; i++) {
		if (!copy(s, e.e_shoff + i * sizeof(h), &h, sizeof(h)))
			return false;
		if (h.sh_type != SHT_NOTE || !copy(s, h.sh_offset, &note, sizeof(note)) || note.n_type != NT_GNU_BUILD_ID ||
		    note.n_namesz != 4 || note.n_descsz != m->build_id_bytes)
			continue;
		if (h.sh_offset + sizeof(note) + 4 + note.n_descsz <= s->size &&
		    memcmp(s->bytes + h.sh_offset + sizeof(note) + 4, m->build_id, note.n_descsz) == 0)
			return true;
	}
	return false;
}

static bool open_file(struct rm_symbols *s, const char *path, const struct rm_module *m)
{
	/* A path may have become a pipe or a terminal: then nothing may wait or attach. */
	long fd = rm_sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0), at = -1;
	struct stat about;

	if (fd < 0)
		return false;
	if (rm_sys2(__NR_fstat, fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0)
		at = rm_sys6(__NR_mmap, 0, about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	rm_sys1(__NR_close, fd);
	if ((unsigned long)at > -4096ul)
		return false;
	if (rm_symbols_read(s, (const char *)at, (size_t)about.st_size) && is_same(s, m))
		return true;
	rm_sys2(__NR_munmap, at, about.st_size);
	*s = (struct rm_symbols){ .bytes = NULL };
	return false;
}

/* /usr/lib/debug/.build-id/ab/cdef.debug */
static bool open_debug(struct rm_symbols *s, const struct rm_module *m)
{
	char path[128];
	struct rm_strbuf b;

	if (m->build_id_bytes < 2)
		return false;
	rm_strbuf_init(&b, path, sizeof(path));
	rm_strbuf_c(&b, "/usr/lib/debug/.build-id/");
	rm_strbuf_hex(&b, m->build_id, 1);
	rm_strbuf_char(&b, '/');
	rm_strbuf_hex(&b, m->build_id + 1, m->build_id_bytes - 1);
	rm_strbuf_put(&b, ".debug", sizeof(".debug"));
	return !b.truncated && open_file(s, path, m);
}

bool rm_symbols_open(struct rm_symbols *s, const struct rm_module *m)
{
	struct rm_str path = rm_str_c(m->path);
	bool has;

	if (s->path[0] && rm_str_eq(rm_str_c(s->path), path))
		return s->bytes != NULL;
	rm_symbols_close(s);
	has = open_file(s, m->path, m);
	/* A file without the names of its own functions; its debugging information has them. */
	if (has && !s->table[ALL].symbol_bytes) {
		struct rm_symbols other = { .bytes = NULL };

		if (open_debug(&other, m)) {
			rm_symbols_close(s);
			*s = other;
		}
	} else if (!has) {
		has = open_debug(s, m);
	}
	if (path.n < sizeof(s->path))
		memcpy(s->path, path.p, path.n + 1);
	return has;
}

/* ---- what is in memory ---- */

struct dynamic {
	uintptr_t symbols, strings, strings_bytes, hash;
};

static uintptr_t address(const struct rm_module *module, uintptr_t value)
{
	return value < module->bias ? value + module->bias : value;
}

static bool read_dynamic(struct rm_maps *m, const struct rm_module *module, struct dynamic *ret)
{
	ElfW(Dyn) d;

	*ret = (struct dynamic){ 0 };
	for (size_t i = 0; i < module->dynamic_bytes / sizeof(ElfW(Dyn)); i++) {
		uintptr_t at = module->dynamic + i * sizeof(d);

		if (!rm_maps_readable(m, at, sizeof(d)))
			break;
		memcpy(&d, (const void *)at, sizeof(d));
		if (d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_SYMTAB)
			ret->symbols = address(module, d.d_un.d_ptr);
		else if (d.d_tag == DT_STRTAB)
			ret->strings = address(module, d.d_un.d_ptr);
		else if (d.d_tag == DT_STRSZ)
			ret->strings_bytes = d.d_un.d_val;
		else if (d.d_tag == DT_GNU_HASH)
			ret->hash = address(module, d.d_un.d_ptr);
	}
	return ret->symbols && ret->strings && ret->hash && rm_maps_readable(m, ret->strings, ret->strings_bytes);
}

/* The symbols are in no list of known length: those that are defined end with the last chain of the hash table. */
static uint32_t count_symbols(struct rm_maps *m, uintptr_t hash)
{
	uint32_t head[4], last = 0, word;
	uintptr_t buckets, chain;

	if (!rm_maps_readable(m, hash, sizeof(head)))
		return 0;
	memcpy(head, (const void *)hash, sizeof(head));
	buckets = hash + sizeof(head) + head[2] * sizeof(uintptr_t);
	chain = buckets + head[0] * sizeof(word);
	if (!rm_maps_readable(m, buckets, head[0] * sizeof(word)))
		return 0;
	for (uint32_t i = 0; i < head[0]; i++) {
		memcpy(&word, (const char *)buckets + i * sizeof(word), sizeof(word));
		last = word > last ? word : last;
	}
	if (last < head[1])
		return 0;
	do {
		if (last == SYMBOLS_MAX || !rm_maps_readable(m, chain + (last - head[1]) * sizeof(word), sizeof(word)))
			return 0;
		memcpy(&word, (const char *)chain + (last - head[1]) * sizeof(word), sizeof(word));
		last++;
	} while (!(word & 1));
	return last;
}

uintptr_t rm_module_symbol(struct rm_maps *m, const struct rm_module *module, const char *name)
{
	struct rm_str wanted = rm_str_c(name);
	struct dynamic d;
	ElfW(Sym) s;
	uint32_t count;

	if (!read_dynamic(m, module, &d))
		return 0;
	count = count_symbols(m, d.hash);
	if (!rm_maps_readable(m, d.symbols, count * sizeof(s)))
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		memcpy(&s, (const char *)d.symbols + i * sizeof(s), sizeof(s));
		if (s.st_shndx != SHN_UNDEF && s.st_value &&
		    rm_str_eq(name_at((const char *)d.strings, d.strings_bytes, s.st_name), wanted))
			return module->bias + s.st_value;
	}
	return 0;
}
