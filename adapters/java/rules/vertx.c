/*
 * Vert.x 4 and 5: what is done for a request is done in a context of its own.
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/rules/tables.h"
#include "adapters/java/rules/write.h"

#define VERTX "io/vertx/core/impl/"

/* A context is made for what the thread does, and is that of what runs in it, whatever it waited for, in whatever thread. */
#define VERTX_DUPLICATE(more)                                                                                          \
	AFTER(VERTX "DuplicatedContext", "<init>", "(L" VERTX "ContextImpl;" more ")V", "0", "claim", "(" OBJECT ")V")
#define VERTX_DISPATCHES(context)                                                                                      \
	ENTRY(VERTX "VertxImpl", "beginDispatch", "(" context ")" context, "1", "dispatch", "(" OBJECT ")V"),             \
	ENTRY(VERTX "VertxImpl", "endDispatch", "(" context ")V", "", "end", "()V")

/* Who listens to a future, and is called: each for itself, in a scope of the method that calls them. */
#define VERTX_FUTURE VERTX "future/"
#define VERTX5_LISTENER "Lio/vertx/core/Completable;"
#define VERTX4_LISTENER "L" VERTX_FUTURE "Listener;"
#define VERTX5_COMPLETE "complete", "(" OBJECT THROWABLE ")V"
#define VERTX4_SUCCESS "onSuccess", "(" OBJECT ")V"
#define VERTX4_FAILURE "onFailure", "(" THROWABLE ")V"
#define LISTENS(signature) ENTRY(VERTX_FUTURE "FutureImpl", "addListener", signature, "1", "listens", "(" OBJECT ")V")
#define CALLS(class, method, signature, ...)                                                                           \
	RULE(class, method, signature, AROUND, "", RM_JAVA_NO_NUMBER, "", "", "calls", "()V"),                             \
	RULE(class, method, signature, BEFORE, "", RM_JAVA_NO_NUMBER, __VA_ARGS__, "calling", "(" OBJECT ")V")

RM_EMBEDDED const struct rm_java_rule rm_java_rules_vertx[] = {
	VERTX_DUPLICATE("[" OBJECT),
	VERTX_DUPLICATE(""),
	VERTX_DISPATCHES("Lio/vertx/core/internal/ContextInternal;"),
	VERTX_DISPATCHES("Lio/vertx/core/impl/ContextInternal;"),
	LISTENS("(" VERTX5_LISTENER ")V"),
	LISTENS("(" VERTX4_LISTENER ")V"),
	CALLS(VERTX_FUTURE "FutureBase", "emitResult", "(" OBJECT THROWABLE VERTX5_LISTENER ")V", VERTX5_COMPLETE),
	CALLS(VERTX_FUTURE "FutureBase", "lambda$emitResult$", "(" VERTX5_LISTENER OBJECT THROWABLE ")V", VERTX5_COMPLETE),
	CALLS(VERTX_FUTURE "FutureBase", "emitSuccess", "(" OBJECT VERTX4_LISTENER ")V", VERTX4_SUCCESS),
	CALLS(VERTX_FUTURE "FutureBase", "lambda$emitSuccess$", "(" VERTX4_LISTENER OBJECT ")V", VERTX4_SUCCESS),
	CALLS(VERTX_FUTURE "FutureBase", "emitFailure", "(" THROWABLE VERTX4_LISTENER ")V", VERTX4_FAILURE),
	CALLS(VERTX_FUTURE "FutureBase", "lambda$emitFailure$", "(" VERTX4_LISTENER THROWABLE ")V", VERTX4_FAILURE),
	CALLS(VERTX_FUTURE "FutureImpl$ListenerArray", "complete", "(" OBJECT THROWABLE ")V", VERTX5_COMPLETE),
	CALLS(VERTX_FUTURE "FutureImpl$ListenerArray", "onSuccess", "(" OBJECT ")V", VERTX4_SUCCESS),
	CALLS(VERTX_FUTURE "FutureImpl$ListenerArray", "onFailure", "(" THROWABLE ")V", VERTX4_FAILURE),
	RULES_END,
};
