/*
 * Puts calls of Remora.java into classes as they are loaded. Bytes in, bytes out: no state, no memory of its
 * own. What is no class as the specification has it, or would become too large, stays as it is.
 * Spec: Java Virtual Machine Specification, chapter 4.
 */
#ifndef RM_ADAPTERS_JAVA_CLASSFILE_H
#define RM_ADAPTERS_JAVA_CLASSFILE_H

#include <stddef.h>
#include <stdint.h>

#define RM_JAVA_HELPER "java/util/concurrent/Remora"

enum rm_java_where {
	RM_JAVA_ENTRY, /* first thing in the method */
	RM_JAVA_CALL,  /* instead of calls of a method: the object becomes the first argument */
	RM_JAVA_CAST,  /* instead of casts to a class */
};

enum { RM_JAVA_NO_NUMBER = -1 };

struct rm_java_rule {
	const char *class, *method, *signature; /* which method */
	enum rm_java_where where;
	/* ENTRY: numbers of the parameters that are given, one digit each; 0 is this. What is returned replaces the first. */
	const char *load;
	int number;       /* ENTRY: an argument more, below 128; or RM_JAVA_NO_NUMBER */
	const char *callee, *callee_signature; /* CALL: of which method, whosever; CAST: the class */
	const char *helper, *helper_signature; /* the static method of RM_JAVA_HELPER that is called */
};

/* All rules, those of one class beside each other; ends with a class of NULL. */
extern const struct rm_java_rule rm_java_rules[];

/* The first rule of the class; NULL: it has none. Context: any. */
const struct rm_java_rule *rm_java_rules_of(const char *class, size_t n);

/* Room that rewriting the class takes, 0: it is none. Context: any. */
size_t rm_classfile_room(const uint8_t *bytes, size_t n);

/*
 * Applies `rule` and those behind it of the same class. `room` is aligned, has as many bytes as
 * rm_classfile_room says and holds the new class afterwards, from its start. Returns its length, 0: nothing of it
 * applies, or it is not understood. Context: any.
 */
size_t rm_classfile_rewrite(const uint8_t *bytes, size_t n, const struct rm_java_rule *rule, uint8_t *room);

#endif
