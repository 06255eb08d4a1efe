"""Servers in Ruby."""
from harness import APPS, which
from programs import program, server


def puma(t, far, env, way, *options):
    port = t.port()
    return server(t, far, env, [which("puma"), "--quiet", "--environment", "production", "--threads", "32:32", *options,
                                "--bind", f"tcp://127.0.0.1:{port}?backlog=1024", APPS / "fan-ruby-rack" / "config.ru"],
                  port, path=f"/{way}/{{id}}")


@program("puma", "Puma, 32 threads; Net::HTTP", ["puma"])
def puma_fan(t, far, env):
    return puma(t, far, env, "fan")


@program("puma-cluster", "the same, 2 processes of 16 threads", ["puma"])
def puma_cluster(t, far, env):
    return puma(t, far, env, "fan", "--workers", 2, "--threads", "16:16")


@program("puma-tls", "Puma; Net::HTTP over TLS", ["puma"], tls=True)
def puma_tls(t, far, env):
    return puma(t, far, env, "fan")


@program("puma-threads", "Puma, calls made by threads of their own", ["puma"])
def puma_threads(t, far, env):
    return puma(t, far, env, "threads")


@program("puma-fibers", "Puma, calls made by fibers of an Enumerator", ["puma"])
def puma_fibers(t, far, env):
    return puma(t, far, env, "fibers")


@program("puma-pool", "Puma, calls made by a pool of concurrent-ruby's", ["puma"], gems=["concurrent"])
def puma_pool(t, far, env):
    return puma(t, far, env, "pool")


@program("puma-futures", "Puma, calls made by chains of concurrent-ruby's promises", ["puma"], gems=["concurrent"])
def puma_futures(t, far, env):
    return puma(t, far, env, "futures")


@program("puma-later", "Puma, calls of all when a promise that all wait for is kept", ["puma"], gems=["concurrent"])
def puma_later(t, far, env):
    return puma(t, far, env, "later")


@program("puma-late-threads", "Puma, calls made by threads for all requests, which the first one started", ["puma"])
def puma_late(t, far, env):
    return puma(t, far, env, "late")


@program("puma-grpc", "Puma; gRPC, one channel for all", ["puma"], gems=["grpc"], http2=True)
def puma_grpc(t, far, env):
    return puma(t, far, {"RPC": "yes", **env}, "rpc")


@program("puma-reactor", "Puma, calls made by EventMachine for all requests, in a thread that the first one started", ["puma"],
         gems=["eventmachine"])
def puma_reactor(t, far, env):
    return puma(t, far, {"REACTOR": "yes", **env}, "reactor")


CLIENTS = ["http", "excon", "httpclient", "typhoeus", "faraday"]


@program("puma-clients", "Puma; http.rb, Excon, httpclient, Typhoeus (libcurl), Faraday", ["puma"], gems=CLIENTS)
def puma_clients(t, far, env):
    return puma(t, far, {"CLIENTS": "yes", **env}, "clients")


@program("puma-clients-tls", "the same over TLS", ["puma"], gems=CLIENTS, tls=True)
def puma_clients_tls(t, far, env):
    return puma(t, far, {"CLIENTS": "yes", **env}, "clients")


def asks(driver, kind, gem, tls=False):
    @program(f"puma-{driver}{'-tls' if tls else ''}", f"Puma; {driver}, four connections for all{' inside TLS' if tls else ''}",
             ["puma"], gems=["concurrent", gem], database=kind, tls=tls)
    def run(t, url, env):
        return puma(t, url, {"DB": url, "DRIVER": driver, **env}, "ask-pool")


asks("pg", "postgres", "pg")
asks("pg", "postgres", "pg", tls=True)
asks("redis", "redis", "redis")


def ruby(t, far, env, app, way):
    port = t.port()
    return server(t, far, env, [which("ruby"), APPS / app / "main.rb", port], port, path=f"/{way}/{{id}}")


@program("ruby-async", "async-http, as in Falcon, server and client", ["ruby"], gems=["async/http"])
def ruby_async(t, far, env):
    return ruby(t, far, env, "fan-ruby-async", "fan")


@program("ruby-async-tasks", "the same, calls made by tasks of their own", ["ruby"], gems=["async/http"])
def ruby_async_tasks(t, far, env):
    return ruby(t, far, env, "fan-ruby-async", "tasks")


@program("ruby-async-tls", "async-http server, client over TLS", ["ruby"], gems=["async/http"], tls=True)
def ruby_async_tls(t, far, env):
    return ruby(t, far, env, "fan-ruby-async", "fan")


@program("ruby-async-http2", "async-http, calls over HTTP/2, one connection for all", ["ruby"], gems=["async/http"], http2=True)
def ruby_async_http2(t, far, env):
    return ruby(t, far, {"PROTOCOL": "HTTP2", **env}, "fan-ruby-async", "tasks")


@program("ruby-async-late", "async-http, calls made by tasks for all requests, which the first one started", ["ruby"],
         gems=["async/http"])
def ruby_async_late(t, far, env):
    return ruby(t, far, env, "fan-ruby-async", "late")


@program("webrick-threads", "WEBrick; Net::HTTP in threads of their own", ["ruby"], gems=["webrick"])
def webrick(t, far, env):
    return ruby(t, far, env, "fan-ruby-webrick", "threads")


@program("unicorn-threads", "Unicorn, 4 processes; Net::HTTP in threads of their own", ["unicorn"])
def unicorn(t, far, env):
    port = t.port()
    conf = t.dir / "unicorn.rb"
    conf.write_text(f"listen '127.0.0.1:{port}', backlog: 1024\nworker_processes 4\n")
    return server(t, far, env, [which("unicorn"), "-E", "production", "-c", conf, APPS / "fan-ruby-rack" / "config.ru"], port,
                  path="/threads/{id}")


@program("thin", "Thin, an event loop and its threads; Net::HTTP", ["thin"])
def thin(t, far, env):
    port = t.port()
    return server(t, far, env, [which("thin"), "--quiet", "--threaded", "-e", "production", "-a", "127.0.0.1", "-p", port, "-R",
                                APPS / "fan-ruby-rack" / "config.ru", "start"], port)
