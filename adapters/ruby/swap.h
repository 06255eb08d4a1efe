/* Ruby's methods that are written in C: ours in the place of their functions. */
#ifndef RM_ADAPTERS_RUBY_SWAP_H
#define RM_ADAPTERS_RUBY_SWAP_H

#include "adapters/ruby/api.h"

/*
 * Threads begin with what their maker serves, and say when they wait for work. What waits and is not written
 * in C is handed to `follow`, which says whether it can be followed in another way: where it cannot, threads
 * begin with nothing. Context: Ruby's lock held; what it raises goes on. Errors: false where nothing was
 * done for threads, because this Ruby's methods are not as they are known.
 */
bool rm_ruby_swap(bool (*follow)(const char *class, const char *name));

#endif
