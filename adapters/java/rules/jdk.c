/*
 * Work that is handed over, queues, servers and clients of the JDK.
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/kinds.h"
#include "adapters/java/rules/tables.h"
#include "adapters/java/rules/write.h"

#define TASK "L" JUC "ForkJoinTask;"
#define FUTURE "L" JUC "CompletableFuture;"
#define STAGE "L" JUC "CompletableFuture$Completion;"
#define BI_STAGE "L" JUC "CompletableFuture$BiCompletion;"

/* A queue: what goes in, what comes out. */
#define PUTS(class, method, signature) ENTRY(class, method, signature, "1", "queue", "(" OBJECT ")V")
#define TAKES(class, method, signature)                                                                                \
	RULE(class, method, signature, RESULT, "", RM_JAVA_NO_NUMBER, "", "", "taken", "(" OBJECT ")V")
#define AWAITS(class, method, signature) ENTRY(class, method, signature, "", "awaits", "()V")

#define BLOCKING_QUEUE(class)                                                                                          \
	PUTS(class, "put", "(" OBJECT ")V"), PUTS(class, "offer", "(" OBJECT ")Z"), PUTS(class, "offer", "(" OBJECT "J" TIME ")Z"), \
	TAKES(class, "take", "()" OBJECT), TAKES(class, "poll", "()" OBJECT), TAKES(class, "poll", "(J" TIME ")" OBJECT), \
	TAKES(class, "remove", "()" OBJECT), AWAITS(class, "take", "()" OBJECT)

RM_EMBEDDED const struct rm_java_rule rm_java_rules_jdk[] = {
	/* ---- work that is handed over ---- */
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

	ENTRY("java/lang/ThreadBuilders", "newVirtualThread", "(L" JUC "Executor;Ljava/lang/String;I" RUNNABLE ")Ljava/lang/Thread;",
	      "", "inherit", "()V"),

	/* ---- queues and loops of the program's own ---- */
	BLOCKING_QUEUE(JUC "ArrayBlockingQueue"),
	BLOCKING_QUEUE(JUC "LinkedBlockingQueue"),
	BLOCKING_QUEUE(JUC "PriorityBlockingQueue"),
	PUTS(JUC "LinkedBlockingDeque", "putFirst", "(" OBJECT ")V"),
	PUTS(JUC "LinkedBlockingDeque", "putLast", "(" OBJECT ")V"),
	PUTS(JUC "LinkedBlockingDeque", "offerFirst", "(" OBJECT ")Z"),
	PUTS(JUC "LinkedBlockingDeque", "offerLast", "(" OBJECT ")Z"),
	PUTS(JUC "LinkedBlockingDeque", "offerFirst", "(" OBJECT "J" TIME ")Z"),
	PUTS(JUC "LinkedBlockingDeque", "offerLast", "(" OBJECT "J" TIME ")Z"),
	TAKES(JUC "LinkedBlockingDeque", "pollFirst", "()" OBJECT),
	TAKES(JUC "LinkedBlockingDeque", "pollLast", "()" OBJECT),
	TAKES(JUC "LinkedBlockingDeque", "pollFirst", "(J" TIME ")" OBJECT),
	TAKES(JUC "LinkedBlockingDeque", "pollLast", "(J" TIME ")" OBJECT),
	TAKES(JUC "LinkedBlockingDeque", "takeFirst", "()" OBJECT),
	TAKES(JUC "LinkedBlockingDeque", "takeLast", "()" OBJECT),
	AWAITS(JUC "LinkedBlockingDeque", "takeFirst", "()" OBJECT),
	AWAITS(JUC "LinkedBlockingDeque", "takeLast", "()" OBJECT),
	PUTS(JUC "LinkedTransferQueue", "put", "(" OBJECT ")V"),
	PUTS(JUC "LinkedTransferQueue", "offer", "(" OBJECT ")Z"),
	PUTS(JUC "LinkedTransferQueue", "add", "(" OBJECT ")Z"),
	PUTS(JUC "LinkedTransferQueue", "offer", "(" OBJECT "J" TIME ")Z"),
	PUTS(JUC "LinkedTransferQueue", "transfer", "(" OBJECT ")V"),
	PUTS(JUC "LinkedTransferQueue", "tryTransfer", "(" OBJECT ")Z"),
	PUTS(JUC "LinkedTransferQueue", "tryTransfer", "(" OBJECT "J" TIME ")Z"),
	TAKES(JUC "LinkedTransferQueue", "take", "()" OBJECT),
	TAKES(JUC "LinkedTransferQueue", "poll", "()" OBJECT),
	TAKES(JUC "LinkedTransferQueue", "poll", "(J" TIME ")" OBJECT),
	AWAITS(JUC "LinkedTransferQueue", "take", "()" OBJECT),
	TAKES(JUC "DelayQueue", "take", "()L" JUC "Delayed;"),
	TAKES(JUC "DelayQueue", "poll", "()L" JUC "Delayed;"),
	AWAITS(JUC "DelayQueue", "take", "()L" JUC "Delayed;"),
	PUTS(JUC "ConcurrentLinkedQueue", "offer", "(" OBJECT ")Z"),
	TAKES(JUC "ConcurrentLinkedQueue", "poll", "()" OBJECT),
	PUTS(JUC "ConcurrentLinkedDeque", "linkFirst", "(" OBJECT ")V"),
	PUTS(JUC "ConcurrentLinkedDeque", "linkLast", "(" OBJECT ")V"),
	TAKES(JUC "ConcurrentLinkedDeque", "pollFirst", "()" OBJECT),
	TAKES(JUC "ConcurrentLinkedDeque", "pollLast", "()" OBJECT),
	AWAITS("sun/nio/ch/SelectorImpl", "lockAndDoSelect", "(Ljava/util/function/Consumer;J)I"),

	/* ---- servers and clients of the JDK ---- */
	ENTRY("sun/net/www/http/HttpClient", "writeRequests",
	      "(Lsun/net/www/MessageHeader;Lsun/net/www/http/PosterOutputStream;)V", "1", "send",
	      "(Lsun/net/www/MessageHeader;)V"),
	RULE("jdk/internal/net/http/MultiExchange", "responseAsync", "(L" JUC "Executor;)" FUTURE, ENTRY, "0", RM_JAVA_SEND_JDK,
	     "", "", "send", "(" OBJECT "I)V"),

	ENTERS("com/sun/net/httpserver/Filter$Chain", "doFilter", "(Lcom/sun/net/httpserver/HttpExchange;)V", "1", JDK),
	RUNS("sun/net/httpserver/ServerImpl$DefaultExecutor", "execute", "(" RUNNABLE ")V", "run", "job"),
	RULES_END,
};
