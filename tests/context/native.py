"""C, C++ and Rust: threads, queues, event loops of their own and of libraries."""
import subprocess

from harness import APPS, Failure
from programs import program, server


def flags(package):
    return subprocess.run(["pkg-config", "--cflags", "--libs", package], capture_output=True, text=True).stdout.split()


def native(name, title, source, *arguments, library="-pthread", package=None, header=None, needs=()):
    """One of test-apps/fan-c, with a library, or what pkg-config says of one."""
    @program(name, title, [*needs, *(["pkg-config"] if package else [])], headers=[header] if header else [])
    def run(t, far, env):
        port = t.port()
        binary = t.build.app("fan-c", source, options=flags(package) if package else [library])
        return server(t, far, env, [binary, port, *arguments], port)


for name, style, title in (("threads", "plain", "C, a thread for each connection; sockets"),
                           ("fanout", "fanout", "the same, a thread for each call, joined"),
                           ("nested", "nested", "the same, two levels of threads"),
                           ("detached", "detached", "the same, a thread for each call, detached"),
                           ("growing", "growing", "the same, a pool for all that grows when a request finds no thread idle"),
                           ("helpers", "helpers", "the same, threads that work for all requests until none waits, joined")):
    native(f"c-{name}", title, "threads", style)

native("c-worker", "C, calls made by processes for all requests, which the first one forked", "processes", "worker")
native("c-started", "the same, a fork and an exec of curl for each call", "processes", "started", needs=["curl"])
native("c-passed", "the same, connections passed to another process (SCM_RIGHTS), which reads them", "processes", "passed")
native("c-passed-late", "the same, connections passed when they were read", "processes", "late")

def http2(name, source, title, *arguments, headers=(), libraries=(), tls=False):
    @program(f"c-{name}", title, ["pkg-config"], headers=headers, http2=True, tls=tls)
    def run(t, far, env):
        port = t.port()
        options = ["-pthread", *(flag for name in libraries for flag in flags(name))]
        return server(t, far, env, [t.build.app("fan-c", source, options=options), port, *arguments], port)


for way, title in (("own", "C, a thread for each connection; libcurl over HTTP/2 and TLS, each thread's own handle"),
                   ("lent", "the same, handles that threads take off a stack")):
    http2(f"curl-http2-{way}", "curl", title, way, headers=["x86_64-linux-gnu/curl/curl.h"], libraries=["libcurl"], tls=True)
http2("joint-http2", "joint", "the same, one connection of nghttp2's for all, whoever comes writes for all", "all", headers=["nghttp2/nghttp2.h"],
      libraries=["libnghttp2"])
http2("joint-http2-one", "joint", "C, one thread for all connections; others call for nobody, over the same connection", "one",
      headers=["nghttp2/nghttp2.h"], libraries=["libnghttp2"])
http2("joint-grpc", "grpc", "C++, a thread for each connection; one channel of gRPC for all", headers=["grpcpp/grpcpp.h"], libraries=["grpc++"])

for name, title in (("stream", "C, a thread for each connection; a call before each piece of the answer"),
                    ("after", "the same, calls after the answer"),
                    ("early", "the same, connections opened for a pool of all requests"),
                    ("background", "the same, a thread that makes calls for nobody"),
                    ("retry", "the same, each call twice, over fresh connections")):
    native(f"c-{name}", title, "odd", name)

for name, workers, order, title in (("4", 4, "fifo", "C++, epoll thread, queue (mutex, condition), 4 workers"),
                                    ("16", 16, "fifo", "the same, 16 workers"),
                                    ("64", 64, "fifo", "the same, 64 workers"),
                                    ("lifo", 16, "lifo", "the same, a stack, 16 workers"),
                                    ("priority", 16, "priority", "the same, a queue by priority, 16 workers"),
                                    ("batch", 4, "batch", "the same, up to four at a time, 4 workers"),
                                    ("many", 16, "many", "the same, four queues, 16 workers")):
    native(f"cpp-queue-{name}", title, "queue", workers, order)

native("c-epoll", "C, one thread, epoll, a pool of 16 connections", "epoll")
native("libev", "the same on libev", "libev", library="-lev", header="ev.h")
native("glib", "the same on GLib's main loop", "glib", package="glib-2.0", header="glib-2.0/glib-unix.h")
native("libuv", "the same with libuv's streams and timers", "libuv", library="-luv", header="uv.h")
native("asio", "C++, asio, one io_context run by 4 threads", "asio", header="asio.hpp")

EVENT, SOUP = {"library": "-levent", "header": "event2/event.h"}, {"package": "libsoup-3.0", "header": "libsoup-3.0/libsoup/soup.h"}
native("libevent", "libevent's HTTP server and client", "libevent", **EVENT)
native("soup-async", "libsoup's server and client in one main loop", "soup", "async", **SOUP)
native("soup-pool", "libsoup's server, calls in a GThreadPool", "soup", "pool", **SOUP)
LINE = "four calls at once, who is answered starts the next"
ONE_AT_A_TIME = "the same, one call at a time, whose answers go to one object for all"
WATCHED = "the same, a timer watches over who waits"
BATCHES = (("batch", "the same, calls of all by a timer that the first request arms"), ("first", "the same, with the first request's own object"),
           ("fourth", "the same, calls of four made by the fourth one's handler"))
for style, title in (("line", f"libevent's HTTP server and client, {LINE}"), ("made", "the same, with requests that handlers have made"),
                     ("client", ONE_AT_A_TIME), ("guarded", WATCHED), *BATCHES):
    native(f"libevent-{style}", title, "libevent-shared", style, **EVENT)
for style, title in (("line", f"libsoup's server and client, {LINE}"), ("watched", WATCHED), ("client", ONE_AT_A_TIME), ("guarded", WATCHED),
                     *BATCHES, ("repeat", "the same, by a timer for ever, which the first request armed"),
                     ("tokens", "the same, in a GThreadPool that gets one item for all, the newest first")):
    native(f"soup-{style}", title, "soup-shared", style, **SOUP)


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
