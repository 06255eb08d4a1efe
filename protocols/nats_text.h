/*
 * What NATS writes as text: members of the options that both sides begin with, header blocks, the subject that a message
 * of JetStream is to be acknowledged by, and the head of a message with more headers. Context: any, signal-safe.
 * Spec: NATS client protocol; ADR-1 (JSON), ADR-4 (headers), ADR-15 (subjects of acknowledgements).
 */
#ifndef RM_PROTOCOLS_NATS_TEXT_H
#define RM_PROTOCOLS_NATS_TEXT_H

#include "protocols/proto.h"

/* The value of a member of the outermost object, as it is written; the last of that name. False: none, or no JSON. */
bool rm_nats_member(struct rm_str object, struct rm_str name, struct rm_str *ret);

enum { RM_NATS_FIELDS = 32 }; /* to more than half of that none are added */

struct rm_nats_headers {
	struct rm_field fields[RM_NATS_FIELDS]; /* those that may carry context */
	uint32_t count;
	struct rm_str id;                       /* Nats-Msg-Id */
	bool whole;                             /* the block is well-formed, and all such fields are there */
};

/* Ownership: slices of the block. */
void rm_nats_headers_read(struct rm_str block, struct rm_nats_headers *ret);

/* The consumer of JetStream that a message came by; empty: by none. */
struct rm_str rm_nats_consumer(struct rm_str reply);

/* The arguments of PUB or HPUB. */
struct rm_nats_args {
	struct rm_str subject, sid, reply;
	uint64_t header_bytes, bytes; /* of the headers, and of all behind the line but the last CR LF */
};

/* An envelope of PUB or HPUB; `args` are those of the line that its head begins with. */
struct rm_nats_envelope {
	struct rm_envelope base;
	const struct rm_nats_args *args;
	struct rm_str block; /* of headers, in the head; empty: none */
};

enum { RM_NATS_EXTRA_BYTES = 64 };

/* rm_envelope.write: the same as HPUB, with more headers. */
bool rm_nats_write(const struct rm_envelope *envelope, struct rm_str fields, struct rm_strbuf *out);

#endif
