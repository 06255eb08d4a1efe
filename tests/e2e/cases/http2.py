"""HTTP/2 clients and servers: a span for each stream and side, their attributes, and bytes that are as they were."""
import re

from harness import APPS, case
from http2_apps import (CLIENTS, LARGE, PROXIES, SEEING, SERVERS, TLS_CLIENTS, UPGRADES, go_client, h2load, nghttpd, nginx,
                        nginx_seeing, node)
from proxy import Recorder

NEEDS = ["nghttpd", "h2load"]


@case("h2load: bodies of 300,000 bytes are sent and received whole", NEEDS)
def load_large(t):
    server = nghttpd(t)
    t.equal(h2load(t, f"{server.url}/large", 100, 2, 10), 0, "failed")
    for span in t.spans(200).all:
        t.equal(span["attributes"].get("http.response.body.size"), LARGE, "size of the body")


@case("curl by prior knowledge: attributes of both sides", ["curl", "nghttpd"])
def curl_prior_knowledge(t):
    server = nghttpd(t)
    url = f"http://127.0.0.1:{server.port}"
    for _ in range(3):
        t.equal(t.run("curl", ["curl", "-sS", "--http2-prior-knowledge", f"{url}/index.html?a=b"]), "hello\n", "body")
    t.run("curl", ["curl", "-sS", "--http2-prior-knowledge", f"{url}/none", "-o", "none"])
    spans = t.spans(8).linked("nghttpd", "SERVER", "curl", "CLIENT")
    client, server_span = spans.of("curl")[0], spans.of("nghttpd")[0]
    spans.attributes(client, http__request__method="GET", url__full=f"{url}/index.html?a=b",
                     http__response__status_code=200, server__address="127.0.0.1", server__port=server.port,
                     network__protocol__version="2", network__peer__port=server.port, error__type=None)
    spans.attributes(server_span, http__request__method="GET", url__scheme="http", url__path="/index.html",
                     url__query="a=b", http__response__status_code=200, server__address="127.0.0.1",
                     server__port=server.port, network__protocol__version="2")
    spans.attributes(spans.of("curl")[3], http__response__status_code=404, error__type="404")


# ---- clients and servers that encode and decode by other code than nghttp2 ----

def check_seen(t, seen, spans):
    """Each request came with a traceparent of its own, which names the client's span."""
    clients = {s["span_id"] for s in spans.of("client", "CLIENT")}
    for value in seen:
        t.check(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", value), f"a traceparent arrives: {value}")
        t.check(value.split("-")[2] in clients, "it names a CLIENT span")
    t.equal(len(set(seen)), len(seen), "each request has its own")


def pair(client_name, server_name):
    client, client_needs = CLIENTS[client_name]
    server, server_needs = SEEING[server_name]
    counts = (10, 10) if client_name in ("curl", "curl_upgrade") else (1, 10, 100)
    count = sum(counts)

    @case(f"{client_name} to {server_name}: {count} requests, a span each, and the server reads our header",
          [*client_needs, *server_needs], name=f"{client_name}_to_{server_name}")
    def run(t):
        seen = client(t, f"http://127.0.0.1:{server(t, agent=False).port}/seen", counts).split()
        t.equal(len(seen), count, "answers")
        t.processes.pop().stop()
        traced = server(t)
        if traced.name != "go":
            t.equal(client(t, f"{traced.url}/hello", counts), "hello\n" * count, "bodies")
        want = count if traced.name == "go" else 3 * count
        spans = t.spans_at_least(want)
        # Java asks again where the server closed a kept connection: requests that had no answer, nor a SERVER span.
        again = [s for s in spans.of("client", "CLIENT") if s["attributes"].get("error.type") == "connection_closed"]
        t.check(client_name == "java" or not again, "each request is answered at once")
        t.equal(len(spans.all) - len(again), want, "spans")
        check_seen(t, seen, spans)
        if traced.name != "go":
            spans.count(traced.name, server=count).linked(traced.name, "SERVER", "client", "CLIENT")
        for span in spans.all:
            if span not in again:
                spans.attributes(span, http__response__status_code=200, error__type=None)


for client_name in CLIENTS:
    for server_name in SEEING:
        upgrade = client_name in ("java", "curl_upgrade")
        if not upgrade or server_name in UPGRADES:
            pair(client_name, server_name)


def upgraded(client_name, server_name):
    client, client_needs = CLIENTS[client_name]
    server, server_needs = SERVERS[server_name]

    @case(f"{client_name} to {server_name}: the request that asks for the upgrade, and those behind it, are a span a side",
          [*client_needs, *server_needs], name=f"{client_name}_to_{server_name}")
    def run(t):
        t.equal(client(t, f"{server(t).url}/index.html", (1, 10)), "hello\n" * 11, "bodies")
        spans = t.spans(22).count(server_name, server=11).count("client", client=11)
        spans.linked(server_name, "SERVER", "client", "CLIENT")
        for span in spans.all:
            spans.attributes(span, http__response__status_code=200, error__type=None)


for client_name in ("curl_upgrade", "java"):
    upgraded(client_name, "h2o")


def upgraded_by_nghttp(name):
    start, needs = SERVERS[name] if name in SERVERS else PROXIES[name]

    @case(f"nghttp asks {name} for the upgrade: a span a side", [*needs, "nghttp", "nghttpd"], name=f"nghttp_upgrade_to_{name}")
    def run(t):
        passes_on = name not in SERVERS
        server = start(t, nghttpd(t, agent=False).url) if passes_on else start(t)
        for _ in range(5):
            t.equal(t.run("client", ["nghttp", "--upgrade", f"{server.url}/index.html"]), "hello\n", "body")
        spans = t.spans(15 if passes_on else 10).count("client", client=5).count(name, server=5, client=5 * passes_on)
        spans.linked(name, "SERVER", "client", "CLIENT")
        for span in spans.all:
            spans.attributes(span, http__response__status_code=200, error__type=None)


for name in ("h2o", "apache", "nghttpx"):
    upgraded_by_nghttp(name)


@case("curl_upgrade to apache: a request that asks for the upgrade is a span a side", ["curl", "apache2"])
def curl_upgrade_to_apache(t):
    server = SERVERS["apache"][0](t)
    for _ in range(5):  # the second request of such a connection fails in curl, with the agent and without
        t.equal(t.run("client", ["curl", "-sS", "--http2", "-w", "%{http_version}\n", f"{server.url}/index.html"]),
                "hello\n2\n", "body and version")
    spans = t.spans(10).count("apache", server=5).count("client", client=5)
    spans.linked("apache", "SERVER", "client", "CLIENT")
    for span in spans.all:
        spans.attributes(span, http__response__status_code=200, error__type=None)


def asked_by_go(server_name):
    server, needs = (SERVERS | SEEING)[server_name]

    @case(f"a client in Go, which nobody sees, to {server_name}: 111 requests, a span each, which the server reads",
          [*needs, "go"], name=f"go_client_to_{server_name}")
    def run(t):
        traced = server(t)
        path = "seen" if server_name in SEEING else "index.html"
        bodies = go_client(t, f"{traced.url}/{path}", (1, 10, 100)).split()
        t.equal(len(bodies), 111, "answers")
        spans = t.spans(111).count(traced.name, server=111).roots(traced.name, "SERVER")
        ids = {s["span_id"] for s in spans.all}
        for span in spans.all:
            spans.attributes(span, http__response__status_code=200, url__path=f"/{path}", user_agent__original="Go-http-client/2.0",
                             error__type=None)
        seen = [value for value in bodies if value.startswith("00-")]
        t.check(all(value.split("-")[2] in ids for value in seen), "the server reads its own span's context")
        # Of a hundred in one read those have it that the program's buffer has room for: Netty's is small at first.
        t.check(len(seen) > 10 or server_name in SERVERS, f"requests have it: {len(seen)}")


for server_name in ("node", "hypercorn", "netty", "nginx", "h2o", "apache", "nghttpd"):
    asked_by_go(server_name)


@case("node: a request below another one is its CLIENT span", ["node"])
def node_call(t):
    far = node(t, name="far")
    near = node(t, backend=far.url, name="near")
    for i in range(5):
        t.equal(t.run("curl", ["curl", "-sS", "--http2-prior-knowledge", f"{near.url}/call?id={i}"]), "hello\n", "body")
    spans = t.spans(20).count("near", server=5, client=5).count("far", server=5).count("curl", client=5)
    spans.linked("far", "SERVER", "near", "CLIENT").never_wrong("near")


# ---- inside TLS, where both sides agree on it before the first byte ----

def secured(client_name):
    client, needs = TLS_CLIENTS[client_name]
    counts = (1, 10, 100)

    @case(f"{client_name} inside TLS: 1, 10 and 100 streams of a connection, a span each, and nginx reads our header",
          [*needs, "nginx", "openssl"], name=f"tls_{client_name}")
    def run(t):
        seen = client(t, f"{nginx_seeing(t, agent=False).url}/seen", counts).split()
        t.equal(len(seen), 111, "answers")
        t.processes.pop().stop()
        server = nginx_seeing(t)
        t.equal(client(t, f"{server.url}/hello", counts), "hello\n" * 111, "bodies")
        spans = t.spans(333).count("client", client=222).count("nginx", server=111)
        check_seen(t, seen, spans)
        spans.linked("nginx", "SERVER", "client", "CLIENT")
        for span in spans.all:
            spans.attributes(span, http__response__status_code=200, network__protocol__version="2", error__type=None)


for client_name in TLS_CLIENTS:
    secured(client_name)


@case("curl and nghttpd by ALPN: spans of https on both sides", ["curl", "nghttpd", "openssl"])
def tls_attributes(t):
    server = nghttpd(t, tls=True)
    url = f"https://127.0.0.1:{server.port}/index.html"
    for _ in range(3):
        t.equal(t.run("curl", ["curl", "-sSk", "--http2", url]), "hello\n", "body")
    spans = t.spans(6).linked("nghttpd", "SERVER", "curl", "CLIENT")
    for span in spans.of("curl"):
        spans.attributes(span, url__full=url, network__protocol__version="2")
    for span in spans.of("nghttpd"):
        spans.attributes(span, url__scheme="https", url__path="/index.html", network__protocol__version="2")


@case("nginx serves 1000 requests of 100 streams each, large files by sendfile among them", ["nginx", "h2load"])
def nginx_load(t):
    server = nginx(t, sendfile="on")
    t.equal(h2load(t, f"{server.url}/index.html", 1000, 3, 100), 0, "failed")
    t.equal(h2load(t, f"{server.url}/large", 60, 2, 10), 0, "failed of the large ones")
    spans = t.spans(2120).count("nginx", server=1060).count("h2load", client=1060)
    spans.linked("nginx", "SERVER", "h2load", "CLIENT")


# ---- byte identity ----

def frames(data):
    """Splits what a client sent into its preface and frames."""
    at = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    found = [data[:at]]
    while at < len(data):
        end = at + 9 + int.from_bytes(data[at:at + 3], "big")
        found.append(data[at:end])
        at = end
    return found


FIELD = re.compile(rb"\x00\x0btraceparent\x3700-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$")


def without_field(frame):
    if len(frame) < 10 or frame[3] not in (1, 9) or not FIELD.search(frame):
        return frame
    rest = FIELD.sub(b"", frame)
    return (len(rest) - 9).to_bytes(3, "big") + rest[3:]


@case("curl: what it sends over HTTP/2 differs by our field and its length only", ["curl", "node"])
def identity_curl(t):
    server = node(t, agent=False)
    sent = {}
    for agent in (False, True) if t.agent else (False,):
        recorder = Recorder(server.port)
        t.run("curl", ["curl", "-sS", "--http2-prior-knowledge", "-H", "Host: h", "-d", "body", "-o", "answer",
                       f"http://127.0.0.1:{recorder.port}/hello"], agent=agent)
        (sent[agent], _), = recorder.finish()
    if not t.agent:
        t.spans(0)
    plain, traced = frames(bytes(sent[False])), frames(bytes(sent[True]))
    t.equal(sorted(without_field(f) for f in traced), sorted(plain), "the frames, without our field")
    t.equal(sum(without_field(f) != f for f in traced), 1, "frames with our field")
    t.spans(1)


def identical(client_name):
    client, needs = CLIENTS[client_name]

    @case(f"{client_name}: what it sends over HTTP/2 differs by our field and its length only", [*needs, "node"],
          agent_only=True, name=f"identity_{client_name}")
    def run(t):
        recorder = Recorder(node(t, agent=False).port)  # the same for both: its port stands in :authority
        for agent in (False, True):
            t.agent = agent
            t.equal(client(t, f"http://127.0.0.1:{recorder.port}/hello", (1, 3)), "hello\n" * 4, "bodies")
        plain, traced = (frames(data) for data, _ in recorder.finish())
        t.equal(sorted(map(without_field, traced)), sorted(plain), "the frames, without our field")
        t.equal(sum(without_field(f) != f for f in traced), 4, "frames with our field")
        t.spans(4)


for client_name in ("node", "ruby_http2", "perl", "httpx", "netty"):
    identical(client_name)


# ---- WebSockets, in a connection of their own and in a stream ----

def websocket(title, suffix, method, status):
    @case(f"node: {title}", ["node"], name=f"websocket{suffix}")
    def run(t):
        program, port = APPS / "websocket-peer-node" / "main.js", t.port()
        t.start("server", ["node", program, f"server{suffix}", port], port)
        for _ in range(3):
            t.equal(t.run("client", ["node", program, f"client{suffix}", port]), "whole\n", "what the client says")
        spans = t.spans(6).count("server", server=3).count("client", client=3)
        spans.linked("server", "SERVER", "client", "CLIENT")
        for span in spans.all:
            spans.attributes(span, http__request__method=method, http__response__status_code=status, error__type=None)


websocket("a WebSocket is one span of each side, that of its handshake; its messages are not looked at", "", "GET", 101)
websocket("a WebSocket in a stream of HTTP/2 is one span of each side and ends with its answer", "2", "CONNECT", 200)
