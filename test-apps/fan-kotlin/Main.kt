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
import java.net.HttpURLConnection
import java.net.URI
import kotlin.random.Random
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.flow.flatMapMerge
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.Semaphore
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.sync.withPermit
import kotlinx.coroutines.withContext
import kotlin.coroutines.Continuation
import kotlin.coroutines.resume
import kotlin.coroutines.suspendCoroutine

/*
 * Coroutines: Ktor on Netty or CIO, with Ktor's client on CIO or OkHttp, each request makes one to three calls in the way
 * that its path names. Usage: Main SERVER CLIENT PORT
 */
private val far = System.getenv("FAR")

/* What other requests wait for, too. */
private val few = Semaphore(4)
private val turns = Mutex()
private val jobs = Channel<Pair<String, CompletableDeferred<String>>>(Channel.UNLIMITED)
private val waiting = ArrayDeque<Continuation<Unit>>()
private var worker: kotlinx.coroutines.Job? = null
private var shared: Deferred<Unit>? = null

private fun block(path: String): String {
	val call = URI.create(far + path).toURL().openConnection() as HttpURLConnection
	return String(call.inputStream.readAllBytes())
}

/* A worker for all, which the first request starts. */
@OptIn(DelicateCoroutinesApi::class)
private suspend fun handOver(client: HttpClient, path: String): String {
	val done = CompletableDeferred<String>()
	turns.withLock {
		if (worker == null)
			worker = GlobalScope.launch {
				for ((next, answer) in jobs)
					answer.complete(client.get(far + next).bodyAsText())
			}
	}
	jobs.send(path to done)
	return done.await()
}

/* What a few requests wait for at a time, begun by one of them. */
@OptIn(DelicateCoroutinesApi::class)
private suspend fun sharedNow() {
	val now = turns.withLock {
		shared?.takeIf { it.isActive } ?: GlobalScope.async { delay(3) }.also { shared = it }
	}
	now.await()
}

/* Another request lets this one go on. */
private suspend fun turn() {
	suspendCoroutine<Unit> { mine ->
		val other = synchronized(waiting) {
			waiting.add(mine)
			if (waiting.size > 3) waiting.removeFirst() else null
		}
		other?.resume(Unit)
	}
}

private suspend fun one(client: HttpClient, way: String, path: String): String {
	when (way) {
		"io" -> return withContext(Dispatchers.IO) { block(path) }
		"default" -> return withContext(Dispatchers.Default) { client.get(far + path).bodyAsText() }
		"unconfined" -> return withContext(Dispatchers.Unconfined) {
			delay(1)
			client.get(far + path).bodyAsText()
		}
		"few" -> return few.withPermit { client.get(far + path).bodyAsText() }
		"shared" -> sharedNow()
		"turn" -> turn()
		"worker" -> return handOver(client, path)
	}
	return client.get(far + path).bodyAsText()
}

@OptIn(kotlinx.coroutines.ExperimentalCoroutinesApi::class)
private suspend fun answer(client: HttpClient, way: String, number: String) {
	delay(1 + Random.nextLong(6))
	val paths = (0..Random.nextInt(3)).map { "/call/$number/$it" }
	when (way) {
		"fan" -> coroutineScope { paths.map { async { one(client, way, it) } }.awaitAll() }
		"flow" -> paths.asFlow().map { one(client, way, it) }.toList()
		"merge" -> paths.asFlow().flatMapMerge { flow { emit(one(client, way, it)) } }.toList()
		else -> for (path in paths) one(client, way, path)
	}
}

private fun server(name: String, port: Int, client: HttpClient): EmbeddedServer<*, *> {
	val module: io.ktor.server.application.Application.() -> Unit = {
		routing {
			get("/{way}/{number}") {
				answer(client, call.parameters["way"]!!, call.parameters["number"]!!)
				call.respondText("near\n")
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
	GlobalWake.start()
	server(arguments[0], arguments[2].toInt(), client).start(wait = true)
}

/* Those that wait for a turn that never comes. */
@OptIn(DelicateCoroutinesApi::class)
private object GlobalWake {
	fun start() {
		GlobalScope.launch {
			while (true) {
				delay(5)
				synchronized(waiting) { waiting.toList().also { waiting.clear() } }.forEach { it.resume(Unit) }
			}
		}
	}
}
