import com.sun.net.httpserver.HttpServer;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;

/** The JDK's server with a pool of threads, asking a far side by HttpURLConnection. */
public class Fan {
	static void call(String number, int turn) throws Exception {
		Thread.sleep(ThreadLocalRandom.current().nextInt(6));
		try (InputStream in = URI.create(System.getenv("FAR") + "/call/" + number + "/" + turn)
				.toURL().openStream()) {
			in.readAllBytes();
		}
	}

	public static void main(String[] args) throws Exception {
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 1024);
		server.setExecutor(Executors.newFixedThreadPool(64));
		server.createContext("/fan/", exchange -> {
			try {
				String number = exchange.getRequestURI().getPath().split("/")[2];
				int calls = 1 + ThreadLocalRandom.current().nextInt(3);
				Thread.sleep(ThreadLocalRandom.current().nextInt(6));
				for (int turn = 0; turn < calls; turn++)
					call(number, turn);
				byte[] answer = "near\n".getBytes();
				exchange.sendResponseHeaders(200, answer.length);
				exchange.getResponseBody().write(answer);
				exchange.close();
			} catch (Exception e) {
				e.printStackTrace();
				exchange.close();
			}
		});
		server.start();
	}
}
