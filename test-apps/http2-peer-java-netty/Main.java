import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http2.*;
import io.netty.util.CharsetUtil;
import io.netty.util.ReferenceCountUtil;
import java.net.URI;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * HTTP/2 in cleartext by Netty. Main server PORT: /hello, and /seen, which answers with the traceparent it was sent.
 * Main client URL COUNT...: fetches it COUNT times at once, for each COUNT, each in a stream of one connection.
 */
public class Main {
	static class Answer extends ChannelInboundHandlerAdapter {
		@Override
		public void channelRead(ChannelHandlerContext context, Object frame) {
			if (frame instanceof Http2HeadersFrame) {
				Http2Headers asked = ((Http2HeadersFrame) frame).headers();
				CharSequence seen = asked.get("traceparent", "none");
				String text = asked.path().toString().startsWith("/seen") ? seen + "\n" : "hello\n";

				context.write(new DefaultHttp2HeadersFrame(new DefaultHttp2Headers().status("200")));
				context.writeAndFlush(new DefaultHttp2DataFrame(Unpooled.copiedBuffer(text, CharsetUtil.UTF_8), true));
			}
			ReferenceCountUtil.release(frame);
		}
	}

	/** Prints the body of one answer. */
	static class Reader extends ChannelInboundHandlerAdapter {
		final CountDownLatch left;
		final StringBuilder text = new StringBuilder();

		Reader(CountDownLatch left) {
			this.left = left;
		}

		@Override
		public void channelRead(ChannelHandlerContext context, Object frame) {
			if (frame instanceof Http2DataFrame) {
				text.append(((Http2DataFrame) frame).content().toString(CharsetUtil.UTF_8));
				if (((Http2DataFrame) frame).isEndStream()) {
					System.out.print(text);
					left.countDown();
				}
			}
			ReferenceCountUtil.release(frame);
		}
	}

	static ChannelInitializer<Channel> streams(Http2FrameCodecBuilder codec, boolean answers) {
		return new ChannelInitializer<Channel>() {
			@Override
			protected void initChannel(Channel channel) {
				channel.pipeline().addLast(codec.build(), new Http2MultiplexHandler(new ChannelInitializer<Channel>() {
					@Override
					protected void initChannel(Channel stream) {
						if (answers)
							stream.pipeline().addLast(new Answer());
					}
				}));
			}
		};
	}

	static void serve(NioEventLoopGroup group, int port) throws Exception {
		new ServerBootstrap().group(group).channel(NioServerSocketChannel.class)
				.childHandler(streams(Http2FrameCodecBuilder.forServer(), true)).bind("127.0.0.1", port).sync()
				.channel().closeFuture().sync();
	}

	static Channel connect(NioEventLoopGroup group, URI url) throws Exception {
		return new Bootstrap().group(group).channel(NioSocketChannel.class)
				.handler(streams(Http2FrameCodecBuilder.forClient(), false)).connect(url.getHost(), url.getPort()).sync().channel();
	}

	static void fetch(Channel channel, URI url, int count) throws Exception {
		CountDownLatch left = new CountDownLatch(count);
		Http2StreamChannelBootstrap streams = new Http2StreamChannelBootstrap(channel);

		for (int i = 0; i < count; i++) {
			Http2StreamChannel stream = streams.handler(new Reader(left)).open().sync().getNow();
			Http2Headers head = new DefaultHttp2Headers().method("GET").scheme(url.getScheme()).authority(url.getAuthority())
					.path(url.getPath());

			stream.writeAndFlush(new DefaultHttp2HeadersFrame(head, true));
		}
		left.await();
	}

	public static void main(String[] args) throws Exception {
		NioEventLoopGroup group = new NioEventLoopGroup(2);

		if (args[0].equals("server")) {
			serve(group, Integer.parseInt(args[1]));
		} else {
			URI url = URI.create(args[1]);
			Channel channel = connect(group, url);

			for (int i = 2; i < args.length; i++)
				fetch(channel, url, Integer.parseInt(args[i]));
			channel.close().sync();
		}
		group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
	}
}
