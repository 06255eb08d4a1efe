import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSocket;

/** Main PORT: HTTP/1.1 over SSLServerSocket, a thread for each connection; keys by javax.net.ssl.keyStore. */
public class Main {
	static String line(InputStream in) throws IOException {
		ByteArrayOutputStream out = new ByteArrayOutputStream();
		int c;
		while ((c = in.read()) >= 0 && c != '\n')
			if (c != '\r')
				out.write(c);
		return c < 0 && out.size() == 0 ? null : out.toString();
	}

	static byte[] answer(String path, byte[] body) {
		return path.equals("/echo") ? body : path.equals("/hello") ? "hello\n".getBytes() : new byte[0];
	}

	static void serve(SSLSocket socket) {
		try (socket; InputStream in = new BufferedInputStream(socket.getInputStream()); OutputStream out = socket.getOutputStream()) {
			for (String first = line(in); first != null; first = line(in)) {
				String path = first.split(" ")[1];
				int length = 0;
				for (String field = line(in); !field.isEmpty(); field = line(in))
					if (field.toLowerCase().startsWith("content-length:"))
						length = Integer.parseInt(field.substring(15).trim());
				byte[] body = answer(path, in.readNBytes(length));
				String status = path.startsWith("/status/") ? path.substring(8) + " Some" : "200 OK";
				out.write(("HTTP/1.1 " + status + "\r\nContent-Length: " + body.length + "\r\n\r\n").getBytes());
				out.write(body);
			}
		} catch (IOException e) {
			/* the client has gone */
		}
	}

	public static void main(String[] args) throws Exception {
		var server = SSLServerSocketFactory.getDefault().createServerSocket(Integer.parseInt(args[0]), 64, InetAddress.getByName("127.0.0.1"));
		while (true) {
			SSLSocket socket = (SSLSocket) server.accept();
			new Thread(() -> serve(socket)).start();
		}
	}
}
