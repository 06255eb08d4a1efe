import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URL;
import java.util.concurrent.Executors;

/** The JDK's own HttpServer on a thread pool; /call uses HttpURLConnection. */
public class Main {
	static final String BACKEND = System.getenv().getOrDefault("BACKEND", "");

	static void reply(HttpExchange exchange, int status, byte[] body) throws IOException {
		boolean bare = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
		exchange.sendResponseHeaders(status, bare ? -1 : body.length);
		if (!bare)
			exchange.getResponseBody().write(body);
		exchange.close();
	}

	static byte[] call(String query) throws IOException {
		URL url = new URL(BACKEND + "/hello?" + query);
		HttpURLConnection connection = (HttpURLConnection) url.openConnection();
		try (var in = connection.getInputStream()) {
			return in.readAllBytes();
		}
	}

	static void handle(HttpExchange exchange) throws IOException {
		String path = exchange.getRequestURI().getPath();
		byte[] request = exchange.getRequestBody().readAllBytes();
		if (path.startsWith("/status/"))
			reply(exchange, Integer.parseInt(path.substring(8)), new byte[0]);
		else if (path.equals("/echo"))
			reply(exchange, 200, request);
		else if (path.equals("/call"))
			reply(exchange, 200, call(exchange.getRequestURI().getQuery()));
		else if (path.equals("/hello"))
			reply(exchange, 200, "hello\n".getBytes());
		else
			reply(exchange, 404, new byte[0]);
	}

	public static void main(String[] args) throws IOException {
		int port = Integer.parseInt(args[0]);
		HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 64);
		server.createContext("/", Main::handle);
		server.setExecutor(Executors.newFixedThreadPool(8));
		server.start();
	}
}
