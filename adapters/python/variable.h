/*
 * Which request the running Python code serves: one context variable of ours, whose value is the text of a traceparent, or
 * None. And what remora.py may call to set and ask it. Interpreter's lock held in all of it.
 */
#ifndef RM_ADAPTERS_PYTHON_VARIABLE_H
#define RM_ADAPTERS_PYTHON_VARIABLE_H

#include "adapters/python/api.h"
#include "agent/adapter_api.h"

extern struct rm_python rm_py;         /* CPython's functions, once it was found */
extern struct object *rm_python_none;

/* Makes the variable. False: an exception is set. */
bool rm_python_make_variable(void);

/* None, as a new reference. */
struct object *rm_python_none_again(void);

/* The live context that a value names, else 0. Borrowed: the text lives as long as `value`. */
rm_ctx rm_python_context_of(struct object *value, const char **ret_text);

/* The variable's value: a new reference; None where nothing is set, or it failed. */
struct object *rm_python_value_now(void);

/* What the thread rule says, as a value: a new reference, NULL where it failed. */
struct object *rm_python_value_of_thread(void);

/* Sets the variable. What is None is left unset: contexts can be listed. */
void rm_python_set(struct object *value);

/* Whether a thread runs one thing at a time: where greenlets take turns, nothing is attached to it. */
bool rm_python_is_native(void);

/* This thread was started by another one, and is at work for whoever that was for. */
void rm_python_inherit(bool inherits);

/* What is known of the thread, and the process, by whom they were started. */
struct rm_python_origin {
	pid_t entered_in;
	bool inherited;
};

/* Code begins that has a request of its own: none of that counts, until it is put back. */
struct rm_python_origin rm_python_put_aside(void);
void rm_python_put_back(struct rm_python_origin origin);

enum { RM_PYTHON_SAYS = 8 };
extern struct method rm_python_says[RM_PYTHON_SAYS]; /* for remora.py */

#endif
