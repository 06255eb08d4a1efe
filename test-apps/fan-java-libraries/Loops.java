import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.SameThreadExecutor;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.xnio.Options;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServer;

/** Servers with a few threads for all requests. */
class Loops {
	/** Blocking handlers in the worker's threads, or none in those that do all of the I/O. */
	static void undertow(int port, boolean blocking) throws Exception {
		Undertow.Builder builder = Undertow.builder();
		(Keys.STORE == null ? builder.addHttpListener(port, "127.0.0.1") : builder.addHttpsListener(port, "127.0.0.1", Keys.context()))
			.setIoThreads(2).setWorkerThreads(64).setServerOption(UndertowOptions.ENABLE_HTTP2, System.getenv("HTTP2") != null)
			.setSocketOption(Options.BACKLOG, 1024)
			.setHandler(blocking ? Loops::work : Loops::loop).build().start();
	}

	private static void work(HttpServerExchange exchange) throws Exception {
		if (exchange.isInIoThread()) {
			exchange.dispatch(Loops::work);
			return;
		}
		Main.block(exchange.getRequestPath());
		exchange.getResponseSender().send(ByteBuffer.wrap(Main.ANSWER));
	}

	private static void loop(HttpServerExchange exchange) {
		exchange.dispatch(SameThreadExecutor.INSTANCE, () -> exchange.getIoThread().executeAfter(() ->
			Main.later(exchange.getRequestPath()).whenComplete((nothing, error) -> {
				if (error != null) {
					error.printStackTrace();
					exchange.setStatusCode(500);
				}
				exchange.getResponseSender().send(ByteBuffer.wrap(Main.ANSWER));
			}), Main.some(6), TimeUnit.MILLISECONDS));
	}

	private static class Handler extends SimpleChannelInboundHandler<FullHttpRequest> {
		@Override
		protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
			String path = request.uri();
			boolean keep = HttpUtil.isKeepAlive(request);
			context.executor().schedule(() -> Main.later(path).whenComplete((nothing, error) -> {
				if (error != null)
					error.printStackTrace();
				DefaultFullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1,
					error == null ? HttpResponseStatus.OK : HttpResponseStatus.INTERNAL_SERVER_ERROR,
					Unpooled.wrappedBuffer(Main.ANSWER));
				HttpUtil.setContentLength(response, Main.ANSWER.length);
				HttpUtil.setKeepAlive(response, keep);
				context.writeAndFlush(response).addListener(done -> {
					if (!keep)
						context.close();
				});
			}), Main.some(6), TimeUnit.MILLISECONDS);
		}
	}

	private static SslContext keys() throws Exception {
		return Keys.STORE == null ? null : SslContextBuilder.forServer(Keys.managers()).sslProvider(SslProvider.JDK).build();
	}

	static void netty(int port) throws Exception {
		SslContext keys = keys();
		new ServerBootstrap().group(new NioEventLoopGroup(2)).channel(NioServerSocketChannel.class)
			.option(ChannelOption.SO_BACKLOG, 1024).childHandler(new ChannelInitializer<SocketChannel>() {
				@Override
				protected void initChannel(SocketChannel channel) {
					if (keys != null)
						channel.pipeline().addLast(keys.newHandler(channel.alloc()));
					channel.pipeline().addLast(new HttpServerCodec(), new HttpObjectAggregator(65536), new Handler());
				}
			}).bind("127.0.0.1", port).sync();
	}

	static void reactor(int port) throws Exception {
		SslContext keys = keys();
		HttpServer server = HttpServer.create();
		if (System.getenv("HTTP2") != null) {
			reactor.netty.http.Http2SslContextSpec spec = reactor.netty.http.Http2SslContextSpec.forServer(Keys.managers());
			server = server.protocol(reactor.netty.http.HttpProtocol.H2, reactor.netty.http.HttpProtocol.HTTP11).secure(with -> with.sslContext(spec));
			keys = null;
		}
		SslContext some = keys;
		HttpServer made = server;
		(some == null ? made : made.secure(spec -> spec.sslContext(some))).host("127.0.0.1").port(port).option(ChannelOption.SO_BACKLOG, 1024)
			.handle((request, response) -> Mono.delay(java.time.Duration.ofMillis(Main.some(6)))
				.then(Mono.fromFuture(() -> Main.later(request.uri())))
				.then(response.header("Content-Length", "5").sendByteArray(Mono.just(Main.ANSWER)).then()))
			.bindNow().onDispose().block();
	}
}
