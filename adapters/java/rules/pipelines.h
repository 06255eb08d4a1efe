/*
 * How rules of reactive libraries are written. An operator is made by who subscribes to it: that it is told of its source, and what it
 * does with what comes; one that only goes on where another source ended is not asked how that one was.
 */
#ifndef RM_ADAPTERS_JAVA_RULES_PIPELINES_H
#define RM_ADAPTERS_JAVA_RULES_PIPELINES_H

#include "adapters/java/rules/write.h"

#define MADE(class) AFTER(class, "<init>", "", "0", "subscribes", "(" OBJECT ")V")
#define CONTINUES(class, ...) RULE(class, __VA_ARGS__, AROUND, "0", RM_JAVA_NO_NUMBER, "", "", "goesOn", "(" OBJECT ")V")
#define TOLD(class, of) ENTRY(class, "onSubscribe", "(L" of ";)V", "0", "subscribed", "(" OBJECT ")V")
#define SUBSCRIPTION "org/reactivestreams/Subscription"

#define ON_NEXT "onNext", "(" OBJECT ")V"
#define ON_COMPLETE "onComplete", "()V"
#define ON_ERROR "onError", "(" THROWABLE ")V"

/* A source that brings the values of many. */
#define SHARES(class, ...) RULE(class, __VA_ARGS__, AROUND, "", RM_JAVA_NO_NUMBER, "", "", "shares", "()V")
#define FILLS(...) FILLS_BY(__VA_ARGS__)
#define FILLS_BY(class, method, signature, callee, callee_signature)                                                   \
	RULE(class, method, signature, BEFORE, "", RM_JAVA_NO_NUMBER, callee, callee_signature, "fills", "(" OBJECT ")V")

#endif
