/*
 * See module.h. The first mapping of a file begins with its headers, as every linker lays them out; what they lead to may lie
 * anywhere, and is looked at by copies where its alignment is not known. Specification:
 * ELF gABI, "Program Header"; LSB, ".eh_frame_hdr"; NT_GNU_BUILD_ID as binutils writes it.
 */
#include "stack/module.h"

#include <elf.h>
#include <link.h>

enum { SEGMENTS_MAX = 64, NOTES_MAX = 32 };

static bool same_file(const struct rm_maps *m, const struct rm_map *a, const struct rm_map *b)
{
	return a->path == b->path || rm_str_eq(rm_str_c(rm_map_path(m, a)), rm_str_c(rm_map_path(m, b)));
}

/* The mapping with which those of the same file begin that lead up to this one; memory of no file may lie between. */
static const struct rm_map *first_of(const struct rm_maps *m, const struct rm_map *map)
{
	const struct rm_map *first = map;

	for (const struct rm_map *before = map; before > m->map && first->offset != 0;) {
		before--;
		if (before->path && !same_file(m, before, map))
			break;
		if (before->path)
			first = before;
	}
	return first;
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void read_notes(struct rm_maps *m, uintptr_t at, size_t bytes, struct rm_module *ret)
{
	ElfW(Nhdr) note;

	for (int i = 0; i < NOTES_MAX && bytes >= sizeof(note); i++) {
		const char *name;
		size_t all;

		if (!rm_maps_readable(m, at, sizeof(note)))
			return;
		memcpy(&note, (const void *)at, sizeof(note));
		name = (const char *)(at + sizeof(note));
		all = sizeof(note) + padded(note.n_namesz) + padded(note.n_descsz);
		if (all > bytes || note.n_namesz > bytes || !rm_maps_readable(m, at, all))
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(name, "GNU", 4) == 0 &&
		    note.n_descsz <= RM_BUILD_ID_MAX) {
			memcpy(ret->build_id, name + 4, note.n_descsz);
			ret->build_id_bytes = note.n_descsz;
			return;
		}
		at += all;
		bytes -= all;
	}
}

static void read_segment(struct rm_maps *m, const ElfW(Phdr) *s, struct rm_module *ret)
{
	uintptr_t at = ret->bias + s->p_vaddr;

	if (s->p_type == PT_GNU_EH_FRAME) {
		ret->unwind = at;
		ret->unwind_bytes = s->p_memsz;
	} else if (s->p_type == PT_DYNAMIC) {
		ret->dynamic = at;
		ret->dynamic_bytes = s->p_memsz;
	} else if (s->p_type == PT_NOTE && !ret->build_id_bytes) {
		read_notes(m, at, s->p_memsz, ret);
	}
}

static bool read_headers(struct rm_maps *m, struct rm_module *ret)
{
	const ElfW(Ehdr) *e = (const ElfW(Ehdr) *)ret->start;
	const ElfW(Phdr) *segments;

	if (!rm_maps_readable(m, ret->start, sizeof(*e)) || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 ||
	    e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_phentsize != sizeof(*segments) || e->e_phnum > SEGMENTS_MAX)
		return false;
	segments = (const ElfW(Phdr) *)(ret->start + e->e_phoff);
	if (e->e_phoff > UINT32_MAX || e->e_phoff % 8 ||
	    !rm_maps_readable(m, (uintptr_t)segments, e->e_phnum * sizeof(*segments)))
		return false;
	for (int i = 0; i < e->e_phnum; i++)
		if (segments[i].p_type == PT_LOAD) {
			ret->bias = ret->start - (segments[i].p_vaddr - segments[i].p_offset);
			break;
		}
	for (int i = 0; i < e->e_phnum; i++)
		read_segment(m, &segments[i], ret);
	return true;
}

bool rm_module_find(struct rm_maps *m, uintptr_t at, struct rm_module *ret)
{
	const struct rm_map *map = rm_maps_find(m, at);

	if (!map || !map->path)
		return false;
	*ret = (struct rm_module){ .path = rm_map_path(m, map) };
	map = first_of(m, map);
	ret->start = map->start;
	return map->offset == 0 && read_headers(m, ret);
}

struct rm_str rm_module_name(const struct rm_module *m)
{
	struct rm_str rest = rm_str_c(m->path), part = rest;

	while (rest.p)
		part = rm_str_cut(&rest, '/');
	return part;
}
