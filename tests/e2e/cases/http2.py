"""HTTP/2 in cleartext: one span for each stream, however many are under way at once."""
import os
import re
import signal

from apps import backend_env, c_epoll, certificate
from harness import APPS, case
from proxy import Recorder

NEEDS = ["nghttpd", "h2load"]


def nghttpd(t, agent=True, name="nghttpd", options=()):
    """Serves /index.html (6 bytes) and /large (300,000 bytes)."""
    www = t.dir / "www"
    www.mkdir(exist_ok=True)
    (www / "index.html").write_text("hello\n")
    (www / "large").write_bytes(bytes(300000))
    port = t.port()
    return t.start(name, ["nghttpd", "--no-tls", "-d", www, *options, port], port, agent)


def h2load(t, port, requests, connections, streams, path="/index.html", agent=True):
    text = t.run("h2load", ["h2load", "-n", requests, "-c", connections, "-m", streams, "-p", "h2c",
                            f"http://127.0.0.1:{port}{path}"], agent=agent)
    done = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed", text)
    t.check(done, f"h2load says what it did: {text[-400:]}")
    t.equal([int(n) for n in done.groups()], [requests] * 4 + [0], "requests of h2load")


def load(streams, connections):
    @case(f"h2load and nghttpd: {connections} connections of {streams} streams, one span a request and side",
          NEEDS, name=f"load_{connections}_{streams}")
    def run(t):
        server = nghttpd(t)
        h2load(t, server.port, 1000, connections, streams)
        spans = t.spans(2000).count("nghttpd", server=1000).count("h2load", client=1000)
        spans.linked("nghttpd", "SERVER", "h2load", "CLIENT").roots("h2load", "CLIENT")
        for span in spans.all:
            spans.attributes(span, http__response__status_code=200, network__protocol__version="2")


for streams, connections in ((1, 4), (10, 4), (100, 1), (100, 5)):
    load(streams, connections)


@case("h2load: bodies of 300,000 bytes are sent and received whole", NEEDS)
def load_large(t):
    server = nghttpd(t)
    h2load(t, server.port, 100, 2, 10, "/large")
    for span in t.spans(200).all:
        t.equal(span["attributes"].get("http.response.body.size"), 300000, "size of the body")


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

def node(t, agent=True, backend=None, name="node"):
    port = t.port()
    return t.start(name, ["node", APPS / "http2-server-node" / "main.js", port], port, agent, backend_env(backend))


def hypercorn(t, agent=True):
    port = t.port()
    return t.start("hypercorn", ["hypercorn", "--bind", f"127.0.0.1:{port}", "app:app"], port, agent,
                   {"PYTHONPATH": APPS / "http2-server-hypercorn", "PYTHONDONTWRITEBYTECODE": "1"})


def go(t, agent=False):
    """Built with Go's own HTTP/2. Go makes its system calls itself: never seen by the agent."""
    program = t.build.stage / "http2-server-go"
    with t.build.lock:
        if not program.exists():
            t.run("go", ["go", "build", "-o", program, APPS / "http2-server-go" / "main.go"], agent=False,
                  env={"GOCACHE": t.build.stage / "go-cache", "GOPATH": "/usr/share/gocode", "GO111MODULE": "off"})
    port = t.port()
    return t.start("go", [program, port], port, False)


def client_curl(t, url, count):
    # Some releases of curl fail at a second request over one such connection.
    return "".join(t.run("client", ["curl", "-sS", "--http2-prior-knowledge", url]) for _ in range(count))


def client_curl_upgrade(t, url, count):
    return t.run("client", ["curl", "-sS", "--http2", *[url] * count])


def client_node(t, url, count):
    return t.run("client", ["node", APPS / "http2-client-node" / "main.js", url, count])


def client_httpx(t, url, count):
    return t.run("client", ["python3", APPS / "http2-client-python-httpx" / "main.py", url, count])


def client_java(t, url, count):
    classes = t.build.app("http2-client-java-httpclient", "Main")
    return t.run("client", ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", classes, "Main", url, count])


CLIENTS = {"curl": (client_curl, ["curl"]), "curl_upgrade": (client_curl_upgrade, ["curl"]),
           "node": (client_node, ["node"]), "httpx": (client_httpx, ["python3"]),
           "java": (client_java, ["java", "javac"])}
SERVERS = {"nghttpd": (nghttpd, ["nghttpd"]), "node": (node, ["node"]), "hypercorn": (hypercorn, ["hypercorn"]),
           "go": (go, ["go"])}
UPGRADES = {"hypercorn", "go"}  # the others have HTTP/2 by prior knowledge only


def pair(client_name, server_name):
    client, client_needs = CLIENTS[client_name]
    server, server_needs = SERVERS[server_name]
    count = 20

    @case(f"{client_name} to {server_name}: {count} requests, a span each, and the server reads our header",
          [*client_needs, *server_needs], name=f"{client_name}_to_{server_name}")
    def run(t):
        seen = client(t, f"http://127.0.0.1:{server(t, agent=False).port}/seen", count).split()
        t.equal(len(seen), count, "answers")
        t.processes.pop().stop()
        traced = server(t)
        if traced.name != "go":
            t.equal(client(t, f"{traced.url}/hello", count), "hello\n" * count, "bodies")
        want = count if traced.name == "go" else 3 * count
        spans = t.spans_at_least(want)
        # Java asks again where the server closed a kept connection: requests that had no answer, nor a SERVER span.
        again = [s for s in spans.of("client", "CLIENT") if s["attributes"].get("error.type") == "connection_closed"]
        t.check(client_name == "java" or not again, "each request is answered at once")
        t.equal(len(spans.all) - len(again), want, "spans")
        clients = {s["span_id"] for s in spans.of("client", "CLIENT")}
        for value in seen:
            t.check(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", value), f"a traceparent arrives: {value}")
            t.check(value.split("-")[2] in clients, "it names a CLIENT span")
        t.equal(len(set(seen)), count, "each request has its own")
        if traced.name != "go":
            spans.count(traced.name, server=count).linked(traced.name, "SERVER", "client", "CLIENT")


for client_name in CLIENTS:
    for server_name in SERVERS:
        upgrade = client_name in ("java", "curl_upgrade")
        if server_name != "nghttpd" and (not upgrade or server_name in UPGRADES):
            pair(client_name, server_name)


@case("node: a request below another one is its CLIENT span", ["node"])
def node_call(t):
    far = node(t, name="far")
    near = node(t, backend=far.url, name="near")
    for i in range(5):
        t.equal(t.run("curl", ["curl", "-sS", "--http2-prior-knowledge", f"{near.url}/call?id={i}"]), "hello\n", "body")
    spans = t.spans(20).count("near", server=5, client=5).count("far", server=5).count("curl", client=5)
    spans.linked("far", "SERVER", "near", "CLIENT").never_wrong("near")


# ---- inside TLS, where both sides agree on it before the first byte ----

def secure_nghttpd(t):
    cert = certificate(t)
    www = t.dir / "www"
    www.mkdir(exist_ok=True)
    (www / "index.html").write_text("hello\n")
    port = t.port()
    return t.start("nghttpd", ["nghttpd", "-d", www, port, cert.parent / "key.pem", cert], port)


@case("curl and nghttpd by ALPN: spans of https on both sides", ["curl", "nghttpd", "openssl"])
def tls_curl(t):
    server = secure_nghttpd(t)
    url = f"https://127.0.0.1:{server.port}/index.html"
    for _ in range(3):
        t.equal(t.run("curl", ["curl", "-sSk", "--http2", url]), "hello\n", "body")
    spans = t.spans(6).linked("nghttpd", "SERVER", "curl", "CLIENT")
    for span in spans.of("curl"):
        spans.attributes(span, url__full=url, network__protocol__version="2")
    for span in spans.of("nghttpd"):
        spans.attributes(span, url__scheme="https", url__path="/index.html", network__protocol__version="2")


@case("h2load and nghttpd inside TLS: 3 connections of 100 streams, one span a request and side", [*NEEDS, "openssl"])
def tls_load(t):
    server = secure_nghttpd(t)
    text = t.run("h2load", ["h2load", "-n", 1000, "-c", 3, "-m", 100, f"https://127.0.0.1:{server.port}/index.html"])
    t.check("1000 succeeded, 0 failed" in text, f"all requests succeed: {text[-400:]}")
    spans = t.spans(2000).count("nghttpd", server=1000).count("h2load", client=1000)
    spans.linked("nghttpd", "SERVER", "h2load", "CLIENT")


NGINX = """
daemon off; master_process on; worker_processes 2; {user} pid {dir}/nginx.pid; error_log {dir}/nginx.err.log;
events {{ worker_connections 512; }}
http {{ access_log off; keepalive_requests 100000; sendfile on;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
  scgi_temp_path {dir}/s;
  server {{ listen 127.0.0.1:{port} http2; root {dir}/www;
    location /call {{ rewrite ^/call(.*)$ /hello$1 break; proxy_pass {backend}; proxy_http_version 1.1; }} }} }}
"""


def nginx(t, backend="http://127.0.0.1:1"):
    www = t.dir / "www"
    www.mkdir(exist_ok=True)
    (www / "index.html").write_text("hello\n")
    (www / "large").write_bytes(bytes(300000))
    port = t.port()
    user = "user root;" if os.geteuid() == 0 else ""
    (t.dir / "nginx.conf").write_text(NGINX.format(user=user, dir=t.dir, port=port, backend=backend))
    return t.start("nginx", ["nginx", "-p", t.dir, "-e", t.dir / "nginx.err.log", "-c", t.dir / "nginx.conf"], port,
                   stop=signal.SIGQUIT)


@case("nginx serves 1000 requests of 100 streams each, large files by sendfile among them", ["nginx", "h2load"])
def nginx_load(t):
    server = nginx(t)
    h2load(t, server.port, 1000, 3, 100)
    h2load(t, server.port, 60, 2, 10, "/large")
    spans = t.spans(2120).count("nginx", server=1060).count("h2load", client=1060)
    spans.linked("nginx", "SERVER", "h2load", "CLIENT")


@case("nginx as a proxy from HTTP/2 to HTTP/1: each request below its own, ten streams at once", ["nginx", "h2load", "cc"])
def nginx_proxy(t):
    server = nginx(t, c_epoll(t, name="backend").url)
    h2load(t, server.port, 300, 2, 10, "/call")
    spans = t.spans(1200).count("nginx", server=300, client=300).count("backend", server=300)
    spans.linked("nginx", "SERVER", "h2load", "CLIENT").linked("nginx", "CLIENT", "nginx", "SERVER")
    spans.linked("backend", "SERVER", "nginx", "CLIENT")


HAPROXY = """
global
  maxconn 100
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
frontend front
  bind 127.0.0.1:{port} proto h2
  default_backend back
backend back
  server one {backend} proto h2
"""


@case("haproxy with HTTP/2 on both sides: every span below its own, ten streams at once", ["haproxy", *NEEDS])
def haproxy(t):
    far, port = nghttpd(t), t.port()
    (t.dir / "haproxy.cfg").write_text(HAPROXY.format(port=port, backend=f"127.0.0.1:{far.port}"))
    t.start("haproxy", ["haproxy", "-f", t.dir / "haproxy.cfg"], port)
    h2load(t, port, 300, 2, 10)
    spans = t.spans(1200).count("haproxy", server=300, client=300).count("nghttpd", server=300)
    spans.linked("haproxy", "SERVER", "h2load", "CLIENT").linked("haproxy", "CLIENT", "haproxy", "SERVER")
    spans.linked("nghttpd", "SERVER", "haproxy", "CLIENT")


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
