/*
 * A server of a library, asking a far side through the client that the path names: /CLIENT/NUMBER. Each request makes
 * one to three calls that repeat its number; a database (DB) is asked 1 + NUMBER % 3 times.
 * Usage: Main SERVER PORT
 */
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

public class Main {
	static final String FAR = System.getenv("FAR");
	static final byte[] ANSWER = "near\n".getBytes();

	static int some(int below) {
		return ThreadLocalRandom.current().nextInt(below);
	}

	static String uri(String number, int turn) {
		return FAR + "/call/" + number + "/" + turn;
	}

	/** In the thread that calls it, which waits. */
	static void block(String path) throws Exception {
		String[] parts = path.split("/");
		TimeUnit.MILLISECONDS.sleep(some(6));
		later(parts[1], parts[2]).get(30, TimeUnit.SECONDS);
	}

	/** Returns at once, the calls are made in whatever threads the client has. */
	static CompletableFuture<Void> later(String path) {
		String[] parts = path.split("/");
		return later(parts[1], parts[2]);
	}

	private static CompletableFuture<Void> later(String way, String number) {
		try {
			if (System.getenv("DB") != null)
				return Databases.ask(way, number);
			Clients.Client client = Clients.of(way);
			CompletableFuture<Void> last = client.call(uri(number, 0));
			for (int turn = 1; turn < 1 + some(3); turn++) {
				int now = turn;
				last = last.thenCompose(nothing -> client.call(uri(number, now)));
			}
			return last;
		} catch (Exception e) {
			return CompletableFuture.failedFuture(e);
		}
	}

	public static void main(String[] arguments) throws Exception {
		int port = Integer.parseInt(arguments[1]);
		switch (arguments[0]) {
		case "tomcat":
			Servlets.tomcat(port, false);
			break;
		case "tomcat-async":
			Servlets.tomcat(port, true);
			break;
		case "jetty":
			Servlets.jetty(port, false);
			break;
		case "jetty-async":
			Servlets.jetty(port, true);
			break;
		case "undertow":
			Loops.undertow(port, true);
			break;
		case "undertow-io":
			Loops.undertow(port, false);
			break;
		case "netty":
			Loops.netty(port);
			break;
		case "reactor-netty":
			Loops.reactor(port);
			break;
		default:
			throw new IllegalArgumentException(arguments[0]);
		}
	}
}
