import io.ktor.client.HttpClient
import io.ktor.client.engine.cio.CIO
import io.ktor.client.engine.okhttp.OkHttp
import io.ktor.client.request.get
import io.ktor.client.statement.bodyAsText
import io.ktor.server.engine.EmbeddedServer
import io.ktor.server.engine.embeddedServer
import io.ktor.server.netty.Netty
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing

/*
 * Coroutines: Ktor on Netty or CIO, with Ktor's client on CIO or OkHttp, each request makes one to three calls in the way
 * that its path names. Usage: Main SERVER CLIENT PORT
 */
private fun server(name: String, port: Int, ways: Ways): EmbeddedServer<*, *> {
	val module: io.ktor.server.application.Application.() -> Unit = {
		routing {
			get("/{way}/{number}") {
				call.respondText(ways.answer(call.parameters["way"]!!, call.parameters["number"]!!))
			}
		}
	}
	return if (name == "netty") embeddedServer(Netty, configure = {
		connectors.add(io.ktor.server.engine.EngineConnectorBuilder().apply { host = "127.0.0.1"; this.port = port })
	}, module = module)
	else embeddedServer(io.ktor.server.cio.CIO, port, "127.0.0.1", module = module)
}

fun main(arguments: Array<String>) {
	val client = if (arguments[1] == "cio") HttpClient(CIO) else HttpClient(OkHttp)
	server(arguments[0], arguments[2].toInt(), Ways { client.get(it).bodyAsText() }).start(wait = true)
}
