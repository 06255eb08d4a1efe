/*
 * The built-in list of programs that are left alone: shells, core utilities, compilers, debuggers
 * and others that speak no protocol of ours.
 */
#ifndef RM_AGENT_SKIPLIST_H
#define RM_AGENT_SKIPLIST_H

#include "base/str.h"

/* True when an executable of this name (without directories) is on the list. Context: any. */
bool rm_skiplist_has(struct rm_str name);

/* The names in order, NULL past the end: for listing and for the test of the order. */
const char *rm_skiplist_name(unsigned i);

#endif
