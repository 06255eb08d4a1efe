import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.FileInputStream;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * The JDK's server, asking a far side in the way that the path names: by HttpURLConnection or HttpClient, in
 * the thread that serves or in others. THREADS=virtual: each request in a virtual thread. KEYSTORE: it speaks HTTPS.
 */
public class Fan {
	static final String FAR = System.getenv("FAR");
	static ExecutorService pool = Executors.newFixedThreadPool(16);
	static ScheduledExecutorService timer = Executors.newScheduledThreadPool(2);
	static HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.valueOf(System.getenv().getOrDefault("VERSION", "HTTP_1_1"))).build();

	static int some(int below) {
		return ThreadLocalRandom.current().nextInt(below);
	}

	static void nap() {
		try {
			Thread.sleep(some(6));
		} catch (InterruptedException e) {
			throw new IllegalStateException(e);
		}
	}

	static URI uri(String number, int turn) {
		return URI.create(FAR + "/call/" + number + "/" + turn);
	}

	static void call(String number, int turn) {
		nap();
		try (InputStream in = uri(number, turn).toURL().openStream()) {
			in.readAllBytes();
		} catch (java.io.IOException e) {
			throw new IllegalStateException(e);
		}
	}

	static HttpRequest request(String number, int turn) {
		return HttpRequest.newBuilder(uri(number, turn)).build();
	}

	static CompletableFuture<String> ask(String number, int turn) {
		return client.sendAsync(request(number, turn), BodyHandlers.ofString()).thenApply(r -> r.body());
	}

	/* One call after the other, each begun by whoever completed the one before. */
	static CompletableFuture<String> chain(String number, int calls) {
		CompletableFuture<String> last = CompletableFuture.supplyAsync(() -> "");
		for (int turn = 0; turn < calls; turn++) {
			int now = turn;
			last = turn % 2 == 0 ? last.thenCompose(body -> ask(number, now))
					: last.thenComposeAsync(body -> ask(number, now), pool);
		}
		return last;
	}

	static void in(ExecutorService where, String number, int calls) throws Exception {
		List<Future<?>> running = new ArrayList<>();
		for (int turn = 0; turn < calls; turn++) {
			int now = turn;
			running.add(where.submit(() -> call(number, now)));
		}
		for (Future<?> one : running)
			one.get();
	}

	static void handle(String way, String number, int calls) throws Exception {
		switch (way) {
		case "pool":
			in(pool, number, calls);
			break;
		case "fork":
			in(java.util.concurrent.ForkJoinPool.commonPool(), number, calls);
			break;
		case "virtual":
			ExecutorService each = virtual();
			in(each, number, calls);
			each.shutdown();
			break;
		case "scheduled":
			List<Future<?>> later = new ArrayList<>();
			for (int turn = 0; turn < calls; turn++) {
				int now = turn;
				later.add(timer.schedule(() -> call(number, now), some(5), TimeUnit.MILLISECONDS));
			}
			for (Future<?> one : later)
				one.get();
			break;
		case "stream":
			IntStream.range(0, calls + 2).parallel().forEach(turn -> call(number, turn));
			break;
		case "client":
			for (int turn = 0; turn < calls; turn++)
				client.send(request(number, turn), BodyHandlers.ofString());
			break;
		case "chain":
			chain(number, calls).get();
			break;
		case "both":
			CompletableFuture.supplyAsync(() -> number, pool)
				.thenCombine(CompletableFuture.supplyAsync(() -> 0), (a, b) -> ask(a, b))
				.thenCompose(body -> body).thenAcceptAsync(body -> call(number, 1)).get();
			break;
		case "queue":
			queued(number, calls);
			break;
		case "late":
			late(number, calls);
			break;
		default:
			for (int turn = 0; turn < calls; turn++)
				call(number, turn);
		}
	}

	static java.util.concurrent.BlockingQueue<FutureTask<Void>> tasks = new java.util.concurrent.ArrayBlockingQueue<>(4096);

	/* What each request puts into the queue whichever takes next does, in its own thread. */
	static void queued(String number, int calls) throws Exception {
		List<FutureTask<Void>> mine = new ArrayList<>();
		for (int turn = 0; turn < calls; turn++) {
			int now = turn;
			mine.add(new FutureTask<>(() -> call(number, now), null));
		}
		tasks.addAll(mine);
		nap();
		for (FutureTask<Void> one : mine) {
			while (!one.isDone()) {
				FutureTask<Void> next = tasks.poll(1, TimeUnit.MILLISECONDS);
				if (next != null)
					next.run();
			}
		}
	}

	static class Job {
		final String number;
		final int turn;
		final CompletableFuture<Void> done = new CompletableFuture<>();

		Job(String number, int turn) {
			this.number = number;
			this.turn = turn;
		}
	}

	static java.util.concurrent.BlockingQueue<Job> jobs = new java.util.concurrent.LinkedBlockingQueue<>();
	static ExecutorService workers;

	static void work() {
		try {
			while (true) {
				Job job = jobs.take();
				call(job.number, job.turn);
				job.done.complete(null);
			}
		} catch (InterruptedException e) {
			throw new IllegalStateException(e);
		}
	}

	static synchronized void startWorkers() {
		if (workers != null)
			return;
		workers = Executors.newFixedThreadPool(8);
		for (int n = 0; n < 8; n++)
			workers.submit(Fan::work);
	}

	/* By threads for all requests, which the first one started. */
	static void late(String number, int calls) throws Exception {
		startWorkers();
		List<Job> mine = new ArrayList<>();
		for (int turn = 0; turn < calls; turn++)
			mine.add(new Job(number, turn));
		jobs.addAll(mine);
		for (Job one : mine)
			one.done.get();
	}

	static ExecutorService virtual() throws Exception { /* of Java 21 */
		return (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
	}

	static void serve(HttpExchange exchange) {
		try {
			String[] path = exchange.getRequestURI().getPath().split("/");
			nap();
			handle(path[1], path[2], 1 + some(3));
			byte[] answer = "near\n".getBytes();
			exchange.sendResponseHeaders(200, answer.length);
			exchange.getResponseBody().write(answer);
		} catch (Exception e) {
			e.printStackTrace();
		}
		exchange.close();
	}

	static HttpServer create(InetSocketAddress address) throws Exception {
		if (System.getenv("KEYSTORE") == null)
			return HttpServer.create(address, 1024);
		char[] password = "hunter2".toCharArray();
		KeyStore store = KeyStore.getInstance("PKCS12");
		try (FileInputStream in = new FileInputStream(System.getenv("KEYSTORE"))) {
			store.load(in, password);
		}
		KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
		keys.init(store, password);
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(keys.getKeyManagers(), null, null);
		HttpsServer server = HttpsServer.create(address, 1024);
		server.setHttpsConfigurator(new HttpsConfigurator(context));
		return server;
	}

	public static void main(String[] args) throws Exception {
		HttpServer server = create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])));
		server.setExecutor("virtual".equals(System.getenv("THREADS")) ? virtual() : Executors.newFixedThreadPool(64));
		server.createContext("/", Fan::serve);
		server.start();
	}
}
