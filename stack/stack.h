/*
 * The stack of a thread as text, mostly of one that is about to die: what the agent asks of this folder. Everything is read from
 * this process's memory, /proc/self/maps and the files of its modules; nothing is locked, allocated or changed.
 */
#ifndef RM_STACK_STACK_H
#define RM_STACK_STACK_H

#include <ucontext.h>

#include "base/strbuf.h"
#include "stack/maps.h"
#include "stack/symbols.h"
#include "stack/unwind.h"

enum { RM_STACK_FRAMES = 64, RM_STACK_TAIL = 16, RM_STACK_LINE_BYTES = 640, RM_STACK_MODULES = 16 };

/* Zeroed memory to work in; 1.1 MiB, of which only what is used is touched. */
struct rm_stack {
	struct rm_maps maps;
	struct rm_frame frame[RM_STACK_FRAMES];
	uint32_t shown, count;  /* frames in `frame`, and how many there are */
	uint32_t counted_to;    /* of how many it is told whether there are more */
	uintptr_t exception;    /* the object that rm_stack_exception found */
	struct rm_symbols symbols;
	uint32_t lines_cut;     /* for which the text had no room */
	uint32_t module_count;
	struct rm_module module[RM_STACK_MODULES]; /* those that the text names, with a build id */
};

/* Finds the frames. False: not even the mappings can be read. Context: any, signal-safe, one thread at a time. */
bool rm_stack_take(struct rm_stack *s, const ucontext_t *at);

/*
 * The same of a thread that goes on, into memory that may have held another stack: RM_STACK_NEAR frames are looked at, and
 * those of the object that `ours` lies in are left out, wherever they stand.
 */
enum { RM_STACK_NEAR = 128 };
bool rm_stack_take_near(struct rm_stack *s, const ucontext_t *at, uintptr_t ours);

/*
 * Writes a line for each frame, innermost first, "    at function+0x1c (/path/of/module+0x1234)", then the build ids
 * of the modules. Past `deadline_ns` (rm_clock_mono_ns) functions are not looked up any more. As much is written as there
 * is room for, in whole lines, and at the end how many there was none for.
 */
void rm_stack_write(struct rm_stack *s, uint64_t deadline_ns, struct rm_strbuf *out);

/*
 * What std::terminate was called for, when that is among the innermost frames: the type of the exception that is being
 * handled on this thread, and what its what() says where the library itself has that function. False: there is none.
 * Calls functions of the program's C++ library that neither lock nor allocate there.
 */
bool rm_stack_exception(struct rm_stack *s, struct rm_strbuf *ret_type, struct rm_strbuf *ret_message);

/*
 * The same of an exception that is about to be thrown: an object, and its type (std::type_info). False: the type has no
 * name. Context: hook, after rm_stack_take_near.
 */
bool rm_stack_thrown(struct rm_stack *s, uintptr_t object, uintptr_t type, struct rm_strbuf *ret_type,
		     struct rm_strbuf *ret_message);

/* What libc said before it aborted the process: a failed assertion, a broken heap. False: nothing. */
bool rm_stack_abort_message(struct rm_stack *s, struct rm_strbuf *ret);

#endif
