"""How long connecting and the handshake of TLS took: told once a connection, with the request that it was made for."""
import socket
import threading
import time

from apps import CLIENTS as PLAIN
from apps import APPS, python
from harness import case
from tls_apps import CLIENTS as SECURE
from tls_apps import Certificates
from tls_apps import python as secure_python

COUNT, DELAY = 4, 0.3


class Counter:
    """Passes connections on and counts them; holds back what the server says first."""

    def __init__(self, t, port, delay=0.0):
        self.target, self.delay, self.count = port, delay, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        t.closers.append(self.listener.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            there = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self.copy, args=(conn, there, 0.0), daemon=True).start()
            threading.Thread(target=self.copy, args=(there, conn, self.delay), daemon=True).start()

    @staticmethod
    def copy(a, b, delay):
        try:
            while data := a.recv(65536):
                time.sleep(delay)
                delay = 0.0
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def told(t, spans, service):
    """The events of CLIENT spans, (span, connect, handshake); each at most once, in order and before the request."""
    found = []
    for s in spans.of(service, "CLIENT"):
        by_name = {e["name"]: e for e in s["events"]}
        t.equal(len(by_name), len(s["events"]), "each event once")
        connect, secure = by_name.get("network.connect"), by_name.get("tls.handshake")
        for e in by_name.values():
            t.check(e["attributes"]["remora.duration"] >= 0 and e["time"] <= s["start"], f"when it was: {e}")
        if connect and secure:
            t.check(connect["time"] <= secure["time"], "the one, then the other")
        if by_name:
            found.append((s, connect, secure))
    return found


def plain(name, client, needs):
    @case(f"{name}: one event for each connection, in the first request over it", needs, agent_only=True,
          name=f"plain_{name.replace('-', '_')}")
    def run(t):
        server = python(t, name="server", agent=False)
        counter = Counter(t, server.port)
        t.equal(client(t, f"http://127.0.0.1:{counter.port}/hello", COUNT), "hello\n" * COUNT, "what the client printed")
        spans = t.spans(COUNT)
        found = told(t, spans, name)
        t.equal(len(found), counter.count, "connections with an event, and those that were made")
        for s, connect, secure in found:
            t.equal(secure, None, "no TLS")
            t.equal({k: v for k, v in connect["attributes"].items() if k != "remora.duration"},
                    {"network.transport": "tcp", "network.peer.address": "127.0.0.1", "network.peer.port": counter.port}, "whereto")


def secure(name, client, needs):
    @case(f"{name}: an event for connecting and one for the handshake, in the first request of each connection",
          [*needs, "openssl", "python3"], agent_only=True, name=f"secure_{name.replace('-', '_')}")
    def run(t):
        c = Certificates(t)
        server = secure_python(t, c, name="server", agent=False)
        counter = Counter(t, server.port, DELAY)
        t.equal(client(t, c, f"https://127.0.0.1:{counter.port}/hello", COUNT), "hello\n" * COUNT, "what the client printed")
        spans = t.spans(COUNT)
        found = told(t, spans, name)
        t.equal(len(found), counter.count, "connections with events, and those that were made")
        for s, connect, handshake in found:
            t.check(connect and handshake, f"both: {s['events']}")
            t.check(handshake["attributes"]["remora.duration"] >= DELAY, "it waited for the server")
            t.check(handshake["time"] - connect["time"] > DELAY / 2 * 1e9, "connecting, which had ended before, did not")
            t.equal(handshake["attributes"]["tls.protocol.version"], "1.3", "version")


for name, (client, needs) in PLAIN.items():
    plain(name, client, needs)
for name, (client, needs) in SECURE.items():
    secure(name, client, needs)


def by_curl(t, c, port, *options, **env):
    return t.run("curl", ["curl", "-sS", "--cacert", c.ca, *options, *[f"https://127.0.0.1:{port}/hello"] * 2], env=env)


@case("TLS 1.2, whole and resumed: the end of the handshake is that of its second Finished", ["curl", "python3", "openssl"], agent_only=True)
def older(t):
    c = Certificates(t)
    server = secure_python(t, c, name="server", agent=False)
    counter = Counter(t, server.port, DELAY)
    # A fresh connection each time: the second one resumes the session of the first.
    by_curl(t, c, counter.port, "--tls-max", "1.2", "-H", "Connection: close")
    spans = t.spans(2)
    found = told(t, spans, "curl")
    t.equal((len(found), counter.count), (2, 2), "connections")
    for _, _, handshake in found:
        t.check(handshake["attributes"]["remora.duration"] >= DELAY, "it waited for the server")
        t.equal(handshake["attributes"]["tls.protocol.version"], "1.2", "version")


@case("as spans below the request; and not at all", ["curl", "python3", "openssl"], agent_only=True)
def configured(t):
    c = Certificates(t)
    server = secure_python(t, c, name="server", agent=False)
    counter = Counter(t, server.port, DELAY)
    by_curl(t, c, counter.port, REMORA_CONNECTIONS="spans")
    by_curl(t, c, counter.port, REMORA_CONNECTIONS="none")
    spans = t.spans(2 + 2 + 2)
    t.equal([e for s in spans.all for e in s["events"]], [], "no events")
    connect, handshake = sorted((s for s in spans.all if s["kind"] == "INTERNAL"), key=lambda s: s["start"])
    first = min(spans.of("curl", "CLIENT"), key=lambda s: s["start"])
    t.equal([(s["parent_id"], s["trace_id"]) for s in (connect, handshake)], [(first["span_id"], first["trace_id"])] * 2, "below the first request")
    t.equal((connect["name"], handshake["name"]), (f"socket connect 127.0.0.1:{counter.port}", "TLS client handshake 127.0.0.1"), "names")
    t.check(connect["end"] <= handshake["start"] and handshake["end"] <= first["start"], "one after the other")
    t.check(handshake["end"] - handshake["start"] >= DELAY * 1e9, "it waited for the server")


POOL = """
import http.client, http.server, sys
pool = http.client.HTTPConnection('127.0.0.1', int(sys.argv[2]))
pool.connect()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        client = pool if self.path == '/pool' else http.client.HTTPConnection('127.0.0.1', int(sys.argv[2]))
        client.request('GET', '/hello')
        body = client.getresponse().read()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
"""


@case("a connection that was there before the request is not what that one waited for", ["python3"], agent_only=True)
def pooled(t):
    server = python(t, name="server", agent=False)
    web = t.start("web", ["python3", "-c", POOL, (port := t.port()), server.port], port)
    for path in ("/pool", "/own", "/pool", "/own"):
        t.equal(t.get(web.port, path, keep_alive=False), [(200, b"hello\n")], path)
    spans = t.spans(8).linked("web", "CLIENT", "web", "SERVER")
    with_events = [spans.by_id[s["parent_id"]]["attributes"]["url.path"] for s, _, _ in told(t, spans, "web")]
    t.equal(with_events, ["/own", "/own"], "requests with events")


@case("a database: connecting is told with its first command", ["redis-server", "redis-cli"], agent_only=True)
def redis(t):
    port = t.port()
    t.start("server", ["redis-server", "--port", port, "--save", ""], port, agent=False)
    t.run("cli", ["redis-cli", "-p", port], stdin=b"SET a 1\nGET a\nGET a\n")
    spans = t.spans_at_least(3)
    found = told(t, spans, "cli")
    t.equal([s["span_id"] for s, _, _ in found], [spans.of("cli", "CLIENT")[0]["span_id"]], "the first, and no other")
