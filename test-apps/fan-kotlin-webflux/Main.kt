import java.time.Duration
import kotlinx.coroutines.reactor.awaitSingle
import kotlinx.coroutines.reactor.mono
import org.springframework.boot.SpringApplication
import org.springframework.boot.SpringBootConfiguration
import org.springframework.boot.autoconfigure.EnableAutoConfiguration
import org.springframework.context.annotation.Import
import org.springframework.web.bind.annotation.GetMapping
import org.springframework.web.bind.annotation.PathVariable
import org.springframework.web.bind.annotation.RestController
import org.springframework.web.reactive.function.client.WebClient
import org.springframework.web.reactive.function.client.awaitBody
import reactor.core.publisher.Mono

/*
 * Coroutines in Spring WebFlux, with WebClient: handlers that suspend make one to three calls in the way that the path names.
 * Usage: Main PORT
 */
@EnableAutoConfiguration
@SpringBootConfiguration(proxyBeanMethods = false)
@Import(Near::class)
class Main

private val client = WebClient.create()

private suspend fun ask(url: String) = client.get().uri(url).retrieve().awaitBody<String>()

@RestController
class Near {
	private val ways = Ways(::ask)
	private val mixed = Ways { url -> Mono.delay(Duration.ofMillis(1)).flatMap { mono { ask(url) } }.awaitSingle() }

	@GetMapping("/{way}/{number}")
	suspend fun fan(@PathVariable("way") way: String, @PathVariable("number") number: String) =
		(if (way == "mono") mixed else ways).answer(way, number)
}

fun main(arguments: Array<String>) {
	val app = SpringApplication(Main::class.java)
	app.setDefaultProperties(mapOf("server.port" to arguments[0], "server.address" to "127.0.0.1", "spring.main.banner-mode" to "off",
		"logging.level.root" to "warn"))
	app.run()
}
