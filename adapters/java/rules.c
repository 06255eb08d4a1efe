/*
 * Where the adapter stands in the JDK and in libraries: one line a method. Those that a version does not have
 * are passed over. Of what is handed over both ends are here: where it is given away, where it runs.
 * Context: any.
 */
#include "adapters/java/classfile.h"
#include "adapters/java/kinds.h"

#define JUC "java/util/concurrent/"
#define TASK "L" JUC "ForkJoinTask;"
#define FUTURE "L" JUC "CompletableFuture;"
#define STAGE "L" JUC "CompletableFuture$Completion;"
#define BI_STAGE "L" JUC "CompletableFuture$BiCompletion;"
#define OBJECT "Ljava/lang/Object;"
#define RUNNABLE "Ljava/lang/Runnable;"

#define ENTRY(class, method, signature, load, helper, helper_signature)                                               \
	{ class, method, signature, RM_JAVA_ENTRY, load, RM_JAVA_NO_NUMBER, NULL, NULL, helper, helper_signature }
#define NUMBERED(class, method, signature, load, number, helper, helper_signature)                                    \
	{ class, method, signature, RM_JAVA_ENTRY, load, number, NULL, NULL, helper, helper_signature }
#define CALL(class, method, signature, callee, callee_signature, helper, helper_signature)                            \
	{ class, method, signature, RM_JAVA_CALL, "", RM_JAVA_NO_NUMBER, callee, callee_signature, helper, helper_signature }
#define CAST(class, method, signature, to, helper, helper_signature)                                                  \
	{ class, method, signature, RM_JAVA_CAST, "", RM_JAVA_NO_NUMBER, to, NULL, helper, helper_signature }

#define CAPTURES(class, method, signature, parameter)                                                                 \
	ENTRY(class, method, signature, parameter, "capture", "(" OBJECT ")V")
#define ENTERS(class, method, signature, parameter, kind)                                                             \
	NUMBERED(class, method, signature, parameter, kind, "enter", "(" OBJECT "I)V")
#define RUNS(class, method, signature, callee, helper)                                                                \
	CALL(class, method, signature, callee, "()V", helper, "(" RUNNABLE ")V")

/* A pool of threads as java.util.concurrent has it, and who copied it. */
#define POOL(class)                                                                                           \
	CAPTURES(class, "execute", "(" RUNNABLE ")V", "1"),                                                           \
	ENTRY(class, "getTask", "()" RUNNABLE, "", "leave", "()V"),                                                   \
	CAST(class, "getTask", "()" RUNNABLE, "java/lang/Runnable", "adopt", "(" OBJECT ")" RUNNABLE),                \
	ENTRY(class "$Worker", "run", "()V", "0", "start", "(" OBJECT ")V")

const struct rm_java_rule rm_java_rules[] = {
	POOL(JUC "ThreadPoolExecutor"),
	CAPTURES(JUC "ScheduledThreadPoolExecutor", "delayedExecute", "(L" JUC "RunnableScheduledFuture;)V", "1"),

	/* Of JDK 11 and 17; 21 and later; the delays of 25. */
	ENTRY(JUC "ForkJoinPool", "externalSubmit", "(" TASK ")" TASK, "01", "capture", "(L" JUC "ForkJoinPool;" OBJECT ")V"),
	ENTRY(JUC "ForkJoinPool", "poolSubmit", "(Z" TASK ")" TASK, "02", "capture", "(L" JUC "ForkJoinPool;" OBJECT ")V"),
	CAPTURES(JUC "ForkJoinPool", "scheduleDelayedTask",
		 "(L" JUC "DelayScheduler$ScheduledForkJoinTask;)L" JUC "DelayScheduler$ScheduledForkJoinTask;", "1"),

	CAPTURES(JUC "ForkJoinTask", "fork", "()" TASK, "0"),
	CAPTURES(JUC "ForkJoinTask", "invoke", "()" OBJECT, "0"),
	CAPTURES(JUC "ForkJoinTask", "quietlyInvoke", "()V", "0"),
	CAPTURES(JUC "ForkJoinTask", "invokeAll", "(" TASK TASK ")V", "0"),
	ENTRY(JUC "ForkJoinTask", "invokeAll", "([" TASK ")V", "0", "capture", "([" OBJECT ")V"),
	ENTRY(JUC "ForkJoinTask", "invokeAll", "(Ljava/util/Collection;)Ljava/util/Collection;", "0", "capture",
	      "(Ljava/util/Collection;)V"),
	CALL(JUC "ForkJoinTask", "doExec", "()I", "exec", "()Z", "exec", "(" TASK ")Z"),
	CALL(JUC "ForkJoinTask", "doExec", "()V", "exec", "()Z", "exec", "(" TASK ")Z"),

	CAPTURES(JUC "CompletableFuture", "unipush", "(" STAGE ")V", "1"),
	CAPTURES(JUC "CompletableFuture", "bipush", "(" FUTURE BI_STAGE ")V", "2"),
	CAPTURES(JUC "CompletableFuture", "orpush", "(" FUTURE BI_STAGE ")V", "2"),
	CALL(JUC "CompletableFuture", "postComplete", "()V", "tryFire", "(I)" FUTURE, "fire", "(" STAGE "I)" FUTURE),

	/* What it has in place of the common pool where there are few processors. */
	ENTRY(JUC "CompletableFuture$ThreadPerTaskExecutor", "execute", "(" RUNNABLE ")V", "1", "carry",
	      "(" RUNNABLE ")" RUNNABLE),

	CAPTURES("java/util/Timer", "sched", "(Ljava/util/TimerTask;JJ)V", "1"),
	RUNS("java/util/TimerThread", "mainLoop", "()V", "run", "run"),

	ENTRY("sun/net/www/http/HttpClient", "writeRequests",
	      "(Lsun/net/www/MessageHeader;Lsun/net/www/http/PosterOutputStream;)V", "1", "send",
	      "(Lsun/net/www/MessageHeader;)V"),
	NUMBERED("jdk/internal/net/http/MultiExchange", "responseAsync", "(L" JUC "Executor;)" FUTURE, "0",
		 RM_JAVA_SEND_JDK, "send", "(" OBJECT "I)V"),

	ENTERS("com/sun/net/httpserver/Filter$Chain", "doFilter", "(Lcom/sun/net/httpserver/HttpExchange;)V", "1",
	       RM_JAVA_ENTER_JDK),
	RUNS("sun/net/httpserver/ServerImpl$DefaultExecutor", "execute", "(" RUNNABLE ")V", "run", "job"),

	ENTERS("javax/servlet/http/HttpServlet", "service",
	       "(Ljavax/servlet/ServletRequest;Ljavax/servlet/ServletResponse;)V", "1", RM_JAVA_ENTER_SERVLET),
	ENTERS("jakarta/servlet/http/HttpServlet", "service",
	       "(Ljakarta/servlet/ServletRequest;Ljakarta/servlet/ServletResponse;)V", "1", RM_JAVA_ENTER_SERVLET),
	POOL("org/apache/tomcat/util/threads/ThreadPoolExecutor"),
	CAPTURES("org/eclipse/jetty/util/thread/QueuedThreadPool", "execute", "(" RUNNABLE ")V", "1"),
	RUNS("org/eclipse/jetty/util/thread/QueuedThreadPool", "runJob", "(" RUNNABLE ")V", "run", "job"),

	{ NULL, NULL, NULL, RM_JAVA_ENTRY, NULL, RM_JAVA_NO_NUMBER, NULL, NULL, NULL, NULL },
};
