import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.pool.AbstractChannelPoolHandler;
import io.netty.channel.pool.FixedChannelPool;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AttributeKey;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.apache.hc.client5.http.async.methods.SimpleHttpRequest;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.async.methods.SimpleRequestBuilder;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.http2.client.HTTP2Client;
import org.eclipse.jetty.http2.client.transport.HttpClientTransportOverHTTP2;
import reactor.netty.resources.ConnectionProvider;

/** Clients, each with four connections for all requests. */
class Clients {
	interface Client {
		CompletableFuture<Void> call(String uri);
	}

	interface Blocking {
		void call(String uri) throws Exception;
	}

	private static final Map<String, Client> made = new ConcurrentHashMap<>();

	static Client of(String way) {
		return made.computeIfAbsent(way, Clients::make);
	}

	private static Client make(String way) {
		try {
			switch (way) {
			case "jdk":
				return blocking(Clients::jdk);
			case "apache4":
				return apache4();
			case "apache4-async":
				return apache4Async();
			case "apache5":
				return apache5();
			case "apache5-async":
				return apache5Async();
			case "okhttp":
				return okhttp();
			case "okhttp-async":
				return okhttpAsync();
			case "jetty-client":
				return jetty(new HttpClient(), true);
			case "jetty-async":
				return jetty(new HttpClient(), false);
			case "jetty-client-http2":
				return jetty(new HttpClient(new HttpClientTransportOverHTTP2(new HTTP2Client())), true);
			case "jetty-async-http2":
				return jetty(new HttpClient(new HttpClientTransportOverHTTP2(new HTTP2Client())), false);
			case "netty-client":
				return netty();
			case "reactor-client":
				return reactor();
			case "queue":
				return queue(new ArrayBlockingQueue<>(4096));
			case "queue-linked":
				return queue(new ConcurrentLinkedQueue<>());
			default:
				throw new IllegalArgumentException(way);
			}
		} catch (Exception e) {
			throw new IllegalStateException(e);
		}
	}

	private static Client blocking(Blocking client) {
		return uri -> {
			try {
				client.call(uri);
				return CompletableFuture.completedFuture(null);
			} catch (Exception e) {
				return CompletableFuture.failedFuture(e);
			}
		};
	}

	private static void jdk(String uri) throws IOException {
		try (java.io.InputStream in = URI.create(uri).toURL().openStream()) {
			in.readAllBytes();
		}
	}

	private static Client apache4() {
		org.apache.http.client.HttpClient client = org.apache.http.impl.client.HttpClients.custom().setMaxConnTotal(4)
			.setMaxConnPerRoute(4).build();
		return blocking(uri -> client.execute(new org.apache.http.client.methods.HttpGet(uri),
			response -> org.apache.http.util.EntityUtils.toString(response.getEntity())));
	}

	private static class Done4 extends CompletableFuture<Void>
		implements org.apache.http.concurrent.FutureCallback<org.apache.http.HttpResponse> {
		@Override
		public void completed(org.apache.http.HttpResponse response) {
			complete(null);
		}

		@Override
		public void failed(Exception e) {
			completeExceptionally(e);
		}

		@Override
		public void cancelled() {
			completeExceptionally(new IOException("cancelled"));
		}
	}

	private static Client apache4Async() {
		org.apache.http.impl.nio.client.CloseableHttpAsyncClient client = org.apache.http.impl.nio.client.HttpAsyncClients
			.custom().setMaxConnTotal(4).setMaxConnPerRoute(4).build();
		client.start();
		return uri -> {
			Done4 done = new Done4();
			client.execute(new org.apache.http.client.methods.HttpGet(uri), done);
			return done;
		};
	}

	private static Client apache5() {
		CloseableHttpClient client = HttpClients.custom().setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
			.setMaxConnTotal(4).setMaxConnPerRoute(4).build()).build();
		return blocking(uri -> client.execute(new HttpGet(uri), response ->
			org.apache.hc.core5.http.io.entity.EntityUtils.toString(response.getEntity())));
	}

	private static class Done5 extends CompletableFuture<Void> implements FutureCallback<SimpleHttpResponse> {
		@Override
		public void completed(SimpleHttpResponse response) {
			complete(null);
		}

		@Override
		public void failed(Exception e) {
			completeExceptionally(e);
		}

		@Override
		public void cancelled() {
			completeExceptionally(new IOException("cancelled"));
		}
	}

	private static Client apache5Async() {
		CloseableHttpAsyncClient client = HttpAsyncClients.custom().setConnectionManager(
			PoolingAsyncClientConnectionManagerBuilder.create().setMaxConnTotal(4).setMaxConnPerRoute(4).build()).build();
		client.start();
		return uri -> {
			Done5 done = new Done5();
			SimpleHttpRequest request = SimpleRequestBuilder.get(uri).build();
			client.execute(request, done);
			return done;
		};
	}

	private static OkHttpClient four() {
		Dispatcher dispatcher = new Dispatcher();
		dispatcher.setMaxRequestsPerHost(4);
		return new OkHttpClient.Builder().dispatcher(dispatcher).build();
	}

	private static Client okhttp() {
		OkHttpClient client = four();
		return blocking(uri -> {
			try (Response response = client.newCall(new Request.Builder().url(uri).build()).execute()) {
				response.body().string();
			}
		});
	}

	private static Client okhttpAsync() {
		OkHttpClient client = four();
		return uri -> {
			CompletableFuture<Void> done = new CompletableFuture<>();
			client.newCall(new Request.Builder().url(uri).build()).enqueue(new Callback() {
				@Override
				public void onFailure(Call call, IOException e) {
					done.completeExceptionally(e);
				}

				@Override
				public void onResponse(Call call, Response response) throws IOException {
					response.body().string();
					response.close();
					done.complete(null);
				}
			});
			return done;
		};
	}

	private static Client jetty(HttpClient client, boolean blocking) throws Exception {
		client.setMaxConnectionsPerDestination(4);
		client.setMaxRequestsQueuedPerDestination(4096);
		client.start();
		if (blocking)
			return blocking(client::GET);
		return uri -> {
			CompletableFuture<Void> done = new CompletableFuture<>();
			client.newRequest(uri).send(result -> {
				if (result.isFailed())
					done.completeExceptionally(result.getFailure());
				else
					done.complete(null);
			});
			return done;
		};
	}

	private static final AttributeKey<CompletableFuture<Void>> DONE = AttributeKey.valueOf("done");

	private static class Answers extends SimpleChannelInboundHandler<FullHttpResponse> {
		final FixedChannelPool[] pool;

		Answers(FixedChannelPool[] pool) {
			this.pool = pool;
		}

		@Override
		protected void channelRead0(ChannelHandlerContext context, FullHttpResponse response) {
			CompletableFuture<Void> done = context.channel().attr(DONE).getAndSet(null);
			pool[0].release(context.channel());
			done.complete(null);
		}
	}

	private static Client netty() {
		URI far = URI.create(Main.FAR);
		FixedChannelPool[] pool = new FixedChannelPool[1];
		pool[0] = new FixedChannelPool(new Bootstrap().group(new NioEventLoopGroup(2)).channel(NioSocketChannel.class)
			.remoteAddress(new InetSocketAddress(far.getHost(), far.getPort())), new AbstractChannelPoolHandler() {
				@Override
				public void channelCreated(Channel channel) {
					channel.pipeline().addLast(new HttpClientCodec(), new HttpObjectAggregator(65536), new Answers(pool));
				}
			}, 4);
		return uri -> {
			CompletableFuture<Void> done = new CompletableFuture<>();
			pool[0].acquire().addListener((io.netty.util.concurrent.Future<Channel> got) -> {
				if (!got.isSuccess()) {
					done.completeExceptionally(got.cause());
					return;
				}
				Channel channel = got.getNow();
				DefaultFullHttpRequest request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET,
					URI.create(uri).getPath());
				request.headers().set(HttpHeaderNames.HOST, far.getAuthority());
				channel.attr(DONE).set(done);
				channel.writeAndFlush(request);
			});
			return done;
		};
	}

	private static Client reactor() {
		reactor.netty.http.client.HttpClient client = reactor.netty.http.client.HttpClient.create(
			ConnectionProvider.builder("four").maxConnections(4).pendingAcquireMaxCount(4096).build());
		return uri -> client.get().uri(uri).responseContent().aggregate().asString().then().toFuture();
	}

	/* What each request puts into the queue whichever takes next does, in its own thread. */
	private static Client queue(java.util.Queue<Runnable> tasks) {
		return uri -> {
			CompletableFuture<Void> done = new CompletableFuture<>();
			tasks.add(() -> {
				try {
					jdk(uri);
					done.complete(null);
				} catch (IOException e) {
					done.completeExceptionally(e);
				}
			});
			LockSupport.parkNanos(1000L * Main.some(2000));
			while (!done.isDone()) {
				Runnable task = tasks.poll();
				if (task != null)
					task.run();
				else
					LockSupport.parkNanos(200_000);
			}
			return done;
		};
	}
}
