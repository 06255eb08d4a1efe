/*
 * What is mapped into this process, as the kernel lists it: which addresses may be read without a fault,
 * and which file lies behind them. Context of all: any, signal-safe.
 */
#ifndef RM_STACK_MAPS_H
#define RM_STACK_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { RM_MAPS_MAX = 16384, RM_MAPS_TEXT = 256 * 1024 };

struct rm_map {
	uintptr_t start, end; /* the first address behind it */
	uint64_t offset;      /* in the file */
	uint32_t path;        /* in the text, terminated; 0: none */
	bool readable, executable;
};

/* The list as of rm_maps_read; 1 MiB, of which only what is used is touched. */
struct rm_maps {
	uint32_t count;
	uint32_t text_bytes;
	bool truncated; /* there are more than RM_MAPS_MAX */
	const struct rm_map *last; /* found lately */
	struct rm_map map[RM_MAPS_MAX];
	char text[RM_MAPS_TEXT];
};

/* Reads /proc/self/maps into zeroed memory. False: there is none to be read. */
bool rm_maps_read(struct rm_maps *m);

/* Takes one line of that file, without its end. For rm_maps_read, and tests. */
void rm_maps_line(struct rm_maps *m, struct rm_str line);

/* The mapping that holds an address; NULL when none does. */
const struct rm_map *rm_maps_find(struct rm_maps *m, uintptr_t at);

/* True when all of [at, at + n) can be read, in mappings that follow each other. */
bool rm_maps_readable(struct rm_maps *m, uintptr_t at, size_t n);

/* The path of a mapping as the kernel writes it; empty when it has none. */
const char *rm_map_path(const struct rm_maps *m, const struct rm_map *map);

#endif
