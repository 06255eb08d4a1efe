"""The Node adapter: parents of what busy servers call, nothing to be seen of it, and when it is not wanted."""
import concurrent.futures
import socket

from context import add, compare
from harness import APPS, case

for each in ("node", "node-few", "node-body", "node-cluster", "node-thread", "node-handed", "node-fetch", "node-tls",
             "node-fetch-tls", "node-http2-tls", "node-redis"):
    add(each)


@case("node: callbacks of a connection that all requests share have no parent rather than a wrong one",
      agent_only=True)
def shared(t):
    compare(t, "node-shared", missing_allowed=1)


@case("node: without its adapter parents are missing, and none is wrong", agent_only=True)
def no_adapter(t):
    compare(t, "node", missing_allowed=1, env={"REMORA_ADAPTERS": "none"})


@case("node: a program sees the same methods, headers, frames and process", ["node"], agent_only=True)
def looks(t):
    program = ["node", APPS / "node-looks" / "main.js"]
    without = t.run("without", program, agent=False)
    t.equal(t.run("with", program, env={"REMORA_DEBUG": "trace"}), without, "what the program sees")
    t.check("adapter node: in place" in t.tail(t.dir / "with.log"), "the adapter was there meanwhile")


SERVE_ONCE = """
    {before}
    const http = require('http');
    const server = http.createServer((request, response) => response.end('near\\n')).listen(0, () =>
        http.get({{ port: server.address().port }}, (answer) => answer.resume().on('end', () => server.close())));
    http.globalAgent.destroy();
"""
OTEL = "globalThis[Symbol.for('opentelemetry.js.api.1')] = { version: '1.9.0', context: {} };"


def stands_aside(name, what, options=(), before=""):
    @case(f"node: the adapter stands aside without a word: {what}", ["node"], agent_only=True, name=name)
    def run(t):
        program = ["node", *options, "-e", SERVE_ONCE.format(before=before)]
        quiet = t.run("without", program, agent=False), t.tail(t.dir / "without.log")
        t.equal((t.run("with", program), t.tail(t.dir / "with.log")), quiet, "output")
        t.run("told", program, env={"REMORA_DEBUG": "trace"})
        t.check("adapter node: stands aside" in t.tail(t.dir / "told.log"), "it stands aside")


stands_aside("beside_otel", "an OpenTelemetry SDK is at work", before=OTEL)
stands_aside("no_addons", "addons are forbidden", ["--no-addons"])


@case("node: what is started for a request gets its context, and what comes after the answer none", ["node"],
      agent_only=True)
def children(t):
    port = t.port()
    server = t.start("server", ["node", APPS / "fan-node" / "children.js", port], port)
    paths = [f"/{i}" for i in range(24)] + [f"/sync/{i}" for i in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda path: t.get(port, path)[0][1].decode().split("-"), paths))
    late = t.get(port, "/late")[0][1]
    spans = t.spans_at_least(len(paths) + 1)
    mine = {s["attributes"]["url.path"]: s["span_id"] for s in spans.of(server.name, "SERVER")}
    t.equal([fields[2] for fields in told], [mine[path] for path in paths], "TRACEPARENT of children")
    t.equal(late, b"\n", "what the one before left behind")


def ask_raw(port, head):
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(head.encode() + b"\r\n\r\n")
        while s.recv(4096):
            pass


@case("node: what is called for an upgrade or a tunnel has it for a parent", ["node"], agent_only=True)
def upgrades(t):
    port = t.port()
    server = t.start("server", ["node", APPS / "fan-node" / "upgrades.js", port], port)
    upgrade = "GET /up/{0} HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: test"
    tunnel = "CONNECT t{0}:443 HTTP/1.1\r\nHost: t{0}:443"
    heads = [form.format(i) for i in range(12) for form in (upgrade, tunnel)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda head: ask_raw(port, head), heads))
    spans = t.spans(3 * len(heads))
    servers = {s["span_id"]: s for s in spans.of(server.name, "SERVER")}
    calls = spans.of(server.name, "CLIENT")
    t.equal(len(calls), len(heads), "calls")
    for call in calls:
        parent = servers.get(call["parent_id"], {"attributes": {}})["attributes"]
        name = call["attributes"]["url.full"].rsplit("/", 1)[1]
        t.check(name in (parent.get("url.path", "").rsplit("/", 1)[-1], parent.get("server.address")),
                f"{name} is called for {parent}")


def ask_in_turn(port, *groups, header=""):
    """Sends each group of paths in one piece over one connection, and reads its answers; returns their bodies."""
    bodies = []
    with socket.create_connection(("127.0.0.1", port)) as s, s.makefile("rb") as answers:
        for paths in groups:
            s.sendall("".join(f"GET {path} HTTP/1.1\r\nHost: test\r\n{header}\r\n" for path in paths).encode())
            for _ in paths:
                length = 0
                while (line := answers.readline().strip()):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                bodies.append(answers.read(length).decode().strip())
    return bodies


KEPT = 6  # connections, of which each asks so often in each of the ways


def called_for(t, server, count):
    """{path of the request: path that was called for it}, of calls that have a parent; and the paths of the others."""
    spans = t.spans(count)
    parents = {s["span_id"]: s["attributes"]["url.path"] for s in spans.of(server.name, "SERVER")}
    found, none = {}, []
    for call in spans.of(server.name, "CLIENT"):
        path = call["attributes"]["url.full"].split("/near", 1)[1]
        if call["parent_id"]:
            found[parents[call["parent_id"]]] = path
        else:
            none.append(path)
    return found, none


@case("node: kept connections: each request has its own calls, the very first, pipelined ones, and none that come late", ["node"],
      agent_only=True)
def kept(t):
    port = t.port()
    server = t.start("server", ["node", APPS / "fan-node" / "kept.js", port], port)
    ask_in_turn(port, ["/first"])
    with concurrent.futures.ThreadPoolExecutor(KEPT) as pool:
        single = list(pool.map(lambda c: ask_in_turn(port, *[[f"/{c}-{i}"] for i in range(KEPT)]), range(KEPT)))
        late = list(pool.map(lambda c: ask_in_turn(port, *[[f"/{way}{c}-l{i}"] for i in range(KEPT) for way in ("late/", "")]),
                             range(KEPT)))
        piped = list(pool.map(lambda c: ask_in_turn(port, *[[f"/{c}-p{i}", f"/{c}-q{i}", f"/{c}-r{i}"] for i in range(KEPT)]),
                              range(KEPT)))
    names = [body for bodies in single + late for body in bodies]
    t.equal(set(names), {"Host", "Host traceparent"}, "headers of requests that come alone")
    t.check(names.count("Host") > len(names) / 2, "most of them have none of ours")
    t.check(all("Host" in body for bodies in piped for body in bodies), "headers of pipelined ones")
    own = ["first"] + [f"{c}-{kind}{i}" for c in range(KEPT) for i in range(KEPT) for kind in ("", "l", "p", "q", "r")]
    after = [f"/late/{c}-l{i}" for c in range(KEPT) for i in range(KEPT)]
    found, none = called_for(t, server, 3 * (len(own) + len(after)))
    t.equal(found, {f"/{name}": f"/{name}" for name in own}, "what is called for each request")
    t.equal(sorted(none), sorted(after), "what is called after the answer, for nobody")


@case("node: headers that are forwarded, by whoever's turn it is, tell whom the request is for", ["node"], agent_only=True)
def forwarded(t):
    port = t.port()
    server = t.start("server", ["node", APPS / "fan-node" / "kept.js", port], port)
    ask_in_turn(port, ["/first"])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda c: ask_in_turn(port, *[[f"/queue/{c}-{i}"] for i in range(KEPT * KEPT)]), range(2)))
    own = ["/first"] + [f"/queue/{c}-{i}" for c in range(2) for i in range(KEPT * KEPT)]
    found, none = called_for(t, server, 3 * len(own))
    t.equal((found, none), ({path: path for path in own}, []), "what is called for each request")


SILENT = 10_000  # requests without a call, then callbacks hold no context any more (adapters/node/node.js)
UNSAMPLED = "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-00\r\n"


def after_silence(name, what, first, has_parent):
    @case(f"node: after {SILENT} requests that called nobody, {what}", ["node"], agent_only=True, name=name)
    def run(t):
        port = t.port()
        server = t.start("server", ["node", APPS / "fan-node" / "kept.js", port], port)
        ask_in_turn(port, *[["/near/silent"]] * SILENT, header=UNSAMPLED)
        ask_in_turn(port, [first])
        with concurrent.futures.ThreadPoolExecutor(KEPT) as pool:
            after = [f"/{way}{c}" for c in range(KEPT) for way in ("", "now/")]
            list(pool.map(lambda path: ask_in_turn(port, [path]), after))
        found, none = called_for(t, server, 3 * len([first, *after]))
        own = [first, *after] if has_parent else after
        t.equal((found, none), ({path: path for path in own}, [] if has_parent else [first]), "what is called for each request")


after_silence("silent_now", "what the next one calls in its own turn is its own", "/now/a", True)
after_silence("silent_later", "what the next one calls later is nobody's, and all that follow have theirs", "/a", False)
