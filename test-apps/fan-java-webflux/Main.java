import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/*
 * Spring WebFlux on Reactor Netty, WebClient: each request makes one to three calls, in one of many ways (/WAY/NUMBER).
 * Usage: Main PORT
 */
@EnableAutoConfiguration
@org.springframework.boot.SpringBootConfiguration
public class Main {
	private static final WebClient CLIENT = WebClient.create(System.getenv("FAR"));
	private static final RestClient BLOCKING = RestClient.create(System.getenv("FAR"));

	private static int some(int below) {
		return ThreadLocalRandom.current().nextInt(below);
	}

	private static Mono<String> ask(String number, int turn) {
		return CLIENT.get().uri("/call/{number}/{turn}", number, turn).retrieve().bodyToMono(String.class);
	}

	/* A call by a client that blocks. */
	private static String block(String number, int turn) {
		return BLOCKING.get().uri("/call/{number}/{turn}", number, turn).retrieve().body(String.class);
	}

	private static Mono<String> chain(String number, int turn, int turns) {
		Mono<String> answer = ask(number, turn);
		return turn + 1 < turns ? answer.flatMap(text -> chain(number, turn + 1, turns)) : answer;
	}

	/* ---- pipelines for all, which the first request starts ---- */

	private record Job(String number, int turn, Sinks.Empty<Void> done) {
		Mono<Void> run() {
			return ask(number, turn).doFinally(signal -> done.tryEmitEmpty()).then();
		}

		void tell() {
			done.tryEmitEmpty();
		}
	}

	private static final Sinks.Many<Job> JOBS = Sinks.many().unicast().onBackpressureBuffer();
	private static final Sinks.Many<Job> HEARD = Sinks.many().multicast().onBackpressureBuffer(100000, false);
	private static FluxSink<Job> created;
	private static boolean working, listening, creating;

	private static synchronized void work() {
		if (!working)
			JOBS.asFlux().flatMap(Job::run, 4).subscribe();
		working = true;
	}

	private static synchronized void listen() {
		if (!listening)
			HEARD.asFlux().map(job -> job).publishOn(Schedulers.boundedElastic()).concatMap(Job::run).subscribe();
		listening = true;
	}

	private static synchronized void create() {
		if (!creating)
			Flux.<Job>create(sink -> created = sink).flatMap(Job::run, 4).subscribe();
		creating = true;
	}

	private static synchronized void emit(Sinks.Many<Job> jobs, Job job) {
		jobs.emitNext(job, Sinks.EmitFailureHandler.FAIL_FAST);
	}

	private static Mono<Void> jobs(String way, String number, int turns) {
		return Flux.range(0, turns).flatMap(turn -> {
			Job job = new Job(number, turn, Sinks.empty());
			if (way.equals("sink")) {
				work();
				emit(JOBS, job);
			} else if (way.equals("heard")) {
				listen();
				emit(HEARD, job);
			} else {
				create();
				created.next(job);
			}
			return job.done().asMono();
		}).then();
	}

	/* A pipeline that several requests share as long as one of them is there: what it asks is for nobody. */
	private static final Flux<Long> TICKS =
		Flux.interval(Duration.ofMillis(3)).onBackpressureDrop().concatMap(tick -> ask("0", tick.intValue() & 3).thenReturn(tick), 1).share();

	/* ---- requests that wait for each other ---- */

	private static final Turns TURNS = new Turns(go -> Schedulers.parallel().schedule(go, Turns.PATIENCE_MS, TimeUnit.MILLISECONDS));

	private static Mono<String> turn() {
		return Mono.create(sink -> TURNS.await(() -> sink.success("go")));
	}

	private static Mono<String> one() {
		return Mono.defer(() -> {
			Sinks.One<String> sink = Sinks.one();
			Schedulers.parallel().schedule(() -> TURNS.await(() -> sink.tryEmitValue("go")));
			return sink.asMono();
		});
	}

	private static final Mono<String> CACHED = Mono.delay(Duration.ofMillis(4)).map(nothing -> "cached").cache(Duration.ofMillis(1));

	/* Calls in the thread that brings the value. */
	private static Mono<?> there(Mono<String> value, String number) {
		CompletableFuture<?>[] asked = { null };
		return value.map(text -> asked[0] = ask(number, 0).toFuture()).then(Mono.defer(() -> Mono.fromFuture(asked[0])));
	}

	private static Mono<?> peek(String number) {
		CompletableFuture<?>[] asked = { null };
		return ask(number, 0).doOnNext(text -> asked[0] = ask(number, 1).toFuture()).then(Mono.defer(() -> Mono.fromFuture(asked[0])));
	}

	/* ---- the ways ---- */

	private static Mono<?> go(String way, String number, int turns) {
		Flux<Integer> range = Flux.range(0, turns);
		switch (way) {
		case "chain":
			return chain(number, 0, turns);
		case "fan":
			return range.flatMap(turn -> ask(number, turn)).then();
		case "concat":
			return range.concatMap(turn -> ask(number, turn)).then();
		case "few":
			return range.flatMap(turn -> ask(number, turn), 1).then();
		case "sequential":
			return range.flatMapSequential(turn -> ask(number, turn), 2).then();
		case "many":
			return ask(number, 0).flatMapMany(text -> Flux.range(1, turns - 1)).flatMap(turn -> ask(number, turn)).then();
		case "after":
			return ask(number, 0).thenMany(Flux.range(1, turns - 1).concatMap(turn -> ask(number, turn))).then();
		case "expand":
			return Mono.just(0).expand(turn -> turn < turns ? ask(number, turn).thenReturn(turn + 1) : Mono.empty()).then();
		case "concat-array":
			return Flux.concat(ask(number, 0), Flux.defer(() -> ask(number, 1)), Flux.defer(() -> ask(number, 2))).then();
		case "empty":
			return ask(number, 0).filter(text -> false).switchIfEmpty(Mono.defer(() -> ask(number, 1))).then();
		case "retry":
			int[] tries = { 0 };
			return Mono.defer(() -> ask(number, tries[0])).map(text -> 1 / (tries[0]++ / 2)).retry().then();
		case "repeat":
			int[] turn = { 0 };
			return Mono.defer(() -> ask(number, turn[0]++)).repeat(turns - 1).then();
		case "switch":
			return range.concatMap(i -> Mono.delay(Duration.ofMillis(i)).thenReturn(i)).switchMap(i -> ask(number, i)).then();
		case "zip":
			return Mono.zip(ask(number, 0), ask(number, 1)).flatMap(both -> ask(number, 2)).then();
		case "publish":
			return ask(number, 0).flux().publishOn(Schedulers.boundedElastic()).map(text -> block(number, 1)).then();
		case "publish-mono":
			return ask(number, 0).publishOn(Schedulers.boundedElastic()).map(text -> block(number, 1)).then();
		case "subscribe":
			return range.flatMap(i -> Mono.fromCallable(() -> block(number, i)).subscribeOn(Schedulers.boundedElastic())).then();
		case "parallel":
			return range.parallel(2).runOn(Schedulers.parallel()).flatMap(i -> ask(number, i)).sequential().then();
		case "group":
			return ask(number, 0).thenMany(Flux.range(1, 3)).groupBy(i -> i % 2).flatMap(same -> same.concatMap(i -> ask(number, i))).then();
		case "resume":
			return ask(number, 0).map(text -> 1 / (text.length() - 3)).onErrorResume(e -> ask(number, 1).map(text -> 1)).then();
		case "delay":
			return range.delayElements(Duration.ofMillis(2)).flatMap(i -> ask(number, i)).then();
		case "until":
			return range.delayUntil(i -> ask(number, i)).then();
		case "filled":
			return Flux.<Integer>create(sink -> {
				for (int i = 0; i < turns; i++)
					sink.next(i);
				sink.complete();
			}).flatMap(i -> ask(number, i)).then();
		case "peek":
			return peek(number);
		case "turn":
			return there(turn(), number);
		case "one":
			return there(one(), number);
		case "cached":
			return there(CACHED, number);
		case "shared":
			return TICKS.take(2).then(ask(number, 0));
		default:
			return jobs(way, number, turns);
		}
	}

	@RestController
	static class Near {
		@GetMapping("/{way}/{number}")
		Mono<String> fan(@PathVariable("way") String way, @PathVariable("number") String number) {
			int turns = 1 + some(3);
			return Mono.delay(Duration.ofMillis(some(6))).then(Mono.defer(() -> go(way, number, turns))).thenReturn("near\n");
		}
	}

	public static void main(String[] arguments) {
		SpringApplication app = new SpringApplication(Main.class);
		app.setDefaultProperties(Map.of("server.port", arguments[0], "server.address", "127.0.0.1", "spring.main.banner-mode", "off",
			"logging.level.root", "warn"));
		app.run();
	}
}
