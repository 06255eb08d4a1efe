"""Servers in Java: CONTEXT_JAVA or the one that is installed; libraries that `./dev context` fetched from Maven Central."""
import os
import re
import subprocess
from pathlib import Path

from harness import APPS, ROOT, which
from programs import program, server

JAVA = os.environ.get("CONTEXT_JAVA") or which("java") or "java"


def release():
    """Of which version the JVM is."""
    file = Path(JAVA).resolve().parents[1] / "release"
    found = re.search(r'JAVA_VERSION="(\d+)', file.read_text()) if file.exists() else None
    return int(found[1]) if found else 0


def for_java():
    """Options that make javac compile for an older JVM than its own."""
    return ["--release", str(release())] if 0 < release() < 17 else []


def java(name, title, way, settings={}, **more):
    """A way of test-apps/fan-java."""
    @program(f"java-{name}", title, ["java", "javac"], **more)
    def run(t, far, env):
        port = t.port()
        classes = t.build.app("fan-java", "Fan", for_java())
        return server(t, far, {**settings, **env}, [JAVA, "-Xmx256m", *trust(t), "-cp", classes, "Fan", port], port, path=f"/{way}/{{id}}")


java("pool", "Java HttpServer, 64 threads; HttpURLConnection", "fan")
java("executor", "the same, calls made by another pool", "pool")
java("scheduled", "the same, by tasks that were scheduled", "scheduled")
java("fork", "the same, by tasks of the common pool", "fork")
java("stream", "the same, by a parallel stream", "stream")
java("client", "Java HttpServer; HttpClient.send", "client")
java("chain", "the same, sendAsync in stages of CompletableFuture", "chain")
java("both", "the same, after stages of two futures", "both")
java("queue", "the same; what a request puts into a queue the request that takes it calls", "queue")
java("late-threads", "the same by threads for all requests, which the first one started", "late")
VIRTUAL = {"THREADS": "virtual"}
if release() >= 21:
    java("virtual", "the same, calls made by virtual threads", "virtual")
    java("virtual-server", "Java HttpServer, a virtual thread each; HttpURLConnection", "fan", VIRTUAL)
    java("virtual-client", "the same; HttpClient.send", "client", VIRTUAL)

PASSWORD = "hunter2"


def trust(t):
    """Options that make Java trust the far side's certificate."""
    if not (t.dir / "ca.pem").exists():
        return []
    store = t.dir / "trust.p12"
    subprocess.run([which("keytool"), "-importcert", "-noprompt", "-alias", "far", "-file", t.dir / "ca.pem", "-keystore", store,
                    "-storetype", "PKCS12", "-storepass", PASSWORD], capture_output=True, check=True)
    return [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={PASSWORD}"]


JARS = Path(os.environ.get("CONTEXT_JARS", ROOT / "deps" / "java-packages"))


def libraries(t, far, env, app, path, *arguments, jars=None):
    """A server of test-apps/APP, with the libraries of its pom.xml, or that of `jars`."""
    port, jars = t.port(), f"{JARS / (jars or app)}/*"
    sources = f"{APPS / app}:{APPS / 'fan-java-turns'}"
    classes = t.build.app(app, "Main", ["-nowarn", *for_java(), "-cp", jars, "-sourcepath", sources], variant=f"-{Path(jars).parent.name}")
    return server(t, far, env, [JAVA, "-Xmx512m", "-XX:TieredStopAtLevel=1", *trust(t), "-cp", f"{classes}:{jars}", "Main", *arguments, port], port,
                  path=f"/{path}/{{id}}")


def row(where, client, title, **more):
    """`client` of test-apps/fan-java-libraries in the server `where`."""
    speaks = ("", "-https", "-h2")[more.get("https", 0)] + ("-tls" if more.get("tls") else "")

    @program(f"{where}-{client}{speaks}", title, ["java", "javac"], jars="fan-java-libraries", **more)
    def run(t, far, env):
        return libraries(t, far, {"DB": far, **env} if more.get("database") else env, "fan-java-libraries", client, where)


row("tomcat", "jdk", "Tomcat, 64 threads; HttpURLConnection")
row("tomcat", "apache4", "the same; Apache HttpClient 4")
row("tomcat", "apache5", "the same; Apache HttpClient 5")
row("tomcat", "okhttp", "the same; OkHttp")
row("tomcat", "jetty-client", "the same; Jetty's client")
row("tomcat", "apache4-async", "the same; Apache HttpAsyncClient 4")
row("tomcat", "apache5-async", "the same; Apache HttpClient 5, asynchronous")
row("tomcat", "okhttp-async", "the same; OkHttp, calls that wait for four connections")
row("tomcat", "jetty-async", "the same; Jetty's client, asynchronous")
row("tomcat", "jetty-client-http2", "Tomcat; Jetty's client over HTTP/2", http2=True)
row("tomcat", "jetty-async-http2", "the same, asynchronous", http2=True)
row("tomcat", "reactor-client", "Tomcat; Reactor Netty's client")
row("tomcat", "queue", "the same; what a request puts into a queue the request that takes it calls")
row("tomcat", "queue-linked", "the same with another queue")
row("tomcat-async", "apache5", "Tomcat, asynchronous; Apache HttpClient 5")
row("tomcat-async", "okhttp-async", "the same; OkHttp, asynchronous")
row("jetty", "jdk", "Jetty; HttpURLConnection")
row("jetty", "jetty-client", "Jetty and its client")
row("jetty-async", "jetty-async", "the same, asynchronous")
row("jetty-async", "jetty-async-http2", "the same over HTTP/2", http2=True)
row("jetty-async", "okhttp-async", "Jetty, asynchronous; OkHttp, asynchronous")
row("undertow", "jdk", "Undertow, 64 threads; HttpURLConnection")
row("undertow", "apache5", "the same; Apache HttpClient 5")
row("undertow-io", "apache5-async", "Undertow, 2 threads of I/O; Apache HttpClient 5, asynchronous")
row("undertow-io", "okhttp-async", "the same; OkHttp, asynchronous")
row("netty", "netty-client", "Netty, 2 threads; its client, a pool of 4")
row("netty", "okhttp-async", "Netty, 2 threads; OkHttp, asynchronous")
row("netty", "apache5-async", "the same; Apache HttpClient 5, asynchronous")
row("reactor-netty", "reactor-client", "Reactor Netty and its client")
row("tomcat", "pg", "Tomcat; PostgreSQL's driver, HikariCP with 4 connections", database="postgres")
row("tomcat", "mariadb", "Tomcat; MariaDB's driver, HikariCP with 4 connections", database="mysql")
row("tomcat", "jedis", "Tomcat; Jedis, a pool of 4", database="redis")
row("tomcat", "lettuce", "Tomcat; Lettuce, one connection for all", database="redis")
row("netty", "lettuce", "Netty; Lettuce, one connection for all", database="redis")
for client, title in (("jdk", "Tomcat; HttpURLConnection over TLS"), ("apache4", "the same; Apache HttpClient 4"),
                      ("apache5", "the same; Apache HttpClient 5"), ("apache5-async", "the same, asynchronous"),
                      ("okhttp", "the same; OkHttp"), ("okhttp-async", "the same, asynchronous"),
                      ("jetty-async", "the same; Jetty's client, asynchronous"),
                      ("reactor-client", "the same; Reactor Netty's client")):
    row("tomcat", client, title, tls=True)


def grpc(way, title):
    """A way to call of test-apps/fan-java-grpc, over each transport."""
    for jars, transport, builder in (("fan-java-grpc", "shaded", "io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder"),
                                     ("fan-java-grpc", "netty", "io.grpc.netty.NettyChannelBuilder"),
                                     ("fan-java-grpc-okhttp", "okhttp", "io.grpc.okhttp.OkHttpChannelBuilder")):
        @program(f"java-grpc-{transport}-{way}", title, ["java", "javac"], jars=jars, http2=True)
        def run(t, far, env, jars=jars, builder=builder):
            return libraries(t, far, {"BUILDER": builder, **env}, "fan-java-grpc", way, jars=jars)


grpc("blocking", "Java HttpServer; grpc-java, blocking stubs, one channel for all")
grpc("stream", "the same, streams of the server")
grpc("pool", "the same, calls made by another pool")
grpc("future", "the same, each call made by a listener of the one before")
grpc("async", "the same, by an observer of the one before")


java("client-tls", "Java HttpServer; HttpClient.send over TLS", "client", tls=True)
java("https", "Java HttpsServer; HttpURLConnection over TLS", "pool", tls=True, https=True)
java("client-https", "the same; HttpClient.send", "client", tls=True, https=True)
java("chain-https", "the same; sendAsync over HTTP/2, in stages of CompletableFuture", "chain", {"VERSION": "HTTP_2"}, tls=True, http2=True,
     https=True)
if release() >= 21:
    java("virtual-https", "Java HttpsServer, a virtual thread each; HttpURLConnection over TLS", "fan", VIRTUAL, tls=True, https=True)


for where, client, title in (("tomcat", "jdk", "Tomcat over TLS, 64 threads; HttpURLConnection over TLS"),
                             ("tomcat-async", "okhttp-async", "the same, asynchronous; OkHttp"),
                             ("jetty", "jetty-client", "Jetty over TLS and its client"),
                             ("undertow", "apache5", "Undertow over TLS, 64 threads; Apache HttpClient 5"),
                             ("undertow-io", "apache5-async", "the same, 2 threads of I/O; asynchronous"),
                             ("netty", "okhttp-async", "Netty over TLS, 2 threads; OkHttp, asynchronous"),
                             ("reactor-netty", "reactor-client", "Reactor Netty over TLS and its client")):
    row(where, client, title, tls=True, https=True)


for where, client, title in (("tomcat", "jdk", "Tomcat over HTTP/2 and TLS, one connection; HttpURLConnection over TLS"),
                             ("tomcat-async", "okhttp-async", "the same, asynchronous; OkHttp"),
                             ("undertow", "apache5", "Undertow over HTTP/2 and TLS, 64 threads; Apache HttpClient 5"),
                             ("undertow-io", "apache5-async", "the same, 2 threads of I/O; asynchronous"),
                             ("reactor-netty", "reactor-client", "Reactor Netty over HTTP/2 and TLS, and its client")):
    row(where, client, title, tls=True, https=2)


@program("spring", "Spring Boot on Tomcat; RestClient in beans of a pool", ["java", "javac"], jars="fan-java-spring")
def spring(t, far, env):
    return libraries(t, far, env, "fan-java-spring", "fan")


REACTOR = (("chain", "one call after the other"), ("fan", "all calls at once"), ("concat", "concatMap"), ("few", "flatMap, one at a time"),
           ("sequential", "flatMapSequential"), ("many", "flatMap of what flatMapMany gave"), ("after", "thenMany"), ("expand", "expand"),
           ("concat-array", "concat"), ("empty", "switchIfEmpty"), ("retry", "retry"), ("repeat", "repeat"), ("switch", "switchMap"),
           ("zip", "after two at once"), ("publish", "RestClient behind publishOn"), ("publish-mono", "the same of a Mono"),
           ("subscribe", "RestClient behind subscribeOn"), ("parallel", "parallel"), ("group", "groupBy"), ("resume", "onErrorResume"),
           ("delay", "delayElements"), ("until", "delayUntil"), ("filled", "flatMap of what Flux.create was filled with at once"),
           ("peek", "doOnNext"), ("turn", "when another request lets it"),
           ("one", "the same by Sinks.one"), ("cached", "when a value is there that many wait for"), ("shared", "beside a pipeline that requests share"),
           ("sink", "by a pipeline for all, which the first request starts"), ("heard", "by another one"), ("create", "by one of Flux.create"))
for way, title in REACTOR:
    @program(f"webflux-{way}", f"Spring WebFlux and WebClient, {title}", ["java", "javac"], jars="fan-java-webflux")
    def webflux(t, far, env, way=way):
        return libraries(t, far, env, "fan-java-webflux", way)


for way, title in (("chain", "one call after the other"), ("fan", "all calls at once"), ("concat", "concatMapSingle"), ("concat-flow", "concatMap"),
                   ("few", "flatMap, one at a time"), ("few-flow", "the same of a Flowable"), ("many", "concatMap of what flatMapObservable gave"),
                   ("then", "andThen"), ("maybe", "operators of a Maybe"), ("resume", "onErrorResumeNext"), ("retry", "retry"),
                   ("observe", "calls that block behind observeOn"), ("observe-flow", "the same of a Flowable"),
                   ("observe-single", "the same of a Single"), ("subscribe", "calls that block behind subscribeOn"),
                   ("turn", "when another request lets it"), ("one", "the same by a SingleSubject"),
                   ("shared", "beside a pipeline that requests share"), ("subject", "by a pipeline for all, which the first request starts"),
                   ("create", "by one of Observable.create")):
    @program(f"rx-{way}", f"Java HttpServer, RxJava 3 and OkHttp, {title}", ["java", "javac"], jars="fan-java-rx")
    def rx(t, far, env, way=way):
        return libraries(t, far, env, "fan-java-rx", way)


for jars, number in (("fan-java-vertx", 5), ("fan-java-vertx-4", 4)):
    for way, title in (("chain", "its WebClient, one call after the other"), ("fan", "the same, all calls at once"),
                       ("core", "its HttpClient"), ("blocking", "its WebClient after executeBlocking"),
                       ("worker", "HttpURLConnection in executeBlocking"), ("bus", "calls by a consumer of its event bus"),
                       ("shared", "calls composed with a future that several requests wait for"),
                       ("shared-done", "calls by handlers of such a future"), ("turn", "calls when another request completes a promise"),
                       ("queue", "calls by whoever takes them from a queue")):
        @program(f"vertx{number}-{way}", f"Vert.x {number}, two event loops; {title}", ["java", "javac"], jars=jars)
        def vertx(t, far, env, way=way, jars=jars):
            return libraries(t, far, env, "fan-java-vertx", way, jars=jars)


def kotlin(t, app):
    """The classes of test-apps/APP; Kotlin's compiler is a program in Java."""
    jars, out = JARS / app, t.build.stage / app
    with t.build.lock:
        if not out.exists():
            done = subprocess.run([JAVA, "-cp", f"{JARS / 'kotlin-compiler'}/*:{jars}/*", "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-stdlib",
                                   "-no-reflect", "-jvm-target", str(min(release(), 17) or 17), "-cp", ":".join(map(str, sorted(jars.glob("*.jar")))), "-d", out,
                                   APPS / app / "Main.kt", APPS / "fan-kotlin" / "Ways.kt"], capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(done.stderr)
    return f"{out}:{jars}/*"


def coroutines(name, app, way, title, *arguments):
    """A way of test-apps/fan-kotlin/Ways.kt."""
    @program(f"kotlin-{name}-{way}", title, ["java"], jars=app)
    def run(t, far, env):
        port = t.port()
        return server(t, far, env, [JAVA, "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", kotlin(t, app), "MainKt", *arguments, port], port,
                      path=f"/{way}/{{id}}")


WAYS = (("io", "HttpURLConnection in Dispatchers.IO"), ("default", "calls in Dispatchers.Default"),
        ("unconfined", "calls in Dispatchers.Unconfined"), ("flow", "calls in a flow"), ("merge", "calls in flatMapMerge"),
        ("few", "calls behind a semaphore"), ("shared", "after what several requests wait for"),
        ("turn", "when another request resumes"), ("worker", "calls by a coroutine for all, which the first request starts"))
for where, client, title in (("netty", "okhttp", "Ktor on Netty, its client on OkHttp"), ("netty", "cio", "Ktor on Netty, its client on CIO"),
                             ("cio", "cio", "Ktor and its client on CIO"), ("cio", "okhttp", "Ktor on CIO, its client on OkHttp")):
    coroutines(f"{where}-{client}", "fan-kotlin", "chain", f"{title}, one call after the other", where, client)
    coroutines(f"{where}-{client}", "fan-kotlin", "fan", f"{title}, all calls at once", where, client)
for way, title in WAYS:
    coroutines("netty-cio", "fan-kotlin", way, f"Ktor on Netty, its client on CIO; {title}", "netty", "cio")
for way, title in (("chain", "one call after the other"), ("fan", "all calls at once"), ("mono", "coroutines within a Mono"), *WAYS):
    coroutines("webflux", "fan-kotlin-webflux", way, f"Spring WebFlux and WebClient, handlers that suspend; {title}")


for jars, names in (("fan-java-older", ("OkHttp 3", "Jetty's client 9")), ("fan-java-older-2", ("OkHttp 4", "Jetty's client 11"))):
    for way, title in (("okhttp", names[0]), ("okhttp-async", f"{names[0]}, calls that wait for four connections"),
                       ("jetty", names[1]), ("jetty-async", f"{names[1]}, asynchronous")):
        number = names[way.startswith("jetty")].split()[-1]

        @program(f"java-{way.replace('-async', '')}{number}{'-async' if 'async' in way else ''}", f"Java HttpServer; {title}",
                 ["java", "javac"], jars=jars)
        def older(t, far, env, jars=jars, way=way):
            return libraries(t, far, env, "fan-java-older", way, jars=jars)
