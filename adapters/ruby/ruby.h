/* What the parts of the adapter ask each other. */
#ifndef RM_ADAPTERS_RUBY_RUBY_H
#define RM_ADAPTERS_RUBY_RUBY_H

#include <stdbool.h>

/* The code that runs is not of a Ractor that the program made. Context: Ruby's lock held. */
bool rm_ruby_is_main_ractor(void);

#endif
