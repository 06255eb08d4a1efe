import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/*
 * Spring WebFlux on Reactor Netty, WebClient: each request makes one to three calls, one after the other (/chain/NUMBER) or all at
 * once (/fan/NUMBER). Usage: Main PORT
 */
@EnableAutoConfiguration
@org.springframework.boot.SpringBootConfiguration
public class Main {
	@RestController
	static class Near {
		private final WebClient client = WebClient.create(System.getenv("FAR"));

		private static int some(int below) {
			return ThreadLocalRandom.current().nextInt(below);
		}

		private Mono<String> ask(String number, int turn) {
			return client.get().uri("/call/{number}/{turn}", number, turn).retrieve().bodyToMono(String.class);
		}

		private Mono<String> chain(String number, int turn, int turns) {
			Mono<String> answer = ask(number, turn);
			return turn + 1 < turns ? answer.flatMap(text -> chain(number, turn + 1, turns)) : answer;
		}

		@GetMapping("/{way}/{number}")
		Mono<String> fan(@PathVariable("way") String way, @PathVariable("number") String number) {
			int turns = 1 + some(3);
			Mono<Long> later = Mono.delay(Duration.ofMillis(some(6)));
			if (way.equals("chain"))
				return later.flatMap(nothing -> chain(number, 0, turns)).thenReturn("near\n");
			return later.thenMany(Flux.range(0, turns)).flatMap(turn -> ask(number, turn)).then(Mono.just("near\n"));
		}
	}

	public static void main(String[] arguments) {
		SpringApplication app = new SpringApplication(Main.class);
		app.setDefaultProperties(Map.of("server.port", arguments[0], "server.address", "127.0.0.1", "spring.main.banner-mode", "off",
			"logging.level.root", "warn"));
		app.run();
	}
}
