import java.net.HttpURLConnection
import java.net.URI
import kotlin.coroutines.Continuation
import kotlin.coroutines.resume
import kotlin.coroutines.suspendCoroutine
import kotlin.random.Random
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.Job
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

/* The ways in which a request makes one to three calls; `get` is how its program asks for a URL. */
@OptIn(DelicateCoroutinesApi::class)
class Ways(private val get: suspend (String) -> String) {
	private val far = System.getenv("FAR")

	/* What other requests wait for, too. */
	private val few = Semaphore(4)
	private val turns = Mutex()
	private val jobs = Channel<Pair<String, CompletableDeferred<String>>>(Channel.UNLIMITED)
	private val waiting = ArrayDeque<Continuation<Unit>>()
	private var worker: Job? = null
	private var shared: Deferred<Unit>? = null

	/* Those that wait for a turn that never comes. */
	init {
		GlobalScope.launch {
			while (true) {
				delay(5)
				synchronized(waiting) { waiting.toList().also { waiting.clear() } }.forEach { it.resume(Unit) }
			}
		}
	}

	private suspend fun ask(path: String) = get(far + path)

	private fun block(path: String): String {
		val call = URI.create(far + path).toURL().openConnection() as HttpURLConnection
		return String(call.inputStream.readAllBytes())
	}

	/* A worker for all, which the first request starts. */
	private suspend fun handOver(path: String): String {
		val done = CompletableDeferred<String>()
		turns.withLock {
			if (worker == null)
				worker = GlobalScope.launch {
					for ((next, answer) in jobs)
						answer.complete(ask(next))
				}
		}
		jobs.send(path to done)
		return done.await()
	}

	/* What a few requests wait for at a time, begun by one of them. */
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

	private suspend fun one(way: String, path: String): String {
		when (way) {
			"io" -> return withContext(Dispatchers.IO) { block(path) }
			"default" -> return withContext(Dispatchers.Default) { ask(path) }
			"unconfined" -> return withContext(Dispatchers.Unconfined) {
				delay(1)
				ask(path)
			}
			"few" -> return few.withPermit { ask(path) }
			"shared" -> sharedNow()
			"turn" -> turn()
			"worker" -> return handOver(path)
		}
		return ask(path)
	}

	@OptIn(kotlinx.coroutines.ExperimentalCoroutinesApi::class)
	suspend fun answer(way: String, number: String): String {
		delay(1 + Random.nextLong(6))
		val paths = (0..Random.nextInt(3)).map { "/call/$number/$it" }
		when (way) {
			"fan" -> coroutineScope { paths.map { async { one(way, it) } }.awaitAll() }
			"flow" -> paths.asFlow().map { one(way, it) }.toList()
			"merge" -> paths.asFlow().flatMapMerge { flow { emit(one(way, it)) } }.toList()
			else -> for (path in paths) one(way, path)
		}
		return "near\n"
	}
}
