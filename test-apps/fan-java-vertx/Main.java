import io.vertx.core.AbstractVerticle;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/*
 * Vert.x: routers in two event loops, one client for all, each request makes one to three calls, in the way that its path
 * names. Usage: Main PORT
 */
public class Main extends AbstractVerticle {
	private static final URI FAR = URI.create(System.getenv("FAR"));
	private static WebClient client;
	private static HttpClient core;

	/* What other requests wait for, too. */
	private static Future<?> shared;
	private static final ArrayDeque<Promise<String>> waiting = new ArrayDeque<>();
	private static final ConcurrentLinkedQueue<Runnable> jobs = new ConcurrentLinkedQueue<>();

	private static int some(int below) {
		return ThreadLocalRandom.current().nextInt(below);
	}

	private static Future<?> send(String path) {
		return client.get(path).send();
	}

	private static Object block(String path) throws Exception {
		HttpURLConnection call = (HttpURLConnection) FAR.resolve(path).toURL().openConnection();
		call.getInputStream().readAllBytes();
		return path;
	}

	/* What a few requests wait for at a time: a timer of one of them. */
	private Future<?> sharedNow() {
		synchronized (waiting) {
			if (shared == null || shared.isComplete()) {
				Promise<Void> promise = Promise.promise();
				shared = promise.future();
				vertx.setTimer(3, id -> promise.complete());
			}
			return shared;
		}
	}

	/* Somebody else goes on with it. */
	private static Future<String> turn(String path) {
		Promise<String> mine = Promise.promise(), other;
		synchronized (waiting) {
			waiting.add(mine);
			other = waiting.size() > 3 ? waiting.poll() : null;
		}
		if (other != null)
			other.complete(path);
		return mine.future();
	}

	private Future<?> one(String way, String path) {
		Promise<Object> done = Promise.promise();
		switch (way) {
		case "core":
			return core.request(HttpMethod.GET, path).compose(request -> request.send()).compose(answer -> answer.body());
		case "blocking":
			return vertx.executeBlocking(() -> path).compose(same -> send(same));
		case "worker":
			return vertx.executeBlocking(() -> block(path), false);
		case "bus":
			return vertx.eventBus().request("calls", path);
		case "shared":
			return sharedNow().compose(nothing -> send(path));
		case "shared-done":
			sharedNow().onSuccess(nothing -> send(path).onSuccess(done::complete).onFailure(done::fail)).onFailure(done::fail);
			return done.future();
		case "turn":
			return turn(path).compose(others -> send(path));
		case "queue":
			jobs.add(() -> send(path).onSuccess(done::complete).onFailure(done::fail));
			if (some(2) == 0)
				for (Runnable job; (job = jobs.poll()) != null;)
					job.run();
			return done.future();
		default:
			return send(path);
		}
	}

	private void answer(RoutingContext request) {
		String way = request.pathParam("way"), number = request.pathParam("number");
		Future<?> last = one(way, "/call/" + number + "/0");
		for (int turn = 1; turn < 1 + some(3); turn++) {
			String path = "/call/" + number + "/" + turn;
			Future<?> before = last;
			last = way.equals("fan") ? one(way, path).compose(answer -> before) : before.compose(answer -> one(way, path));
		}
		last.onSuccess(answer -> request.response().end("near\n")).onFailure(request::fail);
	}

	@Override
	public void start(Promise<Void> started) {
		Router router = Router.router(vertx);
		router.get("/:way/:number").handler(request -> vertx.setTimer(1 + some(6), id -> answer(request)));
		vertx.eventBus().consumer("calls", message -> send((String) message.body()).onSuccess(answer -> message.reply("done")));
		vertx.setPeriodic(5, id -> {
			for (Runnable job; (job = jobs.poll()) != null;)
				job.run();
			synchronized (waiting) {
				for (Promise<String> other; (other = waiting.poll()) != null;)
					other.complete("late");
			}
		});
		vertx.createHttpServer(new HttpServerOptions().setAcceptBacklog(1024).setHost("127.0.0.1").setPort(config().getInteger("port")))
			.requestHandler(router).listen().onSuccess(server -> started.complete()).onFailure(started::fail);
	}

	public static void main(String[] arguments) {
		Vertx vertx = Vertx.vertx();
		WebClientOptions options = new WebClientOptions().setDefaultHost(FAR.getHost()).setDefaultPort(FAR.getPort());
		client = WebClient.create(vertx, options);
		core = vertx.createHttpClient(options);
		vertx.deployVerticle(Main.class.getName(), new DeploymentOptions().setInstances(2)
			.setConfig(new io.vertx.core.json.JsonObject().put("port", Integer.parseInt(arguments[0])))).onFailure(Throwable::printStackTrace);
	}
}
