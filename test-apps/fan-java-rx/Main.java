import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.reactivex.rxjava3.core.Completable;
import io.reactivex.rxjava3.core.Flowable;
import io.reactivex.rxjava3.core.Maybe;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.core.ObservableEmitter;
import io.reactivex.rxjava3.core.Single;
import io.reactivex.rxjava3.schedulers.Schedulers;
import io.reactivex.rxjava3.subjects.CompletableSubject;
import io.reactivex.rxjava3.subjects.PublishSubject;
import io.reactivex.rxjava3.subjects.SingleSubject;
import io.reactivex.rxjava3.subjects.Subject;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/*
 * The JDK's HttpServer, RxJava 3 and OkHttp: each request makes one to three calls, in one of many ways (/WAY/NUMBER).
 * Usage: Main ignored PORT
 */
public class Main {
	private static final OkHttpClient CLIENT = new OkHttpClient();

	private static int some(int below) {
		return ThreadLocalRandom.current().nextInt(below);
	}

	private static Call call(String number, int turn) {
		return CLIENT.newCall(new Request.Builder().url(System.getenv("FAR") + "/call/" + number + "/" + turn).build());
	}

	/* As Retrofit's adapter does it. */
	private static Single<String> ask(String number, int turn) {
		return Single.create(emitter -> call(number, turn).enqueue(new Callback() {
			@Override
			public void onFailure(Call call, IOException e) {
				emitter.tryOnError(e);
			}

			@Override
			public void onResponse(Call call, Response response) throws IOException {
				String text = response.body().string();
				response.close();
				emitter.onSuccess(text);
			}
		}));
	}

	private static String block(String number, int turn) throws IOException {
		try (Response response = call(number, turn).execute()) {
			return response.body().string();
		}
	}

	private static Single<String> chain(String number, int turn, int turns) {
		Single<String> answer = ask(number, turn);
		return turn + 1 < turns ? answer.flatMap(text -> chain(number, turn + 1, turns)) : answer;
	}

	/* ---- pipelines for all, which the first request starts ---- */

	private static final class Job {
		final CompletableSubject done = CompletableSubject.create();
		private final String number;
		private final int turn;

		Job(String number, int turn) {
			this.number = number;
			this.turn = turn;
		}

		Single<String> run() {
			return ask(number, turn).doFinally(done::onComplete);
		}
	}

	private static final Subject<Job> JOBS = PublishSubject.<Job>create().toSerialized();
	private static ObservableEmitter<Job> created;
	private static boolean working;

	private static synchronized void work(boolean create) {
		if (working)
			return;
		working = true;
		Observable<Job> jobs = create ? Observable.create(emitter -> created = emitter) : JOBS;
		jobs.flatMap(job -> job.run().toObservable(), 4).subscribe();
	}

	private static Completable jobs(boolean create, String number, int turns) {
		return Observable.range(0, turns).flatMapCompletable(turn -> {
			Job job = new Job(number, turn);
			work(create);
			if (create)
				synchronized (Main.class) {
					created.onNext(job);
				}
			else
				JOBS.onNext(job);
			return job.done;
		});
	}

	/* A pipeline that several requests share as long as one of them is there: what it asks is for nobody. */
	private static final Flowable<Long> TICKS = Flowable.interval(3, TimeUnit.MILLISECONDS).onBackpressureDrop()
		.concatMapSingle(tick -> ask("0", tick.intValue() & 3).map(text -> tick), 1).share();

	/* ---- requests that wait for each other ---- */

	private static final Turns TURNS =
		new Turns(go -> Schedulers.computation().scheduleDirect(go, Turns.PATIENCE_MS, TimeUnit.MILLISECONDS));

	private static Single<String> turn() {
		return Single.create(emitter -> TURNS.await(() -> emitter.onSuccess("go")));
	}

	private static Single<String> one() {
		return Single.defer(() -> {
			SingleSubject<String> subject = SingleSubject.create();
			Schedulers.computation().scheduleDirect(() -> TURNS.await(() -> subject.onSuccess("go")));
			return subject;
		});
	}

	/* ---- the ways ---- */

	private static Completable go(String way, String number, int turns) {
		Observable<Integer> range = Observable.range(0, turns);
		Flowable<Integer> flow = Flowable.range(0, turns);
		switch (way) {
		case "chain":
			return chain(number, 0, turns).ignoreElement();
		case "fan":
			return range.flatMapSingle(turn -> ask(number, turn)).ignoreElements();
		case "concat":
			return range.concatMapSingle(turn -> ask(number, turn)).ignoreElements();
		case "concat-flow":
			return flow.concatMap(turn -> ask(number, turn).toFlowable()).ignoreElements();
		case "few":
			return range.flatMap(turn -> ask(number, turn).toObservable(), 1).ignoreElements();
		case "few-flow":
			return flow.flatMap(turn -> ask(number, turn).toFlowable(), 1).ignoreElements();
		case "many":
			return ask(number, 0).flatMapObservable(text -> Observable.range(1, turns)).concatMap(turn -> ask(number, turn).toObservable()).ignoreElements();
		case "then":
			return ask(number, 0).ignoreElement().andThen(ask(number, 1)).ignoreElement().andThen(Completable.defer(() -> ask(number, 2).ignoreElement()));
		case "maybe":
			return Maybe.just(0).flatMapSingle(turn -> ask(number, turn)).filter(text -> true).flatMapCompletable(text -> ask(number, 1).ignoreElement());
		case "resume":
			return ask(number, 0).map(text -> 1 / (text.length() - 3)).onErrorResumeNext(e -> ask(number, 1).map(text -> 1)).ignoreElement();
		case "retry":
			int[] tries = { 0 };
			return Single.defer(() -> ask(number, tries[0])).map(text -> 1 / (tries[0]++ / 2)).retry().ignoreElement();
		case "observe":
			return ask(number, 0).toObservable().observeOn(Schedulers.io()).map(text -> block(number, 1)).ignoreElements();
		case "observe-flow":
			return flow.concatMapSingle(turn -> ask(number, turn)).observeOn(Schedulers.io()).map(text -> block(number, 3)).ignoreElements();
		case "observe-single":
			return ask(number, 0).observeOn(Schedulers.io()).map(text -> block(number, 1)).ignoreElement();
		case "subscribe":
			return range.flatMap(i -> Observable.fromCallable(() -> block(number, i)).subscribeOn(Schedulers.io())).ignoreElements();
		case "turn":
			return turn().map(text -> block(number, 0)).ignoreElement();
		case "one":
			return one().flatMap(text -> ask(number, 0)).ignoreElement();
		case "shared":
			return TICKS.take(2).ignoreElements().andThen(ask(number, 0)).ignoreElement();
		default:
			return jobs(way.equals("create"), number, turns);
		}
	}

	private static void answer(HttpExchange exchange, Throwable error) {
		byte[] text = (error == null ? "near\n" : error.toString()).getBytes();
		try {
			exchange.sendResponseHeaders(error == null ? 200 : 500, text.length);
			exchange.getResponseBody().write(text);
		} catch (IOException e) {
			/* it is gone */
		} finally {
			exchange.close();
		}
	}

	private static void handle(HttpExchange exchange) {
		String[] path = exchange.getRequestURI().getPath().split("/");
		int turns = 1 + some(3);
		Completable.timer(some(6), TimeUnit.MILLISECONDS).andThen(Completable.defer(() -> go(path[1], path[2], turns)))
			.subscribe(() -> answer(exchange, null), e -> answer(exchange, e));
	}

	public static void main(String[] arguments) throws IOException {
		CLIENT.dispatcher().setMaxRequests(512);
		CLIENT.dispatcher().setMaxRequestsPerHost(512);
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[arguments.length - 1])), 1024);
		server.createContext("/", Main::handle);
		server.setExecutor(Executors.newFixedThreadPool(8));
		server.start();
	}
}
