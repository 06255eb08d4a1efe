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

/* The helper of rules for classes of this package. */
#define RM_JAVA_TLS "sun/security/ssl/"
#define RM_JAVA_TLS_HELPER RM_JAVA_TLS "RemoraTls"

enum rm_java_where {
	RM_JAVA_ENTRY, /* first thing in the method */
	RM_JAVA_CALL,  /* instead of calls of a method: the object becomes the first argument; of a static one if the signatures are equal */
	RM_JAVA_CAST,  /* instead of casts to a class */
	RM_JAVA_BEFORE, /* before calls of a method with one or two objects: the helper gets whose method it is */
	RM_JAVA_AROUND, /* first thing in the method; `end` of RM_JAVA_HELPER last, however it ends. No constructor */
	RM_JAVA_AFTER,  /* before it returns, with parameters that it does not assign to */
	RM_JAVA_RESULT, /* before an object is returned, with it; an int is what the helper makes of it */
	RM_JAVA_GROW,   /* first thing in the method `number` is added to the parameter of `load`, an int */
	RM_JAVA_SET,    /* first thing in the method the helper's bits are set in the last parameter of `load`, an int */
};

enum { RM_JAVA_NO_NUMBER = -1 };

/* Texts in place, "" for none: without a pointer nothing of the table is touched before a JVM asks for it. */
struct rm_java_rule {
	/* Which method; behind one that ends with $ stands any digit; signature "": all of that name. */
	char class[128], method[64], signature[256];
	enum rm_java_where where;
	/*
	 * ENTRY, AROUND, AFTER, SET: numbers of the parameters that are given, one digit each; 0 is this. What is returned replaces the
	 * first: ENTRY, of the class `callee`, if there is one.
	 */
	char load[16];
	int number;       /* ENTRY, AROUND: an argument more, below 128; or RM_JAVA_NO_NUMBER. GROW: below 128 */
	char callee[80], callee_signature[128]; /* CALL, BEFORE: of which method, whosever; CAST: the class */
	char helper[16], helper_signature[128]; /* the static method of the helper that is called */
};

/* The rules of one table, counted from 0, those of one class beside each other; ends with a class of "". NULL: no such table. */
const struct rm_java_rule *rm_java_rules_in(unsigned table);

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
