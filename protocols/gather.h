/*
 * The head of a message that may come in pieces: looked at where it lies when one call holds it, else put together in the
 * stash. One direction of a connection. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_GATHER_H
#define RM_PROTOCOLS_GATHER_H

#include "protocols/input.h"

struct rm_gather {
	uint32_t kept; /* of the head, in the stash */
};

/* How much of the head is here, kept or in the input. */
static inline size_t rm_gather_have(const struct rm_gather *g, const struct rm_input *in)
{
	return g->kept + (in->n - in->at);
}

/* Keeps the rest of the input, all of it the head's. RM_STEP_MUTE: no memory, or more than RM_HEAD_MAX_BYTES. */
enum rm_step rm_gather_keep(struct rm_gather *g, struct rm_input *in, struct rm_sink *sink);

/* rm_gather_joined() where something is kept. */
const char *rm_gather_join(const struct rm_gather *g, const struct rm_input *in, uint32_t want, struct rm_sink *sink);

/*
 * The first `want` bytes of the head in one piece; those that are not kept are the next of the input, and stay there. NULL: no
 * memory. May be asked for more of the same head later. Valid until the next call.
 */
static inline const char *rm_gather_joined(const struct rm_gather *g, const struct rm_input *in, uint32_t want,
					   struct rm_sink *sink)
{
	return g->kept ? rm_gather_join(g, in, want, sink) : in->p + in->at;
}

/* The head is over, or will not go on. */
void rm_gather_forget(struct rm_gather *g, enum rm_dir dir, struct rm_sink *sink);

/* A direction has ended, as rm_proto.end says; `g` is of that one. True: nothing that waits is answered any more. */
bool rm_gather_end(struct rm_gather *g, struct rm_gather *request, enum rm_dir dir, bool reset, struct rm_sink *sink);

#endif
