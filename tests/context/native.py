"""C, C++ and Rust: threads, queues, event loops of their own and of libraries."""
import subprocess

from harness import APPS, Failure
from programs import program, server


def compiled(t, far, env, source, *arguments, libraries=()):
    port = t.port()
    return server(t, far, env, [t.build.app("fan-c", source, options=libraries), port, *arguments], port)


def flags(package):
    return subprocess.run(["pkg-config", "--cflags", "--libs", package], capture_output=True, text=True).stdout.split()


def threads(name, style, title):
    @program(f"c-{name}", title)
    def run(t, far, env):
        return compiled(t, far, env, "threads", style, libraries=["-pthread"])


threads("threads", "plain", "C, a thread for each connection; sockets")
threads("fanout", "fanout", "the same, a thread for each call, joined")
threads("nested", "nested", "the same, two levels of threads")
threads("detached", "detached", "the same, a thread for each call, detached")
threads("growing", "growing", "the same, a pool for all that grows when a request finds no thread idle")
threads("helpers", "helpers", "the same, threads that work for all requests until none waits, joined")


def http2(name, source, title, *arguments, headers=(), libraries=(), tls=False):
    @program(f"c-{name}", title, ["pkg-config"], headers=headers, http2=True, tls=tls)
    def run(t, far, env):
        return compiled(t, far, env, source, *arguments, libraries=["-pthread", *(flag for name in libraries for flag in flags(name))])


for way, title in (("own", "C, a thread for each connection; libcurl over HTTP/2 and TLS, each thread's own handle"),
                   ("lent", "the same, handles that threads take off a stack")):
    http2(f"curl-http2-{way}", "curl", title, way, headers=["x86_64-linux-gnu/curl/curl.h"], libraries=["libcurl"], tls=True)
http2("joint-http2", "joint", "the same, one connection of nghttp2's for all, whoever comes writes for all", "all", headers=["nghttp2/nghttp2.h"],
      libraries=["libnghttp2"])
http2("joint-http2-one", "joint", "C, one thread for all connections; others call for nobody, over the same connection", "one",
      headers=["nghttp2/nghttp2.h"], libraries=["libnghttp2"])
http2("joint-grpc", "grpc", "C++, a thread for each connection; one channel of gRPC for all", headers=["grpcpp/grpcpp.h"], libraries=["grpc++"])


def processes(name, style, title, needs=()):
    @program(f"c-{name}", title, needs)
    def run(t, far, env):
        return compiled(t, far, env, "processes", style, libraries=["-pthread"])


processes("worker", "worker", "C, calls made by processes for all requests, which the first one forked")
processes("started", "started", "the same, a fork and an exec of curl for each call", ["curl"])
processes("passed", "passed", "the same, connections passed to another process (SCM_RIGHTS), which reads them")
processes("passed-late", "late", "the same, connections passed when they were read")


def odd(name, title):
    @program(f"c-{name}", title)
    def run(t, far, env):
        return compiled(t, far, env, "odd", name, libraries=["-pthread"])


odd("stream", "C, a thread for each connection; a call before each piece of the answer")
odd("after", "the same, calls after the answer")
odd("early", "the same, connections opened for a pool of all requests")
odd("background", "the same, a thread that makes calls for nobody")
odd("retry", "the same, each call twice, over fresh connections")


def queue(name, workers, order, title):
    @program(f"cpp-{name}", title)
    def run(t, far, env):
        return compiled(t, far, env, "queue", workers, order, libraries=["-pthread"])


queue("queue-4", 4, "fifo", "C++, epoll thread, queue (mutex, condition), 4 workers")
queue("queue-16", 16, "fifo", "the same, 16 workers")
queue("queue-64", 64, "fifo", "the same, 64 workers")
queue("queue-lifo", 16, "lifo", "the same, a stack, 16 workers")
queue("queue-priority", 16, "priority", "the same, a queue by priority, 16 workers")
queue("queue-batch", 4, "batch", "the same, up to four at a time, 4 workers")
queue("queue-many", 16, "many", "the same, four queues, 16 workers")


@program("c-epoll", "C, one thread, epoll, a pool of 16 connections")
def c_epoll(t, far, env):
    return compiled(t, far, env, "epoll")


@program("libev", "the same on libev", headers=["ev.h"])
def libev(t, far, env):
    return compiled(t, far, env, "libev", libraries=["-lev"])


@program("glib", "the same on GLib's main loop", ["pkg-config"], headers=["glib-2.0/glib-unix.h"])
def glib(t, far, env):
    return compiled(t, far, env, "glib", libraries=flags("glib-2.0"))


@program("libuv", "the same with libuv's streams and timers", headers=["uv.h"])
def libuv(t, far, env):
    return compiled(t, far, env, "libuv", libraries=["-luv"])


@program("libevent", "libevent's HTTP server and client", headers=["event2/event.h"])
def libevent(t, far, env):
    return compiled(t, far, env, "libevent", libraries=["-levent"])


def libevent_shared(style, title):
    @program(f"libevent-{style}", title, headers=["event2/event.h"])
    def run(t, far, env):
        return compiled(t, far, env, "libevent-shared", style, libraries=["-levent"])


libevent_shared("line", "libevent's HTTP server and client, four calls at once, who is answered starts the next")
libevent_shared("made", "the same, with requests that handlers have made")
libevent_shared("client", "the same, one call at a time, whose answers go to one object for all")
libevent_shared("guarded", "the same, a timer watches over who waits")
libevent_shared("batch", "the same, calls of all by a timer that the first request arms")
libevent_shared("first", "the same, with the first request's own object")
libevent_shared("fourth", "the same, calls of four made by the fourth one's handler")


@program("soup-async", "libsoup's server and client in one main loop", ["pkg-config"],
         headers=["libsoup-3.0/libsoup/soup.h"])
def soup_async(t, far, env):
    return compiled(t, far, env, "soup", "async", libraries=flags("libsoup-3.0"))


@program("soup-pool", "libsoup's server, calls in a GThreadPool", ["pkg-config"],
         headers=["libsoup-3.0/libsoup/soup.h"])
def soup_pool(t, far, env):
    return compiled(t, far, env, "soup", "pool", libraries=flags("libsoup-3.0"))


def soup_shared(style, title):
    @program(f"soup-{style}", title, ["pkg-config"], headers=["libsoup-3.0/libsoup/soup.h"])
    def run(t, far, env):
        return compiled(t, far, env, "soup-shared", style, libraries=flags("libsoup-3.0"))


soup_shared("line", "libsoup's server and client, four calls at once, who is answered starts the next")
soup_shared("watched", "the same, a timer watches over who waits")
soup_shared("client", "the same, one call at a time, whose answers go to one object for all")
soup_shared("guarded", "the same, a timer watches over who waits")
soup_shared("batch", "the same, calls of all by a timer that the first request arms")
soup_shared("first", "the same, with the first request's own object")
soup_shared("fourth", "the same, calls of four made by the fourth one's handler")
soup_shared("repeat", "the same, by a timer for ever, which the first request armed")
soup_shared("tokens", "the same, in a GThreadPool that gets one item for all, the newest first")


@program("asio", "C++, asio, one io_context run by 4 threads", headers=["asio.hpp"])
def asio(t, far, env):
    return compiled(t, far, env, "asio", libraries=["-pthread"])


def cargo(t, far, env, app, *arguments, path="/fan/{id}"):
    """Built once, in deps/: that takes minutes, and crates from the registry."""
    target = APPS.parent / "deps" / "cargo" / app
    done = subprocess.run(["cargo", "build", "--release", "--quiet", "-j2", "--target-dir", target],
                          cwd=APPS / app, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{app} does not compile:\n{done.stderr}")
    port = t.port()
    return server(t, far, env, [target / "release" / "fan", port, *arguments], port, path=path)


def tokio(name, title, way, *arguments):
    @program(name, title, ["cargo"])
    def run(t, far, env):
        return cargo(t, far, env, "fan-rust-tokio", *arguments, path=f"/{way}/{{id}}")


tokio("tokio", "Rust, axum and reqwest on tokio, 4 threads; calls in tasks of their own", "fan")
tokio("tokio-inline", "the same, calls in the handler", "inline")
tokio("tokio-current", "the same in tasks, one thread", "fan", "current")
tokio("tokio-detached", "the same, in tasks that nobody waits for", "detached")
tokio("tokio-late", "the same, by tasks for all requests, which the first one starts", "late")


@program("actix", "Rust, actix-web and awc, 4 workers", ["cargo"])
def actix(t, far, env):
    return cargo(t, far, env, "fan-rust-actix")
