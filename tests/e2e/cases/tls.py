"""HTTPS: what programs say inside TLS has the spans and headers that it would have in clear."""
import os
import re
import signal
import socket
import ssl
import threading
from pathlib import Path

import apps
from apps import script
from harness import APPS, ROOT, Skip, case
from proxy import Recorder
from tls_apps import (CLIENTS, JAVA, SERVERS, Certificates, curl, haproxy, java, java_keys, java_sockets, java_trust, nginx,
                      node, python)

COUNT = 5


def fetching(name, client, needs):
    @case(f"{name}: https has as many CLIENT spans as requests, each the parent of one SERVER span",
          [*needs, "openssl", "python3"], name=f"fetches_{name.replace('-', '_')}")
    def run(t):
        c = Certificates(t)
        server = python(t, c, name="server")
        t.equal(client(t, c, f"{server.url}/hello?x=1", COUNT), "hello\n" * COUNT, "what the client printed")
        spans = t.spans(2 * COUNT).count(name, client=COUNT).count("server", server=COUNT)
        spans.linked("server", "SERVER", name, "CLIENT").roots(name, "CLIENT")
        for s in spans.of(name, "CLIENT"):
            t.equal((s["name"], s["status"]), ("GET", "unset"), "name and status")
            spans.attributes(s, url__full=f"{server.url}/hello?x=1", http__request__method="GET",
                             http__response__status_code=200, server__address="127.0.0.1",
                             server__port=server.port, network__peer__address="127.0.0.1",
                             network__peer__port=server.port, network__protocol__version="1.1", error__type=None)
        for s in spans.of("server", "SERVER"):
            spans.attributes(s, url__scheme="https", url__path="/hello", url__query="x=1", server__port=server.port,
                             client__address="127.0.0.1", network__peer__address="127.0.0.1")


for name, (client, needs) in CLIENTS.items():
    fetching(name, client, needs)


def serving(name, server, needs):
    @case(f"{name}: https has as many SERVER spans as requests, each below its CLIENT span",
          [*needs, "openssl", "curl"], name=f"serves_{name}")
    def run(t):
        c = Certificates(t)
        process = server(t, c)
        t.equal(curl(t, c, process.url + "/hello", COUNT), "hello\n" * COUNT, "one connection")
        for _ in range(2):
            t.equal(curl(t, c, process.url + "/hello", 1), "hello\n", "a connection of its own")
        curl(t, c, process.url + "/status/404", 1)
        spans = t.spans(2 * COUNT + 6).count(name, server=COUNT + 3).count("curl", client=COUNT + 3)
        spans.linked(name, "SERVER", "curl", "CLIENT")
        for s in spans.of(name, "SERVER"):
            spans.attributes(s, url__scheme="https", server__address="127.0.0.1", server__port=process.port,
                             network__peer__address="127.0.0.1")
        t.equal(sorted(s["attributes"]["http.response.status_code"] for s in spans.of(name)), [200] * 7 + [404], "statuses")


for name, (server, needs) in SERVERS.items():
    serving(name, server, needs)


def engines(way):
    @case(f"Java's engines, {way}: what they say of each call is true, requests arrive as they were sent, with a line of ours",
          ["java", "javac", "openssl"], name=f"engines_{way}")
    def run(t):
        program = t.build.app("https-java-engines", "Main")
        said = t.run(way, [*JAVA, "-cp", program, "Main", way, java_keys(Certificates(t))])
        t.equal(said, f"{way}: 40 requests as they were sent, {40 if t.agent else 0} lines\n", "what the server saw")
        spans = t.spans(80).count(way, server=40, client=40).linked(way, "SERVER", way, "CLIENT")
        for s in spans.all:
            spans.attributes(s, http__response__status_code=200, url__scheme="https" if s["kind"] == "SERVER" else None, error__type=None)


# Buffers one at a time and several, of other kinds, records of 400 bytes, and ciphers that split the first byte off.
for way in ("one", "many", "direct", "readonly", "small", "cbc"):
    engines(way)


# How a program may use the library: requests, and those of them that cannot carry a header (early data).
WAYS = {"plain": 6, "ex": 6, "peek": 6, "tiny": 6, "nonblocking": 6, "partial": 6, "moving": 6, "memory": 6, "implicit": 6,
        "overwritten": 3, "null": 3,
        "fragments": 6, "read-ahead": 6, "clear": 2, "renegotiate": 4, "resume": 3, "bio": 3, "early": 5, "early-refused": 5}
EARLY = {"early": 2}


def using(way, count):
    @case(f"OpenSSL, {way}: bytes as they were, and both spans of each request", ["cc", "openssl"],
          name=f"way_{way.replace('-', '_')}")
    def run(t):
        c = Certificates(t)
        program = t.build.app("https-c-openssl", options=["-lssl", "-lcrypto", "-pthread"])
        said = t.run(way, [program, way, c.server, c.ca])
        t.equal(said, f"{way}: {count} requests, {count if t.agent else 0} lines\n", "what the program saw")
        spans = t.spans(2 * count).count(way, server=count, client=count)
        below = [s for s in spans.of(way, "SERVER") if s["parent_id"]]
        t.equal(len(below), count - EARLY.get(way, 0), "SERVER spans below a CLIENT span")
        for s in below:
            t.equal(spans.by_id[s["parent_id"]]["attributes"]["url.full"].rpartition("/")[2],
                    s["attributes"]["url.path"][1:], "the parent is the same request's")
        t.equal({s["attributes"].get("error.type") for s in spans.all}, {None}, "no errors")


for way, count in WAYS.items():
    using(way, count)


@case("aiohttp: 64 https requests at once to four servers have the peer of their own connection",
      ["python3", "openssl"])
def aiohttp_peers(t):
    c = Certificates(t)
    servers = [python(t, c, name=f"server{i}") for i in range(4)]
    first, *rest = (f"{s.url}/hello?port={s.port}" for s in servers)
    out = t.run("client", ["python3", script("http-client-python-aiohttp", "py"), first, 40, *rest], env=c.trusted())
    t.equal(out, "hello\n" * 160, "what the client printed")
    spans = t.spans(320).count("client", client=160)
    for s in spans.of("client"):
        port = int(s["attributes"]["url.full"].rpartition("=")[2])
        spans.attributes(s, server__port=port, network__peer__address="127.0.0.1", network__peer__port=port)
    for server in servers:
        spans.count(server.name, server=40).linked(server.name, "SERVER", "client", "CLIENT")


def heads_without(stream, names):
    """The stream without header lines of these names, and how many there were."""
    lines, kept = 0, []
    for line in stream.split(b"\r\n"):
        if line.partition(b":")[0].lower() in names:
            lines += 1
        else:
            kept.append(line)
    return b"\r\n".join(kept), lines


def same_bytes(name, client, needs):
    @case(f"{name}: inside TLS the peer receives the bytes of the program, and our header lines",
          [*needs, "python3", "openssl"], name=f"same_bytes_{name.replace('-', '_')}", agent_only=True)
    def run(t):
        c = Certificates(t)
        server = apps.python(t, name="server", agent=False)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(c.server)
        recorder = Recorder(server.port, context)
        counts = []
        for agent in (False, True):
            t.agent = agent
            client(t, c, f"https://127.0.0.1:{recorder.port}/hello?x=1", 3)
            counts.append(len(recorder.connections))
        all = recorder.finish()
        streams = all[:counts[0]], all[counts[0]:]
        (without, _), (sent, lines) = (heads_without(b"".join(s for s, _ in side), (b"traceparent",)) for side in streams)
        t.equal(lines, 3, "header lines of ours")
        t.equal(sent, without, "what the client sends")
        answers = [re.sub(rb"\r\nDate: [^\r]*", b"", b"".join(a for _, a in side)) for side in streams]
        t.equal(answers[1], answers[0], "what it is answered")
        t.spans(3).count(name, client=3)


for name in ("java-urlconnection", "java-httpclient", "curl", "python-requests", "python-aiohttp", "node-fetch", "php-curl", "ruby-nethttp"):
    same_bytes(name, *CLIENTS[name])


@case("a client's certificate is asked for and accepted, and one that is missing refused", ["curl", "openssl", "python3"])
def client_certificates(t):
    c = Certificates(t)
    server = python(t, c, name="server", env={"CLIENT_CA": c.ca})
    t.equal(curl(t, c, server.url + "/hello", 2, options=["--cert", c.client]), "hello\n" * 2, "with a certificate")
    t.run("curl", ["curl", "-sS", "--http1.1", server.url + "/hello"], status=56, env=c.trusted())
    t.run("curl", ["curl", "-sS", "--http1.1", server.url + "/hello"], status=60)  # an authority that it does not know
    spans = t.spans_at_least(4).count("server", server=2)
    spans.linked("server", "SERVER", "curl", "CLIENT")


@case("uploads and downloads of megabytes inside TLS arrive whole", ["curl", "openssl", "python3", "node", "java", "javac"])
def large_bodies(t):
    c = Certificates(t)
    body = bytes(range(256)) * 16384
    (t.dir / "body").write_bytes(body)
    servers = [python(t, c), node(t, c), java(t, c), java_sockets(t, c)]
    for server in servers:
        t.run("curl", ["curl", "-sS", "--http1.1", "-o", "answer", "--data-binary", "@body", server.url + "/echo"],
              env=c.trusted())
        t.equal((t.dir / "answer").read_bytes(), body, f"what {server.name} echoed")
    spans = t.spans(2 * len(servers)).count("curl", client=len(servers))
    for server in servers:
        spans.linked(server.name, "SERVER", "curl", "CLIENT")
    t.equal([s["attributes"].get("http.request.body.size") for s in spans.all], [len(body)] * 2 * len(servers), "body sizes")
    t.equal([s["attributes"].get("http.response.body.size") for s in spans.all], [len(body)] * 2 * len(servers), "body sizes")


@case("nginx and HAProxy in front of https: each hop is one span below the other", ["nginx", "haproxy", "curl", "openssl", "node"])
def proxies(t):
    c = Certificates(t)
    last = node(t, c, name="last")
    middle = haproxy(t, c, backend=last.url)
    front = nginx(t, c, locations=f"location /status {{ proxy_pass {middle.url}; proxy_ssl_trusted_certificate {c.ca}; "
                                  "proxy_ssl_verify on; proxy_ssl_name localhost; }")
    t.run("curl", ["curl", "-sS", "--http1.1", *[front.url + "/status/201"] * COUNT], env=c.trusted())
    spans = t.spans(6 * COUNT).count("curl", client=COUNT).count("nginx", server=COUNT, client=COUNT)
    spans.count("haproxy", server=COUNT, client=COUNT).count("last", server=COUNT)
    spans.linked("last", "SERVER", "haproxy", "CLIENT").linked("haproxy", "CLIENT", "haproxy", "SERVER")
    spans.linked("haproxy", "SERVER", "nginx", "CLIENT").linked("nginx", "CLIENT", "nginx", "SERVER")


@case("git: a clone over https is as without the agent, and has spans", ["git", "nginx", "openssl"])
def git_clone(t):
    c = Certificates(t)
    server = nginx(t, c, name="server")
    quiet = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
             "GIT_COMMITTER_EMAIL": "a@b"}
    work, bare = t.dir / "work", t.dir / "www" / "repo.git"
    t.run("git", ["git", "init", "-q", work], agent=False, env=quiet)
    (work / "file").write_text("content\n" * 10000)
    for command in (["add", "file"], ["commit", "-q", "-m", "one"]):
        t.run("git", ["git", "-C", work, *command], agent=False, env=quiet)
    t.run("git", ["git", "clone", "-q", "--bare", work, bare], agent=False, env=quiet)
    t.run("git", ["git", "-C", bare, "update-server-info"], agent=False, env=quiet)
    t.run("git", ["git", "clone", "-q", server.url + "/repo.git", "clone"], env=c.trusted(**quiet))
    t.equal((t.dir / "clone" / "file").read_text(), "content\n" * 10000, "the file")
    spans = t.spans_at_least(4)
    t.check(len(spans.of("git", "CLIENT")) >= 2, "requests of git")
    t.equal(len(spans.of("git", "CLIENT")), len(spans.of("server", "SERVER")), "one SERVER span each")
    spans.linked("server", "SERVER", "git", "CLIENT")


@case("what is no HTTP inside TLS comes through as it is, without a span", ["openssl", "python3"])
def other_protocol(t):
    c = Certificates(t)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(c.server)
    listener = socket.create_server(("127.0.0.1", 0))
    t.closers.append(listener.close)

    def echo():
        raw, _ = listener.accept()
        with context.wrap_socket(raw, server_side=True) as s:
            while data := s.recv(65536):
                s.sendall(data)
    t.thread(echo)
    out = t.run("client", ["python3", "-c", OTHER, listener.getsockname()[1], c.ca])
    t.equal(out, "the same\n", "what the client saw")
    t.spans(0)


OTHER = """
import hashlib, socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
sent = hashlib.shake_128(b"x").digest(1 << 20)
with context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="127.0.0.1") as s:
    got = b""
    for at in range(0, len(sent), 8192):
        s.sendall(sent[at:at + 8192])
        while len(got) < at + 8192:
            got += s.recv(65536)
print("the same" if got == sent else "other bytes")
"""


HOSTS = ROOT / "deps" / "hosts"


@case("Node.js of nodejs.org, with OpenSSL inside the program: both sides of https are seen", ["openssl", "curl"])
def official_node(t):
    programs = sorted(HOSTS.glob("node-*/node_modules/node-linux-*/bin/node"))
    if not programs:
        raise Skip("not fetched: ./dev torture does that")
    c = Certificates(t)
    total = 0
    for program in programs:
        version = program.relative_to(HOSTS).parts[0]
        server = node(t, c, name=f"server-{version}", program=program)
        clients = ["node-http"] + (["node-fetch"] if int(version[5:]) >= 18 else [])
        for client in clients:
            said = t.run(f"{client}-{version}", [program, script(f"http-client-{client}", "js"), server.url + "/hello", COUNT],
                         env=c.trusted())
            t.equal(said, "hello\n" * COUNT, f"{client} of {version}")
            total += 2 * COUNT
    spans = t.spans(total)
    for server in {s["resource"]["service.name"] for s in spans.all if s["kind"] == "SERVER"}:
        for s in spans.of(server, "SERVER"):
            parent = spans.by_id.get(s["parent_id"])
            t.check(parent and parent["kind"] == "CLIENT", f"a SERVER span of {server} is below its CLIENT span")
            spans.attributes(s, url__scheme="https", network__peer__address="127.0.0.1")


@case("curl: https through a proxy's CONNECT is seen inside, and the CONNECT is a span of its own", ["curl", "openssl", "python3"])
def connect_proxy(t):
    c = Certificates(t)
    server = python(t, c, name="server")
    proxy = Tunnel()
    t.closers.append(proxy.close)
    out = t.run("curl", ["curl", "-sS", "--http1.1", "-x", f"http://127.0.0.1:{proxy.port}", *[server.url + "/hello"] * 3],
                env=c.trusted())
    t.equal(out, "hello\n" * 3, "what curl printed")
    spans = t.spans(7).count("curl", client=4).count("server", server=3)
    spans.linked("server", "SERVER", "curl", "CLIENT")
    t.equal(sorted(s["name"] for s in spans.of("curl")), ["CONNECT", "GET", "GET", "GET"], "curl's spans")


class Tunnel:
    """A proxy that knows CONNECT."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.close = self.listener.close
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(1)
            host, _, port = head.split()[1].decode().partition(":")
            server = socket.create_connection((host, int(port)))
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for ends in ((client, server), (server, client)):
                threading.Thread(target=Recorder.pump, args=(*ends, bytearray()), daemon=True).start()


@case("psql over TLS says what it says without the agent, and its query has a span", ["psql", "openssl"])
def psql(t):
    c = Certificates(t)
    port = t.port()
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not binaries:
        raise Skip("no server of PostgreSQL")
    as_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    data = t.dir / "data"
    data.mkdir()
    for file in (data, c.dir / "server.key"):
        if as_other:
            os.chown(file, 65534, 65534)
        file.chmod(0o700 if file == data else 0o600)
    t.run("initdb", [*as_other, binaries[-1].parent / "initdb", "-D", data, "-U", "test", "-A", "trust"], agent=False)
    t.start("postgres", [*as_other, binaries[-1], "-D", data, "-p", port, "-k", data, "-c", "ssl=on", "-c",
                         f"ssl_cert_file={c.dir}/server.crt", "-c", f"ssl_key_file={c.dir}/server.key"], port,
            stop=signal.SIGINT)
    # It listens before it answers, and writes down when it does.
    t.until("PostgreSQL is ready", lambda: "ready" in (data / "postmaster.pid").read_text())
    query = "select ssl, (select count(*) from generate_series(1, 100000)) from pg_stat_ssl where pid = pg_backend_pid()"
    url = f"host=127.0.0.1 port={port} user=test dbname=postgres sslmode=verify-ca sslrootcert={c.ca}"
    t.equal(t.run("psql", ["psql", "-At", url, "-c", query]), "t|100000\n", "the answer")
    t.spans(1).count("psql", client=1)


def h2_curl(t, c, url):
    """On one connection: one after the other, then all at once."""
    t.equal(t.run("curl", ["curl", "-sS", "--http2", *[url] * 5], env=c.trusted()), "hello\n" * 5, "in turn")
    said = t.run("curl", ["curl", "-sS", "--http2", "--parallel", *[url] * 20], env=c.trusted())
    t.equal(said, "hello\n" * 20, "at once")
    return "curl", 25


def h2_node(t, c, url):
    said = t.run("http2-client-node", ["node", APPS / "http2-client-node" / "main.js", url, 30], env=c.trusted())
    t.equal(said, "hello\n" * 30, "at once")
    return "http2-client-node", 30


def h2_java(t, c, url):
    classes = t.build.app("http2-client-java-httpclient", "Main")
    said = t.run("http2-client-java", [*JAVA, *java_trust(c), "-cp", classes, "Main", url, 5, 24], env=c.trusted())
    t.equal(said, "hello\n" * 30, "one after the other, then all at once")
    return "http2-client-java", 30


def h2_inside(name, client, needs):
    @case(f"{name}: HTTP/2 inside TLS, agreed on by ALPN: one span a stream on either side", [*needs, "nginx", "openssl"],
          name=f"h2_{name}")
    def run(t):
        c = Certificates(t)
        server = nginx(t, c, name="server", options="http2")
        service, count = client(t, c, server.url + "/hello?x=1")
        spans = t.spans(2 * count).count(service, client=count).count("server", server=count)
        spans.linked("server", "SERVER", service, "CLIENT")
        for s in spans.all:
            spans.attributes(s, network__protocol__version="2", http__response__status_code=200, server__port=server.port,
                             network__peer__address="127.0.0.1", error__type=None)
        for s in spans.of("server"):
            spans.attributes(s, url__scheme="https", url__path="/hello")
        for s in spans.of(service):
            spans.attributes(s, url__full=server.url + "/hello?x=1", network__peer__port=server.port)


h2_inside("curl", h2_curl, ["curl"])
h2_inside("node", h2_node, ["node"])
h2_inside("java", h2_java, ["java", "javac"])


def h2_load(streams):
    @case(f"h2load: HTTP/2 inside TLS, 4 connections of {streams} streams: N requests, N spans on either side",
          ["h2load", "nginx", "openssl"], name=f"h2_load_{streams}")
    def run(t):
        c = Certificates(t)
        server = nginx(t, c, name="server", options="http2")
        said = t.run("h2load", ["h2load", "-n", 800, "-c", 4, "-m", streams, server.url + "/hello"])
        t.check("800 total, 800 started, 800 done, 800 succeeded, 0 failed, 0 errored" in said, said)
        spans = t.spans(1600).count("h2load", client=800).count("server", server=800)
        spans.linked("server", "SERVER", "h2load", "CLIENT")


for streams in (1, 10, 100):
    h2_load(streams)


# What is named as OpenSSL: the layout of its tables, names that it lacks, and whether it is to be taken for OpenSSL.
KIN = {"openssl": (1, [], True), "openssl-sysv": (1, ["-Wl,--hash-style=sysv"], True), "openssl-1.1.0": (1, ["-DNO_EX"], False),
       "no-async": (1, ["-DNO_ASYNC"], False),
       "no-want": (1, ["-DNO_WANT"], False), "libressl": (2, ["-DNO_ASYNC"], False), "libressl-names": (2, [], False),
       "boringssl": (3, ["-DNO_EX", "-DNO_ASYNC"], False), "boringssl-names": (3, [], False), "foreign": (4, [], False)}


def kin(name, layout, options, taken):
    @case(f"a library with the names of OpenSSL, {name}: {'its tables lead to us' if taken else 'left alone'}, and it is "
          "called as ever", ["cc"], name=f"kin_{name.replace('-', '_').replace('.', '_')}")
    def run(t):
        library = t.build.app("openssl-kin", source="library", variant=name,
                              options=["-shared", "-fPIC", "-w", f"-DLAYOUT={layout}", *options])
        program = t.build.app("openssl-kin", options=["-ldl", "-rdynamic"])
        plain = t.run("plain", [program, library, layout], agent=False)
        t.equal(t.run("kin", [program, library, layout], env={"REMORA_DEBUG": "init"}), plain, "what its functions said")
        if t.agent:
            t.equal("OpenSSL, 3 tables\n" in (t.dir / "kin.log").read_text(), taken, "its tables were taken")
        t.spans(1 if taken else 0)


for name, (layout, options, taken) in KIN.items():
    kin(name, layout, options, taken)


def inside(name, options, seen):
    @case(f"OpenSSL inside a program that {name}: {'both ends are seen' if seen else 'left alone'}, the same bytes, and "
          "remora check says so", ["cc", "openssl"], name=f"inside_{'exported' if seen else 'closed'}")
    def run(t):
        if not list(Path("/usr/lib").glob("*/libssl.a")):
            t.skip("no static OpenSSL")
        c = Certificates(t)
        program = t.build.app("https-c-openssl", source="basic", variant=name, options=[
            "-Wl,-Bstatic", "-lssl", "-lcrypto", "-Wl,-Bdynamic", "-pthread", "-ldl", *options])
        said = t.run("basic", [program, c.server, c.ca]).splitlines()[1]
        t.equal(said, f"3 requests, {3 if seen and t.agent else 0} lines", "what the program saw")
        if t.agent:
            note = "has OpenSSL inside, where its TLS is seen" if seen else "its TLS is not seen"
            t.check(note in t.run("check", [t.build.cli, "check", program], agent=False), "remora check")
        t.spans(6 if seen else 0)


inside("exports it", ["-rdynamic"], seen=True)
inside("keeps it to itself", [], seen=False)
