import com.sun.net.httpserver.HttpServer;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.concurrent.Executors;

/** The JDK's server with a pool of threads: asks NEXT for the path that it was asked for, by HttpURLConnection. */
public class Chain {
	public static void main(String[] args) throws Exception {
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 1024);
		server.setExecutor(Executors.newFixedThreadPool(64));
		server.createContext("/", exchange -> {
			try (InputStream in = URI.create(System.getenv("NEXT") + exchange.getRequestURI()).toURL().openStream()) {
				byte[] answer = in.readAllBytes();
				exchange.sendResponseHeaders(200, answer.length);
				exchange.getResponseBody().write(answer);
			} catch (Exception e) {
				e.printStackTrace();
			}
			exchange.close();
		});
		server.start();
	}
}
