import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.*;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Map;

/** Main FILE: reads a client's connection by Netty and prints each head: "head", then its fields, in their order. */
public class Main {
	static class Printer extends Http2FrameAdapter {
		@Override
		public void onHeadersRead(ChannelHandlerContext context, int stream, Http2Headers head, int padding, boolean end) {
			System.out.println("head");
			for (Map.Entry<CharSequence, CharSequence> field : head)
				System.out.println(field.getKey() + ": " + field.getValue());
		}
	}

	public static void main(String[] args) throws Exception {
		ByteBuf bytes = Unpooled.wrappedBuffer(Files.readAllBytes(Paths.get(args[0])));
		DefaultHttp2HeadersDecoder headers = new DefaultHttp2HeadersDecoder(false, 1 << 20);
		EmbeddedChannel channel = new EmbeddedChannel(new ChannelInboundHandlerAdapter());

		headers.configuration().maxHeaderTableSize(65536);
		try (Http2FrameReader reader = new DefaultHttp2FrameReader(headers)) {
			bytes.skipBytes(Http2CodecUtil.connectionPrefaceBuf().readableBytes());
			while (bytes.isReadable())
				reader.readFrame(channel.pipeline().firstContext(), bytes, new Printer());
		}
	}
}
