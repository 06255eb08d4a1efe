/*
 * The calls that led to a place in this process, by libunwind, from what a signal left of the registers.
 */
#ifndef RM_STACK_UNWIND_H
#define RM_STACK_UNWIND_H

#include <ucontext.h>

#include "stack/maps.h"

struct rm_frame {
	uintptr_t pc;
	bool returns; /* `pc` is where a call returns to: what was called lies before it */
};

/*
 * Gives the frames from the innermost on, `max` at most; of deeper stacks `ret_count` says how many there are, up to
 * `limit`, and the last `tail` of the frames given are the outermost ones. Memory is read only where the
 * mappings say that it can be. Context: any, signal-safe; one thread at a time.
 */
enum { RM_FRAMES_COUNTED = 20000 };
uint32_t rm_unwind(struct rm_maps *m, const ucontext_t *at, struct rm_frame *ret, uint32_t max, uint32_t tail,
		   uint32_t limit, uint32_t *ret_count);

#endif
