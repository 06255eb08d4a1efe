"""Parents of the calls that servers make under load, compared with the truth: tests/context/ in small."""
import os
import sys
from pathlib import Path

from fetched import maven
from harness import Skip, case, which

sys.path.append(str(Path(__file__).resolve().parents[2] / "context"))
from measure import measure, why_not  # noqa: E402
from catalog import PROGRAMS  # noqa: E402

JARS_ARE_OURS = "CONTEXT_JARS" not in os.environ
AT_ONCE = {8: 60, 64: 160}
# Where the agent alone knows every parent, and where an adapter does.
SURE = ("c-threads", "java-pool", "gunicorn-sync", "gunicorn-gthread", "nginx-proxy", "nginx-few",
        "nginx-auth", "nginx-http2", "c-curl-http2-own", "c-curl-http2-lent", "c-joint-grpc",
        "haproxy", "haproxy-http2", "apache", "apache-http2", "lighttpd")
ADAPTED = ("http-server-threads", "chain", "uvicorn-asyncpg", "uvicorn-redis-uvloop", "uvicorn-thread-psycopg2",
           "gunicorn-gevent-redis", "gunicorn-gthread-pool", "aiohttp", "uvicorn-httpx", "aiohttp-tls",
           "java-executor", "java-chain", "tomcat-okhttp", "undertow-apache5", "jetty-jdk", "java-grpc-shaded-blocking",
           "java-grpc-netty-async", "java-grpc-okhttp-future", "java-okhttp3-async",
           "java-okhttp4", "java-jetty9-async", "java-jetty11", "tomcat-jdk-h2-tls", "undertow-io-apache5-async-h2-tls",
           "tomcat-reactor-client-tls", "rx-turn", "webflux-turn", "webflux-chain", "webflux-fan", "webflux-switch")


def compare(t, name, missing_allowed=0, env={}, requests=AT_ONCE):
    program = PROGRAMS[name]
    if program.jars and JARS_ARE_OURS and which("mvn"):
        maven(f"java-packages/{program.jars}", program.jars)
    missing = why_not(program)
    if missing:
        raise Skip(f"not installed: {missing}")
    for (at_once, kept), row in measure(t, program, requests, env=env).items():
        what = f"{name}, {at_once} at a time, {'kept' if kept else 'fresh'}: {vars(row)}"
        t.check(row.calls >= requests[at_once], f"calls of {what}")
        t.check(row.wrong == 0, f"wrong parents of {what}")
        t.check(row.missing <= missing_allowed * row.calls, f"missing parents of {what}")


def add(name, requests=AT_ONCE):
    @case(f"{name}: each call has its request for a parent", agent_only=True,
          name="parents_" + name.replace("-", "_"))
    def run(t):
        compare(t, name, requests=requests)


for each in SURE + ADAPTED:
    add(each)


RUBY = ("puma-threads", "puma-pool", "puma-grpc", "ruby-async-tasks")

for each in RUBY:
    add(each)


# A process for each request, which nothing but its environment tells of it.
for each in ("apache-cgi", "lighttpd-cgi", "nginx-fcgiwrap", "c-started"):
    add(each, {8: 32})
for each in ("c-passed", "c-early", "c-retry"):
    add(each)


# Work that moves to other threads, or that one thread does for many requests, by no rule that an agent could see.
SILENT = ("c-growing", "c-helpers", "c-worker", "c-passed-late", "cpp-queue-16", "cpp-queue-lifo",
          "cpp-queue-priority", "cpp-queue-batch", "c-epoll", "c-stream", "c-background",
          "c-joint-http2", "c-joint-http2-one",
          "java-queue", "java-late-threads", "tomcat-okhttp-async", "tomcat-jetty-async", "netty-netty-client", "netty-lettuce",
          "vertx5-queue", "webflux-heard", "rx-subject",
          "puma-late-threads", "puma-later", "ruby-async-late", "php-fibers")


def add_silent(name):
    @case(f"{name}: no call has a wrong parent", agent_only=True, name="silent_" + name.replace("-", "_"))
    def run(t):
        compare(t, name, missing_allowed=1)


for each in SILENT:
    add_silent(each)


@case("aiohttp without its adapter: parents are missing, and none is wrong", agent_only=True)
def no_adapter(t):
    compare(t, "aiohttp", missing_allowed=1, env={"REMORA_ADAPTERS": "none"})


@case("Jetty's client without an adapter, whose threads send what others ask: parents are missing, and none is wrong", agent_only=True)
def threads_for_others(t):
    for name in ("tomcat-jetty-client-http2", "java-jetty11"):
        compare(t, name, missing_allowed=1, env={"REMORA_ADAPTERS": "none"})


@case("Python threads and tasks that work for all requests are not taken for the one that started them", agent_only=True)
def late(t):
    compare(t, "gunicorn-late-threads", missing_allowed=1)
    compare(t, "uvicorn-late-tasks", missing_allowed=1)
    compare(t, "uvicorn-batch", missing_allowed=1)
    compare(t, "uvicorn-polling-tasks", missing_allowed=1)
    compare(t, "gunicorn-polling-threads", missing_allowed=1)


@case("Python pools that the first request started, of processes or with callbacks, do not work for it for ever", agent_only=True)
def late_pools(t):
    compare(t, "gunicorn-late-processes", missing_allowed=1)
    compare(t, "gunicorn-callbacks", missing_allowed=1)
