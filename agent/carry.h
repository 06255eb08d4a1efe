/*
 * Whom work is for that a library was given and gives back later: by the address of what it was given (a tag, a task, a
 * handle), in a table of limited size. What finds no place there is for nobody that is known.
 * Context of all: any. No visit is needed.
 */
#ifndef RM_AGENT_CARRY_H
#define RM_AGENT_CARRY_H

#include "agent/adapter_api.h"

/* What an address is that of: the same one may be in use for several. */
enum rm_carry_kind {
	RM_CARRY_GRPC_CALL = 1,
	RM_CARRY_GRPC_TAG,
	RM_CARRY_GRPC_REQUEST,
	RM_CARRY_TURN,     /* a function and its argument, agent/turn.c */
	RM_CARRY_TURN_ARG,
	RM_CARRY_TURN_CALL, /* a request that is to go out */
};

struct rm_carried {
	uint64_t value; /* a context, or what only who put it there can read */
	uint8_t note;   /* of who put it there */
};

/*
 * From now on that, and nothing that was said before: in every case, also where there is no room for it. `lasts`: until it is
 * taken; else no longer than the context that it is.
 */
void rm_carry_put(const void *key, enum rm_carry_kind kind, struct rm_carried what, bool lasts);

/* False: nothing is there. */
bool rm_carry_look(const void *key, enum rm_carry_kind kind, struct rm_carried *ret);

/* The same, and it is gone. `ret` may be NULL. */
bool rm_carry_take(const void *key, enum rm_carry_kind kind, struct rm_carried *ret);

/* In which function of a library the thread is, as who hooks that says; 0: in none. It starts so in each thread. */
uint8_t *rm_carry_within(void);
enum { RM_CARRY_IN_TURN = 255 }; /* of agent/turn.c */

/* What who says so keeps of it. 0: nothing, in each thread that starts. */
uint64_t *rm_carry_now(void);

#endif
