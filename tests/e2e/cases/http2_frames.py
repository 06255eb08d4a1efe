"""What else passes over a connection of HTTP/2: pushes, trailers, padding, GOAWAY, resets by the thousand, tunnels."""
import re
import socket

from harness import APPS, DEADLINE, case
from http2_apps import PROXIES, SERVERS, memory_kib, nghttpd

NGHTTP = ["nghttp", "nghttpd"]


def one_each(t, status=200):
    """Each side has one span, the server's below the client's; returns both."""
    spans = t.spans(2).count("nghttpd", server=1).count("nghttp", client=1).linked("nghttpd", "SERVER", "nghttp", "CLIENT")
    for span in spans.all:
        spans.attributes(span, http__response__status_code=status, network__protocol__version="2", error__type=None)
    return spans


@case("nghttp and nghttpd: what the server pushes arrives whole, and is a request of nobody's", NGHTTP)
def push(t):
    server = nghttpd(t, options=["--push=/index.html=/pushed"])
    (t.dir / "h2-www" / "pushed").write_text("pushed\n")
    said = t.run("nghttp", ["nghttp", "-v", f"{server.url}/index.html"])
    t.check(re.search(r"recv PUSH_PROMISE frame", said), "a promise comes")
    t.check("hello\n" in said and "pushed\n" in said, f"both bodies come: {said[-600:]}")
    spans = one_each(t)
    for span in spans.all:
        spans.attributes(span, http__response__body__size=6)


@case("nghttp and nghttpd: trailers of the request and of the response arrive", NGHTTP)
def trailers(t):
    server = nghttpd(t, options=["-v", "--echo-upload", "--trailer=x-answered: yes"])
    (t.dir / "body").write_bytes(b"b" * 40000)
    said = t.run("nghttp", ["nghttp", "-v", "-d", t.dir / "body", "--trailer=x-asked: yes", f"{server.url}/index.html"])
    t.check("b" * 1000 in said, "the body comes back")
    t.check(re.search(r"recv \(stream_id=\d+\) x-answered: yes", said), f"the server's trailer comes: {said[-600:]}")
    spans = one_each(t)
    t.check(re.search(r"recv \(stream_id=\d+\) x-asked: yes", server.log.read_text()), "the client's trailer comes")
    for span in spans.all:
        spans.attributes(span, http__request__body__size=40000, http__response__body__size=40000)


@case("nghttp and nghttpd: padded frames, heads of several frames, and an answer before the body is sent", NGHTTP)
def padding(t):
    server = nghttpd(t, options=["-v", "--padding=100", "--echo-upload"])
    url = f"{server.url}/index.html"
    (t.dir / "body").write_bytes(b"b" * 40000)
    for options in (["-b", 200], ["--continuation"], ["--expect-continue", "-d", t.dir / "body", "-b", 17]):
        said = t.run("nghttp", ["nghttp", *options, url])
        t.check("hello\n" in said or "b" * 40000 in said, f"{options}: the body comes: {said[-300:]}")
    spans = t.spans(6).count("nghttpd", server=3).count("nghttp", client=3)
    spans.linked("nghttpd", "SERVER", "nghttp", "CLIENT")
    for span in spans.all:
        spans.attributes(span, http__response__status_code=200, error__type=None)


@case("node: of twenty requests under way the server serves ten and goes away; the others have that as their error", ["node"])
def goaway(t):
    program, port = APPS / "http2-goaway-node" / "main.js", t.port()
    t.start("server", ["node", program, "server", port], port)
    t.equal(t.run("client", ["node", program, "client", port]), "10 10\n", "what the client says")
    spans = t.spans(40).count("server", server=20).count("client", client=20)
    spans.linked("server", "SERVER", "client", "CLIENT")
    for service in ("server", "client"):
        ends = sorted((s["attributes"].get("http.response.status_code", 0), s["attributes"].get("error.type"))
                      for s in spans.of(service))
        t.equal(ends, [(0, "goaway")] * 10 + [(200, None)] * 10, f"how the requests of {service} end")


# ---- streams that are opened and reset at once ("rapid reset") ----

CONNECTIONS, STREAMS = 100, 1000
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04\x00" + bytes(4)


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


# GET http://h/index.html, and CANCEL behind it.
FLOOD = PREFACE + b"".join(frame(1, 5, i, b"\x82\x86\x85\x01\x01h") + frame(3, 0, i, b"\0\0\0\x08")
                           for i in range(1, 2 * STREAMS, 2))


def flood(port):
    """Opens and resets the streams of each connection; the server may close it meanwhile, or not read it to its end."""
    for _ in range(CONNECTIONS):
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as s:
            try:
                s.sendall(FLOOD)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass


def resets(name):
    start, needs = SERVERS[name]

    @case(f"{name}: 100,000 streams that are reset at once: it goes on to serve, nothing grows, each is counted", needs,
          agent_only=True, name=f"resets_{name}")
    def run(t):
        t.debug = {"REMORA_DEBUG": "export"}
        server = start(t)
        flood(server.port)
        first = memory_kib(server.popen.pid)
        flood(server.port)
        t.check(memory_kib(server.popen.pid) < first + 16384, f"memory: {first} KiB, then {memory_kib(server.popen.pid)}")
        url = f"{server.url}/index.html"
        t.equal(t.run("curl", ["curl", "-sS", "--http2-prior-knowledge", url], agent=False), "hello\n", "it still serves")
        t.stop()
        if name == "nghttpd":  # the signal ends it at once
            return
        logs = "".join(p.read_text() for p in t.dir.glob("*.log"))
        # Threads that end the process at the same time each say it: the last word of each process counts.
        last = dict(re.findall(r"^remora(\[\d+\]) export: spans: (.*)$", logs, re.M))
        counts = [[int(n) for n in re.findall(r"\d+", line)] for line in last.values()]
        t.check(counts, "it says what became of its spans")
        made, not_made = sum(c[0] for c in counts), sum(sum(c[5:]) for c in counts)
        t.check(1 < made + not_made <= 2 * CONNECTIONS * STREAMS + 3, f"spans: {made} made, {not_made} not")
        t.check(made == sum(sum(c[1:5]) for c in counts), f"each span made is accounted for: {counts}")


for name in SERVERS:
    resets(name)


def tunnel(name):
    start, needs = PROXIES[name]

    @case(f"a WebSocket in a stream of HTTP/2 through {name}, which asks for it by HTTP/1.1: four spans, one below the other",
          ["node", *needs], name=f"tunnel_{name}")
    def run(t):
        program, port = APPS / "websocket-peer-node" / "main.js", t.port()
        t.start("server", ["node", program, "server", port], port)
        proxy = start(t, f"http://127.0.0.1:{port}", h2=False)
        for _ in range(3):
            t.equal(t.run("client", ["node", program, "client2", proxy.port]), "whole\n", "what the client says")
        spans = t.spans(12).count("client", client=3).count(name, server=3, client=3).count("server", server=3)
        spans.linked(name, "SERVER", "client", "CLIENT").linked(name, "CLIENT", name, "SERVER")
        spans.linked("server", "SERVER", name, "CLIENT")
        for service, kind, method, status in (("client", "CLIENT", "CONNECT", 200), (name, "SERVER", "CONNECT", 200),
                                              (name, "CLIENT", "GET", 101), ("server", "SERVER", "GET", 101)):
            for span in spans.of(service, kind):
                spans.attributes(span, http__request__method=method, http__response__status_code=status, error__type=None)


for name in ("nghttpx", "haproxy"):
    tunnel(name)
