/*
 * Servers that read requests themselves, and their pools of threads.
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/kinds.h"
#include "adapters/java/rules/tables.h"
#include "adapters/java/rules/write.h"

RM_EMBEDDED const struct rm_java_rule rm_java_rules_servers[] = {
	/* ---- servlets ---- */
	ENTERS("javax/servlet/http/HttpServlet", "service",
	       "(Ljavax/servlet/ServletRequest;Ljavax/servlet/ServletResponse;)V", "1", SERVLET),
	ENTERS("jakarta/servlet/http/HttpServlet", "service",
	       "(Ljakarta/servlet/ServletRequest;Ljakarta/servlet/ServletResponse;)V", "1", SERVLET),

	ENTERS("org/apache/catalina/connector/CoyoteAdapter", "service",
	       "(Lorg/apache/coyote/Request;Lorg/apache/coyote/Response;)V", "1", TOMCAT),
	POOL("org/apache/tomcat/util/threads/ThreadPoolExecutor"),

	CAPTURES("org/eclipse/jetty/util/thread/QueuedThreadPool", "execute", "(" RUNNABLE ")V", "1"),
	RUNS("org/eclipse/jetty/util/thread/QueuedThreadPool", "runJob", "(" RUNNABLE ")V", "run", "job"),
	QUIET("org/eclipse/jetty/util/thread/strategy/AdaptiveExecutionStrategy", "tryProduce", "()V"),
	QUIET("org/eclipse/jetty/util/thread/strategy/AdaptiveExecutionStrategy", "runTask", "(" RUNNABLE ")V"),

	/* ---- Undertow ---- */
	ENTERS("io/undertow/server/Connectors", "executeRootHandler",
	       "(Lio/undertow/server/HttpHandler;Lio/undertow/server/HttpServerExchange;)V", "1", UNDERTOW),
	CAPTURES("org/xnio/nio/WorkerThread", "execute", "(" RUNNABLE ")V", "1"),
	CAPTURES("org/xnio/nio/WorkerThread", "executeAfter", "(" RUNNABLE "J" TIME ")Lorg/xnio/XnioExecutor$Key;", "1"),
	RUNS("org/xnio/nio/WorkerThread", "safeRun", "(" RUNNABLE ")V", "run", "loop"),
	CAPTURES("org/jboss/threads/EnhancedQueueExecutor", "execute", "(" RUNNABLE ")V", "1"),
	RUNS("org/jboss/threads/EnhancedQueueExecutor$Task", "doRunWith", "(" RUNNABLE OBJECT ")V", "run", "job"),
	RULES_END,
};
