/*
 * How Kafka writes things: numbers, texts, lists in their two forms, and batches of records. Context: any, signal-safe.
 * Spec: Kafka protocol guide ("Protocol Primitive Types"); KIP-482 (flexible versions); message format, version 2.
 */
#ifndef RM_PROTOCOLS_KAFKA_WIRE_H
#define RM_PROTOCOLS_KAFKA_WIRE_H

#include "protocols/proto.h"

/* A reader that knows when it went past the end: `bad` from then on, and all it gives is nothing. */
struct rm_kafka_cursor {
	const char *p;
	size_t n, at;
	bool flexible; /* texts, lists and tags as KIP-482 has them */
	bool bad;
};

int64_t rm_kafka_int(struct rm_kafka_cursor *c, size_t bytes); /* big-endian, with a sign */
uint32_t rm_kafka_uvarint(struct rm_kafka_cursor *c);
int64_t rm_kafka_varint(struct rm_kafka_cursor *c);            /* zigzag */
/* Texts and bytes; NULL gives the empty slice. */
struct rm_str rm_kafka_string(struct rm_kafka_cursor *c);
struct rm_str rm_kafka_bytes(struct rm_kafka_cursor *c);
uint32_t rm_kafka_count(struct rm_kafka_cursor *c);            /* of a list; NULL is 0 */
struct rm_str rm_kafka_take(struct rm_kafka_cursor *c, size_t n);
void rm_kafka_tags(struct rm_kafka_cursor *c);                 /* nothing in versions that are not flexible */

void rm_kafka_put_int(struct rm_strbuf *out, uint64_t v, size_t bytes);
void rm_kafka_put_uvarint(struct rm_strbuf *out, uint32_t v);
void rm_kafka_put_varint(struct rm_strbuf *out, int64_t v);

/* ---- batches ---- */

enum { RM_KAFKA_BATCH_BYTES = 61, RM_KAFKA_FIELDS = 16 };

struct rm_kafka_batch {
	int64_t offset;     /* of its first record */
	uint32_t bytes;     /* of all of it */
	uint32_t count;     /* of records */
	uint8_t magic;      /* format; what is below 2 is a message, or several compressed ones: `count` is 0 */
	bool plain;         /* version 2, not compressed, and no marker of a transaction */
};

/* Reads the head of a batch; of `n` bytes at `p`, RM_KAFKA_BATCH_BYTES at least. False: it is none. */
bool rm_kafka_batch_read(const char *p, struct rm_kafka_batch *ret);

struct rm_kafka_record {
	struct rm_field fields[RM_KAFKA_FIELDS]; /* those of its headers that may carry context; of more, none */
	uint32_t count;
	uint32_t headers;     /* all of them */
	size_t headers_at;    /* where their number stands, in the body; their bytes go to its end */
	size_t headers_bytes; /* of the number */
};

/* The body of a record, behind its length. False: it is none. Ownership: slices of `body`. */
bool rm_kafka_record_read(struct rm_str body, struct rm_kafka_record *ret);

/* Writes a batch (plain) with `fields` added to each record. False: it cannot be read to its end. */
bool rm_kafka_batch_write(struct rm_str batch, struct rm_str fields, struct rm_strbuf *out);

/* rm_envelope.put: a header of a record. */
void rm_kafka_put_header(struct rm_strbuf *out, struct rm_str name, struct rm_str value);

#endif
