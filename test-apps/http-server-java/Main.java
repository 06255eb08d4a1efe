import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.FileInputStream;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.KeyStore;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** The JDK's own HttpServer on a thread pool, with a KEYSTORE HttpsServer; /call uses HttpURLConnection, /ask HttpClient. */
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

	static byte[] ask(String query) throws IOException {
		try {
			URI uri = URI.create(BACKEND + "/hello?" + query);
			return HttpClient.newHttpClient().send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofByteArray()).body();
		} catch (InterruptedException e) {
			throw new IOException(e);
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
		else if (path.equals("/ask"))
			reply(exchange, 200, ask(exchange.getRequestURI().getQuery()));
		else if (path.equals("/hello"))
			reply(exchange, 200, "hello\n".getBytes());
		else
			reply(exchange, 404, new byte[0]);
	}

	static HttpServer create(InetSocketAddress address) throws Exception {
		String store = System.getenv("KEYSTORE");
		if (store == null)
			return HttpServer.create(address, 64);
		char[] password = "hunter2".toCharArray();
		KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
		try (FileInputStream in = new FileInputStream(store)) {
			KeyStore own = KeyStore.getInstance("PKCS12");
			own.load(in, password);
			keys.init(own, password);
		}
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(keys.getKeyManagers(), null, null);
		HttpsServer server = HttpsServer.create(address, 64);
		server.setHttpsConfigurator(new HttpsConfigurator(context));
		return server;
	}

	public static void main(String[] args) throws Exception {
		int port = Integer.parseInt(args[0]);
		HttpServer server = create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
		server.createContext("/", Main::handle);
		server.setExecutor(Executors.newFixedThreadPool(8));
		server.start();
	}
}
