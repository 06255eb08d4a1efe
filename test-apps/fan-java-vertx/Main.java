import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.net.URI;
import java.util.concurrent.ThreadLocalRandom;

/*
 * Vert.x: a router, its client, each request makes one to three calls, one after the other (/chain/NUMBER) or all at once
 * (/fan/NUMBER). Usage: Main PORT
 */
public class Main {
	private static final URI FAR = URI.create(System.getenv("FAR"));

	private static int some(int below) {
		return ThreadLocalRandom.current().nextInt(below);
	}

	public static void main(String[] arguments) {
		Vertx vertx = Vertx.vertx();
		WebClient client = WebClient.create(vertx, new WebClientOptions().setDefaultHost(FAR.getHost()).setDefaultPort(FAR.getPort()));
		Router router = Router.router(vertx);
		router.get("/:way/:number").handler(request -> vertx.setTimer(1 + some(6), id -> {
			String number = request.pathParam("number");
			boolean all = request.pathParam("way").equals("fan");
			Future<?> last = client.get("/call/" + number + "/0").send();
			for (int turn = 1; turn < 1 + some(3); turn++) {
				String path = "/call/" + number + "/" + turn;
				Future<?> before = last;
				last = all ? client.get(path).send().compose(answer -> before) : before.compose(answer -> client.get(path).send());
			}
			last.onSuccess(answer -> request.response().end("near\n")).onFailure(request::fail);
		}));
		vertx.createHttpServer(new HttpServerOptions().setAcceptBacklog(1024).setHost("127.0.0.1").setPort(Integer.parseInt(arguments[0])))
			.requestHandler(router).listen().onFailure(Throwable::printStackTrace);
	}
}
