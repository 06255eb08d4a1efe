/*
 * The ELF header, its program headers, and the notes that Go leaves. Sections are looked at only
 * for their names: a file without them is fine. Spec: System V ABI (gABI) chapters 4 and 5.
 */
#include "cli/elffile.h"

#include <elf.h>
#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum { SEGMENTS_MAX = 64, SECTIONS_MAX = 256, NAMES_BYTES = 16 * 1024, NOTES_BYTES = 4096 };

static bool read_at(int fd, uint64_t offset, void *ret, size_t bytes)
{
	return pread(fd, ret, bytes, (off_t)offset) == (ssize_t)bytes;
}

/* A note of the owner "Go" is the build id that its linker writes. */
static bool has_go_note(int fd, const Elf64_Phdr *p)
{
	char notes[NOTES_BYTES];
	size_t n = p->p_filesz < sizeof(notes) ? p->p_filesz : sizeof(notes), at = 0;

	if (!read_at(fd, p->p_offset, notes, n))
		return false;
	while (n - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t step;

		memcpy(&note, notes + at, sizeof(note));
		step = sizeof(note) + ((note.n_namesz + 3ull) & ~3ull) + ((note.n_descsz + 3ull) & ~3ull);
		if (step > n - at)
			return false;
		if (note.n_namesz >= 3 && memcmp(notes + at + sizeof(note), "Go", 3) == 0)
			return true;
		at += step;
	}
	return false;
}

static int read_segments(int fd, const Elf64_Ehdr *e, struct rm_elf *ret)
{
	Elf64_Phdr p[SEGMENTS_MAX];
	unsigned count = e->e_phnum < SEGMENTS_MAX ? e->e_phnum : SEGMENTS_MAX;

	if (e->e_phentsize != sizeof(p[0]) || !read_at(fd, e->e_phoff, p, count * sizeof(p[0])))
		return RM_E_PROTO;
	for (unsigned i = 0; i < count; i++) {
		if (p[i].p_type == PT_NOTE)
			ret->go |= has_go_note(fd, &p[i]);
		if (p[i].p_type != PT_INTERP)
			continue;
		if (p[i].p_filesz == 0 || p[i].p_filesz >= sizeof(ret->interp) ||
		    !read_at(fd, p[i].p_offset, ret->interp, p[i].p_filesz))
			return RM_E_PROTO;
		ret->interp[p[i].p_filesz] = '\0';
		ret->dynamic = true;
	}
	return RM_OK;
}

static bool has_section(int fd, const Elf64_Ehdr *e, const char *name)
{
	static Elf64_Shdr s[SECTIONS_MAX];
	static char names[NAMES_BYTES];
	unsigned count = e->e_shnum < SECTIONS_MAX ? e->e_shnum : SECTIONS_MAX;
	size_t bytes;

	if (e->e_shentsize != sizeof(s[0]) || e->e_shstrndx >= count ||
	    !read_at(fd, e->e_shoff, s, count * sizeof(s[0])))
		return false;
	bytes = s[e->e_shstrndx].sh_size;
	bytes = bytes < sizeof(names) ? bytes : sizeof(names);
	if (bytes == 0 || !read_at(fd, s[e->e_shstrndx].sh_offset, names, bytes))
		return false;
	names[bytes - 1] = '\0';
	for (unsigned i = 0; i < count; i++)
		if (s[i].sh_name < bytes && strcmp(names + s[i].sh_name, name) == 0)
			return true;
	return false;
}

static int read_open(int fd, struct rm_elf *ret)
{
	Elf64_Ehdr e;
	int error;

	if (!read_at(fd, 0, &e, EI_NIDENT) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0)
		return RM_E_PROTO;
	*ret = (struct rm_elf){ .bits = e.e_ident[EI_CLASS] == ELFCLASS32 ? 32 : 64 };
	/* Up to e_machine both classes look the same. */
	if (!read_at(fd, 0, &e, sizeof(Elf32_Ehdr)))
		return RM_E_PROTO;
	if (e.e_ident[EI_DATA] == ELFDATA2LSB)
		ret->machine = le16toh(e.e_machine);
	else
		ret->machine = be16toh(e.e_machine);
	if (ret->bits == 32 || e.e_ident[EI_DATA] != ELFDATA2LSB)
		return RM_OK;
	if (!read_at(fd, 0, &e, sizeof(e)))
		return RM_E_PROTO;
	error = read_segments(fd, &e, ret);
	if (!error && !ret->go)
		ret->go = has_section(fd, &e, ".go.buildinfo");
	return error;
}

int rm_elf_read(const char *path, struct rm_elf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;

	if (fd < 0)
		return RM_E_IO;
	error = read_open(fd, ret);
	close(fd);
	return error;
}
