/*
 * An ELF file as it is mapped into this process: what its program headers say. Reads memory that the list of
 * mappings says can be read, and believes nothing in it. Context of all: any, signal-safe.
 */
#ifndef RM_STACK_MODULE_H
#define RM_STACK_MODULE_H

#include "stack/maps.h"

enum { RM_BUILD_ID_MAX = 32 };

struct rm_module {
	const char *path;        /* as the kernel has it */
	uintptr_t start;         /* of its first mapping */
	uintptr_t bias;          /* added to the addresses in the file */
	uintptr_t unwind, unwind_bytes; /* .eh_frame_hdr in memory; 0: none */
	uintptr_t dynamic, dynamic_bytes;
	uint8_t build_id[RM_BUILD_ID_MAX];
	uint32_t build_id_bytes; /* 0: none */
};

/* The module that holds an address. False: no file, or none that is understood. */
bool rm_module_find(struct rm_maps *m, uintptr_t at, struct rm_module *ret);

/* The file's name without its folders. */
struct rm_str rm_module_name(const struct rm_module *m);

#endif
