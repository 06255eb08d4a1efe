/*
 * The tables of HPACK: the static one, and one side's dynamic one, in memory that the caller keeps.
 * Context: any, signal-safe. Spec: RFC 7541 sections 2.3 and 4, appendix A.
 */
#ifndef RM_PROTOCOLS_HPACK_TABLE_H
#define RM_PROTOCOLS_HPACK_TABLE_H

#include "base/str.h"

enum {
	RM_HPACK_TABLE_BYTES = 4096,          /* as long as nothing else is said */
	RM_HPACK_TABLE_MAX_BYTES = 64 * 1024, /* of what may be said */
	RM_HPACK_ENTRY_BYTES = 32,            /* what an entry counts besides its text */
};

/*
 * A dynamic table. Its memory holds the texts of the entries from the start, oldest first, and at
 * the end a list of where they are, newest first.
 */
struct rm_hpack_table {
	uint32_t max_bytes; /* in effect; counted as the RFC does, like `bytes` */
	uint32_t bytes;
	uint32_t count;
	uint32_t cap;       /* of the memory, a multiple of 8; 0: there is none yet */
	uint32_t from, to;  /* where the texts are */
	uint32_t list;      /* where the list begins */
};

/* Makes an empty table without memory. */
void rm_hpack_table_init(struct rm_hpack_table *t);

/* Sets the size, at most RM_HPACK_TABLE_MAX_BYTES; entries beyond it are gone. */
void rm_hpack_table_resize(struct rm_hpack_table *t, const char *memory, uint32_t max_bytes);

/* The entry of an index, static or dynamic. False: there is none. Slices: until the table changes. */
bool rm_hpack_table_get(const struct rm_hpack_table *t, const char *memory, uint64_t index,
			struct rm_str *ret_name, struct rm_str *ret_value);

/* True when the index is one of the static table, whose texts are constant. */
bool rm_hpack_is_static(uint64_t index);

/*
 * Makes room for an entry with `text_bytes` of text: old entries go. False: the table is too small
 * for it, and empty now. *ret_cap is the memory that adding it needs, at least t->cap.
 */
bool rm_hpack_table_evict(struct rm_hpack_table *t, const char *memory, size_t text_bytes,
			  uint32_t *ret_cap);

/* The memory has become larger; what it held stands at its start. */
void rm_hpack_table_grown(struct rm_hpack_table *t, char *memory, uint32_t cap);

/* Adds what room was made for. The texts are copied, and lie outside of the table. */
void rm_hpack_table_add(struct rm_hpack_table *t, char *memory, struct rm_str name, struct rm_str value);

#endif
