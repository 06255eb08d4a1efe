import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.eclipse.jetty.client.HttpClient;

/*
 * The JDK's server, asking a far side with older versions of clients: OkHttp 3 and 4, Jetty's of 9 to 11; each has four connections for
 * all requests. /WAY/NUMBER: each request makes one to three calls, one after the other. Usage: Main PORT
 */
public class Main {
	private static final String FAR = System.getenv("FAR");

	/** Its class is not loaded before somebody asks for it: one of both is enough. */
	private static class Ok {
		static final OkHttpClient client = make();

		private static OkHttpClient make() {
			Dispatcher dispatcher = new Dispatcher();
			dispatcher.setMaxRequestsPerHost(4);
			return new OkHttpClient.Builder().dispatcher(dispatcher).build();
		}

		static CompletableFuture<Void> later(String uri) {
			CompletableFuture<Void> done = new CompletableFuture<>();
			client.newCall(new Request.Builder().url(uri).build()).enqueue(new Callback() {
				@Override public void onFailure(Call call, IOException e) {
					done.completeExceptionally(e);
				}

				@Override public void onResponse(Call call, Response response) throws IOException {
					response.body().string();
					response.close();
					done.complete(null);
				}
			});
			return done;
		}

		static CompletableFuture<Void> now(String uri) throws IOException {
			try (Response response = client.newCall(new Request.Builder().url(uri).build()).execute()) {
				response.body().string();
			}
			return CompletableFuture.completedFuture(null);
		}
	}

	private static class Jetty {
		static final HttpClient client = make();

		private static HttpClient make() {
			HttpClient made = new HttpClient();
			made.setMaxConnectionsPerDestination(4);
			made.setMaxRequestsQueuedPerDestination(4096);
			try {
				made.start();
			} catch (Exception e) {
				throw new IllegalStateException(e);
			}
			return made;
		}

		static CompletableFuture<Void> later(String uri) {
			CompletableFuture<Void> done = new CompletableFuture<>();
			client.newRequest(uri).send(result -> {
				if (result.isFailed())
					done.completeExceptionally(result.getFailure());
				else
					done.complete(null);
			});
			return done;
		}

		static CompletableFuture<Void> now(String uri) throws Exception {
			client.GET(uri);
			return CompletableFuture.completedFuture(null);
		}
	}

	private static CompletableFuture<Void> call(String way, String number, int turn) throws Exception {
		String uri = FAR + "/call/" + number + "/" + turn;
		switch (way) {
		case "okhttp":
			return Ok.now(uri);
		case "okhttp-async":
			return Ok.later(uri);
		case "jetty":
			return Jetty.now(uri);
		default:
			return Jetty.later(uri);
		}
	}

	private static void handle(HttpExchange exchange) throws IOException {
		String[] parts = exchange.getRequestURI().getPath().split("/");
		byte[] answer = "near\n".getBytes();
		int status = 200;
		try {
			TimeUnit.MILLISECONDS.sleep(ThreadLocalRandom.current().nextInt(6));
			for (int turn = ThreadLocalRandom.current().nextInt(3); turn >= 0; turn--)
				call(parts[1], parts[2], turn).get();
		} catch (Exception e) {
			e.printStackTrace();
			status = 500;
		}
		exchange.sendResponseHeaders(status, answer.length);
		exchange.getResponseBody().write(answer);
		exchange.close();
	}

	public static void main(String[] arguments) throws Exception {
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 1024);
		server.createContext("/", Main::handle);
		server.setExecutor(Executors.newFixedThreadPool(64));
		server.start();
	}
}
