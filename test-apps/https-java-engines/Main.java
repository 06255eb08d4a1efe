import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.util.Arrays;
import java.util.Random;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;

/**
 * Main WAY STORE: two SSLEngines over a socket, as WAY says. The client sends requests out of buffers of all sizes, the server reads
 * them whole and answers; what an engine says of each call is compared with its buffers. Prints what the server saw.
 */
public class Main {
	static final int REQUESTS = 40;
	static final Random random = new Random(7);
	static String way;

	static SSLContext context(String file) throws Exception {
		char[] password = "hunter2".toCharArray();
		KeyStore store = KeyStore.getInstance("PKCS12");
		try (FileInputStream in = new FileInputStream(file)) {
			store.load(in, password);
		}
		KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
		keys.init(store, password);
		KeyStore trusted = KeyStore.getInstance("PKCS12");
		trusted.load(null, null);
		trusted.setCertificateEntry("server", store.getCertificate(store.aliases().nextElement()));
		TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
		trust.init(trusted);
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
		return context;
	}

	static void check(boolean condition, String what) {
		if (!condition)
			throw new IllegalStateException(what);
	}

	static class End {
		final SSLEngine engine;
		final SocketChannel channel;
		ByteBuffer in = ByteBuffer.allocate(40000);
		final ByteBuffer out = ByteBuffer.allocate(40000);

		End(SSLEngine engine, SocketChannel channel) throws Exception {
			this.engine = engine;
			this.channel = channel;
			SSLParameters parameters = engine.getSSLParameters();
			if (way.equals("small"))
				parameters.setMaximumPacketSize(400);
			if (way.equals("cbc")) {
				parameters.setProtocols(new String[] { "TLSv1.2" });
				parameters.setCipherSuites(new String[] { "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA" });
			}
			engine.setSSLParameters(parameters);
			in.flip();
		}

		ByteBuffer copy(byte[] bytes, int at, int n) {
			ByteBuffer ret = way.equals("direct") ? ByteBuffer.allocateDirect(n) : ByteBuffer.allocate(n);
			ret.put(bytes, at, n).flip();
			return way.equals("readonly") ? ret.asReadOnlyBuffer() : ret;
		}

		void flush() throws Exception {
			out.flip();
			while (out.hasRemaining())
				channel.write(out);
			out.clear();
		}

		/** Some of the bytes, in as many buffers. */
		ByteBuffer[] cut(byte[] bytes, int at) {
			int n = Math.min(bytes.length - at, 1 + random.nextInt(random.nextInt(4) == 0 ? 50000 : 900));
			ByteBuffer[] ret = new ByteBuffer[1 + random.nextInt(way.equals("one") ? 1 : 4)];
			for (int i = 0; i < ret.length; i++) {
				int part = i == ret.length - 1 ? n : random.nextInt(n + 1);
				ret[i] = copy(bytes, at, part);
				at += part;
				n -= part;
			}
			return ret;
		}

		static int remaining(ByteBuffer[] buffers) {
			return Arrays.stream(buffers).mapToInt(ByteBuffer::remaining).sum();
		}

		void send(byte[] bytes) throws Exception {
			int at = 0;
			while (at < bytes.length) {
				ByteBuffer[] next = cut(bytes, at);
				int before = remaining(next), start = out.position();
				SSLEngineResult r = engine.wrap(next, 0, next.length, random.nextInt(8) == 0 ? ByteBuffer.allocate(10) : out);
				check(r.bytesConsumed() == before - remaining(next), "consumed " + r + " of " + before);
				check(r.bytesProduced() == out.position() - start, "produced " + r);
				check(r.getStatus() != SSLEngineResult.Status.BUFFER_OVERFLOW || r.bytesConsumed() == 0, "overflow " + r);
				at += r.bytesConsumed();
				flush();
				if (r.getHandshakeStatus() == HandshakeStatus.NEED_TASK)
					engine.getDelegatedTask().run();
				if (r.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP)
					receive(ByteBuffer.allocate(20000));
			}
		}

		/** One call of unwrap, and what it asks for. -1: the end. */
		int receive(ByteBuffer to) throws Exception {
			int start = to.position();
			SSLEngineResult r = engine.unwrap(in, to);
			check(r.bytesProduced() == to.position() - start, "produced " + r);
			if (r.getStatus() == SSLEngineResult.Status.CLOSED)
				return -1;
			if (r.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
				in.compact();
				int n = channel.read(in);
				in.flip();
				return n < 0 ? -1 : 0;
			}
			for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask())
				task.run();
			while (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
				engine.wrap(ByteBuffer.allocate(0), out);
				flush();
			}
			return r.bytesProduced();
		}

		void handshake() throws Exception {
			engine.beginHandshake();
			while (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
				engine.wrap(ByteBuffer.allocate(0), out);
				flush();
			}
			while (engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING)
				check(receive(ByteBuffer.allocate(20000)) >= 0, "end in the handshake");
		}

		/** As much as ends with the text. */
		String receiveUntil(String end) throws Exception {
			ByteArrayOutputStream all = new ByteArrayOutputStream();
			while (!all.toString("ISO-8859-1").endsWith(end)) {
				ByteBuffer to = way.equals("direct") ? ByteBuffer.allocateDirect(20000) : ByteBuffer.allocate(20000);
				if (receive(to) < 0)
					break;
				to.flip();
				byte[] got = new byte[to.remaining()];
				to.get(got);
				all.write(got);
			}
			return all.toString("ISO-8859-1");
		}
	}

	static byte[] request(int number) {
		int n = number % 5 == 4 ? 30000 + random.nextInt(30000) : random.nextInt(3000);
		byte[] body = new byte[n];
		random.nextBytes(body);
		String head = "POST /" + number + " HTTP/1.1\r\nHost: here\r\nX-Fill: " + "x".repeat(random.nextInt(400)) + "\r\nContent-Length: "
			+ (n + 5) + "\r\n\r\n";
		return (head + new String(body, StandardCharsets.ISO_8859_1) + "<end>").getBytes(StandardCharsets.ISO_8859_1);
	}

	static void serve(ServerSocketChannel listener, SSLContext context, byte[][] requests) throws Exception {
		SSLEngine engine = context.createSSLEngine();
		engine.setUseClientMode(false);
		End end = new End(engine, listener.accept());
		Pattern ours = Pattern.compile("traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-9]\r\n");
		int lines = 0, same = 0;
		end.handshake();
		for (byte[] request : requests) {
			String got = end.receiveUntil("<end>"), sent = new String(request, StandardCharsets.ISO_8859_1);
			String without = ours.matcher(got).replaceAll("");
			lines += (got.length() - without.length()) / 70;
			same += without.equals(sent) ? 1 : 0;
			end.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n".getBytes());
		}
		System.out.println(way + ": " + same + " requests as they were sent, " + lines + " lines");
	}

	public static void main(String[] args) throws Exception {
		way = args[0];
		SSLContext context = context(args[1]);
		byte[][] requests = new byte[REQUESTS][];
		for (int i = 0; i < REQUESTS; i++)
			requests[i] = request(i);
		ServerSocketChannel listener = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
		Thread server = new Thread(() -> {
			try {
				serve(listener, context, requests);
			} catch (Exception e) {
				e.printStackTrace();
				System.exit(1);
			}
		});
		server.start();
		SSLEngine engine = context.createSSLEngine();
		engine.setUseClientMode(true);
		End end = new End(engine, SocketChannel.open(listener.getLocalAddress()));
		end.handshake();
		for (byte[] request : requests) {
			end.send(request);
			check(end.receiveUntil("ok\n").startsWith("HTTP/1.1 200 OK\r\n"), "the answer");
		}
		server.join();
	}
}
