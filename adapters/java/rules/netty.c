/*
 * Netty.
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/rules/tables.h"
#include "adapters/java/rules/write.h"

#define NETTY_CONCURRENT "io/netty/util/concurrent/"
enum { RM_JAVA_ROOM = 96 };

RM_EMBEDDED const struct rm_java_rule rm_java_rules_netty[] = {
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
	RULES_END,
};
