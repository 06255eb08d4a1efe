/*
 * Coroutines of Kotlin, and Ktor's own sockets (CIO).
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/kinds.h"
#include "adapters/java/rules/tables.h"
#include "adapters/java/rules/write.h"

#define COROUTINES "kotlinx/coroutines/"
#define CONTINUATION "Lkotlin/coroutines/Continuation;"
#define ASKS(class, method, of) ENTRY(COROUTINES class, method, "(" of CONTINUATION ")" OBJECT, "", "asks", "()V")
#define OWNS(class, signature) AFTER(class, "<init>", signature, "0", "own", "(" OBJECT ")V")
#define KTOR_HEAD "io/ktor/http/cio/RequestResponseBuilder"
#define CHARS "Ljava/lang/CharSequence;"

RM_EMBEDDED const struct rm_java_rule rm_java_rules_kotlin[] = {
	/* ---- coroutines of Kotlin ---- */
	OWNS(COROUTINES "internal/DispatchedContinuation", "(L" COROUTINES "CoroutineDispatcher;" CONTINUATION ")V"),
	SCOPE(COROUTINES "internal/DispatchedContinuation", "resumeWith", "(" OBJECT ")V", "0", "resumes"),
	SCOPE(COROUTINES "internal/DispatchedContinuationKt", "resumeCancellableWith", "(" CONTINUATION OBJECT ")V", "0", "resumes"),
	SCOPE(COROUTINES "internal/DispatchedContinuationKt", "resumeCancellableWith",
	      "(" CONTINUATION OBJECT "Lkotlin/jvm/functions/Function1;)V", "0", "resumes"), /* before 1.9 */
	OWNS(COROUTINES "CancellableContinuationImpl", "(" CONTINUATION "I)V"),
	SCOPE(COROUTINES "DispatchedTask", "run", "()V", "0", "member"),
	SCOPE(COROUTINES "DispatchedTaskKt", "resume", "(L" COROUTINES "DispatchedTask;" CONTINUATION "Z)V", "0", "resumes"),
	RULE(COROUTINES "CancellableContinuationKt", "getOrCreateCancellableContinuation",
	     "(" CONTINUATION ")L" COROUTINES "CancellableContinuationImpl;", RESULT, "", RM_JAVA_NO_NUMBER, "", "", "ownAgain",
	     "(" OBJECT ")V"),

	RULE("kotlin/coroutines/jvm/internal/ContinuationImpl", "intercepted", "()" CONTINUATION, RESULT, "", RM_JAVA_NO_NUMBER, "", "",
	     "agrees", "(" OBJECT ")V"),

	/* Who asks for what others send may be at work for all. */
	ASKS("channels/BufferedChannel", "receive", ""),
	ASKS("channels/BufferedChannel", "receiveCatching-JP2dKIU", ""),
	ASKS("channels/BufferedChannel$BufferedChannelIterator", "hasNext", ""),
	ASKS("flow/SharedFlowImpl", "collect", "L" COROUTINES "flow/FlowCollector;"),
	ASKS("flow/StateFlowImpl", "collect", "L" COROUTINES "flow/FlowCollector;"),
	ASKS("selects/SelectImplementation", "doSelect", ""),

	/* ---- Ktor's own sockets (CIO) ---- */
	ENTERS("io/ktor/server/cio/CIOApplicationEngine", "handleRequest",
	       "(Lio/ktor/server/cio/backend/ServerRequestScope;Lio/ktor/http/cio/Request;" CONTINUATION ")" OBJECT, "2", KTOR),
	AFTER(KTOR_HEAD, "requestLine", "(Lio/ktor/http/HttpMethod;" CHARS CHARS ")V", "0", "head", "(" OBJECT ")V"),
	ENTRY(KTOR_HEAD, "headerLine", "(" CHARS CHARS ")V", "012", "line", "(" OBJECT CHARS CHARS ")V"),
	ENTRY(KTOR_HEAD, "emptyLine", "()V", "0", "headEnds", "(" OBJECT ")V"),
	RULES_END,
};
