/*
 * RxJava 3.
 * Context: any.
 */
#include "adapters/embedded.h"
#include "adapters/java/rules/pipelines.h"
#include "adapters/java/rules/tables.h"

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

RM_EMBEDDED const struct rm_java_rule rm_java_rules_rxjava[] = {
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
	RULES_END,
};
