// The JDK's HTTP server with a pool of threads; handlers print to System.out and System.err.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

public class Main {
	public static void main(String[] arguments) throws Exception {
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 0);
		server.setExecutor(Executors.newFixedThreadPool(4));
		server.createContext("/", exchange -> {
			String id = exchange.getRequestURI().getQuery();
			System.out.println("out " + id);
			System.err.println("err " + id);
			if (exchange.getRequestURI().getPath().equals("/crash"))
				new IllegalStateException("as asked " + id, new RuntimeException("the cause")).printStackTrace();
			byte[] body = "home\n".getBytes();
			exchange.sendResponseHeaders(200, body.length);
			exchange.getResponseBody().write(body);
			exchange.close();
		});
		server.start();
	}
}
