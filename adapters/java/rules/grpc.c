/*
 * gRPC, whatever its transport.
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/kinds.h"
#include "adapters/java/rules/tables.h"
#include "adapters/java/rules/write.h"

#define GRPC "io/grpc/internal/"
#define GRPC_LISTENER "Lio/grpc/ClientCall$Listener;"
#define GRPC_ANSWERS GRPC "ClientCallImpl$ClientStreamListenerImpl"
#define GRPC_REQUEST GRPC "ServerImpl$JumpToApplicationThreadServerStreamListener"
#define GRPC_SHADED "io/grpc/netty/shaded/io/netty/"
#define GRPC_NETTY GRPC_SHADED "channel/"
#define GUAVA_FUTURE "com/google/common/util/concurrent/AbstractFuture"

#define HTTP2_TABLE(netty)                                                                                              \
	RULE(netty "handler/codec/http2/HpackEncoder", "encodeHeader",                                                 \
	     "(L" netty "buffer/ByteBuf;Ljava/lang/CharSequence;Ljava/lang/CharSequence;ZJ)V", SET, "234",                 \
	     RM_JAVA_NO_NUMBER, "", "", "apart", "(" OBJECT OBJECT ")I")

RM_EMBEDDED const struct rm_java_rule rm_java_rules_grpc[] = {
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
	RULES_END,
};
