"""Servers on Node, CONTEXT_NODE or the one that is installed, with packages of NODE_PATH, `./dev context`, or Debian."""
import os

from harness import APPS, ROOT, which
from programs import program, server

NODE = os.environ.get("CONTEXT_NODE") or which("node")
PACKAGES = ":".join(filter(None, (os.environ.get("NODE_PATH"), str(ROOT / "deps" / "node-packages" / "node_modules"),
                                  "/usr/share/nodejs")))


def node(name, title, way="fan", app="fan-node", settings={}, source="main.js", **more):
    """A way of test-apps/APP."""
    @program(name, title, ["node"], **more)
    def run(t, far, env):
        port = t.port()
        return server(t, far, {**settings, **env}, [NODE, APPS / app / source, port], port, path=f"/{way}/{{id}}")


ANY_CERTIFICATE = {"NODE_TLS_REJECT_UNAUTHORIZED": "0"}
node("node", "Node's http and http.get")
node("node-few", "the same, an agent of four sockets", "few")
node("node-body", "the same, in events of the request's body", "body")
node("node-shared", "the same, in callbacks of a connection that all requests share", app="fan-node-queue")
node("node-cluster", "the same, 2 processes", settings={"WORKERS": 2})
node("node-thread", "the same, in a worker thread", settings={"WORKERS": 1, "KIND": "threads"})
node("node-handed", "the same, in a worker thread that gets the headers of each request", source="handed.js")
node("node-fetch", "Node's http and fetch", "fetch")
node("node-tls", "Node's http and https.get", tls=True)
node("node-fetch-tls", "Node's http and fetch over TLS", "fetch", settings=ANY_CERTIFICATE, tls=True)
node("node-events", "Node's http, calls from timers, emitters and streams", "events")
node("node-sse", "the same, between the events of an answer that goes on", "sse")
node("node-http2", "Node's http, one HTTP/2 session for all", "http2", http2=True)
node("node-http2-tls", "the same over TLS", "http2", tls=True, http2=True)


for each in ("express", "fastify", "koa"):
    node(f"node-{each}", f"{each}, undici", app="fan-node-web", settings={"FRAMEWORK": each, "NODE_PATH": PACKAGES}, packages=[each, "undici"])


def database(driver, title, kind, package, tls=False):
    @program(f"node-{driver}{'-tls' if tls else ''}", title, ["node"], database=kind, packages=[package], tls=tls)
    def run(t, url, env):
        port = t.port()
        return server(t, url, {"DB": url, "DRIVER": driver, "NODE_PATH": PACKAGES, **(ANY_CERTIFICATE if tls else {}), **env},
                      [NODE, APPS / "fan-node-db" / "main.js", port], port)


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
