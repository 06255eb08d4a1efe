/*
 * How rules are written: one line a method, in a table for each library, or for a part of the JDK (tables.h). Methods that a
 * version does not have are passed over. Of what is handed over both ends are there: where it is given away, where it runs.
 */
#ifndef RM_ADAPTERS_JAVA_RULES_WRITE_H
#define RM_ADAPTERS_JAVA_RULES_WRITE_H

#include "adapters/java/classfile.h"

#define JUC "java/util/concurrent/"
#define OBJECT "Ljava/lang/Object;"
#define THROWABLE "Ljava/lang/Throwable;"
#define RUNNABLE "Ljava/lang/Runnable;"
#define TIME "Ljava/util/concurrent/TimeUnit;"

#define RULE(class, method, signature, where, load, number, callee, callee_signature, helper, helper_signature)           \
	{ class, method, signature, RM_JAVA_##where, load, number, callee, callee_signature, helper, helper_signature }
#define ENTRY(class, method, signature, load, helper, helper_signature)                                                \
	RULE(class, method, signature, ENTRY, load, RM_JAVA_NO_NUMBER, "", "", helper, helper_signature)
#define CALL(class, method, signature, callee, callee_signature, helper, helper_signature)                             \
	RULE(class, method, signature, CALL, "", RM_JAVA_NO_NUMBER, callee, callee_signature, helper, helper_signature)
#define CAST(class, method, signature, to, helper, helper_signature)                                                   \
	RULE(class, method, signature, CAST, "", RM_JAVA_NO_NUMBER, to, "", helper, helper_signature)

/* Behind the last rule of a table. */
#define RULES_END ENTRY("", "", "", "", "", "")

#define CAPTURES(class, method, signature, parameter)                                                                  \
	ENTRY(class, method, signature, parameter, "capture", "(" OBJECT ")V")
#define CLAIMS(class, method, signature, parameter) ENTRY(class, method, signature, parameter, "claim", "(" OBJECT ")V")
#define RUNS(class, method, signature, callee, helper)                                                                 \
	CALL(class, method, signature, callee, "()V", helper, "(" RUNNABLE ")V")

/* Until the method ends. */
#define ENTERS(class, method, signature, parameter, kind)                                                              \
	RULE(class, method, signature, AROUND, parameter, RM_JAVA_ENTER_##kind, "", "", "enter", "(" OBJECT "I)V")
#define SCOPE(class, method, signature, parameter, helper)                                                             \
	RULE(class, method, signature, AROUND, parameter, RM_JAVA_NO_NUMBER, "", "", helper, "(" OBJECT ")V")
#define QUIET(class, method, signature)                                                                                \
	RULE(class, method, signature, AROUND, "", RM_JAVA_NO_NUMBER, "", "", "quiet", "()V")

/* Runs what others put into a queue, in the thread of whoever comes. */
#define KEEPS(class, method, signature)                                                                                \
	RULE(class, method, signature, AROUND, "", RM_JAVA_NO_NUMBER, "", "", "keep", "()V")

#define AFTER(class, method, signature, load, helper, helper_signature)                                                \
	RULE(class, method, signature, AFTER, load, RM_JAVA_NO_NUMBER, "", "", helper, helper_signature)

/* A request goes out: the object is changed, or another one comes in its place. */
#define SENDS(class, method, signature, parameter, kind)                                                               \
	RULE(class, method, signature, ENTRY, parameter, RM_JAVA_SEND_##kind, "", "", "mark", "(" OBJECT "I)V")
#define GIVES(class, method, signature, parameter, of, kind)                                                           \
	RULE(class, method, signature, ENTRY, parameter, RM_JAVA_SEND_##kind, of, "", "give", "(" OBJECT "I)" OBJECT)

/* A pool of threads as java.util.concurrent has it, and who copied it. */
#define POOL(class)                                                                                                    \
	CAPTURES(class, "execute", "(" RUNNABLE ")V", "1"),                                                            \
	ENTRY(class, "getTask", "()" RUNNABLE, "", "leave", "()V"),                                                    \
	CAST(class, "getTask", "()" RUNNABLE, "java/lang/Runnable", "adopt", "(" OBJECT ")" RUNNABLE),                 \
	ENTRY(class "$Worker", "run", "()V", "0", "start", "(" OBJECT ")V")

#endif
