/* Where frameworks begin to serve a request, and where work is handed over: methods that are followed. */
#ifndef RM_ADAPTERS_RUBY_PLACES_H
#define RM_ADAPTERS_RUBY_PLACES_H

#include "adapters/ruby/api.h"

/*
 * Follows what is defined by now of the places that are known, and looks whether another tracer is.
 * Cheap when nothing was loaded since the last time. Context: Ruby's lock held, in the main ractor; raises nothing
 * but what a signal handler did.
 */
void rm_ruby_look(void);

/* Something was loaded: there may be more to follow. Context: any. */
void rm_ruby_loaded(void);
bool rm_ruby_is_to_look(void);

/*
 * A method that waits for work is followed from now on. Context: as above; what it raises goes on. False: it
 * cannot be.
 */
bool rm_ruby_follow_wait(const char *class, const char *name);

/*
 * Calls work(argument), and puts aside what it raises if that is a mistake of ours: such are counted, and
 * too many are the end of the adapter. False when it raised one. Context: Ruby's lock held.
 */
bool rm_ruby_quietly(rm_value (*work)(rm_value), rm_value argument);

/* Classes and names that are needed every time. Context: as rm_ruby_follow_wait. */
void rm_ruby_places_start(void);

#endif
