/*
 * The symbol tables of a program, what libraries say of themselves, and the names of source files that Rust leaves
 * for its panics.
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

/* Without one of the first ones hooks/openssl_find.c leaves an object alone; what has only the last ones is its kin. */
static const char *const names[] = { "TLS_method", "SSL_read_ex", "SSL_get_client_random", "SSL_waiting_for_async",
				     "SSL_CTX_new", "SSL_read", "SSL_write" };
enum { KNOWN_NAMES = 0xf, KIN_NAMES = 0x70 };

/*
 * What is inside of a library where no symbol tells: what it says of itself, and the source file that errors name (whose
 * NUL is part of it). The first that is there counts.
 */
static const struct {
	const char *text;
	size_t n;
	const char *name;
} markers[] = {
#define MARKER(text, name) { text, sizeof(text) - 1, name }
	MARKER("(compatible; AWS-LC", "AWS-LC"),
	MARKER("(compatible; BoringSSL", "BoringSSL"),
	MARKER("LibreSSL 3.", "LibreSSL"),
	MARKER("LibreSSL 4.", "LibreSSL"),
	MARKER("ssl/ssl_lib.cc", "BoringSSL or AWS-LC"),
};
static const char openssl_source[] = "ssl/ssl_lib.c", rustls_source[] = "/rustls-0.";

static const void *at(const struct rm_file *f, uint64_t offset, uint64_t bytes)
{
	return offset <= f->n && bytes <= f->n - offset ? f->p + offset : NULL;
}

/* Which of `n` names a symbol table defines, a bit each. */
static unsigned names_in(const struct rm_file *f, const Elf64_Shdr *table, const Elf64_Shdr *strings,
			 const char *const *wanted, size_t n)
{
	const Elf64_Sym *s = at(f, table->sh_offset, table->sh_size);
	const char *text = at(f, strings->sh_offset, strings->sh_size);
	unsigned found = 0;

	if (!s || !text || (uintptr_t)s % _Alignof(Elf64_Sym) || !strings->sh_size || text[strings->sh_size - 1])
		return 0;
	for (size_t i = 0; i < table->sh_size / sizeof(*s); i++)
		for (size_t k = 0; k < n; k++)
			if (s[i].st_shndx != SHN_UNDEF && s[i].st_name < strings->sh_size &&
			    strcmp(text + s[i].st_name, wanted[k]) == 0)
				found |= 1u << k;
	return found;
}

static unsigned defined_in(const struct rm_file *f, uint32_t table_type, const char *const *wanted, size_t n)
{
	const Elf64_Ehdr *e = at(f, 0, sizeof(*e));
	const Elf64_Shdr *s = e ? at(f, e->e_shoff, (uint64_t)e->e_shnum * sizeof(*s)) : NULL;
	unsigned found = 0;

	if (!s || e->e_shentsize != sizeof(*s) || e->e_shoff % _Alignof(Elf64_Shdr))
		return 0;
	for (unsigned i = 0; i < e->e_shnum; i++)
		if (s[i].sh_type == table_type && s[i].sh_link < e->e_shnum)
			found |= names_in(f, &s[i], &s[s[i].sh_link], wanted, n);
	return found;
}

static unsigned all_names_in(const struct rm_file *f, uint32_t table_type)
{
	return defined_in(f, table_type, names, sizeof(names) / sizeof(names[0]));
}

bool rm_file_exports(const struct rm_file *f, const char *name)
{
	return defined_in(f, SHT_DYNSYM, &name, 1) != 0;
}

static bool is_known(unsigned found)
{
	return (found & KNOWN_NAMES) == KNOWN_NAMES;
}

static bool is_kin(unsigned found)
{
	return (found & KIN_NAMES) == KIN_NAMES;
}

static bool holds(const struct rm_file *f, const char *text, size_t n)
{
	return memmem(f->p, f->n, text, n) != NULL;
}

/* The library that its own texts tell of; NULL: none. */
static const char *marked(const struct rm_file *f)
{
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++)
		if (holds(f, markers[i].text, markers[i].n))
			return markers[i].name;
	return NULL;
}

static bool look_inside(const struct rm_file *f, const char *path, FILE *out)
{
	unsigned exported = all_names_in(f, SHT_DYNSYM), all = exported | all_names_in(f, SHT_SYMTAB);
	const char *kin = marked(f);
	bool has_rustls = holds(f, rustls_source, sizeof(rustls_source) - 1);
	bool closed = is_known(all) || holds(f, openssl_source, sizeof(openssl_source));

	if (has_rustls)
		fprintf(out, "note: %s has rustls inside: what it encrypts with that is not seen\n", path);
	if (is_known(exported))
		fprintf(out, "note: %s has OpenSSL inside, where its TLS is seen\n", path);
	else if (kin)
		fprintf(out, "note: %s has %s inside: what it encrypts with that is not seen\n", path, kin);
	else if (closed && (is_known(all) || !is_kin(all)))
		fprintf(out, "note: %s has OpenSSL inside and does not export it: its TLS is not seen\n", path);
	else if (is_kin(all))
		fprintf(out, "note: %s has a kin of OpenSSL inside that is not known here: its TLS is not seen\n", path);
	return has_rustls || (!is_known(exported) && (kin || closed || is_kin(all)));
}

void rm_file_open(const char *path, struct rm_file *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	*ret = (struct rm_file){ 0 };
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (p != MAP_FAILED)
			*ret = (struct rm_file){ p, (size_t)st.st_size };
	}
	close(fd);
}

void rm_file_close(const struct rm_file *f)
{
	if (f->p)
		munmap((void *)f->p, f->n);
}

bool rm_is_openssl(const char *path)
{
	struct rm_file f;
	bool known;

	rm_file_open(path, &f);
	known = f.p && is_known(all_names_in(&f, SHT_DYNSYM));
	rm_file_close(&f);
	return known;
}

bool rm_say_tls_inside(const char *path, FILE *out)
{
	const char *name = strrchr(path, '/');
	bool hidden = name && strcmp(name, "/java") == 0;
	struct rm_file f;

	if (hidden)
		fprintf(out, "note: %s encrypts by itself (JSSE): its TLS is seen from Java 11 on, not that of netty-tcnative\n", path);
	rm_file_open(path, &f);
	if (f.p)
		hidden |= look_inside(&f, path, out);
	rm_file_close(&f);
	return hidden;
}
