"""Servers on Node, CONTEXT_NODE or the one that is installed, with packages of NODE_PATH, `./dev context`, or Debian."""
import os

from harness import APPS, ROOT, which
from programs import program, server

NODE = os.environ.get("CONTEXT_NODE") or which("node")
PACKAGES = ":".join(filter(None, (os.environ.get("NODE_PATH"), str(ROOT / "deps" / "node-packages" / "node_modules"),
                                  "/usr/share/nodejs")))


def node(t, far, env, way, app="fan-node"):
    port = t.port()
    return server(t, far, env, [NODE, APPS / app / "main.js", port], port, path=f"/{way}/{{id}}")


@program("node", "Node's http and http.get", ["node"])
def node_http(t, far, env):
    return node(t, far, env, "fan")


@program("node-few", "the same, an agent of four sockets", ["node"])
def node_few(t, far, env):
    return node(t, far, env, "few")


@program("node-body", "the same, in events of the request's body", ["node"])
def node_body(t, far, env):
    return node(t, far, env, "body")


@program("node-shared", "the same, in callbacks of a connection that all requests share", ["node"])
def node_shared(t, far, env):
    return node(t, far, env, "fan", "fan-node-queue")


@program("node-cluster", "the same, 2 processes", ["node"])
def node_cluster(t, far, env):
    return node(t, far, {"WORKERS": 2, **env}, "fan")


@program("node-thread", "the same, in a worker thread", ["node"])
def node_thread(t, far, env):
    return node(t, far, {"WORKERS": 1, "KIND": "threads", **env}, "fan")


@program("node-fetch", "Node's http and fetch", ["node"])
def node_fetch(t, far, env):
    return node(t, far, env, "fetch")


@program("node-tls", "Node's http and https.get", ["node"], tls=True)
def node_tls(t, far, env):
    return node(t, far, env, "fan")


@program("node-fetch-tls", "Node's http and fetch over TLS", ["node"], tls=True)
def node_fetch_tls(t, far, env):
    return node(t, far, {"NODE_TLS_REJECT_UNAUTHORIZED": "0", **env}, "fetch")


@program("node-events", "Node's http, calls from timers, emitters and streams", ["node"])
def node_events(t, far, env):
    return node(t, far, env, "events")


@program("node-sse", "the same, between the events of an answer that goes on", ["node"])
def node_sse(t, far, env):
    return node(t, far, env, "sse")


@program("node-http2", "Node's http, one HTTP/2 session for all", ["node"], http2=True)
def node_http2(t, far, env):
    return node(t, far, env, "http2")


@program("node-http2-tls", "the same over TLS", ["node"], tls=True, http2=True)
def node_http2_tls(t, far, env):
    return node(t, far, env, "http2")


def framework(name):
    @program(f"node-{name}", f"{name}, undici", ["node"], packages=[name, "undici"])
    def run(t, far, env):
        port = t.port()
        return server(t, far, {"FRAMEWORK": name, "NODE_PATH": PACKAGES, **env},
                      [NODE, APPS / "fan-node-web" / "main.js", port], port)


for each in ("express", "fastify", "koa"):
    framework(each)


def node_database(t, url, env, driver):
    port = t.port()
    return server(t, url, {"DB": url, "DRIVER": driver, "NODE_PATH": PACKAGES, **env},
                  [NODE, APPS / "fan-node-db" / "main.js", port], port)


def database(driver, title, kind, package, tls=False):
    @program(f"node-{driver}{'-tls' if tls else ''}", title, ["node"], database=kind, packages=[package], tls=tls)
    def run(t, url, env):
        return node_database(t, url, {"NODE_TLS_REJECT_UNAUTHORIZED": "0", **env} if tls else env, driver)


database("pg", "Node, pg: queries of a pool of 4 connections", "postgres", "pg")
database("pg-client", "the same, clients taken from the pool", "postgres", "pg")
database("pg-one", "the same, one connection for all", "postgres", "pg")
database("ioredis", "Node, ioredis: one connection for all", "redis", "ioredis")
database("ioredis-auto", "the same, commands of several requests in one write", "redis", "ioredis")
database("redis", "Node, node-redis: one connection for all", "redis", "redis")
database("pg", "Node, pg: a pool of 4 connections, inside TLS", "postgres", "pg", tls=True)
database("ioredis-auto", "Node, ioredis: one write for several, inside TLS", "redis", "ioredis", tls=True)
database("redis", "Node, node-redis: one connection for all, inside TLS", "redis", "redis", tls=True)
database("mysql2", "Node, mysql2: a pool of 4 connections", "mysql", "mysql2")
database("mysql2-execute", "the same by callbacks, prepared", "mysql", "mysql2")
