/*
 * One class on its way through the files beside: constants.c knows its constants, code.c puts calls into the code
 * of a method, places.c moves what names places in that code, classfile.c walks through the class.
 */
#ifndef RM_ADAPTERS_JAVA_WORK_H
#define RM_ADAPTERS_JAVA_WORK_H

#include "adapters/java/bytes.h"
#include "adapters/java/classfile.h"

enum {
	RM_JAVA_RULES_MAX = 24, /* of one class */
	RM_JAVA_CODE_MAX = 65535,
	RM_JAVA_HEAD_BYTES = 10, /* before the constants */
};

/* Of each rule, the constants that were added for it; 0: no method of that name. */
struct rm_java_added {
	uint16_t helper, cast;
};

struct rm_java_work {
	struct rm_jin in;
	struct rm_jout out;
	const uint8_t *bytes;
	uint32_t *at;        /* of each constant, where it is in `bytes`; 0: nothing */
	uint16_t *moved;     /* of each byte of a method's code, and its end: where it went. Others are 0 */
	unsigned constants;
	const struct rm_java_rule *rules;
	unsigned rule_count;
	struct rm_java_added added[RM_JAVA_RULES_MAX];
	uint16_t end, throwable, frames; /* constants that AROUND needs: a method, a class, a text */
	unsigned hits;
};

/* ---- constants.c ---- */

/* Finds the constants of w->bytes, which w->in stands at. Errors: w->in.bad. */
void rm_java_find_constants(struct rm_java_work *w);

bool rm_java_is_text(const struct rm_java_work *w, unsigned i, const char *text);
bool rm_java_is_class(const struct rm_java_work *w, unsigned i, const char *name);
bool rm_java_is_method(const struct rm_java_work *w, unsigned i, const char *name, const char *signature);

/* Writes the constants as they are, those that the `wanted` rules need behind them, and the new count. */
void rm_java_add_constants(struct rm_java_work *w, const bool *wanted);

/* ---- code.c ---- */

/* Writes the code of a method, which w->in stands at, with what the rules in `mask` put into it. Errors: w->in.bad. */
void rm_java_rewrite_code(struct rm_java_work *w, uint32_t mask);

/* ---- places.c ---- */

/* What was put into a method. */
struct rm_java_change {
	unsigned first;   /* bytes in front of it */
	unsigned code;    /* bytes of the code it had */
	unsigned handler; /* where what runs when it throws begins; 0: nothing does */
};

/* Writes the exception table that w->in stands at. */
void rm_java_move_handlers(struct rm_java_work *w, const struct rm_java_change *change);

/* Writes the attributes of the code that w->in stands at. */
void rm_java_move_attributes(struct rm_java_work *w, const struct rm_java_change *change);

#endif
