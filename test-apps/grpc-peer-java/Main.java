import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Main server PORT | client ADDRESS: test.Echo with grpc-java, without generated code; see tests/grpc/run.py for what
 * each method and each line of the client is, and for GRPC_PEER_TLS.
 */
class Main {
	private static final Context.Key<String> TRACEPARENT = Context.key("traceparent");
	private static final Metadata.Key<String> FIELD = Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);

	private static final MethodDescriptor.Marshaller<byte[]> BYTES = new MethodDescriptor.Marshaller<>() {
		@Override public InputStream stream(byte[] value) {
			return new ByteArrayInputStream(value);
		}

		@Override public byte[] parse(InputStream stream) {
			try {
				return stream.readAllBytes();
			} catch (IOException e) {
				throw new UncheckedIOException(e);
			}
		}
	};

	private static MethodDescriptor<byte[], byte[]> method(String name, MethodType type) {
		return MethodDescriptor.newBuilder(BYTES, BYTES).setType(type)
			.setFullMethodName(MethodDescriptor.generateFullMethodName("test.Echo", name)).build();
	}

	private static final MethodDescriptor<byte[], byte[]> SAY = method("Say", MethodType.UNARY);
	private static final MethodDescriptor<byte[], byte[]> SEEN = method("Seen", MethodType.UNARY);
	private static final MethodDescriptor<byte[], byte[]> FAIL = method("Fail", MethodType.UNARY);
	private static final MethodDescriptor<byte[], byte[]> NONE = method("None", MethodType.UNARY);
	private static final MethodDescriptor<byte[], byte[]> SLOW = method("Slow", MethodType.UNARY);
	private static final MethodDescriptor<byte[], byte[]> THROUGH = method("Through", MethodType.UNARY);
	private static final MethodDescriptor<byte[], byte[]> SUM = method("Sum", MethodType.CLIENT_STREAMING);
	private static final MethodDescriptor<byte[], byte[]> COUNT = method("Count", MethodType.SERVER_STREAMING);
	private static final MethodDescriptor<byte[], byte[]> CHAT = method("Chat", MethodType.BIDI_STREAMING);

	/* ---- server ---- */

	private static final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(r -> {
		Thread thread = new Thread(r);
		thread.setDaemon(true);
		return thread;
	});

	private static void answer(StreamObserver<byte[]> out, byte[] message) {
		out.onNext(message);
		out.onCompleted();
	}

	/** The folder of key and certificates; in clear without one. */
	private static final String TLS = System.getenv("GRPC_PEER_TLS");

	private static ChannelCredentials channelCredentials() throws IOException {
		return TLS == null ? InsecureChannelCredentials.create()
			: TlsChannelCredentials.newBuilder().trustManager(new File(TLS, "ca.pem")).build();
	}

	private static ServerCredentials serverCredentials() throws IOException {
		return TLS == null ? InsecureServerCredentials.create()
			: TlsServerCredentials.create(new File(TLS, "cert.pem"), new File(TLS, "key.pem"));
	}

	private static final Map<String, ManagedChannel> channels = new ConcurrentHashMap<>();

	private static ManagedChannel channel(String address) {
		try {
			return Grpc.newChannelBuilder(address, channelCredentials()).build();
		} catch (IOException e) {
			throw new UncheckedIOException(e);
		}
	}

	/** What this handler was sent, and what that of another server was that it asks. */
	private static void through(byte[] in, StreamObserver<byte[]> out) {
		Channel other = channels.computeIfAbsent(new String(in), Main::channel);
		answer(out, (TRACEPARENT.get() + " " + unary(other, SEEN)).getBytes());
	}

	private static void slow(byte[] in, StreamObserver<byte[]> out) {
		Future<?> late = timer.schedule(() -> answer(out, in), 5, TimeUnit.SECONDS);
		Context.current().addListener(context -> late.cancel(false), Runnable::run);
	}

	private static void count(byte[] in, StreamObserver<byte[]> out) {
		for (int i = Integer.parseInt(new String(in)); i > 0; i--)
			out.onNext(new byte[100]);
		out.onCompleted();
	}

	private static StreamObserver<byte[]> sum(StreamObserver<byte[]> out) {
		return new StreamObserver<>() {
			private long bytes;

			@Override public void onNext(byte[] message) {
				bytes += message.length;
			}

			@Override public void onCompleted() {
				answer(out, Long.toString(bytes).getBytes());
			}

			@Override public void onError(Throwable error) {
			}
		};
	}

	private static StreamObserver<byte[]> chat(StreamObserver<byte[]> out) {
		return new StreamObserver<>() {
			@Override public void onNext(byte[] message) {
				out.onNext(message);
				out.onNext(message);
			}

			@Override public void onCompleted() {
				out.onCompleted();
			}

			@Override public void onError(Throwable error) {
			}
		};
	}

	/** Puts what came as a header where handlers find it. */
	private static final ServerInterceptor headers = new ServerInterceptor() {
		@Override public <A, B> ServerCall.Listener<A> interceptCall(ServerCall<A, B> call, Metadata metadata,
				ServerCallHandler<A, B> next) {
			String value = metadata.get(FIELD);
			Context context = Context.current().withValue(TRACEPARENT, value == null ? "none" : value);
			return Contexts.interceptCall(context, call, metadata, next);
		}
	};

	private static void serve(int port) throws Exception {
		ServerServiceDefinition service = ServerServiceDefinition.builder("test.Echo")
			.addMethod(SAY, ServerCalls.asyncUnaryCall((in, out) -> answer(out, in)))
			.addMethod(SEEN, ServerCalls.asyncUnaryCall((in, out) -> answer(out, TRACEPARENT.get().getBytes())))
			.addMethod(THROUGH, ServerCalls.asyncUnaryCall(Main::through))
			.addMethod(FAIL, ServerCalls.asyncUnaryCall((in, out) -> out.onError(Status.NOT_FOUND.asException())))
			.addMethod(SLOW, ServerCalls.asyncUnaryCall(Main::slow))
			.addMethod(SUM, ServerCalls.asyncClientStreamingCall(Main::sum))
			.addMethod(COUNT, ServerCalls.asyncServerStreamingCall(Main::count))
			.addMethod(CHAT, ServerCalls.asyncBidiStreamingCall(Main::chat))
			.build();
		Server server = Grpc.newServerBuilderForPort(port, serverCredentials())
			.addService(service).intercept(headers).build().start();

		Runtime.getRuntime().addShutdownHook(new Thread(() -> {
			try {
				server.shutdown().awaitTermination(1, TimeUnit.SECONDS);
			} catch (InterruptedException e) {
				server.shutdownNow();
			}
		}));
		server.awaitTermination();
	}

	/* ---- client ---- */

	private static String unary(Channel channel, MethodDescriptor<byte[], byte[]> method, CallOptions options) {
		try {
			return new String(ClientCalls.blockingUnaryCall(channel, method, options, "hello".getBytes()));
		} catch (StatusRuntimeException e) {
			return e.getStatus().getCode().name();
		}
	}

	private static String unary(Channel channel, MethodDescriptor<byte[], byte[]> method) {
		return unary(channel, method, CallOptions.DEFAULT);
	}

	/** Answers of a stream: how many, their bytes, and the last one. */
	private static class Answers implements StreamObserver<byte[]> {
		private final CompletableFuture<String> over = new CompletableFuture<>();
		private int messages;
		private long bytes;
		private byte[] last;

		@Override public void onNext(byte[] message) {
			messages++;
			bytes += message.length;
			last = message;
		}

		@Override public void onCompleted() {
			over.complete(messages + " " + bytes);
		}

		@Override public void onError(Throwable error) {
			over.complete(Status.fromThrowable(error).getCode().name());
		}
	}

	private static void send(StreamObserver<byte[]> out, int bytes) {
		for (int i = 0; i < 50; i++)
			out.onNext(new byte[bytes]);
		out.onCompleted();
	}

	private static String sum(Channel channel) throws Exception {
		Answers answers = new Answers();
		send(ClientCalls.asyncClientStreamingCall(channel.newCall(SUM, CallOptions.DEFAULT), answers), 3000);
		String total = answers.over.get();
		return answers.last == null ? total : new String(answers.last);
	}

	private static String count(Channel channel) throws Exception {
		Answers answers = new Answers();
		ClientCalls.asyncServerStreamingCall(channel.newCall(COUNT, CallOptions.DEFAULT), "100".getBytes(), answers);
		return answers.over.get();
	}

	private static String chat(Channel channel) throws Exception {
		Answers answers = new Answers();
		send(ClientCalls.asyncBidiStreamingCall(channel.newCall(CHAT, CallOptions.DEFAULT), answers), 1000);
		return answers.over.get();
	}

	private static Future<byte[]> start(Channel channel, MethodDescriptor<byte[], byte[]> method) {
		return ClientCalls.futureUnaryCall(channel.newCall(method, CallOptions.DEFAULT), "x".getBytes());
	}

	private static String cancel(Channel channel) throws Exception {
		Future<byte[]> call = start(channel, SLOW);
		unary(channel, SAY); /* the server reads in order */
		call.cancel(true);
		try {
			return new String(call.get());
		} catch (CancellationException e) {
			return "CANCELLED";
		}
	}

	private static void ask(String address) throws Exception {
		ManagedChannel channel = channel(address);
		List<Future<byte[]>> calls = new ArrayList<>();

		System.out.println("say " + unary(channel, SAY));
		System.out.println("seen " + unary(channel, SEEN));
		System.out.println("fail " + unary(channel, FAIL));
		System.out.println("none " + unary(channel, NONE));
		System.out.println("sum " + sum(channel));
		System.out.println("count " + count(channel));
		System.out.println("chat " + chat(channel));
		System.out.println("slow " + unary(channel, SLOW, CallOptions.DEFAULT.withDeadlineAfter(500, TimeUnit.MILLISECONDS)));
		System.out.println("cancel " + cancel(channel));
		for (int i = 0; i < 50; i++)
			calls.add(start(channel, SEEN));
		System.out.print("many");
		for (Future<byte[]> call : calls)
			System.out.print(" " + new String(call.get()));
		System.out.println();
		channel.shutdown().awaitTermination(5, TimeUnit.SECONDS);
	}

	public static void main(String[] arguments) throws Exception {
		if (arguments[0].equals("server"))
			serve(Integer.parseInt(arguments[1]));
		else
			ask(arguments[1]);
	}
}
