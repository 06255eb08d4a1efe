/*
 * Header blocks of HTTP/2, field by field, with the state that both ends of a connection share in
 * one direction. Nobody here encodes with a table: what we add are literals that leave it alone.
 * Context: hook, connection locked. Spec: RFC 7541.
 */
#ifndef RM_PROTOCOLS_HPACK_H
#define RM_PROTOCOLS_HPACK_H

#include "base/strbuf.h"
#include "protocols/hpack_table.h"
#include "protocols/proto.h"

/* What a decoded header list may count, as SETTINGS_MAX_HEADER_LIST_SIZE does; and the room it needs. */
enum { RM_HPACK_LIST_MAX_BYTES = 64 * 1024 };

/* How a field is written (RFC 7541 section 6). */
enum rm_hpack_form {
	RM_HPACK_INDEXED,  /* a reference to a table */
	RM_HPACK_INDEXING, /* a literal that is added to the table */
	RM_HPACK_PLAIN,    /* a literal that is not */
	RM_HPACK_NEVER,    /* a literal that nobody on the way may add, either */
};

struct rm_hpack_field {
	struct rm_str name, value; /* valid until the block is over */
	enum rm_hpack_form form;
	uint32_t at, end;          /* where in the block it is written */
};

/* A header block being read. */
struct rm_hpack_block {
	struct rm_hpack_table *table;
	struct rm_sink *sink;      /* lends the table's memory ... */
	enum rm_stash which;       /* ... by this name */
	char *memory;
	const uint8_t *start, *at, *end;
	struct rm_strbuf text;     /* texts that do not stand in the block */
	uint32_t list_bytes;       /* of the fields so far */
};

/*
 * Starts to read a whole block of `n` bytes. `room` takes texts that were coded or come from the table,
 * RM_HPACK_LIST_MAX_BYTES of them. Ownership: all borrowed until the block is over.
 */
void rm_hpack_begin(struct rm_hpack_block *b, struct rm_hpack_table *t, struct rm_sink *sink,
		    enum rm_stash which, const void *p, size_t n, char *room);

/*
 * The next field: 1; 0 at the end of the block. The table then is as the peer's is. Fields must be
 * read to the end.
 * Errors: RM_E_PROTO, RM_E_RANGE or RM_E_FULL (a limit), RM_E_NOMEM; the table is then of no use.
 */
int rm_hpack_next(struct rm_hpack_block *b, struct rm_hpack_field *ret);

/* Writes a field as a literal that no table takes, its name and value uncoded. */
void rm_hpack_put(struct rm_strbuf *out, struct rm_str name, struct rm_str value);

/* The same, and who forwards it may not put it into a table, either (section 6.2.3). */
void rm_hpack_put_never(struct rm_strbuf *out, struct rm_str name, struct rm_str value);

/* The same of a traceparent, as short as it gets without a table: in the Huffman code, 46 to 52 bytes. */
void rm_hpack_put_traceparent(struct rm_strbuf *out, const struct rm_spanctx *c);

#endif
