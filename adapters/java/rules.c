/*
 * Where the adapter stands in the JDK and in libraries: one line a method. Those that a version does not have
 * are passed over. Of what is handed over both ends are here: where it is given away, where it runs.
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/classfile.h"
#include "adapters/java/kinds.h"

#define JUC "java/util/concurrent/"
#define TASK "L" JUC "ForkJoinTask;"
#define FUTURE "L" JUC "CompletableFuture;"
#define STAGE "L" JUC "CompletableFuture$Completion;"
#define BI_STAGE "L" JUC "CompletableFuture$BiCompletion;"
#define OBJECT "Ljava/lang/Object;"
#define THROWABLE "Ljava/lang/Throwable;"
#define RUNNABLE "Ljava/lang/Runnable;"
#define TIME "Ljava/util/concurrent/TimeUnit;"
#define NETTY_CONCURRENT "io/netty/util/concurrent/"
#define REACTOR_POOL "reactor/netty/internal/shaded/reactor/pool/"
#define REACTOR_ACQUIRE "reactor/netty/resources/DefaultPooledConnectionProvider$DisposableAcquire"
#define REACTOR "reactor/core/publisher/"
#define VERTX "io/vertx/core/impl/"
#define GRPC "io/grpc/internal/"
#define GRPC_LISTENER "Lio/grpc/ClientCall$Listener;"
#define GRPC_ANSWERS GRPC "ClientCallImpl$ClientStreamListenerImpl"
#define GRPC_REQUEST GRPC "ServerImpl$JumpToApplicationThreadServerStreamListener"
#define GRPC_SHADED "io/grpc/netty/shaded/io/netty/"
#define GRPC_NETTY GRPC_SHADED "channel/"
#define GUAVA_FUTURE "com/google/common/util/concurrent/AbstractFuture"
#define APACHE5 "org/apache/hc/"
enum { RM_JAVA_ROOM = 96 };

#define BUFFERS "[Ljava/nio/ByteBuffer;II"
#define PLAINTEXT "L" RM_JAVA_TLS "Plaintext;"
#define CIPHERTEXT "L" RM_JAVA_TLS "Ciphertext;"
#define DECODE "(L" RM_JAVA_TLS "TransportContext;" BUFFERS BUFFERS ")" PLAINTEXT
#define JETTY_OLD "org/eclipse/jetty/client/"
#define JETTY_CLIENT "org/eclipse/jetty/client/transport/"

#define RULE(class, method, signature, where, load, number, callee, callee_signature, helper, helper_signature)           \
	{ class, method, signature, RM_JAVA_##where, load, number, callee, callee_signature, helper, helper_signature }
#define ENTRY(class, method, signature, load, helper, helper_signature)                                                \
	RULE(class, method, signature, ENTRY, load, RM_JAVA_NO_NUMBER, "", "", helper, helper_signature)
#define CALL(class, method, signature, callee, callee_signature, helper, helper_signature)                             \
	RULE(class, method, signature, CALL, "", RM_JAVA_NO_NUMBER, callee, callee_signature, helper, helper_signature)
#define CAST(class, method, signature, to, helper, helper_signature)                                                   \
	RULE(class, method, signature, CAST, "", RM_JAVA_NO_NUMBER, to, "", helper, helper_signature)

#define CAPTURES(class, method, signature, parameter)                                                                  \
	ENTRY(class, method, signature, parameter, "capture", "(" OBJECT ")V")
#define CLAIMS(class, method, signature, parameter) ENTRY(class, method, signature, parameter, "claim", "(" OBJECT ")V")
#define RUNS(class, method, signature, callee, helper)                                                                 \
	CALL(class, method, signature, callee, "()V", helper, "(" RUNNABLE ")V")

#define TLS(class, method, signature, parameter, helper, helper_signature)                                              \
	ENTRY(RM_JAVA_TLS class, method, signature, parameter, helper, helper_signature)

/* Until the method ends. */
#define ENTERS(class, method, signature, parameter, kind)                                                              \
	RULE(class, method, signature, AROUND, parameter, RM_JAVA_ENTER_##kind, "", "", "enter", "(" OBJECT "I)V")
#define SCOPE(class, method, signature, parameter, helper)                                                             \
	RULE(class, method, signature, AROUND, parameter, RM_JAVA_NO_NUMBER, "", "", helper, "(" OBJECT ")V")
#define QUIET(class, method, signature)                                                                                \
	RULE(class, method, signature, AROUND, "", RM_JAVA_NO_NUMBER, "", "", "quiet", "()V")

#define KEEPS(class, method, signature)                                                                                \
	RULE(class, method, signature, AROUND, "", RM_JAVA_NO_NUMBER, "", "", "keep", "()V")
#define AFTER(class, method, signature, load, helper, helper_signature)                                                \
	RULE(class, method, signature, AFTER, load, RM_JAVA_NO_NUMBER, "", "", helper, helper_signature)

#define HTTP2_TABLE(netty)                                                                                              \
	RULE(netty "handler/codec/http2/HpackEncoder", "encodeHeader",                                                 \
	     "(L" netty "buffer/ByteBuf;Ljava/lang/CharSequence;Ljava/lang/CharSequence;ZJ)V", SET, "234",                 \
	     RM_JAVA_NO_NUMBER, "", "", "apart", "(" OBJECT OBJECT ")I")

/*
 * An operator of Reactor, made by who subscribes to it: that it is told of its source, and what it does with what comes; one
 * that only goes on where another source ended is not asked how that one was.
 */
#define MADE(class) AFTER(class, "<init>", "", "0", "subscribes", "(" OBJECT ")V")
#define CONTINUES(class, ...) RULE(class, __VA_ARGS__, AROUND, "0", RM_JAVA_NO_NUMBER, "", "", "goesOn", "(" OBJECT ")V")
#define TOLD(class, of) ENTRY(class, "onSubscribe", "(L" of ";)V", "0", "subscribed", "(" OBJECT ")V")
#define SUBSCRIPTION "org/reactivestreams/Subscription"
#define GOES_ON(class, ...) CONTINUES(REACTOR class, __VA_ARGS__)
#define OPERATOR(class, ...) MADE(REACTOR class), GOES_ON(class, __VA_ARGS__)
#define OPERATOR_OF_VALUES(class, ...) OPERATOR(class, __VA_ARGS__), TOLD(REACTOR class, SUBSCRIPTION)
#define ON_NEXT "onNext", "(" OBJECT ")V"
#define ON_COMPLETE "onComplete", "()V"
#define ON_ERROR "onError", "(" THROWABLE ")V"
#define SHARES(class, ...) RULE(class, __VA_ARGS__, AROUND, "", RM_JAVA_NO_NUMBER, "", "", "shares", "()V")
#define SHARED_SOURCE(class) SHARES(REACTOR class, "subscribe", "(Lreactor/core/CoreSubscriber;)V")
#define FILLS(...) FILLS_BY(__VA_ARGS__)
#define FILLS_BY(class, method, signature, callee, callee_signature)                                                   \
	RULE(class, method, signature, BEFORE, "", RM_JAVA_NO_NUMBER, callee, callee_signature, "fills", "(" OBJECT ")V")

/* The same of RxJava 3. */
#define RX "io/reactivex/rxjava3/"
#define RX_OPERATORS RX "internal/operators/"
#define RX_GOES_ON(class, ...) CONTINUES(RX_OPERATORS class, __VA_ARGS__)
#define RX_OPERATOR(class, ...) MADE(RX_OPERATORS class), RX_GOES_ON(class, __VA_ARGS__)
#define RX_OBSERVES(class, ...) RX_OPERATOR(class, __VA_ARGS__), TOLD(RX_OPERATORS class, RX "disposables/Disposable")
#define RX_FLOWS(class, ...) RX_OPERATOR(class, __VA_ARGS__), TOLD(RX_OPERATORS class, SUBSCRIPTION)
#define ON_SUCCESS "onSuccess", "(" OBJECT ")V"
#define RUN "run", "()V"
#define DRAIN "drain", "()V"
#define TRY_ON_ERROR "tryOnError", "(" THROWABLE ")Z"
#define OBSERVED "subscribeActual", "(L" RX "core/Observer;)V"
#define FLOWED "subscribeActual", "(Lorg/reactivestreams/Subscriber;)V"

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

/* Coroutines. */
#define COROUTINES "kotlinx/coroutines/"
#define CONTINUATION "Lkotlin/coroutines/Continuation;"
#define ASKS(class, method, of) ENTRY(COROUTINES class, method, "(" of CONTINUATION ")" OBJECT, "", "asks", "()V")
#define OWNS(class, signature) AFTER(class, "<init>", signature, "0", "own", "(" OBJECT ")V")
#define KTOR_HEAD "io/ktor/http/cio/RequestResponseBuilder"
#define CHARS "Ljava/lang/CharSequence;"

/* A request goes out: the object is changed, or another one comes in its place. */
#define SENDS(class, method, signature, parameter, kind)                                                               \
	RULE(class, method, signature, ENTRY, parameter, RM_JAVA_SEND_##kind, "", "", "mark", "(" OBJECT "I)V")
#define GIVES(class, method, signature, parameter, of, kind)                                                           \
	RULE(class, method, signature, ENTRY, parameter, RM_JAVA_SEND_##kind, of, "", "give", "(" OBJECT "I)" OBJECT)

/* A queue: what goes in, what comes out. */
#define PUTS(class, method, signature) ENTRY(class, method, signature, "1", "queue", "(" OBJECT ")V")
#define TAKES(class, method, signature)                                                                                \
	RULE(class, method, signature, RESULT, "", RM_JAVA_NO_NUMBER, "", "", "taken", "(" OBJECT ")V")
#define AWAITS(class, method, signature) ENTRY(class, method, signature, "", "awaits", "()V")

/* A pool of threads as java.util.concurrent has it, and who copied it. */
#define POOL(class)                                                                                                    \
	CAPTURES(class, "execute", "(" RUNNABLE ")V", "1"),                                                            \
	ENTRY(class, "getTask", "()" RUNNABLE, "", "leave", "()V"),                                                    \
	CAST(class, "getTask", "()" RUNNABLE, "java/lang/Runnable", "adopt", "(" OBJECT ")" RUNNABLE),                 \
	ENTRY(class "$Worker", "run", "()V", "0", "start", "(" OBJECT ")V")

#define BLOCKING_QUEUE(class)                                                                                          \
	PUTS(class, "put", "(" OBJECT ")V"), PUTS(class, "offer", "(" OBJECT ")Z"), PUTS(class, "offer", "(" OBJECT "J" TIME ")Z"), \
	TAKES(class, "take", "()" OBJECT), TAKES(class, "poll", "()" OBJECT), TAKES(class, "poll", "(J" TIME ")" OBJECT), \
	TAKES(class, "remove", "()" OBJECT), AWAITS(class, "take", "()" OBJECT)

RM_EMBEDDED const struct rm_java_rule rm_java_rules[] = {
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

	/* ---- the JVM's own TLS ---- */
	TLS("TransportContext", "finishHandshake", "()Ljavax/net/ssl/SSLEngineResult$HandshakeStatus;", "0", "finished",
	    "(L" RM_JAVA_TLS "TransportContext;)V"),
	TLS("TransportContext", "fatal",
	    "(L" RM_JAVA_TLS "Alert;Ljava/lang/String;ZLjava/lang/Throwable;)Ljavax/net/ssl/SSLException;", "0", "broken",
	    "(L" RM_JAVA_TLS "TransportContext;)V"),
	TLS("InputRecord", "close", "()V", "0", "closes", "(L" RM_JAVA_TLS "InputRecord;)V"),
	TLS("OutputRecord", "close", "()V", "0", "closes", "(L" RM_JAVA_TLS "OutputRecord;)V"),
	TLS("SSLEngineOutputRecord", "close", "()V", "0", "closes", "(L" RM_JAVA_TLS "OutputRecord;)V"),
	CALL(RM_JAVA_TLS "SSLEngineImpl", "decode", "(" BUFFERS BUFFERS ")" PLAINTEXT, "decode", DECODE, "decode", DECODE),
	CALL(RM_JAVA_TLS "SSLEngineImpl", "encode", "(" BUFFERS BUFFERS ")" CIPHERTEXT, "encode", "(" BUFFERS BUFFERS ")" CIPHERTEXT,
	     "encode", "(L" RM_JAVA_TLS "OutputRecord;" BUFFERS BUFFERS ")" CIPHERTEXT),
	CALL(RM_JAVA_TLS "SSLSocketImpl", "decode", "(Ljava/nio/ByteBuffer;)" PLAINTEXT, "decode", DECODE, "decode", DECODE),
	CALL(RM_JAVA_TLS "SSLSocketImpl", "readApplicationRecord", "(Ljava/nio/ByteBuffer;)Ljava/nio/ByteBuffer;", "allocate",
	     "(I)Ljava/nio/ByteBuffer;", "allocate", "(I)Ljava/nio/ByteBuffer;"),
	CALL(RM_JAVA_TLS "SSLSocketImpl$AppOutputStream", "write", "([BII)V", "deliver", "([BII)V", "deliver",
	     "(L" RM_JAVA_TLS "OutputRecord;[BII)V"),

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

	/* ---- Netty ---- */
	CAPTURES(NETTY_CONCURRENT "SingleThreadEventExecutor", "execute", "(" RUNNABLE "Z)V", "1"),
	CAPTURES(NETTY_CONCURRENT "AbstractScheduledEventExecutor", "schedule",
		 "(L" NETTY_CONCURRENT "ScheduledFutureTask;)L" NETTY_CONCURRENT "ScheduledFuture;", "1"),
	RUNS(NETTY_CONCURRENT "AbstractEventExecutor", "runTask", "(" RUNNABLE ")V", "run", "loop"),
	RUNS(NETTY_CONCURRENT "AbstractEventExecutor", "safeExecute", "(" RUNNABLE ")V", "run", "loop"),
	CAPTURES(NETTY_CONCURRENT "DefaultPromise", "addListener0", "(L" NETTY_CONCURRENT "GenericFutureListener;)V", "1"),
	SCOPE(NETTY_CONCURRENT "DefaultPromise", "notifyListener0",
	      "(L" NETTY_CONCURRENT "Future;L" NETTY_CONCURRENT "GenericFutureListener;)V", "1", "only"),
	QUIET("io/netty/channel/DefaultChannelPipeline", "fireChannelRead", "(" OBJECT ")Lio/netty/channel/ChannelPipeline;"),
	QUIET("io/netty/channel/DefaultChannelPipeline", "fireChannelReadComplete", "()Lio/netty/channel/ChannelPipeline;"),
	ENTRY("io/netty/channel/AbstractChannelHandlerContext", "fireChannelRead",
	      "(" OBJECT ")Lio/netty/channel/ChannelHandlerContext;", "1", "read", "(" OBJECT ")V"),
	ENTRY("io/netty/channel/AbstractChannelHandlerContext", "write", "(" OBJECT "ZLio/netty/channel/ChannelPromise;)V", "1",
	      "write", "(" OBJECT ")V"),
	RULE("io/netty/handler/codec/http/HttpObjectEncoder", "encodeHeaders",
	     "(Lio/netty/handler/codec/http/HttpHeaders;Lio/netty/buffer/ByteBuf;)V", AFTER, "12", RM_JAVA_NO_NUMBER, "", "",
	     "wrote", "(" OBJECT OBJECT ")V"),
	QUIET("io/netty/channel/AbstractChannel$AbstractUnsafe", "flush0", "()V"),

	/* What is read into shrinks to the size of small requests: below 256 bytes there is no room for a line of ours. */
	RULE("io/netty/channel/AdaptiveRecvByteBufAllocator$HandleImpl", "guess", "()I", RESULT, "", RM_JAVA_NO_NUMBER, "", "",
	     "roomy", "(I)I"),

	/* The buffer that a record is read into is as large as that; a line of ours goes behind what was in it. */
	RULE("io/netty/handler/ssl/SslHandler", "allocate", "(Lio/netty/channel/ChannelHandlerContext;I)Lio/netty/buffer/ByteBuf;",
	     GROW, "2", RM_JAVA_ROOM, "", "", "", ""),

	/* Who waits for a connection gets it in the thread that gives one back. */
	CLAIMS(REACTOR_POOL "SimpleDequePool", "doAcquire", "(L" REACTOR_POOL "AbstractPool$Borrower;)V", "1"),
	SCOPE(REACTOR_POOL "AbstractPool$Borrower", "deliver", "(L" REACTOR_POOL "AbstractPool$AbstractPooledRef;)V", "0", "only"),
	AFTER(REACTOR_ACQUIRE, "<init>",
	      "(Lreactor/netty/ConnectionObserver;Lreactor/netty/channel/ChannelOperations$OnSetup;J"
	      "L" REACTOR_POOL "InstrumentedPool;Lreactor/core/publisher/MonoSink;Lreactor/util/context/Context;)V", "0", "own",
	      "(" OBJECT ")V"),
	SCOPE(REACTOR_ACQUIRE, "onStateChange", "(Lreactor/netty/Connection;Lreactor/netty/ConnectionObserver$State;)V", "0", "member"),
	SCOPE(REACTOR_ACQUIRE, "onNext", "(L" REACTOR_POOL "PooledRef;)V", "0", "member"),

	/* What follows one value goes on as the code that asked for it, whoever brings the value. */
	AFTER(REACTOR "MonoFlatMap$FlatMapMain", "<init>", "(Lreactor/core/CoreSubscriber;Ljava/util/function/Function;)V", "0",
	      "claim", "(" OBJECT ")V"),
	SCOPE(REACTOR "MonoFlatMap$FlatMapMain", "onNext", "(" OBJECT ")V", "0", "member"),
	AFTER(REACTOR "MonoIgnoreThen$ThenIgnoreMain", "<init>",
	      "(Lreactor/core/CoreSubscriber;[Lorg/reactivestreams/Publisher;Lreactor/core/publisher/Mono;)V", "0", "claim",
	      "(" OBJECT ")V"),
	SCOPE(REACTOR "MonoIgnoreThen$ThenIgnoreMain", "onComplete", "()V", "0", "member"),

	/* So does what follows each of many. */
	OPERATOR_OF_VALUES("FluxFlatMap$FlatMapMain", ON_NEXT),
	OPERATOR_OF_VALUES("FluxConcatMap$ConcatMapImmediate", "drain", "()V"),
	OPERATOR_OF_VALUES("FluxConcatMap$ConcatMapDelayed", "drain", "()V"),
	OPERATOR_OF_VALUES("FluxConcatMapNoPrefetch$FluxConcatMapNoPrefetchSubscriber", ON_NEXT),
	OPERATOR_OF_VALUES("FluxMergeSequential$MergeSequentialMain", ON_NEXT),
	OPERATOR_OF_VALUES("FluxSwitchMap$SwitchMapMain", ON_NEXT),
	OPERATOR_OF_VALUES("FluxSwitchMapNoPrefetch$SwitchMapMain", ON_NEXT),
	OPERATOR_OF_VALUES("FluxPublishOn$PublishOnSubscriber", "run", "()V"),
	OPERATOR_OF_VALUES("FluxPublishOn$PublishOnConditionalSubscriber", "run", "()V"),
	OPERATOR_OF_VALUES("FluxPeek$PeekSubscriber", ON_NEXT),
	OPERATOR_OF_VALUES("FluxPeekFuseable$PeekFuseableSubscriber", ON_NEXT),
	OPERATOR_OF_VALUES("FluxPeekFuseable$PeekConditionalSubscriber", ON_NEXT),
	OPERATOR_OF_VALUES("FluxPeekFuseable$PeekFuseableConditionalSubscriber", ON_NEXT),
	OPERATOR("MonoPeekTerminal$MonoTerminalPeekSubscriber", ON_NEXT),
	OPERATOR("MonoPublishOn$PublishOnSubscriber", "run", "()V"),
	OPERATOR("MonoFlatMapMany$FlatMapManyMain", ON_NEXT),
	OPERATOR("FluxConcatArray$ConcatArraySubscriber", ON_COMPLETE),
	OPERATOR("FluxConcatArray$ConcatArrayDelayErrorSubscriber", ON_COMPLETE),
	OPERATOR("FluxConcatIterable$ConcatIterableSubscriber", ON_COMPLETE),
	OPERATOR("FluxSwitchIfEmpty$SwitchIfEmptySubscriber", ON_COMPLETE),
	OPERATOR("FluxOnErrorResume$ResumeSubscriber", ON_ERROR),
	OPERATOR("FluxRepeat$RepeatSubscriber", "resubscribe", "()V"),
	OPERATOR("FluxRepeatPredicate$RepeatPredicateSubscriber", "resubscribe", "()V"),
	OPERATOR("FluxRepeatWhen$RepeatWhenMainSubscriber", "resubscribe", "(" OBJECT ")V"),
	OPERATOR("FluxRetry$RetrySubscriber", "resubscribe", "()V"),
	OPERATOR("FluxRetryWhen$RetryWhenMainSubscriber", "resubscribe", "(" OBJECT ")V"),

	/* Whoever has a value for who waits, that goes on as it was. */
	OPERATOR("MonoCreate$DefaultMonoSink", "success", "(" OBJECT ")V"),
	GOES_ON("MonoCreate$DefaultMonoSink", "success", "()V"),
	GOES_ON("MonoCreate$DefaultMonoSink", "error", "(" THROWABLE ")V"),
	OPERATOR("SinkEmptyMulticast$VoidInner", "complete", "()V"),
	GOES_ON("SinkEmptyMulticast$VoidInner", "error", "(" THROWABLE ")V"),

	OPERATOR("Operators$MonoInnerProducerBase", "complete", "(" OBJECT ")V"),
	GOES_ON("Operators$MonoInnerProducerBase", "complete", "()V"),
	AFTER(REACTOR "MonoCacheTime$CacheMonoSubscriber", "<init>", "", "0", "subscribes", "(" OBJECT ")V"),
	SCOPE(REACTOR "Operators$MonoSubscriber", "complete", "(" OBJECT ")V", "0", "resumes"),

	SHARED_SOURCE("SinkManyUnicast"),
	SHARED_SOURCE("SinkManyUnicastNoBackpressure"),
	SHARED_SOURCE("SinkManyEmitterProcessor"),
	SHARED_SOURCE("SinkManyBestEffort"),
	SHARED_SOURCE("SinkManyReplayProcessor"),
	SHARED_SOURCE("UnicastProcessor"), SHARED_SOURCE("EmitterProcessor"), /* before 3.5, as those below */
	SHARED_SOURCE("DirectProcessor"), SHARED_SOURCE("ReplayProcessor"),
	SHARED_SOURCE("FluxCreate"),
	FILLS(REACTOR "FluxCreate", "subscribe", "(Lreactor/core/CoreSubscriber;)V", "accept", "(" OBJECT ")V"),
	SHARED_SOURCE("FluxPublish"),
	SHARES(REACTOR "FluxPublish", "connect", "(Ljava/util/function/Consumer;)V"),

	/* ---- RxJava ---- */
	RX_OPERATOR("single/SingleFlatMap$SingleFlatMapCallback", ON_SUCCESS),
	RX_OPERATOR("single/SingleFlatMapCompletable$FlatMapCompletableObserver", ON_SUCCESS),
	RX_OPERATOR("single/SingleFlatMapMaybe$FlatMapSingleObserver", ON_SUCCESS),
	RX_OPERATOR("single/SingleFlatMapPublisher$SingleFlatMapPublisherObserver", ON_SUCCESS),
	RX_OPERATOR("mixed/SingleFlatMapObservable$FlatMapObserver", ON_SUCCESS),
	RX_OPERATOR("single/SingleResumeNext$ResumeMainSingleObserver", ON_ERROR),
	RX_OPERATOR("single/SingleDelayWithCompletable$OtherObserver", ON_COMPLETE),
	RX_OPERATOR("single/SingleObserveOn$ObserveOnSingleObserver", RUN),
	RX_OPERATOR("maybe/MaybeFlatten$FlatMapMaybeObserver", ON_SUCCESS),
	RX_OPERATOR("maybe/MaybeFlatMapSingle$FlatMapMaybeObserver", ON_SUCCESS),
	RX_OPERATOR("maybe/MaybeFlatMapCompletable$FlatMapCompletableObserver", ON_SUCCESS),
	RX_OPERATOR("maybe/MaybeSwitchIfEmpty$SwitchIfEmptyMaybeObserver", ON_COMPLETE),
	RX_OPERATOR("maybe/MaybeSwitchIfEmptySingle$SwitchIfEmptyMaybeObserver", ON_COMPLETE),
	RX_OPERATOR("maybe/MaybeObserveOn$ObserveOnMaybeObserver", RUN),
	RX_OPERATOR("completable/CompletableAndThenCompletable$SourceObserver", ON_COMPLETE),
	RX_OPERATOR("completable/CompletableObserveOn$ObserveOnCompletableObserver", RUN),
	RX_OPERATOR("mixed/CompletableAndThenObservable$AndThenObservableObserver", ON_COMPLETE),
	RX_OPERATOR("mixed/CompletableAndThenPublisher$AndThenPublisherSubscriber", ON_COMPLETE),
	RX_OPERATOR("single/SingleCreate$Emitter", ON_SUCCESS),
	RX_GOES_ON("single/SingleCreate$Emitter", TRY_ON_ERROR),
	RX_OPERATOR("maybe/MaybeCreate$Emitter", ON_SUCCESS),
	RX_GOES_ON("maybe/MaybeCreate$Emitter", ON_COMPLETE),
	RX_GOES_ON("maybe/MaybeCreate$Emitter", TRY_ON_ERROR),
	RX_OPERATOR("completable/CompletableCreate$Emitter", ON_COMPLETE),
	RX_GOES_ON("completable/CompletableCreate$Emitter", TRY_ON_ERROR),
	RX_OPERATOR("observable/ObservableRepeat$RepeatObserver", "subscribeNext", "()V"),
	RX_OPERATOR("observable/ObservableRetryPredicate$RepeatObserver", "subscribeNext", "()V"),
	RX_OPERATOR("flowable/FlowableRepeat$RepeatSubscriber", "subscribeNext", "()V"),
	RX_OPERATOR("flowable/FlowableRetryPredicate$RetrySubscriber", "subscribeNext", "()V"),

	RX_OBSERVES("observable/ObservableFlatMap$MergeObserver", ON_NEXT),
	RX_GOES_ON("observable/ObservableFlatMap$MergeObserver", "subscribeInner", "(L" RX "core/ObservableSource;)V"),
	RX_OBSERVES("observable/ObservableFlatMapSingle$FlatMapSingleObserver", ON_NEXT),
	RX_OBSERVES("observable/ObservableFlatMapMaybe$FlatMapMaybeObserver", ON_NEXT),
	RX_OBSERVES("observable/ObservableFlatMapCompletable$FlatMapCompletableMainObserver", ON_NEXT),
	RX_OBSERVES("observable/ObservableFlatMapCompletableCompletable$FlatMapCompletableMainObserver", ON_NEXT),
	RX_OBSERVES("observable/ObservableConcatMap$SourceObserver", DRAIN),
	RX_OBSERVES("observable/ObservableConcatMap$ConcatMapDelayErrorObserver", DRAIN),
	RX_OBSERVES("observable/ObservableSwitchMap$SwitchMapObserver", ON_NEXT),
	RX_OBSERVES("observable/ObservableObserveOn$ObserveOnObserver", RUN),
	MADE(RX_OPERATORS "mixed/ConcatMapXMainObserver"),
	TOLD(RX_OPERATORS "mixed/ConcatMapXMainObserver", RX "disposables/Disposable"),
	RX_GOES_ON("mixed/ObservableConcatMapSingle$ConcatMapSingleMainObserver", DRAIN),
	RX_GOES_ON("mixed/ObservableConcatMapMaybe$ConcatMapMaybeMainObserver", DRAIN),
	RX_GOES_ON("mixed/ObservableConcatMapCompletable$ConcatMapCompletableObserver", DRAIN),

	RX_FLOWS("flowable/FlowableFlatMap$MergeSubscriber", ON_NEXT),
	RX_FLOWS("flowable/FlowableFlatMapSingle$FlatMapSingleSubscriber", ON_NEXT),
	RX_FLOWS("flowable/FlowableFlatMapMaybe$FlatMapMaybeSubscriber", ON_NEXT),
	RX_FLOWS("flowable/FlowableFlatMapCompletable$FlatMapCompletableMainSubscriber", ON_NEXT),
	RX_FLOWS("flowable/FlowableFlatMapCompletableCompletable$FlatMapCompletableMainSubscriber", ON_NEXT),
	RX_FLOWS("flowable/FlowableSwitchMap$SwitchMapSubscriber", ON_NEXT),
	MADE(RX_OPERATORS "flowable/FlowableConcatMap$BaseConcatMapSubscriber"),
	TOLD(RX_OPERATORS "flowable/FlowableConcatMap$BaseConcatMapSubscriber", SUBSCRIPTION),
	RX_GOES_ON("flowable/FlowableConcatMap$ConcatMapImmediate", DRAIN),
	RX_GOES_ON("flowable/FlowableConcatMap$ConcatMapDelayed", DRAIN),
	RX_OPERATOR("flowable/FlowableObserveOn$BaseObserveOnSubscriber", RUN),
	TOLD(RX_OPERATORS "flowable/FlowableObserveOn$ObserveOnSubscriber", SUBSCRIPTION),
	TOLD(RX_OPERATORS "flowable/FlowableObserveOn$ObserveOnConditionalSubscriber", SUBSCRIPTION),
	MADE(RX_OPERATORS "mixed/ConcatMapXMainSubscriber"),
	TOLD(RX_OPERATORS "mixed/ConcatMapXMainSubscriber", SUBSCRIPTION),
	RX_GOES_ON("mixed/FlowableConcatMapSingle$ConcatMapSingleSubscriber", DRAIN),
	RX_GOES_ON("mixed/FlowableConcatMapMaybe$ConcatMapMaybeSubscriber", DRAIN),
	RX_GOES_ON("mixed/FlowableConcatMapCompletable$ConcatMapCompletableObserver", DRAIN),

	SHARES(RX "subjects/PublishSubject", OBSERVED), SHARES(RX "processors/PublishProcessor", FLOWED),
	SHARES(RX "subjects/BehaviorSubject", OBSERVED), SHARES(RX "processors/BehaviorProcessor", FLOWED),
	SHARES(RX "subjects/ReplaySubject", OBSERVED), SHARES(RX "processors/ReplayProcessor", FLOWED),
	SHARES(RX "subjects/UnicastSubject", OBSERVED), SHARES(RX "processors/UnicastProcessor", FLOWED),
	SHARES(RX "processors/MulticastProcessor", FLOWED),
	SHARES(RX_OPERATORS "observable/ObservableCreate", OBSERVED),
	FILLS(RX_OPERATORS "observable/ObservableCreate", OBSERVED, "subscribe", "(L" RX "core/ObservableEmitter;)V"),
	SHARES(RX_OPERATORS "flowable/FlowableCreate", FLOWED),
	FILLS(RX_OPERATORS "flowable/FlowableCreate", FLOWED, "subscribe", "(L" RX "core/FlowableEmitter;)V"),
	SHARES(RX_OPERATORS "observable/ObservablePublish", OBSERVED),
	SHARES(RX_OPERATORS "observable/ObservablePublish", "connect", "(L" RX "functions/Consumer;)V"),
	SHARES(RX_OPERATORS "flowable/FlowablePublish", FLOWED),
	SHARES(RX_OPERATORS "flowable/FlowablePublish", "connect", "(L" RX "functions/Consumer;)V"),

	/* ---- Vert.x: what is done for a request is done in a context of its own; of 4, and of 5 ---- */
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

	/* ---- gRPC ---- */

	/* Who calls first waits for a name to be resolved, and starts in the thread that did. */
	GIVES(GRPC "DelayedClientCall", "start", "(" GRPC_LISTENER "Lio/grpc/Metadata;)V", "2", "io/grpc/Metadata", GRPC),
	AFTER(GRPC "DelayedClientCall", "start", "(" GRPC_LISTENER "Lio/grpc/Metadata;)V", "0", "claim", "(" OBJECT ")V"),
	SCOPE(GRPC "DelayedClientCall", "internalStart", "(" GRPC_LISTENER ")V", "0", "member"),
	SCOPE(GRPC "DelayedClientCall", "drainPendingCalls", "()V", "0", "member"),
	GIVES(GRPC "ClientCallImpl", "start", "(" GRPC_LISTENER "Lio/grpc/Metadata;)V", "2", "io/grpc/Metadata", GRPC),

	/* What comes of a call is for whoever made it. */
	AFTER(GRPC_ANSWERS, "<init>", "(L" GRPC "ClientCallImpl;" GRPC_LISTENER ")V", "0", "claim", "(" OBJECT ")V"),
	SCOPE(GRPC_ANSWERS, "headersRead", "(Lio/grpc/Metadata;)V", "0", "member"),
	SCOPE(GRPC_ANSWERS, "messagesAvailable", "(L" GRPC "StreamListener$MessageProducer;)V", "0", "member"),
	SCOPE(GRPC_ANSWERS, "onReady", "()V", "0", "member"),
	SCOPE(GRPC_ANSWERS, "closed", "(Lio/grpc/Status;L" GRPC "ClientStreamListener$RpcProgress;Lio/grpc/Metadata;)V", "0", "member"),

	/* These run what others put there, in the thread of a call. */
	KEEPS("io/grpc/SynchronizationContext", "drain", "()V"),
	KEEPS("io/grpc/stub/ClientCalls$ThreadlessExecutor", "waitAndDrain", "()V"),
	KEEPS("io/grpc/stub/ClientCalls$ThreadSafeThreadlessExecutor", "waitAndDrainWithTimeout",
	      "(ZJLcom/google/common/base/Predicate;" OBJECT ")V"),
	KEEPS("io/grpc/stub/ClientCalls$ThreadSafeThreadlessExecutor", "drain", "()V"),

	ENTERS(GRPC "ServerImpl$ServerTransportListenerImpl", "streamCreatedInternal",
	       "(L" GRPC "ServerStream;Ljava/lang/String;Lio/grpc/Metadata;Lio/perfmark/Tag;)V", "3", GRPC),
	AFTER(GRPC_REQUEST, "<init>",
	      "(L" JUC "Executor;L" JUC "Executor;L" GRPC "ServerStream;Lio/grpc/Context$CancellableContext;Lio/perfmark/Tag;)V", "0",
	      "claim", "(" OBJECT ")V"),
	SCOPE(GRPC_REQUEST, "messagesAvailable", "(L" GRPC "StreamListener$MessageProducer;)V", "0", "member"),
	SCOPE(GRPC_REQUEST, "halfClosed", "()V", "0", "member"),
	SCOPE(GRPC_REQUEST, "onReady", "()V", "0", "member"),
	SCOPE(GRPC_REQUEST, "closed", "(Lio/grpc/Status;)V", "0", "member"),

	/* A header of ours is not to fill the tables, where it could not be changed. */
	HTTP2_TABLE("io/netty/"),
	HTTP2_TABLE(GRPC_SHADED),

	/* Transports write for many at once. */
	QUIET("io/grpc/okhttp/AsyncSink$WriteRunnable", "run", "()V"),
	QUIET(GRPC_NETTY "DefaultChannelPipeline", "fireChannelRead", "(" OBJECT ")L" GRPC_NETTY "ChannelPipeline;"),
	QUIET(GRPC_NETTY "DefaultChannelPipeline", "fireChannelReadComplete", "()L" GRPC_NETTY "ChannelPipeline;"),
	QUIET(GRPC_NETTY "AbstractChannel$AbstractUnsafe", "flush0", "()V"),

	CAPTURES(GUAVA_FUTURE, "addListener", "(" RUNNABLE "L" JUC "Executor;)V", "1"),
	SCOPE(GUAVA_FUTURE, "executeListener", "(" RUNNABLE "L" JUC "Executor;)V", "0", "scope"),

	/* ---- clients ---- */
	SENDS("org/apache/http/protocol/HttpRequestExecutor", "execute",
	      "(Lorg/apache/http/HttpRequest;Lorg/apache/http/HttpClientConnection;Lorg/apache/http/protocol/HttpContext;)"
	      "Lorg/apache/http/HttpResponse;", "1", APACHE4),
	SENDS("org/apache/http/impl/nio/client/InternalState", "setMainRequest",
	      "(Lorg/apache/http/client/methods/HttpRequestWrapper;)V", "1", APACHE4),
	SENDS(APACHE5 "core5/http/impl/io/HttpRequestExecutor", "execute",
	      "(L" APACHE5 "core5/http/ClassicHttpRequest;L" APACHE5 "core5/http/io/HttpClientConnection;"
	      "L" APACHE5 "core5/http/io/HttpResponseInformationCallback;L" APACHE5 "core5/http/protocol/HttpContext;)"
	      "L" APACHE5 "core5/http/ClassicHttpResponse;", "1", APACHE5),
	SENDS(APACHE5 "client5/http/impl/async/AsyncProtocolExec", "execute",
	      "(L" APACHE5 "core5/http/HttpRequest;L" APACHE5 "core5/http/nio/AsyncEntityProducer;"
	      "L" APACHE5 "client5/http/async/AsyncExecChain$Scope;L" APACHE5 "client5/http/async/AsyncExecChain;"
	      "L" APACHE5 "client5/http/async/AsyncExecCallback;)V", "1", APACHE5),

	CLAIMS("okhttp3/Dispatcher", "enqueue$okhttp", "(Lokhttp3/internal/connection/RealCall$AsyncCall;)V", "1"),
	CLAIMS("okhttp3/Dispatcher", "enqueue", "(Lokhttp3/RealCall$AsyncCall;)V", "1"), /* before 4 */
	GIVES("okhttp3/internal/connection/Exchange", "writeRequestHeaders", "(Lokhttp3/Request;)V", "1", "okhttp3/Request", OKHTTP),
	GIVES("okhttp3/internal/http1/Http1Codec", "writeRequestHeaders", "(Lokhttp3/Request;)V", "1", "okhttp3/Request", OKHTTP), /* before 3.14 */
	GIVES("okhttp3/internal/http2/Http2Codec", "writeRequestHeaders", "(Lokhttp3/Request;)V", "1", "okhttp3/Request", OKHTTP),

	CLAIMS(JETTY_CLIENT "HttpDestination", "send", "(L" JETTY_CLIENT "HttpExchange;)V", "1"),
	SCOPE(JETTY_CLIENT "HttpDestination", "send",
	      "(L" JETTY_CLIENT "IConnection;L" JETTY_CLIENT "HttpExchange;)L" JETTY_CLIENT "SendFailure;", "2", "only"),
	SENDS(JETTY_CLIENT "HttpConnection", "normalizeRequest", "(L" JETTY_CLIENT "HttpRequest;)V", "1", JETTY),

	/* Of 10 and 11, and of 9. */
	CLAIMS(JETTY_OLD "HttpDestination", "send", "(L" JETTY_OLD "HttpExchange;)V", "1"),
	SCOPE(JETTY_OLD "HttpDestination", "send",
	      "(L" JETTY_OLD "IConnection;L" JETTY_OLD "HttpExchange;)L" JETTY_OLD "SendFailure;", "2", "only"),
	SENDS(JETTY_OLD "HttpConnection", "normalizeRequest", "(L" JETTY_OLD "HttpRequest;)V", "1", JETTY),
	SENDS(JETTY_OLD "HttpConnection", "normalizeRequest", "(L" JETTY_OLD "api/Request;)V", "1", JETTY),
	SCOPE(JETTY_OLD "http/HttpDestinationOverHTTP", "send",
	      "(L" JETTY_OLD "api/Connection;L" JETTY_OLD "HttpExchange;)L" JETTY_OLD "SendFailure;", "2", "only"),

	{ "", "", "", RM_JAVA_ENTRY, "", RM_JAVA_NO_NUMBER, "", "", "", "" },
};
