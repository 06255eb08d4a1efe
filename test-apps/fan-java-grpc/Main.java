import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/*
 * The JDK's server, asking a far side by gRPC, one channel for all requests, in the way that the path names: /WAY/NUMBER.
 * Each request makes one to three calls, of methods that repeat its number. BUILDER: the class that makes channels.
 * Usage: Main PORT
 */
public class Main {
	private static final MethodDescriptor.Marshaller<String> NOTHING = new MethodDescriptor.Marshaller<>() {
		@Override public InputStream stream(String value) {
			return new ByteArrayInputStream(new byte[0]);
		}

		@Override public String parse(InputStream stream) {
			return "";
		}
	};

	private static final ExecutorService pool = Executors.newFixedThreadPool(16);
	private static Channel channel;

	private static int some(int below) {
		return ThreadLocalRandom.current().nextInt(below);
	}

	private static MethodDescriptor<String, String> method(String number, int turn, MethodDescriptor.MethodType type) {
		return MethodDescriptor.newBuilder(NOTHING, NOTHING).setType(type)
			.setFullMethodName(MethodDescriptor.generateFullMethodName("call/" + number, Integer.toString(turn))).build();
	}

	private static ClientCall<String, String> start(String number, int turn, MethodDescriptor.MethodType type) {
		return channel.newCall(method(number, turn, type), CallOptions.DEFAULT.withDeadlineAfter(60, TimeUnit.SECONDS));
	}

	private static ClientCall<String, String> unary(String number, int turn) {
		return start(number, turn, MethodDescriptor.MethodType.UNARY);
	}

	private static void block(String number, int turn) {
		ClientCalls.blockingUnaryCall(channel, method(number, turn, MethodDescriptor.MethodType.UNARY), CallOptions.DEFAULT, "");
	}

	private static void iterate(String number, int turn) {
		Iterator<String> answers = ClientCalls.blockingServerStreamingCall(channel,
			method(number, turn, MethodDescriptor.MethodType.SERVER_STREAMING), CallOptions.DEFAULT, "");
		while (answers.hasNext())
			answers.next();
	}

	/** The next one when this one is answered, in the thread that says so. */
	private static void observe(String number, int turn, int turns, CompletableFuture<Void> done) {
		ClientCalls.asyncUnaryCall(unary(number, turn), "", new StreamObserver<>() {
			@Override public void onNext(String message) {
			}

			@Override public void onCompleted() {
				if (turn + 1 < turns)
					observe(number, turn + 1, turns, done);
				else
					done.complete(null);
			}

			@Override public void onError(Throwable error) {
				done.completeExceptionally(error);
			}
		});
	}

	/** The same of a future. */
	private static void listen(String number, int turn, int turns, CompletableFuture<Void> done) {
		ClientCalls.futureUnaryCall(unary(number, turn), "").addListener(() -> {
			if (turn + 1 < turns)
				listen(number, turn + 1, turns, done);
			else
				done.complete(null);
		}, turn % 2 == 0 ? pool : Runnable::run);
	}

	private static void fan(String way, String number) throws Exception {
		int turns = 1 + some(3);
		CompletableFuture<Void> done = new CompletableFuture<>();
		TimeUnit.MILLISECONDS.sleep(some(6));
		switch (way) {
		case "async":
			observe(number, 0, turns, done);
			done.get();
			return;
		case "future":
			listen(number, 0, turns, done);
			done.get();
			return;
		}
		for (int turn = 0; turn < turns; turn++) {
			int now = turn;
			switch (way) {
			case "blocking":
				block(number, now);
				break;
			case "stream":
				iterate(number, now);
				break;
			case "pool":
				pool.submit(() -> block(number, now)).get();
				break;
			default:
				throw new IllegalArgumentException(way);
			}
		}
	}

	private static void handle(HttpExchange exchange) throws java.io.IOException {
		String[] parts = exchange.getRequestURI().getPath().split("/");
		byte[] answer = "near\n".getBytes();
		int status = 200;
		try {
			fan(parts[1], parts[2]);
		} catch (Exception e) {
			e.printStackTrace();
			status = 500;
		}
		exchange.sendResponseHeaders(status, answer.length);
		exchange.getResponseBody().write(answer);
		exchange.close();
	}

	public static void main(String[] arguments) throws Exception {
		URI far = URI.create(System.getenv("FAR"));
		ManagedChannelBuilder<?> builder = (ManagedChannelBuilder<?>) Class.forName(System.getenv("BUILDER"))
			.getMethod("forAddress", String.class, int.class).invoke(null, far.getHost(), far.getPort());
		ManagedChannel made = builder.usePlaintext().build();
		channel = made;
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 1024);
		server.createContext("/", Main::handle);
		server.setExecutor(Executors.newFixedThreadPool(64));
		server.start();
	}
}
