/*
 * Whom the callback works for that a library runs on this thread: its handler of a request, or a function that was given to it
 * with an argument (a timer's, a pool's item, that of an answer) while it ran one. For libraries that keep the program's
 * requests, timers and connections in one loop, where threads tell nothing.
 *
 * A handler works for its request. What it gives to a library, and that gives back later, works for the same one, if it is
 * the only thing that was given, and what that gives has its own argument again. A program may also keep requests in a line
 * of its own, and go on with one of them in whatever callback comes next: then a request waits, unanswered, for which nothing
 * was given to any library, but perhaps a timer that watches over it. While there is such a one, no call is said to be
 * anybody's.
 * Context of all: app, outside of visits.
 */
#ifndef RM_AGENT_TURN_H
#define RM_AGENT_TURN_H

#include "agent/adapter_api.h"

struct rm_turn;

/*
 * The library calls the handler of a request. `request` is its object there, `ctx` the context, 0 if that is not known. NULL: there
 * is no room. The caller hands what is returned to rm_turn_end.
 */
struct rm_turn *rm_turn_serve(rm_ctx ctx, const void *request);

/* The library calls what was given to it. NULL also where nothing is known of it, and the thread is in no turn. */
struct rm_turn *rm_turn_take(const void *function, const void *arg);

/* True where the thread is in a turn. */
bool rm_turn_here(void);

/* The library is about to run whatever it has: not what the thread runs now. NULL where that is nothing anyway. */
struct rm_turn *rm_turn_nobody(void);

/* It has returned. NULL is allowed. */
void rm_turn_end(struct rm_turn *turn);

/*
 * The program gives a function and its argument to the library, which calls it later; what it calls after the first time is
 * nobody's. To be told before the library is. `holds`: the request goes on with that; false for what may only watch over
 * it, as timers do that take long. Returns whose a call is that is made with them, 0: not known.
 */
rm_ctx rm_turn_give(const void *function, const void *arg, bool holds);

/* A timer of so many milliseconds, and longer ones, may only watch. */
enum { RM_TURN_WATCH_MS = 100 };

/* Whose a call is that the thread makes and waits for. */
rm_ctx rm_turn_calls(void);

/* The program, in the handler of that request, asks the library to wait until it is told to answer. */
void rm_turn_hold(const void *request);

/* True where it did so in this turn. */
bool rm_turn_holds(const struct rm_turn *turn);

/* That request is answered, or the library may do so: whoever says it. */
void rm_turn_answer(rm_ctx ctx, const void *request);

#endif
