import com.sun.net.httpserver.HttpServer;
import java.lang.management.ManagementFactory;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Timer;
import java.util.TimerTask;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.*;
import java.util.stream.IntStream;

/** Serves itself a request, and says all that it can see of itself meanwhile: what runs, throws and is handed over. */
public class Looks {
	static void trace(String title, Throwable e) {
		System.out.println(title + ": " + e);
		for (Throwable t = e; t != null; t = t.getCause())
			for (StackTraceElement at : t.getStackTrace())
				System.out.println("  " + at.toString().replaceAll("\\$\\$Lambda.*?/0x[0-9a-f]+|\\$\\$Lambda[^.]*", "\\$\\$Lambda"));
	}

	static void walk(String title) {
		System.out.println(title + ": " + StackWalker.getInstance().walk(frames ->
				frames.map(f -> f.getClassName() + "." + f.getMethodName()).filter(f -> !f.contains("Lambda"))
				.collect(java.util.stream.Collectors.toList())));
	}

	static class Pool extends ThreadPoolExecutor {
		final List<Object> seen = new ArrayList<>();

		Pool() {
			super(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>());
		}

		@Override
		protected void beforeExecute(Thread t, Runnable r) {
			seen.add(r);
		}

		@Override
		protected void afterExecute(Runnable r, Throwable t) {
			seen.add(r);
		}
	}

	static void hands() throws Exception {
		Pool pool = new Pool();
		CountDownLatch go = new CountDownLatch(1);
		Runnable first = () -> {
			try {
				go.await();
			} catch (InterruptedException e) {
				System.out.println("interrupted");
			}
			walk("in a pool");
		}, second = () -> System.out.println("second"), third = () -> System.out.println("third");
		pool.execute(first);
		pool.execute(second);
		pool.execute(third);
		FutureTask<?> task = (FutureTask<?>) pool.submit(() -> { throw new IllegalStateException("fourth"); });
		System.out.println("queue " + (pool.getQueue().peek() == second) + pool.getQueue().contains(third)
				+ pool.getQueue().contains(task) + pool.remove(third) + pool.getQueue().size());
		go.countDown();
		try {
			task.get();
		} catch (ExecutionException e) {
			trace("task", e);
		}
		pool.execute(() -> { });
		pool.shutdown();
		pool.awaitTermination(10, TimeUnit.SECONDS);
		System.out.println("seen " + (pool.seen.get(0) == first) + (pool.seen.get(2) == second) + (pool.seen.get(4) == task));
		try {
			pool.execute(first);
		} catch (RejectedExecutionException e) {
			System.out.println("rejected " + e.getStackTrace()[0].getMethodName());
		}
		try {
			pool.execute(null);
		} catch (NullPointerException e) {
			trace("null", e);
		}
	}

	static void throwing() throws Exception {
		try {
			CompletableFuture.supplyAsync(() -> 1).thenApply(x -> x / 0).thenCombine(CompletableFuture.supplyAsync(() -> 2), (a, b) -> a).get();
		} catch (ExecutionException e) {
			System.out.println("future: " + e.getCause());
		}
		CompletableFuture<Integer> later = new CompletableFuture<>();
		CompletableFuture<Integer> stage = later.thenApply(x -> x / 0);
		new Thread(() -> later.complete(1), "completes").start();
		try {
			stage.get();
		} catch (ExecutionException e) {
			trace("stage", e.getCause());
		}
		class Task extends RecursiveTask<Integer> {
			final int n;

			Task(int n) {
				this.n = n;
			}

			@Override
			protected Integer compute() {
				if (n == 0)
					walk("forked");
				if (n < 2)
					return n;
				Task left = new Task(n - 1), right = new Task(n - 2);
				left.fork();
				return right.invoke() + left.join();
			}
		}
		System.out.println("fork " + new ForkJoinPool(1).invoke(new Task(2)) + " " + new Task(1).invoke());
		System.out.println("stream " + IntStream.range(0, 1000).parallel().map(x -> x * 2).sum());
		ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
		try {
			timer.schedule(() -> { throw new IllegalArgumentException("scheduled"); }, 1, TimeUnit.MILLISECONDS).get();
		} catch (ExecutionException e) {
			trace("scheduled", e.getCause());
		}
		timer.schedule(() -> { }, 1, TimeUnit.HOURS);
		System.out.println("left " + timer.shutdownNow().size());
		CountDownLatch ticked = new CountDownLatch(1);
		Timer old = new Timer("ticks");
		old.schedule(new TimerTask() {
			@Override
			public void run() {
				walk("ticks");
				ticked.countDown();
			}
		}, 1);
		ticked.await();
		old.cancel();
		Thread dies = new Thread(() -> { throw new IllegalStateException("uncaught"); }, "dies");
		dies.setUncaughtExceptionHandler((t, e) -> trace(t.getName(), e));
		dies.start();
		dies.join();
	}

	static void asks(String url) throws Exception {
		HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
		connection.setRequestProperty("X-Mine", "yes");
		System.out.println(connection.getRequestProperties());
		System.out.println(new String(connection.getInputStream().readAllBytes()) + connection.getResponseCode());
		HttpClient client = HttpClient.newHttpClient();
		HttpRequest request = HttpRequest.newBuilder(URI.create(url)).header("X-Mine", "yes").build();
		HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
		System.out.println(answer.request().headers().map() + " " + (answer.request() == request) + answer.body());
	}

	static void look() throws Exception {
		TreeMap<Object, Object> properties = new TreeMap<>(System.getProperties());
		properties.remove("java.vm.compressedOopsMode");
		System.out.println(properties);
		System.out.println(ManagementFactory.getRuntimeMXBean().getInputArguments());
		System.out.println(new TreeMap<>(System.getenv()).keySet());
		TreeSet<String> threads = new TreeSet<>();
		for (Thread t : Thread.getAllStackTraces().keySet())
			threads.add(t.getName().replaceAll("[0-9]+", "N"));
		System.out.println(threads);
		for (var entry : Thread.getAllStackTraces().entrySet())
			for (StackTraceElement at : entry.getValue())
				if (at.getClassName().contains("emora"))
					System.out.println(entry.getKey() + " " + at);
		for (Class<?> c : new Class<?>[] { ThreadPoolExecutor.class, ForkJoinTask.class, CompletableFuture.class })
			System.out.println(c + " " + c.getDeclaredMethods().length + " " + c.getDeclaredFields().length + " " + c.getModifiers());
		walk("serving");
		trace("made", new Exception("made"));
	}

	/** As an agent it does nothing. */
	public static void premain(String arguments) {
	}

	public static void main(String[] args) throws Exception {
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 16);
		ExecutorService pool = Executors.newFixedThreadPool(4);
		String url = "http://127.0.0.1:" + args[0];
		Throwable[] failed = new Throwable[1];
		server.setExecutor(pool);
		server.createContext("/far", exchange -> {
			exchange.sendResponseHeaders(200, 4);
			exchange.getResponseBody().write("far\n".getBytes());
			exchange.close();
		});
		server.createContext("/", exchange -> {
			try {
				hands();
				throwing();
				asks(url + "/far");
				look();
			} catch (Throwable e) {
				failed[0] = e;
			}
			exchange.sendResponseHeaders(200, -1);
			exchange.close();
		});
		server.start();
		HttpURLConnection ask = (HttpURLConnection) URI.create(url + "/").toURL().openConnection();
		System.out.println(ask.getResponseCode());
		server.stop(0);
		pool.shutdown();
		if (failed[0] != null)
			throw new Exception(failed[0]);
		System.exit(3);
	}
}
