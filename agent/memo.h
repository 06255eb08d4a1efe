/*
 * Memory in which what was made of one message is kept for the next one like it, on any connection: a few pieces for the
 * whole process, each held by one visit at a time. Nothing in it is needed: what cannot be had, or was lost, is made
 * anew. Context: hook, connection locked.
 */
#ifndef RM_AGENT_MEMO_H
#define RM_AGENT_MEMO_H

#include "agent/repeat.h"
#include "agent/thread.h"
#include "protocols/proto.h"

struct rm_memo {
	_Alignas(16) char protocol[RM_MEMO_BYTES]; /* what rm_sink_calls.memo lends */
	struct rm_repeat repeats[RM_REPEATS];
};

/*
 * A piece for the calling thread, mostly the same one; zeroes at first. NULL: another thread has it, there is no memory, or
 * so few messages were seen that it is not worth it. Given back by rm_memo_put.
 */
struct rm_memo *rm_memo_take(struct rm_thread *t);
void rm_memo_put(struct rm_thread *t);

#endif
