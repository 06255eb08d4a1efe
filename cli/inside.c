/*
 * The symbol tables of a program, and the names of source files that Rust leaves for its panics.
 * Spec: System V ABI (gABI) chapter 4.
 */
#include "cli/inside.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without one of these hooks/openssl_find.c leaves an object alone. */
static const char *const openssl[] = { "TLS_method", "SSL_read_ex", "SSL_get_client_random" };
enum { OPENSSL_NAMES = sizeof(openssl) / sizeof(openssl[0]) };

struct file {
	const char *p;
	size_t n;
};

static const void *at(const struct file *f, uint64_t offset, uint64_t bytes)
{
	return offset <= f->n && bytes <= f->n - offset ? f->p + offset : NULL;
}

/* How many of OpenSSL's names a symbol table defines. */
static int count_names(const struct file *f, const Elf64_Shdr *table, const Elf64_Shdr *strings)
{
	const Elf64_Sym *s = at(f, table->sh_offset, table->sh_size);
	const char *text = at(f, strings->sh_offset, strings->sh_size);
	int found = 0;

	if (!s || !text || (uintptr_t)s % _Alignof(Elf64_Sym) || !strings->sh_size || text[strings->sh_size - 1])
		return 0;
	for (size_t i = 0; i < table->sh_size / sizeof(*s); i++)
		for (int k = 0; k < OPENSSL_NAMES; k++)
			found += s[i].st_shndx != SHN_UNDEF && s[i].st_name < strings->sh_size &&
				 strcmp(text + s[i].st_name, openssl[k]) == 0;
	return found;
}

static bool has_openssl(const struct file *f, uint32_t table_type)
{
	const Elf64_Ehdr *e = at(f, 0, sizeof(*e));
	const Elf64_Shdr *s = e ? at(f, e->e_shoff, (uint64_t)e->e_shnum * sizeof(*s)) : NULL;

	if (!s || e->e_shentsize != sizeof(*s) || e->e_shoff % _Alignof(Elf64_Shdr))
		return false;
	for (unsigned i = 0; i < e->e_shnum; i++)
		if (s[i].sh_type == table_type && s[i].sh_link < e->e_shnum &&
		    count_names(f, &s[i], &s[s[i].sh_link]) >= OPENSSL_NAMES)
			return true;
	return false;
}

static bool look_inside(const struct file *f, const char *path, FILE *out)
{
	static const char rustls[] = "/rustls-0.";
	bool exported = has_openssl(f, SHT_DYNSYM), closed = !exported && has_openssl(f, SHT_SYMTAB);
	bool has_rustls = memmem(f->p, f->n, rustls, sizeof(rustls) - 1) != NULL;

	if (exported)
		fprintf(out, "note: %s has OpenSSL inside, where its HTTPS is seen\n", path);
	if (closed)
		fprintf(out, "note: %s has OpenSSL inside and does not export it: its HTTPS is not seen\n", path);
	if (has_rustls)
		fprintf(out, "note: %s has rustls inside: HTTPS that it encrypts with that is not seen\n", path);
	return closed || has_rustls;
}

bool rm_say_tls_inside(const char *path, FILE *out)
{
	const char *name = strrchr(path, '/');
	bool hidden = name && strcmp(name, "/java") == 0;
	struct file f = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (hidden)
		fprintf(out, "note: %s encrypts by itself (JSSE): its HTTPS is not seen\n", path);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
		f.n = (size_t)st.st_size;
		f.p = mmap(NULL, f.n, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (f.n && f.p != MAP_FAILED) {
		hidden |= look_inside(&f, path, out);
		munmap((void *)f.p, f.n);
	}
	if (fd >= 0)
		close(fd);
	return hidden;
}
