/*
 * Reactor, and the pool of Reactor Netty.
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/rules/pipelines.h"
#include "adapters/java/rules/tables.h"

#define REACTOR_POOL "reactor/netty/internal/shaded/reactor/pool/"
#define REACTOR_ACQUIRE "reactor/netty/resources/DefaultPooledConnectionProvider$DisposableAcquire"
#define REACTOR "reactor/core/publisher/"

#define GOES_ON(class, ...) CONTINUES(REACTOR class, __VA_ARGS__)
#define OPERATOR(class, ...) MADE(REACTOR class), GOES_ON(class, __VA_ARGS__)
#define OPERATOR_OF_VALUES(class, ...) OPERATOR(class, __VA_ARGS__), TOLD(REACTOR class, SUBSCRIPTION)
#define SHARED_SOURCE(class) SHARES(REACTOR class, "subscribe", "(Lreactor/core/CoreSubscriber;)V")

RM_EMBEDDED const struct rm_java_rule rm_java_rules_reactor[] = {
	/* Who waits for a connection gets it in the thread that gives one back. */
	CLAIMS(REACTOR_POOL "SimpleDequePool", "doAcquire", "(L" REACTOR_POOL "AbstractPool$Borrower;)V", "1"),
	KEEPS(REACTOR_POOL "SimpleDequePool", "drainLoop", "()V"),
	SCOPE(REACTOR_POOL "AbstractPool$Borrower", "deliver", "(L" REACTOR_POOL "AbstractPool$AbstractPooledRef;)V", "0", "only"),
	AFTER(REACTOR_ACQUIRE, "<init>", "", "0", "own", "(" OBJECT ")V"),
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
	RULES_END,
};
