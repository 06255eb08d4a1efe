"""Servers in Ruby."""
from harness import APPS, which
from programs import program, server


def start_puma(t, far, env, way, *options):
    port = t.port()
    return server(t, far, env, [which("puma"), "--quiet", "--environment", "production", "--threads", "32:32", *options,
                                "--bind", f"tcp://127.0.0.1:{port}?backlog=1024", APPS / "fan-ruby-rack" / "config.ru"],
                  port, path=f"/{way}/{{id}}")


def puma(name, title, way, *options, settings={}, **more):
    @program(name, title, ["puma"], **more)
    def run(t, far, env):
        return start_puma(t, far, {**settings, **env}, way, *options)


CONCURRENT = ["concurrent"]
CLIENTS = ["http", "excon", "httpclient", "typhoeus", "faraday"]
puma("puma", "Puma, 32 threads; Net::HTTP", "fan")
puma("puma-cluster", "the same, 2 processes of 16 threads", "fan", "--workers", 2, "--threads", "16:16")
puma("puma-tls", "Puma; Net::HTTP over TLS", "fan", tls=True)
puma("puma-threads", "Puma, calls made by threads of their own", "threads")
puma("puma-fibers", "Puma, calls made by fibers of an Enumerator", "fibers")
puma("puma-pool", "Puma, calls made by a pool of concurrent-ruby's", "pool", gems=CONCURRENT)
puma("puma-futures", "Puma, calls made by chains of concurrent-ruby's promises", "futures", gems=CONCURRENT)
puma("puma-later", "Puma, calls of all when a promise that all wait for is kept", "later", gems=CONCURRENT)
puma("puma-late-threads", "Puma, calls made by threads for all requests, which the first one started", "late")
puma("puma-grpc", "Puma; gRPC, one channel for all", "rpc", settings={"RPC": "yes"}, gems=["grpc"], http2=True)
puma("puma-reactor", "Puma, calls made by EventMachine for all requests, in a thread that the first one started", "reactor",
     settings={"REACTOR": "yes"}, gems=["eventmachine"])
puma("puma-clients", "Puma; http.rb, Excon, httpclient, Typhoeus (libcurl), Faraday", "clients", settings={"CLIENTS": "yes"}, gems=CLIENTS)
puma("puma-clients-tls", "the same over TLS", "clients", settings={"CLIENTS": "yes"}, gems=CLIENTS, tls=True)


def asks(driver, kind, gem, tls=False):
    @program(f"puma-{driver}{'-tls' if tls else ''}", f"Puma; {driver}, four connections for all{' inside TLS' if tls else ''}",
             ["puma"], gems=["concurrent", gem], database=kind, tls=tls)
    def run(t, url, env):
        return start_puma(t, url, {"DB": url, "DRIVER": driver, **env}, "ask-pool")


asks("pg", "postgres", "pg")
asks("pg", "postgres", "pg", tls=True)
asks("redis", "redis", "redis")


def ruby(name, title, app, way, gem, settings={}, **more):
    """A way of test-apps/APP."""
    @program(name, title, ["ruby"], gems=[gem], **more)
    def run(t, far, env):
        port = t.port()
        return server(t, far, {**settings, **env}, [which("ruby"), APPS / app / "main.rb", port], port, path=f"/{way}/{{id}}")


ruby("ruby-async", "async-http, as in Falcon, server and client", "fan-ruby-async", "fan", "async/http")
ruby("ruby-async-tasks", "the same, calls made by tasks of their own", "fan-ruby-async", "tasks", "async/http")
ruby("ruby-async-tls", "async-http server, client over TLS", "fan-ruby-async", "fan", "async/http", tls=True)
ruby("ruby-async-http2", "async-http, calls over HTTP/2, one connection for all", "fan-ruby-async", "tasks", "async/http",
     {"PROTOCOL": "HTTP2"}, http2=True)
ruby("ruby-async-late", "async-http, calls made by tasks for all requests, which the first one started", "fan-ruby-async", "late", "async/http")
ruby("webrick-threads", "WEBrick; Net::HTTP in threads of their own", "fan-ruby-webrick", "threads", "webrick")


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
