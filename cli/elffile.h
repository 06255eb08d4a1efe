/* What the head of an executable says about how it starts. Files are untrusted: all is bounded. */
#ifndef RM_CLI_ELFFILE_H
#define RM_CLI_ELFFILE_H

#include <stdbool.h>
#include <stdint.h>

enum { RM_ELF_INTERP_BYTES = 256 };

struct rm_elf {
	unsigned bits;    /* 32 or 64 */
	uint16_t machine; /* EM_... */
	bool dynamic;     /* it names an interpreter: ld.so starts it */
	bool go;          /* built by the Go toolchain */
	char interp[RM_ELF_INTERP_BYTES];
};

/*
 * Reads an executable. Of a 32-bit or foreign one only `bits` and `machine`.
 * Errors: RM_E_IO; RM_E_PROTO, not ELF or cut short.
 */
int rm_elf_read(const char *path, struct rm_elf *ret);

#endif
