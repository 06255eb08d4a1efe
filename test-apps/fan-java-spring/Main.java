/*
 * Spring Boot as its users use it: a controller, RestClient, an asynchronous method in a pool of Spring's own.
 * Usage: Main PORT
 */
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

@EnableAutoConfiguration
@EnableAsync
@org.springframework.boot.SpringBootConfiguration
public class Main {
	static class Far {
		private final RestClient client = RestClient.create(System.getenv("FAR"));

		@Async
		public CompletableFuture<String> ask(String number, int turn) {
			return CompletableFuture.completedFuture(
				client.get().uri("/call/{number}/{turn}", number, turn).retrieve().body(String.class));
		}
	}

	@RestController
	static class Near {
		private final Far far;

		Near(Far far) {
			this.far = far;
		}

		@GetMapping("/fan/{number}")
		String fan(@PathVariable("number") String number) throws Exception {
			List<CompletableFuture<String>> running = new ArrayList<>();
			Thread.sleep(ThreadLocalRandom.current().nextInt(6));
			for (int turn = 0; turn < 1 + ThreadLocalRandom.current().nextInt(3); turn++)
				running.add(far.ask(number, turn));
			for (CompletableFuture<String> one : running)
				one.get();
			return "near\n";
		}
	}

	@Bean
	Far far() {
		return new Far();
	}

	public static void main(String[] arguments) {
		SpringApplication app = new SpringApplication(Main.class);
		app.setDefaultProperties(Map.of("server.port", arguments[0], "server.address", "127.0.0.1",
			"server.tomcat.accept-count", "1024", "server.tomcat.threads.max", "64", "spring.main.banner-mode", "off",
			"logging.level.root", "warn"));
		app.run();
	}
}
