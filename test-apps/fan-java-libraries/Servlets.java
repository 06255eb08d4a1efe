import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Files;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.catalina.connector.Connector;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.ee11.servlet.ServletHolder;
import org.eclipse.jetty.server.AbstractConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** Tomcat and Jetty with one servlet, which answers in the thread it is called in, or asynchronously. */
class Servlets {
	static class Fan extends HttpServlet {
		private final boolean async;

		Fan(boolean async) {
			this.async = async;
		}

		@Override
		protected void doGet(HttpServletRequest request, HttpServletResponse response) throws ServletException, IOException {
			if (async) {
				AsyncContext context = request.startAsync();
				Main.later(request.getRequestURI()).whenComplete((nothing, error) -> {
					try {
						answer(response, error);
					} catch (IOException e) {
						e.printStackTrace();
					}
					context.complete();
				});
				return;
			}
			try {
				Main.block(request.getRequestURI());
				answer(response, null);
			} catch (Exception e) {
				throw new ServletException(e);
			}
		}

		private static void answer(HttpServletResponse response, Throwable error) throws IOException {
			if (error != null) {
				error.printStackTrace();
				response.setStatus(500);
			}
			response.setContentLength(Main.ANSWER.length);
			response.getOutputStream().write(Main.ANSWER);
		}
	}

	static void tomcat(int port, boolean async) throws Exception {
		Tomcat tomcat = new Tomcat();
		tomcat.setBaseDir(Files.createTempDirectory("tomcat").toString());
		Connector connector = new Connector();
		connector.setPort(port);
		connector.setProperty("address", "127.0.0.1");
		connector.setProperty("acceptCount", "1024");
		connector.setProperty("maxThreads", "64");
		if (Keys.STORE != null) {
			SSLHostConfig host = new SSLHostConfig();
			SSLHostConfigCertificate certificate = new SSLHostConfigCertificate(host, SSLHostConfigCertificate.Type.UNDEFINED);
			certificate.setCertificateKeystoreFile(Keys.STORE);
			certificate.setCertificateKeystorePassword(Keys.PASSWORD);
			certificate.setCertificateKeystoreType("PKCS12");
			host.addCertificate(certificate);
			connector.setSecure(true);
			connector.setScheme("https");
			connector.setProperty("SSLEnabled", "true");
			connector.addSslHostConfig(host);
			if (System.getenv("HTTP2") != null)
				connector.addUpgradeProtocol(new org.apache.coyote.http2.Http2Protocol());
		}
		tomcat.setConnector(connector);
		Context context = tomcat.addContext("", null);
		Tomcat.addServlet(context, "fan", new Fan(async)).setAsyncSupported(true);
		context.addServletMappingDecoded("/*", "fan");
		tomcat.start();
	}

	static void jetty(int port, boolean async) throws Exception {
		Server server = new Server();
		SslContextFactory.Server keys = new SslContextFactory.Server();
		if (Keys.STORE != null)
			keys.setSslContext(Keys.context());
		HttpConfiguration settings = new HttpConfiguration();
		settings.addCustomizer(new SecureRequestCustomizer(false)); /* whatever host is asked for */
		ServerConnector connector = Keys.STORE == null ? new ServerConnector(server)
			: new ServerConnector(server, AbstractConnectionFactory.getFactories(keys, new HttpConnectionFactory(settings)));
		connector.setHost("127.0.0.1");
		connector.setPort(port);
		connector.setAcceptQueueSize(1024);
		server.addConnector(connector);
		ServletContextHandler context = new ServletContextHandler("/");
		context.addServlet(new ServletHolder(new Fan(async)), "/*");
		server.setHandler(context);
		server.start();
	}
}
